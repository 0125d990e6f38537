"""What came before an alarm on a model: the deployment, and what can be proposed because of it."""

from collections.abc import Callable, Iterator

import msgspec

from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address
from tui.domain.alarm import SuspectDeployment
from tui.domain.deployment import Deployment, Environments
from tui.domain.pipeline import Pipeline
from tui.domain.status import Status
from tui.engine.actions import model_rules
from tui.engine.queries import AnyQuery, EnvironmentsOf, HistoryOf, PipelinesOf
from tui.engine.source_pool import SKEW_NOTICED
from tui.engine.store import Readings
from tui.insight.environment_state import before as stood_before
from tui.insight.environment_state import put_back, served_from, was_on_its_way
from tui.insight.environments import EnvironmentGroup, EnvironmentPlace, all_groups, front_place, places

NO_CANARY = "no canary is deployed"
UNKNOWN = "no deployment of it is known"


class CanaryNow(msgspec.Struct, frozen=True):
    """Which canary is deployed just now."""

    id: str | None = None
    """Its deployment's; empty: none is deployed; None: that could not be read."""
    version: str = ""
    began: float | None = None
    """Since when it serves, by our clock."""
    run: Address | None = None
    """Which put it there; None: that is not known."""


class Suspects:
    """One look at the deployments of models; ``asked`` is what has to be read for it.

    Args:
        ours: a time that a source's server told, by our clock.
    """

    def __init__(self, settings: Settings, store: Readings, ours: Callable[[str, float], float]) -> None:
        self._settings = settings
        self._store = store
        self._ours = ours
        self.asked: dict[AnyQuery, None] = {}
        self._groups: dict[str, EnvironmentGroup] | None = None
        self._stand: dict[tuple[str, str], tuple[EnvironmentPlace, ...]] = {}

    def settled(self, model: str) -> bool:
        """All that is needed for ``model`` was read, or could not be."""
        queries = self._questions(model)
        readings = [self._store.get(query) for query in queries]
        return all(reading.value is not None or reading.fault is not None for reading in readings)

    def before(
        self, model: str, since: float, environment: str = "", *, canary: bool = False
    ) -> tuple[SuspectDeployment, EnvironmentPlace] | None:
        """The deployment of ``model`` that was last there when something began at ``since``.

        Args:
            environment: the only one to look at, by name or address; empty: those of the model.
            canary: it is about the canary: then no other deployment is to blame, and nobody where no canary is there.
        """
        for query in self._questions(model, environment):
            self.asked[query] = None
        served = self._canaries(model, environment) if canary else self._served(model, environment, since)
        found = [candidate for candidate in served if candidate[0] <= since + SKEW_NOTICED]
        if not found:
            return None
        at, place, deployment = max(found, key=lambda candidate: candidate[0])
        return SuspectDeployment(deployment, place.environment.address, max(0.0, since - at)), place

    def nobody(self, model: str, since: float, environment: str = "", *, canary: bool = False) -> str:
        """Why :meth:`before` finds no deployment to blame, in words."""
        if not canary or not any(place.environment.deployments for place in self._places(model, environment)):
            return UNKNOWN
        found = max(self._canaries(model, environment), key=lambda candidate: candidate[0], default=None)
        return NO_CANARY if found is None else f"the canary {found[2].version} came after it began"

    def canary(self, model: str) -> CanaryNow | None:
        """The canary that an alarm on the model's canary is about; None: that is being read for the first time."""
        queries = self._questions(model, past=False)
        self.asked |= dict.fromkeys(queries)
        readings = [self._store.get(query) for query in queries]
        if any(reading.fault is not None for reading in readings):
            return CanaryNow()
        if any(reading.value is None or reading.recalled for reading in readings):
            return None
        if not any(place.environment.deployments for place in self._standing(model)):
            return CanaryNow()
        found = max(self._canaries(model), key=lambda candidate: candidate[0], default=None)
        return (
            CanaryNow("")
            if found is None
            else CanaryNow(found[2].id, found[2].version, found[0], found[2].run)
        )

    def later(self, found: tuple[SuspectDeployment, EnvironmentPlace] | None) -> str | None:
        """The version that has come in the place of the one found; None: that one is there."""
        if found is None:
            return None
        now = found[1].standing
        there = [deployment.version for deployment in (now.canary, now.stable) if deployment is not None]
        return None if not there or found[0].deployment.version in there else there[0]

    def coming(self, found: tuple[SuspectDeployment, EnvironmentPlace] | None) -> str | None:
        """The version that is being put there just now; None: no other."""
        coming = found[1].standing.coming if found is not None else ()
        return next(
            (deployment.version for deployment in coming if deployment.status is Status.RUNNING), None
        )

    def rollback(
        self, found: tuple[SuspectDeployment, EnvironmentPlace] | None, nobody: str = UNKNOWN
    ) -> tuple[str, ActionRequest | None]:
        """Going back to what was there before, in words and as a request.

        Args:
            nobody: why no deployment was found.
        """
        if found is None:
            return f"roll back: {nobody}", None
        before, place = found
        deployment, deployments = before.deployment, place.environment.deployments
        now = place.standing
        if after := put_back(deployment, deployments):
            return f"roll back: {deployment.version} was itself put back, after {after.version}", None
        candidate = stood_before(deployment, deployments)
        if candidate is None:
            return "roll back: no earlier version is known", None
        words = f"roll back to {candidate.version}"
        if now.stable is not None and now.stable.version == candidate.version:
            if now.canary is None:
                return f"roll back: {candidate.version}, which was there before it, is there now", None
            words = f"take the canary {now.canary.version} back to {candidate.version}"
        if candidate.rollback is not None and not candidate.rollback.possible:
            words += f" ({candidate.rollback.words})"
        if later := self.later(found):
            words += f" ({later} has come since)"
        values = (("version", candidate.version),)
        return words, ActionRequest(ActionKind.ROLLBACK, before.environment, values)

    def retrain(
        self, model: str, found: tuple[SuspectDeployment, EnvironmentPlace] | None, nobody: str = UNKNOWN
    ) -> tuple[str, ActionRequest | None]:
        """Training it anew, in words and as a request; also where no deployment is known, but not where it is known
        that none is to blame.

        Args:
            nobody: why no deployment was found.
        """
        if found is None and nobody != UNKNOWN:
            return f"retrain: {nobody}", None
        group = self._group(model)
        before, jobs = found[0] if found is not None else None, group.members if group else ()
        request = model_rules.retrain(self._settings, model, before, jobs, self._listed())
        if request is None:
            return "retrain: no pipeline for it is configured", None
        return f"retrain with {request.target}", request

    def _group(self, model: str) -> EnvironmentGroup | None:
        if self._groups is None:
            self._groups = {
                all_group.model: all_group for all_group in all_groups(self._listed(), self._settings)
            }
        return self._groups.get(model)

    def _listed(self) -> list[Pipeline]:
        listings = (self._store.get(PipelinesOf(name)).value for name in self._sources())
        return [pipeline for listing in listings if listing is not None for pipeline in listing.pipelines]

    def _sources(self) -> Iterator[str]:
        for name, source in self._settings.sources.items():
            if source.runs_pipelines:
                yield name

    def _questions(self, model: str, environment: str = "", *, past: bool = True) -> list[AnyQuery]:
        wanted = self._settings.models[model].sources
        queries: list[AnyQuery] = [PipelinesOf(name) for name in self._sources() if name in wanted]
        if (group := self._group(model)) is not None:
            queries += map(EnvironmentsOf, group.pipelines)
        if past:
            queries += [HistoryOf(place.environment.address) for place in self._standing(model, environment)]
        return queries

    def _served(
        self, model: str, environment: str, since: float
    ) -> Iterator[tuple[float, EnvironmentPlace, Deployment]]:
        """Every deployment that can have done harm at ``since``, and from when on, by our clock."""
        for place in self._places(model, environment):
            source = place.environment.address.source
            for deployment in place.environment.deployments:
                if (at := self._from(place, deployment)) is not None:
                    yield at, place, deployment
                elif was_on_its_way(deployment, since + since - self._ours(source, since)):
                    assert deployment.started_at is not None
                    yield self._ours(source, deployment.started_at), place, deployment

    def _canaries(
        self, model: str, environment: str = ""
    ) -> Iterator[tuple[float, EnvironmentPlace, Deployment]]:
        """The canaries that are there now, in the environment that counts where the config names none."""
        table = self._settings.models[model]
        there = self._places(model, environment)
        front = None if environment or table.environment else front_place(there, table)
        for place in (front,) if front is not None else there:
            canary = place.standing.canary
            if canary is None or table.canary.version not in ("", canary.version):
                continue
            if (at := self._from(place, canary)) is not None:
                yield at, place, canary

    def _from(self, place: EnvironmentPlace, deployment: Deployment) -> float | None:
        at = served_from(deployment)
        return at if at is None else self._ours(place.environment.address.source, at)

    def _standing(self, model: str, environment: str = "") -> tuple[EnvironmentPlace, ...]:
        """The environments that the model is about: those that the config names, if they are there."""
        key = model, environment
        if key not in self._stand:
            group, table = self._group(model), self._settings.models[model]
            pipelines = group.pipelines if group is not None else ()
            answers = (self._store.get(EnvironmentsOf(pipeline)).value for pipeline in pipelines)
            found = places([answer for answer in answers if answer is not None], {}, table)
            wanted = {environment} if environment else {table.environment, *(table.blue_green or ())} - {""}
            named = tuple(environment for environment in found if wanted & set(_names(environment)))
            self._stand[key] = named or (() if environment else found)
        return self._stand[key]

    def _places(self, model: str, environment: str) -> tuple[EnvironmentPlace, ...]:
        """The same, with their past as far as it was read."""
        past = {}
        found = self._standing(model, environment)
        for place in found:
            address = place.environment.address
            if (history := self._store.get(HistoryOf(address)).value) is not None:
                past[address] = history
        return places([Environments(tuple(place.environment for place in found))], past, None)


def _names(place: EnvironmentPlace) -> tuple[str, ...]:
    return place.environment.name, *place.environment.address.spellings
