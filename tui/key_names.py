"""The names of keys, as Textual has them: without Textual, for commands check a configuration too."""

import string
import unicodedata
from functools import cache

_MODIFIERS = ("ctrl", "shift", "alt", "meta", "super", "hyper")
_NAMED = frozenset(
    {
        *("escape", "return", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end"),
        *("left", "right", "up", "down", "pageup", "pagedown"),
        *(f"f{number}" for number in range(1, 25)),
        *(
            "slash",
            "backslash",
            "at",
            "minus",
            "plus",
            "underscore",
        ),  # where the name of the character is longer
    }
)


def _named(character: str) -> str:
    return unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")


_PUNCTUATION = frozenset(map(_named, string.punctuation))


def is_key(name: str) -> bool:
    """Whether there is such a key: a character, its name (``question_mark``), or another (``f5``), with modifiers."""
    *modifiers, key = name.split("+")
    if not set(modifiers) <= set(_MODIFIERS) or len(set(modifiers)) < len(modifiers):
        return False
    return key in _NAMED | _PUNCTUATION or (len(key) == 1 and key.isprintable()) or _is_character(key)


def _is_character(name: str) -> bool:
    try:
        return not unicodedata.lookup(name.replace("_", " ")).isalnum()
    except KeyError:
        return False


@cache
def known_keys() -> tuple[str, ...]:
    """Those that most terminals send, to find what may have been meant."""
    return (
        *sorted(_NAMED | _PUNCTUATION),
        *(f"ctrl+{letter}" for letter in string.ascii_lowercase),
        "shift+tab",
    )
