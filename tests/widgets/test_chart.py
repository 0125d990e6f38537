import builtins
import itertools
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import plotext
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from widgets import chart as chart_module
from widgets.axis import ValueAxis
from widgets.chart import Chart, ChartData, Limit, Line, Marker, Picture, picture
from widgets.chart_data import runs, value_at
from widgets.chart_scene import large

T = 1_767_225_600  # 2026-01-01 00:00 UTC
TIMES = range(T, T + 3601, 30)
BRAILLE = range(0x2801, 0x2900)
BLOCKS = "▘▝▖▗▀▄▌▐▚▞▛▜▙▟█"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def wave(middle: float, gap: range = range(0), size: float = 20.0) -> tuple[float | None, ...]:
    return tuple(
        None if i in gap else middle + size * math.sin(i / (len(TIMES) - 1) * math.tau)
        for i in range(len(TIMES))
    )


BASELINE = Line("1.4", "baseline", TIMES, wave(210))
CANARY = Line("1.5", "canary", TIMES, wave(270, range(50, 80)))
DATA = ChartData("latency p95", "ms", T, T + 3600, (BASELINE, CANARY))


def lines_of(drawn: Picture) -> list[str]:
    return ["".join(text for text, _ in line) for line in drawn]


def role_cells(drawn: Picture, role: str) -> set[tuple[int, int]]:
    """Where (column, row) something of ``role`` is drawn."""
    cells = set()
    for row, line in enumerate(drawn):
        column = 0
        for text, its_role in line:
            if its_role == role:
                cells |= {(column + i, row) for i, letter in enumerate(text) if letter != " "}
            column += cell_len(text)
    return cells


def braille_dots(drawn: Picture) -> set[tuple[int, int]]:
    """Where (x, y) there are dots, each cell being two by four."""
    places = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
    return {
        (2 * column + x, 4 * row + y)
        for row, text in enumerate(lines_of(drawn))
        for column, letter in enumerate(text)
        if ord(letter) in BRAILLE
        for bit, (x, y) in enumerate(places)
        if (ord(letter) - 0x2800) >> bit & 1
    }


