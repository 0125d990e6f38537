"""Kayenta's verdict in the words of this program.

Metric by metric it is :func:`tui.insight.kayenta.classify`, and the score is Kayenta's; what that means for the
canary follows orca's stage, which is what stops a pipeline of Spinnaker's.
"""

from collections.abc import Mapping, Sequence

import msgspec

from tui.domain.verdict import Decision, GroupScore, MetricVerdict, Outcome, Verdict
from tui.insight import kayenta
from tui.insight.judge import Case, Window, shortest_step, window

_OUTCOMES: Mapping[kayenta.Label, Outcome] = {
    "Pass": Outcome.OK,
    "High": Outcome.WORSE,
    "Low": Outcome.WORSE,
    "Nodata": Outcome.UNCLEAR,
    "NodataFailMetric": Outcome.UNCLEAR,
    "Error": Outcome.UNCLEAR,
}


def verdict(
    model: str,
    cases: Sequence[Case],
    pass_: float = kayenta.PASS,
    marginal: float = kayenta.MARGINAL,
    group_weights: Mapping[str, float] | None = None,
) -> Verdict:
    """The verdict on a model by Kayenta's rules; ``max_worse``, limits, ages and single weights are not among them."""
    results, metrics, few = [], [], []
    for case in cases:
        seen = window(case)
        found = _classified(case, seen)
        metrics.append(_metric(seen, found))
        results.append(kayenta.Result(found.label, (case.rule.group,), found.critical, reason=found.reason))
        if sum(value is not None for value in seen.baseline) < kayenta.FEWEST_POINTS:
            few.append(case.metric)
    score = kayenta.score(results, group_weights)
    decision, reason = _decision(score, pass_, marginal)
    return Verdict(
        model=model,
        judge="kayenta",
        decision=decision,
        reason=reason,
        score=score.score,
        metrics=tuple(metrics),
        groups=tuple(GroupScore(group.name, round(group.score, 2)) for group in score.groups if group.name),
        notes=(f"fewer than {kayenta.FEWEST_POINTS} values of the baseline: {', '.join(few)}",)
        if few
        else (),
        step=shortest_step(cases),
    )


def _classified(case: Case, seen: Window) -> kayenta.Classification:
    if case.problem:
        return kayenta.Classification("Nodata", case.problem, critical=case.rule.critical)
    rules = kayenta.Rules(
        direction="increase" if case.rule.better == "lower" else "decrease",
        critical=case.rule.critical,
        required=case.rule.required,
    )
    return kayenta.classify(case.metric, seen.baseline, seen.canary, rules)


def _metric(seen: Window, found: kayenta.Classification) -> MetricVerdict:
    test = found.test
    return msgspec.structs.replace(
        seen.verdict,
        outcome=_OUTCOMES[found.label],
        reason=f"{found.label}: {found.reason}" if found.reason else found.label,
        difference=test.estimate if test else None,
        low=test.low if test else None,
        high=test.high if test else None,
    )


def _decision(score: kayenta.Score, pass_: float, marginal: float) -> tuple[Decision, str]:
    said = score.reason or f"score {score.score:g}"
    if not kayenta.interval_goes_on(score.score, marginal):
        return Decision.STOP, f"{said}, not above marginal {marginal:g}"
    if score.score < pass_:
        return Decision.WAIT, f"{said}, below pass {pass_:g}: an interval goes on, the last one would fail"
    return Decision.PROMOTE, f"{said}, pass is {pass_:g}"
