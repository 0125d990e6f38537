"""``pipedeck tests``: the tests of one run, once, beside those of the runs before."""

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from xml.etree import ElementTree

import msgspec

from tui.commands.address_errors import NO_RUN, in_a_pipeline_source
from tui.commands.exit_codes import Exit, exit_of
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.pipeline import Pipeline, Run, TestCounts
from tui.domain.tests import Case, CaseDetails, CaseOutcome, TestReport
from tui.engine.cache.disk import disk_cache_for
from tui.engine.queries import CaseOf, PipelinesOf, RunAt, TestsOf
from tui.engine.runtime import Runtime
from tui.insight.tests import Comparison, EarlierRun, JudgedCase, comparable, compare
from tui.presenters.documents import SCHEMA, CaseDoc, RunTestsDoc, SuiteDoc, TestsDoc
from tui.presenters.plain_text import table
from tui.presenters.tests import counts_text, group_cases
from tui.sources.base import SourceError

Kind = Literal["all", "failed", "new"]
Form = Literal["text", "json", "junit"]

MOST_DETAILS = 100
"""Failed cases whose messages and traces are asked for, for a JUnit file."""
_WORDS: Mapping[str, str] = {
    "new": "new failure",
    "known": "known failure",
    "missing": "not known",
    "flaky": "flaky",
    "fixed": "fixed",
    "slowest": "slowest",
}
_GROUPS: Mapping[Kind, Sequence[str]] = {
    "all": tuple(_WORDS),
    "failed": ("new", "known", "missing"),
    "new": ("new",),
}


class _Found(msgspec.Struct, frozen=True):
    run: Run
    report: TestReport
    compared: Comparison
    before: tuple[Run, ...]
    """The runs that it was compared with."""


async def tests(settings: Settings, address: Address, *, kind: Kind, form: Form) -> Exit:
    """Print the tests of the run at ``address``; without a number, of the newest run that has some.

    Exit code 1 when a test failed (with ``new``: when one failed that did not before), 5 when none did but some could
    not be read.
    """
    if not in_a_pipeline_source(settings, address):
        return Exit.USAGE
    runtime = Runtime(settings, history=disk_cache_for(settings))
    try:
        found = await _find(runtime, address)
        if found is None:
            print(f"pipedeck: {address}: {NO_RUN}", file=sys.stderr)
            return Exit.USAGE
        match form:
            case "text":
                print(_text(found, kind, runtime.sources.now(address.source)))
            case "json":
                document = tests_document(
                    found.run, found.report, found.compared, found.before, _wanted(found, kind)
                )
                print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
            case "junit":
                print(junit(found.report, _wanted(found, kind), await _said(runtime, found, kind)))
        return _outcome(found, kind)
    except SourceError as error:
        print(f"pipedeck: {error.message}", file=sys.stderr)
        return exit_of(error.trouble)
    finally:
        await runtime.close()


# --- what is asked ------------------------------------------------------------------------------------------------


async def _find(runtime: Runtime, address: Address) -> _Found | None:
    listing = await runtime.poller.ask(PipelinesOf(address.source))
    pipelines = [each for each in listing.pipelines if each.address == address.pipeline]
    if address.run is None:
        run = _newest(pipelines)
    else:
        listed = (run for each in pipelines for run in each.runs if run.address == address.of_run)
        run = next(listed, None)
        if run is None:
            run = await runtime.poller.ask(RunAt(address.of_run))
    if run is None:
        return None
    report = await runtime.poller.ask(TestsOf(run.address))
    # Of a GitLab project each ref is a pipeline of its own.
    own = [each for each in pipelines if run in each.runs or each.ref in ("", run.ref)]
    before = comparable(run, own[0].runs) if own and report.suites else []
    earlier = []
    for other in before:
        try:
            earlier.append(EarlierRun(other, await runtime.poller.ask(TestsOf(other.address))))
        except SourceError as error:
            print(f"pipedeck: not compared with {other.address}: {error.message}", file=sys.stderr)
    compared = compare(report, run, earlier)
    return _Found(
        run, report, compared, tuple(each for each in before if each.address.run in compared.against)
    )


def _newest(pipelines: Sequence[Pipeline]) -> Run | None:
    runs = [run for each in pipelines for run in each.runs]
    with_tests = [run for run in runs if run.tests is not None and run.tests.total]
    return max(with_tests or runs, key=lambda run: run.started_at or run.created_at or 0.0, default=None)


