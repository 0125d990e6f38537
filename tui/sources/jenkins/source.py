"""A Jenkins controller as a source of pipelines."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tui.config import JenkinsSettings
from tui.domain.action import ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.deployment import Changes, Environment, Environments, Validation, Version
from tui.domain.evaluation import Evaluation
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.domain.pipeline import Listing, Run
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.sources.base import SourceError, run_number
from tui.sources.jenkins.actions.service import JenkinsActions
from tui.sources.jenkins.check import Check
from tui.sources.jenkins.context import open_context
from tui.sources.jenkins.log.end import console_end
from tui.sources.jenkins.log.progressive import TextReader
from tui.sources.jenkins.log.reader import JenkinsLog
from tui.sources.jenkins.log.steps import StepReader
from tui.sources.jenkins.names import cell_path, job_path, page_of
from tui.sources.jenkins.payload import BUILD, BUILD_TREE, NEWEST_RUNS, QUEUE, QUEUE_TREE, TAG, Queue
from tui.sources.jenkins.read.deployments import Deployments, RuleFound
from tui.sources.jenkins.read.listing import JobFinder, ReadListing, attempt, read_listing
from tui.sources.jenkins.read.recent_builds import RecentBuilds, SeenBuild
from tui.sources.jenkins.read.run_reader import RunReader
from tui.sources.jenkins.read.runs import read_build
from tui.sources.jenkins.read.tests import TestReports
from tui.sources.log_end import LogEnd
from tui.text.safe import clean

READ_WHOLE = 300.0
"""Seconds after which runs that do not change by themselves are listed: somebody may have described or deleted one."""
_REMEMBERED = 500
"""Ended runs kept in memory, the least recently asked for go first."""


class JenkinsSource:
    """See :class:`tui.sources.base.PipelineSource`, :class:`tui.sources.base.ActingSource`.

    A refresh of all pipelines is two requests; a run is two while it is active, now and then one more for what goes on
    inside it, and none once it was read after its end.
    """

    def __init__(
        self, name: str, settings: JenkinsSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        """
        Raises:
            ConfigError: the url cannot be taken apart.
        """
        self._context = context = open_context(name, settings, clock)
        self._name = name
        self._server = context.server
        self._client = context.client
        self._jobs = JobFinder(context.client, settings.watch)
        self._runs = RunReader(context)
        self._tests = TestReports(context.wire, settings)
        self._texts = TextReader(context.wire, settings)
        self._steps = StepReader(context.client, self._runs.stages)
        self._user = ""
        self._sent_names: Mapping[str, str] = {}
        self._listing: Listing | None = None
        self._recent = RecentBuilds()
        self._read_whole_at = -math.inf
        self._deployments = Deployments(context, self._stages, self._sent_name)
        self._acting = JenkinsActions(context, self._sent_name)
        self._ended: OrderedDict[tuple[Address, bool], Run] = OrderedDict()
        """By address, and whether it was read with what goes on inside."""
        self._jobs_like_cells: set[str] = set()
        self._newest_pipeline_run: Address | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def newest_pipeline_run(self) -> Address | None:
        """The newest run in the last listing that can have stages."""
        return self._newest_pipeline_run

    def facts(self) -> SourceFacts:
        wire = self._context.wire
        return SourceFacts(
            name=self._name,
            type="jenkins",
            url=self._server,
            version=clean(self._client.version),
            user=self._user,
            stage_source=self._runs.stages.name,
            clock_skew=wire.clock_skew,
            requests=wire.requests,
            bytes_read=wire.bytes_read,
            rate_limit=wire.rate_limit,
        )

    async def pipelines(self) -> Listing:
        now, recent = self._context.clock(), self._recent
        few = 0 <= now - self._read_whole_at < READ_WHOLE
        runs = recent.changing if few else NEWEST_RUNS
        jobs, queue = await asyncio.gather(attempt(self._jobs.find(runs)), attempt(self._queue()))
        if isinstance(jobs, SourceError):
            raise jobs
        known = None if isinstance(queue, SourceError) else queue
        locked = self._runs.locked()
        read = await self._client.make(
            "GET /api/json",
            lambda: read_listing(
                self._name, self._server, self._context.settings.watch, jobs, known, recent, locked
            ),
        )
        read = await self._with_older(read, recent)
        self._recent = read.recent
        self._read_whole_at = self._read_whole_at if few else now
        self._sent_names = read.sent_names
        self._listing = read.listing
        self._deployments.listed(read.listing)
        self._runs.blocked = read.blocked
        self._runs.known = read.known
        self._newest_pipeline_run = read.newest_pipeline_run
        for pipeline in read.listing.pipelines:
            for run in pipeline.runs:
                self._forget_replaced(run)
        if isinstance(queue, SourceError):
            notes = (*read.listing.notes, f"the queue is not known: {queue.message}")
            return msgspec.structs.replace(read.listing, notes=notes)
        return read.listing

    async def _with_older(self, read: ReadListing, before: RecentBuilds) -> ReadListing:
        """The listing with the runs that still go on behind the newest of their jobs: each is asked for by itself."""
        behind = read.recent.left_behind(before)
        if not behind:
            return read
        found = await asyncio.gather(*(self._still(name, build) for name, build in behind))
        older: dict[str, tuple[SeenBuild, ...]] = {}
        for (name, _), build in zip(behind, found, strict=True):
            if build is not None:
                older[name] = (*older.get(name, ()), build)
        pipelines = tuple(
            msgspec.structs.replace(
                row,
                runs=row.runs + tuple(build.read.run for build in older.get(row.address.path, ())),
            )
            for row in read.listing.pipelines
        )
        return msgspec.structs.replace(
            read,
            listing=msgspec.structs.replace(read.listing, pipelines=pipelines),
            recent=msgspec.structs.replace(read.recent, older=older),
        )

    async def _still(self, full_name: str, build: SeenBuild) -> SeenBuild | None:
        """The build as it is now; None: it has ended, or is gone. One that cannot be read stays as it was."""
        path = f"{job_path(full_name)}/{build.number}"
        answer = await attempt(self._client.get(f"{path}/api/json", BUILD, tree=BUILD_TREE))
        if isinstance(answer, SourceError):
            return None if answer.trouble is Trouble.NOT_FOUND else build
        address, sent = build.read.run.address, answer
        now = await self._client.make(
            f"GET {path}/api/json", lambda: read_build(sent, address, f"{self._server}{path}/")
        )
        return msgspec.structs.replace(build, sent=b"", read=now) if now.active else None

    async def run(self, address: Address) -> Run:
        return await self._run(address.of_run, whole=True)

    async def _stages(self, address: Address) -> Run:
        """A run for what needs its stages only: what goes on inside of them costs more."""
        return await self._run(address.of_run, whole=False)

    async def _run(self, address: Address, *, whole: bool) -> Run:
        full_name, _ = self._place(address)
        key = address, whole
        known = self._ended.get((address, True)) or self._ended.get(key)
        if known is not None:
            self._ended.move_to_end(key if key in self._ended else (address, True))
            return known
        run, final = await self._runs.read(address, await self._where(address), full_name, whole=whole)
        if final:
            self._ended[key] = run
            if len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
        return run

    async def tests(self, address: Address) -> TestReport:
        return await self._tests.read(await self._where(address), run_number(address))

    async def case(self, address: Address, key: CaseKey) -> CaseDetails:
        return await self._tests.case(await self._where(address), key)

    def log(self, address: Address, tail: int = 0) -> JenkinsLog:
        self._place(address)
        return JenkinsLog(
            self._texts, self._steps, self._stages, address, lambda: self._where(address), tail=tail
        )

    async def log_end(self, run: Run, size: int) -> LogEnd:
        return await console_end(self._texts, self._where, run, size)

    async def _where(self, address: Address) -> str:
        """The path of a run.

        Raises:
            SourceError
        """
        full_name, number = self._place(address)
        return f"{await self._path(full_name)}/{number}"

    async def _path(self, full_name: str) -> str:
        """Where a job lies. Whether ``AXIS=value`` is one or a cell of a matrix, the controller is asked once.

        Raises:
            SourceError
        """
        cell = cell_path(full_name)
        if cell is None or full_name in self._recent.builds:
            return job_path(full_name)
        if full_name not in self._runs.cells and full_name not in self._jobs_like_cells:
            try:
                await self._client.get(f"{cell}/api/json", TAG, tree="_class")
                self._runs.cells.add(full_name)
            except SourceError as error:
                if error.trouble is not Trouble.NOT_FOUND:
                    raise
                self._jobs_like_cells.add(full_name)
        return cell if full_name in self._runs.cells else job_path(full_name)

    async def _is_cell(self, target: Address) -> bool:
        full_name = self._sent_name(target.path)
        return await self._path(full_name) == cell_path(full_name)

    async def environments(self, pipeline: Address) -> Environments:
        return await self._deployments.environments(pipeline, await self._listed())

    async def history(self, environment: Address) -> Environment:
        return await self._deployments.history(environment, await self._listed())

    async def changes(self, old: Version, new: Version) -> Changes:
        return await self._deployments.changes(old, new)

    async def validation(self, run: Address, file: str) -> Validation:
        return await self._deployments.validation(run.of_run, file)

    async def evaluation(self, run: Address, file: str) -> Evaluation:
        return await self._deployments.evaluation(run.of_run, file)

    async def account(self) -> str:
        return await self._acting.account()

    async def write_access(self) -> WriteAccess:
        return await self._acting.write_access()

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return () if await self._is_cell(target) else await self._acting.offers(target)

    async def plan(self, request: ActionRequest) -> Plan:
        if await self._is_cell(request.target):
            job = request.target.path.rpartition("/")[0]
            return Plan(
                request,
                f"{request.kind.value} {request.target}",
                server=self._server,
                possible=False,
                why_not=f"a cell of a matrix is started and stopped with the whole: {Address(self._name, job)}",
            )
        return await self._acting.plan(request)

    def remember(self, step: Step, at: float) -> None:
        """See :class:`tui.sources.base.RunCachingSource`."""
        self._acting.remember(step, at)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._acting.send(step, secrets)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        return await self._acting.observe(step, reply)

    async def explained(self) -> Sequence[RuleFound]:
        """What each rule of ``deployments`` makes of the runs that are known.

        Raises:
            SourceError
        """
        return await self._deployments.explained(await self._listed())

    async def _listed(self) -> Listing:
        """What was listed last; deployments cost no listing of their own."""
        return self._listing if self._listing is not None else await self.pipelines()

    def _place(self, address: Address) -> tuple[str, int]:
        """The full name of the job and the number of the build that an address names.

        Raises:
            SourceError
        """
        return self._sent_name(address.path), run_number(address)

    def _sent_name(self, path: str) -> str:
        return self._sent_names.get(path, path)

    async def _queue(self) -> Queue:
        return await self._client.get("/queue/api/json", QUEUE, tree=QUEUE_TREE)

    def _forget_replaced(self, listed: Run) -> None:
        """A job that was deleted and made again counts its builds from 1 (contracts: jenkins §13)."""
        for key in ((listed.address, True), (listed.address, False)):
            known = self._ended.get(key)
            if known and known.created_at != listed.created_at:
                del self._ended[key]

    async def check(self) -> tuple[Finding, ...]:
        check = Check(self, self._context)
        findings = await check.findings()
        self._user = check.user
        return findings

    async def address_of(self, url: str) -> Address | None:
        """See :class:`tui.sources.base.WebSource`. Nothing is asked: the path tells all."""
        if (place := page_of(url)) is None:
            return None
        name, number = place
        return Address(self._name, clean(name), number)

    def ask_early(self) -> bool:
        return self._context.wire.ask_early()

    async def close(self) -> None:
        await self._client.close()
        await self._tests.close()
        await self._texts.close()
        await self._acting.close()
