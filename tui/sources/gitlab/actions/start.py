"""Starting a run, as for a retraining, and stopping an environment (contracts: gitlab §4.1, §4)."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tui.domain.action import ActionField, ActionRequest, Observation, Plan, Reply, Step, at_fault
from tui.sources.gitlab.actions.live_state import note, noted, version_of
from tui.sources.gitlab.actions.live_state_reader import LiveStateReader
from tui.sources.gitlab.actions.progress import of_run
from tui.sources.gitlab.actions.sender import HIDDEN
from tui.sources.gitlab.actions.steps import StepKind
from tui.sources.gitlab.actions.variables import InvalidVariables, parse_variables, shown
from tui.sources.gitlab.payload import RestPipeline
from tui.sources.gitlab.rest_client import project_url
from tui.text.safe import clean

TAG = "PIPEDECK_ACTION"
"""A variable by which a run is told from others where it takes variables at all."""
INPUT = "inputs."
"""What a field of the request begins with that is an input; others are variables."""
_OPTIONS = ("ref", "variables", "inputs", "token", "with")

_FIELDS = (
    ActionField("ref", help="branch or tag"),
    ActionField("variables", "lines", help="KEY=VALUE, one a line; many projects take none"),
    ActionField("inputs", "lines", help="NAME=VALUE, one a line, of those its configuration declares"),
    ActionField("with", "choice", "your token", ("your token", "trigger token"), help="who runs it"),
    ActionField("token", "secret", help="the trigger token, where it is to be used"),
)


class Variable(msgspec.Struct, frozen=True):
    key: str
    value: str = ""


class StoppedState(msgspec.Struct, frozen=True):
    id: int
    name: str
    state: str | None = None


_variables = msgspec.json.Decoder(Sequence[Variable])
_environment = msgspec.json.Decoder(StoppedState)


async def plan_trigger(request: ActionRequest, look: LiveStateReader) -> Plan:
    target = request.target
    project = await look.project(target.path)
    ref = request.value("ref") or project.default_branch or ""
    words = f"Start a run of {target.pipeline} on {clean(ref) or 'a branch'} on {look.server}"
    fields = (msgspec.structs.replace(_FIELDS[0], default=clean(ref)), *_FIELDS[1:])
    if not ref:
        return look.cannot(request, words, "GitLab does not tell its default branch; name one", fields=fields)
    try:
        inputs, variables = _given(request)
    except InvalidVariables as error:
        return look.cannot(request, words, str(error), fields=at_fault(fields, error.field, str(error)))
    role = project.ci_pipeline_variables_minimum_override_role
    if variables and role == "no_one_allowed":
        why = f"this project takes no variables; give them as inputs ({INPUT}NAME)"
        return look.cannot(request, words, why, fields=fields)
    before = await look.pipelines(target.path, ref=ref)
    last = max((pipeline.id for pipeline in before), default=0)
    by_token = request.value("with") == "trigger token"
    facts = [("ref", clean(ref))]
    facts += [("runs as", "the owner of the trigger token")] if by_token else []
    facts += [("inputs", shown({name: _text(value) for name, value in inputs.items()}))] if inputs else []
    facts += [("variables", shown(variables))] if variables else []
    warnings = []
    if variables:
        warnings.append(
            "many projects take no variables from most people; GitLab then refuses, and nothing runs"
        )
    running = [clean(pipeline.status) for pipeline in before if pipeline.status in ("running", "pending")]
    if running:
        warnings.append(f"{len(running)} of its runs on {clean(ref)} have not ended")
    return look.plan(
        request,
        words,
        facts=tuple(facts),
        warnings=tuple(warnings),
        fields=fields,
        steps=(_start(request, ref, inputs, variables, last, by_token=by_token),),
    )


def _given(request: ActionRequest) -> tuple[dict[str, Any], dict[str, str]]:
    """Inputs and variables, by fields of their own or by lines of one field.

    Raises:
        InvalidVariables
    """
    inputs = parse_variables(request, "inputs")
    variables = parse_variables(request)
    for name, value in request.values:
        if name.startswith(INPUT):
            inputs[name.removeprefix(INPUT)] = value
        elif name not in _OPTIONS:
            variables[name] = value
    return {name: _typed(value) for name, value in inputs.items()}, variables


def _start(
    request: ActionRequest,
    ref: str,
    inputs: Mapping[str, Any],
    variables: Mapping[str, str],
    last: int,
    *,
    by_token: bool,
) -> Step:
    path = request.target.path
    tag = secrets.token_hex(6) if variables else ""
    given = {**variables, **({TAG: tag} if tag else {})}
    notes = note(
        path=path,
        ref=ref,
        last=str(last),
        tag=tag,
        variables=",".join(variables),
    )
    words = f"start a run of {request.target.pipeline} on {clean(ref)}"
    if by_token:
        fields = [("token", HIDDEN), ("ref", ref)]
        fields += [(f"variables[{name}]", value) for name, value in given.items()]
        fields += [(f"inputs[{name}]", _text(value)) for name, value in inputs.items()]
        url = f"/api/v4{project_url(path)}/trigger/pipeline"
        return Step(words, "POST", url, tuple(fields), "form", notes, StepKind.TRIGGER)
    sent: dict[str, Any] = {"ref": ref}
    if given:
        sent["variables"] = [{"key": name, "value": value} for name, value in given.items()]
    if inputs:
        sent["inputs"] = inputs
    document = msgspec.json.encode(sent).decode()
    url = f"/api/v4{project_url(path)}/pipeline"
    return Step(words, "POST", url, (("", document),), "raw json", notes, StepKind.CREATE)


def _typed(value: str) -> Any:
    """An input: what reads as a JSON number, boolean or list is one (contracts: gitlab §4.1)."""
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
    return found if isinstance(found, bool | int | float | list) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def observe_start(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader, *, by_token: bool = False
) -> Observation:
    """The new run: the one the answer named, else one of ours that was not there before.

    Args:
        by_token: whoever owns the trigger token started it.
    """
    path, ref = expect["path"], expect["ref"]
    id = noted(dict(reply.found), "id") if reply is not None else 0
    if not id:
        candidates = await _candidates(expect, look, by_token=by_token)
        if not candidates:
            return Observation("nothing", f"no new run on {clean(ref)} is to be seen")
        if len(candidates) > 1:
            names = ", ".join(f"#{pipeline.id}" for pipeline in candidates)
            return Observation("unknown", f"it may be any of {names}: several were started since")
        id = candidates[0].id
    seen = await look.run(path, id)
    shown = of_run(seen)
    missing = await _dropped(expect, id, look)
    if missing:
        shown = msgspec.structs.replace(shown, words=f"{shown.words}; GitLab left out {missing}")
    return msgspec.structs.replace(shown, found=(("id", str(id)),))


async def _candidates(
    expect: Mapping[str, str], look: LiveStateReader, *, by_token: bool
) -> list[RestPipeline]:
    query = {"ref": expect["ref"], "source": "trigger" if by_token else "api"}
    if not by_token:
        query["username"] = await look.me()
    found = await look.pipelines(expect["path"], **query)
    newer = [pipeline for pipeline in found if pipeline.id > noted(expect, "last")]
    if len(newer) > 1 and (tag := expect.get("tag", "")):
        for pipeline in newer:
            if any(
                variable.value == tag for variable in await _variables_of(expect, pipeline.id, look) or ()
            ):
                return [pipeline]
    return newer


async def _variables_of(
    expect: Mapping[str, str], id: int, look: LiveStateReader
) -> Sequence[Variable] | None:
    return await look.read(_variables, f"{project_url(expect['path'])}/pipelines/{id}/variables")


async def _dropped(expect: Mapping[str, str], id: int, look: LiveStateReader) -> str:
    """The variables that were given and are not there; empty where GitLab does not show them."""
    if not (wanted := expect.get("variables", "")):
        return ""
    found = await _variables_of(expect, id, look)
    if found is None:
        return ""
    keys = {variable.key for variable in found}
    return clean(", ".join(name for name in wanted.split(",") if name not in keys))


# --- environments -------------------------------------------------------------------------------------------------


async def plan_stop(request: ActionRequest, look: LiveStateReader) -> Plan:
    path, name = request.target.path, request.target.environment or ""
    words = f"Stop {request.target} on {look.server}"
    found = await look.environments.environment(path, name)
    now = await look.there(path, name)
    facts = (("environment", clean(name)), ("version there", version_of(now)))
    if found.state in ("stopped", "stopping"):
        return look.cannot(request, words, f"it is {found.state}", facts=facts, environment=clean(name))
    step = Step(
        words=f"stop the environment {clean(name)}",
        method="POST",
        path=f"/api/v4{project_url(path)}/environments/{found.id}/stop",
        kind=StepKind.STOP,
        expect=note(path=path, id=found.id, environment=name),
    )
    gone = "its on_stop job runs, where it has one: what serves there is taken down"
    return look.plan(request, words, facts=facts, warnings=(gone,), steps=(step,), environment=clean(name))


async def observe_stop(expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader) -> Observation:
    found = await look.read(_environment, f"{project_url(expect['path'])}/environments/{expect['id']}")
    if found is None:
        return Observation("done", "the environment is no longer there")
    if found.state == "stopped":
        return Observation("done", f"{clean(found.name)} is stopped")
    if found.state == "stopping":
        return Observation("happening", f"{clean(found.name)} is stopping: its on_stop job runs")
    return Observation("nothing", f"{clean(found.name)} is {clean(found.state or 'there')}")
