"""Kayenta's judge, step by step (contracts: canary, section 1), against brute force and by hand."""

import math
from collections import Counter
from random import Random
from statistics import NormalDist
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.judge.samples import noise
from tui.insight.judge import kayenta
from tui.insight.judge.kayenta import KayentaRules, Label, Result, Score, classify
from tui.insight.judge.wilcoxon import AllTied, cles, mann_whitney, mean_ratio, percentile

NAN, INF = math.nan, math.inf
OLD = [float(value) for value in range(10, 22)]
NEW = [value + 30 for value in OLD]
NUMBERS = st.lists(st.integers(-40, 40).map(lambda number: number / 4), min_size=2, max_size=25)


def off(xs: list[float], ys: list[float], mu: float) -> float:
    """Standard deviations by which the number of pairs in which x - mu is above y is off, pair by pair."""
    shifted = [x - mu for x in xs]
    m, n = len(xs), len(ys)
    above = sum((x > y) + 0.5 * (x == y) for x in shifted for y in ys) - m * n / 2
    ties = sum(count**3 - count for count in Counter([*shifted, *ys]).values())
    deviation = math.sqrt(m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1))))
    return (above - math.copysign(0.5, above) * (above != 0)) / deviation


class TestMannWhitney:
    def test_by_hand(self) -> None:
        """Two samples of 4 apart: 15.3 of 16 pairs are needed, so the ends are the least and the largest
        difference; the estimate is where 8 pairs are above."""
        found = mann_whitney([10, 20, 30, 40], [1, 2, 3, 4], 0.95)
        assert found.low == pytest.approx(6, abs=1e-4)
        assert found.high == pytest.approx(39, abs=1e-4)
        assert 19 - 1e-4 <= found.estimate <= 26 + 1e-4

    def test_too_few_values_have_the_whole_range_for_an_interval(self) -> None:
        found = mann_whitney([1.0, 2.0, 3.0], [5.0, 6.0, 8.0], 0.98)
        assert (found.low, found.high) == (-7.0, -2.0)

    @given(NUMBERS, NUMBERS, st.sampled_from([0.95, 0.98]))
    def test_the_ends_are_where_the_rank_sum_is_as_far_off_as_the_quantile(
        self, xs: list[float], ys: list[float], confidence: float
    ) -> None:
        try:
            found = mann_whitney(xs, ys, confidence)
        except AllTied:
            assert len(set(xs)) == len(set(ys)) == 1
            return
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        least, most = min(xs) - max(ys), max(xs) - min(ys)
        for end, quantile in ((found.low, z), (found.high, -z), (found.estimate, 0.0)):
            if end not in (least, most):
                assert off(xs, ys, end - 1.01e-4) >= quantile >= off(xs, ys, end + 1.01e-4)
        if found.low == least:
            assert off(xs, ys, least + 1.01e-4) <= z

    @given(st.integers(0, 2**32))
    def test_on_a_fine_scale_it_agrees_with_order_statistics(self, seed: int) -> None:
        rng = Random(seed)
        xs, ys = list(noise(rng, 25)), list(noise(rng, 25))
        found = mann_whitney(xs, ys, 0.98)
        z = NormalDist().inv_cdf(0.99)
        k = math.ceil(312.5 - 0.5 - z * math.sqrt(25 * 25 * 51 / 12))
        differences = sorted(x - y for x in xs for y in ys)
        assert found.low == pytest.approx(differences[k - 1], abs=1e-4)
        assert found.high == pytest.approx(differences[-k], abs=1e-4)

    @pytest.mark.parametrize(
        ("seed", "sizes", "grain", "mean", "found"),
        [
            (1, (12, 15), 2, 1.0, (-0.49999610122269267, 1.4999386967877313, 0.4999792679893633)),
            (2, (30, 25), 4, 0.4, (-7.5683496100810104e-06, 1.4999483088841954, 0.75)),
            (3, (40, 40), 100, 0.2, (-0.3899302452969719, 0.7900685690682197, 0.25192903364355584)),
            (4, (7, 9), 1, 2.0, (1.0000351433039676, 3.999957551035324, 2.000072945413938)),
        ],
    )
    def test_the_search_ends_where_the_references_does(
        self, seed: int, sizes: tuple[int, int], grain: int, mean: float, found: tuple[float, float, float]
    ) -> None:
        """Within the tolerance many shifts would do; which one it is depends on every step of the search.

        These numbers are of steps that agree with R's, and with Kayenta's own suites, to the last digit.
        """
        rng = Random(seed)
        xs, ys = (
            [round(value * grain) / grain for value in noise(rng, count, center)]
            for count, center in zip(sizes, (mean, 0.0), strict=True)
        )
        test = mann_whitney(xs, ys, 0.98)
        assert (test.low, test.high, test.estimate) == pytest.approx(found, abs=1e-13)

    def test_what_is_no_number_ranks_highest(self) -> None:
        """An infinite shift of an infinite value is none."""
        found = mann_whitney([-INF, INF], [2.0, -INF, 2.0, 3.0, INF, 3.0, -INF], 0.98)
        assert (found.low, found.high, found.estimate) == (-INF, INF, INF)
        with pytest.raises(AllTied):
            mann_whitney([3.0, -INF, 1.0, INF, INF], [INF, INF], 0.98)

    def test_it_depends_on_the_unit_as_the_reference_does(self) -> None:
        rng = Random(7)
        xs, ys = noise(rng, 30, 1.0), noise(rng, 30)
        plain, tiny = (
            mann_whitney(xs, ys, 0.98),
            mann_whitney([x * 1e-6 for x in xs], [y * 1e-6 for y in ys], 0.98),
        )
        assert tiny.low * 1e6 != pytest.approx(plain.low, rel=0.01)

    def test_all_tied(self) -> None:
        with pytest.raises(AllTied):
            mann_whitney([3.0], [1.0], 0.98)


