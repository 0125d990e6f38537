"""What can be done to Jenkins, with every trap of it (contracts: jenkins §7, §10)."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import JSONResponse, Response

from tui.sandbox.jenkins import pages, runs
from tui.sandbox.jenkins.controller import Controller, Folder, job_path
from tui.sandbox.jenkins.manual_changes import InputAnswer
from tui.sandbox.jenkins.options import Options
from tui.sandbox.plan import Form, RunField, State, TaskState
from tui.sandbox.world import Pipeline, Run

_REPLAY = "org.jenkinsci.plugins.workflow.cps.replay.ReplayCause"
_RESTART = "org.jenkinsci.plugins.pipeline.modeldefinition.causes.RestartDeclarativePipelineCause"


class Ask(msgspec.Struct, frozen=True):
    """A write: who asks for what."""

    controller: Controller
    options: Options
    marks: Mapping[str, str]
    """The headers of Jenkins' own answers."""
    user: str
    base: str
    """Where the caller reached the root, with which a ``Location`` of the queue begins."""
    query: Mapping[str, str]
    form: Mapping[str, str]

    def may(self, right: str) -> bool:
        return right not in self.options.denied


def only_post(rest: list[str]) -> bool:
    """Whether what follows the names of a job is a write."""
    match rest:
        case (
            ["build" | "buildWithParameters"]
            | [_, "stop" | "term" | "kill" | "toggleLogKeep" | "submitDescription"]
            | [_, "input", _, "proceed" | "proceedEmpty" | "abort" | "submit"]
            | [_, "replay", "rebuild"]
            | [_, "restart", "restartPipeline"]
        ):
            return True
    return False


def to_job(ask: Ask, pipeline: Pipeline, rest: list[str]) -> Response | None:
    match rest:
        case ["build"]:
            return _build(ask, pipeline)
        case ["buildWithParameters"]:
            return _build_with_parameters(ask, pipeline)
    return None


SCAN_TAKES = 3.0
"""Seconds."""


def to_folder(ask: Ask, folder: Folder, rest: list[str]) -> Response | None:
    """A folder has nothing to be built; of a multibranch project that is a scan (contracts: jenkins §2)."""
    if rest != ["build"] or not folder.multibranch:
        return None
    if not ask.may("Build"):
        return _denied(ask, "Job", "Build")
    ask.controller.deeds.scans[folder.path] = (ask.controller.world.now(), ask.user)
    return Response(status_code=302, headers={"Location": f"{ask.options.prefix}/{job_path(folder.path)}"})


def scan_log(controller: Controller, folder: Folder) -> str | None:
    """What the last scan has written by now; None: there was none."""
    if (last := controller.deeds.scans.get(folder.path)) is None:
        return None
    at, user = last
    written = f"Started by user {user}\n[{at:.0f}] Starting branch indexing...\n"
    if controller.world.now() < at + SCAN_TAKES:
        return written
    return f"{written}Finished branch indexing. Indexing took {SCAN_TAKES:.0f} sec\nFinished: SUCCESS\n"


def to_run(ask: Ask, run: Run, rest: list[str]) -> Response | None:
    freestyle = run.pipeline.plain
    match rest:
        case ["input", id, "proceed" | "proceedEmpty" | "abort" | "submit" as how]:
            return _input(ask, run, id, how)
        case ["stop" | "kill" as how]:
            return _stop(ask, run, how)
        case ["term"] if not freestyle:
            return _stop(ask, run, "term")
        case ["replay", "rebuild"] if not freestyle:
            return _replay(ask, run)
        case ["restart", "restartPipeline"] if not freestyle and ask.may("Build"):
            return _restart(ask, run)
        case ["toggleLogKeep"]:
            if not ask.may("Update"):
                return _denied(ask, "Run", "Update")
            ask.controller.deeds.kept ^= {run.id}
            return _to(ask, run)
        case ["submitDescription"]:
            if not ask.may("Update"):
                return _denied(ask, "Run", "Update")
            ask.controller.deeds.descriptions[run.id] = ask.form.get("description", "")
            return _to(ask, run)
    return None


# --- answers ------------------------------------------------------------------------------------------------------


def _to(ask: Ask, run: Run) -> Response:
    return Response(status_code=302, headers={"Location": f"{_path(ask, run.pipeline)}{run.number}/"})


def _path(ask: Ask, pipeline: Pipeline) -> str:
    return f"{ask.options.prefix}/{job_path(pipeline.path)}"


