"""One thing to be filled in: a label and what takes the keys."""

from typing import ClassVar, Literal, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
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
    """What it is for, in a line below it."""
    required: bool = False
    label: str = ""
    """In place of the name."""


class FormLine(Widget):
    DEFAULT_CSS = """
    FormLine {
        layout: grid;
        grid-size: 2;
        grid-columns: 40% 60%;
        grid-rows: 1;
        & > Static { padding-right: 1; text-overflow: ellipsis; text-wrap: nowrap; }
        & > .help { column-span: 2; text-style: dim; padding-left: 2; }
        & > Input, & > Choice, & > TextArea { width: 100%; background: $panel; }
        &.lines { grid-rows: 4 1; }
    }
    """

    class Changed(Message):
        """Something else stands in it."""

    class Refused(Message):
        """Something was typed that cannot stand in it."""

    class Ready(Message):
        """It can take keys now."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(classes="lines" if entry.kind == "lines" else None)
        self.entry = entry
        self._field = _field(entry)
        self.styles.height = self.lines

    @property
    def label(self) -> str:
        return self.entry.label or self.entry.name

    @property
    def lines(self) -> int:
        return (4 if self.entry.kind == "lines" else 1) + (1 if self.entry.help else 0)

    def compose(self) -> ComposeResult:
        star = "*" if self.entry.required else ""
        yield Static(f"{self.label}{star}", markup=False)
        yield self._field
        if self.entry.help:
            yield Static(" ".join(self.entry.help.split()), markup=False, classes="help")

    def on_mount(self) -> None:
        self.post_message(self.Ready())

    def on_resize(self) -> None:
        label = max(22, self.size.width * 2 // 5)
        self.styles.grid_columns = f"{label} {max(1, self.size.width - label)}"

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


class _TextField(Input):
    """One line, which says what it does not take."""

    def restricted(self) -> None:
        self.post_message(FormLine.Refused())


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
    field = _TextField(
        entry.value,
        password=entry.kind == "secret",
        compact=True,
        select_on_focus=False,
        restrict=r"[-+.0-9eE]*" if entry.kind == "number" else r"[^\x00-\x1f\x7f-\x9f]*",
    )
    field.cursor_blink = False
    return field
