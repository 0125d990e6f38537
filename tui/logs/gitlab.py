"""GitLab job logs (contracts: gitlab §5.5).

Takes what ``/trace`` sends, with or without the 32-byte row headers that runners write since 18.7.
"""

import re
from array import array
from math import nan

from tui.domain.log import LogLines, SectionClosed, SectionOpened
from tui.logs.neutral import last_segments, neutral, self_contained, styles_of, without_styles
from tui.logs.parser import LINE_LIMIT, Parser, Seconds, line_starts
from tui.logs.sections import Sections

_HEADER_SIZE = 32
_HEADER = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z [0-9a-f]{2}[EO]([ +])")
_ROW = re.compile(rb"(?:%b)?(.*)\n" % _HEADER.pattern)
_HEADER_BEGUN = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]*Z?(?: [0-9a-f]{0,2}[EO]?)?")
# The carriage return is lost in logs that were saved through a browser.
_SECTION = re.compile(
    rb"section_(start|end):(\d{1,20}):([A-Za-z0-9_.-]{1,200})(\[[^\]\r\n]{0,500}\])?"
    rb"(?:\r\x1b\[0?K|\x1b\[0?K|\r|(?=\n|$))"
)
_COLOURS = rb"(?:\x1b\[[0-9;:]{0,128}[mK])+\r*\n?"
_INVISIBLE = {
    False: re.compile(_COLOURS),
    True: re.compile(_HEADER.pattern.replace(b"[ +]", b" ") + _COLOURS),
}
"""A row of colour codes only, in a log without row headers and with them."""
_LATEST = 1e11  # seconds; a later time is none


