"""The sandbox's GitLab is rolled back; the steps and traps of the contract (§4.7)."""

import pytest

from tests.integration.gitlab_actions.site import Site
from tui.domain.action import ActionKind
from tui.domain.address import parse_address
from tui.sandbox.scenario import demo


async def test_the_demos_canary_is_promoted_and_rolled_back() -> None:
    async with Site(demo()) as site:
        promote = await site.plan(ActionKind.PROMOTE, "gitlab:ml/fraud@production")
        assert promote.possible
        target = promote.steps[0]
        await site.source.send(target, {})
        site.pass_time(20)
        assert (await site.source.observe(target, None)).state == "done"
        before, new = dict(promote.facts)["version"].split(" → ")
        assert before != new
        back = await site.plan(ActionKind.ROLLBACK, "gitlab:ml/fraud@production", version=before)
        assert back.possible, back.why_not
        assert dict(back.facts)["version"] == f"{new} → {before}"
        reply = await site.source.send(back.steps[0], {})
        site.pass_time(20)
        seen = await site.source.observe(back.steps[0], reply)
        assert (seen.state, seen.words) == ("done", f"'promote' passed: production has {before}")
        history = await site.source.history(parse_address("gitlab:ml/fraud@production"))
        assert history.deployments[0].version == before or before in {
            d.version for d in history.deployments[:3]
        }
        again = await site.plan(ActionKind.ROLLBACK, "gitlab:ml/fraud@production", version=before)
        assert again.why_not == f"it is already at {before}"


async def test_rolling_back_where_approvals_are_needed_waits_for_them(shop: Site) -> None:
    plan = await shop.plan(ActionKind.ROLLBACK, "gitlab:ml/risk@live")
    assert plan.warnings == ("2 people have to approve it afterwards, then somebody has to start the job",)
    reply = await shop.source.send(plan.steps[0], {})
    assert reply.state == "accepted"
    seen = await shop.source.observe(plan.steps[0], reply)
    assert (seen.state, seen.words) == (
        "accepted",
        "'go live' was made anew and waits: for approvals, then for somebody to start it",
    )
    assert seen.result is not None
    approve = await shop.plan(ActionKind.APPROVE, seen.result)
    assert approve.possible, approve.why_not


async def test_a_rollback_that_the_project_forbids_is_explained(shop: Site) -> None:
    shop.options.rollbacks = False
    told = await shop.plan(ActionKind.ROLLBACK, "gitlab:ml/pricing@production/green")
    assert "or the project forbids running outdated deployments again" in told.why_not
    shop.options.maintainer = True
    told = await shop.plan(ActionKind.ROLLBACK, "gitlab:ml/pricing@production/green")
    assert "Prevent outdated deployment jobs" in told.why_not
    assert not told.possible


async def test_the_job_that_was_run_again_since_is_the_one_that_is_run(shop: Site) -> None:
    target = parse_address("gitlab:ml/pricing@production/green")
    plan = await shop.plan(ActionKind.ROLLBACK, target)
    (step,) = plan.steps
    run = shop.world.run(int(dict(step.expect)["run"]))
    assert run is not None
    shop.world.retry(run, "deploy/deploy", "alice")
    refused = await shop.source.send(step, {})
    assert refused.words.startswith("403 Forbidden - Job is not retryable")
    shop.pass_time(30)
    version = dict(plan.facts)["version"].split(" → ")
    (there,) = {dict((await shop.plan(ActionKind.ROLLBACK, target)).facts)["version"].split(" → ")[0]}
    assert there == version[1]
    forth = await shop.plan(ActionKind.ROLLBACK, target, version=version[0])
    assert forth.possible, forth.why_not


@pytest.mark.parametrize(
    ("target", "version", "why"),
    [
        ("gitlab:ml/edge@edge", "", "it has no job: another tool only told GitLab of it"),
        ("gitlab:ml/archive@pilot", "", "there is no earlier version"),
        ("gitlab:ml/risk@live", "feedbeef", "it never had feedbeef"),
        ("gitlab:ml/risk", "", "it names no environment"),
    ],
)
async def test_no_way_back_is_explained(shop: Site, target: str, version: str, why: str) -> None:
    plan = await shop.plan(ActionKind.ROLLBACK, target, version=version)
    assert not plan.possible
    assert plan.why_not.startswith(why)


async def test_an_archived_job_is_not_run_again(shop: Site) -> None:
    history = await shop.source.history(parse_address("gitlab:ml/archive@production"))
    oldest = history.deployments[-1].version
    plan = await shop.plan(ActionKind.ROLLBACK, "gitlab:ml/archive@production", version=oldest)
    assert plan.why_not == "it is archived: GitLab no longer runs it"


async def test_a_canary_that_stands_goes_when_the_version_before_it_comes_back(shop: Site) -> None:
    target = parse_address("gitlab:ml/fraud@production")
    plan = await shop.plan(ActionKind.ROLLBACK, target)
    canary, stable = dict(plan.facts)["version"].split(" → ")
    assert dict(plan.facts)["canary"] == f"{canary} goes; {stable} was there before it"
    only = await shop.plan(ActionKind.ROLLBACK, target, version=canary)
    assert only.why_not.startswith(f"{canary} was only a canary there, or never got there")
    reply = await shop.source.send(plan.steps[0], {})
    shop.pass_time(30)
    assert (await shop.source.observe(plan.steps[0], reply)).state == "done"
    assert (
        await shop.plan(ActionKind.ROLLBACK, target, version=stable)
    ).why_not == f"it is already at {stable}"
    gate = await shop.plan(ActionKind.PROMOTE, target)
    assert gate.why_not == f"it is outdated: {stable} was put into production since"
