"""The preview as a person meets it: what it says of the row the cursor rests on, and what is asked for it when."""

from typing import Any

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.engine.world import START
from tests.examples import address
from tests.screens.test_deck import Deck, deck
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, QueueItem
from tui.domain.status import Status
from tui.domain.tests import Case, CaseOutcome, Suite, TestReport, counted
from tui.engine.queries import PipelinesOf
from tui.panes.preview import PreviewPane
from tui.sources.base import SourceError
from tui.sources.log_end import LogEnd

NINE, EIGHT = address("gitlab:ml/fraud#9"), address("gitlab:ml/fraud#8")
VISION = address("jenkins:ml/vision#3")
LOG = b"epoch 8\nTraceback (most recent call last):\n  main()\nValueError: [red]no labels[/red]\x1b[0m\nbye\n"
FRAUD = "gitlab:ml/fraud feat/[/foo]"
SIZES = [(80, 24), (110, 30), (160, 45)]
LONG = "There are no nodes with the label ‘gpu&&h100’, and none is being made ready: " * 3


def report(failed: str) -> TestReport:
    cases = tuple(
        Case(f"test_{name}", "tests.TestModel", CaseOutcome.FAILED if name in failed else CaseOutcome.PASSED)
        for name in "abcdef"
    )
    suites = (Suite("unit", cases),)
    return TestReport(counted(suites), suites)


