"""What is asked of a Gate, and that its yes is not believed (contracts: spinnaker §9)."""

import json
from typing import Any

import pytest

from tests.contract.spinnaker.bodies import (
    MS,
    RUNNING,
    config,
    execution,
    group,
    judgment,
    stage,
    ulid,
)
from tests.contract.spinnaker.conftest import FakeGate, Open
from tests.http_stub import Reply
from tui.config import SpinnakerEnvironment
from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Step
from tui.domain.action import Reply as Answer
from tui.domain.address import Address
from tui.insight.deployment_rules import Start
from tui.sources.spinnaker.source import SpinnakerSource

PIPELINE = Address("spin", "shop/pipeline 1")
RUN = PIPELINE.at_run(ulid(1))
GATE = RUN.at_gate("Manual Judgment")
PLACE = Address("spin", "shop", environment="live")
NOTHING = Reply(200)
"""What Orca's operator answers whether it did anything or not."""


async def plan(source: SpinnakerSource, kind: ActionKind, target: Address, *values: tuple[str, str]) -> Plan:
    return await source.plan(ActionRequest(kind, target, values, "because"))


async def only(source: SpinnakerSource, kind: ActionKind, target: Address, *values: tuple[str, str]) -> Step:
    found = await plan(source, kind, target, *values)
    assert found.possible, found.why_not
    (step,) = found.steps
    return step


def waiting(gate: FakeGate, **context: Any) -> dict[str, Any]:
    """A run that waits for a judgment; its stage."""
    gate.configs = [config(1)]
    gate.executions = [execution(1, judgment(**context), **RUNNING)]
    found: dict[str, Any] = gate.executions[0]["stages"][0]
    return found


def modified(user: str) -> dict[str, Any]:
    return {"user": user, "allowedAccounts": [], "lastModifiedTime": MS}


async def seen(source: SpinnakerSource, step: Step, reply: Answer | None = None) -> Observation:
    return await source.observe(step, reply)


# --- judging ------------------------------------------------------------------------------------------------------


async def test_a_judgment_is_believed_when_its_stage_has_ended(
    gate: FakeGate, source: SpinnakerSource
) -> None:
    told = waiting(gate, judgmentInputs=[{"value": "fast"}], instructions="Ship it?")
    step = await only(source, ActionKind.APPROVE, GATE, ("input", "fast"))
    gate.routes[f"PATCH /pipelines/{ulid(1)}/stages/S1"] = NOTHING
    reply = await source.send(step, {})
    assert [(method, path, json.loads(body)) for method, path, body in gate.changed()] == [
        (
            "PATCH",
            f"/pipelines/{ulid(1)}/stages/S1",
            {"judgmentStatus": "continue", "judgmentInput": "fast"},
        )
    ]
    assert (await seen(source, step, reply)).state == "nothing"
    told["context"]["judgmentStatus"] = "continue"
    told["lastModified"] = modified("ann")
    assert (await seen(source, step, reply)).state == "happening"
    told["status"] = "SUCCEEDED"
    assert (await seen(source, step, reply)).state == "done"
    assert (await seen(source, step)).state == "done", "after a restart too"


async def test_the_judgment_of_a_wrong_role_is_put_back(gate: FakeGate, source: SpinnakerSource) -> None:
    told = waiting(gate, selectedStageRoles=["sre"])
    step = await only(source, ActionKind.APPROVE, RUN)
    told["context"]["judgmentStatus"] = ""
    told["lastModified"] = modified("ann")
    found = await seen(source, step, Answer("accepted", status=200))
    assert found.state == "failed"
    assert "your role is not allowed (it needs one of sre)" in found.words


async def test_somebody_else_was_faster(gate: FakeGate, source: SpinnakerSource) -> None:
    told = waiting(gate)
    step = await only(source, ActionKind.APPROVE, GATE)
    told |= {"status": "TERMINAL", "lastModified": modified("bob")}
    told["context"]["judgmentStatus"] = "stop"
    found = await seen(source, step, None)
    assert (found.state, found.not_ours, found.words) == ("failed", True, "bob judged 'Manual Judgment' stop")


