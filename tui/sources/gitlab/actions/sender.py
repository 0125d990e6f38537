"""The one place that writes to a GitLab: one step is one request, and its answer is judged here."""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from tui.config import GitLabSettings
from tui.domain.action import Reply, Step
from tui.sources.gitlab.actions.steps import StepHandler
from tui.sources.gitlab.responses import refusal_words
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.sources.http.send_once import send_once
from tui.text.safe import clean, shorten

HIDDEN = "***"
_SAID_LIMIT = 300
_TYPES = {
    "form": "application/x-www-form-urlencoded",
    "json": "application/json",
    "raw json": "application/json",
}


class ChangedObject(msgspec.Struct, frozen=True):
    """What an answer tells of what was made or changed."""

    id: int | None = None
    status: str | None = None


_made = msgspec.json.Decoder(ChangedObject)


class Sender:
    """Sends steps."""

    def __init__(self, wire: Limiter, settings: GitLabSettings) -> None:
        self._wire = wire
        self._settings = settings

    async def send(self, step: Step, secrets: Mapping[str, str], handler: StepHandler) -> Reply:
        missing = [name for name, value in step.body if value == HIDDEN and name not in secrets]
        if missing:
            return Reply("unsent", f"{', '.join(missing)} was not given")
        answer = await send_once(
            self._wire,
            self._settings,
            step.method,
            step.path,
            body(step, secrets),
            lambda: self._headers(step, handler),
        )
        return answer if isinstance(answer, Reply) else judged(answer, handler)

    def _headers(self, step: Step, handler: StepHandler) -> Mapping[str, str]:
        headers = {"Content-Type": _TYPES[step.body_kind]} if step.body_kind != "none" else {}
        if self._settings.token and not handler.own_token:
            headers["Authorization"] = f"Bearer {self._settings.token.reveal()}"
        return headers


def body(step: Step, secrets: Mapping[str, str]) -> bytes:
    given = [(name, secrets[name] if value == HIDDEN else value) for name, value in step.body]
    match step.body_kind:
        case "form":
            return urlencode(given).encode()
        case "json":
            return msgspec.json.encode(dict(given))
        case "raw json":
            return given[0][1].encode()
        case "none":
            return b""
        case "multipart":
            raise ValueError("no request to GitLab has files")


_REFUSED_FIRST = frozenset({401, 404, 405, 410, 411, 413, 414, 415, 429, 431})
"""Statuses given before anything is looked at: who asks, which route, how much, how often (contracts: gitlab §1.4)."""


class ValidationError(msgspec.Struct, frozen=True):
    """A refusal with this key is of the request's own form, before anything is done (contracts: gitlab §1.4)."""

    error: str


_invalid = msgspec.json.Decoder(ValidationError)


def judged(answer: HttpResponse, handler: StepHandler) -> Reply:
    """What an answer says of the write (contracts: gitlab §1.4, §4). That nothing happened is said only where it is
    certain: an error of the server's own, or of a proxy, may come after the effect; and so may a refusal for the state
    that the effect leads to."""
    status = answer.status
    if 200 <= status < 300:
        try:
            made = _made.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            page = answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<"
            words = "a web page answered; a login page or a proxy?" if page else "its answer cannot be read"
            return Reply("lost", words, status)
        found = (("id", str(made.id)),) if made.id is not None else ()
        return Reply("accepted", "", status, found)
    reason = shorten(clean(refusal_words(answer)), _SAID_LIMIT)
    if status >= 500 or status == 408:
        return Reply("lost", reason or f"it answered {status}", status)
    words = _explained(status, reason, handler)
    if _may_follow_the_effect(answer, reason):
        return Reply("lost", words, status, over=True)
    return Reply("refused", words, status)


def _may_follow_the_effect(answer: HttpResponse, reason: str) -> bool:
    """A job that was started answers a second copy of the request, as a proxy sends it, with ``Unplayable Job``; one
    that was run again with ``Job is not retryable``; a run that its configuration broke is made and refused."""
    status = answer.status
    if status < 400 or status in _REFUSED_FIRST:
        return False
    if status == 403:
        return reason.startswith(
            "403 Forbidden - "
        )  # bare, it is of rights, which are asked first (gitlab §4)
    if status == 400:
        try:
            _invalid.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return True
        return False
    return True


def _explained(status: int, reason: str, handler: StepHandler) -> str:
    """The server's words, with what they leave out."""
    more = ""
    if status == 401:
        more = "check the token in the config"
    elif status == 403 and reason == "403 Forbidden":
        more = (
            "GitLab gives no reason: you lack the role, the branch or environment is protected, "
            "the deployment is outdated, or the job archived"
        )
    elif status == 403 and "higher privileges" in reason:
        more = "acting needs a token with the scope api"
    elif status == 404:
        more = handler.not_found
    elif status == 409:
        more = "something else changes it at this moment"
    elif status == 429:
        more = "nothing happened; wait before asking again"
    elif "set pipeline variables" in reason:
        more = "this project takes no variables from you; use inputs, or ask a Maintainer"
    elif "Unplayable Job" in reason:
        more = "it no longer waits, or its deployment waits for approvals"
    elif "not retryable" in reason:
        more = "it was run again before, or has not ended"
    return f"{reason}; {more}" if reason and more else reason or more or f"it answered {status}"
