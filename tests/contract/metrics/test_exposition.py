"""Metrics read from their page: a stub serves it, the clock is the test's, and only questions ask."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http_stub import Reply, Stub, http_stub
from tests.real_prometheus import RealPrometheus, prometheus
from tui.config import ExpositionSettings, PrometheusSettings
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.sources.base import SourceError
from tui.sources.metrics.exposition import MOST_SERIES, ExpositionSource
from tui.sources.metrics.exposition_query import Labels, NoQuery, Quantile, evaluate, parse
from tui.sources.metrics.prometheus import PrometheusSource
from tui.sources.metrics.sample_history import SOONEST, Point, increase

STEP = 30
START = 1_795_422_000


class Page:
    """A page that is looked at every :data:`STEP` seconds."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.now = float(START)
        self.source = ExpositionSource(
            "pod", ExpositionSettings(url=f"{stub.url}/metrics"), clock=lambda: self.now
        )

    def says(self, text: str) -> None:
        self.stub.routes["GET /metrics"] = Reply.text(text, content_type="text/plain; version=0.0.4")

    async def ask(self, query: str) -> Samples:
        """Over the last ten minutes until now."""
        return await self.source.samples(query, Grid(int(self.now) - 600, int(self.now), STEP))

    async def newest(self, query: str, *texts: str) -> float | None:
        """The last value after looks at ``texts``, one each step."""
        for text in texts:
            self.now += STEP
            self.says(text)
            answer = await self.ask(query)
        ((_, values),) = answer.rows
        return values[-1]

    async def refusal(self, query: str = "up") -> SourceError:
        with pytest.raises(SourceError) as caught:
            await self.ask(query)
        assert caught.value.message.isprintable()
        return caught.value


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    with http_stub({}) as stub:
        page = Page(stub)
        yield page
        await page.source.close()


async def test_a_value_stands_from_the_look_it_was_seen_at(page: Page) -> None:
    page.says('up{job="a"} 1\nup{job="b"} NaN\n')
    first = await page.ask("up")
    assert [labels for labels, _ in first.rows] == [(("job", "a"),), (("job", "b"),)]
    assert first.rows[0][1] == (*([None] * 20), 1.0)
    assert set(first.rows[1][1]) == {None}
    assert "begins when it is first asked for" in first.notes[0]
    page.now += STEP
    page.says('up{job="a"} 2\n')
    second = await page.ask('up{job="a"}')
    assert second.rows[0][1][-1] == 2.0
    third = await page.ask("up")
    assert third.rows[0][1][-2:] == (1.0, 2.0)
    assert third.notes == ()
    assert page.stub.requests[0].headers["accept"] == "text/plain;version=0.0.4"


async def test_questions_that_come_together_cost_one_request(page: Page) -> None:
    page.says("a 1\nb 2\n")
    for query in ("a", "b", "a / b"):
        await page.ask(query)
    assert len(page.stub.requests) == 1
    page.now += SOONEST
    await page.ask("a")
    assert len(page.stub.requests) == 2


async def test_a_failure_serves_all_who_ask_at_once_and_leaves_a_gap(page: Page) -> None:
    page.stub.routes["GET /metrics"] = Reply.text("busy", 503)
    for query in ("a", "b"):
        assert (await page.refusal(query)).trouble is Trouble.UNAVAILABLE
    assert len(page.stub.requests) == 1


async def test_a_counter_that_falls_had_begun_anew(page: Page) -> None:
    texts = [f"# TYPE hits counter\nhits_total {n}\n" for n in (100, 130, 10, 40)]
    # 30, then 10 since the restart, then 30: 70 in 90 seconds.
    assert await page.newest("rate(hits[5m])", *texts) == pytest.approx(70 / 90)


@pytest.mark.parametrize("name", ["nv_inference_count", "nv_inference_count_total"])
async def test_a_counter_is_found_as_curl_shows_it_and_as_the_parser_calls_it(page: Page, name: str) -> None:
    """Contracts: metrics §3."""
    assert await page.newest(name, "# TYPE nv_inference_count counter\nnv_inference_count 7\n") == 7.0


