"""The sandbox's test reports: the same cases in every run, consistent counts, and every kind of failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.gitlab_schemas import schema_errors
from tests.integration.test_gitlab_source import gitlab
from tests.integration.test_jenkins_source import jenkins
from tests.sandbox.serving import serving
from tests.sandbox.shapes import Recorded
from tui.config import GitLabSettings
from tui.domain.address import Address
from tui.domain.pipeline import Pipeline, Run
from tui.domain.tests import CaseOutcome, TestReport
from tui.insight.stack_traces import place_in
from tui.insight.tests import Comparison, EarlierRun, comparable, compare
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.tests import KEPT
from tui.sandbox.jenkins import jenkins_app
from tui.sandbox.plan import State
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, World
from tui.sources.base import PipelineSource
from tui.sources.gitlab.source import GitLabSource
from tui.sources.jenkins.read.tests import REPORT_TREE

START = 1_790_000_000.0


@pytest.fixture
def world() -> World:
    return World(demo(), Clock(START, manual=True))


class Face:
    """Requests to one face."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False)

    def get(self, path: str, status: int = 200, **query: str) -> Any:
        answer = self._client.get(path, params=query)
        assert answer.status_code == status, answer.text[:200]
        return answer.json() if status == 200 else None

    def graphql(self, query: str, **variables: Any) -> Any:
        answer = self._client.post("/api/graphql", json={"query": query, "variables": variables})
        assert "errors" not in answer.json()
        return answer.json()["data"]

    def close(self) -> None:
        self._client.close()


@contextmanager
def asking(app: ASGIApp, prefix: str) -> Iterator[Face]:
    with serving(app) as url:
        face = Face(f"{url}{prefix}")
        try:
            yield face
        finally:
            face.close()


@pytest.fixture
def gl(world: World) -> Iterator[Face]:
    with asking(gitlab_app(world, Faults(), Options()), "/gitlab") as face:
        yield face


@pytest.fixture
def ci(world: World) -> Iterator[Face]:
    with asking(jenkins_app(world, Faults()), "/jenkins") as face:
        yield face


# --- Jenkins ------------------------------------------------------------------------------------------------------


BUILDS = [("deploy-model", n) for n in range(1, 8)] + [("ml-service/job/main", n) for n in range(1, 13)]


@pytest.mark.parametrize(("job", "number"), BUILDS, ids=str)
def test_a_builds_report_has_the_counts_that_the_build_tells(ci: Face, job: str, number: int) -> None:
    build = ci.get(f"/job/{job}/{number}/api/json", tree="actions[_class,failCount,skipCount,totalCount]")
    (counts,) = [each for each in build["actions"] if each.get("_class", "").endswith("TestResultAction")]
    report = ci.get(f"/job/{job}/{number}/testReport/api/json")
    statuses = [case["status"] for suite in report["suites"] for case in suite["cases"]]
    assert len(statuses) == counts["totalCount"]
    assert statuses.count("FAILED") == counts["failCount"] == report["failCount"]
    assert statuses.count("SKIPPED") == counts["skipCount"] == report["skipCount"]
    assert statuses.count("PASSED") == report["passCount"]


def test_a_report_has_the_recorded_shape(ci: Face) -> None:
    recorded = Recorded("testReport", "multibranch-main-badge-tests")
    whole = ci.get("/job/deploy-model/7/testReport/api/json")
    for suite in whole["suites"]:
        for case in suite["cases"]:
            # The recordings have few cases, and not every field of every kind.
            for field in ("errorDetails", "errorStackTrace", "skippedMessage", "stdout"):
                case[field] = None
    differences = [each for each in recorded.differences(whole) if not each.endswith("recorded {'str'}")]
    assert differences == []
    pruned = ci.get("/job/deploy-model/7/testReport/api/json", tree=REPORT_TREE)
    assert set(pruned["suites"][0]) == {"name", "enclosingBlockNames", "cases"}
    assert not any("std" in field for field in pruned["suites"][0]["cases"][0])


def test_a_failure_is_as_old_as_the_builds_in_which_it_failed(ci: Face) -> None:
    failed: list[set[str]] = []
    for number in range(1, 8):
        report = ci.get(f"/job/deploy-model/{number}/testReport/api/json")
        cases = [case for suite in report["suites"] for case in suite["cases"]]
        failed.append({case["name"] for case in cases if case["status"] == "FAILED"})
        for case in cases:
            age = 0
            while age < number and case["name"] in failed[-1 - age]:
                age += 1
            assert case["age"] == age
            assert case["failedSince"] == (number - age + 1 if age else 0)


