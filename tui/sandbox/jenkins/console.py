"""Logs of builds as Jenkins writes them: its own marker lines, each with a console note, around what the steps write.

A log is a file of lines that end in LF. How it is sent depends on the version of the core (contracts: jenkins §9).
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tui.sandbox.jenkins.stages import Node, declarative, nodes
from tui.sandbox.logs import writes
from tui.sandbox.plan import Progress, State, TaskState
from tui.sandbox.world import Run

NOTE = re.compile(rb"\x1b\[8mha:[A-Za-z0-9+/=]*\x1b\[0m")


class _Entry(NamedTuple):
    """Some bytes of a log, in the order of time; what happens at one time is ordered by ``phase``."""

    at: float
    phase: int
    number: float
    data: bytes


class _Told(NamedTuple):
    """What is told, and of which moment."""

    run: Run
    states: dict[int, TaskState]
    """The tasks by the ids of their stages."""
    now: float
    windows: bool

    @property
    def declarative(self) -> bool:
        return declarative(self.run)


def step_id(node: Node) -> int:
    """The flow node of the one step in a stage."""
    return node.id + 1


def step_of_task(index: int) -> int:
    """That of the stage that a task is."""
    return 6 + 9 * index + 1


def console(run: Run, seen: Progress, now: float, *, since: float = 0.0, windows: bool = False) -> bytes:
    """The log of a build, notes included.

    Args:
        since: when it was written anew.
        windows: what steps write ends its lines in CRLF.
    """
    entries = sorted(_entries(run, seen, now, windows), key=lambda entry: entry[:3])
    heading = b"Resuming build after the controller was restarted\n" if since else b""
    return heading + b"".join(entry.data for entry in entries if entry.at >= since)


def step_log(
    run: Run, seen: Progress, now: float, node: int, *, windows: bool = False
) -> tuple[bytes, bool] | None:
    """The log of a step and whether it will grow; None where there is no such step."""
    for state, leaf in _leaves(run, seen, now):
        if step_id(leaf) == node:
            context = _Told(run, {}, now, windows)
            return b"".join(data for _, data in _written(context, state)), leaf.ended_at is None
    return None


def stage_log(run: Run, seen: Progress, now: float, node: int, *, windows: bool = False) -> bytes:
    """What the step of a stage wrote, notes taken out; nothing where there is none."""
    found = step_log(run, seen, now, node + 1, windows=windows)
    return NOTE.sub(b"", found[0]) if found else b""


def leaves(run: Run, seen: Progress, now: float) -> Iterator[Node]:
    """The stages that have a step, as far as they have begun."""
    return (leaf for _, leaf in _leaves(run, seen, now))


def _leaves(run: Run, seen: Progress, now: float) -> Iterator[tuple[TaskState, Node]]:
    by_id = {6 + 9 * index: state for index, state in enumerate(seen.tasks)}
    for top in nodes(run, seen, now):
        for node in top.walk():
            if not node.children and node.state is not State.SKIPPED:
                yield by_id[node.id], node


def _entries(run: Run, seen: Progress, now: float, windows: bool) -> Iterator[_Entry]:
    context = _Told(run, {6 + 9 * index: state for index, state in enumerate(seen.tasks)}, now, windows)
    freestyle = run.pipeline.plain
    begin = run.begins_at
    if begin > now:
        return
    who = _note(f"user {run.who}") + run.who.encode()
    opening = b"Started by user " + who + b"\n" if run.cause == "user" else b"Started by an SCM change\n"
    place = run.pipeline.path.split("/")[-1].encode()
    if freestyle:
        opening += (
            b"Running as SYSTEM\nBuilding on the built-in node in workspace /var/lib/jenkins/" + place + b"\n"
        )
    else:
        opening += _marker("Start of Pipeline") + _marker("node")
        opening += b"Running on linux-1 in /var/lib/jenkins/" + place + b"\n" + _marker("{")
    yield _Entry(begin, 1, 0, opening)
    if freestyle:
        for state in seen.tasks:
            for at, data in _written(context, state):
                yield _Entry(at, 2, 0, data)
    else:
        yield from _level(nodes(run, seen, now, everything=True), 0, context)
    if seen.ended_at is not None:
        closing = b"" if freestyle else _marker("}") + _marker("// node") + _marker("End of Pipeline")
        if seen.state is State.FAILED and not freestyle:
            closing += b"ERROR: script returned exit code 1\n"
        yield _Entry(seen.ended_at, 9, 0, closing + b"Finished: %b\n" % _RESULTS[seen.state])


_RESULTS = {
    State.PASSED: b"SUCCESS",
    State.WARNING: b"UNSTABLE",
    State.FAILED: b"FAILURE",
    State.CANCELED: b"ABORTED",
    State.SKIPPED: b"NOT_BUILT",
}


def _level(level: Sequence[Node], inside: int, context: "_Told") -> Iterator[_Entry]:
    """The entries of stages or branches in the block with the id ``inside``; 0: in none.

    Blocks close before others open at the same time, inner ones before outer ones.
    """
    parallel = bool(level) and level[0].kind == "PARALLEL"
    if parallel:
        first = min(node.begun_at for node in level)
        yield _Entry(first, 4, inside + 0.5, _marker("parallel"))
        if all(node.ended_at is not None for node in level):
            last = max(node.ended_at or 0.0 for node in level)
            yield _Entry(last, _closing(first, last), -(inside + 0.5), _marker("// parallel"))
    for node in level:
        opening = (
            _marker(f"{{ (Branch: {node.name})")
            if parallel
            else _marker("stage") + _marker(f"{{ ({node.name})")
        )
        closing = _marker("}") if parallel else _marker("}") + _marker("// stage")
        state = context.states.get(node.id)
        if state is not None and state.state is State.SKIPPED:
            if context.declarative:
                words = f"Stage “{node.name}” skipped due to earlier failure(s)\n".encode()
                yield _Entry(node.begun_at, 4, node.id, opening + words + closing)
            continue
        yield _Entry(node.begun_at, 4, node.id, opening)
        if state is None:
            yield from _level(node.children, node.id, context)
        else:
            yield from _step(node, state, context)
        if node.ended_at is not None:
            yield _Entry(node.ended_at, _closing(node.begun_at, node.ended_at), -node.id, closing)


def _closing(begun_at: float, ended_at: float) -> int:
    """The phase in which a block closes: after it has opened, also where that is the same moment."""
    return 3 if ended_at > begun_at else 5


def _step(node: Node, state: TaskState, context: "_Told") -> Iterator[_Entry]:
    number = node.id + 0.75
    step = "input" if state.task.gate else "sh"
    yield _Entry(node.begun_at, 4, number, _marker(step))
    if state.task.gate:
        asked = (
            _note(state.task.gate) + b"Input requested\n" + state.task.gate.encode() + b"\nProceed or Abort\n"
        )
        yield _Entry(node.begun_at, 4, number, asked)
        if state.last.started_at is not None:
            yield _Entry(state.last.started_at, 2, number, b"Approved\n")
    for at, data in _written(context, state):
        yield _Entry(at, 2, number, data)


def _written(context: _Told, state: TaskState) -> Iterator[tuple[float, bytes]]:
    """What the attempts at a task wrote, each line with its time where the pipeline says so (``timestamps()``)."""
    timed, fresh = context.declarative, True
    for attempt in range(len(state.attempts)):
        for write in writes(context.run, state, attempt, context.now):
            data = write.data
            if timed:
                data, fresh = _stamped(write.at, data, fresh)
            yield write.at, data.replace(b"\n", b"\r\n") if context.windows else data


def _stamped(at: float, data: bytes, fresh: bool) -> tuple[bytes, bool]:
    stamp = datetime.fromtimestamp(at, UTC).strftime("[%Y-%m-%dT%H:%M:%S.").encode() + b"%03dZ] " % (
        at * 1000 % 1000
    )
    ended = data.endswith(b"\n")
    body = (data[:-1] if ended else data).replace(b"\n", b"\n" + stamp)
    return (stamp if fresh else b"") + body + (b"\n" if ended else b""), ended


def _marker(text: str) -> bytes:
    return _note(text) + b"[Pipeline] " + text.encode() + b"\n"


def _note(text: str) -> bytes:
    """A console note: a signed serialised object, hundreds of bytes long (contracts: jenkins §9.5)."""
    filling = hashlib.sha512(text.encode()).digest() * 3
    return b"\x1b[8mha:////4" + base64.b64encode(filling) + b"\x1b[0m"
