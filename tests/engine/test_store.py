"""The store: what is news, who hears of it and when, and that a good picture is never lost."""

from collections.abc import Callable

import pytest

from tests.engine.world import START, address, listing_of, run_of
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.queries import ChartOf, PipelinesOf, RunAt
from tui.engine.store import AnyKey, Reading, Store, next_frame

QUESTION = PipelinesOf("ci")
OTHER = PipelinesOf("lab")
EMPTY = Listing(())
FULL = listing_of(run_of(address("train", 1), Status.PASSED))
DOWN = Fault(Trouble.UNREACHABLE, "ci does not answer")


class Frames:
    """A ``defer`` that runs what it was given when the test says that the frame is over."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, tell: Callable[[], None]) -> None:
        self.waiting.append(tell)

    def end(self) -> None:
        (tell,) = self.waiting
        self.waiting.clear()
        tell()


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def store(frames: Frames) -> Store:
    return Store(frames)


@pytest.fixture
def heard(store: Store) -> list[frozenset[AnyKey]]:
    news: list[frozenset[AnyKey]] = []
    store.subscribe(news.append)
    return news


def test_questions_are_equal_by_what_they_ask() -> None:
    assert RunAt(address("train", 1)) == RunAt(address("train", 1))
    assert len({PipelinesOf("ci"), PipelinesOf("ci"), PipelinesOf("lab")}) == 2
    assert len({ChartOf("m", "p95", 3600, 80), ChartOf("m", "p95", 3600, 81)}) == 2


def test_what_nobody_asked_is_empty(store: Store) -> None:
    reading = store.get(QUESTION)
    assert reading == Reading()
    assert reading.age(START) is None


def test_changes_of_a_frame_are_told_together(
    store: Store, frames: Frames, heard: list[frozenset[AnyKey]]
) -> None:
    store.put(QUESTION, EMPTY, START)
    store.put(OTHER, EMPTY, START)
    store.put(QUESTION, FULL, START + 0.01)
    assert heard == []
    frames.end()
    assert heard == [{QUESTION, OTHER}]
    assert frames.waiting == []


def test_equal_values_are_no_news_but_are_confirmed(
    store: Store, frames: Frames, heard: list[frozenset[AnyKey]]
) -> None:
    assert store.put(QUESTION, FULL, START)
    frames.end()
    again = listing_of(run_of(address("train", 1), Status.PASSED))
    assert again is not FULL
    assert not store.put(QUESTION, again, START + 10)
    assert frames.waiting == []
    assert len(heard) == 1
    assert store.get(QUESTION).value is FULL
    assert store.get(QUESTION).age(START + 12) == 2


def test_a_good_picture_survives_failures_with_its_age(store: Store, frames: Frames) -> None:
    store.put(QUESTION, FULL, START)
    store.fail(QUESTION, DOWN, START + 30)
    store.fail(QUESTION, Fault(Trouble.TIMEOUT, "no answer for 15 s"), START + 60)
    reading = store.get(QUESTION)
    assert reading.value is FULL
    assert reading.read_at == START
    assert reading.age(START + 61) == 61
    assert reading.fault is not None
    assert reading.fault.trouble is Trouble.TIMEOUT
    assert reading.fault_since == START + 30


def test_faults_and_their_end_are_news_the_same_fault_is_not(
    store: Store, frames: Frames, heard: list[frozenset[AnyKey]]
) -> None:
    store.put(QUESTION, FULL, START)
    frames.end()
    assert store.fail(QUESTION, DOWN, START + 1)
    frames.end()
    assert not store.fail(QUESTION, DOWN, START + 3)
    assert frames.waiting == []
    assert store.put(QUESTION, FULL, START + 7)
    frames.end()
    assert heard == [{QUESTION}] * 3
    assert store.get(QUESTION) == Reading(FULL, START + 7)


def test_unsubscribed_hear_nothing_and_may_say_so_twice(store: Store, frames: Frames) -> None:
    news: list[frozenset[AnyKey]] = []
    end = store.subscribe(news.append)
    store.put(QUESTION, FULL, START)
    end()
    end()
    frames.end()
    assert news == []
    store.put(QUESTION, EMPTY, START)
    assert frames.waiting == []


def test_what_is_put_while_being_told_is_told_in_the_next_frame(store: Store, frames: Frames) -> None:
    news: list[frozenset[AnyKey]] = []

    def hear(queries: frozenset[AnyKey]) -> None:
        news.append(queries)
        store.put(OTHER, EMPTY, START)

    store.subscribe(hear)
    store.put(QUESTION, FULL, START)
    frames.end()
    assert news == [{QUESTION}]
    frames.end()
    assert news == [{QUESTION}, {OTHER}]


def test_forgotten_is_as_never_asked(store: Store) -> None:
    store.put(QUESTION, FULL, START)
    store.forget(QUESTION)
    store.forget(QUESTION)
    assert store.get(QUESTION) == Reading()


async def test_by_default_a_frame_of_the_running_loop_passes() -> None:
    import asyncio

    told = asyncio.Event()
    store = Store(next_frame)
    store.subscribe(lambda _: told.set())
    store.put(QUESTION, FULL, START)
    assert not told.is_set()
    await asyncio.wait_for(told.wait(), 10)
