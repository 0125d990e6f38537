"""What waits for a person, everywhere."""

from collections.abc import Callable, Iterable

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environments
from tui.domain.pipeline import Gate, Listing, Pipeline, Run
from tui.domain.status import Status


class PendingGate(msgspec.Struct, frozen=True):
    """A gate, and what it is in."""

    gate: Gate
    run: Run
    pipeline: Pipeline
    promotes: bool = False
    """A canary waits at it, or may, whether or not its run does."""
    overtaken: str = ""
    """What was put since into the environment that it leads to, in words; empty: nothing newer, as far as is known."""

    @property
    def since(self) -> float | None:
        """Where nobody tells since when it waits, its run has waited no longer than it is there."""
        return self.gate.since or self.run.started_at or self.run.created_at

    @property
    def needs_person(self) -> bool:
        """Somebody has to answer it. Not so an optional job, which blocks nothing (``roll back``), and what a newer
        deployment has overtaken."""
        return (self.gate.blocking or self.promotes) and not self.overtaken

    @property
    def blocks(self) -> str:
        """What does not go on without an answer, in words."""
        if self.overtaken:
            return f"overtaken: {self.overtaken}"
        return f"{self.run.title} {self.run.ref}".strip() if self.gate.blocking else "nothing"


def pending_gates(
    listings: Iterable[Listing],
    places: Iterable[Environments] = (),
    promotes: Callable[[Gate], bool] = lambda _: False,
) -> list[PendingGate]:
    """Every gate; those that need a person before those that do not, each the oldest first.

    Args:
        places: what the pipelines that have gates deploy to, as far as that was read.
        promotes: whether a canary waits at a gate.
    """
    places = tuple(places)
    found = {
        gate.address: PendingGate(gate, run, pipeline, promotes(gate), _overtaken(gate.address, places))
        for listing in listings
        for pipeline in listing.pipelines
        for run in pipeline.runs
        for gate in run.gates
    }
    return sorted(
        found.values(),
        key=lambda pending: (
            not pending.needs_person,
            pending.since or float("inf"),
            str(pending.gate.address),
        ),
    )


def _overtaken(gate: Address, places: Iterable[Environments]) -> str:
    """Told only of the one environment that the gate is known to lead to, by runs of its own pipeline."""
    environments = [environment for found in places for environment in found.environments]
    own = [
        place
        for place in environments
        if any(_waits_there(gate, deployment) for deployment in place.deployments)
    ]
    # A job of the same name may lead elsewhere in a run of another ref.
    alike = [
        place
        for place in environments
        if any(_same_job(gate, deployment) for deployment in place.deployments)
    ]
    led_to = own or alike
    if len(led_to) != 1:
        return ""
    (environment,) = led_to
    for deployment in environment.deployments:
        if deployment.status is Status.PASSED and not deployment.canary and _newer(deployment, gate):
            return f"{deployment.version} was put into {environment.name} since"
    return ""


def _waits_there(gate: Address, deployment: Deployment) -> bool:
    """Whether the gate lets on what makes ``deployment``."""
    return _same_job(gate, deployment) and deployment.run is not None and deployment.run.of_run == gate.of_run


def _same_job(gate: Address, deployment: Deployment) -> bool:
    """Whether the gate lets on what made ``deployment``, or what made it in another run."""
    made_by = deployment.run
    if made_by is None or made_by.pipeline != gate.pipeline:
        return False
    if gate.job is None or made_by.job is None:
        return made_by.of_run == gate.of_run
    return made_by.job.partition("~")[0] == gate.job.partition("~")[0]


def _newer(deployment: Deployment, gate: Address) -> bool:
    made_by = deployment.run
    if made_by is None or made_by.pipeline != gate.pipeline:
        return False
    return isinstance(made_by.run, int) and isinstance(gate.run, int) and made_by.run > gate.run
