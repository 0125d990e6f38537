"""What a job or an input asks for, as fields that a person fills in (contracts: jenkins_observed, Parameter kinds)."""

from typing import Any

import msgspec
from msgspec import UNSET

from tui.domain.action import ActionField, FieldKind
from tui.sources.jenkins.payload import Definition, Parameter, Value
from tui.text.safe import clean_lines, shorten

_HELP = 200

_KINDS: dict[str, FieldKind] = {
    "StringParameterDefinition": "text",
    "TextParameterDefinition": "lines",
    "BooleanParameterDefinition": "boolean",
    "ChoiceParameterDefinition": "choice",
    "PasswordParameterDefinition": "secret",
    "RunParameterDefinition": "run",
    "CredentialsParameterDefinition": "text",
    "FileParameterDefinition": "file",
    "Base64FileParameterDefinition": "unsupported",
    "StashedFileParameterDefinition": "unsupported",
}
_WRITTEN = {
    "RunParameterDefinition": "JOB#NUMBER",
    "CredentialsParameterDefinition": "the id of credentials",
    "FileParameterDefinition": "the path of a file here",
}
"""How the value of a parameter is written where that is not plain."""


def field_of(
    definition: Definition, *, default: str | None = None, of_job: bool = False, unknown: FieldKind = "text"
) -> ActionField:
    """What a definition asks for.

    Args:
        of_job: it is asked for at the start of a run: for a password that is left out Jenkins takes its own default
            and does not tell whether there is one (contracts: jenkins_observed, parameter kinds). A gate has none.
        unknown: the kind of a parameter of some plugin: what a form takes of it is text (contracts: jenkins §3.2).
    """
    type_ = definition.type or ""
    kind = _KINDS.get(type_, unknown)
    if (value := definition.default_parameter_value) is not None and kind != "secret":
        default = text_of(value)
    help_ = ": ".join(filter(None, (_WRITTEN.get(type_), clean_lines(definition.description or ""))))
    choices = definition.choices if isinstance(definition.choices, list | tuple) else ()
    return ActionField(
        # A name goes back to the server as it came; where it is shown, it is cleaned once more.
        name=definition.name,
        kind=kind,
        default="" if kind in ("secret", "unsupported") else _default(default, kind),
        choices=tuple(choice for choice in choices if isinstance(choice, str)),
        help=shorten(help_, _HELP),
        required=kind == "secret" and not of_job,
        omitted=type_ in _WRITTEN or type_ not in _KINDS,
    )


def input_field(definition: Definition, *, default: Any = None) -> ActionField:
    """Of those that an input asks for: no default of the server's stands in for one that is left out."""
    field = field_of(definition, default=text_of(Value(default)), unknown="unsupported")
    if field.kind == "file":
        return msgspec.structs.replace(field, kind="unsupported", omitted=False)
    return msgspec.structs.replace(field, omitted=False, required=field.required or field.omitted)


def _default(default: str | None, kind: FieldKind) -> str:
    if kind == "boolean":
        return "true" if default == "true" else "false"
    return default or ""


def text_of(parameter: Parameter | Value) -> str | None:
    """A parameter's value as a form holds it, ``JOB#NUMBER`` of a run; None where Jenkins does not tell it: a secret,
    an id of credentials, a file."""
    if isinstance(parameter.job_name, str) and isinstance(parameter.number, int | str):
        return f"{parameter.job_name}#{parameter.number}"
    value = parameter.value
    if value is UNSET:
        return None
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
