"""The tests of a run as documents: the JSON of ``pipedeck tests --json``, and a JUnit file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

import msgspec

from tui.domain.address import RunId
from tui.domain.evaluation import EvaluationComparison
from tui.domain.pipeline import Run
from tui.domain.tests import Case, CaseDetails, CaseOutcome, Suite, TestReport
from tui.insight.tests import Comparison, JudgedCase
from tui.presenters.documents import SCHEMA, TestsDoc, document_of
from tui.presenters.evaluation import EvaluationDoc, evaluation_documents


class SuiteDoc(msgspec.Struct, frozen=True):
    name: str
    where: str
    tests: TestsDoc | None
    problem: str


class CaseDoc(msgspec.Struct, frozen=True):
    suite: int
    classname: str
    name: str
    outcome: str
    duration: float | None
    new: bool
    fixed: bool
    since: RunId | None
    flaky: str


class RunTestsDoc(msgspec.Struct, frozen=True):
    schema: int
    address: str
    status: str
    tests: TestsDoc
    final: bool
    compared_with: tuple[str, ...]
    notes: tuple[str, ...]
    suites: tuple[SuiteDoc, ...]
    cases: tuple[CaseDoc, ...]
    evaluations: tuple[EvaluationDoc, ...]


def case_at(report: TestReport, place: tuple[int, int]) -> Case:
    """The case at the indexes of its suite and of itself."""
    return report.suites[place[0]].cases[place[1]]


def tests_document(
    run: Run,
    report: TestReport,
    found: Comparison,
    before: Sequence[Run],
    wanted: Sequence[tuple[int, int]],
    evaluations: Sequence[EvaluationComparison],
) -> RunTestsDoc:
    """The report with the cases at the ``wanted`` places."""
    judged: dict[tuple[int, int], JudgedCase] = {
        (case.suite, case.index): case for case in (*found.flaky, *found.fixed, *found.known, *found.new)
    }
    new = {(case.suite, case.index) for case in found.new}
    fixed = {(case.suite, case.index) for case in found.fixed}
    nothing = JudgedCase(0, 0)
    return RunTestsDoc(
        schema=SCHEMA,
        address=str(run.address),
        status=run.status.value,
        tests=document_of(TestsDoc, report.counts),
        final=report.final,
        compared_with=tuple(str(run.address) for run in before),
        notes=report.notes,
        evaluations=evaluation_documents(evaluations),
        suites=tuple(document_of(SuiteDoc, suite, tests=_counts(suite)) for suite in report.suites),
        cases=tuple(
            document_of(
                CaseDoc,
                case_at(report, place),
                suite=place[0],
                new=place in new,
                fixed=place in fixed,
                since=judged.get(place, nothing).since,
                flaky=judged.get(place, nothing).flaky,
            )
            for place in wanted
        ),
    )


def _counts(suite: Suite) -> TestsDoc | None:
    return document_of(TestsDoc, suite.counts) if suite.counts is not None else None


# No XML may hold them, not even as references.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(
    report: TestReport, wanted: Sequence[tuple[int, int]], details: Mapping[tuple[int, int], CaseDetails]
) -> str:
    """The cases at the ``wanted`` places as a JUnit file."""
    root = ElementTree.Element("testsuites", _totals([case_at(report, place) for place in wanted]))
    for s, suite in enumerate(report.suites):
        places = [place for place in wanted if place[0] == s]
        if not places and not suite.problem:
            continue
        cases = [case_at(report, place) for place in places]
        element = ElementTree.SubElement(root, "testsuite", {"name": _xml(suite.title), **_totals(cases)})
        if suite.problem:
            ElementTree.SubElement(element, "system-err").text = _xml(suite.problem)
        for place, case in zip(places, cases, strict=True):
            element.extend(_testcase(case, details.get(place, CaseDetails())))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _totals(cases: Sequence[Case]) -> dict[str, str]:
    outcomes = [case.outcome for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(outcomes.count(CaseOutcome.FAILED)),
        "skipped": str(outcomes.count(CaseOutcome.SKIPPED)),
        "time": f"{sum(case.duration or 0.0 for case in cases):.3f}",
    }


def _testcase(case: Case, details: CaseDetails) -> Iterator[ElementTree.Element]:
    names = {"classname": _xml(case.classname), "name": _xml(case.name)}
    if case.duration is not None:
        names["time"] = f"{case.duration:.3f}"
    element = ElementTree.Element("testcase", names)
    if case.outcome is CaseOutcome.FAILED:
        failure = ElementTree.SubElement(element, "failure", {"message": _xml(details.message)})
        failure.text = _xml(details.trace)
    elif case.outcome is CaseOutcome.SKIPPED:
        ElementTree.SubElement(element, "skipped")
    for tag, text in (("system-out", details.output), ("system-err", details.errors)):
        if text:
            ElementTree.SubElement(element, tag).text = _xml(text)
    yield element


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", text)
