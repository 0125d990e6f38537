"""The comparison of counted shares: how many of the canary's requests were bad, and how many of the baseline's.

Newcombe's interval for the difference of two shares (1998, method 10, from Wilson's intervals; for a part of the
baseline's share as Zou and Donner 2008), over the newest windows and over all. Counts that vary more than chance makes
them are divided by as much: what is left of the difference of the two, window by window, against what it would be of
independent requests. What both share (the day's wave, a common burst of errors) cancels in it.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from tui.domain.series import Counts
from tui.domain.verdict import MetricOutcome
from tui.insight.judge.case import (
    LEAST,
    LEAST_FOR_OK,
    MOST_STEPS,
    RECENT,
    SPANS,
    Comparison,
    MetricRule,
    latched,
)
from tui.text.format import quantity

WORSE = 3.5
"""Standard errors for the end of the interval that has to be beyond the margin."""
OK = 2.6
"""And for the end that has to be within it."""
LEAST_BAD = 3
"""Bad requests of the canary, without which it is not called WORSE."""
LEAST_NONE = 30
"""Windows without anything bad on either side after which that is fine, also where the margin is a part of nothing."""
_SPANS = tuple(span for span in SPANS if span >= RECENT)
_MOST_MEMORY = 0.95
_DOUBT = 4.5

Row = tuple[float, float, float, float]
"""Bad and total of the baseline, bad and total of the canary."""


class _Sums:
    """Running sums over windows, of what an interval and its overdispersion are made of."""

    def __init__(self, rows: Sequence[Row]) -> None:
        weights = [old * new / (old + new) for _, old, _, new in rows]
        differences = [bad_new / new - bad_old / old for bad_old, old, bad_new, new in rows]
        roots = [math.sqrt(weight) for weight in weights]
        pairs = list(zip([0.0, *roots], roots, [0.0, *differences], differences, strict=False))
        columns: list[Sequence[float]] = [
            *(list(column) for column in zip(*rows, strict=True)),
            weights,
            [weight * found for weight, found in zip(weights, differences, strict=True)],
            [weight * found * found for weight, found in zip(weights, differences, strict=True)],
            [weight / row[1] for weight, row in zip(weights, rows, strict=True)],
            [weight / row[3] for weight, row in zip(weights, rows, strict=True)],
            [before * root for before, root, _, _ in pairs],
            [before * root * (last + found) for before, root, last, found in pairs],
            [before * root * last * found for before, root, last, found in pairs],
        ]
        self._columns = [[0.0, *accumulate(column)] for column in columns]

    def over(self, start: int, end: int) -> list[float]:
        return [column[end] - column[start] for column in self._columns]

    def counts(self, start: int, end: int) -> Row:
        bad_old, old, bad_new, new = (column[end] - column[start] for column in self._columns[:4])
        return bad_old, old, bad_new, new

    def dispersion(self, end: int, newest: int) -> float:
        """By how much the difference varies more than that of independent requests, 1 or more; round one share for the
        newest windows and another for those before."""
        cut = end - newest if end - newest >= LEAST else 0
        parts = [(0, end)] if cut == 0 else [(0, cut), (cut, end)]
        squares = expected = products = 0.0
        for start, stop in parts:
            bad_old, old, bad_new, new, weight, first, second, per_old, per_new, *_ = self.over(start, stop)
            mean = first / weight
            squares += max(0.0, second - first * mean)
            share_old, share_new = bad_old / old, bad_new / new
            variance = share_new * (1 - share_new) * per_new + share_old * (1 - share_old) * per_old
            expected += variance * (stop - start - 1) / (stop - start)
            none, one, both = self.over(start + 1, stop)[-3:]
            products += both - mean * one + mean * mean * none
        if expected <= 0 or squares <= expected:
            return 1.0
        memory = min(_MOST_MEMORY, max(0.0, products / squares - 1 / math.sqrt(end)))
        longer = (1 + memory) / (1 - memory)
        return squares / expected * longer * (1 + _DOUBT * longer / end) ** 2


class _Margin(msgspec.Struct, frozen=True):
    """What is allowed, of shares of what is bad: ``factor`` times the baseline's and ``more``."""

    factor: float
    more: float


