"""Which accounts are production (contracts: spinnaker §4, credentials)."""

import math

from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import ACCOUNTS, Account
from tui.text.safe import clean

KEPT = 300.0


class Accounts:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._read_at = -math.inf
        self._known: tuple[Account, ...] = ()

    async def tier(self, names: frozenset[str]) -> str | None:
        """What the accounts of those names are for: production, where one of them is, or asks people to confirm what
        destroys; None where that is not told of one of them.

        Raises:
            SourceError
        """
        now = self._context.clock()
        if not 0 <= now - self._read_at < KEPT:
            self._known = await self._context.gate.get("/credentials", ACCOUNTS)
            self._read_at = now
        by_name = {account.name: account for account in self._known}
        tiers = [_tier(by_name.get(name)) for name in names]
        if not tiers or None in tiers:
            return None
        return next((tier for tier in tiers if tier == "production"), tiers[0])


def _tier(account: Account | None) -> str | None:
    if account is None or account.environment is None or account.challenge_destructive_actions is None:
        return None
    kind = clean(account.environment).lower()
    if account.challenge_destructive_actions or kind.startswith("prod"):
        return "production"
    # Where nobody says what an account is for, its environment is its own name.
    return kind if kind != clean(account.name or "").lower() else None
