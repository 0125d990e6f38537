"""The tests of a run as groups of lines: what the pane and the command both print. Pure, no colours, no widths."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from tui.domain.address import spelled_run
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseOutcome, TestReport
from tui.insight.stack_traces import place_in
from tui.insight.tests import Comparison, JudgedCase
from tui.text import format as fmt

FOLDED = frozenset({"passed", "skipped"})
"""Groups that are closed at first."""


class CaseLine(msgspec.Struct, frozen=True, gc=False):
    """One case, or one suite that lacks cases, in one group."""

    key: str
    """Group, index of the suite and index of the case (-1: the suite itself), divided by spaces."""
    outcome: CaseOutcome | None
    """None for a suite."""
    name: str
    where: str
    """Its class, else its suite."""
    time: str
    note: str
    """Since when it fails, why it is taken for flaky, what is wrong with a suite."""


class CaseGroup(msgspec.Struct, frozen=True):
    id: str
    title: str
    says: str
    """What its cases have in common, in a sentence."""
    size: int
    """How many lines it has, also while they are not shown."""
    lines: tuple[CaseLine, ...]
    """None of them while it is closed."""


_TITLES: Mapping[str, tuple[str, str]] = {
    "new": ("New failures", "Failed now, and not in the last run before that ran them."),
    "known": ("Known failures", "Failed now and before; those that fail longest come first."),
    "missing": ("Not known", "What these suites hold could not be read."),
    "flaky": ("Flaky", "Passed and failed on one revision, or changed again and again in the last runs."),
    "fixed": ("Fixed", "Passed now, and failed in the last run before that ran them."),
    "slowest": ("Slowest", "Took most of the time."),
    "passed": ("Passed", ""),
    "skipped": ("Skipped", ""),
}
_PENDING = ("Failed", "Failed now; the runs before are still being read.")


def group_cases(
    report: TestReport,
    found: Comparison,
    now: float,
    *,
    pending: bool = False,
    needle: str = "",
    closed: frozenset[str] = FOLDED,
) -> list[CaseGroup]:
    """The groups that are not empty, in the order of their weight.

    Args:
        pending: earlier reports are still being read: what is new is not known yet unless the server says so.
        needle: show only what holds each of its words.
        closed: groups whose lines are not wanted.
    """
    matches = _matcher(report, needle)
    groups = []
    for id, (title, says) in _TITLES.items():
        if (
            id == "new"
            and pending
            and any(_case(report, failure).failed_since is None for failure in found.new)
        ):
            title, says = _PENDING
        lines: tuple[CaseLine, ...] = ()
        size = 0
        if id in ("passed", "skipped"):
            listed = ((s, i) for s, i in _listed(report, CaseOutcome(id)) if matches(s, i))
            if id in closed and not needle:
                size = sum(1 for _ in listed)
            else:
                lines = _told_apart(report, tuple(_line(report, id, s, i, "") for s, i in listed))
        else:
            lines = _told_apart(report, tuple(_group_lines(report, found, id, now, matches)))
        if size := size or len(lines):
            groups.append(CaseGroup(id, title, says, size, () if id in closed else lines))
    return groups


def _told_apart(report: TestReport, lines: tuple[CaseLine, ...]) -> tuple[CaseLine, ...]:
    """The lines, those that are else the same with their suites: one test in several cells of a matrix."""
    same = Counter((line.name, line.where) for line in lines)
    return tuple(
        msgspec.structs.replace(line, where=_in_suite(report, line))
        if same[line.name, line.where] > 1
        else line
        for line in lines
    )


def _in_suite(report: TestReport, line: CaseLine) -> str:
    suite = report.suites[int(line.key.split(" ")[1])]
    place = suite.where or suite.name
    return f"{place}  {line.where}" if place and place not in line.where else line.where


_Matches = Callable[[int, int], bool]


def _matcher(report: TestReport, needle: str) -> _Matches:
    words = needle.lower().split()
    if not words:
        return lambda s, i: True

    def matches(s: int, i: int) -> bool:
        suite = report.suites[s]
        case = suite.cases[i] if i >= 0 else None
        shown = f"{case.name} {case.classname} {suite.title}" if case else suite.title
        shown = shown.lower()
        return all(word in shown for word in words)

    return matches


def _listed(report: TestReport, outcome: CaseOutcome) -> Iterator[tuple[int, int]]:
    for s, suite in enumerate(report.suites):
        for i, case in enumerate(suite.cases):
            if case.outcome is outcome:
                yield s, i


def _group_lines(
    report: TestReport, found: Comparison, id: str, now: float, matches: _Matches
) -> Iterator[CaseLine]:
    if id == "missing":
        for s, suite in enumerate(report.suites):
            if suite.problem and matches(s, -1):
                yield CaseLine(
                    f"{id} {s} -1", None, suite.title, counts_text(suite.counts), "", suite.problem
                )
        return
    judged: Iterable[JudgedCase] = getattr(found, id)
    for case in judged:
        if matches(case.suite, case.index):
            yield _line(report, id, case.suite, case.index, _note(id, case, now))


def _note(id: str, case: JudgedCase, now: float) -> str:
    if id == "slowest":
        return ""
    since = ""
    if case.since is not None and id in ("known", "fixed"):
        age = f", {fmt.ago(now - case.since_at)}" if case.since_at is not None else ""
        since = f"{'failed ' if id == 'fixed' else ''}since #{spelled_run(case.since)}{age}"
    flaky = case.flaky if id == "flaky" or not case.flaky else f"flaky: {case.flaky}"
    return "; ".join(filter(None, (since, flaky)))


def _line(report: TestReport, id: str, s: int, i: int, note: str) -> CaseLine:
    suite = report.suites[s]
    case = suite.cases[i]
    return CaseLine(f"{id} {s} {i}", case.outcome, case.name, case.classname or suite.title, took(case), note)


def _case(report: TestReport, case: JudgedCase) -> Case:
    return report.suites[case.suite].cases[case.index]


def took(case: Case) -> str:
    """How long a test took: ``12ms``, ``1.2s``, ``3m 12s``."""
    if case.duration is None or case.outcome is CaseOutcome.SKIPPED:
        return ""
    millis = round(max(0.0, case.duration) * 1000)
    if millis < 1000:
        return f"{millis}ms"
    return f"{case.duration:.1f}s" if case.duration < 60 else fmt.duration(case.duration)


def counts_text(counts: TestCounts | None) -> str:
    """``3 of 240 failed, 2 skipped``; empty without tests."""
    if counts is None or not counts.total:
        return ""
    failed = f"{counts.failed:,} of {counts.total:,} failed" if counts.failed else f"{counts.total:,} passed"
    if not counts.failed and counts.skipped:
        failed = f"{counts.total - counts.skipped:,} passed"
    return f"{failed}, {counts.skipped:,} skipped" if counts.skipped else failed


def details_lines(details: CaseDetails) -> list[tuple[str, str]]:
    """What a case said, line by line, each with the role of its colour."""
    place = place_in(details.trace)
    lines = [(details.message, "failed")] if details.message else []
    if place:
        lines.append((place, "accent"))
    lines += [(note, "warning") for note in details.notes]
    for title, text in (("", details.trace), ("Output", details.output), ("Errors", details.errors)):
        if text and text != details.message:
            lines += [(f"── {title}", "dim")] if title else []
            lines += [(line, "") for line in text.split("\n")]
    return lines or [("It said nothing.", "dim")]
