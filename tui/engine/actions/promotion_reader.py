"""Reading what must be on screen before a promotion: every part asked for now, what fails marked."""

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from tui.domain.address import Address
from tui.domain.alarm import Alarm
from tui.domain.deployment import Changes, Deployment, Environment, Environments, Version
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.verdict import Verdict
from tui.engine.actions import model_rules
from tui.engine.queries.queries import (
    AlarmsNow,
    CandidateOf,
    ChangesBetween,
    EnvironmentsOf,
    HistoryOf,
    PipelinesOf,
    Query,
    RequestsOf,
    RunAt,
    VerdictOf,
)
from tui.engine.queries.verdicts import judged_metrics
from tui.insight.environment_state import environment_state
from tui.insight.promotion import OtherDeployment, PartSource, Promotion, RequestCounts
from tui.sources.base import SourceError
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.engine import Engine

T = TypeVar("T")

FRESH = 5.0
"""Seconds for which a reading in the store is as good as a new one."""
MOST_PIPELINES = 8
"""Of the model, asked for what they deployed meanwhile."""
_NOT_YET = frozenset({Status.QUEUED, Status.WAITING, Status.SKIPPED, Status.CANCELED})
"""Of a deployment that has changed nothing."""


class _Read(msgspec.Struct, Generic[T], frozen=True):
    value: T | None
    known: PartSource


async def promotion(engine: "Engine", model: str, gate: Address, environment: str) -> Promotion:
    """What there is to know of promoting the canary of ``model`` at ``gate``. Does not raise."""
    wanted_verdict = (
        _asked(engine, VerdictOf(model)) if judged_metrics(engine.settings, model) else _unjudged()
    )
    places, judged, ran, alarms = await asyncio.gather(
        _asked(engine, EnvironmentsOf(gate.pipeline)), wanted_verdict, _run_of(engine, gate), _alarms(engine)
    )
    found, known, run = places.value, places.known, ran.value
    place = next((each for each in found.environments if each.name == environment), None) if found else None
    past = (await _asked(engine, HistoryOf(place.address))).value if place is not None else None
    deployments = place.deployments if place is not None else ()
    what = environment_state(deployments)
    canary, stable = what.canary, what.stable
    brought: _Read[Changes] = _Read(None, PartSource(problem="the versions to compare are not known"))
    if place is not None and canary is not None and stable is not None:
        old = Version(place.address, stable.revision, stable.run)
        new = Version(place.address, canary.revision, canary.run)
        brought = await _asked(engine, ChangesBetween(old, new))
    began, came = _there_since(canary), _there_since(stable)
    all_of_them = past.deployments if past is not None else deployments
    here = msgspec.structs.replace(place, deployments=all_of_them) if place is not None else None
    minutes = max(0.0, engine.source_pool.now(gate.source) - began) / 60 if began is not None else None
    counted = await _requests(engine, model, minutes)
    back = ""
    if stable is not None:
        way = next((each.rollback for each in all_of_them if each.id == stable.id), None)
        back = f"{stable.version} comes back" + (f": {way.words}" if way is not None and way.possible else "")
    if place is None and not known.problem:
        known = PartSource(problem=f"no environment {environment or '(which is not known)'} was found")
    return Promotion(
        model=model,
        environment=environment,
        version=canary.version if canary is not None else "",
        replaces=stable.version if stable is not None else "",
        canary=canary,
        share=canary.share if canary is not None else None,
        minutes=minutes,
        before=max(0.0, began - came) / 60 if began is not None and came is not None else None,
        others=await _beside(engine, model, here, canary, began) if here is not None else (),
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
        alarms=tuple(_alarm_words(each) for each in alarms.value or () if each.model == model or each.origin),
        alarms_known=alarms.known,
        judging=await _judging(engine, model, gate),
    )