async def test_a_rate_needs_two_looks(page: Page) -> None:
    assert await page.newest("rate(hits[1m])", "hits 1\n") is None
    assert await page.newest("rate(hits[1m])", "hits 31\n", "hits 61\n") == pytest.approx(1.0)


async def test_of_one_look_in_each_window_a_rate_is_that_since_the_look_before(page: Page) -> None:
    assert await page.newest("rate(hits[20s])", "hits 1\n", "hits 31\n") == pytest.approx(1.0)
    answer = await page.ask("sum(rate(hits[30s]))")
    assert answer.rows[0][1][-1] == pytest.approx(1.0)
    # A look from long before the window tells nothing of it.
    assert await page.newest("rate(hits[10s])", "hits 61\n") is None


def histogram(*counts: int, pod: str = "a") -> str:
    bounds = ("0.1", "0.2", "0.4", "+Inf")
    lines = [f'lat_bucket{{pod="{pod}",le="{b}"}} {n}' for b, n in zip(bounds, counts, strict=True)]
    return "\n".join(["# TYPE lat histogram", *lines, ""])


async def test_a_quantile_comes_from_what_the_buckets_gained(page: Page) -> None:
    query = "quantile(0.5, lat_bucket[5m])"
    # What was before the first look does not count: 10 in 0.1, 10 in 0.2, none above.
    texts = (histogram(500, 500, 500, 1000), histogram(510, 520, 520, 1020))
    assert await page.newest(query, *texts) == pytest.approx(0.1)
    assert await page.newest("quantile(0.75, lat_bucket[10s])", *texts) is None
    assert await page.newest(query, histogram(510, 520, 520, 1020)) is not None


async def test_a_quantile_beyond_the_highest_bucket_says_at_least(page: Page) -> None:
    assert (
        await page.newest("quantile(0.95, lat_bucket[5m])", histogram(0, 0, 0, 0), histogram(1, 1, 1, 9))
        == 0.4
    )
    answer = await page.ask("quantile(0.95, lat_bucket[5m])")
    assert answer.notes == ("a value at 0.4, the highest bucket's bound, means at least that",)


async def test_no_traffic_is_a_gap_and_never_zero(page: Page) -> None:
    same = 'n_total{code="500"} 3\nn_total{code="200"} 9\n'
    errors = 'sum(rate(n_total{code=~"5.."}[5m])) / sum(rate(n_total[5m]))'
    assert await page.newest(errors, same, same) is None
    more = 'n_total{code="500"} 4\nn_total{code="200"} 12\n'
    assert await page.newest(errors, more) == pytest.approx(0.25)


async def test_labels_are_matched_as_in_prometheus(page: Page) -> None:
    page.says('q{v="1.4",t="a"} 1\nq{v="1x4",t="b"} 2\nq{v="\\"quoted\\"\\n"} 3\n')
    for query, wanted in (
        ('q{v="1.4"}', {1.0}),
        (r'q{v=~"1\\.4"}', {1.0}),
        ('q{v=~"1.4"}', {1.0, 2.0}),
        ('q{v!="1.4",t!=""}', {2.0}),
        ('q{t!~"a|b"}', {3.0}),
        (r'q{v="\"quoted\"\n"}', {3.0}),
        ('q{v="none"}', set()),
    ):
        assert {values[-1] for _, values in (await page.ask(query)).rows} == wanted, query


async def test_a_time_stamp_is_believed_unless_it_is_an_exemplars(page: Page) -> None:
    held = (START - 300) * 1000
    page.says(f"late 5 {held}\nodd 6 5\n")
    late = (await page.ask("late")).rows[0][1]
    assert late[10] == 5.0
    assert late[-1] is None
    assert (await page.ask("odd")).rows[0][1][-1] == 6.0


async def test_an_empty_page_has_no_samples(page: Page) -> None:
    page.says("")
    assert (await page.ask("up")).rows == ()


