"""Stage trees from each source, and how the source is found."""

import asyncio
from typing import Any

import pytest

from tests.contract.jenkins.support import (
    ABSENT,
    PGV,
    asked,
    core,
    drawn,
    jenkins,
    recorded,
)
from tests.http_stub import Reply, Route
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.sources.base import SourceError

RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
INPUT = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"
ADDRESS = Address("ci", "j", 1)


def build(result: str | None = "SUCCESS", *, active: bool = False, **more: Any) -> dict[str, Any]:
    return {"_class": RUN, "number": 1, "building": active, "inProgress": active, "result": result, **more}


def gate(name: str, message: str) -> dict[str, Any]:
    return {"id": name, "settled": False, "input": {"id": name, "message": message}}


async def read(stages: dict[str, Route], run: dict[str, Any] | None = None) -> Run:
    """The run with what ``stages`` answers under its path; everything else there is absent."""
    routes: dict[str, Route] = {"/job/j/1/api/json": core(run or build())}
    routes |= {f"/job/j/1/{path}": route for path, route in stages.items()}
    async with jenkins(routes) as (source, _):
        return await source.run(ADDRESS)


def flat(stages: tuple[Stage, ...] | None) -> dict[str, Stage]:
    found: dict[str, Stage] = {}
    for stage in stages or ():
        found[stage.name] = stage
        found |= flat(stage.children)
    return found


# pipeline-graph-view

DEPLOY_TREE = (
    "checkout passed, test warning [|unit warning, |lint passed], "
    "train passed [|shard-0 passed, |shard-1 passed [warm-up passed, fit passed]], validate passed, "
    "nightly only skipped, deploy-canary passed, promote "
)
GRAPHS = {
    # name: result of the build, stages
    "graphview-tree": (None, DEPLOY_TREE + "running"),
    "graphview-pipeline-overview-tree": (None, DEPLOY_TREE + "running"),
    "graphview-tree-failing-pipeline": (
        "FAILURE",
        "checkout passed, train failed, deploy skipped, ~Post Actions passed",
    ),
    "graphview-tree-no-stages": ("SUCCESS", "j passed"),
    "graphview-tree-syntax-error": ("FAILURE", "j failed"),
    "graphview-stages-tree": ("SUCCESS", "j passed"),
}


@pytest.mark.parametrize("name", GRAPHS)
async def test_every_recorded_graph(name: str) -> None:
    result, expected = GRAPHS[name]
    run = await read({"pipeline-overview/tree": recorded(name)}, build(result, active=result is None))
    assert drawn(run.stages) == expected
    assert bool(run.problem) is (name == "graphview-tree-syntax-error")


async def test_times_and_order_of_a_graph() -> None:
    run = await read({"pipeline-overview/tree": recorded("graphview-tree")}, build(None, active=True))
    stages = flat(run.stages)
    assert (stages["checkout"].started_at, stages["checkout"].duration) == (1795422677.728, 0.365)
    assert (stages["promote"].started_at, stages["promote"].duration) == (1795422689.217, None)
    assert run.stage_source == ""
    names = {stage.id: name for name, stage in stages.items()}
    assert {name: [names[id] for id in stage.needs] for name, stage in stages.items()} == {
        "checkout": [],
        "test": ["checkout"],
        "unit": [],
        "lint": [],
        "train": ["test"],
        "shard-0": [],
        "shard-1": [],
        "warm-up": [],
        "fit": ["warm-up"],
        "validate": ["train"],
        "nightly only": ["validate"],
        "deploy-canary": ["nightly only"],
        "promote": ["deploy-canary"],
    }


