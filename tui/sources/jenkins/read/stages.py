"""Which stage source a controller has, and reading it (contracts: jenkins §6.0)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.limiter import ResponseTooLarge
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.payload import FLOW_RUN, FLOW_TREE, GRAPH, WF_RUN, GraphAnswer
from tui.sources.jenkins.read import flow_graph, graph_view, wfapi
from tui.sources.jenkins.read.stage_tree import Tree
from tui.text.safe import clean

LARGEST_GRAPH = 4 * 1024 * 1024
"""Bytes of a flow graph that are worth reading: some 2 000 steps' worth is 400 kB."""


class _Kind(msgspec.Struct, frozen=True):
    """One way to ask for stages, for every Pipeline run of a controller."""

    path: str
    name: str
    decoder: "msgspec.json.Decoder[Any]"
    read: Callable[[Any], Tree]


def _graph_view(answer: GraphAnswer) -> Tree:
    if answer.data is None:
        reason = clean(answer.message or "") or "no data"
        raise SourceError(Trouble.SERVER_ERROR, f"pipeline-graph-view answered {answer.status}: {reason}")
    return graph_view.read(answer.data)


_KINDS = (
    _Kind("stages/tree", "pipeline-graph-view", GRAPH, _graph_view),
    _Kind("pipeline-overview/tree", "pipeline-graph-view before 777", GRAPH, _graph_view),
    _Kind("pipeline-graph/tree", "pipeline-graph-view before 520", GRAPH, _graph_view),
    _Kind("wfapi/describe", "wfapi", WF_RUN, wfapi.read),
)


class StageReader:
    """Reads stage trees of Pipeline runs, from the source that was found first and is remembered until the
    controller restarts."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._probing = asyncio.Lock()
        self._session = ""
        self._found: _Kind | None = None
        self._probed = False
        self._missed = False

    @property
    def name(self) -> str:
        """The stage source found, in words; empty before the first Pipeline run was read."""
        if self._found:
            return self._found.name
        return "flow graph" if self._probed else ""

    @property
    def path(self) -> str:
        """Where below a run it tells of the stages; empty where the flow graph does."""
        return self._found.path if self._found else ""

    @property
    def is_wfapi(self) -> bool:
        return self._found is not None and self._found.path.startswith("wfapi")

    async def read(self, run_path: str, *, ended: bool) -> Tree:
        """The stages of one Pipeline run that can be read.

        Raises:
            SourceError
        """
        self._forget_after_restart()
        if self._found is None and not self._probed:
            async with self._probing:
                if not self._probed:
                    return await self._probe(run_path, ended)
        if self._found is None:
            return await self._flow_graph(run_path, ended)
        tree = await self._ask(self._found, run_path)
        if tree is None and not self._missed:
            # Perhaps a plugin came or went without a restart. Looking again once a session is enough to learn that.
            self._missed = True
            return await self._probe(run_path, ended)
        return tree or Tree(note=f"{self._found.name} does not know this run")

    def _forget_after_restart(self) -> None:
        if self._client.session != self._session:
            self._session = self._client.session
            self._found, self._probed, self._missed = None, False, False

    async def _probe(self, run_path: str, ended: bool) -> Tree:
        for kind in self._candidates():
            if (tree := await self._ask(kind, run_path)) is not None:
                self._found, self._probed = kind, True
                return tree
        tree = await self._flow_graph(run_path, ended)
        self._found, self._probed = None, True
        return tree

    def _candidates(self) -> Iterator[_Kind]:
        return (kind for kind in _KINDS if kind is not self._found)

    async def _ask(self, kind: _Kind, run_path: str) -> Tree | None:
        """None: the run, which can be read, has no such thing."""
        path = f"{run_path}/{kind.path}"
        try:
            payload = await self._client.get(path, kind.decoder)
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return None
            raise
        return await self._client.make(f"GET {path}", lambda: kind.read(payload))

    async def _flow_graph(self, run_path: str, ended: bool) -> Tree:
        """The graph holds every step and costs the controller a read of each, so it is asked for once, at the end."""
        if not ended:
            return Tree(note="no stage plugin: stages come when the run has ended")
        path = f"{run_path}/api/json"
        try:
            run = await self._client.get(path, FLOW_RUN, tree=FLOW_TREE, largest=LARGEST_GRAPH)
        except ResponseTooLarge:
            return Tree(note="no stage plugin, and the flow graph is too large")
        return await self._client.make(f"GET {path}", lambda: flow_graph.read(run))