class TestThePicture:
    def test_title_legend_axes_and_local_times(self) -> None:
        lines = lines_of(picture(DATA, 80, 16))
        assert len(lines) == 16
        assert lines[0] == "latency p95 ms   ⠤⠤ baseline 1.4    210   ▀▀ canary 1.5    270"
        assert [line[:8].strip() for line in lines[1:-2] if line[:8].strip()] == ["300", "250", "200", "150"]
        assert lines[-1].split() == ["00:00", "00:15", "00:30", "00:45", "01:00"]
        assert max(map(len, lines)) <= 80

    def test_the_axis_does_not_move_with_the_length_of_its_labels(self) -> None:
        for values in (wave(210), wave(0.9, size=0.001), wave(3e6, size=1e6), wave(-5e200, size=1e200)):
            lines = lines_of(picture(DATA._replace(lines=(Line("", "other", TIMES, values),)), 60, 12))
            assert {line.index("│") for line in lines if "│" in line} == {8}
            assert all(line[8] in "│┤" for line in lines[1:-2])

    def test_lines_are_told_apart_without_colours(self) -> None:
        drawn = lines_of(picture(DATA._replace(lines=(BASELINE,)), 80, 16))[1:-2]
        letters = set("".join(line[9:] for line in drawn)) - {" "}
        assert letters
        assert all(ord(letter) in BRAILLE for letter in letters)
        drawn = lines_of(picture(DATA._replace(lines=(CANARY,)), 80, 16))[1:-2]
        assert set("".join(line[9:] for line in drawn)) - {" "} <= set(BLOCKS)

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

    def test_limits_have_their_line_and_place_in_the_legend(self) -> None:
        limits = (Limit("warn", 300, "warn"), Limit("fail", 320, "fail"), Limit("fail", 5000, "fail"))
        drawn = picture(DATA._replace(limits=limits), 100, 20)
        warn, fail = (
            {row for column, row in role_cells(drawn, role) if column > 8 and row > 1}
            for role in ("warn", "fail")
        )
        assert (len(warn), len(fail)) == (1, 1)
        assert min(fail) < min(warn)
        text = "\n".join(lines_of(drawn))
        assert "┈┈ warn 300" in text
        assert "── fail 320" in text
        assert "── fail 5000, not in sight" in text
        assert "┈┈┈┈┈┈┈" in lines_of(drawn)[min(warn)]

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
        flat = Line("", "canary", TIMES, (value,) * len(TIMES))
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
        assert lines[0] == "latency p95 ms   ⠤⠤ baseline 1.4    210   ▀▀ canary 1.5    270"
        assert [line[:8].strip() for line in lines[1:-1] if line[:8].strip()] == ["300", "250", "200", "150"]
        assert (
            lines[-1].split() == ["00:00", "00:15", "00:30", "00:45", "01:00"][1:-1] or "00:30" in lines[-1]
        )
        assert max(map(len, lines)) <= 80

    def test_lines_are_told_apart_without_colours(self) -> None:
        only = picture(SMALL._replace(lines=(BASELINE,)), 80, 10)
        assert all(
            ord(letter) in BRAILLE for line in lines_of(only)[1:-1] for letter in line[9:].replace(" ", "")
        )
        only = picture(SMALL._replace(lines=(CANARY,)), 80, 10)
        assert set("".join(line[9:] for line in lines_of(only)[1:-1])) - {" "} <= set(BLOCKS)

    def test_a_gap_is_drawn_as_a_gap(self) -> None:
        columns = {column for column, row in role_cells(picture(SMALL, 80, 10), "canary") if row}
        assert not {9 + round(i / 120 * 70) for i in range(51, 79)} & columns
        assert {9 + round(i / 120 * 70) for i in (0, 49, 80, 120)} <= columns

    def test_a_line_without_gaps_has_no_holes(self) -> None:
        jumps = BASELINE._replace(values=tuple(float(i % 2) for i in range(121)))
        dots = braille_dots(picture(SMALL._replace(lines=(jumps,)), 80, 10)[1:])
        assert {x for x, _ in dots} == set(range(18, 160))
        assert {y for _, y in dots} >= set(range(min(y for _, y in dots), max(y for _, y in dots)))

    def test_limits_markers_and_cursor(self) -> None:
        data = SMALL._replace(
            limits=(Limit("warn", 300, "warn"), Limit("fail", 5000, "fail")),
            markers=(Marker(T + 900, "1.5"),),
            cursor=T + 3000.0,
        )
        drawn = picture(data, 80, 12)
        lines = lines_of(drawn)
        assert any("┈" * 9 in line for line in lines[3:])
        assert "fail 5000, not in sight" in " ".join(lines[:3])
        row = next(i for i, line in enumerate(lines) if "▾1.5" in line)
        assert {line[lines[row].index("▾")] for line in lines[row + 1 : -1]} <= {
            "│",
            *BLOCKS,
            *map(chr, BRAILLE),
        }
        assert len({column for column, at in role_cells(drawn, "cursor") if at > row}) == 1


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
        lines = tuple(
            Line("", role, TIMES, (value,) * 121)  # type: ignore[arg-type]
            for role, value in (("baseline", baseline), ("canary", canary))
        )
        text = lines_of(picture(DATA._replace(title="", unit="", lines=lines, cursor=T + 900.0), 120, 12))[0]
        assert text.split("┃ 00:15:00")[1].strip() == words

    def test_in_a_gap_there_is_no_value(self) -> None:
        assert "canary 1.5 no value" in lines_of(picture(DATA._replace(cursor=T + 1800.0), 100, 16))[0]

    def test_it_stands_behind_the_lines(self) -> None:
        plain, pointed = picture(DATA, 100, 16), picture(DATA._replace(cursor=T + 900.0), 100, 16)
        at = 9 + round(0.25 * 90)
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
        line = Line("", "baseline", TIMES, tuple(10.0 ** (i / 40) for i in range(121)))
        for small in (False, True):
            drawn = picture(DATA._replace(lines=(line,), log=True, small=small), 80, 23)
            dots = sorted(braille_dots(drawn[1:]))
            steps = [low - high for (_, low), (_, high) in itertools.pairwise(dots)]
            assert max(map(abs, steps)) <= 2, "a straight line"
            assert "log scale" in lines_of(drawn)[0]

    def test_what_is_not_above_zero_is_a_gap(self) -> None:
        line = Line("", "other", TIMES, (0.0,) * 60 + (5.0,) * 61)
        drawn = picture(DATA._replace(lines=(line,), log=True), 80, 16)
        assert min(column for column, row in role_cells(drawn, "other") if row) > 40

    def test_where_nothing_is_it_says_so(self) -> None:
        line = Line("", "other", TIMES, (0.0,) * 121)
        text = " ".join(lines_of(picture(DATA._replace(lines=(line,), log=True), 80, 16)))
        assert "nothing is above 0, and a logarithmic scale shows nothing else" in text


