"""What must be on screen before a canary is promoted (contracts: canary, "What must be on screen")."""

import msgspec

from tui.domain.deployment import Changes, Deployment
from tui.domain.pipeline import TestCounts
from tui.domain.verdict import Verdict


class Known(msgspec.Struct, frozen=True):
    """How one part was come by."""

    at: float | None = None
    """When it was read; None: it could not be."""
    problem: str = ""
    """Why it could not be read now; what is shown is then from ``at``, or missing."""


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one promotion, each part with when it was read."""

    model: str
    environment: str
    version: str = ""
    """What would be promoted."""
    replaces: str = ""
    """The version that has most of the traffic now."""
    canary: Deployment | None = None
    share: float | None = None
    """The canary's part of the traffic in percent."""
    minutes: float | None = None
    """How long it has been a canary."""
    others: tuple[Deployment, ...] = ()
    """Other deployments to the environment since then: what they changed is in the comparison, too."""
    back: str = ""
    """What rolling back would do."""
    environments: Known = Known()
    verdict: Verdict | None = None
    verdict_known: Known = Known()
    changes: Changes | None = None
    changes_known: Known = Known()
    tests: TestCounts | None = None
    tests_known: Known = Known()
    alarms: tuple[str, ...] = ()
    """What fires for the model, and what other systems say fires, in words."""
    alarms_known: Known = Known(problem="they were not read")
