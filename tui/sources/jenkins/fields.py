"""What a job or an input asks for, as fields that a person fills in (contracts: jenkins_observed, Parameter kinds)."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET

from tui.domain.action import ActionField
from tui.sources.jenkins.payload import Definition, Parameter, Value
from tui.text.safe import clean_lines, shorten

_HELP = 200

_KINDS: dict[str, Literal["text", "lines", "boolean", "choice", "secret", "unsupported"]] = {
    "StringParameterDefinition": "text",
    "TextParameterDefinition": "lines",
    "BooleanParameterDefinition": "boolean",
    "ChoiceParameterDefinition": "choice",
    "PasswordParameterDefinition": "secret",
}


def field_of(definition: Definition, *, default: Any = None, of_job: bool = False) -> ActionField:
    """Args:
    of_job: it is asked for at the start of a run: for a password that is left out Jenkins takes its own default, and
        does not tell whether there is one (contracts: jenkins_observed, parameter kinds). A gate has no default then.
    """
    kind = _KINDS.get(definition.type or "", "unsupported")
    if definition.default_parameter_value is not None and kind != "secret":
        default = definition.default_parameter_value.value
    choices = definition.choices if isinstance(definition.choices, list | tuple) else ()
    return ActionField(
        # A name goes back to the server as it came; where it is shown, it is cleaned once more.
        name=definition.name,
        kind=kind,
        default="" if kind in ("secret", "unsupported") else _default(default, kind),
        choices=tuple(choice for choice in choices if isinstance(choice, str)),
        help=shorten(clean_lines(definition.description or ""), _HELP),
        required=kind == "secret" and not of_job,
    )


def _default(value: Any, kind: str) -> str:
    if kind == "boolean":
        return "true" if value in (True, "true") else "false"
    return spelled(value)


def spelled(value: Any) -> str:
    """A parameter's value as a form holds it; empty for none and for a secret one."""
    if value is None or value is UNSET:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def run_named(parameter: Parameter | Value) -> str:
    """``JOB#NUMBER``, the run that a run parameter names; empty for any other kind, which has a value."""
    if isinstance(parameter.job_name, str) and isinstance(parameter.number, int | str):
        return f"{parameter.job_name}#{parameter.number}"
    return ""
