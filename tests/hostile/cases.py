"""What a hostile server does: each case says something to whoever asks, over a bare socket."""

import gzip
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, repeat

from tui.sources.http.bounds import costs_too_much

GZIP, DEFLATE = b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Text-Size: 99\r\n"
LOGS = ("progressiveText", "/trace")
"""What in a path asks for a log: it gets a text, the others get JSON."""

Says = Callable[[bytes], Iterator[bytes]]
"""What is sent, piece by piece, given the head of a 200 answer to complete."""


@dataclass(frozen=True)
class Case:
    name: str
    says: Says = field(default=lambda _: iter(()))
    pause: float = 0.0
    """Seconds between two pieces."""
    timeout: float = 60.0
    """The time-out of the source that asks; small where it is what ends the case."""
    dear: bool = False
    """It is meant to cost memory: measured in a process of its own."""
    reset: bool = False
    """The connection ends with a reset."""
    fitting: Callable[[str], bytes] | None = None
    """The body that suits a path, instead of ``says``."""


def whole(body: bytes, headers: bytes = b"") -> Says:
    """An answer with a length."""

    def says(head: bytes) -> Iterator[bytes]:
        yield head + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body

    return says


def instead(answer: bytes) -> Says:
    """Exactly these bytes, whatever was asked."""

    def says(_: bytes) -> Iterator[bytes]:
        yield answer

    return says


def until_closed(headers: bytes, pieces: Callable[[], Iterator[bytes]]) -> Says:
    """An answer without a length, of any number of pieces."""

    def says(head: bytes) -> Iterator[bytes]:
        yield head + headers + b"\r\n"
        yield from pieces()

    return says


@cache
def _zeros(wbits: int) -> tuple[bytes, bytes]:
    """The head of a compressed body, and one megabyte of zeros in it, which can follow again and again."""
    packer = zlib.compressobj(9, wbits=wbits)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first, packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)


def bomb(wbits: int, megabytes: int) -> Iterator[bytes]:
    first, again = _zeros(wbits)
    yield first
    yield from repeat(again, megabytes)


@cache
def _layers() -> bytes:
    """A few hundred bytes that become 2 GB when three layers of gzip are undone."""
    body = b"".join(bomb(31, 2048))
    return gzip.compress(gzip.compress(body))


def endless_error(_: bytes) -> Iterator[bytes]:
    yield b"HTTP/1.1 500 No\r\n\r\n"
    yield from repeat(b"x" * 65536, 2048)


