"""Builds as runs."""

from typing import Any

import pytest

from tests.contract.jenkins.support import asked, body, core, jenkins, recorded, recording
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.presenters.documents import run_document
from tui.sources.base import SourceError
from tui.sources.jenkins.names import place_of

RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"


async def read(name: str) -> Run:
    """The recorded build, read from a controller without any stage plugin."""
    path = recording(name)["path"].partition("?")[0]
    place = place_of(path)
    assert place is not None
    async with jenkins({path: recorded(name)}) as (source, _):
        return await source.run(Address("ci", *place))


async def read_build(build: dict[str, Any], **action: Any) -> Run:
    """A freestyle build made up, with one action."""
    build = {"_class": "hudson.model.FreeStyleBuild", "number": 1, "result": "SUCCESS", **build}
    if action:
        build["actions"] = [{}, action, {"_class": "com.example.Other"}]
    async with jenkins({"/job/j/1/api/json": core(build)}) as (source, _):
        return await source.run(Address("ci", "j", 1))


BUILDS = {
    # name: status, the server's word, cause, seconds it took, seconds expected
    "build-aborted": "canceled ABORTED by admin, 8.991 of 5.523",
    "build-actions-tree": "unknown  by admin, None of None",
    "build-after-abort": "canceled ABORTED by admin, 4.373 of 4.331",
    "build-after-abort-viewer": "running  by , None of None",
    "build-after-bad-choice": "running UNSTABLE by , None of None",
    "build-after-kill": "canceled ABORTED by , None of None",
    "build-after-proceed-partial": "failed FAILURE by , None of None",
    "build-after-proceedEmpty": "failed FAILURE by admin, 105.833 of 60.58",
    "build-after-stop-still-building": "running  by , None of None",
    "build-after-stop-while-input": "canceled ABORTED by , None of None",
    "build-after-submit": "passed SUCCESS by admin, 4.674 of 41.945",
    "build-after-term": "running  by , None of None",
    "build-after-wfapi-inputSubmit": "failed FAILURE by , None of None",
    "build-downstream": "failed FAILURE by admin, 12.1 of 12.1",
    "build-failing-pipeline": "failed FAILURE by admin, 4.576 of 0.524",
    "build-kept": "unknown  by , None of None",
    "build-no-stages": "passed SUCCESS by admin, 1.782 of 1.782",
    "build-on-agent": "passed SUCCESS by admin, 11.92 of 11.92",
    "build-paused-for-input": "running UNSTABLE by admin, None of 15.327",
    "build-running": "running  by admin, None of 5.523",
    "build-running-input-viewer": "running UNSTABLE by , None of None",
    "build-syntax-error": "failed FAILURE by admin, 0.122 of 0.174",
    "build-upstream-cause": "passed SUCCESS by upstream downstream#1, 2.025 of 2.066",
    "build-waiting-for-node": "running  by admin, None of 0.124",
    "freestyle-aborted": "canceled ABORTED by admin, 0.565 of 2.152",
    "multibranch-build3": "passed SUCCESS by branch indexing, 3.469 of 2.809",
    "multibranch-build3-tree": "unknown  by , None of None",
    "multibranch-main-build": "failed FAILURE by branch indexing, 1.653 of 1.653",
    "multibranch-main-build2": "passed SUCCESS by branch indexing, 2.149 of 1.901",
    "replay-rebuild-build": "failed FAILURE by admin, Rebuilt #1, 0.685 of 2.631",
}


@pytest.mark.parametrize("name", BUILDS)
async def test_every_recorded_build(name: str) -> None:
    run = await read(name)
    words = f"{run.status} {run.vendor_status} by {run.cause}, {run.duration} of {run.expected_duration}"
    assert words == BUILDS[name]


PARAMETERS = {
    "param-kinds-run-form-run": (("BASELINE", "rec/evaluate-model#1"),),
    "input-kinds-all-core": (),
}


@pytest.mark.parametrize("name", PARAMETERS)
async def test_every_recorded_kind_of_parameter(name: str) -> None:
    assert (await read(name)).parameters == PARAMETERS[name]


