"""Tables as typed settings, their mistakes told in the words of a config file rather than a type checker's."""

import difflib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tui.config.secret import Secret
from tui.files import expanded
from tui.text.safe import clean

T = TypeVar("T", bound=msgspec.Struct)


class Mistake(Exception):
    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_URL_HELP = "must be an address such as https://ci.example.com/jenkins, without credentials in it"


def convert(key: str, table: Any, kind: type[T], path: Path) -> T:
    """``table`` as ``kind``, its mistakes told in the words of a config file rather than a type checker's."""

    def decode(wanted: type, value: Any) -> Any:
        if wanted is Secret:
            return _secret(value, path)
        if wanted is Path:
            file_path = _beside(path, str(value))
            if not file_path.is_file():
                raise ValueError(f"there is no file {file_path}")
            return file_path
        raise NotImplementedError(wanted)

    try:
        return msgspec.convert(table, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        reason = str(error)
        if place := _PLACE.search(reason):
            key, reason = f"{key}.{place['place']}", reason[: place.start()]
        if match := _UNKNOWN_FIELD.match(reason):
            known = _keys_at(kind, place["place"] if place else "")
            raise Mistake(f"{key}.{match['field']}", f"unknown key{nearest(match['field'], known)}") from None
        if match := _MISSING_FIELD.match(reason):
            raise Mistake(f"{key}.{match['field']}", "is missing") from None
        if reason.startswith("Invalid enum value") and place:
            reason += f"; allowed: {', '.join(_words_at(kind, place['place']))}"
        if key.endswith(".url"):
            reason = _URL_HELP
        if key.endswith(("window", ".max_age", ".for", ".keep", ".unreachable_for")):
            reason = "must be a duration such as 30s, 5m or 1h"
        if key.endswith(".max_worse"):
            reason = (
                'must be a number in the metric\'s unit, 0 or more, or a share of the baseline such as "10%"'
            )
        if ".quiet_hours[" in key:
            reason = "must be two local times such as 22:00-07:00"
        if key.endswith(".validation"):
            reason = "must be a path among the artifacts, such as reports/metrics.json"
        if key.endswith(".at_most"):
            reason = 'must be a number of times and a duration, such as "1 per 6h"'
        if key.endswith("].wait"):
            reason = "must be a duration such as 10m, or 0s"
        raise Mistake(key, clean(reason[:1].lower() + reason[1:])) from None


def _secret(value: Any, path: Path) -> Secret:
    match value:
        case {"command": [_, *_] as command, **others} if not others and all(
            isinstance(part, str) and part for part in command
        ):
            return Secret(tuple(command))
        case str() if value and value != "keyring:" and not re.fullmatch(r"keyring:(/.*|[^/]*/?)", value):
            kind, _, file = value.partition(":")
            return Secret(f"file:{_beside(path, file)}" if kind == "file" else value)
    raise ValueError(
        "must be env:NAME, file:PATH, keyring:SERVICE/USER or the credential itself, as text, "
        'or { command = ["pass", "show", "x"] }'
    )


def _keys_at(kind: type, place: str) -> list[str]:
    """The keys that a table may have at a place below ``kind``."""
    structs = [each for each in _types_at(kind, place) if isinstance(each, msgspec.inspect.StructType)]
    return [field.encode_name for struct in structs for field in struct.fields]


def _words_at(kind: type, place: str) -> list[str]:
    """The words among which one has to choose at a place below ``kind``."""
    literals = [each for each in _types_at(kind, place) if isinstance(each, msgspec.inspect.LiteralType)]
    return [str(value) for literal in literals for value in literal.values]


def _types_at(kind: type, place: str) -> list[msgspec.inspect.Type]:
    """What may stand at a place below ``kind``, in msgspec's spelling: ``deployments[0].version``."""
    found: list[msgspec.inspect.Type] = [msgspec.inspect.type_info(kind)]
    for step in re.findall(r"\w+|\[", place.replace("[...]", "[").replace("]", "")):
        if step.isdigit():
            continue
        below: list[msgspec.inspect.Type] = []
        for each in found:
            match each:
                case msgspec.inspect.StructType() if step != "[":
                    below += [field.type for field in each.fields if field.encode_name == step]
                case msgspec.inspect.VarTupleType():
                    below.append(each.item_type)
                case msgspec.inspect.DictType():
                    below.append(each.value_type)
        found = [
            each
            for one in below
            for each in (one.types if isinstance(one, msgspec.inspect.UnionType) else (one,))
        ]
    return found


def _beside(config: Path, file: str) -> Path:
    """File names in the config are relative to it."""
    try:
        return config.parent / expanded(file)
    except FileNotFoundError as error:
        raise ValueError(error.strerror) from None


def nearest(name: str, known: Collection[str]) -> str:
    """`` (did you mean x?)`` or, with nothing near, what there is."""
    if close := difflib.get_close_matches(name, list(known), n=1):
        return f" (did you mean {close[0]}?)"
    return f" (known: {', '.join(known)})" if known else ""