async def validation(engine: "Engine", model: str, version: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """How ``version``, which is to be the champion, compares with the one that is: facts, and what is doubtful."""
    read = await _asked(engine, CandidateOf(model))
    found = read.value
    if found is None or read.known.problem:
        return (), f"how it compares could not be read: {read.known.problem}"
    if found.candidate is None or found.candidate.version != version or not found.metrics:
        return (("validation", "not compared with the champion"),), ""
    facts = tuple((each.metric, f"{each.outcome}: {each.reason}") for each in found.metrics)
    return facts, "" if found.outcome.good else f"its validation is {found.outcome}"


def _there_since(deployment: Deployment | None) -> float | None:
    return deployment.finished_at or deployment.started_at if deployment is not None else None


async def _requests(engine: "Engine", model: str, minutes: float | None) -> _Read[RequestCounts]:
    """How many requests came since the canary did."""
    if not engine.settings.models[model].requests:
        words = f"[models.{model}] names no metric that counts them (requests)"
        return _Read(None, PartSource(problem=words))
    if minutes is None:
        return _Read(None, PartSource(problem="since when the canary is there is not known"))
    read = await _asked(engine, RequestsOf(model, max(60, round(minutes * 60))))
    if read.value is None:
        return _Read(None, read.known)
    found = {series.track: series.values[-1] for series in read.value.series if series.values}
    canary = found.get("canary")
    problem = "" if canary is not None else "the metric that counts them has no value for the canary"
    return _Read(
        RequestCounts(canary, found.get("baseline")), msgspec.structs.replace(read.known, problem=problem)
    )


async def _beside(
    engine: "Engine", model: str, here: Environment, canary: Deployment | None, began: float | None
) -> tuple[OtherDeployment, ...]:
    """What else was deployed since the canary came: there, and for production elsewhere.

    The model's own pipelines are asked; of others counts what has been read anyway.
    """
    if began is None:
        return ()
    names = [name for name, each in engine.settings.sources.items() if each.runs_pipelines]
    listings = [engine.store.get(PipelinesOf(name)).value for name in names]
    listed = [each.address for listing in listings if listing is not None for each in listing.pipelines]
    pipelines = dict.fromkeys(listed)
    own = [each for each in pipelines if engine.settings.models[model].ships(each)][:MOST_PIPELINES]
    await asyncio.gather(*(_asked(engine, EnvironmentsOf(each)) for each in own))
    found = {here.address: here}
    for pipeline in pipelines:
        for each in (engine.store.get(EnvironmentsOf(pipeline)).value or Environments()).environments:
            if each.tier == "production" or each.name == here.name:
                found.setdefault(each.address, each)
    return tuple(
        OtherDeployment(place.address, each)
        for place in found.values()
        for each in place.deployments
        if each.status not in _NOT_YET
        and (_there_since(each) or 0.0) > began
        and (canary is None or (place.address, each.id) != (here.address, canary.id))
    )


async def _judging(engine: "Engine", model: str, gate: Address) -> tuple[str, ...]:
    """What else of the model waits for a decision, and what was begun on it from this machine and has not ended."""
    settings = engine.settings
    listings = [engine.store.get(PipelinesOf(name)).value for name in settings.sources]
    gates = model_rules.gates_of(settings, model, [each for each in listings if each is not None])
    found = [f"another canary waits at {each.address}" for each in gates if each.address != gate]
    for record in await in_thread(engine.actions.journal.read):
        plan, who = record.plan, record.first.who
        if (
            plan is not None
            and record.outcome is None
            and model_rules.model_of(settings, plan.request.target) == model
        ):
            found.append(f"{who.user}@{who.host} began to {plan.request.kind.verb} {plan.request.target}")
    return tuple(found)


async def _asked(engine: "Engine", query: Query[T]) -> _Read[T]:
    """The answer, read now or a moment ago; with the last good one where that fails."""
    reading = engine.store.get(query)
    if reading.value is not None and (age := reading.age(engine.clock())) is not None and age <= FRESH:
        return _Read(reading.value, PartSource(reading.read_at))
    try:
        answer = await engine.ask(query)
        return _Read(answer, PartSource(engine.clock()))
    except SourceError as error:
        reading = engine.store.get(query)
        return _Read(reading.value, PartSource(reading.read_at, error.message))


async def _run_of(engine: "Engine", gate: Address) -> _Read[Run]:
    if gate.run is None:
        return _Read(None, PartSource(problem=f"{gate} names no run"))
    return await _asked(engine, RunAt(gate.of_run))


async def _alarms(engine: "Engine") -> _Read[tuple[Alarm, ...]]:
    """What fires: as the deck keeps it, or looked at now where nobody does."""
    keeper = engine.alarms
    if not keeper.configured:
        return _Read(None, PartSource(problem="no alarm is configured"))
    reading = engine.store.get(AlarmsNow())
    found, at = reading.value, reading.read_at
    if found is None:
        found, at = await keeper.look_once(), engine.clock()
    firing = tuple(each for each in found.alarms if each.state.active)
    return _Read(firing, PartSource(at, "; ".join(keeper.unread())))


def _alarm_words(alarm: Alarm) -> str:
    """Another system's too, for nobody tells which model it is about; with who keeps it quiet."""
    told = f"{alarm.name}: {alarm.words}"
    return f"{told} ({alarm.silenced})" if alarm.silenced else told


async def _unjudged() -> _Read[Verdict]:
    return _Read(None, PartSource(problem="no metric of it is judged"))