async def test_a_gate_says_who_may_answer_and_what_it_asks_for() -> None:
    """The default of a password is not told."""
    running = body("input-kinds-all-core") | {"number": 1, "building": True}
    async with jenkins({"/job/rec/job/approve-release/1/api/json": core(running)}) as (source, _):
        run = await source.run(Address("ci", "rec/approve-release", 1))
    gate = next(gate for gate in run.gates if gate.address.gate == "Release")
    assert gate.submitter == "admin,dev"
    assert [
        (field.name, field.kind, field.default, field.choices, field.required) for field in gate.fields
    ] == [
        ("BASELINE", "run", "rec/evaluate-model#2", (), True),
        ("REGISTRY", "text", "", (), True),
        ("API_KEY", "secret", "", (), True),
        ("NOTES", "lines", "first\nsecond", (), False),
        ("STAGE", "choice", "", ("", "staging", "prod"), False),
    ]
    document = next(each for each in run_document(run).gates if each.address == str(gate.address))
    assert [field.default for field in document.fields] == [
        "rec/evaluate-model#2",
        "",
        None,
        "first\nsecond",
        "",
    ]


MISSING = ("build-deleted-404", "build-negative", "notfound-job-404")


@pytest.mark.parametrize("name", MISSING)
async def test_a_build_that_is_not_there(name: str) -> None:
    async with jenkins({"/job/j/1/api/json": recorded(name)}) as (source, stub):
        with pytest.raises(SourceError) as caught:
            await source.run(Address("ci", "j", 1))
    assert (caught.value.trouble, caught.value.status) == (Trouble.NOT_FOUND, 404)
    assert len(stub.requests) == 1


async def test_a_whole_run() -> None:
    run = await read("build-paused-for-input")
    assert run.address == Address("ci", "deploy-model", 2)
    assert run.title == "#2"
    assert run.created_at == run.started_at == 1795422677.231
    assert run.parameters == (
        ("MODEL_VERSION", "1.5.0"),
        ("TARGET", "prod"),
        ("DRY_RUN", "false"),
        ("FAIL_TESTS", "true"),
        ("SLOW", "2"),
    )
    assert run.tests is not None
    assert (run.tests.total, run.tests.failed, run.tests.skipped) == (5, 2, 1)
    assert run.web_url.endswith("/job/deploy-model/2/")


async def test_revision_and_branch_from_git() -> None:
    run = await read("multibranch-build3")
    assert (run.revision, run.ref) == ("43340b87a4a9497f193c10ddc0549999ae3aed72", "main")


GIT = "hudson.plugins.git.util.BuildData"
SCM = "jenkins.scm.api.SCMRevisionAction"


def git(sha: str, branch: str, url: str = "https://git.example/app") -> dict[str, Any]:
    revision = {"SHA1": sha, "branch": [{"name": "detached"}, {"name": branch}]}
    return {"_class": GIT, "lastBuiltRevision": revision, "remoteUrls": [url]}


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([git("abc", "refs/remotes/origin/feat/x")], ("abc", "feat/x")),
        ([git("abc", "origin/main"), git("def", "origin/main")], ("def", "main")),
        ([git("abc", "main"), git("def", "master", "https://git.example/library")], ("", "")),
        (
            [git("abc", "main"), {"_class": SCM, "revision": {"hash": "fed", "head": {"name": "main"}}}],
            ("fed", "main"),
        ),
        (
            [{"_class": SCM, "revision": {"pullHash": "123", "hash": "456", "head": {"name": "PR-7"}}}],
            ("123", "PR-7"),
        ),
        ([{"_class": SCM, "revision": {"hash": "fed"}}, git("abc", "origin/main")], ("fed", "main")),
        ([{"_class": SCM, "revision": {}}], ("", "")),
        ([{"_class": GIT, "lastBuiltRevision": None}], ("", "")),
    ],
)
async def test_which_revision(actions: list[Any], expected: tuple[str, str]) -> None:
    """With a shared library among several repositories, none is better than the wrong one."""
    run = await read_build({"actions": actions})
    assert (run.revision, run.ref) == expected


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ({"_class": "hudson.model.Cause$UserIdCause", "userId": "al", "userName": "Alice"}, "Alice"),
        ({"_class": "hudson.model.Cause$UserIdCause", "userId": "al", "userName": None}, "al"),
        ({"_class": "hudson.model.Cause$UserIdCause", "userId": None}, "anonymous"),
        ({"_class": "hudson.model.Cause$UpstreamCause", "upstreamProject": "ml/train", "upstreamBuild": 4},
         "upstream ml/train#4"),
        ({"_class": "hudson.triggers.TimerTrigger$TimerTriggerCause", "shortDescription": "Gestartet"}, "timer"),
        ({"_class": "hudson.triggers.SCMTrigger$SCMTriggerCause"}, "change in SCM"),
        ({"_class": "jenkins.branch.BranchEventCause", "shortDescription": "Push event"}, "push"),
        ({"_class": "com.cloudbees.jenkins.GitHubPushCause"}, "push"),
        ({"_class": "com.dabsquared.gitlabjenkins.cause.GitLabWebHookCause"}, "push"),
        ({"_class": "com.example.Cause", "shortDescription": "The\x1b[2J moon"}, "The moon"),
        ({"shortDescription": "Started by an SCM change"}, "Started by an SCM change"),
        ({"_class": "com.example.Cause"}, ""),
    ],
)  # fmt: skip
async def test_causes_by_class(cause: dict[str, Any], words: str) -> None:
    run = await read_build({}, _class="hudson.model.CauseAction", causes=[cause, cause])
    assert run.cause == words


