"""GitLab's REST API through python-gitlab, which blocks and so runs in daemon threads.

The library makes the requests; what it would do of its own accord is switched off: it sleeps on 429, repeats what
failed, follows ``Link`` and redirects with the token, and has no time-out (contracts: gitlab §7).
"""

from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from tui import __version__
from tui.config import GitLabSettings
from tui.sources.gitlab.responses import decoded, refusal_words
from tui.sources.http.bounds import whole
from tui.sources.http.errors import asking
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.sources.http.pool import ClientPool

if TYPE_CHECKING:
    import gitlab

    from tui.sources.http.blocking import BlockingSession

PER_PAGE = 100
MOST_PAGES = 50

T = TypeVar("T")
Query = dict[str, str | int]


class _HasId(Protocol):
    @property
    def id(self) -> int: ...


HasId = TypeVar("HasId", bound=_HasId)


def project_url(project: str | int) -> str:
    """The path of a project, by full path or by id."""
    return f"/projects/{quote(str(project), safe='')}"


class Rest:
    """Reads of one server. Paths are below ``/api/v4``."""

    def __init__(self, wire: Limiter, settings: GitLabSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._pool = ClientPool(lambda: _Client(wire.name, settings), _Client.close, _Client.abort)

    async def ask(self, path: str, query: Query | None = None) -> HttpResponse:
        """The answer, whatever its status.

        Raises:
            SourceError: there was none.
        """
        where = f"GET /api/v4{path}"
        async with asking(self._wire, self._settings, where):
            answer = await self._pool.use(lambda client: client.get(path, query or {}))
        return self._wire.whole(self._wire.received(answer))

    async def get(self, path: str, query: Query | None = None) -> HttpResponse:
        """The answer, which is in 2xx.

        Raises:
            SourceError
        """
        return self.check(await self.ask(path, query))

    def check(self, answer: HttpResponse) -> HttpResponse:
        """``answer``, which is in 2xx.

        Raises:
            SourceError: it is not.
        """
        if not 200 <= answer.status < 300:
            raise self._wire.refuse(answer, refusal_words(answer))
        return answer

    async def read(self, decoder: "msgspec.json.Decoder[T]", path: str, query: Query | None = None) -> T:
        """The payload of one answer.

        Raises:
            SourceError
        """
        return await self.decode(decoder, await self.get(path, query))

    async def decode(self, decoder: "msgspec.json.Decoder[T]", answer: HttpResponse) -> T:
        """The payload of an answer.

        Raises:
            SourceError: WRONG_ANSWER
        """
        return await decoded(self._wire, answer, decoder)

    async def pages(
        self,
        decoder: "msgspec.json.Decoder[tuple[HasId, ...]]",
        path: str,
        query: Query | None = None,
    ) -> tuple[HasId, ...]:
        """All items of a list, at most ``MOST_PAGES`` pages of it, each once although pages shift meanwhile.

        Raises:
            SourceError
        """
        items: dict[int, HasId] = {}
        page = "1"
        for _ in range(MOST_PAGES):
            answer = await self.get(path, {**(query or {}), "per_page": PER_PAGE, "page": page})
            for item in await self.decode(decoder, answer):
                items.setdefault(item.id, item)
            page = answer.headers.get("x-next-page", "")
            if whole(page) is None:
                break
        return tuple(items.values())

    def close(self) -> None:
        self._pool.close()


class _Client:
    """One python-gitlab client, used by one thread at a time."""

    def __init__(self, name: str, settings: GitLabSettings) -> None:
        self._name = name
        self._settings = settings
        self._token: str | None = None
        self._session: BlockingSession | None = None
        self._gitlab: gitlab.Gitlab | None = None

    def get(self, path: str, query: Query) -> HttpResponse:
        """The server's answer, whatever its status. What it raises, ``asking`` explains."""
        import gitlab

        library, session = self._open()
        try:
            library.http_request(
                "get",
                path,
                query_data=query,
                timeout=self._settings.timeout,
                obey_rate_limit=False,
                retry_transient_errors=False,
            )
        except (gitlab.GitlabError, RecursionError):
            # Its status is for the wire to judge, which also needs the headers. A refusal that is nested without
            # end is too much for the library, which looks for words in it.
            pass
        assert session.last is not None
        return session.last

    def _open(self) -> "tuple[gitlab.Gitlab, BlockingSession]":
        """The library and its session; new ones when the token has changed since."""
        token = self._settings.token.reveal() if self._settings.token else None
        if self._gitlab is None or self._session is None or token != self._token:
            import gitlab

            from tui.sources.http.blocking import BlockingSession

            self.close()
            self._token = token
            self._session = BlockingSession(self._name, self._settings)
            # As a Bearer token, which personal, group and project tokens and those of OAuth all may be.
            self._gitlab = gitlab.Gitlab(
                self._settings.base_url,
                oauth_token=token,
                user_agent=f"pipedeck/{__version__}",
                keep_base_url=True,
                session=self._session,
            )
        return self._gitlab, self._session

    def abort(self) -> None:
        """End the request that is under way; from another thread."""
        if (session := self._session) is not None:
            session.abort()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
