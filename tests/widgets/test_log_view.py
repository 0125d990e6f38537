import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from rich.cells import cell_len, set_cell_size
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.scrollbar import ScrollTo
from textual.strip import Strip

from tests.logs.support import fed
from tests.screens import running, screen_text
from tui.logs.find import Search
from tui.logs.gitlab import GitLabParser
from tui.logs.rules import errors, words
from tui.logs.spool import Spool
from widgets.log_source import LogSource
from widgets.log_view import LogView


class Part(NamedTuple):
    first: int
    last: int | None
    collapsed: bool = False
    duration: float | None = None


class Lines:
    """A log in memory that notes how much is read of it."""

    def __init__(
        self, *lines: str, sections: tuple[Part, ...] = (), gap: tuple[int, int] | None = None
    ) -> None:
        self.lines = [line.encode() for line in lines]
        self.sections = list(sections)
        self.gap = gap
        self.generation = 0
        self.loose = 0
        """How many of the last lines may still change."""
        self.bytes_read = 0

    @property
    def settled(self) -> int:
        return len(self.lines) - self.loose

    def __len__(self) -> int:
        return len(self.lines)

    def read(self, line: int, limit: int) -> bytes:
        data = self.lines[line][:limit]
        self.bytes_read += len(data)
        return data

    def time(self, line: int) -> float | None:
        return None if line == 2 else 1_700_000_000.0 + line

    def line_at(self, when: float) -> int | None:
        line = round(when - 1_700_000_000)
        return max(0, line) if line < len(self.lines) else None

    def add(self, *lines: str) -> None:
        self.lines += [line.encode() for line in lines]


class CountingView(LogView):
    """Remembers which lines of the screen it was asked to draw, and how often it wanted a new layout."""

    def __init__(self, source: LogSource, **options: Any) -> None:
        super().__init__(source, **options)
        self.drawn: list[int] = []
        self.layouts = 0

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> "CountingView":
        self.layouts += layout
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def forget(self) -> None:
        self.drawn.clear()
        self.layouts = 0


class LogApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "note"), Binding("enter", "note")]

    def __init__(self, source: LogSource) -> None:
        super().__init__()
        self.log_view = CountingView(source, zone=UTC)
        self.said: list[Message] = []
        self.notes = 0

    def compose(self) -> ComposeResult:
        yield self.log_view

    def on_log_view_followed(self, event: LogView.Followed) -> None:
        self.said.append(event)

    def on_log_view_asked(self, event: LogView.Asked) -> None:
        self.said.append(event)

    async def on_log_view_sought(self, event: LogView.Sought) -> None:
        self.said.append(event)

    def on_log_view_copied(self, event: LogView.Copied) -> None:
        self.said.append(event)

    def on_log_view_cancelled(self, event: LogView.Cancelled) -> None:
        self.said.append(event)

    def action_note(self) -> None:
        self.notes += 1


class Bench(NamedTuple):
    app: LogApp
    view: CountingView
    hands: Pilot[Any]

    def rows(self) -> list[str]:
        """The lines of the log on the screen, without the one below them."""
        width = self.view.scrollable_content_region.width
        lines = [set_cell_size(line, width).rstrip() for line in self.all_rows()[:-1]]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def all_rows(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def status(self) -> str:
        return " ".join(set_cell_size(self.all_rows()[-1], self.view.scrollable_content_region.width).split())

    def following(self) -> bool:
        return self.view.following

    def selection(self) -> tuple[int, int] | None:
        return self.view.selection

    def said(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.app.said if isinstance(message, kind)]


@asynccontextmanager
async def shown(source: LogSource, size: tuple[int, int] = (40, 6)) -> AsyncIterator[Bench]:
    app = LogApp(source)
    async with running(app, size) as hands:
        app.log_view.focus()
        await hands.pause()
        yield Bench(app, app.log_view, hands)


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"line {number}" for number in range(start, start + count)]


# Following -------------------------------------------------------------------------------------------------------


