"""The kinds of request that are sent to a Gate, and what a handler of one says of it."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import msgspec

from tui.domain.action import Observation, Reply
from tui.sources.spinnaker.actions.live_state import LiveState


class StepKind(StrEnum):
    """The words stand in journals: they stay as they are."""

    JUDGE = "judge"
    RESTART = "restart"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    START = "start"
    UNDO = "undo rollout"
    ENABLE = "enable before"
    """Enable an earlier server group and disable the one that serves."""


class StepHandler(msgspec.Struct, frozen=True):
    """How the answer to a request of one kind is judged, and how its effect is recognised."""

    observe: Callable[[Mapping[str, str], Reply | None, LiveState], Awaitable[Observation]]
    """From the notes of the step."""
    leaves_a_trace: bool = False
    """What is refused may have been recorded all the same (contracts: spinnaker §9.4)."""
