"""What a plan asks for, and what becomes of what it sent (contracts: jenkins §7, §10)."""

import email
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

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


PASSWORD = {
    "name": "PIN",
    "type": "PasswordParameterDefinition",
    "defaultParameterValue": {"_class": "hudson.model.PasswordParameterValue"},
}


@pytest.mark.parametrize(
    ("given", "sent"), [({}, {}), ({"PIN": "1234"}, {"PIN": ["1234"]}), ({"PIN": ""}, {"PIN": [""]})]
)
async def test_password_that_is_left_out_is_left_to_the_job(
    given: dict[str, str], sent: dict[str, list[str]]
) -> None:
    text = {"name": "A", "type": "StringParameterDefinition", "defaultParameterValue": {"value": "1"}}
    job = core({"name": "j", "buildable": True, "property": [{"parameterDefinitions": [PASSWORD, text]}]})
    async with jenkins({"/job/j/api/json": job}) as (source, stub):
        stub.routes["POST /job/j/buildWithParameters"] = Answer(201, {"Location": "/queue/item/7/"})
        plan = await source.plan(ActionRequest(ActionKind.TRIGGER, Address("ci", "j")))
        assert [(field.name, field.kind, field.required) for field in plan.fields] == [
            ("PIN", "secret", False),
            ("A", "text", False),
        ]
        assert plan.missing == ()
        (step,) = plan.steps
        assert (await source.send(step, given)).state == "accepted"
        assert parse_qs(stub.requests[-1].body.decode(), keep_blank_values=True) == {"A": ["1"], **sent}


async def test_password_of_a_run_that_is_repeated_has_to_be_given_again() -> None:
    had = {"_class": "hudson.model.ParametersAction", "parameters": [{"name": "PIN"}]}
    build = {"_class": "x.FreeStyleBuild", "number": 1, "result": "SUCCESS", "actions": [had]}
    job = core({"name": "j", "buildable": True, "property": [{"parameterDefinitions": [PASSWORD]}]})
    routes = {"/job/j/api/json": job, "/job/j/1/api/json": core(build)}
    async with jenkins(routes) as (source, _):
        plan = await source.plan(ActionRequest(ActionKind.RETRY, Address("ci", "j", 1)))
        assert plan.missing == ("PIN",)
        assert (await source.send(plan.steps[0], {})).state == "unsent"


LAUNCH = Address("ci", "launch")
LAUNCHED = "/job/launch/api/json"


def of_kind(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "IT", "type": f"{kind}ParameterDefinition", "description": None, **more}


def job(*definitions: Mapping[str, Any]) -> Answer:
    asked = {"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": definitions}
    return core({"_class": "hudson.model.FreeStyleProject", "nextBuildNumber": 3, "property": [asked]})


BASELINE = {"_class": "hudson.model.RunParameterValue", "name": "IT", "jobName": "rec/eval", "number": "2"}