class TestWordsInstead:
    def test_a_message(self) -> None:
        lines = lines_of(picture(DATA._replace(message="prom answered 503; it is starting"), 40, 8))
        assert " prom answered 503; it is starting" in [line.rstrip() for line in lines]
        assert lines[0].startswith("latency p95 ms")
        assert len(lines) <= 8

    def test_no_data(self) -> None:
        data = DATA._replace(lines=(Line("", "other", TIMES, (None,) * 121),), notes=("a hint",))
        assert "no data from 00:00 to 01:00; a hint" in "\n".join(lines_of(picture(data, 60, 8)))
        assert "no data" in "\n".join(lines_of(picture(ChartData(), 60, 8)))

    def test_values_out_of_the_time_are_none(self) -> None:
        data = DATA._replace(start=T + 9000, end=T + 12600)
        assert "no data from 02:30 to 03:30" in "\n".join(lines_of(picture(data, 60, 8)))

    @pytest.mark.parametrize(("width", "height"), [(80, 5), (20, 20), (23, 8), (80, 1)])
    def test_too_small(self, width: int, height: int) -> None:
        lines = lines_of(picture(DATA, width, height))
        assert len(lines) <= height
        assert max(map(cell_len, lines)) <= width
        assert lines[-1].strip() == "too small to draw"

    def test_a_legend_too_long_is_cut_for_the_lines(self) -> None:
        drawn = picture(DATA, 24, 7)
        assert lines_of(drawn)[0] == "latency p95 ms"
        assert role_cells(drawn, "baseline")


number = st.none() | st.floats(allow_nan=True, allow_infinity=True)
line = st.builds(
    Line,
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
)
def test_nothing_breaks_it(
    lines: tuple[Line, ...],
    limits: tuple[Limit, ...],
    markers: tuple[Marker, ...],
    width: int,
    height: int,
    log: bool,
    small: bool,
    cursor: float | None,
) -> None:
    data = ChartData("t", "u", 0, 600, lines, limits, markers, ("note",), "", cursor, log, small)
    drawn = picture(data, width, height)
    assert len(drawn) <= height
    assert all(cell_len(text) <= width for text in lines_of(drawn))


class TestThinning:
    def test_few_points_stay_as_they_are(self) -> None:
        assert runs(BASELINE, T, T + 3600, 240) == (tuple(zip(TIMES, BASELINE.values, strict=True)),)

    def test_spikes_stay(self) -> None:
        values: list[float | None] = [1.0] * 10_000
        values[1234], values[7777] = 99.0, -99.0
        (run,) = runs(Line("", "other", range(10_000), values), 0, 10_000, 240)
        assert len(run) <= 240
        assert (1234, 99.0) in run
        assert (7777, -99.0) in run
        assert list(run) == sorted(run)

    def test_the_shortest_gap_divides(self) -> None:
        values: list[float | None] = [float(i % 7) for i in range(10_000)]
        values[5000] = math.nan
        first, second = runs(Line("", "other", range(10_000), values), 0, 10_000, 240)
        assert first[-1][0] < 5000 < second[0][0]

    def test_only_what_is_shown_counts(self) -> None:
        (run,) = runs(BASELINE, T + 60, T + 120, 240)
        assert [at for at, _ in run] == [T + 60, T + 90, T + 120]


class Recorder(Chart):
    """Tells in ``history`` when it is painted."""

    history: list[str]

    def render_line(self, y: int) -> Strip:
        if y == 0:
            self.history.append(f"paint {self.id}")
        return super().render_line(y)


class ChartApp(App[None]):
    CSS = "Chart { height: 12; }"

    def __init__(self, count: int = 1) -> None:
        super().__init__()
        self.history: list[str] = []
        self.count = count

    def compose(self) -> ComposeResult:
        for i in range(self.count):
            chart = Recorder(id=f"c{i}")
            chart.history = self.history
            yield chart

    def chart(self, i: int = 0) -> Chart:
        return self.query_one(f"#c{i}", Chart)


