"""How GitLab's REST API answers: pages, entity tags, rate-limit headers and its many shapes of errors.

Contracts: gitlab §1.2-1.5.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse, Response

from tui.sandbox.logs import packed

MAX_PER_PAGE = 100


class ApiError(Exception):
    """An answer outside 2xx. A ``body`` that is a text goes out as ``text/plain``."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> Response:
        if isinstance(self.body, str):
            return PlainTextResponse(self.body, self.status, self.headers)
        return Response(msgspec.json.encode(self.body), self.status, self.headers, "application/json")


def invalid(*problems: str) -> ApiError:
    """Parameters that grape refuses: the key is ``error``, not ``message``."""
    return ApiError(400, {"error": ", ".join(problems)})


def bad_request(reason: str) -> ApiError:
    return ApiError(400, {"message": f"400 Bad request - {reason}"})


def not_found(what: str = "") -> ApiError:
    """A record or, named, a project or group. With a small ``f`` where nothing is named."""
    return ApiError(404, {"message": f"404 {what} Not Found" if what else "404 Not found"})


def no_route() -> ApiError:
    return ApiError(404, {"error": "404 Not Found"})


def unauthorized() -> ApiError:
    """No token, or one that GitLab does not know."""
    return ApiError(401, {"message": "401 Unauthorized"})


def revoked() -> ApiError:
    words = "Token was revoked. You have to re-authorize from the user."
    challenge = 'Bearer realm="Protected by OAuth 2.0", error="invalid_token"'
    body = {"error": "invalid_token", "error_description": words}
    return ApiError(401, body, {"WWW-Authenticate": challenge})


def insufficient_scope(scope: str = "api read_api") -> ApiError:
    words = "The request requires higher privileges than provided by the access token."
    return ApiError(403, {"error": "insufficient_scope", "error_description": words, "scope": scope})


def forbidden(reason: str = "") -> ApiError:
    return ApiError(403, {"message": f"403 Forbidden - {reason}" if reason else "403 Forbidden"})


def conflict() -> ApiError:
    """Somebody else writes it at this moment."""
    return ApiError(409, {"message": "409 Conflict: Resource lock"})


def api_v3() -> ApiError:
    return ApiError(410, "API V3 is no longer supported")


_REFUSALS: Mapping[int, Any] = {
    400: {"message": "400 Bad request"},
    401: {"message": "401 Unauthorized"},
    403: {"message": "403 Forbidden"},
    429: "Retry later\n",
    500: {"message": "500 Internal Server Error"},
    503: {"message": "503 Service Unavailable"},
}


def refuse(status: int, headers: Mapping[str, str]) -> Response:
    """GitLab's answer for an error status; 429 is the rack's, in plain text."""
    return ApiError(status, _REFUSALS[status], headers).response()


class Page(msgspec.Struct, frozen=True):
    """A list to be given out page by page."""

    items: Sequence[Any]
    body: Callable[[Any], Any]
    """Makes the JSON body of one item."""
    counted: bool = True
    """The list has totals."""


def page(it: Page, query: QueryParams, url: str) -> tuple[list[Any], dict[str, str]]:
    """The bodies of the asked page and its headers. ``url`` is the list's external address.

    Raises:
        ApiError: 400 for a page or size that is none.
    """
    number, size = _positive(query, "page", 1), min(MAX_PER_PAGE, _positive(query, "per_page", 20))
    total = len(it.items)
    pages = max(1, -(-total // size))
    links: dict[str, int] = {}
    if number > 1:
        links["prev"] = number - 1
    if number < pages:
        links["next"] = number + 1
    links["first"] = 1
    if it.counted:
        links["last"] = pages
    others = [(key, value) for key, value in query.multi_items() if key not in ("page", "per_page")]

    def link(rel: str, to: int) -> str:
        asked = urlencode(sorted([*others, ("page", str(to)), ("per_page", str(size))]), quote_via=quote)
        return f'<{url}?{asked}>; rel="{rel}"'

    headers = {
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Next-Page": str(links.get("next", "")),
        "X-Prev-Page": str(links.get("prev", "")),
        "Link": ", ".join(link(rel, to) for rel, to in links.items()),
    }
    if it.counted:
        headers |= {"X-Total": str(total), "X-Total-Pages": str(pages)}
    return [it.body(item) for item in it.items[(number - 1) * size : number * size]], headers


def _positive(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.removeprefix("-").isdigit():
        raise invalid(f"{name} is invalid")
    if int(text) < 1:
        raise invalid(f"{name} does not have a valid value")
    return int(text)


def written(body: Any, headers: Mapping[str, str], status: int) -> Response:
    """What a write answers."""
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def tagged(body: Any, headers: Mapping[str, str], if_none_match: str | None) -> Response:
    """A JSON body with its weak entity tag, or 304 without a body when the asker has it already."""
    content = msgspec.json.encode(body)
    headers = {
        **headers,
        "ETag": f'W/"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Cache-Control": "max-age=0, private, must-revalidate",
    }
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


class Text(msgspec.Struct, frozen=True):
    """A body that is no JSON."""

    body: bytes
    name: str
    tagged: bool = True
    """It has an entity tag."""


def text(it: Text, headers: Mapping[str, str], asked: Headers) -> Response:
    """A text as GitLab sends a trace (contracts: gitlab §5.1)."""
    headers = {**headers, "Content-Disposition": f'infile; filename="{it.name}"'}
    if it.tagged:
        headers["ETag"] = f'W/"{hashlib.sha256(it.body).hexdigest()[:32]}"'
        if asked.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
    body, more = packed(it.body, asked.get("accept-encoding", ""))
    return Response(body, headers={**headers, **more}, media_type="text/plain")


class RateLimit:
    """Counts requests a minute for the ``RateLimit-*`` headers. It never refuses: that is a fault to be switched."""

    LIMIT = 2000

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._minute = 0
        self._observed = 0

    def headers(self) -> dict[str, str]:
        """Count one request; all answers carry these."""
        minute = int(self._now() // 60)
        if minute != self._minute:
            self._minute, self._observed = minute, 0
        self._observed += 1
        return {
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Limit": str(self.LIMIT),
            "RateLimit-Observed": str(self._observed),
            "RateLimit-Remaining": str(max(0, self.LIMIT - self._observed)),
            "RateLimit-Reset": str((minute + 1) * 60),
            "X-Request-Id": uuid.uuid4().hex.upper()[:26],
            "Vary": "Origin",
        }
