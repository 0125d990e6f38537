"""A small HTTP server that answers what a test tells it to, and remembers what it was asked.

It runs in threads, so it serves coroutines and blocking clients alike::

    with http_stub({"GET /api/json": Reply(body=b"{}")}) as stub:
        ...stub.url, stub.requests...
"""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """As sent, still percent-encoded, without the query."""
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def form(self) -> Mapping[str, list[str]]:
        """The body as a form."""
        return parse_qs(self.body.decode())


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False
    """Close the connection in the middle of the body."""
    hang: bool = False
    """Say nothing at all until the stub ends."""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> "Reply":
        return cls(status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode())

    @classmethod
    def text(cls, text: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> "Reply":
        return cls(status, {"Content-Type": content_type}, text.encode())


Route = Reply | Sequence[Reply] | Callable[[Request], Reply]
"""An answer, several to be given in turn (the last one again and again), or what decides."""


class Stub:
    """A running server. ``routes`` may be changed while it runs; its keys are ``METHOD /path`` or ``*``."""

    def __init__(self, routes: Mapping[str, Route], tls: ssl.SSLContext | None) -> None:
        self.routes = dict(routes)
        self.requests: list[Request] = []
        self.over = threading.Event()
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = _Server(self, tls)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def reply(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            key = f"{request.method} {request.path}"
            if key not in self.routes:
                key = "*"
            route = self.routes.get(
                key, Reply.text(f"the stub has no {request.method} {request.path}\n", 404)
            )
            turn = self._asked.get(key, 0)
            self._asked[key] = turn + 1
        if isinstance(route, Reply):
            return route
        if callable(route):
            return route(request)
        return route[min(turn, len(route) - 1)]

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def http_stub(routes: Mapping[str, Route], *, tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    stub = Stub(routes, tls)
    try:
        yield stub
    finally:
        stub.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() then waits for the handlers
    request_queue_size = 128

    def __init__(self, stub: Stub, tls: ssl.SSLContext | None) -> None:
        self.stub = stub
        self._tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls:
            with request.dup() as plain:
                try:
                    request = self._tls.wrap_socket(request, server_side=True)
                except OSError:
                    _drain(plain)
                    return
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        except OSError:
            pass  # the client went away, which is its right
        finally:
            self._open.discard(request)
            if self._tls:
                request.close()

    def server_close(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        super().server_close()


def _drain(connection: socket.socket) -> None:
    """Let the other side read why: closing with its bytes unread would reset the connection under the TLS alert."""
    connection.settimeout(5)
    try:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    except OSError:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        stub = self.server.stub
        if stub.over.is_set():
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            self.command, parts.path, parse_qs(parts.query, True), headers, self.rfile.read(length)
        )
        reply = stub.reply(request)
        if reply.hang:
            stub.over.wait()
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        if "Date" not in reply.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.cut:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif request.method != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass
