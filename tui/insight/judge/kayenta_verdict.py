"""Kayenta's verdict in the words of this program.

Metric by metric it is :func:`tui.insight.judge.kayenta.classify`, and the score is Kayenta's; what that means for the
canary follows orca's stage, which is what stops a pipeline of Spinnaker's.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tui.domain.verdict import Decision, GroupScore, MetricOutcome, MetricVerdict, Verdict
from tui.insight.judge import LEAST, JudgedWindow, MetricCase, kayenta, window, youth_reason

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
    experiments: int
    """Values of the canary."""
    known: bool = True
    """It says something of the canary: it could be read and compared, and had the time for a value."""


def judge_metric(case: MetricCase) -> JudgedMetric:
    """The verdict on one metric by Kayenta's rules; ``max_worse``, limits, ages and weights are not among them."""
    seen = window(case)
    unknown = case.problem or case.incomparable or youth_reason(case, seen)
    found = (
        kayenta.Classification("Nodata", unknown, critical=case.rule.critical)
        if unknown
        else _classified(case, seen)
    )
    return JudgedMetric(
        _metric(seen, found),
        kayenta.Result(found.label, (case.rule.group,), found.critical, reason=found.reason),
        sum(value is not None for value in seen.baseline),
        sum(value is not None for value in seen.canary),
        known=not unknown,
    )


def decide(
    model: str,
    judged: Sequence[JudgedMetric],
    pass_: float | None = None,
    marginal: float | None = None,
    group_weights: Mapping[str, float] | None = None,
    step: int = 60,
) -> Verdict:
    """The verdict on a model. Thresholds that are None are those of Spinnaker's own form.

    Kayenta judges intervals that a pipeline has waited for. Here somebody may look at any time, so what is not known
    yet is WAIT: it neither promotes a canary nor speaks against it.
    """
    known = [judged_metric for judged_metric in judged if judged_metric.known]
    score = kayenta.score([judged_metric.result for judged_metric in known], group_weights)
    decision, reason = (
        _decision(
            score,
            kayenta.PASS if pass_ is None else pass_,
            kayenta.MARGINAL if marginal is None else marginal,
        )
        if known
        else (Decision.PROMOTE, "")
    )
    if decision is Decision.PROMOTE and (doubts := tuple(_doubts(judged))):
        decision, reason = Decision.WAIT, "; ".join(filter(None, (*doubts, reason)))
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


def _doubts(judged: Sequence[JudgedMetric]) -> Iterator[str]:
    """Why a good score says little yet."""
    unknown = [each.metric.metric for each in judged if not each.known]
    if unknown:
        yield f"not known: {', '.join(unknown)}"
    few = [each.metric.metric for each in judged if each.known and 0 < each.experiments < LEAST]
    if few:
        yield f"fewer than {LEAST} values of the canary: {', '.join(few)}"


def _classified(case: MetricCase, seen: JudgedWindow) -> kayenta.Classification:
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
