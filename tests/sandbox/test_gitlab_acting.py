"""The real GitLab source acts on the sandbox's GitLab: what each action does, and the traps of the contract (§4)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.gitlab_schemas import schema_errors
from tests.sandbox.serving import serving
from tui.config import GitLabSettings, Secret
from tui.domain.action import Kind, Plan, Reply, Wish
from tui.domain.address import Address, parse_address
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.deeds import Deeds
from tui.sandbox.plan import Group, Task, plan
from tui.sandbox.scenario import demo, named
from tui.sandbox.world import Clock, Pipeline, Run, Scenario, World
from tui.sources.gitlab import GitLabSource

START = 1_790_000_000.0


class Site:
    """A world with a GitLab, and a source that acts on it."""

    def __init__(self, scenario: Scenario) -> None:
        self.world = World(scenario, Clock(START, manual=True))
        self.options = Options(token="glpat-sandbox")
        self.faults = Faults()
        self.deeds = Deeds()
        self.source: GitLabSource

    async def __aenter__(self) -> "Site":
        self._serving = serving(gitlab_app(self.world, self.faults, self.options, self.deeds))
        self.url = f"{self._serving.__enter__()}/gitlab"
        settings = GitLabSettings(
            url=self.url,
            token=Secret("glpat-sandbox"),
            watch=("ml/**",),
            timeout=5,
        )
        self.source = GitLabSource("gitlab", settings, clock=self.world.now)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.source.close()
        self._serving.__exit__(*error)

    @property
    def writes(self) -> list[str]:
        return [
            line for line in self.faults.recent if line.startswith("POST") and not line.endswith("/graphql")
        ]

    async def plan(self, kind: Kind, target: Address | str, reason: str = "", **values: str) -> Plan:
        address = parse_address(target) if isinstance(target, str) else target
        return await self.source.plan(Wish(kind, address, tuple(values.items()), reason))

    def pass_time(self, seconds: float) -> None:
        self.world.clock.advance(seconds)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of requests a second is not what is tested."""
    monkeypatch.setattr("tui.sources.wire.RATE", 1000.0)


@pytest.fixture
async def shop() -> AsyncIterator[Site]:
    """Deployments of all kinds; in ``ml/fraud`` a canary stands and its gate waits."""
    async with Site(named("deployments")) as site:
        yield site


def newest(site: Site, path: str) -> Run:
    return site.world.project_runs(path)[0]


def gate(site: Site, path: str, name: str) -> Address:
    return Address("gitlab", path, newest(site, path).id, name, "play")


# --- gates --------------------------------------------------------------------------------------------------------


async def test_a_gate_is_played_once_and_followed_to_its_deployment(shop: Site) -> None:
    plan = await shop.plan(Kind.PROMOTE, "gitlab:ml/fraud@production")
    assert plan.possible, plan.why_not
    assert plan.environment == "production"
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
    plan = await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))
    assert not plan.possible
    assert plan.why_not.startswith("it no longer waits: running, started by alice at ")
    shop.pass_time(30)
    plan = await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))
    assert "passed, started by alice" in plan.why_not
    assert "second run" in plan.why_not


