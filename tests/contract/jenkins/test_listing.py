"""Jobs, their newest runs and the queue as a listing."""

from typing import Any

import pytest

from tests.contract.jenkins.support import (
    EMPTY_QUEUE,
    ML,
    asked,
    body,
    by_path,
    core,
    jenkins,
    listed,
    recorded,
    recording,
    tree_of,
)
from tests.http_stub import Reply, Request, Route
from tui.config import Secret
from tui.domain.address import Address, parse_address
from tui.domain.health import Trouble
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status
from tui.sources.base import SourceError

WORKFLOW = "org.jenkinsci.plugins.workflow.job.WorkflowJob"
RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"

FINAL_JOBS = (
    "big-log deploy-model disabled-job downstream failing-pipeline freestyle-fail freestyle-hello gpu-train "
    "mixed-results ml/nightly~eval ml/param-build ml/vision/train-resnet ml/évaluation~ü "
    "ml-service/feature%2Fnew-head ml-service/main ml-service/release-1.0 needs-gpu no-stages offline-agent-job "
    "param-build quiet-job scripted-gates single-param-gate slow-logs stubborn syntax-error unkillable waits-for-gpu"
)

ROOTS: dict[str, int | str] = {
    # name: how many jobs it lists, or why it cannot be read
    "root": 19,
    "root-depth1": 25,
    "root-final": 28,
    "root-forwarded": 0,
    "root-jsonp": "answered 403",
    "root-other-host": 0,
    "root-pretty": "JSON without jobs",
    "root-quiet-fields": "JSON without jobs",
    "root-quieting": "JSON without jobs",
    "root-tree-allbuilds": 0,
    "root-tree-bad-400": "look for 7d16aad7-3389-4a73-aa36-020f49be4496 in its log",
    "root-tree-builds-range": 19,
    "root-tree-jobs-recursive": 26,
    "root-tree-lastbuild": 19,
    "root-tree-unknown-field": "JSON without jobs",
}


@pytest.mark.parametrize("name", ROOTS)
async def test_every_recorded_root_is_a_listing_or_a_clear_error(name: str) -> None:
    expected = ROOTS[name]
    if isinstance(expected, int):
        listing = await listed(recorded(name))
        assert len(listing.pipelines) == expected
    else:
        with pytest.raises(SourceError, match=expected):
            await listed(recorded(name))


async def test_jobs_of_a_whole_controller() -> None:
    listing = await listed(recorded("root-final"))
    assert [path.replace(" ", "~") for path in by_path(listing)] == FINAL_JOBS.split()
    assert listing.notes == ()
    branch = by_path(listing)["ml-service/feature%2Fnew-head"]
    assert (branch.name, branch.folder) == ("feature/new-head", "ml-service")
    assert branch.web_url.endswith("/job/ml-service/job/feature%252Fnew-head/")
    nested = by_path(listing)["ml/vision/train-resnet"]
    assert (nested.name, nested.folder, nested.runs) == ("train-resnet", "ml/vision", ())
    assert by_path(listing)["ml/évaluation ü"].web_url.endswith("/job/ml/job/%C3%A9valuation%20%C3%BC/")
    assert [p.name for p in listing.pipelines if p.disabled] == ["disabled-job"]


async def test_runs_ride_along_newest_first() -> None:
    listing = await listed(recorded("root-tree-builds-range"))
    mixed = by_path(listing)["mixed-results"]
    assert [(run.address.run, run.status) for run in mixed.runs] == [
        (2, Status.WARNING),
        (1, Status.FAILED),
    ]
    assert mixed.runs[0].created_at == 1795422337.1
    assert mixed.runs[0].stages is None
    assert by_path(listing)["disabled-job"].runs == ()


JOBS = {
    # name: runs read, disabled
    "job-deploy-model": ([1], False),
    "job-disabled-job": ([], True),
    "job-failing-pipeline": ([1], False),
    "job-freestyle-hello": ([1], False),
    "job-nested": ([], False),
    "job-param-build": ([], False),
    "job-after-disable": ([], True),
    "job-builds-range": ([1], False),
    "job-needs-gpu-in-queue": ([], False),
    "job-paused-for-input": ([], False),
    "job-running-color": ([], False),
    "multibranch-main-job": ([2, 1], False),
}


