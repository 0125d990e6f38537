"""Verdicts: what is read of a model's metrics for the judge, and who judges."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from tui.config import ConfigError, MetricSettings, Settings, seconds
from tui.domain.address import Address
from tui.domain.deployment import Deployment
from tui.domain.health import Trouble
from tui.domain.series import Grid
from tui.domain.share import Share
from tui.domain.verdict import Decision, ServerVerdict, Verdict
from tui.engine.queries.base import Context, Query
from tui.engine.queries.charts import read_tracks
from tui.engine.queries.pipelines import PipelinesOf
from tui.engine.queries.versions import versions
from tui.engine.source_pool import SourcePool, misconfigured
from tui.insight import judge
from tui.insight.environment_state import served_from
from tui.insight.judge import MetricCase, MetricRule, kayenta_verdict
from tui.sources.base import JudgingSource, MetricSource, SourceError

T = TypeVar("T")
SourceCalled = Callable[[str], Awaitable[MetricSource]]

_RANGE = re.compile(r"\[([1-9]\d*[smhd])[\]:]")


class _Read(msgspec.Struct, frozen=True):
    case: MetricCase
    notes: tuple[str, ...] = ()
    error: SourceError | None = None


VERDICT_SOONEST = 30.0
"""It costs two queries for each metric."""


class VerdictOf(Query[Verdict], frozen=True):
    """How the canary of a model compares with its baseline."""

    model: str

    def source(self, settings: Settings) -> str | None:
        judged = judged_metrics(settings, self.model) if self.model in settings.models else ()
        return settings.metrics[judged[0]].source if judged else None

    async def fetch(self, context: Context) -> Verdict:
        if self.model not in context.settings.models:
            raise misconfigured(f"the config has no table [models.{self.model}]")
        judged = judged_metrics(context.settings, self.model)
        found = await versions(context.settings, self.model, judged, context.read)
        since = served_from(found.canary) if found.canary is not None else None
        since = context.sources.ours(found.source, since) if since is not None else None
        ours = await verdict(
            self,
            found.settings,
            lambda name: context.sources.get(name, MetricSource),
            context.clock(),
            since,
        )
        theirs = await _by_server(self.model, found.canary, context)
        return with_server(ours, theirs, alone=context.settings.models[self.model].judge == "kayenta")

    def wait(self, answer: Verdict) -> float:
        return max(VERDICT_SOONEST, answer.step)


async def _by_server(model: str, canary: Deployment | None, context: Context) -> ServerVerdict | None:
    """What the server says that runs the canary: of the run that put it there, else of the newest that goes on. Where
    it cannot be asked, that counts as not knowing."""
    run = canary.run if canary is not None else None
    if run is None:
        rules = context.settings.models[model]
        listings = [context.store.get(PipelinesOf(name)).value for name in rules.sources]
        active = [
            each
            for listing in listings
            for pipeline in (listing.pipelines if listing is not None else ())
            if rules.ships(pipeline.address)
            for each in pipeline.runs
            if each.status.active
        ]
        newest = max(active, key=lambda each: each.created_at or 0.0, default=None)
        run = newest.address if newest is not None else None
    return await judgement_of(run, context.sources) if run is not None else None


async def judgement_of(run: Address, sources: SourcePool) -> ServerVerdict | None:
    """What the server of ``run`` says of its canary. Where it cannot be asked, that counts as not knowing."""
    if run.source not in sources.settings.sources:
        return None
    source: object = await sources.source(run.source)
    if not isinstance(source, JudgingSource):
        return None
    try:
        return await source.judgement(run.of_run)
    except SourceError as error:
        words = f"its verdict could not be read: {error.message}"
        return ServerVerdict(judge=run.source, run=run.of_run, decision=Decision.WAIT, reason=words)


def by_server_alone(model: str, theirs: ServerVerdict) -> Verdict:
    """The verdict on a model none of whose metrics is judged here."""
    return Verdict(
        model=model,
        judge=theirs.judge,
        decision=theirs.decision,
        reason=theirs.reason,
        score=theirs.score or 0.0,
        server=theirs,
        server_alone=True,
    )


def with_server(ours: Verdict, theirs: ServerVerdict | None, *, alone: bool) -> Verdict:
    """``ours`` with what the server says beside it, and a note where the two disagree.

    Args:
        alone: a promotion goes by the server's.
    """
    if theirs is None:
        return ours
    found = msgspec.structs.replace(ours, server=theirs, server_alone=alone)
    if ours.decision is theirs.decision:
        return found
    counts = f"a promotion goes by {found.counts}"
    note = f"{theirs.judge} says {theirs.decision}, ours is {ours.decision}: {counts}"
    return msgspec.structs.replace(found, notes=(note, *ours.notes))


def judged_metrics(settings: Settings, model: str) -> tuple[str, ...]:
    """The metrics that a verdict on ``model`` has something to say of, in their order."""
    table = settings.models[model]
    kayenta = table.judge == "kayenta"
    metrics = ((name, settings.metrics[name]) for name in table.metrics)
    return tuple(
        name
        for name, metric_settings in metrics
        if metric_settings.compare or (metric_settings.fail is not None and not kayenta)
    )


def verdict_queries(settings: Settings) -> tuple[VerdictOf, ...]:
    """One for each model that can be judged."""
    return tuple(VerdictOf(name) for name in settings.models if judged_metrics(settings, name))


def judge_grid(metric: MetricSettings, now: float) -> Grid:
    """The looks at a metric: one for each judge window until now, as many as the judge makes use of.

    The step is no shorter than the window, also where the query itself names a longer one: values over windows that
    overlap would give false alarms (contracts: canary §3).
    """
    written = (seconds(text) for query in metric.queries.values() for text in _RANGE.findall(query))
    step = max(seconds(metric.judge_window or metric.window), *written, 1)
    end = int(now // step) * step
    return Grid(end - (judge.MOST_STEPS - 1) * step, end, step)


async def verdict(
    query: VerdictOf,
    settings: Settings,
    source: SourceCalled,
    now: float,
    since: float | None = None,
) -> Verdict:
    """The answer to ``question``. A metric that cannot be read is UNCLEAR, with the reason.

    Args:
        source: the metric source of a name.
        since: when the canary was deployed, where that is known; what was measured before is not its doing.

    Raises:
        SourceError: no metric could be read, or a server asked for a pause.
    """
    names = judged_metrics(settings, query.model)
    grids = {name: judge_grid(settings.metrics[name], now) for name in names}
    read = await asyncio.gather(
        *(_read(query.model, name, settings, source, grid) for name, grid in grids.items())
    )
    errors = [reading.error for reading in read if reading.error is not None]
    if errors and (len(errors) == len(read) or any(error.retry_at for error in errors)):
        raise max(errors, key=lambda error: error.retry_at or 0.0)
    model = settings.models[query.model]
    cases = [msgspec.structs.replace(reading.case, since=since) for reading in read]
    score = model.score
    step = min((grid.step for grid in grids.values()), default=60)
    if model.judge == "kayenta":
        judged = await _each(kayenta_verdict.judge_metric, cases)
        found = kayenta_verdict.decide(query.model, judged, score.pass_, score.marginal, score.groups, step)
    else:
        found = judge.decide(query.model, await _each(judge.judge_metric, cases), score.pass_, step)
    notes = tuple(
        f"{reading.case.metric}: {note}"
        for reading, metric in zip(read, found.metrics, strict=True)
        for note in (*reading.notes, *reading.case.notes)
        if note not in metric.reason
    )
    return msgspec.structs.replace(
        found,
        baseline=model.baseline.version,
        canary=model.canary.version,
        notes=(*found.notes, *notes),
    )


async def _each(judge_metric: Callable[[MetricCase], T], cases: list[MetricCase]) -> list[T]:
    """One after the other, letting others run in between: each takes some milliseconds."""
    judged = []
    for case in cases:
        judged.append(judge_metric(case))
        await asyncio.sleep(0)
    return judged


async def _read(model: str, name: str, settings: Settings, source: SourceCalled, grid: Grid) -> _Read:
    metric = settings.metrics[name]
    window = metric.judge_window or metric.window
    share = settings.share(name)
    empty = MetricCase(metric=name, rule=_rule(metric, share), grid=grid)
    try:
        chart = await read_tracks(model, name, settings, await source(metric.source), grid, window)
    except (SourceError, ConfigError) as raised:
        error = raised if isinstance(raised, SourceError) else SourceError(Trouble.MISCONFIGURED, str(raised))
        return _Read(msgspec.structs.replace(empty, problem=error.message), error=error)
    series = {series_of_track.track: series_of_track for series_of_track in chart.series}
    # What is not told apart by track is the canary's, too, as far as its limits go.
    canary, baseline = series.get("canary", series.get(None)), series.get("baseline")
    case = msgspec.structs.replace(
        empty,
        baseline=baseline.values if baseline is not None else (),
        baseline_ceiling=baseline.ceiling if baseline is not None else None,
        canary=canary.values if canary is not None else (),
        canary_ceiling=canary.ceiling if canary is not None else None,
        baseline_counts=baseline.counts if baseline is not None else None,
        canary_counts=canary.counts if canary is not None else None,
        notes=chart.remarks,
        incomparable=chart.incomparable,
    )
    return _Read(case, chart.notes)


def _rule(metric: MetricSettings, share: Share | None) -> MetricRule:
    compare = metric.compare
    rule = MetricRule(
        better=metric.better,
        unit=metric.unit,
        warn=metric.warn,
        fail=metric.fail,
        max_age=seconds(metric.max_age) if metric.max_age else None,
        no_data=metric.no_data,
        share_scale=share.scale if share is not None else 100.0,
    )
    if compare is None:
        return rule
    return msgspec.structs.replace(
        rule,
        max_worse=compare.margin,
        relative=compare.relative,
        group=compare.group,
        weight=compare.weight,
        critical=compare.critical,
        required=compare.required,
    )
