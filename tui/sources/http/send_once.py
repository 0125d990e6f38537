"""A write: a request sent at most once, and what is known of it when no answer came (rule 11 of the design)."""

from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from tui.config import ServerSettings
from tui.domain.action import Reply
from tui.sources.base import SourceError
from tui.sources.http.client import read_body, trust
from tui.sources.http.coding import ACCEPT_ENCODING
from tui.sources.http.errors import BAD_PROXY, asking
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.threads import in_thread

if TYPE_CHECKING:
    import httpx


async def send_once(
    wire: Limiter,
    settings: ServerSettings,
    method: str,
    path: str,
    content: bytes,
    headers: Callable[[], Mapping[str, str]],
) -> HttpResponse | Reply:
    """The answer, whatever its status; without one, whether the request had left: ``lost``, or ``unsent``.

    On a connection of its own, because one that was kept may be closed by the server at any moment, and a request
    that meets this may have been read or not. No redirect is followed, no cookie kept, nothing repeated.

    Args:
        path: percent-encoded, with the query, begins with a slash, is put behind the configured url's own path.
        headers: as of :class:`tui.sources.http.client.HttpClient`.
    """
    left = False
    status: int | None = None

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        nonlocal left
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            left = True

    where = f"{method} {path.partition('?')[0]}"
    try:
        client = await in_thread(lambda: _client(wire.name, settings))
        async with client, asking(wire, settings, where):
            request = client.stream(
                method,
                settings.base_url + path,
                content=content,
                headers=dict(await in_thread(headers)),
                extensions={"trace": trace},
            )
            async with request as response:
                status = response.status_code
                lower = {name.lower(): value for name, value in response.headers.items()}
                body = await read_body(response)
        return wire.received(HttpResponse(where, status, lower, body))
    except SourceError as error:
        return Reply("lost" if left else "unsent", error.message, status)


def _client(name: str, settings: ServerSettings) -> "httpx.AsyncClient":
    import httpx

    try:
        return httpx.AsyncClient(
            verify=trust(name, settings),
            follow_redirects=False,
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
            headers={
                "User-Agent": "pipedeck",
                "Accept": "application/json, */*",
                "Accept-Encoding": ACCEPT_ENCODING,
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        from tui.domain.health import Trouble

        raise SourceError(Trouble.UNREACHABLE, f"{name} {BAD_PROXY}") from None
