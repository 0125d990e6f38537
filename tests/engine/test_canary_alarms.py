"""Alarms on a canary: what becomes of them when its values end, when it goes, and when another one comes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.deploying_source import DeployingSource
from tests.engine.world import START, FakeSource, Time, listing_of, run_of, settle
from tests.engine.world import address as run_address
from tui import config
from tui.domain.address import Address
from tui.domain.alarm import Alarm, AlarmState
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.queries import AlarmsNow
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError
from tui.text.format import clock

CONFIG = """
[sources.ci]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.prom]
type = "prometheus"
url = "http://127.0.0.1:1"
[models.fraud]
pipelines = ["ci:deploy"]
environment = "live"
metrics = ["p95"]
[metrics.p95]
source = "prom"
query = 'p95{track="{track}"}'
window = "1m"
[alarms.slow]
series = { model = "fraud", metric = "p95", above = 100 }
propose = ["rollback"]
[[safety.policies]]
name = "back"
alarm = "slow"
model = "fraud"
action = "rollback"
at_most = "1 per 6h"
wait = "20m"
"""
LIVE = Address("ci", "deploy", environment="live")
GONE = "the canary it was about is no longer deployed"


class Served(FakeSource):
    """The canary's values are those of ``levels``: each from its time on."""

    def __init__(self, name: str, time: Time) -> None:
        super().__init__(name, time)
        self.levels: list[tuple[float, float | None]] = [(0.0, 150.0)]

    async def samples(self, query: str, grid: Grid) -> Samples:
        await self._serve(query)
        values = [next(value for at, value in reversed(self.levels) if at <= time) for time in grid.times]
        return Samples((((), tuple(values)),))


class Work:
    def __init__(self, folder: Path) -> None:
        self.time = Time()
        self.ci, self.prom = DeployingSource("ci", self.time), Served("prom", self.time)
        self.ci.listing = listing_of(run_of(run_address("deploy", 1), Status.PASSED, duration=5.0))
        self.stands(stood("2", 3000, canary=True), *STABLE)
        settings = config.parse(CONFIG, Path("config.toml"))
        sources = {"ci": self.ci, "prom": self.prom}
        self.runtime: Runtime = self.time.runtime(settings, sources, journal=Journal(folder))

    def stands(self, *deployments: Deployment) -> None:
        there = Environment(LIVE, deployments)
        self.ci.places[LIVE.pipeline], self.ci.pasts[LIVE] = Environments((there,)), there

    def level(self, value: float | None) -> None:
        self.prom.levels.append((self.time.now, value))

    async def passed(self, seconds: float) -> Alarm | None:
        """The alarm after a while."""
        for _ in range(5):
            await settle()
        await self.time.advance(seconds)
        for _ in range(10):
            await settle()
        found = self.runtime.store.get(AlarmsNow()).value
        return found.alarms[0] if found is not None and found.alarms else None

    async def fires(self) -> Alarm:
        alarm = await self.passed(60)
        assert alarm is not None
        assert alarm.state is AlarmState.FIRING
        return alarm

    @property
    def said(self) -> str:
        announced = self.runtime.policies.announced
        return announced[-1].words if announced else ""


def stood(version: str, ago: float, *, canary: bool = False, version_id: str = "") -> Deployment:
    at = START - ago
    return Deployment(
        version_id or version, Status.PASSED, version, started_at=at, finished_at=at, canary=canary
    )


STABLE = (stood("1", 90_000), stood("0", 180_000))


@pytest.fixture
async def work(tmp_path: Path, at_once: None) -> AsyncIterator[Work]:
    found = Work(tmp_path)
    task = asyncio.create_task(found.runtime.run())
    yield found
    await found.runtime.close()
    await task


