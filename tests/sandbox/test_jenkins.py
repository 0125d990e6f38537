"""The sandbox's Jenkins against recordings of a real one."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.sandbox.shapes import Recorded, body, recording
from tui.sandbox.faults import Faults
from tui.sandbox.jenkins import Options, jenkins_app
from tui.sandbox.plan import Task, plan
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, Pipeline, Scenario, World

START = 1_795_422_000.0


class Face:
    def __init__(self, world: World, http: httpx.AsyncClient, options: Options) -> None:
        self.world, self.http, self.options = world, http, options

    async def get(self, path: str) -> Any:
        """The JSON document at ``path``."""
        answer = await self.http.get(f"http://127.0.0.1/jenkins{path}")
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/json;charset=utf-8"
        return answer.json()

    async def tree(self, path: str, tree: str) -> Any:
        return await self.get(f"{path}/api/json?tree={quote(tree, safe='')}")


@pytest.fixture
async def face() -> AsyncIterator[Face]:
    world = World(demo(), Clock(START, manual=True))
    options = Options()
    transport = httpx.ASGITransport(jenkins_app(world, Faults(), options))
    async with httpx.AsyncClient(transport=transport) as http:
        yield Face(world, http, options)


# Shapes

BUILDS = (
    "build-running",
    "build-aborted",
    "build-paused-for-input",
    "build-failing-pipeline",
    "build-waiting-for-node",
    "build-on-agent",
    "multibranch-build3",
    "multibranch-main-build2",
    "freestyle-aborted",
)
JOBS = (
    "job-deploy-model",
    "job-freestyle-hello",
    "job-disabled-job",
    "job-failing-pipeline",
    "job-ml",
    "multibranch2",
    "multibranch-main-job",
)


def assert_same_shape(document: Any, *names: str) -> None:
    assert Recorded(*names).differences(document) == []


@pytest.mark.parametrize(
    ("path", "classes"),
    [
        ("/job/deploy-model/7", {"ParametersAction", "TestResultAction", "InputAction", "TimeInQueueAction"}),
        ("/job/deploy-model/6", {"ParametersAction", "CauseAction"}),
        ("/job/failing-pipeline/5", {"FlowGraphAction"}),
        ("/job/ml-service/job/main/11", {"BuildData", "SCMRevisionAction", "GitChangeSet"}),
        ("/job/ml/job/vision/job/quantize/3", {"WorkflowRun", "OneOffExecutor"}),
        ("/job/old-import/2", {"FreeStyleBuild", "EmptyChangeLogSet"}),
    ],
)
async def test_a_build_has_the_recorded_fields_and_types(face: Face, path: str, classes: set[str]) -> None:
    document = await face.get(f"{path}/api/json")
    recorded = Recorded(*BUILDS)
    assert recorded.differences(document) == []
    compared = {kind.rpartition(".")[2].rpartition("$")[2] for kind in recorded.covered(document)}
    assert classes <= compared


async def test_an_aborted_build_has_the_recorded_shape(face: Face) -> None:
    face.world.cancel(face.world.runs(face.world.pipelines("jenkins", "deploy-model")[0])[0], who="alice")
    document = await face.get("/job/deploy-model/7/api/json")
    assert (document["result"], document["building"]) == ("ABORTED", False)
    assert_same_shape(document, *BUILDS)


@pytest.mark.parametrize(
    "path",
    [
        "/job/deploy-model",
        "/job/needs-gpu",
        "/job/old-import",
        "/job/never-built",
        "/job/ml",
        "/job/ml-service",
        "/job/ml-service/job/main",
        "/job/ml-service/job/feature%252Fnew-head",
        "/job/ml/job/%C3%A9valuation%20nightly",
    ],
)
async def test_a_job_has_the_recorded_fields_and_types(face: Face, path: str) -> None:
    document = await face.get(f"{path}/api/json")
    recorded = Recorded(*JOBS)
    assert recorded.differences(document) == []
    assert document["_class"] in recorded.covered(document)


async def test_the_root_has_the_recorded_fields_and_types(face: Face) -> None:
    assert_same_shape(await face.get("/api/json"), "root")


@pytest.mark.parametrize(
    "name", ["root-tree-lastbuild", "root-final", "root-tree-builds-range", "root-tree-jobs-recursive"]
)
async def test_a_recorded_tree_gives_the_recorded_shape(face: Face, name: str) -> None:
    tree = recording(name)["path"].partition("tree=")[2]
    assert_same_shape(await face.tree("", tree), name)


async def test_the_queue_has_the_recorded_fields_and_types(face: Face) -> None:
    face.world.clock.advance(1)  # a run of ml-service/main waits out its quiet period at 75 s
    face.world.clock.advance(75)
    document = await face.get("/queue/api/json")
    assert {item["_class"].partition("$")[2] for item in document["items"]} == {
        "WaitingItem",
        "BuildableItem",
    }
    assert_same_shape(document, "queue", "queue-with-placeholder")
    tree = recording("queue-tree")["path"].partition("tree=")[2]
    assert_same_shape(await face.tree("/queue", tree), "queue-tree")


async def test_the_nodes_have_the_recorded_fields_and_types(face: Face) -> None:
    assert_same_shape(await face.get("/computer/api/json"), "computer")
    tree = (
        "busyExecutors,computer[displayName,executors[currentExecutable[number,url,fullDisplayName,timestamp,"
        "estimatedDuration],idle,progress,likelyStuck],oneOffExecutors[currentExecutable[number,url,"
        "fullDisplayName],idle,progress,likelyStuck]]"
    )
    document = await face.tree("/computer", tree)
    assert_same_shape(document, "computer-busy")
    busy = [e["currentExecutable"] for c in document["computer"] for e in c["executors"] if not e["idle"]]
    assert "ml » vision » train-resnet #9 (Fit)" in [executable["fullDisplayName"] for executable in busy]
    assert len(busy) == document["busyExecutors"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/job/deploy-model/7", "graphview-tree"),
        ("/job/failing-pipeline/5", "graphview-tree-failing-pipeline"),
        ("/job/ml/job/vision/job/train-resnet/9", "graphview-tree"),
    ],
)
async def test_the_stage_tree_has_the_recorded_fields_and_types(face: Face, path: str, name: str) -> None:
    assert_same_shape(
        await face.get(f"{path}/pipeline-overview/tree"), name, "graphview-pipeline-overview-tree"
    )


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/job/deploy-model/7/wfapi/describe", ("wfapi-describe-paused",)),
        ("/job/failing-pipeline/5/wfapi/describe", ("wfapi-describe-failing-pipeline",)),
        (
            "/job/ml-service/job/main/11/wfapi/describe",
            ("wfapi-describe-success", "multibranch-wfapi-describe3"),
        ),
        ("/job/deploy-model/7/wfapi/pendingInputActions", ("wfapi-pendingInputActions",)),
    ],
)
async def test_wfapi_has_the_recorded_fields_and_types(face: Face, path: str, names: tuple[str, ...]) -> None:
    face.options.stages = "wfapi"
    document = await face.get(path)
    links = Recorded(*names)
    differences = [line for line in links.differences(document) if "_links" not in line]
    assert differences == []


async def test_who_am_i_and_the_crumb_have_the_recorded_shape(face: Face) -> None:
    assert await face.get("/whoAmI/api/json") == body("whoAmI-anonymous")
    assert_same_shape(await face.get("/crumbIssuer/api/json"), "crumbIssuer-token")


# What the answers say


async def test_a_paused_run_is_unstable_while_it_builds_and_tells_its_input(face: Face) -> None:
    document = await face.tree(
        "/job/deploy-model/7",
        "building,inProgress,result,duration,actions[_class,waitingForInput,executions[id,input[id,message]]]",
    )
    assert (document["building"], document["inProgress"], document["result"]) == (True, True, "UNSTABLE")
    assert document["duration"] == 0
    inputs = next(action for action in document["actions"] if action.get("waitingForInput"))
    question = {"id": "Promote", "message": "Promote 2026.11.7 to production?"}
    assert inputs["executions"] == [{"id": "Promote", "input": question}]


async def test_an_answered_gate_lets_the_run_go_on(face: Face) -> None:
    run = face.world.runs(face.world.pipelines("jenkins", "deploy-model")[0])[0]
    stages = (await face.get("/job/deploy-model/7/pipeline-overview/tree"))["data"]["stages"]
    assert (stages[-1]["name"], stages[-1]["state"]) == ("Promote", "paused")
    face.world.approve(run, "Promote")
    stages = (await face.get("/job/deploy-model/7/pipeline-overview/tree"))["data"]["stages"]
    assert stages[-1]["state"] == "running"
    assert stages[-1]["pauseDurationMillis"] > 300_000
    face.world.clock.advance(30)
    data = (await face.get("/job/deploy-model/7/pipeline-overview/tree"))["data"]
    assert data["complete"]
    assert [stage["state"] for stage in data["stages"]][-2:] == ["success", "success"]


async def test_later_stages_are_skipped_after_a_failure(face: Face) -> None:
    stages = (await face.get("/job/failing-pipeline/5/pipeline-overview/tree"))["data"]["stages"]
    assert [(stage["name"], stage["state"], stage["synthetic"]) for stage in stages] == [
        ("Checkout", "success", False),
        ("Train", "success", False),
        ("Validate", "failure", False),
        ("Publish", "skipped", False),
        ("Post Actions", "success", True),
    ]
    face.options.stages = "wfapi"
    described = await face.get("/job/failing-pipeline/5/wfapi/describe")
    assert [stage["status"] for stage in described["stages"]] == [
        "SUCCESS",
        "SUCCESS",
        "FAILED",
        "FAILED",
        "SUCCESS",
    ]


async def test_branches_hold_their_stages(face: Face) -> None:
    stages = (await face.get("/job/ml/job/vision/job/train-resnet/9/pipeline-overview/tree"))["data"][
        "stages"
    ]
    train = next(stage for stage in stages if stage["name"] == "Train")
    assert [(branch["name"], branch["type"]) for branch in train["children"]] == [
        (f"shard-{n}", "PARALLEL") for n in range(4)
    ]
    assert [stage["type"] for stage in train["children"][0]["children"]] == ["STAGE", "STAGE"]
    ids = [node["id"] for stage in stages for node in [stage, *stage["children"]]]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids, key=int)


@pytest.mark.parametrize("source", ["stages", "pipeline-overview", "wfapi", "none"])
async def test_only_the_chosen_stage_source_is_there(face: Face, source: Any) -> None:
    face.options.stages = source
    there = []
    for path in ("stages/tree", "pipeline-overview/tree", "pipeline-graph/tree", "wfapi/describe"):
        answer = await face.http.get(f"http://127.0.0.1/jenkins/job/deploy-model/7/{path}")
        if answer.status_code == 200:
            there.append(path.partition("/")[0])
        else:
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("text/html")
            assert "x-jenkins" not in answer.headers
    assert there == ([] if source == "none" else [source])


async def test_the_flow_graph_is_connected_and_names_the_stages(face: Face) -> None:
    document = await face.tree(
        "/job/ml/job/vision/job/train-resnet/8",
        "actions[nodes[_class,id,displayName,iconColor,running,parents]]",
    )
    nodes = next(action["nodes"] for action in document["actions"] if "nodes" in action)
    ids = [node["id"] for node in nodes]
    assert ids == list(dict.fromkeys(ids))
    assert all(ids.index(parent) < ids.index(node["id"]) for node in nodes for parent in node["parents"])
    names = [node["displayName"] for node in nodes]
    assert names[0] == "Start of Pipeline"
    assert names[-1] == "End of Pipeline"
    assert {"Checkout", "Train", "Branch: shard-3", "Warm up", "Execute in parallel : End"} <= set(names)
    join = next(node for node in nodes if node["displayName"] == "Execute in parallel : End")
    assert len(join["parents"]) == 4
    assert not any(node["running"] for node in nodes)


async def test_a_queued_run_becomes_a_build_and_its_item_leaves() -> None:
    pipeline = Pipeline(
        system="jenkins", path="slow", tasks=plan(Task("build", 10)), wait=6, kind="freestyle"
    )
    world = World(Scenario(pipelines=(pipeline,)), Clock(START, manual=True))
    transport = httpx.ASGITransport(jenkins_app(world, Faults()))
    async with httpx.AsyncClient(transport=transport) as http:
        slow = Face(world, http, Options())
        run = world.trigger(pipeline, "alice")
        item = await slow.get(f"/queue/item/{run.id}/api/json")
        assert (item["_class"], item["why"]) == (
            "hudson.model.Queue$WaitingItem",
            "In the quiet period. Expires in 6.0 sec",
        )
        job = await slow.tree("/job/slow", "inQueue,queueItem[id],lastBuild[number],color")
        assert job == {
            "_class": "hudson.model.FreeStyleProject",
            "color": "notbuilt",
            "inQueue": True,
            "queueItem": {"_class": "hudson.model.Queue$WaitingItem", "id": run.id},
            "lastBuild": None,
        }
        world.clock.advance(6)
        item = await slow.get(f"/queue/item/{run.id}/api/json")
        assert_same_shape(item, "queue-item-left-executable")
        assert item["executable"]["number"] == 1
        assert (await slow.tree("/job/slow", "color,inQueue"))["color"] == "notbuilt_anime"
        assert (await slow.get("/queue/api/json"))["items"] == []
        world.clock.advance(310)
        assert (await http.get(f"http://x/jenkins/queue/item/{run.id}/api/json")).status_code == 404
        assert (await slow.tree("/job/slow", "color"))["color"] == "blue"


async def test_folders_have_no_color_and_branches_keep_their_encoded_names(face: Face) -> None:
    document = await face.tree("", "jobs[name,color,lastBuild[number],jobs[name,displayName,fullName,url]]")
    jobs = {job["name"]: job for job in document["jobs"]}
    assert "color" not in jobs["ml"]
    assert "lastBuild" not in jobs["ml-service"]
    assert jobs["never-built"]["lastBuild"] is None
    branch = next(job for job in jobs["ml-service"]["jobs"] if job["displayName"] == "feature/new-head")
    assert branch["fullName"] == "ml-service/feature%2Fnew-head"
    assert branch["url"] == "http://jenkins.example/jenkins/job/ml-service/job/feature%252Fnew-head/"


async def test_urls_come_from_the_configured_root(face: Face) -> None:
    face.options.root_url = "https://elsewhere.example/"
    document = await face.tree("/job/deploy-model", "url,lastBuild[url]")
    assert document["url"] == "https://elsewhere.example/job/deploy-model/"
    assert document["lastBuild"]["url"] == "https://elsewhere.example/job/deploy-model/7/"


@pytest.mark.parametrize(
    "path", ["/job/nope/api/json", "/job/deploy-model/99/api/json", "/nope", "/queue/item/9/api/json"]
)
async def test_what_is_not_there_is_a_page(face: Face, path: str) -> None:
    answer = await face.http.get(f"http://127.0.0.1/jenkins{path}")
    recorded = recording("notfound-job-404")
    assert (answer.status_code, answer.headers["content-type"]) == (404, recorded["headers"]["Content-Type"])
    assert answer.headers["x-jenkins"] == "2.516.3"


async def test_outside_the_prefix_there_is_nothing(face: Face) -> None:
    assert (await face.http.get("http://127.0.0.1/api/json")).status_code == 404
    assert (await face.http.get("http://127.0.0.1/jenkinsapi/json")).status_code == 404


async def test_credentials_are_checked_as_recorded(face: Face) -> None:
    face.options.user, face.options.token = "alice", "secret"
    url = "http://127.0.0.1/jenkins/api/json"
    nobody = await face.http.get(url)
    recorded = recording("auth-anonymous-403")
    assert (nobody.status_code, nobody.headers["content-type"]) == (403, recorded["headers"]["Content-Type"])
    assert "Authentication required" in nobody.text
    assert "www-authenticate" not in nobody.headers
    wrong = await face.http.get(url, auth=("alice", "guess"))
    recorded = recording("auth-bad-token-401")
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (
        401,
        recorded["headers"]["WWW-Authenticate"],
    )
    assert "x-jenkins" not in wrong.headers
    right = await face.http.get(url, auth=("alice", "secret"))
    assert (right.status_code, right.headers["x-jenkins"]) == (200, "2.516.3")
    assert (await face.http.get("http://127.0.0.1/jenkins/whoAmI/api/json")).json()["anonymous"] is True


async def test_a_broken_tree_is_an_exception_page(face: Face) -> None:
    answer = await face.http.get("http://127.0.0.1/jenkins/api/json?tree=jobs[name")
    assert answer.status_code == recording("root-tree-bad-400")["status"] == 500
    assert answer.headers["content-type"].startswith("text/html")
