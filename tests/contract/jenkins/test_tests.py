"""Test reports: recorded ones, those of other kinds of jobs and versions, and what is none."""

from functools import partial
from typing import Any

import pytest

from tests.contract.jenkins.support import asked, body, core, jenkins, recorded
from tests.contract.jenkins.test_recordings import mangled
from tests.http_stub import Reply, Request, Route
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome, TestReport
from tui.insight.tests import compare
from tui.sandbox.jenkins.export import parse_tree
from tui.sources.base import SourceError
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.read.tests import REPORT_TREE, said_tree
from tui.sources.jenkins.source import JenkinsSource

P, F, S = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED
PATH = "/job/deploy-model/2/testReport/api/json"
AT = Address("ci", "deploy-model", 2)
MODEL, IO = "tests.test_model.TestModel", "tests.test_io.TestIO"


def case(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "className": "m.T",
        "name": name,
        "status": "PASSED",
        "age": 0,
        "failedSince": 0,
        "duration": 0.5,
        "skipped": False,
        **fields,
    }


def report(*cases: Any, **fields: Any) -> dict[str, Any]:
    return {"_class": "hudson.tasks.junit.TestResult", "suites": [{"name": "s", "cases": cases, **fields}]}


async def read(answer: Any, at: Address = AT, path: str = PATH) -> TestReport:
    async with jenkins({path: answer if isinstance(answer, Reply) else core(answer)}) as (source, _):
        return await source.tests(at)


def only(report: TestReport) -> Case:
    ((found,),) = (suite.cases for suite in report.suites)
    return found


@pytest.mark.parametrize("name", ["testReport", "testReport-tree"])
async def test_the_recorded_report(name: str) -> None:
    found = await read(recorded(name))
    assert found.counts == TestCounts(5, 2, 1)
    assert found.notes == ()
    (suite,) = found.suites
    assert (suite.title, suite.place) == ("test / unit / tests.test_model", "0")
    assert suite.cases == (
        Case("test_forward", MODEL, P, 0.812),
        Case("test_loss[bf16-1e-3]", MODEL, F, 1.02, failed_since=1),
        Case("test_gpu", MODEL, S, 0.0),
        Case("test_read_ünïcode", IO, P, 0.1),
        Case("test_write", IO, F, 0.3, failed_since=1),
    )


async def test_the_recorded_report_of_a_branch() -> None:
    at = Address("ci", "ml-service/main", 3)
    found = await read(
        recorded("multibranch-main-badge-tests"), at, "/job/ml-service/job/main/3/testReport/api/json"
    )
    assert found.counts == TestCounts(2, 0, 0)
    assert [suite.title for suite in found.suites] == ["Test / s"]


async def test_no_report_is_an_empty_one() -> None:
    assert await read(recorded("testReport-missing-404")) == TestReport()


async def test_one_request_that_never_asks_for_what_the_cases_printed() -> None:
    trees: list[str] = []

    def reply(request: Request) -> Reply:
        (tree,) = request.query["tree"]
        trees.append(tree)
        return recorded("testReport-tree")

    async with jenkins({PATH: reply}) as (source, stub):
        await source.tests(AT)
        assert asked(stub) == [PATH]
    assert trees == [REPORT_TREE]
    assert "std" not in REPORT_TREE
    assert "error" not in REPORT_TREE
    assert set(parse_tree(REPORT_TREE).children["suites"].children) == {
        "name",
        "enclosingBlockNames",
        "cases",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "PASSED"}, Case("a", "m.T", P, 0.5)),
        ({"status": "FIXED"}, Case("a", "m.T", P, 0.5, fixed=True)),
        ({"status": "REGRESSION", "age": 1, "failedSince": 2}, Case("a", "m.T", F, 0.5, failed_since=2)),
        (
            {"status": "REGRESSION", "age": None, "failedSince": None},
            Case("a", "m.T", F, 0.5, failed_since=2),
        ),
        ({"status": "FAILED", "age": 2, "failedSince": 1}, Case("a", "m.T", F, 0.5, failed_since=1)),
        ({"status": "FAILED", "age": 0, "failedSince": 1}, Case("a", "m.T", F, 0.5, failed_since=1)),
        ({"status": "FAILED", "age": 0, "failedSince": 0}, Case("a", "m.T", F, 0.5)),
        ({"status": "FAILED", "age": 9, "failedSince": 99}, Case("a", "m.T", F, 0.5)),
        ({"status": "SKIPPED", "age": 3, "skipped": True}, Case("a", "m.T", S, 0.5)),
        ({"status": None, "skipped": True}, Case("a", "m.T", S, 0.5)),
        ({"status": "PASSED", "duration": None, "className": None}, Case("a", "", P)),
    ],
)
async def test_a_case(fields: dict[str, Any], expected: Case) -> None:
    assert only(await read(report(case("a", **fields)))) == expected


