"""Stages as the stage view's REST API tells them: a flat list in the order of their starts (contracts: jenkins §6.2,
jenkins_observed, wfapi)."""

from collections.abc import Sequence

from tui.domain.pipeline import Stage
from tui.domain.status import Status
from tui.sources.http.bounds import length, moment
from tui.sources.jenkins.payload import WfRun, WfStage
from tui.sources.jenkins.read.stage_tree import Tree, linked
from tui.sources.jenkins.status import WFAPI, shown, status_in
from tui.text.safe import clean

NOTE = "wfapi: a flat list, parallel branches are not told apart"
_SYNTHETIC = "Declarative: "
_SKIP_TAKES = 1000
"""Milliseconds that Declarative may need to skip a stage; 30 to 284 were seen."""


def read(run: WfRun) -> Tree:
    stages = run.stages or ()
    skipped = _skipped(stages)
    ended = status_in(WFAPI, run.status) not in (Status.RUNNING, Status.WAITING)
    return Tree(
        linked([_stage(stage, stage.id in skipped, ended) for stage in stages]),
        note=NOTE if stages else "",
        paused=status_in(WFAPI, run.status) is Status.WAITING,
    )


def _stage(stage: WfStage, skipped: bool, ended: bool) -> Stage:
    name = stage.name or ""
    total, paused = stage.duration_millis, stage.pause_duration_millis or 0
    status = status_in(WFAPI, stage.status)
    if status is Status.RUNNING:
        paused = 0  # for a lock: contracts: jenkins_observed, Locks
    if skipped:
        status = Status.SKIPPED
    elif total is not None and total < 0 and not ended:
        # Seen only on parallel stages still under way, which wfapi then calls SUCCESS.
        status = Status.RUNNING
    return Stage(
        id=clean(stage.id),
        name=clean(name.removeprefix(_SYNTHETIC)),
        status=status,
        vendor_status=shown(stage.status),
        started_at=moment(stage.start_time_millis),
        duration=None if status.active or total is None or total < 0 else length(max(0, total - paused)),
        paused=length(paused) or 0.0,
        synthetic=name.startswith(_SYNTHETIC),
    )


def _skipped(stages: Sequence[WfStage]) -> frozenset[str]:
    """The stages that Declarative skipped after one failed or was aborted.

    wfapi shows them with the status and the error of that stage. They start after it ended, take next to no time,
    and only other skipped or synthetic stages stand between: a stage that failed by itself after a caught error
    has stages that ran before it.
    """
    found: set[str] = set()
    causes: list[WfStage] = []
    for stage in stages:
        if _is_synthetic(stage):
            continue
        if any(_repeats(stage, cause) for cause in causes):
            found.add(stage.id)
        elif stage.status in ("FAILED", "ABORTED"):
            causes.append(stage)
        elif stage.status != "NOT_EXECUTED" and not any(_began_within(stage, cause) for cause in causes):
            causes.clear()
    return frozenset(found)


def _repeats(stage: WfStage, cause: WfStage) -> bool:
    return (
        stage.status == cause.status
        and stage.error == cause.error
        and not _began_within(stage, cause)
        and 0 <= (stage.duration_millis or 0) < _SKIP_TAKES
    )


def _began_within(stage: WfStage, cause: WfStage) -> bool:
    """It began before the cause had ended: side by side with it or inside it."""
    ended_at = (cause.start_time_millis or 0) + max(0, cause.duration_millis or 0)
    return (stage.start_time_millis or 0) < ended_at


def _is_synthetic(stage: WfStage) -> bool:
    return (stage.name or "").startswith(_SYNTHETIC)
