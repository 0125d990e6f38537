"""Which tests failed, at the price of one report."""

from pathlib import Path
from typing import Any

import msgspec

from tests.engine.world import JENKINS, FakeSource, Time, address, listing_of, run_of
from tests.insight.test_failures import report
from tui.config import Settings
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status
from tui.engine.cache.disk import DiskCache
from tui.engine.queries import FailuresOf, PipelinesOf, TestsOf
from tui.engine.runtime import Runtime

NINE, EIGHT = (
    run_of(address("train", n), Status.FAILED, duration=60.0, tests=TestCounts(4, 1, 0)) for n in (9, 8)
)


def prepared(history: DiskCache | None = None) -> tuple[FakeSource, Runtime]:
    time = Time()
    source = FakeSource("ci", time)
    source.listing = listing_of(NINE, EIGHT)
    source.runs = {NINE.address: NINE}
    source.reports = {NINE.address: report("bd"), EIGHT.address: report("b")}
    sources: Any = {"ci": source}
    return source, time.runtime(Settings(sources={"ci": JENKINS}), sources, history=history)


async def test_earlier_reports_tell_what_is_new_where_they_are_at_hand(tmp_path: Path) -> None:
    source, runtime = prepared(DiskCache(tmp_path))
    await runtime.poller.ask(PipelinesOf("ci"))
    found = await runtime.poller.ask(FailuresOf(NINE.address))
    assert (found.new, [case.name for case in found.cases]) == (None, ["b", "d"])
    assert [what for _, what in source.asked] == ["pipelines", str(NINE.address), f"tests {NINE.address}"]
    await runtime.poller.ask(TestsOf(EIGHT.address))
    found = await runtime.poller.ask(FailuresOf(NINE.address))
    assert (found.new, [case.name for case in found.cases]) == (1, ["d", "b"])
    assert len(source.asked) == 4
    await runtime.close()
    source, runtime = prepared(DiskCache(tmp_path))
    await runtime.poller.ask(PipelinesOf("ci"))
    assert (await runtime.poller.ask(FailuresOf(NINE.address))).new == 1
    assert len(source.asked) == 1, "all was kept"
    await runtime.close()


async def test_a_report_that_may_change_is_asked_for_again() -> None:
    source, runtime = prepared()
    source.reports[NINE.address] = msgspec.structs.replace(report("b"), final=False)
    found = await runtime.poller.ask(FailuresOf(NINE.address))
    assert FailuresOf(NINE.address).wait(found) == 60.0
    await runtime.close()
