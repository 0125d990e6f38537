"""Requests to a Gate, and what it means when it does not answer what was asked (contracts: spinnaker §2, §3)."""

from base64 import b64encode
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from tui.config import ConfigError, Secret, SpinnakerSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.bounds import http_date
from tui.sources.http.client import HttpClient
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.text.safe import clean, shorten
from tui.threads import in_thread

SHORT_PAUSE = 10.0
"""Seconds to wait after a 429 that does not tell when the limit ends: it counts what came in ten."""
LONGEST_RESET = 60.0
"""Seconds ahead at which the end of a limit is believed: from behind Gate it comes as a date in 1970."""
LARGE = 1 << 17
"""Bytes of an answer that take so long to read that a thread does it."""
LOGIN = "set token, bearer, user and password, cert, headers or cookie in the config"

T = TypeVar("T")


class ErrorPayload(msgspec.Struct, frozen=True):
    message: str | None = None
    error: str | None = None


_error = msgspec.json.Decoder(ErrorPayload)


class Gate:
    """Reads of one server."""

    def __init__(self, wire: Limiter, settings: SpinnakerSettings) -> None:
        self.wire = wire
        self.settings = settings
        self._http = HttpClient(wire, settings, self.headers)

    async def get(
        self, path: str, decoder: "msgspec.json.Decoder[T]", query: Mapping[str, str] | None = None
    ) -> T:
        """The payload of one answer.

        Raises:
            SourceError
        """
        answer = await self.ask(path, query)
        if not answer.body.strip():
            raise self.empty(answer)
        if len(answer.body) < LARGE:
            return self.wire.decode(answer, decoder)
        return await in_thread(lambda: self.wire.decode(answer, decoder))

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> HttpResponse:
        """The answer, in 2xx, perhaps with nothing in it.

        Raises:
            SourceError
        """
        answer = await self._http.send("GET", path, query=query)
        if (error := self.refusal(answer)) is not None:
            raise error
        return answer

    def refusal(self, answer: HttpResponse) -> SourceError | None:
        """The error that an answer stands for; None: it is one in 2xx, and no page."""
        if 300 <= answer.status < 400 or (200 <= answer.status < 300 and is_page(answer)):
            self.settings.refused()
            leads = shorten(answer.leads_to(self.settings.base_url), 150)
            shown = f"it sends to {leads}" if leads else "a web page came"
            return SourceError(
                Trouble.UNAUTHORIZED,
                f"{self.wire.name} answered {answer.status} to {answer.where}: {shown}, which is a log-in or a "
                f"proxy's page, or the url is that of the browser's Deck instead of Gate's; {LOGIN}",
                status=answer.status,
            )
        if 200 <= answer.status < 300:
            return None
        if answer.status == 401:
            return SourceError(
                Trouble.UNAUTHORIZED,
                f"{self.wire.name} answered 401 to {answer.where}: not logged in; {LOGIN}",
                status=401,
            )
        if answer.status == 429 and "retry-after" not in answer.headers:
            self.wire.pause(self._until_reset(answer))
        return self.wire.refuse(answer, words_of(answer))

    def empty(self, answer: HttpResponse) -> SourceError:
        """A 200 with nothing is how Gate tells of failures behind it (contracts: spinnaker §3)."""
        return SourceError(
            Trouble.WRONG_ANSWER,
            f"{self.wire.name} answered {answer.status} to {answer.where} with nothing in it: a service behind Gate "
            "failed, or this user may not see it",
            status=answer.status,
        )

    def _until_reset(self, answer: HttpResponse) -> float:
        at = http_date(answer.headers.get("x-ratelimit-reset", ""))
        now = http_date(answer.headers.get("date", ""))
        left = at - now if at is not None and now is not None else 0.0
        return left if 0 < left <= LONGEST_RESET else SHORT_PAUSE

    def headers(self) -> Mapping[str, str]:
        """Those that say who asks; made anew for each request, so that a rotated token is picked up.

        Raises:
            ConfigError: a credential cannot be read.
        """
        settings = self.settings
        sent = {name: _line(value) for name, value in settings.headers.items()}
        if settings.token is not None:
            sent["X-Spinnaker-Token"] = _line(settings.token)
        if settings.bearer is not None:
            sent["Authorization"] = f"Bearer {_line(settings.bearer)}"
        if settings.user is not None and settings.password is not None:
            pair = f"{settings.user}:{settings.password.reveal()}"
            sent["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        if settings.cookie is not None:
            sent["Cookie"] = _line(settings.cookie)
        return sent

    async def close(self) -> None:
        await self._http.close()


def _line(secret: Secret) -> str:
    value = secret.reveal()
    if not value:
        raise ConfigError("a credential is empty")
    return value


def is_page(answer: HttpResponse) -> bool:
    return answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<"


def words_of(answer: HttpResponse) -> str:
    """What Gate itself says of an error."""
    try:
        error = _error.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return clean(error.message or error.error or "")
