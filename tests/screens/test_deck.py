"""The deck as a person meets it, on sources in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion
from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.app_pilot import running, screen_text
from tests.engine.world import FakeSource, Time
from tests.examples import gate, pipeline, run
from tests.presenters.test_pipelines import job, stage
from tui import config
from tui.app import Pipedeck
from tui.domain.address import Address, parse_address
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Run, TestCounts
from tui.domain.status import Status
from tui.keys import keymap
from tui.panes.metrics import MetricsPane
from tui.panes.pipelines import PipelinesPane
from tui.panes.stages import StagesPane
from tui.screens.deck import DeckScreen
from tui.sources.base import SourceError
from widgets.chart.chart import Chart
from widgets.dialog.help_sheet import HelpSheet

AN_HOUR = 3600.0
CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.gitlab]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[sources.prom]
type = "prometheus"
url = "http://127.0.0.1:1"
[models.fraud]
title = "Fraud"
pipelines = ["gitlab:ml/fraud"]
metrics = ["up"]
[metrics.up]
source = "prom"
query = "up"
[models.other]
"""


def world(now: float) -> dict[str, Listing]:
    def at(text: str, status: Status = Status.PASSED, **more: Any) -> Run:
        return run(text, status, **{"started_at": now - 600, **more})

    waiting = at(
        "jenkins:deploy#7",
        Status.WAITING,
        gates=(gate("jenkins:deploy#7!Promote", "Promote 2.1?", since=now - 720),),
    )
    failed = at("gitlab:ml/fraud#9", Status.FAILED, cause="alice", tests=TestCounts(120, 3, 0))
    return {
        "jenkins": Listing(
            (
                pipeline("jenkins:ml/idle", at("jenkins:ml/idle#1")),
                pipeline(
                    "jenkins:ml/vision", at("jenkins:ml/vision#3", Status.RUNNING), at("jenkins:ml/vision#2")
                ),
                pipeline("jenkins:deploy", waiting),
            )
        ),
        "gitlab": Listing((pipeline("gitlab:ml/fraud", failed, at("gitlab:ml/fraud#8"), ref="feat/[/foo]"),)),
    }


def details(now: float, listings: dict[str, Listing]) -> dict[Address, Run]:
    def staged(run: Run) -> Run:
        failed = job("canary", Status.FAILED, reason="script_failure")
        failed = msgspec.structs.replace(failed, address=run.address.at_job("canary"))
        test = stage("test", started_at=now - 600, duration=100.0)
        deploy = stage("deploy", Status.FAILED, started_at=now - 500, duration=20.0, jobs=(failed,))
        return msgspec.structs.replace(run, stages=(test, deploy))

    pipelines = (pipeline for listing in listings.values() for pipeline in listing.pipelines)
    return {run.address: staged(run) for pipeline in pipelines for run in pipeline.runs}


class Deck:
    """A running deck and the hands to work it."""

    def __init__(
        self, app: Pipedeck, pilot: "Pilot[Any]", time: Time, sources: dict[str, FakeSource]
    ) -> None:
        self.app = app
        self.pilot = pilot
        self.time = time
        self.sources = sources

    @property
    def screen(self) -> DeckScreen:
        deck = self.app.screen_stack[0]
        assert isinstance(deck, DeckScreen)
        return deck

    @property
    def list(self) -> PipelinesPane:
        pane = self.screen.panes["pipelines"]
        assert isinstance(pane, PipelinesPane)
        return pane

    @property
    def stages(self) -> StagesPane:
        pane = self.screen.panes["stages"]
        assert isinstance(pane, StagesPane)
        return pane

    @property
    def text(self) -> str:
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self, seconds: float = 0.2) -> None:
        """Let what was asked be answered, the news reach the panes, the cursor rest and the charts be drawn."""
        for _ in range(3):
            await self.time.advance(seconds)
            await self.pilot.pause()
        self.screen.project()  # as the deck does every few seconds
        if (timer := self.screen._settling) is not None and timer._callback is not None:
            timer._callback()
            await self.time.advance(seconds)
            await self.pilot.pause()
        while any(chart.stale and chart.in_sight for chart in self.app.screen.query(Chart)):
            await self.pilot.pause()


