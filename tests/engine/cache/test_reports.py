"""Tests and cases through the engine: what is asked once, what again, and what a restart still knows."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.engine.world import START, FakeSource, Time, address, listing_of, run_of, settle
from tui.config import Settings
from tui.domain.health import Trouble
from tui.domain.pipeline import Run, TestCounts
from tui.domain.status import Status
from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome, Suite, TestReport
from tui.engine.cache.disk import DiskCache
from tui.engine.queries import AnyQuery, CaseOf, PipelinesOf, RunAt, TestsOf
from tui.engine.queries.tests import TESTS_LIVE
from tui.sources.base import SourceError

AT = address("train", 7)
TESTS = TestsOf(AT)
KEY = CaseKey("unit", "T", "a", "0", 0)
CASE = CaseOf(AT, KEY)
PASSED = run_of(AT, Status.PASSED, duration=60.0, tests=TestCounts(1, 0, 0))
RUNNING = run_of(AT, Status.RUNNING)
REPORT = TestReport(TestCounts(1, 0, 0), (Suite("unit", (Case("a", "T", CaseOutcome.PASSED),)),))
MORE = TestReport(TestCounts(2, 0, 0), (Suite("unit", (Case("a", "T", CaseOutcome.PASSED),) * 2),))


class World:
    def __init__(self, folder: Path | None) -> None:
        self.time = Time()
        self.ci = FakeSource("ci", self.time)
        self.ci.listing = listing_of(PASSED)
        self.ci.runs = {AT: PASSED}
        self.ci.reports = {AT: REPORT}
        self.ci.details = {KEY: CaseDetails("said")}
        history = DiskCache(folder) if folder else None
        self.runtime = self.time.runtime(Settings(sources={}), {"ci": self.ci}, history=history)
        self.store = self.runtime.store
        self.running = asyncio.create_task(self.runtime.run())

    async def advance(self, seconds: float = 0.0) -> None:
        """Let time pass, and threads finish what they do with the disk."""
        for _ in range(4):
            await self.time.advance(seconds / 4)
            if tasks := self.runtime.poller._tasks:
                await asyncio.wait(tasks, timeout=10)
            await settle()

    def tell(self, run: Run) -> None:
        self.ci.listing = listing_of(run)
        self.ci.runs[AT] = run

    def watch(self, *queries: AnyQuery) -> None:
        self.runtime.poller.watch().want(*queries)

    @property
    def asked(self) -> list[str]:
        return [what for _, what in self.ci.asked if what != "pipelines"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(None)
    yield world
    await world.runtime.close()


async def test_a_finished_runs_report_is_asked_for_once(world: World) -> None:
    world.watch(PipelinesOf("ci"))
    await world.advance(1)
    world.watch(TESTS)
    await world.advance(7200)
    assert world.store.get(TESTS).value == REPORT
    assert world.asked == [f"tests {AT}"], "how the run stands is in the listing"


async def test_a_run_that_nobody_listed_is_asked_how_it_stands(world: World) -> None:
    world.watch(TESTS)
    await world.advance(600)
    assert world.asked == [str(AT), f"tests {AT}"]


async def test_a_live_report_is_asked_for_again_and_the_last_one_when_the_run_has_ended(world: World) -> None:
    world.tell(RUNNING)
    world.watch(PipelinesOf("ci"))
    await world.advance(1)
    world.watch(TESTS)
    await world.advance(1)
    report = world.store.get(TESTS).value
    assert report is not None
    assert not report.final
    await world.advance(TESTS_LIVE * 2.5)
    assert len(world.asked) == 3
    world.tell(PASSED)
    world.ci.reports[AT] = MORE
    await world.advance(11)
    assert world.store.get(TESTS).value == MORE
    await world.advance(7200)
    assert len(world.asked) == 4


async def test_counts_in_the_listing_tell_of_news_at_once(world: World) -> None:
    world.tell(RUNNING)
    world.watch(PipelinesOf("ci"))
    await world.advance(1)
    world.watch(TESTS)
    await world.advance(2)
    world.tell(msgspec.structs.replace(RUNNING, tests=TestCounts(1, 0, 0)))
    await world.advance(11)
    assert len(world.asked) == 2


async def test_a_report_that_its_server_still_makes_is_asked_for_again(world: World) -> None:
    world.ci.reports[AT] = msgspec.structs.replace(REPORT, final=False)
    world.watch(TESTS)
    await world.advance(TESTS_LIVE + 1)
    world.ci.reports[AT] = REPORT
    await world.advance(7200)
    assert world.asked.count(f"tests {AT}") == 3


async def test_while_a_run_waits_for_a_person_its_report_is_asked_for_once_but_not_kept(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    waiting = run_of(AT, Status.WAITING, tests=TestCounts(1, 0, 0))
    world.tell(waiting)
    world.watch(PipelinesOf("ci"))
    await world.advance(1)
    world.watch(TESTS, CASE)
    await world.advance(600)
    assert sorted(world.asked) == [f"case a {AT}", f"tests {AT}"]
    assert os.listdir(tmp_path) == []
    world.tell(RUNNING)
    await world.advance(31)
    assert world.asked.count(f"tests {AT}") > 1, "it goes on"
    await world.runtime.close()


async def test_a_failure_keeps_the_last_report(world: World) -> None:
    world.tell(RUNNING)
    world.watch(TESTS)
    await world.advance(1)
    world.ci.reports[AT] = SourceError(Trouble.TIMEOUT, "too slow")
    await world.advance(TESTS_LIVE + 1)
    reading = world.store.get(TESTS)
    assert reading.value is not None
    assert reading.fault is not None
    assert reading.fault.message == "too slow"


async def test_a_case_is_asked_for_once_its_run_has_ended(world: World) -> None:
    world.watch(CASE)
    await world.advance(7200)
    assert world.store.get(CASE).value == CaseDetails("said")
    assert world.asked.count(f"case a {AT}") == 1


async def test_reports_that_nobody_watches_are_few(world: World) -> None:
    watch = world.runtime.poller.watch()
    for number in range(30):
        at = address("train", number)
        world.ci.runs[at] = run_of(at, Status.PASSED, duration=1.0)
        world.ci.reports[at] = REPORT
        watch.want(TestsOf(at), RunAt(at))
        await world.time.advance(1)
        await settle()
    watch.want()
    known = [n for n in range(30) if world.store.get(TestsOf(address("train", n))).value]
    assert known == list(range(30 - (TestsOf.kept or 0), 30))
    assert all(world.store.get(RunAt(address("train", n))).value for n in range(30)), "runs are small"


# --- from one start to the next -----------------------------------------------------------------------------------


async def restarted(folder: Path, run: Run = PASSED, *queries: AnyQuery) -> World:
    """A second program, that has asked ``questions`` of a server where nothing but the run has changed."""
    world = World(folder)
    world.tell(run)
    world.ci.reports = {AT: MORE}
    world.ci.details = {KEY: CaseDetails("other")}
    world.watch(*(queries or (TESTS, CASE)))
    await world.advance(5)
    await world.runtime.close()
    return world


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """What a first program has kept."""
    first = World(tmp_path / "kept")
    first.watch(TESTS, CASE)
    await first.advance(5)
    await first.runtime.close()
    assert first.asked.count(f"tests {AT}") == first.asked.count(f"case a {AT}") == 1
    return tmp_path / "kept"


async def test_a_restart_asks_for_nothing_twice(folder: Path) -> None:
    second = await restarted(folder)
    assert second.store.get(TESTS).value == REPORT
    assert second.store.get(CASE).value == CaseDetails("said")
    assert set(second.asked) == {str(AT)}


@pytest.mark.parametrize(
    "run",
    [
        msgspec.structs.replace(PASSED, started_at=START + 5),
        msgspec.structs.replace(PASSED, duration=61.0),
        RUNNING,
    ],
    ids=["made again", "retried", "retried and under way"],
)
async def test_a_run_that_only_has_the_same_number_is_another(folder: Path, run: Run) -> None:
    second = await restarted(folder, run)
    report = second.store.get(TESTS).value
    assert report is not None
    assert report.suites == MORE.suites
    assert second.store.get(CASE).value in (CaseDetails("other"), CaseDetails("other", final=False))


async def test_another_case_of_the_same_name_is_another(folder: Path) -> None:
    other = msgspec.structs.replace(KEY, index=1)
    world = World(folder)
    world.ci.details = {other: CaseDetails("the second")}
    world.watch(CaseOf(AT, other))
    await world.advance(5)
    await world.runtime.close()
    assert world.store.get(CaseOf(AT, other)).value == CaseDetails("the second")


async def test_what_is_not_final_is_not_kept(tmp_path: Path) -> None:
    for run, report in ((RUNNING, REPORT), (PASSED, msgspec.structs.replace(REPORT, final=False))):
        world = World(tmp_path)
        world.tell(run)
        world.ci.reports[AT] = report
        world.watch(TESTS)
        await world.advance(5)
        await world.runtime.close()
    assert os.listdir(tmp_path) == []


async def test_the_same_address_at_another_server_is_another_run(folder: Path) -> None:
    world = World(folder)
    world.ci.url = "http://elsewhere"
    world.ci.reports = {AT: MORE}
    world.watch(TESTS)
    await world.advance(5)
    await world.runtime.close()
    assert world.store.get(TESTS).value == MORE