def _error(ask: Ask, text: str) -> Response:
    """A ``Failure``: what is wrong stands in a header."""
    return Response(pages.jenkins_page("Error", text), 400, {**ask.marks, "X-Error": text}, pages.HTML)


def _oops(ask: Ask, status: int = 500) -> Response:
    text = "A problem occurred while processing the request. Logging ID=4f2a-11"
    return Response(pages.jenkins_page("Oops!", text), status, ask.marks, pages.HTML)


def _not_submitted(why: str) -> Response:
    return Response(pages.jetty_page(400, why, ""), 400, media_type=pages.HTML)


def _denied(ask: Ask, what: str, right: str) -> Response:
    headers = {
        **ask.marks,
        "X-You-Are-Authenticated-As": ask.user,
        "X-Required-Permission": f"hudson.model.{'Run' if what == 'Run' else 'Item'}.{right}",
    }
    text = f"{ask.user} is missing the {what}/{right} permission"
    return Response(pages.jenkins_page("Access Denied", text), 403, headers, pages.HTML)


# --- inputs -------------------------------------------------------------------------------------------------------


def _input(ask: Ask, run: Run, id: str, how: str) -> Response | None:
    controller, deeds = ask.controller, ask.controller.deeds
    state = next(
        (
            pending_input
            for pending_input in controller.world.progress(run).waiting
            if runs.input_id(pending_input) == id
        ),
        None,
    )
    if state is None:
        return None  # answered, or never asked
    yes = how.startswith("proceed") or (how == "submit" and "proceed" in ask.form)
    form = controller.form(id, state)
    if why := _no_answer(ask, form, yes=yes):
        return _error(ask, why)
    if (run.id, state.task.id) in deeds.given:
        return _error(ask, "This input has been already given")
    if yes:
        value: Any = None
        if how != "proceedEmpty":
            if "json" not in ask.form:
                return _not_submitted("This page expects a form submission")
            try:
                value = _values(form, json.loads(ask.form["json"]))
            except (ValueError, KeyError, TypeError, AttributeError):
                return _oops(ask)
        deeds.returned[run.id, id] = _returned(form, value, ask.user)
    deeds.given[run.id, state.task.id] = InputAnswer(controller.world.now(), yes, ask.user)
    deeds.settle(controller.world, ask.options.lag)
    if how == "submit":
        console = f"{_path(ask, run.pipeline)}{run.number}/console"
        return Response(status_code=302, headers={"Location": console})
    return Response()


def _no_answer(ask: Ask, form: Form, *, yes: bool) -> str:
    """Why this user may not answer."""
    named = {name.strip() for name in form.submitter.split(",")} - {""}
    may = bool(named & {ask.user, *ask.options.groups}) if named else ask.may("Build")
    if may or (not yes and ask.may("Cancel")):
        return ""
    if not yes:
        who = f"'{form.submitter}' (or have Job/Cancel permissions)"
        return f"You need to be {who} to cancel this." if named else _LACKS.format("Cancel", "cancel")
    return f"You need to be {form.submitter} to submit this." if named else _LACKS.format("Build", "submit")


_LACKS = "You need to have Job/{} permissions to {} this."


def _values(form: Form, sent: Any) -> dict[str, Any]:
    """Of those that were sent; no default stands in for the others.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: they do not fit.
    """
    given = sent.get("parameter", [])
    fields = {field.name: field for field in form.fields}
    return {
        parameter["name"]: _value(fields[parameter["name"]], parameter["value"])
        for parameter in (given if isinstance(given, list) else [given])
    }


def _value(field: RunField, value: Any) -> Any:
    if field.kind == "Boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if field.kind == "Choice" and value not in field.choices:
        raise ValueError(f"no choice: {value}")
    return value


def _returned(form: Form, values: dict[str, Any] | None, user: str) -> Any:
    """What the step returns: nothing, the only value, or a map."""
    found = dict(values or {})
    if form.submitter_parameter:
        found[form.submitter_parameter] = user
    if len(form.fields) + bool(form.submitter_parameter) == 1 and values is not None:
        return next(iter(found.values()), None)
    return found or None


# --- starting -----------------------------------------------------------------------------------------------------


