"""GitLab's REST API: what can be asked, and which facts answer it (contracts: gitlab §3).

What can be done is in :mod:`tui.sandbox.gitlab.writes`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from tui.sandbox.artifacts import ARTIFACTS
from tui.sandbox.gitlab import bodies, tests
from tui.sandbox.gitlab.facts import Deployment, Environment, Job, Pipeline, Project, in_scope
from tui.sandbox.gitlab.request import RestRequest, Route, given
from tui.sandbox.gitlab.responses import Page, Text, bad_request, invalid, not_found
from tui.sandbox.gitlab.trace import trace

JOB_STATUSES = (
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
)
DEPLOYMENT_STATUSES = ("created", "running", "success", "failed", "canceled", "skipped", "blocked")
PIPELINE_SOURCES = (
    "push",
    "web",
    "trigger",
    "schedule",
    "api",
    "external",
    "pipeline",
    "chat",
    "webide",
    "merge_request_event",
    "parent_pipeline",
)
FINISHED_DEPLOYMENT = ("success", "failed", "canceled")


# --- who and what -------------------------------------------------------------------------------------------------


def _token(ask: RestRequest) -> Any:
    return bodies.token(ask.options.scopes, ask.site.world.now())


def _metadata(ask: RestRequest) -> Any:
    return bodies.metadata(ask.options.version)


def _version(ask: RestRequest) -> Any:
    return {key: value for key, value in _metadata(ask).items() if key in ("version", "revision")}


def _user(ask: RestRequest) -> Any:
    return bodies.current_user(ask.site)


def _projects(ask: RestRequest) -> Page:
    return _list_projects(ask, ask.site.projects())


def _group_projects(ask: RestRequest, key: str) -> Page:
    group = unquote(key)
    groups = ask.site.groups()
    if group.isdigit() and 0 <= int(group) - 11 < len(groups):
        group = groups[int(group) - 11]
    if group not in groups:
        raise not_found("Group")
    below = ask.truth("include_subgroups")
    return _list_projects(
        ask,
        [p for p in ask.site.projects() if p.group == group or (below and p.group.startswith(f"{group}/"))],
    )


def _list_projects(ask: RestRequest, found: Sequence[Project]) -> Page:
    if ask.query.get("archived") == "true":
        found = ()
    simple = ask.truth("simple")
    return Page(found[::-1], lambda it: bodies.project(ask.site, it, simple=simple))


def _project(ask: RestRequest, key: str) -> Any:
    body = bodies.project(ask.site, ask.project(key), simple=ask.truth("simple"))
    if ask.options.maintainer:
        body |= {
            "ci_pipeline_variables_minimum_override_role": ask.options.variables,
            "ci_forward_deployment_enabled": True,
            "ci_forward_deployment_rollback_allowed": ask.options.rollbacks,
        }
    return body


# --- pipelines and jobs -------------------------------------------------------------------------------------------

_PIPELINE_ORDER: Mapping[str, Callable[[Pipeline], Any]] = {
    "id": lambda it: it.id,
    "status": lambda it: (it.status, it.id),
    "ref": lambda it: (it.run.pipeline.ref, it.id),
    "updated_at": lambda it: (it.updated_at, it.id),
    "user_id": lambda it: (it.run.who, it.id),
}


def _pipelines(ask: RestRequest, key: str) -> Page:
    project, query = ask.project(key), ask.query
    if query.get("source") == "parent_pipeline":
        found = [it for it in ask.site.everything(project) if it.run.parent is not None]
    else:
        found = list(ask.site.pipelines(project))
    found = in_scope(found, query.get("scope"))
    wanted: Mapping[str, Callable[[Pipeline], Any]] = {
        "status": lambda it: it.status,
        "ref": lambda it: it.run.pipeline.ref,
        "sha": lambda it: it.run.commit.sha,
        "source": lambda it: it.source,
        "username": lambda it: it.run.who,
        "name": lambda it: it.name,
    }
    found = [
        it
        for it in found
        if all(query[name] == value(it) for name, value in wanted.items() if name in query)
        and ask.within("updated", it.updated_at)
        and ask.within("created", it.created_at)
    ]
    return Page(ask.sorted(found, _PIPELINE_ORDER, "desc"), lambda it: bodies.pipeline_basic(ask.site, it))


def _pipeline(ask: RestRequest, key: str, number: str) -> Any:
    return bodies.pipeline_detail(ask.site, ask.pipeline(key, number))


def _latest_pipeline(ask: RestRequest, key: str) -> Any:
    ref = ask.query.get("ref", "main")
    for it in ask.site.pipelines(ask.project(key)):
        if it.run.pipeline.ref == ref:
            return bodies.pipeline_detail(ask.site, it)
    raise not_found("Pipeline")


def _pipeline_jobs(ask: RestRequest, key: str, number: str) -> Page:
    pipeline = ask.pipeline(key, number)
    return _list_jobs(ask, pipeline.jobs if ask.truth("include_retried") else pipeline.latest)


def _project_jobs(ask: RestRequest, key: str) -> Page:
    everything = ask.site.everything(ask.project(key))
    return _list_jobs(ask, [job for pipeline in everything for job in pipeline.jobs], counted=False)


def _list_jobs(ask: RestRequest, found: Sequence[Job], *, counted: bool = True) -> Page:
    jobs = _in_scope(ask, [job for job in found if not job.bridge])
    return Page(jobs, lambda it: bodies.job(ask.site, it), counted)


def _in_scope(ask: RestRequest, found: Sequence[Job]) -> list[Job]:
    scopes = given(ask.query, "scope")
    return sorted(
        (job for job in found if not scopes or job.status in scopes), key=lambda job: job.id, reverse=True
    )


def _bridges(ask: RestRequest, key: str, number: str) -> Page:
    bridges = [job for job in ask.pipeline(key, number).latest if job.bridge]
    return Page(_in_scope(ask, bridges), lambda it: bodies.bridge(ask.site, it))


def _job(ask: RestRequest, key: str, number: str) -> Any:
    project, found = ask.project(key), ask.site.world.find_job(int(number))
    if found is not None and found[0].pipeline.path == project.path:
        for job in ask.site.pipeline(found[0]).jobs:
            if job.id == int(number) and not job.bridge:
                return bodies.job(ask.site, job)
    raise not_found()


def _artifact(ask: RestRequest, key: str, number: str, file: str) -> Any:
    """One file of a job's archive."""
    project, found = ask.project(key), ask.site.world.find_job(int(number))
    if found is not None and found[0].pipeline.path == project.path and file in ARTIFACTS:
        for job in ask.site.pipeline(found[0]).jobs:
            if job.id == int(number) and job.metrics:
                return ARTIFACTS[file](found[0])
    raise not_found()


