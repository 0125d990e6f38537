"""One step is one request: what is made of each recorded answer (contracts: jenkins §1.2, §1.3, §7, §10)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.jenkins.support import core, jenkins, recorded
from tests.http_stub import Reply as Answer
from tests.http_stub import Route
from tui.config import Secret
from tui.domain.action import Kind, Reply, Step, Wish
from tui.domain.address import Address

RUN = Address("ci", "deploy-model", 2)
PATH = "/job/deploy-model/2/stop"
STEP = Step("stop it", "POST", PATH, expect=(("do", "keep"), ("job", "deploy-model"), ("run", "2")))


async def judged(answer: Answer, **settings: Any) -> Reply:
    settings = {"user": "me", "token": Secret("jt-secret"), **settings}
    async with jenkins({}, timeout=0.5, **settings) as (source, stub):
        stub.routes["*"] = answer
        reply = await source.send(STEP, {})
        (request,) = stub.requests
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert request.headers["content-length"] == "0"
        assert "jt-secret" not in repr(reply)
        return reply


JUDGED = {
    "build-with-params-form": Reply("accepted", "", 201, (("queue", "24"),)),
    "graphview-rerun": Reply("accepted", "Build scheduled", 200, (("queue", "76"),)),
    "input-proceed-json-partial": Reply("accepted", "", 200),
    "replay-rebuild": Reply("accepted", "", 302),
    "queue-item-cancel": Reply("accepted", "", 204),
    "input-abort-viewer": Reply(
        "refused", "You need to be 'admin,dev' (or have Job/Cancel permissions) to cancel this.", 400
    ),
    "input-already-settled": Reply("refused", "it is no longer there, or this user may not do it", 404),
    "stop-running-viewer-403": Reply("refused", "viewer lacks hudson.model.Item.Cancel", 403),
    "queue-item-cancel-viewer": Reply(
        "refused", "it could not be canceled: it may have begun, or this user may not do it", 422
    ),
    "build-disabled-409": Reply("refused", "it cannot be built: it, or what holds it, is disabled", 409),
}


@pytest.mark.parametrize("name", JUDGED)
async def test_recorded_answer(name: str) -> None:
    assert await judged(recorded(name)) == JUDGED[name]


@pytest.mark.parametrize(
    "name", ["input-bad-choice", "build-with-params-bad-choice", "queue-item-cancel-again"]
)
async def test_error_of_the_servers_own_may_come_after_the_effect(name: str) -> None:
    reply = await judged(recorded(name))
    assert (reply.state, reply.status) == ("lost", 500)


async def test_crumb_is_asked_for_the_next_time_only() -> None:
    reply = await judged(recorded("csrf-missing-403"))
    assert reply.state == "refused"
    assert "crumb" in reply.words


async def test_nobody_is_told_to_log_in() -> None:
    reply = await judged(recorded("auth-anonymous-post-403"), user=None, token=None)
    assert (reply.state, "log-in" in reply.words) == ("refused", True)


async def test_login_page_is_no_yes() -> None:
    assert (await judged(Answer(302, {"Location": "/login?from=x"}))).state == "refused"
    assert (await judged(Answer.text("<html>Sign in</html>", content_type="text/html"))).state == "lost"


async def test_cut_and_silence_are_lost() -> None:
    assert (await judged(Answer(200, {}, b"some text", cut=True))).state == "lost"
    assert (await judged(Answer(hang=True))).state == "lost"


# What is asked for


def run(*asked: Mapping[str, Any], **more: Any) -> Answer:
    kind = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"
    gate = {"id": "Promote", "message": "Promote?", "parameters": asked}
    action = {"_class": kind, "executions": [{"id": "Promote", "settled": False, "input": gate}]}
    workflow = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
    return core({"_class": workflow, "number": 2, "inProgress": True, "actions": [action], **more})


API = "/job/deploy-model/2/api/json"


async def test_what_cannot_be_asked_for_here_is_left_to_the_browser() -> None:
    file = {"name": "DATA", "type": "FileParameterDefinition"}
    async with jenkins({API: run(file)}) as (source, stub):
        plan = await source.plan(Wish(Kind.APPROVE, RUN))
        assert plan.why_not == "it asks for 'DATA', which cannot be given here; open it in the browser"
        reject = await source.plan(Wish(Kind.REJECT, RUN))
        assert reject.possible
        assert {request.method for request in stub.requests} == {"GET"}


async def test_old_plugin_tells_of_inputs_elsewhere() -> None:
    routes: dict[str, Route] = {
        API: recorded("build-paused-for-input"),
        "/job/deploy-model/2/wfapi/pendingInputActions": recorded("wfapi-pendingInputActions"),
    }
    async with jenkins(routes) as (source, _):
        plan = await source.plan(Wish(Kind.APPROVE, RUN.at_gate("Promote")))
        assert [(field.name, field.kind, field.default) for field in plan.fields] == [
            ("STRATEGY", "choice", "blue-green"),
            ("PERCENT", "text", "100"),
            ("NOTIFY", "boolean", "true"),
            ("COMMENT", "lines", ""),
        ]
        (step,) = plan.steps
        assert step.path == "/job/deploy-model/2/input/Promote/proceed"


async def test_several_gates_have_to_be_named() -> None:
    kind = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"
    executions = [{"id": id, "settled": False, "input": {"id": id, "message": id}} for id in ("Eu", "Us")]
    body = {"_class": "x.WorkflowRun", "number": 2, "inProgress": True}
    answer = core({**body, "actions": [{"_class": kind, "executions": executions}]})
    async with jenkins({API: answer}) as (source, _):
        plan = await source.plan(Wish(Kind.APPROVE, RUN))
        assert plan.why_not == "it has 2 gates, name one: ci:deploy-model#2!Eu, ci:deploy-model#2!Us"


async def test_parameter_that_was_dropped_is_a_failure() -> None:
    item = {"id": 24, "_class": "hudson.model.Queue$LeftItem", "executable": {"number": 2}}
    parameters = {
        "_class": "hudson.model.ParametersAction",
        "parameters": [{"_class": "hudson.model.StringParameterValue", "name": "A", "value": "1"}],
    }
    build = core(
        {
            "_class": "x.WorkflowRun",
            "number": 2,
            "inProgress": False,
            "result": "SUCCESS",
            "actions": [parameters],
        }
    )
    notes = (
        ("do", "start"),
        ("source", "ci"),
        ("path", "deploy-model"),
        ("job", "deploy-model"),
        ("next", "2"),
    )
    async with jenkins({"/queue/item/24/api/json": core(item), API: build}) as (source, _):
        for sent, words in (
            ('{"A":"1","B":"2"}', "ci:deploy-model#2 ended as SUCCESS; Jenkins dropped B"),
            ('{"A":"2"}', "ci:deploy-model#2 ended as SUCCESS, with another A than was asked for"),
        ):
            step = Step("start", "POST", "/x", expect=(*notes, ("sent", sent)))
            seen = await source.observe(step, Reply("accepted", found=(("queue", "24"),)))
            assert (seen.state, seen.words) == ("failed", words)
