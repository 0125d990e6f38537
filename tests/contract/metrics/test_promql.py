"""What is seen of queries: the series they read, and, at a real Prometheus, how old and how complete these are."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_prometheus import END, INTERVAL, RealPrometheus, prometheus
from tui import config
from tui.domain.promql import aggregates, buckets, quantile, selectors
from tui.domain.series import Probe
from tui.engine.queries import ProbeOf
from tui.engine.runtime import Runtime

LAST = END - 17
"""The time of the newest sample of the ordinary series, off every grid."""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("up", ("up",)),
        ('max(model_accuracy{version="1"})', ('model_accuracy{version="1"}',)),
        ('sum(rate(a{x="1"}[5m])) by (le) / sum(rate(b[5m] offset 5m))', ('a{x="1"}', "b")),
        ('sum by (le) (rate(t_bucket{v="a}\\"b"}[5m]))', ('t_bucket{v="a}\\"b"}',)),
        ('{"my.metric", a="b"} and {c=~`{}`}', ('{"my.metric", a="b"}', "{c=~`{}`}")),
        ('label_replace(x, "a", "{b}", "", "") # {c}', ("x",)),
        ("avg_over_time((x == x)[10m:1m]) > bool 1e5", ("x",)),
        ("a + on (x) group_left b @ start() or c * Inf", ("a", "b", "c")),
        ("sum without (pod) (job:errors:rate5m)", ("job:errors:rate5m",)),
        ("vector(1) + 2", ()),
    ],
)
def test_the_series_that_a_query_reads(query: str, found: tuple[str, ...]) -> None:
    assert selectors(query) == found


def test_the_buckets_of_a_quantile() -> None:
    query = 'histogram_quantile(0.9, rate(t_bucket{a="b"}[5m])) + rate(t_count[5m])'
    assert buckets(query) == 'sum by (le) (increase(t_bucket{a="b"}[5m]))'
    assert buckets("rate(t_bucket[5m])") == ""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('rate(x{a="sum(b)"}[5m])', False),
        ('errors{t="a"} / requests', False),
        ("sum by (a) (x)", True),
        ("max(x)", True),
        ("summed_total", False),
        ("errors / ignoring (t) requests", True),
    ],
)
def test_whether_labels_may_be_summed_away(query: str, found: bool) -> None:
    assert aggregates(query) is found


def test_which_quantile() -> None:
    assert quantile("1000 * histogram_quantile(0.95, x)") == 0.95
    assert quantile("histogram_quantile(scalar(q), x)") is None
    assert quantile("max(x)") is None


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """An ordinary gauge, one with NaN and a hole, one that ended 20 minutes ago, and one that never was a number."""
    times = range(LAST - 7200, LAST + 1, INTERVAL)
    lines = ["# TYPE fresh gauge", *(f"fresh 1 {at}" for at in times)]
    lines.append("# TYPE holey gauge")
    for number, at in enumerate(times):
        if not END - 1800 < at < END - 600:
            lines.append(f"holey {math.nan if number % 4 == 0 else 1} {at}")
    lines += ["# TYPE ended gauge", *(f"ended 1 {at}" for at in times if at <= LAST - 1200)]
    lines += ["# TYPE never gauge", *(f"never NaN {at}" for at in times)]
    with prometheus(tmp_path_factory.mktemp("aged"), "\n".join([*lines, "# EOF", ""])) as server:
        yield server


async def probed(url: str, query: str) -> Probe:
    text = (
        f'[sources.prom]\ntype = "prometheus"\nurl = "{url}"\n[models.m]\nmetrics = ["x"]\n'
        f"[metrics.x]\nsource = 'prom'\nquery = '{query}'\n"
    )
    runtime = Runtime(config.parse(text, Path("config.toml")), clock=lambda: float(END))
    try:
        return await runtime.poller.ask(ProbeOf("m", "x"))
    finally:
        await runtime.close()


@pytest.mark.parametrize(
    ("query", "newest"),
    [
        ("fresh", LAST),
        ("max(fresh) / 2", LAST),
        ("avg_over_time(fresh[10m])", LAST),
        ("ended", LAST - 1200),
        ("max(ended) or max(fresh)", LAST),
    ],
)
async def test_the_age_is_that_of_the_sample_not_of_the_value(
    aged: RealPrometheus, query: str, newest: int
) -> None:
    """A value is told for five minutes after the sample, at every look, as if it were new."""
    found = await probed(aged.url, query)
    assert found.exact
    # A look a minute tells of what is older than the look-back: the newest sample before that look.
    assert newest - (0 if newest == LAST else 60) <= (found.newest or 0) <= newest


async def test_nan_and_what_is_missing_are_told_apart(aged: RealPrometheus) -> None:
    fresh, holey = await probed(aged.url, "fresh"), await probed(aged.url, "holey")
    assert (fresh.nan, fresh.missing) == (0, 0)
    assert 0.1 < holey.nan < 0.9
    assert holey.missing == pytest.approx((1200 - 300) / 3600, abs=0.05), "less what the look-back bridges"
    never = await probed(aged.url, "never")
    assert (never.nan, never.missing) == (1, 0)
    nothing = await probed(aged.url, "nothing")
    assert (nothing.nan, nothing.missing, nothing.newest) == (0, 1, None)


async def test_where_no_series_is_seen_the_value_must_do(aged: RealPrometheus) -> None:
    found = await probed(aged.url, "vector(1)")
    assert (found.exact, found.newest) == (False, END)
