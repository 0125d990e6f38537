"""How often it is asked what trains, and what the answers become."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.engine.world import START, FakeSource, Time
from tui import config
from tui.config import ConfigError
from tui.domain.address import Address
from tui.domain.candidate import RegisteredVersion
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.training import Curve, History, LatestMetric, Point, TrainingRun
from tui.engine.queries import AnyQuery, ChampionCurveOf, CurveOf, TrainingOf
from tui.engine.queries.training import MOST_KEPT, TRAINS, server_of
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


CURVE = CurveOf("fraud", "a", "loss")


def training(name: str, status: Status = Status.RUNNING, began: float = START) -> TrainingRun:
    return TrainingRun(name, name, status, status.upper(), started_at=began)


class Tracker(FakeSource):
    """What it knows of training is what a test says."""

    def __init__(self, time: Time) -> None:
        super().__init__("ml", time)
        self.now: tuple[TrainingRun, ...] = ()
        self.lately: tuple[TrainingRun, ...] = ()
        self.problem: SourceError | None = None
        self.points: dict[str, tuple[Point, ...]] = {}
        self.by_increments = True
        self.took = 0.0
        self.champion: dict[str, str] = {"champion": "1"}

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve(f"now {' '.join(experiments)}")
        if self.problem is not None:
            raise self.problem
        return self.now

    async def training_lately(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        await self._serve("lately")
        return self.lately

    async def metric_history(self, run: str, metric: str, after: int | None = None) -> History:
        await self._serve(f"history {run} {metric}{'' if after is None else f' after {after}'}")
        known = self.points.get(run, ())
        if not self.by_increments:
            assert after is None
        found = tuple(point for point in known if after is None or point.step > after)
        return History(found, took=self.took)

    async def reads_on(self) -> bool:
        return self.by_increments

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        raise AssertionError("what was measured of versions is not needed")

    async def aliases(self, model: str) -> Mapping[str, str]:
        await self._serve("aliases")
        return self.champion

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        await self._serve("versions")
        return (RegisteredVersion(model, "2", run="b"), RegisteredVersion(model, "1", run="old"))

    def train(self, step: int, at: float, value: float | None = 0.5, run: str = "a") -> None:
        """Another value."""
        self.points[run] = (*self.points.get(run, ()), Point(step, at, value))
        highest = max(self.points[run], key=lambda point: (point.step, point.at))
        newest = LatestMetric("loss", highest.value, highest.step, highest.at)
        self.now = self.lately = (
            TrainingRun(run, run, Status.RUNNING, "RUNNING", started_at=START, metrics=(newest,)),
        )

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
    def curve(self) -> Curve:
        return self.runtime.store.get(CURVE).value or Curve("", "")

    @property
    def histories(self) -> list[str]:
        return [
            each.partition("loss")[2].strip() or "whole" for each in self.ml.requests if "history a" in each
        ]

    @property
    def names(self) -> list[tuple[str, Status]]:
        reading = self.runtime.store.get(TrainingOf("fraud"))
        return [(each.name, each.status) for each in reading.value.runs] if reading.value is not None else []


@asynccontextmanager
async def working(*queries: AnyQuery) -> AsyncIterator[Work]:
    work = Work()
    task = asyncio.create_task(work.runtime.poller.run())
    work.watch.want(TrainingOf("fraud"), *queries)
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


class TestACurve:
    async def test_it_is_read_once_and_then_only_what_came_after(self) -> None:
        async with working() as work:
            for step in range(30):
                work.ml.train(step, work.time.now)
                if step == 1:
                    work.watch.want(TrainingOf("fraud"), CURVE)
                await work.time.advance(10)
            assert [point.step for point in work.curve.points] == list(range(30)), "each once, in order"
            assert work.histories == ["whole", *(f"after {step}" for step in range(1, 29))]

    async def test_nothing_is_asked_while_nothing_came(self) -> None:
        async with working(CURVE) as work:
            work.ml.train(0, START)
            await work.time.advance(590)
            assert work.histories == ["whole"]
            await work.time.advance(20)
            assert work.histories == ["whole", "whole"], (
                "anew at times: it may have gone on from an earlier step"
            )

    @pytest.mark.parametrize(("took", "most"), [(0.2, 10), (2.1, 1)])
    async def test_a_server_that_reads_all_each_time_is_asked_rarely(self, took: float, most: int) -> None:
        """2.22 reads the whole history even to answer that there is nothing new (contracts: model §4)."""
        async with working() as work:
            work.ml.by_increments, work.ml.took = False, took
            work.ml.train(0, START)
            work.watch.want(TrainingOf("fraud"), CURVE)
            for step in range(1, 60):
                await work.time.advance(10)
                work.ml.train(step, work.time.now)
            assert 1 <= len(work.histories) <= most
            assert set(work.histories) == {"whole"}
            # What came meanwhile is taken from the search.
            assert work.curve.points[-1].step >= 57
            assert work.curve.sampled is (took > 1) or len(work.curve.points) > 50

    async def test_without_steps_what_came_is_known_by_its_time(self) -> None:
        async with working() as work:
            work.ml.train(0, START)
            work.watch.want(TrainingOf("fraud"), CURVE)
            for n in range(1, 12):
                await work.time.advance(10)
                work.ml.train(0, START + 10 * n, 0.5 / n)
            await work.time.advance(20)
            assert work.curve.points[-1].at == START + 110
            assert len(work.histories) <= 3

    async def test_a_run_that_went_on_from_an_earlier_step_is_read_anew(self) -> None:
        async with working() as work:
            for step in range(5):
                work.ml.train(step, START + step)
            work.watch.want(TrainingOf("fraud"), CURVE)
            await work.time.advance(10)
            work.ml.train(2, work.time.now, 0.1)  # the search still tells of step 4
            await work.time.advance(620)
            assert work.curve.points[-1].step == 2

    async def test_when_the_run_has_ended_all_is_read_once_more_and_never_again(self) -> None:
        async with working() as work:
            work.ml.train(0, START)
            work.watch.want(TrainingOf("fraud"), CURVE)
            await work.time.advance(10)
            (run,) = work.ml.lately
            work.ml.train(1, START + 5)
            ended = msgspec.structs.replace(run, status=Status.PASSED, vendor_status="FINISHED")
            work.ml.now, work.ml.lately = (), (ended,)
            await work.time.advance(30)
            assert (work.curve.final, len(work.curve.points), work.histories) == (True, 2, ["whole", "whole"])
            await work.time.advance(3000)
            assert len(work.histories) == 2

    async def test_very_many_points_are_thinned_and_the_last_stays(self) -> None:
        async with working() as work:
            work.ml.points["a"] = tuple(Point(n, START - 9000 + n, 0.5) for n in range(MOST_KEPT))
            work.ml.train(MOST_KEPT, START)
            work.watch.want(TrainingOf("fraud"), CURVE)
            await work.time.advance(1)
            work.ml.train(MOST_KEPT + 1, START + 5)
            await work.time.advance(30)
            assert len(work.curve.points) < MOST_KEPT
            assert work.curve.points[-1].step == MOST_KEPT + 1
            assert work.curve.sampled


class TestTheChampionsCurve:
    async def test_it_costs_three_requests_and_then_two_in_ten_minutes(self) -> None:
        registry = '[models.fraud.registry]\nsource = "ml"\nmodel = "fraud"\nmetrics.loss.better = "lower"\n'
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "CONFIG", CONFIG + registry)
            async with working(ChampionCurveOf("fraud", "loss")) as work:
                work.ml.points["old"] = (Point(0, START, 0.4),)
                await work.time.advance(599)
                asked = [each for each in work.ml.requests if "fraud-sweeps" not in each and each != "lately"]
                assert asked == ["aliases", "versions", "history old loss"]
                await work.time.advance(600)
                asked = [each for each in work.ml.requests if "fraud-sweeps" not in each and each != "lately"]
                assert asked[3:] == ["aliases", "versions"]
                work.ml.champion = {"champion": "2"}
                await work.time.advance(600)
                assert work.ml.requests[-1] != "history old loss"
                assert "history b loss" in work.ml.requests, "another run made what the alias names now"

    async def test_without_a_registry_there_is_none_and_nothing_is_asked(self) -> None:
        async with working(ChampionCurveOf("fraud", "loss")) as work:
            await work.time.advance(5)
            found = work.runtime.store.get(ChampionCurveOf("fraud", "loss")).value
            assert found == Curve("", "loss")
            assert "aliases" not in work.ml.requests
