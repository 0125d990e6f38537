"""How much the deck does on the event loop for what: in counts, for a clock tells more of the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock, patch

import msgspec

from tests.examples import pipeline, run
from tests.screens.test_deck import Deck, deck
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.queries import PipelinesOf
from tui.insight.environments import model_group
from tui.insight.priority import priority_of
from tui.panes import pipelines
from tui.presenters.pipelines import pipeline_line

MANY = 300


def many(now: float) -> Listing:
    """One of them runs."""
    return Listing(
        tuple(
            pipeline(
                f"jenkins:team/job-{number:03}",
                run(
                    f"jenkins:team/job-{number:03}#2",
                    Status.PASSED if number else Status.RUNNING,
                    started_at=now - 600,
                ),
            )
            for number in range(MANY)
        )
    )


@contextmanager
def counted(place: str, what: Any) -> Iterator[Mock]:
    with patch(place, wraps=what) as calls:
        yield calls


async def filled(work: Deck) -> Listing:
    listing = many(work.time.now)
    work.sources["jenkins"].listing = listing
    await work.press("ctrl+r")
    await work.settle(1)
    assert len(work.list.pipelines) > MANY
    return listing


async def test_a_changed_pipeline_makes_its_row_anew_and_those_that_run() -> None:
    async with deck() as work:
        listing = await filled(work)
        ended = run("jenkins:team/job-007#3", Status.FAILED, started_at=work.time.now)
        changed = msgspec.structs.replace(listing.pipelines[7], runs=(ended, *listing.pipelines[7].runs))
        with counted("tui.panes.pipelines.pipeline_line", pipeline_line) as made:
            work.app.runtime.store.put(
                PipelinesOf("jenkins"),
                Listing((*listing.pipelines[:7], changed, *listing.pipelines[8:])),
                work.time.now,
            )
            work.list.project()
        keys = {call.args[0].key for call in made.call_args_list}
        assert "jenkins:team/job-007" in keys
        assert len(keys) <= 4  # it, the one that runs, and what waits or fails in the other source


async def test_the_cursor_does_not_make_the_list_anew() -> None:
    async with deck() as work:
        await filled(work)
        with counted("tui.panes.pipelines.project", pipelines.project) as projected:
            await work.pilot.press("j")
            timer = work.screen._settling
            assert timer is not None
            timer._callback()  # type: ignore[misc]
            await work.pilot.pause()
        assert not projected.called
        assert work.screen.selection.pipeline == work.list.pipelines[work.list.table.key or ""]


async def test_what_needs_a_person_and_whose_is_what_is_looked_for_once_in_a_listing() -> None:
    async with deck() as work:
        listing = await filled(work)
        work.screen.reveal("gitlab:ml/fraud feat/[/foo]")
        await work.settle()
        await work.press("3")
        fewer = Listing(listing.pipelines[1:])
        with (
            counted("tui.screens.header.priority_of", priority_of) as needs,
            counted("tui.panes.deployment_markers.model_group", model_group) as groups,
        ):
            work.app.runtime.store.put(PipelinesOf("jenkins"), fewer, work.time.now)
            for _ in range(5):
                work.screen.project()
        assert needs.call_count == len(fewer.pipelines)
        assert groups.call_count == 1
