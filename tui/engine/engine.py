"""The engine keeps what is watched current: it joins the schedule, the sources and the store on one event loop."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from tui.config import ConfigError, Settings
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing
from tui.engine.actions.journal import Journal, journal_for
from tui.engine.actions.service import ActionService
from tui.engine.alarms.policies import Policies
from tui.engine.cache.disk import DiskCache
from tui.engine.cache.reports import ReportCache
from tui.engine.cache.runs import RunCache
from tui.engine.logs import Logs, LogState, LogTail
from tui.engine.polling.intervals import STANDING, after_answer
from tui.engine.polling.schedule import Schedule
from tui.engine.queries import invalidation
from tui.engine.queries.queries import AnyQuery, LogOf, PipelinesOf, Query, TestsOf
from tui.engine.queries.resolver import QueryResolver, source_of
from tui.engine.source_pool import SourcePool, misconfigured, unexpected
from tui.engine.store import FRAME, Store
from tui.sources.base import Source, SourceError

if TYPE_CHECKING:
    from tui.engine.alarms.monitor import AlarmMonitor
    from tui.sources.logs import LogSink

T = TypeVar("T")

REMEMBERED = 100
"""Answers kept of questions that nobody watches any more."""
REPORTS = 6
"""Test reports among them; the largest have megabytes."""
LOGS = 3
"""Logs among them; each takes space on disk."""
LONGEST_SLEEP = 60.0
"""Seconds after which the scheduler looks at the clock again, for it may have been set."""
PATIENCE = 0.1
"""Seconds that closing gives the asks under way to end in good order."""


class Timer(Protocol):
    def cancel(self) -> None: ...


def call_later(delay: float, fn: Callable[[], None]) -> Timer:
    """``fn()`` on the running loop, ``delay`` seconds from now."""
    return asyncio.get_running_loop().call_later(delay, fn)


class Engine:
    """Asks the sources and fills the store.

    Nothing is asked before :meth:`run` or :meth:`ask`. A source is made, and its libraries imported, in a thread
    when it is first needed.

    Args:
        sources: sources by name, to use instead of making those that ``settings`` describes.
        clock: seconds since the epoch.
        rng: where the jitter of the schedule comes from.
        later: how time is waited for; the loop's ``call_later``.
        history: where the tests of finished runs are kept from one start to the next; None: nowhere.
        journal: where actions are noted; None: where ``settings`` say.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Mapping[str, Source] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        rng: Random | None = None,
        later: Callable[[float, Callable[[], None]], Timer] = call_later,
        history: DiskCache | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.settings = settings
        self.store = Store(partial(later, FRAME))
        self.source_pool = SourcePool(settings, sources, clock)
        self.clock = clock
        self.started_at = clock()
        self.later = later
        self._logs: Logs[LogOf] = Logs(settings.ui.log_cap << 20, self._log_grew, self.refresh)
        self._run_cache = RunCache(history, settings)
        self._answers = QueryResolver(
            self.source_pool,
            self.store,
            ReportCache(history),
            self._run_cache,
            self._logs,
            clock,
            lambda: self.actions,
            self.known,
        )
        self._schedule = Schedule(self._source_of, rng or Random())
        self._under_way: dict[AnyQuery, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._closed = False
        self.actions = ActionService(self, journal or journal_for(settings))
        self.policies = Policies(self)
        self._alarms: AlarmMonitor | None = None

    @property
    def alarms(self) -> "AlarmMonitor":
        """Who keeps the alarms; made, and imported, when first needed: most commands have no use for it."""
        if self._alarms is None:
            from tui.engine.alarms.monitor import AlarmMonitor

            self._alarms = AlarmMonitor(self)
        return self._alarms

    def watch(self) -> "Watch":
        """A new handle to say what is to be kept current."""
        return Watch(self._want)

    def set_focus(self, focused: bool) -> None:
        """Whether the terminal has the focus; without it a quarter of the requests is sent."""
        self._schedule.set_focus(focused)
        self._wake.set()

    def refresh(self, *queries: AnyQuery) -> None:
        """Ask again as soon as manners allow: once a second at most, and never in a pause that a server asked for.

        A question under way is asked once more when its reply is in, for that may tell of the time before.
        """
        for query in queries:
            self._schedule.refresh(query)
        self._wake.set()

    def refresh_early(self, *queries: AnyQuery) -> None:
        """:meth:`refresh` because a person wants it: a pause of more than a quarter of an hour may be ended once."""
        for name in {self._source_of(query) for query in queries}:
            if self.source_pool.ask_early(name):
                self._schedule.lift(name)
        self.refresh(*queries)

    async def ask(self, query: Query[T]) -> T:
        """The answer, asked for now; or that of the request already under way. The store gets it too.

        Raises:
            SourceError
        """
        with self.watch() as watch:
            watch.want(query)
            task = self._under_way.get(query)
            if task is None:
                now, until = self.clock(), self._schedule.held_until(query)
                if now < until:
                    name = self._source_of(query)
                    raise SourceError(
                        Trouble.RATE_LIMITED,
                        f"{name} asked for a pause; next request in {until - now:.0f} s",
                        retry_at=until,
                    )
                task = self._start(query)
            answer = await asyncio.shield(task)
        if isinstance(answer, SourceError):
            raise answer
        return cast(T, answer)

    async def known(self, query: Query[T]) -> T:
        """The answer as it was read within the last minute, or asked for now.

        Raises:
            SourceError
        """
        reading = self.store.get(query)
        age = reading.age(self.clock())
        if reading.value is not None and reading.fault is None and age is not None and age <= STANDING:
            return reading.value
        return await self.ask(query)

    def log(self, query: LogOf) -> LogTail | None:
        """The text of a log; None before it was first asked for. It lasts while it is watched, and a while longer."""
        return self._logs.tail(query)

    def tap(self, query: LogOf, sink: "LogSink") -> None:
        """Have ``sink`` get what is read of a log as it came; before it is first asked for."""
        self._logs.tap(query, sink)

    async def run(self) -> None:
        """Show the lists as last read, keep the alarms, ask what is due, sleep until something is."""
        self.alarms.start()
        await self._recall_lists()
        while not self._closed:
            self._wake.clear()
            for query in self._schedule.due(self.clock()):
                self._start(query)
            wait = self._schedule.next_at() - self.clock()
            alarm = self.later(min(max(wait, 0.0), LONGEST_SLEEP), self._wake.set)
            try:
                await self._wake.wait()
            finally:
                alarm.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait so long by the engine's time."""
        over = asyncio.Event()
        alarm = self.later(seconds, over.set)
        try:
            await over.wait()
        finally:
            alarm.cancel()

    async def _recall_lists(self) -> None:
        for query in self._schedule.known():
            if not isinstance(query, PipelinesOf) or self.store.get(query).value is not None:
                continue
            if (kept := await self._run_cache.listing(query.source)) is not None:
                listing, at = kept
                self.store.put(query, listing, min(at, self.clock()), recalled=True)

    async def close(self) -> None:
        """Cancel everything at once, then close the sources. Waits for no server."""
        self._closed = True
        if self._alarms is not None:
            self._alarms.close()
        self._wake.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE)
        await self.policies.close()
        await self.actions.close()
        self._logs.close()
        # Without a limit: on a busy machine it would cut a source short that has connections left to close.
        await asyncio.gather(*map(_close, self.source_pool))

    def _want(self, who: "Watch", queries: tuple[AnyQuery, ...] | None) -> None:
        schedule = self._schedule
        abandoned = schedule.leave(who) if queries is None else schedule.want(who, queries, self.clock())
        for query in abandoned:
            self._under_way.pop(query).cancel()
        trim = self._schedule.trim
        for query in (*trim(REPORTS, TestsOf), *trim(LOGS, LogOf), *trim(REMEMBERED)):
            self.store.forget(query)
            if isinstance(query, LogOf):
                self._logs.forget(query)
        self._wake.set()

    def _start(self, query: AnyQuery) -> asyncio.Task[Any]:
        task = asyncio.create_task(self._read(query, self._schedule.started(query)))
        self._under_way[query] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self, query: AnyQuery, epoch: int) -> Any:
        """Ask, and put the outcome into schedule and store; the answer, or the error as a value."""
        answer: Any
        try:
            answer = await self._answers.to(query)
            wait = after_answer(query, answer)
        except SourceError as error:
            answer = error
        except ConfigError as error:
            answer = misconfigured(str(error))
        except Exception as error:
            answer = unexpected(self._source_of(query), error)
        now = self.clock()
        if isinstance(answer, SourceError):
            if self._schedule.failed(query, epoch, now, answer.fault):
                self._under_way.pop(query)
                self.store.fail(query, answer.fault, now)
        elif self._schedule.answered(query, epoch, now, wait):
            self._under_way.pop(query)
            before = self.store.get(query).value
            if self.store.put(query, answer, now) and isinstance(answer, Listing):
                for outdated in invalidation.outdated(self._schedule.known(), before, answer, self.store):
                    self._schedule.refresh(outdated)
                self._wake.set()
                await self._run_cache.keep_listing(self._source_of(query), answer, now)
        self._wake.set()
        return answer

    def _source_of(self, query: AnyQuery) -> str:
        return source_of(query, self.settings)

    def _log_grew(self, query: LogOf, state: LogState) -> None:
        """News of a log while its answer is still being read."""
        if self._schedule.watched(query):
            self.store.put(query, state, self.clock())


class Watch:
    """What one pane, or whoever looks, wants kept current. Made by :meth:`Engine.watch`; a context manager."""

    def __init__(self, tell: Callable[["Watch", tuple[AnyQuery, ...] | None], None]) -> None:
        self._tell = tell
        self._wanted: tuple[AnyQuery, ...] = ()

    def want(self, *queries: AnyQuery) -> None:
        """Replace what is wanted, the most urgent first; nearly free where that changes nothing."""
        if queries != self._wanted:
            self._wanted = queries
            self._tell(self, queries)

    def close(self) -> None:
        """Want nothing any more."""
        self._wanted = ()
        self._tell(self, None)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _close(source: Source) -> None:
    try:
        await source.close()
    except Exception as error:
        unexpected(source.name, error)
