"""The verdict: limits, comparison, absence, score and words."""

import math
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.insight.judge.samples import END, STEP, case, held, noise, overlapping
from tui.domain.series import Counts, Grid
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.insight.judge import MetricCase, MetricRule, decide, judge_metric, limit_state, median

OK, BETTER, WORSE, UNCLEAR, IGNORED = MetricOutcome
LATENCY = MetricRule(unit="ms", max_worse=10.0)
BASE = tuple(100.0 + (number * 7 % 5) for number in range(30))


def moved(by: float) -> tuple[float, ...]:
    return tuple(value + by for value in BASE)


def judged(
    canary: Sequence[float | None], rule: MetricRule = LATENCY, baseline: Sequence[float | None] = BASE
) -> MetricVerdict:
    return judge_metric(case(baseline, canary, rule))


class TestComparison:
    @pytest.mark.parametrize(
        ("by", "outcome", "reason"),
        [
            (0.0, OK, "102 ms, as the baseline; 10 ms is allowed"),
            (5.0, OK, "107 ms, 5 ms over the baseline; 10 ms is allowed"),
            (10.0, OK, "112 ms, 10 ms over the baseline; 10 ms is allowed"),
            (12.0, WORSE, "114 ms, 12 ms over the baseline; 10 ms is allowed"),
            (-2.0, OK, "100 ms, 2 ms under the baseline; 10 ms is allowed"),
            (-12.0, BETTER, "90 ms, 12 ms under the baseline; 10 ms is allowed"),
        ],
    )
    def test_what_both_share_cancels(self, by: float, outcome: MetricOutcome, reason: str) -> None:
        """They differ by the same at all times, however much both vary."""
        found = judged(moved(by))
        assert (found.outcome, found.reason) == (outcome, reason)
        assert found.difference == pytest.approx(by)
        assert (found.baseline, found.canary, found.margin) == (102.0, 102.0 + by, 10.0)

    def test_where_higher_is_better_the_other_side_counts(self) -> None:
        rule = msgspec.structs.replace(LATENCY, better="higher")
        assert judged(moved(-12.0), rule).outcome is WORSE
        assert judged(moved(12.0), rule).outcome is BETTER
        assert judged(moved(-12.0), rule).reason == "90 ms, 12 ms under the baseline; 10 ms is allowed"

    def test_a_part_of_the_baseline_is_told_in_per_cent(self) -> None:
        rule = MetricRule(unit="ms", max_worse=0.1, relative=True)
        found = judged([1.51 * value for value in BASE], rule)
        assert (found.outcome, found.reason) == (WORSE, "154 ms, 51 % over the baseline; 10 % is allowed")
        assert found.margin == pytest.approx(10.2)
        rng = Random(2)
        grows = [value * (1.1 + number / 60) + rng.gauss(0, 1) for number, value in enumerate(BASE * 2)]
        assert " % over the baseline and rising; 10 %" in judged(grows, rule, BASE * 2).reason
        falling = tuple(-value for value in BASE)
        assert judged(falling, rule, falling).outcome is OK

    def test_shares_are_told_in_points(self) -> None:
        rng = Random(1)
        rule = MetricRule(unit="%", max_worse=0.5)
        found = judged(noise(rng, 60, 2.7, 0.5), rule, noise(rng, 60, 1.0, 0.5))
        assert found.outcome is WORSE
        assert re.fullmatch(
            r"2\.\d+ %, \+1\.\d points \(1\.\d+ to \d(\.\d+)?\); 0\.5 points is allowed", found.reason
        )

    def test_the_methods_numbers_are_not_in_the_reason(self) -> None:
        found = judged(moved(5.0))
        assert "30 pairs of windows, 30 independent, memory 0.00" in found.method
        assert "standard errors" not in found.reason

    def test_only_windows_with_both_are_compared(self) -> None:
        """A rising load and a baseline that seldom speaks: its median is of other minutes."""
        load = [80.0 + number + number * 7 % 5 for number in range(60)]
        rare = [value if number % 3 == 2 else None for number, value in enumerate(load)]
        found = judged([1.3 * value for value in load], MetricRule(max_worse=0.1, relative=True), rare)
        assert (found.outcome, found.points) == (WORSE, 20)

    def test_a_rise_of_both_and_a_common_step_are_not_differences(self) -> None:
        for shape in ([*range(60)], [100.0 * (number > 30) for number in range(60)]):
            rng = Random(4)
            old, new = noise(rng, 60, 100.0, 3.0), noise(rng, 60, 100.0, 3.0)
            canary, baseline = ([a + b for a, b in zip(each, shape, strict=True)] for each in (new, old))
            assert judged(canary, baseline=baseline).outcome is OK
            assert judged([value + 15 for value in canary], baseline=baseline).outcome is WORSE

    def test_no_errors_on_both_sides_is_fine_after_a_while(self) -> None:
        found = judged([0.0] * 30, MetricRule(max_worse=0.0), [0.0] * 30)
        assert (found.outcome, found.reason) == (OK, "0, as the baseline; 0 is allowed")
        early = judged([0.0] * 20, MetricRule(max_worse=0.0), [0.0] * 20)
        assert (early.outcome, early.more) == (UNCLEAR, 10 * STEP)

    def test_sparse_errors_against_none_are_seen(self) -> None:
        """7 of 10 points a hundred times what is usual passes Kayenta (contracts: canary, section 3)."""
        canary = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0] * 2
        assert judged(canary, MetricRule(max_worse=0.0), [0.0] * 20).outcome is WORSE

    @pytest.mark.parametrize(
        ("values", "often"), [([1.0] * 30, "once"), ([1.0] * 12 + [2.0] * 18, "2 times")]
    )
    def test_a_gauge_that_is_held_was_not_measured_at_each_look(
        self, values: list[float], often: str
    ) -> None:
        found = judged(values, MetricRule(max_worse=0.5))
        assert (found.outcome, found.more) == (UNCLEAR, None)
        assert found.reason.endswith(f"; measured {often} only")

    def test_but_nothing_and_everything_is_measured_each_time(self) -> None:
        assert judged([0.0] * 30, MetricRule(max_worse=0.5), [0.0] * 30).outcome is OK
        all_fail = judged([100.0] * 30, MetricRule(unit="%", max_worse=0.5), [0.0] * 30)
        assert all_fail.outcome is WORSE

    def test_worse_at_the_last_look_only_waits_for_one_more(self) -> None:
        """Of 9 values 8 are needed: at the ninth it is worse for the second time."""
        slow = [200.0 + number % 3 for number in range(9)]
        first = judged([*[None] * 22, *slow[:8]])
        assert (first.outcome, first.more) == (UNCLEAR, STEP)
        assert first.reason.endswith(
            "over the baseline; 10 ms is allowed; at one look only, the next one decides"
        )
        assert judged([*[None] * 21, *slow]).outcome is WORSE

    def test_a_missed_look_is_none(self) -> None:
        """The one before the newest value decides, not the gap after it."""
        canary = [*[None] * 21, *(200.0 + number % 3 for number in range(8)), None]
        assert judged(canary).outcome is UNCLEAR

    def test_a_young_canary_is_called_so(self) -> None:
        found = judged([*[None] * 26, *BASE[:4]])
        assert found.outcome is UNCLEAR
        assert (
            found.reason
            == "101.5 ms, 0.75 ms under the baseline; too young: 4 of 15 windows; about 11 minutes more"
        )
        assert (found.points, found.effective, found.more) == (4, None, 660.0)

    def test_a_wait_is_told_where_it_will_settle_it_and_not_where_it_will_not(self) -> None:
        rng = Random(0)
        rule = MetricRule(max_worse=1.0)
        found = judged(noise(rng, 20, 0.3), rule, noise(rng, 20))
        assert found.outcome is UNCLEAR
        assert found.more is not None
        assert f"; about {found.more / STEP:.0f} minutes more" in found.reason
        close = judged(noise(rng, 60, 0.9), rule, noise(rng, 60))
        assert (close.outcome, close.more) == (UNCLEAR, None)
        assert "minutes" not in close.reason

    def test_both_are_compared_since_the_canary_began(self) -> None:
        """What the baseline did before does not count: it was ten times slower."""
        baseline = [*[1000.0] * 20, *BASE]
        found = judged([*[None] * 20, *moved(1.0)], baseline=baseline)
        assert (found.outcome, found.baseline, found.since) == (OK, 102.0, END - 29 * STEP)

    def test_and_since_it_was_deployed(self) -> None:
        """The label of the canary has a past of its own: windows that began before do not count on either side."""
        one = case(BASE, [*[900.0] * 10, *moved(1.0)[10:]], LATENCY)
        began = END - 20 * STEP
        assert judge_metric(one).outcome is not OK
        found = judge_metric(msgspec.structs.replace(one, since=began))
        assert (found.outcome, found.points, found.since) == (OK, 20, began + STEP)
        later = judge_metric(msgspec.structs.replace(one, since=began + 1.0))
        assert (later.points, later.since) == (19, began + 2 * STEP)
        fresh = judge_metric(msgspec.structs.replace(one, since=END - 4.0))
        assert (fresh.outcome, fresh.reason) == (UNCLEAR, "the canary has no value")

    def test_gaps_are_left_out(self) -> None:
        canary = [None if number % 3 == 1 else value for number, value in enumerate(moved(12.0))]
        assert judged(canary).outcome is WORSE
        assert judged(canary).points == 20

    def test_what_cannot_be_compared_is_unclear_but_has_its_limits(self) -> None:
        one = case(BASE, moved(50.0), msgspec.structs.replace(LATENCY, fail=900.0))
        found = judge_metric(msgspec.structs.replace(one, incomparable="the buckets differ"))
        assert (found.outcome, found.reason, found.difference) == (UNCLEAR, "the buckets differ", None)
        beyond = msgspec.structs.replace(one, incomparable="x", rule=MetricRule(max_worse=1.0, fail=110.0))
        assert judge_metric(beyond).outcome is WORSE

    def test_one_accident_neither_condemns_nor_hides(self) -> None:
        rng = Random(6)
        base, same = noise(rng, 60, 100.0, 3.0), list(noise(rng, 60, 100.0, 3.0))
        same[30] = 9000.0
        assert judged(same, baseline=base).outcome is OK
        same[30], same[58] = 100.0, 9000.0
        assert judged(same, baseline=base).outcome is UNCLEAR
        slow = [value + 25 for value in noise(rng, 60, 100.0, 3.0)]
        odd = [*base[:40], 9000.0, *base[41:]]
        assert judged(slow, baseline=odd).outcome is WORSE

    def test_worse_stays_until_the_newest_quarter_of_an_hour_is_fine(self) -> None:
        """And follows from the series alone. It was 50 % slower for 20 minutes, then as the baseline."""
        rng = Random(7)
        base = noise(rng, 120, 100.0, 4.0)
        canary = [
            value * (1.5 if 40 <= number < 60 else 1.0)
            for number, value in enumerate(noise(rng, 120, 100.0, 4.0))
        ]
        said = [judged(canary[:n], baseline=base[:n]).outcome for n in range(1, 121)]
        began, ended = said.index(WORSE), len(said) - said[::-1].index(WORSE)
        assert 42 <= began <= 50
        assert 60 < ended < 80
        assert set(said[began:ended]) == {WORSE}
        assert said[-1] is OK

    @pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e300])
    def test_negative_values_and_any_size(self, size: float) -> None:
        rng = Random(8)
        rule = MetricRule(max_worse=0.1, relative=True)
        base = [-size * value for value in noise(rng, 40, 100.0, 3.0)]
        same = [-size * value for value in noise(rng, 40, 100.0, 3.0)]
        assert judged(same, rule, base).outcome is OK
        assert judged([value + 30 * size for value in same], rule, base).outcome is WORSE


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


