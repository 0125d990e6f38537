"""What an old GitLab does not know is left out, and nothing else is lost; refusals are forgotten after a while."""

import json
from typing import Any

import pytest

from tests.contract.gitlab.bodies import basic, detail, full, job_node, node, project
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, executed, paths, rest
from tests.contract.gitlab.graphql_stub import ResolveError
from tests.http_stub import Reply, Request, Stub
from tui.domain.address import parse_address
from tui.domain.status import Status
from tui.sources.gitlab.fallback import REFUSED_FOR
from tui.sources.gitlab.graphql_client import UNKNOWN_FOR
from tui.sources.gitlab.graphql_document import without

VERSIONS = ("15.3", "16.2", "17.6", "18.9")
RUN = parse_address("gl:ml/fraud#1842")
PIPELINES = "/projects/ml%2Ffraud/pipelines"


def posts(stub: Stub) -> list[Any]:
    return [json.loads(request.body) for request in stub.requests if request.method == "POST"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("refs", [(), ("main", "release/*")])
async def test_the_list_of_every_version(
    stub: Stub, connect: Connect, version: str, refs: tuple[str, ...]
) -> None:
    watch = tuple(f"ml/p{n}" for n in range(7))
    found = [{"fullPath": path, "pipelines": [node(1000 + n)]} for n, path in enumerate(watch)]
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": found}, version)
    for n in range(7):
        listed = [basic(1000 + n, source="schedule")]
        stub.routes[rest(f"/projects/ml%2Fp{n}/pipelines")] = Reply.json(listed)
    source = connect(watch=watch, refs=refs)
    listing = await source.pipelines()
    assert listing.notes == ()
    assert [row.address.path for row in listing.pipelines] == list(watch)
    for row in listing.pipelines:
        [run] = row.runs
        assert (run.duration, run.ref, run.revision[:4]) == (300.0, "main", "2b3c"), "GraphQL tells it"
        assert run.trigger == ("push" if version >= "17" else "schedule"), (
            "REST tells it where GraphQL does not"
        )
        assert run.cause == f"{run.trigger} by alice"
    assert source.facts().stage_source == "GraphQL"
    stub.requests.clear()
    assert await source.pipelines() == listing
    assert set(paths(stub)) == {"POST /api/graphql"}
    assert len(paths(stub)) == (1 if version >= "17" else 4 if refs else 2), (
        "what is known is not tried again"
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_run_of_every_version(stub: Stub, connect: Connect, version: str) -> None:
    jobs = [
        job_node(1, "build", stage="build", status="FAILED", failureMessage="No space left", exitCode=28),
        job_node(2, "train", stage="train", needs=["build"]),
    ]
    data = detail(node(1842), [("build", "failed"), ("train", "success")], jobs)
    stub.routes[GRAPHQL] = executed(lambda _: data, version)
    stub.routes[rest(f"{PIPELINES}/1842")] = Reply.json(full(1842))
    run = await connect().run(RUN)
    assert [stage.name for stage in run.stages or ()] == ["build", "train"]
    build, train = (stage.jobs[0] for stage in run.stages or ())
    assert (train.needs, train.duration) == (("build",), 60.0)
    assert build.status is Status.FAILED
    assert build.reason == {"15.3": "", "18.9": "No space left (exit code 28)"}.get(version, "No space left")
    assert run.stage_source == ""


async def test_an_upgraded_server_is_noticed(stub: Stub, connect: Connect, clock: Clock) -> None:
    data = {"projects": [{"fullPath": "ml/fraud", "pipelines": [node(1001, name="Nightly")]}]}
    stub.routes[GRAPHQL] = executed(lambda _: data, "16.2")
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1001)])
    source = connect()
    assert (await source.pipelines()).pipelines[0].runs[0].title == "#1001"
    stub.routes[GRAPHQL] = executed(lambda _: data)
    clock.ahead = UNKNOWN_FOR + 1
    assert (await source.pipelines()).pipelines[0].runs[0].title == "Nightly"
    assert "projects(fullPaths" in posts(stub)[-1]["query"]


async def test_a_refusal_holds_for_a_while_only(stub: Stub, connect: Connect, clock: Clock) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1842)])
    source = connect()
    assert "read over REST" in (await source.pipelines()).notes[0]
    data = {"projects": [{"fullPath": "ml/fraud", "pipelines": [node(1842)]}]}
    stub.routes[GRAPHQL] = executed(lambda _: data)
    assert "read over REST" in (await source.pipelines()).notes[0]
    clock.ahead = REFUSED_FOR + 1
    assert (await source.pipelines()).notes == ()
    assert source.facts().stage_source == "GraphQL"


