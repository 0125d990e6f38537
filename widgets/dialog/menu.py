"""A list to choose from over the screen; what cannot be chosen says why."""

import textwrap
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one

from widgets.dialog.guarded import GuardedScreen
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row


class MenuLine(NamedTuple):
    key: str
    words: str
    shortcut: str = ""
    why_not: str = ""
    """Why it cannot be chosen now; it is greyed then."""


class Menu(GuardedScreen[str | None]):
    """Enter hands on the key of a line, Escape None. Lines may come later: :meth:`offer`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", id="menu.close", show=False)
    ]
    DEFAULT_CSS = """
    Menu > LineTable {
        width: 90%; max-width: 100; height: 12; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    """

    table = query_one(LineTable)

    def __init__(self, title: str, lines: Sequence[MenuLine], note: str = "") -> None:
        super().__init__()
        self._title = title
        self.lines = tuple(lines)
        self._note = note

    def compose(self) -> ComposeResult:
        yield LineTable([Column("", 3), Column(self._title, 20, flex=1)])

    def on_mount(self) -> None:
        self._fill()
        self.table.focus()

    def offer(self, lines: Sequence[MenuLine], note: str = "") -> None:
        """These lines from now on; the cursor stays on its own."""
        self.lines, self._note = tuple(lines), note
        self._fill()

    @property
    def _room(self) -> int:
        """Cells for why something cannot be chosen: without border, padding, scrollbar, cursor, shortcut and dash."""
        return max(10, min(100, self.size.width * 9 // 10) - 14)

    def on_resize(self) -> None:
        self._fill()

    def _fill(self) -> None:
        rows: list[Row] = []
        for line in self.lines:
            rows.append(Row(line.key, ((line.shortcut, "key"), line.words), dim=bool(line.why_not)))
            for i, words in enumerate(textwrap.wrap(line.why_not, self._room)):
                rows.append(
                    Row(f"{line.key} why {i}", ("", f"  {'– ' if i == 0 else '  '}{words}"), dim=True)
                )
        if self._note:
            rows.append(Row("note", ("", (self._note, "dim"))))
        self.table.styles.height = max(5, len(rows) + 3)
        self.table.set_rows(rows)

    @on(LineTable.Selected)
    def _chosen(self, event: LineTable.Selected) -> None:
        event.stop()
        line = next((line for line in self.lines if line.key == event.key), None)
        if line is None:
            return
        if line.why_not:
            self.table.border_subtitle = "That cannot be done now"
        elif self.is_current:
            self.dismiss(line.key)
