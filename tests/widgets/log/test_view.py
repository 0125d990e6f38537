"""A log view follows the end of its log, and moves where it is told."""

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.scrollbar import ScrollTo

from tests.widgets.counting import strips
from tests.widgets.log.log_bench import Lines, numbered, shown
from widgets.log.view import LogView

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


async def test_lines_that_went_by_are_not_kept_as_they_were_on_the_screen() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        few = strips()
        await bench.hands.press(*["b"] * 10)
        assert strips() < few + 20


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
