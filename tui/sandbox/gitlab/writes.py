"""What can be done to GitLab over REST, with every trap of it (contracts: gitlab §4)."""

from collections.abc import Mapping
from typing import Any

from tui.sandbox.gitlab import bodies
from tui.sandbox.gitlab.facts import COMPLETED, Deployment, Job, Pipeline
from tui.sandbox.gitlab.request import RestRequest, Route
from tui.sandbox.gitlab.responses import (
    ApiError,
    bad_request,
    conflict,
    forbidden,
    invalid,
    no_route,
    not_found,
)
from tui.sandbox.world import Refused

MOST_ATTEMPTS = 5
"""Job ids of the sandbox have room for so many."""


def _job(ask: RestRequest, key: str, number: str, *, bridges: bool = True) -> Job:
    """
    Raises:
        ApiError: there is none, or it may not be touched.
    """
    project, found = ask.project(key), ask.site.world.find_job(int(number))
    if found is not None and found[0].pipeline.path == project.path:
        for job in ask.site.pipeline(found[0]).jobs:
            if job.id == int(number) and (bridges or not job.bridge):
                _permit(ask, job.name)
                return job
    raise not_found()


def _permit(ask: RestRequest, name: str = "") -> None:
    """Raises: ApiError, 403 without a reason, whatever the reason is; or 409."""
    if ask.options.denied & {name, "*"}:
        raise forbidden()
    if ask.options.locked:
        raise conflict()


def _as_job(ask: RestRequest, id: int, run: int) -> Any:
    """A job as it is after something was done to it."""
    site = ask.fresh()
    found = site.world.run(run)
    assert found is not None
    job = next(job for job in site.pipeline(found).jobs if job.id == id)
    return bodies.bridge(site, job) if job.bridge else bodies.job(site, job)


def _task(ask: RestRequest, job: Job) -> str:
    found = ask.site.world.find_job(job.id)
    assert found is not None
    return found[1].task.id


# --- jobs ---------------------------------------------------------------------------------------------------------


def _play(ask: RestRequest, key: str, number: str) -> Any:
    job = _job(ask, key, number)
    if job.manual and not ask.site.may_update(job):
        raise forbidden()
    if not job.playable or ask.site.pending(job):
        raise bad_request("Unplayable Job")
    if job.status != "manual":
        return _again(ask, job)  # a second run; what variables came are dropped
    given = ask.body.get("job_variables_attributes") or []
    for index, variable in enumerate(given):
        if "key" not in variable:
            raise invalid(f"job_variables_attributes[{index}][key] is missing")
    if given and ask.options.variables != "developer":
        raise forbidden()
    try:
        ask.site.world.approve(job.run, _task(ask, job))
    except Refused:
        raise bad_request("Unplayable Job") from None
    return _as_job(ask, job.id, job.run.id)


def _retry(ask: RestRequest, key: str, number: str) -> Any:
    job = _job(ask, key, number)
    if not job.retryable or job.rejected or not ask.site.may_update(job):
        raise forbidden(
            "" if job.archived or (job.retryable and not job.rejected) else "Job is not retryable"
        )
    if ask.body.get("inputs"):
        raise forbidden()
    return _again(ask, job)


def _again(ask: RestRequest, job: Job) -> Any:
    """A new job. One that needs approval waits for it; any other starts at once."""
    found = ask.site.world.find_job(job.id)
    assert found is not None
    if len(found[1].attempts) >= MOST_ATTEMPTS:
        raise forbidden("Job is not retryable")
    task = found[1].task
    ask.site.world.retry(job.run, task.id, wait=bool(task.approvals))
    return _as_job(ask, ask.site.world.job_id(job.run, task.id, len(found[1].attempts)), job.run.id)


def _cancel(ask: RestRequest, key: str, number: str) -> Any:
    """Never refuses: what has ended is answered as it is."""
    job = _job(ask, key, number, bridges=False)
    if ask.truth_of("force") and job.status != "canceling":
        if job.status not in ("running", *COMPLETED):
            raise forbidden()
    elif job.status not in COMPLETED:
        ask.site.world.cancel(job.run, _task(ask, job))
    return _as_job(ask, job.id, job.run.id)


# --- pipelines ----------------------------------------------------------------------------------------------------


def _pipeline(ask: RestRequest, key: str, number: str) -> Pipeline:
    pipeline = ask.pipeline(key, number)
    _permit(ask)
    return pipeline


def _detail(ask: RestRequest, id: int, *, name: bool = True) -> Any:
    site = ask.fresh()
    run = site.world.run(id)
    assert run is not None
    body = bodies.pipeline_detail(site, site.pipeline(run))
    return body if name else {key: value for key, value in body.items() if key != "name"}


def _retry_pipeline(ask: RestRequest, key: str, number: str) -> Any:
    """201 also where there was nothing to do. Gates that failed wait again; bridges are left alone."""
    pipeline = _pipeline(ask, key, number)
    for job in pipeline.latest:
        if job.archived:
            raise forbidden()
        if job.status in ("failed", "canceled") and not job.bridge and not job.rejected:
            ask.site.world.retry(job.run, _task(ask, job), wait=job.manual)
    return _detail(ask, pipeline.id, name=False)


def _cancel_pipeline(ask: RestRequest, key: str, number: str) -> Any:
    pipeline = _pipeline(ask, key, number)
    if pipeline.status not in COMPLETED:
        ask.site.world.cancel(pipeline.run)
    return _detail(ask, pipeline.id)


