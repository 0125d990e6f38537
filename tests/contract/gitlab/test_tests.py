"""Test reports at a stub: summaries and reports, children, what expired, what is too large, and what a case said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.gitlab import bodies
from tests.contract.gitlab.conftest import (
    GRAPHQL,
    Clock,
    Connect,
    details,
    operations,
    paths,
    projects,
    rest,
)
from tests.examples import run
from tests.gitlab_schemas import schema_errors
from tests.http_stub import Reply, Request, Stub
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome, TestReport
from tui.insight.tests import compare
from tui.sources.base import SourceError
from tui.sources.gitlab.read.tests import LAG, SPARE

P, F, S = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED
AT = Address("gl", "ml/fraud", 1842)
ENDED = "2026-05-08T09:05:10.000Z"


def url(id: int, what: str = "") -> str:
    return rest(f"/projects/ml%2Ffraud/pipelines/{id}{what}")


def case(name: str, status: str = "success", **fields: Any) -> dict[str, Any]:
    return {
        "status": status,
        "name": name,
        "classname": "tests.test_model.TestModel",
        "file": None,
        "execution_time": 0.25,
        "system_output": None,
        "stack_trace": None,
        "recent_failures": None,
        **fields,
    }


def suite(name: str, *cases: Any, builds: tuple[int, ...] = (7,), **fields: Any) -> dict[str, Any]:
    """A suite of a report; :func:`summed` makes its line in the summary of it."""
    return {"name": name, "test_cases": list(cases), "suite_error": None, "build_ids": builds, **fields}


def summed(each: dict[str, Any]) -> dict[str, Any]:
    statuses = [case["status"] for case in each["test_cases"]]
    return {
        "name": each["name"],
        "total_time": 1.0,
        "total_count": len(statuses),
        "success_count": statuses.count("success"),
        "failed_count": statuses.count("failed"),
        "skipped_count": statuses.count("skipped"),
        "error_count": statuses.count("error"),
        "build_ids": list(each["build_ids"]),
        "suite_error": each["suite_error"],
    }


def serve(stub: Stub, id: int, *suites: Any, bridges: list[Any] | None = None, **fields: Any) -> None:
    """A pipeline that has ended, with its summary, report and bridges."""
    stub.routes |= {
        url(id): Reply.json(bodies.full(id, **fields)),
        url(id, "/test_report_summary"): Reply.json({"total": {}, "test_suites": list(map(summed, suites))}),
        url(id, "/test_report"): Reply.json({"test_suites": list(suites)}),
        url(id, "/bridges"): Reply.json(bridges or []),
    }


def bridge(id: int, child: int, project: int = 42, **fields: Any) -> dict[str, Any]:
    return bodies.bridge(
        id, f"child {child}", "build", downstream_pipeline=bodies.basic(child, project_id=project), **fields
    )


TWO = (
    suite(
        "pytest",
        case("test_forward"),
        case("test_loss[bf16-1e-3]", "failed", system_output="E   assert 1\ntests/x.py:3: AssertionError"),
        case("test_gpu", "skipped", execution_time=0.0),
    ),
    suite("integration", case("test_io", "error"), case("test_net", classname=""), builds=(8, 9)),
)


async def test_a_report_beside_its_summary(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, *TWO)
    found = await connect().tests(AT)
    assert found.counts == TestCounts(5, 2, 1)
    assert (found.notes, found.final) == ((), True)
    first, second = found.suites
    assert first.cases == (
        Case("test_forward", "tests.test_model.TestModel", P, 0.25),
        Case("test_loss[bf16-1e-3]", "tests.test_model.TestModel", F, 0.25),
        Case("test_gpu", "tests.test_model.TestModel", S, 0.0),
    )
    assert (first.title, first.place, first.problem, first.counts) == ("pytest", "1842:7", "", None)
    assert [each.outcome for each in second.cases] == [F, P], "an error is a failure"
    assert second.place == "1842:8,9"
    assert paths(stub) == [
        "GET /api/v4/projects/ml%2Ffraud/pipelines/1842",
        "GET /api/v4/projects/ml%2Ffraud/pipelines/1842/test_report_summary",
        "GET /api/v4/projects/ml%2Ffraud/pipelines/1842/test_report",
        "GET /api/v4/projects/ml%2Ffraud/pipelines/1842/bridges",
    ]


async def test_child_pipelines_of_a_run_that_was_read_and_has_none_are_not_asked_for(
    stub: Stub, connect: Connect
) -> None:
    serve(stub, 1842, *TWO)
    ended = bodies.node(1842, status="FAILED")
    stub.routes[GRAPHQL] = operations(
        Dashboard=projects(fraud=[ended]),
        PipelineDetail=details(
            i842=bodies.detail(ended, [("build", "failed")], [bodies.job_node(31, "train")])
        ),
    )
    source = connect()
    await source.pipelines()
    await source.run(AT)
    before = len(paths(stub))
    assert (await source.tests(AT)).counts == TestCounts(5, 2, 1)
    assert [path.rpartition("/")[2] for path in paths(stub)[before:]] == [
        "test_report_summary",
        "test_report",
    ]


def test_the_made_up_cases_are_as_gitlab_sends_them() -> None:
    errors = schema_errors()
    assert [errors("test-case", each) for whole in TWO for each in whole["test_cases"]] == [[]] * 5


async def test_without_tests_the_report_is_not_asked_for(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842)
    assert await connect().tests(AT) == TestReport()
    assert not any(path.endswith("/test_report") for path in paths(stub))


async def test_what_the_listing_told_is_not_asked_again(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, *TWO)
    del stub.routes[url(1842)]
    stub.routes[GRAPHQL] = projects(fraud=[bodies.node(1842)])
    source = connect()
    await source.pipelines()
    assert (await source.tests(AT)).final


# --- what is late, expired or broken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "final", "notes"),
    [
        (LAG - 20, False, ("GitLab may still be reading its reports; it is asked again",)),
        (LAG + 20, True, ()),
    ],
)
async def test_a_report_may_change_for_a_while_after_the_end(
    stub: Stub, connect: Connect, clock: Clock, seconds: float, final: bool, notes: tuple[str, ...]
) -> None:
    ended = datetime.fromtimestamp(clock() - seconds, UTC).isoformat()
    serve(stub, 1842, *TWO, finished_at=ended)
    found = await connect().tests(AT)
    assert (found.final, found.notes) == (final, notes)


async def test_while_a_pipeline_runs_its_report_is_not_final(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, *TWO, status="running", finished_at=None)
    source = connect()
    found = await source.tests(AT)
    assert (found.final, found.notes) == (False, ())
    serve(stub, 1842, *TWO)
    assert (await source.tests(AT)).final, "it is asked again whether it has ended"


async def test_a_pipeline_that_waits_for_a_person_is_final_once_its_summary_is_complete(
    stub: Stub, connect: Connect
) -> None:
    serve(stub, 1842, *TWO, status="manual", finished_at=None)
    source = connect()
    assert (await source.tests(AT)).final
    for late in ([], [summed(TWO[0])]):
        stub.routes[url(1842, "/test_report_summary")] = Reply.json({"test_suites": late})
        assert not (await source.tests(AT)).final
    serve(stub, 1842, status="manual", finished_at=None)
    assert (await source.tests(AT)).final, "a listing tells when there are some"


async def test_a_summary_that_is_late_does_not_hide_the_report(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, *TWO, status="running", finished_at=None)
    stub.routes[url(1842, "/test_report_summary")] = Reply.json({"test_suites": []})
    assert (await connect().tests(AT)).counts == TestCounts(5, 2, 1)


async def test_an_expired_report_keeps_its_counts_and_says_so(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, *TWO)
    stub.routes[url(1842, "/test_report")] = Reply.json({"total_count": 0, "test_suites": []})
    found = await connect().tests(AT)
    assert found.counts == TestCounts(5, 2, 1)
    assert [(each.name, each.cases, each.counts) for each in found.suites] == [
        ("pytest", (), TestCounts(3, 1, 1)),
        ("integration", (), TestCounts(2, 1, 0)),
    ]
    assert {each.problem for each in found.suites} == {
        "its report has expired, or GitLab has not read it yet"
    }


async def test_a_suite_that_gitlab_could_not_read_says_why(stub: Stub, connect: Connect) -> None:
    error = "JUnit XML parsing failed: 1:1: FATAL: Document is empty\x1b[2J"
    serve(stub, 1842, TWO[0], suite("broken", builds=(11,), suite_error=error))
    found = await connect().tests(AT)
    assert found.counts == TestCounts(3, 1, 1)
    assert found.suites[1].problem == "JUnit XML parsing failed: 1:1: FATAL: Document is empty"


async def test_a_status_that_nobody_knows_is_told(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, suite("pytest", case("a", "exploded"), case("b", "exploded")))
    found = await connect().tests(AT)
    assert [each.outcome for each in found.suites[0].cases] == [S, S]
    assert found.notes == ("2 with the status exploded, which nobody knows",)


async def test_names_are_made_safe(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, suite("a\x1b]0;x\x07b", case("[red]\x00", classname="x\u202e")))
    (found,) = (await connect().tests(AT)).suites
    assert (found.name, found.cases[0].name, found.cases[0].classname) == ("ab", "[red]", "x")


# --- child pipelines ----------------------------------------------------------------------------------------------


async def test_the_tests_of_child_pipelines_belong_to_their_parent(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, TWO[0], bridges=[bridge(5, 1850), bridge(6, 1860, project=99)])
    serve(stub, 1850, suite("render", case("test_card", "failed"), builds=(21,)), bridges=[bridge(7, 1851)])
    serve(stub, 1851, suite("deep", case("test_deep"), builds=(22,)))
    found = await connect().tests(AT)
    assert [(each.title, each.place) for each in found.suites] == [
        ("pytest", "1842:7"),
        ("child 1850 / render", "1850:21"),
        ("child 1850 / child 1851 / deep", "1851:22"),
    ]
    assert found.counts == TestCounts(5, 2, 1)
    assert not any("1860" in path for path in paths(stub)), (
        "another project's pipeline is not one of its tests"
    )


async def test_since_18_6_a_report_holds_those_of_the_children_and_they_count_once(
    stub: Stub, connect: Connect
) -> None:
    child = suite("render", case("test_card"), builds=(21,))
    serve(stub, 1842, TWO[0], child, bridges=[bridge(5, 1850)])
    serve(stub, 1850, child)
    found = await connect().tests(AT)
    assert [each.title for each in found.suites] == ["pytest", "render"]
    assert not any(path.endswith("1850/test_report") for path in paths(stub))


async def test_a_child_that_may_not_be_read_is_told_by_name(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, TWO[0], bridges=[bridge(5, 1850)])
    found = await connect().tests(AT)
    assert found.counts == TestCounts(3, 1, 1)
    (note,) = found.notes
    assert note.startswith("the tests of the child pipeline child 1850 cannot be read: ")


# --- what a case said ---------------------------------------------------------------------------------------------


def key(report: TestReport, name: str) -> CaseKey:
    return next(
        suite.key(i) for suite in report.suites for i, each in enumerate(suite.cases) if each.name == name
    )


async def test_what_failed_cases_said_came_with_the_report(stub: Stub, connect: Connect) -> None:
    said = {
        "system_output": "def test():\n>   assert loss\r\nE   assert 0.71 <= 0.7\x1b[31m\n"
        "\ntests/t.py:41: AssertionError\n",
        "recent_failures": {"count": 3, "base_branch": "main"},
    }
    serve(stub, 1842, suite("pytest", case("a"), case("b", "failed", **said)))
    source = connect()
    report = await source.tests(AT)
    before = len(stub.requests)
    details = await source.case(AT, key(report, "b"))
    assert len(stub.requests) == before
    assert details == CaseDetails(
        message="assert 0.71 <= 0.7",
        trace="def test():\n>   assert loss\nE   assert 0.71 <= 0.7\n\ntests/t.py:41: AssertionError",
        notes=("failed 3 times in main in the last 14 days",),
    )


async def test_what_others_said_is_read_with_one_request(stub: Stub, connect: Connect) -> None:
    serve(
        stub, 1842, suite("pytest", case("a", system_output="epoch 1"), case("b", "failed", stack_trace="X"))
    )
    first = connect()
    report = await first.tests(AT)
    for source, name, said in (
        (first, "a", CaseDetails(message="epoch 1", trace="epoch 1")),
        (connect(), "b", CaseDetails(message="X", trace="X")),
    ):
        before = len(stub.requests)
        assert await source.case(AT, key(report, name)) == said
        assert paths(stub)[before:] == ["GET /api/v4/projects/ml%2Ffraud/pipelines/1842/test_report"]


@pytest.mark.parametrize(
    ("output", "trace", "expected"),
    [
        (None, None, CaseDetails()),
        ("out", "ValueError: no\n  at x", CaseDetails("ValueError: no", "ValueError: no\n  at x", "out")),
        ({"message": "boom", "__content__": "at x"}, None, CaseDetails("boom", "boom\nat x")),
        (["a", {"b": "c", "d": 7}], None, CaseDetails("a", "a\nc")),
    ],
)
async def test_output_may_be_an_object(
    stub: Stub, connect: Connect, output: Any, trace: Any, expected: CaseDetails
) -> None:
    serve(stub, 1842, suite("pytest", case("a", "failed", system_output=output, stack_trace=trace)))
    source = connect()
    assert await source.case(AT, key(await source.tests(AT), "a")) == expected


async def test_a_case_of_a_child_is_asked_of_the_child(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, TWO[0], bridges=[bridge(5, 1850)])
    serve(stub, 1850, suite("render", case("test_card", "failed", system_output="torn"), builds=(21,)))
    report = await connect().tests(AT)
    other = connect()
    before = len(stub.requests)
    assert (await other.case(AT, key(report, "test_card"))).trace == "torn"
    assert paths(stub)[before:] == ["GET /api/v4/projects/ml%2Ffraud/pipelines/1850/test_report"]


async def test_a_case_that_is_gone_is_told(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, *TWO)
    source = connect()
    for place, name in (("1842:7", "other"), ("elsewhere", "test_forward")):
        with pytest.raises(SourceError, match="is not in the report") as caught:
            await source.case(AT, CaseKey("pytest", "tests.test_model.TestModel", name, place, 0))
        assert caught.value.trouble is Trouble.NOT_FOUND


# --- too large or too slow ----------------------------------------------------------------------------------------


def pages(*nodes: list[dict[str, Any]]) -> Callable[[Request], Reply]:
    """Answers for one suite, page by page."""

    def reply(request: Request) -> Reply:
        variables = json.loads(request.body)["variables"]
        assert (variables["iid"], variables["builds"]) == ("842", ["7"])
        page = int(variables.get("after", "0"))
        more = page + 1 < len(nodes)
        cases = {"nodes": nodes[page], "pageInfo": {"hasNextPage": more, "endCursor": str(page + 1)}}
        suite = {"testSuite": {"testCases": cases}}
        return Reply.json({"data": {"project": {"pipeline": suite}}})

    return reply


def node(name: str, status: str = "failed", **fields: Any) -> dict[str, Any]:
    return {"name": name, "classname": "T", "status": status, "executionTime": 0.5, **fields}


TOO_MUCH = [Reply.text("no", 502), Reply.text("no", 500), Reply.json({"test_suites": 7})]


@pytest.mark.parametrize("refusal", TOO_MUCH)
async def test_of_a_report_that_cannot_be_read_whole_the_failed_cases_are(
    stub: Stub, connect: Connect, refusal: Reply
) -> None:
    cases = (case("a"), case("b", "failed"), case("e", "error"), case("f", "failed"), case("g"))
    serve(stub, 1842, suite("pytest", *cases), suite("fine", case("c"), builds=(9,)))
    stub.routes[url(1842, "/test_report")] = refusal
    stub.routes[GRAPHQL] = operations(
        TestCases=pages([node("b"), node("e", "ERROR")], [node("f"), node("a", "success")], [node("never")])
    )
    source = connect()
    found = await source.tests(AT)
    assert [each.name for each in found.suites[0].cases] == ["b", "e", "f"]
    assert found.suites[0].problem == "only its failed cases are listed, 3 of 5"
    assert (found.suites[1].cases, found.suites[1].problem) == ((), "its cases could not be read")
    assert found.counts == TestCounts(6, 3, 0), "the summary's"
    assert found.notes[0].startswith("only failed cases are listed: ")
    assert [each.index for each in compare(found, run("gl:ml/fraud#1842")).new] == [0, 1, 2]


async def test_it_is_not_asked_for_again_for_a_while(stub: Stub, connect: Connect, clock: Clock) -> None:
    serve(stub, 1842, suite("pytest", case("b", "failed")))
    stub.routes[url(1842, "/test_report")] = Reply.text("no", 504)
    stub.routes[GRAPHQL] = operations(TestCases=pages([node("b")]))

    def asked() -> int:
        return sum(path.endswith("/test_report") for path in paths(stub))

    source = connect()
    await source.tests(AT)
    await source.tests(AT)
    assert asked() == 1
    clock.ahead += SPARE + 1
    await source.tests(AT)
    assert asked() == 2


async def test_what_its_cases_said_is_read_page_by_page_too(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, suite("pytest", case("b", "failed")))
    stub.routes[url(1842, "/test_report")] = Reply.text("no", 502)
    said: dict[str, Any] = {
        "systemOutput": "E   no",
        "stackTrace": None,
        "recentFailures": {"count": 1, "baseBranch": "main"},
    }
    stub.routes[GRAPHQL] = operations(
        TestCases=pages([node("b")]), TestOutput=pages([node("x")], [node("b", **said)])
    )
    source = connect()
    report = await source.tests(AT)
    assert await source.case(AT, key(report, "b")) == CaseDetails(
        "no", "E   no", notes=("failed once in main in the last 14 days",)
    )
    with pytest.raises(SourceError, match="is not in the report"):
        await source.case(AT, CaseKey("pytest", "T", "z", "1842:7"))


async def test_when_graphql_has_nothing_either_the_counts_stay(stub: Stub, connect: Connect) -> None:
    serve(stub, 1842, suite("pytest", case("b", "failed")))
    stub.routes[url(1842, "/test_report")] = Reply.text("no", 502)
    stub.routes[GRAPHQL] = lambda _: Reply.json({"data": {"project": {"pipeline": {"testSuite": None}}}})
    found = await connect().tests(AT)
    assert found.suites[0].cases == ()
    assert found.counts == TestCounts(1, 1, 0)


@pytest.mark.parametrize(("status", "trouble"), [(401, Trouble.UNAUTHORIZED), (403, Trouble.FORBIDDEN)])
async def test_a_refusal_is_an_error(stub: Stub, connect: Connect, status: int, trouble: Trouble) -> None:
    serve(stub, 1842, *TWO)
    stub.routes[url(1842, "/test_report")] = Reply.json({"message": "no"}, status)
    with pytest.raises(SourceError) as caught:
        await connect().tests(AT)
    assert caught.value.trouble is trouble


async def test_an_address_without_a_run_is_refused(stub: Stub, connect: Connect) -> None:
    with pytest.raises(SourceError, match="names no run"):
        await connect().tests(Address("gl", "ml/fraud"))
    assert stub.requests == []
