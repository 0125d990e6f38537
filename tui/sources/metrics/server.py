"""What all servers of metrics and alerts have in common: the login, what is known of them, how they are checked."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tui.config import MetricServer
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.sources.base import SourceError
from tui.sources.checks import clock as clock_finding
from tui.sources.checks import unencrypted
from tui.sources.http.client import HttpClient
from tui.sources.http.limiter import Limiter
from tui.sources.metrics.login import login

S = TypeVar("S", bound=MetricServer)


class MetricServerBase(Generic[S]):
    """The :class:`tui.sources.base.Source` part of such a source; what it answers is up to the class below."""

    def __init__(self, name: str, settings: S, *, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._wire = Limiter(name, clock=clock)
        self._http = HttpClient(self._wire, settings, login(settings))
        self._version = ""

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> SourceFacts:
        return SourceFacts(
            name=self._name,
            type=str(self._settings.__struct_config__.tag),
            url=self._settings.base_url,
            version=self._version,
            user=self._settings.user or "",
            clock_skew=self._wire.clock_skew,
            requests=self._wire.requests,
            bytes_read=self._wire.bytes_read,
            rate_limit=self._wire.rate_limit,
        )

    async def check(self) -> tuple[Finding, ...]:
        settings = self._settings
        secret = settings.token or settings.password or settings.headers
        findings = [*unencrypted(settings.base_url)] if secret else []
        try:
            findings.append(await self.reach())
        except SourceError as error:
            advice = self._advice(error.trouble)
            return (*findings, Finding("error", error.trouble.value, error.message, advice))
        if self._wire.clock_skew is not None:
            findings.append(clock_finding(self._wire.clock_skew))
        return tuple(findings)

    def ask_early(self) -> bool:
        return self._wire.ask_early()

    async def close(self) -> None:
        await self._http.close()

    async def reach(self) -> Finding:
        """Ask what it is there for, and say what was found.

        Raises:
            SourceError
        """
        raise NotImplementedError

    def _advice(self, trouble: Trouble) -> str:
        """What to do when :meth:`reach` failed so."""
        raise NotImplementedError
