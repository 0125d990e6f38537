"""The tests pane: what broke, what was broken before, and what the case under the cursor said."""

from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.timer import Timer
from textual.widget import Widget

from tui.domain.address import Address
from tui.domain.evaluation import EvaluationComparison
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.engine.queries import AnyQuery, CaseOf, TestsOf
from tui.engine.queries.evaluations import evaluations_of
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.insight.stack_traces import place_in
from tui.insight.tests import EarlierRun, comparable
from tui.panes.base import stale
from tui.panes.filterable import FilterablePane
from tui.panes.stages import listed
from tui.panes.test_rows import COLUMNS, TestRows, TestRowsInput, draw, heading
from tui.presenters.evaluation import EVALUATION, case_lines
from tui.presenters.tests import FOLDED, details_lines
from tui.sources.base import SourceError
from tui.threads import in_thread
from widgets.filter_bar import FilterBar
from widgets.status_line import StatusItem, StatusLine
from widgets.table.line_table import LineTable
from widgets.text_part import Lines, TextPart, TextSheet

REST = 0.3
"""Seconds the cursor must rest on a case before what it said is asked for."""
ROOMY = 14
"""Lines of the pane from which a part of them shows what the case under the cursor said."""


class TestsPane(FilterablePane):
    __test__ = False

    scope = "tests"
    DEFAULT_CSS = """
    TestsPane > TextPart { height: 40%; border-top: solid $primary-muted; display: none; }
    TestsPane.roomy > TextPart { display: block; }
    """

    line = query_one(StatusLine)
    table = query_one(LineTable)
    part = query_one(TextPart)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.closed = FOLDED
        self._picture: TestRows | None = None
        self._wanted: tuple[AnyQuery, ...] = ()
        self._wished: TestRowsInput | None = None
        """What is to be shown and is not yet; it is drawn in a thread, one picture at a time."""
        self._drawing = False
        self._looked_at: CaseKey | None = None
        """The case that the cursor rests on."""
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield LineTable(COLUMNS, empty="No run is selected.")
        yield TextPart(more="; Enter shows all")
        yield FilterBar()

    @property
    def focus_target(self) -> Widget:
        return self.table

    @property
    def busy(self) -> bool:
        """Its rows are being made, or the cursor does not rest yet."""
        return self._drawing or self._resting is not None

    # -- what it wants

    def queries(self) -> tuple[AnyQuery, ...]:
        """The report first; then those before it, and what the case under the cursor said."""
        address = self.selection.run_address
        if address is None:
            return ()
        wanted: list[AnyQuery] = [TestsOf(address)]
        if (evaluations := evaluations_of(self.runtime.settings, address)) is not None:
            wanted.append(evaluations)
        if (report := self.runtime.store.get(TestsOf(address)).value) is not None:
            wanted += [TestsOf(run.address) for run in self._before(address, report)]
            if self._looked_at is not None and self.has_class("roomy"):
                wanted.append(CaseOf(address, self._looked_at))
        return tuple(wanted)

    def _run(self, address: Address) -> Run:
        return listed(self.selection, address) or Run(address, f"#{address.run_text}", Status.UNKNOWN)

    def _before(self, address: Address, report: TestReport) -> list[Run]:
        pipeline = self.selection.pipeline
        return comparable(self._run(address), pipeline.runs) if pipeline and report.suites else []

    # -- what it shows

    def project(self) -> None:
        address = self.selection.run_address
        reading = self.runtime.store.get(TestsOf(address)) if address else None
        if address is None or reading is None or reading.value is None:
            self._clear(address, reading)
        else:
            self._request(self._inputs(address, reading.value))
        self._show_details()
        self._want()

    def _inputs(self, address: Address, report: TestReport) -> TestRowsInput:
        readings = [
            (run, self.runtime.store.get(TestsOf(run.address))) for run in self._before(address, report)
        ]
        return TestRowsInput(
            run=self._run(address),
            report=report,
            earlier=tuple(EarlierRun(run, each.value) for run, each in readings if each.value is not None),
            pending=any(each.value is None and each.fault is None for _, each in readings),
            minute=int(self.runtime.sources.now(address.source) // 60),
            needle=self.filter.text,
            closed=self.closed if not self.filter.text else frozenset(),
            evaluations=self._evaluated(address),
        )

    def _evaluated(self, address: Address) -> tuple[EvaluationComparison, ...]:
        query = evaluations_of(self.runtime.settings, address)
        if query is None:
            return ()
        reading = self.runtime.store.get(query)
        if reading.value is None and reading.fault is not None:
            return (EvaluationComparison("", "", 0, 0, problem=reading.fault.message),)
        return reading.value or ()

    def _request(self, inputs: TestRowsInput) -> None:
        if self._picture and inputs.same(self._picture.inputs):
            self._wished = None
            self._show(self._picture)
        elif not inputs.same(self._wished):
            self._wished = inputs
            if not self._drawing:
                self._drawing = True
                self.run_worker(self._draw(), group="draw")

    async def _draw(self) -> None:
        """Make pictures until there is one of what is wished for."""
        try:
            while (inputs := self._wished) is not None:
                picture = await in_thread(partial(draw, inputs, self._picture))
                if self._wished is inputs:
                    self._wished, self._picture = None, picture
                    self._show(picture)
        finally:
            self._drawing = False

    def _show(self, picture: TestRows) -> None:
        address = picture.inputs.run.address
        report = picture.inputs.report
        reading = self.runtime.store.get(TestsOf(address))
        self.line.show(
            [*(heading(picture, address) if report.suites else [StatusItem(str(address))]), *stale(reading)]
        )
        self.table.empty = (
            "No test matches the filter."
            if self.filter.text
            else "The run reported no tests." + "".join(f" {note}." for note in report.notes)
        )
        self.table.set_rows(picture.rows)
        if picture.inputs.needle:
            matching = sum(group.size for group in picture.groups if group.id not in ("flaky", "slowest"))
            self.filter.count(f"{matching:,} of {report.counts.total:,}")
        self._show_details()

    def _clear(self, address: Address | None, reading: Reading[TestReport] | None) -> None:
        """Nothing to show: no run, or one whose report is not there yet."""
        self._wished = self._picture = None
        if address is None or reading is None:
            self.table.empty = "It never ran." if self.selection.pipeline else "No run is selected."
            self.line.show([])
        else:
            self.table.empty = reading.fault.message if reading.fault else "Reading the tests …"
            self.line.show([StatusItem(str(address)), *stale(reading)])
        self.table.set_rows([])

    def _want(self) -> None:
        if (queries := self.queries()) != self._wanted:
            self._wanted = queries
            self.post_message(self.Wants())

    # -- the case under the cursor

    def _key(self) -> CaseKey | None:
        """Of the case under the cursor, in the report that is shown."""
        place = (self.table.key or "").split()
        if self._picture is None or len(place) != 3 or place[2] == "-1":
            return None
        return self._picture.inputs.report.suites[int(place[1])].key(int(place[2]))

    def _details(self) -> tuple[CaseOf, Reading[CaseDetails]] | None:
        if self._picture is None or (key := self._key()) is None:
            return None
        query = CaseOf(self._picture.inputs.run.address, key)
        return query, self.runtime.store.get(query)

    def _show_details(self) -> None:
        self.part.show(self._part_lines())

    def _part_lines(self) -> Lines:
        if (found := self._details()) is None:
            return self._group_lines()
        query, reading = found
        head = (f"{query.key.suite}  {query.key.classname}", "dim")
        if reading.value is not None:
            return [*details_lines(reading.value), head]
        words = reading.fault.message if reading.fault else "Reading what it said …"
        return [(words, "warning" if reading.fault else "dim"), head]

    def _group_lines(self) -> Lines:
        """What is to be said of a group, or of a suite that lacks cases."""
        place = (self.table.key or "").split()
        if self._picture is None or not place:
            return []
        if place[0].startswith(EVALUATION):
            found = self._picture.inputs.evaluations[int(place[0].rpartition("-")[2])]
            return case_lines(found, place[1] if len(place) > 1 else "")
        if len(place) == 3:
            suite = self._picture.inputs.report.suites[int(place[1])]
            return [(suite.title, "strong"), (suite.problem, "")]
        return [(group.says, "dim") for group in self._picture.groups if group.id == place[0]]

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._rested)
        self._show_details()

    def _rested(self) -> None:
        self._resting = None
        self._looked_at = self._key()
        self._want()

    async def action_open_case(self) -> None:
        """Show all that the case under the cursor said; ask for it where it is not known."""
        if (found := self._details()) is None:
            if (self.table.key or "").startswith(EVALUATION):
                await self.app.push_screen(TextSheet("Evaluation", self._group_lines()))
            return
        query, reading = found
        sheet = TextSheet(query.key.name, self._part_lines())
        await self.app.push_screen(sheet)
        if reading.value is None:
            try:
                details = await self.runtime.poller.ask(query)
            except SourceError as error:
                sheet.show([(error.message, "warning")])
            else:
                sheet.show(details_lines(details))

    def action_copy_place(self) -> None:
        found = self._details()
        details = found[1].value if found else None
        place = place_in(details.trace) if details else ""
        if not place:
            words = "The trace names no file." if details else "What it said is not known yet."
            self.notify(words if found else "There is no test here.", markup=False, timeout=3)
            return
        self.app.copy_to_clipboard(place)
        self.notify(f"Sent to the terminal's clipboard: {place}", markup=False, timeout=4)

    # -- groups and filter

    @on(LineTable.Selected)
    def _entered(self, event: LineTable.Selected) -> None:
        event.stop()
        if " " in event.key:
            self.run_worker(self.action_open_case(), group="case")
        else:
            self.fold(event.key, None)

    def on_resize(self) -> None:
        self.set_class(self.size.height >= ROOMY, "roomy")
        self._want()
