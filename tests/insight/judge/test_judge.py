"""The verdict: limits, comparison, absence, score and words."""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest

from tests.insight.judge.samples import (
    BASE,
    END,
    LATENCY,
    STEP,
    case,
    judged,
    moved,
    ruled,
    verdict,
)
from tui.domain.series import Counts, Grid
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict
from tui.insight.judge import MetricCase, MetricRule, judge_metric, limit_state

OK, BETTER, WORSE, UNCLEAR, IGNORED = MetricOutcome


def counted(
    baseline: Sequence[tuple[float | None, float | None]],
    canary: Sequence[tuple[float | None, float | None]],
    rule: MetricRule,
) -> MetricVerdict:
    """By what was counted; pairs of bad and total."""
    old, new = (Counts(*map(tuple, zip(*side, strict=True))) for side in (baseline, canary))
    count = len(canary)
    return judge_metric(
        msgspec.structs.replace(
            case([None] * count, [None] * count, rule), baseline_counts=old, canary_counts=new
        )
    )


ERRORS = MetricRule(unit="%", max_worse=0.5)


class TestCounts:
    def test_few_requests_are_enough_for_many_errors(self) -> None:
        canary = [(float(number % 3 == 0), 5.0) for number in range(30)]
        found = counted([(0.0, 45.0)] * 30, canary, ERRORS)
        assert found.outcome is WORSE
        assert found.reason.startswith("6.667 %, +6.7 points (")
        assert "10 of 150 bad, baseline 0 of 1350" in found.method

    def test_a_fleet_without_an_error_is_none_of_so_many(self) -> None:
        assert counted([(0.0, 900.0)] * 30, [(0.0, 100.0)] * 30, ERRORS).outcome is OK
        few = counted([(0.0, 9.0)] * 30, [(0.0, 1.0)] * 30, ERRORS)
        assert (few.outcome, few.canary, few.difference) == (UNCLEAR, 0.0, 0.0)
        assert "too few requests to tell yet" in few.reason

    def test_a_window_without_requests_is_no_value(self) -> None:
        rows = [(0.0, 100.0) if number % 2 else (0.0, 0.0) for number in range(60)]
        found = counted([(0.0, 900.0)] * 60, rows, ERRORS)
        assert (found.outcome, found.points) == (OK, 30)

    def test_a_canary_that_nobody_asks_any_more_is_not_fine(self) -> None:
        rows = [*[(0.0, 100.0)] * 40, *[(0.0, 0.0)] * 16]
        found = counted([(0.0, 900.0)] * 56, rows, ERRORS)
        assert (found.outcome, found.reason) == (UNCLEAR, "no request to the canary for 16 minutes")
        assert counted([(0.0, 900.0)] * 50, rows[:50], ERRORS).outcome is OK

    def test_good_ones_are_counted_where_higher_is_better(self) -> None:
        rule = MetricRule(better="higher", max_worse=0.01, share_scale=1.0)
        baseline = [(940.0, 1000.0)] * 30
        assert counted(baseline, [(940.0, 1000.0)] * 30, rule).outcome is OK
        worse = counted(baseline, [(900.0, 1000.0)] * 30, rule)
        assert worse.outcome is WORSE
        assert worse.reason.startswith("0.9, -4 points (")
        assert worse.difference == pytest.approx(-0.04)
        assert counted(baseline, [(990.0, 1000.0)] * 30, rule).outcome is BETTER

    @pytest.mark.parametrize(("better", "bad"), [("lower", 30.0), ("higher", 10.0)])
    def test_a_part_of_the_baselines_share(self, better: Literal["lower", "higher"], bad: float) -> None:
        rule = MetricRule(better=better, max_worse=0.2, relative=True)
        baseline = [(20.0, 1000.0)] * 30
        assert counted(baseline, [(20.0, 1000.0)] * 30, rule).outcome in (OK, UNCLEAR)
        found = counted(baseline, [(bad, 1000.0)] * 30, rule)
        assert found.outcome is WORSE
        assert found.margin == pytest.approx(0.4)

    def test_bursts_that_both_share_cancel(self) -> None:
        wild = [0.5 if number % 10 == 0 else 0.01 for number in range(60)]
        baseline = [(900 * share, 900.0) for share in wild]
        assert counted(baseline, [(900 * share, 900.0) for share in wild], ERRORS).outcome is OK

    @pytest.mark.parametrize("odd", [(None, 5.0), (math.nan, 5.0), (-1.0, 5.0), (1.0, math.inf), (1.0, -2.0)])
    def test_what_cannot_be_is_a_gap(self, odd: tuple[float | None, float | None]) -> None:
        rows = [odd if number % 2 else (0.5, 100.5) for number in range(60)]
        assert counted([(0.0, 900.0)] * 60, rows, MetricRule(max_worse=5.0)).points == 30

    def test_more_bad_ones_than_there_are_is_all_of_them(self) -> None:
        found = counted([(0.0, 900.0)] * 30, [(101.3, 100.0)] * 30, ERRORS)
        assert (found.outcome, found.canary) == (WORSE, 100.0)

    def test_huge_counts(self) -> None:
        rows = [(1e12, 1e15)] * 30
        assert counted(rows, rows, ERRORS).outcome is OK


