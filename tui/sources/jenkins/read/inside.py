"""What goes on inside a Pipeline run that its stages do not tell: the runs that its ``build`` steps started, and the
locks that it waits for (contracts: jenkins_observed, build step and Locks).

The flow graph has both. It costs the controller a read of every step, so it is asked for when a stage began or ended,
now and then in between, and once after the end.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import unescape
from typing import TypeVar

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.http.limiter import ResponseTooLarge
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.names import place_of
from tui.sources.jenkins.payload import FLOW_RUN, FLOW_TREE, RESOURCES, RESOURCES_TREE, FlowNode
from tui.sources.jenkins.read import flow_graph
from tui.sources.jenkins.read.listing import Known
from tui.sources.jenkins.read.neighbours import Neighbours
from tui.sources.jenkins.read.stage_tree import Tree
from tui.text.safe import clean, shorten

APART = 30.0
"""Seconds between two looks at the flow graph while no stage begins or ends."""
LARGEST = 1024 * 1024
"""Bytes of a flow graph; some 5 000 steps' worth."""
_BEGINNING = 32 * 1024
"""Bytes of a step's log that are read."""
_MOST = 20
"""Steps of one kind that are looked at in one run."""
_REMEMBERED = 200

_STARTING = re.compile(r"(?:Building|Scheduling) (?P<job>.+)")
"""What a ``build`` step calls itself, the second where it does not wait for the run."""
_LOCK = "Lock shared resource"
_LINK = re.compile(r"<a\s[^>]*href=['\"](?P<to>[^'\"]+)['\"]")
_TAG = re.compile(r"<[^>]*>")
_HELD = re.compile(
    r"The resource \[(?P<name>[^\]]+)\] is (?P<how>locked by build .+?|reserved by .+?)(?: since .+)?\.?$"
)
_TWICE = re.compile(r"(#\d+)\s+\1$")
_WANTED = re.compile(r"\[(?P<name>[^\]]+)\] is not free")
_TRYING = re.compile(r"Trying to acquire lock on \[(?P<name>.+)\]")
_PLACE = re.compile(r"added into queue at position (?P<place>\d+)")

K = TypeVar("K")
V = TypeVar("V")


class Steps(msgspec.Struct, frozen=True):
    """The steps of a run that matter here, by the stage that they are in (empty: in none that is known)."""

    builds: tuple[tuple[str, FlowNode], ...] = ()
    locks: tuple[tuple[str, FlowNode], ...] = ()
    """Those that wait still."""


class Inside(msgspec.Struct, frozen=True):
    jobs: Mapping[str, tuple[Job, ...]] = {}
    """Rows for the stages, by their ids."""
    waiting: str = ""
    """Which lock the run waits for, and who holds it."""
    note: str = ""
    """Why something is missing."""
    complete: bool = True
    """It was read, or never can be."""


class _Look(msgspec.Struct, frozen=True):
    stages: tuple[tuple[str, Status], ...]
    at: float
    steps: Steps


class _StepLog(msgspec.Struct, frozen=True):
    job: str
    number: int | None


