"""Which steps a stage has, as pipeline-graph-view or wfapi tells (contracts: jenkins §6.1, §6.2)."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from tui.domain.health import Trouble
from tui.domain.pipeline import Stage
from tui.sources.base import SourceError
from tui.sources.http.bounds import whole
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.read.stages import StageReader
from tui.text.safe import clean

_PLACES = {
    "stages/tree": "stages",
    "pipeline-overview/tree": "pipeline-overview",
    "pipeline-graph/tree": "pipeline-console",
}
"""Where pipeline-graph-view tells of steps, by where it tells of stages."""


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    pass


class _Step(_Payload, frozen=True):
    id: str | int
    stage_id: str | int | None = None


class _StepList(_Payload, frozen=True):
    steps: tuple[_Step, ...] | None = None


class _GraphSteps(_Payload, frozen=True):
    status: str = ""
    message: str | None = None
    data: _StepList | None = None
    steps: tuple[_Step, ...] | None = None
    """Where there is no envelope."""


class _Flow(_Payload, frozen=True):
    id: str
    links: dict[str, Any] | None = msgspec.field(name="_links", default=None)


class _FlowNode(_Payload, frozen=True):
    stage_flow_nodes: tuple[_Flow, ...] | None = None


_GRAPH_STEPS = msgspec.json.Decoder(_GraphSteps)
_FLOW_NODE = msgspec.json.Decoder(_FlowNode)


class StepReader:
    """Asks whatever told of the stages."""

    def __init__(self, client: Client, stages: StageReader) -> None:
        self._client = client
        self._stages = stages

    @property
    def known(self) -> bool:
        """Steps are told of at all."""
        return self._stages.is_wfapi or self._stages.path in _PLACES

    def log_path(self, stage: str) -> str:
        """Where below a run the whole log of a stage is told; empty where it is not."""
        place = _PLACES.get(self._stages.path)
        return f"{place}/log?nodeId={quote(stage)}" if place and stage.isdecimal() else ""

    async def of(self, run_path: str, stage: Stage) -> Sequence[str]:
        """The node ids of the steps in a stage and its children, in the order they were begun.

        Raises:
            SourceError
        """
        if self._stages.is_wfapi:
            path = f"{run_path}/execution/node/{quote(stage.id)}/wfapi/describe"
            node = await self._client.get(path, _FLOW_NODE)
            # Only what has written has a log to link to.
            return [flow.id for flow in node.stage_flow_nodes or () if "log" in (flow.links or ())]
        place = _PLACES[self._stages.path]
        below = {stage_below.id for stage_below in _all(stage)}
        if len(below) == 1:
            path = f"{run_path}/{place}/steps?nodeId={quote(stage.id)}"
        else:
            path = f"{run_path}/{place}/allSteps"
        answer = await self._client.get(path, _GRAPH_STEPS)
        listed = answer.data.steps if answer.data is not None else answer.steps
        if listed is None:
            reason = clean(answer.message or "") or "no data"
            raise SourceError(Trouble.SERVER_ERROR, f"pipeline-graph-view answered {answer.status}: {reason}")
        ids = [str(step.id) for step in listed if step.stage_id is None or str(step.stage_id) in below]
        return sorted((id for id in ids if whole(id) is not None), key=int)


def _all(stage: Stage) -> Iterator[Stage]:
    yield stage
    for child in stage.children:
        yield from _all(child)
