"""Activities: what one that is under way locks, and how many are kept."""

import msgspec
import pytest

from tests.engine.acting_source import GATE, REQUEST, STEP, YES, Desk
from tui.domain.action import (
    ActionKind,
    ActionRequest,
    Observation,
)
from tui.domain.address import parse_address
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused


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