class GitLabParser(Parser):
    """A GitLab trace in, canonical lines out. Positions are bytes of the trace.

    A row is held until the next one has begun where rows have headers, since that one may continue it.
    """

    def __init__(self, position: int = 0, *, line_limit: int = LINE_LIMIT) -> None:
        super().__init__(position, line_limit=line_limit)
        self._timed: bool | None = None
        self._continued_to = 0
        self._style = b""
        self._owed = b""
        self._sections = Sections()

    def _has_headers(self) -> bool:
        """Decided once for a log, by its first row."""
        if self._timed is None and (len(self._held) >= _HEADER_SIZE or b"\n" in self._held):
            self._timed = _HEADER.match(self._held) is not None
        return bool(self._timed)

    def _continues(self, at: int) -> bool:
        """The row at ``at`` continues the one before it."""
        return (
            self._held.startswith(b"+", at + _HEADER_SIZE - 1) and _HEADER.match(self._held, at) is not None
        )

    def _whole(self) -> int:
        if not self._has_headers():
            end = super()._whole()
            last = self._held.rfind(b"\n", 0, max(0, end - 1)) + 1
            # It may be the last one, see _rest; what it is shows when more comes.
            return last if end == len(self._held) and _INVISIBLE[False].fullmatch(self._held, last) else end
        known = self._continued_to  # up to here it is one line, seen before: a long chain is walked once
        end = newest = self._held.rfind(b"\n", known, len(self._held) - _HEADER_SIZE) + 1
        while end and self._continues(end):
            end = self._held.rfind(b"\n", known, end - 1) + 1
        self._continued_to = 0 if end else newest or known
        return end

    def _first_end(self) -> int:
        end = super()._first_end()
        if self._has_headers():
            while end and self._continues(end):
                end = self._held.find(b"\n", end) + 1
        return end

    def _break(self) -> int:
        self._continued_to = 0
        if self._has_headers() and (row := self._held.rfind(b"\n", self._limit // 2, self._limit) + 1):
            return row
        return super()._break()

    def _rest(self) -> bytes:
        held = self._held
        row = held.rfind(b"\n") + 1
        if self._has_headers() and len(held) - row < _HEADER_SIZE and _HEADER_BEGUN.fullmatch(held, row):
            held = held[:row]
        # The runner ends a log with a row that only takes back a colour.
        last = held.rfind(b"\n", 0, max(0, len(held) - 1)) + 1
        return held[:last] if _INVISIBLE[self._has_headers()].fullmatch(held, last) else held

    def _lines(self, block: bytes, position: int) -> LogLines:
        times: array[float] | None = None
        marks: list[SectionOpened | SectionClosed] = []
        if self._timed:
            lines, positions, times = _rows(block, position)
            block = b"\n".join(lines) + b"\n"
        else:
            positions = line_starts(block, position)
        if b"section_" in block:
            block, positions, times, marks = self._sectioned(block, positions, times)
        elif self._owed:
            block, self._owed = self._owed + block, b""
        block, self._style = self_contained(neutral(last_segments(block)), self._style)
        return LogLines(block, positions, times, tuple(marks))

    def _sectioned(
        self, block: bytes, positions: "array[int]", times: "array[float] | None"
    ) -> "tuple[bytes, array[int], array[float] | None, list[SectionOpened | SectionClosed]]":
        """Take the section markers out of ``block``. A line begins at each section and behind each end.

        A line that held only ends vanishes, but for the style it set; a section without a header shows its name.
        """
        texts: list[bytes] = []
        origins = array("Q")  # for each text the row it came from
        marks: list[SectionOpened | SectionClosed] = []
        for row, line in enumerate(block.split(b"\n")[:-1]):
            markers = list(_SECTION.finditer(line)) if b"section_" in line else []
            begins = [0, *(marker.end() for marker in markers)]
            ends = [*(marker.start() for marker in markers), len(line)]
            pieces = [line[begin:end] for begin, end in zip(begins, ends, strict=True)]
            waiting = b""  # the name of a section whose header comes next
            for number, piece in enumerate(pieces):
                if not markers or _shown(piece):
                    waiting = b""
                elif not waiting:
                    self._owed = styles_of(self._owed + piece)
                    piece = b""
                if not markers or piece or waiting:
                    texts.append(self._owed + piece + waiting)
                    origins.append(row)
                    self._owed = waiting = b""
                if number < len(markers):
                    marks += self._mark(markers[number], len(texts), _shown(pieces[number + 1]))
                    waiting = markers[number][3] if markers[number][1] == b"start" else b""
        text = b"\n".join(texts) + b"\n" if texts else b""
        return (
            text,
            array("Q", (positions[row] for row in origins)),
            array("d", (times[row] for row in origins)) if times else None,
            marks,
        )

    def _mark(self, marker: re.Match[bytes], line: int, header: str) -> list[SectionOpened | SectionClosed]:
        name = marker[3].decode()
        seconds = float(marker[2])
        at = seconds if seconds < _LATEST else None
        if marker[1] == b"end":
            marks, self._sections = self._sections.close(name, line, at=at)
        else:
            collapsed = b"collapsed=true" in (marker[4] or b"")
            marks, self._sections = self._sections.open(
                name, line, name=name, header=header or name, collapsed=collapsed, at=at
            )
        return marks


def _shown(text: bytes) -> str:
    """What one sees of a piece of a line."""
    return without_styles(neutral(last_segments(text + b"\n"))).decode().strip("\n")


def _rows(block: bytes, position: int) -> "tuple[list[bytes], array[int], array[float]]":
    """The rows of ``block`` without headers, joined where one continues another; where and when each began."""
    texts: list[bytes] = []
    positions = array("Q")
    times = array("d")
    seconds = Seconds()
    chain: list[bytes] = []  # what continues the last text
    for (second, micros, mark, text), start in zip(
        _ROW.findall(block), line_starts(block, position), strict=True
    ):
        if mark == b"+" and texts:
            chain.append(text)
            continue
        if chain:
            texts[-1] += b"".join(chain)
            chain.clear()
        texts.append(text)
        positions.append(start)
        times.append(seconds[second] + int(micros) / 1e6 if mark else nan)
    if chain:
        texts[-1] += b"".join(chain)
    return texts, positions, times
