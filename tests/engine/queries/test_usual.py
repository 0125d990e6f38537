"""How long stages usually take is known of what was read anyway."""

from pathlib import Path
from typing import Any

import msgspec

from tests.engine.world import JENKINS, FakeSource, Time, address, listing_of, run_of
from tests.presenters.test_pipelines import stage
from tui.config import Settings
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.engine.cache.disk import DiskCache
from tui.engine.queries import PipelinesOf, RunAt, UsualOf
from tui.engine.runtime import Runtime
from tui.insight.usual import place

NOW = run_of(address("train", 9), Status.RUNNING)
EARLIER = [run_of(address("train", n), Status.PASSED, duration=60.0) for n in (8, 7, 6)]


def staged(run: Run) -> Run:
    return msgspec.structs.replace(run, stages=(stage("fit", duration=50.0),))


def prepared(history: DiskCache | None = None) -> tuple[FakeSource, Runtime]:
    time = Time()
    source = FakeSource("ci", time)
    source.listing = listing_of(NOW, *EARLIER)
    source.runs = {run.address: staged(run) for run in (NOW, *EARLIER)}
    sources: Any = {"ci": source}
    return source, time.runtime(Settings(sources={"ci": JENKINS}), sources, history=history)


async def test_it_is_made_of_the_runs_that_are_at_hand_and_asks_for_none(tmp_path: Path) -> None:
    source, runtime = prepared(DiskCache(tmp_path))
    await runtime.poller.ask(PipelinesOf("ci"))
    await runtime.poller.ask(RunAt(EARLIER[0].address))
    assert await runtime.poller.ask(UsualOf(NOW.address)) == {}, "one run makes no custom"
    await runtime.poller.ask(RunAt(EARLIER[2].address))
    before = len(source.asked)
    assert await runtime.poller.ask(UsualOf(NOW.address)) == {place("", "fit"): 50.0}
    assert len(source.asked) == before
    await runtime.close()
    _, later = prepared(DiskCache(tmp_path))
    await later.poller.ask(PipelinesOf("ci"))
    assert await later.poller.ask(UsualOf(NOW.address)) == {place("", "fit"): 50.0}, "kept on disk"
    await later.close()


async def test_of_a_run_that_is_not_listed_nothing_is_known() -> None:
    _, runtime = prepared()
    assert await runtime.poller.ask(UsualOf(NOW.address)) == {}
    await runtime.close()
