"""Reading logs: what every source's reader is to the engine, and what readers share."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from tui.domain.address import Address

if TYPE_CHECKING:
    from tui.logs.parser import Parser

KNOWN = 64
"""Bytes by which a text that only grows is known again."""


class LogSink(Protocol):
    """Where a reader puts what it reads."""

    def begin(self, position: int) -> None:
        """The text begins, or begins anew, at this byte of the raw log; what was fed before is void."""
        ...

    def feed(self, data: bytes) -> None:
        """The bytes that come next, cut anywhere.

        Raises:
            SourceError: they cannot be kept.
        """
        ...


class LogStatus(msgspec.Struct, frozen=True):
    """How a log is after it was asked for."""

    complete: bool = False
    """Nothing will come any more."""
    wait: float = 1.0
    """Seconds until more may be there."""
    note: str = ""
    """What a person should know: how fresh the text can be, or why there is none."""


class LogReader(Protocol):
    """Reads one log from its beginning, or near its end, on."""

    @property
    def of(self) -> Address:
        """What the log is of; known for certain once it was asked for."""

    @property
    def chosen(self) -> str:
        """Why this one, where something else was named: ``the job that failed first``."""

    def parser(self, position: int) -> "Parser":
        """What makes lines of the bytes that follow ``begin(position)``."""
        ...

    async def read(self, sink: LogSink) -> LogStatus:
        """Hand on what is new. When it is cancelled or fails half way, the next one goes on where it was.

        Raises:
            SourceError
        """
        ...


class Overlap:
    """Passes on what is new of an answer that should begin with what was shown already.

    Args:
        shown: bytes that were shown.
        known: the last of them, at most ``KNOWN``.
    """

    def __init__(self, shown: int, known: bytes) -> None:
        self._shown = shown
        self._known = known
        self._seen = b""
        self.size = 0
        """Bytes of it so far."""
        self.differs = False
        """It begins with something else: nothing of it was passed on."""

    @property
    def short(self) -> bool:
        """It has not even what was shown, so far."""
        return self.size < self._shown

    @property
    def found(self) -> bool:
        """It begins with what was shown."""
        return not self.short and not self.differs

    def end(self) -> None:
        """The answer has ended."""

    def new(self, chunk: bytes) -> bytes:
        """What of the answer's next bytes was not shown."""
        at = self.size
        self.size += len(chunk)
        if at >= self._shown:
            return b"" if self.differs else chunk
        first = self._shown - len(self._known)
        self._seen += chunk[max(0, first - at) : self._shown - at]
        if self.short:
            return b""
        self.differs = self._seen != self._known
        return b"" if self.differs else chunk[self._shown - at :]