def _base(*reasons: str, status: int = 400) -> ApiError:
    return ApiError(status, {"message": {"base": list(reasons)}})


def _create(ask: RestRequest, key: str) -> Any:
    project = ask.project(key)
    _permit(ask)
    given = ask.body.get("variables") or []
    return _start(
        ask, project.path, {variable["key"]: str(variable.get("value", "")) for variable in given}, "api"
    )


def _trigger(ask: RestRequest, key: str) -> Any:
    """By a trigger token, which stands for a person."""
    project = ask.site.project_of(key)
    if project is None or not ask.options.trigger_token or ask.body.get("token") != ask.options.trigger_token:
        raise not_found()
    variables = ask.body.get("variables") or {}
    if not all(isinstance(value, str) for value in variables.values()):
        raise bad_request("variables needs to be a map of key-valued strings")
    return _start(ask, project.path, variables, "trigger")


def _start(ask: RestRequest, path: str, variables: Mapping[str, str], source: str) -> Any:
    options, world = ask.options, ask.site.world
    if "ref" not in ask.body:
        raise invalid("ref is missing")
    pipeline = next((p for p in world.pipelines("gitlab", path) if p.ref == ask.body["ref"]), None)
    if pipeline is None:
        raise _base("Reference not found")
    if variables and options.variables != "developer":
        raise _base("Insufficient permissions to set pipeline variables")
    if unknown := set(ask.body.get("inputs") or {}) - options.inputs:
        raise _base(f"Given inputs not defined in the `spec` section: {', '.join(sorted(unknown))}")
    if options.broken:
        raise _base(
            "jobs config should contain at least one visible job", status=422 if source == "trigger" else 400
        )
    run = world.trigger(pipeline)
    kept = {name: value for name, value in variables.items() if name not in options.drops}
    ask.site.deeds.variables[run.id] = tuple(kept.items())
    ask.site.deeds.sources[run.id] = source
    return _detail(ask, run.id)


def _variables(ask: RestRequest, key: str, number: str) -> Any:
    pipeline = ask.pipeline(key, number)
    given = ask.site.deeds.variables.get(pipeline.id, ())
    return [{"variable_type": "env_var", "key": name, "value": value, "raw": False} for name, value in given]


# --- deployments and environments ---------------------------------------------------------------------------------


def _approval(ask: RestRequest, key: str, number: str) -> Any:
    if ask.options.community:
        raise no_route()
    project = ask.project(key)
    status = ask.body.get("status")
    if status not in ("approved", "rejected"):
        raise invalid("status does not have a valid value" if status else "status is missing")
    it = next(
        (deployment for deployment in ask.site.deployments(project) if deployment.id == int(number)), None
    )
    if it is None:
        raise not_found()
    if why := _no_approval(ask, it, status):
        raise ApiError(400, {"message": why})
    site = ask.site
    comment = str(ask.body.get("comment", ""))
    approval = site.deeds.approve(it.job.id, "you", site.world.now(), status, comment)
    if status == "rejected":
        site.world.reject(it.job.run, _task(ask, it.job))
    return bodies.approval(site, approval)


def _no_approval(ask: RestRequest, it: Deployment, status: str) -> str:
    """In the order in which GitLab looks."""
    if not it.job.approvals:
        return "This environment is not protected."
    if status == "approved" and it.job.who == "you" and not ask.options.self_approval:
        return (
            "You cannot approve your own deployment. This configuration can be adjusted in the protected "
            "environment settings."
        )
    if it.status != "blocked" or not ask.site.pending(it.job):
        return "This deployment is not waiting for approvals."
    if "approve" in ask.options.denied:
        return "You don't have permission to approve this deployment. Contact the project or group owner for help."
    return ""


def _stop(ask: RestRequest, key: str, number: str) -> Any:
    project = ask.project(key)
    _permit(ask)
    for it in ask.site.environments(project):
        if it.id == int(number):
            if it.state != "available":
                raise bad_request("Attempted to stop the environment but failed to change the status")
            ask.site.deeds.stopped[it.id] = ask.site.world.now()
            site = ask.fresh()
            return bodies.environment(site, next(e for e in site.environments(project) if e.id == it.id))
    raise not_found()


def _protection(ask: RestRequest, key: str, name: str) -> Any:
    project = ask.project(key)
    needed = {d.job.approvals for d in ask.site.deployments(project) if d.job.environment == name}
    if ask.options.community or not max(needed, default=0):
        raise not_found()
    return bodies.protected(name, max(needed))


WRITES: tuple[Route, ...] = (
    Route("/projects/:id/pipeline", _create, method="POST", status=201),
    Route("/projects/:id/trigger/pipeline", _trigger, method="POST", status=201, open=True, any_scope=True),
    Route("/projects/:id/pipelines/:n/retry", _retry_pipeline, method="POST", status=201),
    Route("/projects/:id/pipelines/:n/cancel", _cancel_pipeline, method="POST"),
    Route("/projects/:id/pipelines/:n/variables", _variables),
    Route("/projects/:id/jobs/:n/play", _play, method="POST"),
    Route("/projects/:id/jobs/:n/retry", _retry, method="POST", status=201),
    Route("/projects/:id/jobs/:n/cancel", _cancel, method="POST", status=201),
    Route("/projects/:id/deployments/:n/approval", _approval, method="POST", status=201),
    Route("/projects/:id/environments/:n/stop", _stop, method="POST"),
    Route("/projects/:id/protected_environments/:name", _protection),
)