@pytest.mark.parametrize(
    ("parameter", "shown"),
    [
        ({"value": "a\r\n\x1b[2Jb"}, "a\nb"),
        (
            {"jobName": "rec/evaluate", "number": "1", "_class": "hudson.model.RunParameterValue"},
            "rec/evaluate#1",
        ),
        ({"value": True}, "true"),
        ({"value": 3}, "3"),
        ({"value": None}, ""),
        ({"_class": "hudson.model.PasswordParameterValue"}, "***"),
        ({"_class": "hudson.model.FileParameterValue"}, ""),
        ({"value": ["a", 1]}, '["a",1]'),
    ],
)
async def test_parameters_as_text(parameter: dict[str, Any], shown: str) -> None:
    run = await read_build(
        {}, _class="hudson.model.ParametersAction", parameters=[{"name": "P", **parameter}]
    )
    assert run.parameters == (("P", shown),)


async def test_a_build_of_jenkins_1_without_classes() -> None:
    build = {
        "number": 1,
        "building": False,
        "result": "SUCCESS",
        "duration": 5000,
        "estimatedDuration": -1,
        "actions": [
            {"causes": [{"shortDescription": "Started by user Al", "userName": "Al"}]},
            {"parameters": [{"name": "V", "value": "1"}]},
            {"failCount": 0, "skipCount": 0, "totalCount": 9, "urlName": "testReport"},
            {"lastBuiltRevision": {"SHA1": "abc", "branch": [{"SHA1": "abc", "name": "origin/master"}]}},
            None,
        ],
    }
    run = await read_build({**build, "_class": ""})
    assert (run.status, run.cause, run.parameters) == (Status.PASSED, "Al", (("V", "1"),))
    assert (run.duration, run.expected_duration) == (5.0, None)
    assert run.tests is not None
    assert run.tests.total == 9
    assert (run.revision, run.ref) == ("abc", "master")
    assert run.stages is not None
    assert len(run.stages) == 1


@pytest.mark.parametrize(
    ("build", "status"),
    [
        ({"building": False, "inProgress": True, "result": "SUCCESS"}, Status.RUNNING),
        ({"building": True, "result": "FAILURE"}, Status.RUNNING),
        ({"building": False, "result": "NOT_BUILT"}, Status.SKIPPED),
        ({"building": False, "result": "UNSTABLE"}, Status.WARNING),
        ({"building": False, "result": "EXPLODED"}, Status.UNKNOWN),
        ({"building": False, "result": None}, Status.UNKNOWN),
    ],
)
async def test_status_and_life(build: dict[str, Any], status: Status) -> None:
    """A result does not end a run, and post-build steps run after ``building``."""
    run = await read_build(build)
    assert run.status is status
    assert run.vendor_status == (build["result"] or "")


async def test_a_freestyle_run_is_one_stage_with_one_job() -> None:
    async with jenkins({"/job/freestyle-hello/4/api/json": recorded("freestyle-aborted")}) as (source, stub):
        run = await source.run(Address("ci", "freestyle-hello", 4))
        assert asked(stub) == ["/job/freestyle-hello/4/api/json"]
        assert source.facts().stage_source == ""
    assert run.stages is not None
    (stage,) = run.stages
    assert (stage.name, stage.status, stage.duration) == ("freestyle-hello", Status.CANCELED, 0.565)
    (job,) = stage.jobs
    assert str(job.address) == "ci:freestyle-hello#4/freestyle-hello"
    assert job.status is Status.CANCELED


