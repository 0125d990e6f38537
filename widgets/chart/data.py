"""What a chart shows, as plain values, and what follows from them before anything is drawn."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

MOST_POINTS = 240
"""Drawn of one line: twice as many take twice the time and cannot be told apart in a terminal."""

Run: TypeAlias = tuple[tuple[float, float], ...]
"""Points (time, value) that belong together: there is no gap between them."""


class ChartLine(NamedTuple):
    """One series. Its role decides how it is drawn, which can be told without colours."""

    label: str
    role: Literal["baseline", "canary", "champion", "run", "other"]
    times: Sequence[float]
    """Seconds since the epoch, or steps; ascending."""
    values: Sequence[float | None]
    """As many as times; None is a gap, and drawn as one."""
    ceiling: float | None = None
    """A value that says no more than "at least"."""


class Limit(NamedTuple):
    """A value that should not be passed."""

    label: str
    value: float
    role: Literal["warn", "fail"]


class Marker(NamedTuple):
    """A moment when something happened."""

    time: float
    label: str


class ChartData(NamedTuple):
    """All there is to draw. Equal data is the same picture."""

    title: str = ""
    unit: str = ""
    start: float = 0.0
    end: float = 0.0
    """The time shown, seconds since the epoch; or the steps."""
    lines: tuple[ChartLine, ...] = ()
    limits: tuple[Limit, ...] = ()
    markers: tuple[Marker, ...] = ()
    notes: tuple[str, ...] = ()
    message: str = ""
    """Said instead of a picture: what went wrong, or what is waited for."""
    cursor: float | None = None
    """A moment whose values are told."""
    log: bool = False
    """On a logarithmic scale; what is not above 0 has no place on it."""
    small: bool = False
    """One of many: drawn in a moment, with one line less of axis."""
    steps: bool = False
    """The lines run over steps, which are counted, instead of time."""


def runs(line: ChartLine, start: float, end: float, most: int, above: float = -math.inf) -> tuple[Run, ...]:
    """The points of ``line`` from ``start`` to ``end``, apart where there are gaps, thinned to about ``most``.

    Of neighbours that are too many the lowest and the highest stay, so no spike is lost, and the same ones while time
    goes on. A gap divides the line
    however short it is. What cannot be drawn (infinities, NaN, what is not ``above``) is a gap.
    """
    points = [
        (time, value if value is not None and drawable(value) and value > above else None)
        for time, value in zip(line.times, line.values, strict=False)
        if start <= time <= end
    ]
    kept = _extremes(points, max((end - start) / max(1, most // 2), 1e-9))
    found: list[list[tuple[float, float]]] = []
    apart = True
    for i, (time, value) in enumerate(points):
        if value is None:
            apart = True
        elif i in kept:
            if apart:
                found.append([])
                apart = False
            found[-1].append((time, value))
    return tuple(map(tuple, found))


def drawable(value: float) -> bool:
    """There is a place for it on an axis."""
    return math.isfinite(value) and abs(value) < 1e300


def _extremes(points: Sequence[tuple[float, float | None]], size: float) -> set[int]:
    """The indexes of the lowest and the highest of the points in each ``size`` seconds, counted from the epoch."""
    there = [
        (math.floor(time / size), value, i) for i, (time, value) in enumerate(points) if value is not None
    ]
    kept: set[int] = set()
    for _, group in groupby(there, key=lambda each: each[0]):
        near = list(group)
        kept |= {min(near)[2], max(near)[2]}
    return kept


def last_value(line: ChartLine) -> tuple[float, float, bool] | None:
    """The newest value of ``line``, its time, and whether the line ends there; None without any."""
    for i in range(min(len(line.times), len(line.values)) - 1, -1, -1):
        value = line.values[i]
        if value is not None and drawable(value):
            return value, line.times[i], i == len(line.times) - 1
    return None


def value_at(line: ChartLine, at: float) -> float | None:
    """The value of ``line`` at the time nearest to ``at``; None in a gap and beyond its ends."""
    count = min(len(line.times), len(line.values))
    index = bisect_left(line.times, at, 0, count)
    if index == count or at < line.times[0]:
        return None
    if index and at - line.times[index - 1] < line.times[index] - at:
        index -= 1
    value = line.values[index]
    return value if value is not None and drawable(value) else None


def scale(lo: float, hi: float, limits: Iterable[Limit]) -> tuple[float, float]:
    """The range of values to show: of the data, ``lo`` to ``hi``, and of the limits.

    A limit widens the range, unless this left the data less than two thirds of it.
    """
    spread = max(hi - lo, max(abs(lo), abs(hi)) / 10)
    for limit in limits:
        wide = min(lo, limit.value), max(hi, limit.value)
        if drawable(limit.value) and wide[1] - wide[0] <= 1.5 * spread:
            lo, hi = wide
    return lo, hi