async def test_a_run_paused_for_input() -> None:
    """This version of pipeline-graph-view calls the stage running; only one is, so it is the one that waits."""
    paused = build(
        "UNSTABLE", active=True, actions=[{"_class": INPUT, "executions": [gate("Promote", "Ship 1.5.0?")]}]
    )
    run = await read({"pipeline-overview/tree": recorded("graphview-tree")}, paused)
    assert (run.status, run.vendor_status) == (Status.WAITING, "UNSTABLE")
    assert [str(gate.address) for gate in run.gates] == ["ci:j#1!Promote"]
    assert drawn(run.stages) == DEPLOY_TREE + "waiting"


def node(id: str, name: str, state: str = "success", **more: Any) -> dict[str, Any]:
    """A stage in the newest shape, written after the contract: nulls are left out."""
    return {
        "id": id,
        "name": name,
        "state": state,
        "type": "STAGE",
        "children": [],
        "synthetic": False,
        **more,
    }


def graph(*stages: dict[str, Any], complete: bool = True) -> Reply:
    return Reply.json({"data": {"stages": list(stages), "complete": complete}, "status": "ok"})


async def test_the_newest_shape() -> None:
    stages = graph(
        node("5", "Checkout SCM", synthetic=True, startTimeMillis=1000, totalDurationMillis=2500),
        node(
            "6",
            "Build",
            "running",
            startTimeMillis=1700000000000,
            pauseDurationMillis=0,
            children=[
                node("11", "linux", "running", type="PARALLEL", causeOfBlockage="no \x1b[1mnodes"),
                node("12", "mac", "queued", type="PARALLEL"),
                node("13", "then", "paused", pauseDurationMillis=4000),
            ],
        ),
        complete=False,
    )
    run = await read({"stages/tree": stages}, build(None, active=True))
    assert drawn(run.stages) == (
        "~Checkout SCM passed, Build running [|linux running, |mac queued, then waiting]"
    )
    assert flat(run.stages)["then"].needs == ("11", "12")
    assert flat(run.stages)["then"].paused == 4.0
    assert (run.status, run.gates, run.waiting_reason) == (Status.WAITING, (), "no nodes")


async def test_time_that_a_stage_waited_is_not_time_that_it_took() -> None:
    run = await read(
        {"stages/tree": graph(node("1", "ask", totalDurationMillis=93663, pauseDurationMillis=93461))}
    )
    assert (flat(run.stages)["ask"].duration, flat(run.stages)["ask"].paused) == (0.202, 93.461)


async def test_the_shape_of_2021() -> None:
    """Numbers as ids, upper-case states, and a branch's later stages hanging on its first one."""
    late = {"id": 22, "name": "report", "state": "NOT_BUILT", "type": "STAGE", "isSequential": True,
            "children": [], "completePercent": 100, "nextSibling": None}  # fmt: skip
    first = {
        **late,
        "id": 21,
        "name": "measure",
        "state": "FAILURE",
        "seqContainerName": "gpu",
        "nextSibling": late,
    }
    plain = {**late, "id": 20, "name": "cpu", "state": "SUCCESS", "type": "PARALLEL", "isSequential": False}
    empty = {**late, "id": 23, "name": "one", "seqContainerName": "tpu", "nextSibling": {**late, "id": 24}}
    stage = {**late, "id": 7, "name": "test", "state": "FAILURE", "children": [plain, first, empty]}
    run = await read({"pipeline-graph/tree": graph(stage)}, build("FAILURE"))
    assert drawn(run.stages) == (
        "test failed [|cpu passed, |gpu failed [measure failed, report skipped], "
        "|tpu skipped [one skipped, report skipped]]"
    )
    stages = flat(run.stages)
    assert (stages["test"].id, stages["one"].needs, stages["gpu"].needs) == ("7", (), ())
    assert stages["gpu"].children[1].needs == ("21",)


async def test_sentences_for_times() -> None:
    """pipeline-graph-view 112 to 438."""
    stages = graph(
        node(
            "6",
            "Build",
            pauseDurationMillis="Queued 0 ms",
            startTimeMillis="Started 3 min ago",
            totalDurationMillis="Took 1.2 sec",
        )
    )
    run = await read({"pipeline-graph/tree": stages})
    assert (flat(run.stages)["Build"].started_at, flat(run.stages)["Build"].duration) == (None, None)
    assert run.stage_source == "pipeline-graph-view before 439: no times"


