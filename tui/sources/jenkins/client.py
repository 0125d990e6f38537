"""Requests to a controller: python-jenkins in daemon threads (rule 7 of the design)."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from tui import __version__
from tui.config import JenkinsSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.errors import asking
from tui.sources.http.limiter import LARGEST_BODY, HttpResponse, Limiter
from tui.sources.http.pool import ClientPool
from tui.sources.jenkins.refusals import refused
from tui.text.safe import clean, shorten
from tui.threads import in_thread

if TYPE_CHECKING:
    import jenkins

    from tui.sources.http.blocking import BlockingSession

T = TypeVar("T")


class Client:
    """GET requests to one controller.

    Of python-jenkins only the way of a request is used: its methods know no ``tree=`` and make one error out of many
    (contracts: jenkins §12.3). Each answer is taken from the session instead.
    """

    def __init__(self, wire: Limiter, settings: JenkinsSettings) -> None:
        self.name = wire.name
        self.version = ""
        """``X-Jenkins`` of the last answer that had it."""
        self.session = ""
        """``X-Jenkins-Session``: another one means the controller was restarted."""
        self._wire = wire
        self._settings = settings
        self._pool = ClientPool(
            self._new_client,
            lambda client: client._session.close(),
            lambda client: client._session.abort(),
        )

    @property
    def has_credentials(self) -> bool:
        return self._settings.user is not None and self._settings.token is not None

    async def get(
        self,
        path: str,
        decoder: "msgspec.json.Decoder[T]",
        *,
        tree: str = "",
        largest: int = LARGEST_BODY,
    ) -> T:
        """The payload at ``path``, which is percent-encoded and begins with a slash.

        Raises:
            SourceError
            TooLarge: the body has more than ``largest`` bytes.
        """
        answer = self._wire.whole(await self._send(path, tree, largest), largest)
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

    async def _send(self, path: str, tree: str, largest: int) -> HttpResponse:
        url = f"{self._settings.base_url}{path}" + (f"?tree={quote(tree, safe='[],')}" if tree else "")
        async with asking(self._wire, self._settings, f"GET {path}"):
            answer = await self._pool.use(lambda client: self._exchange(client, url, largest))
        self._wire.received(answer)
        self.version = answer.headers.get("x-jenkins", self.version)
        self.session = answer.headers.get("x-jenkins-session", self.session)
        if not 200 <= answer.status < 300:
            raise refused(self._wire, answer, self._settings)
        return answer

    def _new_client(self) -> "jenkins.Jenkins":
        import jenkins

        from tui.sources.http.blocking import BlockingSession

        client = jenkins.Jenkins(self._settings.base_url)
        session = BlockingSession(self.name, self._settings)
        # Its own may have headers from JENKINS_API_EXTRA_HEADERS.
        session.headers.update(client._session.headers)
        session.headers.update(
            {
                "User-Agent": f"pipedeck/{__version__}",
                "Accept-Language": "en",
                "Accept": "application/json, */*",
            }
        )
        # The library has no public way to be given one.
        client._session = session
        return client

    def _exchange(self, client: "jenkins.Jenkins", url: str, largest: int) -> HttpResponse:
        """One request, in a worker thread. What it raises, ``asking`` explains."""
        import jenkins
        import requests

        auth = None
        if self._settings.user is not None and self._settings.token is not None:
            # Read anew each time, so a rotated token is picked up. As bytes: requests takes text for Latin-1.
            auth = requests.auth.HTTPBasicAuth(
                self._settings.user.encode(), self._settings.token.reveal().encode()
            )
        session: BlockingSession = client._session
        session.largest = largest
        try:
            # With its own log-in the library may first try Kerberos with a request of its own.
            client.jenkins_request(
                requests.Request("GET", url, auth=auth), add_crumb=False, resolve_auth=False
            )
        except (jenkins.JenkinsException, requests.HTTPError):
            if session.last is None:
                raise
            # Its status is for the wire to judge, which also needs the headers.
        assert session.last is not None
        return session.last


def credentials(settings: JenkinsSettings) -> Mapping[str, str]:
    """The headers that say who asks; to be made anew for each request, so that a rotated token is picked up.

    Raises:
        ConfigError: the token cannot be read.
    """
    if settings.user is None or settings.token is None:
        return {}
    pair = f"{settings.user}:{settings.token.reveal()}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