@pytest.mark.parametrize("name", JOBS)
async def test_every_recorded_job_is_read_inside_a_folder(name: str) -> None:
    numbers, disabled = JOBS[name]
    job = {"name": name, **body(name), "fullName": name}
    (pipeline,) = (await listed(core({"jobs": [job]}))).pipelines
    assert [run.address.run for run in pipeline.runs] == numbers
    assert pipeline.disabled is disabled


FOLDERS = {
    "job-ml": ["ml/nightly eval", "ml/param-build", "ml/évaluation ü"],
    "job-ml-service": ["ml-service/feature%2Fnew-head", "ml-service/main", "ml-service/release-1.0"],
    "multibranch": ["ml-service/feature%2Fnew-head", "ml-service/main", "ml-service/release-1.0"],
    "multibranch2": ["ml-service/feature%2Fnew-head", "ml-service/main", "ml-service/release-1.0"],
}


@pytest.mark.parametrize("name", FOLDERS)
async def test_a_watched_folder_is_asked_itself(name: str) -> None:
    """Names that are not in the answer are put together from the folder's."""
    folder = recording(name)["path"].split("/")[2]
    routes = {f"/job/{folder}/api/json": recorded(name), "/queue/api/json": EMPTY_QUEUE}
    async with jenkins(routes, watch=(f"{folder}/**",)) as (source, stub):
        listing = await source.pipelines()
    assert list(by_path(listing)) == FOLDERS[name]
    assert len(stub.requests) == 2


async def test_one_tree_is_asked_for() -> None:
    async with jenkins({"/api/json": core({"jobs": []}), "/queue/api/json": EMPTY_QUEUE}) as (source, stub):
        await source.pipelines()
    (jobs,) = (request for request in stub.requests if request.path == "/api/json")
    (tree,) = jobs.query["tree"]
    assert list(jobs.query) == ["tree"]
    assert tree.count("builds[") == tree.count("{0,5}") == 6
    assert "allBuilds" not in tree
    assert " " not in tree
    assert tree.count("[") == tree.count("]")
    assert len(tree) < 4000
    assert jobs.headers["accept-language"] == "en"
    assert "authorization" not in jobs.headers


@pytest.mark.parametrize(
    ("watch", "found"),
    [
        (("**",), ["ml/vision/train", "ml/vision/test", "ml/fraud", "other"]),
        (("*",), ["other"]),
        (("ml/*", "other"), ["ml/fraud", "other"]),
        (("**/t*",), ["ml/vision/train", "ml/vision/test"]),
        (("ml/vision/t???", "other"), ["ml/vision/test", "other"]),
    ],
)
async def test_globs_choose_jobs(watch: tuple[str, ...], found: list[str]) -> None:
    listing = await listed(core({"jobs": ML}), watch=watch)
    assert list(by_path(listing)) == found
    assert listing.notes == ()


async def test_a_glob_that_matches_nothing_is_noted() -> None:
    listing = await listed(core({"jobs": ML}), watch=("ml/**", "mI/**", "other"))
    assert listing.notes == ("watch: mI/** matches no job",)


async def test_more_jobs_than_anybody_looks_through_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.sources.jenkins.read.listing.MOST_JOBS", 3)
    jobs = [{"name": f"job-{number}", "color": "blue", "builds": []} for number in range(1002)]
    listing = await listed(core({"jobs": jobs}), watch=("job-*", "nothing"))
    assert list(by_path(listing)) == ["job-0", "job-1", "job-2"]
    assert listing.notes == (
        "watch: nothing matches no job",
        "3 jobs are listed, 999 more are not: a narrower watch takes only those that matter",
    )


@pytest.mark.parametrize("glob", ["service/feature/*", "service/feature%2F*", "service/feature/x"])
async def test_branches_match_by_either_spelling(glob: str) -> None:
    """``service/feature`` looks like a folder but is none: the search goes one folder up, and stays there."""
    jobs = core({"jobs": [{"name": "feature%2Fx", "color": "blue", "builds": []}]})
    routes = {"/job/service/api/json": jobs, "/queue/api/json": EMPTY_QUEUE}
    async with jenkins(routes, watch=(glob,)) as (source, stub):
        for _ in range(2):
            assert list(by_path(await source.pipelines())) == ["service/feature%2Fx"]
        stub.requests.clear()
        await source.pipelines()
        assert len(stub.requests) == 2