def verdict(model: str, cases: Sequence[MetricCase], pass_: float = 100.0) -> Verdict:
    return decide(model, [judge_metric(one) for one in cases], pass_)


def ruled(one: MetricCase, **more: object) -> MetricCase:
    return msgspec.structs.replace(one, rule=msgspec.structs.replace(one.rule, **more))


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


WHOLE = st.integers(-30, 30).map(float)
SERIES = st.lists(st.one_of(st.none(), WHOLE), max_size=40).map(tuple)
RULES = st.builds(
    MetricRule,
    better=st.sampled_from(["lower", "higher"]),
    warn=st.one_of(st.none(), WHOLE),
    fail=st.one_of(st.none(), WHOLE),
    max_worse=st.one_of(st.none(), st.integers(0, 20).map(float)),
    relative=st.just(False),
    no_data=st.sampled_from(["unknown", "fail", "ignore"]),
    weight=st.sampled_from([0.0, 1.0, 2.5]),
    critical=st.booleans(),
    required=st.booleans(),
)
CASES = st.builds(lambda baseline, canary, rule: case(baseline, canary, rule), SERIES, SERIES, RULES)


def changed(one: MetricCase, scale: float = 1.0, offset: float = 0.0) -> MetricCase:
    """The same in another unit, margins and limits too."""

    def number(value: float | None) -> float | None:
        return None if value is None else value * scale + offset

    rule = one.rule
    return msgspec.structs.replace(
        one,
        baseline=tuple(map(number, one.baseline)),
        canary=tuple(map(number, one.canary)),
        rule=msgspec.structs.replace(
            rule,
            warn=number(rule.warn),
            fail=number(rule.fail),
            max_worse=None if rule.max_worse is None else rule.max_worse * scale,
        ),
    )