async def test_a_new_failure_has_age_one_on_servers_that_no_longer_say_regression() -> None:
    cases = (case("a", status="FAILED", age=1), case("b", status="FAILED", age=2))
    async with jenkins(
        {
            PATH: core(report(*cases)),
            "/job/deploy-model/2/api/json": core({"number": 2, "building": False, "result": "UNSTABLE"}),
        }
    ) as (source, _):
        found = compare(await source.tests(AT), await source.run(AT))
    assert [(each.index, each.since) for each in found.new] == [(0, 2)]
    assert [(each.index, each.since) for each in found.known] == [(1, 1)]


async def test_a_status_that_nobody_knows_is_neither_passed_nor_failed_and_is_told() -> None:
    found = await read(report(case("a", status="EXPLODED\x1b[2J"), case("b", status="EXPLODED")))
    assert [each.outcome for each in found.suites[0].cases] == [S, S]
    assert found.notes == ("2 with the status EXPLODED, which nobody knows",)


async def test_names_are_made_safe() -> None:
    found = await read(report(case("\x1b]0;x\x07a\u202e", className="[red]\nT"), name="s\x00"))
    assert only(found) == Case("a", "[red] T", P, 0.5)
    assert found.suites[0].name == "s"


async def test_several_reports_of_one_run_stand_in_their_stages() -> None:
    suites = [
        {"name": "pytest", "enclosingBlockNames": ["py311", "Test"], "cases": [case("a")]},
        {
            "name": "pytest",
            "enclosingBlockNames": ["py312", "Test"],
            "cases": [case("a", status="FAILED", age=1)],
        },
        {"name": "empty", "enclosingBlockNames": None, "cases": []},
    ]
    found = await read({"suites": suites})
    assert [(suite.title, suite.place) for suite in found.suites] == [
        ("Test / py311 / pytest", "0"),
        ("Test / py312 / pytest", "1"),
        ("empty", "2"),
    ]
    assert found.counts == TestCounts(2, 1, 0)


AGGREGATE = {
    "_class": "hudson.tasks.test.MatrixTestResult",
    "failCount": 2,
    "skipCount": 0,
    "totalCount": 3,
    "childReports": [
        {
            "child": {"number": 7, "url": "http://elsewhere/job/grid/PY%3D3.11/7/"},
            "result": report(case("a", status="FAILED", age=2, failedSince=6)),
        },
        {
            "child": {"number": 40, "url": "http://elsewhere/job/grid/PY=3.12,OS=linux/40/"},
            "result": report(case("a"), case("b", status="FAILED", age=1, failedSince=40), name="other"),
        },
    ],
}


async def test_a_matrix_is_one_report_with_the_suites_of_all_its_cells() -> None:
    found = await read(AGGREGATE, Address("ci", "grid", 7), "/job/grid/7/testReport/api/json")
    assert [(suite.title, suite.place) for suite in found.suites] == [
        ("PY=3.11 / s", "0/0"),
        ("PY=3.12,OS=linux / other", "1/0"),
    ]
    assert found.counts == TestCounts(3, 2, 0)
    since = [each.failed_since for suite in found.suites for each in suite.cases]
    assert since == [6, None, 7], "a cell's own run numbers are not those of the matrix"


