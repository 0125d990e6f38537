"""Long, wide and coloured lines."""

import re

import pytest
from rich.cells import cell_len

from tests.app_pilot import screen_text
from tests.widgets.log.log_bench import Lines, numbered, shown


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
