"""Who answers which question: the sources, or what the engine makes of their answers."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.engine.cache.reports import ReportCache
from tui.engine.cache.runs import RunCache
from tui.engine.logs import Logs
from tui.engine.queries.candidates import candidacy
from tui.engine.queries.charts import chart, probe, requests
from tui.engine.queries.invalidation import runs_in
from tui.engine.queries.queries import (
    ActivitiesNow,
    AlertsOf,
    AnyQuery,
    CandidateOf,
    CaseOf,
    ChangesBetween,
    ChartOf,
    EnvironmentsOf,
    HistoryOf,
    JournalNow,
    LogOf,
    PipelinesOf,
    ProbeOf,
    ReachOf,
    RequestsOf,
    RunAt,
    TestsOf,
    ValidationOf,
    VerdictOf,
)
from tui.engine.queries.verdicts import judged_metrics, verdict
from tui.engine.queries.versions import ReadQuery, versions, with_versions
from tui.engine.source_pool import SourcePool, misconfigured
from tui.engine.store import Store
from tui.insight.environment_state import served_from
from tui.sources.base import PipelineSource
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.actions.service import ActionService

MOST_RECORDS = 500
"""Actions of the journal that are shown."""


def source_of(query: AnyQuery, settings: Settings) -> str:
    """The name of the source that a question goes to; empty where the config names none."""
    match query:
        case PipelinesOf() | AlertsOf() | ReachOf():
            return query.source
        case RunAt() | TestsOf() | CaseOf() | LogOf():
            return query.address.source
        case EnvironmentsOf():
            return query.pipeline.source
        case HistoryOf():
            return query.environment.source
        case ChangesBetween():
            return query.new.environment.source
        case ValidationOf():
            return query.run.source
        case ChartOf() | ProbeOf():
            metric = settings.metrics.get(query.metric)
            return metric.source if metric is not None else ""
        case RequestsOf():
            model = settings.models.get(query.model)
            counted = settings.metrics.get(model.requests) if model is not None else None
            return counted.source if counted is not None else ""
        case ActivitiesNow() | JournalNow():
            return ""
        case VerdictOf():
            model = settings.models.get(query.model)
            judged = judged_metrics(settings, query.model) if model is not None else ()
            return settings.metrics[judged[0]].source if judged else ""
        case CandidateOf():
            model = settings.models.get(query.model)
            return model.registry.source if model is not None and model.registry else ""
    raise TypeError(f"nobody answers {type(query).__name__}")


class QueryResolver:
    """Answers questions, each with as many requests as it takes."""

    def __init__(
        self,
        source_pool: SourcePool,
        store: Store,
        reports: ReportCache,
        run_cache: RunCache,
        logs: "Logs[LogOf]",
        clock: Callable[[], float],
        actions: Callable[[], "ActionService"],
        known: ReadQuery,
    ) -> None:
        self._source_pool = source_pool
        self._store = store
        self._reports = reports
        self._run_cache = run_cache
        self._logs = logs
        self._clock = clock
        self._actions = actions
        self._known = known

    async def to(self, query: AnyQuery) -> Any:
        """The answer.

        Raises:
            SourceError
            ConfigError: a credential is not there.
        """
        settings, source_pool = self._source_pool.settings, self._source_pool
        name = source_of(query, settings)
        match query:
            case PipelinesOf():
                return await (await source_pool.pipelines(name)).pipelines()
            case RunAt():
                return await self._run(query, await source_pool.pipelines(name))
            case TestsOf():
                source = await source_pool.pipelines(name)
                return await self._reports.tests(source, await self._run_at(query.address, source))
            case CaseOf():
                source = await source_pool.pipelines(name)
                run = await self._run_at(query.address, source)
                return await self._reports.case(source, run, query.key)
            case LogOf():
                source = await source_pool.pipelines(name)
                return await self._logs.ask(query, partial(source.log, query.address), query.tail)
            case EnvironmentsOf():
                return await (await source_pool.deployments(name)).environments(query.pipeline)
            case HistoryOf():
                return await (await source_pool.deployments(name)).history(query.environment)
            case ChangesBetween():
                return await (await source_pool.deployments(name)).changes(query.old, query.new)
            case ValidationOf():
                return await (await source_pool.deployments(name)).validation(query.run, query.file)
            case ChartOf() | ProbeOf():
                for table, wanted in (("metrics", query.metric), ("models", query.model)):
                    if wanted not in getattr(settings, table):
                        raise misconfigured(f"the config has no table [{table}.{wanted}]")
                metrics = await source_pool.metrics(name)
                settings = await with_versions(settings, query.model, (query.metric,), self._known)
                return await (
                    probe(query, settings, metrics, self._clock())
                    if isinstance(query, ProbeOf)
                    else chart(query, settings, metrics, self._clock())
                )
            case RequestsOf():
                if not name:
                    raise misconfigured(f"[models.{query.model}] names no metric that counts requests")
                counted = (settings.models[query.model].requests,)
                settings = await with_versions(settings, query.model, counted, self._known)
                return await requests(query, settings, await source_pool.metrics(name), self._clock())
            case AlertsOf():
                return await (await source_pool.alerts(name)).alerts()
            case ReachOf():
                return await (await source_pool.reachable(name)).reach()
            case ActivitiesNow():
                return self._actions().activities
            case JournalNow():
                return (await in_thread(self._actions().journal.read))[-MOST_RECORDS:]
            case VerdictOf():
                if query.model not in settings.models:
                    raise misconfigured(f"the config has no table [models.{query.model}]")
                judged = judged_metrics(settings, query.model)
                found = await versions(settings, query.model, judged, self._known)
                since = served_from(found.canary) if found.canary is not None else None
                since = since if since is None else source_pool.ours(found.source, since)
                return await verdict(query, found.settings, source_pool.metrics, self._clock(), since)
            case CandidateOf():
                model = settings.models.get(query.model)
                if model is None or model.registry is None:
                    raise misconfigured(f"the config has no registry in [models.{query.model}]")
                return await candidacy(query.model, model, await source_pool.registry(name))
        raise TypeError(f"nobody answers {type(query).__name__}")

    async def _run(self, query: RunAt, source: PipelineSource) -> Run:
        """From disk where it was read by an earlier start, ended as the list tells; whoever asks again wants news.

        Raises:
            SourceError
        """
        if self._store.get(query).value is None:
            kept = await self._run_cache.run(source, self._listed(query.address))
            if kept is not None:
                return kept
        run = await source.run(query.address)
        await self._run_cache.keep_run(source, run)
        return run

    def _listed(self, address: Address) -> Run | None:
        listing = self._store.get(PipelinesOf(address.source)).value
        return next((run for run in runs_in(listing, (address.pipeline,)) if run.address == address), None)

    async def _run_at(self, address: Address, source: PipelineSource) -> Run:
        """The run as it was listed or read; asked for where neither tells how it stands.

        The listing goes first: it is always kept current, and a run that has ended may have been retried since.

        Raises:
            SourceError
        """
        for run in (self._listed(address), self._store.get(RunAt(address)).value):
            if run is not None and (run.duration is not None or not run.status.finished):
                return run
        return await source.run(address)