class Looking:
    """A deck in which the preview is looked at."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck

    @property
    def pane(self) -> PreviewPane:
        pane = self.deck.screen.panes["preview"]
        assert isinstance(pane, PreviewPane)
        return pane

    @property
    def lines(self) -> list[str]:
        return [text for text, _ in self.pane.view._lines]

    def asked(self, what: str = "") -> list[str]:
        return [each for source in self.deck.sources.values() for _, each in source.asked if what in each]

    async def at(self, key: str) -> None:
        """Rest on the row of that key; where one pane is shown, go into it."""
        self.deck.screen.reveal(key)
        await self.deck.settle()
        if self.pane not in self.deck.screen.in_sight():
            await self.deck.press("enter")
        await self.deck.settle()


def prepare(bare: Deck) -> Looking:
    bare.sources["gitlab"].reports = {NINE: report("abc"), EIGHT: report("c")}
    bare.sources["gitlab"].ends[NINE] = LogEnd(
        NINE.at_job("canary"), "the job that failed first", LOG, skipped=9
    )
    bare.sources["jenkins"].ends[VISION] = LogEnd(VISION, text=b"epoch 3\nepoch 4\n")
    return Looking(bare)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_what_failed(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with deck(size) as bare:
        look = prepare(bare)
        await look.at(FRAUD)
        assert bare.text == snapshot


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_what_waits_runs_and_passed(size: tuple[int, int]) -> None:
    async with deck(size) as bare:
        look = prepare(bare)
        stages = ["stages  ✓ test  ✗ deploy", "critical path  test › deploy: 2m"]
        for key, lines in {
            "jenkins:deploy": ["waits for 12m: Promote 2.1?"],
            "jenkins:ml/vision": ["the end of the log", "  epoch 3", "  epoch 4"],
            "jenkins:ml/idle": [],
        }.items():
            await look.at(key)
            assert look.lines == [*lines, *stages]
            assert all(line in bare.text for line in lines)
            await bare.press("escape")


async def test_nothing_is_read_for_a_row_that_the_cursor_only_passes() -> None:
    async with deck((160, 45)) as bare:
        look = prepare(bare)
        before = look.asked()
        assert not look.asked("#9")
        await bare.pilot.press("down")
        bare.screen._settle()  # the deck has told what is selected; the engine's clock stands still
        await bare.pilot.pause()
        assert look.asked() == before
        await bare.time.advance(0.1)
        await bare.pilot.press("down")
        bare.screen._settle()
        await bare.time.advance(0.1)
        await bare.pilot.pause()
        assert look.asked() == before
        await bare.time.advance(0.1)
        await bare.pilot.pause()
        assert not look.asked("#9"), "it was left before"
        assert look.asked(str(VISION)), "it rests here"


async def test_a_failed_run_is_read_once() -> None:
    async with deck((160, 45)) as bare:
        look = prepare(bare)
        await look.at(FRAUD)
        assert sorted(look.asked("#9")) == [str(NINE), f"log {NINE}", f"tests {NINE}"]
        for _ in range(3):
            await look.at("jenkins:deploy")
            await bare.time.advance(3600)
            await look.at(FRAUD)
        assert len(look.asked("#9")) == 3
        assert "  ValueError: [red]no labels[/red]" in look.lines


async def test_what_could_not_be_read_says_why() -> None:
    async with deck((160, 45)) as bare:
        look = prepare(bare)
        bare.sources["gitlab"].ends[NINE] = SourceError(
            Trouble.FORBIDDEN, "gitlab: 403: CI_DEBUG_TRACE is on"
        )
        bare.sources["gitlab"].reports[NINE] = SourceError(Trouble.TIMEOUT, "gitlab: no answer within 60 s")
        await look.at(FRAUD)
        assert "log not known: gitlab: 403: CI_DEBUG_TRACE is on" in look.lines
        assert "tests not known: gitlab: no answer within 60 s" in look.lines
        assert look.lines[0] == "3 of 120 tests failed"


async def test_what_is_stuck_shows_its_whole_reason(snapshot: SnapshotAssertion) -> None:
    async with deck((80, 24)) as bare:
        look = prepare(bare)
        listing: Any = bare.sources["jenkins"].listing
        item = QueueItem(1, LONG.strip(), START - 900, stuck=True)
        rows = tuple(
            msgspec.structs.replace(row, queue=(item,)) if row.address.path == "ml/idle" else row
            for row in listing.pipelines
        )
        bare.sources["jenkins"].listing = Listing(rows)
        await bare.settle(31)
        await look.at("jenkins:ml/idle")
        assert bare.text == snapshot


async def test_an_unstable_run_names_its_tests_and_reads_no_log() -> None:
    async with deck((160, 45)) as bare:
        look = prepare(bare)
        listing: Any = bare.sources["gitlab"].listing
        (row,) = listing.pipelines
        unstable = msgspec.structs.replace(row.runs[0], status=Status.WARNING)
        bare.sources["gitlab"].runs[NINE] = unstable
        bare.sources["gitlab"].listing = Listing(
            (msgspec.structs.replace(row, runs=(unstable, *row.runs[1:])),)
        )
        await bare.settle(31)
        await look.at(FRAUD)
        assert look.lines[0] == "3 of 6 tests failed"
        assert not look.asked("log")


async def test_a_source_that_tells_of_nothing_says_why() -> None:
    async with deck((160, 45)) as bare:
        look = prepare(bare)
        for source in bare.sources.values():
            source.listing = SourceError(Trouble.UNREACHABLE, f"{source.name} cannot be reached")
        for name in ("jenkins", "gitlab"):
            bare.app.runtime.store.forget(PipelinesOf(name))
        await bare.settle(31)
        await bare.settle()
        assert look.lines[:2] == ["jenkins: unreachable", "  jenkins cannot be reached"]


async def test_enter_leads_in_and_escape_back() -> None:
    async with deck((80, 24)) as bare:
        look = prepare(bare)
        await look.at(FRAUD)
        assert bare.screen.current == "preview"
        await bare.press("enter")
        assert bare.screen.current == "stages"
        await bare.press("escape")
        assert bare.screen.current == "preview"
        await bare.press("escape")
        assert bare.screen.current == "pipelines"


async def test_a_row_without_a_run_says_so() -> None:
    async with deck((160, 45)) as bare:
        look = prepare(bare)
        listing: Any = bare.sources["jenkins"].listing
        rows = tuple(msgspec.structs.replace(row, runs=()) for row in listing.pipelines)
        bare.sources["jenkins"].listing = Listing(rows)
        await bare.settle(31)
        await look.at("jenkins:ml/idle")
        assert look.lines == ["It never ran."]
