"""Which lines of a log are to be seen: all but those in folds."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate


class LogRows:
    """The lines ``0`` to ``total`` (not included) without the ``hidden`` ranges; row ``r`` is the r-th that is left.

    Args:
        total: how many lines there are.
        hidden: ranges of lines, each as its first line and the one after its last; they may overlap.
    """

    def __init__(self, total: int, hidden: Iterable[tuple[int, int]] = ()) -> None:
        self.total = total
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted((max(0, start), min(end, total)) for start, end in hidden):
            if start >= end:
                continue
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
        sizes = (end - start for start, end in zip(self._starts, self._ends, strict=True))
        self._before = list(accumulate(sizes, initial=0))  # hidden lines before each range, and all of them
        self._rows = [start - before for start, before in zip(self._starts, self._before, strict=False)]

    def __len__(self) -> int:
        return self.total - self._before[-1]

    def line(self, row: int) -> int:
        """The line in ``row``."""
        return row + self._before[bisect_right(self._rows, row)]

    def row(self, line: int) -> int:
        """The row ``line`` is in; of a hidden line, the one before it."""
        index = bisect_right(self._starts, line)
        if index and line < self._ends[index - 1]:
            return max(0, self._rows[index - 1] - 1)
        return line - self._before[index]
