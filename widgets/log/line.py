"""One line of a log, with its colours, in terminal cells: any part of it, however long it is."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

TAB = 8
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_CUT_OFF = re.compile(r"\x1b[^m]*$")
_AROUND = 200
"""Characters beside the visible ones in which a highlighted text may begin or end."""


class Pen(NamedTuple):
    """The style in force at one place of a line."""

    colour: str | None = None
    ground: str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: int = 0
    reverse: bool = False
    strike: bool = False
    overline: bool = False

    def after(self, codes: str) -> "Pen":
        """The style after one SGR sequence. Codes it does not know are left out."""
        return _after(self, codes)

    @property
    def style(self) -> Style:
        """What it adds to the style beneath."""
        return _style(self)


@lru_cache(4096)
def _after(pen: Pen, codes: str) -> Pen:
    parts = iter(codes.split(";"))
    for part in parts:
        code = int(part[:4] or 0)
        if code == 0:
            pen = Pen()
        elif code in _SET:
            pen = pen._replace(**_SET[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            pen = pen._replace(colour=f"color({code - 30 if code < 90 else code - 82})")
        elif 40 <= code <= 47 or 100 <= code <= 107:
            pen = pen._replace(ground=f"color({code - 40 if code < 100 else code - 92})")
        elif code in (38, 48):
            mode = next(parts, "")
            values = [next(parts, "") for _ in range({"5": 1, "2": 3}.get(mode, 0))]
            if values and all(value.isdecimal() and len(value) < 4 and int(value) < 256 for value in values):
                name = f"color({values[0]})" if mode == "5" else f"rgb({','.join(values)})"
                pen = pen._replace(colour=name) if code == 38 else pen._replace(ground=name)
    return pen


@lru_cache(1024)
def _style(pen: Pen) -> Style:
    return Style(
        color=pen.colour and Color.parse(pen.colour),
        bgcolor=pen.ground and Color.parse(pen.ground),
        bold=pen.bold or None,
        dim=pen.dim or None,
        italic=pen.italic or None,
        underline=pen.underline == 1 or None,
        underline2=pen.underline == 2 or None,
        reverse=pen.reverse or None,
        strike=pen.strike or None,
        overline=pen.overline or None,
    )


_SET: dict[int, dict[str, Any]] = {
    1: {"bold": True}, 2: {"dim": True}, 3: {"italic": True}, 4: {"underline": 1}, 21: {"underline": 2},
    7: {"reverse": True}, 9: {"strike": True}, 53: {"overline": True},
    22: {"bold": False, "dim": False}, 23: {"italic": False}, 24: {"underline": 0}, 27: {"reverse": False},
    29: {"strike": False}, 55: {"overline": False}, 39: {"colour": None}, 49: {"ground": None},
}  # fmt: skip


class LogLine:
    """A line of a log, or as much of it as was read.

    Args:
        data: UTF-8 that holds text, tabs and SGR sequences only, and no newline.
        whole: false when it was cut somewhere, be it in a character.
        suffix: more text behind it, without colours of its own, drawn dim.
    """

    def __init__(self, data: bytes, *, whole: bool = True, suffix: str = "") -> None:
        self.whole = whole
        text = data.decode("utf-8", "replace" if whole else "ignore")
        self._starts: list[int] = []  # where in the text each style begins
        self._pens: list[Pen] = []
        self._parts: tuple[int, list[int]] = (0, [])  # a width, and where it is wrapped for that
        if "\x1b" in text or "\t" in text:
            text = self._parsed(text if whole else _CUT_OFF.sub("", text))
        if suffix and whole:
            self._starts.append(len(text))
            self._pens.append(Pen(dim=True))
            text += suffix
        self.text = text
        self._columns = None if text.isascii() else _columns(text)
        """The cell at which each character begins, and the one after the last; None where that is its number."""

    @property
    def width(self) -> int:
        """Cells it takes."""
        return len(self.text) if self._columns is None else self._columns[-1]

    def parts(self, width: int) -> Sequence[int]:
        """The cells at which it is wrapped to lines of ``width``; the first is 0. No wide character is cut."""
        if self._columns is None:
            return range(0, max(1, len(self.text)), width)
        if self._parts[0] != width:
            begins = [0]
            while (begin := begins[-1] + width) < self.width:
                begin -= width > 1 and self._columns[self._character(begin)] < begin
                begins.append(begin)
            self._parts = width, begins
        return self._parts[1]

    def segments(
        self, begin: int, end: int, base: Style, marked: re.Pattern[str] | None, mark: Style
    ) -> list[Segment]:
        """The cells from ``begin`` to ``end`` (not included), at most, over the style ``base``.

        What ``marked`` finds is drawn in ``mark``. Of a wide character that lies half outside a space is left.
        """
        end = min(end, self.width)
        if begin >= end:
            return []
        first, last, before, after = self._characters(begin, end)
        segments = [Segment(" ", base)] if before else []
        cuts = {first, last}
        cuts.update(self._starts[bisect_right(self._starts, first) : bisect_left(self._starts, last)])
        spans = self._found(marked, first, last) if marked else []
        cuts.update(min(max(place, first), last) for span in spans for place in span)
        for start, stop in pairwise(sorted(cuts)):
            pen = bisect_right(self._starts, start) - 1
            style = base + self._pens[pen].style if pen >= 0 else base
            if any(begins <= start < ends for begins, ends in spans):
                style += mark
            segments.append(Segment(self.text[start:stop], style))
        if after:
            segments.append(Segment(" ", base))
        return segments

    def _characters(self, begin: int, end: int) -> tuple[int, int, bool, bool]:
        """The characters that lie wholly in the cells, and whether half of one sticks in at either side."""
        if self._columns is None:
            return begin, end, False, False
        first, last = self._character(begin), self._character(end)
        before, after = self._columns[first] < begin, self._columns[last] < end
        return min(first + before, last), last, before, after

    def _character(self, cell: int) -> int:
        """The character in a cell. One without a cell of its own belongs to the one before it."""
        assert self._columns is not None
        return bisect_right(self._columns, cell) - 1

    def _found(self, marked: re.Pattern[str], first: int, last: int) -> list[tuple[int, int]]:
        spans = []
        for match in marked.finditer(self.text, max(0, first - _AROUND), min(len(self.text), last + _AROUND)):
            if match.end() > first and match.start() < last and match.end() > match.start():
                spans.append(match.span())
        return spans

    def _parsed(self, text: str) -> str:
        """``text`` without style sequences and tabs; notes where each style begins."""
        pen = Pen()
        pieces: list[str] = []
        length = column = 0
        tabs = "\t" in text
        for number, piece in enumerate(_SGR.split(text)):
            if number % 2:
                pen = pen.after(piece)
                self._starts.append(length)
                self._pens.append(pen)
                continue
            if "\t" in piece:
                piece, column = _expanded(piece, column)
            elif tabs:
                column += cell_len(piece)
            pieces.append(piece)
            length += len(piece)
        return "".join(pieces)


def _expanded(text: str, column: int) -> tuple[str, int]:
    """``text``, which begins in ``column``, with spaces for its tabs, and the column behind it."""
    first, *others = text.split("\t")
    pieces = [first]
    column += cell_len(first)
    for other in others:
        space = TAB - column % TAB
        pieces.append(" " * space + other)
        column += space + cell_len(other)
    return "".join(pieces), column


def _columns(text: str) -> "array[int] | None":
    sizes = {character: get_character_cell_size(character) for character in set(text)}
    if all(size == 1 for size in sizes.values()):
        return None
    return array("I", accumulate(map(sizes.__getitem__, text), initial=0))
