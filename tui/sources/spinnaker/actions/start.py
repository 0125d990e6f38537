"""Starting a named pipeline, as for a retraining or to go back, and finding the run that came of it
(contracts: spinnaker §9.4)."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from tui.domain.action import ActionField, ActionRequest, Observation, Plan, Reply, Step
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.spinnaker.actions.live_state import LiveState, note, progress, quoted
from tui.sources.spinnaker.actions.steps import StepKind
from tui.sources.spinnaker.payload import EXECUTIONS, Execution, Parameter
from tui.sources.spinnaker.status import is_active
from tui.text.safe import clean, shorten

LOOKED_AT = 20
"""Newest runs among which a start is looked for whose answer was lost."""


async def plan_start(request: ActionRequest, look: LiveState, words: str = "") -> Plan:
    target = request.target.pipeline
    words = words or f"Start a run of {target} on {look.server}"
    try:
        config = look.context.config_of(target.path)
    except SourceError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            raise
        return look.cannot(request, words, error.message)
    fields = tuple(filter(None, map(_field, config.parameter_config or ())))
    if config.disabled:
        return look.cannot(request, words, "it is disabled", fields=fields)
    unknown = [name for name, _ in request.values if name not in {field.name for field in fields}]
    if unknown:
        names = ", ".join(map(quoted, unknown))
        return look.cannot(request, words, f"it has no parameter {names}", fields=fields)
    given = dict(request.values)
    sent: dict[str, str] = {}
    for field in fields:
        if field.omitted and not given.get(field.name):
            continue
        value = given.get(field.name, field.default)
        if field.choices and value and value not in field.choices:
            # The server does not look.
            why = (
                f"{quoted(field.name)} cannot be {quoted(value)}; it is one of {shorten(field.listed(), 200)}"
            )
            return look.cannot(request, words, why, fields=fields)
        sent[field.name] = value
    correlation = str(uuid.uuid4())
    body = {"type": "manual", "parameters": sent, "correlationId": correlation, "dryRun": False}
    application = (config.application or target.path.partition("/")[0]).lower()
    step = Step(
        words=f"start a run of {target}",
        method="POST",
        path=f"/pipelines/{quote(application, safe='')}/{quote(config.id or '', safe='')}",
        body=(("", msgspec.json.encode(body).decode()),),
        body_kind="raw json",
        kind=StepKind.START,
        expect=note(path=target.path, config=config.id, correlation=correlation),
    )
    shown = ", ".join(f"{clean(name)}={clean(value)}" for name, value in sent.items())
    facts = (("parameters", shorten(shown, 300)),) if sent else ()
    return look.plan(request, words, facts=facts, fields=fields, steps=(step,))


async def plan_again(request: ActionRequest, execution: Execution, look: LiveState) -> Plan:
    """A new run with the parameters of an earlier one, in which nothing failed that could be restarted."""
    run = request.target.of_run
    words = f"Start {run} again with its parameters on {look.server}"
    if is_active(execution):
        return look.cannot(request, words, "it has not ended, and nothing in it failed")
    had = execution.trigger.parameters if execution.trigger is not None else None
    try:
        config = look.context.config_of(run.path)
    except SourceError as error:
        return look.cannot(request, words, error.message)
    declared = {parameter.name for parameter in config.parameter_config or ()}
    values = tuple(
        (name, _text(value)) for name, value in (had or {}).items() if name in declared and value is not None
    )
    plan = await plan_start(ActionRequest(request.kind, run.pipeline, values, request.reason), look, words)
    return msgspec.structs.replace(plan, request=request, fields=())


def _field(parameter: Parameter) -> ActionField | None:
    if not parameter.name:
        return None
    default = "" if parameter.default is None else _text(parameter.default)
    options = [_text(option.value) for option in parameter.options or () if option.value not in (None, "")]
    choices = tuple(dict.fromkeys(options)) if parameter.has_options else ()
    helps = [clean(parameter.label or ""), clean(parameter.description or "")]
    computed = "${" in default
    if computed:
        # An expression, which the server has to work out.
        helps.append(f"default: {clean(default)}")
    condition = parameter.conditional
    if condition is not None and condition.parameter:
        compared = _text(condition.comparator_value)
        helps.append(
            f"only where {clean(condition.parameter)} {clean(condition.comparator or '=')} {compared}"
        )
    optional = computed or condition is not None
    if choices and default not in choices:
        choices = ("", *choices) if not default or computed else (default, *choices)
    return ActionField(
        parameter.name,
        "choice" if choices else "text",
        "" if computed else default,
        choices,
        shorten("; ".join(filter(None, helps)), 300),
        # Of most that are required the server does not see that they are missing.
        required=parameter.required is True and not optional,
        omitted=optional,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def observe_start(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    """The new run: the one that the answer named, else the one with our mark."""
    id_ = dict(reply.found).get("run", "") if reply is not None else ""
    if id_:
        execution = await look.execution(id_)
    else:
        found = await _marked(expect, look)
        if found is None:
            return Observation("nothing", "no new run is to be seen")
        execution = await look.execution(found.id)
    at = Address(look.context.name, expect["path"], clean(execution.id))
    seen = progress(execution, at)
    return msgspec.structs.replace(seen, found=(("run", execution.id),))


async def _marked(expect: Mapping[str, str], look: LiveState) -> Execution | None:
    query = {"pipelineConfigIds": expect["config"], "limit": str(LOOKED_AT), "expand": "false"}
    found = await look.context.gate.get("/executions", EXECUTIONS, query)
    return next(
        (
            execution
            for execution in found
            if execution.trigger is not None and execution.trigger.correlation_id == expect["correlation"]
        ),
        None,
    )
