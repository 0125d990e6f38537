"""What becomes of the answers, and of those who ask by themselves."""

import asyncio
import logging
from typing import Any

import pytest

from tests.engine.two_sources import AT, DOWN, IDLE, LIST, PASSED, RUN, World
from tests.engine.world import FakeServer, NoJitter, settle
from tui.config import ConfigError, Settings
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.engine.queries import AnyQuery, ChartOf, PipelinesOf, RunAt
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError


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
    surprise: Any = "surprise"
    world.ci.runs = {AT: surprise}
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
    ("query", "says"),
    [
        (PipelinesOf("nowhere"), "no source 'nowhere'"),
        (RunAt(Address("nowhere", "a", 1)), "ci, lab, prom"),
        (ChartOf("fraud", "nothing", 3600, 60), "[metrics.nothing]"),
        (ChartOf("nobody", "p95", 3600, 60), "[models.nobody]"),
    ],
)
async def test_a_question_that_the_config_cannot_answer_is_told_so(
    world: World, query: AnyQuery, says: str
) -> None:
    with pytest.raises(SourceError) as caught:
        await world.runtime.poller.ask(query)
    assert caught.value.trouble is Trouble.MISCONFIGURED
    assert says in caught.value.message


async def test_a_metric_source_asked_for_pipelines_says_that_it_has_none() -> None:
    runtime = Runtime(Settings(sources={}), {"metrics": FakeServer("metrics")})
    with pytest.raises(SourceError, match="metrics runs no pipelines"):
        await runtime.poller.ask(PipelinesOf("metrics"))
    await runtime.close()


async def test_charts_are_asked_of_the_source_of_their_metric(world: World) -> None:
    world.watch(query := ChartOf("fraud", "p95", 3600, 60))
    await world.time.advance(61)
    assert world.ci.times("p95") == [0, 30, 60]
    assert world.store.get(query).fault is None
    assert world.store.get(query).value is not None


async def test_ask_answers_and_fills_the_store_without_a_scheduler() -> None:
    world = World(NoJitter())
    assert await world.runtime.poller.ask(RUN) == PASSED
    assert world.store.get(RUN).value == PASSED
    world.ci.listing = DOWN
    with pytest.raises(SourceError, match="does not answer") as caught:
        await world.runtime.poller.ask(LIST)
    assert caught.value is DOWN
    assert world.store.get(LIST).fault == DOWN.fault
    await world.runtime.close()


async def test_ask_joins_the_request_under_way_and_asks_anew_otherwise(world: World) -> None:
    world.ci.open.clear()
    world.watch(LIST)
    await world.time.advance(1)
    asks = [asyncio.create_task(world.runtime.poller.ask(LIST)) for _ in range(3)]
    await settle()
    world.ci.open.set()
    assert await asyncio.gather(*asks) == [IDLE] * 3
    assert world.ci.times() == [0]
    await world.runtime.poller.ask(LIST)
    assert world.ci.times() == [0, 1]


async def test_an_asker_that_gives_up_does_not_take_the_answer_from_the_others(world: World) -> None:
    world.ci.open.clear()
    world.watch(LIST)
    await settle()
    ask = asyncio.create_task(world.runtime.poller.ask(LIST))
    await settle()
    ask.cancel()
    await settle()
    assert world.ci.canceled == 0
    world.ci.open.set()
    await world.time.advance(1)
    assert world.store.get(LIST).value == IDLE


async def test_an_ask_given_up_by_all_is_canceled(world: World) -> None:
    world.ci.open.clear()
    ask = asyncio.create_task(world.runtime.poller.ask(LIST))
    await settle()
    ask.cancel()
    await settle()
    assert world.ci.canceled == 1


@pytest.mark.parametrize(("skew", "ahead"), [(None, 0), (0.9, 0), (-4.0, 0), (90.0, 90), (-3600.0, -3600)])
async def test_times_of_a_server_are_told_by_its_own_clock(
    world: World, skew: float | None, ahead: float
) -> None:
    world.ci.skew = skew
    assert world.runtime.sources.now("ci") == world.runtime.clock() + ahead
    assert world.runtime.sources.now("prom") == world.runtime.clock()
