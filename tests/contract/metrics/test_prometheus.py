"""Reading Prometheus: a real one, and each recorded error from a stub."""

import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.http_stub import Reply, Request, Route, http_stub
from tests.real_prometheus import (
    END,
    GAP,
    ODD_VERSION,
    START,
    VANISHED,
    RealPrometheus,
    history,
    prometheus,
)
from tui.config import MetricSettings, ModelSettings, PrometheusSettings, Secret, Settings, TrackSettings
from tui.domain.health import Trouble
from tui.domain.query_template import fill
from tui.domain.series import Grid
from tui.engine.queries import ChartOf
from tui.engine.queries.charts import chart
from tui.sources.base import SourceError
from tui.sources.metrics.prometheus import PrometheusSource

GRID = Grid(START, END, 600)
LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"
RANGE, QUERY = "POST /api/v1/query_range", "POST /api/v1/query"


@asynccontextmanager
async def source(url: str, **settings: Any) -> AsyncIterator[PrometheusSource]:
    made = PrometheusSource("prom", PrometheusSettings(url=url, **settings))
    try:
        yield made
    finally:
        await made.close()


async def refusal(url: str, query: str = "up", **settings: Any) -> SourceError:
    async with source(url, **settings) as prom:
        with pytest.raises(SourceError) as caught:
            await prom.samples(query, GRID)
    return caught.value


def matrix(*rows: tuple[dict[str, str], Sequence[tuple[float, str]]], **more: Any) -> Reply:
    result = [{"metric": labels, "values": [list(point) for point in points]} for labels, points in rows]
    return Reply.json({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


def failure(status: int, kind: str, words: str) -> Reply:
    return Reply.json({"status": "error", "errorType": kind, "error": words}, status)


class TestARealServer:
    async def test_points_stand_at_their_times_and_what_is_missing_is_a_gap(
        self, real_prometheus: RealPrometheus
    ) -> None:
        query = 'latency_seconds{model_version=~"1.*"}'
        async with source(real_prometheus.url) as prom:
            baseline, canary = (await prom.samples(query, GRID)).rows
        assert baseline[0] == (
            ("__name__", "latency_seconds"),
            ("environment", "production"),
            ("model_version", "1.4"),
            ("track", "baseline"),
        )
        times = list(GRID.times)
        # A server looks back five minutes, so a gap shows five minutes late.
        assert [t for t, value in zip(times, baseline[1], strict=True) if value is None] == [
            t for t in times if GAP[0] + 300 < t < GAP[1]
        ]
        assert [t for t, value in zip(times, canary[1], strict=True) if value is None] == [
            t for t in times if t > VANISHED + 300
        ]
        assert baseline[1][times.index(GAP[1])] == pytest.approx(0.23)
        assert canary[1][times.index(VANISHED)] == pytest.approx(0.45)

    async def test_nan_and_infinities_are_gaps_with_a_hint(self, real_prometheus: RealPrometheus) -> None:
        async with source(real_prometheus.url) as prom:
            samples = await prom.samples("accuracy", Grid(START, START + 270, 30))
        assert samples.rows[0][1] == (0.9, 0.9, 0.9, None, None, None, 0.9, 0.9, 0.9, 0.9)
        nan, infinite = samples.notes
        assert nan.startswith("1 of 10 values are NaN")
        assert "x == x" in nan
        assert infinite.startswith("2 of 10 values are infinite")

    async def test_a_version_cannot_rewrite_the_query(self, real_prometheus: RealPrometheus) -> None:
        grid = Grid(START, START, 60)
        async with source(real_prometheus.url) as prom:
            for query in (
                'latency_seconds{model_version="{version}"}',
                'latency_seconds{model_version=~"{version:re}"}',
            ):
                samples = await prom.samples(fill(query, {"version": ODD_VERSION}), grid)
                assert [(dict(labels)["model_version"], values) for labels, values in samples.rows] == [
                    (ODD_VERSION, (7.0,))
                ]

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("1 +", "parse error: unexpected end of input"),
            ("latency_seconds[5m]", 'invalid expression type "range vector"'),
            ('"text"', 'invalid expression type "string"'),
            ("latency_seconds * on(environment) latency_seconds", "found duplicate series"),
        ],
    )
    async def test_a_wrong_query_is_refused_in_the_servers_words(
        self, real_prometheus: RealPrometheus, query: str, words: str
    ) -> None:
        error = await refusal(real_prometheus.url, query)
        assert error.trouble is Trouble.REFUSED
        assert words in error.message
        assert "correct the query" in error.message

    async def test_as_many_steps_as_a_server_allows(self, real_prometheus: RealPrometheus) -> None:
        async with source(real_prometheus.url) as prom:
            samples = await prom.samples("vector(1)", Grid(START, START + 11_000, 1))
            assert len(samples.rows[0][1]) == 11_001
            sent = prom.facts().requests
            with pytest.raises(SourceError, match="11001 steps are more than"):
                await prom.samples("vector(1)", Grid(START, START + 11_001, 1))
            assert prom.facts().requests == sent

    async def test_check_tells_the_version_and_the_clock(self, real_prometheus: RealPrometheus) -> None:
        async with source(real_prometheus.url) as prom:
            findings = await prom.check()
            facts = prom.facts()
        assert [finding.level for finding in findings] == ["ok", "ok"]
        assert facts.version
        assert facts.version in findings[0].message
        assert facts.requests == 2
        assert facts.bytes_read > 0

    async def test_a_chart_of_both_tracks(self, real_prometheus: RealPrometheus) -> None:
        settings = Settings(
            sources={},
            models={
                "fraud": ModelSettings(
                    environment="production",
                    baseline=TrackSettings(version="1.4", track="baseline"),
                    canary=TrackSettings(version="1.5", track="canary"),
                )
            },
            metrics={
                "p95": MetricSettings(
                    source="prom",
                    query='max(latency_seconds{environment="{environment}",model_version="{version}"})',
                    unit="ms",
                    scale=1000,
                )
            },
        )
        async with source(real_prometheus.url) as prom:
            answer = await chart(ChartOf("fraud", "p95", 6 * 3600, 60), settings, prom, END + 7)
        baseline, canary = answer.series
        assert (baseline.track, baseline.label) == ("baseline", "1.4")
        assert (canary.track, canary.label) == ("canary", "1.5")
        assert baseline.grid == canary.grid == Grid(START, END, 180)
        at = dict(zip(canary.grid.times, canary.values, strict=True))
        assert at[START] == pytest.approx(200)
        assert at[VANISHED] == pytest.approx(450)
        assert at[END] is None
        assert None in baseline.values
        assert answer.notes == ()


