"""What both parsers share: cutting a stream of bytes into whole lines, however it arrives."""

import copy
from abc import ABC, abstractmethod
from array import array
from datetime import datetime
from itertools import accumulate
from math import nan

from tui.domain.log import LogLines

PIECE = 1 << 18
"""Bytes parsed at once: a few milliseconds of work, and what one batch of lines is at most (but for a long line)."""

LINE_LIMIT = 1 << 22
"""Bytes of a line after which it is broken, so that a server that never sends a newline cannot fill the memory."""

_LOOKAHEAD = 32
"""Bytes behind a newline that may tell that the line goes on (a row header of GitLab)."""


class Parser(ABC):
    """Bytes of a log in, canonical lines out; the same lines however the bytes were cut.

    Args:
        position: where in the raw log the first byte lies.
        line_limit: see ``LINE_LIMIT``; at least 128.
    """

    def __init__(self, position: int = 0, *, line_limit: int = LINE_LIMIT) -> None:
        self._held = b""
        self._at = position
        self._limit = line_limit

    @property
    def position(self) -> int:
        """Where in the raw log the next byte to be fed lies."""
        return self._at + self._raw_size(self._held)

    def feed(self, data: bytes) -> list[LogLines]:
        """The lines that became whole with ``data``. What is left is held until more comes."""
        batches = []
        piece = min(PIECE, self._limit // 2)
        for start in range(0, len(data), piece):
            self._held += data[start : start + piece]
            end = self._whole()
            while self._too_long(end):
                batches.append(self._take(self._break()))
                end = self._whole()
            if end:
                batches.append(self._take(end))
        return [batch for batch in batches if batch.text]

    def preview(self) -> LogLines:
        """The held part of a line as it stands, without changing anything. Its sections do not count yet."""
        twin = copy.copy(self)
        twin._held = twin._rest()
        return twin._take(len(twin._held)) if twin._held else LogLines(b"", array("Q"))

    def finish(self) -> list[LogLines]:
        """The rest, when nothing more will come."""
        batches = []
        while self._too_long(len(self._held)):
            batches.append(self._take(self._break()))
        self._held = self._rest()
        if self._held:
            batches.append(self._take(len(self._held)))
        return [batch for batch in batches if batch.text]

    def _too_long(self, end: int) -> bool:
        """The first line is to be broken, given where what is known to be whole ends. Hangs on its own bytes alone."""
        if len(self._held) <= self._limit + (0 if end else _LOOKAHEAD):
            return False
        return not (end and 0 < self._first_end() <= self._limit + 1)

    def _break(self) -> int:
        """Where to break the first line, which is longer than the limit: behind progress, else between characters."""
        data, cut = self._held, self._limit
        if (behind := data.rfind(b"\r", cut // 2, cut - 1) + 1) > 0:
            return behind
        while 0x80 <= data[cut] < 0xC0 and cut > self._limit - 4:
            cut -= 1
        return cut

    def _take(self, end: int) -> LogLines:
        block, self._held = self._held[:end], self._held[end:]
        at = self._at
        self._at += self._raw_size(block)
        return self._lines(block if block.endswith(b"\n") else block + b"\n", at)

    # What the dialects differ in

    def _raw_size(self, data: bytes) -> int:
        """How many bytes of the raw log ``data`` stands for."""
        return len(data)

    def _whole(self) -> int:
        """Where the last whole line that is held ends; 0 when there is none."""
        return self._held.rfind(b"\n") + 1

    def _first_end(self) -> int:
        """Where the first whole line that is held ends; 0 when there is none."""
        return self._held.find(b"\n") + 1

    def _rest(self) -> bytes:
        """What is held, without what is no text yet."""
        return self._held

    @abstractmethod
    def _lines(self, block: bytes, position: int) -> LogLines:
        """The canonical lines in ``block``, which holds whole lines and begins at ``position`` of the raw log.

        May replace what the parser remembers of a log, but never change it in place: ``preview`` works on a
        shallow copy.
        """


def line_starts(block: bytes, base: int) -> "array[int]":
    """Where each line of ``block`` begins, counted from ``base``."""
    if b"\r" in block:  # splitlines would split there too
        sizes = map((1).__add__, map(len, block.split(b"\n")[:-1]))
    else:
        sizes = map(len, block.splitlines(keepends=True))
    starts = array("Q", accumulate(sizes, initial=base))
    starts.pop()
    return starts


class Seconds(dict[bytes, float]):
    """What times ``2026-05-08T09:28:43`` in UTC stand for, worked out once each; NaN where there is no such time."""

    def __missing__(self, text: bytes) -> float:
        try:
            self[text] = datetime.fromisoformat(text.decode("ascii") + "+00:00").timestamp()
        except ValueError:
            self[text] = nan
        return self[text]
