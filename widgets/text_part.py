"""Text of many lines: the beginning of it in a part of a pane, all of it on a sheet over the screen."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, TypeAlias

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Piece, fit
from widgets.moving import MOVING
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import ROLE_CLASSES, role_css, role_style

_WHEEL = 3
"""Lines that a turn of the wheel scrolls."""

_MARGIN = 2

Lines: TypeAlias = Sequence[Piece]
"""Each a text without control characters, with its role."""


def folded(lines: Iterable[Piece], width: int, *, words: bool = False) -> Iterator[Piece]:
    """The lines, those that are longer than ``width`` cells in several.

    Args:
        words: broken between words where there are some, and indented as they begin.
    """
    width = max(1, width)
    for text, role in lines:
        parts = _by_words(text, width) if words and cell_len(text) > width else chop_cells(text, width)
        for part in parts or [""]:
            yield part, role


def _by_words(text: str, width: int) -> list[str]:
    indent = text[: len(text) - len(text.lstrip())][: width // 3]
    parts: list[str] = []
    rest = text
    while cell_len(rest) > width:
        part = chop_cells(rest, width)[0]
        if (cut := part.rstrip().rfind(" ") + 1) <= width // 2:
            cut = max(len(part), len(indent) + 1)
        parts.append(rest[:cut].rstrip())
        rest = indent + rest[cut:].lstrip()
    return [*parts, rest] if rest.strip() else parts


def rows_of(lines: Iterable[Piece], width: int) -> int:
    """How many rows a :class:`TextView` of that width needs for them."""
    return sum(1 for _ in folded(lines, max(0, width - _MARGIN), words=True))


class TextPart(Widget):
    """As many lines as fit; the last one tells of those that do not."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES
    DEFAULT_CSS = role_css("TextPart") + "TextPart { height: 1fr; }\n"

    def __init__(self, *, more: str = "", id: str | None = None, classes: str | None = None) -> None:
        """
        Args:
            more: what to say of how the rest can be seen, after the number of lines.
        """
        super().__init__(id=id, classes=classes)
        self._more = more
        self._lines: Lines = ()
        self._drawn: list[Piece] = []

    def show(self, lines: Lines) -> None:
        """Show these from now on."""
        self._lines = tuple(lines)
        if self._visible() != self._drawn:
            self.refresh()

    @property
    def _room(self) -> int:
        return max(0, self.size.width - _MARGIN)

    def _rows(self) -> Iterator[Piece]:
        return folded(self._lines, self._room)

    def _begin(self) -> int:
        """The first line that is seen."""
        return 0

    def _visible(self) -> list[Piece]:
        height = self.size.height
        found: list[Piece] = []
        left = 0
        for line in islice(self._rows(), self._begin(), None):
            if len(found) < height:
                found.append(line)
            else:
                left += 1
        if left and found:
            found[-1] = (f"… {left + 1} more lines{self._more}", "dim")
        return found

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y == 0:
            self._drawn = self._visible()
        if y >= len(self._drawn):
            return Strip.blank(width, base)
        text, role = self._drawn[y]
        pieces = fit(((" ", ""), (text, role)), width)
        return Strip([Segment(each, base + role_style(self, role)) for each, role in pieces], width)


class TextView(TextPart, can_focus=True):
    """Lines that can be scrolled through; the last one tells of those below."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVING]

    class Selected(Message):
        """Enter was pressed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._top = 0

    def action_move(self, lines: int) -> None:
        self._go(self._top + lines)

    def action_page(self, pages: int) -> None:
        self._go(self._top + pages * max(1, self.size.height - 2))

    def action_edge(self, last: bool) -> None:
        self._go(self._most if last else 0)

    def action_select(self) -> None:
        self.post_message(self.Selected())

    def first(self) -> None:
        """Show the first lines."""
        self._go(0)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self._go(self._top + _WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self._go(self._top - _WHEEL)

    @property
    def _most(self) -> int:
        """The first line that is seen when the last one is."""
        return max(0, sum(1 for _ in self._rows()) - self.size.height)

    def _rows(self) -> Iterator[Piece]:
        return folded(self._lines, self._room, words=True)

    def _go(self, top: int) -> None:
        self._top = max(0, min(top, self._most))
        if self._visible() != self._drawn:
            self.refresh()

    def _begin(self) -> int:
        return min(self._top, self._most)


class TextSheet(ModalScreen[None]):
    """Lines to scroll through, the long ones folded; Escape, Enter or ``q`` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="sheet.close", show=False)
    ]
    # What lies beneath stays as it is: tinting it would draw the whole screen again.
    DEFAULT_CSS = """
    TextSheet {
        align: center middle;
        background: transparent;
        & > LineTable {
            width: 95%;
            max-width: 140;
            height: 95%;
            background: $surface;
            border: round $primary;
            padding: 0 1;
        }
    }
    """

    def __init__(self, title: str, lines: Lines) -> None:
        super().__init__()
        self._title = title
        self._lines: Lines = tuple(lines)

    def compose(self) -> ComposeResult:
        yield _Sheet(self._title, self._lines)

    def on_mount(self) -> None:
        self.query_one(_Sheet).focus()

    def show(self, lines: Lines) -> None:
        """Show these from now on."""
        self._lines = tuple(lines)
        if self.is_mounted:
            self.query_one(_Sheet).show(self._lines)


class _Sheet(LineTable):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.dismiss", "Close", id="sheet.enter", show=False)
    ]

    def __init__(self, title: str, lines: Lines) -> None:
        super().__init__([Column(title, 20, flex=1)])
        self._lines = lines

    def show(self, lines: Lines) -> None:
        self._lines = lines
        self.on_resize()

    def on_resize(self) -> None:
        width = self.scrollable_content_region.width - 1
        self.set_rows([Row(str(n), (line,)) for n, line in enumerate(folded(self._lines, width))])
