"""Acting: what is sent, when, and what is said of it afterwards."""

import asyncio
import os
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from tests.engine.acting_source import GATE, REQUEST, STEP, YES, Desk, at_once, events, settings
from tests.engine.world import JENKINS, START, Time, listing_of, run_of, settle
from tui.config import (
    JenkinsSettings,
    Launch,
    ModelSettings,
    SafetySettings,
    Settings,
)
from tui.domain.action import (
    ActionField,
    ActionKind,
    ActionRequest,
    Observation,
    Plan,
    Reply,
    Step,
    WriteAccess,
)
from tui.domain.address import parse_address
from tui.domain.deployment import Deployment, Environment, Rollback
from tui.domain.health import Trouble
from tui.domain.pipeline import Gate
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused, PreparedAction
from tui.engine.queries import ActivitiesNow, PipelinesOf
from tui.insight.confirmation import Confirmation
from tui.insight.deployment_rules import Canary, DeploymentRule, WordPart
from tui.sources.base import SourceError


@pytest.fixture
def journal(tmp_path: Path, at_once: None) -> Journal:
    return Journal(tmp_path / "state")


async def test_it_is_journalled_sent_once_and_read_back(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.seen = [
        Observation("nothing"),
        Observation("happening", "it runs"),
        Observation("done", "on"),
    ]
    first = await desk.go()
    assert (first.state, desk.source.noted) == ("accepted", [("planned", "sending")])
    await desk.time.advance(60)
    (ended,) = desk.actions.activities
    assert (ended.state, ended.words) == ("done", "on")
    assert desk.source.sent == [STEP]
    assert [at for at, _ in desk.source.looks] == [1, 3, 6]
    assert events(desk.record()) == [
        *("planned", "sending", "answered", "observed", "observed", "observed", "settled")
    ]
    assert desk.runtime.store.get(ActivitiesNow()).value == (ended,)
    assert await desk.actions.done(ended.id) == ended


async def test_while_one_is_under_way_its_key_is_locked(journal: Journal) -> None:
    desk = Desk(journal)
    prepared = await desk.actions.plan(REQUEST)
    desk.actions.start(prepared, {}, YES)
    with pytest.raises(ActionRefused, match="under way"):
        desk.actions.start(prepared, {}, YES)
    assert (await desk.actions.plan(REQUEST)).plan.why_not == "approve is under way there"
    assert {each.why_not for each in await desk.actions.offers(GATE)} == {"approve is under way there"}
    await desk.time.advance(60)
    with pytest.raises(ActionRefused, match="sent before"):
        desk.actions.start(prepared, {}, YES)
    assert len(desk.source.sent) == 1


async def test_each_of_very_many_at_once_tells_how_it_ended(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.engine.actions.activities.REMEMBERED", 1)
    desk = Desk(journal)

    async def start(number: int) -> str:
        desk.source.steps = (msgspec.structs.replace(STEP, path=f"/press/{number}"),)
        request = msgspec.structs.replace(REQUEST, target=parse_address(f"ci:deploy#{number}!Promote"))
        return desk.actions.start(await desk.actions.plan(request), {}, YES).id

    begun = [await start(number) for number in range(4)]
    await desk.time.advance(60)
    assert [(await desk.actions.done(id_)).state for id_ in begun] == ["done"] * 4
    await start(5)
    assert len(desk.actions.activities) == 2


async def test_one_thing_under_two_addresses_is_sent_once(journal: Journal) -> None:
    desk = Desk(journal)
    run = ActionRequest(ActionKind.APPROVE, GATE.of_run)
    for request in (REQUEST, run):
        prepared = await desk.actions.plan(request)
        if request is run:
            with pytest.raises(ActionRefused, match="the same is under way: approve ci:deploy#7!Promote"):
                desk.actions.start(prepared, {}, YES)
        else:
            desk.actions.start(prepared, {}, YES)
    await desk.time.advance(60)
    assert len(desk.source.sent) == 1


async def test_what_has_begun_may_be_canceled_and_more_sharply(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.seen = [Observation("happening")]
    await desk.go()
    for level in ("stop", "kill"):
        request = ActionRequest(ActionKind.CANCEL, GATE, (("level", level),))
        await desk.go(request, seconds=5)
        assert (await desk.actions.plan(request)).plan.why_not == "cancel is under way there"
    assert len(desk.source.sent) == 3
    assert (await desk.actions.plan(REQUEST)).plan.why_not
    await desk.runtime.close()


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (Reply("refused", "No such input"), "refused", "No such input"),
        (Reply("unsent", "connection refused"), "refused", "nothing was sent: connection refused"),
    ],
)
async def test_a_no_ends_it_in_the_servers_words(
    journal: Journal, reply: Reply, state: str, words: str
) -> None:
    desk = Desk(journal)
    desk.source.reply = reply
    ended = await desk.go()
    assert (ended.state, ended.words, desk.source.looks) == (state, words, [])


@pytest.mark.parametrize(
    "reply", [Reply("lost", "connection reset"), RuntimeError("what a source must not do")]
)
async def test_what_was_lost_is_read_back_before_anything_else(
    journal: Journal, reply: Reply | Exception
) -> None:
    desk = Desk(journal)
    desk.source.reply = reply
    assert (await desk.go()).state == "done"
    assert desk.source.looks == [(0, None)]
    assert len(desk.source.sent) == 1


async def test_what_is_never_seen_is_unknown_and_never_sent_again(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("lost", "connection reset")
    desk.source.seen = [Observation("nothing", "it still waits")]
    ended = await desk.go(seconds=200)
    assert ended.state == "unknown"
    assert ended.words.startswith(
        "no answer came, and no effect was seen for 90 s (it still waits); it may still happen; check "
    )
    assert f"check {GATE} on {JENKINS.url}" in ended.words
    assert len(desk.source.sent) == 1


async def test_an_error_of_the_servers_own_without_an_effect_is_a_no(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("lost", "an error of its own", 500, over=True)
    desk.source.seen = [Observation("nothing", "it still waits")]
    ended = await desk.go(seconds=10)
    assert (ended.state, ended.words) == ("refused", "an error of its own; nothing came of it")
    assert len(desk.source.looks) == 3


async def test_an_error_of_the_servers_own_may_come_after_the_effect(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("lost", "an error of its own", 500, over=True)
    away = SourceError(Trouble.UNREACHABLE, "no route")
    desk.source.seen = [Observation("nothing"), away, away, away, Observation("done", "it went on")]
    assert (await desk.go(seconds=60)).state == "done"
    desk.source.seen = [away]
    assert (await desk.go(seconds=200)).state == "unknown"
    assert len(desk.source.sent) == 2


async def test_a_refusal_may_come_after_the_effect_and_is_told_beside_it(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("lost", "400 Unplayable Job", 400, over=True)
    desk.source.seen = [Observation("happening", "it runs"), Observation("done", "it passed")]
    ended = await desk.go(seconds=60)
    assert ended.state == "done"
    assert ended.words == "it passed, although the server had answered: 400 Unplayable Job"
    assert len(desk.source.sent) == 1


@pytest.mark.parametrize("state", ["happening", "done", "failed"])
async def test_a_refusal_beside_what_somebody_else_did_stays_one(
    journal: Journal, state: Literal["happening", "done", "failed"]
) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("lost", "400 Unplayable Job", 400, over=True)
    desk.source.seen = [Observation(state, "alice started it, not you", not_ours=True)]
    ended = await desk.go(seconds=60)
    assert (ended.state, ended.words) == ("refused", "400 Unplayable Job; alice started it, not you")
    assert len(desk.source.looks) == 1


@pytest.mark.parametrize("ends", [True, False])
async def test_what_another_program_sends_meanwhile_is_not_sent_again(journal: Journal, ends: bool) -> None:
    time = Time()
    one, other = Desk(journal, time=time), Desk(Journal(journal.folder), time=time)
    one.source.seen = [Observation("done" if ends else "happening")]
    stale = await other.actions.plan(REQUEST)
    first = await one.go(seconds=5)
    assert first.state == ("done" if ends else "happening")
    begun = other.actions.start(stale, {}, YES)
    for _ in range(5):
        await settle()
    (ended,) = other.actions.activities
    since = "was sent since this was looked at" if ends else "is under way already"
    assert (ended.id, ended.state) == (begun.id, "refused")
    assert ended.words.startswith(f"nothing was sent: the same {since}, by ")
    assert (len(one.source.sent), other.source.sent) == (1, [])
    if ends:
        await other.go(seconds=5)  # looked at anew, it may be done once more
        assert len(other.source.sent) == 1
    other.journal.close()


async def test_looking_goes_on_while_the_server_is_away(journal: Journal) -> None:
    desk = Desk(journal)
    away = SourceError(Trouble.UNREACHABLE, "no route")
    desk.source.seen = [away, away, away, Observation("failed", "it was aborted")]
    assert (await desk.go(seconds=60)).state == "failed"
    desk.source.seen = [away]
    assert "no route" in (await desk.go(seconds=200)).words


async def test_a_step_follows_only_what_is_done(journal: Journal) -> None:
    desk = Desk(journal)
    second = Step("press the other", "POST", "/other")
    desk.source.steps = (STEP, second)
    desk.source.seen = [Observation("failed", "no")]
    assert (await desk.go(seconds=60)).state == "failed"
    assert desk.source.sent == [STEP]
    desk.source.seen = [Observation("done")]
    ended = await desk.go(seconds=60)
    assert (ended.state, ended.step, desk.source.sent[1:]) == ("done", 1, [STEP, second])


async def test_a_state_read_long_ago_is_read_again_before_sending(journal: Journal) -> None:
    desk = Desk(journal)
    prepared = await desk.actions.plan(REQUEST)
    await desk.time.advance(60)
    desk.source.possible = False
    desk.actions.start(prepared, {}, YES)
    await desk.time.advance()
    assert desk.actions.activities[0].words == "nothing was sent: somebody was first"
    desk.source.possible = True
    prepared = await desk.actions.plan(REQUEST)
    await desk.time.advance(60)
    desk.source.steps = (Step("press", "POST", "/elsewhere"),)
    desk.actions.start(prepared, {}, YES)
    await desk.time.advance()
    assert "it changed since it was looked at" in desk.actions.activities[0].words
    assert desk.source.sent == []


async def test_without_consent_nothing_is_sent(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.environment = "production"
    prepared = await desk.actions.plan(REQUEST)
    assert prepared.consent.name == "production"
    for given in (
        Confirmation(),
        Confirmation(yes=True),
        Confirmation(yes=True, name="staging"),
        Confirmation(name="production"),
    ):
        with pytest.raises(ActionRefused):
            desk.actions.start(prepared, {}, given)
    desk.source.possible = False
    with pytest.raises(ActionRefused, match="somebody was first"):
        desk.actions.start(await desk.actions.plan(REQUEST), {}, Confirmation(yes=True, name="production"))
    await desk.time.advance(60)
    assert desk.source.sent == []


async def test_an_attempt_that_was_refused_is_noted_with_its_plan_and_why(journal: Journal) -> None:
    desk = Desk(journal)
    desk.source.environment = "production"
    prepared = await desk.actions.plan(REQUEST)
    desk.source.possible = False
    with pytest.raises(ActionRefused):
        desk.actions.start(prepared, {}, Confirmation())  # nobody tried anything
    with pytest.raises(ActionRefused):
        desk.actions.start(prepared, {}, Confirmation(yes=True, name="staging"))
    with pytest.raises(ActionRefused):
        desk.actions.start(msgspec.structs.replace(prepared, policy="none"), {}, Confirmation())
    desk.actions.start(prepared, {}, Confirmation(yes=True, name="production", reason="why not"))
    await desk.time.advance(5)
    records = journal.read()
    assert [each.plan for each in records] == [prepared.plan, prepared.plan]
    assert [each.outcome.words for each in records if each.outcome is not None] == [
        "it changes production: that name has to be typed",
        "nothing was sent: somebody was first",
    ]
    assert [events(each) for each in records] == [["settled"], ["settled"]]
    assert desk.source.sent == []


__all__ = ["at_once"]

CANARY = JenkinsSettings(
    url=JENKINS.url,
    deployments=(
        DeploymentRule(
            job="deploy",
            environment="production",
            version=WordPart(parameter="V"),
            canary=Canary(input="(?i)promote"),
        ),
    ),
)


async def test_letting_a_canary_go_on_is_promoting_it_whatever_it_is_called(journal: Journal) -> None:
    model = ModelSettings(pipelines=("ci:deploy",), environment="production")
    desk = Desk(journal, Settings(sources={"ci": CANARY}, models={"fraud": model}))
    run = run_of(GATE.of_run, Status.WAITING, gates=(Gate(GATE, "Promote it?"),))
    desk.source.listing = listing_of(run)
    desk.source.runs[run.address] = run
    await desk.runtime.poller.ask(PipelinesOf("ci"))
    prepared = await desk.actions.plan(REQUEST)
    assert prepared.plan.request.kind is ActionKind.PROMOTE
    assert prepared.promotion is not None
    assert prepared.promotion.verdict_known.problem == "no metric of it is judged"
    assert prepared.consent.name == "production"
    assert await desk.actions.gates("fraud") == (ActionRequest(ActionKind.PROMOTE, GATE),)
    assert [each.request.kind for each in await desk.actions.offers(GATE)] == [
        ActionKind.PROMOTE,
        ActionKind.REJECT,
    ]


@pytest.mark.parametrize(
    "how", ["session", "source", "environment", "address", "token", "learnt later", "switched meanwhile"]
)
async def test_read_only_sends_nothing(journal: Journal, how: str) -> None:
    its = {
        "session": settings(SafetySettings(read_only=True)),
        "source": Settings(sources={"ci": JenkinsSettings(url=JENKINS.url, read_only=True)}),
        "environment": settings(SafetySettings(read_only_environments=("stag*",))),
        "address": settings(SafetySettings(read_only_environments=("ci:deploy@staging",))),
    }.get(how, settings())
    desk = Desk(journal, its)
    desk.source.environment = "staging"
    if how == "token":
        desk.source.write_access_is = WriteAccess(True, "the token has the scopes read_api")
    prepared = await desk.actions.plan(REQUEST)
    if how == "learnt later":
        desk.actions.rights._known["ci"] = WriteAccess(True)
    if how == "switched meanwhile":
        desk.source.open.clear()  # the state is read once more, and meanwhile it turns out
        await_plan = msgspec.structs.replace(prepared.plan, read_at=0)
        desk.actions.start(PreparedAction(await_plan), {}, YES)
        desk.actions.rights._known["ci"] = WriteAccess(True)
        desk.source.open.set()
        await desk.time.advance(60)
        assert desk.actions.activities[0].state == "refused"
    else:
        if how != "learnt later":
            assert prepared.plan.why_not.startswith("read-only")
        for plan in (prepared.plan, msgspec.structs.replace(prepared.plan, possible=True)):
            with pytest.raises(ActionRefused):
                desk.actions.start(PreparedAction(plan), {}, YES)
        await desk.time.advance(60)
    assert desk.source.sent == []
    if how not in ("environment", "address"):
        assert all(not each.possible for each in await desk.actions.offers(GATE))


async def test_a_journal_that_cannot_be_written_refuses_before_anything_is_sent(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(journal)
    monkeypatch.setattr(os, "write", lambda number, line: len(line) // 2)
    ended = await desk.go()
    assert (ended.state, desk.source.sent) == ("refused", [])
    assert "No space left" in ended.words
    assert journal.read() == ()
    assert not journal.path.exists()


async def test_a_reason_given_with_the_answer_becomes_part_of_what_is_sent(journal: Journal) -> None:
    desk = Desk(journal)
    prepared = await desk.actions.plan(REQUEST)
    desk.source.steps = (msgspec.structs.replace(STEP, body=(("comment", "checked by hand"),)),)
    desk.actions.start(prepared, {}, Confirmation(yes=True, reason="checked by hand"))
    await desk.time.advance(60)
    assert desk.source.sent == list(desk.source.steps)
    assert desk.source.requested[-1].reason == "checked by hand"
    plan = desk.record().plan
    assert plan is not None
    assert plan.request.reason == "checked by hand"
    with pytest.raises(ActionRefused, match="sent before"):
        desk.actions.start(prepared, {}, YES)
    prepared = await desk.actions.plan(REQUEST)
    desk.source.steps = (msgspec.structs.replace(STEP, path="/another"),)
    desk.actions.start(prepared, {}, Confirmation(yes=True, reason="once more"))
    await desk.time.advance(60)
    assert "it changed since it was looked at" in desk.actions.activities[0].words
    assert len(desk.source.sent) == 1


async def test_what_was_cut_off_is_settled_at_the_next_start(journal: Journal, tmp_path: Path) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("accepted", found=(("queue", "5"),))
    desk.source.seen = [Observation("happening")]
    await desk.go()
    await desk.runtime.close()
    after = Desk(Journal(tmp_path / "state"), time=desk.time)
    settling = asyncio.create_task(after.actions.settle())
    await after.time.advance(60)
    await settling
    assert after.source.sent == []
    (record,) = journal.read()
    assert record.outcome is not None
    assert (record.outcome.state, record.outcome.words) == ("done", "it went on")
    assert after.source.looks[0][1] == Reply("accepted", found=(("queue", "5"),))


async def test_what_another_program_has_under_way_is_left_to_it(journal: Journal, tmp_path: Path) -> None:
    desk = Desk(journal)
    desk.source.seen = [Observation("happening")]
    await desk.go()
    other = Desk(Journal(tmp_path / "state"), time=desk.time)
    await other.actions.settle()
    assert other.source.looks == []
    assert desk.record().outcome is None


async def test_a_pipeline_of_a_model_offers_what_the_config_starts(journal: Journal) -> None:
    model = ModelSettings(
        pipelines=("ci:deploy",),
        environment="live",
        blue_green=("live/blue", "live/green"),
        retrain=Launch(pipeline="ci:train", parameters={"MODEL": "{model}"}),
        switch=Launch(pipeline="ci:deploy", parameters={"COLOUR": "{colour}"}),
    )
    desk = Desk(journal, settings(fraud=model))
    offers = await desk.actions.offers(parse_address("ci:deploy"))
    assert [(each.words, each.request.values) for each in offers[2:]] == [
        ("Retrain fraud", (("MODEL", "fraud"),)),
        ("Give live/blue the traffic of fraud", (("COLOUR", "blue"),)),
        ("Give live/green the traffic of fraud", (("COLOUR", "green"),)),
    ]
    ended = await desk.go(offers[4].request, seconds=5)
    assert ended.words == "it went on; which half has the traffic is not known"


async def test_rolling_jenkins_back_starts_the_configured_job_with_the_version_before(
    journal: Journal,
) -> None:
    desk = Desk(journal)
    desk.source.fields = (ActionField("V"), ActionField("DRY"))
    place = parse_address("ci:app@live")
    way = Rollback(True, "would start deploy", parse_address("ci:deploy"), (("V", "1"),))
    desk.source.pasts[place] = Environment(
        place,
        (
            Deployment("2", Status.PASSED, "2", rollback=Rollback(False, "it is there now")),
            Deployment("1", Status.PASSED, "1", rollback=way),
        ),
    )
    request = ActionRequest(ActionKind.ROLLBACK, place)
    plan = (await desk.actions.plan(request)).plan
    assert (plan.request, plan.environment) == (request, "live")
    assert plan.words == "Put 1 back into ci:app@live: trigger ci:deploy"
    assert [each.name for each in plan.fields] == ["DRY"]  # V is known
    given = await desk.actions.plan(
        ActionRequest(ActionKind.ROLLBACK, place, (("version", "1"), ("DRY", "no")))
    )
    assert desk.source.requested[-1].values == (("DRY", "no"), ("V", "1"))
    assert given.plan.request.values == (("version", "1"), ("DRY", "no"))
    for version, why in (("2", "it is there now"), ("3", "there is no 3 to go back to")):
        plan = (
            await desk.actions.plan(ActionRequest(ActionKind.ROLLBACK, place, (("version", version),)))
        ).plan
        assert (plan.possible, plan.why_not) == (False, why)


async def test_rolling_a_canary_back_brings_the_stable_version_and_rejects_its_gate_where_that_is_wished(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(journal)
    place = parse_address("ci:app@live")

    def there(number: int, status: Status = Status.PASSED, **more: Any) -> Deployment:
        way = Rollback(True, "would start deploy", parse_address("ci:deploy"), (("V", f"{number}"),))
        return Deployment(f"#{number}", status, f"{number}", started_at=START + number, rollback=way, **more)

    canary = there(3, Status.WAITING, canary=True, run=parse_address("ci:deploy#3"))
    canary = msgspec.structs.replace(canary, rollback=Rollback(False, "it is still on its way"))
    again = msgspec.structs.replace(there(2, Status.FAILED), rollback=Rollback(False, "it ended as failure"))
    desk.source.pasts[place] = Environment(place, (canary, again, there(2), there(1)))
    for values in ((), (("version", "2"),)):
        plan = (await desk.actions.plan(ActionRequest(ActionKind.ROLLBACK, place, values))).plan
        assert plan.possible, plan.why_not
        assert plan.words == "Put 2 back into ci:app@live: trigger ci:deploy"
        assert plan.facts[:2] == (("version", "3 → 2"), ("canary", "3 goes; 2 was there before it"))
        assert plan.warnings == (
            "ci:deploy#3 goes on waiting at its gate: reject that, too, or this may wait behind it",
        )
        assert [(each.name, each.default) for each in plan.fields] == [("reject_waiting", "false")]
        assert len(plan.steps) == 1
    first = msgspec.structs.replace(STEP, path="/reject")
    read = desk.source.plan

    async def rejecting(request: ActionRequest) -> Plan:
        plan = await read(request)
        return msgspec.structs.replace(plan, steps=(first,)) if request.kind is ActionKind.REJECT else plan

    monkeypatch.setattr(desk.source, "plan", rejecting)
    wish = ActionRequest(ActionKind.ROLLBACK, place, (("reject_waiting", "true"),))
    plan = (await desk.actions.plan(wish)).plan
    assert plan.words == "Put 2 back into ci:app@live: reject ci:deploy#3, then: trigger ci:deploy"
    assert ([each.path for each in plan.steps], plan.warnings) == (["/reject", "/press"], ())
    desk.source.seen = [Observation("done", "rejected"), Observation("done", "started")]
    ended = await desk.go(wish, seconds=30)
    assert (ended.state, [each.path for each in desk.source.sent]) == ("done", ["/reject", "/press"])
    assert events(desk.record()).count("sending") == 2
    desk.source.possible = False
    assert (await desk.actions.plan(wish)).plan.why_not == (
        "the gate that ci:deploy#3 waits at cannot be rejected: somebody was first"
    )
    desk.source.possible = True
    plan = (await desk.actions.plan(ActionRequest(ActionKind.ROLLBACK, place, (("version", "3"),)))).plan
    assert plan.why_not == "it is still on its way"
