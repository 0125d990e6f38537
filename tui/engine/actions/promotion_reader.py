"""Reading what must be on screen before a promotion: every part asked for now, what fails marked."""

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.alarm import Alarm, Alarms
from tui.domain.deployment import Changes, Deployment, Environment, Environments, Version
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.verdict import Verdict
from tui.engine.actions import model_rules
from tui.engine.actions.journal import Journal, JournalError
from tui.engine.polling.poller import Poller
from tui.engine.queries import (
    AlarmsNow,
    CandidateOf,
    ChangesBetween,
    ComparisonOf,
    EnvironmentsOf,
    EvaluationsOf,
    HistoryOf,
    PipelinesOf,
    Query,
    RequestsOf,
    RunAt,
    VerdictOf,
)
from tui.engine.queries.evaluations import evaluated
from tui.engine.queries.verdicts import by_server_alone, judged_metrics, judgement_of
from tui.engine.source_pool import SourcePool
from tui.engine.store import Readings
from tui.insight.environment_state import environment_state
from tui.insight.promotion import OtherDeployment, PartSource, Promotion, RequestCounts
from tui.sources.base import SourceError
from tui.threads import in_thread

T = TypeVar("T")

FRESH = 5.0
"""Seconds for which a reading in the store is as good as a new one."""
LONGEST_WAIT = 2.0
"""Seconds that a question waits for the registry and for reports, once all else was read."""
MOST_PIPELINES = 8
"""Of the model, asked for what they deployed meanwhile."""
_NOT_YET = frozenset({Status.QUEUED, Status.WAITING, Status.SKIPPED, Status.CANCELED})
"""Of a deployment that has changed nothing."""


class _Read(msgspec.Struct, Generic[T], frozen=True):
    value: T | None
    known: PartSource


class FiringAlarms(Protocol):
    """What is asked of the alarm monitor here."""

    @property
    def configured(self) -> bool: ...

    async def look_once(self) -> Alarms: ...

    def unread(self) -> tuple[str, ...]: ...