class TestLimits:
    @pytest.mark.parametrize(
        ("values", "state"),
        [
            ([1.0], OK),
            ([9.0], UNCLEAR),
            ([9.0, 9.0], WORSE),
            ([9.0, 1.0, 9.0], UNCLEAR),
            ([9.0, None, 9.0], WORSE),
            ([9.0, 9.0, 1.0], WORSE),
            ([9.0, 9.0, 1.0, 1.0], OK),
            ([9.0, 9.0, 1.0, 9.0, 1.0], WORSE),
            ([9.0, 1.0, 1.0, 9.0, 1.0, 1.0, 9.0], WORSE),
            ([9.0, 1.0, 1.0, 9.0, 1.0, 1.0, 9.0, 1.0, 1.0], WORSE),
            ([9.0, 1.0, 1.0, 9.0, 1.0, 1.0, 9.0, 1.0, 1.0, 1.0, 1.0], OK),
            ([9.0, 1.0, 1.0, 1.0, 1.0, 9.0, 1.0, 1.0, 1.0, 1.0, 9.0], UNCLEAR),
            ([9.0, 9.0, 1.0, None, 1.0], OK),
            ([5.0, 5.0], OK),
            ([], OK),
        ],
    )
    def test_two_looks_in_a_row_decide_or_three_of_ten(
        self, values: list[float | None], state: MetricOutcome
    ) -> None:
        assert limit_state(values, 5.0, "lower") is state
        assert limit_state([value and -value for value in values], -5.0, "higher") is state

    @pytest.mark.parametrize(
        ("tail", "outcome", "reason"),
        [
            ([1.0, 1.0], OK, "within its limits"),
            ([1.0, 3.5], OK, "beyond the warn limit 3 %: 3.5 % now"),
            ([1.0, 7.0], UNCLEAR, "beyond the fail limit 5 % at one look, 7 % now; the next one decides"),
            ([7.0, 8.0], WORSE, "beyond the fail limit 5 %: 8 % now"),
            (
                [7.0, 1.0, 7.0, 1.0, 1.0, 7.0, 1.0],
                WORSE,
                "beyond the fail limit 5 % at 3 of the newest 10 looks: 1 % now",
            ),
            ([7.0, 8.0, 1.0], WORSE, "was beyond the fail limit 5 %, within it at one look only: 1 % now"),
        ],
    )
    def test_alone(self, tail: list[float], outcome: MetricOutcome, reason: str) -> None:
        found = judged([*[1.0] * 10, *tail], MetricRule(unit="%", warn=3.0, fail=5.0), ())
        assert (found.outcome, found.reason) == (outcome, reason)
        assert found.difference is None
        assert (found.more == STEP) is (outcome is UNCLEAR)

    def test_the_worst_of_limit_and_comparison_counts(self) -> None:
        limit = msgspec.structs.replace(LATENCY, fail=110.0)
        assert (
            judged([*moved(5.0)[:28], 111.0, 111.0], limit).reason
            == "beyond the fail limit 110 ms: 111 ms now"
        )
        assert judged([*moved(5.0), 111.0, 111.0], limit).outcome is WORSE
        assert judged([*moved(5.0), 111.0], limit).outcome is UNCLEAR
        worse = judged([*moved(12.0), 1000.0], msgspec.structs.replace(LATENCY, fail=900.0))
        assert worse.outcome is WORSE
        assert "; 10 ms is allowed; beyond the fail limit 900 ms at one look" in worse.reason

    def test_a_limit_does_not_need_a_baseline_but_says_what_is_known_of_it(self) -> None:
        found = judged([*moved(5.0), 111.0, 111.0], msgspec.structs.replace(LATENCY, fail=110.0))
        assert found.difference is not None
        assert judged([111.0] * 5, MetricRule(max_worse=1.0, fail=110.0), ()).outcome is WORSE

    def test_warn_is_a_remark(self) -> None:
        found = judged(moved(1.0), msgspec.structs.replace(LATENCY, warn=99.0))
        assert found.outcome is OK
        assert found.reason.endswith("10 ms is allowed; beyond the warn limit 99 ms: 104 ms now")