@pytest.mark.parametrize(
    ("context", "status", "effect"),
    [
        ({}, "TERMINAL", "the run ends"),
        ({"continuePipeline": True}, "FAILED_CONTINUE", "the pipeline goes on all the same"),
        ({"continuePipeline": "false", "failPipeline": False}, "STOPPED", "its branch ends"),
    ],
)
async def test_a_stop_need_not_stop_and_the_plan_says_so(
    gate: FakeGate, source: SpinnakerSource, context: Any, status: str, effect: str
) -> None:
    told = waiting(gate, **context)
    found = await plan(source, ActionKind.REJECT, GATE)
    assert effect in dict(found.facts)["effect"]
    assert json.loads(found.steps[0].body[0][1]) == {"judgmentStatus": "stop"}
    told |= {"status": status, "lastModified": modified("ann")}
    told["context"]["judgmentStatus"] = "stop"
    ended = await seen(source, found.steps[0])
    assert (ended.state, effect in ended.words) == ("done", True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "PAUSED"}, "the run is paused"),
        ({"stage": {"status": "SUCCEEDED"}}, "it does not wait: SUCCEEDED"),
        ({"context": {"judgmentStatus": "continue"}}, "it was judged already (continue)"),
        ({"context": {"preventSelfApproval": True}}, "must not be judged by who started the run, ann"),
        ({"stage": {"type": "wait"}}, "no manual judgment"),
    ],
)
async def test_what_gate_would_take_and_do_nothing_of_is_refused(
    gate: FakeGate, source: SpinnakerSource, change: Any, words: str
) -> None:
    told = waiting(gate)
    told |= change.pop("stage", {})
    told["context"] |= change.pop("context", {})
    gate.executions[0] |= change
    found = await plan(source, ActionKind.APPROVE, GATE)
    assert (found.possible, words in found.why_not, found.steps) == (False, True, ()), found.why_not


async def test_a_choice_that_is_none(gate: FakeGate, source: SpinnakerSource) -> None:
    waiting(gate, judgmentInputs=[{"value": "fast"}])
    found = await plan(source, ActionKind.APPROVE, GATE, ("input", "slow"))
    assert found.why_not == "'slow' is none of its choices: fast"


# --- canceling, pausing -------------------------------------------------------------------------------------------


