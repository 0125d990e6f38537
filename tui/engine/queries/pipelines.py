"""Queries for the pipelines of a source and for one run."""

from collections.abc import Collection, Iterator

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.pipeline import Listing, Run, Stage
from tui.domain.status import Status
from tui.engine.queries.base import NEVER, Context, Query
from tui.engine.store import Readings
from tui.sources.base import PipelineSource

# The waits follow Jenkins' own pages and its operators' advice (contracts: jenkins §13).
LISTING_BUSY = 10.0
LISTING_IDLE = 30.0
RUN_ACTIVE = 3.0
RUN_WAITING = 10.0
RUN_UNKNOWN = 30.0

_BUSY = frozenset({Status.QUEUED, Status.RUNNING})


class PipelinesOf(Query[Listing], frozen=True):
    """All watched pipelines of a source, by its name in the config."""

    of: str

    def source(self, settings: Settings) -> str:
        return self.of

    async def fetch(self, context: Context) -> Listing:
        return await (await context.sources.get(self.of, PipelineSource)).pipelines()

    def wait(self, answer: Listing) -> float:
        # A run that waits for a person does not count: GitLab pipelines are parked at manual jobs for weeks.
        busy = any(
            pipeline.queue or any(run.status in _BUSY for run in pipeline.runs)
            for pipeline in answer.pipelines
        )
        return LISTING_BUSY if busy else LISTING_IDLE

    async def recall(self, context: Context) -> tuple[Listing, float] | None:
        return await context.runs.listing(self.of)

    async def keep(self, context: Context, answer: Listing, at: float) -> None:
        await context.runs.keep_listing(self.of, answer, at)


class RunAt(Query[Run], frozen=True):
    """One run with its stages and jobs."""

    address: Address

    def source(self, settings: Settings) -> str:
        return self.address.source

    async def fetch(self, context: Context) -> Run:
        """From disk where it was read by an earlier start, ended as the list tells; whoever asks again wants news."""
        source = await context.sources.get(self.address.source, PipelineSource)
        if context.own.get(self).value is None:
            kept = await context.runs.run(source, listed_run(context.store, self.address))
            if kept is not None:
                return kept
        run = await source.run(self.address)
        if self.wait(run) == NEVER:
            await context.runs.keep_run(source, run)
        return run

    def wait(self, answer: Run) -> float:
        if answer.status in _BUSY:
            return RUN_ACTIVE
        if answer.status is Status.WAITING:
            return RUN_WAITING
        if answer.status is Status.UNKNOWN:
            return RUN_UNKNOWN
        # A run need not wait for those it started; they are shown in it, and so is the one that started it.
        others = [*_downstream(answer.stages or ()), *([answer.upstream] if answer.upstream else [])]
        return RUN_WAITING if any(run.status.active for run in others) else NEVER


def runs_in(listing: Listing | None, paths: Collection[Address]) -> Iterator[Run]:
    """The listed runs of the pipelines at ``paths``."""
    for pipeline in listing.pipelines if listing is not None else ():
        if pipeline.address in paths:
            yield from pipeline.runs


def listed_run(store: Readings, address: Address) -> Run | None:
    """The run as it was listed last; None where it is not among those listed."""
    listing = store.get(PipelinesOf(address.source)).value
    return next((run for run in runs_in(listing, (address.pipeline,)) if run.address == address), None)


async def known_run(context: Context, address: Address, source: PipelineSource) -> Run:
    """The run as it was listed or read; asked for where neither tells how it stands.

    The listing goes first: it is always kept current, and a run that has ended may have been retried since.

    Raises:
        SourceError
    """
    for run in (listed_run(context.store, address), context.store.get(RunAt(address)).value):
        if run is not None and (run.duration is not None or not run.status.finished):
            return run
    return await source.run(address)


async def read_run(context: Context, address: Address) -> Run:
    """The run with its stages: as it is known, where it has ended.

    Raises:
        SourceError
    """
    known = context.store.get(RunAt(address)).value
    return known if known is not None and known.status.finished else await context.read(RunAt(address))


def _downstream(stages: tuple[Stage, ...]) -> Iterator[Run]:
    for stage in stages:
        yield from _downstream(stage.children)
        for job in stage.jobs:
            if job.downstream is not None:
                yield job.downstream
                yield from _downstream(job.downstream.stages or ())
