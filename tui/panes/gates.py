"""The gates pane: what waits for a person, everywhere."""

from collections.abc import Callable, Iterable, Mapping

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.domain.address import Address
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.gates import GatesNow
from tui.engine.queries import AnyQuery, EnvironmentsOf, PipelinesOf
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.insight.pending_gates import PendingGate
from tui.panes.action_progress import progress, recent
from tui.panes.base import Selection
from tui.panes.selectable import SelectablePane
from tui.text import format as fmt
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
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
    status = Status.WAITING
    _found: Mapping[str, PendingGate] = {}
    _all = False
    """With what needs nobody."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._gates = GatesNow(runtime.settings)

    def compose(self) -> ComposeResult:
        yield LineTable(COLUMNS, empty="Nothing waits for a person.")

    def queries(self) -> tuple[AnyQuery, ...]:
        return (*self._listings, *map(EnvironmentsOf, self._gates.may_deploy))

    @property
    def _listings(self) -> tuple[PipelinesOf, ...]:
        return tuple(map(PipelinesOf, self.runtime.settings.pipeline_sources))

    @property
    def focus_target(self) -> Widget:
        return self.table

    def project(self) -> None:
        store, asked = self.runtime.store, self._gates.may_deploy
        readings: dict[str, Reading[Listing]] = {query.of: store.get(query) for query in self._listings}
        self._gates.look(store)
        if asked != self._gates.may_deploy:
            self.post_message(self.Wants())
        every = self._gates.every
        found = every if self._all else self._gates.needing
        self._found = {str(each.gate.address): each for each in found}
        stale = {name: reading.fault is not None for name, reading in readings.items()}
        made = rows(found, self.runtime.sources.now, stale)
        for each in reversed(recent(self.runtime)):
            for i, row in enumerate(made):
                gate = self._found[row.key].gate.address
                if each.plan.request.target in (gate, gate.of_run):
                    made[i] = row._replace(cells=(*row.cells[:4], progress(each), row.cells[5]))
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
        self.post_message(self.Go("run"))
