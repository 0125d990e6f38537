"""A series in one line of text, for its shape only: it has no axis."""

from collections.abc import Sequence
from statistics import fmean

from widgets.chart.data import drawable

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "


def sparkline(values: Sequence[float | None], width: int, bounds: tuple[float, float] | None = None) -> str:
    """``values`` from left to right in exactly ``width`` cells, each as high as the mean of its part of them.

    What is missing, infinite or not a number is a gap. A series that does not move lies in the middle.

    Args:
        bounds: the lowest and the highest value there is room for, so that several curves can be compared; those
            of ``values`` where it is None.
    """
    count = len(values)
    means: list[float | None] = []
    for cell in range(max(0, width) if count else 0):
        first = cell * count // width
        part = values[first : max(first + 1, (cell + 1) * count // width)]
        present = [value for value in part if value is not None and drawable(value)]
        means.append(fmean(present) if present else None)
    there = [mean for mean in means if mean is not None]
    lo, hi = bounds or (min(there, default=0.0), max(there, default=0.0))
    text = "".join(_GAP if mean is None else _block(mean, lo, hi) for mean in means)
    return text.ljust(max(0, width))


def _block(value: float, lo: float, hi: float) -> str:
    if hi - lo <= max(abs(lo), abs(hi)) * 1e-6:  # rounding errors make no mountains
        return _BLOCKS[(len(_BLOCKS) - 1) // 2]
    share = min(max(0.0, (value - lo) / (hi - lo)), 1.0)
    return _BLOCKS[round(share * (len(_BLOCKS) - 1))]
