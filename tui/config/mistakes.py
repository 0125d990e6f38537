"""Tables as typed settings, their mistakes told in the words of a config file rather than a type checker's."""

import difflib
import re
from collections.abc import Collection, Sequence
from copy import deepcopy
from functools import partial
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
_STEP = re.compile(r"\.?(?:(?P<name>[^.\[]+)|\[(?P<index>\d+)\])")


class Mistakes(Exception):
    """All that is wrong with one table."""

    def __init__(self, mistakes: Sequence[Mistake], rest: msgspec.Struct | None = None) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(mistakes)
        self.rest = rest
        """What the table says without what is wrong; None where nothing is left that could be."""


def convert(key: str, table: Any, path: Path, *, kind: type[T]) -> T:
    """``table`` as ``kind``.

    Raises:
        Mistakes: all that can be told at once. A key that is wrong is left out to see what else is.
    """
    found: list[Mistake] = []
    left_out: set[str] = set()
    while True:
        try:
            settings = msgspec.convert(table, kind, dec_hook=partial(_decoded, path))
        except msgspec.ValidationError as error:
            mistakes, wrong = _told(key, table, kind, str(error), left_out)
            found += mistakes
            if wrong is None:
                raise Mistakes(found) from None
            left_out.add(wrong)
            table = _without(table, wrong)
        else:
            if found:
                raise Mistakes(found, settings)
            return settings


def _decoded(path: Path, wanted: type, value: Any) -> Any:
    if wanted is Secret:
        return _secret(value, path)
    if wanted is Path:
        file_path = _beside(path, str(value))
        if not file_path.is_file():
            raise ValueError(f"there is no file {file_path}")
        return file_path
    raise NotImplementedError(wanted)


def _told(
    key: str, table: Any, kind: type, reason: str, left_out: Collection[str]
) -> tuple[list[Mistake], str | None]:
    """The mistakes behind a message, and the place below ``key`` that can be left out to find others; None: there is
    no such."""
    place = ""
    if match := _PLACE.search(reason):
        place, reason = match["place"], reason[: match.start()]
    here = f"{key}.{place}" if place else key
    known = "..." not in place  # of a table with names of one's own it is not told which
    if match := _UNKNOWN_FIELD.match(reason):
        name = match["field"]
        mistake = Mistake(f"{here}.{name}", f"unknown key{nearest(name, _keys_at(kind, place))}")
        return [mistake], f"{place}.{name}".lstrip(".") if known else None
    if match := _MISSING_FIELD.match(reason):
        names = _missing_at(kind, place, _at(table, place)) if known else [match["field"]]
        missing = [name for name in names if f"{place}.{name}".lstrip(".") not in left_out]
        return [Mistake(f"{here}.{name}", "is missing") for name in missing], None
    wrong = place if place and known else None
    return [Mistake(here, _words(here, kind, place, reason))], wrong


def _words(key: str, kind: type, place: str, reason: str) -> str:
    """What a type checker says of a value, in the words of a config file."""
    if match := _ENUM.match(reason):
        allowed = _words_at(kind, place)
        return f"{_small(reason)}; allowed: {', '.join(allowed)}{_close(match['value'], allowed)}"
    for ends, words in _EXPLAINED:
        if re.search(ends, key):
            return words
    return clean(_small(reason))


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


_ENUM = re.compile(r"Invalid enum value '(?P<value>.*)'$")
_EXPLAINED = (
    (r"\.url$", "must be an address such as https://ci.example.com/jenkins, without credentials in it"),
    (
        r"(window|\.max_age|\.for|\.keep|\.unreachable_for|longer_than)$",
        "must be a duration such as 30s, 5m or 1h",
    ),
    (
        r"\.max_worse$",
        'must be a number in the metric\'s unit, 0 or more, or a share of the baseline such as "10%"',
    ),
    (r"\.quiet_hours\[", "must be two local times such as 22:00-07:00"),
    (r"\.validation$", "must be a path among the artifacts, such as reports/metrics.json"),
    (
        r"\.evidence\[",
        "must be the path of one file among the artifacts, such as reports/eval.json: no pattern",
    ),
    (r"\.at_most$", 'must be a number of times and a duration, such as "1 per 6h"'),
    (r"\]\.wait$", "must be a duration such as 10m, or 0s"),
)
"""By the end of the key what is allowed there, where a pattern would tell nobody."""


def _at(table: Any, place: str) -> Any:
    for step in _steps(place):
        table = table[step]
    return table


def _without(table: Any, place: str) -> Any:
    """``table`` without what is at a place."""
    copy = part = deepcopy(table)
    *path, last = _steps(place)
    for step in path:
        part = part[step]
    del part[last]
    return copy


def _steps(place: str) -> list[str | int]:
    """``deployments[0].version`` as what is taken one after the other."""
    return [int(index) if index else name for name, index in _STEP.findall(place)]


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


def _missing_at(kind: type, place: str, table: Any) -> list[str]:
    """The keys that a table at a place below ``kind`` must have, and has not."""
    structs = [each for each in _types_at(kind, place) if isinstance(each, msgspec.inspect.StructType)]
    return [
        field.encode_name
        for struct in structs
        for field in struct.fields
        if field.required and field.encode_name not in table
    ]


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
    return _close(name, known) or (f" (known: {', '.join(known)})" if known else "")


def _close(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
