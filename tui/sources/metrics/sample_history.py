"""A past for servers that tell only how things are now: what was seen when somebody asked, in this program or, where
that is kept on disk, in another one.

Nothing here asks by itself (rule 4): the scheduler's questions make the past, and questions that come together share
one request.
"""

import asyncio
import math
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from tui.domain.series import Grid
from tui.sources.base import SourceError
from tui.sources.looks import Shelf
from tui.text.safe import clean
from tui.threads import in_thread

SOONEST = 5.0
"""Seconds within which an answer, or a failure, serves all questions."""
KEPT = 1500
"""Looks kept of each thing: six hours of the quickest chart."""
MOST = 64
"""Things of which a past is kept."""
HELD = 120.0
"""Seconds that a value stands for, if not longer: without focus one asks once a minute."""

Page = TypeVar("Page")
Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")
Point = tuple[float, float]
"""Time and value."""


class SampleHistory(Generic[Page, Key, T]):
    """Looks at one page, and what was seen of each thing that was asked for.

    Args:
        read: asks for the page.
        pick: what the page says of a thing.
    """

    def __init__(
        self, read: Callable[[], Awaitable[Page]], pick: Callable[[Page, Key], T], clock: Callable[[], float]
    ) -> None:
        self._read = read
        self._pick = pick
        self._clock = clock
        self._seen: OrderedDict[Key, deque[tuple[float, T]]] = OrderedDict()
        self._last: tuple[float, Page | SourceError] | None = None
        self._reading = asyncio.Lock()
        self._shelf: Shelf[Key, T] | None = None

    def keep(self, shelf: Shelf[Key, T]) -> None:
        """Begin with what is known there, and put there what is seen."""
        self._shelf = shelf

    @property
    def notes(self) -> tuple[str, ...]:
        """That what is seen lasts no longer than the program, where it should."""
        problem = self._shelf.problem if self._shelf is not None else None
        return (clean(problem),) if problem else ()

    async def look(self, keys: Sequence[Key]) -> list[Sequence[tuple[float, T]]]:
        """What was seen of each of ``keys`` so far, after a look at the page unless one has just been taken.

        Raises:
            SourceError: the page could not be read.
        """
        async with self._reading:
            at, page = await self._current()
            if new := [key for key in dict.fromkeys(keys) if key not in self._seen]:
                for key, past in zip(new, await self._known(new, at), strict=True):
                    self._seen[key] = deque([*past, (at, self._pick(page, key))], maxlen=KEPT)
            for key in keys:
                self._seen.move_to_end(key)
            while len(self._seen) > max(MOST, len(keys)):
                self._seen.popitem(last=False)
            if (shelf := self._shelf) is not None:
                newest = {key: self._seen[key][-1] for key in keys}
                await in_thread(lambda: shelf.add(newest, at))
            return [tuple(self._seen[key]) for key in keys]

    async def _known(self, keys: Sequence[Key], at: float) -> list[list[tuple[float, T]]]:
        """What was seen of ``keys`` before ``at``, by this program before it forgot, or by others."""
        if (shelf := self._shelf) is None:
            return [[] for _ in keys]
        found = await in_thread(lambda: shelf.load(keys, at, KEPT))
        return [[look for look in past if look[0] < at] for past in found]

    async def page(self) -> Page:
        """The page, as a look shows it that was taken now or a moment ago.

        Raises:
            SourceError: it could not be read.
        """
        async with self._reading:
            return (await self._current())[1]

    async def _current(self) -> tuple[float, Page]:
        if self._last is None or not 0 <= self._clock() - self._last[0] < SOONEST:
            await self._scrape()
        assert self._last is not None
        at, page = self._last
        if isinstance(page, SourceError):
            raise page
        return at, page

    async def _scrape(self) -> None:
        try:
            page = await self._read()
        except SourceError as error:
            self._last = (self._clock(), error)
            return
        self._last = (self._clock(), page)
        for key, past in self._seen.items():
            past.append((self._last[0], self._pick(page, key)))


def held(points: Sequence[Point], grid: Grid) -> tuple[float | None, ...]:
    """For each time of the grid the newest value before the next time, unless it is too old.

    Not the newest until then: the grid ends before now, and what has just been seen would not be on it.
    """
    longest, values, newest, index = max(HELD, grid.step), [], None, 0
    for at in grid.times:
        while index < len(points) and points[index][0] < at + grid.step:
            newest = points[index]
            index += 1
        fresh = newest is not None and at - newest[0] < longest and math.isfinite(newest[1])
        values.append(newest[1] if newest is not None and fresh else None)
    return tuple(values)


def within(points: Sequence[Point], start: float, end: float) -> Sequence[Point]:
    """Those of a sorted past after ``start`` and until ``end``.

    Where that is a single one, the one before it comes first, unless it is more than another window older: who looks
    only once in a window still sees what a counter gained from look to look, and no gain counts twice.
    """
    first, last = (bisect_right(points, at, key=_time) for at in (start, end))
    if last - first == 1 and first and points[first - 1][0] >= 2 * start - end:
        first -= 1
    return points[first:last]


def _time(point: Point) -> float:
    return point[0]


def increase(points: Sequence[Point]) -> float:
    """How much a counter rose; where it fell it had begun anew at zero."""
    return sum(
        new - old if new >= old else new
        for (_, old), (_, new) in pairwise(points)
        if math.isfinite(new - old)
    )