async def test_what_took_too_long_is_asked_of_rest_for_those_projects_alone(
    stub: Stub, connect: Connect
) -> None:
    watch = tuple(f"ml/p{n}" for n in range(11))
    found = [{"fullPath": path, "pipelines": [node(1000 + n)]} for n, path in enumerate(watch)]
    good = executed(lambda _: {"projects": found})

    def answer(request: Request) -> Reply:
        if json.loads(request.body)["variables"]["paths"] != ["ml/p10"]:
            return good(request)
        words = "Request timed out. Please try a less complex query or a smaller set of records."
        return Reply.json({"errors": [{"message": words}]}, 503)

    stub.routes[GRAPHQL] = answer
    stub.routes[rest("/projects/ml%2Fp10/pipelines")] = Reply.json([basic(1010)])
    source = connect(watch=watch)
    listing = await source.pipelines()
    assert [row.runs[0].duration for row in listing.pipelines] == [*[300.0] * 10, None]
    [note] = listing.notes
    assert note.startswith("ml/p10: read over REST")
    stub.requests.clear()
    await source.pipelines()
    assert sorted(paths(stub)) == ["GET /api/v4/projects/ml%2Fp10/pipelines", "POST /api/graphql"]


async def test_an_error_of_one_project_leaves_the_others_and_names_it(stub: Stub, connect: Connect) -> None:
    found = [
        {"fullPath": "ml/a", "pipelines": [node(1001)]},
        {"fullPath": "ml/b", "pipelines": ResolveError("boom")},
        {"fullPath": "ml/c", "pipelines": [node(1003)]},
    ]
    for version in VERSIONS:
        stub.routes[GRAPHQL] = executed(lambda _: {"projects": found}, version)
        stub.routes[rest("/projects/ml%2Fgone")] = Reply.json({"message": "404 Project Not Found"}, 404)
        for path in ("a", "c"):
            stub.routes[rest(f"/projects/ml%2F{path}/pipelines")] = Reply.json([])
        listing = await connect(watch=("ml/a", "ml/b", "ml/c", "ml/gone")).pipelines()
        assert [row.address.path for row in listing.pipelines] == ["ml/a", "ml/c"]
        [failed, gone] = listing.notes
        assert failed.startswith("ml/b: not read, not shown: GitLab left it out: boom")
        assert gone.startswith("ml/gone does not exist")


async def test_a_project_that_an_error_nulls_is_named(stub: Stub, connect: Connect) -> None:
    body = {
        "data": {"projects": {"nodes": [{"fullPath": "ml/a", "pipelines": {"nodes": [node(1001)]}}, None]}},
        "errors": [{"message": "boom", "path": ["projects", "nodes", 1, "pipelines"]}],
    }
    stub.routes[GRAPHQL] = Reply.json(body)
    listing = await connect(watch=("ml/a", "ml/b")).pipelines()
    assert [row.address.path for row in listing.pipelines] == ["ml/a"]
    assert listing.notes == (
        "ml/b: not read, not shown: GitLab left it out: boom (projects/nodes/1/pipelines)",
    )


async def test_thirty_five_bridges_are_all_there(stub: Stub, connect: Connect) -> None:
    bridges = [
        job_node(n, f"start {n}", kind="BRIDGE", stage="start", downstreamPipeline=None) for n in range(1, 36)
    ]
    data = detail(node(1842), [("start", "success")], bridges)
    stub.routes[GRAPHQL] = executed(lambda _: data)
    stub.routes[rest(f"{PIPELINES}/1842")] = Reply.json(full(1842))
    run = await connect().run(RUN)
    assert len((run.stages or ())[0].jobs) == 35


async def test_a_question_whose_purpose_is_unknown_goes_to_rest(stub: Stub, connect: Connect) -> None:
    """15.3 has environments without their deployments."""
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": []}, "15.3")
    stub.routes[rest("/projects/ml%2Ffraud/environments")] = Reply.json([])
    stub.routes[rest("/projects/ml%2Ffraud/deployments")] = Reply.json([])
    source = connect()
    await source.environments(parse_address("gl:ml/fraud"))
    assert "REST for Environments" in source.facts().stage_source


def test_a_document_without_a_field_is_without_what_served_it_alone() -> None:
    query = "query A($x: Int, $y: Int) { a { b { c(n: $x) ...F } } d(m: $y) } fragment F on T { e { f } }"
    assert without(query, frozenset({("fragment F", "e", "f"), ("query A", "d")})) is not None
    assert without(query, frozenset({("query A", "a", "b")})) == "query A($y: Int) { d(m: $y) }"
    assert without(query, frozenset({("query A", "a"), ("query A", "d")})) is None
    assert without(query, frozenset({("query A", "z")})) is None


@pytest.mark.parametrize("version", VERSIONS)
async def test_check_says_what_the_version_lacks(stub: Stub, connect: Connect, version: str) -> None:
    data = {"projects": [{"fullPath": "ml/fraud", "pipelines": [node(1001)]}]}
    stub.routes |= {
        GRAPHQL: executed(lambda _: data, version),
        rest("/metadata"): Reply.json({"version": version}),
        rest("/user"): Reply.json({"username": "alice"}),
        rest("/personal_access_tokens/self"): Reply.json({"scopes": ["api"]}),
        rest(PIPELINES): Reply.json([basic(1001)]),
        rest("/projects/ml%2Ffraud"): Reply.json(project(42, "ml/fraud")),
    }
    findings = [found for found in await connect().check() if found.subject == "GraphQL"]
    words = "; ".join(found.message for found in findings)
    assert ("exitCode" in words) == (version != "18.9")
    assert ("source" in words) == (version < "17")
    assert ("does not answer Environments" in words) == (version == "15.3")
    assert words == "answers" if version == "18.9" else "answers; this version does not tell" in words
