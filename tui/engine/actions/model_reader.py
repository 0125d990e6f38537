"""What an action on a model means, as its pipelines and environments are now."""

import asyncio
from collections.abc import Sequence

from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address
from tui.domain.deployment import Environment
from tui.domain.pipeline import Pipeline
from tui.engine.actions import model_rules
from tui.engine.polling.poller import Poller
from tui.engine.queries import EnvironmentsOf, PipelinesOf
from tui.insight.environment_state import live_of


class ModelReader:
    """Reads where a model waits and is deployed, and how it is trained anew."""

    def __init__(self, settings: Settings, poller: Poller) -> None:
        self._settings = settings
        self._poller = poller

    async def retraining(self, model: str) -> ActionRequest | None:
        """The request to train ``model`` anew; None where the config does not say how.

        Raises:
            SourceError
        """
        known: tuple[Pipeline, ...] = ()
        if self._settings.models[model].retrain is None:
            sources = {name: self._settings.sources[name] for name in self._settings.models[model].sources}
            ruled = [name for name, source in sources.items() if source.may_retrain]
            listings = await asyncio.gather(*(self._poller.ask(PipelinesOf(name)) for name in ruled))
            known = tuple(pipeline for listing in listings for pipeline in listing.pipelines)
        return model_rules.retrain(self._settings, model, known=known)

    async def gates(self, model: str) -> tuple[ActionRequest, ...]:
        """The requests to let the canary of ``model`` go on: one for each gate that it waits at, oldest first.

        Raises:
            SourceError
        """
        sources = self._settings.models[model].sources
        listings = await asyncio.gather(*(self._poller.ask(PipelinesOf(name)) for name in sources))
        found = model_rules.gates_of(self._settings, model, listings)
        return tuple(ActionRequest(ActionKind.PROMOTE, gate.address) for gate in found)

    async def places(self, model: str) -> tuple[Address, ...]:
        """The environments of ``model``: that which the config names, else all that its pipelines have.

        Raises:
            SourceError
        """
        wanted, places = self._settings.models[model].environment, await self._environments_of(model)
        named = [place for place in places if wanted in (place.name, *place.address.spellings, "")]
        return tuple(dict.fromkeys(place.address for place in named))

    async def live(self, model: str) -> str | None:
        """Which half of the blue-green pair of ``model`` has the traffic, read now; None where that is not known.

        Raises:
            SourceError
        """
        return self.live_of(model, await self._environments_of(model))

    def live_of(self, model: str, places: Sequence[Environment]) -> str | None:
        """The same by environments that were read already."""
        settings = self._settings.models[model]
        halves = [place for place in places if place.name in (settings.blue_green or ())]
        main = next((place for place in places if place.name == settings.environment), None)
        found = live_of(halves, main if main not in halves else None)
        return found.name if found is not None else None

    async def _environments_of(self, model: str) -> list[Environment]:
        """All that the pipelines of ``model`` deploy to, read now.

        Raises:
            SourceError
        """
        from tui.insight.environments import model_group  # not with the first frame

        settings = self._settings.models[model]
        listings = await asyncio.gather(*(self._poller.ask(PipelinesOf(name)) for name in settings.sources))
        listed = [pipeline for listing in listings for pipeline in listing.pipelines]
        group = model_group(model, settings, listed, self._settings)
        found = await asyncio.gather(
            *(self._poller.ask(EnvironmentsOf(pipeline)) for pipeline in group.pipelines)
        )
        return [environment for answer in found for environment in answer.environments]
