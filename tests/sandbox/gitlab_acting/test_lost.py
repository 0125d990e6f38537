"""Whatever a server, a proxy or the line does to a write: it is sent once, and what is said of it is true."""

import pytest

from tests.sandbox.gitlab_acting.site import Site, gate, newest
from tui.domain.action import Kind
from tui.sandbox.faults import Kind as Fault
from tui.sandbox.scenario import named

BEFORE: tuple[tuple[Fault, str], ...] = (
    ("html", "lost"),
    ("hang", "lost"),
    ("500", "lost"),
    ("503", "lost"),
    ("401", "refused"),
    ("403", "refused"),
    ("429", "refused"),
)
AFTER: tuple[Fault, ...] = ("truncated", "mistyped", "empty", "cut", "stall")


@pytest.mark.parametrize(("fault", "state"), BEFORE)
async def test_what_goes_wrong_before_the_effect(fault: Fault, state: str) -> None:
    async with Site(named("deployments"), timeout=0.5) as site:
        (step,) = (await site.plan(Kind.APPROVE, gate(site, "ml/fraud", "promote"))).steps
        site.faults.set(fault, path="/play", seconds=0)
        reply = await site.source.send(step, {})
        site.faults.set(None)
        assert reply.state == state
        assert reply.words
        assert (await site.source.observe(step, reply)).state == "nothing"
        assert len(site.writes) == 1
        assert site.world.events(newest(site, "ml/fraud")) == ()


@pytest.mark.parametrize("fault", AFTER)
async def test_an_answer_that_is_lost_after_the_effect(fault: Fault) -> None:
    async with Site(named("deployments"), timeout=0.5) as site:
        (step,) = (await site.plan(Kind.APPROVE, gate(site, "ml/fraud", "promote"))).steps
        site.faults.set(fault, path="/play")
        reply = await site.source.send(step, {})
        site.faults.set(None)
        assert reply.state == "lost"
        assert (await site.source.observe(step, None)).state == "happening"
        site.pass_time(30)
        assert (await site.source.observe(step, reply)).state == "done"
        assert len(site.writes) == 1
        assert [event.kind for event in site.world.events(newest(site, "ml/fraud"))] == ["approve"]


@pytest.mark.parametrize(
    ("kind", "path", "target", "fault_at"),
    [
        (Kind.RETRY, "ml/fraud", "pytest", "/retry"),
        (Kind.ROLLBACK, "ml/fraud", "@production", "/retry"),
        (Kind.STOP_ENVIRONMENT, "ml/fraud", "@staging", "/stop"),
        (Kind.CANCEL, "ml/fraud", "", "/cancel"),
        (Kind.APPROVE, "ml/risk", "go live", "/approval"),
        (Kind.TRIGGER, "ml/edge", ":", "/pipeline"),
    ],
)
async def test_each_action_is_recognised_after_a_restart(
    shop: Site, kind: Kind, path: str, target: str, fault_at: str
) -> None:
    run = f"#{newest(shop, path).id}"
    job = f"{run}/{target}" if target else run
    where = "" if target == ":" else target if target.startswith("@") else job
    plan = await shop.plan(kind, f"gitlab:{path}{where}", **({"ref": "next"} if kind is Kind.TRIGGER else {}))
    step = plan.steps[0]
    assert (await shop.source.observe(step, None)).state == "nothing"
    shop.faults.set("truncated", path=fault_at)
    assert (await shop.source.send(step, {})).state == "lost"
    shop.faults.set(None)
    assert (await shop.source.observe(step, None)).state in ("happening", "done")
    assert len(shop.writes) == 1
