"""Reading one run: its build, its stages, and what explains it."""

from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Gate, Run
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.names import job_path
from tui.sources.jenkins.payload import BUILD, BUILD_TREE, QUEUE, QUEUE_TREE, WF_INPUTS
from tui.sources.jenkins.read.listing import blockage
from tui.sources.jenkins.read.problem import BEGINNING, problem_in
from tui.sources.jenkins.read.runs import ReadBuild, gates_of, read_build
from tui.sources.jenkins.read.stage_tree import settled, waiting, whole_run
from tui.sources.jenkins.read.stages import StageReader
from tui.text.safe import clean


class RunReader:
    """Two requests a run: the build and its stages.

    Others follow only where these leave something open: the queue, as long as the run was last seen in it; wfapi's
    inputs, where the core tells of none; the log, where a failed run has no stage.
    """

    def __init__(self, client: Client, web: str) -> None:
        self.stages = StageReader(client)
        self.blocked: Mapping[Address, str] = {}
        """Runs that wait for a machine, as the last listing found them."""
        self._client = client
        self._web = web

    async def read(self, address: Address, full_name: str, number: int) -> tuple[Run, bool]:
        """The run, and whether the controller has nothing more to tell of it.

        Raises:
            SourceError
        """
        path = f"{job_path(full_name)}/{number}"
        build = await self._client.get(f"{path}/api/json", BUILD, tree=BUILD_TREE)
        read = await self._client.make(
            f"GET {path}/api/json", lambda: read_build(build, address, f"{self._web}{path}/")
        )
        if not read.is_pipeline:
            stage = whole_run(read.run, _stage_name(full_name))
            return msgspec.structs.replace(read.run, stages=(stage,)), not read.active
        if read.active:
            return await self._active(read, full_name, path), False
        return await self._ended(read, full_name, path)

    async def _active(self, read: ReadBuild, full_name: str, path: str) -> Run:
        run = read.run
        tree = await self.stages.read(path, ended=False)
        gates: tuple[Gate, ...] = run.gates
        if tree.paused and not gates and read.gates_hidden and self.stages.is_wfapi:
            inputs = await self._client.get(f"{path}/wfapi/pendingInputActions", WF_INPUTS)
            gates = gates_of(inputs, run.address)
        if gates or tree.paused:
            run = msgspec.structs.replace(run, status=Status.WAITING, gates=gates)
        return msgspec.structs.replace(
            run,
            stages=(waiting(tree.stages) if gates else tree.stages)
            or (whole_run(run, _stage_name(full_name)),),
            stage_source=tree.note,
            waiting_reason=await self._blockage(read, full_name) or tree.blockage,
        )

    async def _ended(self, read: ReadBuild, full_name: str, path: str) -> tuple[Run, bool]:
        run = read.run
        tree = await self.stages.read(path, ended=True)
        if tree.stages:
            stages = settled(tree.stages, run.status)
            return msgspec.structs.replace(run, stages=stages, stage_source=tree.note), stages == tree.stages
        well = run.status in (Status.PASSED, Status.WARNING)
        run = msgspec.structs.replace(
            run,
            stages=(whole_run(run, _stage_name(full_name)),),
            stage_source=tree.note,
            problem="" if well else await self._problem(read, path),
        )
        return run, True

    async def _blockage(self, read: ReadBuild, full_name: str) -> str:
        number = read.run.address.number
        if number is None or read.run.address not in self.blocked:
            return ""
        queue = await self._client.get("/queue/api/json", QUEUE, tree=QUEUE_TREE)
        return blockage(queue, full_name, number, read.full_display_name)

    async def _problem(self, read: ReadBuild, path: str) -> str:
        """Why an ended run has no stage. Only its log knows of a syntax error."""
        if read.interruption:
            return f"stopped: {read.interruption}"
        if read.run.status is Status.FAILED:
            try:
                return problem_in(await self._client.beginning(f"{path}/consoleText", BEGINNING))
            except SourceError:
                pass  # the log explains, it is not the run
        return f"ended as {read.run.vendor_status or 'unknown'} before its first stage"


def _stage_name(full_name: str) -> str:
    return clean(unquote(full_name.rpartition("/")[2]))
