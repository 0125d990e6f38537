"""One run, whole: its stages and jobs, older attempts, and the runs it started down to their jobs."""

from collections.abc import Mapping

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Run
from tui.sources.base import SourceError, run_number
from tui.sources.gitlab.context import GitLabContext, ProjectContext
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.graphql_client import GraphQLRefused
from tui.sources.gitlab.graphql_queries import PIPELINE_DETAIL
from tui.sources.gitlab.lru_cache import LruCache
from tui.sources.gitlab.payload import (
    JobNode,
    PipelineNode,
    RestJob,
    RestPipeline,
    RestProject,
    TestSummary,
    nodes,
)
from tui.sources.gitlab.read.assemble import assemble
from tui.sources.gitlab.read.convert import (
    PipelineDetail,
    RecentPipeline,
    Reference,
    detail_of_node,
    detail_of_rest,
)
from tui.sources.gitlab.read.surroundings import Surroundings
from tui.sources.gitlab.rest_client import MOST_PAGES, project_url
from tui.sources.gitlab.status import read_status
from tui.text.safe import clean, shorten

DEPTH = 2
"""How many runs below the one asked for are read; GitLab nests child pipelines no deeper."""
MOST_DOWNSTREAM = 30
"""Downstream runs read for one run; of others only the status is shown."""
KEEP = 60.0
"""Seconds for which a finished run is good that nothing else tells of: it may have been retried."""

_pipeline = msgspec.json.Decoder(RestPipeline)
_jobs = msgspec.json.Decoder(tuple[RestJob, ...])
_summary = msgspec.json.Decoder(TestSummary)
_project = msgspec.json.Decoder(RestProject)


class _Kept(msgspec.Struct, frozen=True):
    run: Run
    stamp: float | None
    at: float


class _Reading:
    """One run being read, with all below it."""

    def __init__(self) -> None:
        self.left = MOST_DOWNSTREAM
        """Downstream runs that may still be read."""
        self.whole = True
        """Nothing is missing that may come another time."""


