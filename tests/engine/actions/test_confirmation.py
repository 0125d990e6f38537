"""What takes more care to say yes to is found by whatever address it goes, and looked at again before it is sent."""

import msgspec
import pytest

from tests.engine.acting_source import GATE, REQUEST, YES, Desk
from tests.engine.actions.test_service import CANARY
from tests.engine.world import listing_of, run_of
from tui.config import GitLabSettings, MetricSettings, ModelSettings, Settings
from tui.domain.action import ActionKind, ActionRequest, Plan, WriteAccess
from tui.domain.address import parse_address
from tui.domain.health import Trouble
from tui.domain.pipeline import Gate
from tui.domain.status import Status
from tui.domain.verdict import Decision, Verdict
from tui.engine.actions.journal import Journal
from tui.engine.queries import PipelinesOf
from tui.insight.confirmation import Confirmation, RequiredConfirmation
from tui.sources.base import SourceError

GITLAB = GitLabSettings(url="http://127.0.0.1:1", watch=("ml/**",))
MODEL = ModelSettings(pipelines=("ci:deploy",), environment="live")


@pytest.mark.parametrize("listed", ["nothing", "another gate"])
@pytest.mark.parametrize("target", [GATE, GATE.of_run])
async def test_a_canary_is_promoted_though_its_gate_was_not_listed(
    journal: Journal, listed: str, target: object
) -> None:
    desk = Desk(journal, Settings(sources={"ci": CANARY}, models={"fraud": MODEL}))
    gate = msgspec.structs.replace(GATE, gate="Proceed")
    request = msgspec.structs.replace(REQUEST, target=gate if target is GATE else gate.of_run)
    if listed == "another gate" and target is GATE:
        other = Gate(msgspec.structs.replace(gate, gate="Other"), "Go on?")
        desk.source.listing = listing_of(run_of(gate.of_run, Status.WAITING, gates=(other,)))
        await desk.runtime.poller.ask(PipelinesOf("ci"))
    desk.source.runs[gate.of_run] = run_of(gate.of_run, Status.WAITING, gates=(Gate(gate, "Promote it?"),))
    assert (await desk.actions.plan(request)).plan.request == msgspec.structs.replace(
        request, kind=ActionKind.PROMOTE
    )


async def test_what_waits_before_an_environment_is_promoted(journal: Journal) -> None:
    desk = Desk(journal, Settings(sources={"ci": GITLAB}, models={"fraud": MODEL}))
    prepared = await desk.actions.plan(ActionRequest(ActionKind.APPROVE, parse_address("ci:deploy@live")))
    assert (prepared.plan.request.kind, prepared.promotion is not None) == (ActionKind.PROMOTE, True)


async def test_the_tier_is_read_before_anything_is_asked(journal: Journal) -> None:
    desk = Desk(journal, Settings(sources={"ci": GITLAB}))
    place = parse_address("ci:deploy@live")
    desk.source.tiers[place] = "production"
    request = ActionRequest(ActionKind.ROLLBACK, place)
    assert (await desk.actions.plan(request)).consent == RequiredConfirmation("live")
    desk.source.tiers[place] = "staging"
    assert (await desk.actions.plan(request)).consent == RequiredConfirmation("")
    unread = Desk(journal, Settings(sources={"ci": GITLAB}))
    unread.source.tiers[place] = SourceError(Trouble.TIMEOUT, "no answer in 5 s")
    assert (await unread.actions.plan(request)).consent == RequiredConfirmation("live")


async def test_an_unknown_right_refuses_with_the_reason(journal: Journal) -> None:
    desk = Desk(journal, Settings(sources={"ci": GITLAB}))
    desk.source.write_access_is = WriteAccess(None, "the token does not tell its scopes")
    prepared = await desk.actions.plan(REQUEST)
    assert (prepared.plan.possible, prepared.plan.why_not) == (
        False,
        "read-only: whether the credentials for ci may write is not known: the token does not tell its scopes",
    )


@pytest.mark.parametrize("reason", ["", "looks fine"])
async def test_what_the_person_was_told_has_to_be_true_still(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    desk = Desk(journal)
    read, there = desk.source.plan, "2"

    async def plan(request: ActionRequest) -> Plan:
        return msgspec.structs.replace(await read(request), facts=(("champion", f"{there} → 4"),))

    monkeypatch.setattr(desk.source, "plan", plan)
    prepared = await desk.actions.plan(REQUEST)
    await desk.time.advance(60)
    there = "3"
    desk.actions.start(prepared, {}, Confirmation(yes=True, reason=reason))
    await desk.time.advance(60)
    (ended,) = desk.actions.activities
    assert ended.words == "nothing was sent: it changed since it was looked at: champion: 3 → 4"
    assert desk.source.sent == []


async def test_a_verdict_that_turned_meanwhile_is_asked_about(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = MetricSettings(source="ci", query='x{track="{track}"}', fail=1.0)
    its = Settings(
        sources={"ci": CANARY},
        models={"fraud": msgspec.structs.replace(MODEL, metrics=("m",))},
        metrics={"m": metric},
    )
    desk = Desk(journal, its)
    desk.source.runs[GATE.of_run] = run_of(GATE.of_run, Status.WAITING, gates=(Gate(GATE, "Promote it?"),))
    decision = Decision.PROMOTE

    async def verdict(*_: object) -> Verdict:
        return Verdict(model="fraud", judge="own", decision=decision, reason="so it is", score=0.0)

    monkeypatch.setattr("tui.engine.queries.verdicts.verdict", verdict)
    prepared = await desk.actions.plan(REQUEST)
    assert prepared.consent == RequiredConfirmation()
    await desk.time.advance(60)
    decision = Decision.STOP
    activity = desk.actions.start(prepared, {}, YES)
    await desk.time.advance(60)
    ended = await desk.actions.done(activity.id)
    assert ended.words == f"nothing was sent: the verdict is {Decision.STOP}: 7 has to be typed"
    assert desk.source.sent == []


async def test_an_error_nobody_foresaw_before_sending_ends_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(journal)
    prepared = await desk.actions.plan(REQUEST)
    await desk.time.advance(60)

    async def plan(_: ActionRequest) -> Plan:
        raise KeyError("token=hush")

    monkeypatch.setattr(desk.source, "plan", plan)
    desk.actions.start(prepared, {}, YES)
    await desk.time.advance(60)
    (ended,) = desk.actions.activities
    assert (ended.state, desk.source.sent) == ("refused", [])
    assert "unexpected KeyError" in ended.words
    assert "hush" not in journal.path.read_text()
