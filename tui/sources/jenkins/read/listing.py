"""The watched jobs, their newest runs and the queue as a listing."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import UNSET

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Pipeline, QueueItem, Run
from tui.sources.base import SourceError
from tui.sources.http.bounds import moment
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.names import common_folder, job_path, matching, may_hold, place_of
from tui.sources.jenkins.payload import JOBS, LEVELS, Job, Queue, Task, jobs_tree
from tui.sources.jenkins.payload import QueueItem as QueuedItem
from tui.sources.jenkins.read.recent_builds import RecentBuilds, SeenBuild, newest
from tui.sources.jenkins.read.runs import actions_of, cause_of, parameters_of, upstream_of
from tui.text.safe import clean, shorten

T = TypeVar("T")

MOST_JOBS = 20_000
"""Jobs that are listed; nobody finds anything among more, and the deck would be slow."""
_PLACEHOLDER = "PlaceholderTask"
_PART_OF = "part of "


class FoundJobs(msgspec.Struct, frozen=True):
    runs: int
    """How many of the newest runs were asked for."""
    jobs: tuple[tuple[str, Job], ...]
    """Full names as sent, with their jobs, in the server's order."""
    notes: tuple[str, ...]


class Known(msgspec.Struct, frozen=True):
    """What a listing tells of other runs to whoever looks at one."""

    jobs: frozenset[str] = frozenset()
    """Full names of those that are listed."""
    runs: Mapping[Address, Run] = {}
    started: Mapping[tuple[str, int], tuple[Run, ...]] = {}
    """The runs that a run has started, oldest first, by its full name and number."""
    queued: Mapping[tuple[str, int, str], str] = {}
    """Why one waits that a run has asked for, by that run and the full name of the job."""


class ReadListing(msgspec.Struct, frozen=True):
    listing: Listing
    sent_names: Mapping[str, str]
    """The full name of a job that has letters which are not shown, by what is seen of it: as addresses once spelled
    it. Not where that is another job's."""
    blocked: Mapping[Address, str]
    """Why active runs wait for a machine, by their addresses."""
    newest_pipeline_run: Address | None
    """The newest run that can have stages."""
    recent: RecentBuilds
    known: Known


async def attempt(question: Coroutine[Any, Any, T]) -> T | SourceError:
    """A failure as a value, so that one question can fail beside another."""
    try:
        return await question
    except SourceError as error:
        return error


class JobFinder:
    """Finds the jobs that globs can match.

    One request reads the folder that holds them all, several levels deep; others follow only where that was not deep
    enough. A glob's literal part may also be a decoded branch name (``service/feature/x``), which is no folder: then
    the search starts one folder higher, and stays there until the controller restarts.
    """

    def __init__(self, client: Client, globs: Sequence[str]) -> None:
        self._client = client
        self._globs = tuple(globs)
        self._session = ""
        self._folder = common_folder(self._globs)

    async def find(self, runs: int) -> FoundJobs:
        """The jobs with the newest ``runs`` of each.

        Raises:
            SourceError: when the first folder cannot be read. Others that cannot become notes.
        """
        if self._client.session != self._session:
            self._session, self._folder = self._client.session, common_folder(self._globs)
        while True:
            try:
                top = await self._children(self._folder, runs)
                break
            except SourceError as error:
                if error.trouble is not Trouble.NOT_FOUND or not self._folder:
                    raise
                self._folder = self._folder.rpartition("/")[0]
        found: dict[str, Job] = {}
        notes: list[str] = []
        folders = self._sort(self._folder, top, found)
        while folders:
            answers = await asyncio.gather(*(attempt(self._children(folder, runs)) for folder in folders))
            deeper: list[str] = []
            for folder, answer in zip(folders, answers, strict=True):
                if isinstance(answer, SourceError):
                    notes.append(f"folder {clean(folder)}: {answer.message}")
                else:
                    deeper += self._sort(folder, answer, found)
            folders = deeper
        return FoundJobs(runs, tuple(found.items()), tuple(notes))

    async def _children(self, folder: str, runs: int) -> tuple[Job, ...]:
        path = f"{job_path(folder)}/api/json"
        answer = await self._client.get(path, JOBS, tree=jobs_tree(runs))
        if answer.jobs is UNSET and not folder:
            raise SourceError(
                Trouble.WRONG_ANSWER,
                f"{self._client.name}: GET {path} answered JSON without jobs; is the url that of a Jenkins?",
            )
        return answer.jobs or ()

    def _sort(self, folder: str, jobs: Sequence[Job], found: dict[str, Job], level: int = 1) -> list[str]:
        """Put the jobs under ``folder`` into ``found``; what is left are the folders that were not read."""
        unread: list[str] = []
        for job in jobs:
            full_name = job.full_name or (f"{folder}/{job.name}" if folder else job.name)
            if job.jobs is not UNSET:
                if level < LEVELS:
                    unread += self._sort(full_name, job.jobs or (), found, level + 1)
                elif job.jobs and may_hold(full_name, self._globs):
                    unread.append(full_name)
            elif job.builds is not UNSET or job.color is not None:
                found[full_name] = job
        return unread


