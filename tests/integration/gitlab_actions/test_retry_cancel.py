"""Jobs and runs of the sandbox's GitLab are run again and canceled; the traps of the contract (§4.3, §4.4)."""

from typing import Any

import msgspec
import pytest

from tests.integration.gitlab_actions.site import Site, gate, newest, working
from tui.domain.action import ActionKind
from tui.domain.address import Address
from tui.sandbox.scenario import demo


async def test_a_job_is_run_again_under_a_new_id(shop: Site) -> None:
    run = newest(shop, "ml/fraud")
    target = Address("gitlab", "ml/fraud", run.id, "pytest")
    (step,) = (await shop.plan(ActionKind.RETRY, target)).steps
    reply = await shop.source.send(step, {})
    new = shop.world.job_id(run, "test/pytest", 1)
    assert (reply.state, reply.status, reply.found) == ("accepted", 201, (("id", str(new)),))
    assert (await shop.source.observe(step, reply)).state == "happening"
    shop.pass_time(20)
    seen = await shop.source.observe(step, None)
    assert (seen.state, seen.result, seen.found) == ("done", target, (("id", str(new)),))
    twice = await shop.source.send(step, {})
    assert (twice.state, twice.status, twice.over) == ("lost", 403, True)
    assert twice.words == "403 Forbidden - Job is not retryable; it was run again before, or has not ended"
    stale = await shop.plan(ActionKind.RETRY, target.of_run.at_job(f"pytest~{new - 200}"))
    assert stale.why_not.startswith("it was run again since: ")


async def test_a_run_is_run_again_where_something_failed(shop: Site) -> None:
    fine = await shop.plan(ActionKind.RETRY, Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id))
    assert fine.why_not == "nothing in it failed or was canceled"
    run = next(run for run in shop.world.project_runs("ml/edge") if run.pipeline.ref == "next")
    target = Address("gitlab", "ml/edge", run.id)
    (step,) = (await shop.plan(ActionKind.RETRY, target)).steps
    assert (await shop.source.observe(step, None)).state == "nothing"
    reply = await shop.source.send(step, {})
    assert (await shop.source.observe(step, reply)).state == "happening"
    shop.pass_time(30)
    assert (await shop.source.observe(step, None)).state == "done"
    # 201 that does nothing
    reply = await shop.source.send(step, {})
    assert reply.state == "accepted"


async def test_201_of_a_retry_that_did_nothing_is_not_believed(shop: Site) -> None:
    run = next(run for run in shop.world.project_runs("ml/edge") if run.pipeline.ref == "next")
    (step,) = (await shop.plan(ActionKind.RETRY, Address("gitlab", "ml/edge", run.id))).steps
    shop.world.retry(run, "deploy/deploy", "alice")
    shop.pass_time(30)
    (late,) = (await shop.plan(ActionKind.RETRY, Address("gitlab", "ml/edge", run.id, "deploy"))).steps
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("accepted", 201)
    last = dict(late.expect)["last"]
    unmoved = msgspec.structs.replace(
        step, expect=tuple((key, last if key == "last" else value) for key, value in step.expect)
    )
    seen = await shop.source.observe(unmoved, reply)
    assert seen.words == "GitLab said yes, but started nothing: no job of it was started again"


async def test_a_run_is_canceled_and_its_gates_are_told_of() -> None:
    async with Site(working()) as site:
        site.pass_time(5)
        run = newest(site, "ml/shop")
        target = Address("gitlab", "ml/shop", run.id)
        job = await site.plan(ActionKind.CANCEL, target.at_job("train"))
        assert job.possible
        plan = await site.plan(ActionKind.CANCEL, target)
        assert plan.warnings == ("it waits for a person at 'try': that gate is ended too, not answered",)
        (step,) = plan.steps
        assert (await site.source.observe(step, None)).state == "nothing"
        reply = await site.source.send(step, {})
        assert (reply.state, reply.status) == ("accepted", 200)
        seen = await site.source.observe(step, reply)
        assert (seen.state, seen.words) == ("done", f"{target} was canceled")
        assert (await site.plan(ActionKind.CANCEL, target)).why_not == "it has ended: canceled"


