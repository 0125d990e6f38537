"""Things to be filled in: what can be typed, chosen and clicked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import Paste

from tests.app_pilot import Hands, running, screen_text
from widgets.dialog.form import Choice, Entry, FormLine


class Form(App[None]):
    def __init__(self, *entries: Entry) -> None:
        super().__init__()
        self.animation_level = "none"
        self.entries = entries
        self.ready = self.changed = 0

    def compose(self) -> ComposeResult:
        self.lines = [FormLine(entry) for entry in self.entries]
        yield from self.lines

    def on_form_line_ready(self) -> None:
        self.ready += 1

    def on_form_line_changed(self) -> None:
        self.changed += 1


@asynccontextmanager
async def form(*entries: Entry, size: tuple[int, int] = (60, 12)) -> AsyncIterator[tuple[Form, Hands]]:
    app = Form(*entries)
    async with running(app, size) as pilot:
        assert isinstance(pilot, Hands)
        assert app.ready == len(entries)
        app.lines[0].focus_first()
        yield app, pilot


async def test_text_is_typed_and_what_is_no_text_left_out() -> None:
    async with form(Entry("NAME", value="a")) as (app, pilot):
        await pilot.press("end", *"b [/c]", "1")
        assert app.lines[0].value == "ab [/c]1"
        assert app.changed > 0
        app.post_message(Paste("x\x1by"))
        await pilot.pause()
        assert "\x1b" not in app.lines[0].value


@pytest.mark.parametrize("kind", ["text", "lines", "boolean", "choice", "secret", "number"])
async def test_what_a_field_is_for_stands_below_it(kind: Any) -> None:
    async with form(Entry("NAME", kind, "1", ("1", "2"), "what it is\nfor"), Entry("B")) as (app, pilot):
        assert "what it is for" in screen_text(app)
        await pilot.press("x")
        assert "what it is for" in screen_text(app)


async def test_a_number_takes_digits_and_no_letters() -> None:
    async with form(Entry("N", "number", "1")) as (app, pilot):
        await pilot.press("end", *"2x3 -", "y", *".5e9")
        assert app.lines[0].value == "123-.5e9"


@pytest.mark.parametrize(
    ("keys", "value"),
    [("", "b"), ("right", "c"), ("l", "c"), ("space", "c"), ("left", "a"), ("h left", "c"), ("l l", "a")],
)
async def test_a_choice_goes_round_by_keys(keys: str, value: str) -> None:
    async with form(Entry("C", "choice", "b", ("a", "b", "c")), Entry("D")) as (app, pilot):
        await pilot.press(*keys.split())
        assert app.lines[0].value == value
        assert f"‹ {value} ›" in screen_text(app)
        await pilot.press("enter")
        assert app.focused is not None
        assert app.focused.parent is app.lines[1]


async def test_a_click_chooses_the_next_and_takes_the_focus() -> None:
    async with form(Entry("A"), Entry("C", "choice", "gone", ("a [/b]", "b"))) as (app, pilot):
        assert app.lines[1].value == "a [/b]", "what is no choice is not kept"
        assert "‹ a [/b] ›  1 of 2" in screen_text(app)
        await pilot.click(Choice)
        assert app.lines[1].value == "b"
        assert isinstance(app.focused, Choice)
        await pilot.click(Choice)
        assert app.lines[1].value == "a [/b]"


async def test_a_boolean_is_a_choice_of_two() -> None:
    async with form(Entry("B", "boolean", "true")) as (app, pilot):
        await pilot.press("space")
        assert app.lines[0].value == "false"


async def test_lines_are_lines_and_tab_leaves_them() -> None:
    async with form(Entry("L", "lines", "one"), Entry("A")) as (app, pilot):
        assert app.lines[0].lines == app.lines[0].size.height == 4
        await pilot.press("end", "enter", *"two")
        assert app.lines[0].value == "one\ntwo"
        await pilot.press("tab", *"x")
        assert (app.lines[0].value, app.lines[1].value) == ("one\ntwo", "x")


async def test_a_long_label_leaves_room_for_the_field_and_stars_what_is_required() -> None:
    async with form(Entry("N" * 70, value="value", required=True), Entry("B", required=True)) as (app, _):
        first, below, second = screen_text(app).split("\n")[:3]
        assert "…" in first
        assert "value" in first
        assert below == ""
        assert second.startswith("B*")


async def test_a_secret_is_never_seen_and_forgotten_when_told() -> None:
    async with form(Entry("T", "secret"), Entry("A", value="stays")) as (app, pilot):
        await pilot.press(*"hunter2")
        assert app.lines[0].value == "hunter2"
        assert "hunter2" not in screen_text(app)
        for line in app.lines:
            line.forget()
        assert [line.value for line in app.lines] == ["", "stays"]


async def test_an_empty_choice_is_shown_in_words_and_stays_empty() -> None:
    async with form(Entry("C", "choice", "", ("", "a"))) as (app, pilot):
        assert "‹ (empty) ›  1 of 2" in screen_text(app)
        assert app.lines[0].value == ""
        await pilot.press("right")
        assert "‹ a ›  2 of 2" in screen_text(app)
