"""Test reports as the junit plugin tells them (contracts: jenkins §8)."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from tui.config import JenkinsSettings
from tui.domain.health import Trouble
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome, Suite, TestReport, counted
from tui.insight.stack_traces import message_in
from tui.sources.base import SourceError
from tui.sources.http.bounds import lasted
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.status import shown
from tui.text.safe import clean, clean_lines, shorten

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds a report may take at least: the first to ask makes the controller parse its file."""
LARGEST_REPORT = 32 * 1024 * 1024
"""Bytes; 50 000 cases take about 10 MB."""
_LONGEST_MESSAGE = 500

OUTCOMES: Mapping[str, CaseOutcome] = {
    "PASSED": CaseOutcome.PASSED,
    "FIXED": CaseOutcome.PASSED,
    "FAILED": CaseOutcome.FAILED,
    "REGRESSION": CaseOutcome.FAILED,
    "SKIPPED": CaseOutcome.SKIPPED,
}
"""``status`` of a case. Since junit 1363 nothing is FIXED or REGRESSION any more: ``age`` tells."""


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    pass


class CaseNode(_Payload, frozen=True, gc=False):
    name: str | None = None
    class_name: str | None = None
    status: str | None = None
    skipped: bool | None = None
    age: int | None = None
    failed_since: int | None = None
    duration: float | None = None


class SuiteNode(_Payload, frozen=True):
    name: str | None = None
    enclosing_block_names: tuple[str | None, ...] | None = None
    """The innermost first."""
    cases: tuple[CaseNode, ...] | None = None


class Result(_Payload, frozen=True):
    kind: str = msgspec.field(name="_class", default="")
    suites: tuple[SuiteNode, ...] | None = None
    """None: the report of another plugin, or one that aggregates others."""
    fail_count: int | None = None
    pass_count: int | None = None
    skip_count: int | None = None
    total_count: int | None = None


class Child(_Payload, frozen=True):
    number: int | None = None
    url: str | None = None


class ChildReport(_Payload, frozen=True):
    child: Child | None = None
    result: Result | None = None


class Report(Result, frozen=True):
    child_reports: tuple[ChildReport, ...] | None = None


_SUITES = (
    "_class,failCount,passCount,skipCount,totalCount,"
    "suites[name,enclosingBlockNames,cases[className,name,status,skipped,age,failedSince,duration]]"
)
# Never stdout or stderr: for a case without its own the server repeats its suite's.
REPORT_TREE = f"{_SUITES},childReports[child[number,url],result[{_SUITES}]]"
REPORT = msgspec.json.Decoder(Report)


class SaidNode(_Payload, frozen=True):
    """What one case said."""

    name: str | None = None
    class_name: str | None = None
    error_details: str | None = None
    error_stack_trace: str | None = None
    skipped_message: str | None = None
    stdout: str | None = None
    stderr: str | None = None


class _SaidSuite(_Payload, frozen=True):
    cases: tuple[SaidNode, ...] | None = None


class _SaidResult(_Payload, frozen=True):
    suites: tuple[_SaidSuite, ...] | None = None


class _SaidChild(_Payload, frozen=True):
    result: _SaidResult | None = None


class Said(_SaidResult, frozen=True):
    child_reports: tuple[_SaidChild, ...] | None = None


SAID = msgspec.json.Decoder(Said)


def said_tree(key: CaseKey) -> str:
    """Asks for one case by its place in the report.

    Each case also has a page, but how its name is spelt there differs between versions, and of equal names it is not
    certain which is which.
    """
    child, _, suite = key.place.rpartition("/")
    tree = (
        "suites[cases[className,name,errorDetails,errorStackTrace,skippedMessage,stdout,stderr]"
        f"{{{key.index}}}]{{{suite}}}"
    )
    return f"childReports[result[{tree}]]{{{child}}}" if child else tree


class TestReports:
    """Reads reports. With a client of its own: they may take longer than other answers."""

    __test__ = False

    def __init__(self, wire: Limiter, settings: JenkinsSettings) -> None:
        timeout = max(PATIENCE, settings.timeout)
        self._name = wire.name
        self._client = Client(wire, msgspec.structs.replace(settings, timeout=timeout))

    async def read(self, run_path: str, number: int) -> TestReport:
        """The report of a run that exists; an empty one where it has none, or none yet.

        Raises:
            SourceError
        """
        path = f"{run_path}/testReport/api/json"
        try:
            payload = await self._client.get(path, REPORT, tree=REPORT_TREE, largest=LARGEST_REPORT)
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return TestReport()
            raise
        return await self._client.make(f"GET {path}", lambda: read_report(payload, number))

    async def case(self, run_path: str, key: CaseKey) -> CaseDetails:
        """What one case of that report said.

        Raises:
            SourceError
        """
        path = f"{run_path}/testReport/api/json"
        report = await self._client.get(path, SAID, tree=said_tree(key))
        found = await self._client.make(f"GET {path}", lambda: read_said(report, key))
        if found is None:
            raise SourceError(
                Trouble.NOT_FOUND,
                f"{self._name}: {key.name} is no longer where it was in the report ({path}); read the report again",
            )
        return found

    async def close(self) -> None:
        await self._client.close()


