"""The line to one server: every request of a source passes here, whichever library carries it.

Holds the number of connections and the rate of requests within limits, obeys ``Retry-After``, counts what was sent
and read, measures the server's clock, and turns an answer that is none into a :class:`SourceError` in plain words.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.text.safe import clean, shorten

T = TypeVar("T")

RATE = 10.0
"""Requests a second to one server."""

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of an answer that are read unless asked otherwise."""


_LOGGED = ("content-type", "content-length", "content-encoding", "date", "retry-after", "server", "x-jenkins")
_log = logging.getLogger(__name__)


class ResponseTooLarge(SourceError):
    """The answer is larger than was asked for; what was read of it is thrown away."""


class HttpResponse(msgspec.Struct, frozen=True):
    """One HTTP answer, read to its end."""

    where: str
    """``GET /api/json``: method and path, for messages; without query values, which may hold secrets."""
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def leads_to(self, asked: str = "") -> str:
        """Where a redirect, which is never followed, points, without credentials and query; empty for no address.

        Args:
            asked: the url that was asked, which completes a relative one.
        """
        location = self.headers.get("location", "")
        try:
            target = urlsplit(location and urljoin(asked, location))
        except ValueError:
            return ""
        return clean(urlunsplit((target.scheme, target.netloc.rpartition("@")[2], target.path, "", "")))


class Limiter:
    """Limits and counts for one server.

    Args:
        name: the source's name, for messages.
        connections: requests under way at once.
        rate: requests a second, averaged over bursts of ``connections``; None: :data:`RATE`.
    """

    def __init__(
        self,
        name: str,
        *,
        connections: int = 4,
        rate: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.requests = 0
        self.bytes_read = 0
        self.clock_skew: float | None = None
        self.rate_limit = ""
        self._clock = clock
        self._slots = asyncio.Semaphore(connections)
        self._interval = 1.0 / (rate or RATE)
        self._burst = connections * self._interval
        self._free_at = 0.0
        self._not_before = 0.0

    @asynccontextmanager
    async def turn(self, where: str) -> AsyncIterator[None]:
        """Wait for a place on the line and count one request.

        Raises:
            SourceError: RATE_LIMITED, without sending, while the server's ``Retry-After`` runs.
        """
        async with self._slots:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - self._burst) + self._interval
            if (wait := self._free_at - now) > 0:
                await asyncio.sleep(wait)
            # Only now: a pause may have been asked for while this one waited.
            if (pause := self._not_before - self._clock()) > 0:
                raise SourceError(
                    Trouble.RATE_LIMITED,
                    f"{self.name} asked for a pause; next request in {pause:.0f} s ({where})",
                    retry_at=self._not_before,
                )
            self.requests += 1
            _log.info("%s: asked %s", self.name, where)
            yield

    def received(self, answer: HttpResponse) -> HttpResponse:
        """Take what ``answer`` tells about the server, then give it back."""
        self.bytes_read += len(answer.body)
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s: %s", self.name, _in_words(answer))
        headers = answer.headers
        if date := headers.get("date"):
            try:
                self.clock_skew = parsedate_to_datetime(date).timestamp() - self._clock()
            except ValueError:
                pass
        if remaining := headers.get("ratelimit-remaining"):
            limit = headers.get("ratelimit-limit", "?")
            self.rate_limit = clean(f"{remaining} left, limit {limit} a minute")
        if (
            answer.status in (429, 503)
            and (seconds := self._retry_after(headers.get("retry-after"))) is not None
        ):
            self._not_before = self._clock() + seconds
        return answer

    def whole(self, answer: HttpResponse, largest: int = LARGEST_BODY) -> HttpResponse:
        """``answer``, of which all was read.

        Raises:
            TooLarge: it has more than ``largest`` bytes.
        """
        if len(answer.body) > largest:
            size = f"{largest >> 20} MB" if largest >> 20 else f"{largest:,} bytes"
            reason = f"the answer to {answer.where} has more than {size}; ask it for less"
            raise ResponseTooLarge(Trouble.WRONG_ANSWER, f"{self.name}: {reason}")
        return answer

    def _retry_after(self, value: str | None) -> float | None:
        if not value:
            return None
        if value.strip().isdigit():
            return float(value)
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self._clock())
        except ValueError:
            return None

    def refuse(self, answer: HttpResponse, words: str = "") -> SourceError:
        """The error that an answer outside 2xx stands for. ``words`` is what the server itself said, cleaned."""
        trouble, advice = _TROUBLES.get(answer.status, (Trouble.REFUSED, ""))
        if answer.status >= 500 and answer.status not in _TROUBLES:
            trouble, advice = Trouble.SERVER_ERROR, "the server's own log has the reason"
        retry_at = (
            self._not_before if answer.status in (429, 503) and self._not_before > self._clock() else None
        )
        said = f": {shorten(clean(words), 200)}" if words else ""
        message = f"{self.name} answered {answer.status} to {answer.where}{said}"
        return SourceError(
            trouble, f"{message}; {advice}" if advice else message, status=answer.status, retry_at=retry_at
        )

    def decode(self, answer: HttpResponse, decoder: "msgspec.json.Decoder[T]") -> T:
        """The payload in an answer's body.

        Raises:
            SourceError: WRONG_ANSWER when the body is not JSON (a login page, a proxy's error), is cut off, or does
                not have the types asked for; the message then names the JSON path.
        """
        try:
            return decoder.decode(answer.body)
        except msgspec.ValidationError as error:
            reason = f"the answer to {answer.where} is not what {self.name} should send: {clean(str(error))}"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<":
                reason = (
                    f"{answer.where} answered a web page instead of JSON; "
                    "a login page or a proxy stands in front, or the url in the config lacks a path prefix"
                )
            else:
                reason = f"the answer to {answer.where} is cut off or not JSON: {clean(str(error))}"
        raise SourceError(Trouble.WRONG_ANSWER, f"{self.name}: {reason}", status=answer.status)


_TROUBLES: Mapping[int, tuple[Trouble, str]] = {
    401: (Trouble.UNAUTHORIZED, "check the user and token in the config"),
    403: (Trouble.FORBIDDEN, "the user lacks a permission"),
    404: (Trouble.NOT_FOUND, "it does not exist, or this user may not see it"),
    408: (Trouble.TIMEOUT, ""),
    429: (Trouble.RATE_LIMITED, ""),
    502: (Trouble.UNAVAILABLE, "a proxy answers for a server that does not"),
    503: (Trouble.UNAVAILABLE, "the server is starting, stopping or overloaded"),
    504: (Trouble.TIMEOUT, "a proxy gave up waiting for the server"),
}


def _in_words(answer: HttpResponse) -> str:
    """An answer for the log: how long it is, and the headers that help to see what is wrong with it."""
    told = [f"{name}: {shorten(answer.headers[name], 100)}" for name in _LOGGED if name in answer.headers]
    if to := answer.leads_to():
        told.append(f"location: {shorten(to, 100)}")
    return "; ".join((f"{answer.where} answered {answer.status}, {len(answer.body)} bytes", *told))
