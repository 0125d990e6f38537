"""Verdicts over a real Prometheus: gaps, NaN, a series that vanished, both tracks."""

import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.real_prometheus import END, INTERVAL, START, VANISHED, RealPrometheus, prometheus
from tui import config
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.engine.queries import VerdictOf
from tui.engine.runtime import Runtime

BEGAN = START + 3600
"""When the canary of :func:`noise` began."""
SLOWER = 0.02


def noise(track: str) -> list[tuple[int, float]]:
    """A latency in seconds every :data:`INTERVAL` seconds: the baseline has a gap, the canary NaN now and then."""
    rng = Random(track)
    samples = []
    for number, at in enumerate(range(START, END + 1, INTERVAL)):
        value = rng.gauss(0.2 + (SLOWER if track == "canary" else 0.0), 0.01)
        if track == "canary":
            value = math.nan if number % 50 == 7 else value
            if at >= BEGAN:
                samples.append((at, value))
        elif not START + 7200 < at < START + 9000:
            samples.append((at, value))
    return samples


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    lines = ["# TYPE noise_seconds gauge"]
    for track in ("baseline", "canary"):
        lines += [f'noise_seconds{{track="{track}"}} {value} {at}' for at, value in noise(track)]
    with prometheus(tmp_path_factory.mktemp("noisy"), "\n".join([*lines, "# EOF", ""])) as server:
        yield server


async def judged(url: str, metrics: str, now: float = END) -> Verdict:
    names = [line[len("[metrics.") : -1] for line in metrics.splitlines() if line.startswith("[metrics.")]
    text = f'[sources.prom]\ntype = "prometheus"\nurl = "{url}"\n[models.m]\nmetrics = {names}\n'
    settings = config.parse(
        text + metrics.replace("query =", 'source = "prom"\nquery ='), Path("config.toml")
    )
    runtime = Runtime(settings, clock=lambda: float(now))
    try:
        return await runtime.poller.ask(VerdictOf("m"))
    finally:
        await runtime.close()


async def only(url: str, metrics: str, now: float = END) -> MetricVerdict:
    (metric,) = (await judged(url, metrics, now)).metrics
    return metric


def at_steps(samples: Sequence[tuple[int, float]], step: int) -> dict[int, float]:
    """What a query on a grid sees of a gauge that is sampled at the grid's times, too."""
    return {at: value for at, value in samples if at % step == 0 and not math.isnan(value)}


NOISE = """
[metrics.noise]
query = 'noise_seconds{track="{track}"}'
unit = "ms"
scale = 1000
judge_window = "2m"
compare = { max_worse = %s }
"""


class TestTwoTracks:
    async def test_the_difference_is_that_of_the_samples_since_the_canary_began(
        self, noisy: RealPrometheus
    ) -> None:
        """The gap is bridged for five minutes by what was there last: the look-back of Prometheus."""
        found = await only(noisy.url, NOISE % "'5%'")
        canary, baseline = at_steps(noise("canary"), 120), at_steps(noise("baseline"), 120)
        gap = max(at for at in baseline if at <= START + 7200)
        baseline |= {gap + 120: baseline[gap], gap + 240: baseline[gap]}
        since = min(canary)
        pairs = [(canary[at], baseline[at]) for at in canary if at in baseline]
        assert (found.since, found.points) == (since, len(pairs))
        middle = statistics.median(old for _, old in pairs)
        ratio = math.exp(statistics.fmean(math.log(new / old) for new, old in pairs))
        assert found.difference == pytest.approx(1000 * middle * (ratio - 1))
        assert found.low is not None
        assert found.high is not None
        assert found.difference is not None
        assert found.low < found.difference < found.high
        assert found.outcome is MetricOutcome.WORSE
        assert found.newest == END

    @pytest.mark.parametrize(
        ("allowed", "outcome"),
        [("40", MetricOutcome.OK), ("'20%'", MetricOutcome.OK), ("20", MetricOutcome.UNCLEAR)],
    )
    async def test_within_a_wider_margin_it_is_fine(
        self, noisy: RealPrometheus, allowed: str, outcome: MetricOutcome
    ) -> None:
        assert (await only(noisy.url, NOISE % allowed)).outcome is outcome

    async def test_after_a_few_minutes_it_says_how_many_more(self, noisy: RealPrometheus) -> None:
        found = await only(noisy.url, NOISE % "'5%'", BEGAN + 500)
        assert found.outcome is MetricOutcome.UNCLEAR
        assert found.points == 5
        assert found.more is not None
        assert 120 <= found.more <= 3600

    async def test_kayenta_over_the_same_series(self, noisy: RealPrometheus) -> None:
        text = (NOISE % "'5%'").replace("[metrics.noise]", 'judge = "kayenta"\n[metrics.noise]')
        found = await judged(noisy.url, text)
        (metric,) = found.metrics
        assert (found.decision, metric.reason) == (Decision.STOP, "High: noise was classified as High")
        assert metric.difference == pytest.approx(1000 * SLOWER, abs=2)