class PromotionReader:
    """Reads what must be on screen before a promotion.

    Args:
        monitor: who keeps the alarms; made when it is first needed.
    """

    def __init__(
        self,
        settings: Settings,
        own: Readings,
        poller: Poller,
        sources: SourcePool,
        journal: Journal,
        clock: Callable[[], float],
        monitor: "Callable[[], FiringAlarms]",
    ) -> None:
        self._settings = settings
        self._own = own
        self._poller = poller
        self._sources = sources
        self._journal = journal
        self._clock = clock
        self._monitor = monitor

    async def promotion(self, model: str, gate: Address, environment: str) -> Promotion:
        """What there is to know of promoting the canary of ``model`` at ``gate``. Does not raise."""
        wanted_verdict = (
            self._asked(VerdictOf(model))
            if judged_metrics(self._settings, model)
            else self._by_server(model, gate)
        )
        registered = self._settings.models[model].registry is not None
        comparing = asyncio.ensure_future(self._asked(ComparisonOf(model))) if registered else None
        evaluating = None
        if evaluated(self._settings.models[model]):
            evaluating = asyncio.ensure_future(self._asked(EvaluationsOf(model, gate.of_run)))
        places, judged, ran, alarms = await asyncio.gather(
            self._asked(EnvironmentsOf(gate.pipeline)), wanted_verdict, self._run_of(gate), self._alarms()
        )
        found, known, run = places.value, places.known, ran.value
        place = (
            next((place for place in found.environments if place.name == environment), None)
            if found
            else None
        )
        past = (await self._asked(HistoryOf(place.address))).value if place is not None else None
        deployments = place.deployments if place is not None else ()
        what = environment_state(deployments)
        canary, stable = what.canary, what.stable
        brought: _Read[Changes] = _Read(None, PartSource(problem="the versions to compare are not known"))
        if place is not None and canary is not None and stable is not None:
            old = Version(place.address, stable.revision, stable.run)
            new = Version(place.address, canary.revision, canary.run)
            brought = await self._asked(ChangesBetween(old, new))
        began, came = _there_since(canary), _there_since(stable)
        all_of_them = past.deployments if past is not None else deployments
        here = msgspec.structs.replace(place, deployments=all_of_them) if place is not None else None
        minutes = max(0.0, self._sources.now(gate.source) - began) / 60 if began is not None else None
        counted = await self._requests(model, minutes)
        back = ""
        if stable is not None:
            way = next(
                (deployment.rollback for deployment in all_of_them if deployment.id == stable.id), None
            )
            back = f"{stable.version} comes back" + (
                f": {way.words}" if way is not None and way.possible else ""
            )
        if place is None and not known.problem:
            known = PartSource(problem=f"no environment {environment or '(which is not known)'} was found")
        compared, cases = await asyncio.gather(
            _in_time(comparing, "the registry has not answered yet"),
            _in_time(evaluating, "the reports have not been read yet"),
        )
        firing = alarms.value or ()
        own = tuple(alarm for alarm in firing if alarm.model == model)
        return Promotion(
            model=model,
            environment=environment,
            version=canary.version if canary is not None else "",
            replaces=stable.version if stable is not None else "",
            canary=canary,
            share=canary.share if canary is not None else None,
            minutes=minutes,
            before=max(0.0, began - came) / 60 if began is not None and came is not None else None,
            others=await self._beside(model, here, canary, began) if here is not None else (),
            back=back,
            environments=known,
            requests=counted.value or RequestCounts(),
            requests_known=counted.known,
            verdict=judged.value,
            verdict_known=judged.known,
            changes=brought.value,
            changes_known=brought.known,
            tests=run.tests if run is not None else None,
            tests_known=ran.known,
            comparison=compared.value if compared is not None else None,
            comparison_known=compared.known if compared is not None else None,
            evaluations=(cases.value or ()) if cases is not None else (),
            evaluations_known=cases.known if cases is not None else None,
            alarms=tuple(map(_alarm_words, own)),
            alarms_elsewhere=tuple(
                _alarm_words(alarm) for alarm in firing if alarm.origin and alarm not in own
            ),
            alarms_known=alarms.known,
            judging=await self._judging(model, gate),
        )

    async def validation(self, model: str, version: str) -> tuple[tuple[tuple[str, str], ...], str]:
        """How ``version``, which is to be the champion, compares with the one that is: facts, and what is doubtful."""
        read = await self._asked(CandidateOf(model))
        found = read.value
        if found is None or read.known.problem:
            return (), f"how it compares could not be read: {read.known.problem}"
        if found.candidate is None or found.candidate.version != version or not found.metrics:
            return (("validation", "not compared with the champion"),), ""
        facts = tuple((metric.metric, f"{metric.outcome}: {metric.reason}") for metric in found.metrics)
        return facts, "" if found.outcome.good else f"its validation is {found.outcome}"

    async def _requests(self, model: str, minutes: float | None) -> _Read[RequestCounts]:
        """How many requests came since the canary did."""
        if not self._settings.models[model].requests:
            words = f"[models.{model}] names no metric that counts them (requests)"
            return _Read(None, PartSource(problem=words))
        if minutes is None:
            return _Read(None, PartSource(problem="since when the canary is there is not known"))
        read = await self._asked(RequestsOf(model, max(60, round(minutes * 60))))
        if read.value is None:
            return _Read(None, read.known)
        found = {series.track: series.values[-1] for series in read.value.series if series.values}
        canary = found.get("canary")
        problem = "" if canary is not None else "the metric that counts them has no value for the canary"
        return _Read(
            RequestCounts(canary, found.get("baseline")), msgspec.structs.replace(read.known, problem=problem)
        )

    async def _beside(
        self, model: str, here: Environment, canary: Deployment | None, began: float | None
    ) -> tuple[OtherDeployment, ...]:
        """What else was deployed since the canary came: there, and for production elsewhere.

        The model's own pipelines are asked; of others counts what has been read anyway.
        """
        if began is None:
            return ()
        names = [name for name, source in self._settings.sources.items() if source.runs_pipelines]
        listings = await self._poller.own(*map(PipelinesOf, names))
        listed = [
            pipeline.address for listing in listings if listing is not None for pipeline in listing.pipelines
        ]
        pipelines = dict.fromkeys(listed)
        own = [pipeline for pipeline in pipelines if self._settings.models[model].ships(pipeline)][
            :MOST_PIPELINES
        ]
        await asyncio.gather(*(self._asked(EnvironmentsOf(pipeline)) for pipeline in own))
        found = {here.address: here}
        answers = await self._poller.own(*map(EnvironmentsOf, pipelines))
        for answer in answers:
            for environment in (answer or Environments()).environments:
                if environment.tier == "production" or environment.name == here.name:
                    found.setdefault(environment.address, environment)
        return tuple(
            OtherDeployment(place.address, deployment)
            for place in found.values()
            for deployment in place.deployments
            if deployment.status not in _NOT_YET
            and (_there_since(deployment) or 0.0) > began
            and (canary is None or (place.address, deployment.id) != (here.address, canary.id))
        )

    async def _judging(self, model: str, gate: Address) -> tuple[str, ...]:
        """What else of the model waits for a decision, and what was begun on it here and has not ended."""
        settings = self._settings
        listings = await self._poller.own(*map(PipelinesOf, settings.sources))
        gates = model_rules.gates_of(
            settings, model, [listing for listing in listings if listing is not None]
        )
        found = [f"another canary waits at {waiting.address}" for waiting in gates if waiting.address != gate]
        try:
            unsettled = await in_thread(self._journal.unsettled)
        except JournalError as error:
            return (*found, str(error))
        for record in unsettled:
            plan, who = record.plan, record.first.who
            if plan is not None and model_rules.model_of(settings, plan.request.target) == model:
                found.append(f"{who.user}@{who.host} began to {plan.request.kind.verb} {plan.request.target}")
        return tuple(found)

    async def _asked(self, query: Query[T]) -> _Read[T]:
        """The answer, read by this process now or a moment ago; with the last good one where that fails."""
        reading = self._own.get(query)
        if reading.value is not None and (age := reading.age(self._clock())) is not None and age <= FRESH:
            return _Read(reading.value, PartSource(reading.read_at))
        try:
            answer = await self._poller.ask(query)
            return _Read(answer, PartSource(self._clock()))
        except SourceError as error:
            reading = self._own.get(query)
            return _Read(reading.value, PartSource(reading.read_at, error.message))

    async def _by_server(self, model: str, gate: Address) -> _Read[Verdict]:
        """Where no metric is judged here, what the server of the canary says."""
        theirs = await judgement_of(gate, self._sources)
        if theirs is None:
            return _Read(None, PartSource(problem="no metric of it is judged"))
        return _Read(by_server_alone(model, theirs), PartSource(self._clock()))

    async def _run_of(self, gate: Address) -> _Read[Run]:
        if gate.run is None:
            return _Read(None, PartSource(problem=f"{gate} names no run"))
        return await self._asked(RunAt(gate.of_run))

    async def _alarms(self) -> _Read[tuple[Alarm, ...]]:
        """What fires: as the deck keeps it, or looked at now where nobody does."""
        keeper = self._monitor()
        if not keeper.configured:
            return _Read(None, PartSource(problem="no alarm is configured"))
        reading = self._own.get(AlarmsNow())
        found, at = reading.value, reading.read_at
        if found is None:
            found, at = await keeper.look_once(), self._clock()
        firing = tuple(alarm for alarm in found.alarms if alarm.state.active)
        return _Read(firing, PartSource(at, "; ".join(keeper.unread())))


def _there_since(deployment: Deployment | None) -> float | None:
    return deployment.finished_at or deployment.started_at if deployment is not None else None


def _alarm_words(alarm: Alarm) -> str:
    """With who keeps it quiet."""
    words = f"{alarm.name}: {alarm.words}"
    return f"{words} ({alarm.silenced})" if alarm.silenced else words


async def _in_time(asked: "asyncio.Future[_Read[T]] | None", problem: str) -> "_Read[T] | None":
    """What was read by now, or a moment later: a slow server does not hold the question up."""
    if asked is None:
        return None
    try:
        done, _ = await asyncio.wait({asked}, timeout=LONGEST_WAIT)
    finally:
        if not asked.done():
            asked.cancel()
    return asked.result() if done else _Read(None, PartSource(problem=problem))
