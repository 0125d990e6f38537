"""The picture of a chart: the same for the same data, large and small."""

import itertools
import math

import plotext
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.widgets.chart.charts import (
    BASELINE,
    BRAILLE,
    CANARY,
    DATA,
    TIMES,
    T,
    braille_dots,
    lines_of,
    role_cells,
    wave,
)
from widgets.chart.chart import ChartData, ChartLine, Limit, Marker, picture
from widgets.chart.data import value_at
from widgets.chart.scene import large


class TestThePicture:
    def test_title_legend_axes_and_local_times(self) -> None:
        lines = lines_of(picture(DATA, 80, 16))
        assert len(lines) == 16
        assert lines[0] == "latency p95 ms   ⠤b⠤ baseline 1.4    210   ⠤c⠤ canary 1.5    270"
        assert [line[:8].strip() for line in lines[1:-2] if line[:8].strip()] == ["300", "250", "200"]
        assert lines[-1].split() == ["00:00", "00:15", "00:30", "00:45", "01:00"]
        assert max(map(len, lines)) <= 80

    def test_the_axis_does_not_move_with_the_length_of_its_labels(self) -> None:
        for values in (wave(210), wave(0.9, size=0.001), wave(3e6, size=1e6), wave(-5e200, size=1e200)):
            lines = lines_of(picture(DATA._replace(lines=(ChartLine("", "other", TIMES, values),)), 60, 12))
            assert {line.index("│") for line in lines if "│" in line} == {8}
            assert all(line[8] in "│┤" for line in lines[1:-2])

    def test_lines_are_braille_and_bear_their_letter(self) -> None:
        for small in (False, True):
            for size in ((80, 16), (60, 10), (150, 30)):
                drawn = picture(DATA._replace(small=small), *size)
                for role, letter in (("baseline", "b"), ("canary", "c")):
                    cells = [cell for cell in role_cells(drawn, role) if cell[1]]
                    letters = [lines_of(drawn)[y][x] for x, y in cells]
                    assert set(letters) - {letter} <= set(map(chr, BRAILLE))
                    assert 1 <= letters.count(letter) <= 1 + size[0] // 24

    def test_a_letter_stands_on_a_line_however_steep_or_short(self) -> None:
        steep = CANARY._replace(values=tuple(float(i % 2) * 300 for i in range(121)))
        spot = CANARY._replace(values=(*[None] * 120, 300.0))
        for line in (steep, spot):
            for small in (False, True):
                drawn = picture(DATA._replace(lines=(BASELINE, line), small=small), 80, 16)
                assert any(lines_of(drawn)[y][x] == "c" for x, y in role_cells(drawn, "canary") if y)

    def test_a_line_alone_needs_no_letter(self) -> None:
        text = "".join(lines_of(picture(DATA._replace(lines=(BASELINE,)), 80, 16))[1:-2])
        assert "b" not in text

    def test_a_gap_is_drawn_as_a_gap(self) -> None:
        columns = {column for column, row in role_cells(picture(DATA, 80, 16), "canary") if row}
        canvas = 80 - 9
        inside = {9 + round(i / 120 * (canvas - 1)) for i in range(50, 80)}
        edges = {9 + round(i / 120 * (canvas - 1)) for i in (49, 80)}
        assert not (inside - edges) & columns
        assert edges <= columns
        whole = {
            column for column, row in role_cells(picture(DATA, 80, 16), "baseline") if row and column > 8
        }
        assert whole == set(range(9, 80))

    @pytest.mark.parametrize("size", [(80, 16), (130, 24), (60, 40)])
    @pytest.mark.parametrize(
        "values",
        [
            tuple(100 * math.sin(i) * math.sin(i / 40) for i in range(121)),
            tuple(float(i % 2) for i in range(121)),
            tuple(float(i > 60) for i in range(121)),
        ],
    )
    def test_a_line_without_gaps_has_no_holes(self, values: tuple[float, ...], size: tuple[int, int]) -> None:
        left = braille_dots(picture(DATA._replace(lines=(BASELINE._replace(values=values),)), *size)[1:])
        assert len({x for x, _ in left}) >= 2 * (size[0] - 9) - 2
        near = [left.pop()]
        while near:
            x, y = near.pop()
            found = {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= found
            near += found
        assert not left

    def test_what_ended_says_when(self) -> None:
        ended = CANARY._replace(values=tuple(None if i > 100 else 1.5 for i in range(121)))
        assert "canary 1.5    1.5 at 00:50" in lines_of(picture(DATA._replace(lines=(ended,)), 80, 16))[0]
        empty = CANARY._replace(values=(None,) * 121)
        assert "canary 1.5 no data" in lines_of(picture(DATA._replace(lines=(BASELINE, empty)), 80, 16))[0]

    def test_markers_stand_over_their_lines(self) -> None:
        markers = (Marker(T + 900, "1.5 out"), Marker(T + 3600, "1.6 out"), Marker(T + 99999, "later"))
        lines = lines_of(picture(DATA._replace(markers=markers), 80, 16))
        assert "▾1.5 out" in lines[1]
        assert lines[1].endswith("1.6 out▾")
        assert "later" not in "".join(lines)
        for column in (lines[1].index("▾"), lines[1].rindex("▾")):
            assert [line[column] for line in lines[2:]].count("│") > 3
            assert lines[-2][column] in "┴┼"

    def test_markers_that_would_touch_leave_the_newest(self) -> None:
        markers = tuple(Marker(T + 1800 + 10 * i, f"version {i}") for i in range(6))
        lines = lines_of(picture(DATA._replace(markers=markers), 60, 16))
        assert "version 5" in lines[2]
        assert lines[2].count("version") == 1

    def test_notes_stand_below(self) -> None:
        lines = lines_of(picture(DATA._replace(notes=("partial answer", "x" * 200)), 80, 18))
        assert lines[-2].strip() == "partial answer"
        assert lines[-1] == "x" * 79 + "…"
        assert lines[-3].split()[0] == "00:00"

    def test_names_are_never_parsed(self) -> None:
        hostile = "[/red][@click=quit]{x}%s"
        data = DATA._replace(title=hostile, markers=(Marker(T + 9, hostile),), notes=(hostile,))
        lines = lines_of(picture(data, 120, 18))
        assert sum(hostile in line for line in lines) == 3

    @pytest.mark.parametrize("value", [5.0, 0.0, -3.0, 1e-200, 1e250])
    def test_a_flat_line_is_drawn(self, value: float) -> None:
        flat = ChartLine("", "canary", TIMES, (value,) * len(TIMES))
        drawn = picture(DATA._replace(lines=(flat,)), 80, 16)
        assert len({row for column, row in role_cells(drawn, "canary") if row}) == 1

    def test_the_same_data_is_the_same_picture(self) -> None:
        first = picture(DATA, 80, 16)
        large.cache_clear()
        picture(DATA._replace(lines=(CANARY,), limits=(Limit("x", 1, "fail"),)), 50, 20)
        plotext.figure.title("somebody else's")
        plotext.figure.ruler("y", "left").direction(-1)
        large.cache_clear()
        assert picture(DATA, 80, 16) == first


SMALL = DATA._replace(small=True)


class TestTheSmallPicture:
    def test_legend_axis_and_times_in_fewer_lines(self) -> None:
        lines = lines_of(picture(SMALL, 80, 8))
        assert len(lines) == 8
        assert lines[0] == "latency p95 ms   ⠤b⠤ baseline 1.4    210   ⠤c⠤ canary 1.5    270"
        assert [line[:8].strip() for line in lines[1:-1] if line[:8].strip()] == ["300", "250", "200"]
        assert lines[-1].split() == ["00:00", "00:15", "00:30", "00:45"]
        assert max(map(len, lines)) <= 80

    def test_a_gap_is_drawn_as_a_gap(self) -> None:
        columns = {column for column, row in role_cells(picture(SMALL, 80, 10), "canary") if row}
        assert not {9 + round(i / 120 * 70) for i in range(51, 79)} & columns
        assert {9 + round(i / 120 * 70) for i in (0, 49, 80, 120)} <= columns

    def test_a_line_without_gaps_has_no_holes(self) -> None:
        jumps = BASELINE._replace(values=tuple(float(i % 2) for i in range(121)))
        dots = braille_dots(picture(SMALL._replace(lines=(jumps,)), 80, 10)[1:])
        assert {x for x, _ in dots} == set(range(19, 160))
        assert {y for _, y in dots} >= set(range(min(y for _, y in dots), max(y for _, y in dots)))

    def test_markers_and_cursor(self) -> None:
        drawn = picture(SMALL._replace(markers=(Marker(T + 900, "1.5"),), cursor=T + 3000.0), 80, 12)
        lines = lines_of(drawn)
        row = next(i for i, line in enumerate(lines) if "▾1.5" in line)
        column = {line[lines[row].index("▾")] for line in lines[row + 1 : -1]}
        assert column <= {"│", "b", "c", *map(chr, BRAILLE)}
        assert len({column for column, at in role_cells(drawn, "cursor") if at > row}) == 1

    def test_a_legend_without_room_tells_the_values_only(self) -> None:
        lines = lines_of(picture(SMALL, 55, 5))
        assert lines[0] == "latency p95 ms   ⠤b⠤ 210   ⠤c⠤ 270"
        assert len(lines) == 5

    def test_four_lines_have_an_axis_of_values_only(self) -> None:
        for data in (SMALL, DATA):
            lines = lines_of(picture(data, 80, 4))
            assert len(lines) == 4
            assert [line[8] for line in lines[1:]] == ["┤"] * 3


class TestSparklines:
    def test_three_lines_have_no_axis(self) -> None:
        for small in (False, True):
            lines = lines_of(picture(DATA._replace(small=small), 60, 3))
            assert lines[0].strip() == "latency p95 ms"
            assert lines[1].startswith("canary 1.5   270 ")
            assert lines[2].startswith("baseline 1.4 210 ")
            assert not set("┤│└") & set("".join(lines))
            assert [cell_len(line) for line in lines] == [60] * 3
            assert [line[16:18].strip() in set("▁▂▃▄▅▆▇█") for line in lines[1:]] == [True] * 2, (
                "side by side"
            )

    def test_the_series_are_on_one_scale(self) -> None:
        levels = tuple(
            line._replace(values=(value,) * 121) for line, value in ((BASELINE, 1.0), (CANARY, 3.0))
        )
        _, canary, baseline = lines_of(picture(DATA._replace(lines=levels), 40, 3))
        assert canary.endswith("████")
        assert baseline.endswith("▁▁▁▁")

    def test_a_gap_and_a_cursor(self) -> None:
        lines = lines_of(picture(DATA._replace(cursor=T + 1800.0), 80, 3))
        assert lines[1].startswith("canary 1.5   no value")
        assert "    " in lines[1][22:]

    def test_with_less_room_the_canary_stays(self) -> None:
        assert lines_of(picture(DATA, 60, 1))[0].startswith("latency p95 ms canary 1.5 270 ")
        assert lines_of(picture(DATA, 40, 1))[0].startswith("latency p95 ms canary 270 ")
        two = lines_of(picture(DATA, 60, 2))
        assert [line.split()[3] for line in two] == ["canary", "baseline"]


class TestTheCursor:
    def test_the_legend_tells_the_values_there_and_the_difference_in_words(self) -> None:
        lines = lines_of(picture(DATA._replace(cursor=T + 900.0), 100, 16))
        assert "baseline 1.4    230" in lines[0]
        assert "canary 1.5    290" in lines[0]
        assert "┃ 00:15:00 canary 60 higher, +26.1%" in " ".join(lines[:2])

    @pytest.mark.parametrize(
        ("baseline", "canary", "words"),
        [
            (2.0, 1.0, "canary 1 lower, -50.0%"),
            (1.0, 1.0, "canary equal"),
            (0.0, 1.0, "canary 1 higher"),
            (-2.0, -1.0, "canary 1 higher, +50.0%"),
            (None, 1.0, ""),
        ],
    )
    def test_differences(self, baseline: float | None, canary: float, words: str) -> None:
        lines = (
            ChartLine("", "baseline", TIMES, (baseline,) * 121),
            ChartLine("", "canary", TIMES, (canary,) * 121),
        )
        text = lines_of(picture(DATA._replace(title="", unit="", lines=lines, cursor=T + 900.0), 120, 12))[0]
        assert text.split("┃ 00:15:00")[1].strip() == words

    def test_in_a_gap_there_is_no_value(self) -> None:
        assert "canary 1.5 no value" in lines_of(picture(DATA._replace(cursor=T + 1800.0), 100, 16))[0]

    def test_it_stands_behind_the_lines(self) -> None:
        plain, pointed = picture(DATA, 100, 16), picture(DATA._replace(cursor=T + 900.0), 100, 16)
        at = 9 + 23
        column = [line[at] for line in lines_of(pointed)[2:-2]]
        assert column.count("┃") >= 8
        drawn = role_cells(picture(DATA._replace(cursor=T + 900.0), 100, 16), "canary")
        assert {cell for cell in drawn if cell[0] == at and cell[1] > 1}
        assert len(plain) == len(pointed)

    def test_out_of_sight_it_is_not_drawn(self) -> None:
        drawn = picture(DATA._replace(cursor=T - 900.0), 100, 16)
        assert not {row for _, row in role_cells(drawn, "cursor") if row > 1}

    @pytest.mark.parametrize(
        ("at", "value"), [(T - 1, None), (T + 14, 0.0), (T + 16, 1.0), (T + 3600, 120.0), (T + 3601, None)]
    )
    def test_the_nearest_value_counts(self, at: float, value: float | None) -> None:
        assert value_at(BASELINE._replace(values=tuple(map(float, range(121)))), at) == value


class TestALogarithmicScale:
    def test_each_power_of_ten_takes_as_much(self) -> None:
        line = ChartLine("", "baseline", TIMES, tuple(10.0 ** (i / 40) for i in range(121)))
        for small in (False, True):
            drawn = picture(DATA._replace(lines=(line,), log=True, small=small), 80, 23)
            dots = sorted(braille_dots(drawn[1:]))
            steps = [low - high for (_, low), (_, high) in itertools.pairwise(dots)]
            assert max(map(abs, steps)) <= 2, "a straight line"
            assert "log scale" in lines_of(drawn)[0]

    def test_what_is_not_above_zero_is_a_gap(self) -> None:
        line = ChartLine("", "other", TIMES, (0.0,) * 60 + (5.0,) * 61)
        drawn = picture(DATA._replace(lines=(line,), log=True), 80, 16)
        assert min(column for column, row in role_cells(drawn, "other") if row) > 40

    def test_where_nothing_is_it_says_so(self) -> None:
        line = ChartLine("", "other", TIMES, (0.0,) * 121)
        text = " ".join(lines_of(picture(DATA._replace(lines=(line,), log=True), 80, 16)))
        assert "nothing is above 0, and a logarithmic scale shows nothing else" in text


class TestWordsInstead:
    def test_a_message(self) -> None:
        lines = lines_of(picture(DATA._replace(message="prom answered 503; it is starting"), 40, 8))
        assert " prom answered 503; it is starting" in [line.rstrip() for line in lines]
        assert lines[0].startswith("latency p95 ms")
        assert len(lines) <= 8

    def test_no_data(self) -> None:
        data = DATA._replace(lines=(ChartLine("", "other", TIMES, (None,) * 121),), notes=("a hint",))
        assert "no data from 00:00 to 01:00; a hint" in "\n".join(lines_of(picture(data, 60, 8)))
        assert "no data" in "\n".join(lines_of(picture(ChartData(), 60, 8)))

    def test_values_out_of_the_time_are_none(self) -> None:
        data = DATA._replace(start=T + 9000, end=T + 12600)
        assert "no data from 02:30 to 03:30" in "\n".join(lines_of(picture(data, 60, 8)))

    @pytest.mark.parametrize(("width", "height"), [(80, 3), (20, 20), (23, 8), (80, 1), (3, 3), (1, 1)])
    def test_too_small_for_axes(self, width: int, height: int) -> None:
        lines = lines_of(picture(DATA, width, height))
        assert len(lines) <= height
        assert max(map(cell_len, lines)) <= width
        assert not set("┤└") & set("".join(lines))


number = st.none() | st.floats(allow_nan=True, allow_infinity=True)
line = st.builds(
    ChartLine,
    st.text(max_size=5),
    st.sampled_from(("baseline", "canary", "other")),
    st.just(range(0, 600, 10)),
    st.lists(number, max_size=60).map(tuple),
)
limit = st.builds(Limit, st.just("l"), st.floats(), st.sampled_from(("warn", "fail")))
marker = st.builds(Marker, st.floats(-10, 700), st.text(st.characters(categories=["L", "So"]), max_size=9))


@settings(deadline=None, max_examples=150)
@given(
    lines=st.lists(line, max_size=3).map(tuple),
    limits=st.lists(limit, max_size=2).map(tuple),
    markers=st.lists(marker, max_size=3).map(tuple),
    width=st.integers(1, 90),
    height=st.integers(1, 24),
    log=st.booleans(),
    small=st.booleans(),
    cursor=st.none() | st.floats(-10, 700),
    steps=st.booleans(),
)
def test_nothing_breaks_it(
    lines: tuple[ChartLine, ...],
    limits: tuple[Limit, ...],
    markers: tuple[Marker, ...],
    width: int,
    height: int,
    log: bool,
    small: bool,
    cursor: float | None,
    steps: bool,
) -> None:
    data = ChartData("t", "u", 0, 600, lines, limits, markers, ("note",), "", cursor, log, small, steps)
    drawn = picture(data, width, height)
    assert len(drawn) <= height
    assert all(cell_len(text) <= width for text in lines_of(drawn))
