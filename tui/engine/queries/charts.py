"""Charts: which queries a metric becomes for the tracks of a model, and which series their answers become."""

import asyncio
import math
from collections.abc import Mapping, Sequence

import msgspec

from tui.config import ModelSettings, Settings, seconds
from tui.domain.health import Trouble
from tui.domain.promql import ranges
from tui.domain.query_template import Dialect, TemplateError, fill, placeholders
from tui.domain.series import Chart, Grid, Probe, Samples, Series, Track
from tui.domain.share import Kind, NoShare, Share, counts, kind, values
from tui.engine.comparable import incomparable, scarce
from tui.engine.queries.base import NEVER, Context, Query
from tui.engine.queries.versions import with_versions
from tui.engine.source_pool import misconfigured
from tui.sources.base import DatingSource, MetricSource, SourceError
from tui.text.safe import shorten

_STEPS_PER_WINDOW = 20
_SETTLED = 300.0
"""Seconds after which nothing is added to what a server knows: a scrape and its way through a few servers."""
_MOST_LABELS = 5
_MOST_QUERY = 120
_PROBED, _PROBES = 3600, 60
"""Seconds that are looked at, and at how many times, to tell what a query gives."""


CHART_SOONEST = 15.0
"""A chart is the dearest thing to redraw on a slow link."""


class ChartOf(Query[Chart], frozen=True):
    """One metric of a model over ``span`` seconds, for a chart ``columns`` cells wide."""

    model: str
    metric: str
    span: int
    columns: int
    until: int | None = None
    """Where the time ends, seconds since the epoch; None: now."""

    def source(self, settings: Settings) -> str | None:
        metric = settings.metrics.get(self.metric)
        return metric.source if metric is not None else None

    async def fetch(self, context: Context) -> Chart:
        settings, source = await _versioned(self.model, self.metric, context)
        return await chart(self, settings, source, context.clock())

    def wait(self, answer: Chart) -> float:
        if answer.final:
            return NEVER
        step = answer.series[0].grid.step if answer.series else self.span / max(1, self.columns)
        return max(CHART_SOONEST, step)


class ProbeOf(Query[Probe], frozen=True):
    """Whether the query of a model's metric gives what it should, and how old that is."""

    model: str
    metric: str

    def source(self, settings: Settings) -> str | None:
        metric = settings.metrics.get(self.metric)
        return metric.source if metric is not None else None

    async def fetch(self, context: Context) -> Probe:
        settings, source = await _versioned(self.model, self.metric, context)
        return await probe(self, settings, source, context.clock())

    def wait(self, answer: Probe) -> float:
        return NEVER


class RequestsOf(Query[Chart], frozen=True):
    """How many requests the canary of a model and its baseline had to answer in the last ``span`` seconds, by the
    metric that counts them: one value each."""

    model: str
    span: int

    def source(self, settings: Settings) -> str | None:
        model = settings.models.get(self.model)
        metric = settings.metrics.get(model.requests) if model is not None else None
        return metric.source if metric is not None else None

    async def fetch(self, context: Context) -> Chart:
        if self.source(context.settings) is None:
            raise misconfigured(f"[models.{self.model}] names no metric that counts requests")
        settings, source = await _versioned(self.model, context.settings.models[self.model].requests, context)
        return await requests(self, settings, source, context.clock())

    def wait(self, answer: Chart) -> float:
        return NEVER  # it is asked for when it is needed


async def _versioned(model: str, metric: str, context: Context) -> tuple[Settings, MetricSource]:
    """The settings with the versions that stand in the model's environment, and the source of the metric.

    Raises:
        SourceError
    """
    for table, wanted in ((context.settings.metrics, metric), (context.settings.models, model)):
        if wanted not in table:
            name = "metrics" if table is context.settings.metrics else "models"
            raise misconfigured(f"the config has no table [{name}.{wanted}]")
    source = await context.sources.get(context.settings.metrics[metric].source, MetricSource)
    return await with_versions(context.settings, model, (metric,), context.read), source


