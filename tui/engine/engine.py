"""The engine keeps what is watched current: it joins the schedule, the sources and the store on one event loop."""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from tui.config import ConfigError, Settings
from tui.domain.address import Address
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.domain.pipeline import Listing, Run
from tui.engine.cadence import after_answer
from tui.engine.charts import chart
from tui.engine.history import History
from tui.engine.logs import Logs, LogState, LogTail
from tui.engine.questions import (
    AnyQuestion,
    CaseOf,
    ChangesBetween,
    ChartOf,
    EnvironmentsOf,
    HistoryOf,
    LogOf,
    PipelinesOf,
    Question,
    RunAt,
    TestsOf,
    ValidationOf,
    VerdictOf,
)
from tui.engine.reports import Reports
from tui.engine.schedule import Schedule
from tui.engine.store import FRAME, Store
from tui.engine.verdicts import judged_metrics, verdict
from tui.sources import registry
from tui.sources.base import DeploymentSource, MetricSource, PipelineSource, Source, SourceError
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.sources.logs import LogSink

T = TypeVar("T")

REMEMBERED = 100
"""Answers kept of questions that nobody watches any more."""
REPORTS = 6
"""Test reports among them; the largest have megabytes."""
LOGS = 3
"""Logs among them; each takes space on disk."""
SKEW_NOTICED = 5.0
"""Seconds that a server's clock may differ from ours before that counts: its ``Date`` tells whole seconds only."""
LONGEST_SLEEP = 60.0
"""Seconds after which the scheduler looks at the clock again, for it may have been set."""
PATIENCE = 0.1
"""Seconds that closing gives the asks under way, and then the sources, to end in good order."""