async def test_it_opens_at_the_end_and_follows() -> None:
    source = Lines(*numbered(100))
    async with shown(source) as bench:
        assert bench.rows() == numbered(5, 95)
        assert bench.status() == "following 96-100 of 100"

        source.add(*numbered(3, 100))
        bench.view.grew()
        await bench.hands.pause()

        assert bench.rows() == numbered(5, 98)
        assert bench.said(LogView.Followed)[-1].following


async def test_leaving_the_end_stops_following_and_says_what_came_since() -> None:
    source = Lines(*numbered(100))
    async with shown(source) as bench:
        await bench.hands.press("k", "k")
        assert bench.rows() == numbered(5, 93)
        assert bench.status() == "94-98 of 100"

        source.add(*numbered(1200, 100))
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows() == numbered(5, 93)
        assert bench.status() == "1,200 new lines below 94-98 of 1,300"
        last = bench.said(LogView.Followed)[-1]
        assert (last.following, last.new) == (False, 1200)

        await bench.hands.press("G")
        assert bench.rows() == numbered(5, 1295)
        assert bench.status() == "following 1,296-1,300 of 1,300"
        last = bench.said(LogView.Followed)[-1]
        assert (last.following, last.new) == (True, 0)


@pytest.mark.parametrize("keys", [("j", "j"), ("space",), ("F",), ("end",), ("1", "0", "0", "p")])
async def test_who_comes_back_to_the_end_follows_again(keys: tuple[str, ...]) -> None:
    source = Lines(*numbered(50))
    async with shown(source) as bench:
        await bench.hands.press("k", "k")
        assert not bench.following()
        await bench.hands.press(*keys)
        assert bench.following()
        source.add("more")
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows()[-1] == "more"


async def test_a_log_that_fits_is_followed_whatever_is_pressed() -> None:
    source = Lines(*numbered(3))
    async with shown(source) as bench:
        await bench.hands.press("k", "b", "g")
        assert (bench.rows(), bench.following()) == (numbered(3), True)


async def test_an_empty_log_takes_every_key() -> None:
    source = Lines()
    async with shown(source) as bench:
        await bench.hands.press(*"jkbdugGzZwvyNnEet5pF", "left", "right", "escape")
        assert bench.rows() == []
        assert bench.status().endswith("empty")
        source.add("first")
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows()[0].endswith("first")


async def test_what_came_while_the_end_was_left_is_drawn_only_where_it_shows() -> None:
    source = Lines(*numbered(100))
    async with shown(source) as bench:
        await bench.hands.press("k")
        bench.view.forget()
        source.add("more")
        bench.view.grew()
        await bench.hands.pause()

        assert set(bench.view.drawn) == {5}
        assert bench.view.layouts == 0


async def test_a_log_that_grows_within_the_screen_draws_its_new_lines_only() -> None:
    source = Lines("a")
    async with shown(source) as bench:
        bench.view.forget()
        source.add("b")
        bench.view.grew()
        await bench.hands.pause()
        assert set(bench.view.drawn) == {1, 5}


async def test_a_half_line_is_shown_and_completed() -> None:
    source = Lines("one", "tw")
    source.loose = 1
    async with shown(source) as bench:
        assert bench.rows() == ["one", "tw"]
        bench.view.forget()
        source.lines[1] = b"two \x1b[31m!\x1b[0m"
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows() == ["one", "two !"]
        assert set(bench.view.drawn) == {1}

        source.loose = 0
        source.lines[1] = b"two and a half"
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows() == ["one", "two and a half"]


async def test_a_log_that_was_replaced_is_shown_from_its_end() -> None:
    source = Lines(*numbered(100))
    async with shown(source) as bench:
        await bench.hands.press("g", "v", "j")
        source.lines = [b"another"]
        source.generation += 1
        bench.view.grew()
        await bench.hands.pause()
        assert (bench.rows(), bench.following(), bench.selection()) == (["another"], True, None)


# Moving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "top"),
    [
        ("g", 0),
        ("gj", 1),
        ("gjjjk", 2),
        (["g", "down", "down", "up"], 1),
        (["g", "space"], 5),
        (["g", "pagedown", "pagedown", "b"], 5),
        ("gd", 2),
        ("gddu", 2),
        ("g7j", 7),
        ("g7j3k", 4),
        ("g2 ", 10),
        ("G", 95),
        ("50p", 50),
        ("50%", 50),
        ("0p", 0),
        (["home"], 0),
    ],
)
async def test_the_keys_of_less_move(keys: list[str] | str, top: int) -> None:
    names = {" ": "space", "%": "percent_sign"}
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press(*(names.get(key, key) for key in keys))
        assert bench.rows() == numbered(5, top)