async def test_a_state_nobody_knows_is_shown_as_itself() -> None:
    run = await read({"stages/tree": graph(node("1", "a", "levitating"), node("2", "b", "finished"))})
    assert drawn(run.stages) == "a unknown, b unknown"
    assert flat(run.stages)["a"].vendor_status == "levitating"


async def test_a_killed_run_leaves_no_stage_running() -> None:
    """The core's result is believed. What the plugin says of such a run may still change, so it is asked again."""
    routes: dict[str, Route] = {
        "/job/j/1/api/json": core(build("ABORTED")),
        "/job/j/1/stages/tree": graph(
            node("1", "a"), node("2", "b", "running", children=[node("3", "c", "queued")])
        ),
    }
    async with jenkins(routes) as (source, stub):
        for requests in (2, 4):
            run = await source.run(ADDRESS)
            assert drawn(run.stages) == "a passed, b canceled [c canceled]"
            assert len(stub.requests) == requests


async def test_an_error_of_pipeline_graph_view_comes_with_200() -> None:
    with pytest.raises(SourceError, match="pipeline-graph-view answered error: no \\[such\\] run"):
        await read({"stages/tree": Reply.json({"status": "error", "message": "no [such] run"})})


# wfapi

WFAPI = {
    # name: result of the build, stages
    "wfapi-describe-aborted": ("ABORTED", "train canceled"),
    "wfapi-describe-downstream": ("FAILURE", "trigger passed"),
    "wfapi-describe-failing-pipeline": (
        "FAILURE",
        "checkout passed, train failed, deploy skipped, ~Post Actions passed",
    ),
    "wfapi-describe-finished": (
        "FAILURE",
        "checkout passed, test passed, unit warning, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote failed, "
        "deploy skipped, ~Post Actions passed",
    ),
    "wfapi-describe-freestyle-404": ("SUCCESS", "j passed"),
    "wfapi-describe-input-aborted": (
        "ABORTED",
        "checkout passed, test passed, unit passed, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote canceled, "
        "deploy skipped, ~Post Actions passed",
    ),
    "wfapi-describe-killed": ("ABORTED", "j canceled"),
    "wfapi-describe-mid-run": (None, "checkout passed, test passed, unit running, lint running"),
    "wfapi-describe-no-stages": ("SUCCESS", "j passed"),
    "wfapi-describe-on-agent": ("SUCCESS", "data passed, train passed"),
    "wfapi-describe-parallel-paused": (
        None,
        "prep passed, approve passed, eu gate passed, us gate running, loop passed",
    ),
    "wfapi-describe-paused": (
        None,
        "checkout passed, test passed, unit warning, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote waiting",
    ),
    "wfapi-describe-running": (None, "train running"),
    "wfapi-describe-scripted-gates": (
        "SUCCESS",
        "prep passed, approve passed, eu gate passed, us gate passed, loop passed, done passed",
    ),
    "wfapi-describe-success": (
        "SUCCESS",
        "checkout passed, test passed, unit passed, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote passed, "
        "deploy passed, ~Post Actions passed",
    ),
    "wfapi-describe-syntax-error": ("FAILURE", "j failed"),
    "wfapi-describe-waiting-for-node": (None, "cpu passed, gpu running"),
    "multibranch-wfapi-describe-skipped": (
        "SUCCESS",
        "~Checkout SCM passed, Build passed, Test passed, Deploy skipped",
    ),
    "multibranch-wfapi-describe2": (
        "SUCCESS",
        "~Checkout SCM passed, Build passed, Test passed, Deploy passed",
    ),
    "multibranch-wfapi-describe3": (
        "SUCCESS",
        "~Checkout SCM passed, Build passed, Test passed, Deploy passed",
    ),
}


