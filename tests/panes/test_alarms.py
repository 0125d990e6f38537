"""The alarms pane: what fires first, what it says, acknowledging, other people's text, the header."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.engine.world import START, FakeSource
from tests.screens.test_deck import Deck, deck
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.series import Grid, Samples
from tui.domain.status import Status

ALARMS = """
[alarms.busy]
series = { model = "fraud", metric = "up", above = 5 }
severity = "critical"
propose = ["rollback", "retrain"]
[alarms.calm]
series = { model = "fraud", metric = "up", above = 500 }
[alarms.failing]
runs = { pipelines = ["jenkins:**", "gitlab:**"] }
"""
HOSTILE = "[red]rm -rf[/] v2"


def deployed(version: str, ago: float) -> Deployment:
    at = START - ago
    return Deployment(version, Status.PASSED, version, who="[bold]chen", started_at=at - 60, finished_at=at)


@pytest.fixture
def _degrading(monkeypatch: pytest.MonkeyPatch) -> None:
    """A series that has been too high for four minutes, ten minutes after a deployment."""
    there = Environment(
        Address("gitlab", "ml/fraud", environment="production"),
        (deployed(HOSTILE, 840), deployed("v1", 90_000)),
    )

    async def samples(self: FakeSource, query: str, grid: Grid) -> Samples:
        await self._serve(query)
        return Samples((((), tuple(1.0 if at < START - 240 else 9.0 for at in grid.times)),))

    async def environments(self: FakeSource, pipeline: Address) -> Environments:
        return Environments((there,))

    async def history(self: FakeSource, environment: Address) -> Environment:
        return there

    monkeypatch.setattr(FakeSource, "samples", samples)
    monkeypatch.setattr(FakeSource, "environments", environments, raising=False)
    monkeypatch.setattr(FakeSource, "history", history, raising=False)


def line(work: Deck, word: str) -> str:
    return next(line for line in work.text.splitlines() if word in line and "Alarm" not in line)


@pytest.mark.usefixtures("_degrading")
@pytest.mark.parametrize("size", [(80, 24), (200, 40)], ids=str)
async def test_the_alarms(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with deck(size, ALARMS + "[ui.notices]\napp = false\n") as work:
        await work.press("8")
        assert work.text == snapshot


@pytest.mark.usefixtures("_degrading")
async def test_an_alarm_names_its_deployment_and_what_it_proposes() -> None:
    async with deck((160, 40), ALARMS) as work:
        await work.press("8", "plus")
        assert "10m 10s after [red]rm -rf[/] v2 by [bold]chen" in work.text
        assert "roll back to v1" in work.text
        assert "retrain: no pipeline for it is configured" in work.text


@pytest.mark.usefixtures("_degrading")
async def test_what_fired_before_the_start_is_counted_and_not_announced() -> None:
    async with deck((160, 40), ALARMS) as work:
        await work.time.advance(5)
        await work.settle()
        assert "✗ 2 alarms busy fraud" in work.text.split("\n")[0]
        assert "8 Alarms 2" in work.text.split("\n")[1]
        assert list(work.screen.notices.recent) == []


@pytest.mark.usefixtures("_degrading")
async def test_acknowledging_takes_it_from_the_header() -> None:
    async with deck((160, 40), ALARMS) as work:
        before = work.text.splitlines()[0]
        assert "alarms busy fraud" in before
        await work.press("8", "A")
        await work.settle()
        assert "busy fraud" not in work.text.splitlines()[0]
        assert "1 acknowledged" in work.text
        await work.press("A")
        await work.settle()
        assert "1 acknowledged" not in work.text


async def test_without_alarms_it_says_how_to_have_some() -> None:
    async with deck((120, 40)) as work:
        await work.press("8", "plus")
        assert "No alarm is configured; add [alarms.NAME] to the config." in work.text


@pytest.mark.usefixtures("_degrading")
async def test_an_alarm_on_a_model_selects_what_was_deployed_one_on_runs_the_pipeline() -> None:
    async with deck((160, 40), ALARMS) as work:
        await work.press("8")
        assert str(work.screen.selection.target) == "gitlab:ml/fraud@production"
        await work.press("down")
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#9"
        assert work.screen.selection.model == "fraud"