@pytest.mark.parametrize("keys", ["40g", "40G"])
async def test_a_number_before_g_goes_to_that_line(keys: str) -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press(*keys[:2])
        assert bench.status() == "following 40 96-100 of 100"
        await bench.hands.press(keys[2])
        assert "line 39" in bench.rows()
        assert bench.view.current == 39
        assert not bench.following()


async def test_a_line_is_brought_in_sight_without_moving_what_can_be_seen() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        bench.view.show_line(50)
        await bench.hands.pause()
        assert bench.rows() == numbered(5, 49)
        bench.view.show_line(52)
        await bench.hands.pause()
        assert bench.rows() == numbered(5, 49)
        bench.view.show_line(5000)
        await bench.hands.pause()
        assert bench.rows() == numbered(5, 95)


async def test_a_time_is_gone_to() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        assert bench.view.show_time(1_700_000_030.0)
        assert bench.view.current == 30
        assert not bench.view.show_time(1_800_000_000.0)
        assert bench.view.current == 30


async def test_the_wheel_and_the_scrollbar_move_too() -> None:
    async with shown(Lines(*numbered(100))) as bench:

        def wheel(kind: type[MouseScrollDown | MouseScrollUp]) -> None:
            bench.view.post_message(kind(bench.view, 1, 1, 0, 0, 0, False, False, False, 1, 1, None))

        wheel(MouseScrollUp)
        await bench.hands.pause()
        assert bench.rows() == numbered(5, 92)
        assert not bench.following()
        wheel(MouseScrollDown)
        await bench.hands.pause()
        assert bench.following()

        bench.view.post_message(ScrollTo(y=40.2))
        await bench.hands.pause()
        assert (bench.rows(), bench.following()) == (numbered(5, 40), False)


async def test_a_resize_keeps_the_top_line_or_the_end() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.resize_terminal(40, 9)
        await bench.hands.pause()
        assert bench.rows() == numbered(8, 92)
        await bench.hands.press("5", "0", "p")
        await bench.hands.resize_terminal(30, 4)
        await bench.hands.pause()
        assert bench.rows() == numbered(3, 50)


# Long, wide and coloured lines -----------------------------------------------------------------------------------


async def test_a_line_of_a_million_characters_is_read_and_drawn_only_where_it_is_seen() -> None:
    source = Lines(*["x" * 1_000_000 + str(number) for number in range(20)])
    async with shown(source) as bench:
        assert bench.rows() == ["x" * bench.view.scrollable_content_region.width] * 5
        assert source.bytes_read < 50_000
        await bench.hands.press("right", "right", "left")
        assert source.bytes_read < 100_000


async def test_sideways_goes_to_the_end_of_the_longest_line_and_no_further() -> None:
    async with shown(Lines("short", "0123456789" * 10)) as bench:
        await bench.hands.press("right")
        assert bench.rows() == ["", ("0123456789" * 10)[19:58].strip()] or bench.rows()[1].startswith(
            "9012345678"
        )
        await bench.hands.press(*["right"] * 9)
        assert bench.rows()[1].endswith("789")
        await bench.hands.press(*["left"] * 9)
        assert bench.rows()[0] == "short"


async def test_wrapped_lines_are_whole() -> None:
    text = "".join(f"{number:05}" for number in range(40))
    async with shown(Lines("first", text, "last")) as bench:
        width = bench.view.scrollable_content_region.width
        await bench.hands.press("w")
        parts = [text[at : at + width] for at in range(0, len(text), width)]
        assert bench.rows() == ["first", *parts, "last"][-5:]
        await bench.hands.press("k")
        assert bench.rows() == ["first", *parts, "last"][-6:-1]
        await bench.hands.press("k", "k", "j", "j", "j")
        assert bench.rows() == ["first", *parts, "last"][-5:]
        assert bench.following()
        await bench.hands.press("g")
        assert bench.rows() == ["first", *parts, "last"][:5]
        await bench.hands.press("minus", "S")
        assert bench.rows() == ["first", text[:width], "last"]


