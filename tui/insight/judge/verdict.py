"""The verdict on each metric, by its limits and its comparison, and on the model, by all of them; in words."""

import math
from collections.abc import Sequence

import msgspec

from tui.domain.series import Counts
from tui.domain.verdict import Decision, GroupScore, MetricOutcome, MetricVerdict, Verdict
from tui.insight.judge import counts, paired
from tui.insight.judge.case import (
    RECENT,
    Comparison,
    JudgedWindow,
    MetricCase,
    MetricRule,
    Values,
    minutes,
    reaches,
    silence,
    silence_borne,
    window,
    youth_reason,
)
from tui.insight.judge.limits import limited
from tui.text.format import level, quantity

PASS = 100.0
"""The score a model needs where nothing else is configured: no metric is WORSE, none UNCLEAR."""
MOST_CLAMPED = 0.1
"""Share of values at the bound of the highest bucket beyond which a canary is not called OK."""


def judge_metric(case: MetricCase) -> MetricVerdict:
    """The verdict on one metric; what lies before the canary's first value is left out on both sides."""
    scale = case.rule.share_scale
    values = {
        "baseline": _shares(case.baseline_counts, scale) or _numbers(case.baseline),
        "canary": _shares(case.canary_counts, scale) or _numbers(case.canary),
    }
    case = msgspec.structs.replace(case, **values)
    return _judged(case, window(case))


def _judged(case: MetricCase, seen: JudgedWindow) -> MetricVerdict:
    rule = case.rule
    if case.problem:
        return seen.verdict
    if reason := youth_reason(case, seen):
        return _set(seen.verdict, MetricOutcome.UNCLEAR, reason)
    if reason := _absence_reason(case, seen):
        return _without_data(seen.verdict, rule, reason)
    state, remark, more = limited(seen, rule, case.canary_ceiling)
    if rule.max_worse is None:
        return _set(seen.verdict, state, remark or "within its limits", more)
    compared = _compared(case, seen)
    if state is MetricOutcome.WORSE or (
        state is MetricOutcome.UNCLEAR and compared.outcome is not MetricOutcome.WORSE
    ):
        return _set(compared, state, remark, more)
    words = f"{compared.reason}; {remark}" if remark else compared.reason
    return _set(compared, compared.outcome, words, compared.more)


def _absence_reason(case: MetricCase, seen: JudgedWindow) -> str | None:
    """Why there is nothing to judge a canary by; None where there is something."""
    if not seen.canary:
        return "the canary has no value"
    return _silence_reason("canary", seen.canary, case.canary_counts, case.rule, seen)


def _silence_reason(
    track: str, values: Values, counted: Counts | None, rule: MetricRule, seen: JudgedWindow
) -> str | None:
    """That a track says nothing any more; None where it does. Where requests are counted, that there are none is
    borne longer."""
    steps = silence(values)
    borne = silence_borne(rule, seen.grid.step)
    if counted is not None and silence(counted.total) < steps:
        borne = max(borne, RECENT * seen.grid.step)
    silent = seen.grid.step * steps
    what = "request to" if counted is not None and silence(counted.total) < steps else "value of"
    return f"no {what} the {track} for {minutes(silent)}" if silent > borne else None


def _without_data(facts: MetricVerdict, rule: MetricRule, reason: str) -> MetricVerdict:
    """The verdict on a metric of which nothing is known, by its ``no_data`` policy."""
    outcomes = {
        "unknown": MetricOutcome.UNCLEAR,
        "fail": MetricOutcome.WORSE,
        "ignore": MetricOutcome.IGNORED,
    }
    return _set(facts, outcomes[rule.no_data], reason)


