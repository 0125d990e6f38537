"""Where the cursor starts, and where it stays when a server or an action has moved its row."""

from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from rich.color import ColorSystem
from rich.console import Console
from textual.drivers.headless_driver import HeadlessDriver

from tests.engine.acting_source import at_once
from tests.engine.world import FakeSource
from tests.examples import gate, pipeline, run
from tests.presenters.test_pipelines import job, stage
from tests.screens.test_action_flow import desk
from tests.screens.test_deck import Deck, deck
from tui.domain.address import parse_address
from tui.domain.pipeline import Job, Listing, Run, Stage
from tui.domain.status import Status
from tui.presenters.pipelines import neediest, stage_lines
from tui.terminal.screen_buffer import ScreenBuffer

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

FAILED, WAITING, RUNNING, WARNING = Status.FAILED, Status.WAITING, Status.RUNNING, Status.WARNING
PASSED = stage("check")


def change(source: FakeSource, changed: Run) -> None:
    """The newest run of its pipeline is this from now on."""
    assert isinstance(source.listing, Listing)
    rows = source.listing.pipelines
    its = next(row for row in rows if row.address == changed.address.pipeline)
    others = (each for each in its.runs if each.address != changed.address)
    now = pipeline(str(its.address), changed, *others, ref=its.ref)
    source.listing = Listing(tuple(now if row is its else row for row in rows))
    source.runs |= {changed.address: changed}


# -- in a run


def ship(status: Status, *jobs: Job) -> Stage:
    return stage("ship", status, jobs=jobs)


@pytest.mark.parametrize(
    ("stages", "starts"),
    [
        ((PASSED, ship(WAITING), stage("late", FAILED)), "late"),
        ((PASSED, stage("other", RUNNING), ship(WAITING)), "ship"),
        ((PASSED, ship(RUNNING, job("one"), job("two", RUNNING))), "two"),
        ((PASSED, ship(FAILED, job("one", FAILED, retried=True), job("two", FAILED))), "two"),
        # What may fail is no reason to look, beside what waits.
        ((stage("lint", WARNING, jobs=(job("may", FAILED),)), ship(WAITING)), "ship"),
        ((PASSED, stage("lint", WARNING, jobs=(job("well"), job("may", FAILED)))), "may"),
        ((PASSED,), None),
    ],
    ids=["failed", "waiting", "running", "job", "optional", "warning", "passed"],
)
def test_it_starts_at_what_failed_waits_or_runs(stages: tuple[Stage, ...], starts: str | None) -> None:
    lines = stage_lines(run("g:a#1", stages=stages, upstream=run("g:up#1", FAILED)), 0.0)
    found = neediest(lines)
    assert (found.name if found is not None else None) == starts


def on(work: Deck) -> str:
    return str(work.screen.selection.target).rpartition("#")[2]


async def test_it_starts_there_at_entering_and_no_refresh_moves_it() -> None:
    async with deck((80, 24)) as work:
        jenkins = work.sources["jenkins"]
        vision = jenkins.runs[parse_address("jenkins:ml/vision#3")]
        assert isinstance(vision, Run)
        two = (stage("fit", RUNNING), stage("ship", Status.QUEUED))
        change(jenkins, msgspec.structs.replace(vision, stages=(PASSED, *two)))
        for key in ("j", "j", "enter", "enter"):
            await work.press(key)
        assert on(work) == "3/fit~fit"
        change(jenkins, msgspec.structs.replace(vision, stages=(stage("check", FAILED), *two)))
        await work.settle(30)
        assert "✗• check" in work.text
        assert on(work) == "3/fit~fit"
        for key in ("escape", "escape", "enter", "enter"):
            await work.press(key)
        assert on(work) == "3/check~check", "entered anew"
        # A newer run begins: the cursor stays on what it is on there, too.
        newer = msgspec.structs.replace(
            vision, address=vision.address.pipeline.at_run(4), stages=(PASSED, *two)
        )
        change(jenkins, newer)
        await work.settle(30)
        assert on(work) == "4/check~check"


async def test_where_a_person_has_put_it_it_is_found_again() -> None:
    async with deck((80, 24)) as work:
        for key in ("j", "enter", "enter", "k", "k", "3", "2"):
            await work.press(key)
        assert on(work) == "9/test~test"
        await work.press("l", "escape")
        assert on(work) == "9/test~test", "Escape from its log"


async def test_from_a_gate_it_starts_at_the_job_that_waits(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        waits = job("promote", WAITING)
        address = work.screen.selection.run_address
        assert address is not None
        waits = msgspec.structs.replace(waits, address=address.at_job("promote"))
        its = gate(f"{address}/promote!promote", "promote")
        changed = run(
            str(address),
            WAITING,
            gates=(its,),
            stages=(stage("test", FAILED), stage("ship", WAITING, jobs=(job("other"), waits))),
        )
        change(work.jenkins, changed)
        await work.settle(30)
        await work.press("7", "enter")
        assert on(work) == "7/promote"


# -- in the list


def lines_of(work: Deck) -> list[str]:
    return [row.key.partition(":")[2].partition(" ")[0] for row in work.list.table.rows]


async def test_it_does_not_run_after_a_row_that_an_action_has_moved(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        before = lines_of(work)
        assert before[0] == "deploy"
        await work.press("a", "y")
        change(work.jenkins, run("jenkins:deploy#7", Status.PASSED, started_at=work.time.now - 600))
        await work.settle(30)
        assert "approve done" in next(line for line in work.text.split("\n") if "❯" in line)
        assert (lines_of(work), work.list.table.cursor) == (before, 0)
        assert work.screen.selection.pipeline is not None
        assert str(work.screen.selection.pipeline.address) == "jenkins:deploy"
        # When the cursor leaves it, it goes where it belongs; the next key is meant for what came next.
        await work.press("down")
        assert lines_of(work)[0] == before[1]
        assert lines_of(work).index("deploy") > 1
        assert work.list.table.key is not None
        assert before[1] in work.list.table.key


async def test_nor_after_one_that_a_server_has_moved() -> None:
    async with deck() as work:
        await work.press("end")
        before = lines_of(work)
        change(work.sources["jenkins"], run("jenkins:ml/idle#2", FAILED, started_at=work.time.now))
        await work.settle(30)
        assert work.list.table.cursor == 3
        assert "jenkins:ml/idle#2" in work.text
        assert lines_of(work) == before
        await work.press("s", "s", "s")
        assert work.list.table.cursor == 1, "sorted by a person: right after what waits for one"
        assert work.list.table.key == "jenkins:ml/idle"


# -- what it costs


@pytest.mark.parametrize(("size", "most"), [((80, 24), 300), ((150, 40), 300), ((300, 90), 400)], ids=str)
async def test_a_row_further_costs_little(size: tuple[int, int], most: int) -> None:
    memory, sent = ScreenBuffer(), [0]

    def write(driver: HeadlessDriver, text: str) -> None:
        sent[0] += len(memory.rewrite(text, size).encode())

    colours = patch.object(Console, "_detect_color_system", lambda _: ColorSystem.TRUECOLOR)
    with (
        colours,
        patch.object(HeadlessDriver, "write", write),
        patch.object(HeadlessDriver, "is_headless", False),
    ):
        async with deck(size) as work:
            costs = []
            for key in "jjkk":
                sent[0] = 0
                await work.pilot.press(key)  # not until it rests, when the preview changes
                costs.append(sent[0])
    assert min(costs) > 0
    assert max(costs) <= most, costs
