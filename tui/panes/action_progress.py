"""How far actions have come, in the panes of the things that they act on."""

from collections.abc import Collection

from tui.domain.action import Activity
from tui.domain.address import Address
from tui.domain.alarm import Announcement
from tui.domain.pipeline import Pipeline
from tui.engine.queries import ActivitiesNow
from tui.engine.runtime import Runtime
from tui.text import format as fmt
from widgets.theme import status_style

LOOKS = {
    "sending": "queued",
    "accepted": "queued",
    "happening": "running",
    "done": "passed",
    "failed": "failed",
    "refused": "failed",
    "unknown": "unknown",
}
"""The status that the state of an activity looks like."""
LASTING = 120.0
"""Seconds for which an action that has ended is told of where it acted; the journal has it for ever."""


def recent(runtime: Runtime) -> tuple[Activity, ...]:
    """What is under way, or has ended a moment ago; the newest first."""
    now = runtime.clock()
    found = runtime.store.get(ActivitiesNow()).value or ()
    return tuple(each for each in found if not each.ended or now - each.at < LASTING)


def progress(activity: Activity) -> tuple[str, str]:
    """What is known of it, never more."""
    shown = status_style(LOOKS[activity.state])
    word = "sent" if activity.state == "sending" else activity.state
    return f"{shown.glyph} {activity.plan.request.kind} {word}: {activity.words}", shown.role


def on_run(activity: Activity, run: Address) -> bool:
    """It acts in that run, or led to it."""
    result = activity.result
    return run == activity.plan.request.target.of_run or (result is not None and run == result.of_run)


def on_pipeline(activity: Activity, pipeline: Pipeline) -> bool:
    """It acts on the pipeline, on its environment, or in one of its runs; of a project's rows, on that of its ref."""
    request = activity.plan.request
    if request.target.pipeline != pipeline.address:
        return any(on_run(activity, run.address) for run in pipeline.runs)
    if request.target.run is None:
        return request.value("ref") in ("", pipeline.ref)
    return not pipeline.ref or any(on_run(activity, run.address) for run in pipeline.runs)


def on_environment(activity: Activity, environment: Address, pipelines: Collection[Address]) -> bool:
    """It acts on the environment, or changes it, being one of ``pipelines``."""
    target = activity.plan.request.target
    return target == environment or (
        target.pipeline in pipelines and activity.plan.environment == environment.environment
    )


def countdown(said: Announcement, now: float) -> str:
    """Which policy is about to act, and when."""
    return f"policy {said.policy}" + (f" in {fmt.until(said.at - now)}" if said.at is not None else "")
