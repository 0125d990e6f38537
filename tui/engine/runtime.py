"""The composition root: makes the parts that keep the picture and act on it, and joins them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from tui.config import Settings
from tui.engine.actions.journal import Journal, journal_for
from tui.engine.actions.model_reader import ModelReader
from tui.engine.actions.promotion_reader import PromotionReader
from tui.engine.actions.service import ActionService
from tui.engine.alarms.policies import Policies
from tui.engine.cache.disk import DiskCache
from tui.engine.cache.reports import ReportCache
from tui.engine.cache.runs import RunCache
from tui.engine.polling.poller import Later, Poller, call_later
from tui.engine.source_pool import SourcePool, unexpected
from tui.engine.store import FRAME, Store
from tui.sources.base import Source

if TYPE_CHECKING:
    from tui.engine.alarms.monitor import AlarmMonitor
    from tui.engine.alarms.notifier import NoticeFormatter


class Runtime:
    """Everything that runs below the screen.

    Args:
        sources: sources by name, to use instead of making those that ``settings`` describes.
        clock: seconds since the epoch.
        rng: where the jitter of the schedule comes from.
        later: how time is waited for; the loop's ``call_later``.
        history: where finished runs and their tests are kept from one start to the next; None: nowhere.
        journal: where actions are noted; None: where ``settings`` say.
        formatter: puts notices about alarms into words; None: nobody is told of them.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Mapping[str, Source] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        rng: Random | None = None,
        later: Later = call_later,
        history: DiskCache | None = None,
        journal: Journal | None = None,
        formatter: "NoticeFormatter | None" = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.started_at = clock()
        self._later = later
        self._formatter = formatter
        self.journal = journal or journal_for(settings)
        self.store = store = Store(partial(later, FRAME))
        self.sources = pool = SourcePool(settings, sources, clock)
        self.poller = poller = Poller(
            settings,
            store,
            pool,
            self.journal,
            ReportCache(history),
            RunCache(history, settings),
            clock,
            later,
            rng or Random(),
        )
        promotions = PromotionReader(
            settings, store.own, poller, pool, self.journal, clock, lambda: self.alarms
        )
        self.models = ModelReader(settings, poller)
        self.actions = ActionService(
            settings, store, poller, pool, self.journal, promotions, self.models, clock
        )
        self.policies = Policies(settings, store, poller, pool, self.actions, clock)
        self._alarms: AlarmMonitor | None = None

    @property
    def alarms(self) -> "AlarmMonitor":
        """Who keeps the alarms; made, and imported, when first needed: most commands have no use for it."""
        if self._alarms is None:
            from tui.engine.alarms.acknowledgements import Acknowledgements
            from tui.engine.alarms.monitor import AlarmMonitor

            self._alarms = AlarmMonitor(
                self.settings,
                self.store,
                self.poller,
                self.sources,
                self.policies,
                Acknowledgements(self.journal),
                self._formatter,
                self.clock,
                self._later,
            )
        return self._alarms

    async def run(self) -> None:
        """Keep the alarms, and ask what is due; until :meth:`close`."""
        self.alarms.start()
        await self.poller.run()

    async def close(self) -> None:
        """Cancel everything at once, then close the sources. Waits for no server."""
        if self._alarms is not None:
            self._alarms.close()
        await self.poller.close()
        await self.policies.close()
        await self.actions.close()
        # Without a limit: on a busy machine it would cut a source short that has connections left to close.
        await asyncio.gather(*map(_close, self.sources))


async def _close(source: Source) -> None:
    try:
        await source.close()
    except Exception as error:
        unexpected(source.name, error)