def shown(chart: Chart) -> list[str]:
    return [chart.render_line(y).text.rstrip() for y in range(chart.size.height)]


async def drawn(pilot: Pilot[None], chart: Chart, words: str) -> list[str]:
    """The chart's lines, as soon as ``words`` are among them."""
    for _ in range(500):
        await pilot.pause(0.01)
        if any(words in line for line in shown(chart)):
            return shown(chart)
    raise AssertionError(f"{words!r} never came: {shown(chart)}")


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ChartData, int, int]]:
    """Every picture made from now on."""
    made: list[tuple[ChartData, int, int]] = []

    def spy(data: ChartData, width: int, height: int, axis: ValueAxis) -> Picture:
        made.append((data, width, height))
        return picture(data, width, height, axis)

    monkeypatch.setattr(chart_module, "picture", spy)
    return made


class TestTheWidget:
    async def test_it_shows_the_picture(self) -> None:
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart().show(DATA)
            lines = await drawn(pilot, app.chart(), "01:00")
            assert lines == [line.rstrip() for line in lines_of(picture(DATA, 80, 12))]

    async def test_every_line_is_as_wide_as_the_widget(self) -> None:
        app = ChartApp()
        async with app.run_test(size=(71, 24)) as pilot:
            app.chart().show(DATA)
            await drawn(pilot, app.chart(), "01:00")
            assert {app.chart().render_line(y).cell_length for y in range(12)} == {71}

    async def test_it_is_drawn_again_for_new_data_or_another_size_only(
        self, pictures: list[tuple[ChartData, int, int]]
    ) -> None:
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart().show(DATA)
            await drawn(pilot, app.chart(), "01:00")
            pictures.clear()
            app.history.clear()
            app.chart().show(ChartData(*DATA))
            await pilot.pause()
            assert app.history == []
            app.chart().refresh()
            app.theme = "textual-light"
            await pilot.pause()
            assert pictures == []
            await pilot.resize_terminal(60, 24)
            await pilot.pause()
            assert pictures == [(DATA, 60, 12)]
            app.chart().show(DATA._replace(title="throughput"))
            await drawn(pilot, app.chart(), "throughput")
            assert len(pictures) == 2

    async def test_the_axis_stays_from_refresh_to_refresh(self) -> None:
        """It would be another one for each of these alone."""
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            labels = set()
            for middle in (210.0, 231.0, 229.0, 231.0, 225.0):
                line = BASELINE._replace(label=str(middle), values=wave(middle))
                app.chart().show(DATA._replace(lines=(line,)))
                lines = await drawn(pilot, app.chart(), f"baseline {middle}")
                labels.add(tuple(text[:8] for text in lines[1:]))
            assert len(labels) <= 2, "wider once, and never back"

    async def test_a_cursor_draws_nothing_but_itself_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart().show(DATA._replace(cursor=T + 60.0))
            await drawn(pilot, app.chart(), "00:01:00")
            monkeypatch.setattr(plotext.figure, "build", None)
            for minute in range(2, 9):
                app.chart().show(DATA._replace(cursor=T + 60.0 * minute))
                await drawn(pilot, app.chart(), f"00:0{minute}:00")

    async def test_a_click_points_at_a_moment(self) -> None:
        app = ChartApp()
        pointed: list[float] = []

        async with app.run_test(
            size=(80, 24),
            message_hook=lambda message: (
                pointed.append(message.time) if isinstance(message, Chart.Pointed) else None
            ),
        ) as pilot:
            app.chart().show(DATA)
            await drawn(pilot, app.chart(), "01:00")
            for column in (9, 79, 2):
                await pilot.click(Chart, offset=(column, 5))
        assert list(dict.fromkeys(pointed)) == [T, T + 3600]

    async def test_only_the_latest_data_is_drawn(self, pictures: list[tuple[ChartData, int, int]]) -> None:
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart().show(DATA)
            await drawn(pilot, app.chart(), "01:00")
            pictures.clear()
            for i in range(20):
                app.chart().show(DATA._replace(title=f"number {i}"))
            await drawn(pilot, app.chart(), "number 19")
            assert [data.title for data, _, _ in pictures] == ["number 19"]

    async def test_many_charts_are_drawn_one_between_two_frames(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = ChartApp(4)

        def spy(data: ChartData, width: int, height: int, axis: ValueAxis) -> Picture:
            if data.lines:
                app.history.append(f"draw c{data.title}")
            return picture(data, width, height, axis)

        monkeypatch.setattr(chart_module, "picture", spy)
        async with app.run_test(size=(80, 60)) as pilot:
            await pilot.pause()
            for i in range(4):
                app.chart(i).show(DATA._replace(title=str(i)))
            for i in range(4):
                await drawn(pilot, app.chart(i), "01:00")
        draws = [i for i, event in enumerate(app.history) if event.startswith("draw")]
        assert sorted(app.history[i] for i in draws) == ["draw c0", "draw c1", "draw c2", "draw c3"]
        for this, following in itertools.pairwise(draws):
            painted = app.history[this].replace("draw", "paint")
            assert painted in app.history[this:following]

    async def test_a_hidden_chart_is_drawn_when_it_is_shown(
        self, pictures: list[tuple[ChartData, int, int]]
    ) -> None:
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart().display = False
            await pilot.pause()
            pictures.clear()
            app.chart().show(DATA)
            await pilot.pause()
            assert pictures == []
            app.chart().display = True
            await drawn(pilot, app.chart(), "01:00")

    async def test_a_chart_that_is_hidden_while_it_waits_is_not_drawn(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = ChartApp(3)
        titles: list[str] = []

        def spy(data: ChartData, width: int, height: int, axis: ValueAxis) -> Picture:
            if data.lines:
                titles.append(data.title)
                for i in range(3):
                    app.chart(i).display = str(i) in titles or i == 2
            return picture(data, width, height, axis)

        monkeypatch.setattr(chart_module, "picture", spy)
        async with app.run_test(size=(80, 60)) as pilot:
            await pilot.pause()
            for i in range(3):
                app.chart(i).show(DATA._replace(title=str(i)))
            await drawn(pilot, app.chart(2), "01:00")
        assert len(titles) < 3

    async def test_a_removed_chart_is_forgotten(self) -> None:
        app = ChartApp(2)
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart(0).show(DATA)
            app.chart(1).show(DATA)
            await app.chart(0).remove()
            await drawn(pilot, app.chart(1), "01:00")

    @pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "ansi-light"])
    async def test_colours_are_the_themes(self, theme: str) -> None:
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.chart().show(DATA._replace(limits=(Limit("fail", 300, "fail"),)))
            await drawn(pilot, app.chart(), "01:00")
            app.theme = theme
            await pilot.pause()
            styles = {
                role: app.chart().get_component_rich_style(f"chart--{role}", partial=True)
                for role in ("baseline", "canary", "fail")
            }
            used = {
                segment.style.color
                for y in range(1, 12)
                for segment in app.chart().render_line(y)
                if segment.style is not None
            }
        assert {style.color for style in styles.values()} <= used
        assert len({style.color for style in styles.values()}) == 3
        if theme.startswith("ansi"):
            assert all(colour is None or colour.triplet is None for colour in used)

    async def test_without_plotext_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(name: str, *rest: Any, **more: Any) -> Any:
            if name == "plotext":
                raise ImportError("plotext cannot draw: its C++ part will not load\nmore")
            return real(name, *rest, **more)

        real = builtins.__import__
        app = ChartApp()
        async with app.run_test(size=(80, 24)) as pilot:
            monkeypatch.setattr(builtins, "__import__", refuse)
            large.cache_clear()
            app.chart().show(DATA)
            await drawn(pilot, app.chart(), "its C++ part will not load")


def test_plotext_is_not_loaded_before_there_is_something_to_draw() -> None:
    code = """
import asyncio, sys
from textual.app import App
from widgets.chart import Chart, ChartData, Line
class A(App):
    def compose(self): yield Chart()
async def main():
    app = A()
    async with app.run_test() as pilot:
        small = ChartData("t", "", 0, 60, (Line("", "canary", range(0, 61, 10), (1.0,) * 7),), small=True)
        app.query_one(Chart).show(small)
        while app.query_one(Chart).stale:
            await pilot.pause()
        assert "▄▄▄" in "".join(app.query_one(Chart).render_line(y).text for y in range(1, 20))
        app.query_one(Chart).show(ChartData("t", message="waiting"))
        await pilot.pause()
        assert "waiting" in "".join(app.query_one(Chart).render_line(y).text for y in range(5))
asyncio.run(main())
sys.exit("plotext" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
