"""What is read before a promotion, and what is said of what could not be."""

import msgspec
import pytest

from tests.engine.acting_source import GATE, Desk
from tests.engine.actions.test_service import CANARY
from tests.engine.world import START, listing_of, run_of
from tui.commands.action_text import plan_text
from tui.config import AlarmSettings, MetricSettings, ModelSettings, Settings
from tui.config.alarms import SeriesCondition
from tui.domain.action import ActionKind, ActionRequest, Observation
from tui.domain.address import parse_address
from tui.domain.alarm import Alarm, Alarms, AlarmState
from tui.domain.deployment import Changes, Commit, Deployment, Environment, Environments
from tui.domain.health import Trouble
from tui.domain.pipeline import Gate
from tui.domain.series import Samples
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused
from tui.engine.queries import AlarmsNow, EnvironmentsOf, PipelinesOf
from tui.insight.confirmation import Confirmation, RequiredConfirmation
from tui.insight.promotion import OtherDeployment, PartSource, RequestCounts
from tui.sources.base import SourceError


async def test_before_promoting_everything_is_read_and_what_cannot_be_is_said(journal: Journal) -> None:
    model = ModelSettings(pipelines=("ci:deploy",), environment="production", metrics=("m",))
    metric = MetricSettings(source="ci", query='x{track="{track}"}', fail=1.0)
    slow = AlarmSettings(series=SeriesCondition(model="fraud", metric="m", above=1.0))
    settings = Settings(
        sources={"ci": CANARY}, models={"fraud": model}, metrics={"m": metric}, alarms={"slow": slow}
    )
    desk = Desk(journal, settings)
    place = parse_address("ci:app@production")
    stable = Deployment("1", Status.PASSED, "1.0", started_at=START - 900, finished_at=START - 800)
    canary = Deployment(
        "2", Status.WAITING, "1.1", started_at=START - 600, canary=True, share=10.0, revision="abc"
    )
    meanwhile = Deployment("3", Status.FAILED, "0.9", started_at=START - 60, who="bob")
    environment = Environment(place, (meanwhile, canary, stable))
    desk.source.places[GATE.pipeline] = Environments((environment,))
    desk.source.pasts[place] = environment
    desk.source.brought = Changes((Commit("abc", "Better"),))
    desk.source.runs[GATE.of_run] = SourceError(Trouble.TIMEOUT, "no answer in 5 s")
    desk.source.default = SourceError(Trouble.UNREACHABLE, "no route")
    prepared = await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))
    its = prepared.promotion
    assert its is not None
    assert (its.replaces, its.version, its.share, its.minutes) == ("1.0", "1.1", 10.0, 10.0)
    assert (its.before, its.back) == (200 / 60, "1.0 comes back")
    assert (its.others, its.judging) == ((OtherDeployment(place, meanwhile),), ())
    assert its.requests_known == PartSource(
        problem="[models.fraud] names no metric that counts them (requests)"
    )
    assert its.changes == desk.source.brought
    assert its.tests_known == PartSource(problem="no answer in 5 s")
    assert "no route" in its.verdict_known.problem
    assert (its.alarms, "no route" in its.alarms_known.problem) == ((), True)
    assert prepared.consent == RequiredConfirmation("production", "the verdict could not be read", "1.1")
    for typed in ("", "1.0", "production", "yes"):
        with pytest.raises(ActionRefused, match=r"the verdict could not be read: 1\.1 has to be typed"):
            desk.actions.start(prepared, {}, Confirmation(yes=True, name="production", version=typed))
    text = plan_text(prepared, desk.runtime.settings, desk.time.now, requests=False)
    assert text.splitlines()[1].startswith("  the verdict is not known: ")
    assert "  against it: also deployed meanwhile: 0.9 by bob into ci:app@production" in text
    assert "  not known: tests: no answer in 5 s" in text
    desk.actions.start(prepared, {}, Confirmation(yes=True, name="production", version="1.1"))
    await desk.runtime.close()


