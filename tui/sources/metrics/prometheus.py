"""Prometheus, and what speaks its HTTP API: Thanos, Mimir, Cortex, VictoriaMetrics (contracts: metrics §2)."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from tui.config import PrometheusSettings
from tui.domain.alarm import Alerts
from tui.domain.health import Finding, Trouble
from tui.domain.promql import buckets, newest_sample, quantile, selectors
from tui.domain.series import Grid, Histogram, Samples
from tui.sources.base import SourceError
from tui.sources.http.bounds import instant
from tui.sources.http.limiter import HttpResponse
from tui.sources.metrics.alerts import alert
from tui.sources.metrics.login import written
from tui.sources.metrics.server import MetricServerBase
from tui.text.safe import clean, shorten

MOST_STEPS = 11_000
"""Of one range query; a server refuses more."""
MOST_SERIES = 10_000
"""Of one query: no chart shows as many."""
_LOOKS = 10
"""At which the buckets of a histogram are looked for in the time of a query."""
_BUCKETS_HOLD = 600
"""Seconds for which those of a histogram are believed: they change with a deployment at most."""
_MOST_BUCKETS = 64


class _Row(msgspec.Struct):
    """One series: numbers are strings, missing points are absent, and native histograms have no values."""

    metric: dict[str, str] = {}
    values: list[tuple[float, str]] = []
    histograms: list[msgspec.Raw] = []


class _Matrix(msgspec.Struct):
    kind: str = msgspec.field(name="resultType")
    result: list[_Row] = []


class _Envelope(msgspec.Struct):
    status: str
    error_type: str = msgspec.field(name="errorType", default="")
    error: str = ""
    warnings: list[str] | None = None
    infos: list[str] | None = None
    is_partial: bool = msgspec.field(name="isPartial", default=False)
    """VictoriaMetrics': some of its stores did not answer."""

    @property
    def partial(self) -> bool:
        """Thanos and Mimir tell it by a warning. Those of PromQL itself are about the query."""
        return self.is_partial or any(not warning.startswith("PromQL ") for warning in self.warnings or ())


class _Buckets(msgspec.Struct, frozen=True):
    histogram: Histogram
    ceiling: float | None


class _RangeEnvelope(_Envelope):
    data: _Matrix | None = None


class _Build(msgspec.Struct):
    version: str = ""


class _BuildEnvelope(_Envelope):
    data: _Build = msgspec.field(default_factory=_Build)


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    state: Literal["pending", "firing"]
    active_at: datetime = msgspec.field(name="activeAt")
    annotations: dict[str, str] = {}
    value: str = ""


class _AlertRule(msgspec.Struct):
    name: str
    health: str = "ok"
    last_error: str = msgspec.field(name="lastError", default="")
    alerts: list[_Alert] = []


class _RuleGroup(msgspec.Struct):
    rules: list[_AlertRule] = []


class _RuleGroups(msgspec.Struct):
    groups: list[_RuleGroup] = []


class _RulesEnvelope(_Envelope):
    data: _RuleGroups = msgspec.field(default_factory=_RuleGroups)


_rules = msgspec.json.Decoder(_RulesEnvelope)
_envelopes = msgspec.json.Decoder(_Envelope)
_ranges = msgspec.json.Decoder(_RangeEnvelope)
_builds = msgspec.json.Decoder(_BuildEnvelope)