@pytest.mark.parametrize("name", WFAPI)
async def test_every_recorded_wfapi_run(name: str) -> None:
    result, expected = WFAPI[name]
    run = await read({"wfapi/describe": recorded(name)}, build(result, active=result is None))
    assert drawn(run.stages) == expected
    several = run.stages is not None and len(run.stages) > 1
    assert (
        several is (run.stage_source == "wfapi: a flat list, parallel branches are not told apart")
        or not several
    )


async def test_times_of_wfapi() -> None:
    run = await read({"wfapi/describe": recorded("wfapi-describe-finished")}, build("FAILURE"))
    promote = flat(run.stages)["promote"]
    assert (promote.started_at, promote.duration, promote.paused) == (1795422689.217, 0.202, 93.461)
    assert (promote.vendor_status, promote.needs) == ("FAILED", ("84",))
    mid = await read({"wfapi/describe": recorded("wfapi-describe-mid-run")}, build(None, active=True))
    lint = flat(mid.stages)["lint"]
    assert (lint.status, lint.vendor_status, lint.duration) == (Status.RUNNING, "SUCCESS", None)


def wf(id: str, status: str, start: int, took: int, error: str = "", **more: Any) -> dict[str, Any]:
    stage = {"id": id, "name": id, "status": status, "startTimeMillis": start, "durationMillis": took, **more}
    return {**stage, "error": {"message": error, "type": "hudson.AbortException"}} if error else stage


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        # Skipped after a failure: the same error, at once, one after the other.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 600, 30, "x"), wf("c", "FAILED", 700, 30, "x")],
         "a failed, b skipped, c skipped"),
        # Skipped by when{} in between.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "NOT_EXECUTED", 600, 30), wf("c", "FAILED", 700, 30, "x")],
         "a failed, b skipped, c skipped"),
        # Branches that fail alike, side by side.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 10, 400, "x")], "a failed, b failed"),
        # A caught error, then work, then the same error again.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "SUCCESS", 600, 30), wf("c", "FAILED", 700, 30, "x")],
         "a failed, b passed, c failed"),
        # Another error, or one that took its time.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 600, 30, "y")], "a failed, b failed"),
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 600, 5000, "x")], "a failed, b failed"),
        # Two branches failed differently; what follows repeats either.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 10, 400, "y"), wf("c", "FAILED", 600, 30, "x")],
         "a failed, b failed, c skipped"),
        # Aborted, without an error of its own.
        ([wf("a", "ABORTED", 0, 500), wf("b", "ABORTED", 600, 0)], "a canceled, b skipped"),
    ],
)  # fmt: skip
async def test_failed_or_skipped_after_a_failure(stages: list[dict[str, Any]], expected: str) -> None:
    run = await read({"wfapi/describe": Reply.json({"status": "FAILED", "stages": stages})}, build("FAILURE"))
    assert drawn(run.stages) == expected


INPUTS = {
    "wfapi-pendingInputActions": [("Promote", "Promote 1.5.0 to production?")],
    "wfapi-pendingInputActions-viewer": [("Promote", "Promote 1.5.0 to production?")],
    "wfapi-pending-after-bad-choice": [("Promote", "Promote 1.5.0 to production?")],
    "wfapi-pending-after-first": [("Us-gate", "Release US?")],
    "wfapi-pending-multiple": [
        ("C0fa4d596aaec3edf9175e82ef9e5e4a", "Release EU?"),
        ("Us-gate", "Release US?"),
    ],
    "wfapi-pending-none": [],
    "wfapi-pending-single": [("43fd7d44572d70589ccc4c3238dc1f47", "One parameter?")],
    "wfapi-inputSubmit-after": [("Us-gate", "Release US?")],
}

INPUTS["wfapi-inputSubmit-nobody-pending"] = INPUTS["wfapi-pending-multiple"]