class TestAbsence:
    def test_without_a_baseline_there_is_nothing_to_compare_with(self) -> None:
        for baseline in ((), [None] * 30):
            found = judged(moved(0.0), baseline=baseline)
            assert (found.outcome, found.reason) == (UNCLEAR, "the baseline has no value to compare with")

    def test_a_baseline_that_fell_silent(self) -> None:
        found = judged(moved(0.0), baseline=[*BASE[:20], *[None] * 10])
        assert (found.outcome, found.reason) == (UNCLEAR, "no value of the baseline for 10 minutes")

    def test_three_silent_steps_of_the_baseline_are_borne(self) -> None:
        assert judged(moved(0.0), baseline=[*BASE[:27], *[None] * 3]).outcome is OK
        assert judged(moved(0.0), baseline=[*BASE[:26], *[None] * 4]).outcome is UNCLEAR

    @pytest.mark.parametrize(
        ("step", "words"),
        [(10, "50 seconds"), (12, "1 minute"), (13, "2 minutes"), (1428, "119 minutes"), (1500, "3 hours")],
    )
    def test_times_are_told_in_words(self, step: int, words: str) -> None:
        one = case(BASE, [*BASE[:25], *[None] * 5], LATENCY)
        grid = Grid(END - 29 * step, END, step)
        found = judge_metric(msgspec.structs.replace(one, grid=grid))
        assert found.reason == f"no value of the canary for {words}"

    @pytest.mark.parametrize(
        ("policy", "outcome"), [("unknown", UNCLEAR), ("fail", WORSE), ("ignore", IGNORED)]
    )
    def test_the_policy_says_what_no_data_means(
        self, policy: Literal["unknown", "fail", "ignore"], outcome: MetricOutcome
    ) -> None:
        rule = MetricRule(max_worse=1.0, no_data=policy)
        assert judged([None] * 30, rule).outcome is outcome
        assert judged([None] * 30, rule).reason == "the canary has no value"
        assert judged([], rule).outcome is outcome
        silent = judged([*moved(0.0)[:20], *[None] * 10], rule)
        assert (silent.outcome, silent.reason) == (outcome, "no value of the canary for 10 minutes")
        assert silent.newest == END - 10 * STEP

    @pytest.mark.parametrize("policy", ["unknown", "fail", "ignore"])
    def test_a_canary_that_can_have_no_value_yet_is_unclear_whatever_the_policy(
        self, policy: Literal["unknown", "fail", "ignore"]
    ) -> None:
        """One that was just deployed was WORSE, or its metric did not count, before its first window was whole."""
        rule = MetricRule(max_worse=1.0, no_data=policy)
        silent = case(BASE, [None] * 30, rule)
        shared = case(
            BASE, moved(0.0), rule
        )  # a label that canaries share: the values are of the one before it
        for one, age in ((silent, 4 * STEP), (silent, 0), (shared, STEP - 1), (shared, -STEP / 2)):
            found = judge_metric(msgspec.structs.replace(one, since=END - age))
            assert found.outcome is UNCLEAR
            assert (
                found.reason == "too young: no value yet of a whole window (1 minute) since it was deployed"
            )
        old = judge_metric(msgspec.structs.replace(silent, since=END - 4 * STEP - 1))
        assert old.reason == "the canary has no value"
        assert judge_metric(msgspec.structs.replace(shared, since=END - STEP)).points == 1

    def test_three_silent_steps_are_borne_and_more_where_it_is_said(self) -> None:
        assert judged([*moved(0.0)[:27], *[None] * 3]).outcome is OK
        assert judged([*moved(0.0)[:26], *[None] * 4]).outcome is UNCLEAR
        late = msgspec.structs.replace(LATENCY, max_age=3600.0)
        assert judged([*moved(0.0)[:15], *[None] * 15], late).outcome is OK

    def test_what_could_not_be_read_is_unclear_whatever_the_policy(self) -> None:
        rule = MetricRule(max_worse=1.0, no_data="fail")
        found = judge_metric(case((), (), rule, problem="prom did not answer"))
        assert (found.outcome, found.reason, found.newest) == (UNCLEAR, "prom did not answer", None)


