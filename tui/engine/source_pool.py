"""The sources by name: each made in a thread, its libraries imported, when it is first needed."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from tui.config import ConfigError, Settings
from tui.domain.address import Address
from tui.domain.health import LARGEST_SKEW, Finding, SourceFacts, Trouble, believed
from tui.engine.cache.disk import looks_for
from tui.sources import registry
from tui.sources.base import (
    ActingSource,
    AlertSource,
    DeploymentSource,
    EvaluatedSource,
    LinkingSource,
    LookingSource,
    MetricSource,
    PausedSource,
    PipelineSource,
    ReachableSource,
    RegistrySource,
    Source,
    SourceError,
    TrainingSource,
    WebSource,
)
from tui.threads import in_thread

SKEW_NOTICED = 5.0
"""Seconds that a server's clock may differ from ours before that counts: its ``Date`` tells whole seconds only."""

S = TypeVar("S")
DEFINING: Mapping[type, tuple[str, str]] = {
    PipelineSource: ("pipelines", "runs no pipelines"),
    DeploymentSource: ("environments", "knows no deployments"),
    EvaluatedSource: ("evaluation", "keeps no files of its runs"),
    MetricSource: ("samples", "has no metrics"),
    AlertSource: ("alerts", "has no alerts"),
    TrainingSource: ("training_now", "knows nothing of what is trained"),
    RegistrySource: ("registered", "has no registry of models"),
    ReachableSource: ("reach", "cannot be asked whether it answers"),
    ActingSource: ("send", "cannot be asked to do anything"),
    WebSource: ("address_of", "has no pages that could be named"),
}
"""By which method a source is known to offer something, and what is said of one that does not."""

_PORTS = {"http": 80, "https": 443}
_log = logging.getLogger(__name__)


class SourcePool:
    """The configured sources.

    Args:
        sources: sources by name, to use instead of making those that ``settings`` describes.
        clock: seconds since the epoch.
    """

    def __init__(
        self, settings: Settings, sources: Mapping[str, Source] | None, clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._sources: dict[str, Source] = dict(sources or {})
        self._building = asyncio.Lock()

    def __iter__(self) -> Iterator[Source]:
        """Those made so far."""
        return iter(tuple(self._sources.values()))

    async def check(self, name: str) -> tuple[Finding, ...]:
        """What a source says of itself, or why there is none. Does not raise."""
        try:
            source = await self.source(name)
        except SourceError as error:
            return (Finding("error", error.trouble.value, error.message, "correct the config"),)
        try:
            return await source.check()
        except SourceError as error:
            return (Finding("error", error.trouble.value, error.message),)
        except Exception as error:
            fault = unexpected(name, error)
            return (Finding("error", fault.trouble.value, fault.message),)

    def now(self, name: str) -> float:
        """The time by the clock of a source's server, which its times are in; ours while they agree, and where the
        server's is not to be believed."""
        source = self._sources.get(name)
        skew = believed(source.facts().clock_skew) if source is not None else 0.0
        return self.clock() + (skew if abs(skew) > SKEW_NOTICED else 0.0)

    def clock_is_wrong(self, name: str) -> bool:
        """Whether a source's server tells a time that is not to be believed."""
        source = self._sources.get(name)
        skew = source.facts().clock_skew if source is not None else None
        return skew is not None and abs(skew) > LARGEST_SKEW

    def ask_early(self, name: str) -> bool:
        """Let a source be asked once although its server asked for a pause, if that is long. Whether it may be."""
        source: object = self._sources.get(name)
        return isinstance(source, PausedSource) and source.ask_early()

    def ours(self, name: str, at: float) -> float:
        """By our clock, a time that a source's server told."""
        return at - (self.now(name) - self.clock())

    def facts(self, name: str) -> SourceFacts:
        """What is known of a source; of one that was not needed yet, what the config says.

        Raises:
            KeyError: there is no such source.
        """
        if (source := self._sources.get(name)) is not None:
            return source.facts()
        settings = self.settings.sources[name]
        return SourceFacts(name, str(settings.__struct_config__.tag), settings.base_url)

    async def source(self, name: str) -> Source:
        """The source called ``name``, made when first needed.

        Raises:
            SourceError: MISCONFIGURED when the config has none or not enough to make it.
        """
        async with self._building:
            if (source := self._sources.get(name)) is None:
                settings = self.settings.sources.get(name)
                if settings is None:
                    names = ", ".join(sorted({*self.settings.sources, *self._sources})) or "none"
                    raise misconfigured(f"the config has no source {name!r}; it has: {names}")
                try:
                    source = await in_thread(partial(registry.build, name, settings, clock=self.clock))
                except ConfigError as error:
                    raise misconfigured(str(error)) from None
                except Exception as error:
                    raise unexpected(name, error) from None
                if isinstance(source, LookingSource) and (looks := looks_for(self.settings)) is not None:
                    source.keep_looks(looks)
                if isinstance(source, LinkingSource):
                    source.link(self.address_of)
                self._sources[name] = source
        return source

    def at_url(self, url: str) -> str | None:
        """The name of the source whose page ``url`` is: of several at one host, the one with the longest path. Whether
        http or https does not count, nor a port that goes without saying.

        Raises:
            ValueError: it is no web address.
        """
        page = urlsplit(url)
        place = _place(page)
        fits = []
        for name, source in self.settings.sources.items():
            base = urlsplit(source.pages_url)
            if (
                source.runs_pipelines
                and _place(base) == place
                and f"{page.path}/".startswith(f"{base.path}/")
            ):
                fits.append((len(base.path), name))
        return max(fits)[1] if fits else None

    async def address_of(self, url: str) -> Address | None:
        """What the page at ``url`` shows, where it is one of a configured source and that can be told."""
        try:
            name = self.at_url(url)
            return await (await self.get(name, WebSource)).address_of(url) if name is not None else None
        except (ValueError, SourceError):
            return None

    async def get(self, name: str | None, offering: type[S]) -> S:
        """The source called ``name``, which must offer that: one of the protocols of :mod:`tui.sources.base`.

        Raises:
            SourceError: MISCONFIGURED when there is none, or it does not.
        """
        source = await self.source(name or "")
        method, lack = DEFINING[offering]
        if not hasattr(source, method):
            raise misconfigured(f"the source {name} {lack}")
        return cast(S, source)


def _place(url: SplitResult) -> tuple[str, int | None]:
    port = url.port
    return (url.hostname or "").lower(), None if port == _PORTS.get(url.scheme.lower()) else port


def misconfigured(message: str) -> SourceError:
    return SourceError(Trouble.MISCONFIGURED, message)


def unexpected(name: str, error: Exception) -> SourceError:
    """The error that stands for one nobody foresaw. Its own text may hold anything, a token too: it is not told."""
    kind = type(error).__name__
    _log.error("%s: unexpected %s\n%s", name, kind, "".join(traceback.format_tb(error.__traceback__)))
    return SourceError(
        Trouble.WRONG_ANSWER,
        f"{name}: reading it ended in an unexpected {kind}; please report it with the log",
    )
