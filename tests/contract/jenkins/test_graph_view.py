"""Stages as pipeline-graph-view tells them, in every shape it has had."""

import pytest

from tests.contract.jenkins.staged import ADDRESS, INPUT, build, flat, gate, graph, node, read
from tests.contract.jenkins.support import core, drawn, jenkins, recorded
from tests.http_stub import Reply, Route
from tui.domain.status import Status
from tui.sources.base import SourceError

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
        for requests in (3, 5):
            run = await source.run(ADDRESS)
            assert drawn(run.stages) == "a passed, b canceled [c canceled]"
            assert len(stub.requests) == requests


async def test_an_error_of_pipeline_graph_view_comes_with_200() -> None:
    with pytest.raises(SourceError, match="pipeline-graph-view answered error: no \\[such\\] run"):
        await read({"stages/tree": Reply.json({"status": "error", "message": "no [such] run"})})
