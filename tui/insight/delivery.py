"""How well a model is delivered: the four figures of its deployments, and how many of its runs pass.

Each figure names the runs it came from. What counts as what is said in :data:`MEANING`; times of deployments are
those at which they ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Deployment
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.insight.eta import median

WEEK = 7 * 86400.0

Name = Literal["frequency", "lead time", "change failures", "time to restore", "pass rate"]

MEANING: Mapping[Name, str] = {
    "frequency": "deployments that became the stable version, a week",
    "lead time": "from a commit, or the first run of it that is known, until it was deployed; median",
    "change failures": "versions whose deployment failed or was taken back, of all that were deployed",
    "time to restore": "from such a failure until the next good deployment; median",
    "pass rate": "runs that passed, of those that came to a result",
}


class Figure(msgspec.Struct, frozen=True):
    name: Name
    value: float | None
    """None: there is nothing to tell it from."""
    unit: Literal["a week", "seconds", "percent"]
    count: int
    """How many things it was told from."""
    runs: tuple[Address, ...]
    """Their runs, newest first."""


class _Placed(msgspec.Struct, frozen=True):
    """An attempt to deploy to everybody that came to an end."""

    at: float
    deployment: Deployment

    @property
    def good(self) -> bool:
        return self.deployment.status is Status.PASSED


def figures(
    deployments: Iterable[Deployment],
    runs: Iterable[Run],
    start: float,
    end: float,
    read_since: float | None = None,
) -> tuple[Figure, ...]:
    """The figures of the time from ``start`` to ``end``.

    Args:
        deployments: those of the environment that counts, in any order, older ones than ``start`` too: they tell what
            is a rollback.
        runs: runs of the model's pipelines, in any order.
        read_since: deployments before it are not among ``deployments``; the frequency is over the time since.
    """
    attempts = sorted(
        (
            _Placed(deployment.finished_at, deployment)
            for deployment in deployments
            if deployment.finished_at is not None
            and not deployment.canary
            and deployment.status in (Status.PASSED, Status.FAILED)
            and deployment.finished_at <= end
        ),
        key=lambda entry: (entry.at, entry.deployment.id),
    )
    known_runs = sorted({run.address: run for run in runs}.values(), key=_order)
    back = _taken_back(attempts)
    within = [attempt for attempt in attempts if attempt.at >= start]
    return (
        _frequency(
            [entry for entry in within if entry.good],
            max(start, read_since or start),
            end,
        ),
        _lead_time(_first_placements(attempts), known_runs, start),
        _change_failures(within, back),
        _time_to_restore(attempts, back, start),
        _pass_rate(run for run in known_runs if start <= _began(run) <= end),
    )


def _taken_back(attempts: Sequence[_Placed]) -> frozenset[str]:
    """Ids of the good deployments whose successor was a version that had been there before them."""
    good = [attempt.deployment for attempt in attempts if attempt.good]
    seen: set[str] = set()
    back: set[str] = set()
    for one, following in pairwise(good):
        if following.version in seen and following.version != one.version:
            back.add(one.id)
        seen.add(one.version)
    return frozenset(back)


def _first_placements(attempts: Sequence[_Placed]) -> list[_Placed]:
    """The good deployments of versions that had not been there before: what follows of one is a rollback or a
    repetition."""
    first: dict[str, _Placed] = {}
    for attempt in attempts:
        if attempt.good:
            first.setdefault(attempt.deployment.version, attempt)
    return list(first.values())


def _frequency(placed: Sequence[_Placed], start: float, end: float) -> Figure:
    weeks = (end - start) / WEEK
    value = len(placed) / weeks if weeks > 0 else None
    return Figure("frequency", value, "a week", len(placed), _runs_of(placed))


def _lead_time(placed: Sequence[_Placed], runs: Sequence[Run], start: float) -> Figure:
    seen: dict[str, float] = {}
    for run in runs:
        if run.revision:
            seen.setdefault(run.revision, _began(run))
    measured: list[_Placed] = []
    times: list[float] = []
    for entry in placed:
        at = entry.deployment.committed_at
        if at is None:
            at = seen.get(entry.deployment.revision)
        if at is not None and entry.at >= start:
            measured.append(entry)
            times.append(max(0.0, entry.at - at))
    return Figure("lead time", median(times) if times else None, "seconds", len(times), _runs_of(measured))


def _change_failures(within: Sequence[_Placed], back: frozenset[str]) -> Figure:
    versions = {entry.deployment.version for entry in within}
    failures = [entry for entry in within if not entry.good or entry.deployment.id in back]
    failed = {failure.deployment.version for failure in failures}
    value = 100.0 * len(failed) / len(versions) if versions else None
    return Figure("change failures", value, "percent", len(versions), _runs_of(failures))


def _time_to_restore(attempts: Sequence[_Placed], back: frozenset[str], start: float) -> Figure:
    """Several failures in a row are one: it began with the first of them."""
    times: list[float] = []
    measured: list[_Placed] = []
    broken: _Placed | None = None
    for attempt in attempts:
        if not attempt.good or attempt.deployment.id in back:
            broken = broken or attempt
        elif broken is not None:
            if attempt.at >= start:
                times.append(attempt.at - broken.at)
                measured += [broken, attempt]
            broken = None
    return Figure(
        "time to restore", median(times) if times else None, "seconds", len(times), _runs_of(measured)
    )


def _pass_rate(runs: Iterable[Run]) -> Figure:
    ended = [run for run in runs if run.status in (Status.PASSED, Status.WARNING, Status.FAILED)]
    passed = sum(run.status is not Status.FAILED for run in ended)
    value = 100.0 * passed / len(ended) if ended else None
    return Figure("pass rate", value, "percent", len(ended), tuple(run.address for run in reversed(ended)))


def _runs_of(placed: Sequence[_Placed]) -> tuple[Address, ...]:
    newest = sorted(placed, key=lambda entry: entry.at, reverse=True)
    return tuple(
        dict.fromkeys(entry.deployment.run.of_run for entry in newest if entry.deployment.run is not None)
    )


def _order(run: Run) -> tuple[float, Address]:
    return _began(run), run.address


def _began(run: Run) -> float:
    return run.created_at or run.started_at or 0.0
