"""What it means when a controller does not answer, or not what was asked."""

import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit, urlunsplit

from tui.config import JenkinsSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.wire import Answer, Wire
from tui.text import clean, shorten

_TITLE = re.compile(rb"<title>([^<]{1,200})</title>", re.IGNORECASE)
_LOGGING_ID = re.compile(rb"Logging ID=([0-9a-fA-F-]{8,40})")


def refused(wire: Wire, answer: Answer, settings: JenkinsSettings) -> SourceError:
    """The error that an answer outside 2xx stands for (contracts: jenkins §1.2, §1.3)."""
    if 300 <= answer.status < 400:
        return _redirected(wire, answer, settings)
    if answer.status == 403 and _is_anonymous(answer):
        advice = (
            "check the user and token in the config"
            if settings.user and settings.token
            else "set user and token (an API token) in the config"
        )
        return SourceError(
            Trouble.UNAUTHORIZED,
            f"{wire.name} answered 403 to {answer.where}: it wants a log-in; {advice}",
            status=403,
        )
    return wire.refuse(answer, _words(answer))


def _redirected(wire: Wire, answer: Answer, settings: JenkinsSettings) -> SourceError:
    """A redirect is never followed: its target would get the credentials."""
    path = answer.where.partition(" ")[2]
    try:
        target = urlsplit(urljoin(settings.base_url + path, answer.headers.get("location", "")))
        netloc = target.netloc.rpartition("@")[2]
    except ValueError:
        target, netloc = urlsplit(""), "somewhere that is no address"
    shown = shorten(clean(urlunsplit((target.scheme, netloc, target.path, "", ""))), 150)
    said = f"{wire.name} answered {answer.status} to {answer.where}"
    if target.path.endswith(path) and netloc:
        moved = shown.removesuffix(path)
        return SourceError(
            Trouble.REFUSED, f"{said}: it has moved; set url = {moved} in the config", status=answer.status
        )
    return SourceError(
        Trouble.UNAUTHORIZED,
        f"{said}: it sends to {shown}, probably a log-in page; "
        "use a user and API token, and a url behind no log-in proxy",
        status=answer.status,
    )


def _is_anonymous(answer: Answer) -> bool:
    """Anonymous without a permission gets 403 with a page that leads to /login, not 401."""
    if user := answer.headers.get("x-you-are-authenticated-as"):
        return user == "anonymous"
    return "x-required-permission" not in answer.headers and b"login?from=" in answer.body[:4096]


def _words(answer: Answer) -> str:
    """What the controller itself says: in a header where it has one, else in its page about an error of its own."""
    headers = answer.headers
    if error := headers.get("x-error"):
        return error
    if permission := headers.get("x-required-permission"):
        return f"{headers.get('x-you-are-authenticated-as', 'this user')} lacks {permission}"
    if answer.status >= 500:
        if logged := _LOGGING_ID.search(answer.body):
            return f"look for {logged[1].decode()} in its log"
        if title := _TITLE.search(answer.body):
            return title[1].decode(errors="replace")
    return ""


def unanswered(error: Exception, name: str, where: str, settings: JenkinsSettings) -> SourceError:
    """The error that an exception of requests, urllib3 or python-jenkins stands for."""
    import jenkins
    import requests.exceptions as failures

    server = urlsplit(settings.base_url).netloc.rpartition("@")[2]

    def made(trouble: Trouble, what: str) -> SourceError:
        return SourceError(trouble, f"{name} at {server} {what} ({where})")

    causes = tuple(_causes(error))
    if isinstance(error, failures.ProxyError):
        return made(
            Trouble.UNREACHABLE,
            "is behind a proxy that does not let us through; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
        )
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return made(Trouble.TLS, _tls_words(cause, settings.ca_file))
        if isinstance(cause, socket.gaierror):
            return made(Trouble.UNREACHABLE, "cannot be found: its name is not known; check the url")
        if isinstance(cause, ConnectionRefusedError):
            return made(Trouble.UNREACHABLE, "refuses connections; is it running, is the port right?")
    if any(isinstance(cause, failures.ConnectTimeout) for cause in causes):
        return made(
            Trouble.TIMEOUT,
            f"could not be connected to within {settings.connect_timeout:g} s; a firewall, or the wrong host?",
        )
    timeouts = (failures.Timeout, jenkins.TimeoutException, TimeoutError)
    if any(isinstance(cause, timeouts) for cause in causes):
        return made(Trouble.TIMEOUT, f"did not answer within {settings.timeout:g} s")
    match error:
        case failures.ContentDecodingError():
            return made(Trouble.WRONG_ANSWER, "answered with damaged compression")
        case failures.ChunkedEncodingError():
            return made(Trouble.WRONG_ANSWER, "broke its answer off")
        case failures.ConnectionError():
            return made(Trouble.UNREACHABLE, "dropped the connection or speaks no HTTP; check the url")
        case ValueError():  # requests' and urllib3's errors about addresses among them
            return made(Trouble.UNREACHABLE, "cannot be asked: the url in the config is not valid")
        case OSError() if settings.ca_file and not isinstance(error, failures.RequestException):
            return made(Trouble.TLS, f"cannot be trusted: the CA file {settings.ca_file} cannot be read")
    return made(Trouble.UNREACHABLE, f"cannot be asked: {type(error).__name__}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls_words(error: ssl.SSLError, ca_file: str | None) -> str:
    reason = (error.reason or "").upper()
    if isinstance(error, ssl.SSLCertVerificationError):
        why = clean(error.verify_message)
        return f"shows a certificate that is not trusted: {why}; name its authority with ca = in the config"
    if reason in ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE"):
        return f"cannot be trusted: the CA file {ca_file} holds no certificate in PEM form"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "does not speak TLS here; http instead of https in the url?"
    return f"broke off the TLS handshake: {reason.replace('_', ' ').lower() or 'no reason given'}"
