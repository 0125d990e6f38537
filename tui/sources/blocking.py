"""HTTP for the libraries that block: a session of ``requests`` that keeps what the program promises.

It imports ``requests``, so import it where the library that needs it is imported: in a thread, never at start.
"""

import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.exceptions as failures

from tui.config import SourceSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http import LARGEST_BODY, _causes, _tls_words
from tui.sources.wire import Answer
from tui.text import clean, shorten


class Session(requests.Session):
    """Follows no redirect, gives up in time, and keeps the last answer whole, headers too.

    Whatever the library asks for, :meth:`send` has the last word. Proxies come from the environment.

    Args:
        name: the source's name, for messages.
    """

    def __init__(self, name: str, settings: SourceSettings) -> None:
        super().__init__()
        self.name = name
        self.settings = settings
        # Not None, so that nobody's ~/.netrc is sent when there is no token; a library's own log-in goes before it.
        self.auth = _no_credentials
        # The system's authorities, as tui.sources.http trusts them; requests' own list where the system has none.
        system = ssl.get_default_verify_paths()
        self._trust = settings.ca_file or system.cafile or system.capath or True
        self.last: Answer | None = None
        """The answer to the last request; None when none came."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """The answer, whatever its status, read to its end.

        Raises:
            SourceError: no answer came (UNREACHABLE, TIMEOUT, TLS) or it could not be read (WRONG_ANSWER).
        """
        self.last = None
        deadline = time.monotonic() + self.settings.timeout
        kwargs |= {
            "stream": True,
            "timeout": (self.settings.connect_timeout, self.settings.timeout),
            "verify": self._trust,
        }
        where = self._where(request)
        try:
            response = super().send(request, **kwargs)
            # requests has no public way to read with a limit and still let others use .content and .json().
            response._content = self._read(response, deadline)
        except (OSError, ValueError) as error:
            # "from None": what was sent, credentials included, can stand in these exceptions.
            raise self.explain(error, where) from None
        headers = {key.lower(): value for key, value in response.headers.items()}
        self.last = Answer(where, response.status_code, headers, response.content)
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: there is nowhere to go. Without this a redirect is read, if not followed, and may be no url."""
        return None

    def _where(self, request: requests.PreparedRequest) -> str:
        path = urlsplit(request.url or "").path
        return f"{request.method} {path.removeprefix(urlsplit(self.settings.base_url).path)}"

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(1 << 16):
            body += chunk
            if len(body) > LARGEST_BODY:
                response.close()
                raise failures.ContentDecodingError(f"more than {LARGEST_BODY >> 20} MB; ask it for less")
            if time.monotonic() > deadline:
                response.close()
                raise failures.ReadTimeout
        return bytes(body)

    def explain(self, error: Exception, where: str) -> SourceError:
        """The error that no answer, or half of one, stands for: whatever ``requests`` raised on the way to it."""
        settings = self.settings
        causes = tuple(_causes(error))
        trouble, what = Trouble.UNREACHABLE, "cannot be connected to; check the url"
        if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
            trouble, what = Trouble.TLS, _tls_words(tls)
        elif any(isinstance(cause, socket.gaierror) for cause in causes):
            what = "cannot be found: its name is not known; check the url"
        elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            what = "refuses connections; is it running, is the port right?"
        elif isinstance(error, failures.ConnectTimeout):
            waited = f"could not be connected to within {settings.connect_timeout:g} s"
            trouble, what = Trouble.TIMEOUT, f"{waited}; a firewall, or the wrong host?"
        elif any(isinstance(cause, TimeoutError | failures.Timeout) for cause in causes):
            trouble, what = Trouble.TIMEOUT, f"did not answer within {settings.timeout:g} s"
        elif isinstance(error, failures.ProxyError):
            what = f"is behind a proxy that does not let us through: {shorten(clean(str(error)), 100)}"
        elif isinstance(error, failures.ContentDecodingError):
            trouble, what = Trouble.WRONG_ANSWER, f"answered what cannot be read: {_brief(error)}"
        elif isinstance(error, failures.ChunkedEncodingError):
            trouble, what = Trouble.WRONG_ANSWER, "cut its answer off"
        elif isinstance(error, failures.InvalidHeader) or not isinstance(error, OSError):
            trouble = Trouble.UNAUTHORIZED
            what = (
                "cannot be asked: the user or token holds a line break or a letter that HTTP does not carry"
            )
        elif isinstance(error, failures.InvalidProxyURL):
            what = "cannot be asked: a proxy named in the environment should read http://HOST:PORT"
        elif isinstance(error, ValueError):
            what = "cannot be asked: the url in the config is not valid"
        elif not isinstance(error, requests.RequestException):
            trouble, what = Trouble.TLS, f"cannot be asked: the CA file {settings.ca_file} cannot be read"
        elif isinstance(error, failures.ConnectionError) and "Connection aborted" in str(error):
            what = "dropped the connection"
        server = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        return SourceError(trouble, f"{self.name} at {server} {what} ({where})")


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _brief(error: Exception) -> str:
    return shorten(clean(str(error)), 100)