@pytest.mark.parametrize("name", INPUTS)
async def test_every_recorded_pending_input(name: str) -> None:
    """Asked for where the input plugin is too old to tell the core API what waits."""
    stages: dict[str, Route] = {
        "wfapi/describe": recorded("wfapi-describe-paused"),
        "wfapi/pendingInputActions": recorded(name),
    }
    run = await read(stages, build(None, active=True, actions=[{"_class": INPUT}]))
    assert [(gate.address.gate, gate.message) for gate in run.gates] == INPUTS[name]
    assert run.status is Status.WAITING


async def test_an_input_that_the_core_tells_of_is_not_asked_for_again() -> None:
    routes: dict[str, Route] = {
        "/job/j/1/api/json": core(
            build(None, active=True, actions=[{"_class": INPUT, "executions": [gate("Go", "")]}])
        ),
        "/job/j/1/wfapi/describe": recorded("wfapi-describe-paused"),
    }
    async with jenkins(routes) as (source, stub):
        run = await source.run(ADDRESS)
    assert [(gate.address.gate, gate.message) for gate in run.gates] == [("Go", "Go")]
    assert "/job/j/1/wfapi/pendingInputActions" not in asked(stub)


# The flow graph

CPS = "org.jenkinsci.plugins.workflow.cps.nodes."
GETS_CONTEXT = "Get contextual object from internal APIs"


def flow(*rows: tuple[str, str, str, str, str]) -> dict[str, Any]:
    """Rows are id, S(tart)/A(tom)/E(nd)/F(irst)/L(ast), name, colour, parents."""
    kinds = {
        "S": f"{CPS}StepStartNode",
        "A": f"{CPS}StepAtomNode",
        "E": f"{CPS}StepEndNode",
        "F": "org.jenkinsci.plugins.workflow.graph.FlowStartNode",
        "L": "org.jenkinsci.plugins.workflow.graph.FlowEndNode",
    }
    nodes = [
        {
            "_class": kinds[kind],
            "id": id,
            "displayName": name,
            "iconColor": color,
            "running": False,
            "parents": parents.split(),
        }
        for id, kind, name, color, parents in rows
    ]
    action = {"_class": "org.jenkinsci.plugins.workflow.job.views.FlowGraphAction", "nodes": nodes}
    return {"_class": RUN, "actions": [{}, {"_class": "com.example.Fleet", "nodes": 7}, None, action]}


PARALLEL = flow(
    ("2", "F", "Start of Pipeline", "blue", ""),
    ("3", "S", "Allocate node : Start", "blue", "2"),
    ("4", "S", "Allocate node : Body : Start", "blue", "3"),
    ("5", "S", "Stage : Start", "blue", "4"),
    ("6", "S", "test", "blue", "5"),
    ("7", "S", "Execute in parallel : Start", "blue", "6"),
    ("9", "S", "Branch: unit", "blue", "7"),
    ("10", "S", "Branch: lint", "blue", "7"),
    ("11", "A", "Shell Script", "yellow", "9"),
    ("12", "E", "Execute in parallel : Body : End", "blue", "11"),
    ("13", "S", "Stage : Start", "blue", "10"),
    ("14", "S", "ruff", "blue", "13"),
    ("15", "A", "Shell Script", "blue", "14"),
    ("16", "E", "Stage : Body : End", "blue", "15"),
    ("17", "E", "Stage : End", "blue", "16"),
    ("18", "E", "Execute in parallel : Body : End", "blue", "17"),
    ("19", "E", "Execute in parallel : End", "blue", "12 18"),
    ("20", "E", "Stage : Body : End", "blue", "19"),
    ("21", "E", "Stage : End", "blue", "20"),
    ("22", "S", "Stage : Start", "blue", "21"),
    ("23", "S", "nightly", "blue", "22"),
    ("24", "A", GETS_CONTEXT, "blue", "23"),
    ("25", "E", "Stage : Body : End", "blue", "24"),
    ("26", "E", "Stage : End", "blue", "25"),
    ("27", "S", "Stage : Start", "blue", "26"),
    ("28", "S", "deploy", "red", "27"),
    ("29", "A", "Shell Script", "red", "28"),
    ("30", "E", "Stage : Body : End", "red", "29"),
    ("31", "E", "Stage : End", "red", "30"),
    ("32", "S", "Stage : Start", "blue", "31"),
    ("33", "S", "Declarative: Post Actions", "blue", "32"),
    ("34", "A", "Print Message", "blue", "33"),
    ("35", "E", "Stage : Body : End", "blue", "34"),
    ("36", "E", "Stage : End", "blue", "35"),
    ("37", "E", "Allocate node : Body : End", "red", "36"),
    ("38", "E", "Allocate node : End", "red", "37"),
    ("39", "L", "End of Pipeline", "red", "38"),
)


