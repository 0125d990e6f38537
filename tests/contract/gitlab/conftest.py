"""A GitLab source at a stub that answers over real HTTP, below a path as relative-URL installs do."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.http_stub import Reply, Request, Stub, http_stub
from tui.config import GitLabSettings, Secret
from tui.sources.gitlab import GitLabSource

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
    """Answers the overview: ``answer`` makes the project nodes out of the variables."""

    def reply(request: Request) -> Reply:
        operation, variables = asked(request)
        assert operation == "Dashboard"
        return Reply.json({"data": {"projects": {"nodes": answer(variables)}}})

    return reply


def projects(**pipelines: list[Any]) -> Callable[[Request], Reply]:
    """Answers the overview with projects of the group ``ml``: name to pipeline nodes, whatever their ref."""

    def nodes(variables: dict[str, Any]) -> list[Any]:
        known = {f"ml/{name}": found for name, found in pipelines.items()}
        return [
            {
                "fullPath": path,
                "pipelines": {
                    "nodes": [one for one in known[path] if variables.get("ref") in (None, one["ref"])]
                },
            }
            for path in variables["paths"]
            if path in known
        ]

    return dashboard(nodes)


def details(**pipelines: Any) -> Callable[[Request], Reply]:
    """Answers for one run: ``data`` by ``i`` and iid."""

    def reply(request: Request) -> Reply:
        operation, variables = asked(request)
        assert operation == "PipelineDetail"
        return Reply.json({"data": pipelines.get(f"i{variables['iid']}", {"project": None})})

    return reply


def operations(**replies: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """Answers each operation by its own function."""
    return lambda request: replies[asked(request)[0]](request)


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