def read_report(payload: Report, number: int) -> TestReport:
    """The report of run ``number``."""
    unknown: Counter[str] = Counter()
    suites = list(_suites(payload, number, "", "", unknown))
    for index, report in enumerate(payload.child_reports or ()):
        name = _child_name(report.child)
        if report.result is not None:
            suites += _suites(report.result, number, name, f"{index}/", unknown)
    notes = [f"{count} with the status {word}, which nobody knows" for word, count in unknown.items()]
    return TestReport(counted(tuple(suites)), tuple(suites), tuple(notes))


def _suites(result: Result, number: int, where: str, place: str, unknown: Counter[str]) -> Iterator[Suite]:
    if result.suites is None:
        if (counts := _counts(result)) is not None and not _aggregates(result):
            kind = shown(result.kind.rpartition(".")[2]) or "unknown"
            yield Suite(
                where or "tests", counts=counts, problem=f"the server lists no cases of its report ({kind})"
            )
        return
    for index, suite in enumerate(result.suites):
        blocks = [clean(name or "") for name in reversed(suite.enclosing_block_names or ())]
        yield Suite(
            name=clean(suite.name or ""),
            cases=tuple(_case(case, number, unknown) for case in suite.cases or ()),
            where=" / ".join(filter(None, (where, *blocks))),
            place=f"{place}{index}",
        )


def _aggregates(result: Result) -> bool:
    return isinstance(result, Report) and result.child_reports is not None


def _counts(result: Result) -> TestCounts | None:
    failed, skipped = result.fail_count or 0, result.skip_count or 0
    total = result.total_count
    if total is None and result.pass_count is not None:
        total = result.pass_count + failed + skipped
    return TestCounts(total, failed, skipped) if total else None


def _case(node: CaseNode, number: int, unknown: Counter[str]) -> Case:
    word = node.status or ("SKIPPED" if node.skipped else "")
    outcome = OUTCOMES.get(word)
    if outcome is None:
        unknown[shown(word)] += 1
        outcome = CaseOutcome.SKIPPED
    # Names are shared: they come again in every report of the pipeline, tens of thousands of them.
    return Case(
        name=sys.intern(clean(node.name or "")),
        classname=sys.intern(clean(node.class_name or "")),
        outcome=outcome,
        duration=lasted(node.duration),
        failed_since=_failed_since(node, number) if outcome is CaseOutcome.FAILED else None,
        fixed=word == "FIXED",
    )


def _failed_since(node: CaseNode, number: int) -> int | None:
    """By its age first: ``failedSince`` counts the runs of a matrix cell or Maven module, not those of the whole."""
    if node.age and 0 < node.age <= number:
        return number - node.age + 1
    if node.failed_since and 0 < node.failed_since <= number:
        return node.failed_since
    return number if node.status == "REGRESSION" else None


def _child_name(child: Child | None) -> str:
    """The cell of a matrix or the module of a Maven build: what stands before the run's number in its URL."""
    parts = (child.url or "" if child else "").rstrip("/").split("/")
    return clean(unquote(parts[-2])) if len(parts) > 1 else ""


def read_said(report: Said, key: CaseKey) -> CaseDetails | None:
    """The details of the case at ``key``; None when another one stands there."""
    result: _SaidResult = report
    if "/" in key.place:
        result = _first(report.child_reports, _SaidChild()).result or _SaidResult()
    node = _first(_first(result.suites, _SaidSuite()).cases, SaidNode())
    if (clean(node.class_name or ""), clean(node.name or "")) != (key.classname, key.name):
        return None
    trace = clean_lines(node.error_stack_trace or "")
    message = node.error_details or node.skipped_message or message_in(trace)
    return CaseDetails(
        message=shorten(clean(message.strip()), _LONGEST_MESSAGE),
        trace=trace,
        output=clean_lines(node.stdout or ""),
        errors=clean_lines(node.stderr or ""),
    )


def _first(items: Sequence[T] | None, otherwise: T) -> T:
    return items[0] if items else otherwise
