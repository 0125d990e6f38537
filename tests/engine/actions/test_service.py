"""Acting: what is sent, when, and what is said of it afterwards."""

import os
from typing import Literal

import msgspec
import pytest

from tests.engine.acting_source import GATE, REQUEST, STEP, YES, Desk, events, settings
from tests.engine.world import JENKINS, Time, listing_of, run_of, settle
from tui.config import (
    JenkinsSettings,
    ModelSettings,
    SafetySettings,
    Settings,
)
from tui.domain.action import (
    ActionKind,
    ActionRequest,
    Observation,
    Reply,
    Step,
    WriteAccess,
)
from tui.domain.health import Trouble
from tui.domain.pipeline import Gate
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused, PreparedAction
from tui.engine.queries import ActivitiesNow, PipelinesOf
from tui.insight.confirmation import Confirmation
from tui.insight.deployment_rules import Canary, DeploymentRule, WordPart
from tui.sources.base import SourceError


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
    assert await desk.runtime.models.gates("fraud") == (ActionRequest(ActionKind.PROMOTE, GATE),)
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
