"""What goes on inside a run: the runs that it started, the one that started it, and the locks it waits for."""

import json
import re
from typing import Any

import pytest

from tests.contract.jenkins.staged import RUN, build, graph, node
from tests.contract.jenkins.support import ABSENT, Instant, asked, body, core, jenkins, recorded, recording
from tests.http_stub import Reply, Request, Route
from tui.domain.address import Address
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.sources.jenkins.payload import FLOW_NODES
from tui.sources.jenkins.read.inside import SOON, lock_in, steps_in

PARENT = "/job/rec/job/train-and-evaluate"
RECORDED = (
    *(f"build-step-graphview-tree-child-{state}" for state in ("queued", "running")),
    *(f"build-step-parent-core-{state}" for state in ("child-running", "finished")),
    "build-step-graphview-tree-finished",
    "lock-waiting-step-wfapi-describe",
    *(
        f"lock-waiting-{kind}-{what}"
        for kind in ("step", "stage-options")
        for what in ("core", "flowgraph", "graphview-tree")
    ),
)
LABELS = re.compile(
    r'nodeId="(?P<node>\d+)" (?:startId="\d+" )?(?:enclosingId="\d+" )?label="(?P<label>[^"]+)"'
)
"""What the recorded HTML log says of its nodes."""


def flow(*nodes: tuple[str, str, str, str, str]) -> Reply:
    """A graph of (id, class, name, parents with blanks between, colour)."""
    made = [
        {
            "_class": f"org.jenkinsci.plugins.workflow.cps.nodes.{kind}",
            "id": id,
            "displayName": name,
            "iconColor": color,
            "parents": parents.split(),
        }
        for id, kind, name, parents, color in nodes
    ]
    action = {"_class": "org.jenkinsci.plugins.workflow.job.views.FlowGraphAction", "nodes": made}
    return core({"_class": RUN, "actions": [{}, action]})


def parent_graph() -> Reply:
    """That of the recorded parent, a line of stages with a step in each: its nodes are told of in the HTML log."""
    log = recording("build-step-parent-progressiveHtml")["body"]
    labels = {found["node"]: found["label"] for found in LABELS.finditer(log)}
    nodes: list[tuple[str, str, str, str, str]] = [("2", "FlowStartNode", "Start of Pipeline", "", "blue")]
    last = "2"
    for start in range(5, 41, 5):
        step = labels.get(str(start + 2), "Shell Script")
        chain = (
            ("StepStartNode", "Stage : Start"),
            ("StepStartNode", labels.get(str(start + 1), "")),
            ("StepAtomNode", step),
            ("StepEndNode", "Stage : Body : End"),
            ("StepEndNode", "Stage : End"),
        )
        for number, (kind, name) in enumerate(chain):
            nodes.append((str(start + number), kind, name, last, "blue"))
            last = str(start + number)
    return flow(*nodes)


def by_tree(run: Reply, nodes: Reply) -> Route:
    """Answers a run's page with one or the other."""
    return lambda request: nodes if "nodes[" in request.query["tree"][0] else run


def node_logs() -> dict[str, Route]:
    """The logs of single steps, out of that of the whole run."""
    log = recording("build-step-parent-progressiveHtml")["body"]
    found = re.findall(r'<span class="pipeline-node-(\d+)">(.*?)</span>', log, re.DOTALL)
    return {
        f"{PARENT}/1/execution/node/{id}/log/logText/progressiveHtml": Reply.text(
            text, content_type="text/html"
        )
        for id, text in found
    }


def child(result: str | None, number: int, upstream: int = 1, **more: Any) -> dict[str, Any]:
    cause = {
        "_class": "org.jenkinsci.plugins.workflow.support.steps.build.BuildUpstreamCause",
        "upstreamProject": "rec/train-and-evaluate",
        "upstreamBuild": upstream,
    }
    return build(
        result,
        active=result is None,
        number=number,
        timestamp=1796093686000,
        duration=0 if result is None else 12000,
        actions=[{"_class": "hudson.model.CauseAction", "causes": [cause]}],
        **more,
    )


def jobs_of(run: Run) -> dict[str, list[Job]]:
    def walk(stages: tuple[Stage, ...]) -> dict[str, list[Job]]:
        found = {stage.name: list(stage.jobs) for stage in stages if stage.jobs}
        for stage in stages:
            found |= walk(stage.children)
        return found

    return walk(run.stages or ())


