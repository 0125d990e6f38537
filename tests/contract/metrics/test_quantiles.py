"""A quantile at the bound of the highest bucket: it may be any more (contracts: metrics §2), at a real Prometheus."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.metrics.test_verdicts import only
from tests.real_prometheus import END, INTERVAL, START, RealPrometheus, prometheus
from tests.widgets.chart.charts import lines_of
from tui import config
from tui.domain.series import Chart
from tui.domain.verdict import MetricOutcome
from tui.engine.queries import ChartOf
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.panes.metrics import project
from tui.panes.time_range import TimeRange
from tui.presenters.judged_metrics import metric_line
from widgets.chart.chart import picture

QUERY = 'histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket{track="{track}"}[{window}])))'
METRIC = f"""
[metrics.took]
query = '{QUERY}'
unit = "ms"
scale = 1000
window = "2m"
"""


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """The baseline answers within half a second, the canary never does: of it only the endless bucket knows."""
    lines = ["# TYPE took_seconds histogram"]
    for track in ("baseline", "canary"):
        for number, at in enumerate(range(START, END + 1, INTERVAL)):
            within = 10 * number if track == "baseline" else 0
            for bound, count in (("0.1", within // 2), ("0.5", within), ("+Inf", 10 * number)):
                lines.append(f'took_seconds_bucket{{track="{track}",le="{bound}"}} {count} {at}')
    with prometheus(tmp_path_factory.mktemp("buckets"), "\n".join([*lines, "# EOF", ""])) as server:
        yield server


async def test_a_chart_says_so(buckets: RealPrometheus) -> None:
    text = f'[sources.prom]\ntype = "prometheus"\nurl = "{buckets.url}"\n[models.m]\nmetrics = ["took"]\n'
    settings = config.parse(text + METRIC.replace("query =", 'source = "prom"\nquery ='), Path("c.toml"))
    runtime = Runtime(settings, clock=lambda: float(END))
    try:
        found = await runtime.poller.ask(ChartOf("m", "took", 3600, 60))
    finally:
        await runtime.close()
    assert [series.ceiling for series in found.series] == [500, 500]
    assert set(found.series[1].values) == {500}
    shown = project("took", settings.metrics["took"], TimeRange(3600), Reading[Chart](found), float(END))
    legend = lines_of(picture(shown, 100, 20))[0]
    assert "canary   ≥500" in legend, legend
    assert legend.count("≥") == 1


async def test_what_may_be_any_slower_is_not_fine(buckets: RealPrometheus) -> None:
    found = await only(buckets.url, METRIC + "compare = { max_worse = '50%' }\n")
    assert (found.canary, found.canary_at_least, found.baseline_at_least) == (500, True, False)
    assert (found.outcome, found.reason.split("; ")[1]) == (
        MetricOutcome.UNCLEAR,
        "the canary is at the bound of its highest bucket: it may be any higher",
    )
    assert metric_line(found, "", float(END)).why.startswith("difference ≥ +")


async def test_a_limit_above_the_highest_bucket_cannot_be_kept(buckets: RealPrometheus) -> None:
    found = await only(buckets.url, METRIC + "fail = 800\n")
    assert (found.outcome, found.reason) == (
        MetricOutcome.UNCLEAR,
        "may be beyond the fail limit 800 ms: ≥ 500 ms now",
    )
    assert (await only(buckets.url, METRIC + "fail = 400\n")).reason == (
        "beyond the fail limit 400 ms: ≥ 500 ms now"
    )


async def test_what_never_changes_was_measured_once_however_far_apart(buckets: RealPrometheus) -> None:
    found = await only(buckets.url, METRIC + "compare = { max_worse = 10 }\n")
    assert found.outcome is MetricOutcome.UNCLEAR
    assert found.difference == pytest.approx(40)
