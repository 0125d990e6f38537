"""scikit-learn's ``classification_report(output_dict=True)``: recall and F1 of each class, and of all.

It has no standard errors; they are made of the number of samples, as of a share.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.sources.evaluation.case import Kind, case, has

_NUMBERS = ("precision", "recall", "f1-score", "support")
_AVERAGES = ("micro avg", "macro avg", "weighted avg", "samples avg")


class _Row(msgspec.Struct, frozen=True, rename={"f1": "f1-score"}):
    recall: float
    f1: float
    support: float


def _read(document: Any) -> Iterator[EvaluationCase]:
    rows = {name: msgspec.convert(row, _Row) for name, row in document.items() if isinstance(row, Mapping)}
    for name, row in rows.items():
        if name not in _AVERAGES:
            yield _measured(name, "recall", row.recall, row.support)
        if name != "weighted avg":  # moves with the mix of the classes
            yield _measured(name, "F1", row.f1, row.support)
    if isinstance(accuracy := document.get("accuracy"), (int, float)):
        total = sum(row.support for name, row in rows.items() if name not in _AVERAGES)
        yield _measured("all", "accuracy", float(accuracy), total)


def _measured(name: str, metric: str, value: float, support: float) -> EvaluationCase:
    known = 0 <= value <= 1
    return case(
        [name, metric],
        f"{name} {metric}",
        CaseResult.MEASURED if known else CaseResult.ERROR,
        score=value if known else None,
        better="higher",
        error=math.sqrt(value * (1 - value) / support) if known and support > 0 else 0.0,
        reason="" if known else f"{metric} is {value}",
    )


def _knows(document: Any) -> bool:
    return isinstance(document, Mapping) and any(has(row, *_NUMBERS) for row in document.values())


KIND = Kind("scikit-learn", _knows, _read)
