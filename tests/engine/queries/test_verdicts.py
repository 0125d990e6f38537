"""Verdicts of the engine: what is asked of the sources, what their failures mean, how often it is asked."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.engine.world import START, FakeSource, Time
from tui import config
from tui.config import ConfigError, MetricSettings
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.engine.queries import VerdictOf
from tui.engine.queries.verdicts import judge_grid, judged_metrics
from tui.insight.judge import MetricCase, judge_metric
from tui.sources.base import SourceError

CONFIG = """
[sources.prom]
type = "prometheus"
url = "http://127.0.0.1:1"
[sources.other]
type = "prometheus"
url = "http://127.0.0.1:1"
[models.fraud]
metrics = ["p95", "errors", "shown"]
[metrics.p95]
source = "prom"
unit = "ms"
scale = 1000
query = 'p95{track="{track}"}[{window}]'
judge_window = "1m"
compare = { max_worse = "10%", group = "service" }
[metrics.errors]
source = "other"
query = 'errors{track="{track}"}'
window = "2m"
fail = 2
[metrics.shown]
source = "prom"
query = 'x'
"""


class Server(FakeSource):
    """Answers a query with ``answer(query, grid)``."""

    def __init__(self, name: str, time: Time, answer: Callable[[str, Grid], Samples]) -> None:
        super().__init__(name, time)
        self.answer = answer
        self.grids: list[Grid] = []
        self.error: Exception | None = None

    async def samples(self, query: str, grid: Grid) -> Samples:
        await super().samples(query, grid)
        self.grids.append(grid)
        if self.error is not None:
            raise self.error
        return self.answer(query, grid)


def served(query: str, grid: Grid) -> Samples:
    """Noise about 0.1; the canary began half an hour ago and is a fifth slower."""
    rng = Random(query)
    canary = "canary" in query
    values = [
        None if canary and at < START - 1800 else rng.gauss(0.12 if canary else 0.1, 0.005)
        for at in grid.times
    ]
    return Samples((((), tuple(values)),))


class World:
    def __init__(self, text: str = CONFIG) -> None:
        self.time = Time()
        self.settings = config.parse(text, Path("config.toml"))
        self.prom, self.other = (Server(name, self.time, served) for name in ("prom", "other"))
        self.runtime = self.time.runtime(self.settings, {"prom": self.prom, "other": self.other})

    async def ask(self) -> Verdict:
        return await self.runtime.poller.ask(VerdictOf("fraud"))


class TestTheGrid:
    @pytest.mark.parametrize(
        ("query", "judge_window", "step"),
        [
            ("x[{window}]", "1m", 60),
            ("x[{window}]", None, 300),
            ("rate(x[10m])", "1m", 600),
            ("max_over_time(rate(x[5m])[1h:1m])", "1m", 3600),
            ("x", "30s", 30),
        ],
    )
    def test_no_two_windows_overlap(self, query: str, judge_window: str | None, step: int) -> None:
        metric = MetricSettings(source="prom", query=query, judge_window=judge_window)
        grid = judge_grid(metric, START + 7)
        assert grid.step == step
        assert grid.start % step == grid.end % step == 0
        assert len(grid.times) == 240
        assert START + 7 - step < grid.end <= START + 7


async def test_both_tracks_are_asked_over_the_same_time_with_the_judges_window() -> None:
    world = World()
    await world.ask()
    assert [asked for _, asked in world.prom.asked] == [
        'p95{track="baseline"}[1m]',
        'p95{track="canary"}[1m]',
    ]
    assert world.prom.grids[0] == world.prom.grids[1]
    assert (world.prom.grids[0].step, world.other.grids[0].step) == (60, 120)


async def test_the_verdict_is_in_the_metrics_unit_since_the_canary_began() -> None:
    found = await World().ask()
    p95, errors = found.metrics
    assert (p95.metric, p95.outcome, p95.group) == ("p95", MetricOutcome.WORSE, "service")
    assert p95.baseline == pytest.approx(100, abs=3)
    assert p95.difference == pytest.approx(20, abs=3)
    assert p95.margin == pytest.approx(10, abs=0.3)
    assert p95.since == pytest.approx(START - 1800, abs=60)
    assert (errors.outcome, errors.difference) == (MetricOutcome.OK, None)
    assert (found.decision, found.step) == (Decision.STOP, 60)
    assert found.reason.startswith("WORSE: p95 12")
    assert " % over the baseline; 10 % is allowed" in found.reason


async def test_the_counts_of_a_share_come_to_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates of two a second, a tenth of them bad at the canary; the baseline has none."""
    cases: list[MetricCase] = []

    def kept(case: MetricCase) -> MetricVerdict:
        cases.append(case)
        return judge_metric(case)

    monkeypatch.setattr("tui.engine.queries.verdicts.judge.judge_metric", kept)
    bad, total = (f'sum(rate(x{{t="{{track}}"{code}}}[{{window}}]))' for code in (',code="500"', ""))
    world = World(
        CONFIG.replace("query = 'errors{track=\"{track}\"}'", f"query = '{bad} / {total}'\nscale = 10")
    )

    def answer(query: str, grid: Grid) -> Samples:
        if "code" in query:
            return Samples(()) if "baseline" in query else Samples((((), (0.2,) * len(grid.times)),))
        return Samples((((), (2.0,) * len(grid.times)),))

    world.other.answer = answer
    await world.ask()
    latency, errors = cases
    assert (latency.baseline_counts, latency.canary_counts) == (None, None)
    assert errors.rule.share_scale == 10
    assert (set(errors.baseline), set(errors.canary)) == ({0}, {1})
    for counts, number in ((errors.baseline_counts, 0.0), (errors.canary_counts, 24.0)):
        assert counts is not None
        assert counts.bad == pytest.approx((number,) * len(errors.grid.times))
        assert set(counts.total) == {240.0}
    assert len(world.other.asked) == 4, "two queries a track"


