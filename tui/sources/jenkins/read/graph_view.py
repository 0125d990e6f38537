"""Stages as pipeline-graph-view tells them: a tree with branches (contracts: jenkins §6.1)."""

from collections.abc import Sequence

from tui.domain.pipeline import Stage
from tui.domain.status import Status
from tui.sources.http.bounds import length, moment
from tui.sources.jenkins.payload import GraphData, GraphStage
from tui.sources.jenkins.read.stage_tree import Tree, leaves, linked, overall
from tui.sources.jenkins.status import GRAPH_VIEW, shown, status_in
from tui.text.safe import clean


def read(data: GraphData) -> Tree:
    nodes = [node for node in data.stages or () if not node.placeholder]
    stages = _level(nodes)
    timeless = any(isinstance(node.start_time_millis, str) for node in nodes)
    blocked = (
        node.cause_of_blockage
        for node in _all(nodes)
        if node.cause_of_blockage and status_in(GRAPH_VIEW, (node.state or "").lower()).active
    )
    return Tree(
        stages,
        note="pipeline-graph-view before 439: no times" if timeless else "",
        paused=any(stage.status is Status.WAITING for stage in leaves(stages)),
        blockage=clean(next(blocked, "")),
    )


def _all(nodes: Sequence[GraphStage]) -> list[GraphStage]:
    found: list[GraphStage] = []
    ahead = list(reversed(nodes))
    while ahead:
        node = ahead.pop()
        found.append(node)
        if node.next_sibling:
            ahead.append(node.next_sibling)
        ahead += reversed(node.children or ())
    return found


def _level(nodes: Sequence[GraphStage]) -> tuple[Stage, ...]:
    return linked([_branch(node) if node.next_sibling else _stage(node) for node in nodes])


def _branch(first: GraphStage) -> Stage:
    """A branch of several stages in the older shape: only its first stage is listed, the others hang on it."""
    chain: list[Stage] = []
    node: GraphStage | None = first
    while node is not None:
        chain.append(_stage(node, kind_of="STAGE"))
        node = node.next_sibling
    return Stage(
        id=f"{first.id}-branch",
        name=clean(first.seq_container_name or first.name or ""),
        status=overall(chain),
        started_at=chain[0].started_at,
        kind="branch",
        children=linked(chain),
    )


def _stage(node: GraphStage, kind_of: str = "") -> Stage:
    state = (node.state or "").lower()
    status = status_in(GRAPH_VIEW, state)
    paused = _millis(node.pause_duration_millis) or 0
    total = _millis(node.total_duration_millis)
    start = _millis(node.start_time_millis)
    return Stage(
        id=clean(str(node.id)),
        name=clean(node.name or ""),
        status=status,
        vendor_status=shown(state),
        started_at=moment(start),
        duration=None if total is None or status.active else length(max(0, total - paused)),
        paused=length(paused) or 0.0,
        kind="branch" if (kind_of or node.type) == "PARALLEL" else "stage",
        synthetic=bool(node.synthetic),
        children=_level(node.children or ()),
    )


def _millis(time: int | str | None) -> int | None:
    return time if isinstance(time, int) and time >= 0 else None