def _refused(status: bytes, headers: bytes, body: bytes = b"busy") -> Says:
    head = b"HTTP/1.1 %s\r\n%sContent-Type: text/plain\r\n" % (status, headers)
    return instead(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


NO = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
GO = b"HTTP/1.1 302 Go\r\nContent-Length: 0\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n"


def crowd(path: str) -> bytes:
    """As many objects as a document may hold, where whoever asks at ``path`` looks for them."""
    for part, before, item, after in (
        ("query_range", b'{"status":"success","data":{"resultType":"matrix","result":[', b"{}", b"]}}"),
        ("graphql", b'{"data":{"projects":{"nodes":[', b'{"fullPath":"a"}', b"]}}}"),
        ("alerts", b"[", b'{"labels":{},"startsAt":"2026-01-01T00:00:00Z","status":{"state":"a"}}', b"]"),
        ("mlflow", b'{"metrics":[', b"{}", b"]}"),
        ("api/json", b'{"jobs":[', b'{"name":"a"}', b"]}"),
        ("metadata", b'{"version":"1","more":[', b"{}", b"]}"),
        ("", b'{"number":[', b"{}", b"]}"),
    ):
        if part in path:
            step = 1 << 10
            count = next(
                count for count in range(step, 1 << 24, step) if costs_too_much((item + b",") * count)
            )
            return before + b",".join([item] * (count - 2 * step)) + after
    raise AssertionError


def long_text(path: str) -> bytes:
    """A text of eleven megabytes that takes four times as many in Python, where whoever asks at ``path`` keeps it."""
    for part, document in (
        ("query_range", b'{"status":"success","warnings":[TEXT],"data":{"resultType":"matrix","result":[]}}'),
        ("graphql", b'{"errors":[{"message":TEXT}]}'),
        (
            "alerts",
            b'[{"labels":{"alertname":TEXT},"startsAt":"2026-01-01T00:00:00Z","status":{"state":"a"}}]',
        ),
        ("mlflow", b'{"metrics":[{"key":TEXT}]}'),
        ("api/json", b'{"jobs":[{"name":"train","description":TEXT}]}'),
        ("metadata", b'{"version":TEXT}'),
        ("", b'{"number":TEXT}'),
    ):
        if part in path:
            return document.replace(b"TEXT", b'"' + b"x" * (11 << 20) + "😀".encode() + b'"')
    raise AssertionError


LONG = b"9" * 4000
NUMBERS = b"""{"status": "success", "version": "1", "number": NUMBER,
"metrics": [{"timestamp": NUMBER, "value": NUMBER}],
"data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[NUMBER, "NUMBER"]]}]},
"jobs": [{"_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "name": "train", "builds": [
{"number": 1, "timestamp": NUMBER, "duration": NUMBER, "estimatedDuration": NUMBER}]}]}"""


def numbers(number: bytes) -> Says:
    """A document with ``number`` wherever a source looks for one."""
    return whole(NUMBERS.replace(b"NUMBER", number))


DEEP = b"[" * 100_000
HUGE = 1 << 20
_BUSY = b"429 Too Many Requests"

CASES = (
    # -- compression
    Case("gzip, 500 kB that become 512 MB", until_closed(GZIP, lambda: bomb(31, 512)), dear=True),
    Case("three layers of gzip", whole(_layers(), b"Content-Encoding: gzip, gzip, gzip\r\n"), dear=True),
    Case("deflate that becomes 512 MB", until_closed(DEFLATE, lambda: bomb(15, 512)), dear=True),
    Case(
        "a thousand gzip files one behind the other",
        whole(gzip.compress(b"") * 1000, GZIP),
    ),
    Case("a compression nobody asked for", whole(b"{}", b"Content-Encoding: br\r\n")),
    Case("gzip that is none", whole(b"{}", GZIP)),
    Case("gzip that is cut off", whole(gzip.compress(b"{}" * 999)[:-9], GZIP)),
    # -- size
    Case("a body without end", until_closed(b"", lambda: repeat(b" " * 65536, 2048)), dear=True),
    Case("an error with a body without end", endless_error, dear=True),
    Case("objects without number", until_closed(b"", lambda: chain([b"["], repeat(b"{}," * 4096, 2560))), dear=True),
    Case("numbers without number", until_closed(b"", lambda: chain([b"["], repeat(b"1.5," * 4096, 1920))), dear=True),
    Case("as many objects as are let through", fitting=crowd, dear=True),
    Case("a text as long as is let through", fitting=long_text, dear=True),
    Case("brackets without end", whole(DEEP)),
    Case("a length of eight exabytes", instead(JSON + b"Content-Length: 9223372036854775807\r\n\r\n{}")),
    Case("a length less than nothing", instead(JSON + b"Content-Length: -1\r\n\r\n{}")),
    Case("a chunk of eight exabytes", instead(JSON + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n{}")),
    Case("a chunk that is none", instead(JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}")),
    # -- time
    Case("a body that drips", until_closed(b"", lambda: repeat(b" ", 10_000)), pause=0.02, timeout=2.0),
    Case("headers that drip", lambda head: (head[at : at + 1] for at in range(len(head))), pause=0.2, timeout=2.0),
    Case("silence", lambda _: iter(()), pause=30.0, timeout=2.0),
    Case("a thousand answers to come", instead(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + NO)),
    # -- HTTP
    Case("headers without end", lambda head: iter((head, *(b"X-%d: x\r\n" % at for at in range(100_000))))),
    Case("a header of a megabyte", whole(b"{}", b"X-Long: " + b"x" * HUGE + b"\r\n")),
    Case("nothing", lambda _: iter(())),
    Case("a reset", lambda _: iter(()), reset=True),
    Case("no HTTP", instead(b"SSH-2.0-OpenSSH_9.6\r\n")),
    Case("a status that is none", instead(b"HTTP/1.1 999999 What\r\n\r\n")),
    Case("half an answer", instead(JSON + b"Content-Length: 99\r\n\r\n{")),
    Case("a redirect to a file", instead(GO + b"Location: file:///etc/passwd\r\n\r\n")),
    Case("escape sequences in an error", _refused(b"500 \x1b]0;x\x07", b"X-Error: \x1b[2J\r\n", b"\x1b[2Jbusy")),
    # -- pauses and clocks
    Case("Retry-After of 400 digits", _refused(_BUSY, b"Retry-After: " + b"9" * 400 + b"\r\n")),
    Case("Retry-After: inf", _refused(_BUSY, b"Retry-After: inf\r\n")),
    Case("Retry-After in superscript", _refused(_BUSY, "Retry-After: ²\r\n".encode("latin-1"))),
    Case("Retry-After: -5", _refused(_BUSY, b"Retry-After: -5\r\n")),
    Case("Retry-After in the year 9999", _refused(_BUSY, b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n")),
    Case("a Date in the year 1", _refused(b"404 No", b"Date: Mon, 01 Jan 0001 00:00:00 GMT\r\n")),
    Case("a Date that is none", _refused(b"404 No", b"Date: Mon, 99 Foo 99999999999999999999 99:99:99 +999999\r\n")),
    # -- content
    Case("a web page", instead(PAGE + b"<html>log in</html>\n")),
    Case("no body", whole(b"")),
    Case("bytes that are no text", whole(bytes(range(256)))),
    Case("null", whole(b"null")),
    Case("a whole number of 4 000 digits", numbers(LONG)),
    Case("a whole number of 30 digits", numbers(b"9" * 30)),
    Case("a number beyond all floats", numbers(b"1e999")),
    Case("2^63-1 as a time and a duration", numbers(b"9223372036854775807")),
    Case("less than nothing as a time and a duration", numbers(b"-1")),
)  # fmt: skip


def serve(connection: socket.socket, case: Case, over: Callable[[float], bool]) -> None:
    """Play a case to whoever asked something.

    Args:
        over: waits so many seconds; whether the server ends.
    """
    asked = b""
    while b"\r\n\r\n" not in asked:
        if not (more := connection.recv(65536)):
            return
        asked += more
    path = asked.split(b" ", 2)[1].decode()
    if case.reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    is_log = any(word in path for word in LOGS)
    if "/jobs/7" in path and not is_log:  # what is asked before a log of GitLab's is
        body = b'{"status":"failed","started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:00:00Z"}'
        connection.sendall(JSON + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return
    says = whole(case.fitting(path)) if case.fitting else case.says
    pieces = says((TEXT if is_log else JSON) + b"Connection: close\r\n")
    for piece in pieces:
        connection.sendall(piece)
        if case.pause and over(case.pause):
            return
    if case.pause and case.timeout < 60.0:
        over(case.pause)
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(5.0)
    while connection.recv(65536):  # or what was sent could be lost to a reset
        pass
