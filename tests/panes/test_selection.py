"""What the cursor is on, in whatever pane, is the selection of all: verdict, deployments, log and actions are its."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.app_pilot import running
from tests.engine.acting_source import ActingSource, at_once
from tests.engine.world import START, FakeSource, Time
from tests.examples import address, gate, pipeline, run
from tests.screens.test_action_flow import Desk
from tui import config
from tui.app import Pipedeck
from tui.domain.action import ActionKind, ActionRequest, Plan
from tui.domain.deployment import Deployment, Environment, Environments, Rollback
from tui.domain.journal import Entry
from tui.domain.pipeline import Listing
from tui.domain.series import Grid, Samples
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.queries import PipelinesOf, RunAt
from tui.keys import keymap
from tui.panes.base import owner_of
from tui.panes.log import LogPane
from widgets.dialog.dialog import Dialog

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "http://127.0.0.1:1"
deployments = [{ job = "churn", environment = "live", version = { parameter = "VERSION" } }]
[sources.gitlab]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[sources.prom]
type = "prometheus"
url = "http://127.0.0.1:1"
[models.churn]
title = "Churn"
pipelines = ["jenkins:churn"]
environment = "live"
metrics = ["churn_p95"]
[models.fraud]
title = "Fraud"
pipelines = ["gitlab:ml/fraud"]
environment = "production"
metrics = ["fraud_p95", "errors"]
[metrics.churn_p95]
source = "prom"
query = 'churn{track="{track}"}'
window = "1m"
compare = { max_worse = 10 }
[metrics.fraud_p95]
source = "prom"
query = 'fraud{track="{track}"}'
window = "1m"
compare = { max_worse = 10 }
[metrics.errors]
source = "prom"
query = "errors"
[alarms.broken]
series = { model = "fraud", metric = "errors", above = 5 }
[ui.notices]
app = false
"""
PRODUCTION = address("gitlab:ml/fraud@production")
LIVE = address("jenkins:churn@live")


class Prometheus(FakeSource):
    """The canary of fraud is slower by a third, that of churn is not. Errors began ten minutes after a deployment."""

    async def samples(self, query: str, grid: Grid) -> Samples:
        await self._serve(query)
        if query == "errors":
            return Samples((((), tuple(1.0 if at < START - 240 else 9.0 for at in grid.times)),))
        rng = Random(query)
        mean = 130.0 if "fraud" in query and "canary" in query else 100.0
        return Samples((((), tuple(rng.gauss(mean, 3.0) for _ in grid.times)),))


def deployed(number: int, ago: float, where: str) -> Deployment:
    at = START - ago
    return Deployment(
        id=str(number),
        status=Status.PASSED,
        version=f"v{number}",
        started_at=at - 60,
        finished_at=at,
        run=address(f"{where}#{number}"),
        rollback=Rollback(True, "would run it again"),
    )


def fill(jenkins: ActingSource, gitlab: ActingSource) -> None:
    """The gate of churn is the first, the row of fraud. Fraud has a newer run beside the one that waits."""
    since = START - 4000
    churn = run(
        "jenkins:churn#7",
        Status.WAITING,
        gates=(gate("jenkins:churn#7!Go", "Go?", since=since),),
        started_at=since,
    )
    waits = run(
        "gitlab:ml/fraud#9",
        Status.WAITING,
        gates=(gate("gitlab:ml/fraud#9/promote!promote", "promote", since=START - 300),),
        started_at=START - 3000,
    )
    newer = run("gitlab:ml/fraud#10", Status.RUNNING, started_at=START - 60)
    jenkins.listing = Listing((pipeline("jenkins:churn", churn),))
    gitlab.listing = Listing((pipeline("gitlab:ml/fraud", newer, waits, ref="main"),))
    jenkins.runs = {churn.address: churn}
    gitlab.runs = {each.address: each for each in (waits, newer, run("gitlab:ml/fraud#8"))}
    there = Environment(PRODUCTION, (deployed(8, 840, "gitlab:ml/fraud"),), "production")
    gitlab.places[address("gitlab:ml/fraud")] = Environments((there,))
    gitlab.pasts[PRODUCTION] = there
    live = Environment(LIVE, (deployed(6, 7200, "jenkins:churn"),), "production")
    jenkins.places[address("jenkins:churn")] = Environments((live,))
    jenkins.pasts[LIVE] = live


@asynccontextmanager
async def desk(folder: Path, size: tuple[int, int] = (150, 50)) -> AsyncIterator[Desk]:
    time = Time()
    settings = config.parse(CONFIG, Path("config.toml"))
    jenkins, gitlab = ActingSource("jenkins", time), ActingSource("gitlab", time)
    fill(jenkins, gitlab)
    sources: dict[str, FakeSource] = {
        "jenkins": jenkins,
        "gitlab": gitlab,
        "prom": Prometheus("prom", time),
    }
    journal = Journal(folder)
    request = ActionRequest(ActionKind.RETRY, address("gitlab:ml/fraud#9/train"))
    journal.append(
        Entry(
            id="1",
            at=START - 100,
            event="planned",
            who=journal.who,
            source="gitlab",
            target=str(request.target),
            kind="retry",
            plan=Plan(request, "Retry"),
        )
    )
    runtime = time.runtime(settings, sources, journal=journal)
    app = Pipedeck(settings, keymap(settings.ui.keys), runtime)
    async with running(app, size) as pilot:
        work = Desk(app, pilot, time, sources)
        await work.settle()
        await work.settle(61)  # the alarm fires
        await work.press("end")
        assert work.list.table.key == "jenkins:churn"
        yield work