class TestNumbers:
    @pytest.mark.parametrize(
        ("values", "percent", "found"),
        [
            ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 50, 4.5),
            ([5, 1, 3], 25, 2.0),
            ([5, 1, 3], 99, 4.96),
            ([5, 1, 3], 100, 5.0),
            ([7], 1, 7.0),
        ],
    )
    def test_percentiles_lie_between_neighbours(
        self, values: list[float], percent: float, found: float
    ) -> None:
        assert percentile(values, percent) == pytest.approx(found)

    def test_of_nothing_there_is_no_percentile(self) -> None:
        assert math.isnan(percentile([], 50))

    def test_mean_ratio(self) -> None:
        assert mean_ratio([1, 3], [3, 5]) == 2
        assert mean_ratio([1.0], [0.1] * 10) == 0.1, "adding ten tenths alone gives 0.9999999999999999"
        assert math.isnan(mean_ratio([0, 0], [3, 5]))
        assert math.isnan(mean_ratio([1, 3], [-1, 1]))

    @given(NUMBERS, NUMBERS)
    def test_cles_is_the_share_of_pairs_in_which_the_experiment_is_above(
        self, control: list[float], experiment: list[float]
    ) -> None:
        pairs = [(x > y) + 0.5 * (x == y) for x in experiment for y in control]
        assert cles(control, experiment) == pytest.approx(sum(pairs) / len(pairs))