async def test_played_by_somebody_else_a_moment_ago(shop: Site) -> None:
    (step,) = (await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    shop.world.approve(newest(shop, "ml/fraud"), "promote/promote", "alice")
    reply = await shop.source.send(step, {})
    assert reply.state == "refused"
    assert reply.status == 400
    assert reply.words.startswith("400 Bad request - Unplayable Job; it no longer waits")
    seen = await shop.source.observe(step, reply)
    assert seen.state == "happening"
    assert seen.words == "alice started it, not you: 'promote' runs"


async def test_play_after_success_starts_a_second_run_which_is_told(shop: Site) -> None:
    (step,) = (await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
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
    (step,) = (await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
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
        plan = await site.plan(Kind.APPROVE, Address("gitlab", "ml/shop", old.id, "promote", "play"))
        assert not plan.possible
        sha = new.commit.sha[:8]
        assert plan.why_not == f"it is outdated: {sha}, of a newer run, was put into production since"


async def test_overtaken_between_plan_and_press_is_refused_with_what_gitlab_leaves_out() -> None:
    async with Site(two_runs()) as site:
        old, new = site.world.project_runs("ml/shop")[1], newest(site, "ml/shop")
        target = Address("gitlab", "ml/shop", old.id, "promote", "play")
        (step,) = (await site.plan(Kind.APPROVE, target)).steps
        site.world.approve(new, "promote/promote", "alice")
        site.pass_time(30)
        reply = await site.source.send(step, {})
        assert (reply.state, reply.status) == ("refused", 403)
        assert reply.words.startswith("403 Forbidden; GitLab gives no reason: ")
        assert "outdated" in reply.words
        assert (await site.source.observe(step, reply)).state == "nothing"


async def test_variables_of_a_gate_are_sent_and_may_be_refused(shop: Site) -> None:
    plan = await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"), variables="SHARE=50\nWHO=me")
    assert plan.steps[0].body[0][1] == (
        '{"job_variables_attributes":[{"key":"SHARE","value":"50"},{"key":"WHO","value":"me"}]}'
    )
    shop.options.variables = "maintainer"
    reply = await shop.source.send(plan.steps[0], {})
    assert (reply.state, reply.status) == ("refused", 403)
    wrong = await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"), variables="SHARE")
    assert wrong.why_not == "a variable is written KEY=VALUE, not 'SHARE'"


async def test_what_gitlab_cannot_do_to_a_gate_is_offered_with_the_reason(shop: Site) -> None:
    offers = {offer.wish.kind: offer for offer in await shop.source.offers(gate(shop, "ml/fraud", "promote"))}
    assert offers[Kind.APPROVE].possible
    assert not offers[Kind.REJECT].possible
    assert offers[Kind.REJECT].why_not.startswith("GitLab cannot reject a manual job")
    assert not offers[Kind.CANCEL].possible
    assert "would end the gate" in offers[Kind.CANCEL].why_not
    at_job = await shop.source.offers(Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id, "pytest"))
    assert [offer.wish.kind for offer in at_job] == [Kind.RETRY, Kind.CANCEL]
    assert shop.writes == []


# --- approvals ----------------------------------------------------------------------------------------------------


async def test_approvals_come_before_the_job_is_started(shop: Site) -> None:
    at = gate(shop, "ml/risk", "go live")
    first = await shop.plan(Kind.APPROVE, at, "looks fine")
    assert [step.words for step in first.steps] == ["approve the deployment to live"]
    assert first.warnings == ("1 more approval is needed after yours; then somebody has to start the job",)
    (step,) = first.steps
    assert step.body == (("status", "approved"), ("comment", "looks fine"))
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("accepted", 201)
    seen = await shop.source.observe(step, reply)
    assert (seen.state, seen.words) == ("done", "approved; 1 more approval is needed")
    again = await shop.plan(Kind.APPROVE, at)
    assert again.why_not == "you have approved it; 1 more approval is needed before it can be started"
    shop.deeds.approve(int(step.expect[3][1]), "alice", shop.world.now())
    (play,) = (await shop.plan(Kind.APPROVE, at)).steps
    assert (await shop.source.send(play, {})).state == "accepted"
    shop.pass_time(30)
    assert (await shop.source.observe(play, None)).state == "done"
    assert len(shop.writes) == 2


async def test_the_last_approval_and_the_start_are_two_steps(shop: Site) -> None:
    run = newest(shop, "ml/risk")
    shop.deeds.approve(shop.world.job_id(run, "go live/go live"), "alice", shop.world.now())
    plan = await shop.plan(Kind.APPROVE, gate(shop, "ml/risk", "go live"))
    approve, play = plan.steps
    refused = await shop.source.send(play, {})
    assert refused.words.startswith("400 Bad request - Unplayable Job")
    assert (await shop.source.send(approve, {})).state == "accepted"
    seen = await shop.source.observe(approve, None)
    assert (seen.state, seen.words) == ("done", "approved; the job can be started now")
    assert (await shop.source.send(play, {})).state == "accepted"


async def test_rejecting_is_final(shop: Site) -> None:
    at = gate(shop, "ml/risk", "go live")
    plan = await shop.plan(Kind.REJECT, at, "not on a Friday")
    assert "rejecting is final" in plan.warnings[0]
    (step,) = plan.steps
    assert (await shop.source.observe(step, None)).state == "nothing"
    reply = await shop.source.send(step, {})
    seen = await shop.source.observe(step, reply)
    assert (seen.state, seen.words) == ("done", "rejected: the job has failed and cannot be run again")
    retry = await shop.plan(Kind.RETRY, Address("gitlab", "ml/risk", at.run, "go live"))
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
    (step,) = (await shop.plan(Kind.APPROVE, gate(shop, "ml/risk", "go live"))).steps
    for name, value in options.items():
        setattr(shop.options, name, value)
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("refused", status)
    assert words in reply.words


# --- once more ----------------------------------------------------------------------------------------------------


async def test_a_job_is_run_again_under_a_new_id(shop: Site) -> None:
    run = newest(shop, "ml/fraud")
    target = Address("gitlab", "ml/fraud", run.id, "pytest")
    (step,) = (await shop.plan(Kind.RETRY, target)).steps
    reply = await shop.source.send(step, {})
    new = shop.world.job_id(run, "test/pytest", 1)
    assert (reply.state, reply.status, reply.found) == ("accepted", 201, (("id", str(new)),))
    assert (await shop.source.observe(step, reply)).state == "happening"
    shop.pass_time(20)
    seen = await shop.source.observe(step, None)
    assert (seen.state, seen.result, seen.found) == ("done", target, (("id", str(new)),))
    twice = await shop.source.send(step, {})
    assert (twice.state, twice.status) == ("refused", 403)
    assert twice.words == "403 Forbidden - Job is not retryable; it was run again before, or has not ended"
    stale = await shop.plan(Kind.RETRY, target.of_run.at_job(f"pytest~{new - 200}"))
    assert stale.why_not.startswith("it was run again since: ")


async def test_a_run_is_run_again_where_something_failed(shop: Site) -> None:
    fine = await shop.plan(Kind.RETRY, Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id))
    assert fine.why_not == "nothing in it failed or was canceled"
    run = next(run for run in shop.world.project_runs("ml/edge") if run.pipeline.ref == "next")
    target = Address("gitlab", "ml/edge", run.id)
    (step,) = (await shop.plan(Kind.RETRY, target)).steps
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
    (step,) = (await shop.plan(Kind.RETRY, Address("gitlab", "ml/edge", run.id))).steps
    shop.world.retry(run, "deploy/deploy", "alice")
    shop.pass_time(30)
    (late,) = (await shop.plan(Kind.RETRY, Address("gitlab", "ml/edge", run.id, "deploy"))).steps
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("accepted", 201)
    last = dict(late.expect)["last"]
    unmoved = msgspec.structs.replace(
        step, expect=tuple((key, last if key == "last" else value) for key, value in step.expect)
    )
    seen = await shop.source.observe(unmoved, reply)
    assert seen.words == "GitLab said yes, but started nothing: no job of it was started again"


# --- ending -------------------------------------------------------------------------------------------------------


async def test_a_run_is_canceled_and_its_gates_are_told_of() -> None:
    async with Site(working()) as site:
        site.pass_time(5)
        run = newest(site, "ml/shop")
        target = Address("gitlab", "ml/shop", run.id)
        job = await site.plan(Kind.CANCEL, target.at_job("train"))
        assert job.possible
        plan = await site.plan(Kind.CANCEL, target)
        assert plan.warnings == ("it waits for a person at 'try': that gate is ended too, not answered",)
        (step,) = plan.steps
        assert (await site.source.observe(step, None)).state == "nothing"
        reply = await site.source.send(step, {})
        assert (reply.state, reply.status) == ("accepted", 200)
        seen = await site.source.observe(step, reply)
        assert (seen.state, seen.words) == ("done", f"{target} was canceled")
        assert (await site.plan(Kind.CANCEL, target)).why_not == "it has ended: canceled"


async def test_201_of_a_cancel_that_came_too_late_is_not_believed() -> None:
    async with Site(working()) as site:
        site.pass_time(5)
        target = Address("gitlab", "ml/shop", newest(site, "ml/shop").id, "train")
        (step,) = (await site.plan(Kind.CANCEL, target)).steps
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
        (step,) = (await site.plan(Kind.CANCEL, target)).steps
        reply = await site.source.send(step, {})
        assert (await site.source.observe(step, reply)).words == "'train' was canceled"
        site.pass_time(1)
        (again,) = (await site.plan(Kind.RETRY, target.of_run)).steps
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
    (step,) = (await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    for name, value in options.items():
        setattr(shop.options, name, value)
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("refused", status)
    assert words in reply.words
    assert (await shop.source.observe(step, reply)).state == "nothing"
    assert len(shop.writes) == 1


@pytest.mark.parametrize("lacks", [frozenset({"CiJob.canPlayJob"}), frozenset({"Project.job"})])
async def test_without_graphql_a_gate_can_be_played_all_the_same(shop: Site, lacks: frozenset[str]) -> None:
    shop.options.lacks = lacks
    (step,) = (await shop.plan(Kind.APPROVE, gate(shop, "ml/fraud", "promote"))).steps
    assert (await shop.source.send(step, {})).state == "accepted"
    assert (await shop.source.observe(step, None)).state == "happening"


async def test_what_deploys_is_told_before_it_is_run_again(shop: Site) -> None:
    run = newest(shop, "ml/fraud")
    plan = await shop.plan(Kind.RETRY, Address("gitlab", "ml/fraud", run.id, "staging"))
    assert (plan.environment, plan.possible) == ("staging", True)
    assert plan.warnings == (f"it deploys: staging gets {run.commit.sha[:8]} again",)
    failed = next(run for run in shop.world.project_runs("ml/edge") if run.pipeline.ref == "next")
    whole = await shop.plan(Kind.RETRY, Address("gitlab", "ml/edge", failed.id))
    assert whole.environment == "staging"
    assert whole.warnings == ("among it is what deploys to staging",)


async def test_a_job_of_a_child_run_is_run_again() -> None:
    async with Site(demo()) as site:
        run = next(run for run in site.world.project_runs("ml/fraud") if run.pipeline.ref != "main")
        child = site.world.child(run, "package/model card")
        assert child is not None
        target = Address("gitlab", "ml/fraud", child.id, "figures")
        (step,) = (await site.plan(Kind.RETRY, target)).steps
        reply = await site.source.send(step, {})
        site.pass_time(20)
        seen = await site.source.observe(step, reply)
        assert (seen.state, seen.result) == ("done", target)
        bridge = await site.plan(Kind.RETRY, Address("gitlab", "ml/fraud", run.id, "model card"))
        assert ("starts", "a new downstream run") in bridge.facts
        cancel = await site.plan(Kind.CANCEL, Address("gitlab", "ml/fraud", run.id, "model card"))
        assert cancel.why_not.startswith("GitLab cancels no job that starts a run")


# --- back ---------------------------------------------------------------------------------------------------------


async def test_the_demos_canary_is_promoted_and_rolled_back() -> None:
    async with Site(demo()) as site:
        promote = await site.plan(Kind.PROMOTE, "gitlab:ml/fraud@production")
        assert promote.possible
        target = promote.steps[0]
        await site.source.send(target, {})
        site.pass_time(20)
        assert (await site.source.observe(target, None)).state == "done"
        before, new = dict(promote.facts)["version"].split(" → ")
        assert before != new
        back = await site.plan(Kind.ROLLBACK, "gitlab:ml/fraud@production", version=before)
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
        again = await site.plan(Kind.ROLLBACK, "gitlab:ml/fraud@production", version=before)
        assert again.why_not == f"it is already at {before}"


async def test_rolling_back_where_approvals_are_needed_waits_for_them(shop: Site) -> None:
    plan = await shop.plan(Kind.ROLLBACK, "gitlab:ml/risk@live")
    assert plan.warnings == ("2 people have to approve it afterwards, then somebody has to start the job",)
    reply = await shop.source.send(plan.steps[0], {})
    assert reply.state == "accepted"
    seen = await shop.source.observe(plan.steps[0], reply)
    assert (seen.state, seen.words) == (
        "accepted",
        "'go live' was made anew and waits: for approvals, then for somebody to start it",
    )
    assert seen.result is not None
    approve = await shop.plan(Kind.APPROVE, seen.result)
    assert approve.possible, approve.why_not


async def test_a_rollback_that_the_project_forbids_is_explained(shop: Site) -> None:
    shop.options.rollbacks = False
    told = await shop.plan(Kind.ROLLBACK, "gitlab:ml/pricing@production/green")
    assert "or the project forbids running outdated deployments again" in told.why_not
    shop.options.maintainer = True
    told = await shop.plan(Kind.ROLLBACK, "gitlab:ml/pricing@production/green")
    assert "Prevent outdated deployment jobs" in told.why_not
    assert not told.possible


async def test_the_job_that_was_run_again_since_is_the_one_that_is_run(shop: Site) -> None:
    target = parse_address("gitlab:ml/pricing@production/green")
    plan = await shop.plan(Kind.ROLLBACK, target)
    (step,) = plan.steps
    run = shop.world.run(int(dict(step.expect)["run"]))
    assert run is not None
    shop.world.retry(run, "deploy/deploy", "alice")
    refused = await shop.source.send(step, {})
    assert refused.words.startswith("403 Forbidden - Job is not retryable")
    shop.pass_time(30)
    version = dict(plan.facts)["version"].split(" → ")
    (there,) = {dict((await shop.plan(Kind.ROLLBACK, target)).facts)["version"].split(" → ")[0]}
    assert there == version[1]
    forth = await shop.plan(Kind.ROLLBACK, target, version=version[0])
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
    plan = await shop.plan(Kind.ROLLBACK, target, version=version)
    assert not plan.possible
    assert plan.why_not.startswith(why)


async def test_an_archived_job_is_not_run_again(shop: Site) -> None:
    history = await shop.source.history(parse_address("gitlab:ml/archive@production"))
    oldest = history.deployments[-1].version
    plan = await shop.plan(Kind.ROLLBACK, "gitlab:ml/archive@production", version=oldest)
    assert plan.why_not == "it is archived: GitLab no longer runs it"


# --- starting and stopping ----------------------------------------------------------------------------------------


async def test_a_retraining_is_started_and_found_also_after_a_lost_answer(shop: Site) -> None:
    shop.options.inputs = frozenset({"epochs"})
    plan = await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud", **{"inputs.epochs": "12"})
    (step,) = plan.steps
    assert step.body == (("", '{"ref":"main","inputs":{"epochs":12}}'),)
    assert (await shop.source.observe(step, None)).state == "nothing"
    shop.faults.set("truncated", path="/pipeline")
    reply = await shop.source.send(step, {})
    shop.faults.set(None)
    assert reply.state == "lost"
    seen = await shop.source.observe(step, reply)
    run = newest(shop, "ml/fraud")
    assert seen.result == Address("gitlab", "ml/fraud", run.id)
    assert seen.state in ("accepted", "happening")
    assert len(shop.writes) == 1


async def test_of_several_new_runs_ours_is_the_one_with_the_tag(shop: Site) -> None:
    plan = await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud", ref="main", variables="EPOCHS=12")
    (step,) = plan.steps
    await shop.source.send(step, {})
    ours = newest(shop, "ml/fraud")
    (other,) = (await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud")).steps
    await shop.source.send(other, {})
    assert (await shop.source.observe(step, None)).result == Address("gitlab", "ml/fraud", ours.id)


async def test_a_variable_that_was_dropped_is_told(shop: Site) -> None:
    shop.options.drops = frozenset({"EPOCHS"})
    (step,) = (await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud", EPOCHS="12", RATE="1")).steps
    reply = await shop.source.send(step, {})
    assert (await shop.source.observe(step, reply)).words.endswith("; GitLab left out EPOCHS")


async def test_a_trigger_token_stands_for_its_owner_and_is_never_shown(shop: Site) -> None:
    plan = await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud", **{"with": "trigger token", "EPOCHS": "12"})
    (step,) = plan.steps
    assert step.body[0] == ("token", "***")
    assert (await shop.source.send(step, {})) == Reply("unsent", "token was not given")
    wrong = await shop.source.send(step, {"token": "glptt-wrong"})
    assert (wrong.state, wrong.status) == ("refused", 404)
    assert wrong.words.endswith("the trigger token is unknown, or belongs to another project")
    reply = await shop.source.send(step, {"token": "glptt-sandbox"})
    assert (reply.state, reply.status) == ("accepted", 201)
    seen = await shop.source.observe(step, None)
    assert seen.result == Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id)
    assert "glptt" not in repr((plan, step, wrong, reply, seen))


@pytest.mark.parametrize(
    ("options", "values", "words"),
    [
        (
            {"variables": "no_one_allowed"},
            {"A": "1"},
            "Insufficient permissions to set pipeline variables; this",
        ),
        ({}, {"ref": "nowhere"}, "Reference not found"),
        ({}, {"inputs.x": "1"}, "Given inputs not defined"),
        ({"broken": True}, {}, "jobs config should contain at least one visible job"),
    ],
)
async def test_a_start_that_is_refused_says_why(
    shop: Site, options: dict[str, Any], values: dict[str, str], words: str
) -> None:
    (step,) = (await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud", **values)).steps
    for name, value in options.items():
        setattr(shop.options, name, value)
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status) == ("refused", 400)
    assert reply.words.startswith(words)
    assert (await shop.source.observe(step, reply)).state == "nothing"


async def test_variables_that_the_project_takes_from_nobody_are_told_before(shop: Site) -> None:
    shop.options.variables, shop.options.maintainer = "no_one_allowed", True
    plan = await shop.plan(Kind.TRIGGER, "gitlab:ml/fraud", EPOCHS="12")
    assert plan.why_not == "this project takes no variables; give them as inputs (inputs.NAME)"


async def test_an_environment_is_stopped(shop: Site) -> None:
    plan = await shop.plan(Kind.STOP_ENVIRONMENT, "gitlab:ml/fraud@staging")
    (step,) = plan.steps
    assert (await shop.source.observe(step, None)).state == "nothing"
    assert (await shop.source.send(step, {})).state == "accepted"
    assert (await shop.source.observe(step, None)).words == "staging is stopped"
    assert (await shop.plan(Kind.STOP_ENVIRONMENT, "gitlab:ml/fraud@staging")).why_not == "it is stopped"
    twice = await shop.source.send(step, {})
    assert twice.words == (
        "400 Bad request - Attempted to stop the environment but failed to change the status"
    )


# --- the answers themselves ---------------------------------------------------------------------------------------


async def test_answers_to_writes_are_what_gitlabs_own_schemas_say(shop: Site) -> None:
    errors = schema_errors()
    run, failed = newest(shop, "ml/fraud"), newest(shop, "ml/edge")
    at = f"/projects/ml%2Ffraud/jobs/{shop.world.job_id(run, 'promote/promote')}"
    pytest_job = f"/projects/ml%2Ffraud/jobs/{shop.world.job_id(run, 'test/pytest')}"
    async with httpx.AsyncClient(
        base_url=f"{shop.url}/api/v4", headers={"PRIVATE-TOKEN": "glpat-sandbox"}
    ) as client:
        for path, status, kind, body in (
            (f"{at}/play", 200, "jobs", None),
            (f"{pytest_job}/retry", 201, "jobs", None),
            (f"{at}/cancel", 201, "jobs", None),
            (f"{at}/cancel", 201, "jobs", None),
            ("/projects/ml%2Ffraud/pipeline", 201, "pipeline-detail", {"ref": "main"}),
            (f"/projects/ml%2Ffraud/pipelines/{run.id}/cancel", 200, "pipeline-detail", None),
            (f"/projects/ml%2Fedge/pipelines/{failed.id}/retry", 201, "pipeline-detail", None),
        ):
            answer = await client.post(path, json=body)
            assert answer.status_code == status, answer.text
            told = answer.json()
            if path.endswith("retry") and kind == "pipeline-detail":
                assert "name" not in told
                told |= {"name": None}
            assert errors(kind, [told] if kind == "jobs" else told) == [], path


# --- worlds -------------------------------------------------------------------------------------------------------


def two_runs() -> Scenario:
    """Two runs whose gates wait before one environment."""
    tasks = plan(
        Group("build", (Task("build", 5),), parallel=True),
        Group("promote", (Task("promote", 5, gate="Promote?", environment="production"),), parallel=True),
    )
    old, new = (
        Pipeline(system="gitlab", path="ml/shop", ref=ref, tasks=tasks, age=age, history=1)
        for ref, age in (("old", 900), ("main", 600))
    )
    return Scenario(pipelines=(old, new))


def working() -> Scenario:
    """A run that works while an optional gate of it waits."""
    tasks = plan(
        Group("train", (Task("train", 40), Task("try", 5, gate="Try?", optional=True)), parallel=True),
        Group("deploy", (Task("deploy", 5),), parallel=True),
    )
    return Scenario(pipelines=(Pipeline(system="gitlab", path="ml/shop", tasks=tasks, age=0, history=1),))