async def test_what_build_steps_started_are_rows_of_their_stages() -> None:
    """Without the listing: each of them is read, those that have ended once."""
    routes: dict[str, Route] = {
        f"{PARENT}/1/api/json": by_tree(recorded("build-step-parent-core-finished"), parent_graph()),
        f"{PARENT}/1/pipeline-overview/tree": recorded("build-step-graphview-tree-finished"),
        "/job/rec/job/evaluate-model/2/api/json": core(child("SUCCESS", 2)),
        "/job/rec/job/shared/job/publish-report/api/json": core({"builds": [child("SUCCESS", 1)]}),
        "/job/rec/job/shared/job/publish-report/1/api/json": core(child("SUCCESS", 1)),
        "/job/rec/job/scorer/job/feature%252Fint8/1/api/json": core(child("UNSTABLE", 1)),
        "/job/rec/job/evaluate-broken/1/api/json": core(child("FAILURE", 1)),
        "/job/rec/job/evaluate-broken/2/api/json": core(child("FAILURE", 2)),
        **node_logs(),
    }
    async with jenkins(routes) as (source, stub):
        run = await source.run(Address("ci", "rec/train-and-evaluate", 1))
        rows = {stage: [f"{job.name} {job.status}" for job in jobs] for stage, jobs in jobs_of(run).items()}
        assert rows == {
            "evaluate": ["rec/evaluate-model#2 passed"],
            "publish": ["rec/shared/publish-report#1 passed"],
            "publish started": ["rec/shared/publish-report#1 passed"],
            "score": ["rec/scorer/feature%2Fint8#1 warning"],
            "broken but tolerated": ["rec/evaluate-broken#1 failed"],
            "gate": ["rec/evaluate-broken#2 failed"],
        }
        assert run.stage_source == ""
        (evaluated,) = jobs_of(run)["evaluate"]
        assert evaluated.address == Address("ci", "rec/evaluate-model", 2)
        assert evaluated.downstream is not None
        assert evaluated.downstream.duration == 12.0
        before = len(stub.requests)
        assert await source.run(run.address) is run
        assert len(stub.requests) == before, "it has ended, and so have all that it started"


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_while_a_child_is_to_come_its_step_stands_there(state: str) -> None:
    """Neither the run nor its stages tell of it."""
    routes: dict[str, Route] = {
        f"{PARENT}/1/api/json": by_tree(
            recorded("build-step-parent-core-child-running"),
            flow(
                ("5", "StepStartNode", "Stage : Start", "", "blue_anime"),
                ("11", "StepStartNode", "evaluate", "5", "blue_anime"),
                ("12", "StepAtomNode", "Building rec » evaluate-model", "11", "blue_anime"),
            ),
        ),
        f"{PARENT}/1/pipeline-overview/tree": recorded(f"build-step-graphview-tree-child-{state}"),
    }
    async with jenkins(routes) as (source, _):
        run = await source.run(Address("ci", "rec/train-and-evaluate", 1))
    assert [job.name for job in jobs_of(run)["evaluate"]] == ["Building rec » evaluate-model"]