@pytest.fixture(scope="module")
def strict_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """Behind a path prefix, with a password (``letmein``), and few samples allowed."""
    folder = tmp_path_factory.mktemp("strict")
    web = folder / "web.yml"
    web.write_text("basic_auth_users:\n  ml: $2b$04$DOmonMUjlPDjslRH/aTL.OHy3btqB31/I/92xfEsNP7syDBc2hzBa\n")
    options = (f"--web.config.file={web}", "--query.max-samples=50")
    with prometheus(folder, history(), *options, prefix="/mimir/prometheus", user="ml:letmein") as server:
        yield server


class TestAStrictServer:
    async def test_user_and_password_and_path_prefix(self, strict_prometheus: RealPrometheus) -> None:
        async with source(strict_prometheus.url, user="ml", password=Secret("letmein")) as prom:
            samples = await prom.samples("vector(1)", Grid(START, START + 60, 30))
        assert samples.rows == (((), (1.0, 1.0, 1.0)),)

    async def test_a_wrong_password(self, strict_prometheus: RealPrometheus) -> None:
        error = await refusal(strict_prometheus.url, user="ml", password=Secret("wr0ng"))
        assert error.trouble is Trouble.UNAUTHORIZED
        assert "Unauthorized" in error.message
        assert "wr0ng" not in error.message

    async def test_a_missing_path_prefix(self, strict_prometheus: RealPrometheus) -> None:
        bare = strict_prometheus.url.removesuffix("/mimir/prometheus")
        error = await refusal(bare, user="ml", password=Secret("letmein"))
        assert error.trouble is Trouble.NOT_FOUND
        assert "is a path prefix missing?" in error.message

    async def test_too_many_samples(self, strict_prometheus: RealPrometheus) -> None:
        error = await refusal(
            strict_prometheus.url, "sum_over_time(accuracy[6h])", user="ml", password=Secret("letmein")
        )
        assert (error.trouble, error.status) == (Trouble.REFUSED, 422)
        assert "too many samples" in error.message


