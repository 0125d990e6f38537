"""Gates of the sandbox's GitLab are played, approved and rejected; the traps of the contract (§4.2, §4.6)."""

from typing import Any

import pytest

from tests.integration.gitlab_actions.site import Site, canaries_by_hand, gate, newest, two_runs
from tui.domain.action import ActionKind
from tui.domain.address import Address
from tui.domain.status import Status
from tui.insight.environment_state import environment_state


async def test_a_gate_is_played_once_and_followed_to_its_deployment(shop: Site) -> None:
    plan = await shop.plan(ActionKind.PROMOTE, "gitlab:ml/fraud@production")
    assert plan.possible, plan.why_not
    assert plan.environment == "production"
    facts = dict(plan.facts)
    assert (facts["environment"], facts["it asks"]) == ("production", "Promote?")
    (step,) = plan.steps
    assert (await shop.source.observe(step, None)).state == "nothing"
    reply = await shop.source.send(step, {})
    assert reply.state == "accepted", reply
    assert (await shop.source.observe(step, reply)).state == "happening"
    shop.pass_time(30)
    seen = await shop.source.observe(step, reply)
    assert seen.state == "done"
    version = newest(shop, "ml/fraud").commit.sha[:8]
    assert seen.words == f"'promote' passed: production has {version}"
    assert seen.result == Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id, "promote")
    assert await shop.source.observe(step, None) == seen  # as after a restart
    assert len(shop.writes) == 1


async def test_what_waits_no_more_is_not_played(shop: Site) -> None:
    run = newest(shop, "ml/fraud")
    shop.world.approve(run, "promote/promote", "alice")
    plan = await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))
    assert not plan.possible
    assert plan.why_not.startswith("it no longer waits: running, started by alice at ")
    shop.pass_time(30)
    plan = await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))
    assert "passed, started by alice" in plan.why_not
    assert "second run" in plan.why_not


async def test_played_by_somebody_else_a_moment_ago(shop: Site) -> None:
    (step,) = (await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    shop.world.approve(newest(shop, "ml/fraud"), "promote/promote", "alice")
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status, reply.over) == ("lost", 400, True)
    assert reply.words.startswith("400 Bad request - Unplayable Job; it no longer waits")
    seen = await shop.source.observe(step, reply)
    assert (seen.state, seen.not_ours) == ("happening", True)
    assert seen.words == "alice started it, not you: 'promote' runs"