def test_without_tests_there_is_no_report(ci: Face) -> None:
    ci.get("/job/failing-pipeline/1/testReport/api/json", 404)


# --- GitLab -------------------------------------------------------------------------------------------------------


def pipelines(world: World, path: str) -> Iterator[tuple[str, Any]]:
    for run in world.project_runs(path):
        yield f"/api/v4/projects/{world.project_id(path)}/pipelines/{run.id}", run


def test_a_pipelines_report_has_the_counts_of_its_summary_until_it_expires(gl: Face, world: World) -> None:
    errors = schema_errors()
    expired = broken = 0
    for path in ("ml/fraud", "ml/features/store", "ml/ranking"):
        for url, _ in pipelines(world, path):
            summary = gl.get(f"{url}/test_report_summary")
            report = gl.get(f"{url}/test_report")
            suites = {each["name"]: each for each in report["test_suites"]}
            total = summary["total"]
            assert total["count"] == total["success"] + total["failed"] + total["skipped"]
            assert total["count"] == sum(each["total_count"] for each in summary["test_suites"])
            for each in summary["test_suites"]:
                if each["name"] not in suites:
                    expired += 1
                    continue
                cases = suites[each["name"]]["test_cases"]
                statuses = [case["status"] for case in cases]
                assert [statuses.count(status) for status in ("success", "failed", "skipped")] == [
                    each["success_count"],
                    each["failed_count"],
                    each["skipped_count"],
                ]
                assert [errors("test-case", case) for case in cases[:5]] == [[]] * len(cases[:5])
                if each["suite_error"]:
                    broken += 1
                    assert cases == []
    assert expired > 0
    assert broken > 0


def test_a_report_expires_and_its_summary_stays(gl: Face, world: World) -> None:
    url, _ = next(pipelines(world, "ml/features/store"))
    before = gl.get(f"{url}/test_report_summary")
    assert gl.get(f"{url}/test_report")["total_count"] == before["total"]["count"] > 0
    world.clock.advance(KEPT)
    assert gl.get(f"{url}/test_report") == {
        "total_time": 0,
        **dict.fromkeys(("total_count", "success_count", "failed_count", "skipped_count", "error_count"), 0),
        "test_suites": [],
    }
    assert gl.get(f"{url}/test_report_summary") == before


def test_the_tests_of_a_child_pipeline_are_in_its_parents_report(gl: Face, world: World) -> None:
    names = set()
    for url, run in pipelines(world, "ml/fraud"):
        report = gl.get(f"{url}/test_report_summary")
        names |= {each["name"] for each in report["test_suites"]}
        child = world.child(run, "package/model card")
        if child is not None and world.progress(child).state.finished:
            assert "card tests" in {each["name"] for each in report["test_suites"]}
    assert names >= {"unit tests", "validate", "card tests"}


SUITE = """query($path: ID!, $iid: ID!, $builds: [ID!]!) { project(fullPath: $path) { pipeline(iid: $iid) {
  testReportSummary { total { count } testSuites { nodes { name buildIds } } }
  testSuite(buildIds: $builds) { name totalCount failedCount suiteError testCases(first: 3) {
    pageInfo { hasNextPage endCursor }
    nodes { status name classname file executionTime systemOutput stackTrace recentFailures { count baseBranch } }
  } } } } }"""


def test_graphql_tells_a_suite_as_rest_does(gl: Face, world: World) -> None:
    url, run = next(pipelines(world, "ml/features/store"))
    (suite,) = gl.get(f"{url}/test_report")["test_suites"]
    (build,) = gl.get(f"{url}/test_report_summary")["test_suites"][0]["build_ids"]
    asked = {"path": "ml/features/store", "iid": str(run.number)}
    found = gl.graphql(SUITE, **asked, builds=[str(build)])["project"]["pipeline"]
    assert found["testReportSummary"]["testSuites"]["nodes"] == [
        {"name": "contract tests", "buildIds": [str(build)]}
    ]
    assert found["testSuite"]["totalCount"] == suite["total_count"]
    nodes = found["testSuite"]["testCases"]["nodes"]
    assert [node["name"] for node in nodes] == [case["name"] for case in suite["test_cases"][:3]]
    assert nodes[0]["status"] == "failed", "failed ones come first"
    assert nodes[0]["recentFailures"]["baseBranch"] == "main"
    assert gl.graphql(SUITE, **asked, builds=["7"])["project"]["pipeline"]["testSuite"] is None