async def test_canceling(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    gate.executions = [execution(1, stage("1", "jenkins", **RUNNING), **RUNNING)]
    step = await only(source, ActionKind.CANCEL, RUN)
    assert (step.method, step.path) == ("PUT", f"/pipelines/{ulid(1)}/cancel?reason=because")
    assert (await seen(source, step)).state == "nothing"
    gate.executions[0] |= {"canceled": True, "canceledBy": "ann"}
    # An execution that is stuck would otherwise be waited for without end.
    assert (await seen(source, step)).state == "accepted"
    gate.executions[0] |= {"status": "CANCELED"}
    assert (await seen(source, step)).state == "done"
    found = await plan(source, ActionKind.CANCEL, RUN)
    assert found.why_not == "it has ended: CANCELED", "it would be marked and told of all the same"


async def test_pausing_and_resuming(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs, gate.executions = [config(1)], [execution(1, stage("1", **RUNNING), **RUNNING)]
    pause = await only(source, ActionKind.PAUSE, RUN)
    assert (pause.method, pause.path) == ("PUT", f"/pipelines/{ulid(1)}/pause")
    assert (await plan(source, ActionKind.RESUME, RUN)).why_not == "it is RUNNING, not PAUSED"
    assert (await seen(source, pause)).state == "nothing"
    gate.executions[0]["status"] = "PAUSED"
    assert (await seen(source, pause)).state == "done"
    assert (await only(source, ActionKind.RESUME, RUN)).path == f"/pipelines/{ulid(1)}/resume"


# --- once more ----------------------------------------------------------------------------------------------------


async def test_restarting_what_failed(gate: FakeGate, source: SpinnakerSource) -> None:
    deploys = {"account": "k8s", "outputs.manifestNamesByNamespace": {"prod": ["deployment shop"]}}
    broken = stage("2", "deployManifest", ("1",), status="TERMINAL", name="Deploy", context=deploys)
    after = stage("3", needs=("2",), status="NOT_STARTED")
    gate.configs = [config(1)]
    gate.executions = [execution(1, stage("1"), broken, after, status="TERMINAL")]
    found = await plan(source, ActionKind.RETRY, RUN)
    (step,) = found.steps
    assert (step.method, step.path, step.body) == (
        "PUT",
        f"/pipelines/{ulid(1)}/stages/S2/restart",
        (("", "{}"),),
    )
    assert dict(found.facts)["runs again, too"] == "'stage 3'"
    assert any("puts the version of this run again" in each for each in found.warnings)
    assert (await seen(source, step)).state == "nothing", "the answer is the run before the restart"
    broken["context"]["restartDetails"] = {"restartTime": MS}
    broken["status"] = gate.executions[0]["status"] = "RUNNING"
    assert (await seen(source, step)).state == "happening"
    broken["status"] = gate.executions[0]["status"] = "SUCCEEDED"
    assert (await seen(source, step)).state == "done"


async def test_one_stage_by_name_and_one_that_goes_on(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    gate.executions = [execution(1, stage("1", name="A"), stage("2", name="B", **RUNNING), **RUNNING)]
    step = await only(source, ActionKind.RETRY, RUN.at_job("A"))
    assert "/stages/S1/" in step.path
    assert (await plan(source, ActionKind.RETRY, RUN, ("stage", "B"))).why_not == "it has not ended: RUNNING"
    assert (await plan(source, ActionKind.RETRY, RUN, ("stage", "C"))).why_not == "it has no stage 'C'"


async def test_what_ended_well_is_started_again_with_its_parameters(
    gate: FakeGate, source: SpinnakerSource
) -> None:
    gate.configs = [config(1, parameterConfig=[{"name": "EPOCHS", "default": "3"}])]
    given = {"type": "manual", "parameters": {"EPOCHS": 12, "gone": "x"}}
    gate.executions = [execution(1, stage("1"), trigger=given)]
    step = await only(source, ActionKind.RETRY, RUN)
    assert step.method == "POST"
    assert json.loads(step.body[0][1])["parameters"] == {"EPOCHS": "12"}


# --- starting -----------------------------------------------------------------------------------------------------

PARAMETERS = [
    {"name": "VERSION", "label": "which", "required": True, "default": ""},
    {
        "name": "MODE",
        "hasOptions": True,
        "options": [{"value": "slow"}, {"value": "fast"}],
        "default": "slow",
    },
    {"name": "NOTE", "options": [{"value": ""}], "hasOptions": False, "default": None},
    {"name": "TAG", "default": "${trigger.tag}", "required": True},
]


async def test_a_start_carries_a_mark_and_is_found_by_it(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1, parameterConfig=PARAMETERS)]
    found = await plan(source, ActionKind.TRIGGER, PIPELINE, ("VERSION", "7"))
    (step,) = found.steps
    assert [(each.name, each.kind, each.required) for each in found.fields] == [
        ("VERSION", "text", True),
        ("MODE", "choice", False),
        ("NOTE", "text", False),
        ("TAG", "text", False),
    ]
    body = json.loads(step.body[0][1])
    mark = body.pop("correlationId")
    assert body == {
        "type": "manual",
        "parameters": {"VERSION": "7", "MODE": "slow", "NOTE": ""},  # the server works the last one out
        "dryRun": False,
    }
    assert step.path == f"/pipelines/shop/{config(1)['id']}"
    gate.routes[f"POST {step.path}"] = Reply.json({"ref": f"/pipelines/{ulid(5)}"}, 202)
    reply = await source.send(step, {})
    assert dict(reply.found) == {"run": ulid(5)}
    trigger = {"type": "manual", "parameters": {}, "correlationId": mark}
    gate.executions = [execution(4), execution(5, stage("1", **RUNNING), trigger=trigger, **RUNNING)]
    for answer in (reply, None):  # the answer may be lost
        ours = await seen(source, step, answer)
        assert (ours.state, ours.result) == ("happening", PIPELINE.at_run(ulid(5)))
    gate.executions.pop()
    assert (await seen(source, step)).state == "nothing"


async def test_a_refused_start_may_have_left_an_execution(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    step = await only(source, ActionKind.TRIGGER, PIPELINE)
    gate.routes[f"POST {step.path}"] = Reply.json({"status": 400, "message": "no such template"}, 400)
    reply = await source.send(step, {})
    assert (reply.state, reply.over) == ("lost", True)
    mark = json.loads(step.body[0][1])["correlationId"]
    died = execution(
        1,
        status="TERMINAL",
        canceledBy="system",
        cancellationReason="Failed on startup: no such template",
        trigger={"type": "manual", "correlationId": mark},
    )
    gate.executions = [died]
    found = await seen(source, step, reply)
    assert (found.state, "Failed on startup" in found.words) == ("failed", True)


@pytest.mark.parametrize(
    ("more", "values", "words"),
    [
        ({"disabled": True}, (), "it is disabled"),
        ({}, (("EPOCS", "1"),), "it has no parameter 'EPOCS'"),
        ({"parameterConfig": PARAMETERS}, (("MODE", "warp"),), "'MODE' cannot be 'warp'"),
    ],
)
async def test_what_cannot_be_started(
    gate: FakeGate, source: SpinnakerSource, more: Any, values: Any, words: str
) -> None:
    gate.configs = [config(1, **more)]
    found = await plan(source, ActionKind.TRIGGER, PIPELINE, *values)
    assert (found.possible, words in found.why_not) == (False, True)


# --- going back ---------------------------------------------------------------------------------------------------


def place(**more: Any) -> dict[str, Any]:
    rule = SpinnakerEnvironment(application="shop", cluster="deployment shop", **more)
    return {"environments": {"live": rule}}


async def test_undoing_a_rollout_by_its_revision(gate: FakeGate, at: Open) -> None:
    source = at(**place())
    gate.configs = [config(1)]
    gate.groups = [group(1, "shop:1"), group(2, "shop:2"), group(3, "shop:3", up=3)]
    step = await only(source, ActionKind.ROLLBACK, PLACE)
    body = json.loads(step.body[0][1])
    assert step.path == "/tasks"
    assert body["job"] == [
        {
            "type": "undoRolloutManifest",
            "cloudProvider": "kubernetes",
            "account": "k8s",
            "location": "prod",
            "manifestName": "deployment shop",
            "revision": 2,
            "reason": "because",
        }
    ]
    gate.routes["POST /tasks"] = Reply.json({"ref": f"/tasks/{ulid(7)}"})
    reply = await source.send(step, {})
    task = {"id": ulid(7), "name": body["description"], "status": "RUNNING"}
    gate.routes[f"GET /tasks/{ulid(7)}"] = lambda _: Reply.json(task)
    assert (await seen(source, step, reply)).state == "happening"
    task["status"] = "SUCCEEDED"
    manifest = deployed("shop:3", "3")
    gate.routes["GET /manifests/k8s/prod/deployment shop"] = lambda _: Reply.json(manifest)
    assert (await seen(source, step, reply)).state == "accepted", "it is not there yet"
    manifest = deployed("shop:2", "4")
    gate.routes["GET /applications/shop/tasks"] = lambda _: Reply.json([task])
    for answer in (reply, None):
        found = await seen(source, step, answer)
        assert (found.state, found.words) == ("done", "spin:shop@live has 2 again")
    manifest = deployed("shop:9", "5")
    assert (await seen(source, step, reply)).state == "failed", "somebody deployed meanwhile"


def deployed(image: str, revision: str) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "shop", "image": image}]}}}
    metadata = {"annotations": {"deployment.kubernetes.io/revision": revision}}
    return {"account": "k8s", "manifest": {"kind": "Deployment", "metadata": metadata, "spec": spec}}


