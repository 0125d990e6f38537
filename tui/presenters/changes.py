"""What has changed between two looks, one line for each thing: for ``pipedeck watch``."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tui.domain.address import Address
from tui.domain.alarm import Alarms, AlarmState
from tui.domain.pipeline import Gate, Job, Listing, Run, Stage
from tui.domain.status import Status
from tui.domain.verdict import Verdict
from tui.presenters.notices import before_words
from tui.text import format as fmt
from tui.text.safe import clean

_TOLD = frozenset({Status.RUNNING, Status.PASSED, Status.WARNING, Status.FAILED, Status.CANCELED})
"""Of stages. That one waits is told by its gate."""
_VERBS: Mapping[Status, str] = {Status.RUNNING: "began", Status.WAITING: "waits"}


class Change(msgspec.Struct, frozen=True):
    """One thing that has become another."""

    kind: str
    """``run``, ``stage``, ``job``, ``gate``, ``alarm``, ``verdict``."""
    subject: str
    """An address, the name of an alarm and what it is about, a model."""
    state: str
    """What it is now, in the word that documents have."""
    words: str

    @property
    def line(self) -> str:
        return clean(f"{self.subject} {self.words}")


def run_state(run: Run) -> Change:
    """How a run stands, as if that were news."""
    took = f" after {fmt.duration(run.duration)}" if run.duration is not None else ""
    verb = _VERBS.get(run.status, run.status.value)
    about = ", ".join(filter(None, (run.ref, run.cause))) if run.status is Status.RUNNING else ""
    why = run.waiting_reason if run.status is Status.QUEUED else run.problem
    notes = f": {why}" if why else f" ({about})" if about else ""
    return Change("run", str(run.address), run.status.value, f"{verb}{took}{notes}")


def run_changes(before: Run | None, after: Run) -> Iterator[Change]:
    """Of one run: its stages and jobs where both looks have them, what waits in it, then itself."""
    if before is not None and before.stages is not None and after.stages is not None:
        yield from _stage_changes(before, after)
    known = {gate.address for gate in before.gates} if before is not None else set()
    yield from (_gate(gate) for gate in after.gates if gate.blocking and gate.address not in known)
    if before is None or before.status is not after.status:
        yield run_state(after)


def _stage_changes(before: Run, after: Run) -> Iterator[Change]:
    known = {key: part.status for key, _, part in _parts(before, before.stages or ())}
    for key, run, part in _parts(after, after.stages or ()):
        was, now = known.get(key), part.status
        if now is was or now not in (_TOLD if isinstance(part, Stage) else {Status.FAILED}):
            continue
        if was is None and now not in (Status.RUNNING, Status.FAILED):
            continue  # it came and went between two looks: only what is bad of it is news
        took = f" after {fmt.duration(part.duration)}" if part.duration is not None else ""
        verb, kind = _VERBS.get(now, now.value), "stage" if isinstance(part, Stage) else "job"
        note = f": {_reason(part)}" if now is Status.FAILED and _reason(part) else ""
        yield Change(kind, str(_address(run, part)), now.value, f"{kind} {part.name} {verb}{took}{note}")


def _parts(run: Run, stages: Iterable[Stage], path: str = "") -> Iterator[tuple[str, Run, Stage | Job]]:
    """The stages and jobs of a run and of those it started: by what they are known again, the run they are in."""
    for stage in stages:
        key = f"{path}/{stage.id}"
        yield key, run, stage
        for job in stage.jobs:
            if (len(stage.jobs), job.name) != (1, stage.name):
                yield f"{key}/{job.id}", run, job
            if job.downstream is not None:
                yield from _parts(job.downstream, job.downstream.stages or (), f"{key}/{job.id}")
        yield from _parts(run, stage.children, key)


def _reason(part: Stage | Job) -> str:
    jobs = part.jobs if isinstance(part, Stage) else (part,)
    return "; ".join(job.reason for job in jobs if job.status is Status.FAILED and job.reason)


def _address(run: Run, part: Stage | Job) -> Address:
    if isinstance(part, Job):
        return part.address
    return run.address if part.jobs else run.address.at_job(f"{part.name}~{part.id}")


def _gate(gate: Gate) -> Change:
    return Change("gate", str(gate.address), Status.WAITING.value, f"waits for a person: {gate.message}")


def listing_changes(before: Listing, after: Listing) -> Iterator[Change]:
    """Of all watched runs, those that are new among them; a pipeline that is new in the list has no news yet."""
    known = {run.address: run for pipeline in before.pipelines for run in pipeline.runs}
    rows = {pipeline.key for pipeline in before.pipelines}
    for pipeline in after.pipelines:
        if pipeline.key in rows:
            for run in reversed(pipeline.runs):
                yield from run_changes(known.get(run.address), run)


def alarm_changes(before: Alarms, after: Alarms) -> Iterator[Change]:
    """Alarms that begin to fire, are acknowledged or resolved."""
    known = {alarm.key: alarm.state for alarm in before.alarms}
    for alarm in after.alarms:
        if alarm.state is AlarmState.PENDING or alarm.state is known.get(alarm.key) or alarm.silenced:
            continue
        notes = "; ".join(filter(None, (alarm.words, before_words(alarm))))
        words = f"{alarm.state.value}: {notes}"
        yield Change("alarm", f"alarm {alarm.key}", alarm.state.value, words)


def verdict_changes(before: Verdict | None, after: Verdict) -> Iterator[Change]:
    """The verdict on a model that turned."""
    if before is None or before.counts is not after.counts:
        counts = after.counts.value
        yield Change("verdict", f"verdict {after.model}", counts, f"{counts}: {after.why}")
