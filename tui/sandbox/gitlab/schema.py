"""GitLab's GraphQL schema as a version has it, with the functions that answer its fields out of a :class:`Site`.

The types stand in ``schema.graphql``. A field without a function of its own is the attribute or key of the same name,
``startedAt`` being ``started_at``. Statuses of pipelines and jobs are in upper case, those of stages and environments
are not (contracts: gitlab §6).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    REMOVE,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    Node,
    Visitor,
    build_ast_schema,
    get_named_type,
    parse,
    visit,
)

from tui.sandbox.gitlab import bodies, models, tests
from tui.sandbox.gitlab.bodies import PREFIX, seconds, stamp
from tui.sandbox.gitlab.facts import COMPLETED, Deployment, Environment, Job, Pipeline, Project, in_scope
from tui.sandbox.gitlab.manual_changes import Approval
from tui.sandbox.gitlab.site import Site

MAX_COMPLEXITY = 250
MAX_PAGE = 100


class ResolveError(Exception):
    """One field cannot be answered; it becomes null and its error stands beside the data."""


class Context:
    """What one request is answered with."""

    def __init__(self, site: Site, score: int) -> None:
        self.site = site
        self.score = score
        """The complexity of what is asked."""
        self._read: dict[str, set[int]] = {}

    def read(self, field: str, of: str, id: int) -> None:
        """Take note that a field is read which GitLab answers for one object only in a request.

        Raises:
            ResolveError: it was read for another one before.
        """
        read = self._read.setdefault(field, set())
        read.add(id)
        if len(read) > 1:
            raise ResolveError(f'"{field}" field can be requested only for 1 {of}(s) at a time.')


# --- the types of a version ---------------------------------------------------------------------------------------


def types(version: str, lacks: Collection[str] = ()) -> GraphQLSchema:
    """The types alone, as a version of GitLab has them.

    Args:
        version: as GitLab writes it (``16.2.4-ee``).
        lacks: what is missing beside that: ``Pipeline.name``, ``Query.projects.fullPaths``.
    """
    document = parse(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"))
    left = visit(document, _Removal(_number(version), lacks))
    return build_ast_schema(left, assume_valid=True, assume_valid_sdl=True)  # tests hold that it is


@cache
def schema(version: str, lacks: frozenset[str] = frozenset()) -> GraphQLSchema:
    """As :func:`types`, answered out of a :class:`Site`."""
    made = types(version, lacks)
    for name, kind in made.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLEnumType):
            for word, value in kind.values.items():
                value.value = word.lower()  # what GitLab, and the sandbox, calls it inside
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = lambda *_: "Pipeline"
        elif isinstance(kind, GraphQLScalarType):
            kind.coerce_output_value = _SCALARS.get(name, kind.coerce_output_value)
        elif isinstance(kind, GraphQLObjectType):
            own = {**_RESOLVERS.get(name, {}), **models.RESOLVERS.get(name, {})}
            for key, field in kind.fields.items():
                resolve = own.get(key) or _attribute(key)
                for argument_name, argument in field.args.items():
                    argument.out_name = _snake(argument_name)
                is_list = get_named_type(field.type).name.endswith("Connection")
                field.resolve = _paged(resolve) if is_list else resolve
    return made


def _number(version: str) -> tuple[int, ...]:
    """Its first two numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


class _Removal(Visitor):
    """Takes out of the types what a version does not have."""

    def __init__(self, version: tuple[int, ...], lacks: Collection[str]) -> None:
        super().__init__()
        self._version = version
        self._lacks = lacks

    def enter(self, node: Node, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> Any:
        for directive in getattr(node, "directives", None) or ():
            if (
                directive.name.value == "since"
                and _number(directive.arguments[0].value.value) > self._version
            ):
                return REMOVE
        if self._lacks and node.kind in ("field_definition", "input_value_definition"):
            named = [it for it in (*ancestors, node) if it.__class__.__name__.endswith("DefinitionNode")]
            if ".".join(it.name.value for it in named) in self._lacks:
                return REMOVE
        return None


# --- how fields are answered --------------------------------------------------------------------------------------

Info = GraphQLResolveInfo
Resolver = Callable[..., Any]
"""Takes the value that the field is of, the :class:`Info` with its :class:`Context`, and the field's arguments in
``snake_case``."""

_SCALARS: Mapping[str, Callable[[Any], Any]] = {"Time": stamp, "Duration": seconds}
"""How their values are sent."""


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)


