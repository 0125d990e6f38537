"""The kinds of request that are sent to a GitLab, and what a handler of one says of it."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import msgspec

from tui.domain.action import Observation, Reply
from tui.sources.gitlab.actions.live_state_reader import LiveStateReader


class StepKind(StrEnum):
    """The words stand in journals: they stay as they are."""

    PLAY = "play"
    APPROVE = "approve"
    REJECT = "reject"
    RETRY = "retry"
    RETRY_RUN = "retry run"
    CANCEL = "cancel"
    CANCEL_RUN = "cancel run"
    CREATE = "create"
    TRIGGER = "trigger"
    """Start a run by a trigger token."""
    STOP = "stop"


class StepHandler(msgspec.Struct, frozen=True):
    """How a request of one kind is sent, and how its effect is recognised."""

    observe: Callable[[Mapping[str, str], Reply | None, LiveStateReader], Awaitable[Observation]]
    """From the notes of the step."""
    own_token: bool = False
    """A token in its body stands for itself; ours is not sent (contracts: gitlab §4.1)."""
    not_found: str = ""
    """What 404 means for it."""
