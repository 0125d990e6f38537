"""What a test report means beside those of earlier runs: what is newly broken, what was so before, what is flaky."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from tui.domain.address import RunId
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.tests import Case, CaseOutcome, TestReport

EARLIER = 5
"""Earlier runs that a report is compared with."""
FLIPS = 3
"""Changes between passed and failed that make a test flaky. A break and its repair are two."""
SLOWEST = 10

Identity = tuple[str, str, str]
"""What a test is known by in every run: the title of its suite, its class and its name."""

_PASSED, _FAILED = 1, 2
_FLAGS: Mapping[CaseOutcome, int] = {
    CaseOutcome.PASSED: _PASSED,
    CaseOutcome.FAILED: _FAILED,
    CaseOutcome.SKIPPED: 0,
}


class EarlierRun(msgspec.Struct, frozen=True):
    """An earlier run and its tests."""

    run: Run
    report: TestReport


class JudgedCase(msgspec.Struct, frozen=True):
    """One case of a report in the light of earlier ones."""

    suite: int
    """Index of its suite in the report."""
    index: int
    """Index among the cases of the suite."""
    since: RunId | None = None
    """RUN of the run in which it began to fail without a break; of a fixed one, had begun to."""
    since_at: float | None = None
    """When that run began, where that is known."""
    flaky: str = ""
    """Why it is taken for flaky; empty for one that is not."""


class Comparison(msgspec.Struct, frozen=True):
    """Each failed case of a report is either new or known. Flaky and slowest ones stand in other groups too."""

    new: tuple[JudgedCase, ...] = ()
    """Failed, and not in the last run before that ran it."""
    known: tuple[JudgedCase, ...] = ()
    """Failed, as in the run before; the oldest first."""
    flaky: tuple[JudgedCase, ...] = ()
    fixed: tuple[JudgedCase, ...] = ()
    """Passed after having failed in the last run before that ran it."""
    slowest: tuple[JudgedCase, ...] = ()
    """The slowest first."""
    against: tuple[RunId, ...] = ()
    """RUN of the runs that it was compared with, newest first; not of those whose cases are not known."""


def comparable(run: Run, runs: Sequence[Run]) -> list[Run]:
    """Those of ``runs`` (of one branch, newest first) whose tests say what was before ``run``: at most ``EARLIER``.

    A canceled run says little; one that reported no tests, nothing. One that waits for a person has most often run its
    tests before.
    """
    numbers = [other.address.run for other in runs]
    if run.address.run in numbers:
        older = runs[numbers.index(run.address.run) + 1 :]
    else:
        older = [other for other in runs if _age(other) < _age(run)]
    tests_listed = any(other.tests for other in runs)  # not every listing counts tests
    settled = (Status.PASSED, Status.WARNING, Status.FAILED, Status.WAITING)
    return [
        other
        for other in older
        if other.status in settled and (not tests_listed or (other.tests is not None and other.tests.total))
    ][:EARLIER]


def compare(report: TestReport, run: Run, earlier: Sequence[EarlierRun] = ()) -> Comparison:
    """``report`` of ``run`` beside those of ``earlier`` runs of the same branch, newest first.

    Each case is compared with the last run that ran it: one that lacks it or skipped it says nothing of it. Where the
    server itself says since when a case fails, the longer time counts.
    """
    runs = [run, *(past.run for past in earlier)]
    reports = [report, *(past.report for past in earlier)]
    names = {name for test_report in reports for name in _of_interest(test_report)}
    seen = [_outcomes(test_report, names) for test_report in reports]
    times = {past_run.address.run: past_run.started_at for past_run in runs}
    new: list[JudgedCase] = []
    known: list[JudgedCase] = []
    flaky: list[JudgedCase] = []
    fixed: list[JudgedCase] = []
    for s, suite in enumerate(report.suites):
        title = suite.title
        for i, case in enumerate(suite.cases):
            if case.name not in names:
                continue
            identity = title, case.classname, case.name
            past = [
                (r, flags)
                for r, outcomes in zip(runs, seen, strict=True)
                if (flags := outcomes.get(identity, 0))
            ]
            why = _flaky(past)
            if case.outcome is CaseOutcome.FAILED:
                number = _began(past)
                if case.failed_since is not None and not (
                    isinstance(number, int) and number <= case.failed_since
                ):
                    number = case.failed_since
                judged = JudgedCase(s, i, number, times.get(number), why)
                (new if number == run.address.run else known).append(judged)
            elif case.outcome is CaseOutcome.PASSED and past[0][1] == _PASSED and _failed_before(case, past):
                number = _began(past[1:])
                judged = JudgedCase(s, i, number, times.get(number), why)
                fixed.append(judged)
            else:
                judged = JudgedCase(s, i, flaky=why)
            if why:
                flaky.append(judged)
    places = {past_run.address.run: -place for place, past_run in enumerate(runs)}
    known.sort(key=lambda case: case.since if isinstance(case.since, int) else places.get(case.since, 0))
    return Comparison(
        new=tuple(new),
        known=tuple(known),
        flaky=tuple(flaky),
        fixed=tuple(fixed),
        slowest=_slowest(report),
        against=tuple(
            past.run.address.run
            for past in earlier
            if past.run.address.run is not None and any(suite.cases for suite in past.report.suites)
        ),
    )


def _age(run: Run) -> tuple[int, float]:
    """What orders the runs of a pipeline: the number, or else the time."""
    return run.address.number or 0, run.started_at or run.created_at or 0.0


_Past = Sequence[tuple[Run, int]]
"""Runs that ran one test, newest first, with how it ended there; both flags where it was run more than once."""


def _of_interest(report: TestReport) -> Iterable[str]:
    """Names of the cases that can be more than passed or skipped. Of 50 000 they are a few."""
    for suite in report.suites:
        for case in suite.cases:
            if case.outcome is CaseOutcome.FAILED or case.fixed:
                yield case.name


def _outcomes(report: TestReport, names: set[str]) -> Mapping[Identity, int]:
    found: dict[Identity, int] = {}
    for suite in report.suites:
        title = suite.title
        for case in suite.cases:
            if case.name in names:
                identity = title, case.classname, case.name
                found[identity] = found.get(identity, 0) | _FLAGS[case.outcome]
    return found


def _began(past: _Past) -> RunId | None:
    """RUN of the oldest run of those that failed without a break, from the first one on."""
    number = None
    for run, flags in past:
        if not flags & _FAILED:
            break
        number = run.address.run
    return number


def _failed_before(case: Case, past: _Past) -> bool:
    return past[1][1] == _FAILED if len(past) > 1 else case.fixed


def _flaky(past: _Past) -> str:
    by_revision: dict[str, int] = {}
    for run, flags in past:
        if flags == _PASSED | _FAILED:
            return f"passed and failed in #{run.address.run_text}"
        if run.revision:
            by_revision[run.revision] = by_revision.get(run.revision, 0) | flags
    for revision, flags in by_revision.items():
        if flags == _PASSED | _FAILED:
            return f"passed and failed on {revision[:8]}"
    changes = sum(before[1] != after[1] for after, before in pairwise(past))
    return f"changed {changes} times in {len(past)} runs" if changes >= FLIPS else ""


def _slowest(report: TestReport) -> tuple[JudgedCase, ...]:
    timed = (
        (case.duration, -s, -i)
        for s, suite in enumerate(report.suites)
        for i, case in enumerate(suite.cases)
        if case.duration
    )
    return tuple(JudgedCase(-s, -i) for _, s, i in heapq.nlargest(SLOWEST, timed))
