"""Reading one run: its build, its stages, and what explains it."""

from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Gate, Run, Stage
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.names import cell_name
from tui.sources.jenkins.payload import BUILD, QUEUE, QUEUE_TREE, RUN_TREE, WF_INPUTS, Build
from tui.sources.jenkins.read.inside import InsideReader, job_of, placed
from tui.sources.jenkins.read.listing import Known, blockage
from tui.sources.jenkins.read.neighbours import Neighbours
from tui.sources.jenkins.read.problem import BEGINNING, problem_in
from tui.sources.jenkins.read.runs import ReadBuild, gates_of, read_build
from tui.sources.jenkins.read.stage_tree import Tree, settled, waiting, whole_run
from tui.sources.jenkins.read.stages import StageReader
from tui.sources.jenkins.status import run_status, shown
from tui.text.safe import clean

_A_MOMENT = 60.0
"""Seconds."""


class RunReader:
    """Two requests a run: the build and its stages.

    Others follow only where these leave something open: the queue, as long as the run was last seen in it; wfapi's
    inputs, where the core tells of none; the log, where a failed run has no stage. What goes on inside a run, and the
    run that started it, is asked for where a person looks at it (:mod:`tui.sources.jenkins.read.inside`).
    """

    def __init__(self, context: JenkinsContext) -> None:
        self.stages = StageReader(context.client)
        self.blocked: Mapping[Address, str] = {}
        """Runs that wait for a machine, as the last listing found them."""
        self.known = Known()
        """What the last listing tells of other runs."""
        self.cells: set[str] = set()
        """Full names of the cells of matrix projects that were seen."""
        self._locked: dict[Address, tuple[float, str]] = {}
        self._clock = context.clock
        self._client = context.client
        self._server = context.server
        self._neighbours = Neighbours(context)
        self._inside = InsideReader(context, self._neighbours)

    async def read(self, address: Address, path: str, full_name: str, *, whole: bool) -> tuple[Run, bool]:
        """The run, and whether the controller has nothing more to tell of it.

        Args:
            path: where it is.
            whole: with what goes on inside it and what started it.

        Raises:
            SourceError
        """
        build = await self._client.get(f"{path}/api/json", BUILD, tree=RUN_TREE)
        read = await self._client.make(
            f"GET {path}/api/json", lambda: read_build(build, address, f"{self._server}{path}/")
        )
        if not read.is_pipeline:
            stage = whole_run(read.run, _stage_name(full_name))
            stage = msgspec.structs.replace(stage, children=self._cells_of(build, address, full_name))
            run, final = msgspec.structs.replace(read.run, stages=(stage,)), not read.active
        elif read.active:
            run, final = await self._active(read, full_name, path, whole), False
        else:
            run, final = await self._ended(read, full_name, path, whole)
        if whole and read.upstream is not None:
            upstream = await self._neighbours.run(*read.upstream, self.known)
            final = final and not upstream.status.active
            run = msgspec.structs.replace(run, upstream=upstream)
        return run, final

    def locked(self) -> Mapping[Address, str]:
        """Runs that waited for a lock when they were looked at, a moment ago."""
        now = self._clock()
        self._locked = {at: seen for at, seen in self._locked.items() if 0 <= now - seen[0] < _A_MOMENT}
        return {address: words for address, (_, words) in self._locked.items()}

    def _cells_of(self, build: Build, address: Address, full_name: str) -> tuple[Stage, ...]:
        """The cells that this run of a matrix built, each a run of its own. Others are told of with the numbers of
        older ones (contracts: jenkins_observed, Matrix)."""
        stages: list[Stage] = []
        for cell in build.runs or ():
            name = cell_name(cell.url or "")
            if cell.number != build.number or not name:
                continue
            path = f"{full_name}/{name}"
            self.cells.add(path)
            active = cell.in_progress if cell.in_progress is not None else bool(cell.building)
            run = Run(
                Address(address.source, path, cell.number),
                clean(name),
                run_status(cell.result, active),
                shown(cell.result),
                started_at=cell.timestamp / 1000 if cell.timestamp else None,
                duration=None if active or cell.duration is None else max(0, cell.duration) / 1000,
            )
            job = msgspec.structs.replace(job_of(run, ""), name=clean(name), downstream=None)
            stages.append(
                msgspec.structs.replace(
                    whole_run(run, clean(name)), id=clean(name), kind="branch", jobs=(job,)
                )
            )
        return tuple(stages)

    async def _active(self, read: ReadBuild, full_name: str, path: str, whole: bool) -> Run:
        run = read.run
        tree = await self.stages.read(path, ended=False)
        gates: tuple[Gate, ...] = run.gates
        if tree.paused and not gates and read.gates_hidden and self.stages.is_wfapi:
            inputs = await self._client.get(f"{path}/wfapi/pendingInputActions", WF_INPUTS)
            gates = gates_of(inputs, run.address)
        if gates or tree.paused:
            run = msgspec.structs.replace(run, status=Status.WAITING, gates=gates)
        run = msgspec.structs.replace(
            run,
            stages=(waiting(tree.stages) if gates else tree.stages)
            or (whole_run(run, _stage_name(full_name)),),
            stage_source=tree.note,
            waiting_reason=await self._blockage(read, full_name) or tree.blockage,
        )
        if whole and tree.stages:
            run, _ = await self._with_inside(run, path, tree, ended=False)
        return run

    async def _ended(self, read: ReadBuild, full_name: str, path: str, whole: bool) -> tuple[Run, bool]:
        run = read.run
        tree = await self.stages.read(path, ended=True)
        if tree.stages:
            stages = settled(tree.stages, run.status)
            final = stages == tree.stages
            run = msgspec.structs.replace(run, stages=stages, stage_source=tree.note)
            if whole:
                run, known = await self._with_inside(run, path, tree, ended=True)
                final = final and known
            return run, final
        well = run.status in (Status.PASSED, Status.WARNING)
        run = msgspec.structs.replace(
            run,
            stages=(whole_run(run, _stage_name(full_name)),),
            stage_source=tree.note,
            problem="" if well else await self._problem(read, path),
        )
        return run, True

    async def _with_inside(self, run: Run, path: str, tree: Tree, *, ended: bool) -> tuple[Run, bool]:
        """The run with what goes on inside it, and whether none of that will change."""
        inside = await self._inside.read(run, path, tree, self.known, ended=ended)
        if inside.waiting:
            self._locked[run.address] = self._clock(), inside.waiting
        else:
            self._locked.pop(run.address, None)
        started = [job for jobs in inside.jobs.values() for job in jobs]
        run = msgspec.structs.replace(
            run,
            stages=placed(run.stages or (), inside.jobs),
            stage_source="; ".join(filter(None, (run.stage_source, inside.note))),
            waiting_reason=run.waiting_reason or inside.waiting,
        )
        return run, inside.complete and not any(job.status.active for job in started)

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
