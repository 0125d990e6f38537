"""Stages: the tree, its statuses and times, errors in words, and what other systems run (contracts: spinnaker §6)."""

from typing import Any

import pytest

from tests.contract.spinnaker.bodies import MS, RUNNING, below, config, execution, judgment, stage, ulid
from tests.contract.spinnaker.conftest import FakeGate, Open
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.spinnaker.source import SpinnakerSource

RUN = Address("spin", "shop/pipeline 1", ulid(1))


async def read(gate: FakeGate, source: SpinnakerSource, *stages: Any, **more: Any) -> Run:
    gate.configs = [config(1)]
    gate.executions = [execution(1, *stages, **more)]
    return await source.run(RUN)


def drawn(stages: tuple[Stage, ...], depth: int = 0) -> list[str]:
    lines = []
    for each in stages:
        sign = "|" if each.kind == "branch" else "-"
        lines.append(f"{'  ' * depth}{sign} {each.name} < {' '.join(each.needs)}".rstrip(" <"))
        lines += drawn(each.children, depth + 1)
    return lines


async def test_branches_and_what_the_server_made(gate: FakeGate, source: SpinnakerSource) -> None:
    run = await read(
        gate,
        source,
        stage("4", needs=("2", "3")),  # the order of the list means nothing
        stage("3", needs=("1", "gone")),
        stage("2", needs=("1",)),
        stage("1"),
        "S4",  # stands elsewhere in the document
        below("S2", "2>1", "STAGE_AFTER", name="after"),
        below("S2", "2<2", name="second", requisiteStageRefIds=["2<1"]),
        below("S2", "2<1", name="first"),
        below("S2<1", "1<2<1", name="deep"),
        below("S2<1", "2<2<1", name="deeper", requisiteStageRefIds=["1<2<1"]),
    )
    assert drawn(run.stages or ()) == [
        "- stage 1",
        "| stage 3 < S1",
        "| stage 2 < S1",
        "  - first",
        "    - deep",
        "    - deeper < S1<2<1",
        "  - second < S2<1",
        "  - after < S2<2",
        "- stage 4 < S2 S3",
    ]


async def test_no_references_and_circles(gate: FakeGate, source: SpinnakerSource) -> None:
    old = [stage(n, refId=None, requisiteStageRefIds=[]) for n in "abc"]
    assert drawn((await read(gate, source, *old)).stages or ()) == [
        "- stage a",
        "- stage b < Sa",
        "- stage c < Sb",
    ]
    circle = stage("1", needs=("2",)), stage("2", needs=("1",)), stage("3", needs=("3",))
    assert len((await read(gate, source, *circle)).stages or ()) == 3
    own = below("Sx", "x"), below("Sy", "z", id="Sx2"), below("Sx2", "y")
    await read(gate, source, *own)


async def test_one_stage_that_the_server_made_is_the_others_own_work(
    gate: FakeGate, source: SpinnakerSource
) -> None:
    error = {"exception": {"details": {"errors": ["", "no quota"], "error": "Unexpected"}}}
    broken: Any = {"status": "TERMINAL"}
    run = await read(
        gate,
        source,
        stage("1", "deploy", **broken),
        below("S1", "1<1", context=error, name="Deploy in eu", **broken),
        status="TERMINAL",
    )
    (only,) = run.stages or ()
    assert only.children == ()
    assert only.jobs[0].reason == run.problem == "no quota"


async def test_names_that_repeat_are_told_apart(gate: FakeGate, source: SpinnakerSource) -> None:
    run = await read(
        gate, source, stage("1", name="Deploy"), stage("2", name="Deploy"), stage("3", name="x/y")
    )
    assert [str(each.jobs[0].address) for each in run.stages or ()] == [
        f"spin:shop/pipeline 1#{ulid(1)}/{name}" for name in ("Deploy~1", "Deploy~2", "x/y")
    ]


STATUSES = {
    "NOT_STARTED": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "PAUSED": Status.WAITING,
    "SUSPENDED": Status.WAITING,
    "REDIRECT": Status.RUNNING,
    "SUCCEEDED": Status.PASSED,
    "FAILED_CONTINUE": Status.WARNING,
    "STOPPED": Status.FAILED,
    "TERMINAL": Status.FAILED,
    "CANCELED": Status.CANCELED,
    "SKIPPED": Status.SKIPPED,
    "SHINY": Status.UNKNOWN,
}


@pytest.mark.parametrize("word", STATUSES)
async def test_the_status_of_a_stage(gate: FakeGate, source: SpinnakerSource, word: str) -> None:
    run = await read(gate, source, stage("1", status=word), **RUNNING)
    (only,) = run.stages or ()
    assert (only.status, only.vendor_status) == (STATUSES[word], word)


@pytest.mark.parametrize(
    ("word", "more", "stages", "status"),
    [
        ("SUCCEEDED", {}, [stage("1", status="FAILED_CONTINUE")], Status.WARNING),
        ("SUCCEEDED", {}, [stage("1", status="STOPPED")], Status.WARNING),
        ("SUCCEEDED", {"canceled": True, "canceledBy": "bob"}, [stage("1")], Status.PASSED),
        ("RUNNING", RUNNING, [judgment()], Status.WAITING),
        ("PAUSED", {"paused": {"pausedBy": "bob", "pauseTime": MS}}, [stage("1")], Status.WAITING),
        ("BUFFERED", {"startTime": None}, [], Status.QUEUED),
        ("TERMINAL", {}, [stage("1", status="TERMINAL")], Status.FAILED),
        ("STRANGE", {}, [stage("1")], Status.UNKNOWN),
    ],
)
async def test_the_status_of_a_run(
    gate: FakeGate, source: SpinnakerSource, word: str, more: Any, stages: Any, status: Status
) -> None:
    run = await read(gate, source, *stages, **{**more, "status": word})
    assert (run.status, run.vendor_status) == (status, word)
    told = {"BUFFERED": "load protection", "PAUSED": "paused by bob at "}
    assert told.get(word, "") in run.waiting_reason


