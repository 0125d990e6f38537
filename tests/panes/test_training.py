"""Training runs beside the job that trains them: rows in the stages, words in the preview."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.engine.world import START, FakeSource
from tests.examples import address, pipeline, run
from tests.presenters.test_pipelines import stage
from tests.screens import test_deck
from tests.screens.test_deck import Deck, deck
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Listing, Run
from tui.domain.status import Status
from tui.domain.training import LatestMetric, TrainingRun
from tui.panes.preview import PreviewPane
from tui.sources.base import SourceError
from widgets.cells import pieces
from widgets.table.line_table import Row

CONFIG = """
[sources.mlflow]
type = "mlflow"
url = "http://127.0.0.1:1"
[models.churn]
pipelines = ["gitlab:ml/churn"]
[models.churn.training]
source = "mlflow"
experiments = ["churn"]
metric = "val_loss"
"""
CHURN = address("gitlab:ml/churn#77")
ROW = "gitlab:ml/churn main"
JOB = {"gitlab.CI_JOB_ID": "500"}
SIZES = [(80, 24), (110, 30)]


class Tracker(FakeSource):
    """A source for everything, which also knows what is trained."""

    trained: tuple[TrainingRun, ...] = ()

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve("training now")
        return tuple(each for each in self.trained if each.going_on)

    async def training_lately(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve("training lately")
        return self.trained


def training(name: str = "challenger-run", tags: dict[str, str] | None = None, **more: Any) -> TrainingRun:
    told = {
        "status": Status.RUNNING,
        "started_at": START - 300,
        "metrics": (LatestMetric("loss", 0.2, 27), LatestMetric("val_loss", 0.3581, 27, START - 9)),
        "web_url": "http://127.0.0.1:1/#/experiments/1/runs/a",
        **more,
    }
    status = told.pop("status")
    words = {Status.RUNNING: "RUNNING", Status.PASSED: "FINISHED"}[status]
    return TrainingRun(told.pop("id", name), name, status, words, tags=tuple((tags or {}).items()), **told)


def trains(now: float, status: Status = Status.RUNNING, **more: Any) -> Run:
    at = CHURN.at_job("train")
    duration = 280.0 if status.finished else None
    job = Job(at, "500", "train", status, started_at=now - 400, duration=duration)
    check = stage("check", started_at=now - 600, duration=150.0)
    train = stage("train", status, started_at=now - 400, duration=duration, jobs=(job,))
    ship = stage("ship", Status.QUEUED, started_at=None, duration=None)
    told = {"started_at": now - 600, "revision": "c" * 40, "stages": (check, train, ship), **more}
    whole = Status.FAILED if status.finished else Status.RUNNING
    return run(str(CHURN), whole, **told)


@asynccontextmanager
async def training_deck(
    *trained: TrainingRun, of: Run | None = None, size: tuple[int, int] = (110, 30)
) -> AsyncIterator[Deck]:
    """A deck whose list has a pipeline that trains; the cursor is on it."""
    with patch.object(test_deck, "FakeSource", Tracker):
        async with deck(size, CONFIG) as work:
            source, ml = work.sources["gitlab"], work.sources["mlflow"]
            assert isinstance(ml, Tracker)
            ml.trained = trained
            it = of if of is not None else trains(work.time.now)
            source.runs[CHURN] = it
            listed = msgspec.structs.replace(it, stages=None)
            assert isinstance(source.listing, Listing)
            source.listing = Listing(
                (*source.listing.pipelines, pipeline(str(CHURN.pipeline), listed, ref="main"))
            )
            await work.press("ctrl+r")
            await work.settle(2)
            work.screen.reveal(ROW)
            await work.settle()
            yield work


def cells(row: Row) -> list[str]:
    return ["".join(text for text, _ in pieces(cell)) for cell in row.cells]


def rows(work: Deck) -> list[list[str]]:
    return [[cell[0], cell[1], cell[2], cell[5]] for cell in map(cells, work.stages.table.rows)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_stands_below_its_job(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with training_deck(training(tags=JOB), size=size) as work:
        await work.press("2")
        assert rows(work)[1:3] == [
            ["»•", "train", "running", ""],
            ["»", "∿ challenger-run", "running", "val_loss 0.3581 at step 27; by job id"],
        ]
        assert work.text == snapshot
        await work.press("down", "down")
        selected = work.stages.selected
        assert selected.address == CHURN.at_job("train"), "keys mean the job"
        assert selected.url == "http://127.0.0.1:1/#/experiments/1/runs/a"
        await work.press("up")
        assert work.stages.selected.url is None


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_preview_of_a_running_run_tells_what_it_trains(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with training_deck(training(tags=JOB), size=size) as work:
        await work.press("enter")
        assert "∿ challenger-run  running 5m in train" in work.text
        assert work.text == snapshot


async def test_one_that_names_no_job_is_likely_or_not_linked_and_the_line_is_shown_that_links_it() -> None:
    async with training_deck(training(commit="c" * 40)) as work:
        await work.press("2")
        assert rows(work)[2][3].startswith("likely, by commit and time; ")
        await work.press("1", "enter")
        assert "likely, by commit and time" in work.text
    async with training_deck(training(), size=(150, 40)) as work:
        await work.press("2")
        assert len(rows(work)) == 3
        await work.press("1")
        await work.settle()
        assert "∿ not linked to any job: challenger-run" in work.text
        preview = work.screen.panes["preview"]
        assert isinstance(preview, PreviewPane)
        line = r'  export MLFLOW_RUN_CONTEXT="{\"gitlab.CI_JOB_ID\": \"$CI_JOB_ID\", \"ci.url\": \"$CI_JOB_URL\"}"'
        assert (line, "") in preview.view._lines


async def test_a_run_is_not_believed_once_its_job_has_ended() -> None:
    ended = trains(START, Status.CANCELED)
    async with training_deck(training(tags=JOB), of=ended) as work:
        await work.press("2")
        assert rows(work)[2][1:] == [
            "∿ challenger-run",
            "left running",
            "RUNNING, but its job has ended: canceled; val_loss 0.3581 at step 27; by job id",
        ]
    async with training_deck(training(commit="c" * 40), of=ended) as work:
        await work.press("2")
        assert rows(work)[2][2:] == [
            "unclear",
            "RUNNING, but its likely job has ended; likely, by commit and time; val_loss 0.3581 at step 27",
        ]


async def test_parts_are_counted_and_the_best_is_told() -> None:
    folds = [
        training(f"fold-{n}", JOB, parent="sweep", metrics=(LatestMetric("val_loss", value, 9),))
        for n, value in enumerate((0.5, None, 0.4))
    ]
    async with training_deck(training("sweep", JOB, metrics=()), *folds) as work:
        await work.press("2")
        assert len(rows(work)) == 4
        assert rows(work)[2][3] == "no metric yet; 3 parts, best val_loss 0.4; by job id"


async def test_what_is_wrong_with_the_server_is_said() -> None:
    async with training_deck(training(tags=JOB)) as work:
        await work.press("enter")
        down = SourceError(Trouble.UNREACHABLE, "mlflow: down")
        with patch.object(Tracker, "training_now", side_effect=down):
            await work.settle(20)
            assert "training not known: mlflow: down" in work.text
            assert "∿ challenger-run" in work.text, "what was known stays"