async def test_a_wrapped_line_in_the_middle_stays_there_while_the_log_grows() -> None:
    source = Lines("x" * 1000, *numbered(30))
    async with shown(source) as bench:
        await bench.hands.press("w", "g", "j", "j", "j")
        before = bench.view._places  # all parts of the line look the same
        source.add("more")
        bench.view.grew()
        await bench.hands.pause()
        assert bench.view._places == before
        assert before[0].cell > 0


async def test_a_million_characters_wrapped_can_be_scrolled_from_either_end() -> None:
    text = "".join(f"{number:07} " for number in range(125_000))[:-1]
    async with shown(Lines("first", text)) as bench:
        width = bench.view.scrollable_content_region.width
        await bench.hands.press("w")
        parts = [text[at : at + width].rstrip() for at in range(0, len(text), width)]
        assert bench.rows() == parts[-5:]
        await bench.hands.press("k")
        assert bench.rows() == parts[-6:-1]
        await bench.hands.press("g", "j", "j")
        assert bench.rows() == parts[1:6]


WIDE = "中文字符测试" * 30


@pytest.mark.parametrize("text", [WIDE, "a" + WIDE, "é\u0301" * 100 + WIDE, "🙂x" * 80, "\t中\tx" * 20])
@pytest.mark.parametrize("width", [20, 21])
async def test_wide_characters_are_never_cut_in_half(text: str, width: int) -> None:
    async with shown(Lines(text, "last"), (width, 60)) as bench:
        for keys in (["w"], ["w", "right"], ["1", "right"], ["1", "right"]):
            await bench.hands.press(*keys)
            assert {cell_len(row) for row in bench.all_rows()} == {width}
        await bench.hands.press("w")
        whole = "".join(row.rstrip() for row in bench.rows()[:-1])
        assert re.sub(r"\s", "", whole) == re.sub(r"\s", "", text)


async def test_tabs_go_to_the_next_stop() -> None:
    async with shown(Lines("a\tb", "\x1b[31mabc\x1b[0m\td\te", "中\tx")) as bench:
        assert bench.rows() == ["a       b", "abc     d       e", "中      x"]


async def test_colours_are_drawn_and_end_with_their_line() -> None:
    async with shown(Lines("plain \x1b[1;31mred\x1b[0m \x1b[48;2;1;2;3mground\x1b[49m", "next")) as bench:
        styles = {segment.text: segment.style for segment in bench.view.render_line(0)}
        red, ground = styles["red"], styles["ground"]
        assert red is not None
        assert ground is not None
        assert (red.bold, red.color and red.color.number) == (True, 1)
        assert ground.bgcolor is not None
        assert ground.bgcolor.triplet == (1, 2, 3)
        below = next(iter(bench.view.render_line(1)))
        assert below.text == "next"
        assert below.style == bench.view.rich_style


async def test_a_line_that_is_cut_in_a_character_or_a_sequence_shows_no_trace_of_it() -> None:
    text = "é" * 600 + "\x1b[31m" * 400 + "中" * 4000
    async with shown(Lines(text)) as bench:
        for _ in range(60):
            await bench.hands.press("right")
            assert "\ufffd" not in screen_text(bench.app)
            assert "[3" not in screen_text(bench.app)


# Numbers, times, folds, selection ----------------------------------------------------------------------------------


async def test_numbers_and_times_come_and_go() -> None:
    async with shown(Lines(*numbered(4))) as bench:
        await bench.hands.press("t")
        assert bench.rows() == ["22:13:20 line 0", "22:13:21 line 1", "         line 2", "22:13:23 line 3"]
        await bench.hands.press("number_sign")
        assert bench.rows()[0] == "1 22:13:20 line 0"
        await bench.hands.press("t", "minus", "N")
        assert bench.rows() == numbered(4)


def sectioned() -> Lines:
    return Lines(
        *numbered(12),
        sections=(Part(1, 8, duration=192.4), Part(3, 5), Part(10, None, collapsed=True)),
    )