async def _said(runtime: Runtime, found: _Found, kind: Kind) -> Mapping[tuple[int, int], CaseDetails]:
    """What the failed cases said, as far as it could be read."""
    failed = [
        place for place in _wanted(found, kind) if _case(found.report, place).outcome is CaseOutcome.FAILED
    ]
    if len(failed) > MOST_DETAILS:
        print(
            f"pipedeck: {len(failed)} failed; messages and traces are in the first {MOST_DETAILS} of them",
            file=sys.stderr,
        )

    async def ask(place: tuple[int, int]) -> CaseDetails:
        suite = found.report.suites[place[0]]
        try:
            return await runtime.poller.ask(CaseOf(found.run.address, suite.key(place[1])))
        except SourceError as error:
            return CaseDetails(f"(not read: {error.message})")

    asked = failed[:MOST_DETAILS]
    return dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))


# --- what is printed ----------------------------------------------------------------------------------------------


def _case(report: TestReport, place: tuple[int, int]) -> Case:
    return report.suites[place[0]].cases[place[1]]


def _wanted(found: _Found, kind: Kind) -> list[tuple[int, int]]:
    """Indexes of suite and case of all cases that are to be printed, in the order of the report."""
    if kind == "new":
        return sorted((each.suite, each.index) for each in found.compared.new)
    return [
        (s, i)
        for s, suite in enumerate(found.report.suites)
        for i, case in enumerate(suite.cases)
        if kind == "all" or case.outcome is CaseOutcome.FAILED
    ]


def _outcome(found: _Found, kind: Kind) -> Exit:
    if found.compared.new or (kind != "new" and found.report.counts.failed):
        return Exit.FAILED
    if any(suite.problem for suite in found.report.suites):
        return Exit.UNKNOWN
    return Exit.OK


def _text(found: _Found, kind: Kind, now: float) -> str:
    report = found.report
    lines = [f"{found.run.address}  {counts_text(report.counts) or 'no tests were reported'}"]
    if found.before:
        lines.append(f"compared with {' '.join(f'#{run.address.run_text}' for run in found.before)}")
    lines += report.notes
    groups = {group.id: group for group in group_cases(report, found.compared, now)}
    rows = [
        (_WORDS[id], line.name, line.where, line.time, line.note)
        for id in _GROUPS[kind]
        if id in groups
        for line in groups[id].lines
    ]
    return "\n".join([*lines, *([table(("WHAT", "TEST", "IN", "TIME", "NOTE"), rows)] if rows else [])])


def tests_document(
    run: Run,
    report: TestReport,
    found: Comparison,
    before: Sequence[Run],
    wanted: Sequence[tuple[int, int]],
) -> RunTestsDoc:
    """The report with the cases at the ``wanted`` places."""
    judged: dict[tuple[int, int], JudgedCase] = {
        (each.suite, each.index): each for each in (*found.flaky, *found.fixed, *found.known, *found.new)
    }
    new = {(each.suite, each.index) for each in found.new}
    fixed = {(each.suite, each.index) for each in found.fixed}
    nothing = JudgedCase(0, 0)
    return RunTestsDoc(
        schema=SCHEMA,
        address=str(run.address),
        status=run.status.value,
        tests=_counts(report.counts),
        final=report.final,
        compared_with=tuple(str(each.address) for each in before),
        notes=report.notes,
        suites=tuple(
            SuiteDoc(suite.name, suite.where, _counts(suite.counts) if suite.counts else None, suite.problem)
            for suite in report.suites
        ),
        cases=tuple(
            CaseDoc(
                suite=s,
                classname=_case(report, (s, i)).classname,
                name=_case(report, (s, i)).name,
                outcome=_case(report, (s, i)).outcome.value,
                duration=_case(report, (s, i)).duration,
                new=(s, i) in new,
                fixed=(s, i) in fixed,
                since=judged.get((s, i), nothing).since,
                flaky=judged.get((s, i), nothing).flaky,
            )
            for s, i in wanted
        ),
    )


def _counts(counts: TestCounts) -> TestsDoc:
    return TestsDoc(counts.total, counts.failed, counts.skipped)


# No XML may hold them, not even as references.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(
    report: TestReport, wanted: Sequence[tuple[int, int]], said: Mapping[tuple[int, int], CaseDetails]
) -> str:
    """The cases at the ``wanted`` places as a JUnit file."""
    root = ElementTree.Element("testsuites", _totals([_case(report, place) for place in wanted]))
    for s, suite in enumerate(report.suites):
        places = [place for place in wanted if place[0] == s]
        if not places and not suite.problem:
            continue
        cases = [_case(report, place) for place in places]
        element = ElementTree.SubElement(root, "testsuite", {"name": _xml(suite.title), **_totals(cases)})
        if suite.problem:
            ElementTree.SubElement(element, "system-err").text = _xml(suite.problem)
        for place, case in zip(places, cases, strict=True):
            element.extend(_testcase(case, said.get(place, CaseDetails())))
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