class TestRequests:
    async def test_a_question_is_one_form_on_the_grid(self) -> None:
        with http_stub({RANGE.replace(" ", " /pre/fix", 1): matrix()}) as stub:
            async with source(stub.url + "/pre/fix/") as prom:
                assert (await prom.samples("up{a=~'b+&c'}", Grid(600, 1200, 60))).rows == ()
            (request,) = stub.requests
        assert request.form == {"query": ["up{a=~'b+&c'}"], "start": ["600"], "end": ["1200"], "step": ["60"]}
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert "gzip" in request.headers["accept-encoding"]
        assert "authorization" not in request.headers

    async def test_a_proxy_that_only_reads_is_asked_with_get_from_then_on(self) -> None:
        row = ({"a": "b"}, [(START, "1")])
        routes: dict[str, Route] = {RANGE: Reply(405), "GET /api/v1/query_range": matrix(row)}
        with http_stub(routes) as stub:
            async with source(stub.url) as prom:
                for _ in range(2):
                    samples = await prom.samples("up", Grid(START, START, 60))
                    assert samples.rows == (((("a", "b"),), (1.0,)),)
        assert [request.method for request in stub.requests] == ["POST", "GET", "GET"]
        assert stub.requests[1].query == stub.requests[0].form

    async def test_a_token_is_read_anew_each_time(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        with http_stub({RANGE: matrix()}) as stub:
            async with source(stub.url, token=Secret(f"file:{token}")) as prom:
                for text in ("first", "second"):
                    token.write_text(f"{text}\n")
                    await prom.samples("up", GRID)
        assert [request.headers["authorization"] for request in stub.requests] == [
            "Bearer first",
            "Bearer second",
        ]

    async def test_a_missing_token_is_told_without_asking(self) -> None:
        with http_stub({}) as stub:
            error = await refusal(stub.url, token=Secret("env:NO_SUCH_VARIABLE_HERE"))
            assert stub.requests == []
        assert error.trouble is Trouble.UNAUTHORIZED
        assert "NO_SUCH_VARIABLE_HERE is not set" in error.message

    @pytest.mark.parametrize("token", ["s3cret\r\nX-Evil: 1", "s3crét", "s3cret\0"])
    async def test_a_token_that_http_cannot_carry_is_not_shown(self, token: str) -> None:
        with http_stub({RANGE: matrix()}) as stub:
            error = await refusal(stub.url, token=Secret(token))
        assert error.trouble is Trouble.UNAUTHORIZED
        assert "line break" in error.message
        assert "s3cr" not in error.message
        assert error.__cause__ is None
        assert error.__suppress_context__

    async def test_gzip(self) -> None:
        plain = matrix(({}, [(START, "2")]))
        packed = Reply(200, {**plain.headers, "Content-Encoding": "gzip"}, gzip.compress(plain.body))
        with http_stub({RANGE: packed}) as stub:
            async with source(stub.url) as prom:
                assert (await prom.samples("up", GRID)).rows[0][1][0] == 2.0

    async def test_the_proxy_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with http_stub({RANGE: matrix()}) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            async with source("http://prometheus.invalid") as prom:
                assert (await prom.samples("up", GRID)).rows == ()
            assert proxy.requests[0].headers["host"] == "prometheus.invalid"


class TestAnswers:
    async def test_points_are_placed_by_time_not_by_order(self) -> None:
        points = [(180.001, "4"), (60, "2"), (-60, "9"), (300, "9"), (119.9, "3"), (1e300, "9")]
        with http_stub({RANGE: matrix(({}, points))}) as stub:
            async with source(stub.url) as prom:
                samples = await prom.samples("up", Grid(0, 240, 60))
        assert samples.rows[0][1] == (None, 2.0, 3.0, 4.0, None)

    async def test_warnings_become_notes_and_text_is_cleaned(self) -> None:
        reply = matrix(
            ({"z": "\x1b]52;c;eHg=\x07[/red]", "a\x1b[2J": "b"}, [(0, "1")]),
            warnings=["partial\x1b[31m answer"],
            infos=["a\nhint"],
        )
        with http_stub({RANGE: reply}) as stub:
            async with source(stub.url) as prom:
                samples = await prom.samples("up", Grid(0, 0, 60))
        assert samples.notes == ("partial answer", "a hint")
        assert samples.rows[0][0] == (("a", "b"), ("z", "[/red]"))

    async def test_an_empty_answer_is_one(self) -> None:
        with http_stub({RANGE: matrix(warnings=None, infos=None)}) as stub:
            async with source(stub.url) as prom:
                samples = await prom.samples("up", GRID)
        assert (samples.rows, samples.notes) == ((), ())

    async def test_histograms_are_refused_with_advice(self) -> None:
        histogram = [START, {"count": "1", "sum": "2", "buckets": [[0, "0.5", "1", "1"]]}]
        body = {"resultType": "matrix", "result": [{"metric": {}, "histograms": [histogram]}]}
        with http_stub({RANGE: Reply.json({"status": "success", "data": body})}) as stub:
            error = await refusal(stub.url)
        assert error.trouble is Trouble.REFUSED
        assert "wrap it in histogram_quantile()" in error.message


HTML = Reply.text("<!doctype html><title>Log in</title>", content_type="text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("reply", "trouble", "words"),
    [
        (
            failure(400, "bad_data", 'invalid parameter "query": 1:3: parse error'),
            Trouble.REFUSED,
            "1:3: parse error; correct the query",
        ),
        (Reply.text("Unauthorized\n", 401), Trouble.UNAUTHORIZED, "answered 401"),
        (Reply(401, HTML.headers, HTML.body), Trouble.UNAUTHORIZED, "a web page came"),
        (Reply(403, HTML.headers, HTML.body), Trouble.FORBIDDEN, "a login page or a proxy"),
        (
            Reply(302, {"Location": "https://al:abc@login.example/start?token=abc"}),
            Trouble.WRONG_ANSWER,
            "redirects to https://login.example/start: a login page",
        ),
        (Reply(302, {"Location": "http://[bad"}), Trouble.WRONG_ANSWER, "redirects to another place"),
        (Reply(302), Trouble.WRONG_ANSWER, "redirects to another place"),
        (HTML, Trouble.WRONG_ANSWER, "a web page instead of JSON"),
        (Reply.text("404 page not found\n", 404), Trouble.NOT_FOUND, "is a path prefix missing?"),
        (failure(422, "execution", "too many samples"), Trouble.REFUSED, "too many samples; correct"),
        (failure(499, "canceled", "query was canceled"), Trouble.UNAVAILABLE, "dropped the query"),
        (
            failure(500, "internal", "block is corrupt"),
            Trouble.SERVER_ERROR,
            "block is corrupt; the server's own",
        ),
        (
            failure(503, "timeout", "query timed out"),
            Trouble.TIMEOUT,
            "query timed out; the query is too slow",
        ),
        (
            failure(503, "unavailable", "TSDB not ready"),
            Trouble.UNAVAILABLE,
            "TSDB not ready; the server is starting",
        ),
        (Reply.text("upstream connect error", 502), Trouble.UNAVAILABLE, "upstream connect error"),
        (failure(400, "new_kind", "never seen"), Trouble.REFUSED, "never seen"),
        (failure(200, "bad_data", "an error with status 200"), Trouble.REFUSED, "an error with status 200"),
        (Reply.text("Client sent an HTTP request to an HTTPS server.\n", 400), Trouble.TLS, "use https"),
        (Reply.json({"status": "error", "error": 5}, 400), Trouble.REFUSED, "answered 400"),
        (Reply.json({"status": "success"}), Trouble.WRONG_ANSWER, "answered nothing instead of a matrix"),
        (
            Reply.json({"status": "success", "data": {"resultType": "vector", "result": []}}),
            Trouble.WRONG_ANSWER,
            "answered a vector instead of a matrix",
        ),
        (Reply.json({"data": 1}), Trouble.WRONG_ANSWER, "missing required field `status`"),
        (
            Reply.json(
                {"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[1, 2]]}]}}
            ),
            Trouble.WRONG_ANSWER,
            "$.data.result[0].values[0][1]",
        ),
        (matrix(({}, [(0, "many")])), Trouble.WRONG_ANSWER, "a value that is no number"),
        (Reply.text('{"status": "succ', content_type="application/json"), Trouble.WRONG_ANSWER, "cut off"),
        (
            Reply(200, {"Content-Type": "application/json"}, b'{"status": "\xff"}'),
            Trouble.WRONG_ANSWER,
            "not JSON",
        ),
        (Reply(200, {}, b""), Trouble.WRONG_ANSWER, "cut off or not JSON"),
        (
            Reply(200, {}, b'{"status": "success", "data": ' + b"[" * 100_000),
            Trouble.WRONG_ANSWER,
            "/api/v1/query_range",
        ),
        (
            Reply(500, {"Content-Type": "application/json"}, b'{"data": ' + b"[" * 100_000),
            Trouble.SERVER_ERROR,
            "answered 500",
        ),
        (Reply.text("\x1b]0;owned\x07tea\npot", 418), Trouble.REFUSED, ": tea pot"),
    ],
)
async def test_each_wrong_answer_is_told_apart(reply: Reply, trouble: Trouble, words: str) -> None:
    with http_stub({RANGE: reply}) as stub:
        error = await refusal(stub.url)
    assert (error.trouble, len(stub.requests)) == (trouble, 1)
    assert words in error.message
    assert "/api/v1/query_range" in error.message
    assert error.message.isprintable()
    assert "abc" not in error.message


async def test_retry_after_is_obeyed() -> None:
    now = 1_000.0
    busy = Reply(503, {"Retry-After": "30", "Content-Type": "text/plain"}, b"busy")
    with http_stub({RANGE: busy}) as stub:
        prom = PrometheusSource("prom", PrometheusSettings(url=stub.url), clock=lambda: now)
        with pytest.raises(SourceError) as first:
            await prom.samples("up", GRID)
        with pytest.raises(SourceError) as second:
            await prom.samples("up", GRID)
        await prom.close()
        assert len(stub.requests) == 1
    assert (first.value.trouble, first.value.retry_at) == (Trouble.UNAVAILABLE, 1_030.0)
    assert (second.value.trouble, second.value.retry_at) == (Trouble.RATE_LIMITED, 1_030.0)


class TestCheck:
    async def test_a_clone_without_version_and_a_wrong_clock(self) -> None:
        answer = Reply.json(
            {"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}},
            Date=LONG_AGO,
        )
        with http_stub({QUERY: answer, "*": Reply(404, {"Date": LONG_AGO})}) as stub:
            async with source(stub.url) as prom:
                query, clock = await prom.check()
        assert (query.level, "not told" in query.message) == ("ok", True)
        assert clock.level == "warning"
        assert "behind this machine's" in clock.message
        assert "NTP" in clock.advice

    @pytest.mark.parametrize(
        ("reply", "trouble"),
        [(Reply(401), Trouble.UNAUTHORIZED), (HTML, Trouble.WRONG_ANSWER), (Reply(404), Trouble.NOT_FOUND)],
    )
    async def test_a_fault_is_one_finding_with_advice(self, reply: Reply, trouble: Trouble) -> None:
        with http_stub({QUERY: reply}) as stub:
            async with source(stub.url) as prom:
                (finding,) = await prom.check()
        assert (finding.level, finding.subject) == ("error", trouble.value)
        assert finding.message
        assert finding.advice

    async def test_credentials_in_the_clear_are_warned_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def answer(request: Request) -> Reply:
            return Reply(503)

        with http_stub({"*": answer}) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            async with source("http://prometheus.invalid", token=Secret("t0ken")) as prom:
                findings = await prom.check()
        assert [finding.level for finding in findings] == ["warning", "error"]
        assert "unencrypted" in findings[0].message