async def test_a_stage_whose_turn_never_came_is_skipped(gate: FakeGate, source: SpinnakerSource) -> None:
    never = stage("2", needs=("1",), status="NOT_STARTED", startTime=None, endTime=None)
    run = await read(gate, source, stage("1", status="TERMINAL"), never, status="TERMINAL")
    assert [each.status for each in run.stages or ()] == [Status.FAILED, Status.SKIPPED]


async def test_times_survive_a_restart(gate: FakeGate, source: SpinnakerSource) -> None:
    """The end of the last time stays where it was until it ends anew; old errors too."""
    error = {"exception": {"details": {"errors": ["of the last time"]}}}
    again = stage("1", context=error, status="NOT_STARTED", startTime=None, endTime=None)
    run = await read(gate, source, again, status="RUNNING", startTime=MS, endTime=MS - 100_000)
    assert run.duration is None
    assert run.started_at == MS / 1000
    assert run.created_at is not None
    assert run.created_at < run.started_at
    assert (run.problem, (run.stages or ())[0].jobs[0].reason) == ("", "")


ERRORS: dict[str, dict[str, Any]] = {
    "it broke; twice": {"exception": {"details": {"errors": ["it broke", "twice"], "error": "no"}}},
    "java.lang.Oops: x": {
        "exception": {"details": {"errors": [], "stackTrace": "java.lang.Oops: x\n\tat a.b"}}
    },
    "no such image": {
        "kato.tasks": [{"status": {"failed": True}, "exception": {"message": "no such image"}, "history": []}]
    },
    "gave up": {
        "kato.tasks": [{"status": {"failed": True}, "history": [{"status": "a"}, {"status": "gave up"}]}]
    },
    "child failed": {"failureMessage": "child failed"},
    "backoff limit": {"jobStatus": {"message": "backoff limit"}},
    "app #7 ended as FAILURE": {"job": "app", "buildInfo": {"number": 7, "result": "FAILURE"}},
    "score 33": {"canaryScoreMessage": "score 33"},
}


@pytest.mark.parametrize("words", ERRORS)
async def test_why_it_failed(gate: FakeGate, source: SpinnakerSource, words: str) -> None:
    run = await read(gate, source, stage("1", context=ERRORS[words], status="TERMINAL"), status="TERMINAL")
    assert run.problem == words


async def test_what_never_began_says_why(gate: FakeGate, source: SpinnakerSource) -> None:
    reason = "Failed on startup: no such template"
    more = {"canceledBy": "system", "canceled": True, "startTime": None, "endTime": None}
    run = await read(gate, source, status="TERMINAL", cancellationReason=reason, **more)
    assert run.problem == reason


# --- what other systems run ---------------------------------------------------------------------------------------

BUILD = {"url": "https://ci.example.com/jenkins/job/team/job/app/12/", "number": 12, "building": True}
BUILT = {"master": "ci", "job": "team/job/app", "buildNumber": 12}


async def linked(run: Run) -> list[str]:
    return [str(job.address) for job in (run.stages or ())[0].jobs if job.address.job is None]


async def test_a_jenkins_stage_leads_to_the_run_of_a_configured_source(gate: FakeGate, at: Open) -> None:
    source = at()
    asked = []

    async def address_of(url: str) -> Address | None:
        asked.append(url)
        return Address("jenkins", "team/app", 12)

    source.link(address_of)
    run = await read(gate, source, stage("1", "jenkins", context={**BUILT, "buildInfo": BUILD}))
    assert await linked(run) == ["jenkins:team/app#12"]
    assert asked == [BUILD["url"]]


async def test_by_the_name_of_its_server_else_as_a_text(gate: FakeGate, at: Open) -> None:
    named = at(masters={"ci": "builds"})
    assert await linked(await read(gate, named, stage("1", "script", context=BUILT))) == [
        "builds:team/app#12"
    ]
    unknown = at()
    run = await read(gate, unknown, stage("1", "jenkins", context={**BUILT, "buildInfo": BUILD}))
    assert await linked(run) == []
    assert (run.stages or ())[0].jobs[0].web_url == BUILD["url"]
    waits = await read(gate, named, stage("1", "jenkins", context={"master": "ci", "job": "app"}, **RUNNING))
    assert await linked(waits) == [], "it has no build yet"


async def test_a_pipeline_stage_leads_into_its_execution(gate: FakeGate, source: SpinnakerSource) -> None:
    told = {
        "application": "other",
        "executionId": ulid(9),
        "executionName": "Roll out",
        "pipeline": "x",
        "waitForCompletion": "false",
    }
    run = await read(gate, source, stage("1", "pipeline", context=told))
    assert await linked(run) == [f"spin:other/Roll out#{ulid(9)}"]


async def test_a_run_of_another_application_is_none(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs, gate.executions = [config(1)], [execution(1, of=config(2, "x", "other"))]
    for address in (RUN, Address("spin", "shop/pipeline 1", 12), Address("spin", "shop/pipeline 1")):
        with pytest.raises(SourceError) as caught:
            await source.run(address)
        assert caught.value.trouble is Trouble.NOT_FOUND