async def test_sections_fold_and_unfold() -> None:
    async with shown(sectioned(), (40, 14)) as bench:
        assert bench.rows() == [
            "  line 0",
            "▾ line 1  3m 12s",
            "  line 2",
            "▾ line 3",
            "  line 4",
            "  line 5",
            "  line 6",
            "  line 7",
            "  line 8",
            "  line 9",
            "▸ line 10  1 line",
        ]
        await bench.hands.press("5", "g", "z")
        assert bench.rows()[3:5] == ["▸ line 3  2 lines", "  line 6"]
        assert bench.view.current == 3
        await bench.hands.press("2", "g", "z")
        assert bench.rows() == ["  line 0", "▸ line 1  7 lines · 3m 12s", "  line 9", "▸ line 10  1 line"]
        await bench.hands.press("Z")
        assert len(bench.rows()) == 12
        assert bench.rows()[-2:] == ["▾ line 10", "  line 11"]


async def test_going_to_a_line_in_a_fold_unfolds_it() -> None:
    async with shown(sectioned(), (40, 14)) as bench:
        await bench.hands.press("Z")
        assert len(bench.rows()) == 4
        bench.view.show_line(4)
        await bench.hands.pause()
        assert [row.split("  ")[-1] for row in bench.rows()][4] == "line 4"
        assert bench.rows()[-1].startswith("▸ line 10")


async def test_a_fold_stays_where_it_is_while_the_log_grows() -> None:
    source = sectioned()
    async with shown(source) as bench:
        await bench.hands.press("2", "g", "z")
        before = bench.rows()
        source.add(*numbered(50, 12))
        source.sections[2] = Part(10, 40, True)
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows()[:3] == before[:3]
        assert "▸ line 10  30 lines" in bench.rows()
        assert bench.status().startswith("50 new lines below")


async def test_a_click_on_the_mark_of_a_section_folds_it_and_elsewhere_chooses_the_line() -> None:
    async with shown(sectioned(), (40, 14)) as bench:
        await bench.hands.click(bench.view, offset=(0, 3))
        await bench.hands.pause()
        assert bench.rows()[3].startswith("▸ line 3")
        await bench.hands.click(bench.view, offset=(5, 2))
        await bench.hands.pause()
        assert bench.view.current == 2


async def test_lines_that_were_left_out_take_one_line_and_keep_their_numbers() -> None:
    source = Lines(*numbered(3), "7 lines are left out", *[""] * 6, *numbered(3, 10), gap=(3, 10))
    async with shown(source, (40, 14)) as bench:
        await bench.hands.press("number_sign")
        assert bench.rows() == [
            " 1 line 0",
            " 2 line 1",
            " 3 line 2",
            " 4 7 lines are left out",
            "11 line 10",
            "12 line 11",
            "13 line 12",
        ]
        source.lines[3] = b"8 lines are left out"
        source.gap = (3, 11)
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows()[3:5] == [" 4 8 lines are left out", "12 line 11"]


async def test_lines_are_selected_and_copied() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press("g", "j", "v", "j", "j", "j")
        assert bench.selection() == (1, 4)
        assert bench.status().startswith("4 selected")
        await bench.hands.press("y")
        copied = bench.said(LogView.Copied)[-1]
        assert (copied.first, copied.last) == (1, 4)
        assert bench.selection() is None

        await bench.hands.press("G", "v", "k", "k", "b")
        assert bench.selection() == (92, 99)
        await bench.hands.press("g")
        assert bench.selection() == (0, 99)
        await bench.hands.press("escape")
        assert bench.selection() is None
        assert bench.app.notes == 0
        await bench.hands.press("escape")
        assert bench.app.notes == 1


async def test_without_a_selection_the_current_or_the_top_line_is_copied() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press("y", "5", "g", "y")
        assert [(copied.first, copied.last) for copied in bench.said(LogView.Copied)] == [(95, 95), (4, 4)]


# Searching -------------------------------------------------------------------------------------------------------


