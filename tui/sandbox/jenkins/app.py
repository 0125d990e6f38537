"""The Jenkins face: requests in, recorded shapes out."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tui.sandbox.artifacts import ARTIFACTS
from tui.sandbox.faults import Faults, with_faults
from tui.sandbox.jenkins import jobs, matrix, pages, queue, runs, steps, tests, writes
from tui.sandbox.jenkins.console import step_of_task
from tui.sandbox.jenkins.controller import Controller, Folder, Item, job_path
from tui.sandbox.jenkins.export import Bean, TreeError, export, parse_tree
from tui.sandbox.jenkins.options import Options
from tui.sandbox.jenkins.stages import graph_view, wfapi_describe
from tui.sandbox.jenkins.texts import LogSettings, log_answer
from tui.sandbox.world import Pipeline, Run, World


class _NotFound(Exception):
    """There is nothing at this path; ``plugin``: said by a plugin, in few words."""

    def __init__(self, *, plugin: bool = False) -> None:
        self.plugin = plugin


def jenkins_app(world: World, faults: Faults, options: Options | None = None) -> ASGIApp:
    """The Jenkins of ``world`` as an ASGI application."""
    face = _Face(world, options or Options())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = face.answer(request, await request.body())
        await answer(scope, receive, send)

    return with_faults(app, faults, pages.refusal)


class _Face:
    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self.controller = Controller(world, options.root_url)

    def answer(self, request: Request, body: bytes) -> Response:
        path: str = request.scope["path"]
        raw = (request.scope.get("raw_path") or path.encode()).decode("latin-1")
        prefix = self.options.prefix
        if raw != prefix and not raw.startswith(f"{prefix}/"):
            return Response(pages.jetty_page(404, "Not Found", path), 404, media_type=pages.HTML)
        user = self._user(request)
        if user is None:
            headers = {"WWW-Authenticate": 'Basic realm="Jenkins"'}
            return Response(pages.jetty_page(401, "Unauthorized", path), 401, headers, pages.HTML)
        # Split before decoding: a name may hold an encoded slash.
        segments = [unquote(part) for part in raw.removeprefix(prefix).split("/") if part]
        if not user and self.options.user and segments[:1] not in (["whoAmI"], ["login"]):
            return Response(pages.login_page(path), 403, self._marks(), pages.HTML)
        self.controller.root_url = self.options.root_url
        self.controller.forms, self.controller.choices = self.options.forms, self.options.choices
        self.controller.starts, self.controller.locks = self.options.starts, self.options.locks
        self.controller.deeds.settle(self.world, self.options.lag)
        try:
            if request.method not in ("GET", "HEAD"):
                return self._write(request, segments, body, user or "anonymous")
            if segments == ["crumbIssuer", "api", "json"]:
                return self._crumb(user or "anonymous")
            return self._get(segments, dict(request.query_params), user or "anonymous", request.headers)
        except _NotFound as error:
            if error.plugin:
                return Response(pages.plugin_not_found(), 404, media_type=pages.HTML)
            page = pages.jenkins_page("Not Found", "This page may not exist, or you may not have permission")
            return Response(page, 404, self._marks(), pages.HTML)
        except TreeError as error:
            return Response(pages.jenkins_page("Oops!", str(error)), 500, self._marks(), pages.HTML)

    def _user(self, request: Request) -> str | None:
        """The caller's name, empty for an anonymous one, None for wrong credentials."""
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return ""
        try:
            user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        options = self.options
        known = user == options.user and token in {options.token, options.password or options.token}
        return user if not options.user or known else None

    def _write(self, request: Request, segments: list[str], body: bytes, user: str) -> Response:
        if self._by_password(request) and not self._has_crumb(request, user):
            why = "No valid crumb was included in the request"
            return Response(pages.jetty_page(403, why, request.scope["path"]), 403, media_type=pages.HTML)
        base = str(request.base_url).rstrip("/") + self.options.prefix
        sent = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        ask = writes.Ask(
            self.controller, self.options, self._marks(), user, base, dict(request.query_params), sent
        )
        answer: Response | None = None
        if segments == ["queue", "cancelItem"]:
            answer = writes.cancel_item(ask)
        elif segments[:1] == ["job"]:
            names, rest = _split(segments)
            item = self._item(names)
            if isinstance(item, Folder):
                answer = writes.to_folder(ask, item, rest)
            elif rest:
                run = self.controller.build(item, rest[0])
                answer = writes.to_run(ask, run, rest[1:]) if run else writes.to_job(ask, item, rest)
        if answer is None:
            raise _NotFound
        return answer

    def _by_password(self, request: Request) -> bool:
        encoded = request.headers.get("authorization", "").partition(" ")[2]
        password = self.options.password
        return bool(password and encoded) and base64.b64decode(encoded).decode().endswith(f":{password}")

    def _has_crumb(self, request: Request, user: str) -> bool:
        """The crumb is the session's, and the session's cookie came with it."""
        crumb = request.headers.get("jenkins-crumb")
        return crumb == self._crumb_of(user) and request.cookies.get("JSESSIONID") == self.options.session

    def _crumb_of(self, user: str) -> str:
        return hashlib.sha256(f"crumb of {user} in {self.options.session}".encode()).hexdigest()

    def _crumb(self, user: str) -> Response:
        fields = {"crumb": self._crumb_of(user), "crumbRequestField": "Jenkins-Crumb"}
        answer = self._api(Bean("hudson.security.csrf.DefaultCrumbIssuer", fields), {})
        answer.headers["Set-Cookie"] = f"JSESSIONID={self.options.session}; Path=/; HttpOnly; SameSite=Lax"
        return answer

    def _marks(self) -> dict[str, str]:
        return {
            "X-Content-Type-Options": "nosniff",
            "X-Jenkins": self.options.version,
            "X-Jenkins-Session": self.options.session,
            "X-Frame-Options": "deny",
        }

    def _get(self, segments: list[str], query: Mapping[str, str], user: str, asked: Headers) -> Response:
        match segments:
            case [] | ["login"]:
                return Response(pages.jenkins_page("Dashboard", ""), 200, self._marks(), pages.HTML)
            case ["api", "json"]:
                return self._api(jobs.root(self.controller), query)
            case ["whoAmI", "api", "json"]:
                return self._api(_who_am_i(user), query)
            case ["computer", "api", "json"]:
                return self._api(queue.computers(self.controller), query)
            case ["queue", "api", "json"]:
                return self._api(queue.queue(self.controller), query)
            case ["queue", "item", number, "api", "json"] if number.isdigit():
                item = queue.find(self.controller, int(number))
                if item is not None:
                    return self._api(item, query)
            case ["lockable-resources", "api", "json"] if self.options.shows_locks:
                return self._api(steps.resources(self.controller), query)
            case ["job", _, *_]:
                return self._job(segments, query, asked)
        raise _NotFound

    def _job(self, segments: list[str], query: Mapping[str, str], asked: Headers) -> Response:
        names, segments = _split(segments)
        item = self._item(names)
        if writes.only_post(segments):
            text = "The URL you're trying to access requires that requests be sent using POST"
            page = pages.jenkins_page("This URL requires POST", text)
            return Response(page, 405, self._marks(), pages.HTML)
        match segments:
            case []:
                return Response(pages.jenkins_page(names[-1], ""), 200, self._marks(), pages.HTML)
            case ["api", "json"]:
                return self._api(jobs.job(self.controller, item), query)
            case ["indexing", "consoleText"] if isinstance(item, Folder):
                log = writes.scan_log(self.controller, item)
                if log is not None:
                    return Response(log, 200, self._marks(), media_type="text/plain")
            case ["wfapi", "runs"] if self._wfapi(item):
                builds = self.controller.builds(item)[:10] if isinstance(item, Pipeline) else []
                return self._plugin([self._describe(run) for run in builds])
            case [name, *rest] if (
                isinstance(item, Pipeline) and (cell := matrix.cell_of(item, name)) is not None
            ):
                return self._cell(item, cell, rest, query, asked)
            case [name, *rest] if isinstance(item, Pipeline):
                run = self.controller.build(item, name)
                if run is not None:
                    return self._log(run, rest, query, asked) or self._run(run, rest, query)
        raise _NotFound(plugin=segments[:1] == ["wfapi"])

    def _item(self, names: list[str]) -> Item:
        item = self.controller.item("/".join(names))
        if item is None:
            # A branch may also be asked for by its own name, its slash encoded once.
            inside = self.controller.inside("/".join(names[:-1]))
            item = next(
                (found for found in inside if unquote(found.path.rpartition("/")[2]) == names[-1]), None
            )
        if item is None:
            raise _NotFound
        return item

    def _log(self, run: Run, rest: list[str], query: Mapping[str, str], asked: Headers) -> Response | None:
        """The answer to what asks for a log, or for the steps that have one."""
        options = self.options
        settings = LogSettings(
            version=options.version,
            place=options.stages if not run.pipeline.plain else "",
            limit=options.log_limit,
            windows=options.windows,
        )
        match rest:
            case ["execution", "node", node, "log", "logText", "progressiveHtml"] if node.isdigit():
                html = steps.step_html(self.controller, run, int(node), options.prefix)
                return None if html is None else Response(html, 200, self._marks(), pages.HTML)
        found = log_answer(self.world, run, rest, query, asked, settings)
        if found is not None and rest[0] not in ("stages", "pipeline-overview"):
            found.headers.update(self._marks())
        return found

    def _cell(
        self, item: Pipeline, cell: int, rest: list[str], query: Mapping[str, str], asked: Headers
    ) -> Response:
        """The answer about a cell of a matrix, or one of its builds."""
        name = item.tasks[cell].name
        match rest:
            case ["api", "json"]:
                return self._api(matrix.configuration(self.controller, item, name), query)
            case [number, *rest] if (run := self.controller.build(item, number)) is not None:
                state = self.world.progress(run).tasks[cell]
                if rest == ["api", "json"]:
                    return self._api(matrix.cell_build(self.controller, run, state), query)
                if rest == ["testReport", "api", "json"] and (
                    found := tests.report(self.controller, run, state)
                ):
                    return self._api(found, query)
                if rest[:1] == ["logText"]:
                    step = str(step_of_task(cell))
                    log = self._log(run, ["execution", "node", step, "log", *rest], query, asked)
                    if log is not None:
                        return log
        raise _NotFound

    def _run(self, run: Run, rest: list[str], query: Mapping[str, str]) -> Response:
        pipeline, seen, now = run.pipeline, self.world.progress(run), self.world.now()
        match rest:
            case ["api", "json"]:
                return self._api(runs.run(self.controller, run), query)
            case ["restart", "api", "json"]:
                stages = writes.restartable(self.controller, self.options, run)
                if stages is not None:
                    kind = "org.jenkinsci.plugins.pipeline.modeldefinition.actions"
                    fields = {"restartEnabled": True, "restartableStages": stages}
                    return self._api(Bean(f"{kind}.RestartDeclarativePipelineAction", fields), query)
            case ["artifact", file] if file in ARTIFACTS and runs.keeps_metrics(seen):
                return self._plugin(ARTIFACTS[file](run))
            case ["testReport", "api", "json"]:
                if (report := tests.report(self.controller, run)) is not None:
                    return self._api(report, query)
            case [place, "tree"] if place == self.options.stages and not pipeline.plain:
                job_url = f"/{job_path(pipeline.path)}"
                done = seen.state.finished
                cache = "private, immutable, max-age=86400" if done else "private, no-store"
                tree = graph_view(run, seen, now, job_url=job_url, place=place, locks=self.options.locks)
                return self._plugin(tree, {"Cache-Control": cache})
            case ["wfapi", "describe"] if self._wfapi(pipeline):
                return self._plugin(self._describe(run))
            case ["wfapi", "pendingInputActions"] if self._wfapi(pipeline):
                return self._plugin(runs.pending(self.controller, seen, self._context_url(run)))
        raise _NotFound(plugin=True)

    def _wfapi(self, item: Item) -> bool:
        return self.options.stages == "wfapi" and not (isinstance(item, Folder) or item.plain)

    def _describe(self, run: Run) -> dict[str, Any]:
        return wfapi_describe(
            run,
            self.world.progress(run),
            self.world.now(),
            run_url=self._context_url(run),
            locks=self.options.locks,
        )

    def _context_url(self, run: Run) -> str:
        return f"{self.options.prefix}/{job_path(run.pipeline.path)}{run.number}/"

    def _api(self, bean: Bean, query: Mapping[str, str]) -> Response:
        tree = parse_tree(query["tree"]) if "tree" in query else None
        depth = query.get("depth", "0")
        body = msgspec.json.encode(export(bean, tree, int(depth) if depth.isdigit() else 0))
        return Response(body, 200, {**self._marks(), "Content-Type": "application/json;charset=utf-8"})

    def _plugin(self, value: Any, headers: Mapping[str, str] = {}) -> Response:
        """An answer of a plugin: JSON without Jenkins' own headers."""
        marks = {"X-Content-Type-Options": "nosniff", "Content-Type": "application/json;charset=utf-8"}
        return Response(msgspec.json.encode(value), 200, {**marks, **headers})


def _who_am_i(user: str) -> Bean:
    anonymous = user == "anonymous"
    fields = {
        "anonymous": anonymous,
        "authenticated": True,
        "authorities": ["anonymous" if anonymous else "authenticated"],
        "name": user,
    }
    return Bean("hudson.security.WhoAmI", fields)


def _split(segments: list[str]) -> tuple[list[str], list[str]]:
    """The names after each ``job``, and what comes after them."""
    names: list[str] = []
    while segments[:1] == ["job"] and len(segments) > 1:
        names.append(segments[1])
        segments = segments[2:]
    return names, segments
