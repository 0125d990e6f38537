"""Logs that are watched: each is read into a spool on disk, from which any line can be had."""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.log import LogLines, Section
from tui.files import user_folder
from tui.sources.base import SourceError

if TYPE_CHECKING:
    from tui.logs.spool import Spool
    from tui.sources.logs import LogReader, LogSink

Q = TypeVar("Q", bound=Hashable)

FRAME = 1 / 30
"""Seconds between two news of a log that is being read."""
STALE = 60.0
"""Seconds after which a file with a name is nobody's: they lose it as soon as they are open."""


class LogState(msgspec.Struct, frozen=True):
    """How far a log is known."""

    of: Address
    """What the text is the log of: for a run of GitLab the job that was chosen."""
    chosen: str = ""
    """Why that one; empty where it was asked for itself."""
    generation: int = 0
    """Grows when lines were replaced: the log began anew, was erased, or its beginning was read after its end."""
    moved: int | None = None
    """What to add to a line's number of the generation before; None: that line is gone."""
    lines: int = 0
    size: int = 0
    """Bytes of the raw log up to the end of what was read."""
    start: int = 0
    """Bytes before the first line, which were not read; see :meth:`LogTail.want_whole`."""
    complete: bool = False
    """Nothing will come any more."""
    wait: float = 0.0
    """Seconds until more may be there."""
    note: str = ""
    """What a person should know: how fresh the text can be, why there is none."""


class LogTail:
    """One log and what is known of it. A :class:`widgets.log.source.LogSource`.

    Args:
        read: begins to read the log; of so many bytes at its end, or from its beginning (0).
        spool: makes an empty spool.
        tell: called with each new state, also while a long answer is being read.
        again: asks for the log again, soon.
        tap: gets what is read as it came.
    """

    def __init__(
        self,
        reader: "Callable[[int], LogReader]",
        spool: "Callable[[], Spool]",
        tell: Callable[[LogState], None],
        again: Callable[[], None],
        *,
        tail: int = 0,
        tap: "LogSink | None" = None,
    ) -> None:
        self._reader = reader
        self._tap = tap
        self._spool = spool
        self._tell = tell
        self._again = again
        self._text = self._begin(tail)
        self._coming: _Text | None = None  # takes the place of the other when it holds as much
        self._base = 0
        self._moved: tuple[int, int | None] = (0, None)
        self._told_at = 0.0
        self._reading = asyncio.Lock()
        self.state = LogState(self._text.reader.of)

    def want_whole(self) -> None:
        """Read from the beginning, where so far only the end was (``state.start``). Until then the end stays."""
        if self._text.start and self._coming is None:
            self._coming = self._begin(0)
            self._again()

    async def ask(self) -> LogState:
        """Read what is new.

        Raises:
            SourceError: what was read before stays.
        """
        async with self._reading:
            if self._text.broken:
                self._swap(self._begin(0))
            if self._coming is not None and self._coming.broken:
                self._coming.spool.close()
                self._coming = None
            if self._text.complete and self._coming is None:
                self._coming = self._begin(0)
            text = self._coming or self._text
            try:
                asked = await text.reader.read(text)
                if asked.complete:
                    text.end()
            finally:
                text.preview()
            if text is self._coming:
                self._swap(text)
            self.state = self._now(complete=asked.complete, wait=asked.wait, note=asked.note)
            return self.state

    def close(self) -> None:
        """Give back the space on disk."""
        self._text.spool.close()
        if self._coming is not None:
            self._coming.spool.close()

    def _begin(self, tail: int) -> "_Text":
        return _Text(self._reader(tail), self._spool(), self._grew, self._tap)

    def _grew(self, text: "_Text") -> None:
        now = time.monotonic()
        if text is self._coming and text.size >= self._text.size:
            self._swap(text)
        elif text is not self._text or now - self._told_at < FRAME:
            return
        self._told_at = now
        text.preview()
        self.state = self._now(complete=False, wait=0.0, note=self.state.note)
        self._tell(self.state)

    def _swap(self, text: "_Text") -> None:
        """Show ``text`` from now on."""
        old, self._text, self._coming = self._text, text, None
        self._base += old.spool.generation + 1 - text.spool.generation
        moved = text.line_of(old.start) if old.start > text.start else None
        self._moved = self.generation, moved
        old.spool.close()

    def _now(self, *, complete: bool, wait: float, note: str) -> LogState:
        text = self._text
        left = f"the first {text.start / 1e6:,.1f} MB are not read" if text.start else ""
        generation, moved = self._moved
        return LogState(
            of=text.reader.of,
            chosen=text.reader.chosen,
            generation=self.generation,
            moved=moved if generation == self.generation else None,
            lines=len(text.spool),
            size=text.size,
            start=text.start,
            complete=complete,
            wait=wait,
            note="; ".join(filter(None, (left, note))),
        )

    # What a view needs

    @property
    def spool(self) -> "Spool":
        """The lines. Another spool comes only with another generation."""
        return self._text.spool

    @property
    def generation(self) -> int:
        return self._base + self._text.spool.generation

    @property
    def settled(self) -> int:
        return self._text.spool.settled

    @property
    def gap(self) -> tuple[int, int] | None:
        return self._text.spool.gap

    @property
    def sections(self) -> Sequence[Section]:
        return self._text.spool.sections

    def __len__(self) -> int:
        return len(self._text.spool)

    def read(self, line: int, limit: int) -> bytes:
        return self._text.spool.read(line, limit)

    def time(self, line: int) -> float | None:
        return self._text.spool.time(line)

    def line_at(self, when: float) -> int | None:
        return self._text.spool.line_at(when)


