"""A question over the screen: how it is read, answered, and not answered."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from textual.events import Key
from textual.widgets import Input

from tests.app_pilot import Hands, running, screen_text
from tests.widgets.dialog.asker import UNANSWERED, Asker
from widgets.dialog.buttons import Buttons
from widgets.dialog.dialog import Dialog, DialogAnswer, DialogContent, DialogDoubt, DialogFact, Typed
from widgets.dialog.form import Entry
from widgets.table.line_table import Row


class Desk:
    def __init__(self, app: Asker, pilot: Hands, dialog: Dialog) -> None:
        self.app = app
        self.pilot = pilot
        self.dialog = dialog

    async def ask(self, paper: DialogContent, entries: Sequence[Entry] = (), name: str = "") -> None:
        self.dialog.ask(paper, "Yes, do it", entries, Typed(name) if name else None)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def answer(self) -> DialogAnswer:
        assert isinstance(self.app.answer, DialogAnswer)
        return self.app.answer


@asynccontextmanager
async def desk(size: tuple[int, int] = (80, 24)) -> AsyncIterator[Desk]:
    dialog = Dialog("Do [b]it[/b]?", "Reading …")
    app = Asker(cast(Any, dialog))
    async with running(app, size) as pilot:
        assert isinstance(pilot, Hands)
        yield Desk(app, pilot, dialog)


PAPER = DialogContent("Do [/b] it?", [DialogFact("what", "It [b]is[/b] done")])


async def test_it_says_that_it_reads_and_can_be_left() -> None:
    async with desk() as work:
        assert "Reading …" in work.text
        assert "n Close" in work.text
        assert "Do [b]it[/b]?" in work.text
        await work.press("y")
        assert work.app.answer is UNANSWERED
        await work.press("escape")
        assert work.app.answer is None


@pytest.mark.parametrize("keys", ["enter", "n", "escape", "left enter", "right left enter"])
async def test_the_default_is_no(keys: str) -> None:
    async with desk() as work:
        await work.ask(PAPER)
        assert "It [b]is[/b] done" in work.text
        assert "❯n No    y Yes, do it" in work.text
        await work.press(*keys.split())
        assert work.app.answer is None


@pytest.mark.parametrize("keys", ["y", "right enter", "l l l enter"])
async def test_yes_takes_a_key_of_its_own(keys: str) -> None:
    async with desk() as work:
        await work.ask(PAPER)
        await work.press(*keys.split())
        assert (work.answer.values, work.answer.secrets, work.answer.name) == ({}, {}, "")


async def test_the_mouse_answers_where_it_points() -> None:
    async with desk() as work:
        await work.ask(PAPER)
        await work.pilot.click(Buttons, offset=(60, 0))
        assert work.app.answer is UNANSWERED
        await work.pilot.click(Buttons, offset=(14, 0))
        assert isinstance(work.app.answer, DialogAnswer)
    async with desk() as work:
        await work.ask(PAPER)
        await work.pilot.click(Buttons, offset=(4, 0))
        assert work.app.answer is None


async def test_what_is_told_is_not_answered() -> None:
    async with desk() as work:
        work.dialog.tell(PAPER)
        await work.pilot.pause()
        await work.press("y")
        assert work.app.answer is UNANSWERED
        await work.press("enter")
        assert work.app.answer is None


async def test_what_was_typed_before_it_could_be_read_is_no_answer_but_escape() -> None:
    async with desk() as work:
        before = Key("y", "y")
        work.dialog.ask(PAPER, "Yes, do it")
        assert "Yes" not in work.text, "nor is there anything to click on"
        work.app.post_message(before)
        await work.pilot.pause()
        assert work.app.answer is UNANSWERED
        assert "y Yes, do it" in work.text
        early = Key("escape", None)
        work.dialog.ask(PAPER, "Yes, do it")
        work.app.post_message(early)
        await work.pilot.pause()
        assert work.app.answer is None


async def test_a_name_has_to_be_typed_whole() -> None:
    async with desk() as work:
        await work.ask(PAPER, name="live")
        assert "Type live to confirm" in work.text
        await work.press("enter")
        assert "✗ live has to be typed" in work.text
        await work.press(*"liv", "tab", "y")
        assert "✗ 'liv' is not live" in work.text
        await work.press("tab", "right", "enter")
        assert "✗ 'liv' is not live" in work.text
        assert work.app.answer is UNANSWERED
        await work.press(*"ely", "tab", "y")
        assert work.app.answer is UNANSWERED, "nor is more than it"
    async with desk() as work:
        await work.ask(PAPER, name="live")
        await work.press(*"live", "enter")
        assert work.answer.name == "live"


async def test_enter_goes_from_field_to_field_and_only_a_name_answers() -> None:
    async with desk() as work:
        await work.ask(PAPER, [Entry("reason")], "live")
        await work.press("shift+tab", *"why", "enter", *"live", "enter")
        assert (work.answer.values, work.answer.name) == ({"reason": "why"}, "live")


async def test_no_key_is_passed_over_without_a_word() -> None:
    async with desk() as work:
        await work.press("y")
        assert "─ Nothing is asked here ─" in work.text
        await work.ask(
            PAPER, [Entry("WHY", required=True), Entry("N", "number"), Entry("C", "choice", "a", ("a",))]
        )
        assert "Nothing is asked" not in work.text
        assert "WHY*" in work.text
        assert "  required" in work.text
        await work.press("enter")
        assert "✗ it has to be filled in" in work.text
        await work.press("y")
        assert "✗ y was typed in here; Tab leads to the answers" in work.text
        await work.press("e")
        assert "typed in here" not in work.text
        await work.press("backspace", "backspace", "tab", "y")
        assert "✗ Only a number can be typed here" in work.text
        await work.press("tab", "y")
        assert "✗ it has to be filled in" in work.text
        assert work.app.answer is UNANSWERED
        await work.press(*"so", "tab", "tab", "y")
        assert work.answer.values == {"WHY": "so", "N": "", "C": "a"}
    async with desk() as work:
        await work.ask(PAPER, [Entry("WHY", required=True)])
        await work.pilot.click(Buttons, offset=(14, 0))
        assert "✗ it has to be filled in" in work.text


async def test_a_text_field_says_how_to_leave_it_and_yes_and_no_are_heard_elsewhere() -> None:
    fields = [Entry("A"), Entry("L", "lines"), Entry("C", "choice", "a", ("a", "b"))]
    for key, answer in (("y", DialogAnswer), ("n", type(None))):
        async with desk() as work:
            await work.ask(PAPER, fields)
            assert "leaves the field" not in work.text
            await work.press("tab")
            assert "─ Tab leaves the field, Esc is No ─" in work.text
            await work.press("tab")
            assert "─ Tab leaves the field, Esc is No ─" in work.text
            await work.press("tab")
            assert "leaves the field" not in work.text
            await work.press(key)
            assert isinstance(work.app.answer, answer)


async def test_everything_that_is_known_is_one_key_away_also_from_a_field() -> None:
    async with desk() as work:
        more = DialogContent("Do it?", [DialogFact("rest", f"line {n}") for n in range(60)])
        work.dialog.ask(PAPER, "Yes, do it", [Entry("A", required=True)], everything=more)
        await work.pilot.pause()
        assert "F2 everything" in work.text
        await work.press("x", "f2")
        assert "line 3" in work.text
        assert "It [b]is[/b] done" not in work.text
        assert "F2 what decides" in work.text
        await work.press("escape")
        assert work.app.answer is UNANSWERED, "back to what decides"
        assert "It [b]is[/b] done" in work.text
        await work.pilot.click(Buttons, offset=(30, 0), times=2)
        assert "F2 what decides" in work.text, (
            "the second of two clicks may be meant for what was there before"
        )
        await work.press("y")
        assert work.answer.values == {"A": "x"}


async def test_the_steps_stand_in_the_border_and_the_key_of_one_does_not_answer_another() -> None:
    async with desk() as work:
        title = f"Do {'it ' * 40}"
        work.dialog.ask(DialogContent(title), "Send", key="s", steps="✓ facts · values")
        await work.pilot.pause()
        assert "… ─ ✓ facts · values ─╮" in work.text
        await work.press("y")
        assert "─ s is the key here: Send ─" in work.text
        assert work.app.answer is UNANSWERED
        await work.press("s")
        assert isinstance(work.app.answer, DialogAnswer)


async def test_a_name_that_begins_with_y_is_typed_in_peace() -> None:
    async with desk() as work:
        await work.ask(PAPER, name="yard")
        await work.press("y")
        assert "typed into" not in work.text
        await work.press(*"ard", "enter")
        assert work.answer.name == "yard"


async def test_what_is_required_keeps_yes_locked_and_secrets_are_forgotten() -> None:
    async with desk() as work:
        await work.ask(PAPER, [Entry("A", required=True), Entry("TOKEN", "secret"), Entry("B", value="b")])
        await work.press("tab", "tab", "tab", "y")
        assert work.app.answer is UNANSWERED
        await work.press(*"a", "tab", *"hunter2")
        assert "hunter2" not in work.text
        field = work.app.focused
        assert isinstance(field, Input)
        await work.press("tab", "tab", "y")
        assert (work.answer.values, work.answer.secrets) == ({"A": "a", "B": "b"}, {"TOKEN": "hunter2"})
        assert "hunter2" not in repr(work.answer)
        assert field.value == ""


LONG = DialogContent(
    "Long",
    [
        DialogFact("what", "word " * 40 + "end-of-fact"),
        DialogDoubt("doubt " * 30 + "end-of-doubt"),
        *(Row(f"{n}", ("", f"row {n}", "x" * 200)) for n in range(40)),
        DialogFact("last", "the end"),
    ],
)


@pytest.mark.parametrize("size", [(80, 24), (50, 12), (140, 44)], ids=str)
async def test_long_lines_are_wrapped_and_the_answers_always_seen(size: tuple[int, int]) -> None:
    async with desk(size) as work:
        await work.ask(LONG, [Entry("reason")], "live")
        seen = work.text
        for _ in range(40):
            assert "n No    y Yes, do it" in work.text
            assert "Type live to confirm" in work.text
            if "the end" in seen:
                break
            await work.press("pagedown")
            seen += work.text
        for words in ("end-of-fact", "end-of-doubt", "row 39", "the end"):
            assert words in seen
        assert "the end" in work.text
        await work.press("pageup")
        assert "the end" not in work.text or size == (140, 44)


async def test_many_fields_scroll_and_leave_room_for_what_is_read() -> None:
    async with desk() as work:
        await work.ask(LONG, [Entry(f"FIELD_{n}", value=f"{n}") for n in range(30)])
        assert "what" in work.text
        assert "y Yes, do it" in work.text
        await work.press("shift+tab")
        async with asyncio.timeout(60):
            while "FIELD_29" not in work.text:  # it scrolls once it was drawn
                await work.pilot.pause()
        assert "y Yes, do it" in work.text
