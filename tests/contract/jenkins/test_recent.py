"""What a refresh asks of the builds that are known already, and that nothing is lost by asking for few."""

import re
from typing import Any
from unittest.mock import patch

import pytest

from tests.contract.jenkins.support import EMPTY_QUEUE, core, jenkins
from tests.http_stub import Reply, Request, Route, Stub
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.sources.jenkins.read import runs
from tui.sources.jenkins.source import READ_WHOLE

RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"


def build(number: int, result: str | None = "SUCCESS", **more: Any) -> dict[str, Any]:
    state = {"building": result is None, "inProgress": result is None, "result": result}
    return {"_class": RUN, "number": number, "timestamp": number * 1000, "duration": 9, **state, **more}


def depth(request: Request) -> int:
    """How many builds of each job are asked for."""
    return max(map(int, re.findall(r"\{0,(\d)\}", request.query["tree"][0])))


class Controller:
    """A job whose newest builds are answered as far as they are asked for."""

    def __init__(self, *builds: dict[str, Any]) -> None:
        self.builds = list(builds)
        self.now = 1000.0

    def answer(self, request: Request) -> Reply:
        builds = self.builds[: depth(request)]
        return core({"jobs": [{"name": "ml", "color": "blue", "builds": builds}]})

    def reading(self, **settings: Any) -> Any:
        routes: dict[str, Route] = {"/api/json": self.answer, "/queue/api/json": EMPTY_QUEUE}
        return jenkins(routes, clock=lambda: self.now, **settings)


def asked_for(stub: Stub) -> list[int]:
    """How many builds of each job each refresh asked for."""
    return [depth(request) for request in stub.requests if request.path == "/api/json"]


def numbers(listing: Listing) -> list[int | None]:
    return [run.address.number for run in listing.pipelines[0].runs]


async def test_where_all_has_ended_the_newest_is_asked_for_and_the_others_kept() -> None:
    controller = Controller(*map(build, range(9, 0, -1)))
    async with controller.reading() as (source, stub):
        first = await source.pipelines()
        assert numbers(first) == [9, 8, 7, 6, 5]
        controller.builds.insert(0, build(10, None))
        second = await source.pipelines()
        assert numbers(second) == [10, 9, 8, 7, 6]
        assert second.pipelines[0].runs[0].status is Status.RUNNING
        controller.builds[:1] = [build(11, None), build(10, "FAILURE")]
        third = await source.pipelines()
        assert [run.status for run in third.pipelines[0].runs[:2]] == [Status.RUNNING, Status.FAILED]
        assert asked_for(stub) == [5, 1, 2]


async def test_what_goes_on_behind_the_newest_stays_in_sight() -> None:
    """It is asked for by itself, one request, and no more once it has ended."""
    controller = Controller(build(2), build(1, None))
    first = "GET /job/ml/1/api/json"
    async with controller.reading() as (source, stub):
        assert numbers(await source.pipelines()) == [2, 1]
        controller.builds[:0] = map(build, range(8, 2, -1))
        stub.routes[first] = [core(build(1, None)), Reply(500), core(build(1, None)), core(build(1))]
        assert numbers(await source.pipelines()) == [8, 7, 6, 2, 1], "the others are asked for next"
        for _ in range(3):
            stub.requests.clear()
            assert numbers(await source.pipelines()) == [8, 7, 6, 5, 4, 1]
            assert len(stub.requests) == 3
        for _ in range(2):
            stub.requests.clear()
            assert numbers(await source.pipelines()) == [8, 7, 6, 5, 4]
        assert len(stub.requests) == 2


async def test_all_are_asked_for_after_builds_came_of_which_too_few_were_seen() -> None:
    controller = Controller(*map(build, range(5, 0, -1)))
    async with controller.reading() as (source, stub):
        await source.pipelines()
        controller.builds[:0] = [build(8), build(7), build(6, "FAILURE")]
        await source.pipelines()
        assert numbers(await source.pipelines()) == [8, 7, 6, 5, 4]
        await source.pipelines()
        assert asked_for(stub) == [5, 1, 5, 1]


async def test_builds_of_a_job_made_anew_are_not_joined_with_those_of_the_one_before() -> None:
    controller = Controller(*map(build, range(9, 0, -1)))
    async with controller.reading() as (source, stub):
        await source.pipelines()
        controller.builds[:] = [build(3, timestamp=9000), build(2, timestamp=8000), build(1, timestamp=7000)]
        assert numbers(await source.pipelines()) == [3]
        assert numbers(await source.pipelines()) == [3, 2, 1]
        assert asked_for(stub) == [5, 1, 5]


@pytest.mark.parametrize("older", [0, 1, 2, 3, 4])
async def test_one_more_is_asked_for_than_the_oldest_that_goes_on(older: int) -> None:
    controller = Controller(*map(build, range(9, 0, -1)))
    controller.builds[older] = build(9 - older, None)
    async with controller.reading() as (source, stub):
        await source.pipelines()
        controller.builds[older] = build(9 - older, "ABORTED")
        listing = await source.pipelines()
        assert listing.pipelines[0].runs[older].status is Status.CANCELED
        await source.pipelines()
        assert asked_for(stub) == [5, min(older + 2, 5), 1]


async def test_what_people_change_in_older_ones_is_seen_after_a_while() -> None:
    controller = Controller(*map(build, range(5, 0, -1)))
    async with controller.reading() as (source, stub):
        await source.pipelines()
        controller.builds[3] = build(2, description="bad data")
        controller.now += READ_WHOLE - 1
        await source.pipelines()
        controller.now += 1
        assert (await source.pipelines()).pipelines[0].runs[3].description == "bad data"
        assert asked_for(stub) == [5, 1, 5]


async def test_a_job_that_was_made_anew_has_none_of_the_old_ones() -> None:
    controller = Controller(*map(build, range(9, 0, -1)))
    async with controller.reading() as (source, _):
        await source.pipelines()
        controller.builds = [build(1)]
        assert numbers(await source.pipelines()) == [1]
        controller.builds = [build(2), build(1)]
        assert numbers(await source.pipelines()) == [2, 1]


async def test_only_what_changed_is_read() -> None:
    controller = Controller(*map(build, range(5, 0, -1)))
    async with controller.reading() as (source, _):
        with patch("tui.sources.jenkins.read.recent_builds.read_build", wraps=runs.read_build) as read:
            first = await source.pipelines()
            assert read.call_count == 5
            second = await source.pipelines()
            assert read.call_count == 5
            assert second == first
            controller.builds.insert(0, build(6, None))
            await source.pipelines()
            assert read.call_count == 6
