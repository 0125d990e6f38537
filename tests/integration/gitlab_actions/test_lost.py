"""Whatever a server, a proxy or the line does to a write: it is sent once, and what is said of it is true."""

import pytest

from tests.integration.gitlab_actions.site import Site, gate, newest, working
from tests.patience import given_up
from tui.domain.action import ActionKind
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
    ("unheard", "lost"),
)
AFTER: tuple[Fault, ...] = ("truncated", "mistyped", "empty", "unanswered", "cut", "stall")


@pytest.mark.parametrize(("fault", "state"), BEFORE)
async def test_what_goes_wrong_before_the_effect(fault: Fault, state: str) -> None:
    async with Site(named("deployments")) as site:
        (step,) = (await site.plan(ActionKind.APPROVE, gate(site, "ml/fraud", "promote"))).steps
        site.faults.set(fault, path="/play", seconds=0)
        sending = site.source.send(step, {})
        reply = await (given_up(sending, lambda: site.writes) if fault == "hang" else sending)
        site.faults.set(None)
        assert reply.state == state
        assert reply.words
        assert (await site.source.observe(step, reply)).state == "nothing"
        assert len(site.writes) == 1
        assert site.world.events(newest(site, "ml/fraud")) == ()


@pytest.mark.parametrize("fault", AFTER)
async def test_an_answer_that_is_lost_after_the_effect(fault: Fault) -> None:
    async with Site(named("deployments")) as site:
        (step,) = (await site.plan(ActionKind.APPROVE, gate(site, "ml/fraud", "promote"))).steps
        site.faults.set(fault, path="/play")
        sending = site.source.send(step, {})
        run = newest(site, "ml/fraud")
        reply = await (given_up(sending, lambda: site.world.events(run)) if fault == "stall" else sending)
        site.faults.set(None)
        assert reply.state == "lost"
        assert (await site.source.observe(step, None)).state == "happening"
        site.pass_time(30)
        assert (await site.source.observe(step, reply)).state == "done"
        assert len(site.writes) == 1
        assert [event.kind for event in site.world.events(newest(site, "ml/fraud"))] == ["approve"]


CUTS: tuple[Fault, ...] = ("unheard", "unanswered", "cut", "truncated")
KINDS = {
    "play": (ActionKind.APPROVE, "ml/fraud", "/promote!play", "/play"),
    "approve a deployment": (ActionKind.APPROVE, "ml/risk", "/go live", "/approval"),
    "reject a deployment": (ActionKind.REJECT, "ml/risk", "/go live", "/approval"),
    "retry a job": (ActionKind.RETRY, "ml/fraud", "/pytest", "/retry"),
    "retry a run": (ActionKind.RETRY, "ml/edge", "", "/retry"),
    "cancel a job": (ActionKind.CANCEL, "ml/shop", "/train", "/cancel"),
    "cancel a run": (ActionKind.CANCEL, "ml/shop", "", "/cancel"),
    "roll back": (ActionKind.ROLLBACK, "ml/fraud", "@production", "/retry"),
    "stop an environment": (ActionKind.STOP_ENVIRONMENT, "ml/fraud", "@staging", "/stop"),
    "start": (ActionKind.TRIGGER, "ml/edge", ":", "/pipeline"),
    "start by a token": (ActionKind.TRIGGER, "ml/fraud", ":", "/trigger/pipeline"),
}
"""Every kind of request that is sent to a GitLab: what, where, and what its path holds."""


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("fault", CUTS)
async def test_each_is_sent_once_and_recognised_after_a_restart(what: str, fault: Fault) -> None:
    kind, path, target, fault_at = KINDS[what]
    async with Site(working() if path == "ml/shop" else named("deployments")) as site:
        run = "" if target[:1] in (":", "@") else f"#{newest(site, path).id}"
        values = {"start": {"ref": "next"}, "start by a token": {"with": "trigger token"}}.get(what, {})
        plan = await site.plan(kind, f"gitlab:{path}{run}{target.removeprefix(':')}", **values)
        assert plan.possible, plan.why_not
        step = plan.steps[0]
        assert (await site.source.observe(step, None)).state == "nothing"
        site.faults.set(fault, path=fault_at)
        secrets = {"token": "glptt-sandbox"} if "token" in what else {}
        assert (await site.source.send(step, secrets)).state == "lost"
        site.faults.set(None)
        seen = await site.source.observe(step, None)
        assert seen.state in (("nothing",) if fault == "unheard" else ("happening", "done"))
        assert len(site.writes) == 1


REPEATED = {
    "play": ("lost", "400 Bad request - Unplayable Job"),
    "reject a deployment": ("lost", "This deployment is not waiting"),
    "retry a job": ("lost", "403 Forbidden - Job is not retryable"),
    "roll back": ("lost", "403 Forbidden - Job is not retryable"),
    "stop an environment": ("lost", "400"),
}
"""What is refused to a proxy that repeats the request. The others are accepted once more, and do nothing more or, as a
start, make a second run."""


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("fault", ["twice", "refused"])
async def test_a_refusal_after_the_effect_is_read_back(what: str, fault: Fault) -> None:
    kind, path, target, fault_at = KINDS[what]
    async with Site(working() if path == "ml/shop" else named("deployments")) as site:
        run = "" if target[:1] in (":", "@") else f"#{newest(site, path).id}"
        values = {"start": {"ref": "next"}, "start by a token": {"with": "trigger token"}}.get(what, {})
        step = (await site.plan(kind, f"gitlab:{path}{run}{target.removeprefix(':')}", **values)).steps[0]
        site.faults.set(fault, path=fault_at)
        reply = await site.source.send(step, {"token": "glptt-sandbox"} if "token" in what else {})
        site.faults.set(None)
        state, words = REPEATED.get(what, ("accepted", "")) if fault == "twice" else ("lost", "400")
        assert (reply.state, reply.over) == (state, state == "lost")
        assert reply.words.startswith(words)
        assert len(site.writes) == 1
        if state == "lost":
            seen = await site.source.observe(step, None)
            assert (seen.state, seen.not_ours) in {("happening", False), ("done", False)}
