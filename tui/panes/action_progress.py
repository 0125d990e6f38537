"""How far actions have come, in the panes of the things that they act on."""

from tui.domain.action import Activity
from tui.engine.queries import ActivitiesNow
from tui.engine.runtime import Runtime
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
