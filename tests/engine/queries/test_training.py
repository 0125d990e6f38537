"""How often it is asked what trains, and what the answers become."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engine.world import START, FakeSource, Time
from tui import config
from tui.config import ConfigError
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.training import TrainingRun
from tui.engine.queries import TrainingOf
from tui.engine.queries.training import TRAINS, server_of
from tui.insight.training_links import Server
from tui.sources.base import SourceError

CONFIG = """
[sources.ci]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[sources.ml]
type = "mlflow"
url = "http://127.0.0.1:1"
[models.fraud]
pipelines = ["ci:ml/fraud"]
[models.fraud.training]
source = "ml"
experiments = ["fraud", "fraud-sweeps"]
"""


def training(name: str, status: Status = Status.RUNNING, began: float = START) -> TrainingRun:
    return TrainingRun(name, name, status, status.upper(), started_at=began)


class Tracker(FakeSource):
    """What it knows of training is what a test says."""

    def __init__(self, time: Time) -> None:
        super().__init__("ml", time)
        self.now: tuple[TrainingRun, ...] = ()
        self.lately: tuple[TrainingRun, ...] = ()
        self.problem: SourceError | None = None

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve(f"now {' '.join(experiments)}")
        if self.problem is not None:
            raise self.problem
        return self.now

    async def training_lately(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve("lately")
        return self.lately

    @property
    def requests(self) -> list[str]:
        return [what for _, what in self.asked]


class Work:
    """An engine that watches what is trained."""

    def __init__(self) -> None:
        self.time = Time()
        self.ml = Tracker(self.time)
        sources = {"ml": self.ml, "ci": FakeSource("ci", self.time)}
        self.runtime = self.time.runtime(config.parse(CONFIG, Path("c.toml")), sources)
        self.watch = self.runtime.poller.watch()

    @property
    def names(self) -> list[tuple[str, Status]]:
        reading = self.runtime.store.get(TrainingOf("fraud"))
        return [(each.name, each.status) for each in reading.value.runs] if reading.value is not None else []


@asynccontextmanager
async def working() -> AsyncIterator[Work]:
    work = Work()
    task = asyncio.create_task(work.runtime.poller.run())
    work.watch.want(TrainingOf("fraud"))
    try:
        yield work
    finally:
        await work.runtime.close()
        await task


async def test_a_request_every_ten_seconds_while_something_trains_and_one_a_minute_beside_it() -> None:
    async with working() as work:
        work.ml.now = work.ml.lately = (training("a"),)
        await work.time.advance(59)
        assert work.ml.requests == ["now fraud fraud-sweeps", "lately", *["now fraud fraud-sweeps"] * 5]
        await work.time.advance(1)
        assert work.ml.requests.count("lately") == 2


async def test_where_nothing_trains_two_requests_a_minute() -> None:
    async with working() as work:
        await work.time.advance(60 * 10 - 1)
        assert len(work.ml.requests) == 2 * 10


async def test_the_end_of_a_run_is_read_at_once() -> None:
    async with working() as work:
        work.ml.now = work.ml.lately = (training("a"), training("b", began=START - 5))
        await work.time.advance(10)
        assert work.names == [("a", Status.RUNNING), ("b", Status.RUNNING)]
        work.ml.now = (training("b", began=START - 5),)
        work.ml.lately = (training("a", Status.FAILED), *work.ml.now)
        await work.time.advance(TRAINS)
        assert work.names == [("a", Status.FAILED), ("b", Status.RUNNING)]
        assert work.ml.requests.count("lately") == 2


async def test_what_began_is_there_before_the_other_list_knows_of_it() -> None:
    async with working() as work:
        work.ml.now = work.ml.lately = (training("a"),)
        await work.time.advance(1)
        work.ml.now = (training("new", began=START + 9), training("a"))
        await work.time.advance(TRAINS)
        assert [name for name, _ in work.names] == ["new", "a"]


async def test_a_server_that_fails_leaves_the_last_good_picture() -> None:
    async with working() as work:
        work.ml.now = work.ml.lately = (training("a"),)
        await work.time.advance(1)
        work.ml.problem = SourceError(Trouble.UNREACHABLE, "ml: down")
        await work.time.advance(TRAINS)
        reading = work.runtime.store.get(TrainingOf("fraud"))
        assert (work.names, reading.fault and reading.fault.message) == ([("a", Status.RUNNING)], "ml: down")


async def test_ids_tell_of_one_server_only_where_no_other_numbers_jobs() -> None:
    async with working() as work:
        pool = work.runtime.sources
        assert server_of(Address("ci", "ml/fraud", 1), pool) == Server(
            "http://127.0.0.1:1", "CI_JOB_ID", True
        )
        assert not server_of(Address("nobody", "ml/fraud", 1), pool).job_variable
        more = CONFIG + '[sources.ci2]\ntype = "gitlab"\nurl = "http://127.0.0.1:2"\nwatch = ["a/*"]\n'
        other = work.time.runtime(config.parse(more, Path("c.toml")), {}).sources
        assert not server_of(Address("ci", "ml/fraud", 1), other).alone


def test_the_config_names_a_source_that_logs_training() -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(CONFIG.replace('source = "ml"', 'source = "ci"'), Path("c.toml"))
    assert "[sources.ci] has the wrong type; allowed here: mlflow" in str(caught.value)
