"""Kayenta's verdict in our words."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.insight.judge.samples import END, case
from tui.domain.verdict import Decision, MetricOutcome, Verdict
from tui.insight.judge import MetricCase, MetricRule
from tui.insight.judge.kayenta_verdict import decide, judge_metric

BASE = tuple(100.0 + (number * 7 % 5) for number in range(60))
WORSE = tuple(value + 12 for value in BASE)


def metric(name: str, canary: tuple[float | None, ...], **rule: Any) -> MetricCase:
    return case(BASE, canary, MetricRule(**rule), metric=name)


def verdict(model: str, cases: Sequence[MetricCase], *thresholds: Any, **more: Any) -> Verdict:
    return decide(model, [judge_metric(one) for one in cases], *thresholds, **more)


GOOD = metric("good", BASE[::-1], group="a")
BAD = metric("bad", WORSE, group="b")
GONE = metric("gone", (None,) * 60, group="c")


@pytest.mark.parametrize(
    ("cases", "decision", "score", "reason"),
    [
        ([GOOD], Decision.PROMOTE, 100, "score 100, pass is 75"),
        ([GOOD, BAD], Decision.STOP, 50, "score 50, not above marginal 50"),
        ([GOOD, BAD, metric("more", BASE, group="a2")], Decision.WAIT, 66.67, "score 66.67, below pass 75"),
        ([GOOD, metric("bad", WORSE, critical=True)], Decision.STOP, 0, "Canary Failed: The metric bad was"),
        ([GOOD, GONE], Decision.STOP, 0, "Canary Failed: 50% or more metrics returned NODATA"),
        ([GOOD, GOOD, GONE], Decision.PROMOTE, 100, "score 100"),
    ],
)
def test_the_stage_decides(cases: list[MetricCase], decision: Decision, score: float, reason: str) -> None:
    found = verdict("fraud", cases)
    assert (found.decision, found.score, found.judge) == (decision, score, "kayenta")
    assert found.reason.startswith(reason)


def test_thresholds_and_group_weights() -> None:
    assert verdict("m", [GOOD, BAD], 50, 40).decision is Decision.PROMOTE
    assert verdict("m", [GOOD, BAD], group_weights={"a": 80}).score == 80


def test_groups_have_scores_of_their_own() -> None:
    found = verdict(
        "m", [GOOD, metric("more", BASE, group="a"), metric("bad", WORSE, group="a"), BAD, metric("x", BASE)]
    )
    assert [(group.name, group.score) for group in found.groups] == [("a", 66.67), ("b", 0.0)]


def test_every_metric_tells_label_and_interval() -> None:
    good, bad, gone, required = verdict(
        "m", [metric("good", tuple(value + 0.1 for value in BASE)), BAD, GONE, metric("r", (), required=True)]
    ).metrics
    assert (good.outcome, good.reason) == (MetricOutcome.OK, "Pass")
    assert (bad.outcome, bad.reason) == (MetricOutcome.WORSE, "High: bad was classified as High")
    assert bad.difference == pytest.approx(12, abs=0.01)
    assert bad.low is not None
    assert bad.high is not None
    assert bad.low < 12 < bad.high
    assert (gone.outcome, gone.reason, gone.low) == (
        MetricOutcome.UNCLEAR,
        "Nodata: Missing data for gone",
        None,
    )
    assert (required.outcome, required.reason) == (
        MetricOutcome.UNCLEAR,
        "NodataFailMetric: Missing data for r",
    )


def test_worse_is_what_the_metric_calls_worse() -> None:
    down = tuple(value - 12 for value in BASE)
    assert verdict("m", [metric("m", down)]).metrics[0].outcome is MetricOutcome.OK
    assert (
        verdict("m", [metric("m", down, better="higher")]).metrics[0].reason == "Low: m was classified as Low"
    )


UNREAD = case((), (), MetricRule(critical=True), metric="m", problem="prom did not answer")
YOUNG = msgspec.structs.replace(metric("young", (None,) * 60, critical=True), since=END - 60.0)
OLD = msgspec.structs.replace(YOUNG, since=END - 3600.0)


@pytest.mark.parametrize(
    ("cases", "decision", "reason"),
    [
        ([GOOD, GOOD, UNREAD], Decision.WAIT, "not known: m; score 100, pass is 75"),
        ([UNREAD], Decision.WAIT, "not known: m"),
        ([GOOD, YOUNG], Decision.WAIT, "not known: young; score 100, pass is 75"),
        ([GOOD, OLD], Decision.STOP, "Canary Failed: Missing data for young, not above marginal 50"),
        ([BAD, YOUNG], Decision.STOP, "score 0, not above marginal 50"),
        ([GOOD, metric("few", BASE[:7])], Decision.WAIT, "fewer than 8 values of the canary: few"),
        ([GOOD, metric("enough", BASE[:8])], Decision.PROMOTE, "score 100"),
    ],
)
def test_what_is_not_known_yet_neither_promotes_nor_speaks_against(
    cases: list[MetricCase], decision: Decision, reason: str
) -> None:
    found = verdict("m", cases)
    assert (found.decision, found.reason[: len(reason)]) == (decision, reason)
    assert all(one.outcome is MetricOutcome.UNCLEAR for one in found.metrics if one.metric in ("m", "young"))


def test_few_values_are_noted_as_orca_does() -> None:
    assert verdict("m", [GOOD, case(BASE[:50], WORSE[:50])]).notes == ()
    short = case(BASE[:49], WORSE[:49], metric="short")
    assert verdict("m", [GOOD, short]).notes == ("fewer than 50 values of the baseline: short",)
