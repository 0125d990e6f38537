"""The end of a log from a source that cannot begin there and knows nothing of ends."""

from typing import Any

from tests.conformance.thirdci.log import ThirdParser
from tests.examples import run
from tui.domain.address import Address
from tui.logs.parser import Parser
from tui.sources.log_end import Newest, log_end
from tui.sources.logs import LogSink, LogStatus

RUN = run("third:serve#1")


class Reader:
    """Sends so many pieces, and counts those it was rid of."""

    chosen = "the last job"

    def __init__(self, of: Address, pieces: int) -> None:
        self.of = of.at_job("serve")
        self.sent = 0
        self._pieces = pieces

    def parser(self, position: int) -> Parser:
        return ThirdParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        sink.begin(0)
        for _ in range(self._pieces):
            self.sent += 1
            sink.feed(b"a line\n" * 10_000)
        return LogStatus(complete=True, note="" if self._pieces else "it wrote nothing")


class Plain:
    """A source with logs."""

    def __init__(self, pieces: int) -> None:
        self.reader = Reader(RUN.address, pieces)

    def log(self, address: Address, tail: int = 0) -> Reader:
        return self.reader


async def end_of(pieces: int) -> tuple[Any, Reader]:
    source: Any = Plain(pieces)
    return await log_end(source, RUN), source.reader


async def test_it_is_read_as_any_log_and_bounded() -> None:
    end, reader = await end_of(1000)
    assert end.longer
    assert reader.sent * 70_000 < 22 << 20
    assert len(end.text) <= 1 << 20
    assert (end.of, end.chosen) == (reader.of, "the last job")
    end, _ = await end_of(1)
    assert (len(end.text), end.skipped, end.longer) == (70_000, 0, False)
    end, _ = await end_of(0)
    assert (end.text, end.note) == (b"", "it wrote nothing")


async def test_a_line_that_never_ends_is_kept_from_its_middle() -> None:
    newest = Newest(size=100, most=1000)
    newest.begin(7)
    while newest.feed(b"x" * 90):
        pass
    end = await newest.end(ThirdParser, RUN.address)
    assert end.text == b"x" * 100 + b"\n"
    assert end.skipped == 7 + 1000 - 100
