"""What of a log is on the screen: position, folds, wrapping, following. No terminal, no drawing."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from textual.cache import LRUCache

from widgets.log.line import LogLine
from widgets.log.rows import LogRows
from widgets.log.source import LogSection, LogSource

WHOLE = 1 << 30
_LONG = 1 << 16  # bytes from which on only a few lines are kept in memory


class PageLine(NamedTuple):
    """What stands on one line of the screen: equal ones look the same."""

    line: int | None
    """None below the end of the log."""
    cell: int = 0
    """The first cell of the line that is shown here."""
    mark: Literal["", "current", "selected"] = ""
    folded: bool | None = None
    """It is the header of a section that is folded, or not; None for any other line."""
    suffix: str = ""
    """Words behind its text: what its section hides, how long it took."""
    content: bytes = b""
    """The text of a line that may still change."""


NOTHING = PageLine(None)


class LogPage:
    """A page of a log.

    It stands at its end and follows it, until it is moved elsewhere. Rows are the lines that no fold hides; wrapped,
    a row has several parts. After any change of the source, the size or ``wrap`` comes :meth:`arrange`.
    """

    def __init__(self, source: LogSource) -> None:
        self.source = source
        self.width = 80
        """Cells for the text of a line."""
        self.room = 24
        """Lines on the screen."""
        self.wrap = False
        self._lines: LRUCache[tuple[int, str], LogLine] = LRUCache(512)
        self._long_lines: LRUCache[tuple[int, str], LogLine] = LRUCache(8)
        self._restart()

    def _restart(self) -> None:
        self._generation = self.source.generation
        self._folded: set[int] = set()
        self._known_sections = 0
        self._seen = 0  # how long the log was when its end was last on the screen
        self._lines.clear()
        self._long_lines.clear()
        self.heads: dict[int, tuple[bool, str]] = {}
        """Header lines: whether they are folded, and the words behind them."""
        self.rows = LogRows(0)
        self.top = 0
        """The row at the top of the screen."""
        self.part = 0
        """Wrapped: which part of it."""
        self.shift = 0
        """Not wrapped: the first cell that is shown."""
        self.following = True
        self.current: int | None = None
        """The line that was gone to last, or that the selection reaches to."""
        self.anchor: int | None = None
        """Where the selection began."""

    # What is seen

    def arrange(self) -> None:
        """Take note of what changed. The line at the top stays there, or the end stays at the bottom."""
        source = self.source
        if source.generation != self._generation:
            self._restart()
        top = self.rows.line(self.top) if len(self.rows) else 0
        sections = source.sections
        self._folded.update(i for i in range(self._known_sections, len(sections)) if sections[i].collapsed)
        self._known_sections = len(sections)
        hidden = [] if source.gap is None else [(source.gap[0] + 1, source.gap[1])]
        self.heads = {}
        for index, section in enumerate(sections):
            folded = index in self._folded
            if folded:
                hidden.append((section.first + 1, self._last(section) + 1))
            self.heads[section.first] = (folded, self._words(section, folded))
        self.rows = LogRows(len(source), hidden)
        if self.following or not len(self.rows):
            self.go(*self.bottom())
        else:
            row = self.rows.row(min(top, len(source) - 1))
            self.go(row, self.part if self.rows.line(row) == top else 0)

    def places(self) -> list[PageLine]:
        """What stands on the lines of the screen, from the top."""
        places = list(islice(self._from_top(), self.room))
        return places + [NOTHING] * (self.room - len(places))

    def _from_top(self) -> Iterator[PageLine]:
        part = self.part
        for row in range(self.top, len(self.rows)):
            line = self.rows.line(row)
            folded, suffix = self.heads.get(line, (None, ""))
            content = b"" if self._is_settled(line) else self.source.read(line, WHOLE)
            cells = self._parts(row)[part : part + self.room] if self.wrap else (self.shift,)
            for cell in cells:
                yield PageLine(line, cell, self._mark(line), folded, suffix, content)
            part = 0

    def on_screen(self) -> tuple[int, int]:
        """The first and the last line that is seen."""
        lines = [place.line for place in self.places() if place.line is not None]
        return (lines[0], lines[-1]) if lines else (0, 0)

    @property
    def here(self) -> int | None:
        """The current line, if it is on the screen."""
        if self.current is not None:
            first, last = self.on_screen()
            if first <= self.current <= last:
                return self.current
        return None

    @property
    def selection(self) -> tuple[int, int] | None:
        """The first and the last of the selected lines."""
        if self.anchor is None or self.current is None:
            return None
        return min(self.anchor, self.current), max(self.anchor, self.current)

    @property
    def new(self) -> int:
        """Lines that came since the end was last on the screen."""
        if self.following:
            self._seen = len(self.source)
        return len(self.source) - self._seen

    def line(self, line: int, cells: int | None, suffix: str = "") -> LogLine:
        """A line with at least its first ``cells`` cells, or all of it for None; no more is read than that needs."""
        key = line, suffix
        for cache in (self._lines, self._long_lines):
            made = cache.get(key)
            if made is not None and (made.whole or (cells is not None and made.width >= cells)):
                return made
        limit = WHOLE if cells is None else 1024 + 4 * cells
        while True:
            data = self.source.read(line, limit)
            made = LogLine(data, whole=len(data) < limit, suffix=suffix)
            if made.whole or (cells is not None and made.width >= cells):
                break
            limit *= 4
        if self._is_settled(line):
            (self._lines if len(data) < _LONG else self._long_lines)[key] = made
        return made

    def _is_settled(self, line: int) -> bool:
        gap = self.source.gap
        return line < self.source.settled and (gap is None or line != gap[0])

    def _parts(self, row: int) -> Sequence[int]:
        """The cells at which a row is wrapped."""
        line = self.rows.line(row)
        return self.line(line, None, self.heads.get(line, (False, ""))[1]).parts(self.width)

    def _mark(self, line: int) -> Literal["", "current", "selected"]:
        selection = self.selection
        if selection is not None and selection[0] <= line <= selection[1]:
            return "selected"
        return "current" if line == self.current else ""

    # Moving

    def bottom(self) -> tuple[int, int]:
        """The row, and the part of it, that is at the top when the end of the log is at the bottom."""
        row, room = len(self.rows), self.room
        if not self.wrap:
            return max(0, row - room), 0
        while row > 0 and room > 0:
            row -= 1
            room -= len(self._parts(row))
        return row, max(0, -room)

    def go(self, row: int, part: int = 0) -> None:
        """Put a part of a row at the top, as far as the log goes. Whether the end is followed stays as it is."""
        self.top, self.part = min((max(0, row), max(0, part)), self.bottom())

    def visit(self, row: int, part: int = 0) -> None:
        """Go there on behalf of the person: who goes to the end follows it, who goes elsewhere does not."""
        self.go(row, part)
        self.following = (self.top, self.part) >= self.bottom()

    def move(self, lines: int) -> None:
        """Scroll by lines of the screen."""
        row, part = self.top, self.part
        if not self.wrap:
            row += lines
        elif len(self.rows):
            part += lines
            while part < 0 and row > 0:
                row -= 1
                part += len(self._parts(row))
            while row < len(self.rows) - 1 and part >= (size := len(self._parts(row))):
                part -= size
                row += 1
        self.visit(row, part)

    def shift_by(self, cells: int) -> None:
        """Show what is further right or left, but not what is behind the longest line on the screen."""
        shift = max(0, self.shift + cells)
        if cells > 0:
            places = [place for place in self.places() if place.line is not None]
            widths = [
                self.line(p.line, shift + self.width, p.suffix).width for p in places if p.line is not None
            ]
            shift = max(self.shift, min(shift, max(widths, default=0) - self.width // 2))
        self.shift = shift

    def follow(self) -> None:
        """Go to the end, and stay there as the log grows."""
        self.following = True
        self.go(*self.bottom())

    def show(self, line: int) -> None:
        """Bring ``line`` in sight, unfolding what hides it, and make it the current one. Nothing is followed then."""
        if not len(self.source):
            return
        line = max(0, min(line, len(self.source) - 1))
        hiding = {
            i
            for i in self._folded
            if self.source.sections[i].first < line <= self._last(self.source.sections[i])
        }
        self.following = False
        if hiding:
            self._folded -= hiding
            self.arrange()
        self.current = line
        first, last = self.on_screen()
        if first < line < last or (first <= line <= last and not self.wrap):
            return
        row = self.rows.row(line)
        above = self.room // 3
        while above > 0 and row > 0 and (size := len(self._parts(row - 1)) if self.wrap else 1) <= above:
            row -= 1
            above -= size
        self.go(row)

    # Folds

    def fold(self, line: int) -> bool:
        """Fold or unfold the innermost section around ``line``; False when there is none."""
        around = [
            index
            for index, section in enumerate(self.source.sections)
            if section.first <= line <= self._last(section)
        ]
        if not around:
            return False
        head = self.source.sections[around[-1]].first
        self._folded ^= {around[-1]}
        if around[-1] in self._folded and self.current is not None:
            self.current = head
        self.arrange()
        if not self.following and self.rows.row(head) < self.top:
            self.go(self.rows.row(head))
        return True

    def fold_all(self) -> None:
        """Fold every section, or unfold all when they are."""
        every = set(range(len(self.source.sections)))
        self._folded = set() if self._folded == every else every
        self.arrange()

    def _last(self, section: LogSection) -> int:
        return len(self.source) - 1 if section.last is None else section.last

    def _words(self, section: LogSection, folded: bool) -> str:
        hidden = self._last(section) - section.first
        words = [f"{hidden:,} line{'s' * (hidden != 1)}"] if folded else []
        if section.duration is not None:
            words.append(_duration(section.duration))
        return f"  {' · '.join(words)}" if words else ""


def _duration(seconds: float) -> str:
    """``8s``, ``3m 12s``, ``1h 05m``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"
