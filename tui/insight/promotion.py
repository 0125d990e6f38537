"""What must be on screen before a canary is promoted (contracts: canary, "What must be on screen")."""

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Changes, Deployment
from tui.domain.evaluation import EvaluationComparison
from tui.domain.model_comparison import ModelComparison
from tui.domain.pipeline import TestCounts
from tui.domain.verdict import Verdict

FRESH = 15.0
"""Seconds after which what was read counts as old."""


class PartSource(msgspec.Struct, frozen=True):
    """How one part was come by."""

    at: float | None = None
    """When it was read; None: it could not be."""
    problem: str = ""
    """Why it could not be read now; what is shown is then from ``at``, or missing."""

    def fresh(self, now: float) -> bool:
        """It was read within the last seconds, and nothing has gone wrong since."""
        return not self.problem and self.at is not None and now - self.at < FRESH


class OtherDeployment(msgspec.Struct, frozen=True):
    """Something else that was deployed while the canary was judged: what it changed is in the comparison, too."""

    environment: Address
    deployment: Deployment


class RequestCounts(msgspec.Struct, frozen=True):
    """How many each had to answer since the canary is there."""

    canary: float | None = None
    baseline: float | None = None


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
    before: float | None = None
    """Minutes that what it replaces was there before the canary came."""
    others: tuple[OtherDeployment, ...] = ()
    """Other deployments since the canary came: to its environment, and to others for production."""
    back: str = ""
    """What rolling back would do."""
    environments: PartSource = PartSource()
    requests: RequestCounts = RequestCounts()
    requests_known: PartSource = PartSource(problem="they were not counted")
    verdict: Verdict | None = None
    verdict_known: PartSource = PartSource()
    changes: Changes | None = None
    changes_known: PartSource = PartSource()
    tests: TestCounts | None = None
    tests_known: PartSource = PartSource()
    comparison: ModelComparison | None = None
    """What changed from the version that is deployed, by what the registry has of both."""
    comparison_known: PartSource | None = None
    """None: no registry has the model."""
    evaluations: tuple[EvaluationComparison, ...] = ()
    """What the reports of evaluations say, beside those of the version that is deployed."""
    evaluations_known: PartSource | None = None
    """None: the config names none."""
    alarms: tuple[str, ...] = ()
    """What fires for the model, in words."""
    alarms_elsewhere: tuple[str, ...] = ()
    """What other systems say fires: nobody tells which model it is about."""
    alarms_known: PartSource = PartSource(problem="they were not read")
    judging: tuple[str, ...] = ()
    """Who else decides on the model at this moment, and what else of it waits for a decision, in words."""

    def version_at(self, gate: Address) -> str:
        """The version that ``gate`` lets go on; empty where the canary that is known came of another run."""
        run = self.canary.run if self.canary is not None else None
        other = run is not None and gate.run is not None and run.of_run != gate.of_run
        return "" if other else self.version.strip()
