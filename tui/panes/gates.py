"""The gates pane: what waits for a person, everywhere."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.domain.address import Address
from tui.domain.pipeline import Listing
from tui.engine.actions.model_rules import promotes, with_gates
from tui.engine.queries import AnyQuery, EnvironmentsOf, PipelinesOf
from tui.engine.store import Reading
from tui.insight.pending_gates import PendingGate, pending_gates
from tui.panes.action_progress import progress, recent
from tui.panes.base import Selection
from tui.panes.selectable import SelectablePane
from tui.text import format as fmt
from widgets.table.line_table import Column, LineTable, Row
from widgets.theme import status_style

COLUMNS = (
    Column("", 1),
    Column("Waits", 5, align="right"),
    Column("For", 20, flex=4),
    Column("Of", 20, flex=4),
    Column("Blocks", 16, flex=3, drop=1),
    Column("Source", 8, drop=2),
)


def rows(found: Iterable[PendingGate], now: Callable[[str], float], stale: Mapping[str, bool]) -> list[Row]:
    made: list[Row] = []
    for each in found:
        address, since = each.gate.address, each.since
        shown = status_style("waiting" if each.needs_person else "skipped")
        age = fmt.ago(now(address.source) - since) if since is not None else ""
        cells = (
            (shown.glyph, shown.role),
            f"~{age}" if stale.get(address.source) else age,
            (each.gate.message or address.gate or "", shown.role),
            str(address.of_run).partition(":")[2],
            each.blocks,
            (address.source, "dim"),
        )
        made.append(Row(str(address), cells, dim=stale.get(address.source, False)))
    return made


class GatesPane(SelectablePane):
    scope = "gates"

    table = query_one(LineTable)
    _found: Mapping[str, PendingGate] = {}
    _asked: tuple[Address, ...] = ()
    """Pipelines that have gates and may deploy: where to is asked, for a newer deployment overtakes a gate."""
    _all = False
    """With what needs nobody."""

    def compose(self) -> ComposeResult:
        yield LineTable(COLUMNS, empty="Nothing waits for a person.")

    def queries(self) -> tuple[AnyQuery, ...]:
        return (*self._listings, *map(EnvironmentsOf, self._asked))

    @property
    def _listings(self) -> tuple[PipelinesOf, ...]:
        return tuple(map(PipelinesOf, self.runtime.settings.pipeline_sources))

    @property
    def focus_target(self) -> Widget:
        return self.table

    def project(self) -> None:
        store, settings = self.runtime.store, self.runtime.settings
        readings: dict[str, Reading[Listing]] = {query.of: store.get(query) for query in self._listings}
        listings = [reading.value for reading in readings.values() if reading.value is not None]
        asked = with_gates(settings, listings)
        if asked != self._asked:
            self._asked = asked
            self.post_message(self.Wants())
        places = [store.get(EnvironmentsOf(each)).value for each in asked]
        every = pending_gates(listings, filter(None, places), partial(promotes, settings))
        found = [each for each in every if each.needs_person or self._all]
        self._found = {str(each.gate.address): each for each in found}
        stale = {name: reading.fault is not None for name, reading in readings.items()}
        made = rows(found, self.runtime.sources.now, stale)
        for each in reversed(recent(self.runtime)):
            for i, row in enumerate(made):
                gate = self._found[row.key].gate.address
                if each.plan.request.target in (gate, gate.of_run):
                    made[i] = row._replace(cells=(*row.cells[:4], progress(each)))
        unread = [name for name, reading in readings.items() if reading.value is None]
        hidden = f"; o shows {len(every) - len(found)} more" if len(every) > len(found) else ""
        nothing = f"Nothing waits for a person{hidden}."
        self.table.empty = f"Reading {', '.join(unread)} …" if unread else nothing
        self.table.set_rows(self.with_marks(made))

    def action_optional_gates(self) -> None:
        """What needs nobody too, or no more."""
        self._all = not self._all
        self.project()

    @property
    def selected(self) -> Selection:
        found = self._found.get(self.table.key or "")
        if found is None:
            return self.selection
        address = found.gate.address
        return Selection(address, address.of_run, url=found.run.web_url or None)

    def reveal(self, key: str) -> bool:
        return self.table.highlight(key)

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        self.post_message(self.Moved())

    def target_of(self, key: str) -> Address | None:
        each = self._found.get(key)
        return each.gate.address if each is not None else None

    @on(LineTable.Selected)
    def _entered(self, event: LineTable.Selected) -> None:
        event.stop()
        self.post_message(self.Menu())
