"""What may change without the verdict changing, what no value breaks, and how often a verdict errs."""

from collections.abc import Callable
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.insight.judge.samples import case, held, noise, overlapping, ruled, verdict
from tui.domain.verdict import MetricOutcome
from tui.insight.judge import MetricCase, MetricRule, judge_metric, median

OK, BETTER, WORSE, UNCLEAR, IGNORED = MetricOutcome
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
