"""The newest part of a log, read in one go and bounded: what is enough to see why a run failed, or what it does."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from tui.domain.address import Address
from tui.domain.log import LogLines, SectionOpened
from tui.domain.pipeline import Run
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.logs.parser import Parser
    from tui.sources.base import PipelineSource

NEWEST = 1 << 20
"""Bytes at the end of a log that are enough."""
MOST = 20 << 20
"""Bytes that are read to come there, where a server cannot begin there."""


class LogEnd(msgspec.Struct, frozen=True):
    """The end of the log that tells most of a run."""

    of: Address
    chosen: str = ""
    """Why this one, where a run has several."""
    text: bytes = b""
    """Canonical lines (:mod:`tui.domain.log`)."""
    begin: int = 0
    """The line at which what failed begins, where that is known."""
    skipped: int = 0
    """Bytes of the log before it."""
    came: int = 0
    """Bytes that were read for it."""
    longer: bool = False
    """More follows than was read."""
    note: str = ""
    """Why there is none."""


@runtime_checkable
class LogEndSource(Protocol):
    """A source that reads the end of a log with one request; of others it is read as any log."""

    async def log_end(self, run: Run, size: int) -> LogEnd:
        """The end of the log of ``run``, which was read with its stages: of its first failed job, if one has failed,
        else of one that runs.

        Args:
            size: bytes at the end that are enough.

        Raises:
            SourceError
        """
        ...


async def log_end(source: "PipelineSource", run: Run, size: int = NEWEST) -> LogEnd:
    """The end of the log that tells most of a run, of which ``size`` bytes are enough.

    Raises:
        SourceError
    """
    if isinstance(source, LogEndSource):
        return await source.log_end(run, size)
    reader, newest = source.log(run.address, size), Newest(size)
    note = ""
    try:
        note = (await reader.read(_Bounded(newest))).note
    except _Enough:
        pass
    return await newest.end(reader.parser, reader.of, reader.chosen, note=note)


class Newest:
    """The last bytes of a text that goes by.

    Args:
        size: how many are kept.
        most: how many may go by.
    """

    def __init__(self, size: int = NEWEST, most: int = MOST) -> None:
        self._size = size
        self._most = most
        self._kept = bytearray()
        self.begin(0)

    def begin(self, position: int) -> None:
        """The text begins, or begins anew, at this byte of the log."""
        self._kept.clear()
        self._first = position
        self._came = 0
        self.longer = False
        """There was more than may go by."""

    def feed(self, data: bytes) -> bool:
        """Take what comes next; False: enough has gone by."""
        room = self._most - self._came
        self.longer = len(data) > room
        self._kept += data[:room]
        self._came += min(len(data), room)
        if len(self._kept) > 2 * self._size:
            self._trim()
        return not self.longer

    async def end(
        self,
        parser: "Callable[[int], Parser]",
        of: Address,
        chosen: str = "",
        *,
        inside: Sequence[str] = (),
        note: str = "",
    ) -> LogEnd:
        """What is kept as lines, without the one that was cut off at the beginning.

        Args:
            inside: sections, outermost first, in the innermost of which begins what matters.
        """
        self._trim()

        def parsed() -> LogEnd:
            made = parser(self._first)
            batches = [*made.feed(bytes(self._kept)), *made.finish()]
            return LogEnd(
                of,
                chosen,
                b"".join(batch.text for batch in batches),
                _begin(batches, inside),
                self._first,
                self._came,
                self.longer,
                note,
            )

        return await in_thread(parsed)

    def _trim(self) -> None:
        if (over := len(self._kept) - self._size) <= 0:
            return
        behind = self._kept.find(b"\n", over) + 1
        cut = behind if 0 < behind < len(self._kept) else over
        del self._kept[:cut]
        self._first += cut


def _begin(batches: Sequence[LogLines], inside: Sequence[str]) -> int:
    """The line at which the last section of one of these names opens, the innermost name first."""
    opened = list(_opened(batches))
    for name in reversed(inside):
        if found := [line for line, section in opened if section == name]:
            return found[-1]
    return 0


def _opened(batches: Sequence[LogLines]) -> Iterator[tuple[int, str]]:
    before = 0
    for batch in batches:
        for mark in batch.marks:
            if isinstance(mark, SectionOpened):
                yield before + mark.line, mark.name
        before += len(batch)


class _Enough(Exception):
    pass


class _Bounded:
    """A :class:`tui.sources.logs.LogSink` that takes no more than may go by."""

    def __init__(self, newest: Newest) -> None:
        self._newest = newest

    def begin(self, position: int) -> None:
        self._newest.begin(position)

    def feed(self, data: bytes) -> None:
        if not self._newest.feed(data):
            raise _Enough