async def test_one_whose_series_ended_says_so_and_no_policy_acts_on_it(work: Work) -> None:
    alarm = await work.fires()
    assert alarm.advice == ("take the canary 2 back to 1",)
    assert work.said == "take the canary 2 back to 1 (ci:deploy@live)"
    ended = work.time.now
    work.level(None)
    later = await work.passed(600)
    assert later is not None
    assert (later.state, later.ended, later.since) == (AlarmState.FIRING, True, alarm.since)
    words = f"no data since {clock(ended // 30 * 30)}"
    assert later.words in (words, f"no data since {clock(ended // 30 * 30 - 30)}")
    assert work.said == f"no rollback: {later.words}"
    again = await work.passed(1300)  # its countdown would be over
    assert again is not None
    assert again.state is AlarmState.FIRING
    assert work.runtime.actions.journal.read() == ()


async def test_it_ends_when_the_series_is_back_and_fine(work: Work) -> None:
    await work.fires()
    work.level(None)
    await work.passed(600)
    work.level(50.0)
    alarm = await work.passed(120)
    assert alarm is not None
    assert (alarm.state, alarm.ended) == (AlarmState.RESOLVED, False)
    assert alarm.words == "canary p95 50, not above 100"


async def test_when_the_series_is_back_and_bad_it_fires_on(work: Work) -> None:
    await work.fires()
    work.level(None)
    await work.passed(600)
    work.level(160.0)
    alarm = await work.passed(120)
    assert alarm is not None
    assert (alarm.state, alarm.ended) == (AlarmState.FIRING, False)
    assert work.said == "take the canary 2 back to 1 (ci:deploy@live)"


async def test_it_ends_when_its_canary_is_no_longer_deployed(work: Work) -> None:
    await work.fires()
    work.level(None)
    await work.passed(600)
    work.stands(*STABLE)
    alarm = await work.passed(120)
    assert alarm is not None
    assert alarm.state is AlarmState.RESOLVED
    assert alarm.words.startswith(f"{GONE}; no data since ")


async def test_while_nobody_can_tell_whether_it_is_deployed_it_stays(work: Work) -> None:
    await work.fires()
    work.level(None)
    work.ci.places[LIVE.pipeline] = SourceError(Trouble.UNREACHABLE, "ci: no connection")
    alarm = await work.passed(900)
    assert alarm is not None
    assert (alarm.state, alarm.ended) == (AlarmState.FIRING, True)


async def test_while_it_is_bad_without_a_canary_it_proposes_nothing_and_the_policy_refrains(
    work: Work,
) -> None:
    await work.fires()
    work.stands(*STABLE)
    alarm = await work.passed(120)
    assert alarm is not None
    assert (alarm.state, alarm.before, alarm.proposals) == (AlarmState.FIRING, None, ())
    assert alarm.advice == ("roll back: no canary is deployed",)
    await work.passed(1300)
    assert work.said == "no rollback: roll back: no canary is deployed"
    assert work.runtime.actions.journal.read() == ()


async def test_while_the_metrics_cannot_be_read_nobody_else_is_to_blame(work: Work) -> None:
    await work.fires()
    work.prom.levels = []
    work.prom.open.clear()
    work.stands(*STABLE)
    alarm = await work.passed(120)
    assert alarm is not None
    assert (alarm.state, alarm.proposals) == (AlarmState.FIRING, ())


async def test_the_next_canary_answers_for_itself_only(work: Work) -> None:
    await work.fires()
    work.stands(stood("3", START - work.time.now, canary=True), stood("2", 3000, canary=True), *STABLE)
    came = work.time.now
    work.runtime.poller.refresh(*work.runtime.alarms.queries())
    alarm = await work.passed(20)
    assert alarm is not None
    assert (alarm.state, alarm.words, alarm.proposals) == (AlarmState.RESOLVED, GONE, ())
    assert work.said == "no rollback: the alarm is over"
    # Its label is bad on, and from now on that is its doing.
    alarm = await work.passed(240)
    assert alarm is not None
    assert (alarm.state, alarm.advice) == (AlarmState.FIRING, ("take the canary 3 back to 1",))
    assert alarm.since >= came + 30
    assert work.said == "take the canary 3 back to 1 (ci:deploy@live)"


async def test_at_the_first_look_a_young_canary_is_not_judged_by_its_labels_past(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.stands(stood("3", 4, canary=True), *STABLE)
    task = asyncio.create_task(work.runtime.run())
    assert await work.passed(30) is None
    assert work.said == ""
    await work.runtime.close()
    await task