def compare(baseline: Counts, canary: Counts, rule: MetricRule) -> Comparison:
    """How the canary's share compares at the newest of the windows; both are of the same windows."""
    assert rule.max_worse is not None
    rows = _rows(baseline, canary)
    steps = len(canary.total) / len(rows) if rows else 1.0
    rows = rows[-MOST_STEPS:]
    count = len(rows)
    if not count:
        return Comparison(outcome=MetricOutcome.UNCLEAR, why="the two have no request at the same time")
    if not rule.lower:
        # Those that are not good are bad; a part of the good ones is allowed to be missing.
        rows = [(old - good_old, old, new - good_new, new) for good_old, old, good_new, new in rows]
    sums = _Sums(rows)
    looks = range(LEAST, count + 1)
    worse = [_worse(sums, end, rule) for end in looks]
    beyond = [_excess(sums.counts(max(0, end - RECENT), end), rule) > 0 for end in looks]
    is_worse = latched(worse, beyond)
    first = bool(worse) and worse[-1] and not is_worse
    span = _telling(sums, count, rule) if is_worse or first else count
    facts = _facts(sums, count, span, rule)
    if is_worse or first:
        outcome = MetricOutcome.WORSE if is_worse else MetricOutcome.UNCLEAR
        return msgspec.structs.replace(facts, outcome=outcome, first=first)
    if count < LEAST_FOR_OK:
        more = math.ceil((LEAST_FOR_OK - count) * steps)
        return msgspec.structs.replace(facts, why=f"too young: {count} of {LEAST_FOR_OK} windows", more=more)
    if beyond[-1]:
        return msgspec.structs.replace(facts, why=f"the newest {RECENT} windows are beyond what is allowed")
    row = sums.counts(0, count)
    excess = _excess(row, rule)
    dispersion = sums.dispersion(count, count)
    high = _ends(row, rule, OK, dispersion)[1]
    nothing = rule.relative and not row[0] and not row[2] and count >= LEAST_NONE
    if high < 0 or nothing:
        allowed = _margin(rule)
        good = _Margin(2 - allowed.factor, -allowed.more)
        better = rule.max_worse > 0 and _interval(row, good, OK, dispersion)[1] < 0
        return msgspec.structs.replace(facts, outcome=MetricOutcome.BETTER if better else MetricOutcome.OK)
    needed = count * ((high - excess) / excess) ** 2 if excess < 0 else math.inf
    wait = max(1, math.ceil((needed - count) * steps)) if needed <= min(MOST_STEPS, 3 * count) else None
    why = "too few requests to tell yet" if excess < 0 else "too close to what is allowed to tell"
    return msgspec.structs.replace(facts, why=why, more=wait)


def share(bad: float | None, total: float | None, scale: float) -> float | None:
    """The value that a share has in one window; none where nothing was counted."""
    if bad is None or total is None or not (math.isfinite(bad) and math.isfinite(total)):
        return None
    if total <= 0 or bad < 0:
        return None
    return scale * (min(bad, total) / total)


def _rows(baseline: Counts, canary: Counts) -> list[Row]:
    """The windows in which both have requests; nothing is counted below 0, nor more bad ones than there are."""
    rows = []
    for bad_old, old, bad_new, new in zip(
        baseline.bad, baseline.total, canary.bad, canary.total, strict=False
    ):
        share_old, share_new = share(bad_old, old, 1.0), share(bad_new, new, 1.0)
        if share_old is not None and share_new is not None and old and new:
            rows.append((share_old * old, old, share_new * new, new))
    return rows


def _margin(rule: MetricRule) -> _Margin:
    margin = rule.max_worse or 0.0
    if not rule.relative:
        return _Margin(1.0, margin / rule.share_scale)
    if rule.lower:
        return _Margin(1 + margin, 0.0)
    # Of the good ones (1 - margin) must be there: bad_new <= 1 - (1 - margin) * (1 - bad_old).
    return _Margin(1 - margin, margin)