async def read_flow(graph: Any, result: str = "FAILURE") -> tuple[Run, list[str]]:
    """The core API answers both for the build and for its graph."""

    def core_api(request: Any) -> Reply:
        return core(graph if "nodes[" in request.query["tree"][0] else build(result))

    async with jenkins({"/job/j/1/api/json": core_api}) as (source, stub):
        run = await source.run(ADDRESS)
        assert source.facts().stage_source == "flow graph"
        return run, asked(stub)


async def test_stages_out_of_the_flow_graph() -> None:
    run, paths = await read_flow(PARALLEL)
    assert drawn(run.stages) == (
        "test warning [|unit warning, |lint passed [ruff passed]], nightly skipped, deploy failed, "
        "~Post Actions passed"
    )
    stages = flat(run.stages)
    assert (stages["test"].id, stages["deploy"].needs, stages["deploy"].started_at) == ("6", ("23",), None)
    assert run.stage_source == "flow graph: no times"
    assert len(paths) == 6


@pytest.mark.parametrize(
    "graph",
    [
        {"actions": []},
        {"actions": None},
        flow(("2", "F", "Start of Pipeline", "blue", "")),
        flow(("2", "F", "a", "blue", ""), ("3", "A", "b", "blue", "2 4"), ("4", "A", "c", "blue", "3")),
        flow(("2", "S", "Stage : Start", "blue", "2"), ("3", "S", "ring", "blue", "2")),
    ],
)
async def test_graphs_without_stages(graph: Any) -> None:
    run, _ = await read_flow(graph, "SUCCESS")
    assert drawn(run.stages) == "j passed"


async def test_a_graph_that_is_cut_short_shows_what_is_there() -> None:
    run, _ = await read_flow(
        flow(
            ("2", "F", "Start", "blue", ""),
            ("3", "S", "Stage : Start", "blue", "2"),
            ("4", "S", "a", "blue", "3"),
            ("5", "A", "sh", "blue", "4"),
        )
    )
    assert drawn(run.stages) == "a unknown"


async def test_a_very_deep_graph_is_refused() -> None:
    rows = [("0", "F", "Start", "blue", "")]
    rows += [(str(n), "S", "Stage : Start", "blue", str(n - 1)) for n in range(1, 3000)]
    with pytest.raises(SourceError, match="nested too deep"):
        await read_flow(flow(*rows))


async def test_a_very_large_graph_is_not_read() -> None:
    rows = [("0", "F", "Start", "blue", ""), ("1", "A", "x" * (5 << 20), "blue", "0")]
    run, _ = await read_flow(flow(*rows), "SUCCESS")
    assert (drawn(run.stages), run.stage_source) == (
        "j passed",
        "no stage plugin, and the flow graph is too large",
    )


