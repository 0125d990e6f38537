"""The preview: what answers the next question about what the cursor rests on."""

import asyncio
from collections.abc import Iterator
from typing import TypeVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.config import TrainingSettings
from tui.domain.address import Address
from tui.domain.pipeline import Run, Stage
from tui.domain.series import Chart as ChartAnswer
from tui.domain.status import Status
from tui.domain.training import LinkedTraining
from tui.engine.queries import (
    AnyQuery,
    ChartOf,
    EnvironmentsOf,
    ExcerptOf,
    FailuresOf,
    PipelinesOf,
    Query,
    RunAt,
    UsualOf,
    VerdictOf,
)
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.insight.failures import Failures
from tui.panes.base import Pane, stale
from tui.panes.deployment_markers import DeploymentMarkers
from tui.panes.metrics import LEAST_HEIGHT, LEAST_WIDTH, ChartBox
from tui.panes.metrics import project as chart_data
from tui.panes.stages import heading, listed
from tui.panes.time_range import TimeRange
from tui.panes.training import ShownTraining, curve_queries, drawn, shown_curve, training_queries, trainings
from tui.presenters.judged_metrics import metric_line
from tui.presenters.preview import (
    JudgedLine,
    Line,
    Told,
    failed_lines,
    note_lines,
    passed_lines,
    path_line,
    queue_lines,
    running_lines,
    stages_line,
    tests_lines,
    verdict_lines,
    waiting_lines,
)
from tui.presenters.training import curve_lines, shown_metric, training_lines, unlinked_lines
from widgets.chart.chart import Chart
from widgets.chart.sparkline import sparkline
from widgets.status_line import StatusItem, StatusLine
from widgets.text_part import TextView, rows_of
from widgets.theme import status_style

T = TypeVar("T")

REST = 0.15
"""Seconds that the cursor must rest after the deck has told what is selected before anything is read for it."""
SPAN = TimeRange()
"""The time that charts and curves show."""
CHARTS_FROM = 200
"""Columns of the terminal from which charts are drawn: on a slow link they take longer than all else together."""
CURVE = 16
"""Cells of a curve."""
AGED = 120.0
"""Seconds after which what is read again and again is old."""