def _compared(case: MetricCase, seen: JudgedWindow) -> MetricVerdict:
    rule, facts = case.rule, seen.verdict
    if case.incomparable:
        return _set(facts, MetricOutcome.UNCLEAR, case.incomparable)
    if all(value is None for value in seen.baseline):
        return _set(facts, MetricOutcome.UNCLEAR, "the baseline has no value to compare with")
    if reason := _silence_reason("baseline", seen.baseline, case.baseline_counts, rule, seen):
        return _set(facts, MetricOutcome.UNCLEAR, reason)
    if case.canary_counts is not None and case.baseline_counts is not None:
        found = counts.compare(
            _cut(case.baseline_counts, seen.start), _cut(case.canary_counts, seen.start), rule
        )
    else:
        found = paired.compare(seen.baseline, seen.canary, rule)
    found = _clamped(found, case, seen)
    return msgspec.structs.replace(
        facts,
        outcome=found.outcome,
        reason=_words(found, rule, case.canary_counts is not None, seen.grid.step),
        method=found.method,
        difference=found.difference,
        low=found.low,
        high=found.high,
        margin=found.margin,
        points=found.points,
        effective=found.effective,
        more=_seconds(found, seen),
    )


def _clamped(found: Comparison, case: MetricCase, seen: JudgedWindow) -> Comparison:
    """Not OK by values of the worse side that may be any higher."""
    lower = case.rule.lower
    values = seen.canary if lower else seen.baseline
    ceiling = case.canary_ceiling if lower else case.baseline_ceiling
    known = [value for value in values if value is not None]
    clamped = sum(reaches(value, ceiling) for value in known)
    if found.outcome is MetricOutcome.WORSE or found.first or clamped <= MOST_CLAMPED * len(known):
        return found
    why = (
        f"the {'canary' if lower else 'baseline'} is at the bound of its highest bucket: it may be any higher"
    )
    return msgspec.structs.replace(found, outcome=MetricOutcome.UNCLEAR, why=why, more=None)


def _seconds(found: Comparison, seen: JudgedWindow) -> float | None:
    steps = 1 if found.first else found.more
    return None if steps is None else float(steps * seen.grid.step)


def decide(
    model: str, metrics: Sequence[MetricVerdict], pass_: float | None = None, step: int = 60
) -> Verdict:
    """The verdict on a model, by those on its metrics. ``pass_``: :data:`PASS` where it is None.

    The score is the share of the weight of what counts that is OK. A critical metric that is WORSE makes it 0. When
    what is UNCLEAR cannot lift it to ``pass_`` any more, the canary must not be promoted; while it might, or while a
    critical or required metric is UNCLEAR, one has to wait.
    """
    pass_ = PASS if pass_ is None else pass_
    counted = [metric for metric in metrics if metric.outcome is not MetricOutcome.IGNORED]
    good = sum(metric.weight for metric in counted if metric.outcome.good)
    open_ = sum(metric.weight for metric in counted if metric.outcome is MetricOutcome.UNCLEAR)
    total = sum(metric.weight for metric in counted)
    worse = [metric for metric in counted if metric.outcome is MetricOutcome.WORSE]
    unclear = [metric for metric in counted if metric.outcome is MetricOutcome.UNCLEAR]
    # Rounded, because a sum of weights may differ in its last bits from itself in another order.
    score = round(100 * good / total, 6) if total else 0.0
    hope = round(100 * (good + open_) / total, 6) if total else 100.0
    failed = any(metric.critical for metric in worse)
    if failed:
        score = 0.0
    if failed or hope < pass_:
        matter = f" {worse[0].reason}" if len(worse) == 1 else ""
        decision, reason = Decision.STOP, f"WORSE: {_names(worse)}{matter}"
    elif not total:
        decision, reason = Decision.WAIT, "there is nothing to judge by"
    elif score < pass_ or any(metric.critical or metric.required for metric in unclear):
        waits = [metric.more for metric in unclear if metric.more is not None]
        soon = f"; about {minutes(max(waits))} more" if len(waits) == len(unclear) else ""
        decision, reason = Decision.WAIT, f"UNCLEAR: {_names(unclear)}{soon}"
    else:
        fine = [metric for metric in counted if metric.outcome.good]
        rest = f"; not: {_names(worse + unclear)}" if worse or unclear else ""
        decision, reason = Decision.PROMOTE, f"OK: {_names(fine)}{rest}"
    return Verdict(
        model=model,
        judge="own",
        decision=decision,
        reason=reason,
        score=round(score, 2),
        metrics=tuple(metrics),
        groups=_groups(counted),
        step=step,
    )


# --- words --------------------------------------------------------------------------------------------------------


