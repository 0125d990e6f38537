"""Why no answer came: one sentence for one cause, whichever library met it."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tui.config import ConfigError, ServerSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.limiter import Limiter
from tui.text.safe import clean, shorten

_log = logging.getLogger(__name__)

BAD_PROXY = (
    "cannot be asked: a proxy named in the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) cannot be used; "
    "it should read http://HOST:PORT"
)
_CONNECTING = {"gaierror", "ConnectionRefusedError", "ConnectTimeout"}
_NO_URL = {"InvalidURL", "InvalidProxyURL", "InvalidSchema", "LocationParseError", "OverflowError"}

# The first of them that stands in the chain tells. By the names of exceptions, because the libraries are loaded late
# (rule 7 of the design) and not all that they raise wraps something of the standard library's.
_SENTENCES = (
    (
        {"ConnectTimeout"},
        Trouble.TIMEOUT,
        "could not be connected to within {0.connect_timeout:g} s; a firewall, or the wrong host?",
    ),
    ({"TimeoutError"}, Trouble.TIMEOUT, "did not answer within {0.timeout:g} s"),
    ({"DamagedCoding"}, Trouble.WRONG_ANSWER, "answered with damaged compression"),
    (
        {"ForeignCoding"},
        Trouble.WRONG_ANSWER,
        "answered in a compression that it was not asked for; it may send gzip, once",
    ),
    ({"IncompleteResponse"}, Trouble.WRONG_ANSWER, "cut its answer off"),
    ({"gaierror"}, Trouble.UNREACHABLE, "cannot be found: its name is not known; check the url"),
    (
        {"ConnectionRefusedError"},
        Trouble.UNREACHABLE,
        "refuses connections; is it running, is the port right?",
    ),
    (_NO_URL, Trouble.UNREACHABLE, "cannot be asked: the url in the config is not valid"),
    (
        # A reset is also what is seen of a TLS alert when the server does not wait for it to be read.
        {"BrokenPipeError", "ConnectionResetError", "ProtocolError", "RemoteProtocolError"},
        Trouble.UNREACHABLE,
        "dropped the connection or speaks no HTTP; is the port right, does it want https or a client certificate?",
    ),
    (
        {"LocalProtocolError", "UnicodeEncodeError", "ValueError"},
        Trouble.UNAUTHORIZED,
        "cannot be asked: the user or token holds a line break or a letter that HTTP does not carry",
    ),
)


class IncompleteResponse(Exception):
    """The answer began and could not be read to its end; the cause tells why."""


@asynccontextmanager
async def asking(wire: Limiter, settings: ServerSettings, where: str) -> AsyncIterator[asyncio.Timeout]:
    """One request by any library: it waits for its turn and is given up in time, which the block may prolong.

    Raises:
        SourceError: no answer came (UNREACHABLE, TIMEOUT, TLS), it could not be read to its end (WRONG_ANSWER), or
            the credentials could not be read or sent (UNAUTHORIZED).
    """
    async with wire.turn(where):
        try:
            async with asyncio.timeout(settings.timeout) as deadline:
                yield deadline
        except SourceError:
            raise
        except ConfigError as error:
            raise SourceError(Trouble.UNAUTHORIZED, f"{wire.name}: {error}") from None
        except Exception as error:
            trouble, words = explain(error, settings)
            server = urlsplit(settings.base_url).netloc.rpartition("@")[2]
            _log.info("%s: %s: no answer, %s: %s", wire.name, where, type(error).__name__, words)
            # "from None": what was sent, credentials included, can stand in these exceptions.
            raise SourceError(trouble, f"{wire.name} at {server} {words} ({where})") from None


def explain(error: BaseException, settings: ServerSettings) -> tuple[Trouble, str]:
    """What ``error``, of httpx, requests or a library above it, says of the server: words that follow its name."""
    causes = tuple(_causes(error))
    names = {type(cause).__name__ for cause in causes}
    if "IncompleteResponse" not in names:
        for cause in causes:
            if isinstance(cause, ssl.SSLError):
                return Trouble.TLS, _tls_words(cause)
        proxied = _by_proxy(settings.base_url)
        if "ProxyError" in names or (proxied and names & _CONNECTING):
            status_words = (
                "" if names & {*_CONNECTING, "TimeoutError"} else f": {shorten(clean(str(causes[-1])), 100)}"
            )
            advice = "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
            return (
                Trouble.UNREACHABLE,
                f"is behind a proxy that does not let us through{status_words}; {advice}",
            )
        if proxied and names & _NO_URL:
            return Trouble.UNREACHABLE, BAD_PROXY
    for kinds, trouble, words in _SENTENCES:
        if names & kinds:
            return trouble, words.format(settings)
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            why = clean(cause.strerror).lower()
            return Trouble.UNREACHABLE, f"cannot be connected to: {why}; check the url"
    return Trouble.UNREACHABLE, f"could not be asked: {type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps: urllib3 hands some on as an argument only, anyio several in a group."""
    yield error
    wrapped = error.__cause__ or error.__context__
    for cause in [wrapped] if wrapped else (*error.args, *getattr(error, "exceptions", ())):
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def _by_proxy(url: str) -> bool:
    """Whether the environment puts a proxy before ``url``; httpx does not say whom it could not reach."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    return not getproxies().keys().isdisjoint((parts.scheme, "all")) and not proxy_bypass(parts.netloc)


_OTHER_HOST = (
    "is for another host",
    "write the url with a name that the certificate has, or give the server another one",
)
_WEAK = ("is too weak", "it needs one with a longer key or a newer digest")
_NO_AUTHORITY = ("is not trusted", "name its authority with ca = in the config")
_CERTIFICATES = {
    **dict.fromkeys((2, 18, 19, 20, 21), _NO_AUTHORITY),
    9: ("is not valid yet", "set this machine's clock, or ask who runs the server"),
    10: ("has expired", "who runs the server has to renew it; if it is new, set this machine's clock"),
    **dict.fromkeys((62, 64), _OTHER_HOST),
    **dict.fromkeys((66, 67, 68), _WEAK),
}
"""By OpenSSL's code of what is wrong with a certificate (x509_vfy.h: X509_V_ERR_*): what it is, and what helps."""
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "UNKNOWN_PROTOCOL",
)
_TOO_OLD = (
    "UNSUPPORTED_PROTOCOL",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "NO_PROTOCOLS_AVAILABLE",
    "VERSION_TOO_LOW",
    "DH_KEY_TOO_SMALL",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED",
)
"""What OpenSSL calls a server that offers too little; the lower limits are the system's."""


