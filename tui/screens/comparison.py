"""What changed from one version of a model to another, side by side: differences first, what is the same folded."""

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one
from textual.screen import ModalScreen

from tui.domain.model_comparison import ModelComparison
from tui.engine.queries import ComparisonOf
from tui.engine.runtime import Runtime
from tui.presenters.model_comparison import comparison_lines, pair_words, summary
from tui.sources.base import SourceError
from widgets.status_line import StatusItem, StatusLine
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.text_part import TextSheet
from widgets.theme import CLOSED, OPEN, status_style

_BLANK = (" ", "")


class ComparisonSheet(ModalScreen[None]):
    """It is asked for when it is opened; Escape or ``q`` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", id="sheet.close", show=False),
        Binding("o", "everything", "All or differences", id="comparison.everything", show=False),
    ]
    # What lies beneath stays as it is: tinting it would draw the whole screen again.
    DEFAULT_CSS = """
    ComparisonSheet {
        align: center middle;
        background: transparent;
        & > Vertical {
            width: 100%;
            max-width: 160;
            height: 95%;
            background: $surface;
            border: round $primary;
        }
    }
    """

    body = query_one(Vertical)
    line = query_one(StatusLine)
    table = query_one(LineTable)

    def __init__(self, runtime: Runtime, model: str, title: str) -> None:
        super().__init__()
        self._runtime = runtime
        self._query = ComparisonOf(model)
        self._heading = title
        self._found: ModelComparison | None = None
        self._folded: frozenset[str] = frozenset()
        self._everything = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield StatusLine()
            yield LineTable(
                (
                    Column("", 1),
                    Column("What", 14, flex=3),
                    Column("Deployed", 12, flex=4),
                    Column("Candidate", 12, flex=4),
                    Column("Change", 12, flex=4),
                ),
                empty="Reading what changed …",
            )

    def on_mount(self) -> None:
        self.body.border_title = f"What changed of {self._heading}"
        self.body.border_subtitle = "o all or differences · Enter whole value · Esc back"
        self.table.focus()
        self.run_worker(self._read(), group="comparison")

    async def _read(self) -> None:
        try:
            self._found = await self._runtime.poller.recent(self._query)
        except SourceError as error:
            self.table.empty = error.message
            self.table.set_rows([])
        else:
            self._show(self._found)

    def _show(self, found: ModelComparison) -> None:
        self.line.show(
            [
                StatusItem(summary(found) or "nothing to compare"),
                StatusItem("", detail=pair_words(found), drop=1),
            ]
        )
        rows = list(self._rows(found))
        self.table.empty = "; ".join(found.notes) or "Nothing differs, as far as it was recorded."
        self.table.set_rows(rows)

    def _rows(self, found: ModelComparison) -> Iterator[Row]:
        for each in comparison_lines(found, self._folded, everything=self._everything):
            if each.heading:
                mark = CLOSED if each.key in self._folded else OPEN
                title, counts = each.cells
                yield Row(each.key, (mark, ((f"{title}  ", "strong"), (counts, ""))), "group")
            else:
                glyph = status_style(each.role)[:2] if each.role else _BLANK
                yield Row(each.key, (glyph, *each.cells))
        if found.differences:
            for number, note in enumerate(found.notes):
                yield Row(f"note {number}", (status_style("unknown")[:2], note))

    def action_everything(self) -> None:
        self._everything = not self._everything
        if self._found is not None:
            self._show(self._found)

    @on(LineTable.Toggled)
    def _toggled(self, event: LineTable.Toggled) -> None:
        event.stop()
        self._fold(event.key, event.open)

    def _fold(self, key: str, open: bool | None) -> None:
        opened = key in self._folded if open is None else open
        self._folded = self._folded - {key} if opened else self._folded | {key}
        if self._found is not None:
            self._show(self._found)

    @on(LineTable.Selected)
    async def _entered(self, event: LineTable.Selected) -> None:
        """A group opens or closes; of anything else both values are shown whole."""
        event.stop()
        group, _, place = event.key.partition(" ")
        if not place:
            self._fold(event.key, None)
        elif self._found is not None and group == "note":
            await self.app.push_screen(TextSheet("Note", [(self._found.notes[int(place)], "")]))
        elif self._found is not None:
            each = self._found.differences[int(place)]
            lines = [
                ("Deployed", "dim"),
                (each.deployed, ""),
                ("Candidate", "dim"),
                (each.candidate, ""),
                *([("Change", "dim"), (each.change, "")] if each.change else []),
            ]
            await self.app.push_screen(TextSheet(f"{each.group.value} {each.name}", lines))
