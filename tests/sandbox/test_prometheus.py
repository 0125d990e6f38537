"""The sandbox's Prometheus against what the API promises (contracts: metrics §2)."""

from collections.abc import AsyncIterator
from math import isnan
from typing import Any

import httpx
import jsonschema
import pytest

from tui.domain.query_template import fill
from tui.sandbox.faults import Faults
from tui.sandbox.process import METRICS
from tui.sandbox.prometheus import prometheus_app
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, World

START = 1_795_422_000.0
BASELINE, CANARY = "6499beb3", "76d0b686"
"""The versions of fraud: commits, as GitLab calls its deployments."""
NUMBER = {"type": "string", "pattern": r"^(NaN|[+-]Inf|-?\d+(\.\d+)?(e[-+]\d+)?)$"}
SAMPLE = {"type": "array", "prefixItems": [{"type": "number"}, NUMBER], "minItems": 2, "maxItems": 2}
LABELS = {"type": "object", "additionalProperties": {"type": "string"}}


def envelope(kind: str, value: str, shape: dict[str, Any]) -> dict[str, Any]:
    row = {
        "type": "object",
        "properties": {"metric": LABELS, value: shape},
        "required": ["metric", value],
        "additionalProperties": False,
    }
    data = {
        "type": "object",
        "properties": {"resultType": {"const": kind}, "result": {"type": "array", "items": row}},
        "required": ["resultType", "result"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"status": {"const": "success"}, "data": data},
        "required": ["status", "data"],
        "additionalProperties": False,
    }


MATRIX = envelope("matrix", "values", {"type": "array", "items": SAMPLE, "minItems": 1})
VECTOR = envelope("vector", "value", SAMPLE)


class Face:
    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self.world, self.http = world, http

    async def range(self, query: str, seconds: int = 3600, step: int = 60) -> list[dict[str, Any]]:
        """The rows over the last ``seconds``."""
        end = int(self.world.now()) // step * step
        form = {"query": query, "start": end - seconds, "end": end, "step": step}
        answer = await self.http.post("/prometheus/api/v1/query_range", data=form)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        jsonschema.validate(answer.json(), MATRIX)
        rows: list[dict[str, Any]] = answer.json()["data"]["result"]
        for row in rows:
            times = [time for time, _ in row["values"]]
            assert times == sorted(set(times))
            assert all(time % step == 0 and end - seconds <= time <= end for time in times)
        return rows


@pytest.fixture
async def face() -> AsyncIterator[Face]:
    world = World(demo(), Clock(START, manual=True))
    transport = httpx.ASGITransport(prometheus_app(world, Faults()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Face(world, http)


def filled(metric: str, model: str, track: str) -> str:
    values = {"model": model, "track": track, "environment": "production", "window": "5m"}
    return fill(METRICS[metric].queries["query"], values)


async def mean(face: Face, metric: str, model: str, track: str) -> float:
    """Over the last ten minutes."""
    (row,) = await face.range(filled(metric, model, track), seconds=600, step=15)
    values = [float(value) for _, value in row["values"] if value != "NaN"]
    return sum(values) / len(values)


@pytest.mark.parametrize("track", ["baseline", "canary"])
@pytest.mark.parametrize("model", ["fraud", "churn", "vision"])
@pytest.mark.parametrize("metric", ["p95", "errors", "accuracy"])
async def test_every_query_of_the_demo_yields_one_series(
    face: Face, metric: str, model: str, track: str
) -> None:
    (row,) = await face.range(filled(metric, model, track))
    assert row["metric"] == {}
    assert len(row["values"]) >= 3


async def test_a_degrading_canary_gets_worse_and_a_healthy_one_does_not(face: Face) -> None:
    for model, grows in (("fraud", True), ("churn", False)):
        before = await mean(face, "p95", model, "canary")
        errors = await mean(face, "errors", model, "canary")
        face.world.clock.advance(900)
        later = await mean(face, "p95", model, "canary")
        baseline = await mean(face, "p95", model, "baseline")
        assert (later > before * 1.3) is grows
        assert (later > baseline * 1.5) is grows
        assert (await mean(face, "errors", model, "canary") > errors + 0.005) is grows
    assert (
        await mean(face, "accuracy", "fraud", "canary")
        < await mean(face, "accuracy", "fraud", "baseline") - 0.01
    )


async def test_there_are_gaps_and_now_and_then_nan(face: Face) -> None:
    (latency,) = await face.range(filled("p95", "fraud", "baseline"), seconds=6 * 3600)
    assert 0 < 361 - len(latency["values"]) < 60
    (accuracy,) = await face.range(filled("accuracy", "fraud", "baseline"), seconds=24 * 3600, step=300)
    nans = [value for _, value in accuracy["values"] if isnan(float(value))]
    assert 0 < len(nans) < 40


async def test_nothing_is_known_of_the_future_or_of_a_canary_before_it_served(face: Face) -> None:
    form = {"query": "model_accuracy", "start": START + 60, "end": START + 600, "step": 60}
    answer = await face.http.post("/prometheus/api/v1/query_range", data=form)
    assert answer.json()["data"]["result"] == []
    (row,) = await face.range(filled("p95", "vision", "canary"), seconds=3600)
    assert row["values"][0][0] >= START - 300


async def test_the_same_question_gets_the_same_answer(face: Face) -> None:
    first = await face.range("model_accuracy")
    assert await face.range("model_accuracy") == first
    assert len(first) == 6
    assert first[0]["metric"] == {
        "__name__": "model_accuracy",
        "environment": "production",
        "model": "fraud",
        "model_version": BASELINE,
        "namespace": "ml",
        "track": "baseline",
    }


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        (f'model_accuracy{{model_version="{CANARY}"}}', [("fraud", "canary")]),
        (
            'model_accuracy{model=~"fr.*|churn", track!="baseline"}',
            [("fraud", "canary"), ("churn", "canary")],
        ),
        ('model_accuracy{model!~"fraud|churn", track="canary"}', [("vision", "canary")]),
        ('model_accuracy{model="fraud\\\\d"}', []),
        ("nobody_knows_this", []),
    ],
)
async def test_matchers_choose_series(face: Face, query: str, labels: list[tuple[str, str]]) -> None:
    rows = await face.range(query)
    assert [(row["metric"]["model"], row["metric"]["track"]) for row in rows] == labels