async def test_times_that_are_unknown() -> None:
    run = await read_build({"timestamp": -1, "duration": -5, "estimatedDuration": 0})
    assert (run.created_at, run.duration, run.expected_duration) == (None, None, None)
    assert run.title == "#1"


async def test_text_of_others_is_cleaned() -> None:
    run = await read_build({"displayName": "\x1b]0;owned\x07v1 [red]\u202e"})
    assert run.title == "v1 [red]"


async def test_names_in_urls() -> None:
    path = "/jenkins/job/ml/job/%C3%A9valuation%20%C3%BC/job/feature%252Fx/3/api/json"
    build = {
        "_class": "hudson.model.FreeStyleBuild",
        "number": 3,
        "url": "http://wrong.example/",
        "result": "SUCCESS",
    }
    async with jenkins({path.removeprefix("/jenkins"): core(build)}, prefix="/jenkins") as (source, stub):
        run = await source.run(Address("ci", "ml/évaluation ü/feature%2Fx", 3))
    assert asked(stub) == [path]
    assert run.web_url == f"{stub.url}{path.removesuffix('api/json')}"
    assert run.stages is not None
    assert run.stages[0].name == "feature/x"


async def test_an_address_without_a_run() -> None:
    async with jenkins({}) as (source, stub):
        with pytest.raises(SourceError, match="names no run; write ci:j#NUMBER"):
            await source.run(Address("ci", "j"))
    assert stub.requests == []


# Problems


def pipeline_routes(result: str, *actions: Any, console: Any = None) -> dict[str, Any]:
    build = {"_class": RUN, "number": 1, "building": False, "result": result, "actions": list(actions)}
    routes: dict[str, Any] = {"/job/j/1/api/json": core(build)}
    if console is not None:
        routes["/job/j/1/consoleText"] = console
    return routes


SYNTAX = """Started by user admin
org.codehaus.groovy.control.MultipleCompilationErrorsException: startup failed:
WorkflowScript: 3: Expected a step @ line 3, column 9.
           ecko 'hello'
           ^

1 error

\tat org.codehaus.groovy.control.ErrorCollector.failIfErrors(ErrorCollector.java:309)
Finished: FAILURE
"""


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        (SYNTAX, "WorkflowScript: 3: Expected a step @ line 3, column 9."),
        ("Started\nERROR: Unable to find Jenkinsfile from git\x1b[0m repo\nFinished: FAILURE\n",
         "Unable to find Jenkinsfile from git repo"),
        ("Started\nhudson.AbortException: no tool maven\n\tat x\n", "hudson.AbortException: no tool maven"),
        ("x" * 200_000, "failed before its first stage; its log tells why"),
    ],
)  # fmt: skip
async def test_a_run_that_failed_before_its_first_stage_says_why(log: str, problem: str) -> None:
    from tests.http_stub import Reply

    async with jenkins(pipeline_routes("FAILURE", console=Reply.text(log))) as (source, _):
        run = await source.run(Address("ci", "j", 1))
    assert run.problem == problem
    assert run.stages is not None
    assert [stage.status for stage in run.stages] == [Status.FAILED]


async def test_a_log_that_cannot_be_read_explains_nothing() -> None:
    async with jenkins(pipeline_routes("FAILURE")) as (source, _):
        run = await source.run(Address("ci", "j", 1))
    assert run.problem == "ended as FAILURE before its first stage"


async def test_a_killed_run_says_who_stopped_it() -> None:
    action = {
        "_class": "jenkins.model.InterruptedBuildAction",
        "causes": [{"shortDescription": "Aborted by al"}],
    }
    async with jenkins(pipeline_routes("ABORTED", action)) as (source, stub):
        run = await source.run(Address("ci", "j", 1))
    assert (run.status, run.problem, run.cause) == (Status.CANCELED, "stopped: Aborted by al", "")
    assert not any(path.endswith("consoleText") for path in asked(stub))


async def test_a_run_that_was_never_built() -> None:
    async with jenkins(pipeline_routes("NOT_BUILT")) as (source, _):
        run = await source.run(Address("ci", "j", 1))
    assert (run.status, run.problem) == (Status.SKIPPED, "ended as NOT_BUILT before its first stage")
