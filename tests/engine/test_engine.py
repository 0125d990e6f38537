"""The engine with sources in memory and a driven clock: what is asked when, and what becomes of the answers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random

import pytest

from tests.engine.world import (
    START,
    FakeSource,
    NoJitter,
    Time,
    address,
    listing_of,
    run_of,
    settle,
)
from tui.config import (
    ConfigError,
    JenkinsSettings,
    MetricSettings,
    ModelSettings,
    PrometheusSettings,
    Settings,
)
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.engine.engine import REMEMBERED, Engine
from tui.engine.questions import AnyQuestion, ChartOf, PipelinesOf, RunAt
from tui.sources import registry
from tui.sources.base import SourceError

LIST = PipelinesOf("ci")
AT = address("train", 7)
RUN = RunAt(AT)
PASSED = run_of(AT, Status.PASSED, duration=60.0)
RUNNING = run_of(AT, Status.RUNNING)
IDLE = listing_of(PASSED)
BUSY = listing_of(RUNNING)
DOWN = SourceError(Trouble.UNREACHABLE, "ci does not answer")


class World:
    """An engine under way with two sources, ``ci`` and ``lab``."""

    def __init__(self, rng: Random) -> None:
        self.time = Time()
        self.ci = FakeSource("ci", self.time)
        self.lab = FakeSource("lab", self.time)
        self.ci.listing = IDLE
        self.ci.runs = {AT: PASSED}
        settings = Settings(
            sources={"prom": PrometheusSettings(url="http://127.0.0.1:9")},
            models={"fraud": ModelSettings(metrics=("p95",))},
            metrics={"p95": MetricSettings(source="ci", query="p95", window="1m")},
        )
        self.engine = Engine(
            settings, {"ci": self.ci, "lab": self.lab}, clock=self.time.clock, rng=rng, later=self.time.later
        )
        self.store = self.engine.store

    async def start(self) -> None:
        self.running = asyncio.create_task(self.engine.run())
        await settle()

    def watch(self, *questions: AnyQuestion) -> None:
        self.engine.watch().want(*questions)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(NoJitter())
    await world.start()
    yield world
    await world.engine.close()
    await world.running


async def test_nothing_is_asked_before_the_engine_runs() -> None:
    world = World(NoJitter())
    world.watch(LIST, RUN)
    await world.time.advance(100)
    assert world.ci.asked == []
    await world.start()
    assert [asked for _, asked in world.ci.asked] == ["pipelines", str(AT)]
    await world.engine.close()
    await world.running


async def test_panes_that_want_the_same_cost_one_request(world: World) -> None:
    world.watch(LIST)
    world.watch(LIST, RUN)
    world.watch(RUN)
    await world.time.advance(95)
    assert world.ci.times() == [0, 30, 60, 90]
    assert world.ci.times(str(AT)) == [0]
    assert world.store.get(LIST).value == IDLE
    assert world.store.get(RUN).value == PASSED


async def test_what_lives_is_asked_often_and_what_is_finished_never_again(world: World) -> None:
    world.ci.listing, world.ci.runs = BUSY, {AT: RUNNING}
    world.watch(LIST, RUN)
    await world.time.advance(14)
    assert world.ci.times() == [0, 10]
    assert world.ci.times(str(AT)) == [0, 3, 6, 9, 12]
    world.ci.listing, world.ci.runs = IDLE, {AT: PASSED}
    await world.time.advance(10_000)
    assert world.ci.times(str(AT)) == [0, 3, 6, 9, 12, 15]
    assert all(b - a == 30 for a, b in pairwise(world.ci.times()[2:]))


async def test_without_focus_a_quarter_is_asked() -> None:
    counts = []
    for focused in (True, False):
        world = World(Random(5))
        world.ci.listing, world.ci.runs = BUSY, {AT: RUNNING}
        world.engine.set_focus(focused)
        world.watch(LIST, RUN)
        await world.start()
        await world.time.advance(7200)
        counts.append(len(world.ci.asked))
        await world.engine.close()
    with_focus, without = counts
    assert without / with_focus == pytest.approx(0.25, rel=0.02)


async def test_focus_that_returns_asks_at_once_what_is_overdue(world: World) -> None:
    world.watch(LIST)
    await world.time.advance()
    world.engine.set_focus(False)
    await world.time.advance(100)
    assert world.ci.times() == [0]
    world.engine.set_focus(True)
    await world.time.advance()
    assert world.ci.times() == [0, 100]


async def test_jitter_keeps_the_cadence_as_the_least() -> None:
    world = World(Random(3))
    world.ci.listing = BUSY
    world.watch(LIST)
    await world.start()
    await world.time.advance(1000)
    gaps = [b - a for a, b in pairwise(world.ci.times())]
    assert 10 <= min(gaps) <= max(gaps) <= 12
    assert len({round(gap, 3) for gap in gaps}) > 10
    await world.engine.close()


async def test_a_dead_server_keeps_its_last_picture_and_does_not_stop_the_others(world: World) -> None:
    world.watch(LIST, PipelinesOf("lab"))
    await world.time.advance(1)
    world.ci.listing = DOWN
    await world.time.advance(199)
    assert world.ci.times() == [0, 30, 32, 36, 44, 60, 92, 152]
    assert world.lab.times() == [0, 30, 60, 90, 120, 150, 180]
    reading = world.store.get(LIST)
    assert reading.value == IDLE
    assert reading.age(world.time.now) == 200
    assert reading.fault == DOWN.fault
    assert reading.fault_since == START + 30
    world.ci.listing = IDLE
    await world.time.advance(60)
    reading = world.store.get(LIST)
    assert reading.fault is None
    assert reading.age(START + 212) == 0


async def test_not_one_request_comes_before_retry_after_has_passed(world: World) -> None:
    world.ci.listing = SourceError(Trouble.RATE_LIMITED, "too many", status=429, retry_at=START + 300.5)
    world.watch(LIST, PipelinesOf("lab"))
    await world.time.advance(10)
    world.watch(RUN)
    for _ in range(28):
        world.engine.refresh(LIST, RUN)
        with pytest.raises(SourceError, match="asked for a pause") as caught:
            await world.engine.ask(RUN)
        assert caught.value.retry_at == START + 300.5
        await world.time.advance(10)
    await world.time.advance(10.4)
    assert world.ci.asked == [(START, "pipelines")]
    assert len(world.lab.asked) == 11
    world.ci.listing = IDLE
    await world.time.advance(0.1)
    assert world.ci.times() == [0, 300.5]
    assert world.ci.times(str(AT)) == [300.5]


async def test_what_a_listing_tells_sooner_is_read_at_once(world: World) -> None:
    waiting = run_of(AT, Status.WAITING)
    world.ci.listing, world.ci.runs = listing_of(waiting), {AT: waiting}
    world.watch(LIST, RUN)
    await world.time.advance(25)
    world.engine.refresh(LIST)
    world.ci.listing, world.ci.runs = IDLE, {AT: PASSED}
    await world.time.advance(1000)
    assert world.ci.times(str(AT)) == [0, 10, 20, 25]


async def test_a_retry_told_by_the_listing_is_followed(world: World) -> None:
    world.watch(LIST, RUN)
    await world.time.advance(29)
    world.ci.listing, world.ci.runs = BUSY, {AT: RUNNING}
    await world.time.advance(5)
    assert world.ci.times(str(AT)) == [0, 30, 33]
    assert world.store.get(RUN).value == RUNNING


async def test_a_retry_between_two_listings_is_followed_too(world: World) -> None:
    world.watch(LIST, RUN)
    await world.time.advance(29)
    again = run_of(AT, Status.PASSED, duration=75.0)
    world.ci.listing, world.ci.runs = listing_of(again), {AT: again}
    await world.time.advance(5)
    assert world.ci.times(str(AT)) == [0, 30]


async def test_a_retry_is_followed_when_somebody_looks(world: World) -> None:
    world.watch(LIST)
    with world.engine.watch() as pane:
        pane.want(RUN)
        await world.time.advance(29)
    world.ci.listing, world.ci.runs = BUSY, {AT: RUNNING}
    await world.time.advance(60)
    assert world.ci.times(str(AT)) == [0]
    world.watch(RUN)
    await world.time.advance()
    assert world.ci.times(str(AT)) == [0, 89]


async def test_a_run_that_a_listing_always_tells_differently_is_not_asked_for_ever(world: World) -> None:
    world.ci.listing = listing_of(run_of(AT, Status.WARNING))
    world.watch(LIST, RUN)
    other = address("deploy", 1)
    for number in range(20):
        await world.time.advance(30)
        world.ci.listing = listing_of(
            run_of(AT, Status.WARNING, expected_duration=float(number)),
            run_of(other, Status.PASSED, duration=float(number)),
        )
    assert len(world.ci.times()) == 21
    assert len(world.ci.times(str(AT))) <= 2


async def test_refresh_asks_now_but_not_twice_at_once_nor_twice_a_second(world: World) -> None:
    world.watch(LIST)
    await world.time.advance(5)
    world.engine.refresh(LIST)
    await world.time.advance()
    assert world.ci.times() == [0, 5]
    world.ci.open.clear()
    await world.time.advance(2)
    for _ in range(10):
        world.engine.refresh(LIST)
        await world.time.advance(0.1)
    assert world.ci.times() == [0, 5, 7]  # it hangs
    world.ci.open.set()
    await world.time.advance(5)
    assert world.ci.times() == pytest.approx([0, 5, 7, 9])  # once more, a second after the reply at 8


async def test_what_nobody_wants_any_more_is_canceled_and_its_slot_given_to_the_next(world: World) -> None:
    world.ci.open.clear()
    pane = world.engine.watch()
    pane.want(RUN)
    await world.time.advance(1)
    pane.want(LIST)
    await world.time.advance()
    assert world.ci.canceled == 1
    world.ci.open.set()
    await world.time.advance(1)
    assert world.store.get(RUN).value is None
    assert world.store.get(LIST).value == IDLE


async def test_a_reply_that_comes_too_late_is_dropped(world: World) -> None:
    world.ci.open.clear()
    world.ci.stubborn = True
    world.ci.runs = {AT: RUNNING}
    pane = world.engine.watch()
    pane.want(RUN)
    await world.time.advance(1)
    pane.want()
    await world.time.advance(1)
    assert world.ci.canceled == 1
    world.ci.open.set()
    await world.time.advance(1)
    assert world.store.get(RUN).value is None
    pane.want(RUN)
    await world.time.advance()
    assert world.store.get(RUN).read_at == START + 3
    assert world.ci.times(str(AT)) == [0, 3]


async def test_a_cursor_that_runs_down_a_list_costs_two_requests(world: World) -> None:
    pane = world.engine.watch()
    runs = {at: run_of(at, Status.PASSED) for at in (address("train", n) for n in range(40))}
    world.ci.runs = dict(runs)
    for at in runs:
        pane.want(RunAt(at))
        await world.time.advance(0.03)
    await world.time.advance(1)
    assert [asked for _, asked in world.ci.asked] == [str(address("train", 0)), str(address("train", 39))]


async def test_wanting_the_same_again_changes_nothing(world: World) -> None:
    pane = world.engine.watch()
    for _ in range(100):
        pane.want(LIST)
        await world.time.advance(0.1)
    assert world.ci.times() == [0]


async def test_answers_nobody_watches_are_kept_for_coming_back_but_not_without_end(world: World) -> None:
    pane = world.engine.watch()
    questions = [RunAt(address("train", number)) for number in range(3 * REMEMBERED)]
    world.ci.runs = {question.address: run_of(question.address, Status.PASSED) for question in questions}
    for question in questions:
        pane.want(question)
        await world.time.advance(1)
    kept = [question for question in questions if world.store.get(question).value is not None]
    assert kept == questions[-REMEMBERED - 1 :]
    before = len(world.ci.asked)
    pane.want(questions[-2])
    await world.time.advance(1000)
    assert len(world.ci.asked) == before


async def test_subscribers_hear_once_a_frame_and_only_of_changes(world: World) -> None:
    heard: list[tuple[float, frozenset[AnyQuestion]]] = []
    world.store.subscribe(lambda news: heard.append((world.time.now, news)))
    world.watch(LIST, RUN, PipelinesOf("lab"))
    await world.time.advance(1)
    ((_, news),) = heard
    assert news == {LIST, RUN, PipelinesOf("lab")}
    await world.time.advance(300)
    assert len(world.ci.times()) > 5
    assert len(heard) == 1


async def test_a_source_that_breaks_becomes_a_fault_that_tells_no_secret(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.ci.listing = ZeroDivisionError("Authorization: Bearer glpat-geheim")
    world.watch(LIST)
    with caplog.at_level(logging.ERROR):
        await world.time.advance(1)
    fault = world.store.get(LIST).fault
    assert fault is not None
    assert fault.trouble is Trouble.WRONG_ANSWER
    assert "ci" in fault.message
    assert "ZeroDivisionError" in fault.message
    (record,) = caplog.records
    assert "ZeroDivisionError" in record.getMessage()
    assert "world.py" in record.getMessage()
    assert "geheim" not in fault.message + caplog.text
    world.ci.listing = IDLE
    await world.time.advance(2)
    assert world.store.get(LIST).value == IDLE


async def test_an_answer_of_the_wrong_kind_is_a_fault(world: World) -> None:
    world.ci.runs = {AT: "surprise"}  # type: ignore[dict-item]
    world.watch(RUN)
    await world.time.advance(1)
    fault = world.store.get(RUN).fault
    assert fault is not None
    assert fault.trouble is Trouble.WRONG_ANSWER


async def test_a_missing_credential_found_when_asking_is_a_fault(world: World) -> None:
    world.ci.listing = ConfigError("cannot read the credential file ~/.token: No such file or directory")
    world.watch(LIST)
    await world.time.advance(1)
    fault = world.store.get(LIST).fault
    assert fault is not None
    assert fault.trouble is Trouble.MISCONFIGURED
    assert "~/.token" in fault.message


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (PipelinesOf("nowhere"), "no source 'nowhere'"),
        (RunAt(Address("nowhere", "a", 1)), "ci, lab, prom"),
        (ChartOf("fraud", "nothing", 3600, 60), "[metrics.nothing]"),
        (ChartOf("nobody", "p95", 3600, 60), "[models.nobody]"),
    ],
)
async def test_a_question_that_the_config_cannot_answer_is_told_so(
    world: World, question: AnyQuestion, says: str
) -> None:
    with pytest.raises(SourceError) as caught:
        await world.engine.ask(question)
    assert caught.value.trouble is Trouble.MISCONFIGURED
    assert says in caught.value.message


async def test_a_metric_source_asked_for_pipelines_says_that_it_has_none() -> None:
    class Metrics:
        name = "metrics"

        async def close(self) -> None:
            pass

    engine = Engine(Settings(sources={}), {"metrics": Metrics()})  # type: ignore[dict-item]
    with pytest.raises(SourceError, match="metrics runs no pipelines"):
        await engine.ask(PipelinesOf("metrics"))
    await engine.close()


async def test_charts_are_asked_of_the_source_of_their_metric(world: World) -> None:
    world.watch(question := ChartOf("fraud", "p95", 3600, 60))
    await world.time.advance(61)
    assert world.ci.times("p95") == [0, 30, 60]
    assert world.store.get(question).fault is None
    assert world.store.get(question).value is not None


async def test_ask_answers_and_fills_the_store_without_a_scheduler() -> None:
    world = World(NoJitter())
    assert await world.engine.ask(RUN) == PASSED
    assert world.store.get(RUN).value == PASSED
    world.ci.listing = DOWN
    with pytest.raises(SourceError, match="does not answer") as caught:
        await world.engine.ask(LIST)
    assert caught.value is DOWN
    assert world.store.get(LIST).fault == DOWN.fault
    await world.engine.close()


async def test_ask_joins_the_request_under_way_and_asks_anew_otherwise(world: World) -> None:
    world.ci.open.clear()
    world.watch(LIST)
    await world.time.advance(1)
    asks = [asyncio.create_task(world.engine.ask(LIST)) for _ in range(3)]
    await settle()
    world.ci.open.set()
    assert await asyncio.gather(*asks) == [IDLE] * 3
    assert world.ci.times() == [0]
    await world.engine.ask(LIST)
    assert world.ci.times() == [0, 1]


async def test_an_asker_that_gives_up_does_not_take_the_answer_from_the_others(world: World) -> None:
    world.ci.open.clear()
    world.watch(LIST)
    await settle()
    ask = asyncio.create_task(world.engine.ask(LIST))
    await settle()
    ask.cancel()
    await settle()
    assert world.ci.canceled == 0
    world.ci.open.set()
    await world.time.advance(1)
    assert world.store.get(LIST).value == IDLE


async def test_an_ask_given_up_by_all_is_canceled(world: World) -> None:
    world.ci.open.clear()
    ask = asyncio.create_task(world.engine.ask(LIST))
    await settle()
    ask.cancel()
    await settle()
    assert world.ci.canceled == 1


async def test_closing_cancels_all_that_hangs_within_a_step() -> None:
    world = World(NoJitter())
    world.ci.open.clear()
    world.lab.open.clear()
    world.watch(LIST, RUN, PipelinesOf("lab"))
    await world.start()
    closing = asyncio.create_task(world.engine.close())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.ci.canceled == 2
    assert world.lab.canceled == 1
    await closing
    await world.running
    assert world.ci.closed
    assert world.lab.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_waits_for_nobody_who_does_not_heed_it() -> None:
    world = World(NoJitter())
    world.ci.open.clear()
    world.ci.stubborn = True
    world.watch(LIST)
    await world.start()
    before = time.monotonic()
    await world.engine.close()
    assert time.monotonic() - before < 0.4
    await world.running
    world.ci.open.set()
    await settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_source_that_cannot_close_is_no_reason_not_to_quit(caplog: pytest.LogCaptureFixture) -> None:
    secret = "-".join(("glpat", "geheim"))

    class Broken(FakeSource):
        async def close(self) -> None:
            raise RuntimeError(secret)

    time_ = Time()
    broken, well = Broken("broken", time_), FakeSource("well", time_)
    await Engine(Settings(sources={}), {"broken": broken, "well": well}).close()
    assert well.closed
    assert "RuntimeError" in caplog.text
    assert "geheim" not in caplog.text


class Made(FakeSource):
    """What the registry makes in the tests below."""

    made: list[str] = []  # noqa: RUF012 - a count over all of them

    def __init__(self, name: str, settings: JenkinsSettings, *, clock: object) -> None:
        if "broken" in settings.url:
            raise ConfigError("[sources.bad] user: needs a token too")
        if "surprise" in settings.url:
            raise ValueError("glpat-geheim")
        super().__init__(name, Time())
        self.made.append(name)
        self.listing = IDLE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(registry.CLASSES, JenkinsSettings, f"{__name__}:Made")
    monkeypatch.setattr(Made, "made", [])
    return Made.made


def _settings(**urls: str) -> Settings:
    return Settings(sources={name: JenkinsSettings(url=f"http://{url}/x/") for name, url in urls.items()})


async def test_a_source_is_made_once_and_when_it_is_needed(made: list[str]) -> None:
    engine = Engine(_settings(ci="well", lab="well"))
    assert engine.servers.facts("ci").url == "http://well/x"
    assert engine.servers.facts("ci").type == "jenkins"
    assert engine.servers.facts("ci").requests == 0
    with pytest.raises(KeyError):
        engine.servers.facts("nowhere")
    await asyncio.gather(*(engine.ask(question) for question in (LIST, LIST)), engine.servers.check("ci"))
    assert made == ["ci"]
    assert engine.servers.facts("ci").requests == 1
    await engine.close()


async def test_a_source_that_cannot_be_made_is_a_fault_and_the_others_go_on(made: list[str]) -> None:
    engine = Engine(_settings(bad="broken", odd="surprise", ci="well"))
    engine.watch().want(PipelinesOf("bad"), PipelinesOf("odd"), LIST)
    told = asyncio.Event()

    def hear(_: object) -> None:
        readings = [engine.store.get(PipelinesOf(name)) for name in ("bad", "odd", "ci")]
        if all(reading.value or reading.fault for reading in readings):
            told.set()

    engine.store.subscribe(hear)
    running = asyncio.create_task(engine.run())
    await asyncio.wait_for(told.wait(), 10)
    bad, odd = engine.store.get(PipelinesOf("bad")).fault, engine.store.get(PipelinesOf("odd")).fault
    assert bad is not None
    assert odd is not None
    assert (bad.trouble, bad.message) == (Trouble.MISCONFIGURED, "[sources.bad] user: needs a token too")
    assert odd.trouble is Trouble.WRONG_ANSWER
    assert "geheim" not in odd.message
    assert engine.store.get(LIST).value == IDLE
    (finding,) = await engine.servers.check("bad")
    assert (finding.level, finding.message) == ("error", bad.message)
    await engine.close()
    await running


async def test_an_idle_engine_sleeps(world: World) -> None:
    world.watch(LIST)
    await world.time.advance(3600)
    assert len(world.ci.times()) == 121
    assert world.time.planned < 400


@pytest.mark.parametrize(("skew", "ahead"), [(None, 0), (0.9, 0), (-4.0, 0), (90.0, 90), (-3600.0, -3600)])
async def test_times_of_a_server_are_told_by_its_own_clock(
    world: World, skew: float | None, ahead: float
) -> None:
    world.ci.skew = skew
    assert world.engine.servers.now("ci") == world.engine.clock() + ahead
    assert world.engine.servers.now("prom") == world.engine.clock()