async def test_after_a_restart_the_deepest_folder_is_tried_again() -> None:
    folder = {"jobs": tree_of(train=None)}
    routes: dict[str, Route] = {
        "/api/json": [core({"jobs": []}, "s1"), core({"jobs": []}, "s2")],
        "/queue/api/json": EMPTY_QUEUE,
    }
    async with jenkins(routes, watch=("ml/**",)) as (source, stub):
        assert (await source.pipelines()).notes == ("watch: ml/** matches no job",)
        stub.routes["GET /job/ml/api/json"] = core(folder, "s2")
        stub.routes["GET /queue/api/json"] = core({"items": []}, "s2")
        await source.pipelines()
        assert list(by_path(await source.pipelines())) == ["ml/train"]


def _deep(levels: int, **last: Any) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = [{"name": "deepest", **last}]
    for level in reversed(range(levels)):
        jobs = [{"name": f"d{level}", "jobs": jobs}]
    return jobs


async def test_what_is_deeper_than_one_tree_is_asked_for_where_it_may_match() -> None:
    top = core({"jobs": [*_deep(5, jobs=[{"name": "x"}]), *tree_of(a=None)]})
    below = core({"jobs": tree_of(leaf=None)})
    routes = {
        "/api/json": top,
        "/job/d0/job/d1/job/d2/job/d3/job/d4/job/deepest/api/json": below,
        "/queue/api/json": EMPTY_QUEUE,
    }
    async with jenkins(routes) as (source, stub):
        assert list(by_path(await source.pipelines())) == ["a", "d0/d1/d2/d3/d4/deepest/leaf"]
        assert len(stub.requests) == 3
    async with jenkins(routes, watch=("*", "a/**")) as (source, stub):
        await source.pipelines()
        assert len(stub.requests) == 2


async def test_a_deep_folder_that_may_not_be_read_is_noted() -> None:
    path = "/job/d0/job/d1/job/d2/job/d3/job/d4/job/deepest/api/json"
    routes = {
        "/api/json": core({"jobs": [*_deep(5, jobs=[{"name": "x"}]), *tree_of(a=None)]}),
        path: recorded("job-config-xml-viewer"),
        "/queue/api/json": EMPTY_QUEUE,
    }
    async with jenkins(routes) as (source, _):
        listing = await source.pipelines()
    assert list(by_path(listing)) == ["a"]
    (note,) = listing.notes
    assert note.startswith("folder d0/d1/d2/d3/d4/deepest: ci answered 403")
    assert "viewer lacks hudson.model.Item.Configure" in note


async def test_other_kinds_of_items() -> None:
    """Matrix and Maven jobs are jobs; what has neither builds nor a colour is none; an empty folder is empty."""
    matrix = {
        "_class": "hudson.matrix.MatrixProject",
        "name": "matrix",
        "color": "red_anime",
        "buildable": True,
        "builds": [{"_class": "hudson.matrix.MatrixBuild", "number": 4, "building": True}],
    }
    odd = {"_class": "some.plugin.Template", "name": "template"}
    listing = await listed(core({"jobs": [matrix, odd, {"name": "empty", "jobs": []}]}))
    (pipeline,) = listing.pipelines
    assert pipeline.name == "matrix"
    assert pipeline.runs[0].status is Status.RUNNING


HEART = "heart\u2764\ufe0f"
"""The variation selector of a heart changes its width between terminals, so it is not shown."""


async def test_a_name_with_letters_that_are_not_shown_is_asked_for_as_sent() -> None:
    build = {"_class": "hudson.model.FreeStyleBuild", "number": 1, "building": False, "result": "SUCCESS"}
    path = "/job/heart%E2%9D%A4%EF%B8%8F/1/api/json"
    routes = {
        "/api/json": core({"jobs": [{"name": HEART, "color": "blue", "builds": [build]}]}),
        "/queue/api/json": EMPTY_QUEUE,
        path: core(build),
    }
    async with jenkins(routes) as (source, stub):
        (pipeline,) = (await source.pipelines()).pipelines
        assert str(pipeline.address) == "ci:heart\u2764%EF%B8%8F"
        for text in (f"{pipeline.address}#1", "ci:heart\u2764#1"):  # as they are spelled, and once were
            stub.requests.clear()
            run = await source.run(parse_address(text))
            assert (run.status, asked(stub)) == (Status.PASSED, [path])