class TestInvariance:
    @given(CASES, st.integers(-30, 30))
    def test_the_unit_does_not_matter(self, one: MetricCase, power: int) -> None:
        plain, scaled = judge_metric(one), judge_metric(changed(one, scale=2.0**power))
        assert (scaled.outcome, scaled.more, scaled.effective) == (plain.outcome, plain.more, plain.effective)
        if plain.difference is not None:
            assert scaled.difference == plain.difference * 2.0**power

    @given(CASES, st.sampled_from([0.5, 0.1, 0.01, 0.0]), st.integers(-30, 30))
    def test_nor_does_it_for_a_share(self, one: MetricCase, share: float, power: int) -> None:
        one = ruled(one, max_worse=share, relative=True)
        scaled = ruled(changed(one, scale=2.0**power), max_worse=share)
        assert judge_metric(scaled).outcome is judge_metric(one).outcome

    @given(CASES)
    def test_lower_is_better_of_the_negative_is_higher_is_better(self, one: MetricCase) -> None:
        other = "higher" if one.rule.better == "lower" else "lower"
        turned = ruled(changed(one, scale=-1.0), better=other, max_worse=one.rule.max_worse)
        assert judge_metric(turned).outcome is judge_metric(one).outcome

    @given(st.lists(CASES, max_size=6), st.sampled_from([100.0, 60.0]), st.randoms())
    def test_the_order_of_metrics_does_not_matter(
        self, cases: list[MetricCase], pass_: float, rng: Random
    ) -> None:
        named = [msgspec.structs.replace(one, metric=f"m{number}") for number, one in enumerate(cases)]
        plain, mixed = verdict("m", named, pass_), verdict("m", rng.sample(named, len(named)), pass_)
        assert (mixed.decision, mixed.score) == (plain.decision, plain.score)
        assert sorted(mixed.metrics, key=lambda each: each.metric) == list(plain.metrics)

    @given(CASES, st.floats(1.0, 30.0))
    def test_a_wider_margin_is_never_worse(self, one: MetricCase, more: float) -> None:
        assume(one.rule.max_worse is not None)
        assert one.rule.max_worse is not None
        order = [WORSE, UNCLEAR, OK, BETTER]
        strict, lax = judge_metric(one), judge_metric(ruled(one, max_worse=one.rule.max_worse + more))
        if strict.outcome is not IGNORED and strict.outcome is not BETTER and lax.outcome is not BETTER:
            assert order.index(lax.outcome) >= order.index(strict.outcome)


