"""Training runs beside the job that trains them: rows in the stages, words in the preview."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
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
from tui.domain.candidate import RegisteredVersion
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Listing, Run
from tui.domain.status import Status
from tui.domain.training import History, LatestMetric, Point, TrainingRun
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
[models.churn.registry]
source = "mlflow"
model = "churn"
metrics.val_loss.better = "lower"
"""
CHURN = address("gitlab:ml/churn#77")
ROW = "gitlab:ml/churn main"
JOB = {"gitlab.CI_JOB_ID": "500"}
SIZES = [(80, 24), (110, 30)]


class Tracker(FakeSource):
    """A source for everything, which also knows what is trained."""

    trained: tuple[TrainingRun, ...] = ()
    points: Mapping[tuple[str, str], tuple[Point, ...]] = MappingProxyType({})
    """By run and metric."""

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve("training now")
        return tuple(each for each in self.trained if each.going_on)

    async def metric_history(self, run: str, metric: str, after: int | None = None) -> History:
        await self._serve(f"history {run} {metric}")
        known = self.points.get((run, metric), ())
        return History(tuple(point for point in known if after is None or point.step > after))

    async def reads_on(self) -> bool:
        return True

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, None]:
        return dict.fromkeys(aliases)

    async def aliases(self, model: str) -> Mapping[str, str]:
        return {"champion": "1"}

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        return (RegisteredVersion(model, "1", run="champion-run"),)

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
    *trained: TrainingRun,
    of: Run | None = None,
    size: tuple[int, int] = (110, 30),
    points: Mapping[tuple[str, str], tuple[Point, ...]] = MappingProxyType({}),
) -> AsyncIterator[Deck]:
    """A deck whose list has a pipeline that trains; the cursor is on it."""
    with patch.object(test_deck, "FakeSource", Tracker):
        async with deck(size, CONFIG) as work:
            source, ml = work.sources["gitlab"], work.sources["mlflow"]
            assert isinstance(ml, Tracker)
            ml.trained, ml.points = trained, points
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
        await work.press("enter")
        assert "∿ challenger-run  running 5m in train" in work.text
        await work.press("2")
        assert rows(work)[1:3] == [
            ["»•", "train", "running", ""],
            ["»", "∿ challenger-run", "running", "val_loss 0.3581 at step 27; by job id"],
        ]
        assert work.text == snapshot
        assert work.stages.table.highlight("training challenger-run")
        await work.settle()
        selected = work.stages.selected
        assert selected.address == CHURN.at_job("train"), "keys mean the job"
        assert selected.url == "http://127.0.0.1:1/#/experiments/1/runs/a"
        await work.press("up")
        assert work.stages.selected.url is None


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


def curve(last: int, floor: float, gap: float = 10.0, key: str = "val_loss") -> tuple[Point, ...]:
    """A loss that falls towards ``floor``, its newest value nine seconds old."""
    end = START - 9
    return tuple(Point(n, end - (last - n) * gap, floor + 0.4 * 0.9**n) for n in range(last + 1))


CURVES = {
    ("challenger-run", "val_loss"): curve(27, 0.34),
    ("challenger-run", "loss"): (
        *curve(20, 0.2)[:-3],
        *(Point(18 + n, START - 20 + n, None) for n in range(3)),
    ),
    ("champion-run", "val_loss"): curve(39, 0.32),
}


def following(**more: Any) -> TrainingRun:
    newest = CURVES["challenger-run", "val_loss"][-1]
    metrics = (
        LatestMetric("loss", None, 20, START - 18),
        LatestMetric("val_loss", newest.value, 27, newest.at),
    )
    return training(tags=JOB, params=(("epochs", "40"),), metrics=metrics, **more)


def histories(work: Deck) -> list[str]:
    return [what for _, what in work.sources["mlflow"].asked if what.startswith("history")]


class TestCurves:
    @pytest.mark.parametrize("size", SIZES, ids=str)
    async def test_the_preview_and_the_metrics_pane_draw_it_beside_the_champions(
        self, size: tuple[int, int], snapshot: SnapshotAssertion
    ) -> None:
        async with training_deck(following(), size=size, points=CURVES) as work:
            await work.press("enter")
            assert "step 27 of 40, ~1m left, by its steps   champion " in work.text
            assert work.text == snapshot(name="preview")
            await work.press("3")
            assert "val_loss ∿ challenger-run" in work.text
            assert work.text == snapshot(name="metrics")
            await work.press("s")
            assert ":" in work.text.splitlines()[-2], "times stand below it"

    async def test_its_other_metrics_come_one_after_the_other_and_only_what_is_shown_is_read(self) -> None:
        async with training_deck(following(), points=CURVES) as work:
            assert histories(work) == []
            await work.press("enter")
            await work.settle()
            assert sorted(histories(work)) == [
                "history challenger-run val_loss",
                "history champion-run val_loss",
            ]
            await work.press("3", "M")
            assert "loss ∿ challenger-run" in work.text
            assert "val_loss ∿" not in work.text
            assert "not finite since step 18" in work.text
            await work.press("M")
            assert "val_loss ∿ challenger-run" in work.text

    async def test_what_has_ended_has_no_time_left(self) -> None:
        ended = trains(START, Status.CANCELED)
        async with training_deck(following(), of=ended, points=CURVES) as work:
            await work.press("3")
            assert "left running" in work.text
            assert "left, by its steps" not in work.text

    async def test_where_nothing_trains_that_is_said(self) -> None:
        async with training_deck() as work:
            await work.press("3")
            assert "nothing was trained lately" in work.text
