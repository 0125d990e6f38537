"""What an execution is like before and after a write, read anew: the status of an answer proves nothing
(contracts: spinnaker §9)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from tui.domain.action import ActionRequest, Observation, Plan
from tui.domain.address import Address
from tui.domain.status import Status
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import EXECUTION, Execution, Stage, text
from tui.sources.spinnaker.read.places import Places
from tui.sources.spinnaker.read.problems import run_problem, stage_problem
from tui.sources.spinnaker.read.tree import Node, tree
from tui.sources.spinnaker.status import run_status, vendor, waits
from tui.text.safe import clean, shorten


class LiveState:
    """One look, for one plan or one observation."""

    def __init__(self, context: Context, places: Places, me: Callable[[], Awaitable[str]]) -> None:
        self.context = context
        self.places = places
        self.me = me
        """Who we are to the server; empty where it does not tell."""
        self._began = context.clock()

    @property
    def server(self) -> str:
        return self.context.settings.base_url

    async def of(self, target: Address) -> Execution:
        """
        Raises:
            SourceError
        """
        return await self.context.execution(target.of_run)

    async def execution(self, id_: str) -> Execution:
        """
        Raises:
            SourceError
        """
        return await self.context.gate.get(f"/pipelines/{quote(id_, safe='')}", EXECUTION)

    def plan(self, request: ActionRequest, words: str, **more: Any) -> Plan:
        return Plan(request=request, words=words, server=self.server, read_at=self._began, **more)

    def cannot(self, request: ActionRequest, words: str, why: str, **more: Any) -> Plan:
        return self.plan(request, words, possible=False, why_not=why, **more)


def top_of(nodes: tuple[Node, ...], stage: Stage) -> Stage:
    """The author's stage that ``stage`` is in."""

    def holds(node: Node) -> bool:
        return node.stage is stage or any(map(holds, node.children))

    return next((node.stage for node in nodes if holds(node)), stage)


def stage_by_id(execution: Execution, id_: str) -> Stage | None:
    return next((stage for stage in execution.all_stages if stage.id == id_), None)


def place_of(stage: Stage, places: Places) -> str:
    """The environment that a deploying stage changes, as far as it tells and the config names it."""
    values = stage.values
    account = text(values, "deploy.account.name") or text(values, "account") or text(values, "credentials")
    names = values.get("outputs.manifestNamesByNamespace")
    for location, clusters in names.items() if isinstance(names, dict) else ():
        for cluster in clusters if isinstance(clusters, list) else ():
            if isinstance(cluster, str) and (found := places.named(account, str(location), cluster)):
                return found
    groups = values.get("deploy.server.groups")
    for region, members in groups.items() if isinstance(groups, dict) else ():
        for name in members if isinstance(members, list) else ():
            if isinstance(name, str) and (
                found := places.named(account, str(region), name.rpartition("-v")[0] or name)
            ):
                return found
    return ""


def progress(execution: Execution, at: Address) -> Observation:
    """How a run does that was started, or started again."""
    stages = execution.all_stages
    status = run_status(execution, stages)
    match status:
        case Status.QUEUED:
            return Observation("happening", f"{at} is queued", at)
        case Status.WAITING if any(map(waits, stages)):
            return Observation("done", f"{at} ran up to a judgment and waits for a person", at)
        case Status.WAITING | Status.RUNNING:
            return Observation("happening", f"{at} goes on ({vendor(execution.status)})", at)
        case Status.PASSED | Status.WARNING:
            return Observation("done", f"{at} ended as {vendor(execution.status)}", at)
        case Status.UNKNOWN:
            return Observation("happening", f"{at} is {vendor(execution.status)}", at)
    nodes = tree(stages)
    why = run_problem(execution) or next(filter(None, map(stage_problem, nodes)), "")
    return Observation(
        "failed", f"{at} ended as {vendor(execution.status)}{f': {shorten(why, 200)}' if why else ''}", at
    )


# --- notes of a step ----------------------------------------------------------------------------------------------


def note(**values: object) -> tuple[tuple[str, str], ...]:
    """What a step is to remember."""
    return tuple((key, str(value)) for key, value in values.items() if value not in (None, ""))


def run_of(expect: Mapping[str, str], context: Context) -> Address:
    return Address(context.name, expect["path"], expect["run"])


def quoted(name: str) -> str:
    return f"'{shorten(clean(name), 80)}'"


def path_to(execution: str, *more: str) -> str:
    return "/".join(("/pipelines", *(quote(part, safe="") for part in (execution, *more))))
