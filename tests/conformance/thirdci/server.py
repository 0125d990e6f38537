"""The third CI's server: flows, runs, places and a log, told over a small JSON API."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tui.sandbox.faults import Faults, with_faults

START = 1_790_000_000.0
ULID = "01KDWX7VT0ZZZZZZZZZZZZ{:04}"
"""The ids of its runs: texts, which sort by time."""


class Job(msgspec.Struct):
    name: str
    state: str = "ok"
    log: str = "it works\n"


class Case(msgspec.Struct):
    name: str
    passed: bool = True
    words: str = ""


class Run(msgspec.Struct):
    id: str
    flow: str
    title: str
    state: str = "ok"
    who: str = "ann"
    version: str = "1.0"
    begun: float = START - 600.0
    took: float | None = 60.0
    jobs: list[Job] = []
    cases: list[Case] = []
    gate: str | None = None
    """The place before which it waits for a person."""
    asks: str = ""
    """What the gate asks."""
    again_of: str | None = None


class Deployment(msgspec.Struct):
    run: str
    version: str
    begun: float
    state: str = "ok"
    canary: bool = False


class Place(msgspec.Struct):
    name: str
    flow: str
    tier: str
    deployments: list[Deployment] = []
    """Newest first."""


class Server:
    """What is there, and what was done to it."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.runs: list[Run] = []
        """Newest first."""
        self.places: list[Place] = []
        self.token_writes: bool | None = True
        """Whether the token may write; None: it is not told."""
        self._made = 0

    @property
    def app(self) -> ASGIApp:
        routes = [
            Route("/third/api/flows", self._flows),
            Route("/third/api/me", self._me),
            Route("/third/api/runs/{id}", self._run),
            Route("/third/api/runs/{id}/log/{job}", self._log),
            Route("/third/api/places", self._places),
            Route("/third/api/runs/{id}/{deed}", self._do, methods=["POST"]),
            Route("/third/api/flows/{flow:path}/start", self._start, methods=["POST"]),
            Route("/third/api/places/{name}/back", self._back, methods=["POST"]),
        ]
        return with_faults(Starlette(routes=routes), self.faults, _refusal)

    def add(self, flow: str, title: str, **more: Any) -> Run:
        """A new run, the newest."""
        self._made += 1
        run = Run(ULID.format(self._made), flow, title, begun=START - 600.0 + self._made, **more)
        self.runs.insert(0, run)
        return run

    def of(self, id: str) -> Run:
        return next(run for run in self.runs if run.id == id)

    # --- what it answers --------------------------------------------------------------------------------------------

    async def _flows(self, request: Request) -> Response:
        names = dict.fromkeys(run.flow for run in self.runs)
        return _json(
            [{"name": name, "runs": [run for run in self.runs if run.flow == name]} for name in names]
        )

    async def _me(self, request: Request) -> Response:
        return _json({"name": "deckhand", "writes": self.token_writes})

    async def _run(self, request: Request) -> Response:
        found = [run for run in self.runs if run.id == request.path_params["id"]]
        return _json(found[0]) if found else _json({"error": "there is no such run"}, 404)

    async def _log(self, request: Request) -> Response:
        run = self.of(request.path_params["id"])
        found = [job for job in run.jobs if job.name == request.path_params["job"]]
        return PlainTextResponse(found[0].log if found else "", 200 if found else 404)

    async def _places(self, request: Request) -> Response:
        """Those of a flow, or one by its name; a hundred at most, as servers do."""
        asked = request.query_params
        found = [
            place
            for place in self.places
            if place.flow == asked["flow"] and asked.get("name", place.name) == place.name
        ]
        return _json(found[:100])

    # --- what can be done -------------------------------------------------------------------------------------------

    async def _do(self, request: Request) -> Response:
        run = self.of(request.path_params["id"])
        match request.path_params["deed"]:
            case "go" | "no" as answer if run.gate is not None:
                run.gate, run.state = None, "ok" if answer == "go" else "ended"
                for place in self.places:
                    for deployment in place.deployments:
                        if deployment.run == run.id and answer == "go":
                            deployment.canary, deployment.state = False, "ok"
                return _json(run)
            case "again":
                return _json(
                    self.add(run.flow, run.title, jobs=run.jobs, version=run.version, again_of=run.id)
                )
            case "stop" if run.state in ("going", "held", "due"):
                run.state, run.gate = "ended", None
                return _json(run)
        return _json({"error": f"it is {run.state}: that cannot be done"}, 409)

    async def _start(self, request: Request) -> Response:
        return _json(self.add(request.path_params["flow"], "started by hand"))

    async def _back(self, request: Request) -> Response:
        place = next(each for each in self.places if each.name == request.path_params["name"])
        version = (await request.json())["version"]
        earlier = next(each for each in place.deployments if each.version == version)
        place.deployments.insert(0, Deployment(earlier.run, version, place.deployments[0].begun + 1.0))
        return _json(place)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _refusal(status: int, headers: Mapping[str, str]) -> Response:
    return JSONResponse({"error": f"error {status}"}, status, dict(headers))