@pytest.mark.parametrize(
    ("definition", "given", "body"),
    [
        (of_kind("Run", defaultParameterValue=BASELINE), "rec/eval#1", (("IT", "rec/eval#1"),)),
        (of_kind("Run", defaultParameterValue=BASELINE), None, ()),
        (of_kind("Credentials", defaultParameterValue={"name": "IT"}), "hub-2", (("IT", "hub-2"),)),
        (of_kind("Credentials", defaultParameterValue={"name": "IT"}), None, ()),
        (of_kind("PT_BRANCH_"), "main", (("IT", "main"),)),
        (of_kind("PT_BRANCH_"), None, ()),
        (of_kind("File"), None, ()),
    ],
)
async def test_what_is_given_is_sent_and_what_is_not_is_left_to_the_server(
    definition: Mapping[str, Any], given: str | None, body: tuple[tuple[str, str], ...]
) -> None:
    values = () if given is None else (("IT", given),)
    async with jenkins({LAUNCHED: job(definition)}) as (source, stub):
        stub.routes["POST /job/launch/buildWithParameters"] = Answer(201, {"Location": "/queue/item/9/"})
        plan = await source.plan(ActionRequest(ActionKind.TRIGGER, LAUNCH, values))
        assert plan.possible, plan.why_not
        (step,) = plan.steps
        assert step.body == body
        assert (await source.send(step, {})).state == "accepted"
        (write,) = (request for request in stub.requests if request.method == "POST")
        assert write.form == {name: [value] for name, value in body}
        assert write.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "given", "why"),
    [
        ("File", "/nowhere/data.yaml", "'IT': '/nowhere/data.yaml' is no file that can be read"),
        ("File", "/", "'IT': '/' is no file that can be read"),
        ("StashedFile", "/tmp/data.yaml", "'IT' cannot be given here; open it in the browser"),
        ("Run", "rec/eval", "'IT' is a run, written JOB#NUMBER, not 'rec/eval'"),
        ("Run", "rec/eval#lastBuild", "'IT' is a run, written JOB#NUMBER, not 'rec/eval#lastBuild'"),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_not_dropped(kind: str, given: str, why: str) -> None:
    async with jenkins({LAUNCHED: job(of_kind(kind))}) as (source, stub):
        plan = await source.plan(ActionRequest(ActionKind.TRIGGER, LAUNCH, (("IT", given),)))
        assert (plan.possible, plan.why_not, plan.steps) == (False, why, ())
        assert {request.method for request in stub.requests} == {"GET"}


@pytest.mark.parametrize(("number", "state"), [("1", "done"), ("2", "failed")])
async def test_a_run_that_was_given_is_looked_for_in_what_began(number: str, state: str) -> None:
    had = [
        {"_class": "hudson.model.RunParameterValue", "name": "BASE", "jobName": "rec/eval", "number": number},
        {"_class": "com.cloudbees.plugins.credentials.CredentialsParameterValue", "name": "REGISTRY"},
    ]
    actions = [{"_class": "hudson.model.ParametersAction", "parameters": had}]
    build = core(
        {
            "_class": "x.FreeStyleBuild",
            "number": 2,
            "building": False,
            "result": "SUCCESS",
            "actions": actions,
        }
    )
    notes = {"source": "ci", "path": "deploy-model", "job": "deploy-model", "next": "2"}
    sent = '{"BASE":"rec/eval#1","REGISTRY":"hub-2"}'
    async with jenkins({API: build}) as (source, _):
        step = Step("start", "POST", "/x", expect=(*notes.items(), ("sent", sent)), kind="start")
        seen = await source.observe(step, Reply("accepted", found=(("number", "2"),)))
        assert seen.state == state, seen.words


async def test_a_gate_that_asks_for_a_run_gets_it_under_its_own_key() -> None:
    asked = (
        {"name": "BASE", "type": "RunParameterDefinition"},
        {"name": "KEY", "type": "CredentialsParameterDefinition"},
    )
    async with jenkins({API: run(*asked)}) as (source, _):
        plan = await source.plan(ActionRequest(ActionKind.APPROVE, RUN))
        assert [(field.name, field.required) for field in plan.fields] == [("BASE", True), ("KEY", True)]
        given = (("BASE", "rec/eval#1"), ("KEY", "hub-2"))
        (step,) = (await source.plan(ActionRequest(ActionKind.APPROVE, RUN, given))).steps
        sent = '{"parameter":[{"name":"BASE","runId":"rec/eval#1"},{"name":"KEY","value":"hub-2"}]}'
        assert step.body == (("json", sent),)


async def test_a_repeat_says_which_value_it_cannot_know() -> None:
    had = [
        {"_class": "hudson.model.RunParameterValue", "name": "BASE", "jobName": "rec/eval", "number": "1"},
        {"_class": "com.cloudbees.plugins.credentials.CredentialsParameterValue", "name": "KEY"},
    ]
    actions = [{"_class": "hudson.model.ParametersAction", "parameters": had}]
    build = core(
        {
            "_class": "x.FreeStyleBuild",
            "number": 2,
            "building": False,
            "result": "SUCCESS",
            "actions": actions,
        }
    )
    asked = job(of_kind("Run", name="BASE"), of_kind("Credentials", name="KEY"))
    async with jenkins({API: build, "/job/deploy-model/api/json": asked}) as (source, _):
        plan = await source.plan(ActionRequest(ActionKind.RETRY, RUN))
        assert plan.steps[0].body == (("BASE", "rec/eval#1"),)
        assert "what 'KEY' was is not told: the job's default is taken" in plan.warnings


async def test_a_file_is_a_part_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_bytes(b"lr: 1e-3\n\x00\xff")
    asked = job(
        of_kind("File", name="data/config.yaml"),
        of_kind("String", name="STAGE"),
        of_kind("Password", name="KEY"),
    )
    given = (("data/config.yaml", str(path)), ("STAGE", "zürich"))
    async with jenkins({LAUNCHED: asked}) as (source, stub):
        stub.routes["POST /job/launch/buildWithParameters"] = Answer(201, {"Location": "/queue/item/9/"})
        (step,) = (await source.plan(ActionRequest(ActionKind.TRIGGER, LAUNCH, given))).steps
        assert step.body == (("data/config.yaml", str(path)), ("STAGE", "zürich"), ("KEY", "***"))
        assert (await source.send(step, {"KEY": "hush"})).state == "accepted"
        path.unlink()
        unsent = await source.send(step, {"KEY": "hush"})
        assert (unsent.state, unsent.words) == ("unsent", f"{path} cannot be read: No such file or directory")
        (write,) = (request for request in stub.requests if request.method == "POST")
        head = f"Content-Type: {write.headers['content-type']}\r\n\r\n".encode()
        parts = email.message_from_bytes(head + write.body).get_payload()
        assert isinstance(parts, list)
        found = {
            part.get_param("name", header="content-disposition"): (
                part.get_filename(),
                part.get_payload(decode=True),
            )
            for part in parts
            if isinstance(part, Message)
        }
        assert found == {
            "STAGE": (None, "zürich".encode()),
            "KEY": (None, b"hush"),
            "data/config.yaml": ("data.yaml", b"lr: 1e-3\n\x00\xff"),
        }


async def test_a_pipeline_gets_no_file(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_bytes(b"")
    asked = [{"parameterDefinitions": [of_kind("File")]}]
    pipeline = core({"_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "property": asked})
    async with jenkins({LAUNCHED: pipeline}) as (source, _):
        given = (("IT", str(tmp_path / "data.yaml")),)
        plan = await source.plan(ActionRequest(ActionKind.TRIGGER, LAUNCH, given))
        assert plan.why_not == "a Pipeline gets no file from 'IT': Jenkins lists it and drops it"
