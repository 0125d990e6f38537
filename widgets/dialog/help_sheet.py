"""What the keys do, on a sheet over the screen."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.screen import ModalScreen

from widgets.table.columns import Column, fit_columns
from widgets.table.line_table import LineTable, Row

Section: TypeAlias = tuple[str, Sequence[tuple[str, str]]]
"""A title, and under it keys with what they do."""


class HelpSheet(ModalScreen[None]):
    """Sections of keys and words, to scroll through; Escape, ``?`` or ``q`` closes it.

    Args:
        titles: of the two columns.
        filtered: typing filters; Escape takes the filter away first, and letters are no keys.
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
        self,
        sections: Sequence[Section],
        titles: tuple[str, str] = ("Keys", "What they do"),
        *,
        filtered: bool = False,
    ) -> None:
        super().__init__()
        self._filtered = filtered
        self._sections = sections
        self._titles = titles

    def compose(self) -> ComposeResult:
        yield (_FilteredLines if self._filtered else _Lines)(self._sections, self._titles)

    def on_mount(self) -> None:
        self.query_one(_Lines).focus()


class _Lines(LineTable):
    """The sections, their words in as many lines as they need."""

    def __init__(self, sections: Sequence[Section], titles: tuple[str, str]) -> None:
        super().__init__([Column(titles[0], 18), Column(titles[1], 20, flex=1)])
        self._sections = sections

    def on_resize(self) -> None:
        self.fill()

    def fill(self) -> None:
        _, width = fit_columns(self.columns, self.scrollable_content_region.width - 1)
        self.set_rows(list(_rows(self.found(), max(1, width))))

    def found(self) -> Sequence[Section]:
        """What is shown of the sections."""
        return self._sections


class _FilteredLines(_Lines):
    """What is typed is somewhere in each line."""

    _typed = ""

    def on_mount(self) -> None:
        self.border_subtitle = "type to filter"

    def on_key(self, event: Key) -> None:
        if event.key == "escape" and self._typed:
            self._typed = ""
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character and event.is_printable and (self._typed or event.character != "?"):
            self._typed += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self.border_subtitle = f"filter: {self._typed}" if self._typed else "type to filter"
        self.empty = f"Nothing has {self._typed}."
        self.fill()

    def found(self) -> Sequence[Section]:
        parts = self._typed.lower().split()

        def has_all(title: str, line: tuple[str, str]) -> bool:
            words = f"{title} {' '.join(line)}".lower()
            return all(part in words for part in parts)

        kept = [(title, [line for line in lines if has_all(title, line)]) for title, lines in self._sections]
        return [(title, lines) for title, lines in kept if lines]


def _rows(sections: Sequence[Section], width: int) -> Iterator[Row]:
    for number, (title, hints) in enumerate(sections):
        if number:
            yield Row(f"{number} gap", ("",))
        yield Row(f"{number}", (title,), "group")
        for i, (keys, words) in enumerate(hints):
            for j, line in enumerate(textwrap.wrap(words, width) or [""]):
                yield Row(f"{number} {i} {j}", ((keys if j == 0 else "", "key"), line))
