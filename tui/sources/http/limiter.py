"""The line to one server: every request of a source passes here, whichever library carries it.

Holds the number of connections and the rate of requests within limits, obeys ``Retry-After``, counts what was sent
and read, measures the server's clock, and turns an answer that is none into a :class:`SourceError` in plain words.
"""

import asyncio
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from tui.domain.health import LONG_PAUSE, Trouble, believed
from tui.sources.base import SourceError
from tui.sources.http.bounds import costs_too_much, http_date, number, whole, without_long_integers
from tui.text import format as fmt
from tui.text.safe import clean, shorten

T = TypeVar("T")

RATE = 10.0
"""Requests a second to one server."""

CONNECTIONS = 4
"""Requests to one server that are under way at once."""

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of an answer that are read unless asked otherwise."""

LARGEST_REFUSAL = 64 * 1024
"""Bytes of an answer outside 2xx that are read: it holds a reason, however long its page."""

LONGEST_PAUSE = 3600.0
"""Seconds that a ``Retry-After`` is obeyed; a larger one counts as so many."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)


def most_of(status: int, largest: int) -> int:
    """Bytes of an answer's body that are worth reading."""
    return largest if 200 <= status < 300 else min(largest, LARGEST_REFUSAL)


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
        connections: int = CONNECTIONS,
        rate: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.requests = 0
        self.bytes_read = 0
        self.clock_skew: float | None = None
        """Seconds that the server's clock is ahead of ours; None while it does not tell."""
        self.rate_limit = ""
        self._clock = clock
        self._slots = asyncio.Semaphore(connections)
        self._interval = 1.0 / (rate or RATE)
        self._burst = connections * self._interval
        self._free_at = 0.0
        self._not_before = 0.0
        self._paused_for = 0.0
        self._early = False
        self._not_early_before = 0.0
        self._bad_pause = ""

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
            # None is longer than an hour: then our clock was set back.
            if 0 < (pause := self._not_before - self._clock()) <= LONGEST_PAUSE:
                if not self._early:
                    raise SourceError(
                        Trouble.RATE_LIMITED,
                        f"{self.name} asked for a pause until {_time(self._not_before)}; "
                        f"next request in {fmt.elapsed(pause)} ({where})",
                        retry_at=self._not_before,
                    )
                self._early = False
            self.requests += 1
            _log.info("%s: asked %s", self.name, where)
            yield

    def received(self, answer: HttpResponse) -> HttpResponse:
        """Take what ``answer`` tells about the server, then give it back."""
        self.bytes_read += len(answer.body)
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s: %s", self.name, _in_words(answer))
        headers = answer.headers
        if (at := http_date(headers.get("date", ""))) is not None:
            self.clock_skew = at - self._clock()
        remaining, reset = headers.get("ratelimit-remaining"), self._reset(headers.get("ratelimit-reset", ""))
        if remaining:
            # The limit is told by the minute, also where what is left is that of an hour (contracts: gitlab §1.5).
            until = f" until {_time(reset)}" if reset is not None else ""
            limit = headers.get("ratelimit-limit", "?")
            self.rate_limit = shorten(clean(f"{remaining} left{until}, limit {limit} a minute"), 80)
        if answer.status in (429, 503):
            asked = headers.get("retry-after", "").strip()
            if not asked and answer.status == 429 and remaining == "0" and reset is not None:
                asked = str(max(0, math.ceil(reset - self._clock())))
            self._pause(asked)
        elif self._not_before == self._not_early_before and not self._early:
            self._not_before = 0.0  # asked early, it answered: the pause is over
        return answer

    def _reset(self, value: str) -> float | None:
        """When a limit begins anew, by our clock: told as a time, or as seconds from now."""
        seconds = whole(value)
        if seconds is None or seconds > 4e9:
            return None
        return seconds - self.skew if seconds > 1e9 else self._clock() + seconds

    @property
    def skew(self) -> float:
        """Seconds to add to our time for the server's: 0 while it is not known, or not to be believed."""
        return believed(self.clock_skew)

    def ask_early(self) -> bool:
        """Let the next request through although the server asked for a pause, if that is longer than
        :data:`LONG_PAUSE`: once, and not again before that pause would have ended. Whether it is so."""
        now = self._clock()
        if self._paused_for <= LONG_PAUSE or now >= self._not_before or now < self._not_early_before:
            return False
        self._early, self._not_early_before = True, self._not_before
        return True

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

    def _pause(self, retry_after: str) -> None:
        """Take in a ``Retry-After``: seconds, or a date; what is neither is ignored and noted."""
        now = self._clock()
        at = http_date(retry_after)
        self._bad_pause = ""
        if _SECONDS.fullmatch(retry_after):
            self.pause(number(retry_after))
        elif at is not None:
            self.pause(max(0.0, at - now))
        else:
            self._bad_pause = shorten(clean(retry_after), 40)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long: a server asked for it, by ``Retry-After`` or in a way of its own."""
        self._paused_for = min(seconds, LONGEST_PAUSE)
        self._not_before = self._clock() + self._paused_for

    def refuse(self, answer: HttpResponse, words: str = "") -> SourceError:
        """The error that an answer outside 2xx stands for. ``words`` is what the server itself said, cleaned."""
        trouble, advice = _TROUBLES.get(answer.status, (Trouble.REFUSED, ""))
        if answer.status >= 500 and answer.status not in _TROUBLES:
            trouble, advice = Trouble.SERVER_ERROR, "the server's own log has the reason"
        retry_at = (
            self._not_before if answer.status in (429, 503) and self._not_before > self._clock() else None
        )
        if retry_at is not None:
            advice = "; ".join(filter(None, (advice, f"to be asked again at {_time(retry_at)}")))
        reason = f": {words_shown}" if (words_shown := shorten(clean(words), 200).strip()) else ""
        message = f"{self.name} answered {answer.status} to {answer.where}{reason}"
        if answer.status in (429, 503) and self._bad_pause:
            message += f"; its Retry-After, {self._bad_pause!r}, is no time and was ignored"
        return SourceError(
            trouble, f"{message}; {advice}" if advice else message, status=answer.status, retry_at=retry_at
        )

    def decode(self, answer: HttpResponse, decoder: "msgspec.json.Decoder[T]") -> T:
        """The payload in an answer's body.

        Raises:
            SourceError: WRONG_ANSWER when the body is not JSON (a login page, a proxy's error), is cut off, does not
                have the types asked for (the message then names the JSON path), or would take too much memory.
        """
        if costs_too_much(answer.body):
            reason = f"the answer to {answer.where} holds too many values; ask it for less"
            raise ResponseTooLarge(Trouble.WRONG_ANSWER, f"{self.name}: {reason}", status=answer.status)
        try:
            return decoder.decode(without_long_integers(answer.body))
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


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


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
    facts = [f"{name}: {shorten(answer.headers[name], 100)}" for name in _LOGGED if name in answer.headers]
    if to := answer.leads_to():
        facts.append(f"location: {shorten(to, 100)}")
    return "; ".join((f"{answer.where} answered {answer.status}, {len(answer.body)} bytes", *facts))
