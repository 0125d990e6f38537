"""Stages out of the flow graph, where no plugin tells them."""

from typing import Any

import pytest

from tests.contract.jenkins.staged import ADDRESS, RUN, build, flat
from tests.contract.jenkins.support import asked, core, drawn, jenkins
from tests.http_stub import Reply
from tui.domain.pipeline import Run
from tui.sources.base import SourceError

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
