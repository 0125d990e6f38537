"""Spinnaker's own verdict on a canary, and what a promotion goes by (contracts: spinnaker §7)."""

from typing import Any

import pytest

from tests.contract.spinnaker.bodies import RUNNING, below, config, execution, stage, ulid
from tests.contract.spinnaker.conftest import FakeGate
from tests.http_stub import Reply, Request
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.verdict import Decision, MetricOutcome, ServerVerdict, Verdict
from tui.engine.queries.verdicts import with_server
from tui.sources.base import SourceError
from tui.sources.spinnaker.source import SpinnakerSource

RUN = Address("spin", "shop/pipeline 1", ulid(1))
LIMITS = {"pass": 75, "marginal": 50}


def analysis(*scores: float | None, **parent: Any) -> list[dict[str, Any]]:
    """The stages of a canary with its intervals, in no order; None: it goes on."""
    told = {"canaryConfig": {"canaryConfigId": "c", "scoreThresholds": {"pass": "75", "marginal": "50"}}}
    stages = [
        stage("1", "kayentaCanary", context=told, **parent),
        below("S1", "1<1", kind="runCanaryIntervals", name="Run Canary Intervals"),
    ]
    for number, score in enumerate(scores, 1):
        context: dict[str, Any] = {
            "canaryPipelineExecutionId": f"kayenta-{number}",
            "storageAccountName": "store",
            "scoreThresholds": LIMITS,
        }
        more: dict[str, Any] = dict(RUNNING) if score is None else {}
        if score is not None:
            context["canaryScore"] = int(score)
        name = f"Run Canary #{number}"
        stages.append(below("S1<1", f"{number}<1<1", kind="runCanary", name=name, context=context, **more))
    return stages[::-1]


def document(score: float, kind: str = "Pass", *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    judged = {
        "judgeName": "NetflixACAJudge-v1.0",
        "results": list(results),
        "groupScores": [{"name": "service", "score": score, "classification": ""}],
        "score": {"score": score, "classification": kind, "classificationReason": ""},
    }
    return {
        "complete": True,
        "status": "succeeded",
        "config": {
            "metrics": [{"name": "recall", "analysisConfigurations": {"canary": {"direction": "decrease"}}}]
        },
        "canaryExecutionRequest": {"thresholds": LIMITS},
        "result": {"judgeResult": judged, "canaryDuration": "PT1H"},
        **more,
    }


def metric(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "id": name, "classification": kind, "groups": ["service"], **more}


async def judged(
    gate: FakeGate, source: SpinnakerSource, *stages: Any, found: Any = None
) -> ServerVerdict | None:
    gate.configs, gate.executions = [config(1)], [execution(1, *stages, **RUNNING)]

    def kayenta(request: Request) -> Reply:
        assert request.query == {"storageAccountName": ["store"]}, "an old one is found in that storage only"
        return Reply.json(found) if found is not None else Reply.json({"message": "not found"}, 404)

    for number in range(1, 5):
        gate.routes[f"GET /v2/canaries/canary/kayenta-{number}"] = kayenta
    return await source.judgement(RUN)


@pytest.mark.parametrize(
    ("scores", "parent", "kind", "decision"),
    [
        ((96, 91), {}, "Pass", Decision.PROMOTE),
        ((96, 74.9), {}, "Pass", Decision.WAIT),  # the pipeline obeys 74
        ((96, None), RUNNING, "Pass", Decision.WAIT),
        ((96, 40), {"status": "TERMINAL"}, "Fail", Decision.STOP),
        ((96,), {"status": "FAILED_CONTINUE"}, "Pass", Decision.STOP),
        ((96,), {}, "Marginal", Decision.WAIT),
        ((96,), {}, "Nodata", Decision.WAIT),
        ((30, None), RUNNING, "Fail", Decision.STOP),
        ((), {"status": "NOT_STARTED", "startTime": None, "endTime": None}, "", Decision.WAIT),
    ],
)
async def test_the_decision(
    gate: FakeGate, source: SpinnakerSource, scores: Any, parent: Any, kind: str, decision: Decision
) -> None:
    found = await judged(gate, source, *analysis(*scores, **parent), found=document(90, kind))
    assert found is not None
    assert found.decision is decision, found
    assert found.intervals == tuple(int(score) for score in scores if score is not None)
    assert (found.passes, found.fails) == (75, 50)


async def test_metrics_are_worse_only_in_the_direction_that_is_meant(
    gate: FakeGate, source: SpinnakerSource
) -> None:
    results = [
        metric("p95", "High", classificationReason="p95 was too high", critical=True),
        metric("recall", "High"),
        metric("errors", "Pass"),
        metric("load", "Nodata"),
        metric("cpu", "Low", muted=True),
    ]
    found = await judged(gate, source, *analysis(90), found=document(90, "Pass", *results))
    assert found is not None
    assert {each.metric: each.outcome for each in found.metrics} == {
        "p95": MetricOutcome.WORSE,
        "recall": MetricOutcome.BETTER,
        "errors": MetricOutcome.OK,
        "load": MetricOutcome.UNCLEAR,
        "cpu": MetricOutcome.IGNORED,
    }
    assert found.metrics[0].reason == "p95 was too high (critical)"
    assert [(group.name, group.score) for group in found.groups] == [("service", 90)]
    assert found.judge == "Kayenta"


async def test_kayenta_itself_failed(gate: FakeGate, source: SpinnakerSource) -> None:
    told = {"details": {"errors": ["no such metric"]}}
    broken = {"complete": True, "status": "terminal", "exception": told}
    found = await judged(gate, source, *analysis(90), found=broken)
    assert found is not None
    assert (found.decision, found.reason) == (Decision.STOP, "Kayenta failed: no such metric")


async def test_without_its_document_the_scores_of_the_stages_tell(
    gate: FakeGate, source: SpinnakerSource
) -> None:
    found = await judged(gate, source, *analysis(96, 91))
    assert found is not None
    assert (found.decision, found.score, found.metrics) == (Decision.PROMOTE, 91, ())
    assert await judged(gate, source, stage("1", "wait")) is None
    gate.routes["GET /v2/canaries/canary/kayenta-1"] = Reply(500)
    gate.executions = [execution(1, *analysis(96))]
    with pytest.raises(SourceError) as caught:
        await source.judgement(RUN)
    assert caught.value.trouble is Trouble.SERVER_ERROR


OURS = {
    each: Verdict(model="m", judge="own", decision=each, reason=f"ours: {each}", score=1) for each in Decision
}


@pytest.mark.parametrize("ours", Decision)
@pytest.mark.parametrize("theirs", Decision)
def test_a_promotion_goes_by_the_worse_of_the_two(ours: Decision, theirs: Decision) -> None:
    server = ServerVerdict(judge="Kayenta", run=RUN, decision=theirs, reason="")
    both = with_server(OURS[ours], server, alone=False)
    order = [Decision.STOP, Decision.WAIT, Decision.PROMOTE]
    assert both.decision is ours
    assert order.index(both.counts) == min(order.index(ours), order.index(theirs))
    assert any("Kayenta says" in note for note in both.notes) is (ours is not theirs)
    alone = with_server(OURS[ours], server, alone=True)
    assert alone.counts is theirs
    assert alone.why == "Kayenta says so"
    assert both.why == (OURS[ours].reason if both.counts is ours else "Kayenta says so")
    assert with_server(OURS[ours], None, alone=True).counts is ours