def _commits(ask: RestRequest, key: str) -> Page:
    """Of a range only; other revisions are not asked for here."""
    project = ask.project(key)
    old, _, new = ask.query.get("ref_name", "").partition("..")
    found = ask.site.commits(project, old, new)
    if found is None:
        raise not_found("Tree")
    return Page(found, lambda it: bodies.commit(ask.site, project, it), counted=False)


def _trace(ask: RestRequest, key: str, number: str) -> Text:
    project, found = ask.project(key), ask.site.world.find_job(int(number))
    if found is None or found[0].pipeline.path != project.path or found[1].task.child:
        raise not_found()
    run, state, attempt = found
    options, world = ask.options, ask.site.world
    body = b""
    if world.forgotten(run, state.task.id) is None:
        now = world.now()
        body = trace(run, state, attempt, now, every=options.trace_every, rows=options.trace_rows).sent
    return Text(body, f"{number}.log", options.trace_etag)


def _test_summary(ask: RestRequest, key: str, number: str) -> Any:
    return tests.summary(ask.site, ask.pipeline(key, number))


def _test_report(ask: RestRequest, key: str, number: str) -> Any:
    return tests.report(ask.site, ask.pipeline(key, number))


# --- environments and deployments ---------------------------------------------------------------------------------


def _environments(ask: RestRequest, key: str) -> Page:
    project, query = ask.project(key), ask.query
    search = query.get("search", "")
    if "name" in query and search:
        raise invalid("name, search are mutually exclusive")
    if search and len(search) < 3:
        raise bad_request("Search query is less than 3 characters")
    found = [
        it
        for it in ask.site.environments(project)
        if query.get("name") in (None, it.name)
        and search in it.name
        and query.get("states") in (None, it.state)
    ]
    home = bodies.project(ask.site, project, simple=True)
    return Page(found, lambda it: bodies.environment(ask.site, it) | {"project": home})


def _environment(ask: RestRequest, key: str, number: str) -> Any:
    for it in ask.site.environments(ask.project(key)):
        if it.id == int(number):
            last = it.last("success")
            body = bodies.deployment(ask.site, last, it) if last is not None else None
            return bodies.environment(ask.site, it) | {"last_deployment": body}
    raise not_found()


