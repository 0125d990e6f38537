"""The HTML that Jenkins answers errors with, also where JSON was asked for."""

from collections.abc import Mapping
from html import escape

from starlette.responses import Response

HTML = "text/html;charset=utf-8"


def jetty_page(status: int, reason: str, path: str) -> str:
    """The servlet container's own page: bad credentials."""
    return (
        f"<html>\n<head>\n<title>Error {status} {reason}</title>\n</head>\n"
        f"<body><h2>HTTP ERROR {status} {reason}</h2>\n<table>\n"
        f"<tr><th>URI:</th><td>{escape(path)}</td></tr>\n<tr><th>STATUS:</th><td>{status}</td></tr>\n"
        f"<tr><th>MESSAGE:</th><td>{reason}</td></tr>\n</table>\n</body>\n</html>\n"
    )


def login_page(path: str) -> str:
    """What an anonymous caller gets: an empty page that leads to the login."""
    target = f"/login?from={escape(path, quote=True)}"
    return (
        f"<html><head><meta http-equiv='refresh' content='1;url={target}'/></head>"
        "<body style='background-color:white; color:white;'>\nAuthentication required\n<!--\n-->\n</body></html>"
    )


def jenkins_page(title: str, text: str) -> str:
    """A page of Jenkins with all its furniture: not found, an exception."""
    script = '<script src="/static/4f2a/scripts/page.js" type="text/javascript"></script>'
    return (
        f'<!DOCTYPE html><html><head data-rooturl="" data-crumb-header="Jenkins-Crumb">\n'
        f"<title>{escape(title)} - Jenkins</title>{script * 40}</head>\n"
        f'<body id="jenkins"><header class="page-header"></header>\n<div id="main-panel"><h1>{escape(title)}</h1>'
        f"<p>{escape(text)}</p></div></body></html>"
    )


def plugin_not_found() -> str:
    """What a plugin's path answers where there is nothing: a small page."""
    return (
        "<html><head><meta http-equiv='refresh' content='1;url=..'/></head>"
        "<body style='background-color:white; color:white;'>\nNot found\n<!--\n-->\n</body></html>"
    )


STARTING = (
    '<!DOCTYPE html><html lang="en"><head><title>Starting Jenkins</title></head><body>'
    '<h1 class="loading">Jenkins is getting ready to work</h1>'
    "<p>Your browser will reload automatically when Jenkins is ready.</body></html>"
)


def refusal(status: int, headers: Mapping[str, str]) -> Response:
    """The answer for an error status without ``X-Jenkins``: from a proxy, or while Jenkins starts."""
    if status == 401:
        headers = {**headers, "WWW-Authenticate": 'Basic realm="Jenkins"'}
    bodies = {
        401: jetty_page(401, "Unauthorized", "/"),
        403: jenkins_page("Access Denied", "alice is missing the Overall/Read permission"),
        500: jenkins_page("Oops!", "A problem occurred while processing the request. Logging ID=4f2a-11"),
        503: STARTING,
    }
    body = bodies.get(status, jetty_page(status, "Too Many Requests", "/"))
    return Response(body, status, headers, HTML)
