"""The paired comparison: window by window, how far the canary is beyond what the baseline allows.

Only windows in which both tracks have a value are compared, so that what both share (the day's wave, a common step)
cancels. The excess of a pair is ``ln(canary) - ln(baseline) - ln(1 + max_worse)`` for a relative margin over positive
values, else the difference less the margin. Its mean over the newest 8, 15, 30, 60 pairs and over all is held against
its own standard error. That is the one of a first-order autoregression, estimated from what is left round a straight
line (round two lines where the newest pairs are set against those before): a drift or a step is not memory.

Thresholds were chosen by ``benchmarks/scenario_judge.py``; docs/verdict.md has the operating figures.
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

import msgspec

from tui.domain.verdict import MetricOutcome
from tui.insight.judge.case import (
    LEAST,
    LEAST_FOR_OK,
    MOST_STEPS,
    RECENT,
    SPANS,
    Comparison,
    MetricRule,
    Values,
    latched,
    median,
)

WORSE_ALL = 2.25
"""Standard errors beyond the margin from which all pairs together are called worse."""
WORSE_NEWEST = 3.8
"""The same for the newest ones: there are several spans, and they are looked at again and again."""
OK_ALL = -2.25
OK_LONGEST = -2.8
"""And for the longest span alone: a canary whose bad minutes are long past may be OK again."""
DOUBT = 4.5
"""Standard errors are wider by this part of 1 / independent pairs: few tell little about their own spread."""
MOST_MEMORY = 0.95
MEASURED = 6
"""Runs of equal values that each side must consist of: a gauge that is held was measured once for each run."""
LEAST_ZEROS = 30
"""Pairs needed for OK where a canary has hardly ever been anything but 0."""
LONE = 3.0
"""A single pair so many times as far from the middle as any other is an accident, and left out."""
TREND = 3.0
_EQUAL = 1e-12
"""Values, as parts of the largest, that differ by less are equal."""
_FLAT = 1e-9
"""Differences below this part of the values are how floats are written."""


class _Scale(msgspec.Struct, frozen=True):
    """How an excess is told in the shown unit."""

    sign: float
    level: float
    """What 1 is, of differences; the baseline's median, of ratios."""
    allowed: float
    """Added to an excess it is the difference towards the bad side (of ratios: of logarithms)."""
    logarithmic: bool

    def ratio(self, excess: float) -> float | None:
        return (
            math.exp(max(-700.0, min(700.0, self.sign * (excess + self.allowed))))
            if self.logarithmic
            else None
        )

    def difference(self, excess: float) -> float | None:
        ratio = self.ratio(excess)
        change = self.sign * (excess + self.allowed) if ratio is None else ratio - 1
        found = self.level * change
        return found if math.isfinite(found) else None


