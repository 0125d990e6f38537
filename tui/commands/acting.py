"""What an acting command asks for: the wishes behind its addresses and models, and their fields."""

import msgspec

from tui.commands.acting_arguments import Asked, Unclear
from tui.commands.asking import ask as ask_for
from tui.commands.asking import ask_secret
from tui.config import Secret, Settings
from tui.domain.action import Field, Kind, Wish
from tui.domain.address import parse_address
from tui.engine.engine import Engine
from tui.engine.wishes import retrain
from tui.text import clean


async def wishes(engine: Engine, settings: Settings, its: Asked) -> list[Wish]:
    """What is wished for, one for each target, without the fields.

    Raises:
        Unclear
        AddressError
        SourceError
    """
    found: list[Wish] = []
    for text in its.targets:
        found += (
            await _of_model(engine, settings, its.kind, text)
            if text in settings.models
            else [Wish(its.kind, parse_address(text))]
        )
    return [
        msgspec.structs.replace(wish, values=(*wish.values, *its.options), reason=its.reason)
        for wish in found
    ]


async def _of_model(engine: Engine, settings: Settings, kind: Kind, model: str) -> list[Wish]:
    if kind is Kind.PROMOTE:
        gates = await engine.actions.gates(model)
        if len(gates) != 1:
            listed = ", ".join(str(each.target) for each in gates)
            raise Unclear(
                f"{model} waits at {len(gates)} gates: {listed}; name one" if gates else _no_gate(model)
            )
        return list(gates)
    if kind is Kind.ROLLBACK:
        places = await engine.actions.places(model)
        if len(places) != 1:
            listed = ", ".join(map(str, places))
            where = settings.models[model].environment
            nowhere = (
                f"no environment {where} of {model} was found" if where else f"{model} has no environment"
            )
            raise Unclear(
                f"{model} has {len(places)} environments: {listed}; name one" if places else nowhere
            )
        return [Wish(kind, places[0])]
    if kind is Kind.TRIGGER:
        if (wish := retrain(settings, model)) is None:
            raise Unclear(f"[models.{model}] has no retrain")
        return [wish]
    raise Unclear(f"{kind.value} takes an ADDRESS, not the model {model}")


def _no_gate(model: str) -> str:
    return f"no canary of {model} waits at a gate"


def filled(wish: Wish, fields: tuple[Field, ...], its: Asked, *, ask: bool) -> tuple[Wish, dict[str, str]]:
    """``wish`` with the fields that were given, and the secrets apart.

    Args:
        ask: whether a person can be asked for what is missing.

    Raises:
        Unclear
        Unanswered
        ConfigError: a variable that should hold a secret does not.
    """
    given, secrets = dict(its.given), {}
    for field in fields:
        value = given.get(field.name)
        if field.kind == "secret":
            given.pop(field.name, None)
            if value is not None and not value.startswith("env:"):
                raise Unclear(f"{field.name} is a secret: give it as --set {field.name}=env:VARIABLE")
            if value is not None:
                secrets[field.name] = Secret(value).reveal()
            elif ask:
                help_ = f" ({' '.join(field.help.split())})" if field.help else ""
                secrets[field.name] = ask_secret(f"{clean(field.name)}{help_}: ")
            elif field.required:
                raise Unclear(f"{field.name} is a secret and missing: --set {field.name}=env:VARIABLE")
        elif field.kind == "choice" and value is not None and value not in field.choices:
            raise Unclear(f"{field.name} is one of {', '.join(field.choices)}; not {value!r}")
        elif field.required and value is None and not field.default and wish.value(field.name) == "":
            if not ask:
                raise Unclear(f"{field.name} is missing: --set {field.name}=VALUE")
            given[field.name] = ask_for(f"{clean(field.name)}: ")
    kept = tuple((name, value) for name, value in wish.values if name not in given)
    return msgspec.structs.replace(wish, values=(*kept, *given.items())), secrets
