"""Texts that go on below where a line is too short for them."""

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widgets import Static

from widgets.status_line import StatusItem
from widgets.wrapped_lines import Text, WrappedLines, wrapped

REASON = "152.6 ms, 34 % over the baseline and rising; 10 % is allowed"
LINE = Text(
    (
        StatusItem("✗ WORSE", "failed"),
        StatusItem("latency p95", "strong"),
        StatusItem("+38.93 ms", drop=2),
        StatusItem(REASON),
    ),
    (StatusItem("1m old", "dim", drop=3),),
)


def lines(text: Text, width: int, most: int) -> list[str]:
    return ["".join(part for part, _ in row) for row in wrapped(text, width, most)]


class TestOneText:
    def test_all_of_it_where_there_is_room(self) -> None:
        (line,) = lines(LINE, 120, 3)
        assert line.startswith(f" ✗ WORSE  latency p95  +38.93 ms  {REASON} ")
        assert line.endswith("  1m old")
        assert len(line) == 119

    @pytest.mark.parametrize(("width", "left"), [(100, "+38.93 ms"), (90, ""), (84, "")])
    def test_what_may_be_left_out_goes_before_a_second_line(self, width: int, left: str) -> None:
        (line,) = lines(LINE, width, 3)
        assert line.split("p95")[1].split("152.6")[0].strip() == left
        assert line.rstrip().endswith("10 % is allowed")

    def test_then_it_goes_on_below(self) -> None:
        assert lines(LINE, 55, 3) == [
            " ✗ WORSE  latency p95  152.6 ms, 34 % over the",
            "   baseline and rising; 10 % is allowed",
        ]
        assert lines(LINE, 40, 3) == [
            " ✗ WORSE  latency p95  152.6 ms, 34 %",
            "   over the baseline and rising; 10 %",
            "   is allowed",
        ]

    def test_where_there_is_no_room_the_last_line_is_the_long_one(self) -> None:
        assert lines(LINE, 55, 1) == [f" ✗ WORSE  latency p95  {REASON}"]
        first, second = lines(LINE, 40, 2)
        assert first == " ✗ WORSE  latency p95  152.6 ms, 34 %"
        assert second == "   over the baseline and rising; 10 % is allowed"

    def test_what_must_be_at_the_right_is_there_whatever_the_others_are(self) -> None:
        text = LINE._replace(right=(StatusItem("last 1h"),))
        assert lines(text, 55, 3)[0] == " ✗ WORSE  latency p95  152.6 ms, 34 % over     last 1h"
        assert lines(text, 55, 1) == [" ✗ WORSE  latency p95  152.6 ms, 34 % over t…  last 1h"]

    def test_a_detail_follows_its_label(self) -> None:
        text = Text((StatusItem("canary", "dim", "76d0b686"), StatusItem("OK")))
        assert lines(text, 40, 1) == [" canary 76d0b686  OK"]

    def test_a_word_longer_than_a_line_is_not_lost_sight_of(self) -> None:
        assert lines(Text((StatusItem("x" * 50), StatusItem("end"))), 20, 3) == [f" {'x' * 50}", "   end"]

    def test_a_number_keeps_its_sign(self) -> None:
        text = Text((StatusItem("beyond the warn limit of some 1.5 % here"),))
        assert lines(text, 35, 3) == [" beyond the warn limit of some", "   1.5 % here"]

    def test_nothing_is_an_empty_line(self) -> None:
        assert lines(Text(()), 20, 3) == [" "]


class LinesApp(App[None]):
    CSS = "Static { height: 1fr; }"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield WrappedLines()
            yield Static("below")

    @property
    def shown(self) -> list[str]:
        widget = self.query_one(WrappedLines)
        return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


class TestTheWidget:
    async def test_it_takes_the_lines_it_needs_up_to_half_of_the_room(self) -> None:
        app = LinesApp()
        async with app.run_test(size=(40, 20)) as pilot:
            app.query_one(WrappedLines).lay([LINE] * 3)
            await pilot.pause()
            assert len(app.shown) == 9
            await pilot.resize_terminal(40, 14)
            await pilot.pause()
            assert len(app.shown) == 6
            assert app.shown[1].endswith("…")
            await pilot.resize_terminal(40, 8)
            await pilot.pause()
            assert [line[:8] for line in app.shown] == [" ✗ WORSE"] * 3
            await pilot.resize_terminal(120, 20)
            await pilot.pause()
            assert len(app.shown) == 3
            app.query_one(WrappedLines).lay([])
            await pilot.pause()
            assert app.shown == []

    async def test_the_same_again_is_not_drawn_and_one_line_is_drawn_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = LinesApp()
        drawn: list[int] = []
        async with app.run_test(size=(120, 20)) as pilot:
            widget = app.query_one(WrappedLines)
            widget.lay([LINE] * 3)
            await pilot.pause()
            real = widget.render_line

            def recorded(y: int) -> Strip:
                drawn.append(y)
                return real(y)

            monkeypatch.setattr(widget, "render_line", recorded)
            widget.lay([LINE] * 3)
            await pilot.pause()
            assert drawn == []
            widget.lay([LINE, LINE._replace(right=()), LINE])
            await pilot.pause()
            assert set(drawn) == {1}