def _attribute(name: str) -> Resolver:
    key = _snake(name)
    return lambda it, _: it[key] if isinstance(it, dict) else getattr(it, key)


def _null(_: Any, __: Info, **___: Any) -> None:
    """Of what the sandbox's world does not have."""


def _gid(kind: str) -> Resolver:
    number = _attribute("id")
    return lambda it, info: f"gid://gitlab/{kind}/{number(it, info)}"


def _number_of(gid: str) -> int:
    """The number in a global id; -1 where there is none."""
    number = gid.rpartition("/")[2]
    return int(number) if number.isdigit() else -1


def _paged(resolve: Resolver) -> Resolver:
    """One page of all the items that ``resolve`` gives.

    A cursor is the number of items up to and with the one it stands for.
    """

    def page(it: Any, info: Info, *, first: int | None = None, after: str | None = None, **given: Any) -> Any:
        items = tuple(resolve(it, info, **given))
        start = int(after) if after is not None and after.isdigit() else 0
        end = start + min(MAX_PAGE, MAX_PAGE if first is None else first)
        nodes = items[start:end]
        cursors = (str(start + 1), str(start + len(nodes))) if nodes else (None, None)
        return {
            "nodes": nodes,
            "page_info": {
                "has_next_page": end < len(items),
                "has_previous_page": start > 0,
                "start_cursor": cursors[0],
                "end_cursor": cursors[1],
            },
        }

    return page


def _project(_: Any, info: Info, full_path: str) -> Project | None:
    return next((it for it in info.context.site.projects() if it.path == full_path), None)


def _projects(
    _: Any,
    info: Info,
    full_paths: list[str] | None = None,
    ids: list[str] | None = None,
    search: str | None = None,
) -> list[Project]:
    """Newest first, whatever the order of the paths."""
    if full_paths is not None and len(full_paths) > 50:
        raise ResolveError("fullPaths is too long (maximum is 50)")
    numbers = None if ids is None else {_number_of(it) for it in ids}
    return [
        it
        for it in reversed(info.context.site.projects())
        if (full_paths is None or it.path in full_paths)
        and (numbers is None or it.id in numbers)
        and (search is None or search.lower() in it.name.lower())
    ]


def _pipelines(
    project: Project,
    info: Info,
    ids: list[str] | None = None,
    ref: str | None = None,
    scope: str | None = None,
    sha: str | None = None,
    source: str | None = None,
    status: str | None = None,
    updated_after: str | None = None,
    username: str | None = None,
) -> list[Pipeline]:
    since = None if updated_after is None else datetime.fromisoformat(updated_after).timestamp()
    numbers = None if ids is None else {_number_of(it) for it in ids}
    return [
        it
        for it in in_scope(info.context.site.pipelines(project), scope)
        if (numbers is None or it.id in numbers)
        and ref in (None, it.run.pipeline.ref)
        and sha in (None, it.run.commit.sha)
        and source in (None, it.source)
        and status in (None, it.status)
        and (since is None or it.updated_at >= since)
        and username in (None, it.run.who)
    ]


def _pipeline(
    project: Project, info: Info, id: str | None = None, iid: str | None = None, sha: str | None = None
) -> Pipeline | None:
    site: Site = info.context.site
    if id is not None:
        return site.by_id(project, _number_of(id))
    if iid is not None:
        return site.by_iid(project, int(iid)) if iid.isdigit() else None
    return next((it for it in site.pipelines(project) if sha == it.run.commit.sha), None)


def _job(project: Project, info: Info, id: str) -> Job | None:
    site: Site = info.context.site
    number = _number_of(id)
    found = site.world.find_job(number)
    if found is None or found[0].pipeline.path != project.path:
        return None
    return next(job for job in site.pipeline(found[0]).jobs if job.id == number)


def _environments(
    project: Project,
    info: Info,
    name: str | None = None,
    search: str | None = None,
    states: list[str] | None = None,
) -> list[Environment]:
    info.context.read("environments", "Project", project.id)
    return [
        it
        for it in info.context.site.environments(project)
        if name in (None, it.name)
        and (search is None or search.lower() in it.name.lower())
        and (states is None or it.state in states)
    ]


