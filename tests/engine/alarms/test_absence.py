"""Alarms on what has not happened: fresh, missed, and not known."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engine.alarms.test_monitor import CI, GONE, Kept
from tests.engine.deploying_source import DeployingSource
from tests.engine.queries.test_comparisons import Registry
from tests.engine.world import FakeSource, Time, address, listing_of, run_of
from tui import config
from tui.domain.address import Address
from tui.domain.alarm import AlarmState
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.evaluation import CaseResult, Evaluation, EvaluationCase
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.training import TrainingRun
from tui.engine.queries import AlarmsNow
from tui.sources.base import SourceError

HOUR = 3600.0
ML = '[sources.ml]\ntype = "mlflow"\nurl = "http://127.0.0.1:1"\n'
MODEL = '[models.fraud]\npipelines = ["ci:train"]\nenvironment = "live"\n'
LIVE = Address("ci", "train", environment="live")
TRAIN = address("train", 1)
FORBIDDEN = SourceError(Trouble.NOT_FOUND, "ml has no experiment fraud, or may not show it")


class Trained(Registry):
    """A registry that tells of training, too; what is asked for is kept."""

    def __init__(self, time: Time) -> None:
        super().__init__(time)
        self.finished: TrainingRun | SourceError | None = None
        self.lately: tuple[TrainingRun, ...] = ()
        self.looks = 0

    async def trained_last(self, experiments: Sequence[str]) -> TrainingRun | None:
        self.looks += 1
        if isinstance(self.finished, SourceError):
            raise self.finished
        return self.finished

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        return ()

    async def training_lately(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        return self.lately


class Watched(Kept):
    """An engine that misses what does not happen."""

    ci: DeployingSource

    def __init__(self, of: str, extra: str = "") -> None:
        self.time = Time()
        self.ci, self.ml = DeployingSource("ci", self.time), Trained(self.time)
        text = CI + ML + MODEL + extra
        text += f'[alarms.stale]\nabsent = {{ model = "fraud", of = "{of}", longer_than = "26h" }}\n'
        sources: dict[str, FakeSource] = {"ci": self.ci, "ml": self.ml}
        self.runtime = self.time.runtime(config.parse(text, Path("config.toml")), sources)
        self.told = []
        self.runtime.alarms.notices.on_screen = lambda channels, words, fires: self.told.append(words)

    def ran(self, *runs: tuple[float, Status, str]) -> None:
        """Runs that took a second, each so many hours ago; newest first."""
        self.ci.listing = listing_of(
            *(
                run_of(
                    address("train", len(runs) - number),
                    status,
                    started_at=self.time.now - hours * HOUR,
                    duration=1.0,
                    cause=cause,
                )
                for number, (hours, status, cause) in enumerate(runs)
            )
        )

    def trained(self, hours: float, status: Status = Status.PASSED) -> TrainingRun:
        at = self.time.now - hours * HOUR
        return TrainingRun("r", "nightly", status, status.value, started_at=at, ended_at=at)

    @property
    def notes(self) -> tuple[str, ...]:
        found = self.runtime.store.get(AlarmsNow()).value
        return found.notes if found is not None else ()

    async def hours(self, number: float) -> list[str]:
        await self.time.advance(number * HOUR)
        await self.time.advance(1)
        return [alarm.words for alarm in self.alarms if alarm.state.active]


@asynccontextmanager
async def watched(of: str, extra: str = "") -> AsyncIterator[Watched]:
    import asyncio

    work = Watched(of, extra)
    task = asyncio.create_task(work.runtime.run())
    try:
        yield work
    finally:
        await work.runtime.close()
        await task


TRAINING = 'training = { source = "ml", experiments = ["fraud"] }\n'


async def test_a_training_that_does_not_come_is_missed_by_the_clock_alone() -> None:
    async with watched("training", TRAINING) as work:
        work.ml.finished = work.trained(20)
        assert await work.hours(5.9) == []
        assert await work.hours(0.2) == [
            "fraud has not been trained for 1d 02h (last: training run nightly); expected every 26h"
        ]
        (alarm,) = work.alarms
        assert (alarm.model, alarm.subject, alarm.state) == ("fraud", "fraud", AlarmState.FIRING)
        work.ml.lately = (work.trained(0, Status.FAILED),)
        (words,) = await work.hours(1)
        assert "tried 1 time since" in words, "what failed does not count, but is told"
        work.ml.finished = work.trained(0)
        assert await work.hours(0.2) == []
        assert work.states == [AlarmState.RESOLVED]


async def test_what_was_missed_already_is_told_at_the_first_look() -> None:
    work = Watched("training", TRAINING)
    work.ml.finished = work.trained(31)
    found = await work.runtime.alarms.look_once()
    assert [alarm.words for alarm in found.firing] == [
        "fraud has not been trained for 1d 07h (last: training run nightly); expected every 26h"
    ]
    assert work.runtime.alarms.unread() == ()
    assert work.ml.looks == 1
    await work.runtime.close()


@pytest.mark.parametrize("trouble", [FORBIDDEN, GONE], ids=["not permitted", "down"])
async def test_what_cannot_be_read_is_not_missed_and_is_told_after_a_while(trouble: SourceError) -> None:
    async with watched("training", TRAINING) as work:
        work.ml.finished = trouble
        assert await work.hours(25) == []
        assert work.runtime.alarms.unread() == (f"stale of fraud is not known: {trouble.message}",)
        assert not work.notes
        assert await work.hours(2) == []
        assert [note.partition(" for ")[0] for note in work.notes] == ["stale of fraud is not known"]
        assert trouble.message in str(work.notes)
        work.ml.finished = work.trained(1)
        assert await work.hours(0.2) == []
        assert work.notes == ()


async def test_what_fires_does_not_end_because_it_cannot_be_read() -> None:
    async with watched("training", TRAINING) as work:
        work.ml.finished = work.trained(30)
        told = await work.hours(0.1)
        work.ml.finished = GONE
        assert len(told) == 1
        assert await work.hours(5) == told


async def test_what_never_was_is_missed_once_it_was_watched_for_so_long() -> None:
    async with watched("training", TRAINING) as work:
        assert await work.hours(25.9) == []
        assert await work.hours(0.2) == [
            "fraud has never been trained, as far as is seen; expected every 26h"
        ]


async def test_by_the_pipeline_that_trains_it() -> None:
    async with watched("training", 'retrain = { pipeline = "ci:train" }\n') as work:
        work.ran((1, Status.FAILED, ""), (27.5, Status.PASSED, ""))
        (words,) = await work.hours(0.1)
        assert words.startswith(
            "fraud has not been trained for 1d 03h (last: ci:train#1, passed, tried 1 time"
        )
    async with watched("training", 'retrain = { pipeline = "ci:train" }\n') as work:
        work.ran((1, Status.FAILED, ""), (3, Status.FAILED, ""))
        assert await work.hours(0.1) == [], "the list goes back three hours only"
        assert "only what happened in the last 3h" in work.runtime.alarms.unread()[0]
        work.ci.listing = listing_of(run_of(address("other", 1), Status.PASSED))
        await work.hours(0.2)
        assert "ci:train is not in the list of ci" in work.runtime.alarms.unread()[0]


async def test_by_the_versions_that_are_registered() -> None:
    registry = 'registry = { source = "ml", model = "fraud", metrics = {} }\n'
    async with watched("training", registry) as work:
        await work.hours(0.1)
        assert work.runtime.alarms.unread() == (
            "stale of fraud is not known: the registry does not tell when versions of fraud were made",
        )
        work.ml.problem = SourceError(Trouble.FORBIDDEN, "ml: not permitted")
        await work.hours(0.2)
        assert work.runtime.alarms.unread() == ("stale of fraud is not known: ml: not permitted",)


async def test_a_schedule_that_starts_nothing() -> None:
    async with watched("schedule") as work:
        work.ran((1, Status.PASSED, "push"), (25, Status.FAILED, "timer"), (40, Status.PASSED, "timer"))
        assert await work.hours(0.1) == [], "it was started; how it ended is another matter"
        (words,) = await work.hours(1)
        assert words == (
            "fraud has not been started by its schedule for 1d 02h (last: ci:train#2, failed); expected every 26h"
        )


def stood(hours: float, time: Time, status: Status = Status.PASSED, *, canary: bool = False) -> Deployment:
    at = time.now - hours * HOUR
    return Deployment(str(hours), status, f"v{hours:g}", started_at=at, finished_at=at, canary=canary)


async def test_a_deployment_and_a_canary_that_is_none() -> None:
    async with watched("deployment") as work:
        work.ran((1, Status.PASSED, ""))
        deployments = (stood(1, work.time, canary=True), stood(27, work.time))
        work.ci.places[LIVE.pipeline] = Environments((Environment(LIVE, deployments),))
        assert await work.hours(0.1) == [
            "fraud has not been deployed for 1d 03h (last: v27 to live); expected every 26h"
        ]
        work.ci.places[LIVE.pipeline] = Environments()
        await work.hours(0.2)
        assert work.runtime.alarms.unread() == (
            "stale of fraud is not known: no environment of it was found",
        ), "an empty list may be one that must not be seen"
        assert work.states == [AlarmState.FIRING]


EVIDENCE = 'evidence = ["e.json"]\n'
MISSING = Evaluation("e.json", problem="ci:train has no such artifact", missing=True)
DONE = Evaluation("e.json", "tool", (EvaluationCase("a", "a", CaseResult.FAILED),))


async def test_an_evaluation_that_runs_no_longer_leave() -> None:
    async with watched("evaluation", EVIDENCE) as work:
        work.ran(*((hours, Status.PASSED, "") for hours in (1, 9, 25.5, 28)))
        for number, found in enumerate((DONE, DONE, MISSING, MISSING)):
            work.ci.reported[address("train", number + 1)] = found
        assert await work.hours(0.1) == []
        (words,) = await work.hours(2)
        assert words.startswith(
            "fraud has not been evaluated for 1d 03h (last: e.json of ci:train#2, tried 2 times"
        )
        asked = [what for _, what in work.ci.asked if what.startswith("e.json")]
        assert len(asked) == 3, "what a run left, or did not, is asked for once"


async def test_an_evaluation_that_cannot_be_read_is_not_missing() -> None:
    async with watched("evaluation", EVIDENCE) as work:
        work.ran((27, Status.PASSED, ""))
        work.ci.reported[TRAIN] = Evaluation("e.json", problem="it is not JSON")
        assert await work.hours(0.1) == []
        assert "e.json of ci:train#1: it is not JSON" in work.runtime.alarms.unread()[0]
