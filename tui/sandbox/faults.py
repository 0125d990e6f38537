"""What can go wrong with a server, switched at run time, and the count of what it was asked."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal[
    "down",
    "slow",
    "hang",
    "html",
    "truncated",
    "mistyped",
    "unheard",
    "unanswered",
    "cut",
    "stall",
    "empty",
    "twice",
    "refused",
    "401",
    "403",
    "429",
    "500",
    "503",
]


class Write(msgspec.Struct, frozen=True):
    """A request that was to change something."""

    method: str
    path: str
    """With its query."""
    body: str


class Faults:
    """The fault of one face and its counters.

    ``down`` is the listening server's business (nothing listens any more); everything else is done by
    :func:`with_faults`. A connection is cut before a request is handled (``unheard``), after its effect
    (``unanswered``) or in the middle of the answer (``cut``). ``twice``: a proxy repeats the request, and the second
    answer is the one that arrives. ``refused``: it takes effect and is refused with 400 all the same.
    """

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.path = ""
        """Only requests whose path holds this text are hit."""
        self.seconds = 2.0
        """Delay of ``slow``, ``Retry-After`` of ``429``."""
        self.requests = 0
        self.recent: deque[str] = deque(maxlen=500)
        """Method and target of the newest requests, oldest first."""
        self.writes: list[Write] = []
        """All of them, oldest first, those that met a fault included."""

    def set(self, kind: Kind | None, *, path: str = "", seconds: float = 2.0) -> None:
        self.kind, self.path, self.seconds = kind, path, seconds

    def of(self, path: str) -> Kind | None:
        """The fault that a request to ``path`` meets."""
        return self.kind if self.path in path else None


def with_faults(
    app: ASGIApp, faults: Faults, refuse: Callable[[int, Mapping[str, str]], Response]
) -> ASGIApp:
    """``app`` with counting and faults in front of it.

    Args:
        refuse: the face's own answer for an error status (401, 403, 429, 500, 503), with headers to add.
    """

    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        path: str = scope["path"]
        target = (scope.get("raw_path") or path.encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        faults.requests += 1
        target += f"?{query}" if query else ""
        faults.recent.append(f"{scope['method']} {target}")
        if scope["method"] not in ("GET", "HEAD"):
            content, receive = await _read(receive)
            body = content.decode("utf-8", "replace")
            if _changes(path, body):
                faults.writes.append(Write(scope["method"], target, body))
        match faults.of(path):
            case "slow":
                await asyncio.sleep(faults.seconds)
                await app(scope, receive, send)
            case "twice" | "refused" as after:
                content, receive = await _read(receive)
                await app(dict(scope), _given(content, receive), _nowhere)
                answer = app if after == "twice" else refuse(400, {})
                await answer(scope, _given(content, receive), send)
            case "hang":
                while (await receive())["type"] != "http.disconnect":
                    pass
            case "html":
                await HTMLResponse(_LOGIN_PAGE)(scope, receive, send)
            case "truncated":
                await app(scope, receive, _rewriting(send, _two_thirds))
            case "mistyped":
                await app(scope, receive, _rewriting(send, _mistype))
            case "empty":
                await app(scope, receive, _rewriting(send, lambda body: b""))
            case "unheard":
                await _cut(scope, receive)
            case "unanswered":
                await app(scope, receive, _nowhere)
                await _cut(scope, receive)
            case "cut":
                await app(scope, receive, _rewriting(send, _two_thirds, open_end=True))
                await _cut(scope, receive)
            case "stall":
                await app(scope, receive, _rewriting(send, _two_thirds, open_end=True))
                while (await receive())["type"] != "http.disconnect":
                    pass
            case "401" | "403" | "429" | "500" | "503" as status:
                headers = {"Retry-After": f"{faults.seconds:.0f}"} if status == "429" else {}
                await refuse(int(status), headers)(scope, receive, send)
            case _:
                await app(scope, receive, send)

    return faulty


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The body of a request, and a ``receive`` that gives it once more."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body.extend(message.get("body", b""))
        more = message.get("more_body", False)
    return bytes(body), _given(bytes(body), receive)


def _given(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives ``body`` once, and then what comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _changes(path: str, body: str) -> bool:
    """Queries are posted too: GraphQL's, those of Prometheus, and a search of MLflow."""
    if path.endswith("/api/graphql"):
        return "mutation" in body
    return "/prometheus/" not in path and not path.endswith("/runs/search")


async def _nowhere(message: Message) -> None:
    pass


async def _cut(scope: Scope, receive: Receive) -> None:
    """End the connection as it is."""
    cut: Callable[[], None] | None = scope.get("state", {}).get("cut")
    if cut is None:
        raise ConnectionResetError("cut")
    cut()
    while (await receive())["type"] != "http.disconnect":
        pass


_LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head>"
    '<body><form method="post" action="/login"><input name="user"></form></body></html>'
)


def _two_thirds(body: bytes) -> bytes:
    return body[: len(body) * 2 // 3]


def _rewriting(send: Send, change: Callable[[bytes], bytes], *, open_end: bool = False) -> Send:
    """A ``send`` that collects the whole answer, changes its body and sends that with the right length.

    With ``open_end`` it sends it with the length that the body had, an empty one as if a byte were missing, and goes
    on waiting for the rest.
    """
    start: Message = {}
    body = bytearray()

    async def collect(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body.extend(message.get("body", b""))
        if not message.get("more_body"):
            changed = change(bytes(body))
            length = (len(body) or 1) if open_end else len(changed)
            headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
            headers.append((b"content-length", str(length).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": changed, "more_body": open_end})

    return collect


def _mistype(body: bytes) -> bytes:
    """The same JSON with texts for numbers and numbers for texts; anything else as it is."""

    def wrong(value: Any) -> Any:
        match value:
            case bool() | None:
                return value
            case int() | float():
                return f"{value} or so"
            case str():
                return len(value)
            case list():
                return [wrong(item) for item in value]
            case dict():
                return {key: wrong(item) for key, item in value.items()}
        return value

    try:
        return json.dumps(wrong(json.loads(body))).encode()
    except ValueError:
        return body
