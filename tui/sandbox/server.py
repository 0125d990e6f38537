"""The sandbox's process: a port for each face, and one to control them from tests."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Literal, TypeVar, cast

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from tui.domain.address import AddressError, parse_address
from tui.sandbox import gitlab, jenkins, spinnaker
from tui.sandbox.faults import Faults, Kind
from tui.sandbox.log_reference import find, log_at, task_of
from tui.sandbox.prometheus import prometheus_app
from tui.sandbox.scenario import Name, named
from tui.sandbox.world import Clock, World

T = TypeVar("T")

FACES = {
    "jenkins": "/jenkins",
    "gitlab": "/gitlab",
    "spinnaker": spinnaker.PREFIX,
    "prometheus": "/prometheus",
}
"""The faces and their path prefixes."""
USER = "you"
TOKEN = "sandbox-token"


_TURNS_TO_ACCEPT = 4
"""Turns of the event loop after which a connection that was just accepted is among those that are open."""


class Listener:
    """One application on one loopback port. The port stays its own while it is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._config = Config(
            app, lifespan="off", log_config=None, access_log=False, date_header=False, server_header=False
        )
        self._config.load()
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        protocol = cast("Callable[..., Any]", self._config.http_protocol_class)

        def connect() -> asyncio.Protocol:
            state: dict[str, Any] = {}
            made: asyncio.Protocol = protocol(config=self._config, server_state=self._state, app_state=state)
            state["cut"] = lambda: cast("Any", made).transport.close()  # what was written still goes out
            return made

        self._server = await loop.create_server(connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections and cut those that are open."""
        if self._server is None:
            return
        server, self._server = self._server, None
        # A connection whose server closes while it is being accepted is lost to asyncio, and stays open.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(_TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()


class Server:
    """The world, its faces and their faults.

    Args:
        scenario: the name of one (:func:`tui.sandbox.scenario.named`).
        clock: the world's.
        stages: what the Jenkins face tells stages by.
        jobs, projects: the size of ``many``.
        core: the version of Jenkins.
        trace_every: seconds between two times that a GitLab runner sends its log (a real one: 60).
    """

    def __init__(
        self,
        scenario: str,
        clock: Clock,
        *,
        seed: int = 7,
        stages: jenkins.StageSource = "pipeline-overview",
        jobs: int = 200,
        projects: int = 50,
        core: str = "2.516.3",
        trace_every: float = 10.0,
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._stages = stages
        self._core = core
        self._trace_every = trace_every
        self._sizes = (jobs, projects)
        self._faults = {face: Faults() for face in FACES}
        self._apps: dict[str, ASGIApp] = {}
        self._options: dict[str, jenkins.Options | gitlab.Options | spinnaker.Options] = {}
        self._listeners = {face: Listener(self._face(face)) for face in FACES}
        self._control = Listener(self._control_app())
        self.scenario = scenario

    async def start(self) -> dict[str, str]:
        """Open all ports and make the world; returns the url of each face, and that of ``control``."""
        for listener in (*self._listeners.values(), self._control):
            await listener.open()
        self._load(self.scenario)
        urls = {face: self._origin(face) + prefix for face, prefix in FACES.items()}
        return urls | {"control": f"http://127.0.0.1:{self._control.port}"}

    async def stop(self) -> None:
        for listener in (*self._listeners.values(), self._control):
            await listener.close()

    def _origin(self, face: str) -> str:
        return f"http://127.0.0.1:{self._listeners[face].port}"

    def _load(self, name: str) -> None:
        scenario = named(name, *self._sizes)
        self.scenario = name
        self._world = World(scenario, self._clock, seed=self._seed)
        for_jenkins = jenkins.Options(
            root_url=f"{self._origin('jenkins')}/jenkins/",
            stages=self._stages,
            user=USER,
            token=TOKEN,
            version=self._core,
        )
        for_gitlab = gitlab.Options(
            external_url=f"{self._origin('gitlab')}/gitlab", token=TOKEN, trace_every=self._trace_every
        )
        for_spinnaker = spinnaker.Options(
            token=TOKEN, user=USER, jenkins_url=f"{self._origin('jenkins')}/jenkins"
        )
        self._options = {"jenkins": for_jenkins, "gitlab": for_gitlab, "spinnaker": for_spinnaker}
        self._apps = {
            "jenkins": jenkins.jenkins_app(self._world, self._faults["jenkins"], for_jenkins),
            "gitlab": gitlab.gitlab_app(self._world, self._faults["gitlab"], for_gitlab),
            "spinnaker": spinnaker.spinnaker_app(self._world, self._faults["spinnaker"], for_spinnaker),
            "prometheus": prometheus_app(
                self._world, self._faults["prometheus"], f"{self._origin('gitlab')}/gitlab"
            ),
        }

    def _face(self, face: str) -> ASGIApp:
        """The face's application of the moment, with a ``Date`` by the world's clock."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def dated(message: Message) -> None:
                if message["type"] == "http.response.start":
                    date = formatdate(self._clock.now(), usegmt=True).encode()
                    message = {**message, "headers": [*message["headers"], (b"date", date)]}
                await send(message)

            await self._apps[face](scope, receive, dated)

        return app

    # Control

    def _control_app(self) -> ASGIApp:
        return Starlette(
            routes=[
                Route("/state", self._state),
                Route("/advance", self._advance, methods=["POST"]),
                Route("/fault", self._fault, methods=["POST"]),
                Route("/options", self._set_options, methods=["POST"]),
                Route("/scenario", self._change_scenario, methods=["POST"]),
                Route("/log", self._log, methods=["POST"]),
                Route("/forget", self._forget, methods=["POST"]),
            ],
            exception_handlers={
                msgspec.DecodeError: _misunderstood,
                KeyError: _misunderstood,
                AddressError: _misunderstood,
            },
        )

    async def _state(self, _: Request) -> Response:
        faces = {
            face: {
                "requests": faults.requests,
                "recent": list(faults.recent),
                "writes": msgspec.to_builtins(faults.writes),
                "fault": faults.kind,
            }
            for face, faults in self._faults.items()
        }
        return JSONResponse({"now": self._clock.now(), "scenario": self.scenario, "faces": faces})

    async def _advance(self, request: Request) -> Response:
        self._clock.advance((await _body(request, _Advance)).seconds)
        return JSONResponse({"now": self._clock.now()})

    async def _fault(self, request: Request) -> Response:
        asked = await _body(request, _Fault)
        was_down = self._faults[asked.face].kind == "down"
        self._faults[asked.face].set(asked.kind, path=asked.path, seconds=asked.seconds)
        if asked.kind == "down":
            await self._listeners[asked.face].close()
        elif was_down:
            await self._listeners[asked.face].open()
        return JSONResponse({})

    async def _set_options(self, request: Request) -> Response:
        asked = await _body(request, _Changes)
        options = self._options[asked.face]
        if unknown := asked.values.keys() - set(options.__struct_fields__):
            raise msgspec.ValidationError(f"{asked.face} has no options {', '.join(sorted(unknown))}")
        changed = msgspec.convert(msgspec.to_builtins(options) | asked.values, type(options))
        for name in asked.values:
            setattr(options, name, getattr(changed, name))
        return JSONResponse({})

    async def _change_scenario(self, request: Request) -> Response:
        self._load((await _body(request, _Name)).name)
        return JSONResponse({})

    async def _log(self, request: Request) -> Response:
        asked = await _body(request, _Address)
        return Response(log_at(self._world, parse_address(asked.address)))

    async def _forget(self, request: Request) -> Response:
        address = parse_address((await _body(request, _Address)).address)
        self._world.forget_log(find(self._world, address), task_of(self._world, address))
        return JSONResponse({})


class _Address(msgspec.Struct):
    address: str


class _Advance(msgspec.Struct):
    seconds: float


class _Fault(msgspec.Struct):
    face: Literal["jenkins", "gitlab", "spinnaker", "prometheus"]
    kind: Kind | None = None
    path: str = ""
    seconds: float = 2.0


class _Changes(msgspec.Struct):
    face: Literal["jenkins", "gitlab", "spinnaker"]
    values: dict[str, Any]


class _Name(msgspec.Struct):
    name: Name


async def _misunderstood(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _body(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(await request.body(), type=kind)


def serve(server: Server) -> None:
    """Run until the parent closes our stdin (also by dying) or SIGTERM comes.

    The first line on stdout is a JSON object: the url of each face and of ``control``, and the credentials.
    """
    asyncio.run(_serve(server))


async def _serve(server: Server) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    def watch_parent() -> None:
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(ended.set)

    urls: dict[str, Any] = await server.start()
    threading.Thread(target=watch_parent, daemon=True).start()
    sys.stdout.write(json.dumps({**urls, "user": USER, "token": TOKEN, "scenario": server.scenario}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=_prepare, daemon=True).start()
    await ended.wait()
    await server.stop()


def _prepare() -> None:
    """Load what answers GraphQL, a tenth of a second, while whoever started us is still loading what asks."""
    from tui.sandbox.gitlab.schema import schema

    options = gitlab.Options()
    schema(options.version, options.lacks)