NUMBER = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(NUMBER, max_size=50), st.lists(NUMBER, max_size=50), RULES)
def test_no_finite_value_breaks_it(
    baseline: list[float | None], canary: list[float | None], rule: MetricRule
) -> None:
    found = verdict("m", [case(baseline, canary, rule)])
    assert found.metrics[0].reason


def test_the_median_of_an_even_number_is_between() -> None:
    assert median([1.0, None, 10.0, 2.0, 5.0]) == 3.5


@given(st.lists(NUMBER, max_size=9))
def test_the_median_lies_in_the_middle(values: list[float | None]) -> None:
    found = median(values)
    there = [value for value in values if value is not None]
    assert (found is None) is (not there)
    if found is not None:
        assert sum(value < found for value in there) <= len(there) / 2
        assert sum(value > found for value in there) <= len(there) / 2


class TestHowOftenItErrs:
    """Small simulations with a fixed seed; benchmarks/bench_judging.py has the whole table."""

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda rng: noise(rng, 60), id="independent"),
            pytest.param(lambda rng: overlapping(rng, 60, 2), id="step half the window"),
            pytest.param(lambda rng: held(rng, 60, 20), id="held gauge"),
        ],
    )
    def test_a_canary_like_its_baseline_is_seldom_called_worse(
        self, make: Callable[[Random], tuple[float, ...]]
    ) -> None:
        rng = Random(8)
        found = [judge_metric(case(make(rng), make(rng), MetricRule(max_worse=0.0))) for _ in range(200)]
        assert sum(each.outcome is WORSE for each in found) <= 4

    def test_a_clearly_worse_one_is_found(self) -> None:
        rng = Random(9)
        found = [
            judge_metric(case(noise(rng, 60), noise(rng, 60, 1.0), MetricRule(max_worse=0.0)))
            for _ in range(100)
        ]
        assert sum(each.outcome is WORSE for each in found) >= 95
