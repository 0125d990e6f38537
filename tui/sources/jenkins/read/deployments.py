"""Deployments of a controller, which itself knows none: what the configured rules make of its runs
(contracts: jenkins §11)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from urllib.parse import quote

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Changes, Commit, Environment, Environments, Validation, Version
from tui.domain.evaluation import Evaluation
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Pipeline, Run
from tui.insight.deployment_rules import DeploymentRule
from tui.insight.derived_deployments import RuleMatch, environments, explain
from tui.sources.artifact import LARGEST, read_numbers
from tui.sources.base import SourceError, run_number
from tui.sources.evaluation.report import LARGEST as LARGEST_REPORT
from tui.sources.evaluation.report import read_evaluation
from tui.sources.http.bounds import moment
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.names import job_path
from tui.sources.jenkins.payload import (
    BUILDS,
    BUILDS_TREE,
    CHANGED_BUILDS,
    CHANGED_BUILDS_TREE,
    OLDER_RUNS,
    ChangedBuild,
)
from tui.sources.jenkins.read.runs import read_build
from tui.text.safe import clean, shorten
from tui.threads import in_thread

MOST_JOBS = 20
"""Jobs whose older runs are read for one question."""
STAGED_RUNS = 10
"""Newest runs whose stages are read where a rule looks for stages."""

FullName = Callable[[str], str]
ReadRun = Callable[[Address], Awaitable[Run]]


class RuleFound(msgspec.Struct, frozen=True):
    """What one rule makes of the runs that are known."""

    rule: DeploymentRule
    jobs: int
    """Watched jobs that it covers."""
    hits: tuple[RuleMatch, ...]
    misses: tuple[tuple[str, tuple[Address, ...]], ...]
    """Runs that it could not read, by reason."""
    absent: tuple[str, ...] = ()
    """Jobs it would start that are not watched."""


class Deployments:
    """Derives environments, from what the listings tell and one deeper look at each job that deploys.

    Args:
        run: reads a run with its stages.
        full_name: the name of a job as the server knows it, by its cleaned one.
    """

    def __init__(
        self,
        context: JenkinsContext,
        run: ReadRun,
        full_name: FullName,
    ) -> None:
        self._client = context.client
        self._server = context.server
        self._rules = context.settings.deployments
        self._run = run
        self._full_name = full_name
        self._older: dict[str, dict[int, Run]] = {}
        """By path, the runs of the jobs that were looked at deeper, by number."""
        self._reading = asyncio.Lock()

    def listed(self, listing: Listing) -> None:
        """Take what a new listing tells of the jobs that were looked at deeper."""
        for pipeline in listing.pipelines:
            path = pipeline.address.path
            if (known := self._older.get(path)) is not None and not _continues(known, pipeline.runs):
                del self._older[path]

    async def environments(self, address: Address, listing: Listing) -> Environments:
        """The environments that the job at ``address`` deploys to.

        Raises:
            SourceError: the job is not watched, or cannot be read.
        """
        own = next((pipeline for pipeline in listing.pipelines if pipeline.address == address.pipeline), None)
        if own is None:
            raise SourceError(Trouble.NOT_FOUND, f"{address.pipeline} is not among the watched jobs")
        if not self._rules:
            words = (
                "Jenkins knows no deployments; "
                f"[[sources.{address.source}.deployments]] in the config says which runs are some"
            )
            return Environments((), (words,))
        rules = [rule for rule in self._rules if rule.covers(own.address.path)]
        if not rules:
            return Environments((), (f"no rule of [[sources.{address.source}.deployments]] covers this job",))
        others = [
            pipeline
            for pipeline in listing.pipelines
            if pipeline is not own and any(rule.app and rule.covers(pipeline.address.path) for rule in rules)
        ]
        found, notes = await self._derive((own, *others), listing)
        mine = tuple(pipeline for pipeline in found if _deploys(own, pipeline))
        if not mine and not notes:
            reasons = [why for _, _, misses in explain(self._rules, [self._known(own)]) for why in misses]
            notes = (f"none of its runs was a deployment{f': {reasons[0]}' if reasons else ''}",)
        return Environments(mine, notes)

    async def history(self, environment: Address, listing: Listing) -> Environment:
        """One environment with all that is known of its past.

        Raises:
            SourceError
        """
        # A job that is an app of its own, or all that may deploy an app that the rules name.
        own = [pipeline for pipeline in listing.pipelines if pipeline.address == environment.pipeline]
        named = [rule for rule in self._rules if rule.app is not None]
        sharing = [
            pipeline
            for pipeline in listing.pipelines
            if any(rule.covers(pipeline.address.path) for rule in named)
        ]
        for jobs in (own, sharing):
            found, notes = await self._derive(jobs, listing)
            for derived in found:
                if derived.address == environment:
                    return msgspec.structs.replace(
                        derived, read_since=self._read_since(jobs), notes=(*derived.notes, *notes)
                    )
        raise SourceError(
            Trouble.NOT_FOUND, f"no run that is known was a deployment to {environment}; see pipedeck check"
        )

    async def explained(self, listing: Listing) -> Sequence[RuleFound]:
        """What each rule makes of the runs that are known; asks for nothing but stages.

        Raises:
            SourceError
        """
        covered = [
            pipeline
            for pipeline in listing.pipelines
            if any(rule.covers(pipeline.address.path) for rule in self._rules)
        ]
        known = [
            await self._staged(pipeline) if number < MOST_JOBS else self._known(pipeline)
            for number, pipeline in enumerate(covered)
        ]
        watched = {pipeline.address.path for pipeline in listing.pipelines}
        return [
            RuleFound(
                rule=self._rules[number],
                jobs=sum(self._rules[number].covers(pipeline.address.path) for pipeline in covered),
                hits=tuple(hits),
                misses=tuple((why, tuple(runs)) for why, runs in misses.items()),
                absent=tuple(
                    start.job
                    for start in (self._rules[number].rollback, self._rules[number].retrain)
                    if start is not None and start.job not in watched
                ),
            )
            for number, hits, misses in explain(self._rules, known)
        ]

    async def changes(self, old: Version, new: Version) -> Changes:
        """What the runs after the one of ``old`` up to that of ``new`` say they changed.

        Raises:
            SourceError
        """
        first, last = old.run, new.run
        if first is None or last is None or first.number is None or last.number is None:
            return Changes((), ("the run behind one of them is not known",))
        if first.pipeline != last.pipeline:
            return Changes((), (f"{first} and {last} are runs of two jobs: what lies between, no job tells",))
        low, high = sorted((first.number, last.number))
        path = f"{job_path(self._full_name(last.path))}/api/json"
        answer = await self._client.get(path, CHANGED_BUILDS, tree=CHANGED_BUILDS_TREE)
        between = [build for build in answer.builds or () if low < build.number <= high]
        commits = list(_commits(between, last.pipeline))
        notes = []
        if len(between) < high - low:
            gone = high - low - len(between)
            notes.append(f"{gone} of the {high - low} runs between were deleted: their commits are not known")
        if not commits:
            notes.append("Jenkins recorded no changes for these runs")
        return Changes(tuple(commits), tuple(notes))

    async def validation(self, run: Address, file: str) -> Validation:
        """The numbers in one artifact of a run.

        Raises:
            SourceError
        """
        body = await self._artifact(run, file, LARGEST)
        if body is None:
            return Validation((), (f"{run} has no artifact {clean(file)}",))
        return read_numbers(body, file)

    async def evaluation(self, run: Address, file: str) -> Evaluation:
        """What a report among the artifacts of a run says.

        Raises:
            SourceError
        """
        body = await self._artifact(run, file, LARGEST_REPORT)
        if body is None:
            return Evaluation(clean(file), problem=f"{run} has no such artifact", missing=True)
        return await in_thread(partial(read_evaluation, body, file))

    async def _artifact(self, run: Address, file: str, largest: int) -> bytes | None:
        """A file that a run left, or a little more than ``largest`` bytes of it; None: it is not there.

        Raises:
            SourceError
        """
        where = f"{job_path(self._full_name(run.path))}/{run_number(run)}/artifact/{quote(file)}"
        try:
            return (await self._client.beginning(where, largest + 1)).encode()
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return None
            raise

    # --- the runs of jobs ------------------------------------------------------------------------------------------

    async def _derive(
        self, wanted: Sequence[Pipeline], listing: Listing
    ) -> tuple[tuple[Environment, ...], tuple[str, ...]]:
        notes = []
        if (more := len(wanted) - MOST_JOBS) > 0:
            notes.append(
                f"{more} of {len(wanted)} jobs that may deploy it were read no further than the list"
            )
        pipelines: list[Pipeline] = []
        for number, pipeline in enumerate(wanted):
            if number >= MOST_JOBS:
                pipelines.append(self._known(pipeline))
                continue
            try:
                await self._look_deeper(pipeline)
            except SourceError as error:
                if not number:
                    raise
                notes.append(f"older runs of {pipeline.address} are not known: {error.message}")
            pipelines.append(await self._staged(pipeline))
        return environments(self._rules, pipelines, listing.pipelines), tuple(notes)

    async def _look_deeper(self, pipeline: Pipeline) -> None:
        """Read the job's older runs, once."""
        path = pipeline.address.path
        async with self._reading:
            if path in self._older:
                return
            full_name = self._full_name(path)
            where = f"{job_path(full_name)}/api/json"
            answer = await self._client.get(where, BUILDS, tree=BUILDS_TREE)
            self._older[path] = await self._client.make(
                f"GET {where}",
                lambda: {
                    build.number: read_build(
                        build,
                        pipeline.address.at_run(build.number),
                        f"{self._server}{job_path(full_name)}/{build.number}/",
                    ).run
                    for build in answer.builds or ()
                    if build.number is not None
                },
            )

    def _read_since(self, jobs: Iterable[Pipeline]) -> float | None:
        """When the oldest run that was read of each job had begun, where it may have older ones."""
        times = []
        for job in jobs:
            known = self._older.get(job.address.path, {})
            if len(known) >= OLDER_RUNS and (at := known[min(known)].started_at) is not None:
                times.append(at)
        return max(times, default=None)

    def _known(self, pipeline: Pipeline) -> Pipeline:
        """``pipeline`` with all its runs that are known, newest first."""
        listed = {run.address.number: run for run in pipeline.runs if run.address.number is not None}
        runs = self._older.get(pipeline.address.path, {}) | listed
        return msgspec.structs.replace(
            pipeline, runs=tuple(runs[number] for number in sorted(runs, reverse=True))
        )

    async def _staged(self, pipeline: Pipeline) -> Pipeline:
        """``pipeline`` with all its runs, and with their stages where a rule looks at them."""
        known = self._known(pipeline)
        if not any(rule.reads_stages and rule.covers(pipeline.address.path) for rule in self._rules):
            return known
        runs = []
        for number, run in enumerate(known.runs):
            if number < STAGED_RUNS:
                try:
                    read = await self._run(run.address)
                except SourceError as error:
                    if error.trouble is not Trouble.NOT_FOUND:
                        raise
                else:
                    run = msgspec.structs.replace(run, stages=read.stages)
            runs.append(run)
        return msgspec.structs.replace(known, runs=tuple(runs))


