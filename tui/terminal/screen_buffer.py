"""What the terminal shows, so that only what differs from it need be sent.

Textual keeps no copy of the screen: it marks regions dirty and writes every cell in them, with all their colours. Here
are the cells as they were last written. A frame is turned into the shortest writes that lead to the same screen;
whatever is not understood is passed on as it is, and what it may have changed is forgotten, so it is written again.
"""

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len

Cell: TypeAlias = tuple[str, str]
"""Its style, as the parameters of an SGR sequence, and its character."""

GAP = 5
"""Cells that stay, in the style of the ones before them, are written again if so few: a move costs more."""

_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_TOKEN = re.compile(r"\x1b\[([0-9;]*)m|([^\x00-\x1f\x7f-\x9f]+)")
_ATTRIBUTES = frozenset("1234579")
"""Those that only add something."""
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
_SEEN = frozenset({"4", "7", "9", "21", "53"})
"""Attributes that a blank shows, too: lines, and the colours the other way round."""
_COLOURS = frozenset(map(str, (*range(30, 38), 39, *range(90, 98))))
_BACKGROUNDS = frozenset(map(str, (*range(40, 48), 49, *range(100, 108))))
_FRAME = re.compile(r"\x1b\[\d+;\d+H")
_HARMLESS = re.compile(
    r"(?:\x07|\x1b\[\?(?!1049|1047|47|3|6)[0-9]+[hl]|\x1b\[[<>=][0-9;]*u|\x1b\[\??[0-9;]*\$p"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))+"
)
"""A bell, modes that change no cell, the keyboard's protocol, questions, titles, the clipboard, the mouse's shape."""
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


