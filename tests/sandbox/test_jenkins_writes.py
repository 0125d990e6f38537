"""What the sandbox's Jenkins lets be done to it, over real HTTP (contracts: jenkins §7, §10)."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.serving import serving
from tui.sandbox.faults import Faults, Kind
from tui.sandbox.jenkins import Options, jenkins_app
from tui.sandbox.plan import Form, RunField, Task, plan
from tui.sandbox.world import Clock, Pipeline, Scenario, World

START = 1_795_422_000.0
PIPELINES = (
    Pipeline(
        system="jenkins",
        path="deploy",
        tasks=plan(Task("Build", 5), Task("Promote", 5, gate="Promote {version}?"), Task("Tell", 5)),
        parameters=(("TARGET", "staging"), ("DRY", "true")),
    ),
    Pipeline(system="jenkins", path="train", tasks=plan(Task("Fit", 30))),
    Pipeline(system="jenkins", path="old", kind="freestyle", disabled=True),
)
FORM = Form(
    (RunField("STRATEGY", "Choice", "canary", ("canary", "rolling")), RunField("NOTIFY", "Boolean", True))
)
INPUTS = (
    "actions[_class,userId,waitingForInput,executions[id,settled,"
    "input[id,message,submitter,parameters[_class,name,type,choices,defaultParameterValue[value]]]]]"
)


class Face:
    def __init__(self, url: str, clock: Clock, options: Options, faults: Faults) -> None:
        self.clock, self.options, self.faults = clock, options, faults
        self.http = httpx.Client(base_url=url, auth=("you", "token"), trust_env=False)

    def post(self, path: str, **data: Any) -> httpx.Response:
        return self.http.post(f"/jenkins{path}", data=data)

    def get(self, path: str, tree: str = "") -> Any:
        answer = self.http.get(f"/jenkins{path}/api/json", params={"tree": tree} if tree else {})
        assert answer.status_code == 200, path
        return answer.json()

    def deploy(self) -> str:
        """The path of a new run that waits at its gate."""
        assert self.post("/job/deploy/buildWithParameters").status_code == 201
        self.clock.advance(10)
        return f"/job/deploy/{self.get('/job/deploy', 'lastBuild[number]')['lastBuild']['number']}"

    def inputs(self, run: str) -> list[Any]:
        actions = self.get(run, INPUTS)["actions"]
        return next(each["executions"] for each in actions if "executions" in each)


@pytest.fixture
def face() -> Iterator[Face]:
    clock = Clock(START, manual=True)
    options, faults = Options(user="you", token="token"), Faults()
    world = World(Scenario(pipelines=PIPELINES), clock)
    with serving(jenkins_app(world, faults, options)) as url:
        it = Face(url, clock, options, faults)
        yield it
        it.http.close()


def sent(**values: Any) -> str:
    return json.dumps({"parameter": [{"name": name, "value": value} for name, value in values.items()]})


# Inputs


def test_the_stage_view_tells_what_is_asked_for(face: Face) -> None:
    face.options.stages = "wfapi"
    face.options.forms = {"Promote": Form((*FORM.fields, RunField("PIN", "Password", "x", help="yours")))}
    run = face.deploy()
    (told,) = face.http.get(f"/jenkins{run}/wfapi/pendingInputActions").json()
    choice = {"defaultVal": "canary", "choices": ["canary", "rolling"]}
    assert told["inputs"] == [
        {"type": "ChoiceParameterDefinition", "name": "STRATEGY", "definition": choice},
        {"type": "BooleanParameterDefinition", "name": "NOTIFY", "definition": {"defaultVal": True}},
        {
            "type": "PasswordParameterDefinition",
            "name": "PIN",
            "description": "yours",
            "definition": {"defaultVal": ""},
        },
    ]


def test_input_is_told_with_all_it_asks_for(face: Face) -> None:
    face.options.forms = {"Promote": Form(FORM.fields, submitter="you,ops")}
    [execution] = face.inputs(face.deploy())
    assert execution["input"]["submitter"] == "you,ops"
    choice, flag = execution["input"]["parameters"]
    assert (choice["type"], choice["choices"]) == ("ChoiceParameterDefinition", ["canary", "rolling"])
    assert flag["defaultParameterValue"]["value"] is True


def test_approval_empties_the_inputs_and_tells_who(face: Face) -> None:
    run = face.deploy()
    answer = face.post(f"{run}/input/Promote/proceedEmpty")
    assert (answer.status_code, answer.content) == (200, b"")
    assert face.inputs(run) == []
    assert "you" in [each.get("userId") for each in face.get(run, INPUTS)["actions"]]
    assert face.post(f"{run}/input/Promote/abort").status_code == 404


def test_abort_ends_the_run(face: Face) -> None:
    run = face.deploy()
    assert face.post(f"{run}/input/Promote/abort").status_code == 200
    assert face.get(run, "result")["result"] == "ABORTED"


def test_proceed_wants_what_fits(face: Face) -> None:
    face.options.forms = {"Promote": FORM}
    run = face.deploy()
    proceed = f"{run}/input/Promote/proceed"
    assert face.post(proceed).status_code == 400
    assert face.post(proceed, json=sent(STRATEGY="nonsense")).status_code == 500
    assert face.post(proceed, json=sent(OTHER="x")).status_code == 500
    assert len(face.inputs(run)) == 1
    assert face.post(proceed, json=sent(STRATEGY="rolling", NOTIFY=False)).status_code == 200
    assert face.inputs(run) == []


def test_submit_without_its_field_aborts(face: Face) -> None:
    run = face.deploy()
    answer = face.post(f"{run}/input/Promote/submit", json=sent())
    assert (answer.status_code, answer.headers["location"]) == (302, f"/jenkins{run}/console")
    assert face.get(run, "result")["result"] == "ABORTED"


def test_only_those_named_may_approve(face: Face) -> None:
    face.options.forms = {"Promote": Form(submitter="alice,qa")}
    run = face.deploy()
    answer = face.post(f"{run}/input/Promote/proceedEmpty")
    assert (answer.status_code, answer.headers["x-error"]) == (400, "You need to be alice,qa to submit this.")
    face.options.denied = frozenset({"Cancel"})
    answer = face.post(f"{run}/input/Promote/abort")
    assert "You need to be 'alice,qa'" in answer.headers["x-error"]
    face.options.groups = frozenset({"qa"})
    assert face.post(f"{run}/input/Promote/proceedEmpty").status_code == 200


def test_answer_may_take_its_time(face: Face) -> None:
    face.options.lag = 3
    run = face.deploy()
    assert face.post(f"{run}/input/Promote/proceedEmpty").status_code == 200
    assert len(face.inputs(run)) == 1
    again = face.post(f"{run}/input/Promote/proceedEmpty")
    assert (again.status_code, again.headers["x-error"]) == (400, "This input has been already given")
    face.clock.advance(3)
    assert face.inputs(run) == []


@pytest.mark.parametrize("id", ["promote", "Nope"])
def test_wrong_id_is_not_found(face: Face, id: str) -> None:
    assert face.post(f"{face.deploy()}/input/{id}/proceedEmpty").status_code == 404


# Starting


def test_build_is_found_through_its_item(face: Face) -> None:
    face.options.quiet = 5
    answer = face.post("/job/train/build")
    assert answer.status_code == 201
    item = answer.headers["location"].partition("/jenkins")[2].rstrip("/")
    assert "executable" not in face.get(item)
    assert face.post("/job/train/build").headers["location"] == answer.headers["location"]
    face.clock.advance(5)
    assert face.get(item)["executable"]["number"] == 1
    assert face.post("/job/train/build").headers["location"] != answer.headers["location"]


def test_parameters_are_kept_or_dropped(face: Face) -> None:
    face.post("/job/deploy/buildWithParameters", TARGET="prod", BOGUS="x")
    actions = face.get("/job/deploy/1", "actions[parameters[name,value]]")["actions"]
    kept = next(each["parameters"] for each in actions if each.get("parameters"))
    assert [(each["name"], each["value"]) for each in kept] == [("TARGET", "prod"), ("DRY", True)]


def test_equal_one_in_the_queue_is_pointed_at(face: Face) -> None:
    face.options.quiet = 5
    first = face.post("/job/deploy/buildWithParameters", TARGET="prod")
    again = face.post("/job/deploy/buildWithParameters", TARGET="prod")
    other = face.post("/job/deploy/buildWithParameters", TARGET="dev")
    assert [first.status_code, again.status_code, other.status_code] == [201, 303, 201]
    assert first.headers["location"] == again.headers["location"] != other.headers["location"]
    assert len(face.get("/queue")["items"]) == 2


def test_wrong_way_to_start(face: Face) -> None:
    face.options.choices = {"TARGET": ("staging", "prod")}
    statuses = [
        face.post("/job/deploy/build").status_code,
        face.post("/job/train/buildWithParameters", A="b").status_code,
        face.post("/job/old/build").status_code,
        face.post("/job/deploy/buildWithParameters", TARGET="moon").status_code,
        face.post("/job/none/build").status_code,
    ]
    assert statuses == [400, 500, 409, 500, 404]


def test_queued_item_can_be_cancelled_once(face: Face) -> None:
    face.options.quiet = 5
    item = face.post("/job/train/build").headers["location"].rstrip("/").rpartition("/")[2]
    statuses = [face.post(f"/queue/cancelItem?id={id}").status_code for id in (item, item, 99999)]
    assert statuses == [204, 500, 404]
    assert face.get(f"/queue/item/{item}")["cancelled"] is True


# Runs


def test_stop_of_what_resists(face: Face) -> None:
    face.options.resists = frozenset({"stop", "term"})
    face.post("/job/train/build")
    for how, building in (("stop", True), ("term", True), ("kill", False), ("stop", False)):
        answer = face.post(f"/job/train/1/{how}")
        assert (answer.status_code, answer.headers["location"]) == (302, "/jenkins/job/train/1/")
        assert face.get("/job/train/1", "building")["building"] is building


def test_replay_and_restart_tell_why_they_began(face: Face) -> None:
    face.post("/job/train/build")
    face.clock.advance(60)
    assert face.get("/job/train/1/restart")["restartableStages"] == ["Fit"]
    assert face.post("/job/train/1/replay/rebuild").status_code == 302
    restarted = face.post("/job/train/1/restart/restartPipeline?stageName=Fit")
    assert restarted.json()["data"]["success"] == "true"
    refused = face.post("/job/train/1/restart/restartPipeline?stageName=Nope")
    assert (refused.status_code, refused.json()["data"]["success"]) == (200, "false")
    texts = [
        cause["shortDescription"]
        for number in (2, 3)
        for action in face.get(f"/job/train/{number}", "actions[causes[*]]")["actions"]
        for cause in action.get("causes", [])
    ]
    assert "Rebuilt #1" in texts
    assert "Restarted from build #1, stage Fit" in texts


def test_restart_of_a_running_build_is_not_found(face: Face) -> None:
    face.post("/job/train/build")
    assert face.http.get("/jenkins/job/train/1/restart/api/json").status_code == 404


def test_keep_and_describe(face: Face) -> None:
    face.post("/job/train/build")
    face.post("/job/train/1/toggleLogKeep")
    face.post("/job/train/1/submitDescription", description="hi & bye")
    said = face.get("/job/train/1", "keepLog,description")
    assert (said["keepLog"], said["description"]) == (True, "hi & bye")


# Who may


@pytest.mark.parametrize(
    ("path", "status", "right"),
    [
        ("build", 403, "hudson.model.Item.Build"),
        ("1/stop", 403, "hudson.model.Item.Cancel"),
        ("1/toggleLogKeep", 403, "hudson.model.Run.Update"),
        ("1/replay/rebuild", 404, None),
    ],
)
def test_missing_permission(face: Face, path: str, status: int, right: str | None) -> None:
    face.post("/job/train/build")
    face.options.denied = frozenset({"Build", "Cancel", "Update"})
    answer = face.post(f"/job/train/{path}")
    assert (answer.status_code, answer.headers.get("x-required-permission")) == (status, right)


@pytest.mark.parametrize("path", ["build", "buildWithParameters", "1/stop", "1/input/Promote/proceedEmpty"])
def test_get_changes_nothing(face: Face, path: str) -> None:
    assert face.http.get(f"/jenkins/job/train/{path}").status_code == 405
    assert face.faults.writes == []


def test_password_needs_the_crumb_of_the_session(face: Face) -> None:
    face.options.password = "secret"
    face.http.auth = httpx.BasicAuth("you", "secret")
    refused = face.post("/job/train/build")
    assert refused.status_code == 403
    assert "No valid crumb" in refused.text
    crumb = face.get("/crumbIssuer")
    face.http.headers[crumb["crumbRequestField"]] = crumb["crumb"]
    assert face.post("/job/train/build").status_code == 201
    face.options.session = "restarted"
    assert face.post("/job/train/build").status_code == 403


# Cuts


@pytest.mark.parametrize(("kind", "done"), [("unheard", False), ("unanswered", True), ("cut", True)])
def test_cut_at_each_point(face: Face, kind: Kind, done: bool) -> None:
    run = face.deploy()
    face.faults.set(kind, path="/input/")
    with pytest.raises(httpx.TransportError):
        face.post(f"{run}/input/Promote/proceedEmpty", why="x")
    assert (face.inputs(run) == []) is done
    write = face.faults.writes[-1]
    assert (write.method, write.path, write.body) == (
        "POST",
        f"/jenkins{run}/input/Promote/proceedEmpty",
        "why=x",
    )