def log_of(work: Desk) -> str:
    pane = work.screen.panes["log"]
    assert isinstance(pane, LogPane)
    return str(pane.log_query.address) if pane.log_query is not None else ""


FROM = {
    "a gate": (("7", "down"), "gitlab:ml/fraud#9"),
    "an alarm": (("8",), "gitlab:ml/fraud#8"),
    "a line of the journal": (("9",), "gitlab:ml/fraud#9"),
    "a deployment": (("5", "A", "end"), "gitlab:ml/fraud#8"),
}


@pytest.mark.parametrize("size", [(80, 24), (150, 50)], ids=str)
@pytest.mark.parametrize("place", FROM)
async def test_all_panes_show_what_the_cursor_is_on(
    place: str, size: tuple[int, int], tmp_path: Path
) -> None:
    keys, about = FROM[place]
    async with desk(tmp_path, size) as work:
        await work.say("3")
        assert "✓ PROMOTE OK  Churn" in work.text
        await work.say(*keys)
        await work.say("3")
        assert "✗ DO NOT PROMOTE  Fraud" in work.text
        assert "Churn" not in work.text
        await work.say("2")
        assert str(work.screen.selection.run_address) == about
        assert about in work.text
        await work.say("5")
        assert "Fraud" in work.text
        await work.say("1")
        assert work.list.table.key == "gitlab:ml/fraud main", "the list goes with it"
        assert str(work.screen.selection.run_address) == about


@pytest.mark.parametrize("place", FROM)
async def test_the_log_is_that_of_what_the_cursor_is_on_and_leads_back(place: str, tmp_path: Path) -> None:
    keys, about = FROM[place]
    async with desk(tmp_path) as work:
        await work.say(*keys)
        before, current = work.screen.selection, work.screen.current
        await work.say("l")
        assert log_of(work).startswith(about)
        assert "churn" not in log_of(work)
        await work.say("q")
        assert (work.screen.selection, work.screen.current) == (before, current)


async def test_an_action_in_another_pane_means_the_gate(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("7", "down", "3", "x")
        assert isinstance(work.app.screen, Dialog)
        assert "reject gitlab:ml/fraud#9/promote!promote" in work.text


async def test_a_run_behind_a_newer_one_has_a_row_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("home")
        assert str(work.screen.selection.run_address) == "gitlab:ml/fraud#10"
        await work.say("down")
        assert "└ fraud" in work.text
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#9"
        await work.settle(61)
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#9", (
            "it stays there when the list is read anew"
        )
        await work.say("x")
        assert isinstance(work.app.screen, Dialog)
        assert "reject gitlab:ml/fraud#9/promote!promote" in work.text


async def test_keys_typed_in_one_burst_mean_where_the_cursor_went(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.pilot.press("7", "down", "3")
        await work.settle()
        assert "✗ DO NOT PROMOTE  Fraud" in work.text


async def test_without_a_deployment_an_alarm_leads_to_its_model(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        gitlab = work.sources["gitlab"]
        assert isinstance(gitlab, ActingSource)
        gitlab.places.clear()
        gitlab.pasts[PRODUCTION] = Environment(PRODUCTION, ())
        gitlab.places[address("gitlab:ml/fraud")] = Environments(())
        await work.press("5", "ctrl+r")
        await work.settle(400)
        await work.say("8", "3")
        assert "✗ DO NOT PROMOTE  Fraud" in work.text


async def test_what_is_selected_follows_the_newest_run_and_a_gate_does_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("home", "2")
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#10"
        gitlab = work.sources["gitlab"]
        assert isinstance(gitlab.listing, Listing)
        (fraud,) = gitlab.listing.pipelines
        newest = run("gitlab:ml/fraud#11", Status.RUNNING, started_at=work.time.now)
        gitlab.runs[newest.address] = newest
        gitlab.listing = Listing(
            (pipeline("gitlab:ml/fraud", newest, *fraud.runs, ref="main"),),
        )
        await work.settle(61)
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#11"
        await work.say("7", "down", "2")
        await work.settle(61)
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#9"


async def test_a_pane_that_is_not_concerned_does_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("7", "1")
        assert work.screen.selection.pipeline is not None
        shown: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            for scope in ("pipelines", "stages", "gates"):
                pane = work.screen.panes[scope]
                project = pane.project

                def counted(scope: str = scope, project: object = project) -> None:
                    shown.append(scope)
                    assert callable(project)
                    project()

                patch.setattr(pane, "project", counted)
            store = work.app.runtime.store
            about = work.screen.selection.run_address
            assert about is not None
            store.put(RunAt(about), run(str(about), Status.FAILED), work.time.now)
            await work.time.advance(0.1)
            await work.pilot.pause()
            assert shown == ["stages"]
            shown.clear()
            store.put(PipelinesOf("gitlab"), Listing(()), work.time.now)
            await work.time.advance(0.1)
            await work.pilot.pause()
            assert sorted(shown) == ["gates", "pipelines"]


def test_the_entry_of_a_registry_belongs_to_its_model() -> None:
    registry = """
[sources.ml]
type = "mlflow"
url = "http://127.0.0.1:9"
[models.churn.registry]
source = "ml"
model = "churners"
metrics = { auc = { better = "higher" } }
"""
    settings = config.parse(CONFIG + registry, Path("config.toml"))
    assert owner_of(address("ml:churners"), settings) == "churn"
    assert owner_of(address("gitlab:ml/fraud#9/train"), settings) == "fraud"
    assert owner_of(address("gitlab:ml/other"), settings) is None
