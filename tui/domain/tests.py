"""The tests of one run: a report of suites of cases."""

from enum import StrEnum

import msgspec

from tui.domain.pipeline import TestCounts


class CaseOutcome(StrEnum):
    """How a test ended. An error in it is a failure."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Case(msgspec.Struct, frozen=True, gc=False):
    """One test as a list needs it. What it said when it failed is asked for by itself (:class:`CaseDetails`)."""

    name: str
    classname: str
    """What the test is in: a class with its module or package; empty where the report does not say."""
    outcome: CaseOutcome
    duration: float | None = None
    """Seconds."""
    failed_since: int | None = None
    """The run since which it has failed without a break, where the server says so (Jenkins)."""
    fixed: bool = False
    """The server says that it failed in the run before (Jenkins before junit 1363)."""


class CaseKey(msgspec.Struct, frozen=True):
    """One case of one report: its names, and where in the report it stands."""

    suite: str
    """The suite's title."""
    classname: str
    name: str
    place: str = ""
    """The suite's own."""
    index: int = 0
    """Among the cases of the suite."""


class Suite(msgspec.Struct, frozen=True):
    """Cases that were reported together: a file, a class, a GitLab job."""

    name: str
    cases: tuple[Case, ...] = ()
    """In the order of the report."""
    where: str = ""
    """What of the run it belongs to: its stages, its cell of a matrix, its child pipeline."""
    place: str = ""
    """How the source finds it again."""
    counts: TestCounts | None = None
    """What the server counted, where ``cases`` does not hold them all."""
    problem: str = ""
    """Why cases are missing."""

    @property
    def title(self) -> str:
        """What tells it from the other suites of its run, and is the same in every run."""
        return f"{self.where} / {self.name}" if self.where else self.name

    def key(self, index: int) -> CaseKey:
        """The key of the case at ``index``."""
        case = self.cases[index]
        return CaseKey(self.title, case.classname, case.name, self.place, index)


class TestReport(msgspec.Struct, frozen=True):
    """All tests of one run, those of its child pipelines too."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    counts: TestCounts = TestCounts(0, 0, 0)
    suites: tuple[Suite, ...] = ()
    notes: tuple[str, ...] = ()
    """What else a person should know of it, in words."""
    final: bool = True
    """It will not change any more."""


class CaseDetails(msgspec.Struct, frozen=True):
    """What one test said. Texts of several lines are divided by newlines and hold no other control character."""

    message: str = ""
    """Why it failed or was skipped, on one line."""
    trace: str = ""
    """Stack trace, or all that was said of the failure."""
    output: str = ""
    """Standard output."""
    errors: str = ""
    """Standard error."""
    notes: tuple[str, ...] = ()
    final: bool = True
    """It will not change any more."""


def counted(suites: tuple[Suite, ...]) -> TestCounts:
    """The counts of all suites together, the servers' where cases are missing."""
    total = failed = skipped = 0
    for suite in suites:
        if suite.counts is not None:
            total += suite.counts.total
            failed += suite.counts.failed
            skipped += suite.counts.skipped
        else:
            outcomes = [case.outcome for case in suite.cases]
            total += len(outcomes)
            failed += outcomes.count(CaseOutcome.FAILED)
            skipped += outcomes.count(CaseOutcome.SKIPPED)
    return TestCounts(total, failed, skipped)
