"""Which cases of an evaluation got worse."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.evaluation import CaseResult, CaseStanding, Evaluation, EvaluationCase
from tui.insight.evaluation import compare

P, F, E, S, M = (
    CaseResult.PASSED,
    CaseResult.FAILED,
    CaseResult.ERROR,
    CaseResult.SKIPPED,
    CaseResult.MEASURED,
)
WORSE, FRESH, UNCLEAR, GONE, BETTER, NEW, SAME = CaseStanding


def case(key: str, result: CaseResult, **more: Any) -> EvaluationCase:
    return EvaluationCase(key, key, result, **more)


def evaluation(*cases: EvaluationCase, kind: str = "tool", problem: str = "") -> Evaluation:
    return Evaluation("r.json", kind, cases, problem)


@pytest.mark.parametrize(
    ("before", "after", "standing"),
    [
        (P, F, WORSE),
        (P, E, WORSE),
        (F, P, BETTER),
        (E, P, BETTER),
        (E, F, FRESH),
        (S, F, FRESH),
        (F, E, UNCLEAR),
        (E, E, UNCLEAR),
        (P, S, GONE),
        (S, P, NEW),
        (P, P, SAME),
        (F, F, SAME),
        (S, S, SAME),
        (M, P, UNCLEAR),
        (M, E, WORSE),
        (None, F, FRESH),
        (None, E, FRESH),
        (None, P, NEW),
        (P, None, GONE),
    ],
)
def test_how_a_case_stands(
    before: CaseResult | None, after: CaseResult | None, standing: CaseStanding
) -> None:
    old = evaluation(*([case("a", before)] if before else []), case("z", P))
    new = evaluation(*([case("a", after)] if after else []), case("z", P))
    found = compare(new, old, "1")
    if standing is SAME:
        assert (found.changes, found.same) == ((), 2)
    else:
        assert [change.standing for change in found.changes] == [standing]


@pytest.mark.parametrize(
    ("old", "new", "more", "standing"),
    [
        (0.90, 0.80, {"better": "higher"}, WORSE),
        (0.80, 0.90, {"better": "higher"}, BETTER),
        (0.80, 0.90, {"better": "lower"}, WORSE),
        (0.90, 0.80, {"better": "higher", "error": 0.05}, SAME),
        (0.90, 0.70, {"better": "higher", "error": 0.05}, WORSE),
        (0.90, None, {"better": "higher"}, UNCLEAR),
        (0.90, 0.80, {}, UNCLEAR),
        (0.90, 0.90, {}, SAME),
    ],
)
def test_a_number_counts_beyond_chance_and_where_somebody_said_which_way_is_better(
    old: float, new: float | None, more: Any, standing: CaseStanding
) -> None:
    found = compare(
        evaluation(case("a", M, score=new, **more)), evaluation(case("a", M, score=old, **more)), "1"
    )
    assert ([change.standing for change in found.changes] or [SAME]) == [standing]


def test_what_was_measured_in_another_way_is_not_compared() -> None:
    old = evaluation(case("a", P, measured_by="gpt-4o", judged=True), case("b", M, measured_by="v1"))
    new = evaluation(case("a", F, measured_by="gpt-4o-mini", judged=True), case("b", M, measured_by="v2"))
    first, second = compare(new, old, "1").changes
    assert (first.standing, second.standing) == (UNCLEAR, UNCLEAR)
    assert first.words == "judged by gpt-4o-mini, before by gpt-4o; failed"
    assert second.words.startswith("was measured in another way")


def test_one_flip_of_a_judge_is_said_to_be_perhaps_chance() -> None:
    old, new = (evaluation(case("a", result, measured_by="m", judged=True)) for result in (P, F))
    assert compare(new, old, "1").changes[0].words == "passed → failed (a model judged: once may be chance)"


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        (None, "nothing to compare it with: not there"),
        (evaluation(problem="it is not JSON"), "nothing to compare it with: it is not JSON (1)"),
        (evaluation(case("a", P), kind="other"), "it is of tool, that of 1 of other"),
    ],
)
def test_without_a_report_before_nothing_is_said_to_be_the_same(
    before: Evaluation | None, problem: str
) -> None:
    found = compare(evaluation(case("a", F), case("b", P)), before, "1", "not there")
    assert (found.problem, found.same, found.against) == (problem, 0, "")
    assert [(change.standing, change.name) for change in found.changes] == [(FRESH, "a")]
    assert (found.total, found.failed) == (2, 1)


def test_a_report_that_could_not_be_read_says_that() -> None:
    found = compare(evaluation(problem="the file is empty"), evaluation(case("a", P)), "1")
    assert (found.problem, found.changes, found.same) == ("the file is empty", (), 0)


RESULTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(list(CaseResult)))


@given(RESULTS, RESULTS)
def test_each_case_is_counted_once_and_the_worse_ones_come_first(
    old: dict[str, CaseResult], new: dict[str, CaseResult]
) -> None:
    def of(results: dict[str, CaseResult]) -> Evaluation:
        return evaluation(*(case(key, result) for key, result in results.items()))

    found = compare(of(new), of(old), "1")
    names = [change.name for change in found.changes]
    assert len(set(names)) == len(names)
    assert len(names) + found.same == len(old.keys() | new.keys())
    order = [list(CaseStanding).index(change.standing) for change in found.changes]
    assert order == sorted(order)
