"""Two deployments of one environment: which one a deployment is measured by, and what is known of both."""

import msgspec

from tui.domain.deployment import Changes, Deployment, Environment, Validation, Version
from tui.domain.pipeline import Run
from tui.insight.environment_state import before, environment_state


class DeploymentPair(msgspec.Struct, frozen=True):
    """Two deployments of one environment: the one looked at, and the one it is measured by."""

    environment: Environment
    this: Deployment
    other: Deployment | None
    """None: there is no other version."""
    backwards: bool = False
    """This one is the older: going back to it takes away what the other brought."""

    @property
    def versions(self) -> tuple[Version, Version] | None:
        """The older and the newer one; None where there is nothing to compare."""
        if self.other is None:
            return None
        pair = [
            Version(
                self.environment.address,
                deployment.revision,
                deployment.run.of_run if deployment.run else None,
            )
            for deployment in (self.other, self.this)
        ]
        return (pair[1], pair[0]) if self.backwards else (pair[0], pair[1])


def pair_of(environment: Environment, deployment: Deployment, *, older: bool) -> DeploymentPair:
    """What ``deployment`` is measured by: the stable one by what was there before it, all others by the stable one.

    Args:
        older: it was there before the stable one.
    """
    stable = environment_state(environment.deployments).stable
    if stable is not None and deployment.id == stable.id:
        return DeploymentPair(environment, deployment, before(deployment, environment.deployments))
    return DeploymentPair(environment, deployment, stable, older)


class ComparisonAnswers(msgspec.Struct, frozen=True):
    """An answer as far as there is one."""

    run: Run | None = None
    other_run: Run | None = None
    changes: Changes | None = None
    numbers: Validation | None = None
    other_numbers: Validation | None = None
    faults: tuple[str, ...] = ()
    """Why something could not be read."""
