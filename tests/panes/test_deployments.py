"""The deployments pane as a person meets it, on sources in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.app_pilot import running, screen_text
from tests.engine.deploying_source import DeployingSource
from tests.engine.world import Time
from tests.examples import address, pipeline, run
from tui import config
from tui.app import Pipedeck
from tui.domain.deployment import (
    Changes,
    Commit,
    Deployment,
    Environment,
    Environments,
    Rollback,
    Validation,
)
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Run, TestCounts
from tui.domain.status import Status
from tui.keys import keymap
from tui.panes.deployments import DeploymentsPane
from tui.screens.deck import DeckScreen
from tui.sources.base import SourceError
from widgets.cells import pieces

CONFIG = """
[sources.g]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[models.fraud]
title = "Fraud"
pipelines = ["g:ml/fraud"]
environment = "production"
validation = "metrics.json"
[models.price]
title = "Price"
pipelines = ["g:ml/price"]
blue_green = ["blue", "green"]
"""
S = Status
HOUR, DAY = 3600.0, 86400.0
FRAUD = address("g:ml/fraud")
PRODUCTION = address("g:ml/fraud@production")


def shas(number: int) -> str:
    return f"{number:x}" * 40


class World:
    """Two models and a project of none."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.listing = Listing(
            (
                pipeline("g:ml/fraud", *(self.run(f"g:ml/fraud#{n}") for n in range(9, 4, -1)), ref="main"),
                pipeline("g:ml/price", self.run("g:ml/price#3"), ref="main"),
                pipeline("g:ml/tools", self.run("g:ml/tools#1"), ref="main"),
            )
        )
        canary = self.made(9, HOUR, canary=True, share=10.0, run=address("g:ml/fraud#9/canary"))
        waiting = self.made(
            10,
            HOUR,
            S.WAITING,
            version=shas(9)[:8],
            revision=shas(9),
            waits_for="promote, to be started by hand",
        )
        stable = self.made(8, DAY, who="bob")
        older = [
            self.made(7, 3 * DAY, rollback=Rollback(True, "would run deploy of g:ml/fraud#7 again")),
            self.made(6, 5 * DAY, S.FAILED, rollback=Rollback(False, "it ended as failed")),
            self.made(2, 40 * DAY, rollback=Rollback(False, "its job is archived: GitLab no longer runs it")),
        ]
        production = Environment(PRODUCTION, (waiting, canary, stable), "production")
        staging = Environment(address("g:ml/fraud@staging"), (self.made(9, 2 * HOUR),), "staging")
        self.places: dict[Any, Any] = {
            FRAUD: Environments((production, staging), ("2 stopped in folders: review/a, review/b",)),
            address("g:ml/price"): Environments(
                (
                    Environment(address("g:ml/price@blue"), (self.made(3, HOUR, project="ml/price"),)),
                    Environment(address("g:ml/price@green"), (self.made(2, DAY, project="ml/price"),)),
                )
            ),
        }
        self.pasts: dict[Any, Any] = {
            PRODUCTION: Environment(PRODUCTION, (waiting, canary, stable, *older), "production"),
            staging.address: staging,
            **{each.address: each for each in self.places[address("g:ml/price")].environments},
        }

    def run(self, text: str) -> Run:
        number = address(text).number or 0
        return run(
            text,
            S.FAILED if number == 6 else S.PASSED,
            title=f"Change {number}",
            revision=shas(number),
            tests=TestCounts(120, 3 if number == 9 else 0, 0),
            started_at=self.now - (10 - number) * DAY,
            web_url=f"http://g/{number}",
        )

    def made(
        self, number: int, ago: float, status: Status = S.PASSED, project: str = "ml/fraud", **more: Any
    ) -> Deployment:
        fields: dict[str, Any] = {
            "id": str(number),
            "status": status,
            "version": shas(number)[:8],
            "revision": shas(number),
            "vendor_status": "",
            "who": "ann",
            "started_at": self.now - ago,
            "finished_at": None if status.active else self.now - ago + 60,
            "run": address(f"g:{project}#{number}/deploy"),
            "web_url": f"http://g/jobs/{number}",
        }
        return Deployment(**{**fields, **more})


