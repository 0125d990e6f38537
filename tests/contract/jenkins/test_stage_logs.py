"""The log of a step or stage: by its node, as its steps one after another, or whole once it has ended."""

import json

import pytest

from tests.contract.jenkins.log_support import BUILD, LOG
from tests.contract.jenkins.staged import ADDRESS, build, graph, node
from tests.contract.jenkins.support import asked, core, jenkins, recorded, recording
from tests.http_stub import Reply, Request, Route
from tests.reading import Sink, lines, to_the_end
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.logs.jenkins import JenkinsParser
from tui.sources.base import SourceError
from tui.sources.logs import LogStatus

DEPLOY = Address("ci", "deploy-model", 2)


NODES = {
    "checkout": 11,
    "deploy-canary": 85,
    "fit": 60,
    "lint": 28,
    "nightly_only": 80,
    "shard-0": 54,
    "unit": 29,
    "validate": 74,
    "warm-up": 55,
}
STEPS = {
    f"/job/deploy-model/2/execution/node/{id}/log/logText/progressiveText": recorded(
        f"node-log-progressive-{name}"
    )
    for name, id in {**NODES, "promote": 90}.items()
}
PAUSED: dict[str, Route] = {
    "/job/deploy-model/2/api/json": recorded("build-paused-for-input"),
    "/job/deploy-model/2/stages/tree": recorded("graphview-stages-tree"),
    "/job/deploy-model/2/pipeline-overview/tree": recorded("graphview-tree"),
    "/job/deploy-model/2/pipeline-overview/allSteps": recorded("graphview-allSteps"),
    **STEPS,
}


@pytest.mark.parametrize(("name", "node"), NODES.items())
async def test_a_step_is_read_by_its_node(name: str, node: int) -> None:
    async with jenkins(PAUSED) as (source, _):
        sink = Sink()
        reader = source.log(DEPLOY.at_job(f"step~{node}"))
        assert await reader.read(sink) == LogStatus(complete=True, wait=1.0 if sink.data else 1.5)
    assert sink.data == recording(f"node-log-progressive-{name}")["body"].encode()


async def test_a_step_that_waits_for_a_person_goes_on() -> None:
    async with jenkins(PAUSED) as (source, _):
        sink = Sink()
        outcome = await source.log(DEPLOY.at_job("step~90")).read(sink)
    assert not outcome.complete
    assert lines(JenkinsParser(), sink.data) == [b"Input requested"]


def some_steps(request: Request) -> Reply:
    """``steps`` as recorded, for any stage."""
    if request.query["nodeId"] == ["10"]:
        return recorded("graphview-steps")
    everything = json.loads(recording("graphview-allSteps")["body"])
    steps = [step for step in everything["data"]["steps"] if [step["stageId"]] == request.query["nodeId"]]
    return Reply.json({"status": "ok", "data": {"steps": steps, "runIsComplete": False}})


async def test_a_stage_under_way_is_its_steps_one_after_another() -> None:
    routes = {**PAUSED, "/job/deploy-model/2/pipeline-overview/steps": some_steps}
    async with jenkins(routes) as (source, stub):
        sink = Sink()
        reader = source.log(DEPLOY.at_job("promote"))
        assert not (await reader.read(sink)).complete
        assert lines(JenkinsParser(), sink.data) == [b"Input requested"]
        before = len(stub.requests)
        assert not (await reader.read(sink)).complete
        again = asked(stub)[before:]
    assert again == ["/job/deploy-model/2/execution/node/90/log/logText/progressiveText"], (
        "one request while it lasts"
    )


async def test_a_stage_with_branches_is_all_their_steps() -> None:
    async with jenkins(PAUSED) as (source, _):
        sink = Sink()
        await to_the_end(source.log(DEPLOY.at_job("train")), sink)
    names = ("shard-0", "warm-up", "fit")
    assert sink.data == b"".join(recording(f"node-log-progressive-{name}")["body"].encode() for name in names)


async def test_a_stage_that_has_ended_is_read_whole() -> None:
    routes: dict[str, Route] = {
        **PAUSED,
        "/job/deploy-model/2/pipeline-overview/log": recorded("graphview-log"),
    }
    async with jenkins(routes) as (source, stub):
        sink = Sink()
        assert (await source.log(DEPLOY.at_job("test/unit")).read(sink)).complete
        assert stub.requests[-1].query == {"nodeId": ["20"]}
    assert lines(JenkinsParser(), sink.data) == [b"+ mkdir -p reports", b"+ cat"]