@pytest.mark.parametrize("others", [("heart\u2764",), ("heart\u200d\u2764", "heart\u200b\u2764")])
async def test_a_name_without_them_is_never_another_job(others: tuple[str, ...]) -> None:
    jobs = [{"name": name, "color": "blue", "builds": []} for name in (HEART, *others)]
    routes = {"/api/json": core({"jobs": jobs}), "/queue/api/json": EMPTY_QUEUE}
    async with jenkins(routes) as (source, stub):
        await source.pipelines()
        with pytest.raises(SourceError):
            await source.run(parse_address("ci:heart\u2764#1"))
        assert asked(stub)[-1] == "/job/heart%E2%9D%A4/1/api/json"


# Whole jobs


async def test_a_run_in_the_list_has_everything_but_stages() -> None:
    build = {
        "_class": RUN,
        "number": 7,
        "displayName": "1.4.2 → prod",
        "building": True,
        "inProgress": True,
        "result": "UNSTABLE",
        "timestamp": 1795422677231,
        "duration": 0,
        "estimatedDuration": 15327,
        "actions": [
            {},
            {"_class": "hudson.model.CauseAction", "causes": [{"_class": "hudson.model.Cause$UserIdCause"}]},
            {
                "_class": "hudson.tasks.junit.TestResultAction",
                "failCount": 2,
                "skipCount": 1,
                "totalCount": 5,
            },
            {
                "_class": "org.jenkinsci.plugins.workflow.support.steps.input.InputAction",
                "executions": [
                    {
                        "id": "Promote",
                        "settled": False,
                        "input": {"id": "Promote", "message": "Promote\n1.4.2?"},
                    },
                    {"id": "Done", "settled": True, "input": {"id": "Done", "message": "Over"}},
                ],
            },
        ],
    }
    job = {"_class": WORKFLOW, "name": "deploy", "color": "yellow_anime", "builds": [build]}
    (pipeline,) = (await listed(core({"jobs": [job]}))).pipelines
    run = pipeline.last
    assert run is not None
    assert (run.title, run.status, run.vendor_status) == ("1.4.2 → prod", Status.WAITING, "UNSTABLE")
    assert (run.cause, run.duration, run.expected_duration) == ("anonymous", None, 15.327)
    assert run.tests == TestCounts(total=5, failed=2, skipped=1)
    (gate,) = run.gates
    assert gate.address == Address("ci", "deploy", 7, gate="Promote")
    assert gate.message == "Promote 1.4.2?"


async def test_a_wrong_type_names_its_place() -> None:
    jobs = {"jobs": [{"name": "a", "builds": [{"number": "seven"}]}]}
    with pytest.raises(SourceError) as caught:
        await listed(core(jobs))
    assert caught.value.trouble is Trouble.WRONG_ANSWER
    assert "a build of a: " in caught.value.message
    assert "`$.number`" in caught.value.message


async def test_a_wrong_type_in_an_action_names_build_and_action() -> None:
    action = {"_class": "hudson.model.CauseAction", "causes": "alice"}
    jobs = {"jobs": [{"name": "a", "builds": [{"number": 7, "actions": [action]}]}]}
    with pytest.raises(SourceError, match=r"build 7, action CauseAction: .* at `\$\.causes`"):
        await listed(core(jobs))


async def test_an_unknown_plugin_may_call_other_things_by_our_names() -> None:
    action = {
        "_class": "com.example.BuildWatchAction",
        "causes": "unknown",
        "parameters": 3,
        "failCount": "many",
    }
    jobs = {
        "jobs": [{"name": "a", "builds": [{"number": 7, "result": "SUCCESS", "actions": [action, None]}]}]
    }
    (pipeline,) = (await listed(core(jobs))).pipelines
    assert pipeline.runs[0].status is Status.PASSED


async def test_two_hundred_jobs_cost_two_requests() -> None:
    builds = [{"_class": RUN, "number": n, "result": "SUCCESS", "timestamp": 1} for n in range(5, 0, -1)]
    jobs = {"jobs": [{"name": f"job-{n}", "color": "blue", "builds": builds} for n in range(200)]}
    listing = await listed(core(jobs))
    assert sum(len(pipeline.runs) for pipeline in listing.pipelines) == 1000


async def test_credentials_are_sent_with_each_request() -> None:
    def guarded(request: Request) -> Reply:
        if request.headers.get("authorization") != "Basic YWRtaW46c2VjcsOpdA==":
            return recorded("auth-bad-token-401")
        return core({"jobs": [], "items": []})

    async with jenkins({}, user="admin", token=Secret("secrét")) as (source, stub):
        stub.routes["*"] = guarded
        assert (await source.pipelines()).pipelines == ()
        assert asked(stub)
