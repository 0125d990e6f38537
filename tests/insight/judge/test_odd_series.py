"""Both judges over what nobody would measure: nothing, one value, infinities, NaN, ties, the huge and the tiny."""

import math
from collections.abc import Sequence
from random import Random
from typing import Literal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.insight.judge.samples import case, noise
from tui.insight.judge import MetricRule, decide, judge_metric, kayenta
from tui.insight.judge.kayenta import KayentaRules, Result, classify

NAN, INF = math.nan, math.inf
Values = Sequence[float | None]
UP = [float(number) for number in range(10, 30)]
ODD: list[list[float | None]] = [
    [],
    [None, NAN],
    [1.0],
    [INF],
    [-INF, INF],
    [INF, INF, INF],
    [0.0, -0.0],
    [5e-324],
    [5e-324, 1e-320, 2e-320],
    [1e308, -1e308, 1.7e308],
    [1e308, 1.5e308, 1.7e308],
    [7.0] * 9,
    [1.0, 1.0, 2.0, 2.0, 2.0],
    [INF, *UP],
    [-INF, *UP],
    [NAN, *UP, None],
    [*UP],
]
ANY = st.lists(st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 1.0, INF, -INF])), max_size=25)
RULES = st.builds(
    KayentaRules,
    direction=st.sampled_from(["increase", "decrease", "either"]),
    nan=st.sampled_from(["remove", "replace"]),
    outliers=st.sampled_from(["keep", "remove"]),
    effect=st.sampled_from(["meanRatio", "cles"]),
    critical=st.booleans(),
    required=st.booleans(),
)


class TestKayenta:
    @pytest.mark.parametrize("control", ODD)
    @pytest.mark.parametrize("nan", ["remove", "replace"])
    @pytest.mark.parametrize("outliers", ["keep", "remove"])
    def test_every_pair_has_a_label_and_a_reason_that_fits(
        self,
        control: Values,
        nan: Literal["remove", "replace"],
        outliers: Literal["keep", "remove"],
    ) -> None:
        for experiment in ODD:
            found = classify(
                "m", control, experiment, KayentaRules(nan=nan, outliers=outliers, critical=True)
            )
            match found.label:
                case "Pass":
                    assert not found.critical
                case "High" | "Low":
                    assert (found.critical, found.reason) == (
                        True,
                        f"The metric m was classified as {found.label} (Critical)",
                    )
                case "Nodata":
                    assert (found.critical, found.reason, nan) == (True, "Missing data for m", "remove")
                case "Error":
                    assert (found.critical, found.reason) == (False, "Metric Classification Failed")
                case _:
                    pytest.fail(found.label)

    @given(ANY, ANY, RULES)
    def test_a_label_goes_only_the_bad_way(
        self, control: Values, experiment: Values, rules: KayentaRules
    ) -> None:
        found = classify("m", control, experiment, rules)
        assert found.label != {"increase": "Low", "decrease": "High"}.get(rules.direction)
        assert not (found.critical and (found.label == "Pass" or not rules.critical))
        assert found.label != "NodataFailMetric" or (rules.required and not rules.critical)

    @given(ANY, ANY)
    def test_replacing_with_zero_is_having_zero(self, control: Values, experiment: Values) -> None:
        filled = [
            [0.0 if value is None or math.isnan(value) else value for value in values]
            for values in (control, experiment)
        ]
        assume(all(filled))
        found = classify("m", control, experiment, KayentaRules(nan="replace"))
        assert repr(found) == repr(classify("m", filled[0], filled[1]))

    def test_infinities_are_neither_missing_nor_outliers_of_themselves(self) -> None:
        assert classify("m", [INF], [INF]).reason == "The Canary and Baseline data are identical"
        beyond = classify("m", UP, [INF] * 20)
        assert (beyond.label, beyond.reason) == ("Pass", None), (
            "an endless shift is not above a quarter of itself"
        )
        # Of 20 values the 99th percentile lies between the two highest, and so does the fence: at infinity.
        few = classify("m", UP, [*UP[:19], INF], KayentaRules(outliers="remove"))
        many = classify("m", UP, [*UP[:19] * 10, INF], KayentaRules(outliers="remove"))
        assert few.deviation is not None
        assert math.isnan(few.deviation), "it stays, and has no mean"
        assert many.deviation == pytest.approx(sum(UP[:19]) / 19 / (sum(UP) / 20))

    def test_a_zero_mean_passes_the_critical_test_of_the_effect_too(self) -> None:
        found = classify("m", [0.0] * 12, UP, KayentaRules(critical=True, critical_increase=99.0))
        assert (found.label, found.critical) == ("High", True)


