"""Refs that are chosen by globs: the latest run of each is found wherever it stands among a project's runs."""

from typing import Any

import pytest

from tests.contract.gitlab.bodies import WAITS, basic, job, job_node, node
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, asked, executed, paths, rest
from tests.http_stub import Reply, Stub
from tui.domain.pipeline import Pipeline
from tui.domain.status import Status

THIRTY = ["main", *(f"release/2026.{n}" for n in range(29))]


def busy(path: str = "ml/fraud", refs: list[str] = THIRTY, first: int = 3000, **runs: dict[str, Any]) -> Any:
    """A project whose refs ran in turn, newest first, forty runs on one and then one on each; ``runs`` are fields of
    the runs of a number (``r2950``)."""
    names = [refs[0]] * 40 + refs
    numbers = [first - at for at in range(len(names))]
    fields = [{"ref": ref, **runs.get(f"r{number}", {})} for number, ref in zip(numbers, names, strict=True)]
    return {
        "fullPath": path,
        "pipelines": [node(number, **more) for number, more in zip(numbers, fields, strict=True)],
    }


def rows(listing: Any) -> dict[str, Pipeline]:
    return {row.ref: row for row in listing.pipelines}


async def test_a_glob_finds_refs_that_did_not_run_lately(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [busy()]})
    listing = await connect(refs=("release/*",)).pipelines()
    assert [(row.ref, row.runs[0].title, row.runs[0].status) for row in listing.pipelines] == [
        (f"release/2026.{n}", f"#{2959 - n}", Status.PASSED) for n in range(5)
    ]
    assert listing.notes == ("not shown: ml/fraud: and 24 more refs",)
    assert len(stub.requests) == 1


async def test_what_goes_on_waits_or_failed_is_shown_whatever_its_age(stub: Stub, connect: Connect) -> None:
    gate = job_node(11, "promote", **WAITS)
    project = busy(
        r2940={"status": "FAILED"},
        r2935={"status": "RUNNING", "finishedAt": None},
        r2933={"status": "MANUAL", "finishedAt": None, "jobs": {"nodes": [gate]}},
    )
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [project]})
    listing = await connect(refs=("main", "release/*")).pipelines()
    found = {title: row for row in listing.pipelines for title in [row.runs[0].title]}
    assert [found[f"#{number}"].runs[0].status for number in (2940, 2935, 2933)] == [
        Status.FAILED,
        Status.RUNNING,
        Status.WAITING,
    ]
    assert [str(gate.address) for gate in found["#2933"].runs[0].gates] == ["gl:ml/fraud#2933/promote!play"]
    assert listing.notes == ("not shown: ml/fraud: and 21 more refs",)


async def test_runs_under_way_behind_ten_newer_ones_are_listed(stub: Stub, connect: Connect) -> None:
    project = busy(r2985={"status": "RUNNING", "finishedAt": None})
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [project]})
    main = rows(await connect(refs=("main", "release/*")).pipelines())["main"]
    assert [run.address.run for run in main.runs] == [*range(3000, 2990, -1), 2985]


async def test_tags_are_found(stub: Stub, connect: Connect) -> None:
    project = busy()
    project["pipelines"].append(node(2000, ref="v1.0", refPath="refs/tags/v1.0", warnings=True))
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [project]})
    for refs in (("v*",), ("refs/tags/v*",)):
        [row] = (await connect(refs=refs).pipelines()).pipelines
        assert (row.ref, row.runs[0].status) == ("v1.0", Status.WARNING)


@pytest.mark.parametrize("pattern", ["!*", "refs/merge-requests/*", "refs/merge-requests/*/head", "!7"])
async def test_merge_requests_are_found(stub: Stub, connect: Connect, pattern: str) -> None:
    project = busy()
    request = node(2000, ref="refs/merge-requests/7/head", source="merge_request_event")
    project["pipelines"].append(request)
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [project]})
    listing = await connect(refs=(pattern,)).pipelines()
    assert [(row.ref, row.runs[0].title) for row in listing.pipelines] == [("!7", "#2000")]
    assert asked(stub.requests[0])[1]["named"] is False


async def test_a_run_that_was_among_the_newest_keeps_what_was_known(stub: Stub, connect: Connect) -> None:
    data = {"projects": [{"fullPath": "ml/fraud", "pipelines": [node(1000, ref="release/1")]}]}
    stub.routes[GRAPHQL] = executed(lambda _: data)
    source = connect(refs=("release/*",))
    before = rows(await source.pipelines())["release/1"]
    data["projects"] = [
        {
            "fullPath": "ml/fraud",
            "pipelines": [*(node(1100 - n) for n in range(20)), node(1000, ref="release/1")],
        }
    ]
    assert rows(await source.pipelines())["release/1"] == before


