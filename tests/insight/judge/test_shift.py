"""The shift against brute force, and how often it errs."""

import math
from itertools import combinations, pairwise
from random import Random
from statistics import NormalDist, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.judge.samples import held, noise, overlapping
from tui.insight.judge.shift import MOST_POINTS, autocorrelation, shift, thin

WHOLE = st.integers(-50, 50).map(float)
SAMPLE = st.lists(WHOLE, min_size=1, max_size=60)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(SAMPLE, SAMPLE)
def test_it_is_the_median_of_all_differences(xs: list[float], ys: list[float]) -> None:
    assert shift(xs, ys).estimate == median(x - y for x in xs for y in ys)


@given(st.integers(0, 2**32), st.integers(45, 240), st.integers(45, 240), st.sampled_from([1, 4, 1000]))
def test_large_samples_are_no_estimate_either(seed: int, m: int, n: int, grain: int) -> None:
    rng = Random(seed)
    xs, ys = ([round(value * grain) / grain for value in noise(rng, count)] for count in (m, n))
    found = shift(xs, ys)
    differences = sorted(x - y for x in xs for y in ys)
    assert found.estimate == median(differences)
    memory = max(0.0, autocorrelation(xs), autocorrelation(ys))
    reach = NormalDist().inv_cdf(0.99) * math.sqrt((1 + memory) / (1 - memory) * m * n * (m + n + 1) / 12)
    k = math.ceil(m * n / 2 - 0.5 - reach)
    assert (found.low, found.high) == (differences[k - 1], differences[-k])


def test_by_hand() -> None:
    """5 against 5: 12.5 - 0.5 - 2.326 * sqrt(25 * 11 / 12) = 0.86, so k is 1: the interval is all differences."""
    found = shift([10, 30, 20, 50, 40], [3, 1, 4, 2, 5])
    assert (found.estimate, found.low, found.high) == (27.0, 5.0, 49.0)
    assert (found.memory, found.effective) == (0.0, 5.0)