# --- as the program reads them ------------------------------------------------------------------------------------


async def newest(source: PipelineSource, key: str) -> tuple[TestReport, Comparison, Run]:
    listing = await source.pipelines()
    pipeline: Pipeline = next(each for each in listing.pipelines if each.key == key)
    run = next(run for run in pipeline.runs if run.tests and run.tests.total)
    earlier = [EarlierRun(each, await source.tests(each.address)) for each in comparable(run, pipeline.runs)]
    report = await source.tests(run.address)
    assert report.counts == run.tests, "what the list says"
    return report, compare(report, run, earlier), run


async def test_a_jenkins_pipeline_has_new_known_flaky_and_fixed_tests(world: World) -> None:
    async with jenkins(world) as source:
        report, found, run = await newest(source, "jenkins:deploy-model")
        assert found.new
        assert found.known
        assert found.flaky
        assert found.fixed
        assert found.known[0].since == 1
        assert len(found.new) + len(found.known) == report.counts.failed
        suite = report.suites[0]
        assert suite.title == "Test / Unit / pytest"
        details = await source.case(run.address, suite.key(found.new[0].index))
    case = suite.cases[found.new[0].index]
    assert details.message.startswith("AssertionError: loss")
    assert place_in(details.trace).startswith(case.classname.split(".Test")[0].replace(".", "/"))
    assert details.output.startswith("epoch 1")


async def test_a_gitlab_pipeline_has_new_and_known_tests_and_says_what_expired(world: World) -> None:
    async with gitlab(world) as source:
        report, found, run = await newest(source, "gitlab:ml/features/store main")
        assert found.new
        assert found.known
        assert report.final
        details = await source.case(run.address, report.suites[0].key(found.known[0].index))
        oldest = world.project_runs("ml/features/store")[-1]
        gone = await source.tests(run.address.at_run(oldest.id))
    assert details.message.startswith("AssertionError: loss")
    assert "in main in the last 14 days" in details.notes[0]
    assert gone.counts.total > 0
    assert "expired" in gone.suites[0].problem


async def test_a_gitlab_report_holds_its_childs_once(world: World) -> None:
    run = next(run for run in world.project_runs("ml/fraud") if world.progress(run).state is State.PASSED)
    async with gitlab(world) as source:
        report = await source.tests(Address("gitlab", "ml/fraud", run.id))
    assert [suite.title for suite in report.suites] == ["unit tests", "validate", "card tests"]


async def test_a_suite_that_gitlab_cannot_read_says_why(world: World) -> None:
    run = next(run for run in world.project_runs("ml/ranking") if run.number % 5 == 0)
    async with gitlab(world) as source:
        report = await source.tests(Address("gitlab", "ml/ranking", run.id))
    assert [suite.problem for suite in report.suites] == [
        "JUnit XML parsing failed: 1:1: FATAL: Document is empty"
    ]


async def test_when_the_report_is_too_much_the_failed_cases_are_still_read(world: World) -> None:
    async with gitlab(world) as source:
        whole, _, run = await newest(source, "gitlab:ml/features/store main")
    app = gitlab_app(world, Faults(), Options())

    async def overloaded(scope: Scope, receive: Receive, send: Send) -> None:
        wanted = Response("", 502) if scope["path"].endswith("/test_report") else app
        await wanted(scope, receive, send)

    with serving(overloaded) as url:
        settings = GitLabSettings(url=f"{url}/gitlab", watch=("ml/**",))
        other = GitLabSource("gitlab", settings)
        try:
            report = await other.tests(run.address)
            (suite,) = report.suites
            details = await other.case(run.address, suite.key(0))
        finally:
            await other.close()
    assert report.counts == whole.counts
    assert suite.cases == tuple(case for case in whole.suites[0].cases if case.outcome is CaseOutcome.FAILED)
    assert details.message.startswith("AssertionError: loss")