async def test_what_the_listing_tells_is_not_asked_for() -> None:
    """A child that runs is of the last listing, one that is queued has the queue's reason; the link is read once."""
    cause = child(None, 2)["actions"]
    item = {
        "_class": "hudson.model.Queue$BlockedItem",
        "id": 9,
        "why": "Build #1 is already in progress",
        "task": {"_class": "WorkflowJob", "fullName": "rec/scorer"},
        "actions": cause,
    }
    jobs: list[dict[str, Any]] = [
        {"name": "evaluate-model", "color": "blue_anime", "builds": [child(None, 2)]},
        {"name": "scorer", "color": "notbuilt", "builds": []},
    ]
    folder = {"jobs": [{"name": "rec", "jobs": jobs}]}
    stages = graph(node("6", "evaluate", "running"), node("9", "score", "running"), complete=False)
    nodes = flow(
        ("5", "StepStartNode", "Stage : Start", "", "blue_anime"),
        ("6", "StepStartNode", "evaluate", "5", "blue_anime"),
        ("7", "StepAtomNode", "Building rec » evaluate-model", "6", "blue_anime"),
        ("8", "StepStartNode", "Stage : Start", "", "blue_anime"),
        ("9", "StepStartNode", "score", "8", "blue_anime"),
        ("10", "StepAtomNode", "Building rec » scorer", "9", "blue_anime"),
    )
    log = "Scheduling project: <a href='/job/rec/job/{0}/'>rec » {0}</a>\n"
    begun = "Starting building: <a href='/job/rec/job/evaluate-model/2/'>rec » evaluate-model #2</a>\n"
    step = f"{PARENT}/1/execution/node/{{}}/log/logText/progressiveHtml".format
    routes: dict[str, Route] = {
        "/api/json": core(folder),
        "/queue/api/json": core({"items": [item]}),
        f"{PARENT}/1/api/json": by_tree(core(build(None, active=True)), nodes),
        f"{PARENT}/1/stages/tree": stages,
        step(7): Reply.text(log.format("evaluate-model") + begun),
        step(10): Reply.text(log.format("scorer")),
    }
    now = Instant()
    async with jenkins(routes, clock=now) as (source, stub):
        await source.pipelines()
        stub.requests.clear()
        run = await source.run(Address("ci", "rec/train-and-evaluate", 1))
        rows = {
            stage: [f"{job.address} {job.status} {job.reason}" for job in jobs]
            for stage, jobs in jobs_of(run).items()
        }
        assert rows == {
            "evaluate": ["ci:rec/evaluate-model#2 running "],
            "score": ["ci:rec/scorer queued Build #1 is already in progress"],
        }
        own = f"{PARENT}/1/api/json"
        assert asked(stub) == [own, f"{PARENT}/1/stages/tree", own, step(7), step(10)]
        stub.requests.clear()
        await source.run(Address("ci", "rec/train-and-evaluate", 1))
        assert asked(stub) == [own, f"{PARENT}/1/stages/tree"]
        stub.requests.clear()
        now.seconds += SOON
        await source.run(Address("ci", "rec/train-and-evaluate", 1))
        assert asked(stub) == [own, f"{PARENT}/1/stages/tree", own, step(10)], "the link of node 7 is known"


async def test_a_run_that_has_ended_is_asked_for_what_it_left_running_only() -> None:
    """Its graph is read once after its end."""
    graph_page = flow(
        ("5", "StepStartNode", "a", "", "blue"), ("7", "StepAtomNode", "Scheduling rec » report", "5", "blue")
    )
    own, child_page = f"{PARENT}/1/api/json", "/job/rec/job/report/4/api/json"
    step = f"{PARENT}/1/execution/node/7/log/logText/progressiveHtml"
    routes: dict[str, Route] = {
        own: by_tree(core(build()), graph_page),
        f"{PARENT}/1/stages/tree": graph(node("5", "a")),
        step: Reply.text("Scheduling project: <a href='/job/rec/job/report/'>rec » report</a>"),
        "/job/rec/job/report/api/json": core(
            {"builds": [child(None, 5, 2), child(None, 4), child("SUCCESS", 3, 9)]}
        ),
        child_page: [core(child(None, 4)), core(child(None, 4)), core(child("FAILURE", 4))],
    }
    async with jenkins(routes) as (source, stub):
        seen = []
        for _ in range(4):
            run = await source.run(Address("ci", "rec/train-and-evaluate", 1))
            (job,) = jobs_of(run)["a"]
            seen.append(f"{job.name} {job.status}")
        assert seen == [*["rec/report#4 running"] * 2, *["rec/report#4 failed"] * 2]
        first = [own, f"{PARENT}/1/stages/tree", own, step, "/job/rec/job/report/api/json", child_page]
        assert asked(stub) == [*first, *[own, f"{PARENT}/1/stages/tree", child_page] * 2]


async def test_the_run_that_started_this_one_stands_above_it() -> None:
    routes: dict[str, Route] = {
        "/job/rec/job/evaluate-model/2/api/json": core(child("SUCCESS", 2)),
        "/job/rec/job/evaluate-model/2/stages/tree": graph(node("3", "a")),
        f"{PARENT}/1/api/json": [core(build(None, active=True)), core(build("FAILURE"))],
    }
    async with jenkins(routes) as (source, stub):
        run = await source.run(Address("ci", "rec/evaluate-model", 2))
        assert run.upstream is not None
        assert (str(run.upstream.address), run.upstream.status) == (
            "ci:rec/train-and-evaluate#1",
            Status.RUNNING,
        )
        run = await source.run(run.address)
        assert run.upstream is not None
        assert run.upstream.status is Status.FAILED
        before = len(stub.requests)
        assert await source.run(run.address) is run
        assert len(stub.requests) == before