async def test_of_stages_with_one_name_it_is_told_which_and_what_the_others_are() -> None:
    routes: dict[str, Route] = {
        "/job/j/1/api/json": core(build("FAILURE")),
        "/job/j/1/pipeline-overview/tree": graph(
            node("6", "deploy"), node("14", "deploy", "failure"), node("22", "deploy", "skipped")
        ),
        "/job/j/1/pipeline-overview/log": Reply.text("it broke\n"),
    }
    async with jenkins(routes) as (source, stub):
        reader = source.log(ADDRESS.at_job("deploy"))
        await reader.read(Sink())
        assert stub.requests[-1].query == {"nodeId": ["14"]}
    assert reader.chosen == "~14, one of 3 stages of this name: ~6, ~14, ~22"


async def test_a_stage_that_wrote_nothing_has_an_empty_log() -> None:
    silent = Reply.text("No logs found\n")
    async with jenkins({**PAUSED, "/job/deploy-model/2/pipeline-overview/log": silent}) as (source, _):
        sink = Sink()
        assert (await source.log(DEPLOY.at_job("test/unit~20")).read(sink)).complete
    assert (sink.data, sink.begun) == (b"", [0])


async def test_wfapi_tells_the_steps_of_a_stage_too() -> None:
    gone = recorded("notfound-job-404")
    routes: dict[str, Route] = {
        **STEPS,
        "/job/deploy-model/2/api/json": recorded("build-paused-for-input"),
        "/job/deploy-model/2/stages/tree": gone,
        "/job/deploy-model/2/pipeline-overview/tree": gone,
        "/job/deploy-model/2/pipeline-graph/tree": gone,
        "/job/deploy-model/2/wfapi/describe": recorded("wfapi-describe-paused"),
        "/job/deploy-model/2/wfapi/pendingInputActions": recorded("wfapi-pending-none"),
        "/job/deploy-model/2/execution/node/59/wfapi/describe": recorded("wfapi-node-describe-fit"),
    }
    async with jenkins(routes) as (source, _):
        sink = Sink()
        await to_the_end(source.log(DEPLOY.at_job("fit")), sink)
    assert sink.data == recording("node-log-progressive-fit")["body"].encode()


async def test_without_a_stage_plugin_a_stage_is_shown_by_the_whole_log() -> None:
    flow = {
        "actions": [
            {
                "_class": "org.jenkinsci.plugins.workflow.job.views.FlowGraphAction",
                "nodes": [
                    {"_class": "x.FlowStartNode", "id": "2", "displayName": "Start", "parents": []},
                    {
                        "_class": "x.StepStartNode",
                        "id": "3",
                        "displayName": "Stage : Start",
                        "parents": ["2"],
                    },
                    {"_class": "x.StepStartNode", "id": "4", "displayName": "train", "parents": ["3"]},
                    {
                        "_class": "x.StepEndNode",
                        "id": "5",
                        "displayName": "Stage : Body : End",
                        "parents": ["4"],
                    },
                    {"_class": "x.StepEndNode", "id": "6", "displayName": "Stage : End", "parents": ["5"]},
                ],
            }
        ]
    }
    build = {
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
        "number": 2,
        "result": "SUCCESS",
        "building": False,
        "inProgress": False,
    }
    run = "/job/slow-logs/2"
    routes: dict[str, Route] = {
        f"{run}/api/json": lambda request: core(flow if "nodes" in request.query["tree"][0] else build),
        LOG: recorded("log-progressiveText-finished-start0"),
    }
    async with jenkins(routes) as (source, _):
        sink = Sink()
        reader = source.log(BUILD.at_job("train"))
        await to_the_end(reader, sink)
        assert reader.of == BUILD
        assert reader.chosen == "the whole run: this controller does not tell the log of a stage"
    assert lines(JenkinsParser(), sink.data)[-1] == b"Finished: ABORTED"


async def test_a_stage_that_is_not_there_is_named_beside_those_that_are() -> None:
    async with jenkins(PAUSED) as (source, _):
        with pytest.raises(SourceError) as caught:
            await source.log(DEPLOY.at_job("tset")).read(Sink())
    assert caught.value.trouble is Trouble.NOT_FOUND
    assert caught.value.message.startswith(
        "ci:deploy-model#2 has no stage tset; it has: checkout, test, unit, lint, "
    )
