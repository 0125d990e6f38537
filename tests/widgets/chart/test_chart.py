"""The widget: when it is drawn, and what is heard of it."""

import builtins
import itertools
import subprocess
import sys
from typing import Any

import plotext
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from tests.widgets.chart.charts import BASELINE, DATA, T, lines_of, wave
from widgets.chart import chart as chart_module
from widgets.chart.axis import ValueAxis
from widgets.chart.chart import Chart, ChartData, Limit, Picture, picture
from widgets.chart.scene import large


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
from widgets.chart.chart import Chart, ChartData, ChartLine
class A(App):
    def compose(self): yield Chart()
async def main():
    app = A()
    async with app.run_test() as pilot:
        small = ChartData("t", "", 0, 60, (ChartLine("", "canary", range(0, 61, 10), (1.0,) * 7),), small=True)
        app.query_one(Chart).show(small)
        while app.query_one(Chart).stale:
            await pilot.pause()
        assert "⠒⠒⠒" in "".join(app.query_one(Chart).render_line(y).text for y in range(1, 20))
        app.query_one(Chart).show(ChartData("t", message="waiting"))
        await pilot.pause()
        assert "waiting" in "".join(app.query_one(Chart).render_line(y).text for y in range(5))
asyncio.run(main())
sys.exit("plotext" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
