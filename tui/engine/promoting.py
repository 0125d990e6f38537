"""Reading what must be on screen before a promotion: every part asked for now, what fails marked."""

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from tui.domain.address import Address
from tui.domain.alarm import Alarm
from tui.domain.deployment import Changes, Version
from tui.domain.pipeline import Run
from tui.domain.verdict import Verdict
from tui.engine.questions import (
    AlarmsNow,
    CandidateOf,
    ChangesBetween,
    EnvironmentsOf,
    HistoryOf,
    Question,
    RunAt,
    VerdictOf,
)
from tui.engine.verdicts import judged_metrics
from tui.insight.promotion import Known, Promotion
from tui.insight.standing import standing
from tui.sources.base import SourceError

if TYPE_CHECKING:
    from tui.engine.engine import Engine

T = TypeVar("T")

FRESH = 5.0
"""Seconds for which a reading in the store is as good as a new one."""


class _Read(msgspec.Struct, Generic[T], frozen=True):
    value: T | None
    known: Known


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
    what = standing(deployments)
    canary, stable = what.canary, what.stable
    brought: _Read[Changes] = _Read(None, Known(problem="the versions to compare are not known"))
    if place is not None and canary is not None and stable is not None:
        old = Version(place.address, stable.revision, stable.run)
        new = Version(place.address, canary.revision, canary.run)
        brought = await _asked(engine, ChangesBetween(old, new))
    began = canary.finished_at or canary.started_at if canary is not None else None
    all_of_them = past.deployments if past is not None else deployments
    back = ""
    if stable is not None:
        way = next((each.rollback for each in all_of_them if each.id == stable.id), None)
        back = f"{stable.version} comes back" + (f": {way.words}" if way is not None and way.possible else "")
    if place is None and not known.problem:
        known = Known(problem=f"no environment {environment or '(which is not known)'} was found")
    return Promotion(
        model=model,
        environment=environment,
        version=canary.version if canary is not None else "",
        replaces=stable.version if stable is not None else "",
        canary=canary,
        share=canary.share if canary is not None else None,
        minutes=max(0.0, engine.servers.now(gate.source) - began) / 60 if began is not None else None,
        others=tuple(
            each
            for each in all_of_them
            if began is not None
            and (each.finished_at or each.started_at or 0.0) > began
            and canary is not None
            and each.id != canary.id
        ),
        back=back,
        environments=known,
        verdict=judged.value,
        verdict_known=judged.known,
        changes=brought.value,
        changes_known=brought.known,
        tests=run.tests if run is not None else None,
        tests_known=ran.known,
        alarms=tuple(_alarm_words(each) for each in alarms.value or () if each.model == model or each.origin),
        alarms_known=alarms.known,
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


async def _asked(engine: "Engine", question: Question[T]) -> _Read[T]:
    """The answer, read now or a moment ago; with the last good one where that fails."""
    reading = engine.store.get(question)
    if reading.value is not None and (age := reading.age(engine.clock())) is not None and age <= FRESH:
        return _Read(reading.value, Known(reading.read_at))
    try:
        answer = await engine.ask(question)
        return _Read(answer, Known(engine.clock()))
    except SourceError as error:
        reading = engine.store.get(question)
        return _Read(reading.value, Known(reading.read_at, error.message))


async def _run_of(engine: "Engine", gate: Address) -> _Read[Run]:
    if gate.run is None:
        return _Read(None, Known(problem=f"{gate} names no run"))
    return await _asked(engine, RunAt(gate.of_run))


async def _alarms(engine: "Engine") -> _Read[tuple[Alarm, ...]]:
    """What fires: as the deck keeps it, or looked at now where nobody does."""
    keeper = engine.alarms
    if not keeper.configured:
        return _Read(None, Known(problem="no alarm is configured"))
    reading = engine.store.get(AlarmsNow())
    found, at = reading.value, reading.read_at
    if found is None:
        found, at = await keeper.look_once(), engine.clock()
    firing = tuple(each for each in found.alarms if each.state.active)
    return _Read(firing, Known(at, "; ".join(keeper.unread())))


def _alarm_words(alarm: Alarm) -> str:
    """Another system's too, for nobody tells which model it is about; with who keeps it quiet."""
    told = f"{alarm.name}: {alarm.words}"
    return f"{told} ({alarm.silenced})" if alarm.silenced else told


async def _unjudged() -> _Read[Verdict]:
    return _Read(None, Known(problem="no metric of it is judged"))
