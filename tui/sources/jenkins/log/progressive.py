"""One growing text of a controller, read by byte offset (contracts: jenkins §9.2-9.4).

Three generations of servers count differently. Before core 2.509 the offset that an answer tells is exact, and
console notes are taken out of its body. Since then the notes stay, and the offset may lie beyond what the body held,
so what came is counted here. Since 2.534 a server can also tell where the last bytes begin.
"""

import re
from collections.abc import AsyncIterator
from typing import Literal, TypeAlias

import msgspec

from tui.config import JenkinsSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.bounds import whole
from tui.sources.http.client import HttpClient, ResponseStream
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.client import credentials
from tui.sources.jenkins.refusals import refused
from tui.sources.logs import LogSink, Overlap

PROGRESSIVE = "logText/progressiveText"

_STRIPPED_BEFORE = (2, 509)
_TAILS_SINCE = (2, 534)
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")
_MAYBE_CUT = 1000
"""Line ends in an answer about a running build from which on it may be cut: at 10 000, unless set up otherwise."""
_TOLD = 512
"""Bytes by which it is known where a new answer goes on."""
_CONTINUATION = bytes(range(0x80, 0xC0))

ReadOutcome: TypeAlias = Literal["again", "more", "complete"]


class TextReader:
    """Asks one controller for texts and knows what generation it is."""

    def __init__(self, wire: Limiter, settings: JenkinsSettings) -> None:
        self.wire = wire
        self.settings = settings
        self.http = HttpClient(wire, settings, lambda: credentials(settings))
        self._version: tuple[int, int] | None = None

    @property
    def tells_tails(self) -> bool:
        return self._version is None or self._version >= _TAILS_SINCE

    @property
    def exact(self) -> bool:
        """What a whole answer says of its end is so (contracts: jenkins §9.2)."""
        return self._version is not None and self._version < _STRIPPED_BEFORE

    @property
    def unstripped(self) -> bool:
        """Notes stay in the text (contracts: jenkins §9.3)."""
        return self._version is not None and self._version >= _STRIPPED_BEFORE

    async def accept(self, stream: ResponseStream) -> None:
        """``stream`` holds a text.

        Raises:
            SourceError: it is a refusal, a web page, or something else.
        """
        if not 200 <= stream.head.status < 300:
            raise refused(self.wire, await stream.answer(), self.settings)
        if version := _VERSION.match(stream.head.headers.get("x-jenkins", "")):
            self._version = int(version[1]), int(version[2])
        if stream.head.content_type not in ("text/plain", "multipart/form-data"):
            raise SourceError(
                Trouble.WRONG_ANSWER,
                f"{self.wire.name}: {stream.head.where} answered {stream.head.content_type or 'nothing known'} "
                "instead of a log; a login page or a proxy stands in front",
                status=stream.head.status,
            )

    async def close(self) -> None:
        await self.http.close()