class PrometheusSource(MetricServerBase[PrometheusSettings]):
    """A :class:`tui.sources.base.MetricSource`.

    Queries go as forms by POST, because long ones do not fit into a URL; and by GET from the first time that a
    proxy which only reads answers 405.
    """

    def __init__(
        self, name: str, settings: PrometheusSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(name, settings, clock=clock)
        self._method = "POST"
        self._buckets: dict[tuple[str, int], _Buckets] = {}
        """Of the histograms in queries, by the query for them and the time they are of."""

    async def samples(self, query: str, grid: Grid) -> Samples:
        """The query's series, each point put on the grid by its time stamp; NaN and infinities become gaps.

        The notes are the server's warnings, and a hint where there were NaN or infinities.

        Raises:
            SourceError: REFUSED for a query that is wrong or yields histograms; others as the server fares.
        """
        if (steps := len(grid.times) - 1) > MOST_STEPS:
            raise SourceError(
                Trouble.REFUSED,
                f"{self._name}: {steps} steps are more than the {MOST_STEPS} a server allows; "
                "ask for a shorter time or a longer step",
            )
        form = {"query": query, "start": str(grid.start), "end": str(grid.end), "step": str(grid.step)}
        answer = await self._ask("/api/v1/query_range", form)
        envelope = self._wire.decode(answer, _ranges)
        if envelope.data is None or envelope.data.kind != "matrix":
            kind = f"a {shorten(clean(envelope.data.kind), 40)}" if envelope.data else "nothing"
            raise self._wrong(answer, f"answered {kind} instead of a matrix")
        rows = envelope.data.result
        if len(rows) > MOST_SERIES:
            raise SourceError(
                Trouble.REFUSED,
                f"{self._name}: the query returns more than {MOST_SERIES} series; aggregate them, as by sum()",
            )
        if any(row.histograms for row in rows):
            raise SourceError(
                Trouble.REFUSED,
                f"{self._name}: the query returns a histogram, which cannot be drawn; "
                "wrap it in histogram_quantile()",
            )
        points = [self._numbers(answer, row) for row in rows]
        notes = [clean(note) for note in (*(envelope.warnings or ()), *(envelope.infos or ()))]
        if envelope.is_partial:
            notes.insert(0, "a partial answer: some of the server's stores did not give theirs")
        found = await self._histogram(query, grid) if rows else None
        return Samples(
            tuple(
                (
                    tuple(sorted((clean(name), clean(value)) for name, value in row.metric.items())),
                    _placed(numbers, grid),
                )
                for row, numbers in zip(rows, points, strict=True)
            ),
            (*notes, *_hints([number for numbers in points for _, number in numbers])),
            nan=sum(math.isnan(number) for numbers in points for _, number in numbers),
            ceiling=found.ceiling if found else None,
            histogram=found.histogram if found else None,
            partial=envelope.partial,
        )

    async def newest(self, query: str, now: int) -> float | None:
        """See :class:`tui.sources.base.DatingSource`."""
        found: list[float] = []
        for selector in selectors(query):
            for question in newest_sample(selector):
                answer = await self.samples(question, Grid(now, now, 1))
                if times := [at for _, values in answer.rows if (at := instant(values[0])) is not None]:
                    found += times
                    break
        return max(found, default=None)

    async def _histogram(self, query: str, grid: Grid) -> _Buckets | None:
        """The buckets that a quantile is made of, and their highest finite bound: no quantile is said to be more
        (contracts: metrics §2). None where there is no histogram, or nobody tells."""
        asked = buckets(query)
        key = (asked, grid.end // _BUCKETS_HOLD)
        if not asked or key in self._buckets:
            return self._buckets.get(key)
        step = max(1, (grid.end - grid.start) // _LOOKS)
        try:
            answer = await self.samples(asked, Grid(grid.end - step * _LOOKS, grid.end, step))
        except SourceError:
            return None
        counts = sorted(_by_bound(answer))
        if not counts or answer.partial:
            return None
        newest = max(look for _, values in counts for look, value in enumerate(values) if value is not None)
        bounds = tuple(dict.fromkeys(bound for bound, values in counts if values[newest] is not None))
        whole = [value for value in counts[-1][1] if value is not None]
        events = sum(whole) / len(whole) if "increase(" in asked and math.isinf(counts[-1][0]) else None
        ceiling = max((bound for bound, _ in counts if math.isfinite(bound)), default=None)
        if len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()
        self._buckets[key] = _Buckets(Histogram(bounds, quantile(query), events), ceiling)
        return self._buckets[key]

    async def alerts(self) -> Alerts:
        """What its alerting rules found; nothing, with a note, where the server has no rules (contracts: metrics
        §2, Alerts and rules). The rules have the alerts in them, and say which of them are broken.

        Raises:
            SourceError
        """
        answer = await self._http.send("GET", "/api/v1/rules", query={"type": "alert"})
        if answer.status == 404:
            return Alerts(
                notes=(f"{self._name} tells of no alerting rules; ask what evaluates them instead",)
            )
        if answer.status != 200 or self._wire.decode(answer, _envelopes).status != "success":
            raise self._refusal(answer)
        rules = [rule for group in self._wire.decode(answer, _rules).data.groups for rule in group.rules]
        return Alerts(
            tuple(
                alert(active.labels, active.annotations, active.state, active.active_at, value=active.value)
                for rule in rules
                for active in rule.alerts
            ),
            notes=tuple(
                f"{self._name} cannot evaluate its rule {shorten(clean(rule.name), 80)}: "
                f"{shorten(clean(rule.last_error), 200)}"
                for rule in rules
                if rule.health == "err"
            ),
        )

    async def reach(self) -> Finding:
        self._wire.decode(await self._ask("/api/v1/query", {"query": "1"}), _envelopes)
        self._version = await self._read_version()
        return Finding("ok", "query", f"answers queries; version {self._version or 'not told'}")

    def _advice(self, trouble: Trouble) -> str:
        return _ADVICE.get(trouble, "try again when the server is well")

    async def _read_version(self) -> str:
        """Some clones do not tell it, and nothing depends on it: an error is as good as an empty answer."""
        try:
            answer = await self._http.send("GET", "/api/v1/status/buildinfo")
            return clean(self._wire.decode(answer, _builds).data.version) if answer.status == 200 else ""
        except SourceError:
            return ""

    async def _ask(self, path: str, form: Mapping[str, str]) -> HttpResponse:
        """The answer to a query.

        Raises:
            SourceError: when none came, or it is an error.
        """
        form = {**written(self._settings.parameters), **form}
        if self._method == "POST":
            answer = await self._http.send("POST", path, form=form)
            if answer.status == 405:
                self._method = "GET"
        if self._method == "GET":
            answer = await self._http.send("GET", path, query=form)
        if answer.status != 200:
            raise self._refusal(answer)
        if self._wire.decode(answer, _envelopes).status != "success":
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: HttpResponse) -> SourceError:
        """What an error answer means: told by the ``errorType`` in it if it is JSON, by its status otherwise."""
        envelope = _Envelope("error")
        if answer.content_type == "application/json":
            try:
                envelope = _envelopes.decode(answer.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        reason = envelope.error
        if answer.content_type == "text/plain":
            reason = answer.body[:300].decode(errors="replace").strip()
        general = self._wire.refuse(answer, reason)
        if envelope.error_type in _ERROR_TYPES:
            trouble, advice = _ERROR_TYPES[envelope.error_type]
        elif 300 <= answer.status < 400:
            target = answer.leads_to(self._settings.base_url) or "another place"
            trouble = Trouble.WRONG_ANSWER
            advice = f"it redirects to {shorten(target, 80)}: a login page or proxy stands in front"
        elif answer.content_type == "text/html":
            trouble = general.trouble
            advice = "a web page came: a login page or a proxy stands in front of the server"
        elif answer.status == 404:
            trouble = Trouble.NOT_FOUND
            advice = f"there is no Prometheus API under {self._settings.base_url}; is a path prefix missing?"
        elif b"HTTP request to an HTTPS server" in answer.body:
            trouble, advice = Trouble.TLS, "use https in the url"
        else:
            return general
        words = f": {shorten(clean(reason), 300)}" if reason else ""
        return SourceError(
            trouble,
            f"{self._name} answered {answer.status} to {answer.where}{words}; {advice}",
            status=answer.status,
            retry_at=general.retry_at,
        )

    def _numbers(self, answer: HttpResponse, row: _Row) -> list[tuple[float, float]]:
        try:
            return [(at, float(text)) for at, text in row.values]
        except ValueError:
            raise self._wrong(answer, "has a value that is no number") from None

    def _wrong(self, answer: HttpResponse, what: str) -> SourceError:
        return SourceError(
            Trouble.WRONG_ANSWER,
            f"{self._name}: {answer.where} {what}; is this a Prometheus API?",
            status=answer.status,
        )


def _by_bound(answer: Samples) -> Iterator[tuple[float, tuple[float | None, ...]]]:
    """The series of a histogram with something in them, by the bounds of their buckets."""
    for labels, values in answer.rows:
        try:
            bound = float(dict(labels).get("le", "nan"))
        except ValueError:
            continue
        if not math.isnan(bound) and any(value is not None for value in values):
            yield bound, values


def _placed(points: Sequence[tuple[float, float]], grid: Grid) -> tuple[float | None, ...]:
    """The values at the grid's times; None where there is no point, or none that can be drawn."""
    count = len(grid.times)
    values: list[float | None] = [None] * count
    for at, number in points:
        slot = (at - grid.start) / grid.step
        if -0.5 <= slot < count - 0.5 and math.isfinite(number):
            values[round(slot)] = number
    return tuple(values)


def _hints(numbers: Sequence[float]) -> list[str]:
    hints = []
    if nan := sum(map(math.isnan, numbers)):
        hints.append(
            f"{nan} of {len(numbers)} values are NaN, drawn as gaps: no traffic gives 0/0; where the metric itself "
            "has NaN, one spoils a whole window unless the query filters: avg_over_time((x == x)[10m:1m])"
        )
    if infinite := sum(map(math.isinf, numbers)):
        hints.append(f"{infinite} of {len(numbers)} values are infinite, drawn as gaps")
    return hints


_ERROR_TYPES: Mapping[str, tuple[Trouble, str]] = {
    "bad_data": (Trouble.REFUSED, "correct the query in the config"),
    "execution": (Trouble.REFUSED, "correct the query in the config"),
    "canceled": (Trouble.UNAVAILABLE, "the server dropped the query before it ended"),
    "timeout": (Trouble.TIMEOUT, "the query is too slow: simplify it, or ask for a shorter time"),
    "internal": (Trouble.SERVER_ERROR, "the server's own log has the reason"),
    "unavailable": (Trouble.UNAVAILABLE, "the server is starting or overloaded"),
}

_ADVICE: Mapping[Trouble, str] = {
    Trouble.UNREACHABLE: "check url, and that the server runs",
    Trouble.TIMEOUT: "check url, timeout and connect_timeout",
    Trouble.TLS: "do what is said there; url, ca, cert and key are in the config",
    Trouble.UNAUTHORIZED: "check user and password, or token",
    Trouble.FORBIDDEN: "check user and password, or token; ask whoever runs the server for access",
    Trouble.NOT_FOUND: "url must be what stands before /api/v1/query, path prefix included",
    Trouble.WRONG_ANSWER: "url must be what stands before /api/v1/query, path prefix included",
}
