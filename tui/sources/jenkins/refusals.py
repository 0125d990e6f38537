"""What it means when a controller does not answer what was asked."""

import re

from tui.config import JenkinsSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.text.safe import shorten

_TITLE = re.compile(rb"<title>([^<]{1,200})</title>", re.IGNORECASE)
_LOGGING_ID = re.compile(rb"Logging ID=([0-9a-fA-F-]{8,40})")


def refused(wire: Limiter, answer: HttpResponse, settings: JenkinsSettings) -> SourceError:
    """The error that an answer outside 2xx stands for (contracts: jenkins §1.2, §1.3)."""
    if 300 <= answer.status < 400:
        return _redirected(wire, answer, settings)
    if answer.status == 403 and is_anonymous(answer):
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
    return wire.refuse(answer, words_of(answer))


def _redirected(wire: Limiter, answer: HttpResponse, settings: JenkinsSettings) -> SourceError:
    """A redirect is never followed: its target would get the credentials."""
    path = answer.where.partition(" ")[2]
    target = answer.leads_to(settings.base_url + path)
    words = f"{wire.name} answered {answer.status} to {answer.where}"
    if target.endswith(path):
        moved = shorten(target.removesuffix(path), 150)
        return SourceError(
            Trouble.REFUSED, f"{words}: it has moved; set url = {moved} in the config", status=answer.status
        )
    shown = shorten(target, 150) or "somewhere that is no address"
    return SourceError(
        Trouble.UNAUTHORIZED,
        f"{words}: it sends to {shown}, probably a log-in page; "
        "use a user and API token, and a url behind no log-in proxy",
        status=answer.status,
    )


def is_anonymous(answer: HttpResponse) -> bool:
    """Anonymous without a permission gets 403 with a page that leads to /login, not 401."""
    if user := answer.headers.get("x-you-are-authenticated-as"):
        return user == "anonymous"
    return "x-required-permission" not in answer.headers and b"login?from=" in answer.body[:4096]


def words_of(answer: HttpResponse) -> str:
    """What the controller itself says: in a header where it has one, else in its page about an error of its own."""
    headers = answer.headers
    if error := headers.get("x-error"):
        return error
    if permission := headers.get("x-required-permission"):
        return f"{headers.get('x-you-are-authenticated-as', 'this user')} lacks {permission}"
    if answer.status == 400 and (title := _TITLE.search(answer.body)):
        return title[1].decode(errors="replace")
    if answer.status >= 500:
        if logged := _LOGGING_ID.search(answer.body):
            return f"look for {logged[1].decode()} in its log"
        if title := _TITLE.search(answer.body):
            return title[1].decode(errors="replace")
    return ""