def read_listing(
    source: str,
    web: str,
    globs: Sequence[str],
    found: FoundJobs,
    queue: Queue | None,
    recent: RecentBuilds,
    locked: Mapping[Address, str],
) -> ReadListing:
    """Args:
    source: its name in the config.
    web: the controller's address as the user wrote it, without credentials and slash at its end.
    queue: None when it could not be read.
    recent: what the listing before told.
    locked: why active runs wait for a lock, where that is known.
    """
    items, steps = _by_task(queue)
    pipelines: list[Pipeline] = []
    sent_names: dict[str, list[str]] = {}
    blocked: dict[Address, str] = {}
    builds: dict[str, tuple[SeenBuild, ...]] = {}
    started: dict[tuple[str, int], list[Run]] = {}
    changing = 1
    newest_run: Run | None = None
    unmatched = dict.fromkeys(globs)
    left_out = 0
    for full_name, job in found.jobs:
        if not (globs_met := matching(full_name, globs)):
            continue
        for glob in globs_met:
            unmatched.pop(glob, None)
        if len(pipelines) == MOST_JOBS:
            left_out += 1
            continue
        if (seen_name := clean(full_name)) != full_name:
            sent_names.setdefault(seen_name, []).append(full_name)
        address = Address(source, full_name)
        web_url = f"{web}{job_path(full_name)}"
        runs: list[Run] = []
        builds[full_name], may_change = newest(
            job.builds or (), recent.builds.get(full_name, ()), found.runs, address, web_url
        )
        changing = max(changing, may_change)
        for seen in builds[full_name]:
            read, run = seen.read, seen.read.run
            if read.active and (why := _blockage(steps, full_name, seen.number, read.full_display_name)):
                run = msgspec.structs.replace(run, waiting_reason=why)
                blocked[run.address] = why
            elif read.active and (why := locked.get(run.address, "")):
                run = msgspec.structs.replace(run, waiting_reason=why)
            began = run.created_at or 0
            if read.is_pipeline and (newest_run is None or began > (newest_run.created_at or 0)):
                newest_run = run
            runs.append(run)
            if read.upstream is not None:
                started.setdefault(read.upstream, []).append(run)
        folder, _, name = full_name.rpartition("/")
        pipelines.append(
            Pipeline(
                address=address,
                name=clean(unquote(name)),
                folder=clean(unquote(folder)),
                disabled=bool(job.disabled)
                or job.buildable is False
                or (job.color or "").startswith("disabled"),
                runs=tuple(runs),
                queue=tuple(_queue_item(item) for item in items.get(full_name, ())),
                web_url=f"{web_url}/",
            )
        )
    notes = found.notes + tuple(f"watch: {glob} matches no job" for glob in unmatched)
    if left_out:
        notes += (
            f"{MOST_JOBS:,} jobs are listed, {left_out:,} more are not: a narrower watch takes only those that matter",
        )
    return ReadListing(
        Listing(tuple(pipelines), notes),
        {
            name: sent[0]
            for name, sent in sent_names.items()
            if len(sent) == 1 and name not in dict(found.jobs)
        },
        blocked,
        newest_run.address if newest_run else None,
        RecentBuilds(builds, changing),
        Known(
            frozenset(builds),
            {run.address: run for pipeline in pipelines for run in pipeline.runs},
            {run: tuple(sorted(runs, key=lambda one: one.address)) for run, runs in started.items()},
            {
                (*upstream, name): _why(item)
                for name, waiting in items.items()
                for item in waiting
                if (upstream := upstream_of(tuple(actions_of(item))))
            },
        ),
    )


def _by_task(queue: Queue | None) -> tuple[dict[str, list[QueuedItem]], tuple[QueuedItem, ...]]:
    """The queue's items by the full names of their jobs, and those that wait for a machine in the middle of a run."""
    items: dict[str, list[QueuedItem]] = {}
    steps: list[QueuedItem] = []
    for item in (queue and queue.items) or ():
        task = item.task
        if task is None or item.kind.endswith("LeftItem"):
            continue
        place = place_of(task.url or "")
        if task.kind.endswith(_PLACEHOLDER) or (place and place[1] is not None):
            steps.append(item)
        elif name := task.full_name or (place and place[0]):
            items.setdefault(name, []).append(item)
    return items, tuple(steps)


def blockage(queue: Queue | None, full_name: str, number: int, full_display_name: str) -> str:
    """Why a run waits for a machine; empty when the queue holds no step of it.

    Old plugins give such a step no URL, only the name ``part of JOB #N``, with display names and sometimes the stage
    in parentheses (contracts: jenkins_observed, Queue).
    """
    return _blockage(_by_task(queue)[1], full_name, number, full_display_name)


def _blockage(steps: Sequence[QueuedItem], full_name: str, number: int, full_display_name: str) -> str:
    names = {name for name in (full_display_name, f"{full_name} #{number}", f"{full_name}#{number}") if name}
    for item in steps:
        task = item.task or Task()
        name = (task.name or "").removeprefix(_PART_OF)
        if (
            place_of(task.url or "") == (full_name, number)
            or name in names
            or any(name.startswith(f"{known} (") for known in names)
        ):
            return f"waits for agent: {_why(item)}"
    return ""


def _queue_item(item: QueuedItem) -> QueueItem:
    actions = tuple(actions_of(item))
    return QueueItem(
        item.id,
        _why(item),
        moment(item.in_queue_since),
        bool(item.stuck),
        cause_of(actions),
        parameters_of(actions),
    )


def _why(item: QueuedItem) -> str:
    return shorten(clean(item.why or ""), 200) or "the server does not say why"
