"""One-line widgets: statuses, tabs, keys. Each is drawn again only when its text changes, and can be clicked."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import fit
from widgets.theme import ROLE_CLASSES, role_css, role_style


class Part(NamedTuple):
    """A text in a line."""

    text: str
    role: str = ""
    press: str = ""
    """What a click on it means to the owner; empty: nothing."""


class StatusItem(NamedTuple):
    """One thing that the status line tells."""

    label: str
    role: str = ""
    """Colour role of the label; none while all is well."""
    detail: str = ""
    """What follows the label while there is room."""
    drop: int = 0
    """When there is no room, the item with the highest number goes first, its detail before its label. Items with
    0 stay, without their detail if need be."""
    press: str = ""
    """What a click on it means."""


class Hint(NamedTuple):
    """A key, and what it does here."""

    key: str
    words: str
    press: str = ""
    """What a click on it means."""


class Tab(NamedTuple):
    """One of several things to look at."""

    key: str
    title: str
    press: str
    number: str = ""
    """How many there are to look at."""
    role: str = ""
    """Of the number."""
    short: str = ""
    """Its title where there is little room."""


class _Line(Widget):
    """A line of parts that depends on the room there is. Subclasses say which parts."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES
    DEFAULT_CSS = role_css("_Line") + "_Line { height: 1; background: $panel; color: $foreground; }\n"

    class Pressed(Message):
        """A click on something that has a meaning."""

        def __init__(self, line: "_Line", press: str) -> None:
            super().__init__()
            self.line = line
            self.press = press

        @property
        def control(self) -> "_Line":
            return self.line

    _shown: tuple[Part, ...] | None = None

    def parts(self, width: int) -> tuple[Part, ...]:
        """What to show in ``width`` cells; what is too long is cut."""
        raise NotImplementedError

    def _changed(self) -> None:
        if (parts := self.parts(self.size.width)) != self._shown:
            self._shown = parts  # also out of sight, where nothing is drawn
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)
        self._shown = self.parts(width)
        cell = tuple((part.text, part.role) for part in self._shown)
        segments = [Segment(text, base + role_style(self, role)) for text, role in fit(cell, width)]
        return Strip(segments, width)

    def on_click(self, event: Click) -> None:
        offset, end = event.get_content_offset(self), 0
        for part in self._shown or ():
            end += cell_len(part.text)
            if offset is not None and offset.x < end:
                if part.press:
                    event.stop()
                    self.post_message(self.Pressed(self, part.press))
                return


