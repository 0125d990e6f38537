"""What an earlier start of the program knew: finished runs, what their logs say, and the list as it was last read."""

from collections.abc import Sequence

from tui.config import Settings
from tui.domain.log import Excerpt
from tui.domain.pipeline import Listing, Run
from tui.engine.cache.disk import DiskCache
from tui.engine.cache.reports import identity
from tui.sources.base import PipelineSource
from tui.threads import in_thread

KEEP_EVERY = 60.0
"""Seconds between two writings of one list: it changes all day, and is of use at the next start only."""


class RunCache:
    """Keeps them on disk.

    Args:
        history: where; None keeps nothing.
    """

    def __init__(self, history: DiskCache | None, settings: Settings) -> None:
        self._history = history
        self._settings = settings
        self._kept_at: dict[str, float] = {}

    async def run(self, source: PipelineSource, listed: Run | None) -> Run | None:
        """The run that a list tells of, with all that was read of it when it had ended just so."""
        history = self._history
        if history is None or listed is None or listed.duration is None or not listed.status.finished:
            return None
        key = f"run {identity(source, listed)} {listed.status.value}"
        return await in_thread(lambda: history.get(key, Run))

    async def keep_run(self, source: PipelineSource, run: Run) -> None:
        """Keep one that will not be asked for again."""
        history = self._history
        if history is None or run.duration is None:
            return
        key = f"run {identity(source, run)} {run.status.value}"
        await in_thread(lambda: history.put(key, run))

    async def excerpt(self, source: PipelineSource, run: Run, patterns: Sequence[str]) -> Excerpt | None:
        """What was read of the log of a run that has ended just so, with those ``patterns`` of errors."""
        history = self._history
        if history is None or run.duration is None or not run.status.finished:
            return None
        key = _excerpt_key(source, run, patterns)
        return await in_thread(lambda: history.get(key, Excerpt))

    async def keep_excerpt(
        self, source: PipelineSource, run: Run, patterns: Sequence[str], excerpt: Excerpt
    ) -> None:
        history = self._history
        if history is None or run.duration is None:
            return
        key = _excerpt_key(source, run, patterns)
        await in_thread(lambda: history.put(key, excerpt))

    async def listing(self, name: str) -> tuple[Listing, float] | None:
        """As :func:`kept_listing`."""
        history = self._history
        if history is None:
            return None
        return await in_thread(lambda: kept_listing(history, self._settings, name))

    async def keep_listing(self, name: str, listing: Listing, at: float) -> None:
        history, key = self._history, _listing_key(self._settings, name)
        if history is None or not key or at - self._kept_at.get(name, 0.0) < KEEP_EVERY:
            return
        self._kept_at[name] = at
        await in_thread(lambda: history.put(key, (listing, at)))


def kept_listing(history: DiskCache, settings: Settings, name: str) -> tuple[Listing, float] | None:
    """The list of a source as it was last read, and when that was."""
    key = _listing_key(settings, name)
    return history.get(key, tuple[Listing, float]) if key else None


def _listing_key(settings: Settings, name: str) -> str:
    """What decides which pipelines there are; empty where the config does not say it."""
    table = settings.sources.get(name)
    if table is None:
        return ""
    chosen = [getattr(table, field, None) for field in ("url", "watch", "refs")]
    return f"listing {name} {chosen}"


def _excerpt_key(source: PipelineSource, run: Run, patterns: Sequence[str]) -> str:
    return f"excerpt {identity(source, run)} {run.status.value} {list(patterns)}"
