"""Panes with a filter, and with groups that can be folded."""

from textual import on
from textual.getters import query_one

from tui.panes.base import Pane
from widgets.filter_bar import FilterBar
from widgets.prompt import Prompt
from widgets.table.line_table import LineTable


class FilterablePane(Pane):
    """What is typed into the filter, and which groups are closed, is for ``project`` to go by."""

    filter = query_one(FilterBar)
    closed: frozenset[str] = frozenset()
    """The names of groups whose rows are not shown."""

    def action_filter(self) -> None:
        self.filter.open()

    def clear_filter(self) -> bool:
        if not self.filter.text:
            return False
        self.filter.clear()
        return True

    @on(Prompt.Changed)
    def _filter_changed(self, event: Prompt.Changed) -> None:
        event.stop()
        self.project()

    @on(LineTable.Toggled)
    def _folded(self, event: LineTable.Toggled) -> None:
        event.stop()
        self.fold(event.key, event.open)

    def fold(self, key: str, open: bool | None) -> None:
        """Open or close the group whose row has that key; None: the other of the two."""
        name = key.removeprefix("group ")
        opened = name in self.closed if open is None else open
        self.closed = self.closed - {name} if opened else self.closed | {name}
        self.project()
