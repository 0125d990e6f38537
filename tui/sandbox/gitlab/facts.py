"""What GitLab has: projects, pipelines, jobs with all attempts, deployments, environments, tests.

Values are GitLab's own (``pending``, ``manual``, lower case), times are seconds since the epoch. What both REST and
GraphQL tell is decided here and in :mod:`tui.sandbox.gitlab.site`, once.
"""

import re
from collections.abc import Iterable, Mapping
from random import Random

import msgspec

from tui.sandbox.world import Run

COMPLETED = ("success", "failed", "canceled", "skipped")


class Project(msgspec.Struct, frozen=True):
    id: int
    path: str
    description: str
    created_at: float

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        return self.path.rpartition("/")[0]


class Tests(msgspec.Struct, frozen=True):
    """The JUnit report of one job."""

    run: Run
    job: int
    name: str
    count: int
    failed: int
    skipped: int
    seconds: float
    ended_at: float
    error: str = ""
    """Why GitLab could not read it; then it counts nothing."""

    @property
    def success(self) -> int:
        return self.count - self.failed - self.skipped


class Job(msgspec.Struct, frozen=True):
    """One attempt of a job or bridge."""

    run: Run
    id: int
    name: str
    stage: str
    status: str
    bridge: bool
    allow_failure: bool
    retried: bool
    manual: bool
    """It has ``when: manual``, whatever it does now."""
    asks: str
    """Its ``manual_confirmation``."""
    dag: bool
    needs: tuple[str, ...]
    """Names of the jobs in its ``needs:``; empty for a job that just follows its stage."""
    created_at: float
    started_at: float | None
    finished_at: float | None
    duration: float | None
    """Seconds so far while it runs."""
    queued: float | None
    who: str
    tags: tuple[str, ...]
    stuck: bool
    environment: str
    approvals: int
    """How many people have to approve it before it can be played."""
    reported: bool
    """It stands for a deployment that another tool told GitLab of, and is not shown."""
    metrics: bool
    """It keeps ``metrics.json`` among its artifacts."""
    archived: bool
    rejected: bool
    """Its deployment was rejected."""
    coverage: float | None
    downstream: Run | None

    @property
    def kind(self) -> str:
        return "Ci::Bridge" if self.bridge else "Ci::Build"

    @property
    def retryable(self) -> bool:
        ended = self.status in ("success", "failed", "canceled")
        return ended and not (self.retried or self.archived or self.rejected)

    @property
    def playable(self) -> bool:
        """A manual job that waits, or one that is done: playing that runs it again (contracts: gitlab §4.2)."""
        return self.manual and (self.status == "manual" or (self.retryable and not self.bridge))

    @property
    def cancelable(self) -> bool:
        return self.status in ("created", "pending", "running")


class Stage(msgspec.Struct, frozen=True):
    id: int
    name: str
    status: str
    jobs: tuple[Job, ...]


