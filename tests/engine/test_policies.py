"""What alarms do by themselves: only what the config says in full, announced, once, and never in read-only mode."""

from pathlib import Path

import msgspec
import pytest

from tests.engine.acting import Desk, at_once, settings
from tests.engine.world import Time, settle
from tui.config import Launch, ModelSettings, Policy, SafetySettings, Settings
from tui.domain.action import Kind
from tui.engine.actions import Prepared, Refused
from tui.engine.journal import Journal

__all__ = ["at_once"]

MODEL = ModelSettings(pipelines=("ci:deploy",), environment="live", retrain=Launch(pipeline="ci:train"))
POLICY = Policy(name="p", alarm="drift", model="fraud", action="retrain", at_most="1 per 6h", wait="10m")


def its(*policies: Policy, read_only: bool = False) -> Settings:
    return settings(SafetySettings(policies=policies, read_only=read_only), fraud=MODEL)


async def passed(desk: Desk, seconds: float = 0.0) -> str:
    for _ in range(10):
        await settle()
    await desk.time.advance(seconds)
    for _ in range(10):
        await settle()
    return desk.engine.policies.announced[-1].words if desk.engine.policies.announced else ""


@pytest.fixture
def journal(tmp_path: Path, at_once: None) -> Journal:
    return Journal(tmp_path)


async def test_it_is_announced_then_done_once_and_journalled_as_the_policys(journal: Journal) -> None:
    desk = Desk(journal, its(POLICY))
    since = desk.time.now
    desk.engine.policies.consider("drift", "fraud", since, lambda: True)
    assert await passed(desk) == "retrain of fraud for the alarm drift"
    assert desk.engine.policies.announced[0].at == since + 600
    assert desk.source.sent == []
    await passed(desk, 700)
    assert "done: it went on" in await passed(desk, 60)
    assert len(desk.source.sent) == 1
    assert (desk.record().first.policy, desk.record().first.kind) == ("p", Kind.TRIGGER.value)
    desk.engine.policies.consider("drift", "fraud", since, lambda: True)
    assert await passed(desk, 700) == "it has acted for this alarm"
    desk.engine.policies.consider("drift", "fraud", desk.time.now, lambda: True)
    assert await passed(desk, 700) == "it has acted as often as it may: 1 per 6h"
    assert len(desk.source.sent) == 1
    await desk.engine.close()


async def test_nothing_is_done_that_no_policy_says(journal: Journal) -> None:
    desk = Desk(journal, its(POLICY))
    desk.engine.policies.consider("another", "fraud", desk.time.now, lambda: True)
    desk.engine.policies.consider("drift", "another", desk.time.now, lambda: True)
    assert await passed(desk, 700) == ""
    for prepared in (
        Prepared(await _plan(desk, Kind.PROMOTE), policy="p"),
        Prepared(await _plan(desk), policy="q"),
    ):
        with pytest.raises(Refused):
            desk.actions.start(prepared)
    assert desk.source.sent == []


async def _plan(desk: Desk, kind: Kind = Kind.TRIGGER):  # type: ignore[no-untyped-def]
    from tests.engine.acting import WISH

    return (await desk.actions.plan(msgspec.structs.replace(WISH, kind=kind))).plan


async def test_read_only_an_alarm_that_is_over_and_a_no_keep_it_from_acting(journal: Journal) -> None:
    desk = Desk(journal, its(POLICY, read_only=True))
    desk.engine.policies.consider("drift", "fraud", desk.time.now, lambda: True)
    assert "read-only" in await passed(desk, 700)
    over = Desk(journal, its(POLICY), desk.time)
    over.engine.policies.consider("drift", "fraud", desk.time.now, lambda: False)
    assert "the alarm is over" in await passed(over, 700)
    over.engine.policies.consider("drift", "fraud", desk.time.now, lambda: True)
    await passed(over)
    over.engine.policies.withdraw("p")
    assert await passed(over, 700) == "a person said no"
    assert desk.source.sent == over.source.sent == []


async def test_one_program_at_a_time(journal: Journal, tmp_path: Path) -> None:
    time = Time()
    one, other = Desk(journal, its(POLICY), time), Desk(Journal(tmp_path), its(POLICY), time)
    one.engine.policies.consider("drift", "fraud", time.now, lambda: True)
    await passed(one)
    other.engine.policies.consider("drift", "fraud", time.now, lambda: True)
    assert await passed(other) == "another pipedeck here sees to the policies"
    await passed(one, 700)
    await passed(one, 60)
    assert (len(one.source.sent), len(other.source.sent)) == (1, 0)
    await one.engine.close()
