"""The poller: asks what is watched when it is due, and fills the store."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from tui.config import ConfigError, Settings
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing
from tui.engine.cache.reports import ReportCache
from tui.engine.cache.runs import RunCache
from tui.engine.logs import Logs, LogState, LogTail
from tui.engine.polling.schedule import Schedule
from tui.engine.queries.base import STANDING, AnyQuery, Context, JournalReader, Query
from tui.engine.queries.invalidation import outdated
from tui.engine.queries.logs import LogOf
from tui.engine.source_pool import SourcePool, misconfigured, unexpected
from tui.engine.store import NotedReadings, Store
from tui.sources.base import SourceError

if TYPE_CHECKING:
    from tui.sources.logs import LogSink

T = TypeVar("T")

KEPT = 100
"""Answers kept of queries that nobody watches any more."""
LONGEST_SLEEP = 60.0
"""Seconds after which the scheduler looks at the clock again, for it may have been set."""
PATIENCE = 0.1
"""Seconds that closing gives the requests under way to end in good order."""


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls a function so many seconds from now."""


def call_later(delay: float, fn: Callable[[], None]) -> Timer:
    """``fn()`` on the running loop, ``delay`` seconds from now."""
    return asyncio.get_running_loop().call_later(delay, fn)


class Poller:
    """Asks the sources and fills the store. Nothing is asked before :meth:`run` or :meth:`ask`.

    Args:
        clock: seconds since the epoch.
        later: how time is waited for.
        rng: where the jitter of the schedule comes from.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        sources: SourcePool,
        journal: JournalReader,
        reports: ReportCache,
        runs: RunCache,
        clock: Callable[[], float],
        later: Later,
        rng: Random,
    ) -> None:
        self._settings = settings
        self._store = store
        self._sources = sources
        self._clock = clock
        self._later = later
        self._logs: Logs[LogOf] = Logs(settings.ui.log_cap << 20, self._log_grew, self.refresh)
        self._context = Context(
            settings, sources, store.own, store.own, reports, runs, self._logs, journal, clock, self.recent
        )
        self._schedule = Schedule(self._source_of, rng)
        self._under_way: dict[AnyQuery, asyncio.Task[tuple[Any, bool]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._closed = False

    def watch(self) -> "Watch":
        """A new handle to say what is to be kept current."""
        return Watch(self._want)

    def set_focus(self, focused: bool) -> None:
        """Whether the terminal has the focus; without it a quarter of the requests is sent."""
        self._schedule.set_focus(focused)
        self._wake.set()

    def refresh(self, *queries: AnyQuery) -> None:
        """Ask again as soon as manners allow: once a second at most, and never in a pause that a server asked for.

        A query under way is asked once more when its reply is in, for that may tell of the time before.
        """
        for query in queries:
            self._schedule.refresh(query)
        self._wake.set()

    def refresh_early(self, *queries: AnyQuery) -> None:
        """:meth:`refresh` because a person wants it: a pause of more than a quarter of an hour may be ended once."""
        for name in {self._source_of(query) for query in queries}:
            if name is not None and self._sources.ask_early(name):
                self._schedule.lift(name)
        self.refresh(*queries)

    async def ask(self, query: Query[T]) -> T:
        """The answer, asked for now; or that of the request already under way. The store gets it too. Nothing helps to
        make it that this process did not read itself.

        Raises:
            SourceError
        """
        with self.watch() as watch:
            watch.want(query)
            own = False
            while not own:
                task = self._under_way.get(query)
                if task is None:
                    now, until = self._clock(), self._schedule.held_until(query)
                    if now < until:
                        name = self._source_of(query)
                        raise SourceError(
                            Trouble.RATE_LIMITED,
                            f"{name} asked for a pause; next request in {until - now:.0f} s",
                            retry_at=until,
                        )
                    task = self._start(query, alone=True)
                answer, own = await asyncio.shield(task)
        if isinstance(answer, SourceError):
            raise answer
        return cast(T, answer)

    async def recent(self, query: Query[T]) -> T:
        """The answer as this process read it within the last minute, or asked for now.

        Raises:
            SourceError
        """
        reading = self._store.own.get(query)
        age = reading.age(self._clock())
        if reading.value is not None and reading.fault is None and age is not None and age <= STANDING:
            return reading.value
        return await self.ask(query)

    async def own(self, *queries: Query[T]) -> list[T | None]:
        """What this process has read of them; where more than that is shown, within the last minute if it can be.
        None: nothing. Does not raise."""
        store = self._store
        borrowed = [query for query in queries if store.get(query).value is not store.own.get(query).value]
        if borrowed:
            await asyncio.gather(*map(self.recent, borrowed), return_exceptions=True)
        return [store.own.get(query).value for query in queries]

    def log(self, query: LogOf) -> LogTail | None:
        """The text of a log; None before it was first asked for. It lasts while it is watched, and a while longer."""
        return self._logs.tail(query)

    def tap(self, query: LogOf, sink: "LogSink") -> None:
        """Have ``sink`` get what is read of a log as it came; before it is first asked for."""
        self._logs.tap(query, sink)

    async def run(self) -> None:
        """Show what an earlier start has kept, ask what is due, sleep until something is; until :meth:`close`."""
        await self._recall()
        while not self._closed:
            self._wake.clear()
            for query in self._schedule.due(self._clock()):
                self._start(query)
            wait = self._schedule.next_at() - self._clock()
            alarm = self._later(min(max(wait, 0.0), LONGEST_SLEEP), self._wake.set)
            try:
                await self._wake.wait()
            finally:
                alarm.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait so long by the poller's time."""
        over = asyncio.Event()
        alarm = self._later(seconds, over.set)
        try:
            await over.wait()
        finally:
            alarm.cancel()

    def stop(self) -> None:
        """Ask nothing any more, and cancel what is under way."""
        self._closed = True
        self._wake.set()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """:meth:`stop`, and give what was under way a moment to end. Waits for no server."""
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE)
        self._logs.close()

    async def _recall(self) -> None:
        for query in self._schedule.known():
            if (
                self._store.get(query).value is None
                and (kept := await query.recall(self._context)) is not None
            ):
                answer, at = kept
                self._store.put(query, answer, min(at, self._clock()), own=False, recalled=True)

    def _want(self, who: "Watch", queries: tuple[AnyQuery, ...] | None) -> None:
        schedule = self._schedule
        abandoned = schedule.leave(who) if queries is None else schedule.want(who, queries, self._clock())
        for query in abandoned:
            self._under_way.pop(query).cancel()
        limits = {type(query): query.kept for query in schedule.known() if query.kept is not None}
        forgotten = [query for kind, kept in limits.items() for query in schedule.trim(kept or 0, kind)]
        for query in (*forgotten, *schedule.trim(KEPT)):
            self._store.forget(query)
            if isinstance(query, LogOf):
                self._logs.forget(query)
        self._wake.set()

    def _start(self, query: AnyQuery, *, alone: bool = False) -> asyncio.Task[tuple[Any, bool]]:
        task = asyncio.create_task(self._read(query, self._schedule.started(query), alone))
        self._under_way[query] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self, query: AnyQuery, epoch: int, alone: bool) -> tuple[Any, bool]:
        """Ask, and put the outcome into schedule and store; the answer, or the error as a value, and whether it is our
        own.

        Args:
            alone: nothing may help that this process did not read.
        """
        answer: Any
        wait = 0.0
        noted = NotedReadings(self._store)
        try:
            answer = await query.fetch(self._context if alone else replace(self._context, store=noted))
            wait = query.wait(answer)
        except SourceError as error:
            answer = error
        except ConfigError as error:
            answer = misconfigured(str(error))
        except Exception as error:
            answer = unexpected(self._source_of(query) or type(query).__name__, error)
        now = self._clock()
        if isinstance(answer, SourceError):
            if self._schedule.failed(query, epoch, now, answer.fault):
                self._under_way.pop(query)
                self._store.fail(query, answer.fault, now)
        elif self._schedule.answered(query, epoch, now, wait):
            self._under_way.pop(query)
            before = self._store.get(query).value
            first = isinstance(answer, Listing) and self._store.own.get(query).value is None
            if self._store.put(query, answer, now, own=not noted.borrowed):
                if isinstance(answer, Listing):
                    self.refresh(*outdated(self._schedule.known(), before, answer, self._store))
                    if first:
                        self.refresh(*self._borrowed(self._source_of(query)))
                await query.keep(self._context, answer, now)
        self._wake.set()
        return answer, isinstance(answer, SourceError) or not noted.borrowed

    def _borrowed(self, source: str | None) -> list[AnyQuery]:
        """What is shown of a source and was not read by this process alone: of what has ended, as its list tells, what
        is kept on disk can be taken as our own now."""
        own, shown = self._store.own, self._store
        known = [query for query in self._schedule.known() if self._source_of(query) == source]
        return [query for query in known if shown.get(query).value is not own.get(query).value]

    def _source_of(self, query: AnyQuery) -> str | None:
        return query.source(self._settings)

    def _log_grew(self, query: LogOf, state: LogState) -> None:
        """News of a log while its answer is still being read."""
        if self._schedule.watched(query):
            self._store.put(query, state, self._clock())


class Watch:
    """What one pane, or whoever looks, wants kept current. Made by :meth:`Poller.watch`; a context manager."""

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
