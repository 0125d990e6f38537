"""Keys that come in one burst go where the one before leads."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from tests.app_pilot import running
from tui.terminal.key_queue import KeyQueue
from widgets.dialog.guarded import GuardedScreen


class Pane(Widget, can_focus=True):
    """As a pane does: a key becomes a message, and that something the screen does."""

    class Opened(Message):
        pass

    def key_o(self) -> None:
        self.post_message(self.Opened())


class Question(GuardedScreen[str]):
    BINDINGS: ClassVar = [Binding("y", "dismiss('yes')"), Binding("escape", "dismiss('')")]

    def compose(self) -> ComposeResult:
        yield Widget()


class Deck(Screen[None]):
    BINDINGS: ClassVar = [Binding("f", "find"), Binding("a", "ask")]

    def compose(self) -> ComposeResult:
        yield Pane()
        yield Input(id="filter")

    def on_mount(self) -> None:
        self.query_one(Pane).focus()

    def on_pane_opened(self) -> None:
        self.app.push_screen(Deck())

    def action_find(self) -> None:
        self.query_one(Input).focus()

    def action_ask(self) -> None:
        assert isinstance(self.app, Program)
        self.app.push_screen(Question(), self.app.answers.append)


class Program(App[int]):
    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self.answers: list[str | None] = []
        self._keyboard = KeyQueue(self, super().on_event)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self._keyboard.typed(event)
        else:
            await super().on_event(event)

    async def on_mount(self) -> None:
        await self.push_screen(Deck())

    def burst(self, *keys: str) -> None:
        """As a terminal sends them: all at once."""
        for key in keys:
            self.post_message(Key(key, key if len(key) == 1 else None))

    @property
    def texts(self) -> list[str]:
        return [screen.query_one(Input).value for screen in self.screen_stack if screen.query(Input)]


async def test_what_follows_a_key_that_opens_a_field_is_typed_into_it() -> None:
    app = Program()
    async with running(app) as pilot:
        app.burst(*"foaof")
        await pilot.pause()
        assert app.texts == ["oaof"]
        assert len(app.screen_stack) == 2


async def test_what_follows_a_key_that_opens_a_screen_is_for_that_screen() -> None:
    app = Program()
    async with running(app) as pilot:
        app.burst(*"ofx")
        await pilot.pause()
        assert app.texts == ["", "x"]


async def test_what_follows_a_question_is_no_answer_to_it_until_it_is_painted() -> None:
    app = Program()
    async with running(app) as pilot:
        app.burst(*"ayyyfo")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        assert (app.answers, app.texts) == ([], [""])
        app.burst(*"yfo")
        await pilot.pause()
        assert (app.answers, app.texts) == (["yes"], ["o"])


async def test_escape_is_always_heard() -> None:
    app = Program()
    async with running(app) as pilot:
        app.burst("a", "escape", "f", "x")
        await pilot.pause()
        assert (app.answers, app.texts) == ([""], ["x"])


async def test_a_paste_waits_its_turn() -> None:
    app = Program()
    async with running(app) as pilot:
        app.burst("f")
        app.post_message(Paste("pasted"))
        app.burst("!")
        await pilot.pause()
        assert app.texts == ["pasted!"]
