"""``pipedeck logs``: a log as text, for pipes; to its end now, or as it grows."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from tui.commands.exit_codes import Exit, exit_of
from tui.commands.frame import (
    NO_RUN,
    complain,
    in_a_pipeline_source,
    last_runs,
    newest_run,
    until_nobody_reads,
    with_runtime,
)
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.engine.logs import LogState, LogTail
from tui.engine.polling.poller import Watch
from tui.engine.queries import LogOf, PipelinesOf, RunAt
from tui.engine.runtime import Runtime
from tui.logs.neutral import without_styles
from tui.sources.base import SourceError

LINE = 400
"""Bytes of a line that are asked for where only the last lines are wanted."""
OUTCOME = 20.0
"""Seconds after the end of a log in which its job's outcome should be known."""
_PASSING = frozenset(
    {
        Trouble.UNREACHABLE,
        Trouble.TIMEOUT,
        Trouble.RATE_LIMITED,
        Trouble.UNAVAILABLE,
        Trouble.SERVER_ERROR,
        Trouble.WRONG_ANSWER,
    }
)


class LogOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What of a log is printed, and how."""

    follow: bool = False
    last: int | None = None
    """Only so many lines at the end."""
    first: int = 0
    """The line to begin with, counted from 0."""
    raw: bool = False
    """As the server sends it."""
    timestamps: bool = False


async def logs(settings: Settings, address: Address, wanted: LogOptions) -> Exit:
    """Print the log of the job, stage or run at ``address``; without a run, of its newest.

    Exit code 1 when what it is the log of failed or was canceled.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    if wanted.raw and sys.stdout.isatty():
        complain("--raw is for files and pipes: what a log may hold could drive the terminal")
        return Exit.USAGE
    if not in_a_pipeline_source(settings, address):
        return Exit.USAGE

    async def work(runtime: Runtime) -> Exit:
        gone = asyncio.create_task(until_nobody_reads())
        printing = asyncio.create_task(_Printing(runtime, wanted).run(address))
        try:
            await asyncio.wait((gone, printing), return_when=asyncio.FIRST_COMPLETED)
            if not printing.done():
                raise BrokenPipeError
            return await printing
        finally:
            gone.cancel()
            printing.cancel()

    return await with_runtime(settings, work)


