"""GitLab's test reports and summaries as the program's words (contracts: gitlab §3.4). All text is cleaned here."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome, Suite
from tui.sources.gitlab.read.test_suites import OUTCOMES, case_details
from tui.sources.http.bounds import lasted
from tui.text.safe import clean, shorten


class CaseNode(msgspec.Struct, frozen=True):
    name: str | None = None
    classname: str | None = None
    status: str | None = None
    execution_time: float | None = None
    system_output: msgspec.Raw = msgspec.Raw(b"null")
    """Undecoded: it may be megabytes, and it may be an object."""
    stack_trace: msgspec.Raw = msgspec.Raw(b"null")
    recent_failures: msgspec.Raw = msgspec.Raw(b"null")


class SuiteNode(msgspec.Struct, frozen=True):
    name: str | None = None
    suite_error: str | None = None
    test_cases: tuple[CaseNode, ...] | None = None


class Report(msgspec.Struct, frozen=True):
    test_suites: tuple[SuiteNode, ...] | None = None


class SummarySuite(msgspec.Struct, frozen=True):
    name: str | None = None
    total_count: int | None = None
    failed_count: int | None = None
    skipped_count: int | None = None
    error_count: int | None = None
    build_ids: tuple[int, ...] | None = None
    suite_error: str | None = None

    @property
    def counts(self) -> TestCounts:
        failed = (self.failed_count or 0) + (self.error_count or 0)
        return TestCounts(self.total_count or 0, failed, self.skipped_count or 0)


class Summary(msgspec.Struct, frozen=True):
    test_suites: tuple[SummarySuite, ...] | None = None


REPORT = msgspec.json.Decoder(Report)
SUMMARY = msgspec.json.Decoder(Summary)

Details = Mapping[tuple[str, str, str], CaseDetails]
"""What the failed cases of a report said, by title of the suite, class and name."""


class ReadReport(msgspec.Struct, frozen=True):
    suites: tuple[Suite, ...]
    details: Details
    notes: tuple[str, ...]


def read_report(report: Report, expected: Sequence[SummarySuite], id: int, where: str) -> ReadReport:
    """The suites of a report, beside those that the summary made us expect; and what its failed cases said."""
    reported = {test_suite.name or "": test_suite for test_suite in report.test_suites or ()}
    details: dict[tuple[str, str, str], CaseDetails] = {}
    unknown: Counter[str] = Counter()
    suites: list[Suite] = []
    for summary in expected:
        found = reported.pop(summary.name or "", SuiteNode())
        if found.test_cases:
            suites.append(_suite(found, summary.build_ids or (), id, where, details, unknown))
            continue
        problem = summary.suite_error or found.suite_error
        if not problem and summary.counts.total:
            problem = "its report has expired, or GitLab has not read it yet"
        suites.append(without_cases(summary, id, where, problem or ""))
    for left in reported.values():
        suites.append(_suite(left, (), id, where, details, unknown))
    notes = tuple(f"{count} with the status {word}, which nobody knows" for word, count in unknown.items())
    return ReadReport(tuple(suites), details, notes)


def without_cases(summary: SummarySuite, id: int, where: str, problem: str) -> Suite:
    return Suite(
        name=clean(summary.name or ""),
        where=where,
        place=_place(id, summary.build_ids or ()),
        counts=summary.counts,
        problem=shorten(clean(problem), 300),
    )


def _place(id: int, builds: Iterable[int]) -> str:
    return f"{id}:{','.join(map(str, builds))}"


def _suite(
    node: SuiteNode,
    builds: Iterable[int],
    id: int,
    where: str,
    details: dict[tuple[str, str, str], CaseDetails],
    unknown: Counter[str],
) -> Suite:
    cases = []
    suite = Suite(
        clean(node.name or ""), where=where, place=_place(id, builds), problem=clean(node.suite_error or "")
    )
    title = suite.title
    for test_case in node.test_cases or ():
        # Names are shared: they come again in every report of the project, tens of thousands of them.
        name, classname = (
            sys.intern(clean(test_case.name or "")),
            sys.intern(clean(test_case.classname or "")),
        )
        outcome = OUTCOMES.get(test_case.status or "")
        if outcome is None:
            unknown[shorten(clean(test_case.status or ""), 40)] += 1
            outcome = CaseOutcome.SKIPPED
        cases.append(Case(name, classname, outcome, lasted(test_case.execution_time)))
        if outcome is CaseOutcome.FAILED:
            details.setdefault((title, classname, name), _details(test_case))
    return msgspec.structs.replace(suite, cases=tuple(cases))


def find(report: Report, key: CaseKey) -> CaseDetails | None:
    """The details of the case; of several of its name, those of the first."""
    for suite in report.test_suites or ():
        name = clean(suite.name or "")
        if key.suite != name and not key.suite.endswith(f" / {name}"):
            continue
        for test_case in suite.test_cases or ():
            if (clean(test_case.classname or ""), clean(test_case.name or "")) == (key.classname, key.name):
                return _details(test_case)
    return None


def _details(node: CaseNode) -> CaseDetails:
    return case_details(
        *(msgspec.json.decode(raw) for raw in (node.system_output, node.stack_trace, node.recent_failures))
    )