class TestClassify:
    def test_high_low_and_pass(self) -> None:
        high = classify("m", OLD, NEW)
        assert (high.label, high.reason, high.critical) == ("High", "m was classified as High", False)
        assert high.deviation == pytest.approx(45.5 / 15.5)
        assert high.test is not None
        assert high.test.estimate == pytest.approx(30, abs=0.6)
        low = classify("m", NEW, OLD)
        assert (low.label, low.reason) == ("Low", "m was classified as Low")
        same = classify("m", OLD, [value + 0.5 for value in OLD])
        assert (same.label, same.reason, same.critical) == ("Pass", None, False)

    @pytest.mark.parametrize(
        ("direction", "up", "down"), [("increase", "High", "Pass"), ("decrease", "Pass", "Low")]
    )
    def test_only_the_bad_direction_counts(
        self, direction: Literal["increase", "decrease"], up: str, down: str
    ) -> None:
        rules = KayentaRules(direction=direction)
        assert classify("m", OLD, NEW, rules).label == up
        assert classify("m", NEW, OLD, rules).label == down

    def test_a_shift_must_be_beyond_a_quarter_of_itself(self) -> None:
        """The interval's low end is above 0 but not above a quarter of the estimate."""
        rng = Random(2)
        old, new = noise(rng, 25, 10.0), noise(rng, 25, 10.8)
        found = classify("m", old, new)
        assert found.test is not None
        assert 0 < found.test.low <= 0.25 * found.test.estimate
        assert found.label == "Pass"
        assert classify("m", old, new, KayentaRules(tolerance=0.0)).label == "High"

    class TestWhatIsMissing:
        def test_nan_and_none_are_removed(self) -> None:
            assert classify("m", [NAN, *OLD, None], [None, *NEW, NAN]) == classify("m", OLD, NEW)

        def test_or_replaced_by_zero(self) -> None:
            rules = KayentaRules(nan="replace")
            assert classify("m", [NAN, *OLD], [None, *NEW], rules) == classify(
                "m", [0, *OLD], [0, *NEW], rules
            )

        @pytest.mark.parametrize(
            ("rules", "label", "critical"),
            [
                (KayentaRules(), "Nodata", False),
                (KayentaRules(critical=True), "Nodata", True),
                (KayentaRules(required=True), "NodataFailMetric", False),
                (KayentaRules(required=True, critical=True), "Nodata", True),
            ],
        )
        def test_nothing_left(self, rules: KayentaRules, label: str, critical: bool) -> None:
            for control, experiment in ((OLD, [NAN]), ([], NEW), ([], [])):
                found = classify("m", control, experiment, rules)
                assert (found.label, found.critical, found.reason) == (label, critical, "Missing data for m")

        def test_nothing_at_all_passes_where_it_would_be_replaced(self) -> None:
            found = classify("m", OLD, [], KayentaRules(nan="replace", critical=True, required=True))
            assert (found.label, found.reason, found.critical) == ("Pass", None, False)

    class TestOutliers:
        SPIKE = (*OLD[:11], 5000.0)

        def test_they_are_kept_by_default(self) -> None:
            assert classify("m", OLD, self.SPIKE).deviation == pytest.approx(sum(self.SPIKE) / sum(OLD))

        def test_beyond_three_quartile_ranges_and_the_99th_percentile_they_go(self) -> None:
            found = classify("m", [*OLD, 3.0], self.SPIKE, KayentaRules(outliers="remove"))
            assert found.deviation == pytest.approx((sum(OLD[:11]) / 11) / ((sum(OLD) + 3) / 13))

        def test_a_value_on_a_fence_stays(self) -> None:
            """Quartiles of 1 and 3 put the fences at -5 and 9."""
            edge = [-5.0, 1.0, 1.0, 2.0, 3.0, 3.0, 9.0]
            found = classify("m", [1.0, 1.0, 1.5], edge, KayentaRules(outliers="remove"))
            assert found.deviation == pytest.approx(2 / (3.5 / 3))

        def test_a_little_beyond_it_goes(self) -> None:
            """From 10 to 20 the quartiles are 12.75 and 18.25: the upper fence is at 34.75."""
            for spike, kept in ((34.0, [*OLD[:11], 34.0]), (40.0, OLD[:11])):
                found = classify("m", OLD, [*OLD[:11], spike], KayentaRules(outliers="remove"))
                assert found.deviation == pytest.approx(sum(kept) / len(kept) / 15.5)

        def test_a_low_first_percentile_keeps_them(self) -> None:
            """Of 300 values it lies between the third and the fourth."""
            values = [-7000.0, -6000.0, -5000.0, -4000.0, *map(float, range(296))]
            found = classify("m", OLD, values, KayentaRules(outliers="remove"))
            assert found.deviation == pytest.approx(sum(values[3:]) / 297 / 15.5)

        def test_a_wide_99th_percentile_keeps_them(self) -> None:
            """With 300 values the 99th percentile is the third largest: the two beyond it go, itself it stays."""
            values = [*map(float, range(297)), 5000.0, 6000.0, 7000.0]
            found = classify("m", OLD, values, KayentaRules(outliers="remove"))
            kept = [value for value in values if value <= percentile(values, 99)]
            assert found.deviation == pytest.approx((sum(kept) / len(kept)) / 15.5)

        def test_infinite_quartiles_remove_nothing(self) -> None:
            assert classify("m", [INF, INF, INF, 1.0], OLD, KayentaRules(outliers="remove")).label == "Pass"

    class TestConstants:
        def test_identical_in_any_order(self) -> None:
            found = classify("m", OLD, OLD[::-1], KayentaRules(critical=True))
            assert (found.label, found.reason) == ("Pass", "The Canary and Baseline data are identical")
            assert found.deviation == 1.0

        def test_one_value_on_both_sides_in_different_numbers(self) -> None:
            found = classify("m", [1.0, 1.0], [1.0, 1.0, 1.0])
            assert (found.label, found.reason) == ("Pass", None)

        @pytest.mark.parametrize("seed", range(5))
        def test_two_constants_are_told_apart_with_any_noise(self, seed: int) -> None:
            assert classify("m", [1.0] * 5, [10.0] * 5, rng=Random(seed)).label == "High"
            assert classify("m", [0.0] * 5, [-10.0] * 5, rng=Random(seed)).label == "Low"

        def test_one_constant_needs_no_noise(self) -> None:
            assert classify("m", [1.0] * 5, [2.0, 3.0, 4.0, 5.0, 6.0]).deviation == 4.0

        def test_the_same_noise_each_time(self) -> None:
            assert classify("m", [1.0] * 5, [10.0] * 5) == classify("m", [1.0] * 5, [10.0] * 5)

        def test_a_value_on_each_side_is_an_error(self) -> None:
            """Shifted onto each other both are tied."""
            found = classify("m", [4.0], [2.0], KayentaRules(critical=True))
            assert (found.label, found.reason) == ("Error", "Metric Classification Failed")
            assert (found.critical, found.deviation) == (False, None)

    class TestEffect:
        def test_a_mean_ratio_within_what_is_allowed_passes(self) -> None:
            ratio = 45.5 / 15.5
            assert classify("m", OLD, NEW, KayentaRules(allowed_increase=ratio - 0.01)).label == "High"
            assert classify("m", OLD, NEW, KayentaRules(allowed_increase=ratio + 0.01)).label == "Pass"
            assert classify("m", NEW, OLD, KayentaRules(allowed_decrease=1 / ratio - 0.01)).label == "Pass"
            assert classify("m", NEW, OLD, KayentaRules(allowed_decrease=1 / ratio + 0.01)).label == "Low"

        def test_exactly_what_is_allowed_is_too_much(self) -> None:
            low, high = [float(value) for value in range(1, 13)], [float(value) for value in range(14, 26)]
            assert classify("m", low, high, KayentaRules(allowed_increase=3.0)).label == "High"
            assert classify("m", high, low, KayentaRules(allowed_decrease=6.5 / 19.5)).label == "Low"

        def test_a_ratio_that_cannot_be_told_allows_nothing(self) -> None:
            found = classify("m", [0.0] * 12, NEW, KayentaRules(allowed_increase=99.0))
            assert found.label == "High"
            assert found.deviation is not None
            assert math.isnan(found.deviation)

        def test_probability_of_superiority(self) -> None:
            apart = classify("m", OLD, NEW, KayentaRules(effect="cles", allowed_increase=0.9))
            assert (apart.label, apart.effect) == ("High", 1.0)
            overlap = [value + 6 for value in OLD]
            found = classify("m", OLD, overlap, KayentaRules(effect="cles", allowed_increase=0.99))
            assert (found.label, found.effect) == ("Pass", cles(OLD, overlap))
            assert classify("m", OLD, overlap, KayentaRules(effect="cles")).label == "High"

        def test_half_of_the_pairs_is_no_superiority(self) -> None:
            rng = Random(7)
            old, new = noise(rng, 25, 10.8), noise(rng, 25, 10.0)
            found = classify("m", old, new, KayentaRules(effect="cles", tolerance=0.0))
            assert found.effect is not None
            assert 0.25 < found.effect < 0.5
            assert found.label == "Low"

        def test_critical_needs_the_critical_effect(self) -> None:
            always = classify("m", OLD, NEW, KayentaRules(critical=True))
            assert always.critical
            assert always.reason == "The metric m was classified as High (Critical)"
            assert classify("m", NEW, OLD, KayentaRules(critical=True)).critical
            mild = classify("m", OLD, NEW, KayentaRules(critical=True, critical_increase=3.0))
            assert (mild.label, mild.critical, mild.reason) == ("High", False, "m was classified as High")
            assert not classify("m", NEW, OLD, KayentaRules(critical=True, critical_decrease=0.3)).critical

    @given(NUMBERS, NUMBERS, st.randoms())
    def test_the_order_of_values_does_not_matter(
        self, control: list[float], experiment: list[float], rng: Random
    ) -> None:
        """Two constants aside, which get noise value by value."""
        plain = classify("m", control, experiment)
        mixed = classify("m", rng.sample(control, len(control)), rng.sample(experiment, len(experiment)))
        assert (mixed.label, mixed.reason, mixed.critical) == (plain.label, plain.reason, plain.critical)
        assert len({*control}) == len({*experiment}) == 1 or mixed.test == plain.test

    @given(NUMBERS, NUMBERS, st.lists(st.sampled_from([NAN, None]), max_size=9))
    def test_what_is_missing_pads_without_a_trace(
        self, control: list[float], experiment: list[float], padding: list[float | None]
    ) -> None:
        """As the short side of a pair is padded."""
        assert classify("m", [*control, *padding], experiment) == classify("m", control, experiment)

    @given(
        st.lists(st.one_of(st.none(), st.floats()), max_size=20),
        st.lists(st.one_of(st.none(), st.floats()), max_size=20),
        st.sampled_from(["keep", "remove"]),
        st.sampled_from(["meanRatio", "cles"]),
    )
    def test_no_value_breaks_it(
        self,
        control: list[float | None],
        experiment: list[float | None],
        outliers: Literal["keep", "remove"],
        effect: Literal["meanRatio", "cles"],
    ) -> None:
        classify("m", control, experiment, KayentaRules(outliers=outliers, effect=effect))