class TestKayentasScore:
    RESULTS = (Result("Pass", ("a",)), Result("High", ("b",)))

    @pytest.mark.parametrize(
        ("weights", "score"),
        [
            ({}, 50.0),
            ({"a": 0.0}, 0.0),
            ({"a": 100.0}, 100.0),
            ({"a": 60.0, "b": 20.0}, 60.0),  # under 100: nobody has the rest
            ({"a": 60.0, "b": 90.0}, 60.0),  # over 100
            ({"b": 150.0}, -50.0),  # what is left for a is less than nothing
            ({"a": 50.0, "gone": 30.0}, 50.0),
            ({"b": 40.0, "gone": 30.0}, 30.0),  # a weight of no group is taken all the same
            ({"a": 33.335}, 33.34),
            ({"a": 33.3349}, 33.33),
            ({"b": 133.335}, -33.34),
            ({"a": 1e30}, 1e30),
        ],
    )
    def test_weights_that_do_not_add_up(self, weights: dict[str, float], score: float) -> None:
        assert kayenta.score(self.RESULTS, weights).score == pytest.approx(score, abs=1e-12)

    def test_a_group_with_nothing_counts_as_passed_with_its_weight(self) -> None:
        empty = Result("Nodata", ("c",))
        passed = [Result("Pass", ("a",)), Result("High", ("b",))]
        assert kayenta.score([*passed, empty], {"c": 90.0}).score == 95.0
        assert kayenta.score([*passed, Result("Error", ("c",))], {"c": 90.0}).score == 95.0

    def test_muted_ones_are_neither_failures_nor_missing_nor_groups(self) -> None:
        muted = [Result("Nodata", ("c",), critical=True, muted=True)] * 9
        found = kayenta.score([*self.RESULTS, *muted])
        assert (found.score, [group.name for group in found.groups]) == (50.0, ["a", "b"])
        assert kayenta.score(muted).score == 0.0

    def test_an_error_counts_only_in_the_share_of_what_is_missing(self) -> None:
        results = [Result("Nodata", ("a",)), Result("Error", ("a",)), Result("Pass", ("a",))]
        assert kayenta.score(results).score == 100.0
        assert kayenta.score(results[:2]).score == 0.0


class TestOwn:
    @pytest.mark.parametrize("baseline", ODD)
    @pytest.mark.parametrize(
        "rule", [MetricRule(max_worse=0.0), MetricRule(max_worse=0.1, relative=True), MetricRule(fail=3.0)]
    )
    def test_every_pair_has_a_verdict_that_can_be_written_down(
        self, baseline: Values, rule: MetricRule
    ) -> None:
        for canary in ODD:
            found = decide("m", [judge_metric(case(baseline, canary, rule))])
            assert found.reason
            assert found.metrics[0].reason
            assert "nan" not in repr(found)

    @given(ANY, ANY)
    def test_what_is_no_finite_number_is_a_gap(self, baseline: Values, canary: Values) -> None:
        def gaps(values: Values) -> list[float | None]:
            return [value if value is not None and math.isfinite(value) else None for value in values]

        plain = judge_metric(case(gaps(baseline), gaps(canary)))
        assert judge_metric(case(baseline, canary)) == plain

    def test_a_quantile_at_its_highest_bucket_is_never_better_than_unclear(self) -> None:
        rng = Random(5)
        baseline = noise(rng, 30, 480.0)
        one = case(baseline, [500.0, 499.0] * 15, MetricRule(max_worse=100.0))
        assert judge_metric(one).outcome == "OK"
        clamped = judge_metric(msgspec.structs.replace(one, canary_ceiling=500.0))
        assert clamped.outcome == "UNCLEAR"
        assert "it may be any higher" in clamped.reason
        higher = msgspec.structs.replace(one.rule, better="higher")
        assert judge_metric(msgspec.structs.replace(one, canary_ceiling=500.0, rule=higher)).outcome == "OK"
