"""What waits for a person now, as far as is known."""

from functools import partial

from tui.config import Settings
from tui.domain.address import Address
from tui.engine.actions.model_rules import promotes, with_gates
from tui.engine.queries import EnvironmentsOf, PipelinesOf
from tui.engine.store import Store
from tui.insight.pending_gates import PendingGate, pending_gates


class GatesNow:
    """The gates of all that is listed; found anew only when something of it is another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: list[object] = []
        self.may_deploy: tuple[Address, ...] = ()
        """Pipelines that have gates and may deploy: where to is to be asked, for a newer deployment overtakes a
        gate."""
        self.every: list[PendingGate] = []
        """With those that need nobody."""
        self._unread: frozenset[Address] = frozenset()
        """Those of ``may_deploy`` of which nobody has read yet where to."""

    @property
    def needing(self) -> list[PendingGate]:
        """Those that somebody has to answer."""
        return [gate for gate in self.every if gate.needs_person]

    @property
    def count(self) -> str:
        """How many somebody has to answer; ``4?`` while they may be fewer, for it was not read what has overtaken
        them; empty for none."""
        needing = self.needing
        unsure = any(each.gate.address.pipeline in self._unread for each in needing)
        return f"{len(needing)}{'?' if unsure else ''}" if needing else ""

    def look(self, store: Store) -> None:
        settings = self._settings
        readings = [store.get(PipelinesOf(name)).value for name in settings.pipeline_sources]
        listings = [listing for listing in readings if listing is not None]
        places = [store.get(EnvironmentsOf(pipeline)).value for pipeline in self.may_deploy]
        if _same([*listings, *places], self._seen):
            return
        self.may_deploy = with_gates(settings, listings)
        places = [store.get(EnvironmentsOf(pipeline)).value for pipeline in self.may_deploy]
        self.every = pending_gates(listings, filter(None, places), partial(promotes, settings))
        self._unread = frozenset(
            each for each, place in zip(self.may_deploy, places, strict=True) if place is None
        )
        self._seen = [*listings, *places]


def _same(new: list[object], old: list[object]) -> bool:
    """The store keeps what is equal."""
    return len(new) == len(old) and all(one is other for one, other in zip(new, old, strict=True))
