"""What stands in an environment now, by its deployments: the stable version, the canary, what is coming."""

from collections.abc import Iterable, Sequence
from math import inf

import msgspec

from tui.domain.deployment import Deployment, Environment
from tui.domain.status import Status

_FAILED = (Status.FAILED, Status.WARNING, Status.CANCELED)
_LONG_AGO = (-inf, 0, "")


class EnvironmentState(msgspec.Struct, frozen=True):
    """Who is who among the deployments of one environment."""

    stable: Deployment | None = None
    """The version that is there: of the successful ones the one that ended last (contracts: gitlab §3.5)."""
    previous: Deployment | None = None
    """The last one before it of another version."""
    canary: Deployment | None = None
    """What takes a part of the traffic beside the stable one, or waits to take all."""
    coming: tuple[Deployment, ...] = ()
    """On its way: the newest that runs or is queued, and the newest that waits for a person."""
    failed: Deployment | None = None
    """The newest that failed or was stopped, where nothing came of a later one."""

    @property
    def stable_share(self) -> float | None:
        """The stable version's part of the traffic in percent, where it can be told."""
        if self.stable is None:
            return None
        if self.canary is None:
            return 100.0
        return None if self.canary.share is None else 100.0 - self.canary.share


def newest_first(deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
    return tuple(sorted(deployments, key=_asked, reverse=True))


def environment_state(deployments: Sequence[Deployment]) -> EnvironmentState:
    """Who is who among ``deployments``, in whatever order they come."""
    there = sorted(
        (
            deployment
            for deployment in deployments
            if deployment.status is Status.PASSED and not deployment.canary
        ),
        key=lambda deployment: (_ended(deployment), _asked(deployment)),
    )
    stable = there[-1] if there else None
    since = _ended(stable) if stable is not None else -inf
    asked = _asked(stable) if stable is not None else _LONG_AGO
    canaries = [
        deployment
        for deployment in deployments
        if deployment.canary
        and (
            (deployment.status is Status.PASSED and _ended(deployment) > since)
            or (
                deployment.status is Status.WAITING
                and not deployment.waits_outside
                and _asked(deployment) > asked
            )
        )
    ]
    canary = max(canaries, key=_asked, default=None)
    later = newest_first(
        deployment
        for deployment in deployments
        if deployment is not canary and deployment is not stable and _asked(deployment) > asked
    )
    coming = []
    for wanted in ((Status.RUNNING, Status.QUEUED), (Status.WAITING,)):
        coming += [deployment for deployment in later if deployment.status in wanted][:1]
    failed = next((deployment for deployment in later if deployment.status in _FAILED), None)
    if failed is not None and canary is not None and _asked(canary) > _asked(failed):
        failed = None
    return EnvironmentState(
        stable=stable,
        previous=next((deployment for deployment in reversed(there) if not _same(deployment, stable)), None),
        canary=canary,
        coming=tuple(coming),
        failed=failed,
    )


def served_from(deployment: Deployment) -> float | None:
    """Since when it can have answered requests, by its server's clock; None for one that never came so far.

    A Jenkins canary that waits for a person has been there for some part of its run: since its beginning, at most.
    """
    if deployment.status is Status.PASSED:
        return deployment.finished_at if deployment.finished_at is not None else deployment.started_at
    waits = deployment.canary and deployment.status is Status.WAITING
    return deployment.started_at if waits and not deployment.waits_outside else None


def before(deployment: Deployment, deployments: Sequence[Deployment]) -> Deployment | None:
    """What was there, in another version, when ``deployment`` came."""
    earlier = [
        other
        for other in deployments
        if other.status is Status.PASSED
        and not other.canary
        and not _same(other, deployment)
        and _ended(other) <= (_ended(deployment) if deployment.finished_at is not None else inf)
    ]
    return max(earlier, key=_ended, default=None)


def was_on_its_way(deployment: Deployment, at: float) -> bool:
    """It was being put there at that time, by its server's clock, and came to nothing later: as a canary that a person
    rejected."""
    began, ended = deployment.started_at, deployment.finished_at
    if began is None or ended is None:
        return False
    return deployment.status in _FAILED and began <= at <= ended


def put_back(deployment: Deployment, deployments: Sequence[Deployment]) -> Deployment | None:
    """What was tried before a version that had been there already was put there again; None where nothing was."""
    earlier = [other for other in deployments if other.status.finished and _ended(other) < _ended(deployment)]
    newest = max(earlier, key=_ended, default=None)
    stood = any(
        _same(other, deployment) and other.status is Status.PASSED and not other.canary for other in earlier
    )
    return newest if stood and not deployment.canary and not _same(deployment, newest) else None


def _same(one: Deployment, other: Deployment | None) -> bool:
    return other is not None and one.version == other.version


def _asked(deployment: Deployment) -> tuple[float, int, str]:
    """The order in which deployments were asked for. GitLab makes those of all jobs of a pipeline at one moment: then
    their numbers tell."""
    at = deployment.started_at if deployment.started_at is not None else _ended(deployment)
    return at, len(deployment.id), deployment.id


def _ended(deployment: Deployment) -> float:
    if deployment.finished_at is not None:
        return deployment.finished_at
    return deployment.started_at if deployment.started_at is not None else -inf


# --- blue and green -----------------------------------------------------------------------------------------------


class LiveColour(msgspec.Struct, frozen=True):
    """Which half of a blue-green pair has the traffic."""

    name: str
    why: str


def live_of(halves: Sequence[Environment], main: Environment | None) -> LiveColour | None:
    """Which of two environments has the traffic: the one of the version that ``main``, the environment in front of
    them, has; without such a one, the one that was deployed to last. None where neither tells.
    """
    stables = [
        (half, stable)
        for half in halves
        if (stable := environment_state(half.deployments).stable) is not None
    ]
    front = environment_state(main.deployments).stable if main is not None else None
    if main is not None and front is not None:
        same = [half for half, stable in stables if _same(stable, front)]
        if len(same) == 1:
            return LiveColour(same[0].name, f"{main.name} has its version")
    if not stables:
        return None
    newest, _ = max(stables, key=lambda pair: _ended(pair[1]))
    return LiveColour(newest.name, "it was deployed to last")


def colours(deployments: Sequence[Deployment]) -> tuple[tuple[str, Deployment], ...]:
    """For each colour of one environment the deployment that stands there, the one with the traffic first."""
    newest: dict[str, Deployment] = {}
    for deployment in sorted(deployments, key=_ended, reverse=True):
        if deployment.colour and deployment.status is Status.PASSED and not deployment.canary:
            newest.setdefault(deployment.colour, deployment)
    return tuple(newest.items())
