"""A run put together from its jobs. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.sources.gitlab.read.convert import StageHead, addressed, gates_of
from tui.sources.gitlab.status import read_status


def assemble(run: Run, heads: Iterable[StageHead], staged: Sequence[tuple[str, Job]]) -> Run:
    """``run`` with its stages in order, each with its jobs, and its gates.

    Args:
        staged: all jobs of the run, each with the name of its stage.
    """
    jobs = addressed(run.address, (job for _, job in staged))
    by_stage: dict[str, list[Job]] = {head.name: [] for head in heads}
    words = {head.name: head.vendor_status for head in heads}
    for (stage, _), job in zip(staged, jobs, strict=True):
        by_stage.setdefault(stage, []).append(job)
    stages: list[Stage] = []
    for name, its_jobs in by_stage.items():
        before = (stages[-1].id,) if stages else ()
        stages.append(_stage(name, words.get(name, ""), its_jobs, before))
    return msgspec.structs.replace(run, stages=tuple(stages), gates=gates_of(jobs))


def _stage(name: str, vendor_status: str, jobs: Sequence[Job], needs: tuple[str, ...]) -> Stage:
    current = [job for job in jobs if not job.retried]
    status = read_status(vendor_status).status if vendor_status else _composed(current)
    if status is Status.PASSED and any(job.optional and job.status is Status.FAILED for job in current):
        status = Status.WARNING
    return Stage(
        id=name,
        name=name or "external",
        status=status,
        vendor_status=vendor_status,
        started_at=min((job.started_at for job in current if job.started_at is not None), default=None),
        duration=_busy(current) if status.finished else None,
        needs=needs,
        jobs=_ordered(jobs),
    )


def _ordered(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """As they were written: names in the order of their first attempt, the attempts of one name newest first."""
    first: dict[str, int] = {}
    for job in jobs:
        id = int(job.id or 0)
        first[job.name] = min(id, first.get(job.name, id))
    return tuple(sorted(jobs, key=lambda job: (first[job.name], job.name, job.retried, -int(job.id or 0))))


def _composed(jobs: Sequence[Job]) -> Status:
    """What REST does not tell: a stage's status by its jobs, as GitLab composes it (contracts: gitlab §2).

    A job that may fail or wait without holding up the run is left out while others decide.
    """
    deciding = {
        job.status
        for job in jobs
        if not (job.optional and job.status in (Status.FAILED, Status.CANCELED, Status.WAITING))
    }
    if not deciding:
        return Status.PASSED if any(job.status is Status.FAILED for job in jobs) else Status.SKIPPED
    if Status.RUNNING in deciding:
        return Status.RUNNING
    if Status.QUEUED in deciding:
        begun = deciding.intersection((Status.PASSED, Status.FAILED, Status.CANCELED))
        return Status.RUNNING if begun else Status.QUEUED
    order = (Status.WAITING, Status.FAILED, Status.CANCELED, Status.UNKNOWN, Status.PASSED)
    return next((status for status in order if status in deciding), Status.SKIPPED)


def _busy(jobs: Iterable[Job]) -> float | None:
    """Seconds in which at least one of the jobs ran, which leaves out what was waited for a person in between."""
    spans = sorted(
        (job.started_at, job.started_at + job.duration)
        for job in jobs
        if job.started_at is not None and job.duration is not None
    )
    if not spans:
        return None
    total, until = 0.0, spans[0][0]
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
