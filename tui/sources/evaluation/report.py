"""A report of an evaluation, recognised by its shape and never by its name."""

import json
from typing import Any

import msgspec

from tui.domain.evaluation import CaseResult, Evaluation, EvaluationCase
from tui.sources.evaluation import cases, deepeval, evidently, lm_eval, promptfoo, sklearn
from tui.sources.evaluation.case import NothingToCompare
from tui.sources.http.bounds import costs_too_much, without_long_integers
from tui.text.safe import clean, shorten

LARGEST = 4 << 20
"""Bytes of a report that is read."""
MOST_CASES = 50_000
_KINDS = (
    evidently.KIND,
    evidently.OLDER,
    promptfoo.KIND,
    deepeval.KIND,
    lm_eval.KIND,
    sklearn.KIND,
    cases.KIND,
)
_WEIGHT = (CaseResult.FAILED, CaseResult.ERROR, CaseResult.MEASURED, CaseResult.SKIPPED, CaseResult.PASSED)


def read_evaluation(body: bytes, file: str) -> Evaluation:
    """The cases of a report. One that cannot be read, in part or as a whole, has a problem and no cases. For a thread:
    the largest take half a second."""
    shown = clean(file)
    if len(body) > LARGEST:
        return Evaluation(shown, problem=f"it has more than {LARGEST >> 20} MB and was not read")
    if not body.strip():
        return Evaluation(shown, problem="the file is empty")
    if costs_too_much(body):
        return Evaluation(shown, problem="it holds more values than are read")
    try:
        # Not msgspec: what Python writes may hold NaN, which is no JSON.
        document = json.loads(without_long_integers(body).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Evaluation(shown, problem=f"it is not JSON: {shorten(clean(str(error)), 80)}")
    return _read(document, shown)


def _read(document: Any, file: str) -> Evaluation:
    kind = next((kind for kind in _KINDS if kind.knows(document)), None)
    if kind is None:
        return Evaluation(file, problem="it is no report of a kind that is known")
    try:
        found = _each_once(kind.read(document))
    except NothingToCompare as nothing:
        return Evaluation(file, kind.name, problem=str(nothing))
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        words = shorten(clean(str(error)), 120)
        return Evaluation(file, kind.name, problem=f"it is not as {kind.name} writes it: {words}")
    if not found:
        return Evaluation(file, kind.name, problem="it has no cases")
    if len(found) > MOST_CASES:
        return Evaluation(file, kind.name, problem=f"it has more than {MOST_CASES:,} cases and was not read")
    return Evaluation(file, kind.name, found)


def _each_once(read: "Any") -> tuple[EvaluationCase, ...]:
    """Of a case that was tried several times the one that ended worst."""
    found: dict[str, EvaluationCase] = {}
    for each in read:
        known = found.get(each.key)
        if known is None or _WEIGHT.index(each.result) < _WEIGHT.index(known.result):
            found[each.key] = each
    return tuple(found.values())