LATENCY = """
[metrics.latency]
query = 'max(latency_seconds{track="{track}", model_version=~"1.4|1.5"})'
judge_window = "5m"
compare = { max_worse = 0.1 }
"""


class TestWhatIsMissing:
    async def test_a_canary_that_vanished_has_no_data(self, real_prometheus: RealPrometheus) -> None:
        found = await only(real_prometheus.url, LATENCY)
        assert found.outcome is MetricOutcome.UNCLEAR
        assert found.newest is not None
        assert 0 <= found.newest - VANISHED <= 300, "as long as the server looks back"
        assert found.reason == f"no value of the canary for {(END - found.newest) / 60:.0f} minutes"

    async def test_which_may_be_a_reason_not_to_promote(self, real_prometheus: RealPrometheus) -> None:
        found = await judged(real_prometheus.url, LATENCY + 'no_data = "fail"\n')
        assert found.decision is Decision.STOP
        assert found.reason.startswith("WORSE: latency no value of the canary for ")

    async def test_before_that_it_rises_beyond_its_limit(self, real_prometheus: RealPrometheus) -> None:
        """A straight line tells too little for a comparison; the limit does not need one."""
        found = await only(real_prometheus.url, LATENCY + "fail = 0.4\n", VANISHED)
        assert found.outcome is MetricOutcome.WORSE
        assert found.reason == "beyond the fail limit 0.4: 0.45 now"

    async def test_a_baseline_that_is_not_there(self, real_prometheus: RealPrometheus) -> None:
        found = await judged(
            real_prometheus.url,
            '[metrics.accuracy]\nquery = \'accuracy{track="{track}"}\'\nbetter = "higher"\njudge_window = "30s"\n'
            "compare = { max_worse = 0.01 }\n",
        )
        (metric,) = found.metrics
        assert (metric.outcome, metric.reason) == (
            MetricOutcome.UNCLEAR,
            "the baseline has no value to compare with",
        )
        assert metric.canary == 0.9
        assert found.notes[0] == "accuracy: baseline: no samples in this time"
        assert any("NaN" in note for note in found.notes)

    async def test_nothing_matches(self, real_prometheus: RealPrometheus) -> None:
        text = "[metrics.nothing]\nquery = 'nothing{track=\"{track}\"}'\ncompare = { max_worse = 1 }\n"
        assert (await only(real_prometheus.url, text)).reason == "the canary has no value"

    async def test_two_pods_of_a_track_are_refused(self, real_prometheus: RealPrometheus) -> None:
        text = (
            "[metrics.rate]\nquery = 'rate(requests_total{track=\"{track}\"}[{window}])'\nfail = 9\n"
            '[metrics.load]\nquery = \'last_over_time(load{track="{track}"}[{window}])\'\nwindow = "1d"\nfail = 9\n'
        )
        rate, load = (await judged(real_prometheus.url, text)).metrics
        assert (rate.outcome, rate.canary) == (MetricOutcome.OK, 5.0)
        assert load.outcome is MetricOutcome.UNCLEAR
        assert "yields 2 series for the canary instead of one; they differ in pod" in load.reason


async def test_constant_rates_differ_but_were_measured_once_only(real_prometheus: RealPrometheus) -> None:
    text = '[metrics.rate]\nquery = \'rate(requests_total{track="{track}"}[{window}])\'\nwindow = "2m"\n'
    lower = await only(real_prometheus.url, text + "compare = { max_worse = '10%' }\n")
    assert (lower.outcome, lower.reason) == (
        MetricOutcome.UNCLEAR,
        "5, 150 % over the baseline; measured once only",
    )
    assert lower.difference == pytest.approx(3)
    higher = await only(real_prometheus.url, text + "better = 'higher'\ncompare = { max_worse = '10%' }\n")
    assert higher.outcome is MetricOutcome.UNCLEAR


async def test_a_wrong_query_beside_a_good_one(noisy: RealPrometheus) -> None:
    bad = "[metrics.bad]\nquery = 'sum(noise_seconds{track=\"{track}\"}'\nfail = 1\n"
    found = await judged(noisy.url, NOISE % "'5%'" + bad)
    assert found.metrics[0].outcome is MetricOutcome.WORSE
    assert found.metrics[1].outcome is MetricOutcome.UNCLEAR
    assert "parse error" in found.metrics[1].reason
