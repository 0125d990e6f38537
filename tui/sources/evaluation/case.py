"""What the readers of all tools share: a case with texts that are safe and short."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.text.safe import clean, shorten

NAME, REASON = 120, 300
"""Letters of them that are kept: reports on language models hold whole conversations."""


class Kind(NamedTuple):
    """A tool, and how its reports are known and read."""

    name: str
    knows: Callable[[Any], bool]
    """Whether a document has its shape."""
    read: Callable[[Any], Iterable[EvaluationCase]]
    """Raises msgspec.ValidationError for one that only looks like it, and :class:`NothingToCompare`."""


class NothingToCompare(Exception):
    """It is such a report, and has nothing in it that could have become worse; says why."""


def case(
    key: object,
    name: str,
    result: CaseResult,
    *,
    score: float | None = None,
    better: Literal["lower", "higher", ""] = "",
    error: float = 0.0,
    measured_by: object = "",
    judged: bool = False,
    reason: str | None = "",
) -> EvaluationCase:
    """A case of what a report says.

    Args:
        key: anything that JSON can write.
    """
    return EvaluationCase(
        key=stable(key),
        name=shorten(clean(name).strip(), NAME) or "without a name",
        result=result,
        score=score if score is None or score - score == 0 else None,  # neither infinite nor NaN
        better=better,
        error=error if error - error == 0 else 0.0,
        measured_by=clean(measured_by) if isinstance(measured_by, str) else stable(measured_by),
        judged=judged,
        reason=shorten(clean(reason or "").strip(), REASON),
    )


def stable(value: object) -> str:
    """The same text for the same value, whatever the order of its keys."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def has(document: Any, *keys: str) -> bool:
    return isinstance(document, Mapping) and all(key in document for key in keys)
