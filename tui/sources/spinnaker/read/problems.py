"""Why something failed or waits, in words (contracts: spinnaker §6.3, §6.7)."""

from collections.abc import Callable, Iterator
from typing import Any

from tui.sources.spinnaker.payload import Execution, Stage, at, rows, text, words
from tui.sources.spinnaker.read.tree import Node
from tui.sources.spinnaker.status import FAILED
from tui.text.safe import clean, shorten

LONGEST = 300


def run_problem(execution: Execution) -> str:
    """Why an execution came to nothing: it never began, or somebody ended it."""
    reason = clean(execution.cancellation_reason or "").strip()
    if execution.status in ("TERMINAL", "CANCELED") and (reason or execution.canceled_by):
        by = clean(execution.canceled_by or "")
        named = f"canceled by {by}" if by and execution.status == "CANCELED" else ""
        return shorten(": ".join(filter(None, (named, reason))), LONGEST)
    return ""


def stage_problem(node: Node) -> str:
    """What the innermost stage of ``node`` that failed says: those around it only tell that something did."""
    if node.stage.status not in FAILED:
        return ""  # what is to run again keeps the error of its last time
    for child in node.children:
        if found := stage_problem(child):
            return found
    return shorten(next(filter(None, _told(node.stage)), ""), LONGEST)


def _told(stage: Stage) -> Iterator[str]:
    values = stage.values
    yield _exception(values.get("exception"))
    for task in rows(values, "kato.tasks"):
        if at(task, "status", "failed"):
            lines = [text(line, "status") for line in rows(task, "history")]
            yield text(task, "exception", "message") or (lines[-1] if lines else "")
    yield text(values, "failureMessage") or "; ".join(words(values, "failureMessages"))
    yield text(values, "jobStatus", "failureDetails") or text(values, "jobStatus", "message")
    if result := text(values, "buildInfo", "result"):
        yield f"{text(values, 'job') or 'the build'} #{text(values, 'buildInfo', 'number')} ended as {result}"
    yield text(values, "canaryScoreMessage")
    yield text(values, "webhook", "error") or text(values, "webhook", "monitor", "progressMessage")
    for stage_task in stage.tasks or ():
        yield _exception(at(stage_task.task_exception_details, "exception"))


def _exception(found: Any) -> str:
    details = at(found, "details")
    reason = "; ".join(words(details, "errors")) or text(details, "error")
    if not reason and isinstance(trace := at(details, "stackTrace"), str):
        reason = clean(trace.strip().partition("\n")[0])
    source = text(found, "source", "stageName")
    return f"{source}: {reason}" if reason and source and source not in reason else reason


def run_waiting(execution: Execution, running: str, clock: Callable[[float], str]) -> str:
    """Why an execution does not go on; no field says it.

    Args:
        running: the id of another run of the pipeline that goes on; empty where there is none.
    """
    match execution.status:
        case "BUFFERED":
            return "held back by the server's load protection"
        case "NOT_STARTED" if execution.limit_concurrent:
            return f"one run at a time: waits for #{running}" if running else "one run at a time"
        case "NOT_STARTED" if (most := execution.max_concurrent_executions or 0) > 0:
            return f"{most} runs at a time"
        case "PAUSED":
            pause = execution.paused
            by = clean(pause.paused_by or "") if pause is not None else ""
            since = f" at {clock(pause.pause_time / 1000)}" if pause is not None and pause.pause_time else ""
            return f"paused{f' by {by}' if by else ''}{since}"
    return ""
