"""The metrics pane: the charts of a model and the keys that move through them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from tests.engine.deploying_source import DeployingSource
from tests.engine.world import FakeSource
from tests.examples import address
from tests.screens import test_deck
from tests.screens.test_deck import Deck, deck
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.domain.status import Status
from tui.panes.metrics import MetricsPane
from tui.sources.base import SourceError
from widgets.chart.chart import Chart

CHARTED = """
[metrics.p95]
source = "prom"
title = "latency"
unit = "ms"
query = 'p95{track="{track}"}'
window = "1m"
[metrics.errors]
source = "prom"
unit = "%"
query = 'errors{track="{track}"}'
window = "1m"
[models.churn]
pipelines = ["jenkins:deploy"]
environment = "production"
metrics = ["p95", "errors"]
"""
PRODUCTION = address("jenkins:deploy@production")
QUERIES = 4
"""Two metrics, two tracks."""


def deployed(now: float) -> Environments:
    made = (
        Deployment("9", Status.WAITING, "2.2", started_at=now - 600, canary=True),
        Deployment("8", Status.WAITING, "2.1x", started_at=now - 700),
        Deployment("7", Status.FAILED, "2.1", finished_at=now - 1200),
        Deployment("6", Status.PASSED, "2.0", started_at=now - 2500, finished_at=now - 2400),
        Deployment("1", Status.PASSED, "1.0", finished_at=now - 99_000),
    )
    return Environments((Environment(PRODUCTION, made),))


@asynccontextmanager
async def charted(size: tuple[int, int] = (140, 40)) -> AsyncIterator[Deck]:
    """A deck with the metrics pane of a model filling the screen."""

    async def samples(self: FakeSource, query: str, grid: Grid) -> Samples:
        await self._serve(f"{query} {grid.start}")
        rng = Random(query)
        return Samples((((), tuple(100.0 + rng.random() for _ in grid.times)),))

    class Source(DeployingSource):
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeSource, "samples", samples)
        patch.setattr(test_deck, "FakeSource", Source)
        async with deck(size, CHARTED) as work:
            jenkins = work.sources["jenkins"]
            assert isinstance(jenkins, DeployingSource)
            environments = deployed(work.time.now)
            jenkins.places[address("jenkins:deploy")] = environments
            jenkins.pasts[PRODUCTION] = environments.environments[0]
            await work.press("ctrl+r")
            await work.settle(2)
            await work.press("3", "plus")
            yield work


def pane(work: Deck) -> MetricsPane:
    found = work.screen.panes["metrics"]
    assert isinstance(found, MetricsPane)
    return found


def shown(work: Deck) -> list[Chart]:
    return [chart for chart in pane(work).query(Chart) if chart.display]


def asked(work: Deck) -> int:
    return sum("track" in what for _, what in work.sources["prom"].asked)


async def test_all_charts_share_the_room_and_one_has_it_alone() -> None:
    async with charted() as work:
        first, second = shown(work)
        assert first.region.y == second.region.y, "side by side"
        assert "▸ latency ms" in work.text
        await work.press("o")
        (alone,) = shown(work)
        assert alone.size == pane(work).box.size
        assert "▸" not in work.text.split("\n", 1)[1].split("latency")[0]
        assert "└" in work.text, "the large one has a line under it"
        await work.press("j")
        assert "errors %" in work.text
        assert "latency" not in work.text
        await work.press("o")
        assert len(shown(work)) == 2
        assert "▸ errors %" in work.text
        await work.press("k")
        assert "▸ latency ms" in work.text


async def test_narrow_ones_stand_below_each_other() -> None:
    async with charted((80, 24)) as work:
        first, second = shown(work)
        assert first.region.x == second.region.x
        assert second.region.y == first.region.bottom


async def test_deployments_are_marked_with_their_version() -> None:
    async with charted() as work:
        await work.press("o")
        for label in ("▾2.0", "▾2.1 failed", "▾2.2 canary"):
            assert label in work.text
        assert "2.1x" not in work.text, "it has not come there yet"
        assert "1.0" not in work.text.replace("101.0", ""), "that was before"


async def test_deployments_that_cannot_be_read_are_told_of() -> None:
    async with charted() as work:
        assert "deployments" not in work.text.splitlines()[3]
        jenkins = work.sources["jenkins"]
        assert isinstance(jenkins, DeployingSource)
        jenkins.pasts[PRODUCTION] = SourceError(Trouble.FORBIDDEN, "jenkins answered 403")
        await work.press("ctrl+r")
        await work.settle(2)
        assert "~ deployments not permitted jenkins answered 403" in work.text.splitlines()[3]
        await work.press("o")
        assert "▾2.0" in work.text, "the last good picture stays"


async def test_the_cursor_tells_values_time_and_difference() -> None:
    async with charted() as work:
        await work.press("o")
        before = asked(work)
        await work.press("left")
        assert work.text.count("┃") > 5
        words = next(line for line in work.text.splitlines() if "┃" in line and "canary" in line)
        assert any(word in words for word in ("higher", "lower"))
        at = pane(work).span.cursor
        assert at is not None
        await work.press("left", "left")
        moved = pane(work).span.cursor
        assert moved is not None
        assert moved < at
        assert asked(work) == before, "pointing asks nothing"
        await work.press("escape")
        assert pane(work).span.cursor is None
        assert "┃" not in work.text
        await work.press("escape")
        assert len(shown(work)) == 2


async def test_a_click_points() -> None:
    async with charted() as work:
        second = shown(work)[1]
        await work.pilot.click(second, offset=(40, 6))
        await work.settle()
        assert pane(work).current == "errors"
        assert "┃" in work.text


async def test_zooming_keeps_what_is_under_the_cursor_in_sight() -> None:
    async with charted() as work:
        for _ in range(20):
            await work.pilot.press("left")
        await work.settle()
        at = pane(work).span.cursor
        await work.press("minus")
        span = pane(work).span
        assert (span.seconds, span.cursor) == (900, at)
        assert span.until is not None
        assert at is not None
        assert span.until - 900 <= at <= span.until
        assert "15m until " in work.text


async def test_the_past_is_asked_for_once_and_now_goes_on() -> None:
    async with charted() as work:
        before = asked(work)
        await work.press("less_than_sign")
        assert "1h until " in work.text
        assert asked(work) == before + QUERIES
        await work.settle(600)
        assert asked(work) == before + QUERIES, "it is finished"
        await work.press("n")
        assert "last 1h" in work.text
        await work.settle(60)
        assert asked(work) > before + QUERIES


async def test_coming_back_to_the_same_past_asks_nothing() -> None:
    async with charted() as work:
        await work.press("less_than_sign", "less_than_sign")
        first = asked(work)
        await work.press("greater_than_sign")
        await work.press("less_than_sign")
        assert asked(work) <= first + QUERIES


async def test_the_longest_range_is_bounded_in_points() -> None:
    grids: list[Grid] = []
    async with charted() as work:
        await work.press(*["equals_sign"] * 9)
        assert "last 30d" in work.text
        for query in pane(work)._charts():
            answer = work.screen.runtime.store.get(query).value
            assert answer is not None
            grids += [series.grid for series in answer.series]
    assert grids
    assert all(len(grid.times) <= 2 * 140 + 2 for grid in grids)


async def test_a_logarithmic_scale_says_so() -> None:
    async with charted() as work:
        await work.press("L")
        assert work.text.count("log scale") == 2
        await work.press("L")
        assert "log scale" not in work.text


async def test_keys_do_nothing_where_there_is_no_chart() -> None:
    async with charted() as work:
        await work.press("1", "end", "3")
        await work.press("o", "j", "k", "left", "less_than_sign", "minus", "n", "L", "escape")
        assert "No model has this pipeline" in work.text