class Pipeline(msgspec.Struct, frozen=True):
    """A run of the world."""

    run: Run
    project: Project
    status: str
    source: str
    created_at: float
    updated_at: float
    started_at: float | None
    finished_at: float | None
    duration: int | None
    jobs: tuple[Job, ...]
    """All attempts, by id."""

    @property
    def id(self) -> int:
        return self.run.id

    @property
    def latest(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs if not job.retried)

    @property
    def queued(self) -> int | None:
        return int(self.started_at - self.created_at) or None if self.started_at is not None else None

    @property
    def name(self) -> str | None:
        """``workflow: name: $CI_COMMIT_TITLE``, which a child pipeline does not have."""
        return self.run.commit.title if self.run.parent is None else None

    @property
    def warnings(self) -> bool:
        return any(job.status == "failed" and job.allow_failure for job in self.latest)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In the order of the configuration."""
        names = dict.fromkeys(stage_of(task.path) for task in self.run.tasks)
        found: list[Stage] = []
        for index, name in enumerate(names):
            jobs = tuple(job for job in self.latest if job.stage == name)
            found.append(Stage(self.id * 100 + index, name, composite(jobs), jobs))
        return tuple(found)

    @property
    def tests(self) -> tuple[Tests, ...]:
        """Reports of the jobs that have ended and test something, like JUnit files in their artifacts."""
        return tuple(report for job in self.latest if (report := _tests(self.run, job)))

    @property
    def coverage(self) -> float | None:
        values = [job.coverage for job in self.latest if job.coverage is not None]
        return round(sum(values) / len(values), 2) if values else None


class Deployment(msgspec.Struct, frozen=True):
    id: int
    """Counts all deployments of the installation in the order they were made."""
    iid: int
    status: str
    job: Job

    @property
    def updated_at(self) -> float:
        return self.job.finished_at or self.job.started_at or self.job.created_at


class Environment(msgspec.Struct, frozen=True):
    id: int
    name: str
    tier: str
    created_at: float
    updated_at: float
    deployments: tuple[Deployment, ...]
    """Oldest first."""
    state: str = "available"

    @property
    def slug(self) -> str:
        return re.sub(r"[^a-z0-9]", "-", self.name.lower())[:24].strip("-")

    def last(self, status: str) -> Deployment | None:
        """The newest deployment of a status; of the successful ones the one that ended last."""
        found = [d for d in self.deployments if d.status == status]
        if status == "success":
            return max(found, key=lambda d: d.job.finished_at or 0.0, default=None)
        return found[-1] if found else None


def composite(jobs: Iterable[Job]) -> str:
    """The status that jobs give to what holds them, by the rules of GitLab's own composite."""
    found: set[str] = set()
    for job in jobs:
        if job.allow_failure and job.status == "manual":
            found.add("ignored")
        else:
            found.add("warned" if job.allow_failure and job.status == "failed" else job.status)
    harmless = {"warned", "ignored"}
    for status, allowed in (
        ("skipped", {"skipped", "ignored"}),
        ("success", {"success", "skipped"} | harmless),
        ("created", {"created"} | harmless),
        ("canceled", {"canceled", "success", "skipped"} | harmless),
        ("pending", {"pending", "created", "skipped"} | harmless),
    ):
        if found <= allowed:
            return status
    if found & {"running", "pending"}:
        return "running"
    if "manual" in found:
        return "manual"
    return "running" if "created" in found else "failed"


_SCOPES: Mapping[str, tuple[str, ...]] = {
    "running": ("running",),
    "pending": ("pending", "waiting_for_resource", "preparing", "created"),
    "finished": ("success", "failed", "canceled"),
}


def in_scope(pipelines: Iterable[Pipeline], scope: str | None) -> list[Pipeline]:
    """Those of a ``scope`` that lists of pipelines take, in their order, newest first.

    For ``branches`` and ``tags`` that is the newest of each; nothing here is tagged.
    """
    found = list(pipelines)
    if scope is not None and scope in _SCOPES:
        return [it for it in found if it.status in _SCOPES[scope]]
    if scope == "branches":
        newest: dict[str, Pipeline] = {}
        for it in found:
            newest.setdefault(it.run.pipeline.ref, it)
        return list(newest.values())
    return [] if scope == "tags" else found


def stage_of(path: tuple[str, ...]) -> str:
    """The stage of a task: the outermost thing it is in."""
    return path[0] if path else "test"


def _tests(run: Run, job: Job) -> Tests | None:
    """A job has the same tests in every run, those that its task names or some number of them."""
    if job.bridge or not re.search("test|validate", job.name) or job.status not in ("success", "failed"):
        return None
    if job.finished_at is None:
        return None
    random = Random(f"{run.pipeline.path} {job.name} tests")
    count, skipped = random.randrange(40, 400), random.randrange(0, 4)
    count = next((task.tests for task in run.tasks if task.name == job.name and task.tests), count)
    failed = Random(f"{run.commit.sha} {job.name}").randrange(1, 6) if job.status == "failed" else 0
    error = ""
    if job.name == "pytest" and run.number % 5 == 0:
        count, failed, skipped = 0, 0, 0
        error = "JUnit XML parsing failed: 1:1: FATAL: Document is empty"
    seconds = round(job.duration or 0.0, 3)
    return Tests(run, job.id, job.name, count, failed, skipped, seconds, job.finished_at, error)