class ProgressiveText:
    """Follows the text at ``path``, a run or node with its ``log``, both before ``/logText``.

    Args:
        tail: bytes at the end that will do; 0: from the beginning. Servers that cannot tell them, and texts that are
            little longer, are read from the beginning.
    """

    def __init__(self, texts: TextReader, path: str, *, tail: int = 0) -> None:
        self._texts = texts
        self._path = f"{path}/{PROGRESSIVE}"
        self._tail = tail
        self._begun = False
        self._start = 0
        # Where the last answer does not tell how to go on: behind these bytes. They end so many bytes from `_start`
        # on, or if that is not known somewhere within so many; and if they do not, from an earlier place on.
        self._told = b""
        self._shown = 0
        self._within = 0
        self._earliest = 0

    async def read(self, sink: LogSink) -> bool:
        """Hand on what is new; whether nothing will come any more.

        Raises:
            SourceError
        """
        if not self._begun and self._tail:
            self._start, self._tail = await self._tail_start(), 0
        outcome: ReadOutcome = "again"
        while outcome == "again":
            outcome = await self._ask(sink)
        return outcome == "complete"

    async def _ask(self, sink: LogSink) -> ReadOutcome:
        query = {"start": str(self._start)}
        async with self._texts.http.stream(self._path, query=query, headers={"Accept": "*/*"}) as stream:
            await self._texts.accept(stream)
            size = whole(stream.head.headers.get("x-text-size", ""))
            if size is None:
                raise SourceError(
                    Trouble.WRONG_ANSWER,
                    f"{self._texts.wire.name}: {stream.head.where} answered without X-Text-Size; "
                    "does a proxy drop headers?",
                    status=stream.head.status,
                )
            if size < self._start:
                # It was written anew, so the server began at 0 (contracts: jenkins §9.2).
                self._restart()
            if not self._begun:
                self._begun = True
                sink.begin(self._start)
            return await self._take(stream, sink, size, more=stream.head.headers.get("x-more-data") == "true")

    def _restart(self) -> None:
        self._begun = False
        self._certain(0)

    def _certain(self, start: int) -> None:
        self._start = self._earliest = start
        self._told, self._shown = b"", 0

    async def _take(self, stream: ResponseStream, sink: LogSink, size: int, *, more: bool) -> ReadOutcome:
        begin, came = self._start, _Came()
        place: _Place | Overlap = _Place(self._told, self._within)
        if self._shown:
            place = Overlap(self._shown, self._told)
        fed = whole = False
        try:
            async for chunk in _whole_characters(stream.chunks()):
                came.add(chunk)
                if new := place.new(chunk):
                    sink.feed(new)
                    fed = True
                if place.differs:
                    break
            whole = True
        finally:
            if not whole and place.found:
                self._go_on_behind(begin, came, size, broken=True)
        place.end()
        if place.differs:
            if self._earliest < self._start:
                self._start = self._earliest
                self._within *= 2
            else:
                self._restart()  # it does not go on from what was shown: the log is another one
            return "again"
        if not place.found or (size > begin and not came.size):
            return "more"  # it lacks what it says it has
        if not more:
            self._certain(size)
            return "complete"
        if self._texts.exact or begin + came.size == size:
            self._certain(size)
        else:
            self._go_on_behind(begin, came, size)
        return "again" if fed and came.ends >= _MAYBE_CUT else "more"

    def _go_on_behind(self, begin: int, came: "_Came", size: int, *, broken: bool = False) -> None:
        """Go on behind what came, though it is not certain where in the file that is.

        It broke off, or the server counts an unfinished line that it did not send, or lines take more bytes in the
        file than was counted: notes may be missing, lines may end in CRLF there too (contracts: jenkins §9.2, §9.3).
        So the next answer begins a little before. In another charset a log may also take fewer bytes. Where it is
        not known how many notes are missing, an answer that broke off is asked for once more.
        """
        if not came.last:
            return
        known_end = _Came()
        known_end.add(came.last)
        self._told, self._shown = came.last, 0
        if broken and not self._texts.unstripped:
            self._shown = came.total
        else:
            self._start = begin + came.size - known_end.size
            self._earliest = begin + came.least - known_end.least
            self._within = 2 * (max(size, begin + came.size) - self._start) + 2 * _TOLD

    async def _tail_start(self) -> int:
        """Where the last bytes begin; 0 where the server does not tell or nearly all of it would be read.

        Its text is thrown away: notes are taken out of it, and the head of an unfinished line (contracts: jenkins
        §9.4).
        """
        if not self._texts.tells_tails:
            return 0
        query = {"start": str(-self._tail)}
        async with self._texts.http.stream(self._path, query=query, headers=STREAMING) as stream:
            await self._texts.accept(stream)
            if not is_tail(stream):
                return 0
            start = (await read_tail(stream, 4 * self._tail)).start
        return start if start > self._tail else 0


STREAMING = {"Accept": "multipart/form-data, */*"}
"""Asks for the last bytes, of servers that can tell them (contracts: jenkins §9.4)."""


class TailPart(msgspec.Struct, frozen=True):
    """The last bytes of a text."""

    text: bytes = b""
    """Without notes."""
    start: int = 0
    """Where they begin."""