def chart_grid(now: float, span: int, columns: int, window: str, until: int | None = None) -> Grid:
    """The ``span`` seconds until then, or until now, in about two points a column.

    Start and end are multiples of the step: otherwise each refresh would shift the grid, the picture would flicker
    and caches would miss (contracts: metrics §2). The step is no finer than a twentieth of ``window``, where
    neighbours share all but 5 % of their samples: finer ones tell nothing new.
    """
    step = max(1, math.ceil(seconds(window) / _STEPS_PER_WINDOW), math.ceil(span / (2 * max(1, columns))))
    end = int((now if until is None else min(now, until)) // step) * step
    return Grid((end - span) // step * step, end, step)


async def chart(query: ChartOf, settings: Settings, source: MetricSource, now: float) -> Chart:
    """The answer to ``question``: a series for the baseline and one for the canary, or a single one where the query
    uses neither ``{track}`` nor ``{version}``.

    A track without a version is left out, with a note, if the query asks for one. A track of which the server has
    nothing is a series of gaps, with a note.

    Raises:
        SourceError: the source's own; or REFUSED when the query cannot be filled in, or yields several series where
            one is meant.
    """
    metric = settings.metrics[query.metric]
    grid = chart_grid(now, query.span, query.columns, metric.window, query.until)
    answer = await read_tracks(query.model, query.metric, settings, source, grid, metric.window)
    notes = (*answer.notes, *answer.remarks)
    if answer.incomparable and metric.compare:
        notes = (f"not to be compared: {answer.incomparable}", *notes)
    final = query.until is not None and query.until <= now - _SETTLED
    return msgspec.structs.replace(answer, notes=notes, final=final)


async def requests(query: RequestsOf, settings: Settings, source: MetricSource, now: float) -> Chart:
    """The answer to ``question``: the metric once, ``{window}`` being all of the span.

    Raises:
        SourceError: as :func:`chart`.
    """
    grid = Grid(int(now), int(now), max(1, query.span))
    name = settings.models[query.model].requests
    return await read_tracks(query.model, name, settings, source, grid, f"{query.span}s")


async def probe(query: ProbeOf, settings: Settings, source: MetricSource, now: float) -> Probe:
    """The answer to ``question``.

    A value tells of a sample that is minutes older, as long as a server looks back (contracts: metrics §2): where the
    source can be asked for the time of the sample itself, it is.

    Raises:
        SourceError: as :func:`chart`.
    """
    metric, share = settings.metrics[query.metric], settings.share(query.metric)
    end, step = int(now), _PROBED // _PROBES
    grid = Grid(end // step * step - _PROBED + step, end // step * step, step)
    found = await read_tracks(query.model, query.metric, settings, source, grid, metric.window)
    there = [
        (at, value) for series in found.series for at, value in zip(grid.times, series.values, strict=True)
    ]
    missing, nan = sum(value is None for _, value in there), sum(series.nan for series in found.series)
    newest: float | None = max((at for at, value in there if value is not None), default=None)
    dated = None
    if isinstance(source, DatingSource):
        queries, _ = _queries(query.model, query.metric, settings, grid, metric.window)
        # Of a share the last one: nothing bad need have been counted yet.
        times = await asyncio.gather(*(source.newest(texts[-1], end) for texts in queries.values()))
        dated = max((time for time in times if time is not None), default=None)
    return Probe(
        tracks=tuple(series.track for series in found.series),
        newest=newest if dated is None else dated,
        exact=dated is not None,
        missing=(missing - nan) / len(there),
        nan=nan / len(there),
        notes=(*_counting(share, found), *found.notes, *found.remarks),
    )


def _counting(share: Share | None, found: Chart) -> list[str]:
    """How a query was taken apart, and where nothing was counted as bad: all may be well, or the query wrong."""
    if share is None:
        return []
    notes = []
    if share.split:
        bad, whole = (shorten(" ".join(part.split()), _MOST_QUERY) for part in (share.bad, share.whole))
        notes.append(f"judged by counts: {bad} {'beside' if share.rest else 'of'} {whole}")
    for series in found.series:
        total = sum(total or 0.0 for total in series.counts.total) if series.counts else 0.0
        if series.counts and total and not any(series.counts.bad):
            part = "numerator" if share.split else "bad"
            notes.append(f"{f'{series.track}: ' if series.track else ''}nothing yet in {part}, taken for 0")
    return notes


async def read_tracks(
    model_name: str, metric_name: str, settings: Settings, source: MetricSource, grid: Grid, window: str
) -> Chart:
    """The metric's series on ``grid``, ``window`` standing for ``{window}``: what :func:`chart` says of them.

    Of a share both counts are asked for, track by track; of all else the one query. What two tracks ask alike is asked
    once.
    """
    metric, model = settings.metrics[metric_name], settings.models[model_name]
    share = settings.share(metric_name)
    try:
        queries, notes = _queries(model_name, metric_name, settings, grid, window)
    except TemplateError as error:
        raise SourceError(Trouble.REFUSED, f"[metrics.{metric_name}]: {error}") from None
    kinds = _kinds(queries, settings.dialect(metric_name)) if share else None
    steps = max(1, math.ceil(seconds(window) / grid.step)) if kinds and "total" in kinds else 0
    asked = msgspec.structs.replace(grid, start=grid.start - steps * grid.step)
    texts = list(dict.fromkeys(text for texts in queries.values() for text in texts))
    results = await asyncio.gather(*(source.samples(text, asked) for text in texts), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    by_text = dict(zip(texts, (result for result in results if isinstance(result, Samples)), strict=True))
    answers = {track: [by_text[text] for text in texts] for track, texts in queries.items()}
    series = []
    for track, samples in answers.items():
        numbers = [_numbers(metric_name, track, sample, asked) for sample in samples]
        if share is None or kinds is None:
            counted, shown = None, _scaled(numbers[0], metric.scale)
        else:
            over = _measured(queries[track], window)
            try:
                counted = counts(*numbers, kinds=kinds, window=over, steps=steps, rest=share.rest)
            except NoShare as error:
                whose = f" of the {track}" if track else ""
                raise SourceError(Trouble.REFUSED, f"[metrics.{metric_name}]{whose}: {error}") from None
            shown = values(counted, share.scale)
        (ceiling,) = _scaled([samples[0].ceiling], metric.scale)
        nan = sum(sample.nan for sample in samples)
        series.append(Series(metric_name, track, grid, shown, _label(model, track), nan, ceiling, counted))
    return Chart(
        tuple(series),
        (*notes, *_notes(answers, share)),
        remarks=scarce(answers),
        incomparable=incomparable(queries, answers, source.name, metric),
    )


def _queries(
    model_name: str, metric_name: str, settings: Settings, grid: Grid, window: str
) -> tuple[dict[Track | None, tuple[str, ...]], list[str]]:
    """What is asked for each track, one query or, of a share, two; and what keeps a track from having any.

    Raises:
        QueryError: no query can be made.
    """
    metric, model = settings.metrics[metric_name], settings.models[model_name]
    dialect, share = settings.dialect(metric_name), settings.share(metric_name)
    texts = (share.bad, share.whole) if share else tuple(metric.queries.values())
    used = frozenset(word for text in texts for word in placeholders(text, dialect))
    shared = {
        "environment": model.environment,
        "namespace": model.namespace,
        "model": model_name,
        "window": window,
        "step": f"{grid.step}s",
    }
    if absent := sorted(name for name in used if shared.get(name) == ""):
        raise TemplateError(
            f"the query uses {{{absent[0]}}}, but [models.{model_name}] has no {absent[0]}; add it"
        )
    if not used & {"track", "version"}:
        return {None: tuple(fill(text, shared, dialect) for text in texts)}, []
    queries: dict[Track | None, tuple[str, ...]] = {}
    notes = []
    tracks: tuple[Track, Track] = ("baseline", "canary")
    for track in tracks:
        names = model.baseline if track == "baseline" else model.canary
        own = {"track": names.track, "version": names.version}
        if lacking := sorted(name for name in used if own.get(name) == ""):
            nobody = f"neither [models.{model_name}] nor a deployment gives for it"
            notes.append(f"no {track}: the query uses {{{lacking[0]}}}, which {nobody}")
        else:
            queries[track] = tuple(fill(text, {**shared, **own}, dialect) for text in texts)
    if not queries:
        raise TemplateError("; ".join(notes))
    return queries, notes


def _kinds(queries: Mapping[Track | None, Sequence[str]], dialect: Dialect) -> tuple[Kind, Kind]:
    """What the two queries of a share count, which is the same for both tracks. A document has running totals."""
    if dialect != "promql":
        return "total", "total"
    bad, whole = next(iter(queries.values()))
    return kind(bad), kind(whole)


def _measured(queries: Sequence[str], window: str) -> float:
    """Seconds that the rates in the queries of a share are measured over: the shortest that is written in them."""
    return min((seconds(length) for query in queries for length in ranges(query)), default=seconds(window))


def _numbers(name: str, track: Track | None, samples: Samples, grid: Grid) -> tuple[float | None, ...]:
    """Of the one series that there should be; all None where there is none."""
    if len(samples.rows) > 1:
        labels = [dict(labels) for labels, _ in samples.rows]
        known = sorted({label for label_set in labels for label in label_set})
        differing = [label for label in known if len({label_set.get(label) for label_set in labels}) > 1]
        more = ", …" if len(differing) > _MOST_LABELS else ""
        raise SourceError(
            Trouble.REFUSED,
            f"[metrics.{name}] yields {len(labels)} series{f' for the {track}' if track else ''} instead of one; "
            f"they differ in {', '.join(differing[:_MOST_LABELS])}{more}: "
            "aggregate them away, as with max(…), or match one value of each",
        )
    return samples.rows[0][1] if samples.rows else (None,) * len(grid.times)


def _scaled(numbers: Sequence[float | None], scale: float | None) -> tuple[float | None, ...]:
    scaled = (number if number is None or scale is None else number * scale for number in numbers)
    return tuple(value if value is not None and math.isfinite(value) else None for value in scaled)


def _label(model: ModelSettings, track: Track | None) -> str:
    if track is None:
        return ""
    names = model.baseline if track == "baseline" else model.canary
    return names.version or names.track


def _notes(answers: Mapping[Track | None, Sequence[Samples]], share: Share | None) -> list[str]:
    """What was said of each track, told once where it holds for all. Of a share nothing bad needs to be there."""
    tracks_of: dict[str, list[str]] = {}
    for track, samples in answers.items():
        there = samples[-1].rows or (samples[0].rows and (share is None or share.rest))
        notes = [note for sample in samples for note in sample.notes]
        for note in dict.fromkeys(notes if there else ("no samples in this time", *notes)):
            tracks_of.setdefault(note, []).append(track or "")
    return [
        note if len(tracks) == len(answers) else f"{', '.join(tracks)}: {note}"
        for note, tracks in tracks_of.items()
    ]