async def test_play_after_success_starts_a_second_run_which_is_told(shop: Site) -> None:
    (step,) = (await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    run = newest(shop, "ml/fraud")
    shop.world.approve(run, "promote/promote", "alice")
    shop.pass_time(30)
    reply = await shop.source.send(step, {})
    assert reply.state == "accepted"
    seen = await shop.source.observe(step, reply)
    assert seen.state == "failed"
    assert "a second run of 'promote' was" in seen.words
    after_restart = await shop.source.observe(step, None)
    assert (after_restart.state, after_restart.result) == ("failed", seen.result)
    assert len(shop.world.progress(run).of("promote/promote").attempts) == 2


async def test_an_answer_lost_after_the_effect_is_lost_and_recognised(shop: Site) -> None:
    (step,) = (await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    shop.faults.set("truncated", path="/play")
    reply = await shop.source.send(step, {})
    shop.faults.set(None)
    assert reply.state == "lost"
    assert (await shop.source.observe(step, reply)).state == "happening"
    assert len(shop.writes) == 1


async def test_a_gate_that_a_newer_version_overtook_is_outdated() -> None:
    async with Site(two_runs()) as site:
        old, new = site.world.project_runs("ml/shop")[1], newest(site, "ml/shop")
        site.world.approve(new, "promote/promote", "alice")
        site.pass_time(30)
        plan = await site.plan(ActionKind.APPROVE, Address("gitlab", "ml/shop", old.id, "promote", "play"))
        assert not plan.possible
        sha = new.commit.sha[:8]
        assert plan.why_not == f"it is outdated: {sha} was put into production since"


async def test_overtaken_between_plan_and_press_is_refused_with_what_gitlab_leaves_out() -> None:
    async with Site(two_runs()) as site:
        old, new = site.world.project_runs("ml/shop")[1], newest(site, "ml/shop")
        target = Address("gitlab", "ml/shop", old.id, "promote", "play")
        (step,) = (await site.plan(ActionKind.APPROVE, target)).steps
        site.world.approve(new, "promote/promote", "alice")
        site.pass_time(30)
        reply = await site.source.send(step, {})
        assert (reply.state, reply.status) == ("refused", 403)
        assert reply.words.startswith("403 Forbidden; GitLab gives no reason: ")
        assert "outdated" in reply.words
        assert (await site.source.observe(step, reply)).state == "nothing"


async def test_variables_of_a_gate_are_sent_and_may_be_refused(shop: Site) -> None:
    plan = await shop.plan(
        ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"), variables="SHARE=50\nWHO=me"
    )
    assert plan.steps[0].body[0][1] == (
        '{"job_variables_attributes":[{"key":"SHARE","value":"50"},{"key":"WHO","value":"me"}]}'
    )
    shop.options.variables = "maintainer"
    reply = await shop.source.send(plan.steps[0], {})
    assert (reply.state, reply.status) == ("refused", 403)
    wrong = await shop.plan(ActionKind.APPROVE, gate(shop, "ml/fraud", "promote"), variables="SHARE")
    assert wrong.why_not == "a variable is written KEY=VALUE, not 'SHARE'"


async def test_what_gitlab_cannot_do_to_a_gate_is_offered_with_the_reason(shop: Site) -> None:
    offers = {
        offer.request.kind: offer for offer in await shop.source.offers(gate(shop, "ml/fraud", "promote"))
    }
    assert offers[ActionKind.APPROVE].possible
    assert not offers[ActionKind.REJECT].possible
    assert offers[ActionKind.REJECT].why_not.startswith("GitLab cannot reject a manual job")
    assert not offers[ActionKind.CANCEL].possible
    assert "would end the gate" in offers[ActionKind.CANCEL].why_not
    at_job = await shop.source.offers(Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id, "pytest"))
    assert [offer.request.kind for offer in at_job] == [ActionKind.RETRY, ActionKind.CANCEL]
    assert shop.writes == []


async def test_approvals_come_before_the_job_is_started(shop: Site) -> None:
    at = gate(shop, "ml/risk", "go live")
    first = await shop.plan(ActionKind.APPROVE, at, "looks fine")
    assert [step.words for step in first.steps] == ["approve the deployment to live"]
    assert first.warnings == ("1 more approval is needed after yours; then somebody has to start the job",)
    (step,) = first.steps
    assert step.body == (("status", "approved"), ("comment", "looks fine"))
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("accepted", 201)
    seen = await shop.source.observe(step, reply)
    assert (seen.state, seen.words) == ("done", "approved; 1 more approval is needed")
    again = await shop.plan(ActionKind.APPROVE, at)
    assert again.why_not == "you have approved it; 1 more approval is needed before it can be started"
    shop.deeds.approve(int(dict(step.expect)["job"]), "alice", shop.world.now())
    (play,) = (await shop.plan(ActionKind.APPROVE, at)).steps
    assert (await shop.source.send(play, {})).state == "accepted"
    shop.pass_time(30)
    assert (await shop.source.observe(play, None)).state == "done"
    assert len(shop.writes) == 2


async def test_the_last_approval_and_the_start_are_two_steps(shop: Site) -> None:
    run = newest(shop, "ml/risk")
    shop.deeds.approve(shop.world.job_id(run, "go live/go live"), "alice", shop.world.now())
    plan = await shop.plan(ActionKind.APPROVE, gate(shop, "ml/risk", "go live"))
    assert ("decided so far", "alice approved") in plan.facts
    approve, play = plan.steps
    refused = await shop.source.send(play, {})
    assert refused.words.startswith("400 Bad request - Unplayable Job")
    assert (await shop.source.send(approve, {})).state == "accepted"
    seen = await shop.source.observe(approve, None)
    assert (seen.state, seen.words) == ("done", "approved; the job can be started now")
    assert (await shop.source.send(play, {})).state == "accepted"


async def test_rejecting_is_final(shop: Site) -> None:
    at = gate(shop, "ml/risk", "go live")
    plan = await shop.plan(ActionKind.REJECT, at, "not on a Friday")
    assert "rejecting is final" in plan.warnings[0]
    (step,) = plan.steps
    assert (await shop.source.observe(step, None)).state == "nothing"
    reply = await shop.source.send(step, {})
    seen = await shop.source.observe(step, reply)
    assert (seen.state, seen.words) == ("done", "rejected: the job has failed and cannot be run again")
    retry = await shop.plan(ActionKind.RETRY, Address("gitlab", "ml/risk", at.run, "go live"))
    assert retry.why_not == "its deployment was rejected, which is final; only a new run helps"


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"community": True}, 404, "404 Not Found; it has no approvals: they need the Enterprise Edition"),
        ({"denied": frozenset({"approve"})}, 400, "You don't have permission to approve this deployment."),
        ({"scopes": ("read_api",)}, 403, "higher privileges"),
    ],
)
async def test_an_approval_that_is_refused(
    shop: Site, options: dict[str, Any], status: int, words: str
) -> None:
    (step,) = (await shop.plan(ActionKind.APPROVE, gate(shop, "ml/risk", "go live"))).steps
    for name, value in options.items():
        setattr(shop.options, name, value)
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("lost" if status == 400 else "refused", status)
    assert words in reply.words
    seen = await shop.source.observe(step, None)
    assert seen.state == "nothing" or seen.not_ours


async def test_nobody_approves_their_own_deployment_where_that_is_forbidden(shop: Site) -> None:
    (pipeline,) = shop.world.pipelines("gitlab", "ml/risk")
    shop.world.trigger(pipeline)
    shop.pass_time(60)
    shop.options.self_approval = False
    (step,) = (await shop.plan(ActionKind.APPROVE, "gitlab:ml/risk@live")).steps
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status, reply.over) == ("lost", 400, True)
    assert reply.words.startswith("You cannot approve your own deployment.")
    (reject,) = (await shop.plan(ActionKind.REJECT, "gitlab:ml/risk@live")).steps
    assert (await shop.source.send(reject, {})).state == "accepted"


async def test_promoting_an_environment_starts_no_canary() -> None:
    async with Site(canaries_by_hand()) as site:
        old, new = site.world.project_runs("ml/shop")[1], newest(site, "ml/shop")
        promote = await site.plan(ActionKind.PROMOTE, "gitlab:ml/shop@production")
        assert promote.possible
        assert dict(promote.steps[0].expect)["run"] == str(old.id)
        approve = await site.plan(ActionKind.APPROVE, "gitlab:ml/shop@production")
        assert dict(approve.steps[0].expect)["run"] == str(new.id)
        (there,) = (await site.source.environments(Address("gitlab", "ml/shop"))).environments
        canaries = [each for each in there.deployments if each.canary and each.status is Status.WAITING]
        assert canaries
        assert environment_state(there.deployments).canary not in canaries