async def test_a_neighbour_that_may_not_be_read_is_told_of_all_the_same() -> None:
    routes: dict[str, Route] = {
        "/job/rec/job/evaluate-model/2/api/json": core(child("SUCCESS", 2)),
        "/job/rec/job/evaluate-model/2/stages/tree": graph(node("3", "a")),
    }
    async with jenkins(routes) as (source, _):
        run = await source.run(Address("ci", "rec/evaluate-model", 2))
    assert run.upstream is not None
    assert (run.upstream.status, run.upstream.vendor_status) == (Status.UNKNOWN, "not found")


# Locks

WAITING = {
    "step": ("finetune", "12", "finetune", "2"),
    "stage-options": ("distill", "5", "distill", "1"),
}


async def waits(kind: str, resources: Reply) -> tuple[Run, list[str]]:
    job, step, _, _ = WAITING[kind]
    path = f"/job/rec/job/{job}/1"
    log = recording(f"lock-waiting-{kind}-node-log")["body"]
    routes: dict[str, Route] = {
        f"{path}/api/json": by_tree(
            recorded(f"lock-waiting-{kind}-core"), recorded(f"lock-waiting-{kind}-flowgraph")
        ),
        f"{path}/pipeline-overview/tree": recorded(f"lock-waiting-{kind}-graphview-tree"),
        f"{path}/execution/node/{step}/log/logText/progressiveHtml": Reply.text(
            re.sub(r"\x1b\[8mha:.*?\x1b\[0m", "", log), content_type="text/html"
        ),
        "/lockable-resources/api/json": resources,
    }
    now = Instant()
    async with jenkins(routes, clock=now) as (source, stub):
        run = await source.run(Address("ci", f"rec/{job}", 1))
        own = len(stub.requests)
        await source.run(Address("ci", f"rec/{job}", 1))
        assert len(stub.requests) == own + 2, "what it waits for is looked at now and then"
        now.seconds += SOON
        await source.run(Address("ci", f"rec/{job}", 1))
        return run, asked(stub)


@pytest.mark.parametrize("kind", WAITING)
async def test_a_run_says_which_lock_it_waits_for_and_who_holds_it(kind: str) -> None:
    _, step, stage, place = WAITING[kind]
    run, _ = await waits(kind, recorded("lock-held-resources-tree"))
    words = f"held by rec » train-large #1, place {place} in the queue"
    assert (run.status, run.waiting_reason) == (Status.RUNNING, f"waits for lock a100-pool, {words}")
    (row,) = jobs_of(run)[stage]
    assert (str(row.address.job), row.name, row.status, row.reason) == (
        f"lock~{step}",
        "lock a100-pool",
        Status.QUEUED,
        words,
    )


async def test_waiting_for_a_lock_is_no_waiting_for_a_person() -> None:
    """wfapi counts both as a pause."""
    routes: dict[str, Route] = {
        "/job/j/1/api/json": core(build(None, active=True)),
        "/job/j/1/wfapi/describe": recorded("lock-waiting-step-wfapi-describe"),
    }
    async with jenkins(routes) as (source, _):
        run = await source.run(Address("ci", "j", 1))
    assert [(stage.name, stage.status, stage.paused) for stage in run.stages or ()] == [
        ("prepare", Status.PASSED, 0.0),
        ("finetune", Status.RUNNING, 0.0),
    ]


async def test_the_list_tells_of_a_lock_for_a_while_after_somebody_looked() -> None:
    """It costs the listing nothing; when it is old, nothing is said of it."""
    now, path = Instant(), "/job/finetune/1"
    running = body("lock-waiting-step-core")
    jobs = {"jobs": [{"name": "finetune", "color": "blue_anime", "builds": [running]}]}
    log = Reply.text("[Resource: a100] is not free, waiting for execution ...\n")
    routes: dict[str, Route] = {
        "/api/json": core(jobs),
        "/queue/api/json": core({"items": []}),
        f"{path}/api/json": by_tree(core(running), recorded("lock-waiting-step-flowgraph")),
        f"{path}/pipeline-overview/tree": recorded("lock-waiting-step-graphview-tree"),
        f"{path}/execution/node/12/log/logText/progressiveHtml": log,
    }
    async with jenkins(routes, clock=now) as (source, stub):
        await source.run(Address("ci", "finetune", 1))
        stub.requests.clear()
        reasons = []
        for _ in range(2):
            (row,) = (await source.pipelines()).pipelines
            reasons.append(row.runs[0].waiting_reason)
            now.seconds += 61
        assert reasons == ["waits for lock a100", ""]
        assert sorted(asked(stub)) == ["/api/json", "/api/json", "/queue/api/json", "/queue/api/json"]