def zigzag(values: list[float]) -> list[float]:
    """An order in which neighbours differ as much as can be: no autocorrelation widens the interval."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return [
        value for pair in zip(ordered[:half], ordered[half : 2 * half], strict=True) for value in pair
    ] + ordered[2 * half :]


@pytest.mark.parametrize(("m", "n"), [(5, 5), (4, 8), (6, 6), (7, 5), (7, 7)])
def test_the_interval_covers_no_difference_in_98_of_100_arrangements(m: int, n: int) -> None:
    """All ways to deal ranks to two samples are equally likely where there is no difference."""
    ranks = set(range(m + n))
    covered = total = 0
    for chosen in combinations(ranks, m):
        found = shift(
            zigzag([float(r) for r in chosen]), zigzag([float(r) for r in ranks.difference(chosen)])
        )
        covered += found.low <= 0 <= found.high
        total += 1
    assert covered / total >= 0.98


def test_too_few_points_have_no_interval() -> None:
    found = shift([1, 2, 1], [7, 6, 7])
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.estimate == -5


class TestMemory:
    def test_what_alternates_has_none_and_what_holds_has_much(self) -> None:
        assert autocorrelation([1, 2] * 10) < 0
        assert shift([1, 2] * 10, [1, 2] * 10).memory == 0
        assert autocorrelation([1] * 20 + [2] * 20) > 0.9

    def test_of_two_values_it_is_minus_a_half(self) -> None:
        assert autocorrelation([3.0, 7.0]) == -0.5
        assert autocorrelation([3.0]) == 0

    def test_the_shorter_side_says_how_many_there_are(self) -> None:
        assert shift([1, 2] * 15, [1, 2] * 5).effective == shift([1, 2] * 5, [1, 2] * 15).effective == 10

    def test_what_never_changes_has_none_to_see(self) -> None:
        found = shift([1.0] * 20, [0.0] * 20)
        assert (found.memory, found.effective, found.low, found.high) == (0, 20, 1, 1)

    def test_the_larger_of_both_sides_counts(self) -> None:
        calm, rough = [1.0] * 30 + [2.0] * 30, [1.0, 2.0] * 30
        assert shift(calm, rough).memory == shift(rough, calm).memory == autocorrelation(calm)
        assert shift(calm, rough).effective == pytest.approx(
            60 * (1 - autocorrelation(calm)) / (1 + autocorrelation(calm))
        )

    @pytest.mark.parametrize("unit", [1e-200, 1e-6, 1e200])
    def test_the_unit_does_not_matter(self, unit: float) -> None:
        values = noise(Random(4), 50)
        assert autocorrelation([value * unit for value in values]) == pytest.approx(autocorrelation(values))

    def test_a_straight_line_amounts_to_next_to_nothing(self) -> None:
        line = [float(number) for number in range(200)]
        assert shift(line, line).effective < 2


class TestInvariance:
    @given(SAMPLE, SAMPLE, st.integers(-40, 40))
    def test_scale(self, xs: list[float], ys: list[float], power: int) -> None:
        unit = 2.0**power
        plain, scaled = shift(xs, ys), shift([x * unit for x in xs], [y * unit for y in ys])
        assert (scaled.estimate, scaled.low, scaled.high) == (
            plain.estimate * unit,
            plain.low * unit,
            plain.high * unit,
        )
        assert scaled.effective == plain.effective

    @given(SAMPLE, SAMPLE, st.integers(-(10**9), 10**9))
    def test_translation(self, xs: list[float], ys: list[float], offset: int) -> None:
        assert shift([x + offset for x in xs], [y + offset for y in ys]) == shift(xs, ys)

    @given(SAMPLE, SAMPLE)
    def test_it_turns_its_sign_with_the_sides_and_the_direction(
        self, xs: list[float], ys: list[float]
    ) -> None:
        forth = shift(xs, ys)
        for back in (shift(ys, xs), shift([-x for x in xs], [-y for y in ys])):
            assert (back.estimate, back.low, back.high) == (-forth.estimate, -forth.high, -forth.low)
            assert back.effective == pytest.approx(forth.effective)

    @given(SAMPLE, SAMPLE)
    def test_time_backwards_is_as_good(self, xs: list[float], ys: list[float]) -> None:
        assert shift(xs[::-1], ys[::-1]) == shift(xs, ys)

    @given(SAMPLE, SAMPLE, st.randoms())
    def test_the_estimate_knows_no_order(self, xs: list[float], ys: list[float], rng: Random) -> None:
        assert shift(rng.sample(xs, len(xs)), ys).estimate == shift(xs, ys).estimate


@given(st.lists(FINITE, min_size=1, max_size=70), st.lists(FINITE, min_size=1, max_size=70))
def test_no_finite_value_breaks_it(xs: list[float], ys: list[float]) -> None:
    found = shift(xs, ys)
    assert 0 <= found.memory <= 0.99
    assert not found.low > found.high


def test_long_samples_are_thinned_evenly_keeping_the_newest() -> None:
    values = [float(number) for number in range(1000)]
    thinned = thin(values)
    assert len(thinned) <= MOST_POINTS
    assert thinned[-1] == 999
    assert {b - a for a, b in pairwise(thinned)} == {5.0}
    assert thin(values[:240]) == values[:240]


class TestHowOftenItErrs:
    """Simulations with a fixed seed, in the conditions of contracts: canary, section 3; wide enough bounds."""

    def test_no_difference(self) -> None:
        rng = Random(1)
        found = [shift(noise(rng, 60), noise(rng, 60)) for _ in range(400)]
        assert sum(each.low > 0 or each.high < 0 for each in found) <= 0.03 * 400

    def test_overlapping_windows_are_too_few_points(self) -> None:
        rng = Random(2)
        found = [shift(overlapping(rng, 60, 20), overlapping(rng, 60, 20)) for _ in range(100)]
        assert sum(each.effective < 8 for each in found) >= 95

    def test_windows_that_touch_are_as_good_as_independent(self) -> None:
        rng = Random(3)
        found = [shift(overlapping(rng, 60, 1), overlapping(rng, 60, 1)) for _ in range(200)]
        assert sum(each.effective < 8 for each in found) == 0
        assert sum(each.low > 0 or each.high < 0 for each in found) <= 6

    def test_held_gauges_are_too_few_points(self) -> None:
        rng = Random(4)
        found = [shift(held(rng, 60, 20), held(rng, 60, 20)) for _ in range(100)]
        assert all(each.effective < 8 for each in found)

    @pytest.mark.parametrize(("count", "least"), [(30, 0.7), (60, 0.97)])
    def test_a_difference_of_one_deviation_is_seen(self, count: int, least: float) -> None:
        rng = Random(5)
        found = [shift(noise(rng, count, 1.0), noise(rng, count)) for _ in range(200)]
        assert sum(each.low > 0 for each in found) >= least * 200
