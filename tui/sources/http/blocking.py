"""HTTP for the libraries that block: a session of ``requests`` that keeps what the program promises.

It imports ``requests``, so import it where the library that needs it is imported: in a thread, never at start.
"""

import io
import socket
import ssl
import time
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager

from tui.config import ServerSettings
from tui.sources.http.client import trust
from tui.sources.http.coding import ACCEPT_ENCODING, PIECE, Inflater
from tui.sources.http.errors import IncompleteResponse
from tui.sources.http.limiter import LARGEST_BODY, HttpResponse, most_of


class BlockingSession(requests.Session):
    """Follows no redirect, keeps no cookie, gives up in time, and keeps the last answer whole, headers too.

    Whatever the library asks for, :meth:`send` has the last word. Proxies come from the environment. What it raises,
    :func:`tui.sources.http.errors.explain` puts into words.

    Args:
        name: the source's name, for messages.

    Raises:
        SourceError: TLS, when the CA file or the client's certificate cannot be read.
    """

    def __init__(self, name: str, settings: ServerSettings) -> None:
        super().__init__()
        self._settings = settings
        # Not None, so that nobody's ~/.netrc is sent when there is no token; a library's own log-in goes before it.
        self.auth = _no_credentials
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if settings.ca_file or settings.cert:
            trust(name, settings)
        # The system's authorities, as tui.sources.http trusts them; requests' own list where the system has none.
        system = ssl.get_default_verify_paths()
        self._trust = settings.ca_file or system.cafile or system.capath or True
        files = [str(file) for file in (settings.cert, settings.key) if file]
        self._cert = (files[0], files[-1]) if files else None
        self.largest = LARGEST_BODY
        """Bytes of an answer after which it is read no further, so that a larger one has a few more."""
        self.last: HttpResponse | None = None
        """The answer to the last request; None when none came."""
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._aborted = False
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._connected))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """The answer, whatever its status, read to its end or beyond ``largest``."""
        self.last = None
        deadline = time.monotonic() + self._settings.timeout
        kwargs |= {
            "stream": True,
            "timeout": (self._settings.connect_timeout, self._settings.timeout),
            "verify": self._trust,
            "cert": self._cert,
        }
        request.headers["Accept-Encoding"] = ACCEPT_ENCODING
        response = super().send(request, **kwargs)
        try:
            # requests has no public way to read with a limit and still let others use .content and .json().
            response._content = self._read(response, deadline)
        except Exception as error:
            response.close()
            raise IncompleteResponse from error
        # Or the libraries, which put a refusal's text into their errors, guess it from the bytes, which takes long.
        response.encoding = response.encoding or "utf-8"
        path = urlsplit(request.url or "").path.removeprefix(urlsplit(self._settings.base_url).path)
        headers = {key.lower(): value for key, value in response.headers.items()}
        self.last = HttpResponse(f"{request.method} {path}", response.status_code, headers, response.content)
        if response.status_code == 401:
            self._settings.refused()
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: there is nowhere to go. Without this a redirect is read, if not followed, and may be no url."""
        return None

    def abort(self) -> None:
        """End what is under way, from another thread: whoever waits for a byte hears that there are no more.

        A request's time-out is for each wait: a server that sends a byte now and then is waited for without end, in
        its headers too, where nobody looks at the clock.
        """
        self._aborted = True
        for connection in list(self._sockets):
            _shut_down(connection)

    def _connected(self, connection: socket.socket) -> None:
        self._sockets.add(connection)
        if self._aborted:
            _shut_down(connection)

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """The body, inflated; of one that is too large a little more than that."""
        most = most_of(response.status_code, self.largest)
        body = io.BytesIO()
        for piece in self._pieces(response, deadline):
            if body.write(piece) and body.tell() > most:
                response.close()
                break
        return body.getvalue()

    def _pieces(self, response: requests.Response, deadline: float) -> Iterator[bytes]:
        inflater = Inflater(response.headers.get("Content-Encoding", ""))
        # read1: what is there, without waiting for a whole chunk of it.
        while sent := response.raw.read1(PIECE, decode_content=False):
            if self._aborted or time.monotonic() > deadline:
                raise TimeoutError
            yield from inflater.pieces(sent)
        inflater.end()


class _Adapter(HTTPAdapter):
    """Connections that tell of their sockets.

    Args:
        connected: called with each socket when it is connected, TLS included.
    """

    def __init__(self, connected: Any) -> None:
        def noting(of: type[Any]) -> type[Any]:
            class Connection(of.ConnectionCls):  # type: ignore[misc, name-defined]  # a class made of a class
                def connect(self) -> None:
                    super().connect()
                    connected(self.sock)

            return type(of.__name__, (of,), {"ConnectionCls": Connection})

        self._pools = {"http": noting(HTTPConnectionPool), "https": noting(HTTPSConnectionPool)}
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # those have pools of their own
            manager.pool_classes_by_scheme = self._pools
        return manager


def _shut_down(connection: socket.socket) -> None:
    try:
        # Not that of a TLS socket, which also forgets the state that its reader is using.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
