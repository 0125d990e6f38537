"""Where things are on a canvas: a value in the row that its tick says, at every size."""

import itertools
import math
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.widgets.chart.charts import DATA, TIMES, T, braille_dots, lines_of, role_cells
from widgets.cells import Piece
from widgets.chart.axis import LABEL_WIDTH, value_scale
from widgets.chart.chart import ChartData, ChartLine, Limit, Marker, Picture, picture
from widgets.chart.scene import Scene, large, small

SUFFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
LEAST_LARGE = 7
"""Lines of the smallest chart that plotext draws."""


def named_rows(drawn: Picture) -> dict[int, float]:
    """The values that the axis names, by their rows from the top."""
    found = {}
    for row, line in enumerate(lines_of(drawn)):
        if line[LABEL_WIDTH : LABEL_WIDTH + 1] == "┤":
            label = line[:LABEL_WIDTH].strip()
            found[row] = float(label.rstrip("kMGTP")) * SUFFIXES.get(label[-1], 1.0)
    return found


def ranged(lo: float, hi: float, value: float) -> ChartData:
    """A line at ``value`` beside one that goes from ``lo`` to ``hi``."""
    wide = ChartLine("", "baseline", TIMES, (lo, hi) + (None,) * (len(TIMES) - 2))
    level = ChartLine("", "other", TIMES, (None,) * 60 + (value,) * (len(TIMES) - 60))
    return ChartData("p95", "ms", T, T + 3600, (wide, level))


def rows_of(drawn: Picture) -> set[int]:
    """Where the line at one value is."""
    return {row for column, row in role_cells(drawn, "other") if column > LABEL_WIDTH and row}


def check(data: ChartData, value: float, height: int) -> None:
    drawn = picture(data, 70, height)
    assert len(drawn) == height
    named = named_rows(drawn)
    assert len(named) >= 2
    (row,) = rows_of(drawn)
    (first, low), (second, high) = sorted(named.items())[-1], sorted(named.items())[0]
    if data.log:
        low, high, value = math.log10(low), math.log10(high), math.log10(value)
    exact = first - (value - low) / (high - low) * (first - second)
    # Half a row, and a little more: the names of ticks on a logarithmic scale are rounded to rows themselves.
    assert abs(row - exact) <= (1.5 if data.log else 0.5 + 1e-6)
    if not data.log:
        steps = {
            round((a - b) / (high - low) * (len(named) - 1), 6) for a, b in itertools.pairwise(named.values())
        }
        assert steps == {1.0}, "each tick stands for as much"
        assert len({b - a for a, b in itertools.pairwise(named)}) == 1, "and is as far from the next"


def some_ranges(seed: int, count: int) -> Iterator[tuple[float, float, float]]:
    """From, to, and a value between: of all sizes, on both sides of zero, wide and narrow."""
    rng = Random(seed)
    for _ in range(count):
        size = 10.0 ** rng.choice((-12, -3, -1, 0, 1, 2, 5, 9, 200))
        middle, spread = rng.uniform(-2, 2) * rng.choice((0, 1, 1, 50)), rng.random() * rng.choice((0, 1, 1))
        lo, hi = (middle - spread) * size, (middle + spread) * size
        yield lo, hi, min(max(lo, rng.uniform(lo, hi)), hi)


