"""The world as GitLab sees it now.

GitLab makes all jobs of a pipeline, and a deployment for each that names an environment, when it makes the
pipeline; a child pipeline when its bridge starts; a further job when one is retried.
"""

import re
from collections.abc import Iterable, Iterator
from math import inf
from random import Random
from urllib.parse import quote, unquote

from tui.sandbox.gitlab.facts import (
    COMPLETED,
    Deployment,
    Environment,
    Job,
    Pipeline,
    Project,
    composite,
    stage_of,
)
from tui.sandbox.gitlab.manual_changes import ManualChanges
from tui.sandbox.plan import Progress, State, TaskState
from tui.sandbox.world import Commit, Run, World

_STATUS = {
    State.CREATED: "created",
    State.QUEUED: "pending",
    State.WAITING: "manual",
    State.RUNNING: "running",
    State.PASSED: "success",
    State.WARNING: "failed",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
    State.SKIPPED: "skipped",
}
_SOURCE = {"push": "push", "timer": "schedule", "user": "web", "parent": "parent_pipeline"}
_TIERS = (
    ("production", r"prod|live"),
    ("staging", r"stag|pre|demo|model|non"),
    ("testing", r"test|qa|int|acc"),
    ("development", r"dev|review|trunk"),
)


ARCHIVED_AFTER = 90 * 86400.0
"""Seconds after which a job is archived, as on GitLab.com (contracts: gitlab §0)."""
STOPPED_AFTER = 60 * 86400.0
"""Seconds without a deployment after which an environment is stopped, as ``auto_stop_in`` does."""


