"""What the keys do, on a sheet over the screen."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from widgets.table.columns import Column, fit_columns
from widgets.table.line_table import LineTable, Row

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
        yield _Lines(self._sections, self._titles)

    def on_mount(self) -> None:
        self.query_one(_Lines).focus()


class _Lines(LineTable):
    """The sections, their words in as many lines as they need."""

    def __init__(self, sections: Sequence[Section], titles: tuple[str, str]) -> None:
        super().__init__([Column(titles[0], 18), Column(titles[1], 20, flex=1)])
        self._sections = sections

    def on_resize(self) -> None:
        _, width = fit_columns(self.columns, self.scrollable_content_region.width - 1)
        self.set_rows(list(_rows(self._sections, max(1, width))))


def _rows(sections: Sequence[Section], width: int) -> Iterator[Row]:
    for number, (title, hints) in enumerate(sections):
        if number:
            yield Row(f"{number} gap", ("",))
        yield Row(f"{number}", (title,), "group")
        for i, (keys, words) in enumerate(hints):
            for j, line in enumerate(textwrap.wrap(words, width) or [""]):
                yield Row(f"{number} {i} {j}", ((keys if j == 0 else "", "key"), line))
