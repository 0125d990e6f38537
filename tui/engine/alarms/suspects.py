"""What came before an alarm on a model: the deployment, and what can be proposed because of it."""

from collections.abc import Iterator

from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.alarm import SuspectDeployment
from tui.domain.deployment import Deployment, Environments
from tui.domain.status import Status
from tui.engine.actions import model_rules
from tui.engine.queries import AnyQuery, EnvironmentsOf, HistoryOf, PipelinesOf
from tui.engine.store import Store
from tui.insight.environment_state import before as stood_before
from tui.insight.environments import EnvironmentGroup, EnvironmentPlace, all_groups, places


class Suspects:
    """One look at the deployments of models; ``asked`` is what has to be read for it."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self.asked: dict[AnyQuery, None] = {}
        self._groups: dict[str, EnvironmentGroup] | None = None
        self._stand: dict[tuple[str, str], tuple[EnvironmentPlace, ...]] = {}

    def settled(self, model: str) -> bool:
        """All that is needed for ``model`` was read, or could not be."""
        queries = self._questions(model)
        readings = [self._store.get(query) for query in queries]
        return all(each.value is not None or each.fault is not None for each in readings)

    def before(
        self, model: str, since: float, environment: str = "", *, canary: bool = False
    ) -> tuple[SuspectDeployment, EnvironmentPlace] | None:
        """The deployment of ``model`` that was last there when something began at ``since``.

        Args:
            environment: the only one to look at, by name or address; empty: those of the model.
            canary: it is about the canary: that is the one that is there now, also where the one before it was as bad.
        """
        for query in self._questions(model, environment):
            self.asked[query] = None
        found = [
            (at, place, deployment)
            for place in self._places(model, environment)
            for deployment in place.environment.deployments
            if (at := self._served_from(deployment)) is not None and at <= since
        ]
        found = (canary and [*self._canaries(model, environment)]) or found
        if not found:
            return None
        at, place, deployment = max(found, key=lambda each: each[0])
        return SuspectDeployment(deployment, place.environment.address, max(0.0, since - at)), place

    def later(self, found: tuple[SuspectDeployment, EnvironmentPlace] | None) -> str:
        """The version that has come in the place of the one found; empty: that one is there."""
        if found is None:
            return ""
        now = found[1].standing
        there = [each.version for each in (now.canary, now.stable) if each is not None]
        return "" if not there or found[0].deployment.version in there else there[0]

    def coming(self, found: tuple[SuspectDeployment, EnvironmentPlace] | None) -> str:
        """The version that is being put there just now; empty: none."""
        coming = found[1].standing.coming if found is not None else ()
        return next((each.version for each in coming if each.status is Status.RUNNING), "")

    def rollback(
        self, found: tuple[SuspectDeployment, EnvironmentPlace] | None
    ) -> tuple[str, ActionRequest | None]:
        """Going back to what was there before, in words and as a request."""
        if found is None:
            return "roll back: no deployment of it is known", None
        before, place = found
        deployment, deployments = before.deployment, place.environment.deployments
        now = place.standing
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
        self, model: str, found: tuple[SuspectDeployment, EnvironmentPlace] | None
    ) -> tuple[str, ActionRequest | None]:
        """Training it anew, in words and as a request."""
        group = self._group(model)
        request = model_rules.retrain(
            self._settings, model, found[0] if found is not None else None, group.members if group else ()
        )
        if request is None:
            return "retrain: no pipeline for it is configured", None
        return f"retrain with {request.target}", request

    def _group(self, model: str) -> EnvironmentGroup | None:
        if self._groups is None:
            listings = (self._store.get(PipelinesOf(name)).value for name in self._sources())
            pipelines = [each for listing in listings if listing is not None for each in listing.pipelines]
            self._groups = {each.model: each for each in all_groups(pipelines, self._settings)}
        return self._groups.get(model)

    def _sources(self) -> Iterator[str]:
        for name, source in self._settings.sources.items():
            if source.runs_pipelines:
                yield name

    def _questions(self, model: str, environment: str = "") -> list[AnyQuery]:
        wanted = self._settings.models[model].sources
        queries: list[AnyQuery] = [PipelinesOf(name) for name in self._sources() if name in wanted]
        if (group := self._group(model)) is not None:
            queries += map(EnvironmentsOf, group.pipelines)
        queries += [HistoryOf(place.environment.address) for place in self._standing(model, environment)]
        return queries

    def _canaries(self, model: str, environment: str) -> Iterator[tuple[float, EnvironmentPlace, Deployment]]:
        for place in self._places(model, environment):
            canary = place.standing.canary
            if canary is not None and (at := self._served_from(canary)) is not None:
                yield at, place, canary

    def _served_from(self, deployment: Deployment) -> float | None:
        """From when on it can have done harm; None for one that never came so far."""
        if deployment.status is Status.PASSED:
            return deployment.finished_at if deployment.finished_at is not None else deployment.started_at
        waits = deployment.canary and deployment.status is Status.WAITING
        return deployment.started_at if waits and not deployment.waits_outside else None

    def _standing(self, model: str, environment: str = "") -> tuple[EnvironmentPlace, ...]:
        """The environments that the model is about: those that the config names, if they are there."""
        key = model, environment
        if key not in self._stand:
            group, table = self._group(model), self._settings.models[model]
            pipelines = group.pipelines if group is not None else ()
            answers = (self._store.get(EnvironmentsOf(pipeline)).value for pipeline in pipelines)
            found = places([each for each in answers if each is not None], {}, table)
            wanted = {environment} if environment else {table.environment, *(table.blue_green or ())} - {""}
            named = tuple(each for each in found if wanted & set(_names(each)))
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
        return places([Environments(tuple(each.environment for each in found))], past, None)


def _names(place: EnvironmentPlace) -> tuple[str, str]:
    return place.environment.name, str(place.environment.address)
