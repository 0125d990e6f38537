"""A plain list of cases, for a tool of one's own: each has a ``name``, and ``passed`` or an ``outcome``; ``score`` is
compared where ``better`` says which way."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.sources.evaluation.case import Kind, case, has


class _Case(msgspec.Struct, frozen=True):
    name: str
    passed: bool | None = None
    outcome: Literal["passed", "failed", "error", "skipped"] | None = None
    score: float | None = None
    better: Literal["lower", "higher", ""] = ""
    reason: str | None = None


def _read(document: Any) -> Iterator[EvaluationCase]:
    for each in msgspec.convert(document, list[_Case]):
        result = CaseResult.MEASURED
        if each.outcome is not None:
            result = CaseResult(each.outcome)
        elif each.passed is not None:
            result = CaseResult.PASSED if each.passed else CaseResult.FAILED
        elif each.score is None:
            result = CaseResult.ERROR
        yield case(each.name, each.name, result, score=each.score, better=each.better, reason=each.reason)


KIND = Kind(
    "a list of cases",
    lambda document: isinstance(document, list) and bool(document) and has(document[0], "name"),
    _read,
)