def _tls_words(error: ssl.SSLError) -> str:
    """What a failed handshake means. The certificate alert comes with the first read in TLS 1.3, not on connecting
    (contracts: metrics §2)."""
    reason = (error.reason or "").upper()
    if isinstance(error, ssl.SSLCertVerificationError):
        shows, advice = _CERTIFICATES.get(error.verify_code, ("is not trusted", ""))
        words = f"shows a certificate that {shows}: {clean(error.verify_message).rstrip('.')}"
        return f"{words}; {advice}" if advice else words
    if "CERTIFICATE_REQUIRED" in reason:
        return "wants a client certificate; name one that it trusts with cert = and key = in the config"
    if reason in _NOT_TLS:
        return "does not speak TLS here; http instead of https in the url?"
    why = reason.replace("_", " ").lower() or "no reason given"
    if reason in _TOO_OLD:
        return (
            f"speaks a TLS that is too old to be trusted ({why}); it has to offer TLS 1.2 or newer, "
            "with a key and ciphers of today"
        )
    if reason == "UNEXPECTED_EOF_WHILE_READING":
        return f"broke off the TLS handshake: {why}; is the port one for https, does a firewall or proxy cut it off?"
    return f"broke off the TLS handshake: {why}; does it want a client certificate, or a newer TLS?"