class _Printing:
    """One log on its way to stdout; what is to be said about it goes to stderr."""

    def __init__(self, runtime: Runtime, wanted: LogOptions) -> None:
        self._runtime = runtime
        self._wanted = wanted
        self._lines = _Lines(wanted, self._say)
        self._raw = _Raw(self._say)
        self._news = asyncio.Event()
        self._said: set[str] = set()

    async def run(self, address: Address) -> Exit:
        runtime = self._runtime
        running = asyncio.create_task(runtime.poller.run())
        with runtime.poller.watch() as watch:
            end = runtime.store.subscribe(lambda _: self._news.set())
            try:
                if address.run is None and (address := await self._newest(address)).run is None:
                    self._say(f"{address}: {NO_RUN}")
                    return Exit.USAGE
                state = await self._print(watch, address)
                return await self._outcome(watch, state)
            except SourceError as error:
                self._say(error.message)
                return exit_of(error.trouble)
            finally:
                end()
                running.cancel()

    async def _newest(self, address: Address) -> Address:
        """The newest run of a pipeline; the pipeline itself where there is none."""
        listing = await self._runtime.poller.ask(PipelinesOf(address.source))
        newest = newest_run(last_runs(listing.pipelines, address))
        return address if newest is None else newest.address

    async def _print(self, watch: Watch, address: Address) -> LogState:
        """Print the log as it comes, to its end; without ``follow`` to where it is now.

        Raises:
            SourceError: it cannot be read, and waiting will not help.
        """
        runtime, wanted = self._runtime, self._wanted
        query = LogOf(address, tail=0 if wanted.last is None else max(1 << 16, wanted.last * LINE))
        if wanted.raw:
            runtime.poller.tap(query, self._raw)
        watch.want(query)
        while True:
            await self._news.wait()
            self._news.clear()
            reading, tail = runtime.store.get(query), runtime.poller.log(query)
            if self._raw.failed is not None:
                raise self._raw.failed
            state = reading.value
            if reading.fault is not None:
                self._troubled(reading.fault, state)
            if state is None or tail is None:
                continue
            self._tell(state)
            whole = state.complete or state.wait > 0  # else its answer is still being read
            if self._lines.begin(tail, whole=whole) and not wanted.raw:
                self._lines.print(tail)
            if state.complete or (whole and not wanted.follow and self._lines.begun):
                if not wanted.raw:
                    self._lines.print_rest(tail)
                if not state.lines and state.note:
                    self._say(state.note)
                return state

    def _troubled(self, fault: Fault, state: LogState | None) -> None:
        """Go on where it may pass, and say so.

        Raises:
            SourceError
        """
        if not self._wanted.follow or state is None or fault.trouble not in _PASSING:
            raise SourceError(fault.trouble, fault.message)
        self._say(f"{fault.message}; trying again")

    def _tell(self, state: LogState) -> None:
        if state.chosen:
            self._say(f"{state.of}: {state.chosen}")
        if state.note and self._wanted.follow and sys.stderr.isatty():
            self._say(state.note)

    def _say(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            complain(words)

    async def _outcome(self, watch: Watch, state: LogState) -> Exit:
        """How what it is the log of has ended; fine while it has not.

        Raises:
            SourceError
        """
        query = RunAt(state.of.of_run)
        watch.want(query)
        try:
            async with asyncio.timeout(OUTCOME):
                while True:
                    reading = self._runtime.store.get(query)
                    status = _status_of(state.of, reading.value) if reading.value is not None else None
                    if status is not None and (status.finished or not state.complete):
                        return Exit.FAILED if status in (Status.FAILED, Status.CANCELED) else Exit.OK
                    if reading.fault is not None and reading.fault.trouble not in _PASSING:
                        raise SourceError(reading.fault.trouble, reading.fault.message)
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            self._say(f"{state.of}: its log has ended, but how it ended itself is not known")
            return Exit.UNKNOWN


def _status_of(address: Address, run: Run) -> Status:
    if address.job is None:
        return run.status
    for job in _jobs(run):
        if job.address == address:
            return job.status
    for path, stage in _stages(run.stages or ()):
        if address.job in (stage.name, path, f"{stage.name}~{stage.id}"):
            return stage.status
    return run.status


def _jobs(run: Run) -> Iterator[Job]:
    for _, stage in _stages(run.stages or ()):
        for job in stage.jobs:
            yield job
            if job.downstream is not None:
                yield from _jobs(job.downstream)


def _stages(stages: Sequence[Stage], above: str = "") -> Iterator[tuple[str, Stage]]:
    for stage in stages:
        path = f"{above}{stage.name}"
        yield path, stage
        yield from _stages(stage.children, f"{path}/")


class _Lines:
    """Prints the lines of a log, each once."""

    def __init__(self, wanted: LogOptions, say: Callable[[str], None]) -> None:
        self._last = wanted.last
        self._next = wanted.first
        self._timestamps = wanted.timestamps
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._say = say
        self._generation = 0
        self.begun = wanted.last is None

    def begin(self, tail: LogTail, *, whole: bool) -> bool:
        """Whether it is known which line is the first; ``whole``: all lines there are by now were read."""
        if not self.begun and whole:
            assert self._last is not None
            if tail.state.start and len(tail) < self._last:
                tail.want_whole()
                return False
            self.begun = True
            self._next = max(0, len(tail) - self._last)
            self._generation = tail.generation
        return self.begun

    def print(self, tail: LogTail) -> None:
        """Print the lines that will not change any more."""
        if self._generation != tail.generation:
            self._generation = tail.generation
            if self._next and tail.state.moved is None:
                self._say("the log began anew")
                self._next = 0
            self._next += tail.state.moved or 0
        self._write(tail, tail.settled)

    def print_rest(self, tail: LogTail) -> None:
        """Print the line that is not whole yet, too."""
        self.print(tail)
        self._write(tail, len(tail))

    def _write(self, tail: LogTail, end: int) -> None:
        if end <= self._next:
            return
        out = sys.stdout.buffer
        if self._timestamps:
            for line in range(self._next, end):
                out.write(_stamp(tail.time(line)) + self._plain(tail.spool.read(line)) + b"\n")
        else:
            for text in tail.spool.texts(self._next, end):
                out.write(self._plain(text))
        out.flush()
        self._next = end

    def _plain(self, text: bytes) -> bytes:
        return text if self._coloured else without_styles(text)


def _stamp(at: float | None) -> bytes:
    """The time of a line in UTC, as wide where it is not known."""
    if at is None:
        return b" " * 25
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z ").encode()


class _Raw:
    """Prints a log as it came."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun = False
        self.failed: OSError | None = None
        """Why it could not be printed."""

    def begin(self, position: int) -> None:
        if self._begun:
            self._say("the log began anew")

    def feed(self, data: bytes) -> None:
        self._begun = True
        if self.failed is None:
            try:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            except OSError as error:
                self.failed = error
