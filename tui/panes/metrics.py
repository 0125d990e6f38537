"""The metrics pane: a small chart for each metric of the selected model, or a large one of one metric."""

from collections.abc import Iterator

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.getters import query_one
from textual.widget import Widget

from tui.config import MetricSettings, ModelSettings, TrainingSettings
from tui.domain.action import Offer
from tui.domain.address import Address
from tui.domain.candidate import Candidacy
from tui.domain.series import Chart as ChartAnswer
from tui.domain.series import Series
from tui.domain.training import TrainingRun
from tui.engine.actions.model_rules import champions
from tui.engine.queries import AnyQuery, CandidateOf, ChartOf, RunAt, TrainingOf, VerdictOf
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.panes.action_progress import progress, recent
from tui.panes.base import Pane, model_of
from tui.panes.deployment_markers import DeploymentMarkers
from tui.panes.stages import listed
from tui.panes.time_range import TimeRange
from tui.panes.training import chart_of, curve_queries, followed, shown_curve, trainings
from tui.panes.verdict import VerdictLines, headline, reason
from tui.presenters.judged_metrics import candidacy_words
from tui.presenters.training import MARK, champion_words, progress_words, role_of, shown_metric, standing
from tui.text import format as fmt
from tui.text.safe import shorten
from widgets.cells import pieces
from widgets.chart.axis import moment_text
from widgets.chart.chart import Chart
from widgets.chart.data import ChartData, ChartLine, Limit, Marker
from widgets.status_line import StatusItem
from widgets.theme import status_style
from widgets.wrapped_lines import Text, WrappedLines

TRAINING = MARK
"""What the chart of a training goes by among those of the metrics."""
LEAST_HEIGHT, LEAST_WIDTH = 7, 56
"""Lines and cells a chart needs to say something."""
_MOST_NAME = 30
"""Cells of the model's name in the heading."""


def project(
    title: str,
    metric: MetricSettings,
    span: TimeRange,
    reading: Reading[ChartAnswer],
    now: float,
    markers: tuple[Marker, ...] = (),
) -> ChartData:
    """What the chart of one metric shows."""
    chart = reading.value
    notes = list(chart.notes) if chart else []
    if reading.fault is not None and reading.read_at is not None:
        notes.insert(0, f"{reading.fault.message} ({fmt.ago(now - reading.read_at)} old)")
    grid = chart.series[0].grid if chart and chart.series else None
    first = float(grid.start) if grid else span.end(now) - span.seconds
    last = float(grid.end) if grid else span.end(now)
    start, end = first, last
    if (
        span.until is None
        and chart
        and any(value is not None for each in chart.series for value in each.values)
    ):
        start, end = span.held(last)
    return ChartData(
        title=title,
        unit=metric.unit,
        start=start,
        end=end,
        lines=tuple(_line(series, title) for series in (chart.series if chart else ())),
        limits=tuple(_limits(metric)),
        markers=tuple(marker for marker in markers if start <= marker.time <= end),
        notes=tuple(notes),
        message="" if chart else reading.fault.message if reading.fault else "Reading …",
        cursor=None if span.cursor is None else min(max(first, span.cursor), last),
    )


def _line(series: Series, title: str) -> ChartLine:
    return ChartLine(
        label=series.label
        if series.track and series.label != series.track
        else ""
        if series.track
        else title,
        role=series.track or "other",
        times=series.grid.times,
        values=series.values,
        ceiling=series.ceiling,
    )


def _limits(metric: MetricSettings) -> Iterator[Limit]:
    if metric.warn is not None:
        yield Limit("warn", metric.warn, "warn")
    if metric.fail is not None:
        yield Limit("fail", metric.fail, "fail")


def _candidate(reading: Reading[Candidacy], model: ModelSettings) -> Iterator[StatusItem]:
    if reading.value is not None:
        yield StatusItem(candidacy_words(reading.value, model), "dim")
        yield from (StatusItem(note, "dim") for note in reading.value.notes)
    elif reading.fault is not None:
        yield StatusItem("no candidate", "unknown", reading.fault.message)


