"""What a run will do, decided when it begins, and what of it has happened at a given time.

A plan is a tuple of tasks, each after the tasks it needs. Its state is a pure function of the plan, the time it
began, what people did to it (events) and the time asked for: nothing ticks. Only a gate has no end of its own; what
comes after it is placed relative to the answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import Any, Literal

import msgspec


class State(StrEnum):
    """What a task or a run is doing or how it ended, in the sandbox's own words."""

    CREATED = "created"
    """Its turn has not come."""
    QUEUED = "queued"
    """Its turn has come; it waits for a machine."""
    WAITING = "waiting"
    """It waits for a person."""
    RUNNING = "running"
    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"

    @property
    def finished(self) -> bool:
        return self not in (State.CREATED, State.QUEUED, State.WAITING, State.RUNNING)


class RunField(msgspec.Struct, frozen=True):
    """Something that a gate asks for (a parameter of a Jenkins input)."""

    name: str
    kind: Literal["String", "Text", "Boolean", "Choice", "Password"] = "String"
    default: Any = ""
    choices: tuple[str, ...] = ()
    help: str = ""


class Form(msgspec.Struct, frozen=True):
    """What a gate asks for, and whom (Jenkins)."""

    fields: tuple[RunField, ...] = ()
    submitter: str = ""
    """Users and groups, joined by commas; empty: whoever may build."""
    submitter_parameter: str = ""
    button: str = "Proceed"
    """What is written on the button that lets it go on."""


class Task(msgspec.Struct, frozen=True):
    """The smallest thing a run does: a GitLab job, a Jenkins stage or branch without stages of its own."""

    name: str
    seconds: float = 0.0
    """How long it works."""
    path: tuple[str, ...] = ()
    """What it is in, outermost first: its GitLab stage, its enclosing Jenkins stages and branches."""
    needs: tuple[str, ...] = ()
    """Ids of the tasks that must end before it, whether by the author's ``needs`` or by the order of stages."""
    dag: bool = False
    """Its needs were written by the author (GitLab ``needs:``), not implied by the order of stages."""
    outcomes: tuple[State, ...] = (State.PASSED,)
    """How its attempts end: the first is retried at once by the next one, and so on; the last one counts."""
    wait: float = 0.0
    """Seconds it waits for a machine; ``inf`` if none will ever come."""
    label: str = ""
    """The kind of machine it wants: Jenkins node label, GitLab runner tag."""
    gate: str = ""
    """What it asks a person before it works; empty for a task that asks nobody."""
    form: Form = Form()
    """What its gate asks for beside a yes."""
    answer_after: float | None = None
    """Seconds after which a simulated colleague approves its gate; None: it holds until somebody does."""
    optional: bool = False
    """Its failure does not fail the run; a gate of this kind does not hold it."""
    always: bool = False
    """It runs also after a failure (Jenkins ``post``)."""
    environment: str = ""
    """Where it deploys to."""
    approvals: int = 0
    """How many people have to approve its deployment before its gate can be answered (GitLab)."""
    reported: bool = False
    """Its deployment was made by another tool, which only told GitLab of it."""
    metrics: bool = False
    """It leaves numbers about the model among its artifacts, in ``metrics.json``."""
    tests: int = 0
    """How many tests it reports when it has ended."""
    lines: float = 2.0
    """Lines that it writes a second, about."""
    child: "tuple[Task, ...]" = ()
    """The plan of the child pipeline it starts and waits for (a GitLab bridge)."""
    stage: str = ""
    """The type of its stage (Spinnaker), where that does not follow from the rest."""
    starts: str = ""
    """The Jenkins job whose newest run its stage stands for (Spinnaker)."""
    fails: float = 0.0
    """Chance of failing, used when the plan of a run is drawn; 0 in the plan of a run."""

    @property
    def id(self) -> str:
        """Its path and name joined by slashes: unique in its plan."""
        return "/".join((*self.path, self.name))


class Group(msgspec.Struct, frozen=True):
    """Tasks and groups under one name, side by side (``parallel``) or one after another."""

    name: str
    parts: "tuple[Task | Group, ...]"
    parallel: bool = False


def plan(*parts: Task | Group) -> tuple[Task, ...]:
    """The parts, one after another, as a flat plan with paths and needs filled in.

    Needs that a task already has (``dag``) stay; optional gates do not hold what follows them.
    """
    tasks, _ = _flatten(parts, (), (), parallel=False)
    return tasks


def _flatten(
    parts: Sequence[Task | Group], path: tuple[str, ...], after: tuple[str, ...], *, parallel: bool
) -> tuple[tuple[Task, ...], tuple[str, ...]]:
    """The tasks of ``parts`` and the ids of those that what follows has to wait for."""
    tasks: list[Task] = []
    ends: list[str] = []
    for part in parts:
        if isinstance(part, Group):
            inner, last = _flatten(part.parts, (*path, part.name), after, parallel=part.parallel)
            tasks += inner
        else:
            task = msgspec.structs.replace(part, path=path, needs=part.needs if part.dag else after)
            tasks.append(task)
            last = () if task.gate and task.optional else (task.id,)
        if parallel:
            ends += last
        else:
            after = last or after
    return tuple(tasks), (tuple(ends) or after) if parallel else after


