"""Where the ticks of a chart stand, and what they and its values are called."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

LABEL_WIDTH = 8
"""Cells for the name of a tick: as many as ever, so that the axis does not jump when the values change."""
_FLAT = 1e-6
"""What moves by no more than this share of itself does not move: rounding errors make no mountains."""
_LEAST = 1e-300
"""What is less far from zero is zero: a step that is smaller than this has no power of ten."""

_SUFFIXES = ("", "k", "M", "G", "T", "P")
_DAY = 86400
_TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 91, 364)),
)


class Scale(NamedTuple):
    """Which value each row of a canvas stands for, and which rows are named."""

    bottom: float
    top: float
    """What the lowest and the highest row stand for; on a logarithmic scale, the powers of ten."""
    ticks: tuple[float, ...]
    log: bool = False

    def height(self, value: float) -> float:
        """Where ``value`` is: 0 is the middle of the lowest row, 1 that of the highest."""
        place = (math.log10(value) if value > 0 else -math.inf) if self.log else value
        return (place - self.bottom) / (self.top - self.bottom)


def value_scale(lo: float, hi: float, rows: int, gap: int) -> Scale:
    """The scale for values from ``lo`` to ``hi``, both finite and below 1e300, on a canvas of three rows or more.

    Its ticks are round, and each is as many rows above the one before: ``gap`` or a few more, if there are as many.
    """
    largest = max(abs(lo), abs(hi))
    if largest < _LEAST:
        lo, hi = 0.0, 1.0
    elif hi - lo <= largest * _FLAT:  # a flat line is in the middle, but zero is at the bottom
        lo, hi = lo - largest / 20, hi + largest / 20

    def fitting(apart: int) -> tuple[float, Scale]:
        for step in _round_steps((hi - lo) * apart / (rows - 1)):
            row = step / apart
            bottom = math.floor(lo / row + 1e-9)  # in rows, as all the following
            top = bottom + rows - 1
            ticks = tuple(number * step for number in range(-(-bottom // apart), top // apart + 1))
            if top * row >= hi and len(ticks) > 1 and _legible(value_labels(ticks)):
                return row, Scale(bottom * row, top * row, ticks)
        raise AssertionError("steps grow without end")

    return _finest(fitting, rows, gap)


def _legible(labels: Sequence[str]) -> bool:
    return len(set(labels)) == len(labels) and max(map(len, labels)) <= LABEL_WIDTH


def log_scale(lo: float, hi: float, rows: int, gap: int) -> Scale:
    """Like :func:`value_scale` on a logarithmic scale, ``lo`` above 0: ticks at 1, 2 and 5 times powers of ten where
    there is room, which are as far apart as they are, else at powers of ten or every few of them."""
    low, high = math.log10(lo), math.log10(hi)
    first = math.floor(low)
    fine = [float(f"{digit}e{power}") for power in range(first, math.ceil(high) + 1) for digit in (1, 2, 5)]
    below = max(index for index, tick in enumerate(fine) if tick <= lo * (1 + 1e-9))
    above = next(index for index, tick in enumerate(fine) if tick >= hi * (1 - 1e-9))
    fine = fine[below : max(above, below + 1) + 1]
    if (len(fine) - 1) * gap < rows:
        return Scale(math.log10(fine[0]), math.log10(fine[-1]), tuple(fine), True)

    def fitting(apart: int) -> tuple[float, Scale]:
        stride = math.ceil((high - first) * apart / (rows - 1) - 1e-9)
        powers = range(first, first + (rows - 1) // apart * stride + 1, stride)
        ticks = tuple(float(f"1e{power}") for power in powers if power < 308)
        return stride / apart, Scale(first, first + stride * (rows - 1) / apart, ticks, True)

    return _finest(fitting, rows, gap)


def _finest(fitting: Callable[[int], tuple[float, Scale]], rows: int, gap: int) -> Scale:
    """The scale on which a row stands for the least; two ticks only are worth half of that.

    Args:
        fitting: what a row stands for, and the scale, with so many rows from tick to tick.
    """
    least = max(1, min(gap, (rows - 1) // 2))
    found = (fitting(apart) for apart in range(least, min(2 * gap + 1, max(least, rows - 2)) + 1))
    return min(found, key=lambda each: each[0] * (1 if len(each[1].ticks) > 2 else 1.5))[1]


def _round_steps(least: float) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten, from the first that is not below ``least``."""
    power = math.floor(math.log10(least))
    while True:
        for digit in (1.0, 2.0, 5.0):
            if (step := float(f"{digit:g}e{power}")) >= least * (1 - 1e-9):
                yield step
        power += 1