@pytest.mark.parametrize("height", range(4, 31))
class TestAValueIsInTheRowOfItsTick:
    def test_on_small_ones(self, height: int) -> None:
        check(ranged(0.0, 3.0, 2.02)._replace(small=True), 2.02, height)
        for lo, hi, value in some_ranges(height, 40):
            check(ranged(lo, hi, value)._replace(small=True), value, height)

    def test_on_large_ones(self, height: int) -> None:
        for lo, hi, value in some_ranges(height, 4) if height >= LEAST_LARGE else ():
            check(ranged(lo, hi, value), value, height)

    def test_on_logarithmic_ones(self, height: int) -> None:
        for index, (low, high, power) in enumerate(some_ranges(height, 20)):
            lo, hi, value = (10 ** (math.remainder(each, 200) or 1.0) for each in (low, high, power))
            lo, hi = sorted((lo, hi))
            value = min(max(lo, value), hi)
            small = height < LEAST_LARGE or index > 2
            check(ranged(lo, hi, value)._replace(small=small, log=True), value, height)

    @pytest.mark.parametrize("log", [False, True])
    def test_what_an_axis_names_lies_beside_the_name(self, height: int, log: bool) -> None:
        for lo, hi in ((0.1, 2.02), (120.0, 260.0), (0.91, 0.95), (0.0, 3.0), (-4.0, 9.0))[: 3 if log else 5]:
            small = ranged(lo, hi, lo)._replace(small=True, log=log)
            for row, value in named_rows(picture(small, 70, height)).items():
                if lo <= value <= hi:
                    drawn = picture(ranged(lo, hi, value)._replace(small=True, log=log), 70, height)
                    assert rows_of(drawn) == {row}


numbers = st.floats(-1e299, 1e299)


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 30), numbers, numbers, st.floats(0, 1))
def test_any_value_is_in_the_row_of_its_tick(height: int, a: float, b: float, at: float) -> None:
    lo, hi = sorted((a, b))
    value = min(max(lo, lo * (1 - at) + hi * at), hi)
    check(ranged(lo, hi, value)._replace(small=True), value, height)


def test_both_canvases_have_a_point_in_the_same_cell() -> None:
    scale = value_scale(0.0, 3.0, 9, 2)
    for number in range(61):
        runs = (((T + 600.0, number / 20),), ((T + 55.0 * number, 3 - number / 20),))
        scene = Scene(T, T + 3600, scale, (("other", runs),), (), 60, 9)
        drawn = [
            {cell for cell in role_cells(canvas(scene), "other") if cell[1] < 9} for canvas in (small, large)
        ]
        assert drawn[0] == drawn[1]


def only(line: tuple[Piece, ...], role: str) -> tuple[Piece, ...]:
    return tuple((text if its_role == role else " " * len(text), "") for text, its_role in line)


class TestLimits:
    @pytest.mark.parametrize("is_small", [False, True])
    def test_one_in_sight_is_dashes_at_its_height_with_its_value_at_the_edge(self, is_small: bool) -> None:
        limits = (Limit("warn", 1.5, "warn"), Limit("fail", 3.0, "fail"))
        for height in range(7, 31):
            drawn = picture(ranged(0.0, 2.02, 1.5)._replace(limits=limits, small=is_small), 80, height)
            lines = lines_of(drawn)
            (row,) = rows_of(drawn)
            assert lines[row].endswith(" warn 1.5"), "the limit is where a value as high is"
            (fail,) = (line for line in lines if line.endswith(" fail 3"))
            assert "⠒ ⠒" in fail or "⠉ ⠉" in fail or "⠤ ⠤" in fail or "⣀ ⣀" in fail
            assert "↑" not in "".join(lines)
            line, dots = (
                {y for _, y in braille_dots((only(drawn[row], role),))} for role in ("other", "warn")
            )
            assert line == dots, "and as high in that row"

    @pytest.mark.parametrize("is_small", [False, True])
    def test_one_out_of_sight_is_told_at_the_edge_and_not_drawn(self, is_small: bool) -> None:
        limits = (Limit("warn", 180.0, "warn"), Limit("fail", 250.0, "fail"), Limit("least", -40.0, "fail"))
        drawn = picture(ranged(10.0, 20.0, 15.0)._replace(limits=limits, small=is_small), 80, 12)
        lines = lines_of(drawn)
        canvas = lines[1 : 11 if is_small else 10]
        assert canvas[0].endswith(" fail 250 ↑")
        assert canvas[1].endswith(" warn 180 ↑")
        assert canvas[-1].endswith(" least -40 ↓")
        assert {row for column, row in role_cells(drawn, "warn")} == {2}
        assert {column for column, row in role_cells(drawn, "warn")} == {
            column for column, letter in enumerate(lines[2]) if letter != " " and column > 60
        }

    def test_two_in_one_row_have_a_name_each(self) -> None:
        limits = (Limit("warn", 99.0, "warn"), Limit("fail", 100.0, "fail"))
        for height in range(4, 20):
            drawn = picture(ranged(0.0, 100.0, 50.0)._replace(limits=limits, small=True), 80, height)
            edges = [line.split()[-2:] for line in lines_of(drawn) if line.endswith((" 99", " 100"))]
            assert edges == [["fail", "100"], ["warn", "99"]]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e305])
    def test_what_is_no_number_is_no_limit(self, value: float) -> None:
        data = ranged(0.0, 3.0, 1.0)._replace(limits=(Limit("fail", value, "fail"),), small=True)
        assert picture(data, 80, 9) == picture(data._replace(limits=()), 80, 9)

    def test_below_zero_is_below_a_logarithmic_scale(self) -> None:
        data = ranged(1.0, 30.0, 5.0)._replace(limits=(Limit("fail", 0.0, "fail"),), log=True)
        assert any(line.endswith("fail 0 ↓") for line in lines_of(picture(data, 80, 12)))


