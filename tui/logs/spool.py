"""The spool: a log of any length on disk, any line of it at hand, little of it in memory.

Lines are kept in blocks of some 64 KiB with their index behind them. Memory holds one small record for each block and
the index of the newest, so it hardly grows with the log. The files have no names: nothing is left behind, however
the process ends, and what is dropped is free at once.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from math import inf, isnan
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tui.domain.log import LogLines, Section, SectionClosed, SectionOpened
from tui.logs.blocks import INDEX_SIZE, Block, SpoolError, SpoolFile

__all__ = ["DEFAULT_CAP", "Spool", "SpoolError"]

DEFAULT_CAP = 512 << 20
_BLOCK_SIZE = 1 << 16
# Of the cap the head of the log gets a quarter, its tail up to six parts of an eighth each: when a seventh is needed,
# the oldest is dropped.
_PARTS = 6


class Spool:
    """Keeps a log and gives any line of it back.

    Lines count from 0 and keep their number for good. The last ones may be a preview, which the next append replaces.
    A log longer than the cap loses its middle (``gap``): the first line of it says what is missing, the others are
    empty.

    Args:
        directory: where the files are; made for the user alone when it does not exist.
        cap: bytes on disk at most, give or take one batch of lines.
    """

    def __init__(self, directory: Path, *, cap: int = DEFAULT_CAP) -> None:
        self._directory = directory
        self._cap = cap
        self._files: list[SpoolFile] = []
        self.generation = 0
        """Grows with each reset: line numbers of another generation mean nothing."""
        self._clear()

    def _clear(self) -> None:
        for file in self._files:
            file.close()
        self._files = []
        self._blocks: list[Block] = []
        self._firsts: list[int] = []
        self._preview: list[bytes] = []
        self._preview_times: Sequence[float] = ()
        self._sections: list[Section] = []
        self._numbers: dict[int, int] = {}  # a parser's numbers to indices of _sections
        self._dropped_bytes = 0
        self.gap: tuple[int, int] | None = None
        """The lines that were left out: the first, and the one after the last."""
        self.settled = 0
        """How many lines will not change any more."""

    # Writing ------------------------------------------------------------------------------------------------------

    def append(self, lines: LogLines) -> None:
        """Add whole lines. They take the place of the preview.

        Raises:
            SpoolError: the disk is full or cannot be written; nothing was added.
        """
        if not lines.text:
            return
        self._room(len(lines.text) + INDEX_SIZE * len(lines))
        self._blocks[-1].append(lines)
        for mark in lines.marks:
            self._mark(mark)
        self.settled += len(lines)
        self._preview, self._preview_times = [], ()

    def preview(self, lines: LogLines) -> None:
        """Show ``lines`` behind those that are settled, until they are replaced."""
        self._preview = lines.text.split(b"\n")[:-1]
        self._preview_times = lines.times or ()

    def remark(self, words: str) -> None:
        """Add a line that is none of the log: what was not read, what went wrong. ``words`` are clean text.

        Raises:
            SpoolError: as for ``append``.
        """
        self.append(LogLines(_remark(words) + b"\n", array("Q", [0])))

    def reset(self) -> None:
        """Forget everything: the log was replaced by another."""
        self._clear()
        self.generation += 1

    def close(self) -> None:
        """Give the disk space back. The spool is empty after it."""
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _room(self, size: int) -> None:
        """Make the last block one that can take ``size`` bytes, dropping the oldest part of the tail if it must be."""
        if not self._files:
            self._files.append(SpoolFile(self._directory))
        limit = self._cap // 4 if len(self._files) == 1 else self._cap // 8
        block = self._blocks[-1] if self._blocks else None
        pending = INDEX_SIZE * block.count if block is not None and not block.sealed else 0
        full = block is not None and self._files[-1].size + pending + size > limit
        if block is not None and not block.sealed and not full and block.size < _BLOCK_SIZE:
            return
        earliest = -inf
        if block is not None:
            block.seal()
            earliest = block.earliest
        if full:
            self._files.append(SpoolFile(self._directory))
            if len(self._files) > 1 + _PARTS:
                self._drop(self._files.pop(1))
        self._blocks.append(Block(self._files[-1], self.settled, earliest))
        self._firsts.append(self.settled)

    def _drop(self, file: SpoolFile) -> None:
        begin = next(i for i, block in enumerate(self._blocks) if block.file is file)
        end = next(i for i, block in enumerate(self._blocks) if i > begin and block.file is not file)
        first = self.gap[0] if self.gap else self._blocks[begin].first
        self._dropped_bytes += sum(block.size for block in self._blocks[begin:end])
        self.gap = (first, self._blocks[end].first)
        del self._blocks[begin:end], self._firsts[begin:end]
        file.close()

    def _mark(self, mark: SectionOpened | SectionClosed) -> None:
        line = self.settled + mark.line
        if isinstance(mark, SectionOpened):
            parent = None if mark.parent is None else self._numbers.get(mark.parent)
            self._numbers[mark.section] = len(self._sections)
            self._sections.append(
                Section(mark.name, mark.header, line, None, parent, mark.collapsed, mark.at)
            )
        elif (index := self._numbers.get(mark.section)) is not None:
            section = self._sections[index]
            last = line - 1 if section.last is None else section.last
            self._sections[index] = msgspec.structs.replace(section, last=last, closed_at=mark.at)

    # Reading ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.settled + len(self._preview)

    def read(self, line: int, limit: int = 1 << 30) -> bytes:
        """At most ``limit`` bytes of a line, without its newline; empty where there is no such line."""
        if line >= self.settled:
            return self._preview[line - self.settled][:limit] if line < len(self) else b""
        if (block := self._block(line)) is not None:
            return block.line(line, limit)
        return self._missing() if self.gap and line == self.gap[0] else b""

    def time(self, line: int) -> float | None:
        """When a line was written, where the log says."""
        block = self._block(line)
        if block is not None:
            times: Sequence[float] = block.times(line, line + 1)
        else:
            times = self._preview_times[line - self.settled :][:1] if line >= self.settled else ()
        return times[0] if times and not isnan(times[0]) else None

    def position(self, line: int) -> int | None:
        """Where a line begins in the source's raw log; None for one that is not settled or was left out."""
        block = self._block(line)
        return None if block is None else block.position(line)

    @property
    def sections(self) -> list[Section]:
        """All sections in the order they began. Borrowed: do not change it."""
        return self._sections

    def path(self, line: int) -> tuple[Section, ...]:
        """The sections ``line`` lies in, outermost first."""
        index = bisect_right(self._sections, line, key=lambda section: section.first) - 1
        found: list[Section] = []
        parent: int | None = index if index >= 0 else None
        while parent is not None:
            section = self._sections[parent]
            if section.last is None or line <= section.last:
                found.append(section)
            parent = section.parent
        return tuple(reversed(found))

    def line_at(self, when: float) -> int | None:
        """The first line written at ``when`` or later; None when no line is known to be."""
        at = max(0, bisect_right(self._blocks, when, key=lambda block: block.earliest) - 1)
        for block in islice(self._blocks, at, None):
            for number, time in enumerate(block.times(block.first, block.end)):
                if time >= when:
                    return block.first + number
        return None

    def span(self, line: int) -> tuple[int, int]:
        """The settled lines around ``line`` that ``text`` gives at once: the first, and the one after the last."""
        if (block := self._block(line)) is not None:
            return block.first, block.end
        return self.gap if self.gap and self.gap[0] <= line < self.gap[1] else (self.settled, self.settled)

    def text(self, first: int, end: int) -> bytes:
        """The lines ``first`` to ``end`` (not included), each with its newline; they must lie in one ``span``."""
        if first >= end:
            return b""
        if (block := self._block(first)) is not None:
            return block.text(first, end)
        return self._missing() + b"\n" if self.gap and first == self.gap[0] else b""

    def texts(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        """All lines from ``first`` to ``end`` in pieces of some 64 KiB, to be written somewhere."""
        end = len(self) if end is None else min(end, len(self))
        while first < min(end, self.settled):
            stop = min(self.span(first)[1], end)
            yield self.text(first, stop)
            first = stop
        for line in self._preview[max(0, first - self.settled) : max(0, end - self.settled)]:
            yield line + b"\n"

    def _block(self, line: int) -> Block | None:
        index = bisect_right(self._firsts, line) - 1
        if index < 0 or line >= self._blocks[index].end:
            return None
        return self._blocks[index]

    def _missing(self) -> bytes:
        first, end = self.gap or (0, 0)
        size = self._dropped_bytes / 1e6
        return _remark(
            f"{end - first:,} lines ({size:,.1f} MB) are left out here: the log is longer than is kept"
        )


def _remark(words: str) -> bytes:
    return b"\x1b[7m " + words.encode() + b" \x1b[0m"
