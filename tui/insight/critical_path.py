"""The critical path of a run: the stages and jobs, one after another, on which its duration hangs."""

from collections.abc import Iterator, Sequence

import msgspec

from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status

SLACK = 2.0
"""Seconds by which a start may seem to lie before the end of what it waited for: servers round, machines differ."""
_NEVER = float("inf")


class Step(msgspec.Struct, frozen=True):
    """A stage or job on the path that nothing below it explains."""

    key: str
    name: str
    started_at: float
    ended_at: float | None
    """None: it goes on."""
    queued_for: float | None = None
    """Seconds it waited for a machine before it began; None where nobody tells."""
    idle: float | None = None
    """Seconds before that in which what it followed had ended and nothing is known to have gone on; None for the
    first."""


class CriticalPath(msgspec.Struct, frozen=True):
    steps: tuple[Step, ...] = ()
    """In the order of time."""
    keys: frozenset[str] = frozenset()
    """Of all on it, those that hold others too: see :func:`stage_key`, :func:`job_key`."""

    @property
    def queued(self) -> float:
        """Seconds of it that are known to have been spent waiting for machines."""
        return sum(step.queued_for or 0.0 for step in self.steps)


def stage_key(above: str, stage: Stage) -> str:
    """What a stage is known by in its run.

    Args:
        above: the key of what holds it, empty at the top.
    """
    return f"{above}/{stage.id}"


def job_key(above: str, job: Job) -> str:
    """The same for a job of the stage whose key is ``above``."""
    return f"{above}/job {job.id}"


def critical_path(run: Run) -> CriticalPath:
    """From the end backwards: what ended last, or goes on, then what that had to wait for and ended last, and so on.

    Of several that go on it is what began first: nobody knows yet which one will end last; where only a gate is left
    it leads there. An older attempt that was retried lies on it, for it took the time. Without times there is no path.
    """
    keys: set[str] = set()
    steps = tuple(_path(run.stages or (), "", keys))
    return CriticalPath(steps, frozenset(keys))


class _Unit(msgspec.Struct, frozen=True, eq=False):
    """What runs in one piece at one level."""

    key: str
    holder: str
    """The key of the stage, of a job."""
    name: str
    stage: int
    """The place of its stage among those of its level."""
    after: frozenset[int]
    """The stages that its own comes after."""
    needs: tuple[str, ...]
    """Names of jobs."""
    start: float
    end: float
    queued_for: float | None = None
    inside: tuple[Stage, ...] = ()

    @property
    def ready(self) -> float:
        """When it could have begun, had there been a machine."""
        return self.start - (self.queued_for or 0.0)


def _path(stages: Sequence[Stage], above: str, keys: set[str]) -> Iterator[Step]:
    """The steps through one level; ``keys`` gets those of all on the way."""
    for unit, before in _chain(list(_units(stages, above))):
        keys.update((unit.key, unit.holder))
        if unit.start == _NEVER:
            continue  # a gate: there is nothing to tell of it but that all waits for it
        inner = list(_path(unit.inside, unit.key, keys))
        if inner:
            yield from inner
            continue
        idle = max(0.0, unit.ready - before.end) if before is not None else None
        ended_at = unit.end if unit.end != _NEVER else None
        yield Step(unit.key, unit.name, unit.start, ended_at, unit.queued_for, idle)


def _chain(units: Sequence[_Unit]) -> list[tuple[_Unit, _Unit | None]]:
    """The units on the path in the order of time, each with the one before it."""
    active = [unit for unit in units if unit.end == _NEVER]
    last = min(active, key=lambda unit: unit.start, default=None)
    if last is None:
        last = max(units, key=lambda unit: (unit.end, unit.start), default=None)
    found: list[tuple[_Unit, _Unit | None]] = []
    while last is not None:
        before = _before(last, units)
        found.append((last, before))
        last = before
    return found[::-1]


def _before(unit: _Unit, units: Sequence[_Unit]) -> _Unit | None:
    """What ended last of that which the unit had to wait for. What begins later than it, or ends later than it could
    begin, held nothing up."""
    earlier = [
        other
        for other in units
        if other is not unit and other.start < unit.start and other.end <= unit.ready + SLACK
    ]
    waited_for = [
        other
        for other in earlier
        if (other.name in unit.needs if unit.needs else other.stage in unit.after)
        or (other.stage, other.name) == (unit.stage, unit.name)
    ]
    return max(waited_for, key=lambda other: (other.end, -other.start), default=None)


def _units(stages: Sequence[Stage], above: str) -> Iterator[_Unit]:
    places = {stage.id: place for place, stage in enumerate(stages)}
    for place, stage in enumerate(stages):
        key = stage_key(above, stage)
        # All before it have ended where it begins; only branches begin together.
        after = frozenset(range(place))
        if stage.kind == "branch":
            after = frozenset(places[id] for id in stage.needs if id in places)
        jobs = [job for job in stage.jobs if job.address.job is not None and _counts(job)]
        if jobs and not stage.children:
            for job in jobs:
                span = (_NEVER, _NEVER) if job.started_at is None else None
                if span := span or _span(job.started_at, job.duration, job.status):
                    inside = job.downstream.stages or () if job.downstream is not None else ()
                    yield _Unit(
                        job_key(key, job),
                        key,
                        job.name,
                        place,
                        after,
                        job.needs,
                        *span,
                        job.queued_for,
                        inside,
                    )
        elif (span := _stage_span(stage)) is not None:
            yield _Unit(key, key, stage.name, place, after, (), *span, inside=stage.children)


def _counts(job: Job) -> bool:
    """It has begun, or is a gate that the run waits for."""
    return job.started_at is not None or (job.gate and not job.optional and job.status is Status.WAITING)


def _stage_span(stage: Stage) -> tuple[float, float] | None:
    """Its own times; else those of what is in it."""
    duration = stage.duration + stage.paused if stage.duration is not None else None
    if (own := _span(stage.started_at, duration, stage.status)) is not None:
        return own
    inner = [span for child in stage.children if (span := _stage_span(child)) is not None]
    return (min(start for start, _ in inner), max(end for _, end in inner)) if inner else None


def _span(start: float | None, duration: float | None, status: Status) -> tuple[float, float] | None:
    if start is None:
        return None
    if duration is not None:
        return start, start + max(0.0, duration)
    return (start, _NEVER) if status.active else None
