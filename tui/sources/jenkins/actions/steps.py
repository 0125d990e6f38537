"""The kinds of request that are sent to a Jenkins, and what a handler of one says of it."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import msgspec

from tui.domain.action import Observation, Reply
from tui.sources.jenkins.actions.live_state_reader import LiveStateReader


class StepKind(StrEnum):
    """The words stand in journals: they stay as they are."""

    APPROVE = "approve"
    REJECT = "reject"
    START = "start"
    SCAN = "scan"
    """Of a multibranch project."""
    REPLAY = "replay"
    RESTART = "restart"
    """Run it again from a stage."""
    CANCEL = "cancel"
    DEQUEUE = "dequeue"
    KEEP = "keep"
    DESCRIBE = "describe"


class StepHandler(msgspec.Struct, frozen=True):
    """How the answer to a request of one kind is judged, and how its effect is recognised."""

    observe: Callable[[Mapping[str, str], Reply | None, LiveStateReader], Awaitable[Observation]]
    """From the notes of the step."""
    refuses_after: frozenset[int] = frozenset()
    """Statuses that may follow the effect: so a second copy of the request is refused, as a proxy may send it, or one
    that came too late."""
    error: str = ""
    """What an error of the server's own mostly stands for: its page does not tell."""
    slow: bool = False
    """Its effect takes its time, also after such an error."""
    changed: str = ""
    """What 400 means for it where the server gives no reason."""
