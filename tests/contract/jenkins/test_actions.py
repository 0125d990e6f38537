"""What a plan asks for, and what becomes of what it sent (contracts: jenkins §7, §10)."""

from collections.abc import Mapping
from typing import Any

from tests.contract.jenkins.support import core, jenkins, recorded
from tests.http_stub import Reply as Answer
from tests.http_stub import Route
from tui.domain.action import ActionKind, ActionRequest, Reply, Step
from tui.domain.address import Address

RUN = Address("ci", "deploy-model", 2)


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
        plan = await source.plan(ActionRequest(ActionKind.APPROVE, RUN))
        assert plan.why_not == "it asks for 'DATA', which cannot be given here; open it in the browser"
        reject = await source.plan(ActionRequest(ActionKind.REJECT, RUN))
        assert reject.possible
        assert {request.method for request in stub.requests} == {"GET"}


async def test_old_plugin_tells_of_inputs_elsewhere() -> None:
    routes: dict[str, Route] = {
        API: recorded("build-paused-for-input"),
        "/job/deploy-model/2/wfapi/pendingInputActions": recorded("wfapi-pendingInputActions"),
    }
    async with jenkins(routes) as (source, _):
        plan = await source.plan(ActionRequest(ActionKind.APPROVE, RUN.at_gate("Promote")))
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
        plan = await source.plan(ActionRequest(ActionKind.APPROVE, RUN))
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
            step = Step("start", "POST", "/x", expect=(*notes, ("sent", sent)), kind="start")
            seen = await source.observe(step, Reply("accepted", found=(("queue", "24"),)))
            assert (seen.state, seen.words) == ("failed", words)
