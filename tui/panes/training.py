"""What panes show of training: the training runs of the model that is selected, beside the run that is looked at."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from tui.config import TrainingSettings
from tui.domain.pipeline import Run
from tui.domain.training import Curve, LinkedTraining, Point, Progress, TrainingRun
from tui.engine.queries import AnyQuery, ChampionCurveOf, CurveOf, TrainingOf
from tui.engine.queries.training import server_of
from tui.engine.runtime import Runtime
from tui.insight.training import by_step, progress, resumed_at, stepless
from tui.insight.training_links import linked
from tui.panes.base import Selection
from tui.presenters.training import MARK, better_of
from tui.text.safe import shorten
from widgets.chart.data import ChartData, ChartLine
from widgets.chart.sparkline import sparkline

_MOST_NAME = 30


class ShownTraining(msgspec.Struct, frozen=True):
    settings: TrainingSettings
    linked: tuple[LinkedTraining, ...]
    """What the run trains, newest first."""
    unlinked: tuple[TrainingRun, ...]
    """All else that is known to be trained of the model."""
    job_variable: str
    """By which the jobs of the run know themselves."""
    read_at: float | None
    """By the clock of the run's server."""
    problem: str
    """Why it could not be read now."""


class ShownCurve(msgspec.Struct, frozen=True):
    """One metric of a training run, with the champion's behind it."""

    training: TrainingRun
    metric: str
    curve: Curve
    champion: tuple[Point, ...]
    """In the order of steps."""
    progress: Progress | None
    problem: str = ""
    """Why it could not be read now."""


def followed(runs: Sequence[TrainingRun]) -> TrainingRun | None:
    """The training run whose curve is shown: the newest that goes on, else the newest."""
    return next((run for run in runs if run.going_on), next(iter(runs), None))


def curve_queries(model: str, training: TrainingRun | None, metric: str) -> tuple[AnyQuery, ...]:
    """What is to be asked for a curve."""
    if training is None or not metric:
        return ()
    return CurveOf(model, training.id, metric), ChampionCurveOf(model, metric)


def shown_curve(
    runtime: Runtime, model: str, training: TrainingRun, metric: str, *, going_on: bool
) -> ShownCurve:
    """What is known of it; of a model that has training in the config.

    Args:
        going_on: as the job tells, where that is known.
    """
    settings = runtime.settings.models[model].training
    assert settings is not None
    reading = runtime.store.get(CurveOf(model, training.id, metric))
    behind = runtime.store.get(ChampionCurveOf(model, metric)).value
    curve = reading.value or Curve(training.id, metric)
    champion = by_step(behind.points) if behind is not None and behind.run != training.id else ()
    found = progress(
        curve.points,
        now=runtime.clock(),
        better=better_of(metric, settings),
        params=dict(training.params),
        total=settings.total,
        champion=champion,
        going_on=going_on,
        sampled=curve.sampled,
    )
    fault = reading.fault.message if reading.fault is not None else ""
    return ShownCurve(training, metric, curve, champion, found, fault)


def chart_of(shown: ShownCurve, *, by_time: bool) -> ChartData:
    """The chart of a curve, over the steps, or over time: the champion's as if it had begun at the same time."""
    points = shown.curve.points
    steps = not by_time and not stepless(points)
    run = by_step(points) if steps else tuple(sorted(points, key=lambda point: point.at))
    behind: Sequence[Point] = shown.champion
    if not steps:
        behind = sorted(behind, key=lambda point: point.at)
    shift = run[0].at - behind[0].at if run and behind else 0.0

    def line(role: Literal["champion", "run"], of: Sequence[Point], moved: float) -> ChartLine:
        places = [float(point.step) if steps else point.at + moved for point in of]
        return ChartLine("", role, places, [point.value for point in of])

    lines = [line("champion", behind, shift)] if behind else []
    lines += [line("run", run, 0.0)] if run else []
    places = [place for each in lines for place in each.times]
    start = min(places, default=0.0)
    end = max(places, default=0.0)
    total = shown.progress.total if shown.progress is not None else None
    if steps and total is not None:
        end = max(end, float(total))
    notes = [noticed.words for noticed in shown.progress.noticed] if shown.progress is not None else []
    if (back := resumed_at(points)) is not None and steps:
        notes.append(f"resumed at step {back}")
    if shown.problem:
        notes.insert(0, shown.problem)
    if shown.curve.sampled:
        notes.append(f"{len(points)} values, chosen from all")
    message = "" if run else (shown.problem or "Reading …" if not shown.curve.whole_at else "no values yet")
    return ChartData(
        title=f"{shorten(shown.metric, _MOST_NAME)} {MARK} {shorten(shown.training.name, _MOST_NAME)}",
        start=start,
        end=end if end > start else start + 1.0,
        lines=tuple(lines),
        notes=tuple(notes),
        message=message,
        steps=steps,
    )


def drawn(shown: ShownCurve, cells: int) -> str:
    """Both curves as text, on one scale, a cell of both as many steps: ``run ▇▅▃▂  champion ▇▅▂▁▁▁``."""
    points = shown.curve.points
    run = sorted(points, key=lambda point: point.at) if stepless(points) else by_step(points)
    lines = [("run", run), ("champion", shown.champion if run and not stepless(points) else ())]
    values = [point.value for _, of in lines for point in of if point.value is not None]
    if not values:
        return ""
    bounds = min(values), max(values)
    ends = [of[-1].step - of[0].step for _, of in lines if of]
    longest = max(*ends, shown.progress.total or 0 if shown.progress is not None else 0, 1)
    return "  ".join(
        f"{name} {sparkline([point.value for point in of], _cells(of, cells, longest), bounds)}"
        for name, of in lines
        if of
    )


def _cells(points: Sequence[Point], cells: int, longest: int) -> int:
    """Of so many cells the part that these points take of the ``longest`` way; all of it for what has no steps."""
    way = points[-1].step - points[0].step
    return max(1, round(cells * way / longest)) if way else cells


def training_queries(runtime: Runtime, selection: Selection) -> tuple[TrainingOf, ...]:
    """What is to be asked for it."""
    model = runtime.settings.models.get(selection.model or "")
    return (TrainingOf(selection.model or ""),) if model is not None and model.training else ()


def trainings(runtime: Runtime, selection: Selection, run: Run) -> ShownTraining | None:
    """None where the config says of no training."""
    queries = training_queries(runtime, selection)
    settings = runtime.settings.models[selection.model or ""].training if queries else None
    if settings is None:
        return None
    reading = runtime.store.get(queries[0])
    server = server_of(run.address, runtime.sources)
    known = reading.value.runs if reading.value is not None else ()
    found = linked(run, known, server, settings.link)
    ids = {each.training.id for each in found} | {part.id for each in found for part in each.parts}
    skew = runtime.sources.now(run.address.source) - runtime.clock()
    return ShownTraining(
        settings,
        found,
        tuple(each for each in known if each.id not in ids),
        server.job_variable,
        reading.read_at + skew if reading.read_at is not None else None,
        reading.fault.message if reading.fault is not None else "",
    )
