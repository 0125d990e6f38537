"""Where the ticks of a chart stand, and what they and its values are called."""

import math
import time
from collections.abc import Iterator

_SUFFIXES = ("", "k", "M", "G", "T", "P")
_DAY = 86400
_TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 91, 364)),
)


def value_ticks(lo: float, hi: float, most: int) -> tuple[float, ...]:
    """Two to ``most`` round values, or to three if that is more: the first not above ``lo``, the last not below
    ``hi``, both finite and below 1e300.

    As long as the data moves between two ticks, they stay the same.
    """
    room = max(abs(lo), abs(hi)) * 1e-6 or 1.0
    if hi - lo < room:  # a flat line stands in the middle, and rounding errors make no mountains
        lo, hi = lo - room / 2, hi + room / 2
    most = max(3, most)
    for step in _round_steps((hi - lo) / most):
        first, last = math.floor(lo / step), math.ceil(hi / step)
        if last - first < most:
            return tuple(number * step for number in range(first, last + 1))
    raise AssertionError("steps grow without end")


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
        return tuple(f"{tick:.1e}" if tick else "0" for tick in ticks)
    scale = 1000.0**power
    decimals = max(0, -math.floor(math.log10(step / scale) + 1e-9))
    return tuple(f"{tick / scale + 0.0:.{decimals}f}{_SUFFIXES[power]}" for tick in ticks)


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


def clock_text(at: float) -> str:
    """``at``, seconds since the epoch, as local ``14:05``."""
    return time.strftime("%H:%M", time.localtime(at))


def log_ticks(lo: float, hi: float, most: int) -> tuple[float, ...]:
    """Like :func:`value_ticks` on a logarithmic scale, ``lo`` above 0: 1, 2 and 5 times powers of ten where there is
    room, else powers of ten only, or every few of them."""
    most = max(3, most)
    first, last = math.floor(math.log10(lo)), math.ceil(math.log10(hi))
    fine = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in (1, 2, 5)]
    low = max(index for index, tick in enumerate(fine) if tick <= lo * (1 + 1e-9))
    high = next(index for index, tick in enumerate(fine) if tick >= hi * (1 - 1e-9))
    fine = fine[low : max(high, low + 1) + 1]
    if len(fine) <= most:
        return tuple(fine)
    last = max(last, first + 1)
    stride = math.ceil((last - first) / (most - 1))
    return tuple(float(f"1e{min(power, 307)}") for power in range(first, last + stride, stride))


class ValueAxis:
    """The ticks of one chart from refresh to refresh. They stay while they hold the data and leave it half of their
    room, so that values near a tick do not make the labels jump to and fro."""

    def __init__(self) -> None:
        self._ticks: tuple[float, ...] = ()
        self._of: tuple[object, ...] = ()

    def ticks(self, lo: float, hi: float, most: int, *, log: bool, of: object) -> tuple[float, ...]:
        """Ticks for values from ``lo`` to ``hi``; ``of`` is what they are ticks of: another subject begins anew."""
        fresh = log_ticks(lo, hi, most) if log else value_ticks(lo, hi, most)
        old = self._ticks
        same = self._of == (of, most, log)
        if not (same and old[0] <= lo and hi <= old[-1] and 2 * _length(fresh, log) >= _length(old, log)):
            self._ticks, self._of = fresh, (of, most, log)
        return self._ticks


def _length(ticks: tuple[float, ...], log: bool) -> float:
    return math.log10(ticks[-1]) - math.log10(ticks[0]) if log else ticks[-1] - ticks[0]


def moment_text(at: float, span: float, step: float = 60.0) -> str:
    """``at`` in local time as one says it of a range of ``span`` seconds: ``14:05``, ``14:05:30`` where values are
    less than a minute apart, ``24 Nov 14:05`` where it is more than a day."""
    words = "%d %b %H:%M" if span > _DAY else "%H:%M:%S" if step < 60 else "%H:%M"
    return time.strftime(words, time.localtime(at))
