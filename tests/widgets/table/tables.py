"""A table that fills the screen, and its rows."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from tests.app_pilot import screen_text
from tests.widgets.counting import Counting
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row

COLUMNS = (
    Column("", 1),
    Column("Pipeline", 16, flex=3),
    Column("Ref", 8, flex=1, drop=2),
    Column("Timeline", 20, drop=4),
    Column("Took", 6, align="right", drop=3),
    Column("Age", 4, align="right", drop=1),
)


class CountingTable(Counting, LineTable):
    pass


class TableApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "note('space')"),
        Binding("left", "note('left')"),
    ]

    def __init__(
        self, rows: Sequence[Row] = (), columns: Sequence[Column] = COLUMNS, empty: str = ""
    ) -> None:
        super().__init__()
        self.table = CountingTable(columns, empty=empty)
        self.table.set_rows(rows)
        self.news: list[Any] = []
        self.notes: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()

    def action_note(self, what: str) -> None:
        self.notes.append(what)

    def on_line_table_highlighted(self, event: LineTable.Highlighted) -> None:
        self.news.append(event.key)

    def on_line_table_selected(self, event: LineTable.Selected) -> None:
        self.news.append(("selected", event.key))

    def on_line_table_toggled(self, event: LineTable.Toggled) -> None:
        self.news.append(("toggled", event.key, event.open))


def items(*keys: str) -> list[Row]:
    return [Row(key, ("", f"name {key}")) for key in keys]


def numbered(count: int) -> list[Row]:
    return items(*(f"r{i}" for i in range(count)))


def lines(app: TableApp) -> list[str]:
    """The screen, which the table fills, without the scrollbar."""
    beside = app.size.width - 1
    return [line[:beside].rstrip() for line in screen_text(app).split("\n")]


def line_of(app: TableApp, key: str) -> int:
    """Which line of the screen shows the row of ``key``."""
    return [line.endswith(f" name {key}") for line in lines(app)].index(True)
