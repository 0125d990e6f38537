"""What is asked of the sandbox's Gate, and what it answers: mostly 200, whatever it did (contracts: spinnaker §9)."""

from typing import Any

from starlette.responses import JSONResponse, Response

from tui.sandbox.plan import State
from tui.sandbox.spinnaker.options import Judged, Operation
from tui.sandbox.spinnaker.site import JUDGE, Site, config_id, number_of, ulid
from tui.sandbox.world import Refused, Run


def problem(status: int, message: str) -> dict[str, Any]:
    names = {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
    return {"timestamp": 0, "status": status, "error": names.get(status, "Error"), "message": message}


def write(site: Site, method: str, parts: list[str], query: dict[str, str], body: Any) -> Response:
    match method, parts:
        case "PATCH", ["pipelines", id_, "stages", stage]:
            return _judge(site, id_, stage, body or {})
        case "PUT", ["pipelines", id_, "stages", stage, "restart"]:
            return _restart(site, id_, stage, body)
        case "PUT", ["pipelines", id_, "cancel"]:
            return _cancel(site, id_, query.get("reason", ""))
        case "PUT", ["pipelines", id_, "pause" | "resume" as what]:
            return _pause(site, id_, pause=what == "pause")
        case "POST", ["pipelines", application, config]:
            return _start(site, application, config, body or {})
        case "POST", ["tasks"]:
            return _operate(site, body or {})
    return JSONResponse(problem(404, "No message available"), 404)


def _said(site: Site, run: Run) -> Response:
    return JSONResponse(site.execution(run, expand=True))


def _judge(site: Site, id_: str, stage: str, body: dict[str, Any]) -> Response:
    run, found = site.run(id_), site.stage_of(stage)
    if run is None or found is None:
        return Response(b"", 200)
    _, state, judgment = found
    status = str(body.get("judgmentStatus", "")).lower()
    options, now = site.options, site.world.now()
    if not judgment or state.state is not State.WAITING:
        return _said(site, run)  # history was changed, and nothing else
    allowed = not options.judges or bool(set(options.judges) & set(options.roles))
    given = str(body.get("judgmentInput", ""))
    site.deeds.judged[stage] = Judged(status if allowed else "", given, options.user, now)
    if allowed and status in ("continue", "stop") and not options.lag:
        act = site.world.approve if status == "continue" or options.stop_goes_on else site.world.reject
        act(run, state.task.id, options.user)
    return _said(site, run)


def _restart(site: Site, id_: str, stage: str, body: Any) -> Response:
    run, found = site.run(id_), site.stage_of(stage)
    if run is None or found is None or body is None:
        return JSONResponse(problem(400, "Required request body is missing"), 400)
    before = site.execution(run, expand=True)
    if number_of(stage) & 255 != JUDGE:
        try:
            site.world.retry(run, found[1].task.id, site.options.user)
        except Refused:
            pass
    return JSONResponse(before)


def _cancel(site: Site, id_: str, reason: str) -> Response:
    run = site.run(id_)
    if run is None:
        return Response(b"", 200)
    site.deeds.canceled[run.id] = (site.options.user, reason)
    if not site.world.progress(run).state.finished:
        site.world.cancel(run, who=site.options.user)
    return Response(b"", 200)


def _pause(site: Site, id_: str, *, pause: bool) -> Response:
    run = site.run(id_)
    if run is not None and pause and site.status(run) == "RUNNING":
        site.deeds.paused[run.id] = site.world.now()
    elif run is not None and not pause:
        site.deeds.paused.pop(run.id, None)
    return Response(b"", 200)


def _start(site: Site, application: str, config: str, body: dict[str, Any]) -> Response:
    pipeline = next((each for each in site.pipelines(application) if config_id(each) == config), None)
    if pipeline is None:
        return JSONResponse(problem(404, f"Unable to locate a pipeline {config}"), 404)
    mark = str(body.get("correlationId", ""))
    known = site.world.run(site.deeds.correlated.get(mark, 0))
    if known is None or site.world.progress(known).state.finished:
        given = {name: str(value) for name, value in body.get("parameters", {}).items()}
        try:
            known = site.world.trigger(pipeline, site.options.user, tuple(given.items()))
        except Refused as error:
            return JSONResponse(problem(400, str(error)), 400)
        site.deeds.correlated[mark] = known.id
        site.deeds.marks[known.id] = mark
    return JSONResponse({"ref": f"/pipelines/{site.id_of(known)}"}, 202)


def _operate(site: Site, body: dict[str, Any]) -> Response:
    (job,) = body["job"]
    now = site.world.now()
    id_ = ulid(now, len(site.deeds.operations) + 1)
    kind = str(job.get("type"))
    why = (
        f"ad-hoc execution of type: {kind} has been explicitly disabled"
        if kind in site.options.forbidden
        else ""
    )
    site.deeds.operations.append(
        Operation(id_, str(body["application"]).lower(), str(body.get("description", "")), now, job, why)
    )
    return JSONResponse({"ref": f"/tasks/{id_}"})


def orchestration(operation: Operation) -> dict[str, Any]:
    status, at = "TERMINAL" if operation.problem else "SUCCEEDED", round(operation.at * 1000)
    execution = {
        "type": "ORCHESTRATION",
        "id": operation.id,
        "application": operation.application,
        "description": operation.description,
        "status": status,
        "buildTime": at,
        "startTime": at,
        "endTime": at,
        "canceled": bool(operation.problem),
        "stages": [],
    }
    if operation.problem:
        execution |= {"canceledBy": "system", "cancellationReason": operation.problem}
    return {
        "id": operation.id,
        "name": operation.description,
        "application": operation.application,
        "status": status,
        "variables": [],
        "steps": [],
        "buildTime": at,
        "startTime": at,
        "endTime": at,
        "execution": execution,
    }
