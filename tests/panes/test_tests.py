"""The tests pane as a person meets it: groups, filter, details, and what it asks for when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.engine.world import FakeSource
from tests.examples import address
from tests.screens.test_deck import Deck, deck
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Run, TestCounts
from tui.domain.status import Status
from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome, Suite, TestReport, counted
from tui.engine.queries import TestsOf
from tui.panes.tests import TestsPane
from tui.sources.base import SourceError
from widgets.cells import pieces
from widgets.text_part import TextSheet

P, F, S = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED
TRACE = """Traceback (most recent call last):
  File "tests/test_model.py", line 41, in test_loss
    assert loss <= 0.70
AssertionError: loss 0.71 > 0.70"""
SAID = CaseDetails(
    "AssertionError: loss 0.71 > 0.70", TRACE, "".join(f"epoch {n} loss 0.9{n}\n" for n in range(9)).rstrip()
)
NINE, EIGHT, SEVEN = (address(f"gitlab:ml/fraud#{n}") for n in (9, 8, 7))


def report(failed: str, **more: object) -> TestReport:
    """Twenty cases, a to t, of which some fail; d is always skipped. Beside them a suite that has expired."""
    cases = tuple(
        Case(
            f"test_{name}[case {name}]",
            "tests.test_model.TestModel" if name < "k" else "tests.test_io.TestIO",
            F if name in failed else S if name == "d" else P,
            0.0 if name == "d" else 0.013 * n * n,
        )
        for n, name in enumerate("abcdefghijklmnopqrst", 1)
    )
    suites = (
        Suite("pytest", cases, where="Test / Unit", place="0"),
        Suite("contract", problem="its report has expired", counts=TestCounts(12, 1, 0)),
    )
    return msgspec.structs.replace(TestReport(counts=counted(suites), suites=suites), **more)


class Said(dict[CaseKey, CaseDetails | Exception]):
    """What every case said, unless told otherwise."""

    def __missing__(self, key: CaseKey) -> CaseDetails:
        return SAID


class Work:
    """A deck with its tests pane in sight."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck
        self.source: FakeSource = deck.sources["gitlab"]

    @property
    def pane(self) -> TestsPane:
        pane = self.deck.screen.panes["tests"]
        assert isinstance(pane, TestsPane)
        return pane

    @property
    def text(self) -> str:
        return self.deck.text

    @property
    def asked(self) -> list[str]:
        return [what for _, what in self.source.asked if what.startswith(("tests", "case"))]

    @property
    def titles(self) -> list[str]:
        """Groups with their sizes, and the cases of those that are open, as they stand in the list."""
        rows = self.pane.table.rows
        return ["".join(text for text, _ in pieces(row.cells[1])) for row in rows]

    async def settle(self, seconds: float = 0.2) -> None:
        """Let what was asked be answered, and the rows be made of it."""
        for _ in range(3):  # what is shown first may want more
            await self.deck.time.advance(seconds)
            await self.deck.pilot.pause()
            while self.pane._drawing:
                await self.deck.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.deck.pilot.press(*keys)
        await self.settle()

    async def rest(self) -> None:
        """The cursor stays where it is until it counts as resting."""
        assert self.pane._resting is not None
        self.pane._resting.stop()
        self.pane._rested()
        await self.settle()


def with_tests(runs: tuple[Run, ...], began: float) -> tuple[Run, ...]:
    """The runs 9 and 8, and a 7, all with tests."""
    seventh = msgspec.structs.replace(
        runs[-1], address=SEVEN, title="#7", status=Status.WARNING, started_at=began - 9000
    )
    eighth = msgspec.structs.replace(runs[-1], started_at=began - 4000)
    return tuple(
        msgspec.structs.replace(run, tests=TestCounts(32, 4, 1)) for run in (runs[0], eighth, seventh)
    )


@asynccontextmanager
async def shown(size: tuple[int, int] = (160, 50), *, keys: tuple[str, ...] = ("4",)) -> AsyncIterator[Work]:
    with patch("tui.panes.tests.REST", 1e6):  # until the test says so
        async with deck(size) as bare:
            work = await prepared(bare)
            if keys:
                await work.press(*keys)
            yield work


