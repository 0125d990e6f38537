"""The stages pane: the graph of one run as a tree, with a bar for when each part ran."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.domain.action import Activity
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.domain.training import LinkedTraining
from tui.engine.queries import AnyQuery, RunAt, UsualOf
from tui.engine.store import Reading
from tui.insight.activities import on_run
from tui.insight.critical_path import critical_path
from tui.insight.usual import Usual
from tui.panes.action_progress import progress, recent
from tui.panes.base import Pane, Selection, stale
from tui.panes.training import training_queries, trainings
from tui.presenters.pipelines import (
    StageLine,
    critical_words,
    neediest,
    run_state,
    stage_lines,
    status_word,
    tests_text,
)
from tui.presenters.training import row_key, with_trainings
from widgets.cells import Cell, pieces
from widgets.status_line import StatusItem, StatusLine
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import CRITICAL, status_style
from widgets.timeline import timeline

_BAR = 18
COLUMNS = (
    Column("", 2),
    Column("Stage", 18, flex=3),
    Column("Status", 8, drop=1),
    Column("Time", 7, align="right"),
    Column("When", _BAR, drop=2),
    Column("Note", 10, flex=2, drop=3),
)


def project(run: Run, now: float, acting: Sequence[Activity] = (), usual: Usual | None = None) -> list[Row]:
    """The rows of the stage tree; beside those of jobs, how far what is done to them has come."""
    return rows_of(stage_lines(run, now, usual), now, acting)


def rows_of(lines: Sequence[StageLine], now: float, acting: Sequence[Activity] = ()) -> list[Row]:
    """The rows of such lines."""
    low, high = scale(lines, now)
    notes = {each.plan.request.target.of_job: progress(each) for each in reversed(acting)}
    return [_row(line, low, high, notes.get(line.address) or _note(line)) for line in lines]


def scale(lines: Sequence[StageLine], now: float) -> tuple[float, float]:
    """What the bars span. While something runs the end moves in steps, so that the bars seldom change."""
    starts = [at for line in lines if (at := line.queued_at or line.started_at) is not None]
    if not starts:
        return 0.0, 0.0
    low = min(starts)
    if any(line.status.active and line.started_at is not None for line in lines):
        step = 60.0
        while low + step <= now:
            step *= 1.5
        return low, low + step
    return low, max(line.ended_at or low for line in lines)


def _row(line: StageLine, low: float, high: float, note: Cell) -> Row:
    shown = status_style(line.status.value)
    running = line.status.active and line.started_at is not None
    bar = (
        timeline(line.started_at, line.ended_at, low, high, _BAR, running=running, queued=line.queued_at)
        if line.started_at
        else ""
    )
    return Row(
        line.key,
        (
            ((shown.glyph, shown.role), (CRITICAL if line.critical else "", "accent")),
            ((line.prefix, "dim"), (line.name, "")),
            (line.word, shown.role),
            line.time,
            (bar, shown.role),
            note,
        ),
        dim=line.dim,
    )


def _note(line: StageLine) -> Cell:
    """What is unusual first."""
    if not line.slow:
        return line.note
    return ((line.slow, "warning"), (f"; {line.note}" if line.note else "", ""))


def heading(run: Run, earlier: Sequence[Run], now: float, *, path: bool = True) -> list[StatusItem]:
    """What the line above the tree says of the run.

    Args:
        path: with its critical path.
    """
    shown = status_style(run.status.value)
    word = status_word(run.status, run.vendor_status)
    facts = [
        run.title if run.title != f"#{run.address.run_text}" else "",
        run.ref,
        run.revision[:8],
        run.cause,
    ]
    tests = tests_text(run)
    critical = critical_words(critical_path(run), now) if path else ""
    marked = [
        StatusItem(f"{CRITICAL} critical path", "accent", drop=2),
        StatusItem("", detail=critical, drop=4),
    ]
    return [
        StatusItem(str(run.address), "strong"),
        StatusItem(f"{shown.glyph} {word}", shown.role, run_state(run, earlier, now)),
        StatusItem(tests, "failed" if tests.endswith("failed") else "", drop=3)
        if tests
        else StatusItem("", drop=9),
        *(marked if critical else ()),
        *(StatusItem("", detail=fact, drop=3) for fact in run.facts),
        StatusItem("", detail="  ".join(fact for fact in facts if fact), drop=4),
    ]


class StagesPane(Pane):
    scope = "stages"

    table = query_one(LineTable)
    line = query_one(StatusLine)
    _addressed: tuple[Run | None, Mapping[str, Address]] | None = None
    _trained: Mapping[str, LinkedTraining] = MappingProxyType({})
    """By the keys of their rows."""
    _showing: tuple[Address | None, Selection] = None, Selection()
    """The run that is shown, and what was selected when it was first."""
    _starting = False
    """The cursor is to be put where it starts as soon as the stages are known."""
    _start_at: Address | None = None
    """Not where the run needs somebody, but on this, which one came from."""
    _from_top = True
    """Where nothing needs anybody; else it stays on the stage of that name, in another run of the pipeline."""
    _started: str | None = None
    """The row where it started in this run."""

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield LineTable(COLUMNS, empty="No run is selected.")

    def queries(self) -> tuple[AnyQuery, ...]:
        address = self.selection.run_address
        if address is None:
            return ()
        return (RunAt(address), UsualOf(address), *training_queries(self.runtime, self.selection))

    @property
    def focus_target(self) -> Widget:
        return self.table

    def enter(self, at: Address | None) -> None:
        """The cursor starts at the gate or job that one came from, else where the run needs somebody, unless a person
        has moved it in this run before."""
        own = at is not None and at.job is not None and at.of_run == self.selection.run_address
        if own:
            self._starting, self._start_at, self._started = True, at, None
        elif self._started == self.table.key:
            self._starting = True
        self._start()

    def _start(self) -> None:
        address = self.selection.run_address
        if not self._starting or address is None or not self.table.rows:
            return
        reading = self.runtime.store.get(RunAt(address))
        run = reading.value or listed(self.selection, address)
        # What the list knows of the run may lack its jobs, or all.
        self._starting = reading.value is None or not run or not run.stages
        if run is None or self._started not in (None, self.table.key):
            return
        if self._start_at is None or not self.reveal(str(self._start_at.of_job)):
            line = neediest(stage_lines(run, 0.0))
            if line is not None or self._from_top:
                self.table.highlight((line or self.table.rows[0]).key)
        self._started = self.table.key

    def _look_for_another(self, address: Address | None) -> None:
        """Whether another run is shown, and not because a newer one of the same pipeline has begun."""
        shown, before = self._showing
        if address == shown:
            return
        self._showing = address, self.selection
        pipeline, was = self.selection.pipeline, before.pipeline
        same = pipeline is not None and was is not None and pipeline.key == was.key
        if not (same and self.selection.run is None and before.run is None):
            self._starting, self._start_at, self._started, self._from_top = True, None, None, not same

    def project(self) -> None:
        address, pipeline = self.selection.run_address, self.selection.pipeline
        self._look_for_another(address)
        if address is None or pipeline is None:
            self.table.empty = "It never ran." if pipeline else "No run is selected."
            self.line.show([])
            self.table.set_rows([])
            return
        reading = self.runtime.store.get(RunAt(address))
        now = self.runtime.sources.now(address.source)
        run = reading.value or listed(self.selection, address)
        items = heading(run, pipeline.runs, now) if run else [StatusItem(str(address))]
        acting = [each for each in recent(self.runtime) if on_run(each, address)]
        items[:0] = [StatusItem(*pieces(progress(each))[0]) for each in acting[:1]]
        self.line.show([*items, *stale(reading)])
        self.table.empty = empty_words(reading)
        usual = self.runtime.store.get(UsualOf(address)).value
        lines = stage_lines(run, now, usual) if run else []
        if run is not None and (training := trainings(self.runtime, self.selection, run)) is not None:
            lines = with_trainings(lines, training.linked, training.settings, now, training.read_at)
            self._trained = {row_key(each): each for each in training.linked}
        self.table.set_rows(rows_of(lines, now, acting))
        self._start()

    @on(LineTable.Selected)
    def _entered(self, event: LineTable.Selected) -> None:
        event.stop()
        row = self.selected.address
        if row is not None and row.run is not None and row.job is None and row != self.selection.run_address:
            self.post_message(self.Jump(row))  # a run of its own, perhaps of another server
        else:
            self.post_message(self.Go("log"))

    @on(LineTable.NothingSelected)
    def _entered_nothing(self, event: LineTable.NothingSelected) -> None:
        """A run without stages has a log, too; where there is no run, the deck says so."""
        event.stop()
        self.post_message(self.Go("log"))

    def reveal(self, key: str) -> bool:
        """Put the cursor on the stage or job of that address."""
        address = self.selection.run_address
        run = self.runtime.store.get(RunAt(address)).value if address is not None else None
        found = (row for row, each in self._addresses(run).items() if str(each) == key)
        return self.table.highlight(next(found, ""))

    @property
    def selected(self) -> Selection:
        """The job or stage under the cursor; the run while there is none."""
        address, url = self.selection.run_address, None
        if address is not None:
            key = self.table.key or ""
            trained = self._trained.get(key)
            if trained is not None and trained.link.address.of_run == address:
                address, url = trained.link.address, trained.training.web_url
            else:
                address = self._addresses(self.runtime.store.get(RunAt(address)).value).get(key, address)
        return msgspec.structs.replace(self.selection, address=address, version=None, url=url)

    def _addresses(self, run: Run | None) -> Mapping[str, Address]:
        """Of its stages and jobs, by the keys of their rows; made once for each answer."""
        if self._addressed is None or self._addressed[0] is not run:
            lines = stage_lines(run, 0.0) if run is not None else ()
            self._addressed = run, {line.key: line.address for line in lines}
        return self._addressed[1]

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        self.post_message(self.Moved())


def listed(selection: Selection, address: Address) -> Run | None:
    """What the list knows of the run, until it has been read itself."""
    runs = selection.pipeline.runs if selection.pipeline else ()
    return next((run for run in runs if run.address == address), None)


def empty_words(reading: Reading[Run]) -> str:
    if reading.value is not None:
        return reading.value.problem or "The run has no stages yet."
    return reading.fault.message if reading.fault else "Reading the run …"