async def test_an_operation_that_is_forbidden_is_taken_and_ends(gate: FakeGate, at: Open) -> None:
    source = at(**place())
    gate.configs, gate.groups = [config(1)], [group(1, "shop:1"), group(2, "shop:2", up=1)]
    step = await only(source, ActionKind.ROLLBACK, PLACE)
    reason = "ad-hoc execution of type: undoRolloutManifest has been explicitly disabled"
    ended = {"id": "x", "status": "TERMINAL", "cancellationReason": reason, "stages": []}
    gate.routes["GET /tasks/x"] = Reply.json({"id": "x", "status": "TERMINAL", "execution": ended})
    found = await seen(source, step, Answer("accepted", found=(("task", "x"),)))
    assert (found.state, reason in found.words) == ("failed", True)


def vm(sequence: int, up: int, **more: Any) -> dict[str, Any]:
    name = f"shop-main-v{sequence:03}"
    off = {"isDisabled": not up, "cloudProvider": "aws", "type": "aws", "buildInfo": None}
    return group(sequence, "", up=up, cluster="deployment shop", **{"name": name, **off, **more})


async def test_enabling_the_server_group_before(gate: FakeGate, at: Open) -> None:
    source = at(**place())
    gate.configs, gate.groups = [config(1)], [vm(1, 0), vm(2, 2)]
    step = await only(source, ActionKind.ROLLBACK, PLACE)
    (job,) = json.loads(step.body[0][1])["job"]
    assert (job["type"], job["rollbackType"]) == ("rollbackServerGroup", "EXPLICIT")
    assert job["rollbackContext"]["restoreServerGroupName"] == "shop-main-v001"
    assert job["rollbackContext"]["rollbackServerGroupName"] == "shop-main-v002"
    gate.routes["GET /tasks/x"] = Reply.json({"id": "x", "status": "SUCCEEDED"})
    reply = Answer("accepted", found=(("task", "x"),))
    assert (await seen(source, step, reply)).state == "accepted", "Clouddriver lags"
    gate.groups = [vm(1, 2), vm(2, 0)]
    assert (await seen(source, step, reply)).state == "done"


