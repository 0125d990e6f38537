"""Whatever a server or the line does to a write: it is sent once, and what is said of it is true."""

import pytest

from tests.sandbox.jenkins_acting.site import Site
from tui.domain.action import Kind, Plan
from tui.domain.address import Address
from tui.sandbox.faults import Kind as Fault

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
KINDS = (
    (Kind.APPROVE, "/input/"),
    (Kind.REJECT, "/input/"),
    (Kind.CANCEL, "/stop"),
    (Kind.RETRY, "/replay/"),
    (Kind.TRIGGER, "/build"),
    (Kind.KEEP, "/toggleLogKeep"),
    (Kind.DESCRIBE, "/submitDescription"),
)


async def plan_of(ci: Site, kind: Kind) -> Plan:
    if kind is Kind.TRIGGER:
        return await ci.plan(kind, Address("ci", "ml/train"))
    run = await ci.start("ml/deploy" if kind in (Kind.APPROVE, Kind.REJECT) else "ml/train")
    if kind is Kind.RETRY:
        ci.pass_time(100)
    values = {"description": "fit"} if kind is Kind.DESCRIBE else {}
    return await ci.plan(kind, run, **values)


@pytest.mark.parametrize(("kind", "path"), KINDS)
@pytest.mark.parametrize(("fault", "state"), BEFORE)
async def test_what_goes_wrong_before_the_effect(
    ci: Site, kind: Kind, path: str, fault: Fault, state: str
) -> None:
    plan = await plan_of(ci, kind)
    writes = len(ci.writes)
    ci.faults.set(fault, path=path, seconds=0)
    step, reply = await ci.send(plan)
    ci.faults.set(None)
    assert reply.state == state
    assert reply.words
    assert len(ci.writes) == writes + 1
    assert (await ci.source.observe(step, reply)).state == "nothing"


@pytest.mark.parametrize(("kind", "path"), KINDS)
@pytest.mark.parametrize("fault", AFTER)
async def test_lost_answer_is_recognised_after_a_restart(
    ci: Site, kind: Kind, path: str, fault: Fault
) -> None:
    plan = await plan_of(ci, kind)
    writes = len(ci.writes)
    ci.faults.set(fault, path=path)
    step, reply = await ci.send(plan)
    ci.faults.set(None)
    assert reply.state == "lost"
    after = ci.another()
    assert (await after.observe(step, None)).state in ("happening", "done")
    ci.pass_time(100)
    assert (await after.observe(step, reply)).state == "done"
    await after.close()
    assert len(ci.writes) == writes + 1
