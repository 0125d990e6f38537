"""One-line widgets: the header's statuses and the footer's keys. Each is drawn again only when its text changes."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Piece, fit, width_of
from widgets.theme import ROLE_CLASSES, role_css, role_style


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


class _Line(Widget):
    """A line of pieces that depends on the room there is. Subclasses say which pieces."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES
    DEFAULT_CSS = role_css("_Line") + "_Line { height: 1; background: $panel; color: $foreground; }\n"

    _shown: tuple[Piece, ...] | None = None

    def pieces(self, width: int) -> tuple[Piece, ...]:
        """What to show in ``width`` cells; what is too long is cut."""
        raise NotImplementedError

    def _changed(self) -> None:
        if self.pieces(self.size.width) != self._shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)
        self._shown = self.pieces(width)
        segments = [Segment(text, base + role_style(self, role)) for text, role in fit(self._shown, width)]
        return Strip(segments, width)


class StatusLine(_Line):
    """Items from the left and from the right end of one line."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: tuple[StatusItem, ...] = ()
        self._right: tuple[StatusItem, ...] = ()

    def show(self, left: Sequence[StatusItem], right: Sequence[StatusItem] = ()) -> None:
        """Tell this from now on."""
        self._left, self._right = tuple(left), tuple(right)
        self._changed()

    def pieces(self, width: int) -> tuple[Piece, ...]:
        left, right = list(self._left), list(self._right)
        while (spare := width - width_of(_row(left)) - width_of(_row(right))) < 0:
            if not _shorten(left, right):
                break
        return (*_row(left), (" " * spare, ""), *_row(right))


def _row(items: Sequence[StatusItem]) -> tuple[Piece, ...]:
    parts: list[Piece] = [(" ", "")]
    for i, item in enumerate(items):
        parts += [
            ("  " if i else "", ""),
            (item.label, item.role),
            (f" {item.detail}" if item.detail else "", "dim"),
        ]
    return (*parts, (" ", "")) if items else ()


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


class KeyLine(_Line):
    """Keys and what they do here, the most important first; those for which there is no room are left out."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._hints: tuple[tuple[str, str], ...] = ()

    def show(self, hints: Sequence[tuple[str, str]]) -> None:
        """Show these keys, each with its words, from now on."""
        self._hints = tuple(hints)
        self._changed()

    def pieces(self, width: int) -> tuple[Piece, ...]:
        parts: list[Piece] = []
        for keys, words in self._hints:
            hint = [(" ", ""), (keys, "key"), (f" {words} ", "")]
            if width_of((*parts, *hint)) > width:
                break
            parts += hint
        return tuple(parts)
