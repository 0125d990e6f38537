"""What a curve tells: how far it has come, when it should end, what is wrong with it. Whatever was logged."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.training import Point, Progress
from tui.insight.training import (
    FLAT_POINTS,
    SILENT,
    best_of,
    by_step,
    progress,
    resumed_at,
    stepless,
    value_at_step,
)

NOW = 1_795_000_000.0
Value = float | None


def curve(*values: Value, first: int = 0, gap: float = 10.0, end: float = NOW) -> tuple[Point, ...]:
    """Values of steps one after the other, the newest at ``end``."""
    began = end - gap * (len(values) - 1)
    return tuple(Point(first + n, began + n * gap, value) for n, value in enumerate(values))


def look(points: tuple[Point, ...], now: float = NOW, **more: object) -> Progress:
    told = {"better": "lower", "params": {}, **more}
    found = progress(points, now=now, **told)  # type: ignore[arg-type]
    assert found is not None
    return found


def words(points: tuple[Point, ...], now: float = NOW, **more: object) -> list[str]:
    return [each.words for each in look(points, now, **more).noticed]


FALLING = tuple(1.0 / (n + 1) for n in range(30))


class TestWhatIsNoticed:
    def test_nothing_of_a_curve_that_falls(self) -> None:
        assert words(curve(*FALLING)) == []
        assert words(curve(0.5)) == []

    def test_values_that_are_not_finite(self) -> None:
        assert words(curve(0.9, 0.5, 0.4, None, None)) == ["not finite since step 3"]
        assert words(curve(0.9, None, None), sampled=True) == ["not finite by step 1"], "or before"
        assert words(curve(None)) == ["not finite since step 0"]
        # It came back: what is newest counts.
        assert words(curve(0.9, None, 0.8)) == []

    def test_diverging_is_over_three_times_the_best_for_five_values(self) -> None:
        assert words(curve(1.0, 0.2, 0.7, 0.7, 0.7, 0.7)) == []
        assert words(curve(1.0, 0.2, 0.7, 0.8, 0.9, 1.0, 1.1)) == [
            "diverging: over 3 times its best, 0.2 at step 1"
        ]
        assert words(curve(1.0, 0.2, 0.7, 0.8, 0.5, 1.0, 1.1)) == []
        # A multiple of what is 0 or less says nothing, nor does it of what should be high.
        assert words(curve(-1.0, -2.0, 5.0, 5.1, 5.2, 5.3, 5.4)) == []
        assert words(curve(0.2, 0.7, 0.8, 0.9, 1.0, 1.1), better="higher") == []

    def test_flat_is_no_better_for_eight_values_and_a_fifth_of_all(self) -> None:
        level = (1.0, 0.5, *[0.5] * FLAT_POINTS)
        assert words(curve(*level[:-1])) == []
        assert words(curve(*level)) == ["flat: no better than 0.5 at step 1 for 8 values"]
        assert words(curve(*FALLING, *[FALLING[-1]] * 7)) == []
        # Better by less than a thousandth of all that it moved is no better.
        assert len(words(curve(1.0, 0.5, *[0.5 - 0.00001 * n for n in range(FLAT_POINTS)]))) == 1
        long = (*(1.0 - n / 100 for n in range(100)), *[0.02] * 20)
        assert words(curve(*long)) == [], "twenty of 120 are less than a fifth"
        assert words(curve(*long, *[0.02] * 10)) == ["flat: no better than 0.01 at step 99 for 30 values"]
        rising = (0.1, 0.9, *[0.8] * FLAT_POINTS)
        assert words(curve(*rising), better="higher") == ["flat: no better than 0.9 at step 1 for 8 values"]
        assert words(curve(*[0.3] * 9)) == ["flat: no better than 0.3 at step 0 for 8 values"]

    def test_where_nobody_says_which_way_is_better_nothing_is_said_of_that(self) -> None:
        found = look(curve(1.0, 0.2, *[0.9] * 20), better=None)
        assert (found.best, found.noticed) == (None, ())
        assert words(curve(1.0, None), better=None) == ["not finite since step 1"]

    def test_silent_is_ten_minutes_or_five_usual_gaps_without_a_value(self) -> None:
        points = curve(0.9, 0.8, 0.7)
        assert words(points, NOW + SILENT) == []
        assert words(points, NOW + SILENT + 1) == ["silent: no value for 10m"]
        assert words(points, NOW + SILENT + 1, going_on=False) == []
        slow = curve(0.9, 0.8, 0.7, gap=1000.0)
        assert words(slow, NOW + 5000) == []
        assert words(slow, NOW + 5001) == ["silent: no value for 1h 23m"]
        # A clock of the machine that trains which is ahead is no silence.
        assert words(curve(0.9, 0.8, 0.7, end=NOW + 9e6)) == []


class TestHowFarItHasCome:
    @pytest.mark.parametrize(
        ("params", "first", "total", "left"),
        [
            ({"epochs": "40"}, 0, 40, 12),
            ({"epochs": "40"}, 1, 40, 12),
            ({"num_train_epochs": "40.0"}, 0, 40, 12),
            ({"max_steps": "-1", "n_estimators": "50"}, 0, 50, 22),
            ({"epochs": "20"}, 0, None, None),
            ({"epochs": "many"}, 0, None, None),
            ({"epochs": "nan"}, 0, None, None),
            ({"epochs": "1e999"}, 0, None, None),
            ({"epochs": "9" * 5000}, 0, None, None),
            ({}, 0, None, None),
        ],
    )
    def test_a_parameter_tells_the_total(
        self, params: dict[str, str], first: int, total: int | None, left: int | None
    ) -> None:
        found = look(curve(*FALLING[:28], first=first), params=params)
        assert found.step == 27 + first
        assert found.total == total
        assert found.ends_at == (None if left is None else NOW + left * 10)

    def test_the_parameter_of_the_config_goes_first(self) -> None:
        found = look(curve(*FALLING), params={"epochs": "40", "rounds": "100"}, total="rounds")
        assert (found.total, found.basis) == (100, "rounds")

    def test_else_the_champion_does(self) -> None:
        found = look(curve(*FALLING), champion=curve(*[0.1] * 50))
        assert (found.total, found.basis, found.ends_at) == (50, "the champion", NOW + 20 * 10)
        assert look(curve(*FALLING), champion=curve(*[0.1] * 20)).total is None

    def test_a_pause_now_and_then_makes_no_step_longer(self) -> None:
        points = [*curve(*FALLING[:10], end=NOW - 400), *curve(*FALLING[10:20], first=10)]
        assert look(tuple(points), params={"epochs": "40"}).ends_at == NOW + 20 * 10

    def test_what_is_done_or_does_not_go_on_has_no_end_to_come(self) -> None:
        points = curve(*FALLING)
        assert look(points, params={"epochs": "30"}).ends_at == NOW
        assert look(points, params={"epochs": "40"}, going_on=False).ends_at is None
        assert look(points[:1], params={"epochs": "40"}).ends_at is None

    def test_without_steps_only_time_tells_values_apart(self) -> None:
        points = tuple(Point(0, NOW - 10 * n, 0.1 * n) for n in range(5))
        assert stepless(points)
        assert not stepless(points[:1])
        found = look(points, params={"epochs": "40"})
        assert (found.step, found.total, found.ends_at) == (0, None, None)
        assert found.best == points[0]


class TestStepsThatRepeatOrGoBack:
    def test_the_newest_value_of_a_step_wins(self) -> None:
        points = (Point(0, 1, 0.9), Point(1, 2, 0.8), Point(2, 3, 9.9), Point(1, 4, 0.7), Point(2, 5, 0.6))
        assert [(each.step, each.value) for each in by_step(points)] == [(0, 0.9), (1, 0.7), (2, 0.6)]
        assert resumed_at(points) == 1
        assert resumed_at(points[:3]) is None
        assert resumed_at(()) is None

    def test_what_is_newest_is_what_came_last_not_the_highest_step(self) -> None:
        points = (*curve(*FALLING, end=NOW - 5000), Point(3, NOW, None))
        assert words(points) == ["not finite since step 3"]


def test_between_steps_a_curve_is_a_line() -> None:
    points = (Point(0, 0, 1.0), Point(10, 0, 2.0), Point(20, 0, None))
    assert [value_at_step(points, step) for step in (0, 5, 10, 15, 20, 21, -1)] == [
        1.0, 1.5, 2.0, None, None, None, None,
    ]  # fmt: skip
    assert value_at_step((), 3) is None


STEP = st.integers(-(1 << 62), 1 << 62) | st.integers(0, 5)
VALUE = st.none() | st.floats(-1.7e308, 1.7e308) | st.sampled_from([0.0, 1e-320, -1.0, 1.78e308])
POINTS = st.lists(st.builds(Point, STEP, st.floats(0, 2.5e11) | st.just(NOW), VALUE), max_size=40)


@given(POINTS, POINTS, st.sampled_from(["lower", "higher", None]), st.text(max_size=9), st.booleans())
def test_no_values_however_strange_end_it(
    points: list[Point], champion: list[Point], better: str | None, total: str, going_on: bool
) -> None:
    found = progress(
        points,
        now=NOW,
        better=better,  # type: ignore[arg-type]
        params={"epochs": total},
        champion=by_step(champion),
        going_on=going_on,
    )
    assert (found is None) is (not points)
    if found is not None:
        assert found.ends_at is None or math.isfinite(found.ends_at)
        assert all(each.words for each in found.noticed)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_matter(points: list[Point], random: object) -> None:
    """Read in any parts, a curve is the one that is read whole."""
    unlike = {(point.step, point.at): point for point in points}
    mixed = list(unlike.values())
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert by_step(mixed) == by_step(unlike.values())
    assert best_of(by_step(mixed), "lower") == best_of(by_step(unlike.values()), "lower")
