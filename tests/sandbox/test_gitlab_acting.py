"""The real GitLab source acts on the sandbox's GitLab: what each action does, and the traps of the contract (§4)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.serving import serving
from tui.config import GitLabSettings, Secret
from tui.domain.action import Kind, Plan, Wish
from tui.domain.address import Address, parse_address
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.deeds import Deeds
from tui.sandbox.scenario import named
from tui.sandbox.world import Clock, Run, Scenario, World
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
        settings = GitLabSettings(
            url=f"{self._serving.__enter__()}/gitlab",
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