async def test_by_groups_series(face: Face) -> None:
    query = 'sum by (track) (rate(model_requests_total{model="fraud", code=~"5.."}[5m]))'
    assert [row["metric"] for row in await face.range(query)] == [{"track": "baseline"}, {"track": "canary"}]


async def test_an_instant_query_answers_a_vector_or_a_scalar(face: Face) -> None:
    answer = await face.http.get("/prometheus/api/v1/query", params={"query": "model_accuracy"})
    jsonschema.validate(answer.json(), VECTOR)
    one = await face.http.post("/prometheus/api/v1/query", data={"query": "1", "time": "5"})
    assert one.json() == {"status": "success", "data": {"resultType": "scalar", "result": [5.0, "1"]}}


RANGE = {"query": "model_accuracy", "start": "0", "end": "600", "step": "60"}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"query": "sum(model_accuracy"}, "1:19: parse error: unexpected end of input"),
        ({"query": "model_accuracy)"}, "parse error"),
        ({"query": 'model_accuracy{model="x}'}, "unterminated quoted string"),
        ({"query": "model_accuracy{track}"}, "expected label matching operator"),
        ({"query": ""}, "no expression found"),
        ({"query": "model_accuracy[5m]"}, "range vector"),
        ({"query": 'model_accuracy{model=~"("}'}, "bad regular expression"),
        ({"step": "0"}, "zero or negative"),
        ({"step": "soon"}, '"soon" to a valid duration'),
        ({"start": "noon"}, '"noon" to a valid timestamp'),
        ({"start": "NaN"}, "to a valid timestamp"),
        ({"end": "-5"}, "before start"),
        ({"end": "11001", "step": "1"}, "exceeded maximum resolution of 11,000 points"),
    ],
)
async def test_a_wrong_question_is_refused_as_bad_data(face: Face, form: dict[str, str], words: str) -> None:
    answer = await face.http.post("/prometheus/api/v1/query_range", data=RANGE | form)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    body = answer.json()
    assert set(body) == {"status", "errorType", "error"}
    assert (body["status"], body["errorType"]) == ("error", "bad_data")
    assert words in body["error"]


async def test_exactly_11000_steps_are_allowed(face: Face) -> None:
    answer = await face.http.post(
        "/prometheus/api/v1/query_range", data=RANGE | {"end": "11000", "step": "1"}
    )
    assert answer.status_code == 200


async def test_a_wrong_prefix_is_plain_text(face: Face) -> None:
    answer = await face.http.get("/api/v1/query?query=1")
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
    assert answer.headers["content-type"].startswith("text/plain")
