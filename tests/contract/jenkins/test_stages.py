"""Which source tells the stages, and what is remembered of a run."""

import asyncio

import pytest

from tests.contract.jenkins.staged import ADDRESS, build, graph, node, wf
from tests.contract.jenkins.support import (
    ABSENT,
    PGV,
    Instant,
    asked,
    core,
    drawn,
    jenkins,
    recorded,
)
from tests.http_stub import Reply, Route
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.jenkins.read.inside import APART

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
        probed = [f"/job/j/1/{tried}" for tried in order[: order.index(path) + 1]]
        assert asked(stub)[1:] == [*probed, "/job/j/1/api/json"], "the last for what goes on inside"
        assert source.facts().stage_source == name
        stub.requests.clear()
        await source.run(Address("ci", "j", 2))
        assert asked(stub) == ["/job/j/2/api/json", f"/job/j/2/{path}", "/job/j/2/api/json"]


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
        assert len(stub.requests) == 3
        assert await source.run(Address("ci", "j", 1, "a")) is first
        assert len(stub.requests) == 3


async def test_the_run_asked_for_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.sources.jenkins.source._REMEMBERED", 2)
    routes: dict[str, Route] = {
        f"/job/j/{n}/api/json": core({"number": n, "result": "SUCCESS", "building": False}) for n in (1, 2, 3)
    }
    async with jenkins(routes) as (source, stub):
        for n in (1, 2, 1, 3, 1, 2):
            await source.run(Address("ci", "j", n))
        assert [path.split("/")[3] for path in asked(stub)] == ["1", "2", "3", "2"]


async def test_a_running_run_costs_two_requests_each_time_and_now_and_then_a_third() -> None:
    """That is its flow graph: read when a stage began or ended, and after half a minute."""
    now = Instant()
    first, second = node("1", "a", "running"), node("2", "b", "running")
    answers = [graph(first), graph(first), graph(first, second), graph(first, second)]
    async with jenkins(with_source("stages/tree", answers[-1]), clock=now) as (source, stub):
        stub.routes["GET /job/j/1/stages/tree"] = answers
        for requests in (3, 2, 3, 2):
            await source.run(ADDRESS)
            assert len(stub.requests) == requests
            stub.requests.clear()
        now.seconds += APART
        await source.run(ADDRESS)
        assert len(stub.requests) == 3


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
        assert "/queue/api/json" not in asked(stub)
