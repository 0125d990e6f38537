"""What a log says of a run: read once for one that has ended, and kept."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.engine.world import JENKINS, START, FakeSource, Time, address, listing_of, run_of
from tui.config import Settings
from tui.domain.health import Trouble
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.engine.cache.disk import DiskCache
from tui.engine.queries import ExcerptOf, PipelinesOf, RunAt
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError
from tui.sources.log_end import LogEnd

AT = address("train", 7)
FAILED = run_of(AT, Status.FAILED, duration=60.0)
RUNNING = run_of(AT, Status.RUNNING)


SAID = LogEnd(AT.at_job("fit"), "the job that failed first", b"a\nERROR: b\nc\n", skipped=9)


class World:
    def __init__(self, run: Run, history: DiskCache | None = None) -> None:
        self.time = Time()
        self.source = FakeSource("ci", self.time)
        self.source.ends[AT] = SAID
        self.source.runs[AT] = run
        self.source.listing = listing_of(run)
        self.runtime = self.time.runtime(
            Settings(sources={"ci": JENKINS}), {"ci": self.source}, history=history
        )

    async def __aenter__(self) -> Runtime:
        return self.runtime

    async def __aexit__(self, *_: object) -> None:
        await self.runtime.close()

    @property
    def asked(self) -> list[str]:
        return [what for _, what in self.source.asked]


async def test_the_first_error_of_a_failed_run_is_asked_for_once() -> None:
    world = World(FAILED)
    async with world as runtime:
        excerpt = await runtime.poller.ask(ExcerptOf(AT))
        assert (excerpt.lines, excerpt.error) == (("a", "ERROR: b", "c"), 1)
        assert (excerpt.of, excerpt.before, excerpt.again) == (AT.at_job("fit"), True, None)
        assert world.asked == [str(AT), f"log {AT}"]
        with runtime.poller.watch() as watch:
            watch.want(ExcerptOf(AT))
            await world.time.advance(3600)
        assert world.asked == [str(AT), f"log {AT}"]


async def test_the_end_of_a_log_that_grows_is_read_again_until_the_run_has_ended() -> None:
    world = World(RUNNING)
    async with world as runtime:
        excerpt = await runtime.poller.ask(ExcerptOf(AT))
        assert (excerpt.lines, excerpt.error, excerpt.again) == (("a", "ERROR: b", "c"), None, 30.0)
        assert ExcerptOf(AT).wait(excerpt) == 30.0
        world.source.ends[AT] = LogEnd(AT, text=b"a\n", came=19 << 20)
        excerpt = await runtime.poller.ask(ExcerptOf(AT))
        assert ExcerptOf(AT).wait(excerpt) == 600.0, "seldom, where all of a long log goes by"


async def test_a_retried_run_is_looked_at_anew() -> None:
    world = World(FAILED)
    async with world as runtime:
        task = asyncio.create_task(runtime.run())
        with runtime.poller.watch() as watch:
            watch.want(PipelinesOf("ci"), RunAt(AT), ExcerptOf(AT))
            await world.time.advance(5)
            assert world.asked.count(f"log {AT}") == 1
            again = run_of(AT, Status.RUNNING, started_at=START + 20)
            world.source.listing, world.source.runs[AT] = listing_of(again), again
            await world.time.advance(40)
            assert world.asked.count(f"log {AT}") == 2
            now = runtime.store.get(ExcerptOf(AT)).value
            assert now is not None
            assert now.again is not None
        await runtime.close()
        await task


async def test_the_next_start_of_the_program_asks_for_no_log(tmp_path: Path) -> None:
    for starts in range(2):
        world = World(FAILED, DiskCache(tmp_path))
        async with world as runtime:
            await runtime.poller.ask(PipelinesOf("ci"))
            excerpt = await runtime.poller.ask(ExcerptOf(AT))
            assert excerpt.error == 1
            assert world.asked.count(f"log {AT}") == 1 - starts


async def test_what_cannot_be_read_says_why() -> None:
    world = World(FAILED)
    world.source.ends[AT] = SourceError(Trouble.FORBIDDEN, "no log for you")
    async with world as runtime:
        with pytest.raises(SourceError, match="no log for you"):
            await runtime.poller.ask(ExcerptOf(AT))
    for ended, final in ((60.0, False), (-3600.0, True)):
        world = World(msgspec.structs.replace(FAILED, started_at=START + ended - 60.0))
        world.source.ends[AT] = LogEnd(AT)
        async with world as runtime:
            excerpt = await runtime.poller.ask(ExcerptOf(AT))
            assert (excerpt.note, excerpt.again is None) == ("the log is empty", final), (
                "it may be on its way"
            )
