"""Shares counted, and what cannot be compared: at a real Prometheus, on pages, in documents, of partial answers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from tests.contract.metrics.test_prometheus import RANGE, matrix
from tests.contract.metrics.test_verdicts import judged, only
from tests.http_stub import Reply, http_stub
from tests.real_prometheus import END, INTERVAL, START, RealPrometheus, prometheus
from tui import config
from tui.commands.check import check
from tui.commands.exit_codes import Exit
from tui.domain.query_template import PLACEHOLDERS, fill
from tui.domain.series import Chart, Grid, Probe, Series
from tui.domain.verdict import Decision, MetricOutcome, Verdict
from tui.engine.queries import ChartOf, ProbeOf, VerdictOf
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError
from tui.sources.metrics.prometheus import PrometheusSource

HEALTHY, FAILING = "healthy", "failing"
FINE, SLOW = ("0.1", "0.25", "+Inf"), ("0.1", "0.5", "+Inf")


def _counters() -> Iterator[str]:
    """Ten requests a second and one failure in two hundred at the baseline. The healthy canary has not failed yet, so
    there is no series of its failures; the failing one has ten times as many."""
    rng = Random(7)
    yield "# TYPE requests counter"
    for track, share in (("baseline", 0.005), (HEALTHY, 0.0), (FAILING, 0.05)):
        for code, part in (("200", 1 - share), ("500", share)):
            count = 0
            for at in range(START, END + 1, INTERVAL):
                count += sum(rng.random() < part for _ in range(10 * INTERVAL))
                if part:
                    yield f'requests_total{{track="{track}",code="{code}"}} {count} {at}'


def _histograms() -> Iterator[str]:
    """Equal latencies; the canary's buckets differ. The quiet track has two requests a minute."""
    rng = Random(8)
    yield "# TYPE took_seconds histogram"
    for track, bounds, rate in (
        ("baseline", FINE, 300),
        (HEALTHY, FINE, 300),
        ("other", SLOW, 300),
        ("quiet", FINE, 1),
    ):
        quick = 0
        for number, at in enumerate(range(START, END + 1, INTERVAL)):
            quick += rng.randint(rate // 3, 2 * rate // 3)
            for bound, count in zip(bounds, (quick, rate * (number + 1), rate * (number + 1)), strict=True):
                yield f'took_seconds_bucket{{track="{track}",le="{bound}"}} {count} {at}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    lines = (*_counters(), *_histograms(), "# EOF", "")
    with prometheus(tmp_path_factory.mktemp("counts"), "\n".join(lines)) as running:
        yield running


ERRORS = """
[metrics.errors]
query = '''
sum(rate(requests_total{track="{track}", code=~"5.."}[{window}]))
/ sum(rate(requests_total{track="{track}"}[{window}]))
'''
unit = "%"
scale = 100
judge_window = "2m"
compare = { max_worse = 0.5 }
"""
COUNTED = """
[metrics.errors]
source = "prom"
bad = 'sum(increase(requests_total{track="{track}", code=~"5.."}[{window}]))'
total = 'sum(increase(requests_total{track="{track}"}[{window}]))'
judge_window = "2m"
compare = { max_worse = 0.5 }
"""
LATENCY = """
[metrics.took]
query = '''histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket{track="{track}"}[{window}])))'''
unit = "ms"
scale = 1000
judge_window = "2m"
compare = { max_worse = "10%" }
"""


def named(metrics: str, canary: str, judge: str = "own") -> str:
    """Behind ``metrics = […]`` of the model."""
    return f'judge = "{judge}"\ncanary = {{ track = "{canary}" }}\n{metrics}'


def settings_of(url: str, metrics: str) -> config.Settings:
    name = metrics.partition("[metrics.")[2].partition("]")[0]
    head = f'[sources.prom]\ntype = "prometheus"\nurl = "{url}"\n[models.m]\nmetrics = ["{name}"]\n'
    return config.parse(head + metrics.replace("query =", 'source = "prom"\nquery ='), Path("c.toml"))


async def charted(url: str, metrics: str) -> Chart:
    runtime = Runtime(settings_of(url, metrics), clock=lambda: float(END))
    try:
        return await runtime.poller.ask(ChartOf("m", "errors" if "errors" in metrics else "took", 3600, 60))
    finally:
        await runtime.close()


def share(series: Series) -> float:
    assert series.counts is not None
    return sum(each or 0 for each in series.counts.bad) / sum(each or 0 for each in series.counts.total)


@pytest.mark.parametrize("metric", [ERRORS, COUNTED])
@pytest.mark.parametrize("judge", ["own", "kayenta"])
async def test_a_canary_without_any_error_yet_comes_to_a_verdict(
    server: RealPrometheus, metric: str, judge: str
) -> None:
    found = await judged(server.url, named(metric, HEALTHY, judge))
    (errors,) = found.metrics
    assert errors.outcome.good, errors.reason
    assert (errors.canary, errors.gaps) == (0, 0)
    assert found.decision is Decision.PROMOTE
    assert not any("no samples" in note for note in found.notes)


@pytest.mark.parametrize("metric", [ERRORS, COUNTED])
@pytest.mark.parametrize("judge", ["own", "kayenta"])
async def test_one_with_ten_times_the_errors_is_worse(
    server: RealPrometheus, metric: str, judge: str
) -> None:
    (errors,) = (await judged(server.url, named(metric, FAILING, judge))).metrics
    assert errors.outcome is MetricOutcome.WORSE
    assert errors.canary == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("metric", [ERRORS, COUNTED])
async def test_the_chart_is_in_per_cent_and_has_the_counts(server: RealPrometheus, metric: str) -> None:
    baseline, canary = (await charted(server.url, named(metric, FAILING))).series
    assert share(baseline) == pytest.approx(0.005, rel=0.3)
    assert share(canary) == pytest.approx(0.05, rel=0.1)
    assert canary.counts is not None
    assert canary.counts.total[-1] == pytest.approx(10 * 300, rel=0.05), "requests in the chart's window"
    assert canary.values[-1] == pytest.approx(
        100 * (canary.counts.bad[-1] or 0) / (canary.counts.total[-1] or 1)
    )


async def test_a_running_total_is_counted_by_its_differences(server: RealPrometheus) -> None:
    bare = COUNTED.replace("increase(", "(").replace("[{window}]", "")
    _, canary = (await charted(server.url, named(bare, FAILING))).series
    assert share(canary) == pytest.approx(0.05, rel=0.1)
    assert canary.counts is not None
    assert canary.counts.total[-1] == pytest.approx(10 * 300, rel=0.05)
    (errors,) = (await judged(server.url, named(bare, FAILING))).metrics
    assert errors.outcome is MetricOutcome.WORSE


async def test_a_total_without_the_bad_ones_is_told(server: RealPrometheus) -> None:
    wrong = COUNTED.replace('code=~"5.."', 'code="200"').replace(
        '{track="{track}"}', '{track="{track}",code="500"}'
    )
    with pytest.raises(SourceError, match="total must count the bad ones, too"):
        await judged(server.url, named(wrong, FAILING))


async def test_check_says_how_a_share_is_counted(server: RealPrometheus) -> None:
    async def probed(metric: str) -> Probe:
        runtime = Runtime(settings_of(server.url, named(metric, HEALTHY)), clock=lambda: float(END))
        try:
            return await runtime.poller.ask(ProbeOf("m", "errors"))
        finally:
            await runtime.close()

    split = await probed(ERRORS)
    assert split.notes[0].startswith("judged by counts: sum(rate(requests_total{track=")
    assert split.notes[1] == "canary: nothing yet in numerator, taken for 0"
    assert (split.missing, split.newest) == (0, END)
    assert (await probed(COUNTED)).notes == ("canary: nothing yet in bad, taken for 0",)


async def test_the_command_says_so_too(server: RealPrometheus, capsys: pytest.CaptureFixture[str]) -> None:
    assert await check(settings_of(server.url, named(ERRORS, HEALTHY)), as_json=False) is Exit.OK
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "metric errors of m" in line)
    assert "judged by counts: sum(rate(requests_total{" in line


