"""Kayenta's verdict in the words of this program.

Metric by metric it is :func:`tui.insight.judge.kayenta.classify`, and the score is Kayenta's; what that means for the
canary follows orca's stage, which is what stops a pipeline of Spinnaker's.
"""

from collections.abc import Mapping, Sequence

import msgspec

from tui.domain.verdict import Decision, GroupScore, MetricOutcome, MetricVerdict, Verdict
from tui.insight.judge import JudgedWindow, MetricCase, kayenta, window

_OUTCOMES: Mapping[kayenta.Label, MetricOutcome] = {
    "Pass": MetricOutcome.OK,
    "High": MetricOutcome.WORSE,
    "Low": MetricOutcome.WORSE,
    "Nodata": MetricOutcome.UNCLEAR,
    "NodataFailMetric": MetricOutcome.UNCLEAR,
    "Error": MetricOutcome.UNCLEAR,
}


class JudgedMetric(msgspec.Struct, frozen=True):
    """A metric's verdict, and what Kayenta's score needs of it."""

    metric: MetricVerdict
    result: kayenta.Result
    controls: int
    """Values of the baseline."""


def judge_metric(case: MetricCase) -> JudgedMetric:
    """The verdict on one metric by Kayenta's rules; ``max_worse``, limits, ages and weights are not among them."""
    seen = window(case)
    found = _classified(case, seen)
    return JudgedMetric(
        _metric(seen, found),
        kayenta.Result(found.label, (case.rule.group,), found.critical, reason=found.reason),
        sum(value is not None for value in seen.baseline),
    )


def decide(
    model: str,
    judged: Sequence[JudgedMetric],
    pass_: float | None = None,
    marginal: float | None = None,
    group_weights: Mapping[str, float] | None = None,
    step: int = 60,
) -> Verdict:
    """The verdict on a model. Thresholds that are None are those of Spinnaker's own form."""
    score = kayenta.score([judged_metric.result for judged_metric in judged], group_weights)
    decision, reason = _decision(
        score, kayenta.PASS if pass_ is None else pass_, kayenta.MARGINAL if marginal is None else marginal
    )
    few = [
        judged_metric.metric.metric
        for judged_metric in judged
        if judged_metric.controls < kayenta.FEWEST_POINTS
    ]
    return Verdict(
        model=model,
        judge="kayenta",
        decision=decision,
        reason=reason,
        score=score.score,
        metrics=tuple(judged_metric.metric for judged_metric in judged),
        groups=tuple(GroupScore(group.name, round(group.score, 2)) for group in score.groups if group.name),
        notes=(f"fewer than {kayenta.FEWEST_POINTS} values of the baseline: {', '.join(few)}",)
        if few
        else (),
        step=step,
    )


def _classified(case: MetricCase, seen: JudgedWindow) -> kayenta.Classification:
    if missing := case.problem or case.incomparable:
        return kayenta.Classification("Nodata", missing, critical=case.rule.critical)
    rules = kayenta.KayentaRules(
        direction="increase" if case.rule.better == "lower" else "decrease",
        critical=case.rule.critical,
        required=case.rule.required,
    )
    return kayenta.classify(case.metric, seen.baseline, seen.canary, rules)


def _metric(seen: JudgedWindow, found: kayenta.Classification) -> MetricVerdict:
    test = found.test
    reason = f"{found.label}: {found.reason}" if found.reason else found.label
    return msgspec.structs.replace(
        seen.verdict,
        outcome=_OUTCOMES[found.label],
        reason=reason,
        difference=test.estimate if test else None,
        low=test.low if test else None,
        high=test.high if test else None,
    )


def _decision(score: kayenta.Score, pass_: float, marginal: float) -> tuple[Decision, str]:
    reason = score.reason or f"score {score.score:g}"
    if not kayenta.interval_goes_on(score.score, marginal):
        return Decision.STOP, f"{reason}, not above marginal {marginal:g}"
    if score.score < pass_:
        return Decision.WAIT, f"{reason}, below pass {pass_:g}: an interval goes on, the last one would fail"
    return Decision.PROMOTE, f"{reason}, pass is {pass_:g}"
