"""The failed tests of a run at a glance."""

from tests.examples import run
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status
from tui.domain.tests import Case, CaseOutcome, Suite, TestReport, counted
from tui.insight.failures import MOST, failures
from tui.insight.tests import EarlierRun

NINE, EIGHT = run("j:a#9", Status.FAILED), run("j:a#8", Status.FAILED)


def report(failed: str, *, all: str = "abcd", since: int | None = None) -> TestReport:
    cases = tuple(
        Case(
            each,
            "T",
            CaseOutcome.FAILED if each in failed else CaseOutcome.PASSED,
            failed_since=since if each in failed else None,
        )
        for each in all
    )
    suites = (Suite("unit", cases),)
    return TestReport(counted(suites), suites)


def test_new_ones_come_first() -> None:
    found = failures(report("bd"), NINE, (EarlierRun(EIGHT, report("b")),))
    assert [(case.name, case.new, case.since) for case in found.cases] == [("d", True, None), ("b", False, 8)]
    assert (found.new, found.counts) == (1, TestCounts(4, 2, 0))


def test_without_an_earlier_report_nobody_knows_unless_the_server_does() -> None:
    found = failures(report("b"), NINE)
    assert [(case.new, case.since) for case in found.cases] == [(None, None)]
    assert found.new is None
    told = failures(report("b", since=9), NINE)
    assert (told.new, told.cases[0].new) == (1, True)
    known = failures(report("b", since=3), NINE)
    assert (known.new, known.cases[0].since) == (0, 3)


def test_of_very_many_few_are_named_and_what_is_missing_is_told() -> None:
    many = "".join(map(chr, range(300, 400)))
    found = failures(report(many, all=many), NINE, (EarlierRun(EIGHT, report("", all=many)),))
    assert (len(found.cases), found.new) == (MOST, 100)
    expired = TestReport(
        TestCounts(3, 1, 0), (Suite("gpu", problem="it has expired"),), ("GitLab may be reading",)
    )
    assert failures(expired, NINE).notes == ("GitLab may be reading", "gpu: it has expired")
