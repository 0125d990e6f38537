"""Who answers which question: the sources, or what the engine makes of their answers."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.engine.candidates import candidacy
from tui.engine.charts import chart, probe, requests
from tui.engine.logs import Logs
from tui.engine.news import runs_in
from tui.engine.questions import (
    ActivitiesNow,
    AlertsOf,
    AnyQuestion,
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
from tui.engine.recall import Recall
from tui.engine.reports import Reports
from tui.engine.servers import Servers, misconfigured
from tui.engine.store import Store
from tui.engine.verdicts import judged_metrics, verdict
from tui.engine.versions import Known, with_versions
from tui.sources.base import PipelineSource
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.actions import Actions

MOST_RECORDS = 500
"""Actions of the journal that are shown."""


def source_of(question: AnyQuestion, settings: Settings) -> str:
    """The name of the source that a question goes to; empty where the config names none."""
    match question:
        case PipelinesOf() | AlertsOf() | ReachOf():
            return question.source
        case RunAt() | TestsOf() | CaseOf() | LogOf():
            return question.address.source
        case EnvironmentsOf():
            return question.pipeline.source
        case HistoryOf():
            return question.environment.source
        case ChangesBetween():
            return question.new.environment.source
        case ValidationOf():
            return question.run.source
        case ChartOf() | ProbeOf():
            metric = settings.metrics.get(question.metric)
            return metric.source if metric is not None else ""
        case RequestsOf():
            model = settings.models.get(question.model)
            counted = settings.metrics.get(model.requests) if model is not None else None
            return counted.source if counted is not None else ""
        case ActivitiesNow() | JournalNow():
            return ""
        case VerdictOf():
            model = settings.models.get(question.model)
            judged = judged_metrics(settings, question.model) if model is not None else ()
            return settings.metrics[judged[0]].source if judged else ""
        case CandidateOf():
            model = settings.models.get(question.model)
            return model.registry.source if model is not None and model.registry else ""
    raise TypeError(f"nobody answers {type(question).__name__}")


class Answers:
    """Answers questions, each with as many requests as it takes."""

    def __init__(
        self,
        servers: Servers,
        store: Store,
        reports: Reports,
        recall: Recall,
        logs: "Logs[LogOf]",
        clock: Callable[[], float],
        actions: Callable[[], "Actions"],
        known: Known,
    ) -> None:
        self._servers = servers
        self._store = store
        self._reports = reports
        self._recall = recall
        self._logs = logs
        self._clock = clock
        self._actions = actions
        self._known = known

    async def to(self, question: AnyQuestion) -> Any:
        """The answer.

        Raises:
            SourceError
            ConfigError: a credential is not there.
        """
        settings, servers = self._servers.settings, self._servers
        name = source_of(question, settings)
        match question:
            case PipelinesOf():
                return await (await servers.pipelines(name)).pipelines()
            case RunAt():
                return await self._run(question, await servers.pipelines(name))
            case TestsOf():
                source = await servers.pipelines(name)
                return await self._reports.tests(source, await self._run_at(question.address, source))
            case CaseOf():
                source = await servers.pipelines(name)
                run = await self._run_at(question.address, source)
                return await self._reports.case(source, run, question.key)
            case LogOf():
                source = await servers.pipelines(name)
                return await self._logs.ask(question, partial(source.log, question.address), question.tail)
            case EnvironmentsOf():
                return await (await servers.deployments(name)).environments(question.pipeline)
            case HistoryOf():
                return await (await servers.deployments(name)).history(question.environment)
            case ChangesBetween():
                return await (await servers.deployments(name)).changes(question.old, question.new)
            case ValidationOf():
                return await (await servers.deployments(name)).validation(question.run, question.file)
            case ChartOf() | ProbeOf():
                for table, wanted in (("metrics", question.metric), ("models", question.model)):
                    if wanted not in getattr(settings, table):
                        raise misconfigured(f"the config has no table [{table}.{wanted}]")
                metrics = await servers.metrics(name)
                settings = await with_versions(settings, question.model, (question.metric,), self._known)
                return await (
                    probe(question, settings, metrics, self._clock())
                    if isinstance(question, ProbeOf)
                    else chart(question, settings, metrics, self._clock())
                )
            case RequestsOf():
                if not name:
                    raise misconfigured(f"[models.{question.model}] names no metric that counts requests")
                counted = (settings.models[question.model].requests,)
                settings = await with_versions(settings, question.model, counted, self._known)
                return await requests(question, settings, await servers.metrics(name), self._clock())
            case AlertsOf():
                return await (await servers.alerts(name)).alerts()
            case ReachOf():
                return await (await servers.reachable(name)).reach()
            case ActivitiesNow():
                return self._actions().activities
            case JournalNow():
                return (await in_thread(self._actions().journal.read))[-MOST_RECORDS:]
            case VerdictOf():
                if question.model not in settings.models:
                    raise misconfigured(f"the config has no table [models.{question.model}]")
                judged = judged_metrics(settings, question.model)
                settings = await with_versions(settings, question.model, judged, self._known, named=True)
                return await verdict(question, settings, servers.metrics, self._clock())
            case CandidateOf():
                model = settings.models.get(question.model)
                if model is None or model.registry is None:
                    raise misconfigured(f"the config has no registry in [models.{question.model}]")
                return await candidacy(question.model, model, await servers.registry(name))
        raise TypeError(f"nobody answers {type(question).__name__}")

    async def _run(self, question: RunAt, source: PipelineSource) -> Run:
        """From disk where it was read by an earlier start, ended as the list tells; whoever asks again wants news.

        Raises:
            SourceError
        """
        if self._store.get(question).value is None:
            kept = await self._recall.run(source, self._listed(question.address))
            if kept is not None:
                return kept
        run = await source.run(question.address)
        await self._recall.keep_run(source, run)
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
