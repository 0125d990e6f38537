"""Stages out of the flow graph of the core API: the graph of every step, without times (contracts: jenkins §6.5)."""

from collections.abc import Sequence

from tui.domain.pipeline import Stage
from tui.domain.status import Status
from tui.sources.jenkins.payload import FLOW_NODES, FlowNode, FlowRun
from tui.sources.jenkins.read.stage_tree import Tree, linked
from tui.sources.jenkins.status import COLORS, shown, status_in
from tui.text.safe import clean

NOTE = "flow graph: no times"
_STAGE = "Stage : Start"
_BRANCH = "Branch: "
_SYNTHETIC = "Declarative: "
_BOOKKEEPING = "Get contextual object from internal APIs"
"""The only step of a stage that Declarative skipped."""


def nodes_of(run: FlowRun) -> tuple[FlowNode, ...]:
    """Raises:
    msgspec.ValidationError: a node has a wrong type.
    """
    for action in run.actions or ():
        if action and action.kind.endswith("FlowGraphAction"):
            return FLOW_NODES.decode(action.nodes)
    return ()


def active(node: FlowNode) -> bool:
    return (node.icon_color or "").endswith("_anime")


def read(run: FlowRun) -> Tree:
    nodes = nodes_of(run)
    walk = _Walk(nodes)
    first = next((node for node in nodes if not node.parents), None)
    return Tree(linked(walk.chain(first).stages) if first else (), note=NOTE, graph=nodes)


class _Part:
    """What stands between two places of the graph."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.steps: list[str] = []
        self.colors: set[str] = set()
        self.end: FlowNode | None = None
        """The end node it stopped at, which closes the block around it."""


class _Walk:
    """From node to node along ``parents`` turned round. A block's start is followed by its body, or by one body for
    each parallel branch; each of these stops at the block's own end node."""

    def __init__(self, nodes: Sequence[FlowNode]) -> None:
        self._after: dict[str, list[FlowNode]] = {}
        self._seen: set[str] = set()
        for node in nodes:
            for parent in node.parents or ():
                self._after.setdefault(parent, []).append(node)

    def chain(self, node: FlowNode | None, *, in_stage: bool = False) -> _Part:
        part = _Part()
        while node is not None:
            if node.kind.endswith("EndNode"):
                part.end = node
                break
            if node.id in self._seen:
                break  # a graph with a ring in it is none
            self._seen.add(node.id)
            last = node
            if node.kind.endswith("StepStartNode"):
                block = self._block(node, in_stage)
                part.stages += block.stages
                part.steps += block.steps
                part.colors |= block.colors
                if block.end is None:
                    break
                last = block.end
            elif node.kind.endswith("AtomNode"):
                part.steps.append(node.display_name or "")
                part.colors.add(node.icon_color or "")
            in_stage = False
            node = next(iter(self._after.get(last.id, ())), None)
        return part

    def _block(self, start: FlowNode, is_body: bool) -> _Part:
        name = start.display_name or ""
        block = _Part()
        for inner in self._after.get(start.id, ()):
            part = self.chain(inner, in_stage=name == _STAGE)
            block.stages += part.stages
            block.steps += part.steps
            block.colors |= part.colors
            block.end = part.end
        if is_body or name.startswith(_BRANCH):
            block.stages = [_stage(start, block)]
        return block


def _stage(start: FlowNode, block: _Part) -> Stage:
    """The end node's colour is the block's result: a red step inside may have been caught."""
    color = (block.end.icon_color or "") if block.end else ""
    status = status_in(COLORS, color)
    if status is Status.PASSED and block.steps and set(block.steps) == {_BOOKKEEPING}:
        status = Status.SKIPPED
    elif status is Status.PASSED and "yellow" in block.colors:
        status = Status.WARNING
    name = start.display_name or ""
    return Stage(
        id=clean(start.id),
        name=clean(name.removeprefix(_BRANCH).removeprefix(_SYNTHETIC)),
        status=status,
        vendor_status=shown(color),
        kind="branch" if name.startswith(_BRANCH) else "stage",
        synthetic=name.startswith(_SYNTHETIC),
        children=linked(block.stages),
    )
