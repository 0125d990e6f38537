"""A series in one line of text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.chart.sparkline import sparkline

BLOCKS = "▁▂▃▄▅▆▇█"


@pytest.mark.parametrize(
    ("values", "width", "text"),
    [
        (range(8), 8, BLOCKS),
        (range(7, -1, -1), 8, BLOCKS[::-1]),
        (range(80), 8, BLOCKS),
        (range(2), 6, "▁▁▁███"),
        ((1.0,), 4, "▄▄▄▄"),
        ((0.0, 0.0), 2, "▄▄"),
        ((0.1 + 0.2, 0.3), 2, "▄▄"),
        ((1.0, None, 3.0), 3, "▁ █"),
        ((1.0, math.nan, math.inf, -math.inf, 3.0), 5, "▁   █"),
        ((None, None), 4, "    "),
        ((), 4, "    "),
        ((1.0, 2.0), 0, ""),
        ((1.0, 2.0), -3, ""),
        ((-1e299, 1e299), 2, "▁█"),
        ((1e-200, 2e-200), 2, "▁█"),
    ],
)
def test_its_shape(values: tuple[float | None, ...], width: int, text: str) -> None:
    assert sparkline(values, width) == text


def test_a_short_gap_among_many_values_is_no_hole() -> None:
    assert sparkline([1.0, None, 1.0, 2.0, 2.0, 2.0], 2) == "▁█"


def test_curves_of_the_same_bounds_can_be_compared() -> None:
    bounds = (0.0, 7.0)
    assert sparkline((0.0, 1.0), 2, bounds) == "▁▂"
    assert sparkline((6.0, 7.0), 2, bounds) == "▇█"
    assert sparkline((-5.0, 50.0), 2, bounds) == "▁█", "what is beyond them lies at their edge"
    assert sparkline((3.0, 3.0), 2, bounds) == "▄▄"


numbers = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=60)


@given(numbers, st.integers(-2, 40), st.none() | st.tuples(st.floats(-10, 10), st.floats(-10, 10)))
def test_it_is_as_wide_as_it_was_asked_for(
    values: list[float | None], width: int, bounds: tuple[float, float] | None
) -> None:
    text = sparkline(values, width, bounds)
    assert cell_len(text) == max(0, width)
    assert set(text) <= {*BLOCKS, " "}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_the_higher_value_is_never_drawn_lower(values: list[float]) -> None:
    drawn = sorted(zip(values, map(BLOCKS.index, sparkline(values, len(values))), strict=True))
    assert [height for _, height in drawn] == sorted(height for _, height in drawn)
