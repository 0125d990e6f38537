"""The failed tests of a run, few enough to be read at a glance."""

import msgspec

from tui.domain.address import RunId
from tui.domain.pipeline import Run, TestCounts
from tui.domain.tests import TestReport
from tui.insight.tests import EarlierRun, JudgedCase, compare

MOST = 20
"""Tests that are named."""


class FailedCase(msgspec.Struct, frozen=True):
    name: str
    where: str
    """Its class, else its suite."""
    new: bool | None
    """It did not fail in the last run before that ran it; None: nobody knows."""
    since: RunId | None = None
    """RUN of the run in which a known one began to fail."""
    flaky: str = ""


class Failures(msgspec.Struct, frozen=True):
    counts: TestCounts
    cases: tuple[FailedCase, ...] = ()
    """New ones first; of very many the first."""
    new: int | None = None
    """How many are new; None: nobody knows."""
    notes: tuple[str, ...] = ()
    """What else is to be known of the report."""
    final: bool = True


def failures(report: TestReport, run: Run, earlier: tuple[EarlierRun, ...] = ()) -> Failures:
    """What failed in ``report`` of ``run``, beside those ``earlier`` reports that are known."""
    found = compare(report, run, earlier)
    compared = bool(found.against)

    def case(each: JudgedCase, new: bool) -> FailedCase:
        suite = report.suites[each.suite]
        test_case = suite.cases[each.index]
        known = compared or test_case.failed_since is not None
        return FailedCase(
            test_case.name,
            test_case.classname or suite.title,
            new if known else None,
            each.since if known and not new else None,
            each.flaky,
        )

    new = [case(each, True) for each in found.new]
    cases = [*new, *(case(each, False) for each in found.known)]
    problems = [f"{suite.title}: {suite.problem}" for suite in report.suites if suite.problem]
    return Failures(
        report.counts,
        tuple(cases[:MOST]),
        len(new) if all(each.new is not None for each in cases) else None,
        (*report.notes, *problems),
        report.final,
    )
