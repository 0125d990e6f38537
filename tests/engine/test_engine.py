"""What the engine asks when."""

from itertools import pairwise
from random import Random

import pytest

from tests.engine.two_sources import AT, BUSY, DOWN, IDLE, LIST, PASSED, RUN, RUNNING, World
from tests.engine.world import START, NoJitter, address, listing_of, run_of
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.engine.polling.poller import KEPT
from tui.engine.queries import PipelinesOf, RunAt
from tui.engine.store import AnyKey
from tui.sources.base import SourceError


async def test_nothing_is_asked_before_the_engine_runs() -> None:
    world = World(NoJitter())
    world.watch(LIST, RUN)
    await world.time.advance(100)
    assert world.ci.asked == []
    await world.start()
    assert [asked for _, asked in world.ci.asked] == ["pipelines", str(AT)]
    await world.runtime.close()
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
        world.runtime.poller.set_focus(focused)
        world.watch(LIST, RUN)
        await world.start()
        await world.time.advance(7200)
        counts.append(len(world.ci.asked))
        await world.runtime.close()
    with_focus, without = counts
    assert without / with_focus == pytest.approx(0.25, rel=0.02)


async def test_focus_that_returns_asks_at_once_what_is_overdue(world: World) -> None:
    world.watch(LIST)
    await world.time.advance()
    world.runtime.poller.set_focus(False)
    await world.time.advance(100)
    assert world.ci.times() == [0]
    world.runtime.poller.set_focus(True)
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
    await world.runtime.close()


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
        world.runtime.poller.refresh(LIST, RUN)
        with pytest.raises(SourceError, match="asked for a pause") as caught:
            await world.runtime.poller.ask(RUN)
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
    world.runtime.poller.refresh(LIST)
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
    with world.runtime.poller.watch() as pane:
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
    world.runtime.poller.refresh(LIST)
    await world.time.advance()
    assert world.ci.times() == [0, 5]
    world.ci.open.clear()
    await world.time.advance(2)
    for _ in range(10):
        world.runtime.poller.refresh(LIST)
        await world.time.advance(0.1)
    assert world.ci.times() == [0, 5, 7]  # it hangs
    world.ci.open.set()
    await world.time.advance(5)
    assert world.ci.times() == pytest.approx([0, 5, 7, 9])  # once more, a second after the reply at 8


async def test_what_nobody_wants_any_more_is_canceled_and_its_slot_given_to_the_next(world: World) -> None:
    world.ci.open.clear()
    pane = world.runtime.poller.watch()
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
    pane = world.runtime.poller.watch()
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
    pane = world.runtime.poller.watch()
    runs = {at: run_of(at, Status.PASSED) for at in (address("train", n) for n in range(40))}
    world.ci.runs = dict(runs)
    for at in runs:
        pane.want(RunAt(at))
        await world.time.advance(0.03)
    await world.time.advance(1)
    assert [asked for _, asked in world.ci.asked] == [str(address("train", 0)), str(address("train", 39))]


async def test_wanting_the_same_again_changes_nothing(world: World) -> None:
    pane = world.runtime.poller.watch()
    for _ in range(100):
        pane.want(LIST)
        await world.time.advance(0.1)
    assert world.ci.times() == [0]


async def test_answers_nobody_watches_are_kept_for_coming_back_but_not_without_end(world: World) -> None:
    pane = world.runtime.poller.watch()
    queries = [RunAt(address("train", number)) for number in range(3 * KEPT)]
    world.ci.runs = {query.address: run_of(query.address, Status.PASSED) for query in queries}
    for query in queries:
        pane.want(query)
        await world.time.advance(1)
    kept = [query for query in queries if world.store.get(query).value is not None]
    assert kept == queries[-KEPT - 1 :]
    before = len(world.ci.asked)
    pane.want(queries[-2])
    await world.time.advance(1000)
    assert len(world.ci.asked) == before


async def test_subscribers_hear_once_a_frame_and_only_of_changes(world: World) -> None:
    heard: list[tuple[float, frozenset[AnyKey]]] = []
    world.store.subscribe(lambda news: heard.append((world.time.now, news)))
    world.watch(LIST, RUN, PipelinesOf("lab"))
    await world.time.advance(1)
    ((_, news),) = heard
    assert news == {LIST, RUN, PipelinesOf("lab")}
    await world.time.advance(300)
    assert len(world.ci.times()) > 5
    assert len(heard) == 1


async def test_an_idle_engine_sleeps(world: World) -> None:
    world.watch(LIST)
    await world.time.advance(3600)
    assert len(world.ci.times()) == 121
    assert world.time.planned < 400
