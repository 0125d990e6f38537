"""A line in which something is typed: a filter, a search, a file name."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static


class Prompt(Horizontal):
    """Hidden until :meth:`open`. Enter hands on what was typed, Escape does not; both give the focus back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear", id="prompt.clear", show=False)
    ]
    DEFAULT_CSS = """
    Prompt {
        height: 1;
        display: none;
        background: $panel;
        & > #sign { width: auto; text-style: bold; padding-right: 1; }
        & > Input { width: 1fr; background: $panel; }
        & > #count { width: 16; text-align: right; text-style: dim; }
    }
    """

    class Said(Message):
        """What its messages have in common."""

        def __init__(self, prompt: "Prompt", text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

        @property
        def control(self) -> "Prompt":
            return self.prompt

    class Changed(Said):
        """The text is now ``text``. The last of many is enough."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Prompt.Changed) and message.prompt is self.prompt

    class Submitted(Said):
        """Enter was pressed on ``text``."""

    input = query_one(Input)
    _before: Widget | None = None  # who had the focus

    def compose(self) -> ComposeResult:
        yield Static("/", id="sign", markup=False)
        # Pasted text with control characters is refused.
        field = Input(compact=True, select_on_focus=False, restrict=r"[^\x00-\x1f\x7f-\x9f]*")
        field.cursor_blink = False
        yield field
        yield Static("", id="count", markup=False)

    @property
    def text(self) -> str:
        return self.input.value

    def open(self, sign: str = "/", text: str | None = None) -> None:
        """Let the person type, behind ``sign``; ``text`` takes the place of what stands there."""
        if not self.input.has_focus:
            self._before = self.screen.focused
        self.query_one("#sign", Static).update(sign)
        if text is not None:
            self.input.value = text
            self.input.cursor_position = len(text)
        self.display = True
        # Not focus(), which waits for a turn: the next key is meant for this.
        self.screen.set_focus(self.input)

    def close(self) -> None:
        """Give the focus back and go out of sight."""
        if self.input.has_focus:
            before = self._before if self._before and self._before.is_attached else None
            self.screen.set_focus(before)
        self.display = False

    def action_clear(self) -> None:
        self.close()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
        self.post_message(self.Submitted(self, event.value))
