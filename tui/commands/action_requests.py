"""What an acting command asks for: the requests behind its addresses and models, and their fields."""

import msgspec

from tui.commands.action_arguments import ActionArguments, AmbiguousArguments
from tui.commands.addresses import read_address
from tui.commands.prompts import ask as ask_for
from tui.commands.prompts import ask_secret
from tui.config import Secret, Settings
from tui.domain.action import ActionField, ActionKind, ActionRequest
from tui.domain.action_kinds import ACTION_KINDS
from tui.engine.actions.model_rules import champion, switch
from tui.engine.actions.service import ActionRefused
from tui.engine.queries import CandidateOf
from tui.engine.runtime import Runtime
from tui.text.safe import clean


async def action_requests(
    runtime: Runtime, settings: Settings, arguments: ActionArguments
) -> list[ActionRequest]:
    """What is wished for, one for each target, without the fields.

    Raises:
        Unclear
        AddressError
        SourceError
    """
    found: list[ActionRequest] = []
    for text in arguments.targets:
        found += (
            await _of_model(runtime, settings, arguments, text)
            if text in settings.models
            else [await _at(runtime, arguments, text)]
        )
    return [
        msgspec.structs.replace(
            request,
            values=tuple((dict(request.values) | dict(arguments.options)).items()),
            reason=arguments.reason,
        )
        for request in found
    ]


async def _at(runtime: Runtime, arguments: ActionArguments, text: str) -> ActionRequest:
    if arguments.command in ("set-champion", "switch"):
        raise AmbiguousArguments(f"{arguments.command} takes a MODEL of the config, not {text}")
    kind = arguments.kind
    if ACTION_KINDS[kind].takes_model and ":" not in text:
        known = ", ".join(runtime.settings.models) or "none"
        raise AmbiguousArguments(f"{text!r} is no ADDRESS, and no model of the config (known: {known})")
    return ActionRequest(kind, await read_address(runtime, text))


async def _of_model(
    runtime: Runtime, settings: Settings, arguments: ActionArguments, model: str
) -> list[ActionRequest]:
    kind = arguments.kind
    if arguments.command == "switch":
        return [await _switch(runtime, settings, arguments, model)]
    if kind is ActionKind.PROMOTE:
        gates = await runtime.models.gates(model)
        if len(gates) != 1:
            listed = ", ".join(str(gate.target) for gate in gates)
            raise AmbiguousArguments(
                f"{model} waits at {len(gates)} gates: {listed}; name one" if gates else _no_gate(model)
            )
        return list(gates)
    if kind is ActionKind.ROLLBACK:
        places = await runtime.models.places(model)
        if len(places) != 1:
            listed = ", ".join(map(str, places))
            where = settings.models[model].environment
            nowhere = (
                f"no environment {where} of {model} was found" if where else f"{model} has no environment"
            )
            raise AmbiguousArguments(
                f"{model} has {len(places)} environments: {listed}; name one" if places else nowhere
            )
        return [ActionRequest(kind, places[0])]
    if kind is ActionKind.TRIGGER:
        if (request := await runtime.models.retraining(model)) is None:
            raise AmbiguousArguments(f"[models.{model}] has no retrain")
        return [request]
    if kind is ActionKind.SET_CHAMPION:
        registry = settings.models[model].registry
        if registry is not None and not settings.sources[registry.source].names_versions:
            raise AmbiguousArguments(
                f"the registry of {model} has no aliases: its champion is what is deployed"
            )
        return [await _champion(runtime, settings, model, dict(arguments.options).get("version", ""))]
    raise AmbiguousArguments(f"{kind.value} takes an ADDRESS, not the model {model}")


async def _switch(
    runtime: Runtime, settings: Settings, arguments: ActionArguments, model: str
) -> ActionRequest:
    pair = settings.models[model].blue_green
    if pair is None or settings.models[model].switch is None:
        lack = "blue_green" if pair is None else "switch"
        raise AmbiguousArguments(f"[models.{model}] has no {lack}")
    named = [each for each in pair if arguments.to in (each, each.rpartition("/")[2])]
    if arguments.to is not None and len(named) != 1:
        raise AmbiguousArguments(f"--to is one of {', '.join(pair)}; not {arguments.to}")
    live = await runtime.models.live(model)
    if arguments.to is None:
        named = [each for each in pair if each != live]
        if len(named) != 1:
            raise AmbiguousArguments(
                f"which of {', '.join(pair)} has the traffic is not known: name the other with --to"
            )
    (to,) = named
    if to == live:
        raise ActionRefused(f"{to} has the traffic of {model} already")
    request = switch(settings, model, to, arguments.version)
    assert request is not None, "it has a pair and a switch"
    return request


async def _champion(runtime: Runtime, settings: Settings, model: str, version: str) -> ActionRequest:
    """``version``: empty for the candidate."""
    if (registry := settings.models[model].registry) is None:
        raise AmbiguousArguments(f"[models.{model}] has no registry")
    if not version:
        candidate = (await runtime.poller.ask(CandidateOf(model))).candidate
        if candidate is None:
            raise AmbiguousArguments(
                f"no version of {registry.model} is {registry.candidate}: name one with --version"
            )
        version = candidate.version
    return champion(registry, version)


def _no_gate(model: str) -> str:
    return f"no canary of {model} waits at a gate"


def filled(
    request: ActionRequest, fields: tuple[ActionField, ...], arguments: ActionArguments, *, ask: bool
) -> tuple[ActionRequest, dict[str, str]]:
    """``request`` with the fields that were given, and the secrets apart.

    Args:
        ask: whether a person can be asked for what is missing; before a dry run nothing need be there.

    Raises:
        Unclear
        Unanswered
        ConfigError: a variable that should hold a secret does not.
    """
    given, secrets = dict(arguments.given), {}
    asked = {each.name for each in fields}
    unknown = [name for name in given if name not in asked]
    if unknown and not ACTION_KINDS[arguments.kind].any_field:  # it would be passed over without a word
        taken = ", ".join(each.name for each in fields) or "nothing"
        raise AmbiguousArguments(
            f"--set {unknown[0]}: {arguments.kind.value} {request.target} asks for {taken}"
        )
    for field in fields:
        value = given.get(field.name)
        if field.kind == "secret":
            given.pop(field.name, None)
            if value is not None and not value.startswith("env:"):
                raise AmbiguousArguments(
                    f"{field.name} is a secret: give it as --set {field.name}=env:VARIABLE"
                )
            if value is not None:
                secrets[field.name] = Secret(value).reveal()
            elif ask:
                own = "" if field.required else "empty: what the server has"
                notes = "; ".join(filter(None, (" ".join(field.help.split()), own)))
                secret = ask_secret(f"{clean(field.name)}{f' ({notes})' if notes else ''}: ")
                if secret or field.required:
                    secrets[field.name] = secret
            elif field.required and not arguments.dry_run:
                raise AmbiguousArguments(
                    f"{field.name} is a secret and missing: --set {field.name}=env:VARIABLE"
                )
        elif field.kind == "choice" and value is not None and value not in field.choices:
            raise AmbiguousArguments(f"{field.name} is one of {field.listed()}; not {value!r}")
        elif field.required and value is None and not field.default and request.value(field.name) == "":
            if arguments.dry_run:
                continue
            if not ask:
                raise AmbiguousArguments(f"{field.name} is missing: --set {field.name}=VALUE")
            given[field.name] = ask_for(f"{clean(field.name)}: ")
    kept = tuple((name, value) for name, value in request.values if name not in given)
    return msgspec.structs.replace(request, values=(*kept, *given.items())), secrets