class Site:
    """One GitLab installation, for as long as one request is answered: what was read once is not read again.

    Args:
        url: the configured external address with the path prefix. Links carry it, whatever address was called.
        visible: False for the anonymous, who see nothing: all projects are private.
        rollbacks: whether its projects let older deployments be run again.
    """

    def __init__(
        self,
        world: World,
        url: str,
        *,
        visible: bool = True,
        rollbacks: bool = True,
        deeds: ManualChanges | None = None,
    ) -> None:
        self.deeds = deeds or ManualChanges()
        self._visible = visible
        self.rollbacks = rollbacks
        self.world = world
        self.url = url
        self._paths = world.projects if visible else ()
        self._pipelines: dict[int, Pipeline] = {}
        self._deployments: dict[int, tuple[Deployment, ...]] = {}

    def again(self) -> "Site":
        """The same, read anew."""
        return Site(self.world, self.url, visible=self._visible, rollbacks=self.rollbacks, deeds=self.deeds)

    def pending(self, job: Job) -> int:
        """How many approvals it waits for."""
        return self.deeds.pending(job.id, job.approvals) if job.status == "manual" else 0

    @property
    def people(self) -> tuple[str, ...]:
        return ("you", *self.world.scenario.people)

    def projects(self) -> tuple[Project, ...]:
        """All projects, oldest first."""
        return tuple(self._project(path) for path in self._paths)

    def _project(self, path: str) -> Project:
        pipelines = self.world.pipelines("gitlab", path)
        description = next((p.description for p in pipelines if p.description), "")
        return Project(self.world.project_id(path), path, description, self.world.start - 90 * 86400)

    def project(self, key: str) -> Project | None:
        """The project with that id or full path."""
        return next((p for p in self.projects() if key in (str(p.id), p.path)), None)

    def project_of(self, key: str) -> Project | None:
        """As :meth:`project`, by a trigger token, which sees the project it is of."""
        path = unquote(key)
        return next((p for p in map(self._project, self.world.projects) if path in (str(p.id), p.path)), None)

    def groups(self) -> tuple[str, ...]:
        """Full paths of all groups and subgroups; their ids are 11 and on."""
        found: dict[str, None] = {}
        for path in self._paths:
            parts = path.split("/")[:-1]
            found.update(dict.fromkeys("/".join(parts[: n + 1]) for n in range(len(parts))))
        return tuple(found)

    def pipelines(self, project: Project) -> tuple[Pipeline, ...]:
        """Newest first, without child pipelines, as every list of GitLab's (contracts: gitlab §3.1)."""
        return tuple(self.pipeline(run) for run in self.world.project_runs(project.path))

    def children(self, pipeline: Pipeline) -> tuple[Pipeline, ...]:
        """The child pipelines its bridges have started."""
        return tuple(self.pipeline(job.downstream) for job in pipeline.jobs if job.downstream is not None)

    def everything(self, project: Project) -> Iterator[Pipeline]:
        """All pipelines of a project with their children."""
        for pipeline in self.pipelines(project):
            yield pipeline
            yield from self._descendants(pipeline)

    def _descendants(self, pipeline: Pipeline) -> Iterator[Pipeline]:
        for child in self.children(pipeline):
            yield child
            yield from self._descendants(child)

    def by_id(self, project: Project, pipeline_id: int) -> Pipeline | None:
        run = self.world.run(pipeline_id)
        return self.pipeline(run) if run is not None and run.pipeline.path == project.path else None

    def by_iid(self, project: Project, iid: int) -> Pipeline | None:
        return next((p for p in self.everything(project) if p.run.number == iid), None)

    def pipeline(self, run: Run) -> Pipeline:
        """The run as GitLab sees it now."""
        if run.id not in self._pipelines:
            self._pipelines[run.id] = self._read(run)
        return self._pipelines[run.id]

    def _read(self, run: Run) -> Pipeline:
        seen = self.world.progress(run)
        now = self.world.now()
        created_at = run.created_at
        if run.parent is not None and (parent := self.world.run(run.parent)) is not None:
            # The world numbers a child with its parent; GitLab makes it when the bridge starts.
            created_at = self.world.progress(parent).of(run.bridge).attempts[0].started_at or created_at
        jobs = tuple(sorted(self._jobs(run, seen, created_at, now), key=lambda job: job.id))
        status = composite([job for job in jobs if not job.retried])
        times = [
            t for job in jobs for t in (job.created_at, job.started_at, job.finished_at) if t is not None
        ]
        ended = status in COMPLETED
        return Pipeline(
            run=run,
            project=self._project(run.pipeline.path),
            status=status,
            source=self.deeds.sources.get(run.id, _SOURCE[run.cause]),
            created_at=created_at,
            updated_at=max(times, default=created_at),
            started_at=seen.started_at,
            finished_at=seen.ended_at if ended else None,
            # Set when it ends and when it stops at a gate: the time in which some job ran.
            duration=_covered(jobs) if ended or status == "manual" else None,
            jobs=jobs,
        )

    def _jobs(self, run: Run, seen: Progress, created_at: float, now: float) -> Iterator[Job]:
        unreachable: set[str] = set()
        by_id = {task.id: task.name for task in run.tasks}
        for state in seen.tasks:
            task = state.task
            if any(need in unreachable for need in task.needs) or (
                task.gate and task.optional and state.state is State.WAITING
            ):
                unreachable.add(task.id)
            for index, attempt in enumerate(state.attempts):
                status = _STATUS[attempt.state]
                number = self.world.job_id(run, task.id, index)
                approvals = self.deeds.approvals.get(number, {}).values()
                if rejected := any(approval.status == "rejected" for approval in approvals):
                    status = "failed"
                if attempt.state is State.CREATED:
                    if task.id in unreachable:
                        status = "skipped"  # it needs an optional manual job that nobody has run
                    elif not task.needs:
                        status = "pending"
                made = created_at if index == 0 else attempt.ready_at or created_at
                started, ended = attempt.started_at, attempt.ended_at
                if attempt.state is State.SKIPPED:
                    started = ended = None
                ready = attempt.ready_at if not task.gate else None
                yield Job(
                    run=run,
                    id=number,
                    name=task.name,
                    stage=stage_of(task.path),
                    status=status,
                    bridge=bool(task.child),
                    allow_failure=task.optional or attempt.state is State.WARNING,
                    retried=index < len(state.attempts) - 1,
                    manual=bool(task.gate),
                    asks=task.gate,
                    dag=task.dag,
                    needs=tuple(by_id[need] for need in task.needs) if task.dag else (),
                    created_at=made,
                    started_at=started,
                    finished_at=ended,
                    duration=(ended or now) - started if started is not None else None,
                    queued=(started or ended or now) - ready if ready is not None else None,
                    who=self._who(run, state),
                    tags=(task.label,) if task.label else (),
                    stuck=status == "pending" and task.wait == inf,
                    environment=task.environment,
                    approvals=task.approvals,
                    reported=task.reported,
                    metrics=task.metrics and status == "success",
                    archived=now - made > ARCHIVED_AFTER,
                    rejected=rejected,
                    coverage=_coverage(run, task.id) if status == "success" and "test" in task.name else None,
                    downstream=self.world.child(run, task.id) if task.child and started is not None else None,
                )

    def _who(self, run: Run, state: TaskState) -> str:
        acted = [e.who for e in self.world.events(run) if e.task == state.task.id and e.kind != "reject"]
        return acted[-1] if acted else run.who

    def deployments(self, project: Project) -> tuple[Deployment, ...]:
        """All deployments of a project, oldest first. A job that may deploy has one from the beginning on."""
        if not self._deployments:
            made = [
                job
                for other in self.projects()
                for pipeline in self.everything(other)
                for job in pipeline.jobs
                if job.environment
            ]
            made.sort(key=lambda job: (job.created_at, job.id))
            found: dict[int, list[Deployment]] = {other.id: [] for other in self.projects()}
            for number, job in enumerate(made, start=4001):
                own = found[self.world.project_id(job.run.pipeline.path)]
                own.append(Deployment(number, len(own) + 1, _deployment_status(job), job))
            self._deployments = {key: tuple(own) for key, own in found.items()}
        return self._deployments[project.id]

    def environments(self, project: Project) -> tuple[Environment, ...]:
        """In the order of their first deployments."""
        by_name: dict[str, list[Deployment]] = {}
        for deployment in self.deployments(project):
            by_name.setdefault(deployment.job.environment, []).append(deployment)
        return tuple(
            Environment(
                id=project.id * 20 + index,
                name=name,
                tier=next((tier for tier, names in _TIERS if re.search(names, name)), "other"),
                created_at=deployments[0].job.created_at,
                updated_at=max(d.updated_at for d in deployments),
                deployments=tuple(deployments),
                state=self._state(project.id * 20 + index, deployments),
            )
            for index, (name, deployments) in enumerate(by_name.items())
        )

    def _state(self, id: int, deployments: Iterable[Deployment]) -> str:
        """Stopped by somebody, or because nothing came for long; what is put there makes it available again."""
        last = max(
            deployment.updated_at
            for deployment in deployments
            if deployment.status == "success" or id not in self.deeds.stopped
        )
        stopped = self.deeds.stopped.get(id, last + STOPPED_AFTER)
        return "stopped" if self.world.now() >= stopped >= last else "available"

    def commits(self, project: Project, old: str, new: str) -> tuple[Commit, ...] | None:
        """The commits of ``new`` and of the runs before it on its ref, down to those of ``old``, newest first; None
        where one is not known."""
        found = {run.commit.sha: run for run in self.world.project_runs(project.path)}
        if old not in found or new not in found:
            return None
        ref = found[new].pipeline.ref
        return tuple(
            run.commit
            for run in found.values()
            if run.pipeline.ref == ref and found[old].number < run.number <= found[new].number
        )

    def may_update(self, job: Job) -> bool:
        """Whether the job may be played or run again: what is outdated only once it has run, for that is a
        rollback (contracts: gitlab §4.7)."""
        if job.archived:
            return False
        return not self.outdated(job) or (self.rollbacks and job.status in COMPLETED)

    def outdated(self, job: Job) -> bool:
        """Another revision was put into the job's environment later: playing it is refused.

        Contracts: gitlab §4.7.
        """
        if not job.environment:
            return False
        there = [
            d
            for d in self.deployments(self.pipeline(job.run).project)
            if d.job.environment == job.environment
        ]
        own = next(d for d in there if d.job.id == job.id)
        return any(
            d.status == "success" and d.id > own.id and d.job.run.commit.sha != job.run.commit.sha
            for d in there
        )

    def parent(self, pipeline: Pipeline) -> tuple[Pipeline, Job] | None:
        """The pipeline and the bridge that started a child pipeline."""
        run = pipeline.run.parent and self.world.run(pipeline.run.parent)
        if not run:
            return None
        upstream = self.pipeline(run)
        bridge = self.world.job_id(run, pipeline.run.bridge)
        return upstream, next(job for job in upstream.jobs if job.id == bridge)

    def project_url(self, project: Project) -> str:
        return f"{self.url}/{quote(project.path)}"


def _covered(jobs: Iterable[Job]) -> int:
    """Seconds in which at least one of the jobs ran."""
    covered, until = 0.0, -inf
    for start, end in sorted((j.started_at, j.finished_at) for j in jobs if j.started_at and j.finished_at):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return int(covered)


def _deployment_status(job: Job) -> str:
    if job.status == "manual":
        return "blocked"
    return job.status if job.status in ("running", *COMPLETED) else "created"


def _coverage(run: Run, task: str) -> float:
    return round(Random(f"{run.commit.sha} {task} coverage").uniform(78.0, 93.0), 2)
