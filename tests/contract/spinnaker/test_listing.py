"""The list: in few requests, and nothing of it is lost that one answer leaves out (contracts: spinnaker §4)."""

from typing import Any

import pytest

from tests.contract.spinnaker.bodies import (
    MS,
    NOW,
    RUNNING,
    config,
    execution,
    judgment,
    stage,
    ulid,
)
from tests.contract.spinnaker.conftest import Clock, FakeGate, Open
from tests.http_stub import Reply
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Pipeline
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.spinnaker.source import SpinnakerSource


async def row(source: SpinnakerSource) -> Pipeline:
    (found,) = (await source.pipelines()).pipelines
    return found


@pytest.mark.parametrize(("pipelines", "first", "later"), [(10, 3, 2), (200, 5, 4)])
async def test_a_refresh_costs_few_requests(
    gate: FakeGate, source: SpinnakerSource, pipelines: int, first: int, later: int
) -> None:
    gate.configs = [config(n) for n in range(pipelines)]
    gate.executions = [execution(n, stage("1"), of=each) for n, each in enumerate(gate.configs)]
    assert len((await source.pipelines()).pipelines) == pipelines
    assert len(gate.stub.requests) == first
    gate.stub.requests.clear()
    assert len((await source.pipelines()).pipelines) == pipelines
    assert len(gate.stub.requests) == later
    assert max(len(str(each.query)) for each in gate.stub.requests) < 7000, "a URL may have 8 kB"


async def test_definitions_are_read_every_few_minutes(
    gate: FakeGate, source: SpinnakerSource, clock: Clock
) -> None:
    gate.configs = [config(1, "Ship it "), config(2, "old", disabled=True)]
    found = (await source.pipelines()).pipelines
    assert [(each.address.path, each.disabled) for each in found] == [
        ("shop/old", True),
        ("shop/Ship it", False),
    ]
    gate.configs[0]["name"] = "Ship it now"
    await source.pipelines()
    clock.now += 400
    assert {each.name for each in (await source.pipelines()).pipelines} == {"old", "Ship it now"}


async def test_a_renamed_pipeline_keeps_its_runs(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1, "new name")]
    gate.executions = [execution(1, of=config(1, "old name"))]
    (run,) = (await row(source)).runs
    assert str(run.address) == f"spin:shop/new name#{ulid(1)}"


async def test_newest_first_with_those_that_go_on(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    gate.executions = [
        execution(1, stage("1", **RUNNING), **RUNNING),
        *(execution(n) for n in range(2, 9)),
        execution(9, status="NOT_STARTED", startTime=None, endTime=None),
    ]
    runs = (await row(source)).runs
    assert [run.address.run for run in runs] == [ulid(n) for n in (9, 8, 7, 6, 5, 1)]
    assert [run.status for run in (runs[0], runs[-1])] == [Status.QUEUED, Status.RUNNING]
    assert runs[0].waiting_reason == f"one run at a time: waits for #{ulid(1)}"


async def test_what_is_missing_from_one_answer_is_no_news(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    gate.executions = [execution(1)]
    before = await row(source)
    gate.routes["GET /executions"] = Reply.json([])
    assert await row(source) == before


async def test_what_went_on_is_asked_how_it_ended(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    gate.executions = [execution(1, **RUNNING), execution(2)]
    assert (await row(source)).runs[1].status is Status.RUNNING
    gate.executions[0] |= {"status": "TERMINAL", "endTime": MS}
    assert (await row(source)).runs[1].status is Status.FAILED
    gate.stub.requests.clear()
    await source.pipelines()
    assert len(gate.stub.requests) == 2, "once it is known, no more"


async def test_what_a_judgment_asks_is_read_once(gate: FakeGate, source: SpinnakerSource) -> None:
    told: Any = {
        "instructions": "<b>Does it rank?</b>\nLook at the chart.",
        "judgmentInputs": [{"value": "slow"}, {"value": "fast"}],
        "selectedStageRoles": ["ml", "sre"],
    }
    gate.configs = [config(1)]
    gate.executions = [execution(1, judgment(**told), **RUNNING)]
    (run,) = (await row(source)).runs
    assert run.status is Status.WAITING
    (gate_,) = run.gates
    assert gate_.message == "Does it rank?"
    assert gate_.submitter == "ml, sre"
    assert gate_.since == NOW - 60
    assert [(each.name, each.choices) for each in gate_.fields] == [("input", ("", "slow", "fast"))]
    assert gate_.address == Address("spin", "shop/pipeline 1", ulid(1), gate="Manual Judgment")
    assert "one of ml, sre may judge, it gives up at " in run.facts[0]
    await source.pipelines()
    assert gate.asked.count(f"/pipelines/{ulid(1)}") == 1


async def test_words_that_cannot_be_read_leave_the_gate(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    gate.executions = [execution(1, judgment(), **RUNNING)]
    gate.routes[f"GET /pipelines/{ulid(1)}"] = Reply()  # 200 with nothing: a failure behind Gate
    listing = await source.pipelines()
    assert [each.message for each in listing.pipelines[0].runs[0].gates] == ["Manual Judgment"]
    assert "what #" in listing.notes[0]


async def test_globs_and_applications(gate: FakeGate, at: Open) -> None:
    gate.configs = [config(1, "Ship"), config(2, "Train", "ml-rank"), config(3, "x/y", "ml-rank")]
    listing = await at(watch=("shop/S*", "ml-*/**", "ml-rank/nothing")).pipelines()
    assert [each.address.path for each in listing.pipelines] == ["ml-rank/Train", "ml-rank/x/y", "shop/Ship"]
    assert listing.notes == ("watch 'ml-rank/nothing' matches no pipeline",)


async def test_one_application_that_may_not_be_read_is_a_note(gate: FakeGate, at: Open) -> None:
    gate.configs = [config(1)]
    gate.routes["GET /applications/secret/pipelineConfigs"] = Reply.json({"message": "Access is denied"}, 403)
    listing = await at(watch=("shop", "secret")).pipelines()
    assert len(listing.pipelines) == 1
    assert "the pipelines of secret are not known" in listing.notes[0]
    with pytest.raises(SourceError) as caught:
        await at(watch=("secret",)).pipelines()
    assert caught.value.trouble is Trouble.FORBIDDEN


CAUSES: dict[str, dict[str, Any]] = {
    "ann": {"type": "manual", "user": "somebody else"},
    "jenkins build/app #12": {"type": "jenkins", "master": "ci", "job": "build/app", "buildNumber": 12},
    "git main": {"type": "git", "branch": "main", "hash": "abc"},
    "docker team/app": {"type": "docker", "repository": "team/app", "tag": "1.2"},
    "cron": {"type": "cron"},
    "pipeline other/Parent": {
        "type": "pipeline",
        "parentExecution": {
            "id": ulid(7),
            "name": "Parent",
            "application": "other",
            "status": "RUNNING",
            "trigger": {"parentExecution": {"id": ulid(8)}},
        },
    },
}


@pytest.mark.parametrize("cause", CAUSES)
async def test_who_or_what_started_it(gate: FakeGate, source: SpinnakerSource, cause: str) -> None:
    gate.configs = [config(1)]
    gate.executions = [execution(1, trigger=CAUSES[cause])]
    (run,) = (await row(source)).runs
    assert run.cause == cause
    assert (run.upstream is not None) is cause.startswith("pipeline")
    if run.upstream is not None:
        assert str(run.upstream.address) == f"spin:other/Parent#{ulid(7)}"
