"""What came before an alarm on a model: the deployment, and what can be proposed because of it."""

from collections.abc import Iterator

from tui.config import PIPELINE_SOURCES, Settings
from tui.domain.action import Kind, Wish
from tui.domain.alarm import Before
from tui.domain.deployment import Deployment, Environments
from tui.domain.status import Status
from tui.engine import wishes
from tui.engine.questions import AnyQuestion, EnvironmentsOf, HistoryOf, PipelinesOf
from tui.engine.store import Store
from tui.insight.standing import before as stood_before
from tui.insight.standing import standing
from tui.placement import Group, Place, all_groups, places


class Culprits:
    """One look at the deployments of models; ``asked`` is what has to be read for it."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self.asked: dict[AnyQuestion, None] = {}
        self._groups: dict[str, Group] | None = None
        self._stand: dict[str, tuple[Place, ...]] = {}

    def settled(self, model: str) -> bool:
        """All that is needed for ``model`` was read, or could not be."""
        questions = self._questions(model)
        readings = [self._store.get(question) for question in questions]
        return all(each.value is not None or each.fault is not None for each in readings)

    def before(self, model: str, since: float) -> tuple[Before, Place] | None:
        """The deployment of ``model`` that was last there when something began at ``since``."""
        for question in self._questions(model):
            self.asked[question] = None
        found = [
            (at, place, deployment)
            for place in self._places(model)
            for deployment in place.environment.deployments
            if (at := _served_from(deployment)) is not None and at <= since
        ]
        if not found:
            return None
        at, place, deployment = max(found, key=lambda each: each[0])
        return Before(deployment, place.environment.address, since - at), place

    def rollback(self, found: tuple[Before, Place] | None) -> tuple[str, Wish | None]:
        """Going back to what was there before, in words and as a wish."""
        if found is None:
            return "roll back: no deployment of it is known", None
        before, place = found
        deployment, deployments = before.deployment, place.environment.deployments
        now = standing(deployments)
        candidate = stood_before(deployment, deployments)
        if candidate is None:
            return "roll back: no earlier version is known", None
        words = f"roll back to {candidate.version}"
        if now.stable is not None and now.stable.version == candidate.version:
            if now.canary is None:
                return f"roll back: {candidate.version}, which was there before it, is there now", None
            words += f", without the canary {now.canary.version}"
        elif candidate.rollback is not None and not candidate.rollback.possible:
            words += f" ({candidate.rollback.words})"
        values = (("version", candidate.version),)
        return words, Wish(Kind.ROLLBACK, before.environment, values)

    def retrain(self, model: str, found: tuple[Before, Place] | None) -> tuple[str, Wish | None]:
        """Training it anew, in words and as a wish."""
        group = self._group(model)
        wish = wishes.retrain(
            self._settings, model, found[0] if found is not None else None, group.members if group else ()
        )
        if wish is None:
            return "retrain: no pipeline for it is configured", None
        return f"retrain with {wish.target}", wish

    def _group(self, model: str) -> Group | None:
        if self._groups is None:
            listings = (self._store.get(PipelinesOf(name)).value for name in self._sources())
            pipelines = [each for listing in listings if listing is not None for each in listing.pipelines]
            self._groups = {each.model: each for each in all_groups(pipelines, self._settings)}
        return self._groups.get(model)

    def _sources(self) -> Iterator[str]:
        for name, source in self._settings.sources.items():
            if isinstance(source, PIPELINE_SOURCES):
                yield name

    def _questions(self, model: str) -> list[AnyQuestion]:
        wanted = {text.partition(":")[0] for text in self._settings.models[model].pipelines}
        questions: list[AnyQuestion] = [PipelinesOf(name) for name in self._sources() if name in wanted]
        if (group := self._group(model)) is not None:
            questions += map(EnvironmentsOf, group.pipelines)
        questions += [HistoryOf(place.environment.address) for place in self._standing(model)]
        return questions

    def _standing(self, model: str) -> tuple[Place, ...]:
        """The environments that the model is about: those that the config names, if they are there."""
        if model not in self._stand:
            group, table = self._group(model), self._settings.models[model]
            pipelines = group.pipelines if group is not None else ()
            answers = (self._store.get(EnvironmentsOf(pipeline)).value for pipeline in pipelines)
            found = places([each for each in answers if each is not None], {}, table)
            named = {table.environment, *(table.blue_green or ())} - {""}
            self._stand[model] = tuple(each for each in found if each.environment.name in named) or found
        return self._stand[model]

    def _places(self, model: str) -> tuple[Place, ...]:
        """The same, with their past as far as it was read."""
        past = {}
        found = self._standing(model)
        for place in found:
            address = place.environment.address
            if (history := self._store.get(HistoryOf(address)).value) is not None:
                past[address] = history
        return places([Environments(tuple(each.environment for each in found))], past, None)


def _served_from(deployment: Deployment) -> float | None:
    """From when on it can have done harm; None for one that never came so far."""
    if deployment.status is Status.PASSED:
        return deployment.finished_at if deployment.finished_at is not None else deployment.started_at
    # A canary that waits to take all of the traffic has a part of it.
    return deployment.started_at if deployment.canary and deployment.status is Status.WAITING else None