def result(label: Label, group: str = "g", *, critical: bool = False, muted: bool = False) -> Result:
    return Result(label, (group,), critical, muted, f"because {label}")


class TestScore:
    @pytest.mark.parametrize(
        ("labels", "score"),
        [
            (["Pass"], 100.0),
            (["High"], 0.0),
            (["Pass", "Low", "High"], 33.33),
            (["Pass", "Pass", "High"], 66.67),
            (["Pass", "NodataFailMetric"], 50.0),
            (["Pass", "Error"], 100.0),
            (["Error"], 100.0),
            (["Pass", "Pass", "Nodata"], 100.0),
            (["Pass", "Nodata"], 0.0),
            ([], 0.0),
        ],
    )
    def test_one_group(self, labels: list[Label], score: float) -> None:
        assert kayenta.score([result(label) for label in labels]).score == score

    def test_groups_share_what_no_weight_takes(self) -> None:
        results = [result("Pass", "a"), result("High", "b"), result("Pass", "c"), result("High", "c")]
        assert kayenta.score(results).score == 50.0
        assert kayenta.score(results, {"a": 60.0}).score == 70.0
        assert kayenta.score(results, {"a": 60.0, "b": 40.0, "c": 10.0}).score == 65.0

    def test_a_group_without_data_counts_as_passed_but_shows_nothing(self) -> None:
        found = kayenta.score([result("Pass", "a"), result("Pass", "a"), result("Nodata", "b")])
        assert found.score == 100.0
        assert [(group.name, group.score, group.no_data) for group in found.groups] == [
            ("a", 100.0, False),
            ("b", 0.0, True),
        ]

    def test_a_metric_may_be_in_several_groups(self) -> None:
        both = Result("High", ("a", "b"))
        assert kayenta.score([both, result("Pass", "a")]).score == 25.0

    def test_muted_ones_do_not_count(self) -> None:
        assert kayenta.score([result("Pass"), result("High", critical=True, muted=True)]).score == 100.0

    def test_a_critical_failure_is_the_end(self) -> None:
        found = kayenta.score(
            [result("Pass"), result("Nodata", critical=True), result("High", critical=True)]
        )
        assert (found.score, found.reason) == (0.0, "Canary Failed: because Nodata")
        assert found.groups[0].score == 50.0
        assert kayenta.score([result("Pass", critical=True)]).score == 100.0

    def test_half_without_data_is_the_end(self) -> None:
        found = kayenta.score([result("Pass"), result("Nodata")])
        assert found == Score(0.0, found.groups, "Canary Failed: 50% or more metrics returned NODATA")

    def test_half_is_rounded_up(self) -> None:
        """1 of 32 is 3.125, which a float holds exactly; to even it would become 3.12."""
        assert kayenta.score([result("Pass"), *[result("High")] * 31]).score == 3.13


