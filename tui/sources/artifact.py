"""A file of numbers that a run wrote about its model, the same in every system."""

import json
import math
from collections.abc import Iterator

from tui.domain.deployment import Validation
from tui.sources.http.bounds import number
from tui.text.safe import clean, shorten

LARGEST = 256 * 1024
"""Bytes of such a file that are worth reading."""
MOST_METRICS = 60
_DEEPEST = 6


def read_numbers(body: bytes, file: str) -> Validation:
    """The finite numbers in a JSON object, nested ones under names joined by dots.

    A file that is none says so in its notes. ``NaN``, which is no JSON but what Python writes, is noted too.
    """
    shown = clean(file)
    if len(body) > LARGEST:
        return Validation((), (f"{shown} has more than {LARGEST // 1024} kB: it is no list of numbers",))
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Validation((), (f"{shown} is not JSON: {shorten(clean(str(error)), 80)}",))
    if not isinstance(content, dict):
        return Validation((), (f"{shown} is not a JSON object of numbers",))
    metrics: dict[str, float] = {}
    notes: list[str] = []
    for name, value in _numbers(content, "", 0):
        if not math.isfinite(value):
            notes.append(f"{name} is not a number in {shown}")
        elif len(metrics) < MOST_METRICS:
            metrics[name] = value
        else:
            notes.append(f"{shown} has more than {MOST_METRICS} numbers; the first are shown")
            break
    if not metrics and not notes:
        notes.append(f"{shown} has no numbers in it")
    return Validation(tuple(metrics.items()), tuple(notes))


def _numbers(table: dict[str, object], path: str, depth: int) -> Iterator[tuple[str, float]]:
    for key, value in table.items():
        name = shorten(clean(f"{path}{key}"), 80)
        match value:
            case bool():
                pass
            case int() | float():
                yield name, number(value)
            case dict() if depth < _DEEPEST:
                yield from _numbers(value, f"{path}{key}.", depth + 1)
