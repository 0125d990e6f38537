"""The metrics pane: one chart for each metric of the selected model."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.getters import query_one
from textual.widget import Widget

from tui import format as fmt
from tui.config import MetricSettings, ModelSettings
from tui.domain.candidate import Candidacy
from tui.domain.series import Chart as ChartAnswer
from tui.domain.series import Series
from tui.engine.engine import Engine
from tui.engine.questions import AnyQuestion, CandidateOf, ChartOf, VerdictOf
from tui.engine.store import Reading
from tui.engine.verdicts import judged_metrics
from tui.keys import bindings
from tui.panes.base import Pane, model_of, stale
from tui.panes.verdict import VerdictLines, headline
from tui.summary import candidacy_words
from widgets.chart import Chart
from widgets.chart_data import ChartData, Limit, Line
from widgets.status_line import Item, StatusLine

SPANS = (15 * 60, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
LEAST_HEIGHT = 8
"""Lines a chart needs to say something."""


def project(
    title: str, metric: MetricSettings, span: int, reading: Reading[ChartAnswer], now: float
) -> ChartData:
    """What the chart of one metric shows."""
    chart = reading.value
    notes = list(chart.notes) if chart else []
    if reading.fault is not None and reading.read_at is not None:
        notes.insert(0, f"{reading.fault.message} ({fmt.ago(now - reading.read_at)} old)")
    grid = chart.series[0].grid if chart and chart.series else None
    return ChartData(
        title=title,
        unit=metric.unit,
        start=float(grid.start) if grid else now - span,
        end=float(grid.end) if grid else now,
        lines=tuple(_line(series, title) for series in (chart.series if chart else ())),
        limits=tuple(_limits(metric)),
        notes=tuple(notes),
        message="" if chart else reading.fault.message if reading.fault else "Reading …",
    )


def _line(series: Series, title: str) -> Line:
    return Line(
        label=series.label
        if series.track and series.label != series.track
        else ""
        if series.track
        else title,
        role=series.track or "other",
        times=series.grid.times,
        values=series.values,
    )


def _limits(metric: MetricSettings) -> Iterator[Limit]:
    if metric.warn is not None:
        yield Limit("warn", metric.warn, "warn")
    if metric.fail is not None:
        yield Limit("fail", metric.fail, "fail")


def _candidate(reading: Reading[Candidacy], model: ModelSettings) -> Iterator[Item]:
    if reading.value is not None:
        yield Item(candidacy_words(reading.value, model), "dim", drop=2)
        yield from (Item(note, "dim", drop=1) for note in reading.value.notes)
    elif reading.fault is not None:
        yield Item("no candidate", "unknown", reading.fault.message, drop=2)


class ChartBox(VerticalScroll):
    """Charts below each other: each has its part of the height, or they scroll where that is too little."""

    def on_resize(self) -> None:
        self.share()

    def share(self) -> None:
        """What fr units do not: together with a least height they give each child the whole."""
        charts = self.query_children(Chart)
        for chart in charts:
            chart.styles.height = max(LEAST_HEIGHT, self.size.height // len(charts))


class MetricsPane(Pane):
    scope = "metrics"
    title = "Metrics"
    BINDINGS: ClassVar = bindings("metrics")
    DEFAULT_CSS = """
    MetricsPane > ChartBox { height: 1fr; scrollbar-size-vertical: 1; }
    """

    line = query_one("MetricsPane > StatusLine", StatusLine)
    verdict = query_one(VerdictLines)
    box = query_one(ChartBox)

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.span = 3600
        self.charts: dict[str, Chart] = {}
        self._model = ""

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield VerdictLines()
        yield ChartBox()

    @property
    def focus_target(self) -> Widget:
        return self.box

    @property
    def model(self) -> tuple[str, ModelSettings] | None:
        return model_of(self.selection.pipeline, self.engine.settings)

    def questions(self) -> tuple[AnyQuestion, ...]:
        if self.model is None or not self.box.size.width:
            return ()
        judged = judged_metrics(self.engine.settings, self.model[0])
        candidate = (CandidateOf(self.model[0]),) if self.model[1].registry else ()
        return (*((VerdictOf(self.model[0]),) if judged else ()), *candidate, *self._charts())

    def _charts(self) -> tuple[ChartOf, ...]:
        if self.model is None or not self.box.size.width:
            return ()
        name, model = self.model
        # In steps, so that dragging a window does not make a new question of every column.
        columns = max(20, self.box.size.width // 20 * 20)
        return tuple(
            ChartOf(model=name, metric=metric, span=self.span, columns=columns) for metric in model.metrics
        )

    def project(self) -> None:
        if self.model is None:
            words = "No model has this pipeline; [models.NAME] in the config joins them."
            self.line.show([Item(words, "dim")])
            self.verdict.show(None, self.engine.settings, 0.0)
            self._mount_charts("", ())
            return
        name, model = self.model
        now = self.engine.clock()
        verdict = self.engine.store.get(VerdictOf(name))
        items = [Item(model.title or name, "strong"), *headline(verdict, now)]
        for track, names in (("baseline", model.baseline), ("canary", model.canary)):
            if names.version:
                items.append(Item(track, "dim", names.version, drop=2))
        candidate = self.engine.store.get(CandidateOf(name))
        if model.registry:
            items += _candidate(candidate, model)
        self.verdict.show(verdict.value, self.engine.settings, now, candidate.value)
        readings = {question: self.engine.store.get(question) for question in self._charts()}
        # Small charts have no room for notes: what is old says so here.
        old = [reading for reading in readings.values() if reading.fault and reading.value]
        self.line.show(
            [*items, *(stale(old[0]) if old else ())], [Item(f"last {fmt.ago(self.span)}", drop=1)]
        )
        self._mount_charts(name, model.metrics)
        for question, reading in readings.items():
            metric = self.engine.settings.metrics[question.metric]
            if (chart := self.charts.get(question.metric)) is not None:
                chart.show(project(metric.title or question.metric, metric, self.span, reading, now))

    def _mount_charts(self, model: str, metrics: tuple[str, ...]) -> None:
        if model == self._model:
            return
        self._model = model
        self.box.remove_children()
        self.charts = {metric: Chart() for metric in metrics}
        self.box.mount_all(self.charts.values())
        self.box.share()

    def on_resize(self) -> None:
        self.post_message(self.Wants())

    def action_shorter_span(self) -> None:
        self._step_span(-1)

    def action_longer_span(self) -> None:
        self._step_span(1)

    def _step_span(self, step: int) -> None:
        index = SPANS.index(self.span) + step
        if 0 <= index < len(SPANS):
            self.span = SPANS[index]
            self.project()
            self.post_message(self.Wants())
