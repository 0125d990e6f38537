"""Panes whose rows can be marked, so that one action is for several."""

from collections.abc import Sequence

from tui.domain.address import Address
from tui.engine.runtime import Runtime
from tui.panes.base import Pane
from widgets.table.line_table import LineTable, Row

MARK = "*"
"""In place of the first glyph of a row; what that tells is in its words, too."""


class SelectablePane(Pane):
    """Marks belong to keys: they stay with them when rows come, go or change places."""

    table: LineTable

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._marks: dict[str, None] = {}

    def target_of(self, key: str) -> Address | None:
        """What an action on the row of ``key`` is done to; None: it cannot be marked."""
        raise NotImplementedError

    @property
    def marked(self) -> tuple[Address, ...]:
        found = (self.target_of(key) for key in self._marks)
        return tuple(each for each in found if each is not None)

    def toggle_mark(self) -> bool:
        """Mark the row under the cursor, or no more, and go to the next; False where that cannot be."""
        key = self.table.key
        if key is None or self.target_of(key) is None:
            return False
        if key in self._marks:
            del self._marks[key]
        else:
            self._marks[key] = None
        self.project()
        self.table.action_move(1)
        return True

    def clear_marks(self) -> bool:
        if not self._marks:
            return False
        self._marks.clear()
        self.project()
        return True

    def with_marks(self, rows: Sequence[Row]) -> Sequence[Row]:
        """``rows``, those that are marked with the mark."""
        if not self._marks:
            return rows
        return [
            row._replace(cells=((MARK, "key"), *row.cells[1:])) if row.key in self._marks else row
            for row in rows
        ]
