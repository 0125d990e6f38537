"""The stages of a run in the three shapes Jenkins tells them in: pipeline-graph-view, wfapi and the flow graph."""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any, Literal

import msgspec

from tui.sandbox.jenkins.export import Bean
from tui.sandbox.plan import Progress, State, TaskState
from tui.sandbox.world import Run

_DECLARATIVE = "Declarative: "


class Node(msgspec.Struct, frozen=True):
    """A stage or parallel branch, as far as the run has come."""

    id: int
    name: str
    kind: Literal["STAGE", "PARALLEL"]
    state: State
    begun_at: float
    ended_at: float | None
    paused: float
    """Seconds it has waited for a person."""
    blocked: str = ""
    """The label of the machine it waits for."""
    children: "tuple[Node, ...]" = ()

    @property
    def synthetic(self) -> bool:
        return self.name.startswith(_DECLARATIVE)

    def walk(self) -> "Iterator[Node]":
        """It and everything below, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


def nodes(run: Run, seen: Progress, now: float, *, everything: bool = False) -> tuple[Node, ...]:
    """The stages of ``run`` that have begun, or were skipped, by now.

    Only Declarative pipelines tell of stages that they skipped, unless ``everything`` is wanted.
    """
    skips = everything or declarative(run)
    return _nodes(seen.tasks, 0, {task.id: 6 + 9 * i for i, task in enumerate(run.tasks)}, skips, now)


def declarative(run: Run) -> bool:
    return any(task.name.startswith(_DECLARATIVE) for task in run.tasks)


def _nodes(
    states: Sequence[TaskState], level: int, ids: dict[str, int], skips: bool, now: float
) -> tuple[Node, ...]:
    groups: dict[str, list[TaskState]] = {}
    for state in states:
        path = (*state.task.path, state.task.name)
        groups.setdefault(path[level], []).append(state)
    kind: Literal["STAGE", "PARALLEL"] = "PARALLEL" if _side_by_side(groups) else "STAGE"
    made = []
    for name, members in groups.items():
        first = members[0]
        if len(first.task.path) == level:
            made.append(_leaf(first, ids[first.task.id], kind, skips, now))
        elif below := _nodes(members, level + 1, ids, skips, now):
            # Ids grow in document order: a group's is a little smaller than that of its first task.
            made.append(_group(name, ids[first.task.id] - 4 + level, kind, members, below))
    return tuple(node for node in made if node is not None)


def _side_by_side(groups: dict[str, list[TaskState]]) -> bool:
    """No group needs a task of another one."""
    members = {name: {state.task.id for state in states} for name, states in groups.items()}
    return len(groups) > 1 and not any(
        need in others
        for name, states in groups.items()
        for other, others in members.items()
        if other != name
        for state in states
        for need in state.task.needs
    )


def _leaf(
    state: TaskState, node_id: int, kind: Literal["STAGE", "PARALLEL"], skips: bool, now: float
) -> Node | None:
    last, task = state.last, state.task
    if last.ready_at is None:
        return None
    shown = last.state
    if shown is State.CANCELED and last.started_at is None and not task.gate:
        shown = State.SKIPPED
    if shown is State.SKIPPED and not skips:
        return None
    paused = (last.started_at or last.ended_at or now) - last.ready_at if task.gate else 0.0
    return Node(
        id=node_id,
        name=task.name,
        kind=kind,
        state=shown,
        begun_at=last.ready_at,
        ended_at=last.ended_at,
        paused=paused,
        blocked=task.label if shown is State.QUEUED else "",
    )


def _group(
    name: str,
    node_id: int,
    kind: Literal["STAGE", "PARALLEL"],
    members: Sequence[TaskState],
    below: tuple[Node, ...],
) -> Node:
    states = [node.state for node in below]
    done = all(state.state.finished for state in members)
    if done:
        ranking = (State.FAILED, State.CANCELED, State.WARNING, State.PASSED, State.SKIPPED)
        state = next(rank for rank in ranking if rank in states)
    elif State.WAITING in states and not {State.RUNNING, State.QUEUED}.intersection(states):
        state = State.WAITING
    else:
        state = State.RUNNING
    return Node(
        id=node_id,
        name=name,
        kind=kind,
        state=state,
        begun_at=min(node.begun_at for node in below),
        ended_at=max(node.ended_at or 0.0 for node in below) if done else None,
        paused=0.0,
        children=below,
    )


def ms(seconds: float) -> int:
    return round(seconds * 1000)


# pipeline-graph-view (contracts: jenkins §6.1)

_GRAPH_STATES = {
    State.QUEUED: "queued",
    State.WAITING: "paused",
    State.RUNNING: "running",
    State.PASSED: "success",
    State.WARNING: "unstable",
    State.FAILED: "failure",
    State.CANCELED: "aborted",
    State.SKIPPED: "skipped",
}


def graph_view(
    run: Run, seen: Progress, now: float, *, job_url: str, place: str, locks: Set[str] = frozenset()
) -> dict[str, Any]:
    """The answer of ``<run>/<place>/tree``. ``job_url`` is the job's path without the context path."""

    def stage(node: Node) -> dict[str, Any]:
        shown = node.name.removeprefix(_DECLARATIVE)
        # The version behind pipeline-overview says running for a stage that waits for a machine.
        # Nor does any tell of waiting for a lock.
        queued = (place == "stages" and node.blocked not in locks) or node.state is not State.QUEUED
        answer: dict[str, Any] = {
            "id": str(node.id),
            "name": shown,
            "state": _GRAPH_STATES[node.state] if queued else "running",
            "type": node.kind,
            "title": shown,
            "pauseDurationMillis": ms(node.paused),
            "startTimeMillis": ms(node.begun_at),
        }
        if node.ended_at is not None:
            answer["totalDurationMillis"] = ms(node.ended_at - node.begun_at)
        answer |= {
            "children": [stage(child) for child in node.children],
            "isSequential": False,
            "synthetic": node.synthetic,
            "placeholder": False,
            "agent": "built-in",
            "url": f"{job_url}{run.number}/{place}?selected-node={node.id}",
        }
        if node.blocked and queued:
            answer["causeOfBlockage"] = f"There are no nodes with the label ‘{node.blocked}’"
        return answer

    made = [stage(node) for node in nodes(run, seen, now)]
    return {"status": "ok", "data": {"complete": seen.state.finished, "stages": made}}