def _words(found: Comparison, rule: MetricRule, counted: bool, step: int) -> str:
    """``195 ms, 51 % over the baseline and rising``; what is allowed; and why it is unclear."""
    matter = _matter(found, rule, counted)
    allowed = f"{_margin(rule, counted)} is allowed"
    if found.first:
        return f"{matter}; {allowed}; at one look only, the next one decides"
    if found.why:
        soon = f"; about {minutes(found.more * step)} more" if found.more is not None else ""
        return "; ".join(part for part in (matter, f"{found.why}{soon}") if part)
    return f"{matter}; {allowed}"


def _matter(found: Comparison, rule: MetricRule, counted: bool) -> str:
    if found.level is None or found.difference is None:
        return ""
    now = level(found.level, rule.unit)
    if counted or rule.unit == "%":
        return f"{now}, {_points(found, rule, counted)}"
    if found.ratio is not None:
        percent = 100 * abs(found.ratio - 1)
        amount = (
            f"{found.ratio:.3g} times the baseline" if found.ratio >= 10 else f"{quantity(_short(percent))} %"
        )
        if found.ratio >= 10:
            return f"{now}, {amount}{_trend(found, rule)}"
        near = percent < 0.05
    else:
        amount, near = quantity(_short(abs(found.difference)), rule.unit), not found.difference
    if near:
        return f"{now}, as the baseline"
    return f"{now}, {amount} {'over' if found.difference > 0 else 'under'} the baseline{_trend(found, rule)}"


def _points(found: Comparison, rule: MetricRule, counted: bool) -> str:
    """``+1.7 points (0.8 to 3.2)``: a difference of shares, of hundred."""
    factor = 100 / rule.share_scale if counted else 1.0
    assert found.difference is not None
    text = f"{_short(factor * found.difference):+.4g} points"
    if found.low is not None and found.high is not None:
        text += f" ({_short(factor * found.low):.4g} to {_short(factor * found.high):.4g})"
    return text + _trend(found, rule)


def _trend(found: Comparison, rule: MetricRule) -> str:
    """Of a canary on the worse side of its baseline."""
    if found.trend <= 0 or found.difference is None or (found.difference > 0) is not rule.lower:
        return ""
    return " and rising" if rule.lower else " and falling"


def _margin(rule: MetricRule, counted: bool) -> str:
    margin = rule.max_worse or 0.0
    if rule.relative:
        return f"{quantity(100 * margin)} %"
    if counted or rule.unit == "%":
        return f"{quantity(margin * (100 / rule.share_scale if counted else 1.0))} points"
    return quantity(margin, rule.unit)


def _short(value: float) -> float:
    """In two digits: more of a difference is not known."""
    return float(f"{value:.2g}")


# --- small parts --------------------------------------------------------------------------------------------------


def _numbers(values: Values) -> tuple[float | None, ...]:
    """What is no finite number is a gap, here as in charts."""
    return tuple(value if value is not None and math.isfinite(value) else None for value in values)


def _shares(counted: Counts | None, scale: float) -> tuple[float | None, ...]:
    if counted is None:
        return ()
    return tuple(
        counts.share(bad, total, scale) for bad, total in zip(counted.bad, counted.total, strict=False)
    )


def _cut(counted: Counts, start: int) -> Counts:
    return Counts(counted.bad[start:], counted.total[start:])


def _set(
    facts: MetricVerdict, outcome: MetricOutcome, reason: str, more: float | None = None
) -> MetricVerdict:
    return msgspec.structs.replace(facts, outcome=outcome, reason=reason, more=more)


def _names(metrics: Sequence[MetricVerdict]) -> str:
    return ", ".join(
        f"{metric.metric} (critical)" if metric.critical else metric.metric for metric in metrics
    )


def _groups(metrics: Sequence[MetricVerdict]) -> tuple[GroupScore, ...]:
    names = dict.fromkeys(metric.group for metric in metrics if metric.group)
    scores = []
    for name in names:
        members = [metric for metric in metrics if metric.group == name]
        total = sum(metric.weight for metric in members)
        good = sum(metric.weight for metric in members if metric.outcome.good)
        scores.append(GroupScore(name, round(100 * good / total, 2) if total else 0.0))
    return tuple(scores)