class _Text:
    """One reading of a log, from some place on. A :class:`tui.sources.logs.LogSink`."""

    def __init__(
        self, reader: "LogReader", spool: "Spool", grew: "Callable[[_Text], None]", tap: "LogSink | None"
    ) -> None:
        self.reader = reader
        self.spool = spool
        self.start = 0
        self.complete = False
        self.broken = False
        """What was read could not be kept, and is lost."""
        self._grew = grew
        self._tap = tap
        self._parser = reader.parser(0)

    @property
    def size(self) -> int:
        """Where in the raw log the next byte lies."""
        return self._parser.position

    def begin(self, position: int) -> None:
        if len(self.spool):
            self.spool.reset()
        self._parser = self.reader.parser(position)
        self.start = position
        if self._tap is not None:
            self._tap.begin(position)

    def feed(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap.feed(data)
        self._keep(self._parser.feed(data))
        self._grew(self)

    def preview(self) -> None:
        """Show the line that is not whole yet."""
        self.spool.preview(self._parser.preview())

    def end(self) -> None:
        self._keep(self._parser.finish())
        self.complete = True

    def _keep(self, batches: "Sequence[LogLines]") -> None:
        from tui.logs.spool import SpoolError

        try:
            for lines in batches:
                self.spool.append(lines)
        except SpoolError as error:
            self.broken = True
            raise SourceError(Trouble.MISCONFIGURED, str(error)) from None

    def line_of(self, position: int) -> int | None:
        """The first line that begins at ``position`` of the raw log or behind it; None where it was left out."""
        first, end = 0, self.spool.settled
        while first < end:
            middle = (first + end) // 2
            at = self.spool.position(middle)
            if at is None:
                return None
            first, end = (middle + 1, end) if at < position else (first, middle)
        return first


class Logs(Generic[Q]):
    """The logs that are watched or were lately, by what asks for them.

    Args:
        cap: bytes of one log that are kept.
        tell: called with each new state of one.
        again: asks for one again, soon.
        folder: where the spools are; None for :func:`default_folder`.
    """

    def __init__(
        self,
        cap: int,
        tell: Callable[[Q, LogState], None],
        again: Callable[[Q], None],
        folder: Path | None = None,
    ) -> None:
        self._cap = cap
        self._tell = tell
        self._again = again
        self._folder = folder
        self._swept = False
        self._tails: dict[Q, LogTail] = {}
        self._taps: dict[Q, LogSink] = {}

    def tap(self, query: Q, sink: "LogSink") -> None:
        """Have ``sink`` get what is read of a log, from when it is first asked for, as it came."""
        self._taps[query] = sink

    def tail(self, query: Q) -> LogTail | None:
        return self._tails.get(query)

    async def ask(self, query: Q, reader: "Callable[[int], LogReader]", tail: int) -> LogState:
        """Read what is new of a log.

        Raises:
            SourceError
        """
        if (known := self._tails.get(query)) is None:
            known = self._tails[query] = LogTail(
                reader,
                self._spool,
                lambda state: self._tell(query, state),
                lambda: self._again(query),
                tail=tail,
                tap=self._taps.get(query),
            )
        return await known.ask()

    def forget(self, query: Q) -> None:
        if (tail := self._tails.pop(query, None)) is not None:
            tail.close()

    def close(self) -> None:
        for query in list(self._tails):
            self.forget(query)

    def _spool(self) -> "Spool":
        from tui.logs.spool import Spool

        try:
            self._folder = self._folder or default_folder()
        except FileNotFoundError as error:
            raise SourceError(Trouble.MISCONFIGURED, f"no log can be kept: {error.strerror}") from None
        if not self._swept:
            self._swept = True
            _sweep(self._folder)
        return Spool(self._folder, cap=self._cap)


def default_folder() -> Path:
    """Where the person's spools are; raises FileNotFoundError: there is no home directory."""
    return user_folder("cache") / "logs"


def _sweep(folder: Path) -> None:
    """Remove what a program left that was killed between opening a file and taking its name away."""
    try:
        for file in folder.glob("log-*"):
            if time.time() - file.lstat().st_mtime > STALE:
                file.unlink()
    except OSError:
        pass