class Event(msgspec.Struct, frozen=True):
    """What somebody did to a run."""

    at: float
    kind: Literal["approve", "reject", "cancel", "retry", "reset"]
    """``reset``: done once more like a retry, but it asks again first."""
    task: str = ""
    """Id of the task; that of a child's task follows its bridge's after `` > ``. Empty: the whole run (cancel)."""
    who: str = ""


class Attempt(msgspec.Struct, frozen=True):
    """One execution of a task, as far as it has come. Times lie in the past or are None."""

    state: State
    ready_at: float | None = None
    """When its turn came (needs ended, or retried)."""
    started_at: float | None = None
    """When it began to work; for a gate, when it was answered."""
    ended_at: float | None = None


class TaskState(msgspec.Struct, frozen=True):
    task: Task
    attempts: tuple[Attempt, ...]
    """Oldest first, at least one."""
    child: "Progress | None" = None
    """How far the child pipeline is; None before the bridge has started it."""

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]

    @property
    def state(self) -> State:
        return self.last.state


class Progress(msgspec.Struct, frozen=True):
    """A run at one time."""

    state: State
    started_at: float | None
    """When its first task began to work."""
    ended_at: float | None
    tasks: tuple[TaskState, ...]

    def of(self, task: str) -> TaskState:
        """The state of the task with that id.

        Raises:
            KeyError: there is none.
        """
        for state in self.tasks:
            if state.task.id == task:
                return state
        raise KeyError(task)

    @property
    def tests(self) -> tuple[int, int, int]:
        """How many tests have been reported, how many of them failed, how many were skipped."""
        total = failed = skipped = 0
        for state in self.tasks:
            if state.last.ended_at is not None and state.last.started_at is not None:
                total += state.task.tests
                skipped += state.task.tests // 40
                if state.state in (State.FAILED, State.WARNING):
                    failed += state.task.tests // 30
        return total, failed, skipped

    @property
    def waiting(self) -> tuple[TaskState, ...]:
        """The gates that wait for a person now."""
        return tuple(state for state in self.tasks if state.state is State.WAITING)


def progress(tasks: Sequence[Task], begin: float, events: Sequence[Event], now: float) -> Progress:
    """How far a run of ``tasks`` that began at ``begin`` is at ``now``."""
    return _clip(_timeline(tasks, begin, [event for event in events if event.at <= now]), now)


# The whole course of a run if nobody does anything more: times may lie in the future, or be infinite.


class _Span(msgspec.Struct, frozen=True):
    ready: float
    start: float
    end: float
    state: State


class _Line(msgspec.Struct, frozen=True):
    task: Task
    spans: tuple[_Span, ...]
    child: "Mapping[str, _Line] | None" = None


def _timeline(tasks: Sequence[Task], begin: float, events: Sequence[Event]) -> dict[str, _Line]:
    lines: dict[str, _Line] = {}
    for task in tasks:
        needs = [lines[need] for need in task.needs]
        ready = max((need.spans[-1].end for need in needs), default=begin)
        skipped = not task.always and any(_blocks(need) for need in needs)
        lines[task.id] = _line(task, ready, events, skipped=skipped)
    return lines


def _blocks(line: _Line) -> bool:
    """What needs it will be skipped."""
    state = line.spans[-1].state
    return state in (State.CANCELED, State.SKIPPED) or (state is State.FAILED and not line.task.optional)


def _line(task: Task, ready: float, events: Sequence[Event], *, skipped: bool) -> _Line:
    cancels = [event.at for event in events if event.kind == "cancel" and event.task in ("", task.id)]
    turn = ready
    if skipped:
        return _Line(task, (_cut(_Span(ready, inf, ready, State.SKIPPED), cancels, first=True),))
    spans: list[_Span] = []
    child: Mapping[str, _Line] | None = None
    for outcome in task.outcomes:
        first = not spans
        span = _asked(task, ready, events) if first and task.gate else None
        if span is None or span.state is State.PASSED:
            start = span.start if span else ready + (task.wait if first else 0.0)
            span = _Span(ready, start, start + task.seconds, outcome)
            if task.child and _cut(span, cancels, first=first).start < inf:
                child = _timeline(task.child, start, list(_of_child(task, events)))
                end = _end(child)
                state = _clip(child, end).state if end < inf else outcome
                span = _Span(ready, start, end, state)
        span = _cut(span, cancels, first=first)
        spans.append(span)
        ready = span.end
        if span.state is State.CANCELED or span.end == inf:
            break
    for event in events:
        if event.kind in ("retry", "reset") and event.task == task.id and event.at >= spans[-1].end:
            begin = max(event.at, turn)
            again = _Span(begin, begin, begin + task.seconds, State.PASSED)
            if event.kind == "reset":
                again = _asked(msgspec.structs.replace(task, answer_after=None), begin, events)
                if again.state is State.PASSED:
                    again = _Span(begin, again.start, again.start + task.seconds, State.PASSED)
            spans.append(_cut(again, cancels, first=False))
    return _Line(task, tuple(spans), child)


