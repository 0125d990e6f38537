"""Which projects are read again: those that have changed, those where something goes on, and none for too long."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.gitlab.bodies import node
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, executed
from tests.contract.gitlab.graphql_stub import ResolveError
from tests.http_stub import Reply, Request, Stub
from tui.domain.pipeline import Listing
from tui.sources.gitlab.read.kept_projects import READ_AGAIN, SETTLES

LATER = "2026-05-08T10:00:00Z"


class Server:
    """Projects of which a test tells what has changed."""

    def __init__(self, stub: Stub, connect: Connect, count: int, **settings: Any) -> None:
        self.stub = stub
        self.pipelines: dict[str, list[Any]] = {f"ml/p{at}": [node(1000 + 100 * at)] for at in range(count)}
        self.source = connect(watch=tuple(self.pipelines), **settings)
        self.wrong: Callable[[dict[str, Any]], Reply | None] = lambda body: None
        self._answer = executed(lambda _: {"projects": [*map(self._project, self.pipelines)]})
        stub.routes[GRAPHQL] = self._reply

    def _project(self, path: str) -> dict[str, Any]:
        return {"fullPath": path, "pipelines": self.pipelines[path]}

    def _reply(self, request: Request) -> Reply:
        return self.wrong(json.loads(request.body)) or self._answer(request)

    async def listing(self) -> tuple[Listing, list[tuple[str, list[str]]]]:
        """And the questions it took, each with the projects that it read whole."""
        before = len(self.stub.requests)
        found = await self.source.pipelines()
        bodies = [json.loads(request.body) for request in self.stub.requests[before:] if request.body]
        return found, [(body["operationName"], body["variables"].get("paths", [])) for body in bodies]

    def status(self, listing: Listing, path: str) -> list[str]:
        (row,) = (row for row in listing.pipelines if row.address.path == path)
        return [run.vendor_status for run in row.runs]


async def test_where_nothing_changes_one_question_in_few_bytes_does_for_fifty_projects(
    stub: Stub, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.sources.gitlab.read.watch.MOST_PROJECTS", 500)
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)
    server = Server(stub, connect, 500)
    first, asked = await server.listing()
    assert len(asked) == 50
    size = server.source.facts().bytes_read
    again, asked = await server.listing()
    assert again == first
    assert asked == [("Changes", [])] * 10
    assert (server.source.facts().bytes_read - size) / size < 0.35


async def test_what_has_changed_is_read_and_for_a_while_after_it(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    server = Server(stub, connect, 12)
    await server.listing()
    server.pipelines["ml/p3"].insert(0, node(1399, status="FAILED", updatedAt=LATER))
    found, asked = await server.listing()
    assert asked == [("Changes", []), ("Dashboard", ["ml/p3"])]
    assert server.status(found, "ml/p3") == ["failed", "success"]
    server.pipelines["ml/p3"][0]["testReportSummary"]["total"]["count"] = 7  # it came later, without a trace
    found, asked = await server.listing()
    assert asked == [("Changes", ["ml/p3"])]
    assert [row.runs[0].tests.total for row in found.pipelines if row.runs[0].tests] == [7]
    clock.ahead = 2 * SETTLES
    assert (await server.listing())[1] == [("Changes", [])]


async def test_where_something_goes_on_it_is_read_each_time_in_the_same_question(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    server = Server(stub, connect, 50)
    for at in range(12):
        server.pipelines[f"ml/p{at}"][0] |= {"status": "RUNNING" if at % 2 else "PENDING"}
    await server.listing()
    clock.ahead = 2 * SETTLES
    found, asked = await server.listing()
    assert [len(paths) for _, paths in asked] == [10, 2], "ten fit into it"
    server.pipelines["ml/p11"][0] |= {"status": "SUCCESS"}  # in the same second
    found, _ = await server.listing()
    assert server.status(found, "ml/p11") == ["success"]


async def test_what_changes_without_a_trace_is_seen_when_it_was_not_read_for_long(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    server = Server(stub, connect, 25)
    await server.listing()
    for pipelines in server.pipelines.values():
        pipelines[0] |= {"name": "renamed"}
    clock.ahead = READ_AGAIN + 1
    read: list[str] = []
    for _ in range(3):
        found, asked = await server.listing()
        read += [path for _, paths in asked for path in paths]
        clock.ahead += SETTLES + 1
    assert sorted(read) == sorted(server.pipelines), "ten at a time"
    assert {row.runs[0].title for row in found.pipelines} == {"renamed"}


async def test_an_old_run_that_was_retried_is_asked_about_once(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    server = Server(stub, connect, 2)
    server.pipelines["ml/p0"] = [node(1100 - at) for at in range(12)]
    await server.listing()
    server.pipelines["ml/p0"][11] |= {"updatedAt": LATER}
    assert (await server.listing())[1] == [("Changes", []), ("Dashboard", ["ml/p0"])]
    assert (await server.listing())[1] == [("Changes", [])]


async def test_what_was_written_late_is_not_missed(stub: Stub, connect: Connect) -> None:
    server = Server(stub, connect, 2)
    server.pipelines["ml/p0"][0] |= {"updatedAt": LATER}
    await server.listing()
    server.pipelines["ml/p1"].insert(0, node(1199, status="FAILED", updatedAt="2026-05-08T09:59:10Z"))
    found, _ = await server.listing()
    assert server.status(found, "ml/p1") == ["failed", "success"]


async def test_what_is_not_told_counts_as_changed(stub: Stub, connect: Connect) -> None:
    server = Server(stub, connect, 3)
    first, _ = await server.listing()
    one = server.pipelines.pop("ml/p1")
    stub.routes["GET /gitlab/api/v4/projects/ml%2Fp1"] = Reply.json({"message": "404 Project Not Found"}, 404)
    found, asked = await server.listing()
    assert [paths for _, paths in asked] == [[], ["ml/p1"]]
    assert "ml/p1 does not exist" in found.notes[0]
    server.pipelines = {"ml/p0": server.pipelines["ml/p0"], "ml/p1": one, "ml/p2": server.pipelines["ml/p2"]}
    assert (await server.listing())[0] == first
    server.pipelines["ml/p2"] = ResolveError("boom")  # type: ignore[assignment]
    found, _ = await server.listing()
    assert found.pipelines == first.pipelines
    assert "ml/p2: not read, shown as last read" in found.notes[0]


@pytest.mark.parametrize(
    ("reply", "asked_again"),
    [
        (
            Reply.json(
                {"errors": [{"message": "Query has complexity of 300, which exceeds max complexity of 250"}]}
            ),
            False,
        ),
        (
            Reply.json({"errors": [{"message": "Request timed out. Please try a less complex query"}]}, 503),
            True,
        ),
        (Reply.json({"message": "500 Internal Server Error"}, 500), True),
        (Reply.json({"data": {"updated": None}}), True),
    ],
)
async def test_where_changes_are_not_told_all_is_read(
    stub: Stub, connect: Connect, reply: Reply, asked_again: bool
) -> None:
    server = Server(stub, connect, 12)
    first, _ = await server.listing()
    server.wrong = lambda body: reply if body["operationName"] == "Changes" else None
    for turn in range(2):
        found, asked = await server.listing()
        assert found == first, "with nothing to remark: it is what it would be"
        wanted = ["Changes"] if turn == 0 or asked_again else []
        assert [name for name, _ in asked] == [*wanted, "Dashboard", "Dashboard"]


async def test_with_globs_of_refs_it_is_the_same(stub: Stub, connect: Connect) -> None:
    server = Server(stub, connect, 12, refs=("main", "release/*"))
    server.pipelines["ml/p2"][0] |= {"status": "RUNNING"}
    first, _ = await server.listing()
    found, asked = await server.listing()
    assert (found, asked) == (first, [("ChangesOfRefs", ["ml/p2"])])
