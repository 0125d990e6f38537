from collections.abc import Sequence
from typing import Any

import pytest

from tests.examples import NOW, run
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseOutcome, Suite, TestReport
from tui.insight.tests import Comparison, EarlierRun, JudgedCase, compare
from tui.presenters.tests import FOLDED, CaseGroup, counts_text, details_lines, group_cases, took

P, F, S = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED


def report(*cases: Case, problem: str = "") -> TestReport:
    return TestReport(suites=(Suite("unit", cases, where="Test", problem=problem),))


def groups(
    now: TestReport, *before: TestReport, closed: frozenset[str] = frozenset(), **more: Any
) -> list[CaseGroup]:
    earlier = [
        EarlierRun(run(f"ci:train#{9 - n}", started_at=NOW - 3600), each) for n, each in enumerate(before)
    ]
    found = compare(now, run("ci:train#10"), earlier)
    return group_cases(now, found, NOW, closed=closed, **more)


def texts(found: Sequence[CaseGroup]) -> list[str]:
    return [
        " | ".join(part for part in (group.title, line.name, line.where, line.time, line.note) if part)
        for group in found
        for line in group.lines
    ]


def test_every_case_stands_in_the_groups_it_belongs_to() -> None:
    now = report(
        Case("a", "m.T", F, 0.5), Case("b", "", F, 2.25), Case("c", "", P, 61.0), Case("d", "", S, 9.0)
    )
    assert texts(groups(now, report(Case("b", "", F), Case("c", "", F)))) == [
        "New failures | a | m.T | 500ms",
        "Known failures | b | Test / unit | 2.2s | since #9, 1h",
        "Fixed | c | Test / unit | 1m 01s | failed since #9, 1h",
        "Slowest | c | Test / unit | 1m 01s",
        "Slowest | d | Test / unit",
        "Slowest | b | Test / unit | 2.2s",
        "Slowest | a | m.T | 500ms",
        "Passed | c | Test / unit | 1m 01s",
        "Skipped | d | Test / unit",
    ]


def test_rows_that_differ_only_by_cell_name_it() -> None:
    suites = tuple(
        Suite("unit", (Case("accuracy", "eval.Test", F), Case(name, "eval.Test", F)), where=cell)
        for cell, name in (("SEED=1", "recall"), ("SEED=2", "speed"))
    )
    assert [line.partition(" | ")[2] for line in texts(groups(TestReport(suites=suites))[:1])] == [
        "accuracy | SEED=1  eval.Test",
        "recall | eval.Test",
        "accuracy | SEED=2  eval.Test",
        "speed | eval.Test",
    ]


def test_what_is_flaky_says_why_wherever_it_stands() -> None:
    now = report(Case("a", "", F))
    found = groups(now, report(Case("a", "", P)), report(Case("a", "", F)), report(Case("a", "", P)))
    assert texts(found) == [
        "New failures | a | Test / unit | flaky: changed 3 times in 4 runs",
        "Flaky | a | Test / unit | changed 3 times in 4 runs",
    ]


def test_a_suite_without_its_cases_says_why() -> None:
    now = TestReport(
        suites=(
            Suite("unit", counts=TestCounts(12, 2, 1), problem="expired"),
            Suite("empty", problem="broken"),
        )
    )
    assert texts(groups(now)) == [
        "Not known | unit | 2 of 12 failed, 1 skipped | expired",
        "Not known | empty | broken",
    ]
    assert [line.key for line in groups(now)[0].lines] == ["missing 0 -1", "missing 1 -1"]


def test_until_earlier_runs_are_read_only_the_server_can_call_a_failure_new() -> None:
    told = report(Case("a", "", F, failed_since=10), Case("b", "", F, failed_since=4))
    untold = report(Case("a", "", F))
    assert [group.title for group in groups(told, pending=True)] == ["New failures", "Known failures"]
    assert [group.title for group in groups(untold, pending=True)] == ["Failed"]
    assert [group.title for group in groups(untold)] == ["New failures"]


def test_a_closed_group_has_a_size_and_no_lines() -> None:
    now = report(*(Case(f"t{n}", "", P) for n in range(30)), Case("s", "", S))
    found = groups(now, closed=FOLDED)
    assert [(group.id, group.size, group.lines) for group in found] == [
        ("passed", 30, ()),
        ("skipped", 1, ()),
    ]
    assert [group.size for group in groups(now, closed=frozenset({"passed", "skipped"}))] == [30, 1]


@pytest.mark.parametrize(
    ("needle", "names"),
    [
        ("", ["alpha", "beta"]),
        ("ALP", ["alpha"]),
        ("model", ["alpha"]),
        ("unit beta", ["beta"]),
        ("test / unit", ["alpha", "beta"]),
        ("alpha beta", []),
    ],
)
def test_a_needle_is_looked_for_in_all_that_is_shown(needle: str, names: list[str]) -> None:
    now = report(Case("alpha", "tests.Model", F), Case("beta", "", F))
    assert [line.name for group in groups(now, needle=needle) for line in group.lines] == names


def test_a_needle_finds_suites_too() -> None:
    now = TestReport(suites=(Suite("unit", problem="expired"), Suite("other", problem="expired")))
    assert [line.name for group in groups(now, needle="oth") for line in group.lines] == ["other"]


def test_groups_follow_the_comparison_and_nothing_else() -> None:
    now = report(Case("a", "", F), Case("b", "", F))
    found = Comparison(known=(JudgedCase(0, 1, since=3),))
    (known,) = group_cases(now, found, NOW)
    assert [(line.name, line.note) for line in known.lines] == [("b", "since #3")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.0, "0ms"),
        (0.0124, "12ms"),
        (0.9994, "999ms"),
        (0.9999, "1.0s"),
        (1.0, "1.0s"),
        (75.0, "1m 15s"),
        (-1.0, "0ms"),
    ],
)
def test_times_of_tests(seconds: float | None, text: str) -> None:
    assert took(Case("a", "", P, seconds)) == text
    assert took(Case("a", "", S, seconds)) == ""


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (None, ""),
        (TestCounts(0, 0, 0), ""),
        (TestCounts(1200, 0, 0), "1,200 passed"),
        (TestCounts(120, 0, 3), "117 passed, 3 skipped"),
        (TestCounts(120, 4, 0), "4 of 120 failed"),
        (TestCounts(120, 4, 3), "4 of 120 failed, 3 skipped"),
    ],
)
def test_counts(counts: TestCounts | None, text: str) -> None:
    assert counts_text(counts) == text


def test_details_begin_with_what_matters() -> None:
    said = CaseDetails(
        "boom", 'File "tests/a.py", line 3\nboom', "out 1\nout 2", "err", ("failed once in main",)
    )
    assert details_lines(said) == [
        ("boom", "failed"),
        ("tests/a.py:3", "accent"),
        ("failed once in main", "warning"),
        ('File "tests/a.py", line 3', ""),
        ("boom", ""),
        ("── Output", "dim"),
        ("out 1", ""),
        ("out 2", ""),
        ("── Errors", "dim"),
        ("err", ""),
    ]
    assert details_lines(CaseDetails("boom", "boom")) == [("boom", "failed")]
    assert details_lines(CaseDetails()) == [("It said nothing.", "dim")]
