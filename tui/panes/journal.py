"""The journal pane: what was done from this machine, by whom and why, and what became of it."""

from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.domain.action import Plan
from tui.domain.address import Address, parse_address
from tui.domain.journal import Record
from tui.engine.queries import AnyQuery, JournalNow
from tui.panes.action_progress import LOOKS
from tui.panes.base import Pane, Selection
from tui.text import format as fmt
from widgets.dialog.help_sheet import Section
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import status_style

COLUMNS = (
    Column("", 1),
    Column("When", 5, align="right"),
    Column("Action", 8),
    Column("On", 18, flex=3),
    Column("Outcome", 18, flex=4),
    Column("By", 10, flex=1, drop=1),
    Column("Why", 10, flex=2, drop=2),
)


def project(records: Sequence[Record], now: float, own: str) -> list[Row]:
    """A row for each action, the newest first.

    Args:
        own: what this program is called in the journal.
    """
    return [_row(record, now, own) for record in reversed(records) if record.plan is not None]


def _open(record: Record, own: str) -> str:
    """What is said of one that has no outcome."""
    return "under way" if record.first.who.instance == own else "cut off, or under way elsewhere"


def _row(record: Record, now: float, own: str) -> Row:
    first, end, plan = record.first, record.outcome, record.plan
    assert plan is not None
    shown = status_style(LOOKS.get(end.state, "unknown") if end is not None else "running")
    outcome = f"{end.state}: {end.words}" if end is not None else _open(record, own)
    cells = (
        (shown.glyph, shown.role),
        fmt.ago(now - first.at),
        first.kind,
        first.target,
        (outcome, shown.role),
        (_who(record), "dim"),
        plan.request.reason,
    )
    return Row(record.id, cells)


def _who(record: Record) -> str:
    first, plan = record.first, record.plan
    who = f"policy {first.policy}" if first.policy else f"{first.who.user}@{first.who.host}"
    return f"{who} as {plan.account}" if plan is not None and plan.account else who


def details(record: Record, own: str) -> Iterator[tuple[str, str]]:
    """All that the journal tells of one action."""
    first, plan, end = record.first, record.plan, record.outcome
    if plan is not None:
        yield "what", plan.words
        if plan.request.reason:
            yield "why", plan.request.reason
    yield "on", first.target
    if first.server:
        yield "server", first.server
    if plan is not None:
        yield from plan.facts
    yield "by", _who(record)
    yield "begun", fmt.clock(first.at)
    for entry in record.entries:
        if entry.request is not None:
            yield "sent", f"{entry.request.method} {entry.request.path}"
        elif entry.event == "answered" and entry.reply is not None:
            took = f", after {entry.latency:.1f} s" if entry.latency is not None else ""
            answer = (entry.reply.state, str(entry.reply.status or ""), entry.reply.words)
            yield "answer", " ".join(filter(None, answer)) + took
        elif entry.event == "observed":
            yield "seen", f"{entry.state}: {entry.words}" if entry.words else entry.state
    if end is None:
        yield "outcome", f"not known yet: {_open(record, own)}"
        return
    yield "outcome", f"{end.state}: {end.words}" if end.words else end.state
    yield "ended", fmt.clock(end.at)
    if end.result:
        yield "led to", end.result


def _goal(record: Record, plan: Plan) -> Address:
    """What was acted on; the run it led to, where that was no run."""
    target, end = plan.request.target, record.outcome
    if target.run is None and end is not None and end.result:
        return parse_address(end.result)
    return target


class JournalPane(Pane):
    scope = "journal"

    table = query_one(LineTable)
    _records: tuple[Record, ...] = ()

    def compose(self) -> ComposeResult:
        yield LineTable(COLUMNS, empty="Reading the journal …")

    def queries(self) -> tuple[AnyQuery, ...]:
        return (JournalNow(),)

    @property
    def focus_target(self) -> Widget:
        return self.table

    @property
    def _own(self) -> str:
        return self.runtime.actions.journal.who.instance

    def project(self) -> None:
        reading = self.runtime.store.get(JournalNow())
        found = reading.value
        self._records = found or ()
        if found is not None:
            self.table.empty = "Nothing was done yet."
        elif reading.fault is not None:
            self.table.empty = reading.fault.message
        self.table.set_rows(project(self._records, self.runtime.clock(), self._own))

    @property
    def record(self) -> Record | None:
        """What is under the cursor."""
        return next((record for record in self._records if record.id == self.table.key), None)

    @property
    def selected(self) -> Selection:
        record = self.record
        if record is None or record.plan is None:
            return self.selection
        goal = _goal(record, record.plan)
        return Selection(record.plan.request.target, goal.of_run if goal.run is not None else None)

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        self.post_message(self.Moved())

    @property
    def texts(self) -> Section | None:
        record = self.record
        if record is None:
            return None
        return f"{record.first.kind} {record.first.target}", list(details(record, self._own))

    @on(LineTable.Selected)
    def action_open_target(self) -> None:
        """Go to what it was done to; to the run it led to, where that was no run."""
        record = self.record
        if record is not None and record.plan is not None:
            self.post_message(self.Jump(_goal(record, record.plan)))
