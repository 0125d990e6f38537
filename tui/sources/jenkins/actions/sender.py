"""The one place that writes to a controller: one step is one request, and its answer is judged here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from tui.config import ConfigError, JenkinsSettings
from tui.domain.action import Reply, Step
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.client import HttpClient
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.sources.http.send_once import send_once
from tui.sources.jenkins.actions.action_payload import CRUMB, SAID
from tui.sources.jenkins.actions.steps import StepHandler
from tui.sources.jenkins.client import credentials
from tui.sources.jenkins.refusals import is_anonymous, words_of
from tui.text.safe import clean, shorten
from tui.threads import in_thread

SECRETS = "secrets"
"""The key of ``Step.expect`` under which stand the names of the fields that hold secrets, as a JSON array."""
OPTIONAL = "optional"
"""The same, of those that are left out where they were not given."""
FILES = "files"
"""The same for those that hold paths of files."""

_ITEM = re.compile(r"/queue/item/(\d+)")
_TOKEN = re.compile(r"(11)?[0-9a-f]{32}")
"""An API token as Jenkins makes it, and as it was before 2.129."""
_LOGIN = re.compile(r"/(login|securityRealm|oauth|saml)", re.IGNORECASE)
_SESSION = re.compile(r"(JSESSIONID[^=;,\s]*=[^;,\s]+)")
_SAID_LIMIT = 300
_names = msgspec.json.Decoder(frozenset[str])


class NoSecret(Exception):
    """A secret that the step needs was not given."""


class Sender:
    """Sends steps."""

    def __init__(self, wire: Limiter, settings: JenkinsSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._http = HttpClient(wire, settings, lambda: credentials(settings))
        self._refused = False
        """It has wanted a crumb."""

    async def send(self, step: Step, secrets: Mapping[str, str], handler: StepHandler) -> Reply:
        try:
            content, kind = await in_thread(lambda: body(step, secrets))
        except NoSecret as error:
            return Reply("unsent", f"{error} was not given")
        except OSError as error:
            return Reply("unsent", f"{error.filename} cannot be read: {error.strerror}")
        crumb: Mapping[str, str] = {}
        if self._refused or await in_thread(lambda: _may_be_password(self._settings)):
            try:
                crumb = await self._crumb()
            except SourceError as error:
                # A token that does not look like one needs none: whether this is such a one, the server says.
                if self._refused or error.trouble is not Trouble.WRONG_ANSWER:
                    return Reply("unsent", f"no crumb could be read: {error.message}")
        # Also with an empty body (contracts: jenkins §10).
        form = {"Content-Type": kind, "Accept-Language": "en"}
        answer = await send_once(
            self._wire,
            self._settings,
            step.method,
            step.path,
            content,
            lambda: {**credentials(self._settings), **form, **crumb},
        )
        if isinstance(answer, Reply):
            return answer
        if answer.status == 403 and b"No valid crumb" in answer.body and credentials(self._settings):
            self._refused = True
        return judged(answer, self._settings, handler, with_crumb=bool(crumb))

    async def _crumb(self) -> Mapping[str, str]:
        answer = await self._http.send("GET", "/crumbIssuer/api/json")
        if answer.status == 404:
            return {}  # switched off
        crumb = self._wire.decode(answer, CRUMB)
        session = "; ".join(_SESSION.findall(answer.headers.get("set-cookie", "")))
        return {crumb.crumb_request_field: crumb.crumb} | ({"Cookie": session} if session else {})

    async def close(self) -> None:
        await self._http.close()


def _may_be_password(settings: JenkinsSettings) -> bool:
    """Whether what the config calls a token does not look like one: with a password each write needs a crumb, with a
    token none (contracts: jenkins §1.2)."""
    if settings.user is None or settings.token is None:
        return False
    try:
        return _TOKEN.fullmatch(settings.token.reveal()) is None
    except ConfigError:
        return False  # the write itself says why


def body(step: Step, secrets: Mapping[str, str]) -> tuple[bytes, str]:
    """What is sent, and of what type it is. A secret stands as a field of the form, or among the parameters of its
    ``json``.

    Raises:
        NoSecret
        OSError: a file cannot be read.
    """
    hidden, optional = (
        _names.decode(dict(step.expect).get(key, "[]").encode()) for key in (SECRETS, OPTIONAL)
    )

    def value_of(name: str, value: Any) -> Any:
        if name not in hidden:
            return value
        if name not in secrets:
            raise NoSecret(name)
        return secrets[name]

    fields = []
    for name, value in step.body:
        if name == "json" and hidden:
            asked = msgspec.json.decode(value)["parameter"]
            given = [
                {**one, "value": value_of(one["name"], one["value"])} if one["name"] in hidden else one
                for one in asked
            ]
            value = msgspec.json.encode({"parameter": given}).decode()
        elif name in optional and name not in secrets:
            continue
        else:
            value = value_of(name, value)
        fields.append((name, value))
    if step.body_kind == "multipart":
        return _multipart(step, dict(fields))
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _multipart(step: Step, fields: Mapping[str, str]) -> tuple[bytes, str]:
    """A file is a part named like its parameter; sent as text it would be dropped (contracts: jenkins_observed)."""
    import httpx  # not before something is sent

    names = msgspec.json.decode(dict(step.expect)[FILES], type=tuple[str, ...])
    paths = {name: Path(fields[name]) for name in names}
    request = httpx.Request(
        "POST",
        "http://jenkins",
        data={name: value for name, value in fields.items() if name not in paths},
        files={
            name: (path.name, path.read_bytes(), "application/octet-stream") for name, path in paths.items()
        },
    )
    return request.read(), request.headers["content-type"]


def judged(
    answer: HttpResponse, settings: JenkinsSettings, handler: StepHandler, *, with_crumb: bool = False
) -> Reply:
    """What an answer says of the write (contracts: jenkins §1.3, §10). That nothing happened is said only where it is
    certain: an error of the server's own may come after the effect, though it mostly stands for a value that it could
    not use; one of a proxy tells nothing of the server; and a refusal may be for what the effect has led to.

    Args:
        with_crumb: it was sent with one.
    """
    status = answer.status
    if 200 <= status < 300:
        return _done(answer)
    if 300 <= status < 400:
        return _redirected(answer, settings)
    reason = shorten(clean(words_of(answer)), _SAID_LIMIT)
    if status == 403:
        return Reply("refused", _forbidden(answer, reason, settings, with_crumb), status)
    if status == 503 and b"getting ready to work" in answer.body:
        return Reply("refused", "it is starting and does nothing yet", status)
    if status >= 500 and "x-jenkins" in answer.headers:
        words = f"an error of the server's own{handler.error}{f': {reason}' if reason else ''}"
        return Reply("lost", words, status, over=not handler.slow)
    if status >= 500:
        return Reply(
            "lost",
            f"it, or a proxy in front of it, answered {status}{f': {reason}' if reason else ''}",
            status,
        )
    if status == 400 and handler.changed and "x-error" not in answer.headers:
        return Reply("refused", f"{handler.changed} ({reason})", status)
    words = reason or _MEANINGS.get(status, f"it answered {status}")
    if status in handler.refuses_after or status not in _REFUSED_FIRST:
        return Reply("lost", words, status, over=True)
    return Reply("refused", words, status)


_REFUSED_FIRST = frozenset({400, 401, 403, 404, 405, 409, 411, 413, 414, 415, 429, 431})
"""Statuses given before anything is done, but for what a handler says of its own request: who asks, which page, of
what form, how much, how often; and of a start whether it may be built (contracts: jenkins §1.2, §1.3, §10.1)."""

_MEANINGS = {
    400: "it could not use what was sent",
    401: "the user or token is wrong",
    404: "it is no longer there, or this user may not do it",
    405: "it does not take this",
    409: "it cannot be built: it, or what holds it, is disabled",
    422: "it could not be canceled: it may have begun, or this user may not do it",
    429: "it had too many requests",
}


def _done(answer: HttpResponse) -> Reply:
    """2xx. Some say in the body that they did nothing (contracts: jenkins §10.3)."""
    if item := _ITEM.search(answer.headers.get("location", "")):
        return Reply("accepted", status=answer.status, found=(("queue", item[1]),))
    if answer.content_type == "text/html" and answer.body.strip():
        return Reply("lost", "a web page instead of an answer; a login page or a proxy?", answer.status)
    if not answer.body.strip() or answer.content_type != "application/json":
        return Reply("accepted", status=answer.status)
    try:
        answered = SAID.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Reply("lost", "its answer cannot be read", answer.status)
    data = answered.data
    words = shorten(clean((data and data.message) or answered.message or ""), _SAID_LIMIT)
    if answered.status == "error" or (data and str(data.success).lower() == "false"):
        return Reply("refused", words or "it says that it did nothing", answer.status)
    found = (("queue", str(data.queue_id)),) if data and data.queue_id is not None else ()
    return Reply("accepted", words, answer.status, found)


def _redirected(answer: HttpResponse, settings: JenkinsSettings) -> Reply:
    asked = settings.base_url + answer.where.partition(" ")[2]
    location = answer.headers.get("location", "")
    if item := _ITEM.search(location):
        same = "an equal run waits in the queue already; it counts as this one"
        return Reply("accepted", same if answer.status == 303 else "", answer.status, (("queue", item[1]),))
    shown = shorten(answer.leads_to(asked), 150) or "somewhere that is no address"
    try:
        target, base = urlsplit(urljoin(asked, location)), urlsplit(asked)
    except ValueError:
        return Reply("lost", f"it sends to {shown}", answer.status)
    if _LOGIN.search(target.path):
        return Reply("refused", f"it wants a log-in: it sends to {shown}", answer.status)
    if answer.status in (301, 307, 308) or (target.path == base.path and target.netloc != base.netloc):
        return Reply("refused", f"it has moved to {shown}; correct the url in the config", answer.status)
    if target.netloc == base.netloc or "/job/" in target.path:
        return Reply("accepted", status=answer.status)
    return Reply("lost", f"it sends to {shown}; a log-in page?", answer.status)


def _forbidden(answer: HttpResponse, reason: str, settings: JenkinsSettings, with_crumb: bool) -> str:
    """A 403 has four reasons (contracts: jenkins §1.2)."""
    if is_anonymous(answer) or (b"No valid crumb" in answer.body and not (settings.user and settings.token)):
        return "it wants a log-in: check the user and token in the config"
    if b"No valid crumb" in answer.body and with_crumb:
        return "it wants another crumb than it gave a moment ago; ask again"
    if b"No valid crumb" in answer.body:
        return (
            "it wants a crumb, as with a password in place of an API token; ask again, with a crumb this time"
        )
    if reason:
        return reason
    if "x-jenkins" in answer.headers:
        return "this user may not do it"
    return "a proxy in front of it refused"
