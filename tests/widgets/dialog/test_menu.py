"""A list to choose from over the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from textual.events import Key

from tests.app_pilot import Hands, running, screen_text
from tests.widgets.dialog.asker import UNANSWERED, Asker
from widgets.dialog.menu import Menu, MenuLine
from widgets.table.line_table import LineTable

LINES = (
    MenuLine("go", "Go [/on]", "a"),
    MenuLine("no", "Not now", "x", "somebody [b]waits"),
    MenuLine("more", "More"),
)


@asynccontextmanager
async def menu(
    *lines: MenuLine, note: str = "", size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Asker, Menu, Hands]]:
    shown = Menu("What can be done", lines, note)
    app = Asker(cast(Any, shown))
    async with running(app, size) as pilot:
        assert isinstance(pilot, Hands)
        yield app, shown, pilot


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("enter", "go"),
        ("end enter", "more"),
        ("j j j enter", "more"),
        ("escape", None),
        ("q", None),
        ("down enter", UNANSWERED),
        ("down down enter", UNANSWERED),
    ],
)
async def test_what_can_be_done_is_chosen_and_what_cannot_is_not(keys: str, answer: object) -> None:
    async with menu(*LINES) as (app, _, pilot):
        await pilot.press(*keys.split())
        assert app.answer == answer


async def test_it_shows_shortcuts_and_why_not_as_text() -> None:
    async with menu(*LINES, note="that is all") as (app, _, pilot):
        text = screen_text(app)
        for words in (
            "What can be done",
            "a   Go [/on]",
            "x   Not now",
            "– somebody [b]waits",
            "that is all",
        ):
            assert words in text
        await pilot.press("end", "enter")
        assert app.answer is UNANSWERED, "a note is nothing to choose"


@pytest.mark.parametrize("width", [40, 80, 140])
async def test_a_long_reason_is_read_whole(width: int) -> None:
    why = " ".join(f"reason{n}" for n in range(20))
    async with menu(MenuLine("a", "It", "", why), MenuLine("b", "That"), size=(width, 24)) as (app, _, pilot):
        words = " ".join(screen_text(app).replace("│", " ").split())
        assert why in words
        await pilot.press("end", "enter")
        assert app.answer == "b"


async def test_the_mouse_chooses_by_two_clicks() -> None:
    async with menu(*LINES) as (app, shown, pilot):
        await pilot.click(LineTable, offset=(10, 5))
        assert (app.answer, shown.table.key) == (UNANSWERED, "more")
        await pilot.click(LineTable, offset=(10, 5), times=2)
        assert app.answer == "more"
    async with menu(*LINES) as (app, _, pilot):
        await pilot.click(LineTable, offset=(10, 3), times=2)
        assert app.answer is UNANSWERED


async def test_lines_that_come_later_leave_the_cursor_where_it_is() -> None:
    async with menu(MenuLine("way", "Show it"), MenuLine("way 2", "Show that"), note="Reading …") as (
        app,
        shown,
        pilot,
    ):
        assert "Reading …" in screen_text(app)
        await pilot.press("down")
        shown.offer([MenuLine("new", "New"), MenuLine("way", "Show it"), MenuLine("way 2", "Show that")])
        await pilot.pause()
        assert "Reading" not in screen_text(app)
        await pilot.press("enter")
        assert app.answer == "way 2"


async def test_many_lines_are_scrolled_through() -> None:
    async with menu(*(MenuLine(f"{n}", f"Line {n}") for n in range(60))) as (app, _, pilot):
        assert "MenuLine 40" not in screen_text(app)
        await pilot.press(*["pagedown"] * 6, "enter")
        assert app.answer == "59"


async def test_what_was_typed_before_it_was_seen_chooses_nothing() -> None:
    before = Key("enter", None)
    async with menu(*LINES) as (app, _, pilot):
        app.post_message(before)
        await pilot.pause()
        assert app.answer is UNANSWERED
        app.post_message(Key("enter", None))
        await pilot.pause()
        assert app.answer == "go"