_log = logging.getLogger(__name__)


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
    ) -> None:
        self.settings = settings
        self.store = Store(partial(later, FRAME))
        self._sources: dict[str, Source] = dict(sources or {})
        self.clock = clock
        self.started_at = clock()
        self._later = later
        self._reports = Reports(history)
        self._logs: Logs[LogOf] = Logs(settings.ui.log_cap << 20, self._log_grew, self.refresh)
        self._schedule = Schedule(self._source_of, rng or Random())
        self._under_way: dict[AnyQuestion, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._building = asyncio.Lock()
        self._closed = False

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

    def log(self, question: LogOf) -> LogTail | None:
        """The text of a log; None before it was first asked for. It lasts while it is watched, and a while longer."""
        return self._logs.tail(question)

    def tap(self, question: LogOf, sink: "LogSink") -> None:
        """Have ``sink`` get what is read of a log as it came; before it is first asked for."""
        self._logs.tap(question, sink)

    async def check(self, name: str) -> tuple[Finding, ...]:
        """What a source says of itself, or why there is none. Does not raise."""
        try:
            source = await self.source(name)
        except SourceError as error:
            return (Finding("error", error.trouble.value, error.message, "correct the config"),)
        return await source.check()

    def now(self, name: str) -> float:
        """The time by the clock of a source's server, which its times are in; ours while they agree."""
        source = self._sources.get(name)
        skew = source.facts().clock_skew if source is not None else None
        return self.clock() + (skew if skew is not None and abs(skew) > SKEW_NOTICED else 0.0)

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
                    raise _misconfigured(f"the config has no source {name!r}; it has: {names}")
                try:
                    source = await in_thread(partial(registry.build, name, settings, clock=self.clock))
                except ConfigError as error:
                    raise _misconfigured(str(error)) from None
                except Exception as error:
                    raise _unexpected(name, error) from None
                self._sources[name] = source
        return source

    async def run(self) -> None:
        """Ask what is due, sleep until something is; until :meth:`close`."""
        while not self._closed:
            self._wake.clear()
            for question in self._schedule.due(self.clock()):
                self._start(question)
            wait = self._schedule.next_at() - self.clock()
            alarm = self._later(min(max(wait, 0.0), LONGEST_SLEEP), self._wake.set)
            try:
                await self._wake.wait()
            finally:
                alarm.cancel()

    async def close(self) -> None:
        """Cancel everything at once, then close the sources. Waits for no server: a fifth of a second at most."""
        self._closed = True
        self._wake.set()
        for task in self._tasks:
            task.cancel()
        await _ended(self._tasks)
        self._logs.close()
        await _ended({asyncio.create_task(_close(source)) for source in self._sources.values()})

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
            answer = await self._answer(question)
            wait = after_answer(question, answer)
        except SourceError as error:
            answer = error
        except ConfigError as error:
            answer = _misconfigured(str(error))
        except Exception as error:
            answer = _unexpected(self._source_of(question), error)
        now = self.clock()
        if isinstance(answer, SourceError):
            if self._schedule.failed(question, epoch, now, answer.fault):
                self._under_way.pop(question)
                self.store.fail(question, answer.fault, now)
        elif self._schedule.answered(question, epoch, now, wait):
            self._under_way.pop(question)
            before = self.store.get(question).value
            if self.store.put(question, answer, now) and isinstance(answer, Listing):
                self._listed(before, answer)
        self._wake.set()
        return answer

    async def _answer(self, question: AnyQuestion) -> Any:
        match question:
            case PipelinesOf():
                return await (await self._pipeline_source(question.source)).pipelines()
            case RunAt():
                return await (await self._pipeline_source(question.address.source)).run(question.address)
            case TestsOf():
                source = await self._pipeline_source(question.address.source)
                return await self._reports.tests(source, await self._run_at(question.address, source))
            case CaseOf():
                source = await self._pipeline_source(question.address.source)
                run = await self._run_at(question.address, source)
                return await self._reports.case(source, run, question.key)
            case LogOf():
                source = await self._pipeline_source(question.address.source)
                return await self._logs.ask(question, partial(source.log, question.address), question.tail)
            case EnvironmentsOf():
                return await (await self._deployments(question)).environments(question.pipeline)
            case HistoryOf():
                return await (await self._deployments(question)).history(question.environment)
            case ChangesBetween():
                return await (await self._deployments(question)).changes(question.old, question.new)
            case ValidationOf():
                return await (await self._deployments(question)).validation(question.run, question.file)
            case ChartOf():
                for table, name in (("metrics", question.metric), ("models", question.model)):
                    if name not in getattr(self.settings, table):
                        raise _misconfigured(f"the config has no table [{table}.{name}]")
                metrics = await self._metric_source(self._source_of(question))
                return await chart(question, self.settings, metrics, self.clock())
            case VerdictOf():
                if question.model not in self.settings.models:
                    raise _misconfigured(f"the config has no table [models.{question.model}]")
                return await verdict(question, self.settings, self._metric_source, self.clock())
        raise TypeError(f"nobody answers {type(question).__name__}")

    def _log_grew(self, question: LogOf, state: LogState) -> None:
        """News of a log while its answer is still being read."""
        if self._schedule.watched(question):
            self.store.put(question, state, self.clock())

    async def _run_at(self, address: Address, source: PipelineSource) -> Run:
        """The run as it was listed or read; asked for where neither tells how it stands.

        The listing goes first: it is always kept current, and a run that has ended may have been retried since.

        Raises:
            SourceError
        """
        listing = self.store.get(PipelinesOf(address.source)).value
        listed = (run for run in _runs(listing, (address.pipeline,)) if run.address == address)
        for run in (next(listed, None), self.store.get(RunAt(address)).value):
            if run is not None and (run.duration is not None or not run.status.finished):
                return run
        return await source.run(address)

    async def _metric_source(self, name: str) -> MetricSource:
        source = await self.source(name)
        if not hasattr(source, "samples"):
            raise _misconfigured(f"the source {name} has no metrics")
        return cast(MetricSource, source)

    async def _pipeline_source(self, name: str) -> PipelineSource:
        source = await self.source(name)
        if not hasattr(source, "pipelines"):
            raise _misconfigured(f"the source {name} runs no pipelines")
        return cast(PipelineSource, source)

    async def _deployments(self, question: AnyQuestion) -> DeploymentSource:
        name = self._source_of(question)
        source = await self.source(name)
        if not hasattr(source, "environments"):
            raise _misconfigured(f"the source {name} knows no deployments")
        return cast(DeploymentSource, source)

    def _source_of(self, question: AnyQuestion) -> str:
        match question:
            case PipelinesOf():
                return question.source
            case RunAt() | TestsOf() | CaseOf() | LogOf():
                return question.address.source
            case EnvironmentsOf():
                return question.pipeline.source
            case HistoryOf():
                return question.environment.source
            case ChangesBetween():
                return question.new.environment.source
            case ValidationOf():
                return question.run.source
            case ChartOf():
                metric = self.settings.metrics.get(question.metric)
                return metric.source if metric is not None else ""
            case VerdictOf():
                model = self.settings.models.get(question.model)
                judged = judged_metrics(self.settings, question.model) if model is not None else ()
                return self.settings.metrics[judged[0]].source if judged else ""
        raise TypeError(f"nobody answers {type(question).__name__}")

    def _listed(self, before: Listing | None, now: Listing) -> None:
        """Have runs and reports that are known asked again where their listing tells something new of them.

        A finished run is never due by itself; but it may be retried, or its job deleted and its number used again.
        """
        known = {
            question.address: question for question in self._schedule.known() if isinstance(question, RunAt)
        }
        paths = {address.pipeline for address in known}
        old = {run.address: _mark(run) for run in _runs(before, paths)}
        for run in _runs(now, paths):
            if (question := known.get(run.address)) is None or old.get(run.address) == _mark(run):
                continue
            read = self.store.get(question).value
            if read is not None and _mark(read) != _mark(run):
                self._schedule.refresh(question)
        reports = {
            question.address: question for question in self._schedule.known() if isinstance(question, TestsOf)
        }
        paths = {address.pipeline for address in reports}
        seen = {run.address: (_mark(run), run.tests) for run in _runs(before, paths)}
        for run in _runs(now, paths):
            if run.address in reports and seen.get(run.address) != (_mark(run), run.tests):
                self._schedule.refresh(reports[run.address])
        if before is not None:
            self._deployed(before, now)

    def _deployed(self, before: Listing, now: Listing) -> None:
        """Have environments asked again where a run of theirs began, moved on or ended."""
        known = [
            (question.pipeline if isinstance(question, EnvironmentsOf) else question.environment, question)
            for question in self._schedule.known()
            if isinstance(question, EnvironmentsOf | HistoryOf)
        ]
        if not known:
            return
        old = {run.address: _mark(run) for each in before.pipelines for run in each.runs}
        news = {
            each.address
            for each in now.pipelines
            if any(old.get(run.address) != _mark(run) for run in each.runs)
        }
        sources = {address.source for address in news}
        listed = {each.address for each in now.pipelines}
        for address, question in known:
            # What Jenkins' rules call an app need not be a job: then any of its jobs may have deployed.
            if address.pipeline in news or (address.source in sources and address.pipeline not in listed):
                self._schedule.refresh(question)


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


def _runs(listing: Listing | None, paths: Collection[Address]) -> Iterator[Run]:
    for pipeline in listing.pipelines if listing is not None else ():
        if pipeline.address in paths:
            yield from pipeline.runs


def _mark(run: Run) -> tuple[object, ...]:
    """What tells one state of a run from another, in its listing and read alone; estimates change all the time."""
    return run.status, run.started_at, run.duration


def _misconfigured(message: str) -> SourceError:
    return SourceError(Trouble.MISCONFIGURED, message)


def _unexpected(name: str, error: Exception) -> SourceError:
    """The error that stands for one nobody foresaw. Its own text may hold anything, a token too: it is not told."""
    kind = type(error).__name__
    _log.error("%s: unexpected %s\n%s", name, kind, "".join(traceback.format_tb(error.__traceback__)))
    return SourceError(
        Trouble.WRONG_ANSWER,
        f"{name}: reading it ended in an unexpected {kind}; please report it with the log",
    )


async def _close(source: Source) -> None:
    try:
        await source.close()
    except Exception as error:
        _unexpected(source.name, error)


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait a moment for ``tasks`` to end; cancel those that do not."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in late:
            task.cancel()