_DEPLOYMENT_ORDER: Mapping[str, Callable[[Deployment], Any]] = {
    "id": lambda it: it.id,
    "iid": lambda it: it.id,
    "created_at": lambda it: it.id,
    "updated_at": lambda it: (it.updated_at, it.id),
    "finished_at": lambda it: (it.job.finished_at or 0.0, it.id),
}


def _deployments(ask: RestRequest, key: str) -> Page:
    """Oldest first unless told otherwise."""
    project, query = ask.project(key), ask.query
    status, order = query.get("status"), query.get("order_by", "id")
    by_update = "updated_after" in query or "updated_before" in query
    by_end = "finished_after" in query or "finished_before" in query
    if by_update and by_end:
        raise bad_request("Both `updated_at` filter and `finished_at` filter can not be specified")
    if by_update and order != "updated_at":
        raise bad_request("`updated_at` filter requires `updated_at` sort")
    if by_end and order != "finished_at":
        raise bad_request("`finished_at` filter requires `finished_at` sort.")
    if order == "finished_at" and not by_end and status not in FINISHED_DEPLOYMENT:
        raise bad_request(
            "`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses."
        )
    if by_end and status != "success":
        raise bad_request("`finished_at` filter must be combined with `success` status filter.")
    found = [
        it
        for it in ask.site.deployments(project)
        if query.get("environment") in (None, it.job.environment)
        and status in (None, it.status)
        and ask.within("updated", it.updated_at)
        and ask.within("finished", it.job.finished_at)
    ]
    at = _by_name(ask, project)
    return Page(
        ask.sorted(found, _DEPLOYMENT_ORDER, "asc"),
        lambda it: bodies.deployment(ask.site, it, at[it.job.environment]),
    )


def _deployment(ask: RestRequest, key: str, number: str) -> Any:
    project = ask.project(key)
    for it in ask.site.deployments(project):
        if it.id == int(number):
            body = bodies.deployment(ask.site, it, _by_name(ask, project)[it.job.environment])
            if ask.options.community:
                return body
            approvals = ask.site.deeds.approvals.get(it.job.id, {}).values()
            return body | {
                "pending_approval_count": ask.site.pending(it.job),
                "approvals": [bodies.approval(ask.site, approval) for approval in approvals],
                "approval_summary": {"rules": []},
            }
    raise not_found()


def _by_name(ask: RestRequest, project: Project) -> Mapping[str, Environment]:
    return {it.name: it for it in ask.site.environments(project)}


_DIRECTIONS = {"sort": ("asc", "desc")}

ROUTES: tuple[Route, ...] = (
    Route("/metadata", _metadata, any_scope=True),
    Route("/version", _version, any_scope=True),
    Route("/personal_access_tokens/self", _token, any_scope=True),
    Route("/user", _user, any_scope=True),
    Route("/projects", _projects, open=True),
    Route("/projects/:id", _project, open=True),
    Route("/groups/:id/projects", _group_projects, open=True),
    Route(
        "/projects/:id/pipelines",
        _pipelines,
        open=True,
        choices={
            "scope": ("running", "pending", "finished", "branches", "tags"),
            "status": JOB_STATUSES,
            "source": PIPELINE_SOURCES,
            "order_by": tuple(_PIPELINE_ORDER),
            **_DIRECTIONS,
        },
    ),
    Route("/projects/:id/pipelines/latest", _latest_pipeline, open=True),
    Route("/projects/:id/pipelines/:n", _pipeline, open=True),
    Route("/projects/:id/pipelines/:n/jobs", _pipeline_jobs, choices={"scope": JOB_STATUSES}, open=True),
    Route("/projects/:id/pipelines/:n/bridges", _bridges, choices={"scope": JOB_STATUSES}, open=True),
    Route("/projects/:id/pipelines/:n/test_report_summary", _test_summary, open=True),
    Route("/projects/:id/pipelines/:n/test_report", _test_report, open=True),
    Route("/projects/:id/jobs", _project_jobs, choices={"scope": JOB_STATUSES}),
    Route("/projects/:id/jobs/:n", _job),
    Route("/projects/:id/jobs/:n/trace", _trace),
    Route("/projects/:id/jobs/:n/artifacts/:file", _artifact),
    Route("/projects/:id/repository/commits", _commits),
    Route(
        "/projects/:id/environments", _environments, choices={"states": ("available", "stopping", "stopped")}
    ),
    Route("/projects/:id/environments/:n", _environment),
    Route(
        "/projects/:id/deployments",
        _deployments,
        choices={"status": DEPLOYMENT_STATUSES, "order_by": tuple(_DEPLOYMENT_ORDER), **_DIRECTIONS},
    ),
    Route("/projects/:id/deployments/:n", _deployment),
)