async def test_a_running_run_is_not_asked_for_its_graph() -> None:
    async with jenkins({"/job/j/1/api/json": core(build(None, active=True))}) as (source, stub):
        for requests in (5, 6):
            run = await source.run(ADDRESS)
            assert drawn(run.stages) == "j running"
            assert run.stage_source == "no stage plugin: stages come when the run has ended"
            assert len(stub.requests) == requests


# Which source


def with_source(path: str, answer: Reply, session: str = "s1") -> dict[str, Route]:
    routes: dict[str, Route] = {
        f"/job/j/{n}/api/json": core(build(None, active=True, number=n), session) for n in (1, 2)
    }
    return routes | {f"/job/j/{n}/{path}": answer for n in (1, 2)}


SOURCES = {
    "stages/tree": (graph(node("1", "a")), "pipeline-graph-view"),
    "pipeline-overview/tree": (graph(node("1", "a")), "pipeline-graph-view before 777"),
    "pipeline-graph/tree": (graph(node("1", "a")), "pipeline-graph-view before 520"),
    "wfapi/describe": (Reply.json({"status": "IN_PROGRESS", "stages": [wf("a", "SUCCESS", 1, 1)]}), "wfapi"),
}


@pytest.mark.parametrize("path", SOURCES)
async def test_the_source_is_probed_once_and_remembered(path: str) -> None:
    answer, name = SOURCES[path]
    order = [*PGV, "wfapi/describe"]
    async with jenkins(with_source(path, answer)) as (source, stub):
        assert source.facts().stage_source == ""
        assert drawn((await source.run(Address("ci", "j", 1))).stages) == "a passed"
        assert asked(stub)[1:] == [f"/job/j/1/{tried}" for tried in order[: order.index(path) + 1]]
        assert source.facts().stage_source == name
        stub.requests.clear()
        await source.run(Address("ci", "j", 2))
        assert asked(stub) == ["/job/j/2/api/json", f"/job/j/2/{path}"]


async def test_runs_asked_at_once_probe_once() -> None:
    answer, _ = SOURCES["wfapi/describe"]
    async with jenkins(with_source("wfapi/describe", answer)) as (source, stub):
        await asyncio.gather(*(source.run(Address("ci", "j", n)) for n in (1, 2)))
        assert sum(path.endswith("stages/tree") for path in asked(stub)) == 1


async def test_a_restart_forgets_the_source() -> None:
    answer, _ = SOURCES["wfapi/describe"]
    async with jenkins(with_source("wfapi/describe", answer)) as (source, stub):
        await source.run(ADDRESS)
        stub.routes |= {
            f"GET {path}": route
            for path, route in with_source("stages/tree", graph(node("9", "z")), "s2").items()
        }
        assert drawn((await source.run(ADDRESS)).stages) == "z passed"
        assert source.facts().stage_source == "pipeline-graph-view"


async def test_a_plugin_that_went_away_is_missed_once() -> None:
    answer, _ = SOURCES["stages/tree"]
    async with jenkins(with_source("stages/tree", answer)) as (source, stub):
        await source.run(ADDRESS)
        stub.routes["GET /job/j/1/stages/tree"] = ABSENT
        stub.routes["GET /job/j/1/wfapi/describe"] = SOURCES["wfapi/describe"][0]
        assert drawn((await source.run(ADDRESS)).stages) == "a passed"
        assert source.facts().stage_source == "wfapi"
        stub.routes["GET /job/j/1/wfapi/describe"] = ABSENT
        stub.requests.clear()
        run = await source.run(ADDRESS)
        assert (drawn(run.stages), run.stage_source) == ("j running", "wfapi does not know this run")
        assert len(stub.requests) == 2


async def test_a_failing_source_is_not_an_absent_one() -> None:
    """wfapi answers 500 when a node has no status yet; asking on would find a lesser source."""
    routes = with_source("wfapi/describe", recorded("root-tree-bad-400"))
    async with jenkins(routes) as (source, stub):
        with pytest.raises(SourceError) as caught:
            await source.run(ADDRESS)
        assert caught.value.trouble is Trouble.SERVER_ERROR
        assert "GET /job/j/1/wfapi/describe" in caught.value.message
        assert source.facts().stage_source == ""
        stub.routes["GET /job/j/1/wfapi/describe"] = SOURCES["wfapi/describe"][0]
        assert drawn((await source.run(ADDRESS)).stages) == "a passed"


