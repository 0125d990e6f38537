"""Evaluations in the tests pane, beside the unit tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.engine.queries.test_evaluations import NEWER, OLD
from tests.examples import address
from tests.panes.test_tests import EIGHT, NINE, Work, prepared
from tests.screens.test_deck import deck
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.evaluation import Evaluation
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.tests import TestReport
from tui.sources.base import SourceError
from widgets.cells import pieces
from widgets.text_part import TextSheet

CONFIG = 'environment = "production"\npipelines = ["gitlab:ml/fraud"]\nevidence = ["eval/refunds.json"]\n'
LIVE = address("gitlab:ml/fraud@production")


@asynccontextmanager
async def shown(
    before: Evaluation | Exception = OLD, after: Evaluation = NEWER, *, size: tuple[int, int] = (160, 50)
) -> AsyncIterator[Work]:
    with patch("tui.panes.tests.REST", 1e6):
        async with deck(size, CONFIG) as bare:
            source = bare.sources["gitlab"]
            reports = {EIGHT: before, NINE: after}

            async def environments(pipeline: Address) -> Environments:
                deployed = Deployment("1", Status.PASSED, "1.8", run=EIGHT, finished_at=bare.time.now - 900)
                return Environments((Environment(LIVE, (deployed,)),))

            async def evaluation(run: Address, file: str) -> Evaluation:
                source.asked.append((bare.time.now, f"{file} of {run}"))
                answer = reports[run]
                if isinstance(answer, Exception):
                    raise answer
                return answer

            vars(source).update(environments=environments, evaluation=evaluation)
            work = await prepared(bare)
            await work.press("4")
            yield work


def notes(work: Work) -> list[str]:
    return ["".join(text for text, _ in pieces(row.cells[-1])) for row in work.pane.table.rows]


@pytest.mark.parametrize("size", [(80, 24), (110, 30)], ids=str)
async def test_the_pane_in_two_sizes(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with shown(size=size) as work:
        await work.press("home")
        assert work.text == snapshot


async def test_what_got_worse_stands_first_and_enter_shows_all_of_it() -> None:
    async with shown() as work:
        assert work.titles[:6] == [
            "tool e.json  1 worse, 1 new failing, 1 gone, 1 better, 1 same, beside 1.8",
            *"aedc",
            "New failures  2",
        ]
        await work.press("home", "j", "enter")
        sheet = work.deck.app.screen
        assert isinstance(sheet, TextSheet)
        assert [text for text, _ in sheet._lines] == [
            "a",
            "worse",
            "passed → failed",
            "tool e.json, 4 cases, beside 1.8",
        ]
        await work.press("escape", "k", "enter")
        assert work.titles[1] == "New failures  2", "closed"
        files = [what for _, what in work.source.asked if "refunds" in what]
        assert files == ["eval/refunds.json of gitlab:ml/fraud#9", "eval/refunds.json of gitlab:ml/fraud#8"]


async def test_the_filter_finds_cases_too() -> None:
    async with shown() as work:
        await work.press("slash", *"a passed")
        assert work.titles[:2] == [
            "tool e.json  1 worse, 1 new failing, 1 gone, 1 better, 1 same, beside 1.8",
            "a",
        ]


async def test_what_could_not_be_read_says_so() -> None:
    async with shown(SourceError(Trouble.TIMEOUT, "no answer in 10 s")) as work:
        assert work.titles[0] == "tool e.json  2 of 4 cases failed, not compared"
        assert "nothing to compare it with: no answer in 10 s (1.8)" in notes(work)
    async with shown(after=Evaluation("e.json", problem="no such artifact", missing=True)) as work:
        assert work.titles[0] == "Evaluation e.json  this run left none"
    async with shown(after=Evaluation("e.json", problem="it is not JSON")) as work:
        assert work.titles[:2] == ["Evaluation e.json  could not be read", "not compared"]
        assert "it is not JSON" in notes(work)


async def test_a_run_without_tests_shows_its_evaluation() -> None:
    async with shown() as work:
        work.source.reports[NINE] = TestReport()
        await work.press("r")
        await work.settle(61)
        assert work.titles[0].startswith("tool e.json  1 worse")
