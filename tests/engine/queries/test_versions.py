"""Which versions charts and verdicts ask for: the config's, else those that stand in the model's environment."""

from pathlib import Path

import pytest

from tests.engine.deploying_source import DeployingSource
from tests.engine.world import START, FakeSource, NoJitter, Time, listing_of, run_of
from tests.engine.world import address as run_address
from tui import config
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.domain.status import Status
from tui.engine.queries import ChartOf, VerdictOf
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError

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
metrics = ["m"]
[metrics.m]
source = "prom"
query = 'm{version="{version}"}'
judge_window = "1m"
compare = { max_worse = 1 }
[metrics.plain]
source = "prom"
query = 'm{track="{track}"}'
"""
LIVE = Address("ci", "deploy", environment="live")
CHART = ChartOf("fraud", "m", 3600, 60)


def stood(version: str, ago: float, *, canary: bool = False) -> Deployment:
    return Deployment(
        version, Status.PASSED, version, started_at=START - ago, finished_at=START - ago, canary=canary
    )


class Work:
    def __init__(self, text: str = CONFIG) -> None:
        self.time = Time()
        self.ci, self.prom = DeployingSource("ci", self.time), FakeSource("prom", self.time)
        self.ci.listing = listing_of(run_of(run_address("deploy", 1), Status.PASSED))
        self.prom.default = Samples((((), ()),))
        self.stands(stood("2", 60, canary=True), stood("1", 900))
        self.runtime = Runtime(
            config.parse(text, Path("config.toml")),
            {"ci": self.ci, "prom": self.prom},
            clock=self.time.clock,
            rng=NoJitter(),
            later=self.time.later,
        )

    def stands(self, *deployments: Deployment) -> None:
        self.ci.places[LIVE.pipeline] = Environments((Environment(LIVE, deployments),))

    @property
    def queries(self) -> list[str]:
        """Those since the last look."""
        asked = [what for _, what in self.prom.asked]
        self.prom.asked.clear()
        return asked


@pytest.fixture(autouse=True)
def _as_long_as_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source answers with gaps."""

    async def samples(self: FakeSource, query: str, grid: object) -> Samples:
        await self._serve(query)
        return Samples(())

    monkeypatch.setattr(FakeSource, "samples", samples)


async def test_they_are_those_that_stand_there() -> None:
    work = Work()
    found = await work.runtime.poller.ask(CHART)
    assert work.queries == ['m{version="1"}', 'm{version="2"}']
    assert [each.label for each in found.series] == ["1", "2"]
    await work.runtime.poller.ask(VerdictOf("fraud"))
    assert work.queries == ['m{version="1"}', 'm{version="2"}']


async def test_what_was_read_a_moment_ago_is_not_asked_again_and_news_is_followed() -> None:
    work = Work()
    await work.runtime.poller.ask(CHART)
    asked = len(work.ci.asked)
    await work.time.advance(30)
    await work.runtime.poller.ask(CHART)
    assert len(work.ci.asked) == asked
    work.stands(stood("3", -40, canary=True), stood("2", -20), stood("1", 900))
    await work.time.advance(60)
    assert work.queries
    await work.runtime.poller.ask(CHART)
    assert work.queries == ['m{version="2"}', 'm{version="3"}']


async def test_the_config_can_name_them_instead() -> None:
    work = Work(CONFIG.replace('metrics = ["m"]', 'metrics = ["m"]\nbaseline = { version = "9" }'))
    await work.runtime.poller.ask(CHART)
    assert work.queries == ['m{version="9"}', 'm{version="2"}']
    both = 'metrics = ["m"]\nbaseline = { version = "9" }\ncanary = { version = "10" }'
    work = Work(CONFIG.replace('metrics = ["m"]', both))
    await work.runtime.poller.ask(CHART)
    assert work.queries == ['m{version="9"}', 'm{version="10"}']
    assert work.ci.asked == []


async def test_a_query_without_version_asks_nobody() -> None:
    work = Work()
    await work.runtime.poller.ask(ChartOf("fraud", "plain", 3600, 60))
    assert work.ci.asked == []


