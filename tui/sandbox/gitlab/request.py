"""One request to the REST API: its route, its parameters, the project it names."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.datastructures import QueryParams

from tui.sandbox.gitlab.facts import Pipeline, Project
from tui.sandbox.gitlab.responses import ApiError, invalid, no_route, not_found
from tui.sandbox.gitlab.site import Site

MOVED: Mapping[str, str] = {"ml/payments-fraud": "ml/fraud"}
"""Projects that once had another path."""


class Options(msgspec.Struct):
    """How this GitLab is set up. May be changed while it serves."""

    external_url: str = "https://gitlab.example.com/gitlab"
    """The configured address, which links carry whatever address was called."""
    version: str = "18.9.0-ee"
    token: str = ""
    """What a request has to bring; empty: nobody is asked for one."""
    scopes: tuple[str, ...] = ("api",)
    """What that token may do, in GitLab's words (``api``, ``read_api``, ``read_user``)."""
    community: bool = False
    """The Community Edition, which knows no approvals."""
    maintainer: bool = False
    """The token's user sees the settings of projects."""
    rollbacks: bool = True
    """``ci_forward_deployment_rollback_allowed``."""
    denied: frozenset[str] = frozenset()
    """Names of jobs that the token's user may not touch; ``*`` for everything, ``approve`` for approvals."""
    locked: bool = False
    """Somebody else writes at the same moment: 409."""
    variables: str = "developer"
    """``ci_pipeline_variables_minimum_override_role``."""
    inputs: frozenset[str] = frozenset()
    """What the configuration of its pipelines declares in ``spec: inputs``."""
    drops: frozenset[str] = frozenset()
    """Variables that get lost on the way."""
    broken: bool = False
    """The configuration of its pipelines has an error."""
    trigger_token: str = "glptt-sandbox"
    self_approval: bool = True
    trace_every: float = 60.0
    """Seconds between two times that a runner sends its log."""
    trace_rows: bool = True
    """Runners put the time before each row."""
    trace_etag: bool = True
    lacks: frozenset[str] = frozenset()
    """GraphQL fields that this version does not have, as ``Pipeline.name``."""


class RestRequest(msgspec.Struct, frozen=True):
    """One request, after its token and parameters were found right."""

    site: Site
    query: QueryParams
    options: Options
    base: str
    """Scheme, host and prefix that were called: a redirect goes there, unlike a link."""
    path: str
    """Raw path below ``/api/v4``."""
    body: Mapping[str, Any] = {}
    """What came with a write, as JSON or a form."""

    def fresh(self) -> Site:
        """The site as it is after something was done to it."""
        return self.site.again()

    def truth_of(self, name: str) -> bool:
        return self.body.get(name) in (True, "true", "1")

    def project(self, key: str) -> Project:
        """The project of an id or encoded path.

        Raises:
            ApiError: 404, or 301 to its id when it has moved.
        """
        path = unquote(key)
        if found := self.site.project(path):
            return found
        if moved := self.site.project(MOVED.get(path, "")):
            target = f"{self.base}/api/v4{self.path.replace(key, str(moved.id), 1)}"
            if self.query:
                target += f"?{self.query}"
            raise ApiError(301, f"This resource has been moved permanently to {target}", {"Location": target})
        raise not_found("Project")

    def pipeline(self, key: str, number: str) -> Pipeline:
        if found := self.site.by_id(self.project(key), int(number)):
            return found
        raise not_found()

    def truth(self, name: str) -> bool:
        return self.query.get(name, "false") in ("true", "1")

    def within(self, name: str, at: float | None) -> bool:
        """Is a time between ``NAME_after`` and ``NAME_before``, as far as they were given."""
        after, before = self.time(f"{name}_after"), self.time(f"{name}_before")
        if at is None:
            return after is before is None
        return (after is None or at >= after) and (before is None or at <= before)

    def time(self, name: str) -> float | None:
        """A time among the parameters.

        Raises:
            ApiError: 400 when it is none.
        """
        text = self.query.get(name)
        if not text:
            return None
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(f"{name} is invalid") from None
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()

    def sorted(
        self, items: Iterable[Any], keys: Mapping[str, Callable[[Any], Any]], direction: str
    ) -> list[Any]:
        """``items`` by ``order_by`` (default ``id``) and ``sort``."""
        key = keys[self.query.get("order_by", "id")]
        return sorted(items, key=key, reverse=self.query.get("sort", direction) == "desc")


class Route(msgspec.Struct, frozen=True):
    path: str
    """``:name`` stands for one segment of the path, ``:n`` for a number."""
    answer: Callable[..., Any]
    """Takes an :class:`RestRequest` and the segments; gives a JSON body or a :class:`Page`."""
    choices: Mapping[str, Sequence[str]] = {}
    """Parameters that take only certain values."""
    open: bool = False
    """Answers the anonymous too, with what is public."""
    any_scope: bool = False
    method: str = "GET"
    status: int = 200

    def match(self, path: str) -> tuple[str, ...] | None:
        pattern = re.sub(r":n\b", r"(\\d+)", self.path)
        pattern = re.sub(r":\w+", "([^/]+)", pattern)
        found = re.fullmatch(pattern, path)
        return found.groups() if found else None

    def check(self, query: QueryParams) -> None:
        """Raises: ApiError, 400 naming all parameters with wrong values at once."""
        wrong = [
            f"{name} does not have a valid value"
            for name, allowed in self.choices.items()
            if any(value not in allowed for value in given(query, name))
        ]
        if wrong:
            raise invalid(*wrong)


def given(query: QueryParams, name: str) -> list[str]:
    """All values of a parameter, written as ``name`` or ``name[]``."""
    return [*query.getlist(name), *query.getlist(f"{name}[]")]


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The route of a raw path below ``/api/v4`` and what its placeholders stand for.

    Raises:
        ApiError: 404 or 405.
    """
    others = False
    for route in routes:
        if (segments := route.match(path)) is not None:
            if route.method == method:
                return route, segments
            others = True
    raise ApiError(405, {"error": "405 Not Allowed"}) if others else no_route()