class TestHistograms:
    async def test_equal_latencies_in_different_buckets_cannot_be_compared(
        self, server: RealPrometheus
    ) -> None:
        alike = await only(server.url, named(LATENCY, HEALTHY))
        assert alike.outcome.good, alike.reason
        other = await judged(server.url, named(LATENCY, "other"))
        (took,) = other.metrics
        assert (took.outcome, took.reason) == (
            MetricOutcome.UNCLEAR,
            "their histograms have different buckets: 250 ms in the baseline only; 500 ms in the canary only",
        )
        assert other.decision is Decision.WAIT

    async def test_nor_by_kayenta(self, server: RealPrometheus) -> None:
        (took,) = (await judged(server.url, named(LATENCY, "other", "kayenta"))).metrics
        assert took.outcome is MetricOutcome.UNCLEAR
        assert "different buckets" in took.reason

    async def test_limits_hold_all_the_same(self, server: RealPrometheus) -> None:
        assert (
            await only(server.url, named(LATENCY + "fail = 300\n", "other"))
        ).outcome is MetricOutcome.WORSE

    @pytest.mark.parametrize("judge", ["own", "kayenta"])
    async def test_too_few_requests_for_a_quantile_are_told(self, server: RealPrometheus, judge: str) -> None:
        found = await judged(server.url, named(LATENCY, "quiet", judge))
        (took,) = found.metrics
        words = (
            "canary: about 4 requests in a window, where the 0.95 quantile needs 200: a few of them make it"
        )
        assert sum(words in each for each in (took.reason, *found.notes)) == 1, found
        assert not any("requests in a window" in each for each in await self.notes(server.url, HEALTHY))
        assert any("requests in a window" in each for each in await self.notes(server.url, "quiet"))

    async def notes(self, url: str, canary: str) -> tuple[str, ...]:
        return (await charted(url, named(LATENCY, canary))).notes


