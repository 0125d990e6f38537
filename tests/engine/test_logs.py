"""Logs in the engine: what is told of them, what stays of them, and where they lie."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.engine.world import FakeServer, FakeSource, Time, address, settle
from tests.reading import Sink
from tui.config import Settings, UiSettings
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.engine.logs import LogState, LogTail, default_folder
from tui.engine.queries import LogOf
from tui.engine.runtime import Runtime
from tui.engine.store import AnyKey
from tui.logs.jenkins import JenkinsParser
from tui.logs.parser import Parser
from tui.sources.base import SourceError
from tui.sources.logs import LogSink, LogStatus

AT = address("train", 7)
LOG = LogOf(AT)
DOWN = SourceError(Trouble.UNREACHABLE, "ci does not answer")

Step = Callable[[LogSink], Awaitable[LogStatus]]


def says(
    data: bytes = b"", *, at: int | None = None, complete: bool = False, wait: float = 1.0, note: str = ""
) -> Step:
    """An answer with ``data``; a log that begins at ``at``."""

    async def step(sink: LogSink) -> LogStatus:
        if at is not None:
            sink.begin(at)
        sink.feed(data)
        return LogStatus(complete, wait, note)

    return step


def fails(error: SourceError = DOWN, data: bytes = b"") -> Step:
    async def step(sink: LogSink) -> LogStatus:
        sink.feed(data)
        raise error

    return step


class Reader:
    """A :class:`tui.sources.logs.LogReader` that does what it is told, step by step; the last again and again."""

    def __init__(self, of: Address, *steps: Step, chosen: str = "") -> None:
        self.of = of
        self.chosen = chosen
        self.steps = list(steps)
        self.reads = 0

    def parser(self, position: int) -> Parser:
        return JenkinsParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        self.reads += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return await step(sink)


class Server(FakeSource):
    """Gives out readers in turn, whatever log is wanted."""

    def __init__(self, time: Time) -> None:
        super().__init__("ci", time)
        self.readers: list[Reader] = []
        self.given: list[tuple[Address, int]] = []

    def log(self, address: Address, tail: int = 0) -> Reader:
        self.given.append((address, tail))
        return self.readers.pop(0)


class World:
    def __init__(self, folder: Path) -> None:
        self.time = Time()
        self.ci = Server(self.time)
        self.folder = folder
        settings = Settings(sources={}, ui=UiSettings(log_cap=1))
        self.runtime = self.time.runtime(settings, {"ci": self.ci})
        self.news: list[LogState | None] = []
        self.runtime.store.subscribe(self._hear)

    def _hear(self, news: frozenset[AnyKey]) -> None:
        if LOG in news:
            self.news.append(self.runtime.store.get(LOG).value)

    def give(self, *steps: Step, chosen: str = "") -> Reader:
        reader = Reader(AT, *steps, chosen=chosen)
        self.ci.readers.append(reader)
        return reader

    @property
    def tail(self) -> LogTail:
        tail = self.runtime.poller.log(LOG)
        assert tail is not None
        return tail

    @property
    def text(self) -> list[bytes]:
        """The lines as a view reads them."""
        return [self.tail.read(line, 1000) for line in range(len(self.tail))]

    async def start(self) -> None:
        self.running = asyncio.create_task(self.runtime.run())
        await settle()


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    world = World(tmp_path / "pipedeck" / "logs")
    await world.start()
    yield world
    await world.runtime.close()
    await world.running


# What is told


async def test_it_grows_and_ends(world: World) -> None:
    reader = world.give(
        says(b"one\ntwo\nthr", at=0),
        says(b"ee\n"),
        says(),
        says(b"end", complete=True, note="so much for that"),
    )
    assert world.runtime.poller.log(LOG) is None
    with world.runtime.poller.watch() as watch:
        watch.want(LOG)
        await world.time.advance(0.1)
        assert world.text == [b"one", b"two", b"thr"]
        assert world.news == [LogState(AT, lines=3, size=11, wait=1.0)]
        await world.time.advance(1.1)
        assert world.text == [b"one", b"two", b"three"]
        assert world.tail.settled == 3
        await world.time.advance(5)
    assert world.news[1:] == [
        LogState(AT, lines=3, size=14, wait=1.0),
        LogState(AT, lines=4, size=17, complete=True, wait=1.0, note="so much for that"),
    ], "an answer without anything new is no news"
    assert world.text[-1] == b"end"
    await world.time.advance(1000)
    assert reader.reads == 4, "what is complete is not asked for again"


async def test_it_is_asked_again_when_the_reader_says(world: World) -> None:
    reader = world.give(says(b"one\n", at=0, wait=7.0))
    with world.runtime.poller.watch() as watch:
        watch.want(LOG)
        await world.time.advance(6.9)
        assert reader.reads == 1
        await world.time.advance(0.2)
        assert reader.reads == 2


async def test_news_come_while_a_long_answer_is_read(world: World) -> None:
    go_on = asyncio.Event()

    async def long(sink: LogSink) -> LogStatus:
        sink.begin(0)
        sink.feed(b"the first\nof many\nand ha")
        await go_on.wait()
        sink.feed(b"lf a line\n")
        return LogStatus(complete=True)

    world.give(long)
    with world.runtime.poller.watch() as watch:
        watch.want(LOG)
        await world.time.advance(0.1)
        assert world.text == [b"the first", b"of many", b"and ha"]
        assert world.news == [LogState(AT, lines=3, size=24)]
        go_on.set()
        await world.time.advance(0.1)
    assert world.text == [b"the first", b"of many", b"and half a line"]
    assert world.news[-1] == LogState(AT, lines=3, size=34, complete=True, wait=1.0)


async def test_what_was_chosen_is_told(world: World) -> None:
    world.give(says(b"x\n", at=0, complete=True), chosen="the job that failed first")
    state = await world.runtime.poller.ask(LOG)
    assert state.chosen == "the job that failed first"


async def test_a_log_that_begins_anew_is_another_generation(world: World) -> None:
    world.give(says(b"one\ntwo\n", at=0), says(b"new\n", at=0), says(b"more\n"))
    with world.runtime.poller.watch() as watch:
        watch.want(LOG)
        await world.time.advance(0.5)
        assert world.tail.generation == 0
        await world.time.advance(1)
        assert world.text == [b"new"]
        assert world.tail.generation == 1
        assert world.news[-1] == LogState(AT, generation=1, moved=None, lines=1, size=4, wait=1.0)
        await world.time.advance(1)
        assert world.text == [b"new", b"more"]
        assert world.tail.generation == 1


async def test_a_fault_keeps_the_text_and_the_next_answer_goes_on(world: World) -> None:
    world.give(says(b"one\ntw", at=0), fails(data=b"o\n"), fails(), says(b"three\n", complete=True))
    with world.runtime.poller.watch() as watch:
        watch.want(LOG)
        await world.time.advance(1.2)
        assert world.runtime.store.get(LOG).fault == DOWN.fault
        assert world.text == [b"one", b"two"]
        await world.time.advance(10)
    assert world.runtime.store.get(LOG).fault is None
    assert world.text == [b"one", b"two", b"three"]


async def test_an_unknown_error_is_a_fault(world: World) -> None:
    async def breaks(sink: LogSink) -> LogStatus:
        raise RuntimeError("unforeseen")

    world.give(breaks)
    with pytest.raises(SourceError, match="unexpected RuntimeError"):
        await world.runtime.poller.ask(LOG)


async def test_a_reply_that_nobody_waits_for_is_dropped(world: World) -> None:
    never = asyncio.Event()

    async def hangs(sink: LogSink) -> LogStatus:
        sink.begin(0)
        sink.feed(b"one\n")
        await never.wait()
        raise AssertionError("it was canceled")

    reader = world.give(hangs, says(b"two\n", complete=True))
    watch = world.runtime.poller.watch()
    watch.want(LOG)
    await world.time.advance(0.5)
    watch.want()
    await world.time.advance(0.5)
    heard = len(world.news)
    watch.want(LOG)
    await world.time.advance(1.5)
    assert world.text == [b"one", b"two"], "the next one goes on where it was"
    assert reader.reads == 2
    assert len(world.news) == heard + 1
    watch.close()


# The end first


async def test_the_beginning_is_read_when_it_is_wanted(world: World) -> None:
    text = b"".join(b"line %d\n" % number for number in range(100))
    at = text.index(b"line 90\n")
    world.give(says(text[at:], at=at, complete=True))
    query = LogOf(AT, tail=80)
    with world.runtime.poller.watch() as watch:
        watch.want(query)
        await world.time.advance(0.5)
        assert world.ci.given == [(AT, 80)]
        tail = world.runtime.poller.log(query)
        assert tail is not None
        assert (tail.read(0, 99), len(tail), tail.state.start) == (b"line 90", 10, at)
        assert tail.state.note == "the first 0.0 MB are not read"
        whole = asyncio.Event()

        async def slow(sink: LogSink) -> LogStatus:
            sink.begin(0)
            sink.feed(text[:300])
            await whole.wait()
            sink.feed(text[300:])
            return LogStatus(complete=True)

        world.give(slow)
        tail.want_whole()
        await world.time.advance(1.5)
        assert (tail.read(0, 99), tail.generation) == (b"line 90", 0), "the end stays meanwhile"
        tail.want_whole()
        whole.set()
        await world.time.advance(0.5)
        assert world.ci.given == [(AT, 80), (AT, 0)], "asking twice reads it once"
        assert (tail.read(0, 99), len(tail), tail.generation) == (b"line 0", 100, 1)
        assert tail.state == LogState(
            AT, generation=1, moved=90, lines=100, size=len(text), complete=True, wait=1.0
        )
        tail.want_whole()
        await world.time.advance(5)
        assert len(world.ci.given) == 2, "there is nothing more to read"


async def test_it_goes_on_growing_from_what_was_read_whole(world: World) -> None:
    world.give(says(b"b\n", at=2))
    query = LogOf(AT, tail=1)
    with world.runtime.poller.watch() as watch:
        watch.want(query)
        await world.time.advance(0.5)
        tail = world.runtime.poller.log(query)
        assert tail is not None
        reader = world.give(says(b"a\nb\nc\n", at=0), says(b"d\n"))
        tail.want_whole()
        await world.time.advance(3)
        assert reader.reads >= 2
        assert [tail.read(line, 9) for line in range(4)] == [b"a", b"b", b"c", b"d"]
        assert tail.generation == 1
        assert tail.state.moved == 1


async def test_a_fault_while_the_beginning_is_read_leaves_the_end(world: World) -> None:
    world.give(says(b"b\n", at=2, complete=True))
    query = LogOf(AT, tail=1)
    with world.runtime.poller.watch() as watch:
        watch.want(query)
        await world.time.advance(0.5)
        tail = world.runtime.poller.log(query)
        assert tail is not None
        world.give(fails(), says(b"a\nb\n", at=0, complete=True))
        tail.want_whole()
        await world.time.advance(1.2)
        assert world.runtime.store.get(query).fault == DOWN.fault
        assert (tail.read(0, 9), len(tail)) == (b"b", 1)
        await world.time.advance(5)
        assert (tail.read(0, 9), len(tail)) == (b"a", 2)


async def test_a_complete_log_is_read_again_when_that_is_asked_for(world: World) -> None:
    """A job of the same name may have been started once more."""
    world.give(says(b"first attempt\n", at=0, complete=True))
    with world.runtime.poller.watch() as watch:
        watch.want(LOG)
        await world.time.advance(0.5)
        world.give(says(b"second attempt\n", at=0, complete=True))
        world.runtime.poller.refresh(LOG)
        await world.time.advance(1.5)
    assert world.text == [b"second attempt"]
    assert world.tail.generation == 1


# Where it lies


async def test_it_lies_where_caches_are_for_its_owner_alone(world: World) -> None:
    world.give(says(b"secret\n", at=0))
    await world.runtime.poller.ask(LOG)
    assert default_folder() == world.folder
    assert world.folder.stat().st_mode & 0o777 == 0o700
    assert list(world.folder.iterdir()) == [], "files have no name"
    mine = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_open(fd)]
    assert sum(str(world.folder) in name for name in mine) == 1
    await world.runtime.close()
    mine = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_open(fd)]
    assert not any(str(world.folder) in name for name in mine)


def _is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


async def test_what_a_killed_program_left_is_swept(world: World) -> None:
    world.folder.mkdir(parents=True)
    stale, fresh, other = (world.folder / name for name in ("log-1-2", "log-1-3", "notes"))
    for file, age in ((stale, 3600), (fresh, 0), (other, 3600)):
        file.write_bytes(b"x")
        # The clock of the file system need not be ours.
        os.utime(file, (time.time() - age, time.time() - age))
    world.give(says(b"x\n", at=0))
    await world.runtime.poller.ask(LOG)
    assert sorted(world.folder.iterdir()) == [fresh, other]


async def test_only_a_few_are_kept_that_nobody_watches(world: World) -> None:
    queries = [LogOf(address("train", number)) for number in range(6)]
    for query in queries:
        world.give(says(b"x\n", at=0, complete=True))
        await world.runtime.poller.ask(query)
    kept = [query for query in queries if world.runtime.poller.log(query) is not None]
    assert kept == queries[-3:]
    assert world.runtime.store.get(queries[0]).value is None
    with world.runtime.poller.watch() as watch:
        watch.want(queries[-1])
        await world.time.advance(5)
        assert len(world.ci.given) == 6, "coming back to what is complete asks for nothing"
        world.give(says(b"x\n", at=0, complete=True))
        watch.want(queries[0])
        await world.time.advance(5)
        assert len(world.ci.given) == 7


async def test_a_longer_log_than_is_kept_says_what_is_missing(world: World) -> None:
    line = b"x" * 99 + b"\n"
    world.give(says(line * 30_000, at=0, complete=True))
    await world.runtime.poller.ask(LOG)
    gap = world.tail.gap
    assert gap is not None
    assert b"lines (" in world.tail.read(gap[0], 200)
    assert (len(world.tail), world.tail.read(29_999, 200)) == (30_000, line[:-1])


async def test_a_disk_that_cannot_be_written_is_a_fault_with_advice(world: World) -> None:
    world.folder.parent.mkdir(parents=True)
    world.folder.write_text("a file in its place")
    world.give(says(b"x\n", at=0))
    with pytest.raises(SourceError, match=r"cannot keep the log in .*; free some space there") as caught:
        await world.runtime.poller.ask(LOG)
    assert caught.value.trouble is Trouble.MISCONFIGURED
    world.folder.unlink()
    world.give(says(b"x\ny\n", at=0))
    await world.runtime.poller.ask(LOG)
    assert world.text == [b"x", b"y"], "read anew from its beginning"


async def test_a_tap_gets_it_as_it_came(world: World) -> None:
    sink = Sink()
    world.runtime.poller.tap(LOG, sink)
    world.give(says(b"\x1b[8mha:AA==\x1b[0mraw\r\nhal", at=0), says(b"f\r\n", complete=True))
    await world.runtime.poller.ask(LOG)
    await world.time.advance(2)
    await world.runtime.poller.ask(LOG)
    assert sink.data == b"\x1b[8mha:AA==\x1b[0mraw\r\nhalf\r\n"
    assert world.text == [b"raw", b"half"]


async def test_a_source_without_logs_refuses() -> None:
    runtime = Runtime(Settings(sources={}), {"prom": FakeServer("prom")})
    with pytest.raises(SourceError, match="the source prom runs no pipelines"):
        await runtime.poller.ask(LogOf(Address("prom", "x", 1)))
    await runtime.close()
