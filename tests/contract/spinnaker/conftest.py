"""A Gate that answers what a test tells it to, and the source that asks it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import unquote

import pytest

from tests.contract.spinnaker.bodies import NOW, collapsed
from tests.http_stub import Reply, Request, Stub, http_stub
from tui.config import SpinnakerSettings
from tui.sources.spinnaker.source import SpinnakerSource


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class FakeGate:
    """Answers out of definitions and executions; what a test puts into ``routes`` goes before."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.configs: list[dict[str, Any]] = []
        self.executions: list[dict[str, Any]] = []
        """As they are in full."""
        self.groups: list[dict[str, Any]] = []
        self.routes: dict[str, Reply | Callable[[Request], Reply]] = {}
        self.user: Reply = Reply.json({"username": "ann", "roles": ["ml"], "email": "ann"})
        stub.routes["*"] = self._answer

    @property
    def asked(self) -> list[str]:
        """What was read, without queries."""
        return [each.path for each in self.stub.requests]

    def changed(self) -> list[tuple[str, str, bytes]]:
        return [(each.method, each.path, each.body) for each in self.stub.requests if each.method != "GET"]

    def _answer(self, request: Request) -> Reply:
        path = unquote(request.path)
        if (route := self.routes.get(f"{request.method} {path}")) is not None:
            return route if isinstance(route, Reply) else route(request)
        match path.strip("/").split("/"):
            case ["auth", "user"]:
                return self.user
            case ["applications"]:
                names = sorted({each["application"] for each in self.configs})
                return Reply.json([{"name": name, "accounts": "a,b"} for name in names])
            case ["applications", name, "pipelineConfigs"]:
                return Reply.json([each for each in self.configs if each["application"].lower() == name])
            case ["executions"]:
                return Reply.json(self._executions(request))
            case ["pipelines", id_]:
                found = [each for each in self.executions if each["id"] == id_]
                return Reply.json(found[0]) if found else Reply.json({"message": "not there"}, 404)
            case ["applications", _, "serverGroups"]:
                return Reply.json(self.groups)
        return Reply.json({"status": 404, "message": "No message available"}, 404)

    def _executions(self, request: Request) -> list[dict[str, Any]]:
        assert request.query["expand"] == ["false"], "a list in full is 20 times as large"
        if "executionIds" in request.query:
            ids = request.query["executionIds"][0].split(",")
            return [collapsed(each) for each in self.executions if each["id"] in ids]
        statuses = request.query.get("statuses", [""])[0].split(",")
        found: list[dict[str, Any]] = []
        for id_ in request.query["pipelineConfigIds"][0].split(","):
            mine = [
                each
                for each in self.executions
                if each["pipelineConfigId"] == id_ and (statuses == [""] or each["status"] in statuses)
            ]
            mine.sort(key=lambda each: -each["buildTime"])
            found += mine[: int(request.query["limit"][0])]
        return [collapsed(each) for each in found]


Open = Callable[..., SpinnakerSource]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> Any:
    with http_stub({}) as stub:
        yield FakeGate(stub)


@pytest.fixture
async def at(gate: FakeGate, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Makes the source, with settings as the arguments say."""
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)
    async with AsyncExitStack() as opened:

        def make(**settings: Any) -> SpinnakerSource:
            wanted = {"url": gate.stub.url, "watch": ("shop",), **settings}
            source = SpinnakerSource("spin", SpinnakerSettings(**wanted), clock=clock)
            opened.push_async_callback(source.close)
            return source

        yield make


@pytest.fixture
def source(at: Open) -> SpinnakerSource:
    return at()
