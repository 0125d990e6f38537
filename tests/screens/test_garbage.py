"""What Python searches for garbage while the deck runs: little, for a search holds every key up."""

import gc
from itertools import count
from unittest.mock import patch

from tests.examples import gate, pipeline, run
from tests.screens.test_deck import deck
from tui.domain.pipeline import Listing, TestCounts
from tui.domain.status import Status
from tui.engine.queries import PipelinesOf


def test_a_listing_is_not_searched() -> None:
    listing = Listing(
        tuple(
            pipeline(
                f"ci:team/job-{number}",
                run(
                    f"ci:team/job-{number}#2",
                    Status.WAITING,
                    gates=(gate(f"ci:team/job-{number}#2!Go", "Go?"),),
                    parameters=(("version", str(number)),),
                ),
                run(f"ci:team/job-{number}#1", tests=TestCounts(3, 1, 0)),
            )
            for number in range(3)
        )
    )
    gc.collect()  # finds that tuples of such values need not be searched either
    assert not gc.is_tracked(listing)
    parts = [part for each in listing.pipelines for part in (each, each.runs, *each.runs, each.runs[0].gates)]
    assert not [part for part in parts if gc.is_tracked(part)]


async def test_what_a_start_made_is_not_searched() -> None:
    gc.disable()
    try:
        with patch("tui.app.SETTLED", 0.001):
            async with deck():
                assert gc.isenabled()
                assert gc.get_freeze_count()
    finally:
        gc.enable()
        gc.unfreeze()


async def test_what_is_kept_does_not_grow_with_what_has_changed() -> None:
    async with deck((80, 40)) as work:
        changes = count(1)

        async def change(times: int) -> int:
            """How many objects there are after each row was another one so many times."""
            for _ in range(times):
                number = next(changes)
                rows = [pipeline(f"jenkins:{each}", run(f"jenkins:{each}#{number}")) for each in range(30)]
                work.app.runtime.store.put(PipelinesOf("jenkins"), Listing(tuple(rows)), work.time.now)
                work.screen.project()
                await work.pilot.pause()
            gc.collect()
            return len(gc.get_objects())

        before = await change(12)
        assert await change(12) - before < 1000