async def test_what_both_tracks_ask_alike_is_asked_once_and_not_compared() -> None:
    world = World(CONFIG.replace("[models.fraud]\n", '[models.fraud]\ncanary = { track = "baseline" }\n'))
    found = await world.ask()
    assert len(world.prom.asked) == 1
    assert found.metrics[0].reason.startswith("the query is the same for baseline and canary")
    assert found.metrics[1].outcome is MetricOutcome.OK, "a limit needs no baseline"


async def test_a_metric_without_tracks_is_judged_by_its_limits() -> None:
    text = CONFIG.replace("'errors{track=\"{track}\"}'", "'errors'").replace("fail = 2", "fail = 0.01")
    found = await World(text).ask()
    assert found.metrics[1].reason.startswith("beyond the fail limit 0.01")


async def test_a_metric_that_cannot_be_read_is_unclear_with_the_reason() -> None:
    world = World()
    world.other.error = SourceError(Trouble.TIMEOUT, "other did not answer in time")
    found = await world.ask()
    assert (found.metrics[1].outcome, found.metrics[1].reason) == (
        MetricOutcome.UNCLEAR,
        "other did not answer in time",
    )
    assert found.metrics[0].outcome is MetricOutcome.WORSE


async def test_a_credential_that_is_not_there_is_a_reason_too() -> None:
    world = World()
    world.other.error = ConfigError("the environment variable PROM is not set")
    assert (await world.ask()).metrics[1].reason == "the environment variable PROM is not set"


async def test_several_series_of_a_track_are_unclear_too() -> None:
    world = World()
    rows = tuple(((("pod", str(pod)),), (1.0,)) for pod in range(2))
    world.other.answer = lambda query, grid: Samples(rows)
    found = await world.ask()
    assert "yields 2 series for the baseline instead of one; they differ in pod" in found.metrics[1].reason


async def test_nothing_that_can_be_read_is_an_error() -> None:
    world = World()
    world.prom.error = world.other.error = SourceError(Trouble.UNREACHABLE, "no route")
    with pytest.raises(SourceError, match="no route"):
        await world.ask()


async def test_a_pause_that_one_server_asks_for_is_kept() -> None:
    world = World()
    world.other.error = SourceError(Trouble.RATE_LIMITED, "slow down", retry_at=START + 300)
    with pytest.raises(SourceError, match="slow down"):
        await world.ask()
    with pytest.raises(SourceError, match="asked for a pause"):
        await world.ask()
    assert len(world.other.asked) == 2


async def test_what_a_server_remarks_is_passed_on() -> None:
    world = World()
    world.other.answer = lambda query, grid: Samples(served(query, grid).rows, ("partial answer",))
    assert (await world.ask()).notes == ("errors: partial answer",)


async def test_kayenta_judges_what_is_compared() -> None:
    world = World(CONFIG.replace("[models.fraud]", '[models.fraud]\njudge = "kayenta"'))
    assert judged_metrics(world.settings, "fraud") == ("p95",)
    found = await world.ask()
    assert (found.judge, found.decision, found.score) == ("kayenta", Decision.STOP, 0)
    assert found.metrics[0].reason == "High: p95 was classified as High"
    assert world.other.asked == []


async def test_its_thresholds_and_weights_come_from_the_config() -> None:
    model = (
        '[models.fraud]\njudge = "kayenta"\nscore = { pass = 30, marginal = 20, groups = { service = 60 } }'
    )
    text = CONFIG.replace("[models.fraud]", model).replace(
        "fail = 2", "compare = { max_worse = 1, group = 'b' }"
    )
    world = World(text)
    world.other.answer = lambda query, grid: Samples((((), tuple(float(at % 7) for at in grid.times)),))
    found = await world.ask()
    assert (found.score, found.decision) == (40, Decision.PROMOTE)


async def test_a_lower_score_may_do() -> None:
    world = World(CONFIG.replace("[models.fraud]", "[models.fraud]\nscore = { pass = 50 }"))
    assert (await world.ask()).decision is Decision.PROMOTE


async def test_it_is_asked_again_with_the_next_look_while_it_is_watched() -> None:
    world = World()
    with world.runtime.poller.watch() as watch:
        watch.want(VerdictOf("fraud"))
        task = asyncio.create_task(world.runtime.run())
        await world.time.advance(150)
        task.cancel()
    assert world.prom.times('p95{track="canary"}[1m]') == [0, 60, 120]
    await world.runtime.close()


async def test_a_model_that_is_not_configured_and_one_without_anything_to_judge() -> None:
    world = World(CONFIG + "[models.empty]\n")
    with pytest.raises(SourceError, match=r"no table \[models.nobody\]"):
        await world.runtime.poller.ask(VerdictOf("nobody"))
    found = await world.runtime.poller.ask(VerdictOf("empty"))
    assert (found.decision, found.reason) == (Decision.WAIT, "there is nothing to judge by")