async def test_who_holds_a_lock_is_of_now_where_that_is_told() -> None:
    """The log says who held it when the run began to wait."""
    held = body("lock-held-resources-tree")
    held["resources"][1]["buildName"] = "rec » distill #4"
    run, _ = await waits("step", core(held))
    assert "held by rec » distill #4," in run.waiting_reason


async def test_without_the_right_to_see_locks_the_log_tells_and_nothing_is_asked_again() -> None:
    run, paths = await waits("step", recorded("lock-held-resources-tree-dev"))
    assert "held by rec » train-large #1 #1" not in run.waiting_reason
    assert "a100-pool, held by rec » train-large #1" in run.waiting_reason
    assert paths.count("/lockable-resources/api/json") == 1


async def test_a_lock_that_was_given_is_none_to_wait_for() -> None:
    """A node follows on the step: its body has begun."""
    action = body("lock-waiting-step-flowgraph")["actions"][-4]
    nodes = FLOW_NODES.decode(json.dumps(action["nodes"]))
    assert [node.id for _, node in steps_in(nodes, frozenset({"6", "11"})).locks] == ["12"]
    inner = nodes[-1].__class__(id="13", kind="StepStartNode", parents=("12",), icon_color="blue_anime")
    assert steps_in((*nodes, inner), frozenset({"6", "11"})).locks == ()


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", ("", "", "")),
        ("Trying to acquire lock on [Label: gpu, Quantity: 2]\n", ("Label: gpu, Quantity: 2", "", "")),
        ("[Resource: a] is not free, waiting for execution ...", ("a", "", "")),
        ("The resource [x] is reserved by alice.\n", ("x", "reserved by alice", "")),
        ("The resource [\x1b[31mx] is locked by build a » b #4 since 1.2.\n", ("x", "held by a » b #4", "")),
    ],
)
def test_what_the_log_of_a_lock_tells(log: str, found: tuple[str, str, str]) -> None:
    assert lock_in(log) == found


# What fails


@pytest.mark.parametrize(
    "answer", [ABSENT, Reply(500), core({"actions": [{"_class": "x.FlowGraphAction", "nodes": 1}]})]
)
async def test_stages_are_shown_where_the_inside_cannot_be_read(answer: Reply) -> None:
    routes: dict[str, Route] = {
        "/job/j/1/api/json": by_tree(core(build()), answer),
        "/job/j/1/stages/tree": graph(node("1", "a")),
    }
    async with jenkins(routes) as (source, _):
        run = await source.run(Address("ci", "j", 1))
        assert [stage.name for stage in run.stages or ()] == ["a"]
        assert run.stage_source.startswith("what its steps started is not known: ci answered") or (
            "is not what a Jenkins should send" in run.stage_source
        )


async def test_a_ring_in_the_graph_is_no_trap() -> None:
    nodes = flow(
        ("1", "StepStartNode", "a", "3", "blue"),
        ("2", "StepEndNode", "b", "1", "blue"),
        ("3", "StepAtomNode", "Building x", "2", "blue"),
    )

    def answer(request: Request) -> Reply:
        return nodes if "nodes[" in request.query["tree"][0] else core(build())

    routes: dict[str, Route] = {
        "/job/j/1/api/json": answer,
        "/job/j/1/stages/tree": graph(node("1", "a")),
    }
    async with jenkins(routes) as (source, _):
        run = await source.run(Address("ci", "j", 1))
    assert jobs_of(run) == {}


async def test_a_link_that_leads_nowhere_is_none() -> None:
    nodes = flow(
        ("1", "StepStartNode", "a", "", "blue"), ("3", "StepAtomNode", "Building x\x1b[2J", "1", "blue")
    )
    routes: dict[str, Route] = {
        "/job/j/1/api/json": by_tree(core(build()), nodes),
        "/job/j/1/stages/tree": graph(node("1", "a")),
        "/job/j/1/execution/node/3/log/logText/progressiveHtml": Reply.text(
            "<a href='http://[x'> <a href='/x/'>"
        ),
    }
    async with jenkins(routes) as (source, _):
        run = await source.run(Address("ci", "j", 1))
    assert [(job.name, str(job.address)) for job in jobs_of(run)["a"]] == [("Building x", "ci:j#1/build~3")]
