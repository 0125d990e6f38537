"""One action on several things that were marked."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.engine.acting_source import at_once
from tests.screens.test_action_flow import GATE, Desk, Source, desk
from tests.screens.test_deck import world
from tui.domain.action import ActionField, ActionKind, ActionRequest, Activity, Offer, Plan, Reply
from tui.domain.address import Address, parse_address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.insight.activities import on_environment, on_pipeline

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

IDLE, VISION, DEPLOY = "jenkins:ml/idle#1", "jenkins:ml/vision#3", "jenkins:deploy#7"


class Picky(Source):
    """What it plans depends on the target."""

    reasons: dict[str, str]
    ways: dict[str, int]
    """In how many ways it can be run again, the whole run first."""
    asks: dict[str, tuple[ActionField, ...]]

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        if target.environment is not None:
            return (Offer(ActionRequest(ActionKind.ROLLBACK, target), "Roll back"),)
        request = ActionRequest(ActionKind.RETRY, target)
        ways = [request, *(ActionRequest(ActionKind.RETRY, target, (("stage", f"{n}"),)) for n in range(9))]
        again = tuple(Offer(each, "Run it again") for each in ways[: self.ways.get(str(target), 1)])
        return (*await super().offers(target), *again)

    async def plan(self, request: ActionRequest) -> Plan:
        plan = await super().plan(request)
        why = self.reasons.get(str(request.target), "")
        fields = self.asks.get(str(request.target), ())
        steps = tuple(msgspec.structs.replace(each, path=f"/{request.target}/press") for each in plan.steps)
        return msgspec.structs.replace(plan, possible=not why, why_not=why, fields=fields, steps=steps)


@pytest.fixture
async def work(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as desk_:
        source = desk_.jenkins
        source.__class__ = Picky
        assert isinstance(source, Picky)
        source.reasons, source.asks, source.ways = {}, {}, {}
        yield desk_


def rows(work: Desk) -> list[str]:
    return [line for line in work.text.split("\n")[4:9] if "#" in line]


async def mark_all_of_jenkins(work: Desk) -> None:
    await work.say("m", "down", "m", "m")


async def test_marks_are_seen_held_by_their_rows_and_taken_away(work: Desk) -> None:
    await mark_all_of_jenkins(work)
    assert [row[1] for row in rows(work)] == ["*", "✗", "*", "*"]
    assert "* 3 marked" in work.text.split("\n")[-1]
    await work.say("s")
    assert [row[1] for row in rows(work) if "fraud" not in row] == ["*"] * 3
    await work.say("home", "m")
    assert "* 2 marked" in work.text
    await work.say("escape")
    assert "*" not in work.text


async def test_one_plan_tells_of_each_and_one_answer_is_for_all_that_is_possible(
    work: Desk, tmp_path: Path
) -> None:
    source = work.jenkins
    assert isinstance(source, Picky)
    source.reasons = {VISION: "it runs already"}
    await mark_all_of_jenkins(work)
    await work.say("a")
    assert "2 of 3, each by itself" in work.text
    assert f"left out: {VISION}: it runs already" in work.text
    assert f"approve {GATE}" in work.text, "the gate that waits in the run"
    assert f"approve {IDLE}" in work.text
    await work.say("y")
    await work.settle(30)
    assert len(source.sent) == 2
    records = Journal(tmp_path).read()
    assert {str(each.first.target) for each in records} == {GATE, IDLE}
    assert all(each.outcome is not None and each.outcome.state == "done" for each in records)
    assert "*" not in work.text, "what was done is marked no more"


async def test_each_is_retried_in_its_usual_way_and_what_cannot_be_is_named(work: Desk) -> None:
    source = work.jenkins
    assert isinstance(source, Picky)
    source.ways = {IDLE: 2, DEPLOY: 3}
    source.reasons = {VISION: "it still runs"}
    await mark_all_of_jenkins(work)
    await work.say("r")
    assert "2 of 3, each by itself" in work.text
    assert f"left out: {VISION}: it still runs" in work.text
    assert "more than one way" not in work.text
    await work.say("y")
    await work.settle(30)
    assert sorted(each.path for each in source.sent) == [f"/{DEPLOY}/press", f"/{IDLE}/press"]
    begun = [each.plan.request for each in work.app.runtime.actions.activities]
    assert {(str(each.target), each.values) for each in begun} == {(IDLE, ()), (DEPLOY, ())}


async def test_each_has_its_own_outcome_and_no_is_the_default(work: Desk) -> None:
    await mark_all_of_jenkins(work)
    await work.say("a", "enter")
    assert work.jenkins.sent == []
    assert "* 3 marked" in work.text, "one may answer otherwise"
    work.jenkins.reply = Reply("refused", "not today")
    await work.say("a", "y")
    await work.settle(5)
    states = [each.state for each in work.app.runtime.actions.activities]
    assert states == ["refused"] * 3
    words = " ".join(work.text.split())
    assert words.count("refused") >= 3


async def test_production_is_typed_once_for_all_and_what_asks_for_more_is_left_out(work: Desk) -> None:
    source = work.jenkins
    assert isinstance(source, Picky)
    source.environment = "production"
    source.asks = {
        IDLE: (ActionField("WHY", required=True),),
        VISION: (ActionField("N", default="1", required=True),),
    }
    await mark_all_of_jenkins(work)
    await work.say("a")
    assert f"left out: {IDLE}: it asks for WHY" in work.text
    await work.say(*"production", "enter")
    assert len(source.sent) == 2


async def test_where_nothing_can_be_done_nothing_can_be_answered(work: Desk) -> None:
    work.jenkins.possible = False
    source = work.jenkins
    assert isinstance(source, Picky)
    source.reasons = {IDLE: "no", VISION: "no", GATE: "no"}
    await mark_all_of_jenkins(work)
    await work.say("a")
    assert "0 of 3" in work.text
    assert "n Close" in work.text
    await work.say("y")
    assert source.sent == []


async def test_gates_can_be_marked_and_panes_without_marks_have_no_such_key(work: Desk) -> None:
    await work.say("7", "m")
    assert "* 1 marked" in work.text
    await work.say("2", "m")
    assert "marked" not in work.text
    await work.say("7", "a")
    assert f"Approve {GATE}" in work.text, "one alone is asked about by itself"
    await work.say("y")
    await work.settle(30)
    assert len(work.jenkins.sent) == 1
    assert "marked" not in work.text


PRODUCTION = parse_address("jenkins:deploy@production")


async def test_rolling_back_finds_the_one_environment_of_what_is_under_the_cursor(work: Desk) -> None:
    place = Environment(PRODUCTION, (Deployment("1", Status.PASSED, "1"),))
    pipeline = PRODUCTION.pipeline
    work.jenkins.places[pipeline] = Environments((place,))
    work.jenkins.pasts[PRODUCTION] = place
    await work.say("b")
    assert f"Roll back {pipeline}" in work.text
    assert "to go back to" in work.text, "by the rules of rolling back, on the environment"
    await work.say("escape")
    stopped = Environment(parse_address("jenkins:deploy@old"), place.deployments, stopped=True)
    staging = Environment(parse_address("jenkins:deploy@staging"), place.deployments)
    work.jenkins.places[pipeline] = Environments((place, stopped, staging))
    await work.say("b")
    assert work.screen.current == "deployments"
    assert "2 environments of jenkins:deploy#7:" in work.text


def test_what_acts_on_an_environment_is_told_at_it_and_at_its_pipelines() -> None:
    def acting(target: str, environment: str = "", ref: str = "") -> Activity:
        request = ActionRequest(ActionKind.RETRY, parse_address(target), (("ref", ref),) if ref else ())
        return Activity("1", Plan(request, "", environment=environment), "sending", "", 0.0)

    gate = acting(GATE, "production")
    assert on_environment(gate, PRODUCTION, (PRODUCTION.pipeline,))
    assert not on_environment(gate, PRODUCTION, ())
    assert on_environment(acting(str(PRODUCTION)), PRODUCTION, ())
    fraud = world(0.0)["gitlab"].pipelines[0]
    assert on_pipeline(acting("gitlab:ml/fraud#9"), fraud)
    assert not on_pipeline(acting("gitlab:ml/fraud#4"), fraud)
    assert on_pipeline(acting("gitlab:ml/fraud@live"), fraud)
    assert on_pipeline(acting("gitlab:ml/fraud", ref=fraud.ref), fraud)
    assert not on_pipeline(acting("gitlab:ml/fraud", ref="main"), fraud)
