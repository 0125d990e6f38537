"""An app whose keys go through the keyboard, as the program's do, for what asks over the screen."""

from textual.app import App, ComposeResult
from textual.events import Event, Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.terminal.key_queue import KeyQueue

UNANSWERED = object()


class Asker(App[int]):
    """Pushes what it is given, and keeps what came of it."""

    def __init__(self, screen: "ModalScreen[object]") -> None:
        super().__init__()
        self.animation_level = "none"
        self.asked = screen
        self.answer: object = UNANSWERED
        self._keyboard = KeyQueue(self, super().on_event)

    def compose(self) -> ComposeResult:
        yield Input(id="below")

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self._keyboard.typed(event)
        else:
            await super().on_event(event)

    async def on_mount(self) -> None:
        await self.push_screen(self.asked, self._answered)

    def _answered(self, answer: object) -> None:
        self.answer = answer

    @property
    def below(self) -> str:
        """What was typed into what lies beneath."""
        return self.screen_stack[0].query_one("#below", Input).value
