"""The sandbox's Spinnaker: a Gate under ``/gate``.

``site`` puts the world into Orca's words, ``clouds`` into those of server groups, ``kayenta`` tells of canaries;
``writes`` does what is asked, and keeps Gate's manners: 200 with nothing in it whether it did anything or not.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tui.sandbox.faults import Faults, with_faults
from tui.sandbox.spinnaker import clouds, kayenta, writes
from tui.sandbox.spinnaker.options import Deeds, Options
from tui.sandbox.spinnaker.site import Site, account_of, config_id
from tui.sandbox.world import Run, World

PREFIX = "/gate"
__all__ = ["PREFIX", "Options", "spinnaker_app"]


def spinnaker_app(world: World, faults: Faults, options: Options | None = None) -> ASGIApp:
    """One Gate that tells of ``world``."""
    site = Site(world, options or Options(), Deeds())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await _answer(site, request, await request.body())(scope, receive, send)

    return with_faults(app, faults, _refusal)


def _refusal(status: int, headers: Mapping[str, str]) -> Response:
    if status == 401:
        return Response(b"", 401, dict(headers))
    words = "Access is denied" if status == 403 else "It is on fire"
    return JSONResponse(writes.problem(status, words), status, dict(headers))


def _answer(site: Site, request: Request, body: bytes) -> Response:
    raw = (request.scope.get("raw_path") or request.scope["path"].encode()).decode("latin-1")
    if not raw.startswith(f"{PREFIX}/"):
        return _refusal(404, {})
    # Tomcat refuses these in a path before Gate sees it.
    if any(sign in raw.lower() for sign in ("%2f", "%25", "%3b", "%5c")):
        return Response("<html><h1>HTTP Status 400 – Bad Request</h1></html>", 400, media_type="text/html")
    parts = [unquote(part) for part in raw.removeprefix(PREFIX).strip("/").split("/")]
    query = dict(request.query_params)
    known = not site.options.token or request.headers.get("x-spinnaker-token") == site.options.token
    if parts == ["auth", "user"]:
        return _json(_user(site)) if known else Response(b"", 200)
    if not known:
        if "x-spinnaker-token" in request.headers:
            return _refusal(401, {})
        return Response(b"", 302, {"Location": f"{PREFIX}/login"})
    if request.method == "GET":
        found = _get(site, parts, query)
        return _refusal(404, {}) if found is None else _json(found)
    given = msgspec.json.decode(body) if body else None
    return writes.write(site, request.method, parts, query, given)


def _json(found: Any) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")


def _user(site: Site) -> dict[str, Any]:
    name = site.options.user if site.options.token else "anonymous"
    return {
        "email": name,
        "username": name,
        "firstName": None,
        "lastName": None,
        "roles": list(site.options.roles) if site.options.token else [],
        "allowedAccounts": [],
        "enabled": True,
        "authorities": [],
        "accountNonExpired": True,
        "credentialsNonExpired": True,
        "accountNonLocked": True,
    }


def _get(site: Site, parts: list[str], query: dict[str, str]) -> Any:
    match parts:
        case ["version"]:
            return {"version": "6.70.0"}
        case ["applications"]:
            return [{"name": each.lower(), "accounts": "ml-k8s", "user": "x"} for each in site.applications]
        case ["applications", name, "pipelineConfigs"]:
            found = site.pipelines(name)
            return [site.config(each) for each in found] if found else None
        case ["executions"]:
            return _executions(site, query)
        case ["pipelines", id_]:
            run = site.run(id_)
            return site.execution(run, expand=True) if run is not None else None
        case ["credentials"]:
            return [_account(each) for each in clouds.environments(site)]
        case ["applications", name, "serverGroups"]:
            return clouds.server_groups(site, name)
        case ["applications", name, "tasks"]:
            return [
                writes.orchestration(each)
                for each in reversed(site.deeds.operations)
                if each.application == name
            ]
        case ["tasks", id_]:
            return next(
                (writes.orchestration(each) for each in site.deeds.operations if each.id == id_), None
            )
        case ["manifests", account, location, name]:
            return clouds.manifest(site, account, location, name)
        case ["instances", _, _, id_, "console"]:
            return {"output": [{"name": "main", "output": f"{id_} started\nit serves\n"}]}
        case ["v2", "canaryConfig"] if site.options.kayenta:
            return [{"id": "ranking-canary", "name": "ranking-canary", "applications": ["ranking"]}]
        case ["v2", "canaries", "canary", id_] if site.options.kayenta:
            return kayenta.result(site, id_)
    return None


def _executions(site: Site, query: dict[str, str]) -> list[dict[str, Any]]:
    """As Orca answers: oldest first; so many of each definition; ids that it does not know are left out."""
    expand = query.get("expand", "true") == "true"
    if "executionIds" in query:
        found = [run for id_ in query["executionIds"].split(",") if (run := site.run(id_)) is not None]
        return [site.execution(run, expand=expand) for run in found]
    statuses = {each for each in query.get("statuses", "").split(",") if each}
    limit = int(query.get("limit", "1")) or 1
    ids = query.get("pipelineConfigIds", "").split(",")
    runs: list[Run] = []
    for pipeline in site.pipelines():
        if config_id(pipeline) in ids:
            mine = [run for run in site.world.runs(pipeline) if not statuses or site.status(run) in statuses]
            runs += mine[:limit]
    return [site.execution(run, expand=expand) for run in sorted(runs, key=lambda run: run.created_at)]


def _account(environment: str) -> dict[str, Any]:
    serious = environment != "staging"
    return {
        "name": account_of(environment),
        "type": "kubernetes",
        "requiredGroupMembership": [],
        "permissions": {},
        "accountType": account_of(environment),
        "environment": "prod" if serious else "test",
        "challengeDestructiveActions": serious,
        "primaryAccount": False,
        "cloudProvider": "kubernetes",
        "authorized": True,
    }