class TestAMoment:
    @pytest.mark.parametrize("width", range(40, 120, 7))
    @pytest.mark.parametrize("is_small", [False, True])
    def test_a_marker_its_name_the_cursor_and_a_value_of_the_same_time_are_in_one_column(
        self, width: int, is_small: bool
    ) -> None:
        for minute in (7, 22, 30, 41):
            at = T + 60.0 * minute
            spot = ChartLine("", "other", (at,), (2.0,))
            wide = ChartLine("", "baseline", TIMES, (0.0, 3.0) + (None,) * (len(TIMES) - 2))
            data = ChartData("p95", "", T, T + 3600, (wide, spot), (), (Marker(at, "v1"),), small=is_small)
            drawn = picture(data, width, 14)
            lines = lines_of(drawn)
            row = next(row for row, line in enumerate(lines) if "▾" in line)
            column = lines[row].index("▾")
            assert {column} == {x for x, y in role_cells(drawn, "other") if y > row}
            marked = {x for x, y in role_cells(drawn, "marker") if y > row}
            assert marked == {column}
            pointed = picture(data._replace(cursor=at), width, 15)
            assert {x for x, y in role_cells(pointed, "cursor") if y > row + 1} == {column}


def test_one_value_alone_is_seen() -> None:
    for is_small in (False, True):
        for index in (0, 60, 120):
            values = tuple(5.0 if i == index else None for i in range(len(TIMES)))
            data = DATA._replace(lines=(ChartLine("", "other", TIMES, values),), small=is_small)
            cells = {cell for cell in role_cells(picture(data, 70, 10), "other") if cell[1]}
            assert len(cells) == 1


@pytest.mark.parametrize("is_small", [False, True])
def test_a_new_value_changes_few_cells(is_small: bool) -> None:
    """Of the same time shown."""
    values = [100.0 + 20 * math.sin(i / 7) for i in range(len(TIMES))]

    def drawn(known: int) -> set[tuple[int, int, str]]:
        shown = tuple(value if i < known else None for i, value in enumerate(values))
        lines = (ChartLine("", "baseline", TIMES, tuple(values)), ChartLine("", "canary", TIMES, shown))
        data = DATA._replace(lines=lines, limits=(Limit("fail", 500, "fail"),), small=is_small)
        found = lines_of(picture(data, 90, 14))
        return {(x, y, letter) for y, line in enumerate(found) if y for x, letter in enumerate(line)}

    changed = [len(drawn(known + 1) - drawn(known)) for known in range(60, 110, 7)]
    assert max(changed) <= 4