class StatusLine(_Line):
    """Items from the left and from the right end of one line."""

    GAP: ClassVar[str] = "  "
    """Between two items."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: tuple[StatusItem, ...] = ()
        self._right: tuple[StatusItem, ...] = ()

    def show(self, left: Sequence[StatusItem], right: Sequence[StatusItem] = ()) -> None:
        """Tell this from now on."""
        self._left, self._right = tuple(left), tuple(right)
        self._changed()

    def parts(self, width: int) -> tuple[Part, ...]:
        left, right = list(self._left), list(self._right)
        gap = self.GAP
        while (spare := width - _width(_row(left, gap)) - _width(_row(right, gap))) < 0:
            if not _shorten(left, right):
                break
        return (*_row(left, gap), Part(" " * spare), *_row(right, gap))


def _width(parts: Sequence[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)


def _row(items: Sequence[StatusItem], gap: str) -> tuple[Part, ...]:
    parts: list[Part] = [Part(" ")]
    for i, item in enumerate(items):
        parts += [
            Part(gap if i else ""),
            Part(item.label, item.role, item.press),
            Part(f" {item.detail}" if item.detail else "", "dim", item.press),
        ]
    return (*parts, Part(" ")) if items else ()


def _shorten(left: list[StatusItem], right: list[StatusItem]) -> bool:
    """Take the least important thing out of these lists; False when all that is left has to stay."""
    candidates = [(item.drop, items, i) for items in (left, right) for i, item in enumerate(items)]
    candidates = [c for c in candidates if c[0] or c[1][c[2]].detail]
    if not candidates:
        return False
    _, items, i = max(candidates, key=lambda c: (c[0], c[2]))
    if items[i].detail:
        items[i] = items[i]._replace(detail="")
    else:
        del items[i]
    return True


class TabLine(_Line):
    """Tabs, one of them the current one. Where there is little room keys and titles stand without blanks between them
    (``1Pipelines 2Stages``) and titles are short; where not even these fit, the longest are cut first, but never that
    of the current one; a number is always there."""

    NUMBERS: ClassVar[int] = 6
    """Cells that are kept for numbers, so that titles do not change when one comes or goes."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._tabs: tuple[Tab, ...] = ()
        self._current = ""

    def show(self, tabs: Sequence[Tab], current: str) -> None:
        """Show these from now on.

        Args:
            current: what a click on the current one means; of one that is no tab none is.
        """
        self._tabs, self._current = tuple(tabs), current
        self._changed()

    def parts(self, width: int) -> tuple[Part, ...]:
        plain = [tab._replace(number="") for tab in self._tabs]
        for gap in ("    ", "   ", "  ", " "):
            if self._width(plain, gap, tight=False) <= width:
                return self._row(self._tabs, gap, tight=False)
        if self._width(plain, " ", tight=True) <= width:
            return self._row(self._tabs, " ", tight=True)
        tabs = [tab._replace(title=tab.short or tab.title) for tab in self._tabs]
        for room in range(max((len(tab.title) for tab in tabs), default=0), -1, -1):
            cut = [
                tab if tab.press == self._current else tab._replace(title=tab.title[:room]) for tab in tabs
            ]
            parts = self._row(cut, " ", tight=True)
            if _width(parts) <= width:
                break
        return parts

    def _width(self, plain: Sequence[Tab], gap: str, *, tight: bool) -> int:
        numbers = sum(len(tab.number) + 1 for tab in self._tabs if tab.number)
        kept = max(self.NUMBERS, numbers) if len(gap) < 3 else 0  # else a number takes of the gap
        return _width(self._row(plain, gap, tight=tight)) + kept

    def _row(self, tabs: Sequence[Tab], gap: str, *, tight: bool) -> tuple[Part, ...]:
        parts: list[Part] = [Part(" ")]
        for tab in tabs:
            here = tab.press == self._current
            between = "" if tight or not tab.title else " "
            number = f" {tab.number}" if tab.number else ""
            parts += [
                Part(tab.key, "here" if here else "key", tab.press),
                Part(f"{between}{tab.title}", "here" if here else "", tab.press),
                Part(number, tab.role, tab.press),
                # Where there is room, the next one stays in its place when a number comes or goes.
                Part(" " * max(1, len(gap) - len(number))),
            ]
        return tuple(parts[:-1])


class KeyLine(_Line):
    """Keys and what they do here, the most important first; those for which there is no room are left out, but never
    the last ones."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._hints: tuple[Hint, ...] = ()
        self._last: tuple[Hint, ...] = ()

    def show(self, hints: Sequence[Hint], last: Sequence[Hint] = ()) -> None:
        """Show these keys, each with its words, from now on.

        Args:
            last: those for which there is always room.
        """
        self._hints, self._last = tuple(hints), tuple(last)
        self._changed()

    def parts(self, width: int) -> tuple[Part, ...]:
        parts: list[Part] = []
        last = [part for hint in self._last for part in _hint(hint)]
        for hint in self._hints:
            more = _hint(hint)
            if _width((*parts, *more, *last)) > width:
                break
            parts += more
        return (*parts, *last)


def _hint(hint: Hint) -> tuple[Part, ...]:
    return Part(" "), Part(hint.key, "key", hint.press), Part(f" {hint.words} ", "", hint.press)
