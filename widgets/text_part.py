"""Text of many lines: the beginning of it in a part of a pane, all of it on a sheet over the screen."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, TypeAlias

from rich.cells import chop_cells
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Piece, fit
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import ROLE_CLASSES, role_css, role_style

Lines: TypeAlias = Sequence[Piece]
"""Each a text without control characters, with its role."""


def folded(lines: Iterable[Piece], width: int) -> Iterator[Piece]:
    """The lines, those that are longer than ``width`` cells in several."""
    for text, role in lines:
        for part in chop_cells(text, max(1, width)) or [""]:
            yield part, role


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

    def _visible(self) -> list[Piece]:
        width, height = self.size
        room = max(0, width - 2)
        found: list[Piece] = []
        left = 0
        for line in folded(self._lines, room):
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
        return Strip([Segment(each, base + role_style(self, its)) for each, its in pieces], width)


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