async def test_before_promoting_the_alarms_of_the_model_are_told_and_those_of_other_systems(
    journal: Journal,
) -> None:
    model = ModelSettings(pipelines=("ci:deploy",), environment="production", metrics=("m",))
    metric = MetricSettings(source="ci", query="x")
    slow = AlarmSettings(series=SeriesCondition(model="fraud", metric="m", above=1.0))
    desk = Desk(
        journal,
        Settings(
            sources={"ci": CANARY}, models={"fraud": model}, metrics={"m": metric}, alarms={"slow": slow}
        ),
    )
    own = Alarm(
        name="slow",
        subject="fraud",
        model="fraud",
        state=AlarmState.ACKNOWLEDGED,
        since=START,
        changed=START,
        words="2 above 1",
    )
    replace = msgspec.structs.replace
    theirs = replace(own, name="DiskFull", model="", origin="prom", words="full", silenced="silenced by bob")
    others = (
        theirs,
        replace(own, name="drift", model="churn"),
        replace(own, name="late", state=AlarmState.PENDING),
        replace(own, name="gone", state=AlarmState.RESOLVED),
    )
    desk.runtime.store.put(AlarmsNow(), Alarms((own, *others)), desk.time.now)
    its = (await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))).promotion
    assert its is not None
    assert its.alarms == ("slow: 2 above 1",)
    assert its.alarms_elsewhere == ("DiskFull: full (silenced by bob)",)
    assert its.alarms_known.at == desk.time.now
    await desk.runtime.close()


PLACE = parse_address("ci:app@production")
STABLE = Deployment("1", Status.PASSED, "1.0", finished_at=START - 86400)
NEW = Deployment("2", Status.PASSED, "1.1", finished_at=START - 600, canary=True)


async def test_the_requests_on_the_canary_are_counted_since_it_came(journal: Journal) -> None:
    model = ModelSettings(pipelines=("ci:deploy",), environment="production", requests="n")
    counted = MetricSettings(source="ci", query='x{track="{track}"}[{window}]')
    desk = Desk(journal, Settings(sources={"ci": CANARY}, models={"fraud": model}, metrics={"n": counted}))
    desk.source.places[GATE.pipeline] = Environments((Environment(PLACE, (NEW, STABLE)),))
    desk.source.pasts[PLACE] = Environment(PLACE, (NEW, STABLE))
    desk.source.default = Samples((((), (411.7,)),))
    prepared = await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))
    its = prepared.promotion
    assert its is not None
    assert (its.requests, its.requests_known) == (RequestCounts(411.7, 411.7), PartSource(desk.time.now))
    asked = [what for _, what in desk.source.asked if what.startswith("x")]
    assert asked == ['x{track="baseline"}[600s]', 'x{track="canary"}[600s]']
    text = plan_text(prepared, desk.runtime.settings, desk.time.now, requests=False)
    lines = [line.strip() for line in text.splitlines()]
    assert "requests: 412 on the canary, 412 on the baseline in the same time" in lines
    assert "baseline: 1.0; it was there 23h before the canary: warm where the canary may be cold" in lines
    desk.source.default = Samples(())
    await desk.time.advance(60)
    its = (await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))).promotion
    assert its is not None
    assert "no value for the canary" in its.requests_known.problem
    await desk.runtime.close()


async def test_who_else_decides_and_what_else_was_deployed_is_told(journal: Journal) -> None:
    model = ModelSettings(pipelines=("ci:deploy", "ci:train"), environment="production")
    desk = Desk(journal, Settings(sources={"ci": CANARY}, models={"fraud": model}))
    older = parse_address("ci:deploy#6!Promote")
    train = run_of(parse_address("ci:train#3"), Status.RUNNING)
    store = run_of(parse_address("ci:store#3"), Status.PASSED)
    waiting = [
        run_of(gate.of_run, Status.WAITING, gates=(Gate(gate, "Promote it?"),)) for gate in (GATE, older)
    ]
    desk.source.listing = listing_of(*waiting, train, store)
    elsewhere = parse_address("ci:features@live")
    later = Deployment("9", Status.PASSED, "7", finished_at=START - 60, who="dana")
    before = Deployment("8", Status.PASSED, "6", finished_at=START - 6000)
    planned = Deployment("10", Status.WAITING, "8", started_at=START - 30)
    features = Environment(elsewhere, (planned, later, before), tier="production")
    staging = Environment(parse_address("ci:features@staging"), (later,), tier="staging")
    desk.source.places[GATE.pipeline] = Environments((Environment(PLACE, (NEW, STABLE)),))
    desk.source.pasts[PLACE] = Environment(PLACE, (NEW, STABLE))
    await desk.runtime.poller.ask(PipelinesOf("ci"))
    others = Environments((features, staging))
    desk.runtime.store.put(EnvironmentsOf(store.address.pipeline), others, desk.time.now)
    desk.source.seen = [Observation("happening")]
    await desk.go(ActionRequest(ActionKind.CANCEL, train.address))
    its = (await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))).promotion
    assert its is not None
    assert its.others == (OtherDeployment(elsewhere, later),)
    me = f"{journal.who.user}@{journal.who.host}"
    assert its.judging == (f"another canary waits at {older}", f"{me} began to cancel {train.address}")
    assert "environments ci:train" in [what for _, what in desk.source.asked]
    await desk.runtime.close()
