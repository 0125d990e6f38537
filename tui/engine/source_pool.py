"""The sources by name: each made in a thread, its libraries imported, when it is first needed."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

from tui.config import ConfigError, Settings
from tui.domain.health import LARGEST_SKEW, Finding, SourceFacts, Trouble, believed
from tui.engine.cache.disk import looks_for
from tui.sources import registry
from tui.sources.base import (
    ActingSource,
    AlertSource,
    DeploymentSource,
    LookingSource,
    MetricSource,
    PausedSource,
    PipelineSource,
    ReachableSource,
    RegistrySource,
    Source,
    SourceError,
)
from tui.threads import in_thread

SKEW_NOTICED = 5.0
"""Seconds that a server's clock may differ from ours before that counts: its ``Date`` tells whole seconds only."""

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
                self._sources[name] = source
        return source

    async def metrics(self, name: str) -> MetricSource:
        source = await self.source(name)
        if not hasattr(source, "samples"):
            raise misconfigured(f"the source {name} has no metrics")
        return cast(MetricSource, source)

    async def reachable(self, name: str) -> ReachableSource:
        source = await self.source(name)
        if not hasattr(source, "reach"):
            raise misconfigured(f"the source {name} cannot be asked whether it answers")
        return cast(ReachableSource, source)

    async def alerts(self, name: str) -> AlertSource:
        source = await self.source(name)
        if not hasattr(source, "alerts"):
            raise misconfigured(f"the source {name} has no alerts")
        return cast(AlertSource, source)

    async def pipelines(self, name: str) -> PipelineSource:
        source = await self.source(name)
        if not hasattr(source, "pipelines"):
            raise misconfigured(f"the source {name} runs no pipelines")
        return cast(PipelineSource, source)

    async def registry(self, name: str) -> RegistrySource:
        source = await self.source(name)
        if not hasattr(source, "registered"):
            raise misconfigured(f"the source {name} has no registry of models")
        return cast(RegistrySource, source)

    async def deployments(self, name: str) -> DeploymentSource:
        source = await self.source(name)
        if not hasattr(source, "environments"):
            raise misconfigured(f"the source {name} knows no deployments")
        return cast(DeploymentSource, source)

    async def acting(self, name: str) -> ActingSource:
        source = await self.source(name)
        if not hasattr(source, "send"):
            raise misconfigured(f"the source {name} cannot be asked to do anything")
        return cast(ActingSource, source)


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