class InsideReader:
    def __init__(self, client: Client, neighbours: Neighbours, clock: Callable[[], float]) -> None:
        self._client = client
        self._neighbours = neighbours
        self._clock = clock
        self._looks: OrderedDict[Address, _Look] = OrderedDict()
        self._started: OrderedDict[tuple[Address, str], tuple[str, int]] = OrderedDict()
        """Which run a step started: that does not change."""
        self._no_resources = ""
        """The controller's session in which lockable resources are not told."""

    async def read(self, run: Run, path: str, tree: Tree, known: Known, *, ended: bool) -> Inside:
        """Never fails: the stages are worth more than what is missing inside them.

        Args:
            path: of the run.
            known: what the last listing tells of other runs.
        """
        try:
            steps = await self._steps(run, path, tree, ended)
            jobs: dict[str, list[Job]] = {}
            for stage, job in await self._started_by(run, path, steps, known):
                jobs.setdefault(stage, []).append(job)
            waiting = ""
            for stage, node in steps.locks if not ended else ():
                name, state = await self._lock(path, node)
                waiting = waiting or shorten(f"waits for {name}{', ' if state else ''}{state}", 200)
                address = run.address.at_job(f"lock~{clean(node.id)}")
                jobs.setdefault(stage, []).append(
                    Job(address, clean(node.id), shorten(name, 80), Status.QUEUED, reason=shorten(state, 200))
                )
            return Inside({stage: tuple(rows) for stage, rows in jobs.items()}, waiting)
        except ResponseTooLarge:
            return Inside(note="its flow graph is too large: what its steps started is not shown")
        except SourceError as error:
            return Inside(note=f"what its steps started is not known: {error.message}", complete=False)

    # --- steps ----------------------------------------------------------------------------------------------------

    async def _steps(self, run: Run, path: str, tree: Tree, ended: bool) -> Steps:
        seen = tuple((stage.id, stage.status) for stage in _all(tree.stages))
        last, now = self._looks.get(run.address), self._clock()
        if not ended and last is not None and last.stages == seen and 0 <= now - last.at < APART:
            return last.steps
        nodes: Sequence[FlowNode] = tree.graph
        if not nodes:
            answer = await self._client.get(f"{path}/api/json", FLOW_RUN, tree=FLOW_TREE, largest=LARGEST)
            nodes = await self._client.make(f"GET {path}/api/json", lambda: flow_graph.nodes_of(answer))
        steps = steps_in(nodes, frozenset(id for id, _ in seen))
        _remember(self._looks, run.address, _Look(seen, now, steps))
        return steps

    # --- runs that were started -----------------------------------------------------------------------------------

    async def _started_by(self, run: Run, path: str, steps: Steps, known: Known) -> list[tuple[str, Job]]:
        """A row for each run that was started or is queued, with the id of its stage."""
        rows: list[tuple[str, Job]] = []
        unnumbered: dict[str, int] = {}
        for stage, node in steps.builds[:_MOST]:
            found = self._started.get((run.address, node.id))
            job = ""
            if found is None:
                log = await self._log(path, node)
                job, number = log.job, log.number
                if job and number is None:
                    # It does not wait for the run, or that has not begun: the run knows who started it.
                    children = await self._neighbours.started(job, run, known)
                    place = unnumbered.get(job, 0)
                    unnumbered[job] = place + 1
                    if children:  # fewer than steps: equal ones became one (contracts: jenkins_observed)
                        number = children[min(place, len(children) - 1)].address.number
                if job and number is not None:
                    found = job, number
                    _remember(self._started, (run.address, node.id), found)
            words = shorten(clean(node.display_name or ""), 120)
            if found is None:
                status = Status.QUEUED if job and flow_graph.active(node) else Status.UNKNOWN
                reason = known.queued.get((run.address.path, run.address.number or 0, job), "")
                address = (
                    Address(run.address.source, job) if job else run.address.at_job(f"build~{clean(node.id)}")
                )
                rows.append((stage, Job(address, clean(node.id), clean(job) or words, status, reason=reason)))
                continue
            child = await self._neighbours.run(*found, known)
            rows.append((stage, job_of(child, clean(node.id))))
        return rows

    async def _log(self, path: str, node: FlowNode) -> _StepLog:
        """The job and the run that the log of a ``build`` step links to. As text it has only display names."""
        log = f"{path}/execution/node/{node.id}/log/logText/progressiveHtml"
        try:
            html = await self._client.beginning(log, _BEGINNING)
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return _StepLog("", None)
            raise
        places = [place for link in _LINK.finditer(html) if (place := place_of(unescape(link["to"])))]
        runs = [(name, number) for name, number in places if number is not None]
        if runs:
            return _StepLog(*runs[0])
        return _StepLog(places[0][0] if places else "", None)

    # --- locks ----------------------------------------------------------------------------------------------------

    async def _lock(self, path: str, node: FlowNode) -> tuple[str, str]:
        """What a ``lock`` step waits for; and who holds that now, or did when it began to wait, with its place."""
        html = await self._client.beginning(
            f"{path}/execution/node/{node.id}/log/logText/progressiveHtml", _BEGINNING
        )
        name, holder, place = lock_in(unescape(_TAG.sub("", html)))
        current = await self._holders()
        if current is not None and name in current:
            holder = current[name]
        turn = f"place {place} in the queue" if place else ""
        return f"lock {name}".rstrip(), ", ".join(filter(None, (holder, turn)))

    async def _holders(self) -> Mapping[str, str] | None:
        """Who holds each resource; None where that is not told (contracts: jenkins_observed, Locks: 404 without the
        permission)."""
        if self._no_resources and self._no_resources == self._client.session:
            return None
        try:
            answer = await self._client.get("/lockable-resources/api/json", RESOURCES, tree=RESOURCES_TREE)
        except SourceError as error:
            if error.trouble in (Trouble.NOT_FOUND, Trouble.FORBIDDEN, Trouble.UNAUTHORIZED):
                self._no_resources = self._client.session
            return None
        return {
            clean(each.name): f"held by {clean(each.build_name)}"
            if each.build_name
            else f"reserved by {clean(each.reserved_by or 'somebody')}"
            for each in answer.resources or ()
            if each.name and (each.build_name or each.reserved)
        }


