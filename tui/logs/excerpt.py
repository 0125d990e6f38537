"""The few lines of a log worth showing beside a run: round its first error, or its last ones."""

from collections.abc import Sequence

from tui.logs.neutral import without_styles
from tui.logs.rules import Finder
from tui.text.safe import clean, shorten

BEFORE = 2
"""Lines before the error."""
AFTER = 12
"""Lines behind it."""
LAST = 12
"""Lines of the end."""
_HEAD, _FOOT = 3, 6
"""Of a long trace: its first lines, and those before and with what was raised."""
_TRACE = "Traceback (most recent call last)"
_LONGEST = 400


def round_first_error(text: bytes, finder: Finder, begin: int = 0) -> tuple[tuple[str, ...], int | None]:
    """The lines round the first error from line ``begin`` on, or else of all, and which of them it is; where none is
    found, the last lines and None.

    The middle of a long Python trace is left out: what was raised stands at its end.
    """
    plain = without_styles(text)
    found = finder.lines(plain)
    first = next((line for line in found if line >= begin), found[0] if found else None)
    if first is None:
        return last_lines(text), None
    rows = plain.split(b"\n")[:-1]
    start = max(0, first - BEFORE)
    head = [*rows[start:first], rows[first]]
    rest = rows[first + 1 :]
    if _TRACE.encode() in rows[first]:
        raised = next((line - first - 1 for line in found if line > first), 0)
        if raised > _HEAD + _FOOT:
            left = raised + 1 - _HEAD - _FOOT
            words = f"    … {left} lines of the trace are left out".encode()
            rest = [*rest[:_HEAD], words, *rest[raised + 1 - _FOOT :]]
    return _texts([*head, *rest[:AFTER]]), first - start


def last_lines(text: bytes) -> tuple[str, ...]:
    """The last lines that are not empty."""
    end = text[-LAST * 4 * _LONGEST :] if len(text) > LAST * 4 * _LONGEST else text
    rows = [row for row in without_styles(end).split(b"\n") if row.strip()]
    return _texts(rows[-LAST:])


def _texts(rows: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(shorten(clean(row[: 8 * _LONGEST].decode("utf-8", "replace")), _LONGEST) for row in rows)