GOOD = case(BASE, BASE, LATENCY, metric="good")
BAD = case(BASE, moved(12.0), LATENCY, metric="bad")
OPEN = case(BASE, moved(0.0)[:1], LATENCY, metric="open")
GONE = case(BASE, (), MetricRule(max_worse=1.0, no_data="ignore"), metric="gone")


class TestVerdict:
    @pytest.mark.parametrize(
        ("cases", "pass_", "decision", "score", "reason"),
        [
            ([GOOD], 100, Decision.PROMOTE, 100, "OK: good"),
            ([GOOD, GONE], 100, Decision.PROMOTE, 100, "OK: good"),
            (
                [GOOD, BAD],
                100,
                Decision.STOP,
                50,
                "WORSE: bad 114 ms, 12 ms over the baseline; 10 ms is allowed",
            ),
            ([GOOD, BAD], 50, Decision.PROMOTE, 50, "OK: good; not: bad"),
            ([GOOD, BAD, OPEN], 75, Decision.STOP, 33.33, "WORSE: bad"),
            ([GOOD, BAD, OPEN], 60, Decision.WAIT, 33.33, "UNCLEAR: open; about 14 minutes more"),
            ([GOOD, OPEN], 100, Decision.WAIT, 50, "UNCLEAR: open; about 14 minutes more"),
            ([GOOD, OPEN], 50, Decision.PROMOTE, 50, "OK: good; not: open"),
            (
                [GOOD, ruled(OPEN, required=True)],
                50,
                Decision.WAIT,
                50,
                "UNCLEAR: open; about 14 minutes more",
            ),
            (
                [GOOD, ruled(OPEN, critical=True)],
                50,
                Decision.WAIT,
                50,
                "UNCLEAR: open (critical); about 14 min",
            ),
            ([GOOD, ruled(BAD, critical=True)], 50, Decision.STOP, 0, "WORSE: bad (critical)"),
            ([GOOD, ruled(BAD, critical=True)], 0, Decision.STOP, 0, "WORSE: bad (critical)"),
            ([GOOD, ruled(BAD, weight=0.0)], 100, Decision.PROMOTE, 100, "OK: good; not: bad"),
            ([ruled(GOOD, weight=3.0), BAD], 75, Decision.PROMOTE, 75, "OK: good; not: bad"),
            ([GONE], 100, Decision.WAIT, 0, "there is nothing to judge by"),
            ([], 100, Decision.WAIT, 0, "there is nothing to judge by"),
        ],
    )
    def test_score_and_words(
        self, cases: list[MetricCase], pass_: float, decision: Decision, score: float, reason: str
    ) -> None:
        found = verdict("fraud", cases, pass_)
        assert (found.decision, found.score) == (decision, score)
        assert found.reason.startswith(reason)

    def test_groups_have_scores_of_their_own(self) -> None:
        cases = [ruled(GOOD, group="a", weight=3.0), ruled(BAD, group="a"), ruled(OPEN, group="b"), GOOD]
        assert [(group.name, group.score) for group in verdict("m", cases).groups] == [
            ("a", 75.0),
            ("b", 0.0),
        ]

    def test_scores_of_groups_have_two_digits(self) -> None:
        thirds = [ruled(GOOD, group="a"), ruled(GOOD, group="a"), ruled(BAD, group="a")]
        assert verdict("m", thirds).groups[0].score == 66.67

    def test_the_longest_wait_counts(self) -> None:
        longer = case(BASE, moved(0.0)[:2], LATENCY, metric="longer")
        assert judge_metric(longer).more == 13 * STEP
        for cases in ([OPEN, longer], [longer, OPEN]):
            assert verdict("m", cases).reason.endswith("; about 14 minutes more")

    def test_a_wait_nobody_can_tell_is_not_told(self) -> None:
        blind = judge_metric(case((), BASE, LATENCY))
        assert blind.more is None
        assert verdict("m", [case((), BASE, LATENCY, metric="blind"), OPEN]).reason == "UNCLEAR: blind, open"

    def test_thirds_of_weights_add_up(self) -> None:
        cases = [ruled(GOOD, weight=weight) for weight in (0.1, 0.2, 0.7)]
        assert verdict("m", cases).decision is Decision.PROMOTE
        assert verdict("m", [ruled(OPEN, weight=0.2), cases[0], cases[2]]).decision is Decision.WAIT
