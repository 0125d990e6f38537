"""What an answer of GitLab holds: its payload, or what a refusal says in any of its shapes."""

from typing import TypeVar

import msgspec

from tui.sources.http.limiter import HttpResponse, Limiter
from tui.text.safe import clean, shorten
from tui.threads import in_thread

T = TypeVar("T")

LARGE_BODY = 256 * 1024
"""Bytes above which decoding would hold up the screen."""

_SILENT_KEYS = ("message", "error", "base")


def refusal_words(answer: HttpResponse) -> str:
    """What an answer outside 2xx says, on one line, cleaned; with the request id where the fault is the server's.

    Contracts: gitlab §1.4.
    """
    words = _redirect(answer) or _said(answer)
    request_id = clean(answer.headers.get("x-request-id", ""))
    if answer.status >= 500 and request_id:
        words = f"{words} (request id {shorten(request_id, 64)})".lstrip()
    return words


def moved_to(answer: HttpResponse) -> str:
    """The id of the project that a renamed one redirects to; empty for any other answer (contracts: gitlab §1.6)."""
    if not 300 <= answer.status < 400:
        return ""
    id = (
        answer.headers.get("location", "")
        .partition("/api/v4/projects/")[2]
        .partition("/")[0]
        .partition("?")[0]
    )
    return id if id.isdigit() else ""


def _redirect(answer: HttpResponse) -> str:
    """Where a redirect, which is never followed, points."""
    if not 300 <= answer.status < 400 or "location" not in answer.headers:
        return ""
    if id := moved_to(answer):
        return f"the project has moved, it is now project {id}"
    where = answer.leads_to() or "something that is no url"
    return f"it redirects to {where}; put the url that answers itself into the config"


def _said(answer: HttpResponse) -> str:
    try:
        return clean(_flat(msgspec.json.decode(answer.body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    if answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<":
        return "a web page, not GitLab's API"
    return shorten(clean(answer.body[:400].decode(errors="replace").strip()), 200)


def _flat(value: object) -> str:
    """The words in a JSON value: a text, a list, an object of lists, or ``error`` with ``error_description``."""
    match value:
        case str():
            return value
        case list():
            return "; ".join(filter(None, map(_flat, value)))
        case {"error_description": str(description)}:
            return description
        case dict() if isinstance(errors := value.get("errors"), list):
            return _flat(errors)
        case dict():
            flat = {key: words for key, inner in value.items() if (words := _flat(inner))}
            if "message" in flat:
                return flat["message"]
            return "; ".join(
                words if key in _SILENT_KEYS else f"{key}: {words}" for key, words in flat.items()
            )
        case None:
            return ""
    return str(value)


async def decoded(wire: Limiter, answer: HttpResponse, decoder: "msgspec.json.Decoder[T]") -> T:
    """The payload of an answer; a large one is decoded in a thread.

    Raises:
        SourceError: WRONG_ANSWER
    """
    if len(answer.body) > LARGE_BODY:
        return await in_thread(lambda: wire.decode(answer, decoder))
    return wire.decode(answer, decoder)