class TestRating:
    @pytest.mark.parametrize(
        ("score", "word"), [(75.0, "Pass"), (74.99, "Marginal"), (50.0, "Marginal"), (49.99, "Fail")]
    )
    def test_the_judge_counts_both_thresholds_in(self, score: float, word: str) -> None:
        assert kayenta.rate(score) == word

    @pytest.mark.parametrize(("score", "goes_on"), [(50.01, True), (50.0, False), (0.0, False)])
    def test_an_interval_at_marginal_ends_the_stage(self, score: float, goes_on: bool) -> None:
        assert kayenta.interval_goes_on(score) is goes_on

    @pytest.mark.parametrize(
        ("scores", "pass_", "marginal", "succeeded", "words"),
        [
            ([10.0, 75.0], 75.0, 50.0, True, "75.0 met or exceeded the pass"),
            ([90.0, 74.9], 75.0, 50.0, False, "74.9 is below the pass"),
            ([90.0, 50.0], 75.0, 50.0, False, "50.0 is not above the marginal"),
            ([50.1], None, 50.0, True, "No pass score threshold"),
            ([50.0], None, 50.0, False, "not above the marginal"),
            ([50.0], 50.0, None, True, "met or exceeded"),
            ([0.0], None, None, True, "No score thresholds"),
        ],
    )
    def test_only_the_last_interval_must_pass(
        self, scores: list[float], pass_: float | None, marginal: float | None, succeeded: bool, words: str
    ) -> None:
        found = kayenta.stage(scores, pass_, marginal)
        assert found.succeeded is succeeded
        assert words in found.message
