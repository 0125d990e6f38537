"""The verdict on one metric: the canary against the baseline."""

import re
from random import Random

import msgspec
import pytest

from tests.insight.judge.samples import BASE, END, LATENCY, STEP, case, judged, moved, noise
from tui.domain.verdict import MetricOutcome
from tui.insight.judge import MetricRule, judge_metric

OK, BETTER, WORSE, UNCLEAR, IGNORED = MetricOutcome


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
        assert (fresh.outcome, fresh.reason.split(":")[0]) == (UNCLEAR, "too young")

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
