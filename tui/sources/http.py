"""Asynchronous HTTP for the sources: one httpx client a source, its requests through the source's wire.

httpx is imported when the first request is sent (rule 7 of the design: after the first frame), in a thread.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from tui.config import ConfigError, SourceSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.wire import Answer, Wire
from tui.text import clean, shorten
from tui.threads import in_thread

if TYPE_CHECKING:
    import httpx

LARGEST_BODY = 32 * 1024 * 1024
_KEEP_ALIVE = 30.0


class Http:
    """Requests to one server.

    Follows no redirect, keeps no cookie, takes proxies from the environment, and repeats nothing.

    Args:
        wire: the source's line; each request waits its turn there.
        headers: makes the headers of one request, credentials included; it is asked anew each time, so that a
            rotated token is picked up. Its ``ConfigError`` becomes a :class:`SourceError`.
    """

    def __init__(
        self, wire: Wire, settings: SourceSettings, headers: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._headers = headers
        self._tls = settings.base_url.startswith("https:")
        self._server = urlsplit(settings.base_url).netloc.rpartition("@")[2]
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
    ) -> Answer:
        """What the server answers, whatever its status.

        Args:
            path: percent-encoded, begins with a slash, is put behind the configured url's own path.
            form: sent as a form.
            json: sent as JSON, unless None.

        Raises:
            SourceError: no answer came (UNREACHABLE, TIMEOUT, TLS), it could not be read to its end (WRONG_ANSWER),
                or the credentials could not be read (UNAUTHORIZED).
        """
        where = f"{method} {path}"
        try:
            sent = {**self._headers(), **(headers or {})}
        except ConfigError as error:
            raise SourceError(Trouble.UNAUTHORIZED, f"{self._wire.name}: {error}") from None
        content = None
        if json is not None:
            sent["Content-Type"] = "application/json"
            content = msgspec.json.encode(json)
        client = await self._open()
        url = self._settings.base_url + path
        async with self._wire.turn(where):
            try:
                async with (
                    asyncio.timeout(self._settings.timeout),
                    client.stream(
                        method, url, params=query, data=form, content=content, headers=sent
                    ) as response,
                ):
                    body = await self._body(response, where)
            except SourceError:
                raise
            except TimeoutError:
                raise self._late(where) from None
            except Exception as error:
                # Not only httpx's own: it lets TLS alerts, and a port out of range in a group of errors, pass as they
                # are. "from None": what was sent, credentials included, can stand in them.
                raise self._explain(error, where) from None
        lower = {name.lower(): value for name, value in response.headers.items()}
        return self._wire.received(Answer(where, response.status_code, lower, body))

    async def _body(self, response: "httpx.Response", where: str) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_BODY:
                what = f"answered more than {LARGEST_BODY >> 20} MB; ask it for less"
                raise self._error(Trouble.WRONG_ANSWER, what, where)
        return bytes(body)

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
            if self._tls:
                trust = ssl.create_default_context(cafile=settings.ca_file)
            else:
                # Trusts nothing; without it httpx reads its own list of authorities for 40 ms.
                trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        except OSError as error:
            reason = (
                "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
            )
            raise SourceError(
                Trouble.TLS, f"{name}: cannot read the CA file {settings.ca_file}: {reason}"
            ) from None
        try:
            return httpx.AsyncClient(
                verify=trust,
                follow_redirects=False,
                timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
                limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE),
                headers={"User-Agent": "pipedeck", "Accept": "application/json"},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            raise SourceError(
                Trouble.UNREACHABLE,
                f"{name}: a proxy named in the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) "
                "cannot be used; it should read http://HOST:PORT",
            ) from None

    def _error(self, trouble: Trouble, what: str, where: str) -> SourceError:
        return SourceError(trouble, f"{self._wire.name} at {self._server} {what} ({where})")

    def _late(self, where: str) -> SourceError:
        return self._error(Trouble.TIMEOUT, f"did not answer within {self._settings.timeout:g} s", where)

    def _explain(self, error: Exception, where: str) -> SourceError:
        """The error that no answer, or half of one, stands for."""
        import httpx

        causes = tuple(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLError):
                return self._error(Trouble.TLS, _tls_words(cause), where)
        for cause in causes:
            if isinstance(cause, socket.gaierror):
                return self._error(
                    Trouble.UNREACHABLE, "cannot be found: its name is not known; check the url", where
                )
            if isinstance(cause, ConnectionRefusedError):
                return self._error(
                    Trouble.UNREACHABLE, "refuses connections; is it running, is the port right?", where
                )
        match error:
            case httpx.ConnectTimeout():
                waited = f"could not be connected to within {self._settings.connect_timeout:g} s"
                return self._error(Trouble.TIMEOUT, f"{waited}; a firewall, or the wrong host?", where)
            case httpx.TimeoutException():
                return self._late(where)
            case httpx.ProxyError():
                said = shorten(clean(str(error)), 100)
                return self._error(
                    Trouble.UNREACHABLE, f"is behind a proxy that does not let us through: {said}", where
                )
            case httpx.DecodingError():
                return self._error(Trouble.WRONG_ANSWER, "answered with damaged compression", where)
            case httpx.LocalProtocolError() | ValueError():
                return self._error(
                    Trouble.UNAUTHORIZED,
                    "cannot be asked: the user or token holds a line break or a letter that HTTP does not carry",
                    where,
                )
            case httpx.RemoteProtocolError():
                return self._error(
                    Trouble.WRONG_ANSWER,
                    "cut its answer off or speaks no HTTP; http instead of https in the url?",
                    where,
                )
            case httpx.ConnectError():
                return self._error(Trouble.UNREACHABLE, "cannot be connected to; check the url", where)
            case httpx.NetworkError() | OSError():
                # Also what is seen of a TLS alert when the server does not wait for it to be read.
                hint = "; does it want a client certificate?" if self._tls else ""
                return self._error(Trouble.UNREACHABLE, f"dropped the connection{hint}", where)
            case httpx.InvalidURL() | ExceptionGroup():
                return self._error(
                    Trouble.UNREACHABLE, "cannot be asked: the url in the config is not valid", where
                )
        return self._error(Trouble.UNREACHABLE, f"could not be asked: {type(error).__name__}", where)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls_words(error: ssl.SSLError) -> str:
    """What a failed handshake means. The certificate alert comes with the first read in TLS 1.3, not on connecting
    (contracts: metrics §2)."""
    reason = (error.reason or "").upper()
    if isinstance(error, ssl.SSLCertVerificationError):
        why = clean(error.verify_message)
        return f"shows a certificate that is not trusted: {why}; name its authority with ca = in the config"
    if "CERTIFICATE_REQUIRED" in reason:
        return "wants a client certificate, which Pipedeck cannot give yet"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "does not speak TLS here; http instead of https in the url?"
    why = reason.replace("_", " ").lower() or "no reason given"
    return f"broke off the TLS handshake: {why}; does it want a client certificate, or a newer TLS?"
