"""What the keys do, on a sheet over the screen."""

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from widgets.line_table import Column, LineTable, Row

Section: TypeAlias = tuple[str, Sequence[tuple[str, str]]]
"""A title, and under it keys with what they do."""


class HelpSheet(ModalScreen[None]):
    """Sections of keys and words, to scroll through; Escape, ``?`` or ``q`` closes it.

    Args:
        titles: of the two columns.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="help.close", show=False)
    ]
    # What lies beneath stays as it is: tinting it would draw the whole screen again.
    DEFAULT_CSS = """
    HelpSheet {
        align: center middle;
        background: transparent;
        & > LineTable {
            width: 90%;
            min-width: 40;
            max-width: 100;
            height: 90%;
            background: $surface;
            border: round $primary;
            padding: 0 1;
        }
    }
    """

    def __init__(
        self, sections: Sequence[Section], titles: tuple[str, str] = ("Keys", "What they do")
    ) -> None:
        super().__init__()
        self._sections = sections
        self._titles = titles

    def compose(self) -> ComposeResult:
        yield LineTable([Column(self._titles[0], 18), Column(self._titles[1], 20, flex=1)])

    def on_mount(self) -> None:
        rows: list[Row] = []
        for number, (title, hints) in enumerate(self._sections):
            if rows:
                rows.append(Row(f"{number} gap", ("",)))
            rows.append(Row(f"{number}", (title,), "group"))
            rows += [Row(f"{number} {i}", ((keys, "key"), words)) for i, (keys, words) in enumerate(hints)]
        table = self.query_one(LineTable)
        table.set_rows(rows)
        table.focus()
