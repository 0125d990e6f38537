"""The Prometheus face: the HTTP API without PromQL (contracts: metrics §2).

It recognises the metric and the label matchers in a query's text and answers what the query would most likely mean:
one series for each serving version, or one for all of them where the query aggregates.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from math import inf, isfinite, isnan
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from tui.sandbox import alerting
from tui.sandbox.faults import Faults, with_faults
from tui.sandbox.mlflow import mlflow_routes
from tui.sandbox.series import METRICS, SCRAPE, Serving, Signal, requests, servings, value
from tui.sandbox.world import World

_MOST_STEPS = 11_000
_METRIC = re.compile(rf"\b({'|'.join(METRICS)})\b\s*(\{{[^{{}}]*\}})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_AGGREGATE = re.compile(r"\b(?:sum|avg|max|min|count|histogram_quantile)\b")
_COUNTED = re.compile(r"\b(increase|rate)\b.*\[(\d+)([smhd])\]")
_DATED = re.compile(r"max\((?:max_over_time\()?timestamp\(([^()]*)\)(?:\[1h:1m\]\))?\)")
_GROUPED = re.compile(r"\bby\s*\(([^)]*)\)")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_JSON = "application/json"

Labels = dict[str, str]
Curve = Callable[[float], float | None]


class _Bad(Exception):
    """The request is refused with 400 ``bad_data``."""


def prometheus_app(world: World, faults: Faults, gitlab_url: str = "") -> Starlette:
    """The Prometheus of ``world``, under the prefix ``/prometheus``, its Alertmanager under ``/alertmanager`` and its
    MLflow, which names pages of the GitLab there, under ``/mlflow``."""

    async def query(request: Request) -> Response:
        return await _answer(request, lambda form: _instant(world, form))

    async def query_range(request: Request) -> Response:
        return await _answer(request, lambda form: _range(world, form))

    async def build(request: Request) -> Response:
        return _json({"status": "success", "data": {"version": "3.5.3", "goVersion": "go1.24"}})

    async def ready(request: Request) -> Response:
        return PlainTextResponse("Prometheus Server is Ready.\n")

    async def rules(request: Request) -> Response:
        return _json({"status": "success", "data": alerting.rules(world)})

    async def alerts(request: Request) -> Response:
        found = [alerting.alert(each) for each in alerting.found(world)]
        return _json({"status": "success", "data": {"alerts": found}})

    async def managed(request: Request) -> Response:
        return _json(alerting.managed(world))

    api = [
        Route("/api/v1/rules", rules),
        Route("/api/v1/alerts", alerts),
        Route("/api/v1/query", query, methods=["GET", "POST"]),
        Route("/api/v1/query_range", query_range, methods=["GET", "POST"]),
        Route("/api/v1/status/buildinfo", build),
        Route("/-/ready", ready),
    ]
    return Starlette(
        routes=[
            Mount("/prometheus", routes=api),
            Mount("/alertmanager", routes=[Route("/api/v2/alerts", managed)]),
            Mount("/mlflow", routes=mlflow_routes(world, gitlab_url)),
        ],
        middleware=[Middleware(with_faults, faults=faults, refuse=_refuse)],
        exception_handlers={404: _not_found},
    )


async def _not_found(request: Request, error: Exception) -> Response:
    return PlainTextResponse("404 page not found\n", 404)


def _refuse(status: int, headers: Mapping[str, str]) -> Response:
    match status:
        case 401:
            return PlainTextResponse("Unauthorized\n", 401, {**headers, "WWW-Authenticate": "Basic"})
        case 500:
            return _json(
                {"status": "error", "errorType": "internal", "error": "disk read failed"}, 500, headers
            )
        case 503:
            error = {"status": "error", "errorType": "unavailable", "error": "TSDB not ready"}
            return _json(error, 503, headers)
    return PlainTextResponse(f"{status}\n", status, headers)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, _JSON)


async def _answer(request: Request, data: Callable[[Mapping[str, str]], Any]) -> Response:
    form = dict(request.query_params)
    if request.method == "POST":
        body = (await request.body()).decode("utf-8", "replace")
        form |= {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}
    try:
        return _json({"status": "success", "data": data(form)})
    except _Bad as error:
        return _json({"status": "error", "errorType": "bad_data", "error": str(error)}, 400)


def _instant(world: World, form: Mapping[str, str]) -> Any:
    at = _time(form.get("time", ""), "time") if form.get("time") else world.now()
    query = _checked(form.get("query", ""))
    if _NUMBER.fullmatch(query):
        return {"resultType": "scalar", "result": [at, _text(float(query))]}
    rows = []
    for labels, curve in _curves(world, query):
        if (now := curve(at)) is not None:
            rows.append({"metric": labels, "value": [at, _text(now)]})
    return {"resultType": "vector", "result": rows}


def _range(world: World, form: Mapping[str, str]) -> Any:
    start, end = _time(form.get("start", ""), "start"), _time(form.get("end", ""), "end")
    if end < start:
        raise _Bad('invalid parameter "end": end timestamp must not be before start time')
    step = _step(form.get("step", ""))
    if (end - start) / step > _MOST_STEPS:
        raise _Bad(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    query = _checked(form.get("query", ""))
    if query.endswith("]"):
        raise _Bad(
            'invalid parameter "query": invalid expression type "range vector" for range query, '
            "must be Scalar or instant Vector"
        )
    times = [start + step * n for n in range(int((end - start) / step + 1e-9) + 1)]
    curves: list[tuple[Labels, Curve]] = _curves(world, query)
    if _NUMBER.fullmatch(query):
        constant = float(query)
        curves = [({}, lambda at: constant)]
    rows = []
    for labels, curve in curves:
        values = [[at, _text(number)] for at in times if (number := curve(at)) is not None]
        if values:
            rows.append({"metric": labels, "values": values})
    return {"resultType": "matrix", "result": rows}


def _checked(query: str) -> str:
    """``query`` without blanks around it.

    Raises:
        _Bad: it is empty, its brackets do not match, or it holds a placeholder that nobody filled in.
    """
    query = query.strip()
    if not query:
        raise _Bad('invalid parameter "query": unknown position: parse error: no expression found in input')
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "_" * len(match[0]), query)
    if '"' in bare:
        place = bare.index('"') + 1
        raise _Bad(f'invalid parameter "query": 1:{place}: parse error: unterminated quoted string')
    open_brackets: list[str] = []
    for place, char in enumerate(bare, 1):
        if char in "([{":
            open_brackets.append({"(": ")", "[": "]", "{": "}"}[char])
        elif char in ")]}" and (not open_brackets or open_brackets.pop() != char):
            raise _Bad(f'invalid parameter "query": 1:{place}: parse error: unexpected "{char}"')
    if open_brackets:
        raise _Bad(f'invalid parameter "query": 1:{len(bare) + 1}: parse error: unexpected end of input')
    if match := re.search(r"\{\s*\w+\s*\}", bare):
        place = match.end()
        raise _Bad(
            f'invalid parameter "query": 1:{place}: parse error: unexpected "}}" in label matching, '
            "expected label matching operator"
        )
    return query


def _curves(world: World, query: str) -> list[tuple[Labels, Curve]]:
    """The series the query stands for: their labels and their values over time."""
    match = _METRIC.search(query)
    if match is None:
        return []
    if dated := _DATED.fullmatch(query):
        return [(labels, _when(curve)) for labels, curve in _curves(world, f"max({dated[1]})")]
    name, selector = match[1], match[2] or ""
    signal = METRICS[name]
    counted = _counted(query, selector) if signal == "requests" else None
    matched = [serving for serving in servings(world) if _matches(serving.labels, selector)]
    if not _AGGREGATE.search(query):
        return [
            ({"__name__": name, **serving.labels}, _curve(world, [serving], signal, counted))
            for serving in matched
        ]
    grouped = _GROUPED.search(query)
    kept = [label.strip() for label in grouped[1].split(",")] if grouped else []
    groups: dict[tuple[tuple[str, str], ...], list[Serving]] = {}
    for serving in matched:
        labels = tuple((label, serving.labels[label]) for label in kept if label in serving.labels)
        groups.setdefault(labels, []).append(serving)
    return [(dict(labels), _curve(world, members, signal, counted)) for labels, members in groups.items()]


class _Counted(msgspec.Struct, frozen=True):
    """What of requests a query counts."""

    seconds: float
    """The window."""
    failed: bool
    """Only those that failed."""
    each_second: bool


def _counted(query: str, selector: str) -> _Counted | None:
    """None where the query asks for a share."""
    found = _COUNTED.search(query)
    if found is None or "/" in query:
        return None
    failed = any(label == "code" for label, _, _ in _MATCHER.findall(selector))
    return _Counted(float(found[2]) * _UNITS[found[3]], failed, found[1] == "rate")


def _when(curve: Curve) -> Curve:
    """The time of the newest sample within an hour."""

    def when(at: float) -> float | None:
        newest = at - at % SCRAPE
        return next(
            (newest - back for back in range(0, 3600, int(SCRAPE)) if curve(newest - back) is not None), None
        )

    return when


def _curve(world: World, members: list[Serving], signal: Signal, counted: _Counted | None) -> Curve:
    """The mean of the members' values; or how many requests they had in the window before."""

    def sum_until(time: float) -> float | None:
        assert counted is not None
        total = 0.0
        seen = min(
            time, world.now()
        )  # a window that ends later has what came until now, and fails as that does
        for member in members:
            part = requests(world, member, time - counted.seconds, time)
            total += part * (value(world, member, signal, seen) or 0.0) if counted.failed else part
        return total / counted.seconds if counted.each_second else total

    def at(time: float) -> float | None:
        values = [found for member in members if (found := value(world, member, signal, time)) is not None]
        return sum(values) / len(values) if values else None

    return at if counted is None else sum_until