# Memory


async def test_an_ended_run_is_asked_for_once() -> None:
    routes: dict[str, Route] = {
        "/job/j/1/api/json": core(build(timestamp=1000)),
        "/job/j/1/stages/tree": graph(node("1", "a")),
    }
    async with jenkins(routes) as (source, stub):
        first = await source.run(ADDRESS)
        assert len(stub.requests) == 2
        assert await source.run(Address("ci", "j", 1, "a")) is first
        assert len(stub.requests) == 2


async def test_the_run_asked_for_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.sources.jenkins.source._REMEMBERED", 2)
    routes: dict[str, Route] = {
        f"/job/j/{n}/api/json": core({"number": n, "result": "SUCCESS", "building": False}) for n in (1, 2, 3)
    }
    async with jenkins(routes) as (source, stub):
        for n in (1, 2, 1, 3, 1, 2):
            await source.run(Address("ci", "j", n))
        assert [path.split("/")[3] for path in asked(stub)] == ["1", "2", "3", "2"]


async def test_a_running_run_costs_two_requests_each_time() -> None:
    answer, _ = SOURCES["stages/tree"]
    async with jenkins(with_source("stages/tree", answer)) as (source, stub):
        for requests in (2, 4, 6):
            await source.run(ADDRESS)
            assert len(stub.requests) == requests


async def test_a_job_that_was_made_anew_is_read_anew() -> None:
    """Its numbers start again, its timestamps do not."""

    def jobs(timestamp: int) -> Reply:
        return core({"jobs": [{"name": "j", "color": "blue", "builds": [build(timestamp=timestamp)]}]})

    routes: dict[str, Route] = {
        "/api/json": [jobs(1000), jobs(2000)],
        "/queue/api/json": core({"items": []}),
        "/job/j/1/api/json": [core(build(timestamp=1000)), core(build("FAILURE", timestamp=2000))],
        "/job/j/1/stages/tree": graph(node("1", "a")),
    }
    async with jenkins(routes) as (source, _):
        await source.run(ADDRESS)
        await source.pipelines()
        assert (await source.run(ADDRESS)).status is Status.PASSED
        await source.pipelines()
        assert (await source.run(ADDRESS)).status is Status.FAILED


async def test_a_run_waiting_for_a_machine_is_looked_up_in_the_queue_until_it_got_one() -> None:
    placeholder = "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask"
    item = {
        "_class": "hudson.model.Queue$BuildableItem",
        "id": 88,
        "why": "no nodes with the label ‘gpu’",
        "stuck": True,
        "task": {"_class": placeholder, "name": "part of j #1"},
    }
    running = build(None, active=True, fullDisplayName="j #1")
    routes: dict[str, Route] = {
        "/api/json": core({"jobs": [{"name": "j", "color": "blue_anime", "builds": [running]}]}),
        "/queue/api/json": [core({"items": [item]}), core({"items": [item]}), core({"items": []})],
        "/job/j/1/api/json": core(running),
        "/job/j/1/wfapi/describe": recorded("wfapi-describe-waiting-for-node"),
    }
    async with jenkins(routes) as (source, stub):
        (pipeline,) = (await source.pipelines()).pipelines
        why = "waits for agent: no nodes with the label ‘gpu’"
        assert pipeline.runs[0].waiting_reason == why
        assert (await source.run(ADDRESS)).waiting_reason == why
        assert (await source.run(ADDRESS)).waiting_reason == ""
        await source.pipelines()
        stub.requests.clear()
        await source.run(ADDRESS)
        assert len(stub.requests) == 2
