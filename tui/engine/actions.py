"""Acting: the one path of every write, for the deck and the command line alike (design: rules 8 to 13)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tui.domain.action import Activity, Offer, Plan, Wish
from tui.domain.address import Address
from tui.insight.consent import Consent, Given
from tui.insight.promotion import Promotion

if TYPE_CHECKING:
    from tui.engine.engine import Engine


class Prepared(msgspec.Struct, frozen=True):
    """A plan, what it takes to say yes to it, and for a promotion what must be on screen."""

    plan: Plan
    consent: Consent = Consent()
    promotion: Promotion | None = None
    policy: str = ""
    """The name of the policy that acts, instead of a person."""


class Refused(Exception):
    """Nothing was sent; the message says why, in words for a person."""


class Actions:
    """What is asked of the sources. Held by the engine as ``engine.actions``."""

    def __init__(self, engine: "Engine") -> None:
        raise NotImplementedError

    def locked(self, address: Address, environments: tuple[str, ...] = ()) -> str:
        """Why nothing can be sent there; empty: it may be (rule 13). Sends and waits for nothing.

        Args:
            environments: names of environments that would be changed, beside that of the address.
        """
        raise NotImplementedError

    async def learn(self) -> None:
        """Ask each acting source whether its credentials may write. Does not raise."""
        raise NotImplementedError

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        """What can be done to ``target``: what its source offers, and what the config adds; greyed with the reason
        what cannot be done now.

        Raises:
            SourceError
        """
        raise NotImplementedError

    async def plan(self, wish: Wish) -> Prepared:
        """What granting the wish would do, from a state read now. To be asked again once ``plan.fields`` are filled
        in, with them in ``wish.values``: only then its steps are what will be sent.

        Raises:
            SourceError: the state could not be read.
        """
        raise NotImplementedError

    def start(
        self, prepared: Prepared, secrets: Mapping[str, str] | None = None, given: Given = Given()
    ) -> Activity:
        """Begin; the activity as it is now, its course is in :attr:`activities` and :class:`ActivitiesNow`.

        Raises:
            Refused: consent is missing, it is not possible, locked, or one is under way for the same target.
        """
        raise NotImplementedError

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Newest first; the last hundred."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Read back what the journal has begun and not ended, of programs that live no more. Does not raise."""
        raise NotImplementedError

    async def done(self, activity_id: str) -> Activity:
        """The activity when it has ended."""
        raise NotImplementedError
