"""No recording is left out, and no answer, however mangled, does more than fail."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.jenkins import (
    test_faults,
    test_graph_view,
    test_inside,
    test_listing,
    test_matrix,
    test_queue,
    test_runs,
    test_wfapi,
)
from tests.contract.jenkins.support import RECORDINGS, body, core, jenkins, recording
from tests.http_stub import Route
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.jenkins.source import JenkinsSource

ASKED_FOR = re.compile(
    r"(/job/[^/]+)*(/-?\d+)?/api/json(\?.*)?|/queue/api/json(\?.*)?|/whoAmI/api/json"
    r"|.+/(stages|pipeline-overview|pipeline-graph)/tree|.+/(\d+|lastBuild)/wfapi/(describe|pendingInputActions)"
)
"""Paths of the kinds that the client asks for."""
EXPECTED = {
    "whoAmI",
    "whoAmI-anonymous",
    "wfapi-node-describe-fit",  # in test_stage_logs
    *test_faults.ANSWERS,
    *test_graph_view.GRAPHS,
    *test_inside.RECORDED,
    *test_listing.FOLDERS,
    *test_listing.JOBS,
    *test_listing.ROOTS,
    *test_matrix.RUNS,
    *test_matrix.CELLS,
    *test_queue.QUEUES,
    *test_queue.ASKED,
    *test_runs.BUILDS,
    *test_runs.PARAMETERS,
    *test_runs.MISSING,
    *test_wfapi.INPUTS,
    *test_wfapi.WFAPI,
}


def test_every_recording_has_an_expectation() -> None:
    names = [path.stem for path in RECORDINGS.glob("*.json")]
    asked_for = {
        name
        for name in names
        if recording(name)["method"] == "GET" and ASKED_FOR.fullmatch(recording(name)["path"])
    }
    assert asked_for - EXPECTED == set()
    assert len(asked_for) > 90


HOSTILE = (None, "", "\x1b[2J\u202e", -1, 2**70, 1.5, [None], {"_class": 7})


def mangled(document: Any) -> Iterator[Any]:
    """Copies of ``document``, in each of which one value is hostile; every key has its turn in every kind of place."""
    for place in places(document):
        for value in HOSTILE:
            changed = copy.deepcopy(document)
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            yield changed


def places(document: Any) -> list[tuple[Any, ...]]:
    """A place for each different path of keys, list indexes not counted."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    ahead: list[tuple[Any, ...]] = [()]
    while ahead:
        place = ahead.pop()
        inner = document
        for key in place:
            inner = inner[key]
        if place:
            found.setdefault(tuple(key for key in place if isinstance(key, str)), place)
        if isinstance(inner, dict):
            ahead += [(*place, key) for key in inner]
        elif isinstance(inner, list):
            ahead += [(*place, index) for index in range(len(inner))]
    return list(found.values())


def build() -> dict[str, Any]:
    """Everything that is read of a build, out of two recorded ones."""
    paused, main = body("build-paused-for-input"), body("multibranch-build3")
    gate = {"id": "Go", "settled": False, "input": {"id": "Go", "message": "Go?"}}
    read = ("Cause", "Parameters", "BuildData", "SCMRevision", "TestResult", "Input", "InterruptedBuild")
    actions = {
        kind: action
        for action in (*main["actions"], *paused["actions"])
        if (kind := action.get("_class", "").rpartition(".")[2].removesuffix("Action")) in read
    }
    actions["Input"] |= {"executions": [gate]}
    actions["SCMRevision"] |= {"revision": {"hash": "abc", "head": {"name": "main"}}}
    del actions["BuildData"]["buildsByBranchName"]
    keys = "_class number displayName fullDisplayName building inProgress result timestamp duration estimatedDuration"
    return {**{key: paused[key] for key in keys.split()}, "actions": list(actions.values())}


JOB = {
    "name": "a",
    "fullName": "f/a",
    "color": "blue",
    "disabled": False,
    "buildable": True,
    "builds": [build()],
}
GRAPH = body("graphview-tree")
ANSWERS: dict[str, tuple[str, Any]] = {
    "jobs": ("/api/json", {"jobs": [{"name": "f", "fullName": "f", "jobs": [JOB]}]}),
    "queue": ("/queue/api/json", {"items": body("queue-tree")["items"][1:2]}),
    "build": ("/job/j/1/api/json", build()),
    "graph": ("/job/j/1/pipeline-graph/tree", GRAPH | {"data": {"stages": GRAPH["data"]["stages"][1:2]}}),
    "wfapi": ("/job/j/1/wfapi/describe", body("wfapi-describe-failing-pipeline")),
}


async def read_or_refused(source: JenkinsSource, kind: str) -> Any:
    try:
        if kind in ("jobs", "queue"):
            return await source.pipelines()
        return await source.run(Address("ci", "j", 1))
    except SourceError as error:
        return error


@pytest.mark.parametrize("kind", ANSWERS)
async def test_mangled_answers_are_read_or_refused(kind: str) -> None:
    path, document = ANSWERS[kind]
    running = {"_class": "WorkflowRun", "number": 1, "building": True, "inProgress": True}
    routes: dict[str, Route] = {
        "/api/json": core({"jobs": [{**JOB, "builds": []}]}),
        "/queue/api/json": core({"items": []}),
        "/job/j/1/api/json": core(running),
    }
    refused = 0
    async with jenkins(routes) as (source, stub):
        for changed in mangled(document):
            stub.routes[f"GET {path}"] = core(changed)
            what = await read_or_refused(source, kind)
            assert str(what).isprintable()
            if isinstance(what, SourceError):
                assert what.trouble in (Trouble.WRONG_ANSWER, Trouble.SERVER_ERROR)
                refused += 1
    assert kind == "queue" or refused > 5