async def test_it_asks_for_what_it_needs_and_says_from_where() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press("slash", "colon")
        assert [asked.what for asked in bench.said(LogView.Asked)] == ["search", "go"]
        await bench.hands.press("n", "N", "e", "E")
        sought = [(message.target, message.step, message.line) for message in bench.said(LogView.Sought)]
        assert sought == [("match", 1, 94), ("match", -1, 100), ("error", 1, 94), ("error", -1, 100)]
        bench.view.show_line(50)
        await bench.hands.press("N")
        assert bench.said(LogView.Sought)[-1].line == 50
        await bench.hands.press("space")
        await bench.hands.press("n")
        assert bench.said(LogView.Sought)[-1].line == 53


async def test_matches_are_highlighted_until_escape() -> None:
    async with shown(Lines("a loss of 1", "no \x1b[31mlo\x1b[0mss", "none")) as bench:
        bench.view.highlight = re.compile("loss")
        bench.view.note = "/loss 1 of 2"
        await bench.hands.pause()

        def marked(y: int) -> str:
            return "".join(
                s.text for s in bench.view.render_line(y) if s.style is not None and s.style.reverse
            )

        assert [marked(y) for y in range(3)] == ["loss", "loss", ""]
        assert "/loss 1 of 2" in bench.status()
        await bench.hands.press("escape")
        assert [marked(y) for y in range(3)] == ["", "", ""]
        assert len(bench.said(LogView.Cancelled)) == 1


async def test_markup_is_text() -> None:
    async with shown(Lines("[red]x[/red] [/nothing]")) as bench:
        bench.view.note = "[/foo]"
        await bench.hands.pause()
        assert bench.rows() == ["[red]x[/red] [/nothing]"]
        assert "[/foo]" in bench.status()


# With a spool ----------------------------------------------------------------------------------------------------


async def test_a_spool_is_shown_as_it_is_fed(tmp_path: Path) -> None:
    parser = GitLabParser()
    with Spool(tmp_path) as spool:

        def feed(data: bytes) -> None:
            for batch in parser.feed(data):
                spool.append(batch)
            spool.preview(parser.preview())

        async with shown(spool, (40, 8)) as bench:
            feed(
                b"hello\nsection_start:100:train[collapsed=true]\r\x1b[0K\x1b[36;1mTraining\x1b[0;m\nepoch 1\n 10%\r 2"
            )
            bench.view.grew()
            await bench.hands.pause()
            assert bench.rows() == ["  hello", "▸ Training  2 lines"]
            await bench.hands.press("Z")
            assert bench.rows() == ["  hello", "▾ Training", "  epoch 1", "   2"]
            feed(b"0%\nsection_end:195:train\r\x1b[0Kbye\n")
            bench.view.grew()
            await bench.hands.pause()
            assert bench.rows() == ["  hello", "▾ Training  1m 35s", "  epoch 1", "   20%", "  bye"]


class SearchingApp(LogApp):
    """An owner that searches: what a pane has to do."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(spool)
        self.searches = {"match": Search(spool, words("loss")), "error": Search(spool, errors())}

    async def on_log_view_sought(self, event: LogView.Sought) -> None:
        search = self.searches[event.target]
        line = await (search.next if event.step > 0 else search.previous)(event.line)
        await search.scan()
        event.view.highlight = search.finder.pattern
        if line is None:
            event.view.note = f"no more {event.target}"
        else:
            event.view.show_line(line)
            event.view.note = f"{event.target} {search.rank(line)} of {search.count}"


async def test_matches_and_errors_of_a_spool_are_visited(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        text = [
            b"loss %d" % n if n % 50 == 7 else b"ERROR: %d" % n if n % 90 == 3 else b"step"
            for n in range(300)
        ]
        for batch in fed(GitLabParser(), [b"\n".join(text)]):
            spool.append(batch)
        app = SearchingApp(spool)
        async with running(app, (50, 8)) as hands:
            app.log_view.focus()
            bench = Bench(app, app.log_view, hands)
            await hands.press("N")
            assert bench.view.current == 257
            assert bench.status().startswith("match 6 of 6")
            await hands.press("E")
            assert bench.view.current == 183
            await hands.press("n", "n", "n")
            assert bench.status().startswith("no more match")
            await hands.press("g", "e", "e")
            assert bench.view.current == 93
            assert bench.status().startswith("error 2 of 4")
            assert "ERROR: 93" in bench.rows()
