"""What a report means beside earlier ones, against a second, slower way to say it."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.address import Address
from tui.domain.pipeline import Run, TestCounts
from tui.domain.status import Status
from tui.domain.tests import Case, CaseOutcome, Suite, TestReport, counted
from tui.insight.tests import EARLIER, FLIPS, SLOWEST, Comparison, EarlierRun, JudgedCase, comparable, compare

P, F, S = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED
AT = Address("ci", "train")
NOW = 1_700_000_000.0


def run(number: int, revision: str = "", **more: Any) -> Run:
    plain = Run(
        AT.at_run(number),
        f"#{number}",
        Status.FAILED,
        revision=revision or f"r{number}",
        started_at=NOW + number,
    )
    return msgspec.structs.replace(plain, **more)


def report(**outcomes: CaseOutcome | Case) -> TestReport:
    cases = tuple(
        case if isinstance(case, Case) else Case(name, "m.T", case, 0.1) for name, case in outcomes.items()
    )
    return TestReport(suites=(Suite("unit", cases),))


def earlier(*reports: TestReport, newest: int = 9) -> list[EarlierRun]:
    """The reports of the runs 9, 8, …"""
    return [EarlierRun(run(newest - n), each) for n, each in enumerate(reports)]


def names(report: TestReport, judged: Sequence[JudgedCase]) -> list[str]:
    return [report.suites[each.suite].cases[each.index].name for each in judged]


def judge(now: TestReport, *before: TestReport) -> Comparison:
    return compare(now, run(10), earlier(*before))


def test_what_failed_is_new_or_known_since_a_run() -> None:
    now = report(a=F, b=F, c=P, d=S)
    found = judge(now, report(a=P, b=F, c=F, d=F), report(a=P, b=F, c=F, d=F), report(a=F, b=P, c=P, d=F))
    assert names(now, found.new) == ["a"]
    assert found.new[0].since == 10
    assert names(now, found.known) == ["b"]
    assert (found.known[0].since, found.known[0].since_at) == (8, NOW + 8)
    assert names(now, found.fixed) == ["c"]
    assert found.fixed[0].since == 8
    assert found.against == (9, 8, 7)


def test_runs_with_text_ids_are_compared_in_the_order_they_are_listed() -> None:
    ids = [f"0{letter}" for letter in "ZQAB"]
    runs = [
        run(n, started_at=NOW - n, address=AT.at_run(id), tests=TestCounts(2, 1, 0))
        for n, id in enumerate(ids)
    ]
    now = report(a=F, b=F)
    before = [report(a=F, b=F), report(a=P, b=F), report(a=P, b=P)]
    found = compare(now, runs[0], [EarlierRun(*each) for each in zip(runs[1:], before, strict=True)])
    assert [(each.since, each.since_at) for each in found.known] == [("0A", NOW - 2), ("0Q", NOW - 1)]
    assert found.against == ("0Q", "0A", "0B")
    assert comparable(runs[1], runs) == runs[2:]
    assert comparable(runs[1], [runs[0], *runs[2:]]) == runs[2:]


def test_a_run_that_lacks_or_skips_a_case_says_nothing_of_it() -> None:
    now = report(a=F, b=F, c=P)
    found = judge(now, report(a=S), report(a=F, b=P, c=F))
    assert names(now, found.new) == ["b"]
    assert names(now, found.known) == ["a"]
    assert names(now, found.fixed) == ["c"]


def test_without_earlier_reports_the_server_is_believed() -> None:
    now = report(a=Case("a", "", F, failed_since=4), b=Case("b", "", F, failed_since=10), c=F)
    found = judge(now)
    assert [(each.since, each.since_at) for each in found.known] == [(4, None)]
    assert names(now, found.new) == ["b", "c"]


def test_of_the_server_and_the_reports_the_longer_time_counts() -> None:
    now = report(a=Case("a", "m.T", F, failed_since=10), b=Case("b", "m.T", F, failed_since=2))
    found = judge(now, report(a=F, b=F), report(a=P, b=F))
    assert names(now, found.new) == []
    assert [(name, each.since) for name, each in zip(names(now, found.known), found.known, strict=True)] == [
        ("b", 2),
        ("a", 9),
    ], "the oldest first"


def test_fixed_as_an_old_server_says_unless_a_report_knows_better() -> None:
    now = report(a=Case("a", "m.T", P, fixed=True))
    assert names(now, judge(now).fixed) == ["a"]
    assert names(now, judge(now, report(a=P)).fixed) == []


def test_flaky_on_one_revision() -> None:
    now = report(a=P, b=P)
    before = [EarlierRun(run(9, "abcdef0123"), report(a=F, b=F)), EarlierRun(run(8, "0"), report(a=P, b=P))]
    found = compare(now, run(10, "abcdef0123"), [before[0], before[1]])
    assert names(now, found.flaky) == ["a", "b"]
    assert found.flaky[0].flaky == "passed and failed on abcdef01"
    assert compare(now, run(10, "other"), before).flaky == ()


def test_runs_of_an_unknown_revision_are_not_of_one_revision() -> None:
    unknown = [EarlierRun(run(9, revision="x"), report(a=F))]
    unknown = [EarlierRun(Run(AT.at_run(9), "", Status.FAILED), unknown[0].report)]
    assert compare(report(a=P), Run(AT.at_run(10), "", Status.PASSED), unknown).flaky == ()


def test_a_case_that_ran_twice_in_one_run_is_flaky_when_its_outcomes_differ() -> None:
    now = TestReport(suites=(Suite("unit", (Case("a", "T", F), Case("a", "T", P))),))
    found = judge(now)
    assert len(found.new) == 1
    assert found.fixed == ()
    assert found.flaky[0].flaky == "passed and failed in #10"


def test_a_break_and_its_repair_are_not_flaky_three_changes_are() -> None:
    assert judge(report(a=P), report(a=F), report(a=F), report(a=P)).flaky == ()
    found = judge(report(a=F), report(a=P), report(a=S), report(a=F), report(a=P))
    assert found.flaky[0].flaky == f"changed {FLIPS} times in 4 runs"


def test_suites_of_one_name_in_different_stages_are_different_tests() -> None:
    def of(*outcomes: CaseOutcome) -> TestReport:
        return TestReport(
            suites=tuple(
                Suite("unit", (Case("a", "T", outcome),), where=where)
                for where, outcome in zip(("py311", "py312"), outcomes, strict=True)
            )
        )

    found = judge(of(F, F), of(P, F))
    assert [each.suite for each in found.new] == [0]
    assert [each.suite for each in found.known] == [1]


def test_the_slowest_come_slowest_first_and_without_time_not_at_all() -> None:
    cases = tuple(Case(f"t{n}", "", P, float(n) if n % 2 else None) for n in range(60))
    now = TestReport(suites=(Suite("a", cases[:30]), Suite("b", cases[30:])))
    assert names(now, judge(now).slowest) == [f"t{n}" for n in range(59, 59 - 2 * SLOWEST, -2)]


def test_a_report_that_has_expired_is_compared_with_nothing() -> None:
    gone = TestReport(suites=(Suite("unit", problem="expired", counts=TestCounts(3, 1, 0)),))
    found = judge(report(a=F), gone, report(a=F))
    assert found.against == (8,)
    assert found.known[0].since == 8


def test_counts_are_the_servers_where_cases_are_missing() -> None:
    whole = Suite("a", (Case("x", "", F), Case("y", "", S), Case("z", "", P)))
    gone = Suite("b", problem="expired", counts=TestCounts(40, 2, 1))
    assert counted((whole, gone)) == TestCounts(43, 3, 2)


# --- in general ---------------------------------------------------------------------------------------------------

CASES = "abcde"
outcomes = st.dictionaries(st.sampled_from(CASES), st.sampled_from(CaseOutcome), max_size=len(CASES))
histories = st.lists(outcomes, min_size=1, max_size=6)


def ran(history: Sequence[dict[str, CaseOutcome]], name: str) -> list[tuple[int, CaseOutcome]]:
    """Run number and outcome of each run that ran the case, newest first."""
    found = [(10 - n, each[name]) for n, each in enumerate(history) if name in each]
    return [(number, outcome) for number, outcome in found if outcome is not S]


@given(histories)
def test_every_failed_case_is_either_new_or_known_and_the_rest_neither(
    history: list[dict[str, CaseOutcome]],
) -> None:
    now, *before = (report(**each) for each in history)
    found = judge(now, *before)
    failed = [name for name, outcome in history[0].items() if outcome is F]
    assert sorted(names(now, found.new) + names(now, found.known)) == sorted(failed)
    for name in CASES:
        past = ran(history, name)
        here = name in history[0] and history[0][name] is not S
        broken = here and past[0][1] is F
        assert (name in names(now, found.new)) == (broken and (len(past) < 2 or past[1][1] is P))
        assert (name in names(now, found.fixed)) == (
            here and not broken and len(past) > 1 and past[1][1] is F
        )
        changes = sum(a[1] is not b[1] for a, b in pairwise(past))
        assert (name in names(now, found.flaky)) == (name in history[0] and changes >= FLIPS)
    for judged in found.known:
        (name,) = names(now, [judged])
        streak = []
        for number, outcome in ran(history, name):
            if outcome is P:
                break
            streak.append(number)
        assert judged.since == streak[-1] < 10


@given(histories, st.randoms(use_true_random=False))
def test_neither_the_order_of_cases_nor_how_they_lie_in_suites_of_one_title_matters(
    history: list[dict[str, CaseOutcome]], random: Random
) -> None:
    def found(shuffle: bool) -> list[list[str]]:
        reports = []
        for each in history:
            cases = [Case(name, "m.T", outcome) for name, outcome in each.items()]
            half = len(cases) // 2
            if shuffle:
                random.shuffle(cases)
                reports.append(
                    TestReport(suites=(Suite("u", tuple(cases[:half])), Suite("u", tuple(cases[half:]))))
                )
            else:
                reports.append(TestReport(suites=(Suite("u", tuple(cases)),)))
        result = judge(*reports)
        groups = (result.new, result.known, result.fixed, result.flaky)
        return [sorted(names(reports[0], group)) for group in groups]

    assert found(shuffle=True) == found(shuffle=False)


@given(histories, st.integers(1, 6))
def test_a_run_in_which_nothing_ran_changes_nothing(history: list[dict[str, CaseOutcome]], at: int) -> None:
    def since(reports: list[TestReport], numbers: list[int]) -> Comparison:
        before = [EarlierRun(run(n), each) for n, each in zip(numbers, reports[1:], strict=True)]
        return compare(reports[0], run(100), before)

    reports = [report(**each) for each in history]
    numbers = [90 - 2 * n for n in range(len(reports) - 1)]
    at = min(at, len(reports))
    empty = TestReport(suites=(Suite("unit", tuple(Case(name, "m.T", S) for name in CASES)),))
    more = since(
        [*reports[:at], empty, *reports[at:]], [*numbers[: at - 1], 91 - 2 * (at - 1), *numbers[at - 1 :]]
    )
    plain = since(reports, numbers)
    assert (more.new, more.known, more.fixed, more.flaky) == (
        plain.new,
        plain.known,
        plain.fixed,
        plain.flaky,
    )


# --- which runs are compared with ---------------------------------------------------------------------------------


THREE = TestCounts(3, 0, 0)


def listed(*statuses: Status, tests: TestCounts | None = THREE) -> list[Run]:
    newest = 20
    return [run(newest - n, status=status, tests=tests) for n, status in enumerate(statuses)]


def test_only_ended_runs_with_tests_that_are_older_say_what_was_before() -> None:
    runs = listed(
        Status.RUNNING, Status.PASSED, Status.CANCELED, Status.WARNING, Status.SKIPPED, Status.FAILED
    )
    assert [each.address.run for each in comparable(runs[0], runs)] == [19, 17, 15]
    assert [each.address.run for each in comparable(runs[1], runs)] == [17, 15]
    assert comparable(runs[0], listed(Status.PASSED, Status.WAITING)) != []
    assert comparable(runs[0], listed(Status.PASSED, Status.PASSED, tests=TestCounts(0, 0, 0))) == []


def test_where_no_listing_counts_tests_any_run_may_have_some() -> None:
    runs = listed(Status.RUNNING, Status.PASSED, Status.CANCELED, Status.FAILED, tests=None)
    assert [each.address.run for each in comparable(runs[0], runs)] == [19, 17]
    runs[0] = run(20, tests=THREE)
    assert comparable(runs[0], runs) == []


def test_a_run_that_is_not_listed_is_compared_with_those_of_lower_numbers() -> None:
    runs = listed(*[Status.PASSED] * 9)
    assert [each.address.run for each in comparable(run(17), runs[:3] + runs[5:])] == [15, 14, 13, 12]
    assert len(comparable(run(30), runs)) == EARLIER


@pytest.mark.parametrize("number", [None, 0])
def test_a_run_without_a_number_is_compared_with_nothing(number: int | None) -> None:
    bare = Run(Address("ci", "train", number), "", Status.FAILED)
    assert comparable(bare, listed(Status.PASSED)) == []
