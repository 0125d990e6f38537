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
from tui.engine import news
from tui.engine.actions import Actions
from tui.engine.answers import Answers, source_of
from tui.engine.cadence import STANDING, after_answer
from tui.engine.history import History
from tui.engine.journal import Journal, journal_for
from tui.engine.logs import Logs, LogState, LogTail
from tui.engine.policies import Policies
from tui.engine.questions import AnyQuestion, LogOf, PipelinesOf, Question, TestsOf
from tui.engine.recall import Recall
from tui.engine.reports import Reports
from tui.engine.schedule import Schedule
from tui.engine.servers import Servers, misconfigured, unexpected
from tui.engine.store import FRAME, Store
from tui.sources.base import Source, SourceError

if TYPE_CHECKING:
    from tui.engine.alarms import AlarmKeeper
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
        history: History | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.settings = settings
        self.store = Store(partial(later, FRAME))
        self.servers = Servers(settings, sources, clock)
        self.clock = clock
        self.started_at = clock()
        self.later = later
        self._logs: Logs[LogOf] = Logs(settings.ui.log_cap << 20, self._log_grew, self.refresh)
        self._recall = Recall(history, settings)
        self._answers = Answers(
            self.servers,
            self.store,
            Reports(history),
            self._recall,
            self._logs,
            clock,
            lambda: self.actions,
            self.known,
        )
        self._schedule = Schedule(self._source_of, rng or Random())
        self._under_way: dict[AnyQuestion, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._closed = False
        self.actions = Actions(self, journal or journal_for(settings))
        self.policies = Policies(self)
        self._alarms: AlarmKeeper | None = None

    @property
    def alarms(self) -> "AlarmKeeper":
        """Who keeps the alarms; made, and imported, when first needed: most commands have no use for it."""
        if self._alarms is None:
            from tui.engine.alarms import AlarmKeeper

            self._alarms = AlarmKeeper(self)
        return self._alarms

    def watch(self) -> "Watch":
        """A new handle to say what is to be kept current."""
        return Watch(self._want)

    def set_focus(self, focused: bool) -> None:
        """Whether the terminal has the focus; without it a quarter of the requests is sent."""
        self._schedule.set_focus(focused)
        self._wake.set()

    def refresh(self, *questions: AnyQuestion) -> None:
        """Ask again as soon as manners allow: once a second at most, and never in a pause that a server asked for.

        A question under way is asked once more when its reply is in, for that may tell of the time before.
        """
        for question in questions:
            self._schedule.refresh(question)
        self._wake.set()

    async def ask(self, question: Question[T]) -> T:
        """The answer, asked for now; or that of the request already under way. The store gets it too.

        Raises:
            SourceError
        """
        with self.watch() as watch:
            watch.want(question)
            task = self._under_way.get(question)
            if task is None:
                now, until = self.clock(), self._schedule.held_until(question)
                if now < until:
                    name = self._source_of(question)
                    raise SourceError(
                        Trouble.RATE_LIMITED,
                        f"{name} asked for a pause; next request in {until - now:.0f} s",
                        retry_at=until,
                    )
                task = self._start(question)
            answer = await asyncio.shield(task)
        if isinstance(answer, SourceError):
            raise answer
        return cast(T, answer)

    async def known(self, question: Question[T]) -> T:
        """The answer as it was read within the last minute, or asked for now.

        Raises:
            SourceError
        """
        reading = self.store.get(question)
        age = reading.age(self.clock())
        if reading.value is not None and reading.fault is None and age is not None and age <= STANDING:
            return reading.value
        return await self.ask(question)

    def log(self, question: LogOf) -> LogTail | None:
        """The text of a log; None before it was first asked for. It lasts while it is watched, and a while longer."""
        return self._logs.tail(question)

    def tap(self, question: LogOf, sink: "LogSink") -> None:
        """Have ``sink`` get what is read of a log as it came; before it is first asked for."""
        self._logs.tap(question, sink)

    async def run(self) -> None:
        """Show the lists as last read, keep the alarms, ask what is due, sleep until something is."""
        self.alarms.start()
        await self._recall_lists()
        while not self._closed:
            self._wake.clear()
            for question in self._schedule.due(self.clock()):
                self._start(question)
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
        for question in self._schedule.known():
            if not isinstance(question, PipelinesOf) or self.store.get(question).value is not None:
                continue
            if (kept := await self._recall.listing(question.source)) is not None:
                listing, at = kept
                self.store.put(question, listing, min(at, self.clock()), recalled=True)

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
        await asyncio.gather(*map(_close, self.servers))

    def _want(self, who: "Watch", questions: tuple[AnyQuestion, ...] | None) -> None:
        if questions is None:
            abandoned = self._schedule.leave(who)
        else:
            abandoned = self._schedule.want(who, questions, self.clock())
        for question in abandoned:
            self._under_way.pop(question).cancel()
        trim = self._schedule.trim
        for question in (*trim(REPORTS, TestsOf), *trim(LOGS, LogOf), *trim(REMEMBERED)):
            self.store.forget(question)
            if isinstance(question, LogOf):
                self._logs.forget(question)
        self._wake.set()

    def _start(self, question: AnyQuestion) -> asyncio.Task[Any]:
        task = asyncio.create_task(self._read(question, self._schedule.started(question)))
        self._under_way[question] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self, question: AnyQuestion, epoch: int) -> Any:
        """Ask, and put the outcome into schedule and store; the answer, or the error as a value."""
        answer: Any
        try:
            answer = await self._answers.to(question)
            wait = after_answer(question, answer)
        except SourceError as error:
            answer = error
        except ConfigError as error:
            answer = misconfigured(str(error))
        except Exception as error:
            answer = unexpected(self._source_of(question), error)
        now = self.clock()
        if isinstance(answer, SourceError):
            if self._schedule.failed(question, epoch, now, answer.fault):
                self._under_way.pop(question)
                self.store.fail(question, answer.fault, now)
        elif self._schedule.answered(question, epoch, now, wait):
            self._under_way.pop(question)
            before = self.store.get(question).value
            if self.store.put(question, answer, now) and isinstance(answer, Listing):
                for outdated in news.outdated(self._schedule.known(), before, answer, self.store):
                    self._schedule.refresh(outdated)
                self._wake.set()
                await self._recall.keep_listing(self._source_of(question), answer, now)
        self._wake.set()
        return answer

    def _source_of(self, question: AnyQuestion) -> str:
        return source_of(question, self.settings)

    def _log_grew(self, question: LogOf, state: LogState) -> None:
        """News of a log while its answer is still being read."""
        if self._schedule.watched(question):
            self.store.put(question, state, self.clock())


class Watch:
    """What one pane, or whoever looks, wants kept current. Made by :meth:`Engine.watch`; a context manager."""

    def __init__(self, tell: Callable[["Watch", tuple[AnyQuestion, ...] | None], None]) -> None:
        self._tell = tell
        self._wanted: tuple[AnyQuestion, ...] = ()

    def want(self, *questions: AnyQuestion) -> None:
        """Replace what is wanted, the most urgent first; nearly free where that changes nothing."""
        if questions != self._wanted:
            self._wanted = questions
            self._tell(self, questions)

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
