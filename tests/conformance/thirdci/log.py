"""Reads the log of a job of the third CI: the whole text, for it is never long."""

from array import array
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from tui.domain.address import Address
from tui.domain.log import LogLines
from tui.logs.neutral import last_segments, neutral, self_contained
from tui.logs.parser import Parser, line_starts
from tui.sources.http.limiter import HttpResponse
from tui.sources.logs import LogSink, LogStatus


class ThirdParser(Parser):
    """Plain text in, canonical lines out."""

    def _lines(self, block: bytes, position: int) -> LogLines:
        positions: array[int] = line_starts(block, position)
        text, _ = self_contained(neutral(last_segments(block)), b"")
        return LogLines(text, positions)


class ThirdLog:
    """A :class:`tui.sources.logs.LogReader`; of a run it reads the log of its last job."""

    chosen = ""

    def __init__(self, get: Callable[[str], Awaitable[HttpResponse]], address: Address) -> None:
        self._get = get
        self.of = address.at_job(address.job or "serve")

    def parser(self, position: int) -> ThirdParser:
        return ThirdParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        job = quote(self.of.job or "", safe="")
        answer = await self._get(f"/api/runs/{quote(str(self.of.run), safe='')}/log/{job}")
        sink.begin(0)
        sink.feed(answer.body)
        return LogStatus(complete=True)
