"""Whatever a server or the line does to a write: it is sent once, and what is said of it is true."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.integration.jenkins_actions.site import Site
from tests.patience import given_up
from tui.domain.action import ActionKind, Plan
from tui.domain.address import Address
from tui.engine.actions.journal import Journal
from tui.sandbox.faults import Kind as Fault
from tui.sandbox.plan import Form, RunField

BEFORE: tuple[tuple[Fault, str], ...] = (
    ("html", "lost"),
    ("hang", "lost"),
    ("500", "lost"),
    ("401", "refused"),
    ("403", "refused"),
    ("429", "refused"),
    ("unheard", "lost"),
)
AFTER: tuple[Fault, ...] = ("unanswered", "cut")
TRAIN = Address("ci", "ml/train")
STEPS = {
    "approve": "/proceedEmpty",
    "approve with values": "/proceed",
    "reject": "/abort",
    "stop": "/stop",
    "term": "/term",
    "kill": "/kill",
    "take out of the queue": "/cancelItem",
    "run again": "/replay/rebuild",
    "run a freestyle job again": "/build",
    "run again from a stage": "/restartPipeline",
    "start": "/build",
    "start with values": "/buildWithParameters",
    "keep": "/toggleLogKeep",
    "describe": "/submitDescription",
}
"""Every kind of request that is sent to a Jenkins, and what its path ends with."""


async def plan_of(ci: Site, what: str) -> Plan:
    match what:
        case "approve" | "reject":
            return await ci.plan(ActionKind(what), await ci.start())
        case "approve with values":
            ci.options.forms = {"Promote": Form((RunField("NOTE"), RunField("NOTIFY", "Boolean", True)))}
            return await ci.plan(ActionKind.APPROVE, await ci.start(), NOTE="fit")
        case "start":
            return await ci.plan(ActionKind.TRIGGER, TRAIN)
        case "start with values":
            return await ci.plan(ActionKind.TRIGGER, Address("ci", "ml/deploy"), TARGET="prod")
        case "take out of the queue":
            ci.options.quiet = 30
            (step,) = (await ci.plan(ActionKind.TRIGGER, TRAIN)).steps
            slow = msgspec.structs.replace(step, path=step.path.partition("?")[0])
            assert (await ci.source.send(slow, {})).state == "accepted"
            return await ci.plan(ActionKind.CANCEL, TRAIN)
        case "keep" | "describe":
            return await ci.plan(ActionKind(what), await ci.start("ml/train"), description="fit")
        case "stop" | "term" | "kill":
            run = await ci.start("ml/train")
            plan = await ci.plan(ActionKind.CANCEL, run)
            for level in ("term", "kill")[: ("stop", "term", "kill").index(what)]:
                ci.source.remember(plan.steps[0], ci.world.now() - 20)
                plan = await ci.plan(ActionKind.CANCEL, run, level=level)
            return plan
    run = await ci.start("ml/free" if "freestyle" in what else "ml/train")
    ci.pass_time(100)
    return await ci.plan(ActionKind.RETRY, run.at_job("Fit") if "stage" in what else run)


@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize(("fault", "state"), BEFORE)
async def test_what_goes_wrong_before_the_effect(ci: Site, what: str, fault: Fault, state: str) -> None:
    plan = await plan_of(ci, what)
    assert plan.steps[0].path.partition("?")[0].endswith(STEPS[what])
    writes = len(ci.writes)
    ci.faults.set(fault, path=STEPS[what], seconds=0)
    (step,) = plan.steps
    sending = ci.source.send(step, {})
    reply = await (given_up(sending, lambda: len(ci.writes) > writes) if fault == "hang" else sending)
    ci.faults.set(None)
    assert reply.state == state
    assert reply.words
    assert len(ci.writes) == writes + 1
    assert (await ci.source.observe(step, reply)).state == "nothing"


@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize("fault", AFTER)
async def test_lost_answer_is_recognised_after_a_restart(ci: Site, what: str, fault: Fault) -> None:
    plan = await plan_of(ci, what)
    assert plan.steps[0].path.partition("?")[0].endswith(STEPS[what])
    writes = len(ci.writes)
    ci.faults.set(fault, path=STEPS[what])
    step, reply = await ci.send(plan)
    ci.faults.set(None)
    bodiless = what == "take out of the queue" and fault == "cut"  # 204: nothing of it can be missing
    assert reply.state == ("accepted" if bodiless else "lost")
    after = ci.another()
    assert (await after.observe(step, None)).state in ("happening", "done")
    ci.pass_time(100)
    assert (await after.observe(step, reply)).state == "done"
    await after.close()
    assert len(ci.writes) == writes + 1


REPEATED = {
    "approve": "it is no longer there",
    "approve with values": "it is no longer there",
    "reject": "it is no longer there",
    "take out of the queue": "an error of the server's own, as for what has left the queue",
}
"""What is refused to a proxy that repeats the request. The others are accepted once more."""


@pytest.mark.parametrize("what", STEPS)
async def test_a_refusal_of_what_a_proxy_repeats_is_read_back(ci: Site, what: str) -> None:
    plan = await plan_of(ci, what)
    writes = len(ci.writes)
    ci.faults.set("twice", path=STEPS[what])
    step, reply = await ci.send(plan)
    ci.faults.set(None)
    refused = what in REPEATED
    assert (reply.state, reply.over) == ("lost" if refused else "accepted", refused)
    assert reply.words.startswith(REPEATED.get(what, ""))
    assert len(ci.writes) == writes + 1
    if refused:
        seen = await ci.source.observe(step, None)
        assert (seen.state, seen.not_ours) == ("done", False)


@pytest.mark.parametrize("what", STEPS)
async def test_a_step_from_a_journal_of_an_earlier_version_is_recognised(
    ci: Site, what: str, tmp_path: Path
) -> None:
    plan = await plan_of(ci, what)
    step, _ = await ci.send(plan)
    ci.pass_time(100)
    notes = [["do", step.kind], *map(list, step.expect)]
    line = json.dumps(
        {
            "id": "1",
            "at": 1.0,
            "event": "sending",
            "who": {"user": "u", "host": "h", "pid": 1, "instance": "i"},
            "source": "ci",
            "target": str(plan.request.target),
            "kind": plan.request.kind,
            "request": {"words": "do it", "method": "POST", "path": step.path, "expect": notes},
        }
    )
    (tmp_path / "actions.jsonl").write_text(f"{line}\n", encoding="utf-8")
    ((sent, *_),) = (record.entries for record in Journal(tmp_path).read())
    assert sent.request is not None
    assert (await ci.source.observe(sent.request, None)).state == "done"
