"""A log as a controller sends it: one answer, all of it, and a server on which it grows."""

import re
from typing import Any

from tests.contract.jenkins.support import jenkins, recording
from tests.http_stub import Reply, Request, Route
from tests.reading import Sink, to_the_end
from tui.domain.address import Address

LOG = "/job/slow-logs/2/logText/progressiveText"
BUILD = Address("ci", "slow-logs", 2)
NOTE = b"\x1b[8mha:////4QUJDREVG\x1b[0m"


def text(
    body: bytes, size: int, *, more: bool = False, version: str | None = "2.516.3", **headers: str
) -> Reply:
    """An answer of ``progressiveText``."""
    head = {"Content-Type": "text/plain;charset=utf-8", "X-Text-Size": str(size)}
    head |= {"X-More-Data": "true"} if more else {}
    head |= {"X-Jenkins": version} if version else {}
    return Reply(200, head | headers, body)


def finished(start: int) -> Reply:
    """The recorded end of a log of 5461 bytes, from some offset of it on."""
    raw = recording("log-progressiveText-finished-start0")["body"].encode().replace(b"\r\n", b"\n")
    assert len(raw) == 5461
    return text(crlf(raw[start:]), len(raw))


def crlf(raw: bytes) -> bytes:
    return re.sub(rb"(?<!\r)\n", b"\r\n", raw)


async def read(
    route: Route, *, tail: int = 0, most: int = 50
) -> tuple[bytes, list[int], list[Any], list[str]]:
    """What came of a log, where it began, what each asking came to, and the offsets that were asked for."""
    async with jenkins({LOG: route}) as (source, stub):
        sink = Sink()
        outcomes = await to_the_end(source.log(BUILD, tail), sink, most)
        return sink.data, sink.begun, outcomes, [request.query["start"][0] for request in stub.requests]


class Server:
    """A controller with one log that grows line by line, as each generation sends it.

    Args:
        limit: lines of an answer about a log that will grow.
        told: whether it says what version it is.
    """

    def __init__(self, raw: bytes, version: str, *, limit: int = 10_000, told: bool = True) -> None:
        self.raw = raw
        self.version = version
        self.shown = 0
        self.more = True
        self._core = tuple(map(int, version.split(".")[:2]))
        self._limit = limit
        self._told = told

    def __call__(self, request: Request) -> Reply:
        raw, start = self.raw[: self.shown], int(request.query["start"][0])
        start = 0 if start > len(raw) else start
        data = raw[start:]
        if self.more:
            ends = [match.end() for match in re.finditer(rb"\n|\r(?!\n)", data)]
            data = data[: ends[min(len(ends), self._limit) - 1]] if ends else b""
        size = len(raw)
        if self._core < (2, 509):
            size = start + len(data)
            data = re.sub(rb"\x1b\[8mha:[^\x1b]*\x1b\[0m", b"", data)
        body = crlf(data).decode(errors="replace").encode()
        return text(body, size, more=self.more, version=self.version if self._told else None)

    @property
    def whole(self) -> bytes:
        """What one who lost and doubled nothing has read at the end."""
        raw = self.raw
        if self._core < (2, 509):
            raw = re.sub(rb"\x1b\[8mha:[^\x1b]*\x1b\[0m", b"", raw)
        return raw.decode(errors="replace").encode().replace(b"\r\n", b"\n")