async def test_a_maven_build_is_the_report_of_its_modules_even_of_those_without_cases() -> None:
    aggregate = {
        "_class": "hudson.maven.reporters.SurefireAggregatedReport",
        "totalCount": 12,
        "failCount": 3,
        "childReports": [
            {
                "child": {"number": 2, "url": "http://x/job/maven/com.acme$core/2/"},
                "result": report(case("a")),
            },
            {
                "child": {"number": 2, "url": "http://x/job/maven/com.acme$web/2"},
                "result": {
                    "_class": "hudson.plugins.testng.results.TestNGResult",
                    "totalCount": 11,
                    "failCount": 3,
                    "skipCount": 1,
                },
            },
            {"child": None, "result": None},
        ],
    }
    found = await read(aggregate)
    assert [suite.title for suite in found.suites] == ["com.acme$core / s", "com.acme$web"]
    assert found.suites[1].counts == TestCounts(11, 3, 1)
    assert "TestNGResult" in found.suites[1].problem
    assert found.counts == TestCounts(12, 3, 1)


async def test_a_report_that_lists_no_cases_says_so_and_keeps_its_counts() -> None:
    found = await read({"_class": "x.Stored", "failCount": 1, "passCount": 4, "skipCount": 2})
    assert found.counts == TestCounts(7, 1, 2)
    assert found.suites[0].problem == "the server lists no cases of its report (Stored)"


@pytest.mark.parametrize(
    "answer", [{}, {"suites": []}, {"childReports": []}, {"failCount": 0, "passCount": 0}]
)
async def test_nothing_reported(answer: dict[str, Any]) -> None:
    assert await read(answer) == TestReport()


# --- what one case said -------------------------------------------------------------------------------------------


def key(report: TestReport, name: str) -> CaseKey:
    return next(
        suite.key(i) for suite in report.suites for i, each in enumerate(suite.cases) if each.name == name
    )


def pruned(report: Any) -> Route:
    """Answers as Jenkins does: what the tree asks for of a report, recorded under a name or given, and no more."""

    def prune(value: Any, tree: Any) -> Any:
        if isinstance(value, list | tuple):
            return [prune(each, tree) for each in value[tree.start : tree.stop]]
        if isinstance(value, dict):
            return {name: prune(value[name], below) for name, below in tree.children.items() if name in value}
        return value

    def reply(request: Request) -> Reply:
        (tree,) = request.query["tree"]
        return core(prune(body(report) if isinstance(report, str) else report, parse_tree(tree)))

    return reply


async def test_the_details_of_the_recorded_failures() -> None:
    async with jenkins({PATH: pruned("testReport")}) as (source, stub):
        found = await source.tests(AT)
        loss = await source.case(AT, key(found, "test_loss[bf16-1e-3]"))
        write = await source.case(AT, key(found, "test_write"))
        gpu = await source.case(AT, key(found, "test_gpu"))
        assert len(stub.requests) == 4
    assert loss == CaseDetails(
        message="AssertionError: loss 0.71 > 0.70",
        trace="Traceback (most recent call last):\n"
        '  File "tests/test_model.py", line 41, in test_loss\n'
        "    assert loss <= 0.70\n"
        "AssertionError: loss 0.71 > 0.70",
        output="epoch 1 loss 0.71",
    )
    assert (write.message, write.errors) == ("OSError", "disk full")
    assert gpu == CaseDetails(message="no GPU")


@pytest.mark.parametrize("name", ["testReport-case", "testReport-case-brackets"])
async def test_they_are_what_the_cases_own_page_says(name: str) -> None:
    page = body(name)
    async with jenkins({PATH: pruned("testReport")}) as (source, _):
        details = await source.case(AT, key(await source.tests(AT), page["name"]))
    assert details.trace == (page["errorStackTrace"] or "")
    assert details.message == (page["errorDetails"] or "")
    assert details.output == (page["stdout"] or "")