class Excess:
    """The excess of pairs with running sums, by which mean and standard error over any span are had at once."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = values
        self.middle = median(values) or 0.0
        rest = [value - self.middle for value in values]
        rest = [0.0 if abs(value) < _EQUAL else value for value in rest]
        self._rest = rest
        self._sum = [0.0, *accumulate(rest)]
        self._moment = [0.0, *accumulate(index * value for index, value in enumerate(rest))]
        self._square = [0.0, *accumulate(value * value for value in rest)]
        # The products of neighbours, by the place of the second.
        self._product = [0.0, *accumulate(a * b for a, b in zip([0.0, *rest], rest, strict=False))]
        self._flat = 1e-12 * self._square[-1]

    def mean(self, start: int, end: int) -> float:
        return self.middle + (self._sum[end] - self._sum[start]) / (end - start)

    def slope(self, start: int, end: int) -> float:
        """Of the line through a span, a pair."""
        middle = (start + end - 1) / 2
        count = end - start
        moment = self._moment[end] - self._moment[start] - middle * (self._sum[end] - self._sum[start])
        return moment * 12 / (count * (count * count - 1)) if count > 1 else 0.0

    def _rests(self, start: int, end: int) -> tuple[float, float]:
        """The sums of squares, and of products of neighbours, of what is left round a line."""
        count, middle = end - start, (start + end - 1) / 2
        total = self._sum[end] - self._sum[start]
        mean = total / count
        moment = self._moment[end] - self._moment[start] - middle * total
        spread = count * (count * count - 1) / 12
        slope = moment / spread if spread else 0.0
        squares = self._square[end] - self._square[start] - count * mean * mean - slope * moment
        first, last = self._rest[start], self._rest[end - 1]
        half = (count - 1) / 2
        without_last, without_first = total - last, total - first
        products = (
            self._product[end]
            - self._product[start + 1]
            - mean * (without_last + without_first)
            - slope * (2 * moment + half * (first - last) + without_last - without_first)
            + (count - 1) * mean * mean
            + slope * slope * (spread - half * half - half)
        )
        return max(0.0, squares), products

    def spread(self, start: int, cut: int, end: int) -> tuple[float, float, float]:
        """The standard deviation of a pair for means over many, the memory, and the independent pairs.

        Args:
            cut: where the second of two lines begins; ``start`` or ``end`` for one line.
        """
        parts = [(start, end)] if cut in (start, end) else [(start, cut), (cut, end)]
        squares = products = 0.0
        for part in parts:
            found = self._rests(*part)
            squares, products = squares + found[0], products + found[1]
        count, lines = end - start, len(parts)
        if squares <= self._flat:
            return 0.0, 0.0, float(count)
        # A line takes its share of the memory along, two of them twice that.
        memory = MOST_MEMORY
        if count > 4 * lines + 1:
            memory = (count * products / squares + 2 * lines) / (count - 4 * lines)
            memory = min(MOST_MEMORY, max(0.0, memory))
        longer, free = (1 + memory) / (1 - memory), max(1, count - 2 * lines)
        return math.sqrt(squares / free * longer), memory, free / longer

    def error(self, start: int, cut: int, end: int, newest: int) -> float:
        """The standard error of the mean over the newest pairs of a span."""
        deviation, _, independent = self.spread(start, cut, end)
        return deviation / math.sqrt(newest) * (1 + DOUBT / independent)

    def score(self, end: int, newest: int, start: int = 0) -> float:
        """Standard errors by which the newest pairs before ``end`` are beyond the margin, on average."""
        mean = self.mean(end - newest, end)
        cut = end - newest if end - start - newest >= LEAST else start
        error = self.error(start, cut, end, newest)
        return mean / error if error else math.inf if mean > 0 else -math.inf

    def worse(self, end: int) -> bool:
        """Whether any span before ``end`` is beyond the margin for certain, and not by a single pair."""
        for span in reversed(_spans(end)):
            mean = self.mean(end - span, end)
            if mean <= 0 or self.score(end, span) <= _threshold(span, end):
                continue
            if mean * span > max(self.values[end - span : end]):
                return True
        return False


def compare(baseline: Values, canary: Values, rule: MetricRule) -> Comparison:
    """How the canary compares at the newest of the windows; both are of the same windows, finite or None."""
    assert rule.max_worse is not None
    pairs = [
        (old, new) for old, new in zip(baseline, canary, strict=False) if old is not None and new is not None
    ]
    steps = len(canary) / len(pairs) if pairs else 1.0
    pairs = pairs[-MOST_STEPS:]
    count = len(pairs)
    if not count:
        return Comparison(outcome=MetricOutcome.UNCLEAR, why="the two have no value at the same time")
    found, scale = _excess(pairs, rule)
    steady = Excess(_without_accident(found))
    times = [_measured([pair[side] for pair in pairs], rule) for side in (0, 1)]
    totals = [0.0, *accumulate(found)]
    recent = [_recent(totals, end) for end in range(1, count + 1)]
    looks = range(LEAST, count + 1)
    worse = [min(times[0][end - 1], times[1][end - 1]) >= MEASURED and steady.worse(end) for end in looks]
    is_worse = latched(worse, [recent[end - 1] > 0 for end in looks])
    first = bool(worse) and worse[-1] and not is_worse
    scores = {span: steady.score(count, span) for span in _spans(count)} if count >= LEAST else {}
    trend = _trend(steady, count) if count >= LEAST_FOR_OK else 0
    span = _telling(scores, count, trend) if is_worse or first else count
    facts = _facts(steady, scale, pairs, rule, span, scores, trend)
    if is_worse or first:
        outcome = MetricOutcome.WORSE if is_worse else MetricOutcome.UNCLEAR
        return msgspec.structs.replace(facts, outcome=outcome, first=first)
    measured = min(times[0][-1], times[1][-1])
    if measured < min(MEASURED, count):
        often = "once" if measured == 1 else f"{measured} times"
        return msgspec.structs.replace(facts, why=f"measured {often} only")
    newest = [new for _, new in pairs[-LEAST_ZEROS:]]
    zeros = newest.count(0.0)
    needed = LEAST_ZEROS if len(newest) - zeros < min(2, zeros) else LEAST_FOR_OK
    if count < needed:
        more = math.ceil((needed - count) * steps)
        return msgspec.structs.replace(facts, why=f"too young: {count} of {needed} windows", more=more)
    if recent[-1] > 0:
        return msgspec.structs.replace(facts, why=f"the newest {RECENT} windows are beyond what is allowed")
    if max(scores.values()) < 1 and (scores[count] < OK_ALL or _long_fine(steady, times, count)):
        better = rule.max_worse > 0 and _better(facts, rule)
        return msgspec.structs.replace(facts, outcome=MetricOutcome.BETTER if better else MetricOutcome.OK)
    wait = _wait(scores[count], count, steps)
    why = (
        "too close to what is allowed to tell" if abs(scores[count]) < 1 else "it varies too much to tell yet"
    )
    return msgspec.structs.replace(facts, why=why, more=wait)


def _excess(pairs: Sequence[tuple[float, float]], rule: MetricRule) -> tuple[list[float], _Scale]:
    margin = rule.max_worse or 0.0
    sign = 1.0 if rule.lower else -1.0
    if rule.relative and (rule.lower or margin < 1) and all(old > 0 and new > 0 for old, new in pairs):
        allowed = math.log1p(margin) if rule.lower else -math.log1p(-margin)
        ratios = [sign * (math.log(new) - math.log(old)) - allowed for old, new in pairs]
        middle = median([old for old, _ in pairs]) or 0.0
        return [_rounded(value) for value in ratios], _Scale(sign, middle, allowed, True)
    level = max(max(abs(old), abs(new)) for old, new in pairs) or 1.0
    if rule.relative:
        margins = [margin * abs(old / level) for old, _ in pairs]
    else:
        margins = [min(margin / level, 1e6)] * len(pairs)
    excess = [
        _rounded(sign * (new / level - old / level) - allowed)
        for (old, new), allowed in zip(pairs, margins, strict=True)
    ]
    return excess, _Scale(sign, level, math.fsum(margins) / len(margins), False)


def _rounded(excess: float) -> float:
    return 0.0 if abs(excess) < _FLAT else excess


def _without_accident(excess: Sequence[float]) -> list[float]:
    """The same, but for one pair that stands alone far from all others: that is put into the middle."""
    kept = list(excess)
    if len(kept) < LEAST_FOR_OK:
        return kept
    middle = median(kept)
    assert middle is not None
    *_, second, farthest = sorted(range(len(kept)), key=lambda index: abs(kept[index] - middle))
    if abs(kept[farthest] - middle) > LONE * abs(kept[second] - middle):
        kept[farthest] = middle
    return kept


def _measured(values: Sequence[float], rule: MetricRule) -> list[int]:
    """For each place how often was measured until there: runs of equal values. What is at the end of its scale (0, or
    100 %) is a measurement each time."""
    ends = (0.0, 100.0) if rule.unit == "%" else (0.0,)
    before: list[float | None] = [None, *values]
    return list(
        accumulate(int(value != last or value in ends) for last, value in zip(before, values, strict=False))
    )


def _recent(sums: Sequence[float], end: int) -> float:
    mean = (sums[end] - sums[max(0, end - RECENT)]) / min(end, RECENT)
    return 0.0 if abs(mean) < _FLAT else mean


def _spans(count: int) -> list[int]:
    return [*(span for span in SPANS if 2 * span <= count), count]


def _threshold(span: int, count: int) -> float:
    return WORSE_ALL if span == count else WORSE_NEWEST


def _telling(scores: dict[int, float], count: int, trend: int) -> int:
    """The newest pairs that show best what is the matter: while the difference grows, the last quarter of an hour."""
    if trend > 0:
        return RECENT
    return max(reversed(scores), key=lambda span: scores[span] / _threshold(span, count))


def _trend(excess: Excess, count: int) -> Literal[-1, 0, 1]:
    start = max(0, count - SPANS[-1])
    slope, pairs = excess.slope(start, count), count - start
    deviation, _, independent = excess.spread(start, start, count)
    error = deviation * (1 + DOUBT / independent) / math.sqrt(pairs * (pairs * pairs - 1) / 12)
    if abs(slope) <= TREND * error:
        return 0
    return 1 if slope > 0 else -1


def _long_fine(excess: Excess, times: Sequence[Sequence[int]], count: int) -> bool:
    """Whether the longest span alone, as if nothing had been before, is within the margin."""
    span = SPANS[-1]
    if count <= span or any(side[-1] - side[count - span - 1] < MEASURED for side in times):
        return False
    return excess.score(count, span, count - span) < OK_LONGEST


def _facts(
    excess: Excess,
    scale: _Scale,
    pairs: Sequence[tuple[float, float]],
    rule: MetricRule,
    span: int,
    scores: dict[int, float],
    trend: Literal[-1, 0, 1],
) -> Comparison:
    count = len(pairs)
    newest = pairs[-span:]
    middle = median([old for old, _ in newest]) or 0.0
    if scale.logarithmic:
        scale = msgspec.structs.replace(scale, level=middle)
    mean = excess.mean(count - span, count)
    low = high = independent = None
    method = f"{count} pairs of windows"
    if scores:
        cut = count - span if count - span >= LEAST else 0
        half = _threshold(span, count) * excess.error(0, cut, count, span)
        low, high = sorted(
            (scale.difference(end) for end in (mean - half, mean + half)), key=lambda end: end or 0.0
        )
        _, memory, independent = excess.spread(0, 0, count)
        errors = ", ".join(
            f"{score:.1f} over {'all' if of == count else f'the newest {of}'}" for of, score in scores.items()
        )
        method += (
            f", {independent:.0f} independent, memory {memory:.2f}; standard errors beyond the margin: {errors} "
            f"(WORSE above {WORSE_ALL:g} over all, {WORSE_NEWEST:g} over others; OK below {OK_ALL:g})"
        )
        if span != count:
            method += f"; what is shown is of the newest {span}"
    margin = rule.max_worse or 0.0
    return Comparison(
        outcome=MetricOutcome.UNCLEAR,
        points=count,
        effective=independent,
        level=median([new for _, new in newest]),
        difference=scale.difference(mean),
        low=low,
        high=high,
        margin=margin * abs(middle) if rule.relative else margin,
        ratio=scale.ratio(mean),
        trend=trend,
        method=method,
    )


def _better(facts: Comparison, rule: MetricRule) -> bool:
    if facts.low is None or facts.high is None or facts.margin is None:
        return False
    return facts.high < -facts.margin if rule.lower else facts.low > facts.margin


def _wait(score: float, count: int, steps: float) -> int | None:
    """Windows until the score should be clear if it goes on as it does: it grows with the root of the pairs."""
    wanted = WORSE_ALL if score > 0 else OK_ALL
    needed = count * (wanted / score) ** 2 if score else math.inf
    if needed > min(MOST_STEPS, 3 * count):
        return None
    return max(1, math.ceil((needed - count) * steps))
