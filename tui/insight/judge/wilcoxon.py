"""The statistics that Kayenta judges by: R's rank-sum test with a confidence interval, effect sizes, percentiles.

As they are in the reference, to the last bits (contracts: canary, section 1); what Pipedeck judges by itself is in
:mod:`tui.insight.shift`.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, reduce
from operator import add

import msgspec

_ROOT_TOLERANCE = 1e-4
"""R's default; absolute, so that what is found depends on the unit."""
_EPSILON = 2.0**-52


class MannWhitney(msgspec.Struct, frozen=True):
    """The location shift between two samples, with its confidence interval."""

    low: float
    high: float
    estimate: float


class AllTied(Exception):
    """All observations are tied: there is no interval."""


def mann_whitney(experiment: Sequence[float], control: Sequence[float], confidence: float) -> MannWhitney:
    """The shift of ``experiment`` against ``control`` as R's ``wilcox.test(exact=FALSE, correct=TRUE,
    conf.int=TRUE)`` finds it: by a search for the shift at which the rank sum is as far off as the quantile says.

    Raises:
        AllTied: a shift makes all observations equal.
    """
    xs, ys = sorted(experiment), sorted(control)
    low, high = xs[0] - ys[-1], xs[-1] - ys[0]
    at_low, at_high = _rank_sum_z(xs, ys, low), _rank_sum_z(xs, ys, high)

    def search(quantile: float) -> float:
        def off(mu: float) -> float:
            return _rank_sum_z(xs, ys, mu) - quantile

        return _root(off, low, high, at_low - quantile, at_high - quantile)

    def end(quantile: float) -> float:
        if at_low - quantile <= 0:
            return low
        return high if at_high - quantile >= 0 else search(quantile)

    quantile = _quantile((1.0 - confidence) / 2)
    return MannWhitney(end(-quantile), end(quantile), search(0.0))


def mean_ratio(control: Sequence[float], experiment: Sequence[float]) -> float:
    """NaN where either mean is 0."""
    below, above = _mean(control), _mean(experiment)
    return math.nan if below == 0 or above == 0 else above / below


def cles(control: Sequence[float], experiment: Sequence[float]) -> float:
    """The probability that a value of ``experiment`` is above one of ``control`` (common language effect size)."""
    m, n = len(experiment), len(control)
    ranks, _ = _ranks([*experiment, *control])
    return (2 * sum(ranks[value] for value in experiment) - m * (m + 1)) / (2 * n * m)


def percentile(values: Sequence[float], percent: float) -> float:
    """R-7: linear between the two neighbours; NaN for no values."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    place = 1 + (len(ordered) - 1) * (percent / 100)
    index = math.floor(place)
    if index >= len(ordered):
        return ordered[-1]
    return ordered[index - 1] + (place - index) * (ordered[index] - ordered[index - 1])


def _rank_sum_z(xs: Sequence[float], ys: Sequence[float], mu: float) -> float:
    """How many standard deviations the rank sum of ``xs`` less ``mu`` is off, ties and continuity corrected.

    Raises:
        AllTied
    """
    shifted = [x - mu for x in xs]
    if not math.isfinite(mu):
        shifted = [math.inf if math.isnan(value) else value for value in shifted]
    m, n = len(xs), len(ys)
    ranks, ties = _ranks([*shifted, *ys])
    off = sum(map(ranks.__getitem__, shifted)) - m * (m + 1) / 2 - m * n / 2
    variance = (m * n / 12) * ((m + n + 1) - ties / ((m + n) * (m + n - 1)))
    if variance == 0:
        raise AllTied
    correction = 0.5 if off > 0 else -0.5 if off < 0 else 0.0
    return (off - correction) / math.sqrt(variance)


def _ranks(values: list[float]) -> tuple[dict[float, float], float]:
    """The rank of each value, equal ones sharing their mean rank; and the sum of t³ - t over all ties."""
    values.sort()
    ranks: dict[float, float] = {}
    before = ties = 0
    for value, count in Counter(values).items():  # in the order of the first of each: ascending
        ranks[value] = before + (count + 1) / 2
        before += count
        ties += count * count * count - count
    return ranks, float(ties)


def _root(f: Callable[[float], float], a: float, b: float, fa: float, fb: float) -> float:
    """Where ``f`` crosses 0 between ``a`` and ``b``: Brent's method with the stopping rule of R's ``uniroot``."""
    if fa == 0:
        return a
    if fb == 0:
        return b
    c, fc = a, fa
    for _ in range(1001):
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        enough = 2 * _EPSILON * abs(b) + _ROOT_TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= enough or fb == 0:
            return b
        if abs(previous) >= enough and abs(fa) > abs(fb):
            span = c - b
            if a == c:
                s = fb / fa
                p, q = span * s, 1.0 - s
            else:
                r, s, t = fa / fc, fb / fc, fb / fa
                p = t * (span * r * (r - s) - (b - a) * (s - 1.0))
                q = (r - 1.0) * (s - 1.0) * (t - 1.0)
            p, q = (p, -q) if p > 0 else (-p, q)
            if p < 0.75 * span * q - abs(enough * q) / 2 and p < abs(previous * q / 2):
                step = p / q
        if abs(step) < enough:
            step = enough if step > 0 else -enough
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0 and fc > 0) or (fb < 0 and fc < 0):
            c, fc = a, fa
    return b


@cache
def _quantile(probability: float) -> float:
    from statistics import NormalDist  # takes 10 ms to import

    return NormalDist().inv_cdf(probability)


def _mean(values: Sequence[float]) -> float:
    """In two passes, as the reference; added one by one, because :func:`sum` compensates from Python 3.12 on."""
    first = reduce(add, values, 0.0) / len(values)
    return first + reduce(add, (value - first for value in values), 0.0) / len(values)
