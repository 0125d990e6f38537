"""Whether anything may be written to a source: by the config, and by what its credentials are known to allow."""

import asyncio
from collections.abc import Iterable

from tui.config import Settings
from tui.domain.action import WriteAccess
from tui.domain.address import Address
from tui.engine.actions.planner import names_of
from tui.engine.source_pool import SourcePool
from tui.insight.confirmation import among
from tui.sources.base import ActingSource, SourceError


class WriteRights:
    """What is known of the rights to write (rule 13). A right that could not be read counts as one that is missing."""

    def __init__(self, settings: Settings, sources: SourcePool) -> None:
        self._settings = settings
        self._sources = sources
        self._known: dict[str, WriteAccess] = {}
        self._unread: dict[str, str] = {}
        """Why it is not known whether the credentials of a source may write."""

    def block_reason(self, address: Address, environments: Iterable[str] = ()) -> str | None:
        """Why nothing can be sent there; None: it may be. Sends and waits for nothing.

        Args:
            environments: names of environments that would be changed, beside that of the address.
        """
        name = address.source
        if self._settings.safety.read_only:
            return "read-only: this session only looks"
        source = self._settings.sources.get(name)
        if source is not None and source.writes_forbidden:
            return f"read-only: [sources.{name}] says so"
        access = self._known.get(name)
        if access is not None and access.read_only:
            return f"read-only: {access.words or f'the credentials for {name} cannot write'}"
        unread = self._unread.get(name)
        if access is not None and access.read_only is None and not access.by_trying:
            unread = access.words
        if unread is not None:
            return f"read-only: whether the credentials for {name} may write is not known: {unread}"
        changed = tuple(environment for environment in (address.environment, *environments) if environment)
        if found := among(self._settings.safety.read_only_environments, names_of(address, changed)):
            return f"read-only: {found} is among [safety] read_only_environments"
        return None

    def only_looks(self, name: str) -> bool:
        """Whether nothing can be sent to a source, by the config or by what its credentials are known to allow."""
        source, access = self._settings.sources.get(name), self._known.get(name)
        forbidden = source is not None and source.writes_forbidden
        return forbidden or (access is not None and access.read_only is True)

    async def learn_all(self) -> None:
        """Ask each acting source whether its credentials may write. Does not raise."""
        await asyncio.gather(*map(self.learn, self._settings.pipeline_sources))

    async def learn(self, name: str) -> None:
        """Ask one source, unless it has told. Does not raise."""
        if name in self._known:
            return
        try:
            self._known[name] = await (await self._sources.get(name, ActingSource)).write_access()
            self._unread.pop(name, None)
        except SourceError as error:
            self._unread[name] = error.message
