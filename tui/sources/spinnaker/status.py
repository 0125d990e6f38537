"""Orca's words for how executions, stages and tasks stand, and ours (contracts: spinnaker §6.1)."""

from collections.abc import Mapping, Sequence

from tui.domain.status import Status
from tui.sources.spinnaker.payload import Execution, Stage
from tui.text.safe import clean

STATUSES: Mapping[str, Status] = {
    "NOT_STARTED": Status.QUEUED,
    "BUFFERED": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "PAUSED": Status.WAITING,
    "SUSPENDED": Status.WAITING,
    "REDIRECT": Status.RUNNING,
    "SUCCEEDED": Status.PASSED,
    "FAILED_CONTINUE": Status.WARNING,
    "STOPPED": Status.WARNING,
    "TERMINAL": Status.FAILED,
    "CANCELED": Status.CANCELED,
    "SKIPPED": Status.SKIPPED,
}
"""Of executions; what differs for a stage, the functions below say."""
ACTIVE = ("RUNNING", "PAUSED", "NOT_STARTED", "BUFFERED", "SUSPENDED")
FAILED = ("TERMINAL", "STOPPED", "FAILED_CONTINUE")
"""Of stages: something in them went wrong, whatever became of the execution."""
JUDGMENT = "manualJudgment"
WINDOW = "restrictExecutionDuringTimeWindow"


def vendor(word: str | None) -> str:
    return clean(word or "")


def is_active(execution: Execution) -> bool:
    return (execution.status or "") in ACTIVE


def waits(stage: Stage) -> bool:
    """For a person's judgment."""
    return stage.type == JUDGMENT and stage.status == "RUNNING"


def run_status(execution: Execution, stages: Sequence[Stage]) -> Status:
    found = STATUSES.get(execution.status or "", Status.UNKNOWN)
    if found is Status.RUNNING and any(map(waits, stages)):
        return Status.WAITING
    top = (stage.status for stage in stages if not stage.parent_stage_id)
    if found is Status.PASSED and not {"FAILED_CONTINUE", "STOPPED"}.isdisjoint(top):
        return Status.WARNING
    return found


def stage_status(stage: Stage, execution: Execution, children: Sequence[Stage] = ()) -> Status:
    found = STATUSES.get(stage.status or "", Status.UNKNOWN)
    if stage.status == "NOT_STARTED" and execution.status and not is_active(execution):
        return Status.SKIPPED  # its turn never came
    if stage.status == "STOPPED":
        return Status.FAILED  # its branch ended there
    if found is Status.RUNNING:
        if waits(stage):
            return Status.WAITING
        if any(child.type == WINDOW and child.status == "RUNNING" for child in children):
            return Status.QUEUED
    return found