class ScreenBuffer:
    """The cells of a terminal, as far as they are known. Does no I/O."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell | None]] = {}
        self._runs: dict[int, dict[int, str]] = {}
        """By row and column: what was written there and still stands, to know it again without reading it."""
        self._cursor: str | None = None
        self._begun = False
        self._style: str | None = ""
        """What is written next looks so; None: that is not known."""

    def forget(self) -> None:
        """The screen may show anything now."""
        self._rows.clear()
        self._runs.clear()
        self._cursor = self._style = None

    def _plainly(self, text: str) -> str:
        """``text``, which is passed on as it is, to a terminal without a style, and all forgotten."""
        reset = "" if self._style == "" else "\x1b[m"
        self.forget()
        return reset + text

    def rewrite(self, text: str, size: tuple[int, int]) -> str:
        """What to write instead of ``text`` to a terminal of that many columns and lines; all writes pass here."""
        if text == _BEGIN:
            self._begun = True
            return ""
        if text == _END and self._begun:
            self._begun = False
            return ""
        one_line = False
        if _FRAME.match(text):
            text, one_line = self._frame(text, *size)
        elif not _HARMLESS.fullmatch(text):
            text = self._plainly(text)
        # Of one line nobody sees a half: it needs no marks for what belongs together.
        if text and self._begun and not one_line:
            self._begun = False
            return _BEGIN + text
        return text

    def _frame(self, frame: str, width: int, height: int) -> tuple[str, bool]:
        """What to write, and whether that is in one line."""
        _, *parts = _MOVE.split(frame)
        out = _Writer(self._style)
        for at in range(0, len(parts), 3):
            row, column, run = int(parts[at]), int(parts[at + 1]), parts[at + 2]
            if run.endswith("\n") and row < height:
                run = run[:-1]  # meaningless before the next run's place; at the bottom it would scroll
            if not run or self._runs.get(row, {}).get(column) == run:
                continue
            if not self._run(out, row, column, run, width):
                return self._plainly(frame), False
        self._style = out.style
        if parts[-1]:
            self._cursor = None
            return out.text, out.lines < 2
        cursor = f"\x1b[{parts[-3]};{parts[-2]}H"
        if out.lines or cursor != self._cursor:
            self._cursor = cursor
            return out.text + cursor, out.lines < 2
        return "", True

    def _run(self, out: "_Writer", row: int, column: int, run: str, width: int) -> bool:
        """Write what of ``run`` differs; False if it cannot be understood."""
        cells = _parse(run)
        if cells is None:
            return False
        known = self._rows.setdefault(row, [])
        known.extend([None] * (width - len(known)))
        start, end = column - 1, column - 1 + len(cells)
        plain = end <= width and all(char for _, char in cells)
        if not plain:
            # Terminals do not agree how many cells it takes: whatever else stands in this row may have moved.
            out.whole(row, column, run)
            known[:] = [None] * width
            self._runs[row] = {column: run}
            return True
        before = known[start:end]
        if before == cells:
            self._runs.setdefault(row, {})[column] = run
            return True
        self._runs[row] = {column: run}
        known[start:end] = cells
        for first, last in _spans(before, cells):
            out.cells(row, column + first, cells[first:last])
        return True


class _Writer:
    """Cells turned into text for a terminal of which it is known what style it writes in, and where."""

    def __init__(self, style: str | None) -> None:
        self._parts: list[str] = []
        self._row: int | None = None
        self.style = style
        self.lines = 0
        """How often another line was gone to."""

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def cells(self, row: int, column: int, cells: list[Cell]) -> None:
        add = self._parts.append
        # The column is always said in full: terminals do not agree about widths.
        add(f"\x1b[{column}G" if row == self._row else self._go(row, column))
        for at, (style, char) in enumerate(cells):
            if style != self.style and not (
                char == " " and self.style is not None and blank_style(self.style) == style
            ):
                if char == " " and (coming := _next_style(cells, at)) is not None:
                    style = coming  # one change of style for both
                add(_switch(self.style, style) if self.style is not None else _anew(style))
                self.style = style
            add(char)

    def whole(self, row: int, column: int, run: str) -> None:
        if self.style != "":
            self._parts.append("\x1b[m")
            self.style = ""
        self._parts.append(f"{self._go(row, column)}{run}")
        self._row = None

    def _go(self, row: int, column: int) -> str:
        self.lines += row != self._row
        self._row = row
        return f"\x1b[{row};{column}H"


def _next_style(cells: list[Cell], at: int) -> str | None:
    """The style of the first that is no blank from there on, where the blanks look the same in it."""
    wanted = cells[at][0]
    for style, char in cells[at:]:
        if char != " ":
            return style if blank_style(style) == wanted else None
        if style != wanted:
            return None
    return None


def _parse(run: str) -> list[Cell] | None:
    """Its cells; those of characters that do not take one cell each are empty. None: it is more than styled text."""
    cells: list[Cell] = []
    style, at = "", 0
    for token in _TOKEN.finditer(run):
        if token.start() != at:
            return None
        at = token.end()
        codes, chars = token.groups()
        if codes is not None:
            style = "" if codes in ("", "0") else f"{style};{codes}" if style else codes
        elif not cells and cell_len(chars[0]) == 0:
            return None  # it goes onto a cell before the run, another time with each writing
        elif chars.isascii() or (cell_len(chars) == len(chars) and all(map(_single, chars))):
            blank = blank_style(style)
            cells += [(blank if char == " " else style, char) for char in chars]
        else:
            cells.append((style, ""))
    return cells if at == len(run) and not style else None


@lru_cache(1024)
def blank_style(style: str) -> str:
    """What of ``style`` is seen on a blank: its background, unless there is a line, or the colours are reversed."""
    looks = _looks(style)
    return style if looks.attributes & _SEEN else looks.background


class _Looks(NamedTuple):
    """A style taken apart."""

    attributes: frozenset[str]
    colour: str
    background: str


@lru_cache(1024)
def _looks(style: str) -> _Looks:
    codes = style.split(";") if style else []
    attributes: set[str] = set()
    colour = background = ""
    while codes:
        number = {"2": 5, "5": 3}.get(codes[1], 1) if codes[0] in ("38", "48") and len(codes) > 1 else 1
        if codes[0] == "48" or codes[0] in _BACKGROUNDS:
            background = ";".join(codes[:number])
        elif codes[0] == "38" or codes[0] in _COLOURS:
            colour = ";".join(codes[:number])
        else:
            attributes.add(codes[0])
        del codes[:number]
    return _Looks(frozenset(attributes), colour, background)


def _anew(style: str) -> str:
    return f"\x1b[0;{style}m" if style else "\x1b[m"


@lru_cache(4096)
def _switch(old: str, new: str) -> str:
    """The shortest that leads from one style to another: what differs, or all of it after a reset."""
    before, after = _looks(old), _looks(new)
    anew = _anew(new)
    if not before.attributes | after.attributes <= _ATTRIBUTES:
        return anew
    off = {_OFF[code] for code in before.attributes - after.attributes}
    # Bold and dim are ended by the same code.
    on = {code for code in after.attributes if code not in before.attributes or _OFF[code] in off}
    changed = [*sorted(off), *sorted(on)]
    changed += [after.colour or "39"] if after.colour != before.colour else []
    changed += [after.background or "49"] if after.background != before.background else []
    return min(f"\x1b[{';'.join(changed)}m", anew, key=len)


def _single(char: str) -> bool:
    return cell_len(char) == 1


def _spans(before: list[Cell | None], cells: list[Cell]) -> list[tuple[int, int]]:
    """Where they differ, as few stretches as it pays to write."""
    spans: list[tuple[int, int]] = []
    for at, (old, new) in enumerate(zip(before, cells, strict=True)):
        if old == new:
            continue
        if spans:
            first, last = spans[-1]
            style = cells[last - 1][0]
            if at - last <= GAP and all(cell[0] in (style, blank_style(style)) for cell in cells[last:at]):
                spans[-1] = first, at + 1
                continue
        spans.append((at, at + 1))
    return spans