async def test_the_ready_made_queries_are_good_ones(server: RealPrometheus) -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    words = {name: "1m" if name == "window" else "x" for name in PLACEHOLDERS}
    queries = re.findall(r"^(?:query|bad|total) = \'\'\'(.*)\'\'\'$", text, re.MULTILINE)
    assert len(queries) > 20
    source = PrometheusSource("prom", config.PrometheusSettings(url=server.url))
    try:
        for query in queries:
            await source.samples(fill(query, words), Grid(END - 60, END, 60))
    finally:
        await source.close()


class TestTheSameSeries:
    @pytest.mark.parametrize(
        ("query", "reason"),
        [
            ('requests_total{track="{track}",code="200"}', "the query is the same for baseline and canary"),
            (
                'requests_total{track=~"{track}|baseline",code="200"}',
                "baseline and canary are the same series",
            ),
            (
                'sum by (code) (requests_total{track=~"{track}|baseline",code="200"})',
                "baseline and canary are the same series",
            ),
        ],
    )
    async def test_is_not_compared(self, server: RealPrometheus, query: str, reason: str) -> None:
        metric = f"[metrics.x]\nquery = '{query}'\nwindow = \"2m\"\ncompare = {{ max_worse = 1 }}\n"
        canary = "baseline" if "the same for" in reason else "none"
        found = await only(server.url, named(metric, canary))
        assert found.outcome is MetricOutcome.UNCLEAR
        assert found.reason.startswith(reason)

    async def test_two_with_the_same_labels_left_are_two(self, server: RealPrometheus) -> None:
        metric = (
            '[metrics.x]\nquery = \'sum by (code) (rate(requests_total{track="{track}",code="200"}[{window}]))\'\n'
            'window = "2m"\ncompare = { max_worse = 1 }\n'
        )
        assert (await only(server.url, named(metric, FAILING))).reason != ""
        assert "same series" not in (await only(server.url, named(metric, FAILING))).reason


PARTIAL: dict[str, dict[str, Any]] = {
    "VictoriaMetrics": {"isPartial": True},
    "Thanos": {"warnings": ["receive series from Addr: 10.0.0.7:10901: rpc error: code = Unavailable"]},
}
ABOUT_THE_QUERY: dict[str, Any] = {
    "warnings": ['PromQL warning: bucket label "le" is missing'],
    "infos": ["PromQL info: not a counter"],
}
GAUGE = """
[metrics.x]
query = 'x{track="{track}"}'
judge_window = "1m"
compare = { max_worse = 100 }
"""


def answered(le: str = "", **more: Any) -> Reply:
    rng = Random(1)
    return matrix(
        ({"le": le} if le else {}, [(at, f"{rng.gauss(10, 1)}") for at in range(END - 3600, END + 1, 60)]),
        **more,
    )


@pytest.mark.parametrize("who", PARTIAL)
@pytest.mark.parametrize("judge", ["own", "kayenta"])
async def test_a_partial_answer_is_not_compared(who: str, judge: str) -> None:
    with http_stub({RANGE: answered(**PARTIAL[who])}) as stub:
        found = await judged(stub.url, named(GAUGE, "canary", judge))
    (metric,) = found.metrics
    assert metric.outcome is MetricOutcome.UNCLEAR
    assert found.decision is not Decision.PROMOTE
    assert "the answer of prom is partial: some of its stores did not give theirs" in metric.reason
    assert found.notes


async def test_a_remark_on_the_query_is_no_partial_answer() -> None:
    with http_stub({RANGE: answered(**ABOUT_THE_QUERY)}) as stub:
        (metric,) = (await judged(stub.url, GAUGE)).metrics
    assert metric.outcome.good, metric.reason