def _excess(row: Row, rule: MetricRule) -> float:
    """By how much the canary's share of bad ones is beyond what is allowed."""
    bad_old, old, bad_new, new = row
    allowed = _margin(rule)
    excess = bad_new / new - allowed.factor * (bad_old / old) - allowed.more
    return 0.0 if abs(excess) < 1e-12 else excess


def _ends(row: Row, rule: MetricRule, errors: float, dispersion: float) -> tuple[float, float]:
    return _interval(row, _margin(rule), errors, dispersion)


def _interval(row: Row, allowed: _Margin, errors: float, dispersion: float) -> tuple[float, float]:
    """Newcombe's, of the excess."""
    bad_old, old, bad_new, new = row
    share_old, share_new = bad_old / old, bad_new / new
    low_old, high_old = _wilson(share_old, old / dispersion, errors)
    low_new, high_new = _wilson(share_new, new / dispersion, errors)
    excess = share_new - allowed.factor * share_old - allowed.more
    return (
        excess - math.hypot(share_new - low_new, allowed.factor * (high_old - share_old)),
        excess + math.hypot(high_new - share_new, allowed.factor * (share_old - low_old)),
    )


def _wilson(share: float, total: float, errors: float) -> tuple[float, float]:
    square = errors * errors / total
    middle = share + square / 2
    half = math.sqrt(max(0.0, square * (share * (1 - share) + square / 4)))
    return (middle - half) / (1 + square), (middle + half) / (1 + square)


def _spans(count: int) -> list[int]:
    return [*(span for span in _SPANS if span < count), count]


def _worse(sums: _Sums, end: int, rule: MetricRule) -> bool:
    """Whether any span of the windows before ``end`` is beyond the margin for certain."""
    for span in _spans(end):
        row = sums.counts(end - span, end)
        # An interval of counts as they are is the narrowest: most looks end here.
        if row[2] < LEAST_BAD or _excess(row, rule) <= 0 or _ends(row, rule, WORSE, 1.0)[0] <= 0:
            continue
        if _ends(row, rule, WORSE, sums.dispersion(end, span))[0] > 0:
            return True
    return False


def _telling(sums: _Sums, count: int, rule: MetricRule) -> int:
    """The newest windows that show best what is the matter."""
    return max(
        _spans(count),
        key=lambda span: _ends(sums.counts(count - span, count), rule, WORSE, sums.dispersion(count, span))[
            0
        ],
    )


def _facts(sums: _Sums, count: int, span: int, rule: MetricRule) -> Comparison:
    row = sums.counts(count - span, count)
    bad_old, old, bad_new, new = row
    dispersion = sums.dispersion(count, span)
    errors = WORSE if span != count else OK
    low, high = _interval(row, _Margin(1.0, 0.0), errors, dispersion)
    scale = rule.share_scale
    level, base = bad_new / new, bad_old / old
    margin = rule.max_worse or 0.0
    if not rule.lower:
        level, base, low, high = 1 - level, 1 - base, -high, -low
    counted = "good" if not rule.lower else "bad"
    count_new, count_old = (bad_new, bad_old) if rule.lower else (new - bad_new, old - bad_old)
    method = (
        f"{count} windows of counts; in {'all' if span == count else f'the newest {span}'} of them "
        f"{quantity(count_new)} of {quantity(new)} {counted}, baseline {quantity(count_old)} of {quantity(old)}; "
        f"Newcombe's interval of {errors:g} standard errors (WORSE from {WORSE:g}, OK from {OK:g}), "
        f"counts divided by {dispersion:.2f} for what varies more than chance"
    )
    return Comparison(
        outcome=MetricOutcome.UNCLEAR,
        points=count,
        level=scale * level,
        difference=scale * (level - base),
        low=scale * low,
        high=scale * high,
        margin=margin * scale * base if rule.relative else margin,
        method=method,
    )
