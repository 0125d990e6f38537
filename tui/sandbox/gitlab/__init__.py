"""The sandbox's GitLab: REST and GraphQL under ``/gitlab``, as a relative-URL install answers.

``facts`` and ``site`` put the world into GitLab's words; ``bodies``, ``asking`` and ``rest`` tell it in REST,
``schema`` and ``graphql`` in GraphQL; ``writes`` does what is asked, ``deeds`` keeps what of it the world
has no word for; ``answers`` knows the manners of HTTP that both share.
"""

from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tui.sandbox.faults import Faults, with_faults
from tui.sandbox.gitlab import responses
from tui.sandbox.gitlab.bodies import PREFIX
from tui.sandbox.gitlab.manual_changes import ManualChanges
from tui.sandbox.gitlab.request import Options, RestRequest, find
from tui.sandbox.gitlab.rest import ROUTES
from tui.sandbox.gitlab.site import Site
from tui.sandbox.gitlab.writes import WRITES
from tui.sandbox.world import World

REVOKED_TOKEN = "glpat-revoked"
"""A token that GitLab knows and refuses."""

__all__ = ["PREFIX", "REVOKED_TOKEN", "Options", "gitlab_app"]


def gitlab_app(
    world: World, faults: Faults, options: Options | None = None, deeds: ManualChanges | None = None
) -> Starlette:
    """One GitLab installation that tells of ``world``."""
    face = _Face(world, options or Options(), deeds or ManualChanges())
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    return Starlette(
        routes=[
            Route(f"{PREFIX}/api/graphql", face.graphql, methods=["POST"]),
            Route(f"{PREFIX}/api/v3/{{rest:path}}", face.api_v3, methods=methods),
            Route(f"{PREFIX}/api/v4/{{rest:path}}", face.api, methods=methods),
        ],
        middleware=[Middleware(with_faults, faults=faults, refuse=responses.refuse)],
    )


class _Face:
    def __init__(self, world: World, options: Options, deeds: ManualChanges) -> None:
        self.deeds = deeds
        self.world = world
        self.options = options
        self.limit = responses.RateLimit(world.now)

    async def api(self, request: Request) -> Response:
        raw: bytes = request.scope["raw_path"]  # a name may hold an encoded slash
        path = raw.decode("latin-1").removeprefix(f"{PREFIX}/api/v4")
        headers = self.limit.headers()
        try:
            route, segments = find((*ROUTES, *WRITES), request.method, path)
            known = self._known(request, any_scope=route.any_scope)
            writes = request.method != "GET" and not route.any_scope
            if writes and self.options.token and known and "api" not in self.options.scopes:
                raise responses.insufficient_scope("api")
            if not (known or route.open):
                raise responses.unauthorized()
            route.check(request.query_params)
            base = f"{request.url.scheme}://{request.url.netloc}{PREFIX}"
            ask = RestRequest(
                self._site(known), request.query_params, self.options, base, path, await _given(request)
            )
            result = route.answer(ask, *segments)
            if isinstance(result, responses.Page):
                url = f"{self.options.external_url}/api/v4{path}"
                result, paging = responses.page(result, request.query_params, url)
                headers |= paging
        except responses.ApiError as error:
            response = error.response()
            response.headers.update(headers)
            return response
        if request.method != "GET":
            return responses.written(result, headers, route.status)
        if isinstance(result, responses.Text):
            return responses.text(result, headers, request.headers)
        return responses.tagged(result, headers, request.headers.get("if-none-match"))

    async def api_v3(self, _: Request) -> Response:
        return responses.api_v3().response()

    async def graphql(self, request: Request) -> Response:
        # Not when the sandbox starts: graphql-core takes a third as long to import as all the rest.
        from tui.sandbox.gitlab.graphql import MAX_QUERY, answer
        from tui.sandbox.gitlab.schema import Context, schema

        try:
            known = self._known(request)
        except responses.ApiError:
            return self._say({"errors": [{"message": "Invalid token"}]}, 401)
        try:
            asked = msgspec.json.decode(await request.body(), type=_Question)
        except msgspec.MsgspecError:
            return self._say({"errors": [{"message": "Unexpected end of document"}]}, 422)
        if len(asked.query) > MAX_QUERY:
            return self._say({"errors": [{"message": "Query too large"}]}, 422)
        types = schema(self.options.version, self.options.lacks)
        context = partial(Context, self._site(known))
        return self._say(answer(types, context, asked.query, asked.variables or {}, asked.operation_name))

    def _say(self, body: object, status: int = 200) -> Response:
        return Response(msgspec.json.encode(body), status, self.limit.headers(), "application/json")

    def _site(self, known: bool) -> Site:
        return Site(
            self.world,
            self.options.external_url,
            visible=known,
            rollbacks=self.options.rollbacks,
            deeds=self.deeds,
        )

    def _known(self, request: Request, *, any_scope: bool = False) -> bool:
        """Whether a token came that may read; False for the anonymous.

        Raises:
            ApiError: the token is unknown, revoked, or good for other things only.
        """
        options = self.options
        bearer = request.headers.get("authorization", "")
        given = request.headers.get("private-token") or bearer.removeprefix("Bearer ")
        if given == REVOKED_TOKEN:
            raise responses.revoked()
        if not options.token:
            return True
        if given and given != options.token:
            raise responses.unauthorized()
        if given and not any_scope and not {"api", "read_api"} & set(options.scopes):
            raise responses.insufficient_scope()
        return bool(given)


async def _given(request: Request) -> dict[str, Any]:
    """What a write brought: JSON, or a form with ``name[key]``."""
    body = await request.body()
    if request.method == "GET" or not body:
        return {}
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise responses.ApiError(
                400, {"error": "There was a problem in the JSON you submitted"}
            ) from None
    given: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        outer, bracket, inner = name.partition("[")
        if bracket:
            given.setdefault(outer, {})[inner.rstrip("]")] = value
        else:
            given[name] = value
    return given


class _Question(msgspec.Struct, rename="camel"):
    query: str
    variables: dict[str, object] | None = None
    operation_name: str | None = None