def _build(ask: Ask, pipeline: Pipeline) -> Response:
    if not ask.may("Build"):
        return _denied(ask, "Job", "Build")
    if pipeline.disabled:
        return _oops(ask, 409)
    if not pipeline.parameters:
        return _start(ask, pipeline, {})
    if "json" not in ask.form:
        return _not_submitted("Nothing is submitted")
    try:
        given = json.loads(ask.form["json"])["parameter"]
        sent = {
            parameter["name"]: _text(parameter["value"])
            for parameter in (given if isinstance(given, list) else [given])
        }
    except (ValueError, KeyError, TypeError):
        return _oops(ask)
    if sent.keys() - dict(pipeline.parameters).keys():
        return _oops(ask)
    return _start(ask, pipeline, sent)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _build_with_parameters(ask: Ask, pipeline: Pipeline) -> Response:
    if not ask.may("Build"):
        return _denied(ask, "Job", "Build")
    if pipeline.disabled:
        return _oops(ask, 409)
    if not pipeline.parameters:
        return _oops(ask)
    known = dict(pipeline.parameters)
    sent = {name: value for name, value in {**ask.query, **ask.form}.items() if name in known}
    for name, value in sent.items():
        if name in ask.options.choices and value not in ask.options.choices[name]:
            return _oops(ask)
    return _start(ask, pipeline, sent)


def _start(ask: Ask, pipeline: Pipeline, sent: dict[str, str]) -> Response:
    """201, or 303 to an equal item of the queue; one without parameters hides that it was there."""
    controller = ask.controller
    for run in controller.queued(pipeline):
        if controller.deeds.sent.get(run.id, {}) == sent:
            return _item(ask, run, 303 if pipeline.parameters else 201)
    return _item(ask, _begin(ask, pipeline, sent), 201)


def _begin(ask: Ask, pipeline: Pipeline, sent: dict[str, str]) -> Run:
    wait = 0.0 if ask.query.get("delay", ask.form.get("delay", "")).startswith("0") else ask.options.quiet
    run = ask.controller.world.trigger(pipeline, ask.user, tuple(sent.items()), wait=wait)
    ask.controller.deeds.sent[run.id] = sent
    return run


def _item(ask: Ask, run: Run, status: int) -> Response:
    return Response(status_code=status, headers={"Location": f"{ask.base}/queue/item/{run.id}/"})


def cancel_item(ask: Ask) -> Response | None:
    controller, id = ask.controller, ask.query.get("id", ask.form.get("id", ""))
    run = controller.world.run(int(id)) if id.isdigit() else None
    if run is None or run.pipeline.system != "jenkins":
        return None
    if not ask.may("Cancel"):
        return _oops(ask, 422)
    if run not in controller.queued(run.pipeline):
        return _oops(ask)  # it has left the queue
    controller.world.cancel(run, who=ask.user)
    return Response(status_code=204)


# --- runs ---------------------------------------------------------------------------------------------------------


def _stop(ask: Ask, run: Run, how: str) -> Response:
    """302 also where nothing was to be done."""
    if not ask.controller.world.progress(run).state.finished:
        if not ask.may("Cancel"):
            return _denied(ask, "Job", "Cancel")
        if how not in ask.options.resists:
            ask.controller.world.cancel(run, who=ask.user)
    return _to(ask, run)


def _replay(ask: Ask, run: Run) -> Response | None:
    """Its answer does not tell of the new run."""
    if not ask.may("Build"):
        return None
    if run.pipeline.disabled:
        return _oops(ask, 409)
    again = _begin(ask, run.pipeline, dict(run.parameters))
    ask.controller.deeds.causes[again.id] = (_REPLAY, f"Rebuilt #{run.number}")
    return Response(status_code=302, headers={"Location": _path(ask, run.pipeline)})


def restartable(controller: Controller, options: Options, run: Run) -> list[str] | None:
    """The top-level stages that a run can be restarted from; None where it cannot."""
    seen = controller.world.progress(run)
    if not (options.declarative and seen.state.finished and "Build" not in options.denied):
        return None
    if run.pipeline.plain or run.pipeline.disabled:
        return None
    return list(dict.fromkeys(_top(state) for state in seen.tasks if state.state is not State.SKIPPED))


def _top(state: TaskState) -> str:
    return (*state.task.path, state.task.name)[0]


def _restart(ask: Ask, run: Run) -> Response:
    """Always 200; whether it did is a text. The new run begins from the start: the world knows no other."""
    name = ask.query.get("stageName", ask.form.get("stageName", ""))
    stages = restartable(ask.controller, ask.options, run)
    if stages is None or name not in stages:
        why = "This run cannot be restarted" if stages is None else f"Stage {name} cannot be restarted"
        return JSONResponse({"status": "ok", "data": {"success": "false", "message": why}})
    again = _begin(ask, run.pipeline, dict(run.parameters))
    text = f"Restarted from build #{run.number}, stage {name}"
    ask.controller.deeds.causes[again.id] = (_RESTART, text)
    return JSONResponse({"status": "ok", "data": {"success": "true"}})
