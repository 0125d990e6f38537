"""HTTP for the libraries that block: a session of ``requests`` that keeps what the program promises.

It imports ``requests``, so import it where the library that needs it is imported: in a thread, never at start.
"""

import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests

from tui.config import ServerSettings
from tui.sources.http.client import trust
from tui.sources.http.errors import IncompleteResponse
from tui.sources.http.limiter import LARGEST_BODY, HttpResponse


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

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(1 << 16):
            body += chunk
            if time.monotonic() > deadline:
                raise TimeoutError
            if len(body) > self.largest:
                response.close()
                break
        return bytes(body)


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
