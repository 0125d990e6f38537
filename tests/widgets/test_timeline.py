from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.timeline import timeline

moments = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("start", "end", "bar"),
    [
        (0, 80, "██████████"),
        (0, 40, "█████     "),
        (40, 80, "     █████"),
        (0, 9, "█▏        "),
        (0, 15, "█▉        "),
        (4, 24, "▐██       "),
        (11, 24, " ██       "),
        (0, 0, "▏         "),
        (80, 80, "         ▐"),
        (16, 19, "  ▍       "),
        (22, 25, "  ▐▏      "),
    ],
)
def test_a_bar_stands_where_it_was_and_is_as_long_as_it_took(start: float, end: float, bar: str) -> None:
    assert timeline(start, end, 0, 80, 10) == bar


def test_a_running_bar_ends_in_a_tip() -> None:
    assert timeline(0, 40, 0, 80, 10, running=True) == "█████▸    "
    assert timeline(40, 80, 0, 80, 10, running=True) == "     ████▸"
    assert timeline(80, 80, 0, 80, 10, running=True) == "         ▸"
    assert timeline(40, None, 0, 80, 10, running=True) == "     ████▸"


def test_where_it_waited_there_is_a_thin_line() -> None:
    assert timeline(40, 80, 0, 80, 10, queued=16) == "  ╌╌╌█████"
    assert timeline(40, 40, 0, 80, 10, running=True, queued=-5) == "╌╌╌╌╌▸    "
    assert timeline(8, 80, 0, 80, 10, queued=8) == timeline(8, 80, 0, 80, 10)
    assert timeline(8, 80, 0, 80, 10, queued=nan) == timeline(8, 80, 0, 80, 10)


def test_what_lies_outside_the_scale_is_cut() -> None:
    assert timeline(-40, 40, 0, 80, 10) == "█████     "
    assert timeline(40, 400, 0, 80, 10) == "     █████"


def test_an_end_before_its_start_is_a_sliver() -> None:
    assert timeline(40, 10, 0, 80, 10) == "     ▏    "


@pytest.mark.parametrize(("start", "end", "hi"), [(None, 5, 9), (nan, 5, 9), (0, inf, 9), (0, 5, nan)])
def test_without_a_start_or_a_scale_it_is_blank(start: float | None, end: float, hi: float) -> None:
    assert timeline(start, end, 0, hi, 10) == " " * 10


def test_a_scale_without_length_shows_a_sliver() -> None:
    assert timeline(5, 5, 5, 5, 4) == "▏   "


@given(st.none() | moments, st.none() | moments, moments, moments, st.integers(-1, 40), st.booleans())
def test_it_is_always_as_wide_as_asked(
    start: float | None, end: float | None, lo: float, hi: float, width: int, running: bool
) -> None:
    assert cell_len(timeline(start, end, lo, hi, width, running)) == max(0, width)
