"""Plans and offers that the config makes of a request."""

from typing import Any

import msgspec
import pytest

from tests.engine.acting_source import STEP, Desk, events, settings
from tests.engine.world import START
from tui.config import (
    Launch,
    ModelSettings,
)
from tui.domain.action import (
    ActionField,
    ActionKind,
    ActionRequest,
    Observation,
    Plan,
)
from tui.domain.address import parse_address
from tui.domain.deployment import Deployment, Environment, Rollback
from tui.domain.status import Status
from tui.engine.actions.journal import Journal


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