@pytest.mark.parametrize(
    "body", ["<html><body>log in</body></html>", '{"a": 1}', 'up{job="a', "up one\n", "up 1\nup{"]
)
async def test_what_is_no_such_page_is_told(page: Page, body: str) -> None:
    page.says(body)
    error = await page.refusal()
    assert error.trouble is Trouble.WRONG_ANSWER
    assert "not Prometheus' text format" in error.message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "cannot be read at its end"),
        ("up up", "cannot be read at 'up'"),
        ("histogram_quantile(0.9, x)", "knows no histogram_quantile(…); allowed: NAME"),
        ("rate(x)", "cannot be read at ')'"),
        ("rate(x[5])", "cannot be read at '5])'"),
        ("rate(x[5m]", "cannot be read at its end"),
        ("quantile(95, x[5m])", "takes a share from 0 to 1"),
        ('x{a="("', "cannot be read at its end"),
        ('x{a=~"("}', "is no regular expression"),
        ("x{a=1}", "cannot be read at '1}'"),
        ("x / ", "cannot be read at its end"),
        ("(x", "cannot be read at its end"),
        ("1 - 2", "names no metric"),
        ('{a="b"}', "the braces name no metric"),
        ('{"a", "b"}', "cannot be read at '}'"),
        ("(" * 101 + "x" + ")" * 101, "more than 100 parts"),
        ("+".join("x" * 101), "more than 100 parts"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    page: Page, query: str, words: str
) -> None:
    error = await page.refusal(query)
    assert error.trouble is Trouble.REFUSED
    assert words in error.message
    assert page.stub.requests == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("bad / (bad + good)", 0.25),
        ("1 - bad / (bad + good)", 0.75),
        ("100 * bad / (good + bad)", 25.0),
        ("good - bad - bad", 1.0),
        ("good / bad / good", 1.0),
        ("good-1", 2.0),
        ("sum(q)", 6.0),
        ("avg(q)", 2.0),
        ("min(q)", 1.0),
        ("max(q)", 3.0),
        ("min(1 - q)", -2.0),
        ("sum(q) / avg(q)", 3.0),
        ("good / (bad - bad)", None),
    ],
)
async def test_what_is_calculated(page: Page, query: str, wanted: float | None) -> None:
    text = 'bad 1\ngood 3\nq{n="1"} 1\nq{n="2"} 2\nq{n="3"} 3\n'
    assert await page.newest(query, text) == wanted


async def test_a_number_goes_with_all_series(page: Page) -> None:
    page.says('q{n="1"} 1\nq{n="2"} 2\n')
    rows = (await page.ask("1 - q")).rows
    assert [(labels, values[-1]) for labels, values in rows] == [((("n", "1"),), 0.0), ((("n", "2"),), -1.0)]


async def test_names_may_have_any_characters(page: Page) -> None:
    page.says(
        '# TYPE "my.metric" gauge\n{"my.metric", "the.label"="x", b="1"} 5\n{"my.metric",b="2"} 6\nup 1\n'
    )
    for query, wanted in (
        ('sum({"my.metric"})', 11.0),
        ('{"my.metric", b="2"}', 6.0),
        ('{"my.metric", "the.label"="x"}', 5.0),
        ('{b="1", "my.metric"}', 5.0),
        ('up / {"my.metric", "the.label"!="x"}', 1 / 6),
    ):
        assert (await page.ask(query)).rows[0][1][-1] == pytest.approx(wanted), query


async def test_a_native_histogram_does_not_lose_the_page(page: Page) -> None:
    native = "{count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,positive_spans:[0:2],positive_deltas:[2,1]}"
    page.says(
        f'# TYPE lat histogram\nlat {native}\nlat{{v="a",w="{{count:1}}"}} {native} 1795422000\n'
        f'{{"my.lat",v="a"}} {native}\nodd{{v=" {{count:1,"}} 3\nspaced {{v="x"}} 4\nup 1\n'
    )
    for query, wanted in (("up", 1.0), ("odd", 3.0), ("spaced", 4.0)):
        assert (await page.ask(query)).rows[0][1][-1] == wanted
    assert (await page.ask("lat")).rows == ()
    (finding,) = (each for each in await page.source.check() if each.subject == "page")
    assert finding.message == "3 samples of 3 names; 3 native histograms are not read"


async def test_several_series_on_a_side_of_a_ratio_are_refused(page: Page) -> None:
    page.says('a{x="1"} 1\na{x="2"} 2\nb 3\n')
    assert "yields 2 series instead of one" in (await page.refusal("a / b")).message
    assert "is for a histogram's …_bucket" in (await page.refusal("quantile(0.9, b[5m])")).message


