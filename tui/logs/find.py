"""Search in a spool, a few milliseconds at a time, so that the loop stays free while a long log is searched."""

import asyncio
from bisect import bisect_right
from itertools import pairwise

from tui.logs.neutral import without_styles
from tui.logs.rules import Finder
from tui.logs.spool import Spool


class Search:
    """The lines of a spool that a finder finds, counted as far as ``scan`` came and looked up from anywhere.

    Remembers how many lines were found in each stretch, not which: memory does not grow with what is found. The
    preview at the end is not searched.
    """

    def __init__(self, spool: Spool, finder: Finder) -> None:
        self.finder = finder
        self._spool = spool
        self._restart()

    def _restart(self) -> None:
        self._generation = self._spool.generation
        self._gap = self._spool.gap
        self._firsts: list[int] = []  # of the stretches looked at, all between them known
        self._ends: list[int] = []
        self._counts: list[int] = []
        self.count = 0
        """Lines found so far."""
        self.scanned = 0
        """Lines looked at so far."""

    @property
    def complete(self) -> bool:
        """All settled lines are counted."""
        self._follow()
        return self.scanned >= self._spool.settled

    async def scan(self) -> None:
        """Count until all settled lines are done; call it again when more have come."""
        while not self.complete:
            first, end = self._spool.span(self.scanned)
            found = len(self._find(self.scanned, end))
            if self._firsts and self._firsts[-1] >= first:
                self._ends[-1] = end
                self._counts[-1] += found
            else:
                self._firsts.append(self.scanned)
                self._ends.append(end)
                self._counts.append(found)
            self.count += found
            self.scanned = end
            await asyncio.sleep(0)

    async def next(self, line: int) -> int | None:
        """The first line found after ``line``."""
        generation = self._spool.generation
        line += 1
        while line < self._spool.settled and generation == self._spool.generation:
            self._follow()
            if (empty := self._empty(line)) is not None:
                line = empty[1]
                continue
            end = self._spool.span(line)[1]
            if found := self._find(line, end):
                return found[0]
            line = end
            await asyncio.sleep(0)
        return None

    async def previous(self, line: int) -> int | None:
        """The last line found before ``line``."""
        generation = self._spool.generation
        line = min(line, self._spool.settled)
        while line > 0 and generation == self._spool.generation:
            self._follow()
            if (empty := self._empty(line - 1)) is not None:
                line = empty[0]
                continue
            first = self._spool.span(line - 1)[0]
            if found := self._find(first, line):
                return found[-1]
            line = first
            await asyncio.sleep(0)
        return None

    def rank(self, line: int) -> int:
        """How many of the lines found so far are ``line`` or before it."""
        self._follow()
        stretch = bisect_right(self._firsts, line) - 1
        if stretch < 0:
            return 0
        end = min(line + 1, self._ends[stretch])
        return sum(self._counts[:stretch]) + len(self._find(self._firsts[stretch], end))

    def _follow(self) -> None:
        """Take note of what the spool dropped or replaced."""
        if self._generation != self._spool.generation:
            self._restart()
        elif (gap := self._spool.gap) is not None and gap != self._gap:
            self._gap = gap
            kept = [i for i, first in enumerate(self._firsts) if not gap[0] <= first < gap[1]]
            self._firsts = [self._firsts[i] for i in kept]
            self._ends = [self._ends[i] for i in kept]
            self._counts = [self._counts[i] for i in kept]
            self.count = sum(self._counts)

    def _empty(self, line: int) -> tuple[int, int] | None:
        """The stretch around ``line`` that is known to hold nothing: its first line, and the one after its last."""
        stretch = bisect_right(self._firsts, line) - 1
        if stretch < 0 or line >= self._ends[stretch] or self._counts[stretch]:
            return None
        return self._firsts[stretch], self._ends[stretch]

    def _find(self, first: int, end: int) -> list[int]:
        """The lines found from ``first`` to ``end`` (not included), which lie in one span of the spool."""
        if self._gap and self._gap[0] <= first < self._gap[1]:
            return []
        found = [first + number for number in self._matching(self._spool.text(first, end))]
        if not self.finder.runs or not found:
            return found
        goes_on = found[0] == first > 0 and self._matching(self._spool.read(first - 1) + b"\n")
        return [
            line for before, line in pairwise([first - 1 if goes_on else -2, *found]) if before != line - 1
        ]

    def _matching(self, text: bytes) -> list[int]:
        return self.finder.lines(without_styles(text))