class RunReader:
    """Reads runs. What is finished and read whole is kept and not asked again."""

    def __init__(self, context: GitLabContext) -> None:
        self._context = context
        self._rest = context.rest
        self._graphql = context.graphql
        self._fallback = context.fallback
        self._clock = context.clock
        self._surroundings = Surroundings(context.rest, context.clock)
        self._kept: LruCache[int, _Kept] = LruCache(128)
        self._iids: LruCache[int, str] = LruCache(1024)
        self._paths: LruCache[int, str] = LruCache(1024)

    async def read(self, address: Address, recent: Mapping[int, RecentPipeline]) -> Run:
        """The run at ``address``; ``recent`` is what the last listing told of it and others.

        Raises:
            SourceError
        """
        id = run_number(address, "ID")
        listed = recent.get(id)
        if kept := self._recall(id, listed):
            return _caused(kept, listed)
        reference = Reference(id, address.path, listed.iid if listed else "")
        return _caused(await self._read(address.path, reference, 0, _Reading()), listed)

    def childless(self, address: Address, recent: Mapping[int, RecentPipeline]) -> bool:
        """The run was read whole as it ended, and has started no other."""
        id = run_number(address, "ID")
        kept = self._recall(id, recent.get(id))
        return kept is not None and not _downstream(kept)

    # --- what is kept ---------------------------------------------------------------------------------------------

    def _recall(self, id: int, listed: RecentPipeline | None, vendor_status: str = "") -> Run | None:
        """A finished run as it was read, while it is certain, or nearly so, that it was not retried since.

        It is certain while the listing tells the same of it. Runs below one that is not part of a listing may be
        retried without a trace in it, so they are good for a while only.
        """
        kept = self._kept.get(id)
        if kept is None:
            return None
        young = self._clock() - kept.at < KEEP
        if listed is not None:
            same = listed.run.vendor_status == kept.run.vendor_status and listed.stamp == kept.stamp
            return kept.run if same and (young or not _downstream(kept.run)) else None
        return kept.run if young and vendor_status in ("", kept.run.vendor_status) else None

    def _keep(self, run: Run, stamp: float | None) -> None:
        below = _downstream(run)
        if run.status.finished and run.address.number and all(_complete(child) for child in below):
            self._kept.put(run.address.number, _Kept(run, stamp, self._clock()))

    # --- reading --------------------------------------------------------------------------------------------------

    async def _read(self, path: str, reference: Reference, depth: int, reading: _Reading) -> Run:
        place = self._context.project(path)
        detail = await self._fallback.ask(
            PIPELINE_DETAIL.name,
            lambda: self._by_graphql(place, reference, reading),
            lambda: self._by_rest(place, reference),
            str(place.run(reference.id)),
        )
        begun = await gather(
            self._with_downstream(piece.job, piece.downstream, depth, reading)
            for piece in detail.pieces
            if piece.downstream
        )
        bridges = {job.id: job for job in begun}
        staged = [(piece.stage, bridges.get(piece.job.id, piece.job)) for piece in detail.pieces]
        if holders := await self._surroundings.with_holders(path, (job for _, job in staged)):
            staged = [
                (stage, msgspec.structs.replace(job, reason=holders.get(job.id, job.reason)))
                for stage, job in staged
            ]
        run = assemble(detail.run, detail.stages, staged)
        if depth == 0:
            facts = await self._surroundings.facts(run, detail.ref, detail.merge_request)
            run = msgspec.structs.replace(run, facts=facts)
        if reading.whole:
            self._keep(run, detail.stamp)
        return run

    async def _with_downstream(self, job: Job, reference: Reference, depth: int, reading: _Reading) -> Job:
        """``job`` with the run it started as far as that can be read."""
        try:
            project = await self._path_of(reference.project)
            if depth >= DEPTH or reading.left <= 0 or job.retried:
                run = self._bare(project, reference)
            elif (kept := self._recall(reference.id, None, reference.vendor_status)) is not None:
                run = kept
            else:
                reading.left -= 1
                run = await self._read(project, reference, depth + 1, reading)
        except SourceError as error:
            if concerns_all(error):
                raise
            reading.whole &= error.trouble in (Trouble.NOT_FOUND, Trouble.FORBIDDEN)
            shown = shorten(f"{reference.project}#{reference.id}", 80)
            reason = f"its downstream run {shown} cannot be read: {error.message}"
            known = self._bare(reference.project, reference) if isinstance(reference.project, str) else None
            return msgspec.structs.replace(job, downstream=known, reason=job.reason or reason)
        return msgspec.structs.replace(job, downstream=run)

    def _bare(self, path: str, reference: Reference) -> Run:
        """What a reference alone tells."""
        place = self._context.project(path)
        status = read_status(reference.vendor_status).status
        return Run(
            address=place.run(reference.id),
            title=f"#{reference.id}",
            status=status,
            vendor_status=reference.vendor_status,
            web_url=place.url("pipelines", reference.id),
        )

    async def _path_of(self, project: str | int) -> str:
        if isinstance(project, str):
            return project
        path = self._paths.get(project)
        if path is None:
            path = clean((await self._rest.read(_project, project_url(project))).path_with_namespace)
            self._paths.put(project, path)
        return path

    # --- GraphQL --------------------------------------------------------------------------------------------------

    async def _by_graphql(
        self, place: ProjectContext, reference: Reference, reading: _Reading
    ) -> PipelineDetail:
        iid = reference.iid or await self._iid(place.path, reference.id)
        left_out: list[str] = []
        jobs: dict[str, JobNode] = {}
        pipeline = await self._page(place, reference.id, iid, None, left_out)
        for _ in range(MOST_PAGES):
            for job in nodes(pipeline.jobs):
                jobs[job.id or f"{job.name} {len(jobs)}"] = job
            page = pipeline.jobs.page_info if pipeline.jobs else None
            if page is None or not page.has_next_page or not page.end_cursor:
                break
            pipeline = await self._page(place, reference.id, iid, page.end_cursor, left_out)
        detail = detail_of_node(place, pipeline, jobs.values())
        reading.whole &= not left_out
        if left_out and not detail.run.problem:
            problem = f"GitLab left something out: {shorten('; '.join(dict.fromkeys(left_out)), 200)}"
            return msgspec.structs.replace(detail, run=msgspec.structs.replace(detail.run, problem=problem))
        return detail

    async def _page(
        self, place: ProjectContext, id: int, iid: str, after: str | None, left_out: list[str]
    ) -> PipelineNode:
        variables = {"path": place.path, "iid": iid} | ({"after": after} if after else {})
        data, errors = await self._graphql.ask(PIPELINE_DETAIL, **variables)
        left_out += [clean(error.message) for error in errors]
        if data.project is None or data.project.pipeline is None:
            why = shorten("; ".join(left_out), 200) or "it does not exist, or this user may not see it"
            raise SourceError(Trouble.NOT_FOUND, f"{place.run(id)} cannot be read: {why} (POST /api/graphql)")
        return data.project.pipeline

    async def _iid(self, path: str, id: int) -> str:
        """GraphQL knows a project's pipelines by iid, addresses by id; REST knows both."""
        if known := self._iids.get(id):
            return known
        pipeline = await self._rest.read(_pipeline, f"{project_url(path)}/pipelines/{id}")
        if pipeline.iid is None:
            raise GraphQLRefused(
                Trouble.REFUSED,
                f"{self._context.name} does not tell the iid of pipelines, which GraphQL needs",
            )
        self._iids.put(id, str(pipeline.iid))
        return str(pipeline.iid)

    # --- REST -----------------------------------------------------------------------------------------------------

    async def _by_rest(self, place: ProjectContext, reference: Reference) -> PipelineDetail:
        url = f"{project_url(reference.project)}/pipelines/{reference.id}"
        pipeline = await self._rest.read(_pipeline, url)
        if pipeline.project_id is not None:
            self._paths.put(pipeline.project_id, place.path)
        builds, bridges = await gather(
            (
                self._rest.pages(_jobs, f"{url}/jobs", {"include_retried": "true"}),
                self._rest.pages(_jobs, f"{url}/bridges"),
            )
        )
        tests = None
        try:
            tests = (await self._rest.read(_summary, f"{url}/test_report_summary")).total
        except SourceError as error:
            if concerns_all(error):
                raise
        return detail_of_rest(place, pipeline, (*builds, *bridges), tests)


def _caused(run: Run, listed: RecentPipeline | None) -> Run:
    """``run`` with the cause that the listing told, where GraphQL does not tell it (before 17)."""
    if listed is None or run.trigger or not listed.run.trigger:
        return run
    return msgspec.structs.replace(run, trigger=listed.run.trigger, cause=listed.run.cause)


def _downstream(run: Run) -> list[Run]:
    jobs = (job for stage in run.stages or () for job in stage.jobs)
    return [job.downstream for job in jobs if job.downstream is not None]


def _complete(run: Run) -> bool:
    """It is finished, and so is all below it."""
    return run.status.finished and all(map(_complete, _downstream(run)))