@pytest.mark.parametrize("metric", ["m", "plain"])
async def test_a_verdict_names_them_whatever_the_queries_ask_for(metric: str) -> None:
    text = CONFIG.replace('metrics = ["m"]', f'metrics = ["{metric}"]')
    compare = "compare = { max_worse = 1 }"
    found = await Work(f"{text}{compare if metric == 'plain' else ''}").runtime.poller.ask(VerdictOf("fraud"))
    assert (found.baseline, found.canary) == ("1", "2")
    named = 'metrics = ["m"]\nbaseline = { version = "9" }'
    found = await Work(CONFIG.replace('metrics = ["m"]', named)).runtime.poller.ask(VerdictOf("fraud"))
    assert (found.baseline, found.canary) == ("9", "2")


async def test_a_verdict_that_does_without_them_stands_without_them() -> None:
    text = CONFIG.replace('metrics = ["m"]', 'metrics = ["plain"]') + "compare = { max_worse = 1 }\n"
    work = Work(text)
    work.ci.places[LIVE.pipeline] = SourceError(Trouble.UNREACHABLE, "ci: no connection")
    found = await work.runtime.poller.ask(VerdictOf("fraud"))
    assert (found.baseline, found.canary) == ("", "")


async def test_without_a_canary_there_is_only_the_baseline() -> None:
    work = Work()
    work.stands(stood("1", 900))
    found = await work.runtime.poller.ask(CHART)
    assert work.queries == ['m{version="1"}']
    assert found.notes[0].startswith(
        "no canary: the query uses {version}, which neither [models.fraud] nor a"
    )


async def test_where_it_stands_could_not_be_read_is_the_reason() -> None:
    work = Work()
    work.ci.places[LIVE.pipeline] = SourceError(Trouble.UNREACHABLE, "ci: no connection")
    with pytest.raises(SourceError, match="ci: no connection"):
        await work.runtime.poller.ask(CHART)
    assert work.queries == []


def _labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The series are told apart by their track alone: what the canary before this one did is in the same series."""

    async def samples(self: FakeSource, query: str, grid: Grid) -> Samples:
        await self._serve(query)
        return Samples((((), tuple(1.0 + at % 7 for at in grid.times)),))

    monkeypatch.setattr(FakeSource, "samples", samples)


BY_TRACK = CONFIG.replace('metrics = ["m"]', 'metrics = ["plain"]') + (
    'judge_window = "1m"\ncompare = { max_worse = 1 }\n'
)


@pytest.mark.parametrize(
    ("deployed", "points"), [(4.0, 0), (600.0, 9), (14_400.0 + 600, 240), (None, 240)], ids=str
)
async def test_a_verdict_begins_where_the_canary_does(
    deployed: float | None, points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _labelled(monkeypatch)
    work = Work(BY_TRACK)
    canaries = () if deployed is None else (stood("2", deployed, canary=True),)
    work.stands(*canaries, stood("1", 90_000))
    (metric,) = (await work.runtime.poller.ask(VerdictOf("fraud"))).metrics
    assert metric.points == points


async def test_when_it_began_is_told_by_another_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    _labelled(monkeypatch)
    work = Work(BY_TRACK)
    work.ci.skew = 300.0  # what it says of ten minutes ago was fifteen minutes ago
    work.stands(stood("2", 600, canary=True), stood("1", 90_000))
    (metric,) = (await work.runtime.poller.ask(VerdictOf("fraud"))).metrics
    assert metric.points == 14


async def test_of_a_canary_that_is_not_the_one_meant_the_beginning_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _labelled(monkeypatch)
    named = 'metrics = ["plain"]\ncanary = { version = "9", track = "canary" }'
    work = Work(BY_TRACK.replace('metrics = ["plain"]', named))
    work.stands(stood("2", 4, canary=True), stood("1", 90_000))
    (metric,) = (await work.runtime.poller.ask(VerdictOf("fraud"))).metrics
    assert metric.points == 240
