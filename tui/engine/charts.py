"""Charts: which queries a metric becomes for the tracks of a model, and which series their answers become."""

import asyncio
import math
from collections.abc import Mapping

import msgspec

from tui.config import MetricSettings, ModelSettings, Settings, seconds
from tui.domain.health import Trouble
from tui.domain.query import Dialect, QueryError, fill, placeholders
from tui.domain.series import Chart, Grid, Probe, Samples, Series, Track
from tui.engine.questions import ChartOf, ProbeOf, RequestsOf
from tui.sources.base import DatingSource, MetricSource, SourceError

_STEPS_PER_WINDOW = 20
_SETTLED = 300.0
"""Seconds after which nothing is added to what a server knows: a scrape and its way through a few servers."""
_MOST_LABELS = 5
_PROBED, _PROBES = 3600, 60
"""Seconds that are looked at, and at how many times, to tell what a query gives."""


def chart_grid(now: float, span: int, columns: int, window: str, until: int | None = None) -> Grid:
    """The ``span`` seconds until then, or until now, in about two points a column.

    Start and end are multiples of the step: otherwise each refresh would shift the grid, the picture would flicker
    and caches would miss (contracts: metrics §2). The step is no finer than a twentieth of ``window``, where
    neighbours share all but 5 % of their samples: finer ones tell nothing new.
    """
    step = max(1, math.ceil(seconds(window) / _STEPS_PER_WINDOW), math.ceil(span / (2 * max(1, columns))))
    end = int((now if until is None else min(now, until)) // step) * step
    return Grid((end - span) // step * step, end, step)


async def chart(question: ChartOf, settings: Settings, source: MetricSource, now: float) -> Chart:
    """The answer to ``question``: a series for the baseline and one for the canary, or a single one where the query
    uses neither ``{track}`` nor ``{version}``.

    A track without a version is left out, with a note, if the query asks for one. A track of which the server has
    nothing is a series of gaps, with a note.

    Raises:
        SourceError: the source's own; or REFUSED when the query cannot be filled in, or yields several series where
            one is meant.
    """
    metric = settings.metrics[question.metric]
    grid = chart_grid(now, question.span, question.columns, metric.window, question.until)
    answer = await read_tracks(question.model, question.metric, settings, source, grid, metric.window)
    final = question.until is not None and question.until <= now - _SETTLED
    return msgspec.structs.replace(answer, final=True) if final else answer


async def requests(question: RequestsOf, settings: Settings, source: MetricSource, now: float) -> Chart:
    """The answer to ``question``: the metric once, ``{window}`` being all of the span.

    Raises:
        SourceError: as :func:`chart`.
    """
    grid = Grid(int(now), int(now), max(1, question.span))
    name = settings.models[question.model].requests
    return await read_tracks(question.model, name, settings, source, grid, f"{question.span}s")


async def probe(question: ProbeOf, settings: Settings, source: MetricSource, now: float) -> Probe:
    """The answer to ``question``.

    A value tells of a sample that is minutes older, as long as a server looks back (contracts: metrics §2): where the
    source can be asked for the time of the sample itself, it is.

    Raises:
        SourceError: as :func:`chart`.
    """
    metric, model = settings.metrics[question.metric], settings.models[question.model]
    end, step = int(now), _PROBED // _PROBES
    grid = Grid(end // step * step - _PROBED + step, end // step * step, step)
    found = await read_tracks(question.model, question.metric, settings, source, grid, metric.window)
    there = [
        (at, value) for series in found.series for at, value in zip(grid.times, series.values, strict=True)
    ]
    missing, nan = sum(value is None for _, value in there), sum(series.nan for series in found.series)
    newest: float | None = max((at for at, value in there if value is not None), default=None)
    dated = None
    if isinstance(source, DatingSource):
        queries, _ = _queries(
            question.model, metric, model, grid, metric.window, settings.dialect(question.metric)
        )
        times = await asyncio.gather(*(source.newest(query, end) for query in queries.values()))
        dated = max((each for each in times if each is not None), default=None)
    return Probe(
        tracks=tuple(series.track for series in found.series),
        newest=newest if dated is None else dated,
        exact=dated is not None,
        missing=(missing - nan) / len(there),
        nan=nan / len(there),
        notes=found.notes,
    )


async def read_tracks(
    model_name: str, metric_name: str, settings: Settings, source: MetricSource, grid: Grid, window: str
) -> Chart:
    """The metric's series on ``grid``, ``window`` standing for ``{window}``: what :func:`chart` says of them."""
    metric, model = settings.metrics[metric_name], settings.models[model_name]
    try:
        dialect = settings.dialect(metric_name)
        queries, notes = _queries(model_name, metric, model, grid, window, dialect)
    except QueryError as error:
        raise SourceError(Trouble.REFUSED, f"[metrics.{metric_name}]: {error}") from None
    results = await asyncio.gather(
        *(source.samples(query, grid) for query in queries.values()), return_exceptions=True
    )
    answers: dict[Track | None, Samples] = {}
    for track, result in zip(queries, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        answers[track] = result
    series = tuple(
        Series(
            metric_name,
            track,
            grid,
            _values(metric_name, track, samples, grid, metric.scale),
            _label(model, track),
            samples.nan,
            samples.ceiling if samples.ceiling is None else samples.ceiling * metric.scale,
        )
        for track, samples in answers.items()
    )
    return Chart(series, (*notes, *_notes(answers)))


def _queries(
    model_name: str, metric: MetricSettings, model: ModelSettings, grid: Grid, window: str, dialect: Dialect
) -> tuple[dict[Track | None, str], list[str]]:
    """The query for each track, and what keeps a track from having one.

    Raises:
        QueryError: no query can be made.
    """
    used = placeholders(metric.query, dialect)
    shared = {
        "environment": model.environment,
        "namespace": model.namespace,
        "model": model_name,
        "window": window,
        "step": f"{grid.step}s",
    }
    if absent := sorted(name for name in used if shared.get(name) == ""):
        raise QueryError(
            f"the query uses {{{absent[0]}}}, but [models.{model_name}] has no {absent[0]}; add it"
        )
    if not used & {"track", "version"}:
        return {None: fill(metric.query, shared, dialect)}, []
    queries: dict[Track | None, str] = {}
    notes = []
    tracks: tuple[Track, Track] = ("baseline", "canary")
    for track in tracks:
        names = model.baseline if track == "baseline" else model.canary
        own = {"track": names.track, "version": names.version}
        if lacking := sorted(name for name in used if own.get(name) == ""):
            nobody = f"neither [models.{model_name}] nor a deployment gives for it"
            notes.append(f"no {track}: the query uses {{{lacking[0]}}}, which {nobody}")
        else:
            queries[track] = fill(metric.query, {**shared, **own}, dialect)
    if not queries:
        raise QueryError("; ".join(notes))
    return queries, notes


def _values(
    name: str, track: Track | None, samples: Samples, grid: Grid, scale: float
) -> tuple[float | None, ...]:
    if len(samples.rows) > 1:
        labels = [dict(labels) for labels, _ in samples.rows]
        known = sorted({label for each in labels for label in each})
        differing = [label for label in known if len({each.get(label) for each in labels}) > 1]
        more = ", …" if len(differing) > _MOST_LABELS else ""
        raise SourceError(
            Trouble.REFUSED,
            f"[metrics.{name}] yields {len(labels)} series{f' for the {track}' if track else ''} instead of one; "
            f"they differ in {', '.join(differing[:_MOST_LABELS])}{more}: "
            "aggregate them away, as with max(…), or match one value of each",
        )
    if not samples.rows:
        return (None,) * len(grid.times)
    scaled = (value if value is None else value * scale for value in samples.rows[0][1])
    return tuple(value if value is not None and math.isfinite(value) else None for value in scaled)


def _label(model: ModelSettings, track: Track | None) -> str:
    if track is None:
        return ""
    names = model.baseline if track == "baseline" else model.canary
    return names.version or names.track


def _notes(answers: Mapping[Track | None, Samples]) -> list[str]:
    """What was said of each track, told once where it holds for all."""
    said: dict[str, list[str]] = {}
    for track, samples in answers.items():
        for note in samples.notes if samples.rows else ("no samples in this time", *samples.notes):
            said.setdefault(note, []).append(track or "")
    return [
        note if len(tracks) == len(answers) else f"{', '.join(tracks)}: {note}"
        for note, tracks in said.items()
    ]