class ChartBox(VerticalScroll, inherit_bindings=False):
    """Charts beside and below each other: each has its part of the room, or they scroll where that is too little."""

    DEFAULT_CSS = "ChartBox { layout: grid; grid-gutter: 0 1; }"

    def on_resize(self) -> None:
        self.share()

    @property
    def columns(self) -> int:
        """Charts beside each other."""
        shown = sum(chart.display for chart in self.query_children(Chart))
        return max(1, min(self.size.width // LEAST_WIDTH, shown))

    def share(self) -> None:
        """Give every chart that is shown its part."""
        shown = [chart for chart in self.query_children(Chart) if chart.display]
        lines = -(-len(shown) // self.columns)
        self.styles.grid_size_columns = self.columns
        if lines:
            self.styles.grid_rows = str(max(min(LEAST_HEIGHT, self.size.height), self.size.height // lines))


class MetricsPane(Pane):
    scope = "metrics"
    DEFAULT_CSS = """
    MetricsPane > ChartBox { height: 1fr; scrollbar-size-vertical: 1; }
    MetricsPane > .head { background: $panel; }
    """

    head = query_one("MetricsPane > .head", WrappedLines)
    verdict = query_one(VerdictLines)
    box = query_one(ChartBox)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.span = TimeRange()
        self.charts: dict[str, Chart] = {}
        self.current = ""
        """The metric that keys are about."""
        self.alone = False
        self.logarithmic = False
        self._by_time = False
        """The curve of a training runs over time, not over its steps."""
        self._training_metric = ""
        """Which of its metrics; empty: the one of the config."""
        self._model = ""
        self._moments = DeploymentMarkers(runtime)
        self._wanted: tuple[AnyQuery, ...] = ()

    def compose(self) -> ComposeResult:
        yield WrappedLines(classes="head")
        yield VerdictLines()
        yield ChartBox()

    @property
    def focus_target(self) -> Widget:
        return self.box

    @property
    def model(self) -> tuple[str, ModelSettings] | None:
        return model_of(self.selection, self.runtime.settings)

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        return tuple((each.words, f"champion({n})") for n, each in enumerate(self._champions))

    @property
    def _champions(self) -> tuple[Offer, ...]:
        """What the model's registry offers."""
        if self.model is None or (registry := self.model[1].registry) is None:
            return ()
        if not self.runtime.settings.sources[registry.source].names_versions:
            return ()
        found = self.runtime.store.get(CandidateOf(self.model[0])).value
        return tuple(champions(registry, found)) if found is not None else ()

    def queries(self) -> tuple[AnyQuery, ...]:
        if self.model is None or not self.box.size.width:
            return ()
        name, model = self.model
        judged = judged_metrics(self.runtime.settings, name)
        charts = self._charts()
        return (
            *((VerdictOf(name),) if judged else ()),
            *((CandidateOf(name),) if model.registry else ()),
            *charts,
            *(self._moments.of(name)[0] if charts else ()),
            *self._following(name, model),
        )

    def _following(self, name: str, model: ModelSettings) -> tuple[AnyQuery, ...]:
        """What is asked for the curve of what is trained, while it is shown."""
        if model.training is None:
            return ()
        training, metric = self._trained(name, model.training)
        curve = curve_queries(name, training, metric) if self._shows(TRAINING) else ()
        address = self.selection.run_address
        # Whether its job still runs, which the server of the training does not know.
        run = (RunAt(address),) if training is not None and training.going_on and address is not None else ()
        return (TrainingOf(name), *run, *curve)

    def _trained(self, name: str, settings: TrainingSettings) -> tuple[TrainingRun | None, str]:
        """The training run whose curve is shown, and of which metric."""
        found = self.runtime.store.get(TrainingOf(name)).value
        training = followed(found.runs) if found is not None else None
        if training is None:
            return None, ""
        chosen = training.metric(self._training_metric) or shown_metric(training, settings)
        return training, chosen.key if chosen is not None else ""

    def _shows(self, chart: str) -> bool:
        return not self._alone or chart == self.current

    def _charts(self) -> tuple[ChartOf, ...]:
        """Of the metrics that are shown."""
        if self.model is None or not self.box.size.width:
            return ()
        name, model = self.model
        # In steps, so that dragging a window does not make a new question of every column.
        columns = max(20, self.box.size.width // self.box.columns // 20 * 20)
        return tuple(
            ChartOf(name, metric, self.span.seconds, columns, self.span.until)
            for metric in model.metrics
            if self._shows(metric)
        )

    @property
    def _alone(self) -> bool:
        return self.alone or len(self.charts) == 1

    def project(self) -> None:
        if self.model is None:
            words = "No model has this pipeline; [models.NAME] in the config joins them."
            self.head.lay([Text((StatusItem(words, "dim"),))])
            self.verdict.show(None, self.runtime.settings, 0.0)
            self._mount_charts("", ())
            return
        name, model = self.model
        now = self.runtime.clock()
        verdict = self.runtime.store.get(VerdictOf(name))
        candidate = self.runtime.store.get(CandidateOf(name))
        self.verdict.show(verdict.value, self.runtime.settings, now, candidate.value)
        self._mount_charts(name, (*model.metrics, *((TRAINING,) if model.training else ())))
        readings = {query: self.runtime.store.get(query) for query in self._charts()}
        asked, markers = self._moments.of(name)
        # What may be long comes last: nothing stands behind it that must be read.
        items = [*headline(verdict, now)]
        # Small charts have no room for notes: what is old says so here.
        old = [each.fault for each in readings.values() if each.fault and each.value][:1]
        items += (
            StatusItem(f"{status_style('stale').glyph} {fault.trouble.value}", "warning") for fault in old
        )
        if model.registry:
            registered = Address(model.registry.source, model.registry.model)
            acting = [each for each in recent(self.runtime) if each.plan.request.target == registered]
            items += [StatusItem(*pieces(progress(each))[0]) for each in acting[:1]]
        items += [StatusItem(shorten(model.title or name, _MOST_NAME), "strong"), *reason(verdict)]
        if (judged := verdict.value) is not None:
            versions = (("baseline", judged.baseline), ("canary", judged.canary))
            items += [StatusItem(track, "dim", version, drop=2) for track, version in versions if version]
        items += _candidate(candidate, model) if model.registry else ()
        training = self._training(name, model.training) if model.training else None
        items += (StatusItem(fault.message, "dim") for fault in old)
        items += self._unmarked(asked)
        head = [Text(tuple(items), (StatusItem(self._span_words(now)),))]
        if training is not None and training[0]:
            head.append(Text(tuple(training[0])))
        self.head.lay(head)
        for query, reading in readings.items():
            metric = self.runtime.settings.metrics[query.metric]
            title = metric.title or query.metric
            data = project(title, metric, self.span, reading, now, markers)
            if not self._alone:
                mark = "▸ " if query.metric == self.current else "  "
                data = data._replace(title=mark + title, small=True)
            self.charts[query.metric].show(data._replace(log=self.logarithmic))
        if training is not None and self._shows(TRAINING):
            data = training[1]
            if not self._alone:
                mark = "▸ " if self.current == TRAINING else "  "
                data = data._replace(title=mark + data.title, small=True)
            self.charts[TRAINING].show(data._replace(log=self.logarithmic))
        self._want()

    def _training(self, name: str, settings: TrainingSettings) -> tuple[list[StatusItem], ChartData]:
        """What the line above says of what is trained, and its chart."""
        reading = self.runtime.store.get(TrainingOf(name))
        training, metric = self._trained(name, settings)
        if training is None or not metric:
            fault = reading.fault.message if reading.fault is not None else ""
            words = "nothing was trained lately" if training is None else f"{training.name} has no metric yet"
            message = fault or (words if reading.value is not None else "Reading …")
            return [], ChartData(title=f"{MARK} training", start=0.0, end=1.0, message=message)
        now = self.runtime.clock()
        state, going_on = self._state(training)
        shown = shown_curve(self.runtime, name, training, metric, going_on=going_on)
        items = [StatusItem(f"{MARK} {shorten(training.name, _MOST_NAME)}", "dim", state)]
        if shown.progress is not None:
            words = progress_words(shown.progress, now) if going_on else ""
            champion = champion_words(shown.champion, shown.progress.step)
            items += [StatusItem(each, "dim") for each in (words, champion) if each]
            items += [StatusItem(noticed.words, role_of(noticed)) for noticed in shown.progress.noticed]
        return items, chart_of(shown, by_time=self._by_time)

    def _state(self, training: TrainingRun) -> tuple[str, bool]:
        """How a training run stands, and whether it goes on. Where the run that is selected is the one that trains it,
        by the job; else as the server says, which need not be so."""
        address = self.selection.run_address
        run = None
        if address is not None:
            run = self.runtime.store.get(RunAt(address)).value or listed(self.selection, address)
        found = trainings(self.runtime, self.selection, run) if run is not None else None
        for linked in found.linked if found is not None else ():
            if found is not None and linked.training.id == training.id and linked.link.certain:
                return standing(linked, found.read_at)[1], training.going_on and not linked.ended
        if not training.going_on:
            return training.status.value, False
        return f"{training.vendor_status}, as its server says", True

    def _unmarked(self, asked: tuple[AnyQuery, ...]) -> Iterator[StatusItem]:
        """Why deployments are not, or no longer, marked in the charts."""
        faults = (self.runtime.store.get(each).fault for each in asked)
        if (fault := next((each for each in faults if each is not None), None)) is not None:
            words = f"{status_style('stale').glyph} deployments {fault.trouble.value}"
            yield StatusItem(words, "warning", fault.message)

    def _span_words(self, now: float) -> str:
        if self.span.until is None:
            return f"last {fmt.ago(self.span.seconds)}"
        end = self.span.end(now)
        day = 24 * 3600
        return f"{fmt.ago(self.span.seconds)} until {moment_text(end, 2 * day if now - end > day / 2 else 0)}"

    def _want(self) -> None:
        """Say so when other questions have come up: an environment has become known."""
        if (queries := self.queries()) != self._wanted:
            self._wanted = queries
            self.post_message(self.Wants())

    def _mount_charts(self, model: str, metrics: tuple[str, ...]) -> None:
        if model == self._model:
            return
        self._model = model
        self.box.remove_children()
        self.charts = {metric: Chart() for metric in metrics}
        self.current = next(iter(metrics), "")
        self.box.mount_all(self.charts.values())
        self._arrange()

    def _arrange(self) -> None:
        """All charts, or the current one alone."""
        for metric, chart in self.charts.items():
            chart.display = metric == self.current or not self._alone
        self.box.share()

    def on_resize(self) -> None:
        self.post_message(self.Wants())

    def clear_filter(self) -> bool:
        """Take the cursor away, and then show all charts again."""
        if self.span.cursor is not None:
            self._look(msgspec.structs.replace(self.span, cursor=None))
            return True
        if self.alone:
            self.action_one_chart()
            return True
        return False

    # -- keys

    def action_champion(self, number: int) -> None:
        """Carry one of what the registry offers to the plan; it may offer less by now."""
        for offer in self._champions[number : number + 1]:
            self.post_message(self.ActionRequested(offer.request))

    def action_next_metric(self) -> None:
        self._step_metric(1)

    def action_previous_metric(self) -> None:
        self._step_metric(-1)

    def _step_metric(self, step: int) -> None:
        metrics = list(self.charts)
        if not metrics:
            return
        self._go_to(metrics[min(max(0, metrics.index(self.current) + step), len(metrics) - 1)])

    def _go_to(self, chart: str) -> None:
        self.current = chart
        if self._alone:
            self._arrange()
        else:
            self.box.scroll_to_widget(self.charts[self.current], animate=False)
        self.project()

    def action_one_chart(self) -> None:
        self.alone = not self.alone
        self._arrange()
        self.project()

    def action_method(self) -> None:
        self.verdict.explains = not self.verdict.explains
        self.project()

    def action_training_metric(self) -> None:
        """To what is trained; there to the next of its metrics, round and round."""
        if self.model is None or self.model[1].training is None or not self._at_training():
            return
        training, metric = self._trained(self.model[0], self.model[1].training)
        keys = [each.key for each in training.metrics] if training is not None else []
        if metric in keys:
            self._training_metric = keys[(keys.index(metric) + 1) % len(keys)]
            self.project()

    def action_steps_or_time(self) -> None:
        if self._at_training():
            self._by_time = not self._by_time
            self.project()

    def _at_training(self) -> bool:
        """Whether the chart of what is trained is the current one; else it becomes that, if there is one."""
        if TRAINING not in self.charts or self.current == TRAINING:
            return TRAINING in self.charts
        self._go_to(TRAINING)
        return False

    def action_log_scale(self) -> None:
        self.logarithmic = not self.logarithmic
        self.project()

    def action_shorter_span(self) -> None:
        self._look(self.span.zoomed(-1, self.runtime.clock()))

    def action_longer_span(self) -> None:
        self._look(self.span.zoomed(1, self.runtime.clock()))

    def action_earlier(self) -> None:
        self._look(self.span.panned(-1, self.runtime.clock()))

    def action_later(self) -> None:
        self._look(self.span.panned(1, self.runtime.clock()))

    def action_now(self) -> None:
        self._look(TimeRange(self.span.seconds))

    def action_cursor_left(self) -> None:
        self._point(-1)

    def action_cursor_right(self) -> None:
        self._point(1)

    def _point(self, step: int) -> None:
        """Move the cursor by a cell, from value to value."""
        for query in self._charts():
            answer = self.runtime.store.get(query).value
            if query.metric == self.current and answer is not None and answer.series:
                grid = answer.series[0].grid
                grain = grid.step * max(1, round(query.span / query.columns / grid.step))
                self._look(self.span.pointed(step, grid.start, grid.end, grain))

    @on(Chart.Pointed)
    def _pointed(self, event: Chart.Pointed) -> None:
        event.stop()
        self.current = next(metric for metric, chart in self.charts.items() if chart is event.chart)
        if self.current == TRAINING:
            self.project()
            return
        self.span = msgspec.structs.replace(self.span, cursor=event.time)
        self.project()

    def _look(self, span: TimeRange) -> None:
        if span != self.span:
            self.span = span
            self.project()
