"""Alarms: what somebody should know of without looking, ours and those of other systems."""

from enum import StrEnum
from typing import Literal

import msgspec

from tui.domain.action import ActionRequest
from tui.domain.address import Address
from tui.domain.deployment import Deployment

Severity = Literal["warning", "critical"]


class AlarmState(StrEnum):
    PENDING = "pending"
    """It is bad, but not yet for long enough."""
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    """It fires, and somebody knows."""
    RESOLVED = "resolved"
    """It fired, and is well again; shown for a while."""

    @property
    def active(self) -> bool:
        """It fires, whether somebody knows or not."""
        return self in (AlarmState.FIRING, AlarmState.ACKNOWLEDGED)


class SuspectDeployment(msgspec.Struct, frozen=True):
    """The deployment that came last before something began."""

    deployment: Deployment
    environment: Address
    seconds: float
    """How long before."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that is or was broken by one subject; together they are its identity."""

    name: str
    """NAME in the config; of another system's alarm, its name there."""
    subject: str
    """What it is about: a model, an address, a source."""
    state: AlarmState
    since: float
    """When it became bad."""
    changed: float
    """When it came into its state."""
    words: str
    severity: Severity = "warning"
    value: float | None = None
    unit: str = ""
    model: str = ""
    """The model that it is about; empty for none."""
    canary: bool = False
    """It is about the model's canary alone."""
    ended: bool = False
    """There are no new values: whether it is still so, nobody knows."""
    origin: str = ""
    """The source that told of it; empty for our own."""
    silenced: str = ""
    """Who keeps it quiet there, in words."""
    before: SuspectDeployment | None = None
    """The deployment that came before it; of an alarm on a model."""
    advice: tuple[str, ...] = ()
    """What it proposes, in words: one each for ``proposals``, and for what cannot be asked for, why."""
    proposals: tuple[ActionRequest, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.origin}:{self.name} {self.subject}" if self.origin else f"{self.name} {self.subject}"


class Alarms(msgspec.Struct, frozen=True):
    """All that is known of now: firing first, then acknowledged, pending, silenced, resolved."""

    alarms: tuple[Alarm, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be told, or sent, in words."""

    @property
    def firing(self) -> tuple[Alarm, ...]:
        """Those that nobody has acknowledged or silenced."""
        return tuple(
            alarm for alarm in self.alarms if alarm.state is AlarmState.FIRING and not alarm.silenced
        )


class Announcement(msgspec.Struct, frozen=True):
    """What a policy of ``[safety]`` is about to do for an alarm, does, did, or why it does not."""

    policy: str
    alarm: str
    """NAME in the config."""
    model: str
    words: str
    at: float | None = None
    """When it acts, unless somebody is first; None: it waits for nothing."""


class Alert(msgspec.Struct, frozen=True):
    """What another system's rules found: Prometheus, Alertmanager."""

    name: str
    labels: tuple[tuple[str, str], ...]
    """Sorted, without the name."""
    words: str
    state: Literal["pending", "firing"]
    since: float
    value: float | None = None
    silenced: str = ""
    """Who keeps it quiet, in words."""


class Alerts(msgspec.Struct, frozen=True):
    alerts: tuple[Alert, ...] = ()
    silences: bool = False
    """It was told by what keeps them quiet: an Alertmanager."""
    notes: tuple[str, ...] = ()
    """Rules that the server cannot evaluate."""