class Deck:
    def __init__(self, app: Pipedeck, pilot: "Pilot[Any]", time: Time, source: DeployingSource) -> None:
        self.app = app
        self.pilot = pilot
        self.time = time
        self.source = source

    @property
    def screen(self) -> DeckScreen:
        deck = self.app.screen_stack[0]
        assert isinstance(deck, DeckScreen)
        return deck

    @property
    def pane(self) -> DeploymentsPane:
        pane = self.screen.panes["deployments"]
        assert isinstance(pane, DeploymentsPane)
        return pane

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def facts(self) -> list[str]:
        return [
            "  ".join("".join(part for part, _ in pieces(cell)) for cell in row.cells[1:])
            for row in self.pane.about.rows
        ]

    @property
    def places(self) -> list[str]:
        return [
            " ".join("".join(part for part, _ in pieces(cell)) for cell in row.cells)
            for row in self.pane.table.rows
        ]

    def asked(self, what: str) -> list[str]:
        return [asked for _, asked in self.source.asked if asked.startswith(what)]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def open(self, *keys: str) -> None:
        """Go to the pane, and on when it has its rows."""
        await self.press("5")
        await self.press(*keys)

    async def settle(self) -> None:
        for _ in range(4):
            await self.time.advance(0.3)
            await self.pilot.pause()
            for owner, name in ((self.screen, "_settling"), (self.pane, "_resting")):
                if (timer := getattr(owner, name)) is not None:
                    timer._callback()
            await self.pilot.pause()
            self.screen.project()