def _deploys(pipeline: Pipeline, environment: Environment) -> bool:
    return any(
        deployment.run is not None and deployment.run.pipeline == pipeline.address
        for deployment in environment.deployments
    )


def _continues(known: dict[int, Run], runs: Sequence[Run]) -> bool:
    """Put ``runs``, the newest of a job, into what is known of it. False where there is a gap between the two, or
    the job was made anew and its numbers stand for other runs (contracts: jenkins §13)."""
    listed = {run.address.number: run for run in runs if run.address.number is not None}
    if not listed:
        return not known
    oldest = min(listed)
    if known and oldest > max(known) + 1:
        return False
    if any(number in known and known[number].created_at != run.created_at for number, run in listed.items()):
        return False
    for number in [number for number in known if number >= oldest and number not in listed]:
        del known[number]  # deleted meanwhile
    known.update(listed)
    return True


def _commits(builds: Iterable[ChangedBuild], job: Address) -> Iterable[Commit]:
    """Each commit once, newest first."""
    seen: set[str] = set()
    for build in sorted(builds, key=lambda it: -it.number):
        sets = (*(build.change_sets or ()), *((build.change_set,) if build.change_set else ()))
        items = [item for change_set in sets for item in change_set.items or ()]
        for item in sorted(items, key=lambda it: -(it.timestamp or 0)):
            revision = clean(item.commit_id or "")
            if revision and revision in seen:
                continue
            seen.add(revision)
            yield Commit(
                revision=revision,
                title=shorten(clean((item.msg or "").strip()), 200),
                author=clean((item.author and item.author.full_name) or ""),
                at=moment(item.timestamp),
                run=job.at_run(build.number),
            )
