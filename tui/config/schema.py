"""The settings as a JSON Schema, for editors, and for the page of the documents that has every key."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Union

import msgspec

from tui.config.alarms import AlarmSettings, Name
from tui.config.file import FORMAT
from tui.config.safety import SafetySettings
from tui.config.secret import Secret
from tui.config.settings import MetricSettings, ModelSettings, UiSettings
from tui.config.sources import SOURCE_TYPES
from tui.config.views import ViewSettings

_SECTIONS = {
    "format": "Of the file; a program that knows only older ones says so.",
    "sources": "The servers, by names of your own: ``[sources.NAME]``.",
    "models": "What the team ships: ``[models.NAME]`` joins pipelines, an environment and metrics.",
    "metrics": "Named queries: ``[metrics.NAME]``.",
    "alarms": "What should be known of without looking: ``[alarms.NAME]``.",
    "views": "Ways to look at the list of pipelines: ``[views.NAME]``.",
    "ui": "The screen.",
    "safety": "What may be done, and what it takes.",
}
_SECRET = {
    "description": "A credential: env:NAME, file:PATH, keyring:SERVICE/USER, a command that prints it, or itself.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "properties": {
                "command": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
            },
            "required": ["command"],
            "additionalProperties": False,
        },
    ],
}


def schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of the whole file."""
    sources: Any = Union[tuple(each.settings for each in SOURCE_TYPES.values())]  # noqa: UP007 - it is made here
    document = msgspec.defstruct(
        "Config",
        [
            ("format", int, FORMAT),
            ("sources", dict[Name, sources]),
            ("models", dict[Name, ModelSettings], {}),
            ("metrics", dict[Name, MetricSettings], {}),
            ("alarms", dict[Name, AlarmSettings], {}),
            ("views", dict[Name, ViewSettings], {}),
            ("ui", UiSettings, UiSettings()),
            ("safety", SafetySettings, SafetySettings()),
        ],
        kw_only=True,
        forbid_unknown_fields=True,
    )
    (top,), tables = msgspec.json.schema_components(
        (document,), schema_hook=_own, ref_template="#/$defs/{name}"
    )
    described = {kind.__name__: _descriptions(kind) for kind in _structs(document) if kind is not document}
    described["Config"] = _SECTIONS
    for each in SOURCE_TYPES.values():
        tables[each.settings.__name__]["properties"]["type"]["description"] = "What kind of server it is."
    for name, table in tables.items():
        for key, words in described.get(name, {}).items():
            table["properties"][key]["description"] = words
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pipedeck's configuration",
        **top,
        "$defs": tables,
    }


def _own(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return _SECRET
    if kind is Path:
        return {"type": "string", "minLength": 1}
    raise NotImplementedError(kind)


def _structs(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """All tables at any place below ``kind``, itself included."""
    found: list[type[msgspec.Struct]] = []

    def walk(info: msgspec.inspect.Type) -> None:
        match info:
            case msgspec.inspect.StructType(cls=cls, fields=fields) if cls not in found:
                found.append(cls)
                for field in fields:
                    walk(field.type)
            case msgspec.inspect.UnionType(types=types) | msgspec.inspect.TupleType(item_types=types):
                for each in types:
                    walk(each)
            case msgspec.inspect.VarTupleType(item_type=item):
                walk(item)
            case msgspec.inspect.DictType(value_type=value):
                walk(value)

    walk(msgspec.inspect.type_info(kind))
    return found


def _descriptions(kind: type[msgspec.Struct]) -> Mapping[str, str]:
    """What stands below each field of a table, in its class or those it is made from, by key."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, msgspec.Struct) and each.__module__.startswith("tui."):
            found |= {names[field]: words for field, words in _documented(each) if field in names}
    return found


def _documented(kind: type) -> Iterator[tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    for statement, after in zip(body.body, body.body[1:], strict=False):
        match statement, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, " ".join(words.split())
