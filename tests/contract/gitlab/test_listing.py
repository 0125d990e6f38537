"""The list of pipelines, by GraphQL."""

from typing import Any
from unittest.mock import patch

import pytest

from tests.contract.gitlab.bodies import WAITS, job_node, node
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, asked, dashboard, paths, projects, rest
from tests.http_stub import Reply, Request, Stub
from tui.domain.address import parse_address
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.gitlab.read import convert

NINE = 1778230800.0  # 2026-05-08T09:00:00Z


async def test_twenty_five_projects_take_three_requests(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(**{f"p{n}": [node(2000 + n)] for n in range(25)})
    watch = tuple(f"ml/p{n}" for n in range(25))
    listing = await connect(watch=watch).pipelines()
    assert [row.address.path for row in listing.pipelines] == list(watch)
    assert listing.notes == ()
    assert sorted(len(asked(request)[1]["paths"]) for request in stub.requests) == [5, 10, 10]
    assert stub.requests[0].headers["authorization"] == "Bearer glpat-secret"


async def test_a_row_says_what_the_pipeline_did(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(
        fraud=[
            node(
                1842,
                name="Nightly training",
                status="FAILED",
                testReportSummary={"total": {"count": 12, "failed": 1, "skipped": 2, "error": 1}},
            )
        ]
    )
    [row] = (await connect().pipelines()).pipelines
    assert (row.name, row.folder, row.ref) == ("fraud", "ml", "main")
    assert row.web_url == f"{stub.url}/gitlab/ml/fraud/-/pipelines"
    run = row.runs[0]
    assert run.address == parse_address("gl:ml/fraud#1842")
    assert (run.title, run.status, run.vendor_status) == ("Nightly training", Status.FAILED, "failed")
    assert (run.created_at, run.started_at, run.duration) == (NINE, NINE + 10, 300.0)
    assert run.cause == "push by alice"
    assert run.tests == TestCounts(12, 2, 2)
    assert run.revision == "2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
    assert run.web_url == f"{stub.url}/gitlab/ml/fraud/-/pipelines/1842"
    assert run.stages is None


async def test_each_ref_is_a_row_newest_first(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(
        fraud=[
            node(1009, ref="refs/merge-requests/12/head"),
            node(1008),
            node(1007, ref="refs/merge-requests/12/merge"),
            node(1006, child=True, ref="hidden"),
            node(1005),
            *(node(1004 - n, ref=f"feature/{n}") for n in range(4)),
        ]
    )
    rows = (await connect().pipelines()).pipelines
    assert [(row.ref, [run.title for run in row.runs]) for row in rows] == [
        ("!12", ["#1009", "#1007"]),
        ("main", ["#1008", "#1005"]),
        ("feature/0", ["#1004"]),
        ("feature/1", ["#1003"]),
        ("feature/2", ["#1002"]),
    ]


async def test_configured_refs_choose_the_rows(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(
        fraud=[node(1003, ref="release/2026.5"), node(1002, ref="feature/x"), node(1001, ref="main")]
    )
    rows = (await connect(refs=("main", "release/*")).pipelines()).pipelines
    assert [row.ref for row in rows] == ["release/2026.5", "main"]
    assert len(stub.requests) == 1


async def test_a_configured_ref_out_of_sight_gets_a_question_of_its_own_now_and_then(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    old = node(900, ref="release/1.0", iid="1")
    shown: list[str | None] = []

    def nodes(variables: dict[str, Any]) -> list[Any]:
        shown.append(variables.get("ref"))
        pipelines = [old] if variables.get("ref") == "release/1.0" else [node(1001)]
        return [{"fullPath": "ml/fraud", "pipelines": {"nodes": pipelines}}]

    stub.routes[GRAPHQL] = dashboard(nodes)
    source = connect(refs=("main", "release/1.0"))
    rows = (await source.pipelines()).pipelines
    assert [row.ref for row in rows] == ["main", "release/1.0"]
    await source.pipelines()
    assert shown == [None, "release/1.0", None], "it is done, so it is not asked again at once"
    clock.ahead = 61
    await source.pipelines()
    assert shown[3:] == [None, "release/1.0"]


async def test_manual_jobs_are_gates_blocking_ones_and_optional_ones(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(
        fraud=[
            node(
                1842,
                status="MANUAL",
                jobs={
                    "nodes": [
                        job_node(12, "roll back", allowFailure=True, **WAITS),
                        job_node(11, "promote!", **WAITS),
                        job_node(10, "scheduled one", status="SCHEDULED", manualJob=True),
                    ]
                },
            )
        ]
    )
    [row] = (await connect().pipelines()).pipelines
    run = row.runs[0]
    assert run.status is Status.WAITING
    assert [(str(gate.address), gate.message, gate.blocking) for gate in run.gates] == [
        ("gl:ml/fraud#1842/promote%21!play", "promote!", True),
        ("gl:ml/fraud#1842/roll back!play", "roll back", False),
    ]


async def test_a_project_without_runs_is_a_bare_row(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(fraud=[])
    [row] = (await connect().pipelines()).pipelines
    assert (row.ref, row.runs) == ("", ())


async def test_a_missing_project_is_a_note_and_asked_after_once(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(fraud=[node(1001)])
    stub.routes[rest("/projects/ml%2Fgone")] = Reply.json({"message": "404 Project Not Found"}, 404)
    source = connect(watch=("ml/gone", "ml/fraud"))
    listing = await source.pipelines()
    assert [row.address.path for row in listing.pipelines] == ["ml/fraud"]
    assert listing.notes == (
        "ml/gone does not exist, or this user may not see it; a group is written 'ml/gone/**'",
    )
    assert (await source.pipelines()).notes == listing.notes
    assert paths(stub).count("GET /api/v4/projects/ml%2Fgone") == 1


async def test_a_project_whose_pipelines_are_hidden_is_a_note(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = dashboard(lambda _: [{"fullPath": "ml/fraud", "pipelines": None}])
    stub.routes[rest("/projects/ml%2Ffraud")] = Reply.json({"id": 42, "path_with_namespace": "ml/fraud"})
    listing = await connect().pipelines()
    assert listing.pipelines == ()
    assert listing.notes == ("ml/fraud is there, but this user may not see its pipelines",)


async def test_a_moved_project_is_told_by_its_new_name(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects()
    moved = "http://gitlab.internal:8080/gitlab/api/v4/projects/42"
    stub.routes[rest("/projects/ml%2Fold")] = Reply(301, {"Location": moved}, b"moved")
    stub.routes[rest("/projects/42")] = Reply.json({"id": 42, "path_with_namespace": "ml/fraud"})
    listing = await connect(watch=("ml/old",)).pipelines()
    assert listing.notes == ("ml/old has moved to ml/fraud (project 42); put that into watch",)


async def test_partial_errors_are_notes_and_keep_the_last_picture(stub: Stub, connect: Connect) -> None:
    whole = {"fullPath": "ml/vision", "pipelines": {"nodes": [node(1002)]}}
    ok = {
        "data": {
            "projects": {"nodes": [whole, {"fullPath": "ml/fraud", "pipelines": {"nodes": [node(1001)]}}]}
        }
    }
    partly = {
        "data": {"projects": {"nodes": [whole, {"fullPath": "ml/fraud", "pipelines": None}]}},
        "errors": [{"message": "boom\x1b[31m", "path": ["projects", "nodes", 1, "pipelines"]}],
    }
    stub.routes[GRAPHQL] = (Reply.json(ok), Reply.json(partly))
    source = connect(watch=("ml/fraud", "ml/vision"))
    first = await source.pipelines()
    second = await source.pipelines()
    assert second.pipelines == first.pipelines
    assert second.notes == (
        "ml/fraud: not read, shown as last read: GitLab left it out: boom (projects/nodes/1/pipelines)",
    )


async def test_one_bad_batch_does_not_take_the_others_away(stub: Stub, connect: Connect) -> None:
    good = projects(**{f"p{n}": [node(2000 + n, status="RUNNING")] for n in range(11)})
    broken = [False]

    def answer(request: Request) -> Reply:
        if broken[0] and len(asked(request)[1]["paths"]) == 1:
            return Reply.json({"message": "500 Internal Server Error"}, 500, **{"X-Request-Id": "01HX"})
        return good(request)

    stub.routes[GRAPHQL] = answer
    source = connect(watch=tuple(f"ml/p{n}" for n in range(11)))
    first = await source.pipelines()
    broken[0] = True
    second = await source.pipelines()
    assert second.pipelines == first.pipelines
    [note] = second.notes
    assert note.startswith("ml/p10: not read, shown as last read: gl answered 500")
    assert "request id 01HX" in note
    [note] = (await connect(watch=tuple(f"ml/p{n}" for n in range(11))).pipelines()).notes
    assert note.startswith("ml/p10: not read, not shown: gl answered 500"), "it never was"


async def test_hostile_names_are_shown_harmless(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = projects(
        fraud=[
            node(
                1001,
                ref="feat/[/foo]\x1b]0;owned\x07",
                name="[red]\x1b[2Jboo\u202e\n",
                user={"username": "\x9bmallory"},
            )
        ]
    )
    [row] = (await connect().pipelines()).pipelines
    assert row.ref == "feat/[/foo]"
    assert row.runs[0].title == "[red]boo "
    assert row.runs[0].cause == "push by mallory"


async def test_paths_are_matched_whatever_their_case_and_shown_once(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = dashboard(
        lambda _: [{"fullPath": "ml/Fraud", "pipelines": {"nodes": [node(1001)]}}]
    )
    listing = await connect(watch=("ml/fraud", "ML/FRAUD")).pipelines()
    assert [row.address.path for row in listing.pipelines] == ["ml/Fraud"]
    assert listing.notes == ()


async def test_a_ref_that_cannot_be_read_leaves_the_others(stub: Stub, connect: Connect) -> None:
    good = projects(fraud=[node(1001)])

    def answer(request: Request) -> Reply:
        return Reply.json({}, 500) if "ref" in asked(request)[1] else good(request)

    stub.routes[GRAPHQL] = answer
    listing = await connect(refs=("main", "old")).pipelines()
    assert [row.ref for row in listing.pipelines] == ["main"]
    assert listing.notes[0].startswith("old could not be read, not shown: gl answered 500")


async def test_a_rate_limit_met_on_the_way_fails_the_whole_list(stub: Stub, connect: Connect) -> None:
    good = projects(**{f"p{n}": [node(2000 + n)] for n in range(11)})

    def answer(request: Request) -> Reply:
        return good(request) if len(asked(request)[1]["paths"]) == 10 else Reply.text("Retry later\n", 429)

    stub.routes[GRAPHQL] = answer
    with pytest.raises(SourceError, match="Retry later"):
        await connect(watch=tuple(f"ml/p{n}" for n in range(11))).pipelines()


async def test_only_what_changed_is_read(stub: Stub, connect: Connect) -> None:
    pipelines = [node(number) for number in (1005, 1004, 1003)]
    stub.routes[GRAPHQL] = projects(fraud=pipelines)
    source = connect()
    with patch("tui.sources.gitlab.read.projects.recent_of_node", wraps=convert.recent_of_node) as read:
        before = await source.pipelines()
        assert read.call_count == 3
        assert await source.pipelines() == before
        assert read.call_count == 3
        pipelines.insert(0, node(1006, status="RUNNING"))
        [row] = (await source.pipelines()).pipelines
        assert [run.address.run for run in row.runs] == [1006, 1005, 1004, 1003]
        assert read.call_count == 4
