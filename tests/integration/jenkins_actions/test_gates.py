"""Approving and rejecting an input (contracts: jenkins §7)."""

import httpx
import pytest

from tests.integration.jenkins_actions.site import Site
from tui.domain.action import ActionField as Asked
from tui.domain.action import ActionKind
from tui.sandbox.plan import Form, RunField

FORM = Form(
    (RunField("STRATEGY", "Choice", "canary", ("canary", "rolling")), RunField("NOTIFY", "Boolean", True))
)


async def test_approved_without_parameters(ci: Site) -> None:
    run = await ci.start()
    plan = await ci.plan(ActionKind.APPROVE, run.at_gate("Promote"))
    assert plan.steps[0].path.endswith("/input/Promote/proceedEmpty")
    assert (await ci.source.observe(plan.steps[0], None)).state == "nothing"
    seen = await ci.done(plan)
    assert (seen.state, seen.words) == ("done", "approved; the run goes on")
    assert (await ci.source.observe(plan.steps[0], None)).state == "done"
    again = await ci.plan(ActionKind.APPROVE, run.at_gate("Promote"))
    assert "no longer waits" in again.why_not
    assert len(ci.writes) == 2


async def test_all_parameters_are_sent(ci: Site) -> None:
    ci.options.forms = {"Promote": FORM}
    run = await ci.start()
    plan = await ci.plan(ActionKind.APPROVE, run, STRATEGY="rolling")
    assert plan.fields == (
        Asked("STRATEGY", "choice", "canary", ("canary", "rolling")),
        Asked("NOTIFY", "boolean", "true"),
    )
    sent = '{"parameter":[{"name":"STRATEGY","value":"rolling"},{"name":"NOTIFY","value":true}]}'
    assert plan.steps[0].body == (("json", sent),)
    assert (await ci.done(plan)).state == "done"
    assert (
        "one of canary, rolling"
        in (await ci.plan(ActionKind.APPROVE, await ci.start(), STRATEGY="x")).why_not
    )


async def test_what_is_sent_and_the_gates_own_button_are_in_the_plan(ci: Site) -> None:
    pin = RunField("PIN", "Password")
    ci.options.forms = {"Promote": Form((*FORM.fields, pin), button="Ship it")}
    plan = await ci.plan(ActionKind.APPROVE, await ci.start(), STRATEGY="rolling")
    assert plan.button == "Ship it"
    assert ("values", "STRATEGY=rolling, NOTIFY=true, PIN=***") in plan.facts
    assert (await ci.plan(ActionKind.REJECT, await ci.start())).button == ""
    assert await ci.source.account() == "you"


async def test_secret_is_in_no_plan(ci: Site) -> None:
    ci.options.forms = {"Promote": Form((RunField("PIN", "Password"),))}
    plan = await ci.plan(ActionKind.APPROVE, await ci.start())
    assert plan.fields[0].kind == "secret"
    (step,) = plan.steps
    assert '"***"' in step.body[0][1]
    assert (await ci.source.send(step, {})).state == "unsent"
    reply = await ci.source.send(step, {"PIN": "hush-1"})
    assert reply.state == "accepted"
    assert "hush-1" not in repr((step, reply))


async def test_rejected(ci: Site) -> None:
    run = await ci.start()
    seen = await ci.done(await ci.plan(ActionKind.REJECT, run.at_gate("Promote")))
    assert (seen.state, seen.words) == ("done", "rejected; the run ended as ABORTED")
    assert "has ended" in (await ci.plan(ActionKind.APPROVE, run)).why_not


async def test_refused_in_the_words_of_the_server(ci: Site) -> None:
    ci.options.forms = {"Promote": Form(submitter="ops")}
    plan = await ci.plan(ActionKind.APPROVE, await ci.start())
    assert ("who may answer", "ops") in plan.facts
    step, reply = await ci.send(plan)
    assert (reply.state, reply.over) == ("lost", True)
    assert reply.words == "You need to be ops to submit this."
    assert (await ci.source.observe(step, reply)).state == "nothing"


@pytest.mark.parametrize(
    ("ours", "theirs"), [(ActionKind.APPROVE, ActionKind.REJECT), (ActionKind.REJECT, ActionKind.APPROVE)]
)
async def test_somebody_else_was_faster(ci: Site, ours: ActionKind, theirs: ActionKind) -> None:
    run = await ci.start()
    (step,) = (await ci.plan(ours, run)).steps
    await ci.send(await ci.plan(theirs, run))
    reply = await ci.source.send(step, {})
    assert (reply.state, reply.over) == ("lost", True)
    seen = await ci.source.observe(step, reply)
    assert (seen.state, seen.not_ours) == ("failed", True)


async def test_approved_by_somebody_else(ci: Site) -> None:
    run = await ci.start()
    (step,) = (await ci.plan(ActionKind.APPROVE, run)).steps
    ci.options.user = "bob"
    async with httpx.AsyncClient(auth=("bob", "jt-secret"), trust_env=False) as bob:
        assert (await bob.post(ci.url + step.path)).status_code == 200
    ci.options.user = "you"
    seen = await ci.source.observe(step, None)
    assert (seen.state, seen.words) == ("done", "bob approved it, not you; the run goes on")


async def test_yes_that_comes_to_its_effect_later(ci: Site) -> None:
    ci.options.lag = 20
    run = await ci.start()
    step, reply = await ci.send(await ci.plan(ActionKind.APPROVE, run))
    assert (await ci.source.observe(step, reply)).state == "accepted"
    ci.pass_time(21)
    assert (await ci.source.observe(step, reply)).state == "done"


async def test_offers_of_a_run(ci: Site) -> None:
    run = await ci.start()
    words = [offer.words for offer in await ci.source.offers(run) if offer.possible]
    assert words[:2] == ["Approve 'Promote'", "Reject 'Promote'"]
