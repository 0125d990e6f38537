"""The line in which a filter is typed."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static


class FilterBar(Horizontal):
    """Hidden until :meth:`open`. Enter keeps the filter, Escape clears it; both give the focus back.

    It stays in sight as long as it filters. The owner does the filtering, and may say what came of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear", id="filter.clear", show=False)
    ]
    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        display: none;
        background: $panel;
        & > #sign { width: 2; text-style: bold; }
        & > Input { width: 1fr; background: $panel; }
        & > #count { width: 16; text-align: right; text-style: dim; }
    }
    """

    class Changed(Message):
        """The text is now ``text``. The last of many is enough."""

        def __init__(self, bar: "FilterBar", text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

        @property
        def control(self) -> "FilterBar":
            return self.bar

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, FilterBar.Changed) and message.bar is self.bar

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
        """What is filtered by, empty when nothing is."""
        return self.input.value

    def open(self) -> None:
        """Let the person type."""
        if not self.input.has_focus:
            self._before = self.screen.focused
        self.display = True
        self.input.focus()

    def clear(self) -> None:
        """No filter any more; for the owner's own Escape too."""
        self.input.value = ""
        self._close()

    def count(self, words: str) -> None:
        """Say how many match, in up to 16 cells: ``3 of 250``."""
        self.query_one("#count", Static).update(words, layout=False)

    def _close(self) -> None:
        if self.input.has_focus:
            before = self._before if self._before and self._before.is_attached else None
            self.screen.set_focus(before)
        self.display = bool(self.text)

    def action_clear(self) -> None:
        self.clear()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()