def value_labels(ticks: tuple[float, ...]) -> tuple[str, ...]:
    """The ticks as text, all with the same unit prefix and decimals: ``1.5k``."""
    step, largest = ticks[1] - ticks[0], max(map(abs, ticks))
    power = _power(largest)
    if power is None or step < 1e-7:
        digits = max(0, _exponent(largest) - _exponent(step))
        return tuple(_scientific(tick, digits) if tick else "0" for tick in ticks)
    scale = 1000.0**power
    decimals = max(0, -_exponent(step / scale))
    return tuple(f"{tick / scale + 0.0:.{decimals}f}{_SUFFIXES[power]}" for tick in ticks)


def _exponent(value: float) -> int:
    return math.floor(math.log10(value) + 1e-9)


def _scientific(value: float, digits: int) -> str:
    """``value`` as ``1.5e200`` or ``1e-8``."""
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def value_text(value: float) -> str:
    """``value`` as short as it can be read at a glance: four digits or more, and at most nine characters."""
    if not math.isfinite(value):
        return str(value)
    power = _power(abs(value))
    if power is None or 0 < abs(value) < 1e-4:
        return f"{value:.1e}"
    scaled = value / 1000.0**power
    digits = 3 - (math.floor(math.log10(abs(scaled))) if scaled else 0)
    text = f"{scaled:.{max(0, min(6, digits))}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + _SUFFIXES[power]


def _power(largest: float) -> int | None:
    """Which power of a thousand to count in; plain up to 99,999. None where there is no name for it."""
    power = 0
    while largest >= 99_999.5 if not power else largest >= 1000.0 ** (power + 1):
        power += 1
        if power == len(_SUFFIXES):
            return None
    return power


def time_ticks(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    """At most ``most`` round local times from ``start`` to ``end`` (seconds since the epoch), as ``14:05``,
    ``14:05:30`` where the steps are shorter than a minute, and ``24 Nov`` at midnight if it is more than a day."""
    step = next((step for step in _TIME_STEPS if (end - start) / step < most), math.inf)
    if not math.isfinite(step) or most < 1:
        return ()
    offset = time.localtime(start).tm_gmtoff  # round in local time, also where that is half an hour off
    first = math.ceil((start + offset) / step) * step - offset
    ticks = []
    for number in range(most):
        if (at := first + number * step) > end:
            break
        local = time.localtime(at)
        midnight = end - start > _DAY and local[3:5] == (0, 0)
        ticks.append(
            (at, time.strftime("%d %b" if midnight else "%H:%M:%S" if step < 60 else "%H:%M", local))
        )
    return tuple(ticks)


def step_ticks(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    """At most ``most`` round steps from ``start`` to ``end``, which are whole numbers."""
    if most < 1 or end <= start:
        return ()
    step = next(step for step in _round_steps(max(1.0, (end - start) / most)) if (end - start) / step < most)
    step = max(1.0, step)
    first = math.ceil(start / step)
    ticks = ((first + number) * step for number in range(most))
    return tuple((at, value_text(at)) for at in ticks if at <= end)


def clock_text(at: float) -> str:
    """``at``, seconds since the epoch, as local ``14:05``."""
    return time.strftime("%H:%M", time.localtime(at))


class ValueAxis:
    """The scale of one chart from refresh to refresh. It holds all that was seen of its subject as long as the data
    takes half of that, so that values that come and go do not make it jump to and fro."""

    def __init__(self) -> None:
        self._seen = 0.0, 0.0
        self._of: tuple[object, ...] = ()

    def scale(self, lo: float, hi: float, rows: int, gap: int, *, log: bool, of: object) -> Scale:
        """One for values from ``lo`` to ``hi``; ``of`` is what they are values of: another subject begins anew."""
        seen = min(lo, self._seen[0]), max(hi, self._seen[1])
        if self._of == (of, log) and 2 * _length(lo, hi, log) >= _length(*seen, log):
            lo, hi = seen
        self._seen, self._of = (lo, hi), (of, log)
        return log_scale(lo, hi, rows, gap) if log else value_scale(lo, hi, rows, gap)


def _length(lo: float, hi: float, log: bool) -> float:
    return math.log10(hi) - math.log10(lo) if log else hi - lo


def moment_text(at: float, span: float, step: float = 60.0) -> str:
    """``at`` in local time as one says it of a range of ``span`` seconds: ``14:05``, ``14:05:30`` where values are
    less than a minute apart, ``24 Nov 14:05`` where it is more than a day."""
    words = "%d %b %H:%M" if span > _DAY else "%H:%M:%S" if step < 60 else "%H:%M"
    return time.strftime(words, time.localtime(at))