def lock_in(log: str) -> tuple[str, str, str]:
    """Name of the resource, who holds it, and the place in the queue, as far as the log of a ``lock`` step tells."""
    name = holder = place = ""
    for line in map(str.strip, log.splitlines()):
        if found := _HELD.match(line):
            name = found["name"]
            # The number stands there once in the name and once as a link.
            holder = _TWICE.sub(r"\1", found["how"].replace("locked by build", "held by"))
        elif (found := _WANTED.search(line)) or (found := _TRYING.match(line)):
            name = name or found["name"]
        if found := _PLACE.search(line):
            place = found["place"]
    return clean(name.removeprefix("Resource: ")), clean(" ".join(holder.split())), place


def steps_in(nodes: Sequence[FlowNode], stages: frozenset[str]) -> Steps:
    """Args:
    stages: the ids of those that are shown.
    """
    outer: dict[str, str | None] = {}
    by_id = {node.id: node for node in nodes}
    after: dict[str, list[FlowNode]] = {}
    for node in nodes:
        after.setdefault(next((id for id in node.parents or () if id in by_id), ""), []).append(node)
    followed = {parent for node in nodes for parent in node.parents or ()}
    builds: list[tuple[str, FlowNode]] = []
    locks: list[tuple[str, FlowNode]] = []
    ahead = after.get("", [])[::-1]
    while ahead:  # what is in a ring is never come to
        node = ahead.pop()
        ahead += after.get(node.id, [])[::-1]
        outer[node.id] = block = _block(node, outer, by_id)
        if node.kind.endswith("AtomNode") and _STARTING.fullmatch(node.display_name or ""):
            builds.append((_stage(block, outer, stages), node))
        elif (
            node.kind.endswith("StartNode")
            and flow_graph.active(node)
            and node.id not in followed
            and (node.display_name or "").startswith(_LOCK)
        ):
            locks.append((_stage(block, outer, stages), node))
    return Steps(tuple(builds), tuple(locks[:_MOST]))


def _block(node: FlowNode, outer: Mapping[str, str | None], by_id: Mapping[str, FlowNode]) -> str | None:
    """The id of the start node of the block around a node. An end node stands outside of the block that it closes."""
    before = by_id.get(next(iter(node.parents or ()), ""))
    if before is None:
        return None
    inner = before.id if before.kind.endswith("StartNode") else outer.get(before.id)
    if node.kind.endswith("EndNode"):
        return outer.get(inner or "")
    return inner


def _stage(block: str | None, outer: Mapping[str, str | None], stages: frozenset[str]) -> str:
    while block is not None and block not in stages:
        block = outer.get(block)
    return block or ""


def job_of(run: Run, id: str) -> Job:
    """Another run as a row of the one that is shown."""
    began = run.started_at
    return Job(
        run.address,
        id,
        str(run.address).partition(":")[2],
        run.status,
        vendor_status=run.vendor_status,
        started_at=began,
        duration=run.duration,
        reason=run.waiting_reason or run.problem,
        web_url=run.web_url,
        downstream=run,
    )


def placed(stages: Sequence[Stage], jobs: Mapping[str, tuple[Job, ...]]) -> tuple[Stage, ...]:
    """The stages with their rows; those of no known stage are in the last."""
    if not jobs:
        return tuple(stages)
    rest = jobs.get("", ())
    made = _placed(stages, jobs)
    if rest and made:
        made = (*made[:-1], msgspec.structs.replace(made[-1], jobs=(*made[-1].jobs, *rest)))
    return made


def _placed(stages: Sequence[Stage], jobs: Mapping[str, tuple[Job, ...]]) -> tuple[Stage, ...]:
    return tuple(
        msgspec.structs.replace(
            stage,
            jobs=(*stage.jobs, *jobs.get(stage.id, ())),
            children=_placed(stage.children, jobs),
        )
        for stage in stages
    )


def _all(stages: Sequence[Stage]) -> Iterator[Stage]:
    for stage in stages:
        yield stage
        yield from _all(stage.children)


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