@asynccontextmanager
async def deck(size: tuple[int, int] = (160, 50)) -> AsyncIterator[Deck]:
    time = Time()
    settings = config.parse(CONFIG, Path("config.toml"))
    source, world = DeployingSource("g", time), World(time.now)
    source.listing = world.listing
    source.runs = {run.address: run for each in world.listing.pipelines for run in each.runs}
    source.runs |= {each.address: each for each in (world.run("g:ml/fraud#2"), world.run("g:ml/fraud#10"))}
    source.places, source.pasts = world.places, world.pasts
    source.brought = Changes((Commit(shas(9), "Pin the tokenizer", "Ann", time.now - 2 * HOUR),))
    source.numbers = {
        address("g:ml/fraud#9"): Validation((("auc", 0.97),)),
        address("g:ml/fraud#8"): Validation((("auc", 0.96),)),
    }
    runtime = time.runtime(settings, {"g": source})
    app = Pipedeck(settings, keymap(settings.ui.keys), runtime)
    async with running(app, size) as pilot:
        work = Deck(app, pilot, time, source)
        await pilot.pause()
        await work.time.advance(0.2)
        await pilot.pause()
        await work.settle()
        yield work


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_pictures(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with deck(size) as work:
        await work.open()
        assert work.text == snapshot(name="model")
        await work.press("j", "space", "j", "j")
        assert work.text == snapshot(name="canary")
        await work.press("j", "j", "enter")
        assert work.text == snapshot(name="the way back")
        await work.press("escape", "A")
        assert work.text == snapshot(name="all")


async def test_the_model_of_the_selected_pipeline_is_shown() -> None:
    async with deck() as work:
        await work.open()
        assert work.places[0].strip().startswith("Fraud")
        assert any("production" in line and "stable 90%" in line for line in work.places)
        assert any("review/a" in line for line in work.places), "what is missing is said"
        await work.press("1", "j")
        await work.open()
        assert work.places[0].strip().startswith("Price")
        assert any("has the traffic: it was deployed to last" in line for line in work.places)
        await work.press("1", "j")
        await work.open()
        assert work.places[0].strip().startswith("g:ml/tools")
        assert "g:ml/tools has no environments: no job of it names one" in work.places[1]


async def test_only_what_can_be_seen_and_is_looked_at_is_asked_for() -> None:
    async with deck() as work:
        assert work.asked("environments") == []
        await work.open()
        assert work.asked("environments") == ["environments g:ml/fraud"]
        assert work.asked("history") == ["history g:ml/fraud@production"], "the figures count it"
        assert work.asked("changes") == work.asked("metrics.json") == []
        await work.press("j", "j", "j")
        assert work.asked("changes")[-1:] == [f"changes {shas(8)}..{shas(9)}"]
        assert {"metrics.json of g:ml/fraud#8", "metrics.json of g:ml/fraud#9"} <= set(
            work.asked("metrics.json")
        )
        await work.press("1", "2", "3")
        before = len(work.source.asked)
        await work.time.advance(9)
        assert work.asked("environments") == ["environments g:ml/fraud"]
        assert len(work.source.asked) - before <= 1, "a pane that is not seen asks nothing"


async def test_what_is_under_the_cursor_tells_what_it_brought() -> None:
    async with deck() as work:
        await work.open("j", "j", "j")
        assert work.facts[0].strip() == f"{shas(9)[:8]} in production, against {shas(8)[:8]} that is there"
        assert "tests  3/120 failed  (88888888: 120 ok)" in work.facts
        assert "auc  0.97  (0.96 +0.01)" in work.facts
        assert f"changes  1 commit by Ann since {shas(8)[:8]}" in work.facts
        await work.press("k")
        assert "waits for  promote, to be started by hand" in work.facts


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    async with deck() as work:
        await work.open("j", "j")
        with patch.object(work.app, "_display") as display:
            work.screen.project()
            await work.pilot.pause()
        drawn = [call.args[1] for call in display.call_args_list]
        assert [update for update in drawn if update is not None] == []


async def test_the_past_unfolds_with_what_one_can_go_back_to() -> None:
    async with deck() as work:
        await work.open("j")
        assert not any("before" in line for line in work.places)
        await work.press("space")
        past = [line for line in work.places if "before" in line]
        assert len(past) == 3
        assert "can go back to it" in past[0]
        assert "its job is archived" in past[2]
        await work.press("j", "j", "j")
        assert work.facts[0].strip() == f"{shas(7)[:8]} in production, against {shas(8)[:8]} that is there"
        assert "roll back  would run deploy of g:ml/fraud#7 again" in work.facts
        assert "changes  1 commit by Ann would be taken back" in work.facts
        await work.press("k", "k", "k", "left")
        assert not any("before" in line for line in work.places)


async def test_enter_goes_to_the_run_behind_a_deployment() -> None:
    async with deck() as work:
        await work.press("end")
        await work.open("A")
        assert work.screen.selection.pipeline is not None
        assert work.screen.selection.pipeline.address == address("g:ml/tools")
        assert work.pane.table.highlight("g:ml/fraud@production 9")
        await work.press("o")
        assert work.screen.current == "stages"
        assert str(work.screen.selection.target) == "g:ml/fraud#9"
        assert work.screen.selection.pipeline.address == FRAUD


async def test_enter_goes_to_a_run_that_no_list_has_any_more() -> None:
    async with deck() as work:
        await work.open("j", "space")
        assert work.pane.table.highlight("g:ml/fraud@production 2")
        await work.press("o")
        assert str(work.screen.selection.target) == "g:ml/fraud#2"


async def test_a_figure_names_the_runs_it_came_from_and_leads_to_them() -> None:
    async with deck() as work:
        await work.open()
        assert work.facts[0].strip() == "Fraud, last 30 days"
        assert any(line.startswith("frequency  0.467 a week  (from 2") for line in work.facts)
        assert "change failures  33%" in " ".join(work.facts)
        await work.press("equals_sign")
        assert work.facts[0].strip() == "Fraud, last 90 days"
        await work.press("minus", "minus", "minus")
        assert work.facts[0].strip() == "Fraud, last 7 days"
        await work.press("enter", "j", "j", "enter")
        assert str(work.screen.selection.run_address) == "g:ml/fraud#8"
        assert work.screen.current == "stages"


async def test_addresses_and_pages_are_those_under_the_cursor() -> None:
    async with deck() as work:
        await work.open("j", "y")
        assert work.app.clipboard == "g:ml/fraud@production"
        await work.press("j", "Y")
        assert work.app.clipboard == "http://g/jobs/10"
        await work.press("enter", "j", "y")
        assert work.app.clipboard == "g:ml/fraud#10"


async def test_what_cannot_be_read_is_said_where_it_is_missing_and_the_last_picture_stays() -> None:
    async with deck() as work:
        work.source.numbers = {}
        work.source.brought = SourceError(Trouble.FORBIDDEN, "g answered 403 to the commits")
        work.source.pasts[address("g:ml/fraud@staging")] = SourceError(Trouble.TIMEOUT, "g did not answer")
        await work.open("j", "j", "j")
        assert "not read  g answered 403 to the commits" in work.facts
        assert "validation  no metrics.json" in work.facts
        await work.press("j")
        assert "not read  g did not answer" in work.facts
        work.source.places[FRAUD] = SourceError(Trouble.FORBIDDEN, "g answered 403: no Reporter")
        await work.time.advance(61)
        await work.settle()
        assert any("stable 90%" in line for line in work.places)
        assert any(
            "g:ml/fraud: not permitted: g answered 403: no Reporter (shown as read 1m ago)" in line
            for line in work.places
        )


async def test_all_models_and_pipelines_in_one_list() -> None:
    async with deck() as work:
        await work.open("A")
        heads = [row.key for row in work.pane.table.rows if row.key.startswith(("model", "group"))]
        assert [head for head in heads if "note" not in head] == [
            "model fraud",
            "model price",
            "group g:ml/tools",
        ]
        await work.press("A")
        assert not any("Price" in line for line in work.places)


async def test_a_small_pane_shows_the_details_in_place_of_the_list() -> None:
    async with deck((80, 15)) as work:
        await work.open("j", "j", "j")
        assert "About it" not in work.text
        assert work.asked("changes") == [], "nobody sees it"
        await work.press("enter")
        assert "About it" in work.text
        assert "Environment " not in work.text
        assert work.asked("changes") != []
        await work.press("escape")
        assert "Environment " in work.text


async def test_where_no_run_is_known_that_is_said() -> None:
    async with deck() as work:
        await work.open("o")
        assert "No run is known behind it." in work.text