def _environment(project: Project, info: Info, name: str | None = None) -> Environment | None:
    return next((it for it in info.context.site.environments(project) if it.name == name), None)


def _jobs(
    it: Pipeline,
    _: Info,
    job_kind: str | None = None,
    retried: bool | None = None,
    statuses: list[str] | None = None,
) -> list[Job]:
    """Bridges among them; all attempts unless told otherwise; newest first."""
    return [
        job
        for job in reversed(it.jobs)
        if (statuses is None or job.status in statuses)
        and retried in (None, job.retried)
        and job_kind in (None, _kind(job))
    ]


def _kind(it: Job) -> str:
    return "bridge" if it.bridge else "build"


def _upstream(it: Pipeline, info: Info) -> Pipeline | None:
    parent = info.context.site.parent(it)
    return parent[0] if parent else None


def _source_job(it: Pipeline, info: Info) -> Job | None:
    parent = info.context.site.parent(it)
    return parent[1] if parent else None


def _stage(it: Job, info: Info) -> Any:
    return next(stage for stage in info.context.site.pipeline(it.run).stages if stage.name == it.stage)


def _downstream(it: Job, info: Info) -> Pipeline | None:
    return info.context.site.pipeline(it.downstream) if it.downstream is not None else None


def _action(it: Job) -> dict[str, Any] | None:
    """What the web page offers beside a job's status."""
    for name, title, possible in (
        ("play", "Run", it.status == "manual"),
        ("retry", "Run again", it.retryable),
        ("cancel", "Cancel", it.cancelable and it.status != "created"),
    ):
        if possible:
            path = f"{PREFIX}/{it.run.pipeline.path}/-/jobs/{it.id}/{name}"
            asks = it.asks or None if name == "play" else None
            return {"title": title, "path": path, "method": "post", "confirmation_message": asks}
    return None


def _deployments(
    it: Environment,
    info: Info,
    order_by: Mapping[str, str] | None = None,
    statuses: list[str] | None = None,
) -> list[Deployment]:
    """Oldest first unless told otherwise."""
    info.context.read("deployments", "Environment", it.id)
    order = order_by or {}
    found = [deployment for deployment in it.deployments if statuses is None or deployment.status in statuses]
    if "finishedAt" in order:
        found.sort(key=lambda deployment: deployment.job.finished_at or 0.0)
    return found[::-1] if "desc" in order.values() else found


def _approvals(it: Deployment, info: Info) -> Iterable[Approval]:
    info.context.read("approvals", "Deployment", it.id)
    return tuple(info.context.site.deeds.approvals.get(it.job.id, {}).values())


def _pending(it: Deployment, info: Info) -> int:
    info.context.read("pendingApprovalCount", "Deployment", it.id)
    pending: int = info.context.site.pending(it.job)
    return pending


def _approval_summary(it: Deployment, info: Info) -> dict[str, Any]:
    info.context.read("approvalSummary", "Deployment", it.id)
    pending = info.context.site.pending(it.job)
    status = "rejected" if it.job.rejected else "pending_approval" if pending else "approved"
    return {
        "status": status,
        "total_required_approvals": it.job.approvals,
        "total_pending_approval_count": pending,
    }