def _of_child(bridge: Task, events: Sequence[Event]) -> Iterator[Event]:
    """The events of a bridge's child pipeline, in the child's own terms. Cancelling a run cancels its children."""
    prefix = f"{bridge.id} > "
    for event in events:
        if event.task.startswith(prefix):
            yield msgspec.structs.replace(event, task=event.task.removeprefix(prefix))
        elif event.kind == "cancel" and event.task in ("", bridge.id):
            yield msgspec.structs.replace(event, task="")


def _asked(task: Task, ready: float, events: Sequence[Event]) -> _Span:
    """A gate up to its answer; PASSED means that the work may begin at ``start``."""
    answers = [
        event
        for event in events
        if event.kind in ("approve", "reject") and event.task == task.id and event.at >= ready
    ]
    colleague = ready + task.answer_after if task.answer_after is not None else inf
    if answers and answers[0].at <= colleague:
        at = answers[0].at
        if answers[0].kind == "reject":
            return _Span(ready, at, at, State.CANCELED)
        return _Span(ready, at, at, State.PASSED)
    if colleague < inf:
        return _Span(ready, colleague, colleague, State.PASSED)
    return _Span(ready, inf, inf, State.WAITING)


def _cut(span: _Span, cancels: Sequence[float], *, first: bool) -> _Span:
    """``span`` ended by the first cancel that meets it. Cancelling a run also ends what has not had its turn."""
    for at in cancels:
        if at < span.end and (first or at >= span.ready):
            return _Span(min(span.ready, at), span.start if span.start <= at else inf, at, State.CANCELED)
    return span


def _detached(lines: Mapping[str, _Line]) -> set[str]:
    """Ids of unanswered optional gates and of what needs them: the run does not wait for these.

    Of none, if that is all there is.
    """
    detached: set[str] = set()
    for key, line in lines.items():
        open_gate = bool(line.task.gate) and line.task.optional and line.spans[-1].state is State.WAITING
        if open_gate or any(need in detached for need in line.task.needs):
            detached.add(key)
    return detached if len(detached) < len(lines) else set()


def _end(lines: Mapping[str, _Line]) -> float:
    detached = _detached(lines)
    return max((line.spans[-1].end for key, line in lines.items() if key not in detached), default=0.0)


def _clip(lines: Mapping[str, _Line], now: float) -> Progress:
    tasks = tuple(_seen(line, now) for line in lines.values())
    detached = _detached(lines)
    counted = [state for state in tasks if state.task.id not in detached]
    state = _sum(counted)
    starts = [a.started_at for s in tasks for a in s.attempts if a.started_at is not None]
    ends = [a.ended_at for s in tasks for a in s.attempts if a.ended_at is not None]
    return Progress(
        state=state,
        started_at=min(starts, default=None),
        ended_at=max(ends, default=None) if state.finished else None,
        tasks=tasks,
    )


def _seen(line: _Line, now: float) -> TaskState:
    attempts = [_attempt(line.task, span, now) for span in line.spans if span.ready <= now]
    child = None
    if line.child is not None and attempts and attempts[0].started_at is not None:
        child = _clip(line.child, now)
    return TaskState(line.task, tuple(attempts) or (Attempt(State.CREATED),), child)


def _attempt(task: Task, span: _Span, now: float) -> Attempt:
    started = span.start if span.start <= now else None
    if span.end <= now:
        return Attempt(span.state, span.ready, started, span.end)
    if started is not None:
        return Attempt(State.RUNNING, span.ready, started)
    return Attempt(State.WAITING if task.gate else State.QUEUED, span.ready)


def _sum(tasks: Sequence[TaskState]) -> State:
    """What the states of its tasks make of a run."""
    states = [task.state for task in tasks]
    if all(state.finished for state in states):
        if any(t.state is State.FAILED and not t.task.optional for t in tasks):
            return State.FAILED
        if State.CANCELED in states:
            return State.CANCELED
        if State.WARNING in states or State.FAILED in states:
            return State.WARNING
        return State.PASSED
    if State.RUNNING in states:
        return State.RUNNING
    if State.WAITING in states and State.QUEUED not in states:
        return State.WAITING
    if any(task.last.started_at is not None for task in tasks):
        return State.RUNNING
    return State.QUEUED
