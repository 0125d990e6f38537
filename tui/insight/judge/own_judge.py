"""The verdict on a canary: absolute limits, and a comparison with the baseline over the same time, metric by metric;
the worst of both counts (contracts: canary, section 5).

Series are judged as they come: one value for each step of a grid whose step is no shorter than the window each value
was measured over. Overlapping windows give false alarms (53 % of cases in canary, section 3); what is left of them is
met by the autocorrelation in :func:`tui.insight.judge.shift.shift`.
"""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from tui.domain.series import Counts, Grid
from tui.domain.verdict import Decision, GroupScore, MetricOutcome, MetricVerdict, Verdict
from tui.insight.judge.shift import MOST_POINTS, Shift, shift
from tui.text.format import level, quantity

LEAST_EFFECTIVE = 8
"""Independent values that a comparison needs."""
LOOKS = 2
"""What is bad must be so this often in a row; what is to be good again, too."""
PASS = 100.0
"""The score a model needs where nothing else is configured: no metric is WORSE, none UNCLEAR."""
MOST_STEPS = MOST_POINTS
"""Longer series need not be read."""
SILENT_STEPS = 3
"""So long may the canary, or the baseline, say nothing where ``max_age`` is not configured."""

Values = Sequence[float | None]


class MetricRule(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one metric, in its shown unit."""

    better: Literal["lower", "higher"] = "lower"
    unit: str = ""
    warn: float | None = None
    fail: float | None = None
    max_worse: float | None = None
    """How much worse than the baseline is still fine; None: it is not compared."""
    relative: bool = False
    """``max_worse`` is a share of the baseline's median."""
    max_age: float | None = None
    """Seconds that the newest value may be old."""
    no_data: Literal["unknown", "fail", "ignore"] = "unknown"
    group: str = ""
    weight: float = 1.0
    critical: bool = False
    """When it is WORSE, the score is 0."""
    required: bool = False
    """While it is UNCLEAR, so is the model; so with a critical one."""
    share_scale: float = 100.0
    """Of a counted share: what 1 is in the shown unit. A value is ``share_scale * bad / total``."""


class MetricCase(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one metric, and what is asked of it."""

    metric: str
    rule: MetricRule
    grid: Grid
    baseline: tuple[float | None, ...] = ()
    """A value for each time of ``grid``, None where there is none; empty where there is no baseline."""
    canary: tuple[float | None, ...] = ()
    baseline_ceiling: float | None = None
    """A value that says no more than "at least": the bound of the highest bucket, where they are quantiles."""
    canary_ceiling: float | None = None
    baseline_counts: Counts | None = None
    """Of a share, what its values were made of; on ``grid``."""
    canary_counts: Counts | None = None
    problem: str = ""
    """Why it could not be read."""
    since: float | None = None
    """When the canary was deployed, seconds since the epoch; windows that begin before it do not count on either side.
    None: not known."""
    notes: tuple[str, ...] = ()
    """What has to be remarked about what was read, such as a partial answer."""
    incomparable: str | None = None
    """Why the two tracks cannot be compared; limits still apply to the canary."""


class JudgedWindow(msgspec.Struct, frozen=True):
    """Both series from the first value of the canary on, and what stands in every verdict on them."""

    canary: tuple[float | None, ...]
    baseline: tuple[float | None, ...]
    grid: Grid
    verdict: MetricVerdict
    """UNCLEAR, with the facts filled in."""


def window(case: MetricCase) -> JudgedWindow:
    """The time over which both are compared: since the canary has been measured."""
    canary, grid, rule = case.canary, case.grid, case.rule
    deployed = 0 if case.since is None else max(0, math.ceil((case.since - grid.start) / grid.step) + 1)
    start = next(
        (index for index, value in enumerate(canary) if value is not None and index >= deployed), len(canary)
    )
    new, old = canary[start:], case.baseline[start:]
    cut = Grid(grid.start + start * grid.step, grid.end, grid.step)
    silent = _silence(new)
    middle_old, middle_new = median(old), median(new)
    return JudgedWindow(
        new,
        old,
        cut,
        MetricVerdict(
            metric=case.metric,
            outcome=MetricOutcome.UNCLEAR,
            reason=case.problem,
            baseline=middle_old,
            canary=middle_new,
            baseline_at_least=_reaches(middle_old, case.baseline_ceiling),
            canary_at_least=_reaches(middle_new, case.canary_ceiling),
            points=min(_count(new), _count(old)),
            since=float(cut.start) if new else None,
            newest=float(grid.end - silent * grid.step) if new else None,
            gaps=1 - _count(new) / len(new) if new else 0.0,
            fail=rule.fail,
            group=rule.group,
            weight=rule.weight,
            critical=rule.critical,
            required=rule.required,
        ),
    )


def judge_metric(case: MetricCase) -> MetricVerdict:
    """The verdict on one metric; what lies before the canary's first value is left out on both sides."""
    numbers = {"baseline": _numbers(case.baseline), "canary": _numbers(case.canary)}
    seen, rule = window(msgspec.structs.replace(case, **numbers)), case.rule
    if case.problem:
        return seen.verdict
    if reason := _absence(seen, rule):
        return _without_data(seen.verdict, rule, reason)
    limited, remark, more = _limited(seen, rule, case.canary_ceiling)
    if rule.max_worse is None:
        return _set(seen.verdict, limited, remark or "within its limits", more)
    if case.incomparable:
        compared = _set(seen.verdict, MetricOutcome.UNCLEAR, case.incomparable)
    else:
        compared = _confirmed(seen, rule)
    if limited is MetricOutcome.WORSE or (
        limited is MetricOutcome.UNCLEAR and compared.outcome is not MetricOutcome.WORSE
    ):
        return _set(compared, limited, remark, more)
    words = f"{compared.reason}; {remark}" if remark else compared.reason
    return _set(compared, compared.outcome, words, compared.more)


def _absence(seen: JudgedWindow, rule: MetricRule) -> str:
    """Why there is nothing to judge a canary by; empty where there is something."""
    if not seen.canary:
        return "the canary has no value"
    silence = seen.grid.step * _silence(seen.canary)
    return f"no value of the canary for {_minutes(silence)}" if silence > _max_age(rule, seen.grid) else ""


def _without_data(facts: MetricVerdict, rule: MetricRule, reason: str) -> MetricVerdict:
    """The verdict on a metric of which nothing is known, by its ``no_data`` policy."""
    outcomes = {
        "unknown": MetricOutcome.UNCLEAR,
        "fail": MetricOutcome.WORSE,
        "ignore": MetricOutcome.IGNORED,
    }
    return _set(facts, outcomes[rule.no_data], reason)


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
        decision, reason = Decision.STOP, f"WORSE: {_names(worse)}"
    elif not total:
        decision, reason = Decision.WAIT, "there is nothing to judge by"
    elif score < pass_ or any(metric.critical or metric.required for metric in unclear):
        waits = [metric.more for metric in unclear if metric.more is not None]
        soon = f"; about {_minutes(max(waits))} more" if len(waits) == len(unclear) else ""
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


def limit_state(values: Values, fail: float, better: Literal["lower", "higher"]) -> MetricOutcome:
    """Where a series stands against an absolute limit.

    WORSE from the second value in a row beyond it until the second in a row within it, UNCLEAR at the first one
    beyond. What is missing is no look.
    """
    firing, bad, good = False, 0, 0
    for value in values:
        if value is None:
            continue
        if _beyond(value, fail, better):
            bad, good = bad + 1, 0
        else:
            bad, good = 0, good + 1
        firing = (firing and good < LOOKS) or bad >= LOOKS
    return MetricOutcome.WORSE if firing else MetricOutcome.UNCLEAR if bad else MetricOutcome.OK


def median(values: Values) -> float | None:
    """Of what is there; None where nothing is."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low if low == high else low + (high - low) / 2


def _limited(
    seen: JudgedWindow, rule: MetricRule, ceiling: float | None
) -> tuple[MetricOutcome, str, float | None]:
    """What the limits say, a remark where there is something to remark, and after how long it may be clear."""
    newest = next(value for value in reversed(seen.canary) if value is not None)
    at_least = _reaches(newest, ceiling)
    now = f"{level(newest, rule.unit, at_least=at_least)} now"
    state = MetricOutcome.OK if rule.fail is None else limit_state(seen.canary, rule.fail, rule.better)
    if rule.fail is not None and state is not MetricOutcome.OK:
        limit = f"beyond the fail limit {quantity(rule.fail, rule.unit)}"
        if state is MetricOutcome.UNCLEAR:
            return state, f"{limit} at one look, {now}; the next one decides", float(seen.grid.step)
        if _beyond(newest, rule.fail, rule.better):
            return state, f"{limit}: {now}", None
        return state, f"was {limit}, within it at one look only: {now}", None
    if rule.fail is not None and at_least and rule.better == "lower":
        return (
            MetricOutcome.UNCLEAR,
            f"may be beyond the fail limit {quantity(rule.fail, rule.unit)}: {now}",
            None,
        )
    if rule.warn is not None and _beyond(newest, rule.warn, rule.better):
        return state, f"beyond the warn limit {quantity(rule.warn, rule.unit)}: {now}", None
    return state, "", None


def _beyond(value: float, limit: float, better: Literal["lower", "higher"]) -> bool:
    return value > limit if better == "lower" else value < limit


def _confirmed(seen: JudgedWindow, rule: MetricRule) -> MetricVerdict:
    """The comparison, WORSE only when it was so one look before, too."""
    compared = _compared(seen, rule)
    if compared.outcome is not MetricOutcome.WORSE:
        return compared
    newest = len(seen.canary) - 1 - _silence(seen.canary)
    before = JudgedWindow(seen.canary[:newest], seen.baseline[:newest], seen.grid, seen.verdict)
    if _compared(before, rule).outcome is MetricOutcome.WORSE:
        return compared
    reason = f"{compared.reason}; the next look decides"
    return _set(compared, MetricOutcome.UNCLEAR, reason, float(seen.grid.step))


def _compared(seen: JudgedWindow, rule: MetricRule) -> MetricVerdict:
    assert rule.max_worse is not None
    new = [value for value in seen.canary if value is not None]
    old = [value for value in seen.baseline if value is not None]
    if not old:
        return _set(seen.verdict, MetricOutcome.UNCLEAR, "the baseline has no value to compare with")
    silence = seen.grid.step * _silence(seen.baseline)
    if silence > _max_age(rule, seen.grid):
        return _set(seen.verdict, MetricOutcome.UNCLEAR, f"no value of the baseline for {_minutes(silence)}")
    found = shift(new, old)
    middle = median(old)
    assert middle is not None
    margin = rule.max_worse * abs(middle) if rule.relative else rule.max_worse
    facts = msgspec.structs.replace(
        seen.verdict,
        difference=found.estimate,
        low=found.low if math.isfinite(found.low) else None,
        high=found.high if math.isfinite(found.high) else None,
        margin=margin,
        effective=found.effective,
    )
    allowed = f"{quantity(margin, rule.unit)} is allowed"
    # Which way is worse: from here on, positive numbers are.
    best, worst = (found.low, found.high) if rule.better == "lower" else (-found.high, -found.low)
    more = _wait(found, margin, rule, seen.grid, len(seen.canary))
    soon = f"; about {_minutes(more)} more" if more is not None else f"; {MOST_STEPS} looks will not tell"
    if found.effective < LEAST_EFFECTIVE:
        alike = f"; {facts.points} values resemble their neighbours" if found.memory > 0.5 else ""
        words = f"{found.effective:.1f} of {LEAST_EFFECTIVE} independent values{soon}{alike}"
        return _set(facts, MetricOutcome.UNCLEAR, words, more)
    if best > margin:
        words = f"at least {quantity(best, rule.unit)} worse; {allowed}"
        return _set(facts, MetricOutcome.WORSE, words)
    lower = rule.better == "lower"
    if worst <= margin and (facts.canary_at_least if lower else facts.baseline_at_least):
        side = "canary" if lower else "baseline"
        words = f"the {side} is at the bound of its highest bucket: it may be any higher"
        return _set(facts, MetricOutcome.UNCLEAR, words)
    if worst < -margin:
        return _set(facts, MetricOutcome.BETTER, f"at least {quantity(-worst, rule.unit)} better")
    if worst <= margin:
        words = f"at most {quantity(worst, rule.unit)} worse; {allowed}" if worst > 0 else "not worse"
        return _set(facts, MetricOutcome.OK, words)
    words = (
        f"may be {quantity(worst, rule.unit)} worse; {allowed}" if math.isfinite(worst) else "too few values"
    )
    return _set(facts, MetricOutcome.UNCLEAR, f"{words}{soon}", more)


def _wait(found: Shift, margin: float, rule: MetricRule, grid: Grid, steps: int) -> float | None:
    """Seconds until the interval should leave the margin on one side, if the canary goes on as it does.

    Its halves shrink with the root of the number of values. None where that takes more steps than are read.
    """
    factor = LEAST_EFFECTIVE / found.effective
    estimate, up, down = found.estimate, found.high - found.estimate, found.estimate - found.low
    if rule.better == "higher":
        estimate, up, down = -estimate, down, up
    gap = estimate - margin
    half = down if gap > 0 else up
    if math.isfinite(half):
        ratio = half / gap if gap else math.inf
        factor = max(factor, ratio * ratio)
    needed = steps * max(1.0, factor)
    return max(1, math.ceil(needed - steps)) * float(grid.step) if needed <= MOST_STEPS else None


def _minutes(seconds: float) -> str:
    """``20 seconds``, ``1 minute``, ``40 minutes``, ``5 hours``; rounded up."""
    for size, word in ((1, "second"), (60, "minute"), (3600, "hour")):
        number = math.ceil(seconds / size)
        if number < {"second": 60, "minute": 120, "hour": math.inf}[word]:
            break
    return f"{number} {word}{'' if number == 1 else 's'}"


def _max_age(rule: MetricRule, grid: Grid) -> float:
    return SILENT_STEPS * grid.step if rule.max_age is None else rule.max_age


def _silence(values: Values) -> int:
    """Steps since the last value; all of them where there is none."""
    return next((index for index, value in enumerate(reversed(values)) if value is not None), len(values))


def _numbers(values: Values) -> tuple[float | None, ...]:
    """What is no finite number is a gap, here as in charts."""
    return tuple(value if value is not None and math.isfinite(value) else None for value in values)


def _reaches(value: float | None, ceiling: float | None) -> bool:
    return value is not None and ceiling is not None and value >= ceiling


def _count(values: Values) -> int:
    return sum(value is not None for value in values)


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
