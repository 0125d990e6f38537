"""Texts that go on in the lines below where one line is too short for them, as far as there is room."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Piece, fit, width_of
from widgets.status_line import StatusItem
from widgets.theme import ROLE_CLASSES, role_css, role_style

_MOST = 3
"""Lines of one text."""
_GAP = "  "
_INDENT = "   "
"""Before a line that goes on."""
_BETWEEN = re.compile(r" +(?![%;,.)])")
"""Where a text may be broken: not between a number and its sign."""


class Text(NamedTuple):
    """What is told from the left on, and at the right end."""

    left: tuple[StatusItem, ...]
    """The item with the highest ``drop`` is left out first where one line is too short; those with 0 stay, and go on
    below."""
    right: tuple[StatusItem, ...] = ()
    """The same at the end of the first line; those with 0 are there however long the others are."""


class WrappedLines(Widget):
    """Texts below each other: a line for each, and more for those that need them, up to half of the room there is."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES
    DEFAULT_CSS = role_css("WrappedLines") + "WrappedLines { height: auto; color: $foreground; }\n"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._texts: tuple[Text, ...] = ()
        self._room = 0
        self._rows: tuple[tuple[Piece, ...], ...] = ()

    def lay(self, texts: Sequence[Text]) -> None:
        """Tell these from now on."""
        self._texts = tuple(texts)
        old, self._rows = self._rows, self._laid(self.size.width)
        if len(old) != len(self._rows):
            self.refresh(layout=True)
        elif changed := [y for y, row in enumerate(self._rows) if row != old[y]]:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._room = container.height // 2
        self._rows = self._laid(width)
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        row = self._rows[y] if y < len(self._rows) else ()
        return Strip([Segment(text, base + role_style(self, role)) for text, role in fit(row, width)], width)

    def _laid(self, width: int) -> tuple[tuple[Piece, ...], ...]:
        for most in range(_MOST, 0, -1):
            rows = tuple(row for text in self._texts for row in wrapped(text, width, most))
            if len(rows) <= self._room:
                break
        return rows if self._texts else ()


def wrapped(text: Text, width: int, most: int) -> tuple[tuple[Piece, ...], ...]:
    """``text`` in up to ``most`` lines: in one, if that is enough without what may be left out."""
    left, right = list(text.left), list(text.right)
    while len(_flowed([*left, *right], width - 1, width - 1, 2)) > 1:
        droppable = [
            (item.drop, items, i) for items in (left, right) for i, item in enumerate(items) if item.drop
        ]
        if not droppable:
            break
        _, items, i = max(droppable, key=lambda each: each[0])
        del items[i]
    beside = [piece for item in right for piece in ((_GAP, ""), *_pieces(item))]
    room = width - 1 - width_of(tuple(beside))
    first, *below = _flowed(left, room, width - 1, most)
    return ((*fit(first, room), *beside) if beside else first, *below)


def _pieces(item: StatusItem) -> list[Piece]:
    return [piece for piece in ((item.label, item.role), (f" {item.detail}", "dim")) if piece[0].strip()]


def _flowed(items: Sequence[StatusItem], first: int, other: int, most: int) -> list[tuple[Piece, ...]]:
    """The items one after the other, in up to ``most`` lines. What takes half a line is broken between words.

    Args:
        first: cells for the first line.
        other: and for those below it.
    """
    lines: list[list[Piece]] = [[(" ", "")]]
    used, room = 1, first
    for gap, word, role in _words(items, other):
        if used + cell_len(gap + word) > room and len(lines[-1]) > 1 and len(lines) < most:
            lines.append([(_INDENT, "")])
            used, room, gap = len(_INDENT), other, ""
        lines[-1].append((gap + word, role))
        used += cell_len(gap + word)
    return [tuple(line) for line in lines]


def _words(items: Sequence[StatusItem], width: int) -> Iterator[tuple[str, str, str]]:
    """What may not be broken: the space before it, the text, its role."""
    gap = ""
    for item in items:
        for text, role in ((item.label, item.role), (item.detail, "dim")):
            for word in (text,) if cell_len(text) <= width // 2 else _BETWEEN.split(text.strip()):
                if word:
                    yield gap, word, role
                    gap = " "
        gap = _GAP if gap else ""