_RESOLVERS: Mapping[str, Mapping[str, Resolver]] = {
    "Query": {
        "queryComplexity": lambda _, info: {"score": info.context.score, "limit": MAX_COMPLEXITY},
        "currentUser": lambda _, info: bodies.current_user(info.context.site),
        "project": _project,
        "projects": _projects,
    },
    "CurrentUser": {"id": _gid("User")},
    "UserCore": {"id": _gid("User")},
    "Project": {
        "id": _gid("Project"),
        "fullPath": lambda it, _: it.path,
        "webUrl": lambda it, info: info.context.site.project_url(it),
        "pipelines": _pipelines,
        "pipeline": _pipeline,
        "job": _job,
        "environments": _environments,
        "environment": _environment,
        "mergeRequest": _null,
    },
    "Pipeline": {
        "id": _gid("Ci::Pipeline"),
        "iid": lambda it, _: it.run.number,
        "ref": lambda it, _: it.run.pipeline.ref,
        "refPath": lambda it, _: f"refs/heads/{it.run.pipeline.ref}",
        "sha": lambda it, _: it.run.commit.sha,
        "path": lambda it, _: f"/{it.project.path}/-/pipelines/{it.id}",
        "queuedDuration": lambda it, _: it.queued,
        "active": lambda it, _: it.status in ("pending", "running"),
        "complete": lambda it, _: it.status in COMPLETED,
        "retryable": lambda it, _: any(
            not job.bridge and job.status in ("failed", "canceled") for job in it.latest
        ),
        "cancelable": lambda it, _: any(job.cancelable for job in it.latest),
        "usesNeeds": lambda it, _: any(job.dag for job in it.jobs),
        "totalJobs": lambda it, _: len(it.jobs),
        "failedJobsCount": lambda it, _: sum(job.status == "failed" for job in it.latest),
        "hasManualActions": lambda it, _: any(job.playable for job in it.latest),
        "child": lambda it, _: it.run.parent is not None,
        "failureReason": _null,
        "yamlErrorMessages": _null,
        "detailedStatus": lambda it, _: bodies.status_of_pipeline(it),
        "user": lambda it, info: bodies.user(info.context.site, it.run.who),
        "userPermissions": lambda _, __: {"update_pipeline": True, "cancel_pipeline": True},
        "upstream": _upstream,
        "sourceJob": _source_job,
        "downstream": lambda it, info: info.context.site.children(it),
        "testReportSummary": lambda it, info: tests.summary(info.context.site, it),
        "testSuite": lambda it, info, build_ids: tests.suite(info.context.site, it, build_ids),
        "jobs": _jobs,
        "mergeRequest": _null,
        "mergeRequestEventType": _null,
    },
    "CiStage": {"id": _gid("Ci::Stage")},
    "CiJob": {
        "id": lambda it, _: f"gid://gitlab/{it.kind}/{it.id}",
        "kind": lambda it, _: _kind(it),
        "schedulingType": lambda it, _: "dag" if it.dag else "stage",
        "duration": lambda it, _: None if it.duration is None else int(it.duration),
        "queuedDuration": lambda it, _: it.queued,
        "scheduledAt": _null,
        "manualJob": lambda it, _: it.manual,
        "canPlayJob": lambda it, info: (
            it.playable and info.context.site.may_update(it) and not info.context.site.pending(it)
        ),
        # A failed script has no message of its own; the tooltip of the status tells it.
        "failureMessage": _null,
        "exitCode": lambda it, _: 1 if it.status == "failed" and not it.bridge else None,
        "tags": lambda it, _: None if it.bridge else it.tags,
        "webPath": lambda it, _: None if it.bridge else f"/{it.run.pipeline.path}/-/jobs/{it.id}",
        "stage": _stage,
        "runner": lambda it, _: bodies.runner(it) if it.started_at is not None and not it.bridge else None,
        "detailedStatus": lambda it, _: bodies.status_of_job(it) | {"action": _action(it)},
        "userPermissions": lambda it, info: {"update_build": info.context.site.may_update(it)},
        "pipeline": lambda it, info: info.context.site.pipeline(it.run),
        "downstreamPipeline": _downstream,
    },
    "CiBuildNeed": {"name": lambda name, _: name},
    "CiRunner": {"id": _gid("Ci::Runner")},
    "DetailedStatus": {"action": lambda it, _: it.get("action")},
    "Environment": {
        "id": _gid("Environment"),
        "externalUrl": lambda it, _: bodies.environment_basic(it)["external_url"],
        "autoStopAt": _null,
        "lastDeployment": lambda it, _, status: it.last(status),
        "deployments": _deployments,
    },
    "Deployment": {
        "id": _gid("Deployment"),
        "ref": lambda it, _: it.job.run.pipeline.ref,
        "sha": lambda it, _: it.job.run.commit.sha,
        "tag": lambda _, __: False,
        "createdAt": lambda it, _: it.job.created_at,
        "finishedAt": lambda it, _: it.job.finished_at,
        "triggerer": lambda it, info: bodies.user(info.context.site, it.job.who),
        "job": lambda it, _: None if it.job.reported else it.job,
        "pendingApprovalCount": _pending,
        "approvals": _approvals,
        "approvalSummary": _approval_summary,
    },
    "DeploymentApproval": {
        "user": lambda it, info: bodies.user(info.context.site, it.who),
        "comment": lambda it, _: it.comment or None,
        "createdAt": lambda it, _: it.at,
    },
}