async def prepared(bare: Deck) -> Work:
    work = Work(bare)
    listing = work.source.listing
    assert isinstance(listing, Listing)
    (pipeline,) = listing.pipelines
    runs = with_tests(pipeline.runs, bare.time.now)
    work.source.listing = Listing((msgspec.structs.replace(pipeline, runs=runs),))
    work.source.reports = {NINE: report("abc"), EIGHT: report("bef"), SEVEN: report("be")}
    work.source.details = Said()
    await bare.settle(31)
    await bare.press("j")
    return work


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_the_pane_in_three_sizes(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with shown(size) as work:
        assert work.text == snapshot(name="a group")
        await work.press("j")
        await work.rest()
        assert work.text == snapshot(name="a case")
        await work.press("enter")
        assert work.text == snapshot(name="all of it")


async def test_new_failures_come_first_then_known_missing_fixed_and_slowest() -> None:
    async with shown((190, 50)) as work:
        assert [title for title in work.titles if "  " in title] == [
            "New failures  2",
            "Known failures  1",
            "Not known  1",
            "Fixed  2",
            "Slowest  10",
            "Passed  16",
            "Skipped  1",
        ]
        assert work.titles[:5] == [
            "New failures  2",
            "test_a[case a]",
            "test_c[case c]",
            "Known failures  1",
            "test_b[case b]",
        ]
        assert "since #7" in work.text
        assert "its report has expired" in work.text
        assert "failed since #8" in work.text
        assert "4 of 32 failed, 1 skipped" in work.text
        assert "not all is known" in work.text


async def test_the_report_is_asked_for_when_it_is_looked_at_and_those_before_after_it() -> None:
    async with shown((80, 24), keys=()) as work:
        assert work.asked == []
        await work.press("4")
        assert work.asked[0] == f"tests {NINE}"
        assert sorted(work.asked[1:]) == [f"tests {SEVEN}", f"tests {EIGHT}"]
        await work.press("1", "4")
        assert len(work.asked) == 3


async def test_what_a_case_said_is_asked_for_when_the_cursor_rests_on_it() -> None:
    async with shown() as work:
        await work.press("j", "j", "k", "j")
        assert not any(what.startswith("case") for what in work.asked)
        assert "Reading what it said …" in work.text
        await work.rest()
        assert [what for what in work.asked if what.startswith("case")] == [f"case test_c[case c] {NINE}"]
        assert "tests/test_model.py:41" in work.text
        await work.press("k", "j")
        await work.rest()
        assert len([what for what in work.asked if what.startswith("case")]) == 1, "it is known"


async def test_a_low_pane_asks_for_a_case_only_when_it_is_opened() -> None:
    async with shown((80, 12)) as work:
        await work.press("j")
        await work.rest()
        assert not any(what.startswith("case") for what in work.asked)
        await work.press("enter")
        assert isinstance(work.deck.app.screen, TextSheet)
        await work.deck.settle()
        assert "assert loss <= 0.70" in work.text
        await work.press("escape")
        assert "New failures" in work.text


async def test_a_case_that_cannot_be_read_says_why() -> None:
    async with shown() as work:
        report = work.source.reports[NINE]
        assert isinstance(report, TestReport)
        work.source.details[report.suites[0].key(0)] = SourceError(Trouble.NOT_FOUND, "it is gone")
        await work.press("j")
        await work.rest()
        assert "it is gone" in work.text
        await work.press("enter")
        await work.deck.settle()
        assert isinstance(work.deck.app.screen, TextSheet)
        assert "it is gone" in work.text


async def test_the_files_line_is_copied() -> None:
    async with shown() as work:
        await work.press("C")
        assert "There is no test here." in work.text
        await work.press("j", "C")
        assert "What it said is not known yet." in work.text
        await work.rest()
        await work.press("C")
        assert work.deck.app.clipboard == "tests/test_model.py:41"
        report = work.source.reports[NINE]
        assert isinstance(report, TestReport)
        work.source.details[report.suites[0].key(2)] = CaseDetails("boom")
        await work.press("j")
        await work.rest()
        await work.press("C")
        assert "The trace names no file." in work.text


async def test_groups_fold_and_unfold() -> None:
    async with shown() as work:
        await work.press("space")
        assert work.titles[:2] == ["New failures  2", "Known failures  1"]
        await work.press("right")
        assert work.titles[1] == "test_a[case a]"
        assert "test_t[case t]" not in work.titles[work.titles.index("Passed  16") :]
        await work.press("end", "k")
        await work.press("enter")
        assert len(work.titles) - work.titles.index("Passed  16") == 18
        await work.press("left")
        assert work.titles[-1] == "Skipped  1"


async def test_the_filter_finds_cases_in_all_groups() -> None:
    async with shown() as work:
        await work.press("slash", *"io case", "enter")
        assert work.titles[0].startswith("Slowest")
        assert "test_t[case t]" in work.titles[work.titles.index("Passed  10") :]
        assert "10 of 32" in work.text
        await work.press("slash", *" t", "enter")
        assert "No test matches the filter." not in work.text
        await work.press("slash", *"nowhere", "enter")
        assert "No test matches the filter." in work.text
        await work.press("escape")
        assert work.titles[0] == "New failures  2"


async def test_until_the_runs_before_are_read_nothing_is_called_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with shown(keys=()) as work:
        answered, read = asyncio.Event(), work.source.tests

        async def slow(address: Address) -> TestReport:
            if address != NINE:
                await answered.wait()
            return await read(address)

        monkeypatch.setattr(work.source, "tests", slow)
        await work.press("4")
        assert work.titles[0] == "Failed  3"
        assert "the runs before are still being read" in work.text
        answered.set()
        await work.settle()
        assert work.titles[0] == "New failures  2"


async def test_runs_before_that_cannot_be_read_do_not_hold_up_the_rest() -> None:
    async with shown(keys=()) as work:
        work.source.reports |= dict.fromkeys((EIGHT, SEVEN), SourceError(Trouble.TIMEOUT, "too slow"))
        await work.press("4")
        assert work.titles[0] == "New failures  3"


async def test_a_report_that_cannot_be_read_says_why_and_a_late_one_stays() -> None:
    async with shown((80, 24), keys=()) as work:
        good, work.source.reports[NINE] = (
            work.source.reports[NINE],
            SourceError(Trouble.TIMEOUT, "gitlab did not answer in time"),
        )
        await work.press("4")
        assert "gitlab did not answer in time" in work.text
        assert "~ timed out" in work.text
        assert isinstance(good, TestReport)
        work.source.reports[NINE] = msgspec.structs.replace(good, final=False)
        await work.settle(61)
        assert "New failures" in work.text
        assert "timed out" not in work.text
        work.source.reports[NINE] = SourceError(Trouble.TIMEOUT, "gitlab did not answer in time")
        await work.settle(61)
        assert "New failures" in work.text
        assert "~ timed out" in work.text


async def test_a_run_without_tests_says_so() -> None:
    async with shown((80, 24), keys=()) as work:
        work.source.reports[NINE] = TestReport(notes=("a child could not be read",))
        await work.press("4")
        assert "The run reported no tests. a child could not be read." in work.text
        assert work.asked == [f"tests {NINE}"], "there is nothing to compare"
        await work.press("1")
        await work.deck.press("end")
        await work.press("4")
        assert "The run reported no tests." in work.text


async def test_an_older_run_is_compared_with_those_before_it() -> None:
    async with shown((190, 50)) as work:
        await work.press("left_square_bracket")
        assert work.titles[:3] == ["New failures  1", "test_f[case f]", "Known failures  2"]
        assert "compared with #7" in work.text
        await work.press("right_square_bracket")
        assert work.titles[0] == "New failures  2"


async def test_nothing_is_made_anew_while_nothing_changes() -> None:
    async with shown() as work:
        rows, picture = work.pane.table.rows, work.pane._picture
        await work.settle()
        assert work.pane.table.rows is rows
        assert work.pane._picture is picture
        assert len(work.asked) == 3


async def test_the_pane_gone_to_last_is_the_one_below_the_stages() -> None:
    async with shown(keys=()) as work:
        assert "New failures" not in work.text
        await work.press("4", "1")
        assert "New failures" in work.text
        await work.press("3", "1")
        assert "New failures" not in work.text


async def test_fifty_thousand_cases_are_listed_and_only_what_is_seen_is_drawn() -> None:
    many = tuple(Case(f"test_{n}", f"m.T{n % 100}", F if n % 5000 == 7 else P, 0.01) for n in range(50_000))
    big = TestReport(TestCounts(50_000, 10, 0), (Suite("pytest", many),))
    async with shown((80, 24), keys=()) as work:
        work.source.reports = dict.fromkeys((NINE, EIGHT, SEVEN), big)
        await work.press("4")
        assert work.titles[:1] == ["Known failures  10"]
        for key in ("end", "right", "end"):
            await work.press(key)
        assert len(work.pane.table.rows) == 3 + 10 + 10 + 49_990
        assert "test_49999" in work.text
        assert work.pane.table.key == "passed 0 49999"
        await work.press("slash", *"49123", "enter")
        assert "1 of 50,000" in work.text
        value = work.deck.screen.runtime.store.get(TestsOf(NINE)).value
        assert value is big