def _matches(labels: Labels, selector: str) -> bool:
    """Whether the matchers hold; those on labels nobody has (``le``, ``code``) are taken to hold."""
    for label, operator, escaped in _MATCHER.findall(selector):
        if label not in labels:
            continue
        wanted = re.sub(r"\\(.)", r"\1", escaped)
        if operator in ("=~", "!~"):
            try:
                found = re.fullmatch(wanted, labels[label]) is not None
            except re.error:
                raise _Bad(
                    f'invalid parameter "query": parse error: bad regular expression {wanted!r}'
                ) from None
        else:
            found = labels[label] == wanted
        if found != operator.startswith("="):
            return False
    return True


def _time(text: str, name: str) -> float:
    try:
        if isfinite(time := float(text)):
            return time
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise _Bad(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None


def _step(text: str) -> float:
    if match := _DURATION.fullmatch(text):
        step = float(match[1]) * _UNITS[match[2]]
    else:
        try:
            step = float(text)
        except ValueError:
            raise _Bad(f'invalid parameter "step": cannot parse "{text}" to a valid duration') from None
    if not 0 < step < inf:
        raise _Bad(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    return step


def _text(number: float) -> str:
    """A number as Prometheus writes it: always text."""
    return "NaN" if isnan(number) else f"{number:.12g}"
