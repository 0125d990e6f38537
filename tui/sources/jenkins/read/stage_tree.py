"""Stage trees: what all stage sources build, and what is done to each of them."""

from collections.abc import Iterator, Sequence

import msgspec

from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.sources.jenkins.payload import FlowNode


class Tree(msgspec.Struct, frozen=True):
    """The stages of one run as a stage source tells them."""

    stages: tuple[Stage, ...] = ()
    note: str = ""
    """What this source cannot say, for ``Run.stage_source``."""
    paused: bool = False
    """The source says that the run waits for a person."""
    blockage: str = ""
    """Why a stage waits for a machine."""
    graph: tuple[FlowNode, ...] = ()
    """All steps, where the stages were made of them."""


def linked(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages of one level with their ``needs``: each needs the one before it; branches that stand together need
    what is before the first of them, and what follows needs all of them."""
    result: list[Stage] = []
    before: tuple[str, ...] = ()
    group: list[Stage] = []
    for stage in stages:
        if group and not (stage.kind == group[-1].kind == "branch"):
            before, group = tuple(member.id for member in group), []
        group.append(stage)
        result.append(msgspec.structs.replace(stage, needs=before))
    return tuple(result)


def overall(stages: Sequence[Stage]) -> Status:
    """What a branch is whose status the server does not tell, only its stages'."""
    found = {stage.status for stage in stages}
    for status in (
        Status.WAITING,
        Status.RUNNING,
        Status.QUEUED,
        Status.FAILED,
        Status.CANCELED,
        Status.UNKNOWN,
        Status.WARNING,
        Status.PASSED,
    ):
        if status in found:
            return status
    return Status.SKIPPED


def leaves(stages: Sequence[Stage]) -> Iterator[Stage]:
    for stage in stages:
        if stage.children:
            yield from leaves(stage.children)
        else:
            yield stage


def settled(stages: Sequence[Stage], status: Status) -> tuple[Stage, ...]:
    """The stages of a run that has ended: one that seems active was killed with the run (contracts: jenkins_observed,
    wfapi: trust the core's result)."""
    return tuple(
        msgspec.structs.replace(
            stage,
            status=status if stage.status.active else stage.status,
            children=settled(stage.children, status),
        )
        for stage in stages
    )


def waiting(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages of a run that waits for a person. Some versions of pipeline-graph-view call a stage with an input
    ``running``; where only one stage runs, it is that one."""
    active = [stage for stage in leaves(stages) if stage.status.active]
    if len(active) != 1 or active[0].status is Status.WAITING:
        return tuple(stages)
    return _replaced(stages, active[0].id)


def _replaced(stages: Sequence[Stage], leaf: str) -> tuple[Stage, ...]:
    return tuple(
        msgspec.structs.replace(
            stage,
            status=Status.WAITING if stage.id == leaf and not stage.children else stage.status,
            children=_replaced(stage.children, leaf),
        )
        for stage in stages
    )


def whole_run(run: Run, name: str) -> Stage:
    """One stage for a run without stages; its job is the build itself, whose log it has."""
    job = Job(
        address=run.address.at_job(name),
        id="",
        name=name,
        status=run.status,
        vendor_status=run.vendor_status,
        started_at=run.started_at,
        duration=run.duration,
    )
    return Stage(
        id="run",
        name=name,
        status=run.status,
        vendor_status=run.vendor_status,
        started_at=run.started_at,
        duration=run.duration,
        jobs=(job,),
    )