# wfapi (contracts: jenkins §6.2)

_WFAPI_STATES = {
    State.QUEUED: "IN_PROGRESS",
    State.WAITING: "PAUSED_PENDING_INPUT",
    State.RUNNING: "IN_PROGRESS",
    State.PASSED: "SUCCESS",
    State.WARNING: "UNSTABLE",
    State.FAILED: "FAILED",
    State.CANCELED: "ABORTED",
    State.SKIPPED: "NOT_EXECUTED",
}


def wfapi_describe(
    run: Run, seen: Progress, now: float, *, run_url: str, locks: Set[str] = frozenset()
) -> dict[str, Any]:
    """The answer of ``<run>/wfapi/describe``. ``run_url`` is the run's path with the context path."""
    failed = next(
        (node for top in nodes(run, seen, now) for node in top.walk() if node.state is State.FAILED), None
    )
    error = {"message": "script returned exit code 1", "type": "hudson.AbortException"}

    def stage(node: Node) -> dict[str, Any]:
        # A stage skipped after a failure is FAILED with the error of the one that failed.
        spoilt = node.state is State.SKIPPED and failed is not None
        ended = node.ended_at if node.ended_at is not None else now
        answer: dict[str, Any] = {
            "_links": {"self": {"href": f"{run_url}execution/node/{node.id}/wfapi/describe"}},
            "id": str(node.id),
            "name": node.name,
            "execNode": "",
            "status": "FAILED" if spoilt else _WFAPI_STATES[node.state],
        }
        if spoilt or node.state is State.FAILED:
            answer["error"] = error
        if node.children:  # Flat: what is inside stands beside it, and it only counts its own start.
            answer["status"] = "SUCCESS"
            answer.pop("error", None)
            ended = node.begun_at + 0.04
        paused = now - node.begun_at if node.blocked in locks else node.paused
        return answer | {
            "startTimeMillis": ms(node.begun_at),
            "durationMillis": ms(max(0.0, ended - node.begun_at)),
            "pauseDurationMillis": ms(paused),
        }

    flat = [node for top in nodes(run, seen, now) for node in top.walk()]
    if not declarative(run):  # A scripted branch is no stage.
        flat = [node for node in flat if node.kind == "STAGE"]
    flat.sort(key=lambda node: node.begun_at)
    links: dict[str, Any] = {"self": {"href": f"{run_url}wfapi/describe"}}
    if seen.waiting:
        for name in ("pendingInputActions", "nextPendingInputAction"):
            links[name] = {"href": f"{run_url}wfapi/{name}"}
    ended = seen.ended_at if seen.ended_at is not None else now
    return {
        "_links": links,
        "id": str(run.number),
        "name": f"#{run.number}",
        "status": _WFAPI_STATES[seen.state],
        "startTimeMillis": ms(run.begins_at),
        "endTimeMillis": ms(ended),
        "durationMillis": ms(ended - run.begins_at),
        "queueDurationMillis": 8,
        "pauseDurationMillis": 0,
        "stages": [stage(node) for node in flat],
    }