async def test_by_a_configured_pipeline(gate: FakeGate, at: Open) -> None:
    back = Start(job="shop/back", parameters={"VERSION": "{version}", "WHERE": "{environment}"})
    source = at(**place(rollback=back, canary="deployment shop-canary"))
    declared = [{"name": "VERSION"}, {"name": "WHERE"}]
    gate.configs = [config(1), config(2, "back", parameterConfig=declared)]
    gate.groups = [group(1, "shop:1"), group(2, "shop:2"), group(3, "shop:3", up=3)]
    step = await only(source, ActionKind.ROLLBACK, PLACE)
    assert json.loads(step.body[0][1])["parameters"] == {"VERSION": "2", "WHERE": "live"}
    further = await only(source, ActionKind.ROLLBACK, PLACE, ("version", "1"))
    assert json.loads(further.body[0][1])["parameters"]["VERSION"] == "1"
    # A canary goes back to what it is beside.
    gate.groups.append(group(4, "shop:4", up=1, cluster="deployment shop-canary"))
    beside = await plan(source, ActionKind.ROLLBACK, PLACE)
    assert json.loads(beside.steps[0].body[0][1])["parameters"]["VERSION"] == "3"
    assert "whether the canary 4 goes is up to shop/back" in beside.warnings[0]


async def test_where_there_is_no_way_back(gate: FakeGate, at: Open) -> None:
    source = at(**place(canary="deployment shop-canary"))
    gate.configs, gate.groups = [config(1)], [group(1, "shop:1", up=1)]
    assert "no earlier version" in (await plan(source, ActionKind.ROLLBACK, PLACE)).why_not
    gate.groups.append(group(2, "shop:2", up=1, cluster="deployment shop-canary"))
    assert "reject the judgment" in (await plan(source, ActionKind.ROLLBACK, PLACE)).why_not
    gate.groups = []
    assert "cannot be told" in (await plan(source, ActionKind.ROLLBACK, PLACE)).why_not


async def test_sent_once_and_its_answers_judged(gate: FakeGate, source: SpinnakerSource) -> None:
    waiting(gate)
    step = await only(source, ActionKind.APPROVE, GATE)
    page = Reply.text("<html>log in</html>", content_type="text/html")
    for answer, state in (
        (NOTHING, "accepted"),
        (page, "lost"),
        (Reply(302, {"Location": "/login"}), "refused"),
        (Reply(401), "refused"),
        (Reply.json({"message": "Access is denied"}, 403), "refused"),
        (Reply.json({"message": "boom"}, 500), "lost"),
        (Reply.text("{", 200), "lost"),
    ):
        gate.stub.requests.clear()
        gate.routes[f"PATCH {step.path}"] = answer
        assert (await source.send(step, {})).state == state, answer
        assert len(gate.changed()) == 1


async def test_the_menu(gate: FakeGate, source: SpinnakerSource) -> None:
    waiting(gate)
    offers = {each.words: each.possible for each in await source.offers(RUN)}
    assert offers == {
        "Let 'Manual Judgment' go on": True,
        "Stop at 'Manual Judgment'": True,
        "Restart what failed, or run it again": False,
        "Cancel the run": True,
        "Pause the run": True,
        "Resume the run": False,
        "Start a new run": True,
    }
