"""Variables as a person writes them: ``KEY=VALUE``, one a line."""

from collections.abc import Mapping

from tui.domain.action import ActionRequest
from tui.text.safe import clean, shorten


class InvalidVariables(ValueError):
    """A line is none; the message says which."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field
        """Where it was given."""


def parse_variables(request: ActionRequest, field: str = "variables") -> dict[str, str]:
    """What ``request`` has in ``field``.

    Raises:
        InvalidVariables: a line is not ``KEY=VALUE``
    """
    found: dict[str, str] = {}
    for line in filter(str.strip, request.value(field).splitlines()):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise InvalidVariables(
                f"a variable is written KEY=VALUE, not {shorten(clean(line), 40)!r}", field
            )
        found[key.strip()] = value
    return found


def shown(values: Mapping[str, str]) -> str:
    """As a fact of a plan."""
    return shorten(", ".join(f"{clean(name)}={clean(value)}" for name, value in values.items()), 300)