# The flow graph of the core API (contracts: jenkins §6.5): every step, without times.

_START = "org.jenkinsci.plugins.workflow.cps.nodes.StepStartNode"
_END = "org.jenkinsci.plugins.workflow.cps.nodes.StepEndNode"
_ATOM = "org.jenkinsci.plugins.workflow.cps.nodes.StepAtomNode"
_COLORS = {State.WARNING: "yellow", State.FAILED: "red", State.CANCELED: "aborted"}
_OTHERS = 10_000
"""Nodes that nobody asks for have ids from here on."""
_ATOMS = {
    State.WAITING: "Wait for interactive input",
    State.QUEUED: "Allocate node : Start",
    State.SKIPPED: "Get contextual object from internal APIs",  # all that Declarative does in a stage it skips
}


def flow_graph(
    run: Run,
    seen: Progress,
    now: float,
    *,
    run_url: str,
    locks: Set[str] = frozenset(),
    started: Callable[[str], str | None] = lambda stage: None,
) -> list[Bean]:
    """``FlowGraphAction.nodes`` of ``run``, as far as it has come. Stages and their steps have the ids that they have
    everywhere.

    Args:
        run_url: relative to the root.
        started: the display name of the job that a stage starts.
    """
    made: list[Bean] = []

    def add(
        kind: str, name: str, parents: list[str], state: State, *, active: bool = False, id: int | None = None
    ) -> list[str]:
        """One node; returns its id as the parents of the next. Blocks are active until they are closed."""
        node_id = str(_OTHERS + len(made) if id is None else id)
        color = _COLORS.get(state, "blue")
        fields = {
            "displayName": name,
            "iconColor": f"{color}_anime" if active else color,
            "id": node_id,
            "parents": parents,
            "running": active,
            "url": f"{run_url}execution/node/{node_id}/",
        }
        made.append(Bean(kind, fields))
        return [node_id]

    def chain(level: Sequence[Node], before: list[str]) -> list[str]:
        if level and level[0].kind == "PARALLEL":
            active = any(node.ended_at is None for node in level)
            fork = add(_START, "Execute in parallel : Start", before, State.PASSED, active=active)
            ends = []
            for node in level:
                ends += body(node, f"Branch: {node.name}", fork, "Execute in parallel : Body : End")
            if active:
                return ends
            return add(_END, "Execute in parallel : End", ends, _thrown(level))
        for node in level:
            active = node.ended_at is None
            start = add(_START, "Stage : Start", before, State.PASSED, active=active)
            before = body(node, node.name, start, "Stage : Body : End")
            if not active:
                before = add(_END, "Stage : End", before, _thrown([node]))
        return before

    def body(node: Node, name: str, before: list[str], end: str) -> list[str]:
        active = node.ended_at is None
        last = add(_START, name, before, State.PASSED, active=active, id=node.id)
        step = node.id + 1
        if node.children:
            last = chain(node.children, last)
        elif node.blocked in locks:
            last = add(_START, "Lock shared resource : Start", last, State.PASSED, active=True, id=step)
        elif (job := started(node.name)) is not None:
            last = add(_ATOM, f"Building {job}", last, node.state, active=active, id=step)
        else:
            last = add(
                _ATOM, _ATOMS.get(node.state, "Shell Script"), last, node.state, active=active, id=step
            )
        return last if active else add(_END, end, last, _thrown([node]))

    start = "org.jenkinsci.plugins.workflow.graph.FlowStartNode"
    done = seen.state.finished
    last = chain(nodes(run, seen, now), add(start, "Start of Pipeline", [], State.PASSED, active=not done))
    if done:
        add("org.jenkinsci.plugins.workflow.graph.FlowEndNode", "End of Pipeline", last, seen.state)
    return made


def _thrown(nodes: Sequence[Node]) -> State:
    """The colour of an end node is that of the error that came through it; an unstable step throws none."""
    states = [node.state for node in nodes]
    return next((state for state in (State.FAILED, State.CANCELED) if state in states), State.PASSED)