async def test_more_branches_than_a_page_are_told(stub: Stub, connect: Connect) -> None:
    project = busy(refs=[f"release/{n}" for n in range(120)])
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [project]})
    listing = await connect(refs=("release/*",)).pipelines()
    assert listing.notes == (
        "not shown: ml/fraud: and 95 more refs",
        "only the 100 branches and tags that ran last are looked at: ml/fraud",
    )


async def test_rest_finds_them_too_and_asks_now_and_then(stub: Stub, connect: Connect, clock: Clock) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    scopes = {
        ("scope", "branches"): [basic(1900), basic(1500, ref="release/1")],
        ("scope", "tags"): [basic(1400, ref="v1")],
        ("scope", "running"): [basic(1300, ref="release/2", status="running")],
        ("status", "manual"): [basic(1200, ref="release/3", status="manual")],
    }

    def pipelines(request: Any) -> Reply:
        for (name, word), found in scopes.items():
            if request.query.get(name) == [word]:
                return Reply.json(found)
        return Reply.json([basic(2000 - n) for n in range(10)])

    stub.routes[rest("/projects/ml%2Ffraud/pipelines")] = pipelines
    stub.routes[rest("/projects/ml%2Ffraud/pipelines/1200/jobs")] = Reply.json(
        [job(11, "promote", "deploy", status="manual")]
    )
    source = connect(refs=("release/*",))
    listing = await source.pipelines()
    assert [(row.ref, row.runs[0].status) for row in listing.pipelines] == [
        ("release/1", Status.PASSED),
        ("release/2", Status.RUNNING),
        ("release/3", Status.WAITING),
    ]
    assert len(listing.pipelines[2].runs[0].gates) == 1
    scopes["scope", "running"] = []
    await source.pipelines()
    stub.requests.clear()
    await source.pipelines()
    assert len(paths(stub)) == 1, "nothing goes on there"
    clock.ahead = 61
    await source.pipelines()
    assert len(paths(stub)) == 1 + 5


@pytest.mark.parametrize("count", [10, 50])
async def test_globs_cost_no_request_and_at_most_twice_the_bytes(
    stub: Stub, connect: Connect, count: int
) -> None:
    """Thirty refs a project, the ten newest runs on ten of them."""
    projects = {
        f"ml/p{at}": {
            "fullPath": f"ml/p{at}",
            "pipelines": [node(3000 + 100 * at - n, ref=THIRTY[n % 30]) for n in range(60)],
        }
        for at in range(count)
    }
    stub.routes[GRAPHQL] = executed(lambda values: {"projects": [projects[path] for path in values["paths"]]})
    costs = []
    for refs in ((), ("main", "release/*")):
        source, before = connect(watch=tuple(projects), refs=refs), len(stub.requests)
        listing = await source.pipelines()
        assert len(listing.pipelines) == count * (6 if refs else 5)
        costs.append((len(stub.requests) - before, source.facts().bytes_read))
    (requests, size), (requests_with_globs, size_with_globs) = costs
    assert requests == requests_with_globs == count / 10
    assert size < size_with_globs <= 2 * size
    print(f"{count} projects: {size:,} bytes, with globs {size_with_globs:,}")  # noqa: T201


@pytest.mark.parametrize(
    ("count", "requests", "size"), [(10, 1, 54_825), (50, 5, 274_165), (500, 50, 2_742_140)]
)
async def test_without_globs_nothing_is_dearer_than_it_was(
    stub: Stub, connect: Connect, monkeypatch: pytest.MonkeyPatch, count: int, requests: int, size: int
) -> None:
    """``size`` are the bytes of the answers without anything that is asked for globs."""
    monkeypatch.setattr("tui.sources.gitlab.read.watch.MOST_PROJECTS", 500)
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)
    projects = {
        f"ml/p{at}": {
            "fullPath": f"ml/p{at}",
            "pipelines": [node(1_200_000 + 1000 * at - n) for n in range(10)],
        }
        for at in range(count)
    }
    stub.routes[GRAPHQL] = executed(lambda values: {"projects": [projects[path] for path in values["paths"]]})
    source = connect(watch=tuple(projects))
    assert len((await source.pipelines()).pipelines) == count
    assert len(stub.requests) == requests
    assert source.facts().bytes_read <= 1.05 * size
    assert sum(len(request.body) for request in stub.requests) <= 1.05 * 800 * requests
