"""The shape of JSON documents: which objects stand where, with which fields of which types."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parents[1] / "recordings" / "jenkins"

Place = tuple[str, str]
"""The keys that lead to an object, without list indexes and nesting of the same kind, and its ``_class``."""

_MAPS = ("buildsByBranchName", "monitorData")
"""Objects whose keys are data."""

_NESTS = ("stages", "children")
"""Keys under which objects hold others of their kind."""

_TEXT_OR_NULL = ("result", "labelExpression")
"""Null before there is a result, or where none was given (contracts: jenkins §3.2, §4)."""


def objects(value: Any, path: str = "$") -> Iterator[tuple[Place, dict[str, str]]]:
    """Every object in ``value``: its place, and its fields with the names of their types."""
    if isinstance(value, list):
        for item in value:
            yield from objects(item, path)
    elif isinstance(value, dict):
        if not path.endswith(_MAPS):
            yield (path, value.get("_class", "")), {name: type(item).__name__ for name, item in value.items()}
        for name, item in value.items():
            nested = name in _NESTS and path.endswith(_NESTS)
            yield from objects(item, path if nested else f"{path}.{'*' if path.endswith(_MAPS) else name}")


class Recorded:
    """What the named recordings allow."""

    def __init__(self, *names: str) -> None:
        self.fields: dict[Place, set[frozenset[str]]] = {}
        self.types: dict[tuple[Place, str], set[str]] = {}
        for name in names:
            for place, fields in objects(body(name)):
                self.fields.setdefault(place, set()).add(frozenset(fields))
                for field, kind in fields.items():
                    self.types.setdefault((place, field), set()).add(kind)

    def differences(self, document: Any) -> list[str]:
        """What in ``document`` the recordings do not show. A class they never show at that place is left out."""
        found = []
        for place, fields in objects(document):
            if place not in self.fields:
                continue
            if frozenset(fields) not in self.fields[place]:
                nearest = min(self.fields[place], key=lambda seen: len(seen ^ set(fields)))
                found.append(f"{place}: fields {sorted(nearest ^ set(fields))} differ")
            for field, kind in fields.items():
                allowed = self.types.get((place, field), {kind})
                if field.endswith("Build"):  # a permalink: null where there is no such build
                    allowed = allowed | {"dict", "NoneType"}
                if field in _TEXT_OR_NULL:
                    allowed = allowed | {"str", "NoneType"}
                if kind not in allowed:
                    found.append(f"{place}.{field}: {kind}, recorded {self.types[place, field]}")
        return found

    def covered(self, document: Any) -> set[str]:
        """The classes in ``document`` that were compared."""
        return {kind for (path, kind), _ in objects(document) if (path, kind) in self.fields}


def recording(name: str) -> Any:
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def body(name: str) -> Any:
    """The JSON document that was answered."""
    return json.loads(recording(name)["body"])
