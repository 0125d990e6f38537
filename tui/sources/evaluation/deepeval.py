"""What deepeval keeps of a test run: a case for each metric of each of its cases.

A case without a name of its own is called after its position, so it is known by its input. Its metrics are most often
judged by a language model: by another one they are not comparable.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.sources.evaluation.case import Kind, NothingToCompare, case, has

_BY_POSITION = re.compile(r"(conversational_)?test_case_\d+")


class _Metric(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    success: bool | None = None
    score: float | None = None
    threshold: float | None = None
    reason: str | None = None
    error: str | None = None
    evaluation_model: str | None = None
    flaky: bool = False


class _Case(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    input: Any = None
    metrics_data: list[_Metric] | None = None


class _Report(msgspec.Struct, frozen=True, rename="camel"):
    test_cases: list[_Case] = []
    conversational_test_cases: list[_Case] = []


def _read(document: Any) -> Iterator[EvaluationCase]:
    report = msgspec.convert(document, _Report)
    found = False
    for each in (*report.test_cases, *report.conversational_test_cases):
        own = "" if _BY_POSITION.fullmatch(each.name or "") else each.name or ""
        shown = own or (each.input if isinstance(each.input, str) else each.name or "")
        for metric in each.metrics_data or ():
            found = True
            result = CaseResult.PASSED if metric.success else CaseResult.FAILED
            if metric.error or metric.success is None:
                result = CaseResult.ERROR
            score = f"{metric.score:.4g}" if metric.score is not None else "no score"
            limit = f", limit {metric.threshold:g}" if metric.threshold is not None else ""
            yield case(
                [own, each.input, metric.name],
                f"{metric.name}: {shown}",
                result,
                score=metric.score,
                measured_by=metric.evaluation_model or "",
                judged=bool(metric.evaluation_model) or metric.flaky,
                reason=f"{score}{limit}: {metric.error or metric.reason or ''}".rstrip(": "),
            )
    if not found:
        raise NothingToCompare("no case in it was measured")


def _knows(document: Any) -> bool:
    if has(document, "testRunData"):  # as its own folder of results keeps it
        document = document["testRunData"]
    return has(document, "testCases") and isinstance(document["testCases"], list)


KIND = Kind(
    "deepeval",
    _knows,
    lambda document: _read(document["testRunData"] if has(document, "testRunData") else document),
)