class PreviewPane(Pane):
    scope = "preview"
    DEFAULT_CSS = """
    PreviewPane > ChartBox { height: 1fr; scrollbar-size-vertical: 1; }
    """

    line = query_one(StatusLine)
    view = query_one(TextView)
    box = query_one(ChartBox)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._looked_at: Address | None = None
        """The run that the cursor rests on."""
        self._coming: Address | None = None
        """The one it has just come to."""
        self._resting: asyncio.Task[None] | None = None
        self._wanted: tuple[AnyQuery, ...] = ()
        self._charts: dict[str, Chart] = {}
        """By model and metric, those that there is room for."""
        self._height = 0
        """Rows of the lines while charts stand below them, else 0: then they have all the room."""
        self._moments = DeploymentMarkers(runtime)

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield TextView()
        yield ChartBox()

    def on_mount(self) -> None:
        self.box.display = False

    def on_unmount(self) -> None:
        if self._resting is not None:
            self._resting.cancel()

    def on_resize(self) -> None:
        self.post_message(self.Wants())

    @property
    def focus_target(self) -> Widget:
        return self.view

    # -- what it wants

    def queries(self) -> tuple[AnyQuery, ...]:
        """Nothing of a run before the cursor rests on it: until then what was wanted where it rested before."""
        return self._queries() if self.selection.run_address == self._looked_at else self._wanted

    def _queries(self) -> tuple[AnyQuery, ...]:
        """Of a run that failed at most its report and its log beside what its stages are made of."""
        address = self._looked_at
        if address is None:
            return ()
        run = self._run(address)
        status = run.status if run is not None else None
        wanted: list[AnyQuery] = [RunAt(address)]
        if status is Status.FAILED:
            wanted.append(ExcerptOf(address))
        if run is not None and self._reads_tests(run):
            wanted.append(FailuresOf(address))
        if status is Status.RUNNING:
            wanted += [UsualOf(address), ExcerptOf(address), *training_queries(self.runtime, self.selection)]
            wanted += self._following(run) if run is not None else ()
        elif status is Status.WAITING:
            wanted += self._judging()
        return tuple(wanted)

    def _reads_tests(self, run: Run) -> bool:
        """There are some that failed, and a request or two tell which: those of child pipelines cost more."""
        counts = run.tests
        failed = counts.failed > 0 if counts is not None else run.status is Status.FAILED
        return failed and run.status in (Status.FAILED, Status.WARNING) and not _children(run)

    def _judging(self) -> list[AnyQuery]:
        """The verdict is wanted for the header anyway."""
        if not (judged := self._judged()):
            return []
        name = self.selection.model or ""
        moments = self._moments.of(name)[0] if self._charts else ()
        return [VerdictOf(name), *(self._chart(name, metric) for metric in judged), *moments]

    def _judged(self) -> tuple[str, ...]:
        """The metrics of the model that is selected."""
        name = self.selection.model
        return judged_metrics(self.runtime.settings, name) if name is not None else ()

    def _chart(self, model: str, metric: str) -> ChartOf:
        """The question is the same for a curve and for a chart; in steps, as for those of all metrics."""
        return ChartOf(model, metric, SPAN.seconds, max(20, self.size.width // 20 * 20))

    def _rest(self, address: Address | None) -> None:
        """Count as looked at what the cursor still is on after a while."""
        if address == self._coming:
            return
        self._coming, self._looked_at = address, None
        self.view.first()
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.create_task(self._rested(address))

    async def _rested(self, address: Address | None) -> None:
        await self.runtime.poller.pause(REST)
        self._looked_at = address
        self._want()

    def _want(self) -> None:
        if (queries := self.queries()) != self._wanted:
            self._wanted = queries
            self.post_message(self.Wants())

    # -- what it shows

    def project(self) -> None:
        address, pipeline = self.selection.run_address, self.selection.pipeline
        self._rest(address)
        if pipeline is None:
            self.line.show([])
            self._show(list(self._silent()) or [("Nothing is selected.", "dim")])
            return
        now = self.runtime.sources.now(pipeline.address.source)
        lines: list[Line] = list(queue_lines(pipeline.queue, now)) if self.selection.run is None else []
        if address is None:
            self.line.show([StatusItem(str(pipeline.address), "strong")])
            self._show(lines or [("It never ran.", "dim")])
            return
        reading = self.runtime.store.get(RunAt(address))
        run = self._run(address)
        items = (
            heading(run, pipeline.runs, now, path=False) if run is not None else [StatusItem(str(address))]
        )
        self.line.show([*items, *stale(reading)])
        if run is not None:
            lines += self._lines(run, now)
        self._show(lines, run)
        self._want()

    def _show(self, lines: list[Line], run: Run | None = None) -> None:
        """The lines, and below them the charts of what is judged where there is room."""
        waits = run is not None and run.status is Status.WAITING
        charts = self._room(lines) if waits and self._looked_at is not None else ()
        name = self.selection.model or ""
        if list(self._charts) != [f"{name} {metric}" for metric in charts]:
            self._charts = {f"{name} {metric}": Chart() for metric in charts}
            self.box.remove_children()
            self.box.mount_all(self._charts.values())
        self.view.show(lines)
        height = rows_of(lines, self.size.width) if charts else 0
        if height != self._height:
            self._height = height
            self.box.display = bool(charts)
            self.view.styles.height = height or "1fr"
        _, markers = self._moments.of(name) if charts else ((), ())
        now = self.runtime.clock()
        for metric, chart in zip(charts, self._charts.values(), strict=True):
            table, reading = (
                self.runtime.settings.metrics[metric],
                self.runtime.store.get(self._chart(name, metric)),
            )
            data = chart_data(table.title or metric, table, SPAN, reading, now, markers)
            chart.show(data._replace(small=True))

    def _room(self, lines: list[Line]) -> tuple[str, ...]:
        """The metrics whose charts fit below the lines."""
        if self.app.size.width < CHARTS_FROM or self.size.width < LEAST_WIDTH:
            return ()
        left = self.size.height - 1 - rows_of(lines, self.size.width)
        return self._judged()[: max(0, left // LEAST_HEIGHT)]

    def _silent(self) -> Iterator[Line]:
        """What keeps sources from telling of any pipeline."""
        for name in self.runtime.settings.pipeline_sources:
            reading = self.runtime.store.get(PipelinesOf(name))
            if reading.fault is not None and reading.value is None:
                yield f"{name}: {reading.fault.trouble.value}", "failed"
                yield f"  {reading.fault.message}", ""

    def _run(self, address: Address) -> Run | None:
        """The newest that is known: a listing may tell of an end that was not read yet."""
        read, row = self.runtime.store.get(RunAt(address)).value, listed(self.selection, address)
        if read is None or row is None or read.status is row.status:
            return read or row
        return msgspec.structs.replace(row, stages=read.stages)

    def _lines(self, run: Run, now: float) -> Iterator[Line]:
        address = run.address
        usual = self.runtime.store.get(UsualOf(address)).value
        match run.status:
            case Status.FAILED:
                yield from failed_lines(run, self._tests(run), self._told(ExcerptOf(address)))
            case Status.RUNNING:
                yield from self._training(run, now)
                yield from running_lines(run, now, usual, self._told(ExcerptOf(address), aged=True))
            case Status.WAITING:
                yield from waiting_lines(run, now)
                yield from self._verdict()
            case Status.QUEUED:
                yield run.waiting_reason or "The server does not say why it waits.", "waiting"
            case Status.PASSED | Status.WARNING:
                yield from tests_lines(run, self._tests(run))
                yield from passed_lines(run, self._told(EnvironmentsOf(address.pipeline), aged=True), now)
            case _:
                if run.problem:
                    yield run.problem, ""
        yield from stages_line(run, lambda status: status_style(status.value).glyph)
        yield from path_line(run, now)
        if run.status is Status.WAITING and self._judged():
            yield from note_lines(self._told(VerdictOf(self.selection.model or "")))

    def _tests(self, run: Run) -> Told[Failures]:
        if (run.tests is None and run.status is not Status.FAILED) or (run.tests and not run.tests.failed):
            return Told(asked=False)
        if _children(run):
            return Told(problem="those of its child pipelines are read when the tests are opened")
        return self._told(FailuresOf(run.address))

    def _followed(self, found: ShownTraining) -> LinkedTraining | None:
        """The one whose curve is shown: of those that go on the newest that has a metric. One is enough to read."""
        return next(
            (
                linked
                for linked in found.linked
                if linked.training.going_on and shown_metric(linked.training, found.settings) is not None
            ),
            None,
        )

    def _following(self, run: Run) -> tuple[AnyQuery, ...]:
        found = trainings(self.runtime, self.selection, run)
        linked = self._followed(found) if found is not None else None
        metric = (
            shown_metric(linked.training, found.settings)
            if found is not None and linked is not None
            else None
        )
        if linked is None or metric is None:
            return ()
        return curve_queries(self.selection.model or "", linked.training, metric.key)

    def _training(self, run: Run, now: float) -> Iterator[Line]:
        """What it trains; or what is trained and does not say where."""
        found = trainings(self.runtime, self.selection, run)
        if found is None:
            return
        if found.problem:
            yield f"training not known: {found.problem}", "warning"
        followed = self._followed(found)
        for linked in found.linked:
            yield from training_lines((linked,), found.settings, now, found.read_at)
            if linked is followed:
                yield from self._curve(linked, found.settings)
        if not found.linked:
            yield from unlinked_lines(found.unlinked, found.job_variable, found.settings.link)

    def _curve(self, linked: LinkedTraining, settings: TrainingSettings) -> Iterator[Line]:
        """How the one that is followed does."""
        metric = shown_metric(linked.training, settings)
        assert metric is not None
        shown = shown_curve(
            self.runtime, self.selection.model or "", linked.training, metric.key, going_on=not linked.ended
        )
        if shown.problem:
            yield f"  the curve is not known: {shown.problem}", "warning"
        curves = drawn(shown, CURVE)
        yield from curve_lines(shown.progress, shown.champion, curves, self.runtime.clock())

    def _verdict(self) -> Iterator[Line]:
        name, settings = self.selection.model, self.runtime.settings
        if name is None or not self._judged():
            return
        verdict = self._told(VerdictOf(name))
        now = self.runtime.clock()
        metrics = []
        for metric in verdict.value.metrics if verdict.value is not None else ():
            table = settings.metrics[metric.metric]
            chart = self.runtime.store.get(self._chart(name, metric.metric)).value
            words = metric_line(metric, table.unit, now)
            metrics.append(JudgedLine(metric, table.title or metric.metric, words, _curves(chart)))
        yield from verdict_lines(verdict, metrics)

    def _told(self, query: Query[T], *, aged: bool = False) -> Told[T]:
        """``aged``: it may change, so that its age counts."""
        reading: Reading[T] = self.runtime.store.get(query)
        age = reading.age(self.runtime.clock())
        old = reading.stale or (aged and age is not None and age > AGED)
        return Told(
            reading.value,
            reading.fault.message if reading.fault is not None else "",
            age if old else None,
            asked=query in self._wanted,
        )

    @on(TextView.Selected)
    def _entered(self, event: TextView.Selected) -> None:
        event.stop()
        self.post_message(self.Go("run"))


def _curves(chart: ChartAnswer | None) -> str:
    """Both tracks, each with its name, on one scale."""
    if chart is None or not chart.series:
        return ""
    values = [value for series in chart.series for value in series.values if value is not None]
    if not values:
        return ""
    bounds = min(values), max(values)
    return "  ".join(
        f"{series.track or ''} {sparkline(series.values, CURVE, bounds)}".strip() for series in chart.series
    )


def _children(run: Run) -> bool:
    """It has started runs of its own pipeline, whose tests count as its own (GitLab's child pipelines)."""
    stages: tuple[Stage, ...] = run.stages or ()
    jobs = (job for stage in stages for job in stage.jobs)
    return any(job.downstream is not None and job.downstream.address.path == run.address.path for job in jobs)