async def test_too_many_series_are_refused(page: Page) -> None:
    page.says("".join(f'q{{n="{n}"}} 1\n' for n in range(MOST_SERIES + 1)))
    assert f"q matches more than {MOST_SERIES} series" in (await page.refusal("sum(q)")).message
    page.now += STEP
    assert (await page.ask('sum(q{n=~"1."})')).rows[0][1][-1] == 10.0


async def test_a_check_says_what_is_there(page: Page) -> None:
    page.says("a 1\nb 2\n")
    assert [each.message for each in await page.source.check() if each.subject == "page"] == [
        "2 samples of 2 names"
    ]
    page.stub.routes["GET /metrics"] = Reply.text("gone", 404)
    page.now += STEP
    (finding,) = await page.source.check()
    assert finding.level == "error"


@given(st.text(max_size=60) | st.text('x{}=~"\\()[]5ms,/ ', max_size=30))
def test_any_text_is_a_query_or_told_why_not(text: str) -> None:
    words = ""
    try:
        parse(text)
    except NoQuery as error:
        words = str(error) or "nothing"
    assert words != "nothing"


@given(st.lists(st.integers(0, 1000), min_size=1), st.lists(st.integers(0, 1000), min_size=1))
def test_a_counters_rise_is_that_of_its_parts(before: list[int], after: list[int]) -> None:
    """However often it restarts, and wherever the looks are cut."""
    points = [(float(at), float(value)) for at, value in enumerate((*before, *after))]
    cut = len(before)
    assert increase(points) == increase(points[: cut + 1]) + increase(points[cut:])
    assert increase(points) >= 0


async def test_the_page_of_a_real_prometheus(real_prometheus: RealPrometheus) -> None:
    now = float(START)
    settings = ExpositionSettings(url=f"{real_prometheus.url}/metrics")
    source = ExpositionSource("self", settings, clock=lambda: now)
    requests = "sum(rate(prometheus_http_requests_total[5m]))"
    quantile = "quantile(0.5, prometheus_http_request_duration_seconds_bucket[5m])"
    for _ in range(3):
        now += STEP
        grid = Grid(int(now) - 600, int(now), STEP)
        answers = [await source.samples(query, grid) for query in (requests, quantile)]
    await source.close()
    rates, quantiles = (answer.rows[0][1][-1] for answer in answers)
    # Between the looks it answered the one before.
    assert rates is not None
    assert rates > 0
    assert quantiles is not None
    assert 0 < quantiles < 10


def test_a_quantile_is_that_of_a_real_prometheus(tmp_path: Path) -> None:
    """Its rate is extrapolated to the window's ends, for all buckets by the same factor: the quantile is the same."""
    rng, bounds = Random(7), ("0.05", "0.1", "0.25", "0.5", "1.0", "+Inf")
    past: dict[Labels, list[Point]] = {}
    counts = dict.fromkeys(bounds, 0)
    # Between the times of the grid: whether a window's first moment counts depends on Prometheus' version.
    for at in range(START + 10, START + 3600, STEP):
        rise = 0
        for bound in bounds:
            rise += rng.randint(0, 9)
            counts[bound] += rise
            past.setdefault((("le", bound),), []).append((float(at), float(counts[bound])))
    lines = [
        f'lat_bucket{{le="{labels[0][1]}"}} {value:.0f} {at:.0f}'
        for labels, points in past.items()
        for at, value in points
    ]
    text = "\n".join(["# TYPE lat histogram", *lines, "# EOF", ""])
    grid = Grid(START + 600, START + 3300, 300)
    tree = parse("quantile(0.9, lat_bucket[5m])")
    assert isinstance(tree, Quantile)
    (ours,) = evaluate(tree, {tree.of: past}, grid)[0].values()

    async def theirs(url: str) -> Samples:
        source = PrometheusSource("prom", PrometheusSettings(url=url))
        try:
            return await source.samples("histogram_quantile(0.9, rate(lat_bucket[5m]))", grid)
        finally:
            await source.close()

    with prometheus(tmp_path, text) as server:
        ((_, wanted),) = asyncio.run(theirs(server.url)).rows
    assert ours == pytest.approx(wanted, rel=1e-6)
    assert None not in ours
