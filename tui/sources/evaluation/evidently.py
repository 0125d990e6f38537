"""Reports of Evidently: those with tests, and those of its versions before 0.7.

An id of a metric is a hash of its settings, and the id of a test (``lt``, ``drift``) repeats: a test is known by what
it tests and how, without its limits. The values are in the words of each test; whether they are good is what it says.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.sources.evaluation.case import Kind, NothingToCompare, case, has

_RESULTS = {
    "SUCCESS": CaseResult.PASSED,
    "FAIL": CaseResult.FAILED,
    "WARNING": CaseResult.FAILED,  # of a test that is not critical
    "ERROR": CaseResult.ERROR,
    "SKIPPED": CaseResult.SKIPPED,
}


class _Metric(msgspec.Struct, frozen=True):
    params: dict[str, Any] = {}


class _Test(msgspec.Struct, frozen=True):
    id: str
    name: str
    status: str
    description: str = ""
    metric_config: _Metric = _Metric()
    test_config: dict[str, Any] = {}


class _Report(msgspec.Struct, frozen=True):
    tests: list[_Test]


def _read(document: Any) -> Iterator[EvaluationCase]:
    tests = msgspec.convert(document, _Report).tests if has(document, "tests") else []
    if not tests:
        raise NothingToCompare(
            "it has no tests: nothing in it says what is good (include_tests=True makes them)"
        )
    for test in tests:
        tested = {name: value for name, value in test.metric_config.params.items() if name != "tests"}
        labels = test.test_config.get("label_filters")
        name = str(test.test_config.get("alias") or test.name)
        yield case(
            [test.id, tested, labels] if tested else [test.id, name],
            name,
            _result(test.status),
            reason=f"{'not critical: ' if test.status == 'WARNING' else ''}{test.description}",
        )


class _OldResult(msgspec.Struct, frozen=True):
    column_name: str | None = None
    drift_detected: bool | None = None
    dataset_drift: bool | None = None
    drift_by_columns: dict[str, "_OldResult"] = {}
    drift_score: float | None = None
    stattest_name: str = ""


class _OldMetric(msgspec.Struct, frozen=True):
    metric: str
    result: _OldResult = _OldResult()


class _OldTest(msgspec.Struct, frozen=True):
    name: str
    status: str
    description: str = ""
    parameters: dict[str, Any] = {}
    group: str = ""


class _OldReport(msgspec.Struct, frozen=True):
    metrics: list[_OldMetric] = []
    tests: list[_OldTest] = []


def _read_older(document: Any) -> Iterator[EvaluationCase]:
    found = False
    report = msgspec.convert(document, _OldReport)
    for test in report.tests:
        found = True
        column = test.parameters.get("column_name", "")
        yield case(
            [test.group, test.name, column],
            f"{test.name} {column}",
            _result(test.status),
            reason=test.description,
        )
    for metric in report.metrics:
        for column, result in (
            (metric.result.column_name or "", metric.result),
            *metric.result.drift_by_columns.items(),
        ):
            drift = result.dataset_drift if result.drift_detected is None else result.drift_detected
            if drift is None:
                continue
            found = True
            score = (
                f"{result.stattest_name} {result.drift_score:.4g}" if result.drift_score is not None else ""
            )
            yield case(
                [metric.metric, column],
                f"{metric.metric} {column}",
                CaseResult.FAILED if drift else CaseResult.PASSED,
                reason=f"{'drift' if drift else 'no drift'} {score}",
            )
    if not found:
        raise NothingToCompare("nothing in it says what is good: it has neither tests nor drift")


def _result(status: str) -> CaseResult:
    """A status that nobody knows counts as what could not be evaluated."""
    return _RESULTS.get(status.upper(), CaseResult.ERROR)


def _first(document: Any, part: str) -> Any:
    items = document.get(part) if isinstance(document, dict) else None
    return items[0] if isinstance(items, list) and items else None


KIND = Kind(
    "Evidently",
    lambda document: (
        has(_first(document, "metrics"), "metric_name") or has(_first(document, "tests"), "metric_config")
    ),
    _read,
)
OLDER = Kind(
    "Evidently before 0.7",
    lambda document: (
        has(_first(document, "metrics"), "metric", "result")
        or has(_first(document, "tests"), "status", "group", "parameters")
    ),
    _read_older,
)
