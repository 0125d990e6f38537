"""One thing to be filled in: a label and what takes the keys."""

from typing import ClassVar, Literal, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea


class Entry(NamedTuple):
    """What is asked for."""

    name: str
    kind: Literal["text", "lines", "boolean", "choice", "secret", "number"] = "text"
    value: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    required: bool = False
    label: str = ""
    """In place of the name."""


class FormLine(Horizontal):
    DEFAULT_CSS = """
    FormLine {
        height: 1;
        & > Static { width: 40%; min-width: 22; padding-right: 1; text-overflow: ellipsis; text-wrap: nowrap; }
        & > Input, & > Choice, & > TextArea { width: 1fr; background: $panel; }
        &.lines { height: 4; }
    }
    """

    class Changed(Message):
        """Something else stands in it."""

    class Ready(Message):
        """It can take keys now."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(classes="lines" if entry.kind == "lines" else None)
        self.entry = entry
        self._field = _field(entry)

    @property
    def lines(self) -> int:
        return 4 if self.entry.kind == "lines" else 1

    def compose(self) -> ComposeResult:
        star = "*" if self.entry.required else ""
        yield Static(f"{self.entry.label or self.entry.name}{star}", markup=False)
        yield self._field

    def on_mount(self) -> None:
        self.post_message(self.Ready())

    @property
    def value(self) -> str:
        field = self._field
        return field.text if isinstance(field, TextArea) else field.value

    def focus_first(self) -> None:
        self.screen.set_focus(self._field)

    def forget(self) -> None:
        """Keep nothing of a secret."""
        if self.entry.kind == "secret" and isinstance(self._field, Input):
            self._field.value = ""

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())


class Choice(Widget, can_focus=True):
    """One of a few words: left, right and space go through them."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "The one before", id="choice.left", show=False),
        Binding("right,l,space", "step(1)", "The next one", id="choice.right", show=False),
        Binding("enter", "app.focus_next", "Go on", id="choice.enter", show=False),
    ]
    DEFAULT_CSS = "Choice { height: 1; } Choice:focus { text-style: bold; }"

    def __init__(self, words: tuple[str, ...], word: str) -> None:
        super().__init__()
        self.words = words
        self._at = words.index(word) if word in words else 0

    @property
    def value(self) -> str:
        return self.words[self._at]

    def render(self) -> str:
        mark = "❯" if self.has_focus else " "
        return f"{mark}‹ {self.value or '(empty)'} ›  {self._at + 1} of {len(self.words)}".replace("[", "\\[")

    def action_step(self, by: int) -> None:
        self._at = (self._at + by) % len(self.words)
        self.refresh()
        self.post_message(FormLine.Changed())

    def on_click(self, event: Click) -> None:
        event.stop()
        self.focus()
        self.action_step(1)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _field(entry: Entry) -> "Input | Choice | TextArea":
    if entry.kind in ("boolean", "choice"):
        return Choice(entry.choices or ("false", "true"), entry.value)
    if entry.kind == "lines":
        return TextArea(entry.value, compact=True, tab_behavior="focus")
    field = Input(
        entry.value,
        placeholder=entry.help,
        password=entry.kind == "secret",
        compact=True,
        select_on_focus=False,
        restrict=r"[-+.0-9eE]*" if entry.kind == "number" else r"[^\x00-\x1f\x7f-\x9f]*",
    )
    field.cursor_blink = False
    return field