def is_tail(stream: ResponseStream) -> bool:
    """It holds what was asked for; another server sends a plain text from its beginning."""
    return _BOUNDARY.search(stream.head.headers.get("content-type", "")) is not None


async def read_tail(stream: ResponseStream, most: int) -> TailPart:
    """The answer, of at most some ``most`` bytes; without a start where it tells none."""
    boundary = _BOUNDARY.search(stream.head.headers.get("content-type", ""))
    assert boundary is not None
    body = (await stream.answer(most)).body
    text, start = b"", 0
    for part in body.split(b"--" + boundary[1].encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="text"' in head:
            text = content.removesuffix(b"\r\n")
        elif b'name="meta"' in head:
            try:
                start = _META.decode(content.strip()).start
            except (msgspec.DecodeError, UnicodeDecodeError):
                start = 0
    return TailPart(text, start)


class _Meta(msgspec.Struct, frozen=True):
    start: int = 0


_META = msgspec.json.Decoder(_Meta)
_BOUNDARY = re.compile(r"""multipart/form-data;.*\bboundary="?([^";,\s]+)""", re.IGNORECASE)


class _Came:
    """What came of one answer."""

    def __init__(self) -> None:
        self.total = 0
        self.size = 0
        """Bytes that it takes in a file in UTF-8 with LF, which became CRLF on the way."""
        self.least = 0
        """Bytes that it takes in a file at least."""
        self.ends = 0
        """Line ends as the server counts them, lone carriage returns too."""
        self.last = b""
        """Its last bytes, beginning with a character."""

    def add(self, chunk: bytes) -> None:
        crlf = chunk.count(b"\r\n")
        returns = len(chunk) - len(chunk.replace(b"\r", b""))
        characters = chunk if chunk.isascii() else chunk.translate(None, _CONTINUATION)
        self.total += len(chunk)
        self.size += len(chunk) - crlf
        self.least += len(characters) - crlf
        self.ends += chunk.count(b"\n") + returns - crlf
        self.last = (self.last + chunk)[-_TOLD:].lstrip(_CONTINUATION)
        if self.last.startswith(b"\n") and len(self.last) > 1:
            self.last = self.last[1:]


class _Place:
    """Finds the bytes that were shown last in an answer, and hands on what follows them.

    Args:
        shown: those bytes; empty: all of the answer is new.
        within: how far from the beginning they may end.
    """

    def __init__(self, shown: bytes, within: int) -> None:
        self._told = shown
        # The beginning may be garbled: the answer may start inside a character or a console note.
        self._known = shown[16:] if len(shown) > _TOLD // 2 else shown
        self._within = within
        self._head = b""
        self.found = not shown
        self.differs = False
        """They are not there."""

    def end(self) -> None:
        """The answer has ended; it may have been cut off among those bytes."""
        self.differs = not self.found and not self._told.startswith(self._head)

    def new(self, chunk: bytes) -> bytes:
        """What of the answer's next bytes was not shown."""
        if self.found:
            return chunk
        self._head += chunk
        if len(self._head) < len(self._told):
            return b""
        if self._head.startswith(self._told):
            behind = len(self._told)
        elif (at := self._head.find(self._known, 0, self._within)) >= 0:
            behind = at + len(self._known)
        else:
            self.differs = len(self._head) >= self._within
            return b""
        self.found = True
        new, self._head = self._head[behind:], b""
        return new


async def _whole_characters(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``chunks`` cut between characters and never between CR and LF, so that each can be counted for itself."""
    rest = b""
    async for chunk in chunks:
        data = rest + chunk
        end = _last_whole(data)
        rest = data[end:]
        if end:
            yield data[:end]
    if rest:
        yield rest


def _last_whole(data: bytes) -> int:
    """Where the last whole character ends, a CR at the end being none."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte < 0x80:
            return len(data) - (back == 1 and byte == 0x0D)
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if size > back else len(data)
    return len(data)