@pytest.mark.parametrize(
    ("metric", "queries"),
    [
        (GAUGE, 2),
        (ERRORS, 4),
        (COUNTED, 4),
        # The buckets of each track, once in ten minutes.
        (LATENCY, 4),
    ],
)
async def test_how_many_requests_a_verdict_takes(metric: str, queries: int) -> None:
    with http_stub({RANGE: answered()}) as stub:
        await judged(stub.url, metric)
        assert len(stub.requests) == queries


class Looked:
    """A model of two tracks whose page, or document, is looked at again and again by a verdict."""

    def __init__(self, kind: str, metric: str, every: int = 60) -> None:
        self.every = every
        self.now = float(START)
        self.kind = kind
        self.metric = metric

    async def verdicts(self, *texts: str) -> list[Verdict]:
        """One after a look at each of ``texts``."""
        found = []
        path = "GET /it"
        with http_stub({}) as stub:
            text = (
                f'[sources.it]\ntype = "{self.kind}"\nurl = "{stub.url}/it"\n[models.m]\nmetrics = ["x"]\n'
                f'[metrics.x]\nsource = "it"\njudge_window = "1m"\n{self.metric}'
            )
            settings = msgspec.structs.replace(config.parse(text, Path("c.toml")), path=None)
            runtime = Runtime(settings, clock=lambda: self.now)
            try:
                for text in texts:
                    kind = "application/json" if self.kind == "json" else "text/plain; version=0.0.4"
                    stub.routes[path] = Reply.text(text, content_type=kind)
                    self.now += self.every
                    found.append(await runtime.poller.ask(VerdictOf("m")))
            finally:
                await runtime.close()
        return found


def counted(verdict: Verdict) -> float | None:
    (metric,) = verdict.metrics
    return metric.canary


async def test_a_page_is_counted_by_its_running_totals() -> None:
    """The canary fails once in two hundred requests a minute; its page has no such counter before the first time."""
    looked = Looked(
        "exposition",
        "bad = 'sum(failed_total{track=\"{track}\"})'\ntotal = 'sum(all_total{track=\"{track}\"})'\nfail = 50\n",
    )

    def page(minute: int, failed: int) -> str:
        lines = [f'all_total{{track="{track}"}} {200 * minute}' for track in ("baseline", "canary")]
        return "\n".join([*lines, *([f'failed_total{{track="canary"}} {failed}'] if failed else []), ""])

    found = await looked.verdicts(*(page(minute, 0) for minute in range(1, 4)), page(4, 200), page(5, 400))
    assert [counted(each) for each in found[1:3]] == [0, 0]
    (last,) = found[-1].metrics
    assert (last.outcome, last.reason) == (MetricOutcome.WORSE, "beyond the fail limit 50 %: 100 % now")


async def test_a_document_that_began_anew_is_counted_on() -> None:
    looked = Looked("json", 'bad = "/{track}/failed"\ntotal = "/{track}/all"\nfail = 50\n')
    totals = [(10, 100), (20, 200), (0, 10), (9, 20)]
    texts = [
        json.dumps({track: {"failed": failed, "all": all_} for track in ("baseline", "canary")})
        for failed, all_ in totals
    ]
    found = await looked.verdicts(*texts)
    # 10 of 100, then 0 of 10 since it began anew, then 9 of 10: the middle one is 10 %.
    assert counted(found[-1]) == pytest.approx(10)


async def test_different_buckets_of_a_page_cannot_be_compared() -> None:
    metric = "query = 'quantile(0.9, took_bucket{track=\"{track}\"}[{window}])'\ncompare = { max_worse = 1 }"
    looked = Looked("exposition", metric, every=20)

    def page(count: int) -> str:
        bounds = {"baseline": FINE, "canary": SLOW}
        return "# TYPE took histogram\n" + "".join(
            f'took_bucket{{track="{track}",le="{bound}"}} {count}\n'
            for track in bounds
            for bound in bounds[track]
        )

    found = await looked.verdicts(*(page(1000 * number) for number in range(1, 8)))
    reason = found[-1].metrics[0].reason
    assert reason.startswith("their histograms have different buckets: 0.25 in the baseline only"), reason


async def test_the_buckets_of_a_histogram_are_asked_for_once_in_ten_minutes() -> None:
    query = "histogram_quantile(0.9, sum by (le) (rate(took_seconds_bucket[1m])))"
    with http_stub({RANGE: answered(le="1")}) as stub:
        source = PrometheusSource("prom", config.PrometheusSettings(url=stub.url))
        try:
            for later in (0, 60, 540, 600):
                await source.samples(query, Grid(END + later - 3600, END + later, 60))
        finally:
            await source.close()
        asked = [request.form["query"][0] for request in stub.requests]
    assert asked.count(query) == 4
    assert asked.count("sum by (le) (increase(took_seconds_bucket[1m]))") == 2
