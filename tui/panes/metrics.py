"""The metrics pane: one chart for each metric of the selected model."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.getters import query_one
from textual.widget import Widget
from widgets.chart import Chart, ChartData, Limit, Line

from tui import format as fmt
from tui.config import MetricSettings, ModelSettings
from tui.domain import series as domain
from tui.engine.engine import Engine
from tui.engine.questions import AnyQuestion, ChartOf
from tui.engine.store import Reading
from tui.keys import bindings
from tui.panes.base import Pane, model_of
from widgets.status_line import Item, StatusLine

SPANS = (15 * 60, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
LEAST_HEIGHT = 8
"""Lines a chart needs to say something."""


def project(
    title: str, metric: MetricSettings, span: int, reading: Reading[domain.Chart], now: float
) -> ChartData:
    """What the chart of one metric shows."""
    chart = reading.value
    notes = list(chart.notes) if chart else []
    if reading.fault is not None:
        age = f" ({fmt.ago(now - reading.read_at)} old)" if reading.read_at is not None else ""
        notes.insert(0, f"{reading.fault.message}{age}")
    limits = [
        Limit(word, value)
        for word, value in (("warn", metric.warn), ("fail", metric.fail))
        if value is not None
    ]
    lines = [
        Line(
            label=f"{series.track} {series.label}".strip() if series.track else (series.label or title),
            times=tuple(float(at) for at in series.grid.times),
            values=series.values,
            role=series.track or "other",
        )
        for series in (chart.series if chart else ())
    ]
    start, end = (
        (chart.series[0].grid.start, chart.series[0].grid.end)
        if chart and chart.series
        else (now - span, now)
    )
    return ChartData(
        title=title,
        unit=metric.unit,
        lines=tuple(lines),
        limits=tuple(limits),
        start=float(start),
        end=float(end),
        notes=tuple(notes),
        empty="" if chart or notes else "Reading …",
    )


class MetricsPane(Pane):
    scope = "metrics"
    title = "Metrics"
    BINDINGS: ClassVar = bindings("metrics")
    DEFAULT_CSS = """
    MetricsPane > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    """

    line = query_one(StatusLine)
    box = query_one(VerticalScroll)

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.span = 3600
        self.charts: dict[str, Chart] = {}
        self._model = ""

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield VerticalScroll()

    @property
    def focus_target(self) -> Widget:
        return self.box

    @property
    def model(self) -> tuple[str, ModelSettings] | None:
        return model_of(self.selection.pipeline, self.engine.settings)

    def questions(self) -> tuple[AnyQuestion, ...]:
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
            self._mount_charts("", ())
            return
        name, model = self.model
        items = [Item(model.title or name, "strong")]
        for track, names in (("baseline", model.baseline), ("canary", model.canary)):
            if words := names.version or names.track:
                items.append(Item(track, "dim", words, drop=2))
        self.line.show(items, [Item(f"last {fmt.ago(self.span)}", drop=1)])
        self._mount_charts(name, model.metrics)
        now = self.engine.clock()
        for question in self.questions():
            assert isinstance(question, ChartOf)
            metric = self.engine.settings.metrics[question.metric]
            reading = self.engine.store.get(question)
            if (chart := self.charts.get(question.metric)) is not None:
                chart.show(project(metric.title or question.metric, metric, self.span, reading, now))

    def _mount_charts(self, model: str, metrics: tuple[str, ...]) -> None:
        if model == self._model:
            return
        self._model = model
        self.box.remove_children()
        self.charts = {metric: Chart() for metric in metrics}
        self.box.mount_all(self.charts.values())
        self._share()

    def _share(self) -> None:
        """Give each chart its part of the height, or scroll where that is too little."""
        if self.charts:
            height = max(LEAST_HEIGHT, self.box.size.height // len(self.charts))
            for chart in self.charts.values():
                chart.styles.height = height

    def on_resize(self) -> None:
        self._share()
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