@asynccontextmanager
async def deck(
    size: tuple[int, int] = (160, 40), extra: str = "", at: str | None = None
) -> AsyncIterator[Deck]:
    time = Time()
    settings = config.parse(CONFIG + extra, Path("config.toml"))
    sources = {name: FakeSource(name, time) for name in settings.sources}
    listings = world(time.now)
    for name, listing in listings.items():
        sources[name].listing = listing
        sources[name].runs = dict(details(time.now, listings))
    runtime = time.runtime(settings, sources)
    opened_at = parse_address(at) if at is not None else None
    app = Pipedeck(settings, keymap(settings.ui.keys), runtime, at=opened_at)
    # What the deck does after a while, it does in `settle`, however slow the machine is.
    with patch("tui.screens.selecting.SETTLE", AN_HOUR), patch("tui.screens.deck.TICK", AN_HOUR):
        async with running(app, size) as pilot:
            work = Deck(app, pilot, time, sources)
            await work.settle()
            yield work


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_the_first_picture(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with deck(size) as work:
        assert work.text == snapshot


async def test_every_pane_at_80_by_24(snapshot: SnapshotAssertion) -> None:
    async with deck((80, 24)) as work:
        await work.press("j")  # and rest there, or the run above is asked for where keys are slow to be typed
        await work.press("2")
        assert work.text == snapshot(name="stages")
        await work.press("3")
        assert work.text == snapshot(name="metrics")
        await work.press("question_mark")
        assert work.text == snapshot(name="help")
        await work.press("escape", "i")
        assert work.text == snapshot(name="sources")


async def test_the_clock_may_be_looked_at_while_the_panes_are_made() -> None:
    compose = StagesPane.compose

    def slowly(pane: StagesPane) -> ComposeResult:
        deck = pane.screen
        assert isinstance(deck, DeckScreen)
        deck.project()  # as it does every few seconds
        return compose(pane)

    with patch.object(StagesPane, "compose", slowly):
        async with deck() as work:
            assert "jenkins:deploy#7" in work.text


async def test_moving_shows_the_run_under_the_cursor() -> None:
    async with deck() as work:
        assert "jenkins:deploy#7" in work.text
        await work.press("j")
        assert "gitlab:ml/fraud#9" in work.text
        assert "✓ test  ✗ deploy" in work.text
        await work.press("left_square_bracket")
        assert "gitlab:ml/fraud#8" in work.text
        await work.press("left_square_bracket")
        assert "gitlab:ml/fraud#8" in work.text, "there is no older one"
        await work.press("right_square_bracket")
        assert "gitlab:ml/fraud#9" in work.text


async def test_filter_sort_group_and_fold() -> None:
    async with deck() as work:
        await work.press("slash", *"fraud", "enter")
        assert list(work.list.pipelines) == ["gitlab:ml/fraud feat/[/foo]"]
        assert "1 of 4" in work.text
        await work.press("escape")
        assert len(work.list.pipelines) == 4
        await work.press("v")
        assert "jenkins  3 pipelines, 1 waiting, 1 running" in work.text
        await work.press("home", "space")
        assert "ml/vision" not in work.text
        await work.press("space", "s")
        assert "ml/vision" in work.text


async def test_a_source_in_trouble_keeps_its_picture_and_says_so_and_recovers() -> None:
    async with deck() as work:
        work.sources["gitlab"].listing, before = (
            SourceError(Trouble.TIMEOUT, "gitlab did not answer"),
            work.sources["gitlab"].listing,
        )
        await work.settle(60)
        assert "✗ gitlab timed out, read 3m ago" in work.text
        assert "ml/fraud" in work.text
        await work.press("i")
        assert isinstance(work.app.screen, HelpSheet)
        assert "timed out: gitlab did not answer" in work.text
        await work.press("escape")
        work.sources["gitlab"].listing = before
        await work.settle(60)
        assert "timed out" not in work.text


async def test_a_narrow_terminal_shows_one_pane_and_a_wide_one_all() -> None:
    async with deck((80, 24)) as work:
        assert "Stage " not in work.text.partition("\n ")[2].partition("\n")[2]
        await work.press("tab")
        assert "Stage" in work.text
        assert "Pipeline " not in work.text
        await work.pilot.resize_terminal(160, 40)
        await work.settle()
        assert "Stage" in work.text
        assert "Pipeline " in work.text
        await work.press("plus")
        assert "Pipeline " not in work.text
        await work.press("plus")
        assert "Pipeline " in work.text


async def test_only_what_can_be_seen_is_asked_for() -> None:
    async with deck((80, 24)) as work:
        assert {what for _, what in work.sources["jenkins"].asked} == {"pipelines"}
        await work.press("2")
        assert {what for _, what in work.sources["jenkins"].asked} == {"pipelines", "jenkins:deploy#7"}


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    async with deck() as work:
        with patch.object(work.app, "_display") as display:
            work.screen.project()
            await work.pilot.pause()
        drawn = [call.args[1] for call in display.call_args_list]
        assert [update for update in drawn if update is not None] == []


async def test_keys_can_be_given_other_meanings() -> None:
    async with deck(extra='[ui.keys]\nhelp = "f5"\n"table.down" = "n"') as work:
        await work.press("n")
        assert work.list.table.cursor == 1
        await work.press("f5")
        assert isinstance(work.app.screen, HelpSheet)


async def test_addresses_are_copied() -> None:
    async with deck() as work:
        await work.press("y")
        assert work.app.clipboard == "jenkins:deploy#7"
        await work.press("j")
        await work.press("2", "end", "y")
        assert work.app.clipboard == "gitlab:ml/fraud#9/canary"
        await work.press("Y")
        assert work.app.clipboard == "gitlab:ml/fraud#9/canary", "this run has no web address"


async def test_the_palette_finds_actions_and_pipelines() -> None:
    async with deck() as work:
        await work.press("ctrl+p")
        await work.press(*"ml/idle")
        await work.press("down", "enter")
        assert work.list.table.key == "jenkins:ml/idle"


async def test_the_metrics_pane_says_when_no_model_has_the_pipeline() -> None:
    async with deck() as work:
        pane = work.screen.panes["metrics"]
        assert isinstance(pane, MetricsPane)
        await work.press("3")
        assert "No model has this pipeline" in work.text
        await work.press("1", "j")
        await work.press("3")
        assert "Fraud" in work.text
        await work.press("equals_sign")
        assert "last 6h" in work.text
        await work.press("minus", "minus")
        assert "last 15m" in work.text
