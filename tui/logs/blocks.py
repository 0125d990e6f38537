"""What a spool is made of: unnamed files, and blocks of lines with their index in them."""

import os
import time
from array import array
from itertools import accumulate
from math import isnan, nan
from pathlib import Path

from tui.domain.log import LogLines
from tui.files import make_folder, open_file

INDEX_SIZE = 20
"""Bytes of index for one line, at most."""


class SpoolError(Exception):
    """The spool could not be written. The message says where, why and what to do."""


class SpoolFile:
    """A file that only grows, readable for its user alone and without a name from the moment it is open.

    Raises:
        SpoolError: when it cannot be made or written.
    """

    def __init__(self, directory: Path) -> None:
        self.size = 0
        self._directory = directory
        name = directory / f"log-{os.getpid()}-{time.monotonic_ns()}"
        try:
            make_folder(directory)
            self._fd = open_file(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            os.unlink(name)
        except OSError as error:
            raise self._failed(error) from None

    def append(self, data: bytes) -> None:
        """Write all of ``data`` at the end, or leave the file as it was."""
        rest, at = memoryview(data), self.size
        try:
            while rest:
                written = os.pwrite(self._fd, rest, at)
                rest, at = rest[written:], at + written
        except OSError as error:
            raise self._failed(error) from None
        self.size = at

    def read(self, size: int, at: int) -> bytes:
        return os.pread(self._fd, size, at)

    def close(self) -> None:
        os.close(self._fd)

    def _failed(self, error: OSError) -> SpoolError:
        return SpoolError(
            f"cannot keep the log in {self._directory}: {error.strerror}; free some space there, or let "
            "XDG_CACHE_HOME name another directory"
        )


class Block:
    """Consecutive lines: their text in a file and an index of it, in memory while it grows, then behind the text."""

    __slots__ = ("_at", "_index", "count", "earliest", "file", "first", "size", "timed")

    def __init__(self, file: SpoolFile, first: int, earliest: float) -> None:
        self.file = file
        self.first = first
        self.count = 0
        self.size = 0
        self.earliest = (
            earliest  # the first time in it, or else the last known before it; -inf when there is none
        )
        self.timed = False
        self._at = file.size
        self._index: tuple[array[int], array[int], array[float]] | None = (array("I"), array("Q"), array("d"))

    @property
    def sealed(self) -> bool:
        return self._index is None

    @property
    def end(self) -> int:
        """The line after it."""
        return self.first + self.count

    def append(self, lines: LogLines) -> None:
        """Add lines while the block is the last of its file.

        Raises:
            SpoolError: with nothing added.
        """
        assert self._index is not None, "sealed"
        self.file.append(lines.text)
        starts, positions, times = self._index
        starts.extend(accumulate(map(len, lines.text.splitlines(keepends=True)), initial=self.size))
        self.size = starts.pop()
        positions.extend(lines.positions)
        if lines.times is not None:
            if not self.timed:
                self.timed = True
                self.earliest = next((at for at in lines.times if not isnan(at)), self.earliest)
                times.extend([nan] * self.count)
            times.extend(lines.times)
        elif self.timed:
            times.extend([nan] * len(lines))
        self.count += len(lines)

    def seal(self) -> None:
        """Write the index behind the text and keep it no longer.

        Raises:
            SpoolError: with the block left open.
        """
        if self._index is not None:
            self.file.append(b"".join(part.tobytes() for part in self._index))
            self._index = None

    def text(self, first: int, end: int) -> bytes:
        """The lines ``first`` to ``end`` (not included), counted in the whole log."""
        begin = self._start(first - self.first)
        return self.file.read(self._start(end - self.first) - begin, self._at + begin)

    def line(self, line: int, limit: int) -> bytes:
        """At most ``limit`` bytes of a line, without its newline."""
        if self._index is None:
            # One read for both ends of the line; what follows the last start is not an end.
            pair = array("I", self._read(4 * (line - self.first), 8))
            begin, end = pair[0], pair[1] if line + 1 < self.end else self.size
        else:
            begin, end = self._start(line - self.first), self._start(line + 1 - self.first)
        return self.file.read(min(limit, end - begin - 1), self._at + begin)

    def position(self, line: int) -> int:
        number = line - self.first
        if self._index is not None:
            return self._index[1][number]
        return array("Q", self._read(4 * self.count + 8 * number, 8))[0]

    def times(self, first: int, end: int) -> "array[float]":
        """When the lines ``first`` to ``end`` were written, NaN where unknown; empty when the block has no times."""
        if not self.timed:
            return array("d")
        begin, size = first - self.first, end - first
        if self._index is not None:
            return self._index[2][begin : begin + size]
        return array("d", self._read(12 * self.count + 8 * begin, 8 * size))

    def _start(self, number: int) -> int:
        if number >= self.count:
            return self.size
        if self._index is not None:
            return self._index[0][number]
        return array("I", self._read(4 * number, 4))[0]

    def _read(self, at: int, size: int) -> bytes:
        return self.file.read(size, self._at + self.size + at)