async def test_201_of_a_cancel_that_came_too_late_is_not_believed() -> None:
    async with Site(working()) as site:
        site.pass_time(5)
        target = Address("gitlab", "ml/shop", newest(site, "ml/shop").id, "train")
        (step,) = (await site.plan(ActionKind.CANCEL, target)).steps
        site.pass_time(60)
        reply = await site.source.send(step, {})
        assert (reply.state, reply.status) == ("accepted", 201)
        seen = await site.source.observe(step, reply)
        assert seen.state == "failed"
        assert seen.words.startswith("'train' was not canceled: it is passed, started by ")


async def test_a_job_is_canceled() -> None:
    async with Site(working()) as site:
        site.pass_time(5)
        target = Address("gitlab", "ml/shop", newest(site, "ml/shop").id, "train")
        (step,) = (await site.plan(ActionKind.CANCEL, target)).steps
        reply = await site.source.send(step, {})
        assert (await site.source.observe(step, reply)).words == "'train' was canceled"
        site.pass_time(1)
        (again,) = (await site.plan(ActionKind.RETRY, target.of_run)).steps
        assert (await site.source.send(again, {})).state == "accepted"
        assert (await site.source.observe(again, None)).state == "happening"


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"denied": frozenset({"*"})}, 403, "403 Forbidden; GitLab gives no reason"),
        ({"locked": True}, 409, "409 Conflict: Resource lock; something else changes it at this moment"),
        ({"scopes": ("read_api",)}, 403, "acting needs a token with the scope api"),
    ],
)
async def test_refused_without_effect(shop: Site, options: dict[str, Any], status: int, words: str) -> None:
    (step,) = (await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    for name, value in options.items():
        setattr(shop.options, name, value)
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("lost" if status == 409 else "refused", status)
    assert words in reply.words
    assert (await shop.source.observe(step, reply)).state == "nothing"
    assert len(shop.writes) == 1


@pytest.mark.parametrize("lacks", [frozenset({"CiJob.canPlayJob"}), frozenset({"Project.job"})])
async def test_without_graphql_a_gate_can_be_played_all_the_same(shop: Site, lacks: frozenset[str]) -> None:
    shop.options.lacks = lacks
    (step,) = (await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    assert (await shop.source.send(step, {})).state == "accepted"
    assert (await shop.source.observe(step, None)).state == "happening"


async def test_what_deploys_is_told_before_it_is_run_again(shop: Site) -> None:
    run = newest(shop, "ml/fraud")
    plan = await shop.plan(ActionKind.RETRY, Address("gitlab", "ml/fraud", run.id, "staging"))
    assert (plan.environment, plan.possible) == ("staging", True)
    assert plan.warnings == (f"it deploys: staging gets {run.commit.sha[:8]} again",)
    failed = next(run for run in shop.world.project_runs("ml/edge") if run.pipeline.ref == "next")
    whole = await shop.plan(ActionKind.RETRY, Address("gitlab", "ml/edge", failed.id))
    assert whole.environment == "staging"
    assert whole.warnings == ("among it is what deploys to staging",)


async def test_a_job_of_a_child_run_is_run_again() -> None:
    async with Site(demo()) as site:
        run = next(run for run in site.world.project_runs("ml/fraud") if run.pipeline.ref != "main")
        child = site.world.child(run, "package/model card")
        assert child is not None
        target = Address("gitlab", "ml/fraud", child.id, "figures")
        (step,) = (await site.plan(ActionKind.RETRY, target)).steps
        reply = await site.source.send(step, {})
        site.pass_time(20)
        seen = await site.source.observe(step, reply)
        assert (seen.state, seen.result) == ("done", target)
        bridge = await site.plan(ActionKind.RETRY, Address("gitlab", "ml/fraud", run.id, "model card"))
        assert ("starts", "a new downstream run") in bridge.facts
        cancel = await site.plan(ActionKind.CANCEL, Address("gitlab", "ml/fraud", run.id, "model card"))
        assert cancel.why_not.startswith("GitLab cancels no job that starts a run")
