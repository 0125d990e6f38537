"""What lm-evaluation-harness writes: a number with its standard error for each metric of each task."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.sources.evaluation.case import Kind, case, has
from tui.sources.http.bounds import number

_STDERR = "_stderr"


class _Config(msgspec.Struct, frozen=True):
    limit: float | None = None


class _Report(msgspec.Struct, frozen=True, rename={"shots": "n-shot"}):
    results: dict[str, dict[str, Any]]
    higher_is_better: dict[str, dict[str, bool | None]] = {}
    versions: dict[str, Any] = {}
    shots: dict[str, Any] = {}
    task_hashes: dict[str, str] = {}
    config: _Config = _Config()


def _read(document: Any) -> Iterator[EvaluationCase]:
    report = msgspec.convert(document, _Report)
    for task, values in report.results.items():
        by = {
            "version": report.versions.get(task),
            "shots": report.shots.get(task),
            "hash": report.task_hashes.get(task),
            "limit": report.config.limit,
        }
        for key, value in values.items():
            metric, comma, filtered = key.partition(",")
            if not comma or metric.endswith(_STDERR) or isinstance(value, bool):
                continue
            measured = isinstance(value, (int, float))
            error = values.get(f"{metric}{_STDERR},{filtered}")  # "N/A" where there is none
            higher = report.higher_is_better.get(task, {}).get(metric)
            better: Literal["higher", "lower", ""] = ""
            if higher is not None:
                better = "higher" if higher else "lower"
            yield case(
                [task, key],
                f"{task} {metric}" + (f" ({filtered})" if filtered != "none" else ""),
                CaseResult.MEASURED if measured else CaseResult.ERROR,
                score=number(value) if measured else None,
                better=better,
                error=number(error) if isinstance(error, (int, float)) else 0.0,
                measured_by=by,
            )


KIND = Kind("lm-evaluation-harness", lambda document: has(document, "results", "n-shot"), _read)
