"""Asynchronous HTTP for the sources: one httpx client a source, its requests through the source's wire.

httpx is imported when the first request is sent (rule 7 of the design: after the first frame), in a thread.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import msgspec

from tui.config import ServerSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.coding import ACCEPT_ENCODING, PIECE, Inflater
from tui.sources.http.errors import BAD_PROXY, IncompleteResponse, asking
from tui.sources.http.limiter import LARGEST_BODY, HttpResponse, Limiter, most_of
from tui.threads import in_thread

if TYPE_CHECKING:
    import httpx

SLOWEST = 1024
"""Bytes of a long answer that must come within the time-out, or it is given up: one that drips would hold its place
on the wire for ever."""
_KEEP_ALIVE = 30.0


class HttpClient:
    """Requests to one server.

    Follows no redirect, keeps no cookie, takes proxies from the environment, and repeats nothing.

    Args:
        wire: the source's line; each request waits its turn there.
        headers: makes the headers of one request, credentials included; it is asked anew each time, so that a
            rotated token is picked up. Its ``ConfigError`` becomes a :class:`SourceError`.
    """

    def __init__(
        self, wire: Limiter, settings: ServerSettings, headers: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._headers = headers
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """What the server answers, whatever its status.

        Args:
            path: percent-encoded, begins with a slash, is put behind the configured url's own path.
            form: sent as a form.
            json: sent as JSON, unless None.

        Raises:
            SourceError: as :func:`tui.sources.http.errors.asking`; and WRONG_ANSWER for one that is too large.
        """
        where = f"{method} {path}"
        client = await self._open()
        async with asking(self._wire, self._settings, where):
            sent = {**await self._login(), **(headers or {})}
            content = None
            if json is not None:
                sent["Content-Type"] = "application/json"
                content = msgspec.json.encode(json)
            url = self._settings.base_url + path
            async with client.stream(
                method, url, params=query, data=form, content=content, headers=sent
            ) as response:
                body = await read_body(response)
        lower = {name.lower(): value for name, value in response.headers.items()}
        answer = self._wire.received(HttpResponse(where, response.status_code, lower, body))
        if answer.status == 401:
            self._settings.refused()
        return self._wire.whole(answer, LARGEST_BODY)

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator["ResponseStream"]:
        """GET an answer that may be long: its body is read piece by piece, inside the block.

        The time-out is for each :data:`SLOWEST` bytes, not for all of it. What the block raises itself should be a
        :class:`SourceError`.

        Raises:
            SourceError: as :func:`tui.sources.http.errors.asking`, from the pieces too.
        """
        client = await self._open()
        async with asking(self._wire, self._settings, f"GET {path}") as deadline:
            sent = {**await self._login(), **(headers or {})}
            url = self._settings.base_url + path
            async with client.stream("GET", url, params=query, headers=sent) as response:
                lower = {name.lower(): value for name, value in response.headers.items()}
                head = self._wire.received(HttpResponse(f"GET {path}", response.status_code, lower, b""))
                if head.status == 401:
                    self._settings.refused()
                loop = asyncio.get_running_loop()
                try:
                    yield ResponseStream(
                        head, response, lambda: deadline.reschedule(loop.time() + self._settings.timeout)
                    )
                finally:
                    self._wire.bytes_read += response.num_bytes_downloaded

    async def _login(self) -> Mapping[str, str]:
        """The headers; in a thread, because a credential may be in a file, a keyring, or what a command prints."""
        return {} if self._headers is dict else await in_thread(self._headers)

    async def close(self) -> None:
        async with self._opening:
            client, self._client = self._client, None
        if client:
            await client.aclose()

    async def _open(self) -> "httpx.AsyncClient":
        async with self._opening:
            if self._client is None:
                self._client = await in_thread(self._new_client)
            return self._client

    def _new_client(self) -> "httpx.AsyncClient":
        import httpx

        settings, name = self._settings, self._wire.name
        try:
            return httpx.AsyncClient(
                verify=trust(name, settings),
                follow_redirects=False,
                timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
                limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE),
                headers={
                    "User-Agent": "pipedeck",
                    "Accept": "application/json",
                    "Accept-Encoding": ACCEPT_ENCODING,
                },
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            raise SourceError(Trouble.UNREACHABLE, f"{name} {BAD_PROXY}") from None


class ResponseStream:
    """An answer whose body is still on its way.

    Args:
        head: the answer without its body.
        alive: called whenever :data:`SLOWEST` bytes of it came.
    """

    def __init__(self, head: HttpResponse, response: "httpx.Response", alive: Callable[[], None]) -> None:
        self.head = head
        self._response = response
        self._alive = alive

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, at most :data:`PIECE` bytes at a time. Waits are the server's; between two pieces others run."""
        came = 0
        async for piece in pieces(self._response):
            if (came := came + len(piece)) >= SLOWEST:
                self._alive()
                came = 0
            yield piece

    async def answer(self, largest: int = 1 << 16) -> HttpResponse:
        """The answer with its body, or the beginning of one with more than ``largest`` bytes."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > largest:
                break
        return msgspec.structs.replace(self.head, body=bytes(body))


async def pieces(response: "httpx.Response") -> AsyncGenerator[bytes, None]:
    """The body of an answer, inflated, at most :data:`PIECE` bytes at a time.

    Raises:
        IncompleteResponse
    """
    try:
        inflater = Inflater(response.headers.get("content-encoding", ""))
        async for sent in response.aiter_raw():
            for piece in inflater.pieces(sent):
                yield piece
                if len(piece) == PIECE:  # inflated from what came long ago, perhaps: nothing else waits here
                    await asyncio.sleep(0)
        inflater.end()
    except Exception as error:
        raise IncompleteResponse from error


async def read_body(response: "httpx.Response") -> bytes:
    """The body of an answer; of one larger than :func:`tui.sources.http.limiter.most_of` a little more.

    Raises:
        IncompleteResponse
    """
    most = most_of(response.status_code, LARGEST_BODY)
    # Of all buffers the one that gives its bytes away without a copy.
    body = io.BytesIO()
    async with aclosing(pieces(response)) as coming:
        async for piece in coming:
            if body.write(piece) and body.tell() > most:
                break
    return body.getvalue()


def trust(name: str, settings: ServerSettings) -> ssl.SSLContext:
    """Who may vouch for the server: the authorities in the config, else the system's; and the client's certificate.

    Raises:
        SourceError: TLS, when a file of those cannot be read.
    """
    if not settings.base_url.startswith("https:"):
        # Trusts nothing; without it httpx reads its own list of authorities for 40 ms.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        reason = "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise SourceError(
            Trouble.TLS, f"{name}: cannot read the CA file {settings.ca_file}: {reason}"
        ) from None
    if settings.cert:
        try:
            # Without a password of its own OpenSSL would ask the terminal for it.
            context.load_cert_chain(settings.cert, settings.key, password=lambda: "")
        except OSError as error:
            reason = (
                "cert must be a certificate in PEM form and key its private key, not encrypted"
                if isinstance(error, ssl.SSLError)
                else error.strerror
            )
            where = " and ".join(str(file) for file in (settings.cert, settings.key) if file)
            raise SourceError(
                Trouble.TLS, f"{name}: cannot use the client certificate in {where}: {reason}"
            ) from None
    return context