async def test_a_case_of_a_matrix_cell_is_found_in_its_cell() -> None:
    said = {"errorDetails": None, "errorStackTrace": "Boom\n  at X\n", "stdout": "a\x1b[31m\tb\r\nc"}
    aggregate: dict[str, Any] = AGGREGATE
    cells = [aggregate["childReports"][0], {"result": report(case("a"), case("b", **said), name="other")}]
    async with jenkins({"/job/grid/7/testReport/api/json": pruned({"childReports": cells})}) as (source, _):
        details = await source.case(
            Address("ci", "grid", 7), CaseKey("PY=3.12,OS=linux / other", "m.T", "b", "1/0", 1)
        )
    assert details == CaseDetails(message="Boom", trace="Boom\n  at X", output="a    b\nc")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"suites": []},
        {"suites": [{"cases": []}]},
        {"suites": [{"cases": [case("other")]}]},
        {"suites": [{"cases": [case("a", className="other")]}]},
    ],
)
async def test_a_report_that_has_changed_does_not_lend_its_words_to_another_case(answer: Any) -> None:
    async with jenkins({PATH: core(answer)}) as (source, _):
        with pytest.raises(SourceError, match="read the report again") as caught:
            await source.case(AT, CaseKey("s", "m.T", "a", "0", 0))
    assert caught.value.trouble is Trouble.NOT_FOUND


def test_a_place_asks_for_nothing_but_one_case() -> None:
    tree = parse_tree(said_tree(CaseKey("s", "c", "n", "2/5", 7)))
    child = tree.children["childReports"]
    suite = child.children["result"].children["suites"]
    cases = suite.children["cases"]
    assert [(each.start, each.stop) for each in (child, suite, cases)] == [(2, 3), (5, 6), (7, 8)]


# --- faults -------------------------------------------------------------------------------------------------------


async def test_an_address_without_a_run_is_refused() -> None:
    async with jenkins({}) as (source, stub):
        with pytest.raises(SourceError, match="names no run"):
            await source.tests(Address("ci", "deploy-model"))
        assert stub.requests == []


async def test_a_report_larger_than_can_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.sources.jenkins.read.tests.LARGEST_REPORT", 1000)
    with pytest.raises(SourceError, match="more than 1,000 bytes"):
        await read(report(*(case(f"t{n}") for n in range(50))))


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (Reply.text("<html>log in</html>", content_type="text/html"), Trouble.WRONG_ANSWER),
        (Reply(200, {"Content-Type": "application/json"}, b'{"suites": [{"na'), Trouble.WRONG_ANSWER),
        (Reply.json({"suites": [{"cases": [{"duration": "long"}]}]}), Trouble.WRONG_ANSWER),
        (Reply.text("oops", 500), Trouble.SERVER_ERROR),
        (Reply.text("no", 403), Trouble.FORBIDDEN),
        (Reply(cut=True, body=b"{}"), Trouble.WRONG_ANSWER),
    ],
)
async def test_what_is_no_report_is_an_error_with_the_place(reply: Reply, trouble: Trouble) -> None:
    with pytest.raises(SourceError) as caught:
        await read(reply)
    assert caught.value.trouble is trouble
    assert PATH in caught.value.message


@pytest.mark.parametrize("what", ["tests", "case"])
async def test_mangled_reports_are_read_or_refused(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.sources.jenkins.context.Limiter", partial(Limiter, rate=1e6))
    document = {**body("testReport"), "childReports": AGGREGATE["childReports"]}
    refused = 0
    async with jenkins({}) as (source, stub):
        for changed in mangled(document):
            stub.routes[f"GET {PATH}"] = core(changed)
            found = await read_or_refused(source, what)
            assert str(found).isprintable()
            if isinstance(found, SourceError):
                assert found.trouble in (Trouble.WRONG_ANSWER, Trouble.NOT_FOUND)
                refused += 1
    assert refused > 5


async def read_or_refused(source: JenkinsSource, what: str) -> Any:
    try:
        if what == "tests":
            return await source.tests(AT)
        return await source.case(AT, CaseKey("s", MODEL, "test_forward", "0", 0))
    except SourceError as error:
        return error
