"""Variables as a person writes them: ``KEY=VALUE``, one a line."""

from collections.abc import Mapping

from tui.text.safe import clean, shorten


class InvalidVariables(ValueError):
    """A line is none; the message says which."""


def parse_variables(text: str) -> dict[str, str]:
    """
    Raises:
        InvalidVariables: a line is not ``KEY=VALUE``
    """
    found: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise InvalidVariables(f"a variable is written KEY=VALUE, not {shorten(clean(line), 40)!r}")
        found[key.strip()] = value
    return found


def shown(values: Mapping[str, str]) -> str:
    """As a fact of a plan."""
    return shorten(", ".join(f"{clean(name)}={clean(value)}" for name, value in values.items()), 300)
