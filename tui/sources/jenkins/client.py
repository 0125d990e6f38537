"""Requests to a controller: python-jenkins in daemon threads (rule 7 of the design)."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from tui import __version__
from tui.config import ConfigError, JenkinsSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.jenkins.refusals import refused, unanswered
from tui.sources.pool import Pool
from tui.sources.wire import Answer, Wire
from tui.text import clean, shorten
from tui.threads import in_thread

T = TypeVar("T")

LARGEST_ANSWER = 32 * 1024 * 1024
_CHUNK = 64 * 1024


class TooLarge(SourceError):
    """The answer is larger than was asked for; what was read of it is thrown away."""


class _Taken(Exception):
    """Ends python-jenkins' part of a request as soon as its answer is read."""


class Client:
    """GET requests to one controller.

    Of python-jenkins only the way of a request is used: its methods know no ``tree=``, follow redirects and make
    one error out of many (contracts: jenkins §12.3). A response hook takes each answer away before that happens.
    """

    def __init__(self, wire: Wire, settings: JenkinsSettings) -> None:
        self.name = wire.name
        self.version = ""
        """``X-Jenkins`` of the last answer that had it."""
        self.session = ""
        """``X-Jenkins-Session``: another one means the controller was restarted."""
        self._wire = wire
        self._settings = settings
        self._pool: Pool[Any] = Pool(self._new_client, lambda client: client._session.close())

    @property
    def has_credentials(self) -> bool:
        return self._settings.user is not None and self._settings.token is not None

    async def get(
        self,
        path: str,
        decoder: "msgspec.json.Decoder[T]",
        *,
        tree: str = "",
        largest: int = LARGEST_ANSWER,
    ) -> T:
        """The payload at ``path``, which is percent-encoded and begins with a slash.

        Raises:
            SourceError
            TooLarge: the body has more than ``largest`` bytes.
        """
        answer = await self._send(path, tree, largest)
        if len(answer.body) > largest:
            raise TooLarge(
                Trouble.WRONG_ANSWER,
                f"{self._wire.name}: the answer to {answer.where} has more than {largest:,} bytes",
            )
        return await self.make(answer.where, lambda: self._wire.decode(answer, decoder))

    async def make(self, where: str, build: Callable[[], T]) -> T:
        """What ``build`` makes out of the answer to ``where``, off the event loop.

        Raises:
            SourceError: WRONG_ANSWER, when it finds a wrong type or what is nested too deep.
        """
        try:
            return await in_thread(build)
        except msgspec.ValidationError as error:
            reason = (
                f"the answer to {where} is not what a Jenkins should send: {shorten(clean(str(error)), 300)}"
            )
        except RecursionError:
            reason = f"the answer to {where} is nested too deep"
        raise SourceError(Trouble.WRONG_ANSWER, f"{self.name}: {reason}")

    async def beginning(self, path: str, length: int) -> str:
        """The first ``length`` bytes of a text, or all of a shorter one.

        Raises:
            SourceError
        """
        answer = await self._send(path, "", length)
        return answer.body[:length].decode(errors="replace")

    async def close(self) -> None:
        self._pool.close()

    async def _send(self, path: str, tree: str, largest: int) -> Answer:
        where = f"GET {path}"
        url = f"{self._settings.base_url}{path}" + (f"?tree={quote(tree, safe='[],')}" if tree else "")
        deadline = time.monotonic() + self._settings.timeout
        async with self._wire.turn(where):
            try:
                async with asyncio.timeout(self._settings.timeout):
                    answer = await self._pool.use(
                        lambda client: self._exchange(client, where, url, largest, deadline)
                    )
            except TimeoutError:
                raise SourceError(
                    Trouble.TIMEOUT,
                    f"{self._wire.name} did not answer {where} within {self._settings.timeout:g} s",
                ) from None
        self._wire.received(answer)
        self.version = answer.headers.get("x-jenkins", self.version)
        self.session = answer.headers.get("x-jenkins-session", self.session)
        if not 200 <= answer.status < 300:
            raise refused(self._wire, answer, self._settings)
        return answer

    def _new_client(self) -> Any:
        import jenkins

        client = jenkins.Jenkins(
            self._settings.base_url, timeout=(self._settings.connect_timeout, self._settings.timeout)
        )
        # The library has no public way to name a CA file.
        client._session.verify = self._settings.ca_file or True
        client._session.headers.update(
            {
                "User-Agent": f"pipedeck/{__version__}",
                "Accept-Language": "en",
                "Accept": "application/json, */*",
            }
        )
        return client

    def _exchange(self, client: Any, where: str, url: str, largest: int, deadline: float) -> Answer:
        """One request, in a worker thread. Reads no more than a chunk beyond ``largest`` bytes."""
        import requests

        taken: list[Answer] = []

        def take(response: requests.Response, **_: object) -> None:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > largest or time.monotonic() > deadline:
                    response.close()
                    break
            headers = {name.lower(): value for name, value in response.headers.items()}
            taken.append(Answer(where, response.status_code, headers, bytes(body)))
            raise _Taken

        try:
            # With its own log-in the library may first try Kerberos with a request of its own.
            request = requests.Request("GET", url, auth=self._authentication(), hooks={"response": [take]})
            client.jenkins_request(request, add_crumb=False, resolve_auth=False)
        except _Taken:
            return taken[0]
        except ConfigError as error:
            raise SourceError(Trouble.UNAUTHORIZED, f"{self._wire.name}: {error}") from None
        except Exception as error:  # the library lets requests', urllib3's and its own errors through
            # "from None": what was sent, credentials included, can stand in these exceptions.
            raise unanswered(error, self._wire.name, where, self._settings) from None
        raise AssertionError("requests did not call the hook")

    def _authentication(self) -> Callable[[Any], Any]:
        """Anonymous is said with a function that adds nothing: without one requests looks into ~/.netrc.

        Raises:
            ConfigError
        """
        import requests

        if self._settings.user is None or self._settings.token is None:
            return lambda request: request
        # Read anew each time, so a rotated token is picked up. As bytes, because requests takes text for Latin-1.
        return requests.auth.HTTPBasicAuth(
            self._settings.user.encode(), self._settings.token.reveal().encode()
        )
