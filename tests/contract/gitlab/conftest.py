"""A GitLab source at a stub that answers over real HTTP, below a path as relative-URL installs do."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.contract.gitlab.graphql_stub import execute
from tests.http_stub import Reply, Request, Stub, http_stub
from tui.config import GitLabSettings, Secret
from tui.sources.gitlab.source import GitLabSource

PREFIX = "/gitlab"
GRAPHQL = f"POST {PREFIX}/api/graphql"


class Clock:
    """The time, and more when told so."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def rest(path: str) -> str:
    """The stub's key of a REST read."""
    return f"GET {PREFIX}/api/v4{path}"


def asked(request: Request) -> tuple[str, dict[str, Any]]:
    """Operation and variables of a GraphQL question."""
    body = json.loads(request.body)
    assert f"query {body['operationName']}(" in body["query"]
    return body["operationName"], body["variables"]


def dashboard(answer: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Reply]:
    """Answers the overview: ``answer`` makes the project nodes out of the variables. What has changed is not told, so
    that all is read each time."""

    def reply(request: Request) -> Reply:
        operation, variables = asked(request)
        if operation == "Changes":
            return Reply.json({"data": {"updated": {"nodes": []}, "projects": {"nodes": []}}})
        assert operation == "Dashboard"
        return Reply.json({"data": {"projects": {"nodes": answer(variables)}}})

    return reply


def executed(data: Callable[[dict[str, Any]], Any], version: str = "18.9") -> Callable[[Request], Reply]:
    """Answers a query as GitLab's schema has it: ``data`` makes what it is answered with out of the variables."""

    def reply(request: Request) -> Reply:
        body = json.loads(request.body)
        values = body["variables"]
        return Reply.json(execute(data(values), body["query"], values, body["operationName"], version))

    return reply


def projects(**pipelines: list[Any]) -> Callable[[Request], Reply]:
    """Answers the overview with projects of the group ``ml``: name to pipeline nodes."""
    found = [{"fullPath": f"ml/{name}", "pipelines": nodes} for name, nodes in pipelines.items()]
    return executed(lambda _: {"projects": found})


def details(**pipelines: Any) -> Callable[[Request], Reply]:
    """Answers for one run: ``data`` by ``i`` and iid."""
    return executed(lambda values: pipelines.get(f"i{values['iid']}", {"project": None}))


def operations(**replies: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """Answers each operation by its own function; what has changed as the overview."""

    def reply(request: Request) -> Reply:
        operation = asked(request)[0]
        return replies[operation if operation != "Changes" else "Dashboard"](request)

    return reply


@pytest.fixture
def stub() -> Iterator[Stub]:
    with http_stub({}) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


Connect = Callable[..., GitLabSource]


@pytest.fixture
async def connect(stub: Stub, clock: Clock) -> AsyncIterator[Connect]:
    """Makes sources at the stub; keyword arguments are settings."""
    made: list[GitLabSource] = []

    def make(**settings: Any) -> GitLabSource:
        defaults: dict[str, Any] = {
            "url": stub.url + PREFIX,
            "token": Secret("glpat-secret"),
            "watch": ("ml/fraud",),
        }
        source = GitLabSource("gl", GitLabSettings(**{**defaults, **settings}), clock=clock)
        made.append(source)
        return source

    yield make
    for source in made:
        await source.close()


def paths(stub: Stub) -> list[str]:
    """What was asked so far, below the prefix."""
    return [f"{request.method} {request.path.removeprefix(PREFIX)}" for request in stub.requests]
