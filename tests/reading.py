"""Reading a log as the engine does, and looking at what came."""

from tests.logs.support import fed
from tui.logs.parser import Parser
from tui.sources.base import SourceError
from tui.sources.logs import LogReader, LogStatus


class Sink:
    """A :class:`tui.sources.logs.LogSink` that keeps everything."""

    def __init__(self) -> None:
        self.data = b""
        """What came since it last began."""
        self.begun: list[int] = []
        """Where it began, each time."""

    def begin(self, position: int) -> None:
        self.begun.append(position)
        self.data = b""

    def feed(self, data: bytes) -> None:
        self.data += data


async def to_the_end(reader: LogReader, sink: Sink, most: int = 50) -> list[LogStatus | SourceError]:
    """Ask until the log is complete; what each asking came to."""
    asked: list[LogStatus | SourceError] = []
    while len(asked) < most:
        try:
            asked.append(answer := await reader.read(sink))
        except SourceError as error:
            asked.append(error)
        else:
            if answer.complete:
                return asked
    raise AssertionError(f"not complete after {most} askings; the last: {asked[-1]}")


def lines(parser: Parser, data: bytes) -> list[bytes]:
    """The canonical lines of a whole log."""
    return b"".join(batch.text for batch in fed(parser, [data])).split(b"\n")[:-1]
