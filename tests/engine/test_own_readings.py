"""What is shown may come from an earlier start or from others; what is decided is decided by what was read here."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.acting_source import GATE, REQUEST, Desk
from tests.engine.actions.test_service import CANARY
from tests.engine.alarms.test_policies import BAD, CONFIG, Work, at_work
from tests.engine.cache.test_runs import ENDED, LIST, RUN, Started
from tests.engine.world import START, listing_of, run_of, settle
from tui.config import AlarmSettings, MetricSettings, ModelSettings, Settings
from tui.config.alarms import SeriesCondition
from tui.domain.action import ActionKind
from tui.domain.alarm import Alarms
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Gate, Listing, TestCounts
from tui.domain.status import Status
from tui.domain.verdict import Decision, Verdict
from tui.engine.actions.journal import Journal
from tui.engine.actions.targets import aim
from tui.engine.queries import AlarmsNow, EnvironmentsOf, HistoryOf, PipelinesOf, RunAt, VerdictOf
from tui.engine.store import Key, Reading, Store
from tui.sources.base import SourceError

WAITS = run_of(GATE.of_run, Status.WAITING, gates=(Gate(GATE, "Promote it?"),))
DOWN = SourceError(Trouble.UNREACHABLE, "ci does not answer")
MODEL = ModelSettings(pipelines=("ci:deploy",), environment="live", metrics=("m",))
METRICS = {"m": MetricSettings(source="ci", query='x{track="{track}"}', fail=1.0)}


def test_what_came_from_elsewhere_is_shown_and_is_not_ours() -> None:
    store = Store(lambda tell: None)
    store.subscribe(lambda news: None)
    theirs, ours = listing_of(WAITS), listing_of(WAITS)
    assert store.put(LIST, theirs, START, own=False)
    assert (store.get(LIST).value, store.own.get(LIST)) == (theirs, Reading())
    store.fail(LIST, Fault(Trouble.TIMEOUT, "no answer"), START + 1)
    assert (store.get(LIST).value, store.own.get(LIST).value) == (theirs, None)
    assert store.own.get(LIST).fault is not None
    assert store.put(LIST, ours, START + 2)
    assert store.own.get(LIST).value is store.get(LIST).value is theirs
    assert not store.put(LIST, ours, START + 3)
    assert store.put(LIST, Listing(()), START + 4, own=False)
    assert store.own.get(LIST) == Reading(theirs, START + 3)


@pytest.mark.parametrize("same", [True, False])
def test_the_first_own_reading_is_news_also_where_it_says_the_same(same: bool) -> None:
    store = Store(lambda tell: None)
    store.subscribe(lambda news: None)
    store.put(LIST, listing_of(WAITS), START, own=not same)
    assert store.put(LIST, listing_of(WAITS), START) is same


@pytest.mark.parametrize("answers", [True, False])
async def test_a_gate_is_meant_only_where_it_was_read_here(journal: Journal, answers: bool) -> None:
    desk = Desk(journal, Settings(sources={"ci": CANARY}, models={"fraud": MODEL}))
    desk.runtime.store.put(PipelinesOf("ci"), listing_of(WAITS), START, own=False)
    desk.source.listing = listing_of(WAITS) if answers else DOWN
    aimed = await aim(desk.actions, ActionKind.APPROVE, GATE.of_run)
    assert aimed.targets == ((GATE,) if answers else (GATE.of_run,))
    assert {what for _, what in desk.source.asked} == {"pipelines"}
    assert bool(desk.actions.plans.rows(GATE)) is answers


async def test_nothing_that_others_say_is_told_before_a_promotion(journal: Journal) -> None:
    """They say, just now, that all is well: the servers are asked all the same, and what they do not tell is open."""
    slow = AlarmSettings(series=SeriesCondition(model="fraud", metric="m", above=1.0))
    settings = Settings(
        sources={"ci": CANARY}, models={"fraud": MODEL}, metrics=METRICS, alarms={"slow": slow}
    )
    desk = Desk(journal, settings)
    store, now = desk.runtime.store, desk.time.now
    place = msgspec.structs.replace(GATE.pipeline, environment="live")
    canary = Deployment("2", Status.WAITING, "1.1", started_at=START - 600, canary=True, revision="b")
    stable = Deployment("1", Status.PASSED, "1.0", started_at=START - 900, finished_at=START - 800)
    live = Environment(place, (canary, stable))
    verdict = Verdict(
        model="fraud", judge="own", decision=Decision.PROMOTE, reason="all is well", score=100.0
    )
    shown: tuple[tuple[Key[Any], object], ...] = (
        (PipelinesOf("ci"), listing_of(WAITS)),
        (RunAt(GATE.of_run), msgspec.structs.replace(WAITS, tests=TestCounts(9, 0, 0))),
        (EnvironmentsOf(GATE.pipeline), Environments((live,))),
        (HistoryOf(place), live),
        (VerdictOf("fraud"), verdict),
        (AlarmsNow(), Alarms(())),
    )
    for query, value in shown:
        store.put(query, value, now, own=False)
    desk.source.listing = DOWN
    desk.source.places[GATE.pipeline] = DOWN
    desk.source.runs[GATE.of_run] = DOWN
    desk.source.default = DOWN
    prepared = await desk.actions.plan(msgspec.structs.replace(REQUEST, kind=ActionKind.PROMOTE))
    its = prepared.promotion
    assert its is not None
    assert (its.version, its.verdict, its.tests, its.alarms, its.others) == ("", None, None, (), ())
    known = (its.environments, its.verdict_known, its.tests_known, its.alarms_known)
    assert [DOWN.message in part.problem for part in known] == [True] * 4
    assert prepared.consent.doubt == "the verdict could not be read"


@pytest.mark.parametrize("answers", [True, False])
async def test_no_policy_acts_by_what_was_only_shown(journal: Journal, answers: bool) -> None:
    async with at_work(journal, CONFIG) as work:
        bad = _failed(work)
        work.source.listing = bad if answers else DOWN
        for _ in range(4):  # an earlier start, or others, say again and again that it failed
            work.runtime.store.put(PipelinesOf("ci"), bad, work.time.now, own=False)
            await work.passed(300)
        assert (work.words != "", len(work.source.sent)) == (answers, int(answers))


async def test_an_alarm_comes_of_own_readings_alone(journal: Journal) -> None:
    async with at_work(journal, CONFIG) as work:
        work.source.open.clear()
        work.runtime.store.put(PipelinesOf("ci"), _failed(work), work.time.now, own=False)
        await work.passed(60)
        found = work.runtime.store.get(AlarmsNow()).value
        assert found is not None
        assert not found.firing
        work.source.open.set()


def _failed(work: Work) -> Listing:
    before = work.source.listing
    work.runs(BAD)
    bad, work.source.listing = work.source.listing, before
    assert isinstance(bad, Listing)
    return bad


async def test_a_run_from_disk_is_ours_once_our_own_list_tells_that_it_ended_so(
    tmp_path: Path, at_once: None
) -> None:
    await Started(tmp_path, ENDED).look()
    start = Started(tmp_path, ENDED, after=3600)
    start.ci.open.clear()
    runtime = start.runtime
    running = runtime.poller.watch()
    running.want(LIST, RUN)
    task = asyncio.create_task(runtime.run())
    await settle()
    assert (runtime.store.get(RUN).value, runtime.store.own.get(RUN).value) == (ENDED, None)
    start.ci.open.set()
    await start.time.advance(5)
    assert runtime.store.own.get(RUN).value == ENDED
    assert start.asked == ["pipelines"]
    await runtime.close()
    await task


async def test_what_is_asked_for_a_decision_is_not_answered_by_an_earlier_start(
    tmp_path: Path, at_once: None
) -> None:
    """The kept list says that the run ended; since then it was retried."""
    await Started(tmp_path, ENDED).look()
    start = Started(tmp_path, run_of(GATE.of_run, Status.RUNNING), after=3600)
    start.ci.runs = {RUN.address: run_of(RUN.address, Status.WAITING)}
    start.runtime.store.put(LIST, listing_of(msgspec.structs.replace(ENDED, stages=None)), START, own=False)
    assert (await start.runtime.poller.ask(RUN)).status is Status.WAITING
    await start.runtime.close()
