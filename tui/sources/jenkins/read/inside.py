"""What goes on inside a Pipeline run that its stages do not tell: the runs that its ``build`` steps started, and the
locks that it waits for (contracts: jenkins_observed, build step and Locks).

The flow graph has both. It costs the controller a read of every step, so it is asked for when a stage began or ended,
now and then in between, and once after the end.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from math import inf
from typing import TypeVar
from urllib.parse import quote

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.http.limiter import ResponseTooLarge
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.names import place_of
from tui.sources.jenkins.payload import FLOW_RUN, FLOW_TREE, RESOURCES, RESOURCES_TREE, FlowNode
from tui.sources.jenkins.read import flow_graph
from tui.sources.jenkins.read.listing import Known
from tui.sources.jenkins.read.neighbours import Neighbours
from tui.sources.jenkins.read.stage_tree import Tree
from tui.text.safe import clean, shorten

APART = 30.0
"""Seconds between two looks inside while no stage begins or ends."""
SOON = 10.0
"""The same while something in it waits for a lock or in the queue (contracts: jenkins §6.5: not more often)."""
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


class _Started(msgspec.Struct, frozen=True):
    """What a ``build`` step has started."""

    stage: str
    node: FlowNode
    job: str = ""
    """Full name; empty where that is not known."""
    number: int | None = None
    """None: it has not begun, as far as is known."""


class _Look(msgspec.Struct, frozen=True):
    stages: tuple[tuple[str, Status], ...]
    ended: bool
    """The run had."""
    at: float
    started: tuple[_Started, ...]
    locks: tuple[tuple[str, Job], ...]
    """Rows for those that are waited for, with their stages."""

    @property
    def good_for(self) -> float:
        """Seconds, while the stages are the same."""
        if self.ended and all(link.number is not None for link in self.started):
            return inf
        waits = self.locks or any(
            link.number is None and flow_graph.active(link.node) for link in self.started
        )
        return SOON if waits else APART


class InsideReader:
    """Between two looks inside a run only those that it started are asked for, as far as the listing lacks them."""

    def __init__(self, context: JenkinsContext, neighbours: Neighbours) -> None:
        self._client = context.client
        self._neighbours = neighbours
        self._clock = context.clock
        self._looks: OrderedDict[Address, _Look] = OrderedDict()
        self._links: OrderedDict[tuple[Address, str], _Started] = OrderedDict()
        """Which run a step started, by the step: that does not change."""
        self._no_resources = ""
        """The controller's session in which lockable resources are not told."""

    async def read(self, run: Run, path: str, tree: Tree, known: Known, *, ended: bool) -> Inside:
        """Never fails: the stages are worth more than what is missing inside them.

        Args:
            path: of the run.
            known: what the last listing tells of other runs.
        """
        try:
            look = await self._look(run, path, tree, known, ended)
            jobs: dict[str, list[Job]] = {}
            for started in look.started:
                jobs.setdefault(started.stage, []).append(await self._row(run.address, started, known))
            for stage, job in look.locks:
                jobs.setdefault(stage, []).append(job)
        except ResponseTooLarge:
            return Inside(note="its flow graph is too large: what its steps started is not shown")
        except SourceError as error:
            return Inside(note=f"what its steps started is not known: {error.message}", complete=False)
        waiting = ""
        if look.locks:
            lock = look.locks[0][1]
            waiting = f"waits for {lock.name}{f', {lock.reason}' if lock.reason else ''}"
        return Inside({stage: tuple(rows) for stage, rows in jobs.items()}, waiting)

    async def _look(self, run: Run, path: str, tree: Tree, known: Known, ended: bool) -> _Look:
        seen = tuple((stage.id, stage.status) for stage in _all(tree.stages))
        last, now = self._looks.get(run.address), self._clock()
        if last and (last.stages, last.ended) == (seen, ended) and 0 <= now - last.at < last.good_for:
            return last
        nodes: Sequence[FlowNode] = tree.graph
        if not nodes:
            answer = await self._client.get(f"{path}/api/json", FLOW_RUN, tree=FLOW_TREE, largest=LARGEST)
            nodes = await self._client.make(f"GET {path}/api/json", lambda: flow_graph.nodes_of(answer))
        steps = steps_in(nodes, frozenset(id for id, _ in seen))
        started = await self._started(run, path, steps, known)
        locks = [
            (stage, await self._lock(run.address, path, node)) for stage, node in steps.locks if not ended
        ]
        look = _Look(seen, ended, now, tuple(started), tuple(locks))
        _remember(self._looks, run.address, look)
        return look

    # --- runs that were started -----------------------------------------------------------------------------------

    async def _started(self, run: Run, path: str, steps: Steps, known: Known) -> list[_Started]:
        found: list[_Started] = []
        unnumbered: dict[str, int] = {}
        for stage, node in steps.builds[:_MOST]:
            key = run.address, node.id
            started = self._links.get(key)
            if started is None:
                job, number = await self._log(path, node)
                if job and number is None:
                    # It does not wait for the run, or that has not begun: the run knows who started it.
                    children = await self._neighbours.started(job, run, known)
                    place = unnumbered.get(job, 0)
                    unnumbered[job] = place + 1
                    if children:  # fewer than steps: equal ones became one (contracts: jenkins_observed)
                        number = children[min(place, len(children) - 1)].address.number
                started = _Started(stage, node, job, number)
                if number is not None:
                    _remember(self._links, key, started)
            found.append(started)
        return found

    async def _row(self, run: Address, started: _Started, known: Known) -> Job:
        job, node = started.job, started.node
        if started.number is not None:
            return job_of(await self._neighbours.run(job, started.number, known), clean(node.id))
        reason = known.queued.get((run.path, run.number or 0, job), "")
        queued = bool(job) and (flow_graph.active(node) or bool(reason))
        return Job(
            Address(run.source, job) if job else run.at_job(f"build~{clean(node.id)}"),
            clean(node.id),
            clean(job) or shorten(clean(node.display_name or ""), 120),
            Status.QUEUED if queued else Status.UNKNOWN,
            reason=reason,
        )

    async def _log(self, path: str, node: FlowNode) -> tuple[str, int | None]:
        """The job and the number of the run that the log of a ``build`` step links to."""
        html = await self._html(path, node)
        places = [place for link in _LINK.finditer(html) if (place := place_of(unescape(link["to"])))]
        runs = [(name, number) for name, number in places if number is not None]
        if runs:
            return runs[0]
        return (places[0][0], None) if places else ("", None)

    async def _html(self, path: str, node: FlowNode) -> str:
        """The beginning of a step's log, empty where it wrote none. As text it would have display names only."""
        log = f"{path}/execution/node/{quote(node.id)}/log/logText/progressiveHtml"
        try:
            return await self._client.beginning(log, _BEGINNING)
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return ""
            raise

    # --- locks ----------------------------------------------------------------------------------------------------

    async def _lock(self, run: Address, path: str, node: FlowNode) -> Job:
        """What a ``lock`` step waits for; and who holds that now, or did when it began to wait, with its place."""
        html = await self._html(path, node)
        name, holder, place = lock_in(unescape(_TAG.sub("", html)))
        current = await self._holders()
        if current is not None and name in current:
            holder = current[name]
        turn = f"place {place} in the queue" if place else ""
        id = clean(node.id)
        reason = shorten(", ".join(filter(None, (holder, turn))), 160)
        return Job(
            run.at_job(f"lock~{id}"), id, shorten(f"lock {name}".rstrip(), 80), Status.QUEUED, reason=reason
        )

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
            clean(resource.name): f"held by {clean(resource.build_name)}"
            if resource.build_name
            else f"reserved by {clean(resource.reserved_by or 'somebody')}"
            for resource in answer.resources or ()
            if resource.name and (resource.build_name or resource.reserved)
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
