"""One thing to be filled in: a label and what takes the keys."""

from typing import ClassVar, Literal, NamedTuple

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from widgets.theme import status_style

LEAST = 16
"""Cells of a field, however long the sentence before it is."""


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
    wrong: str = ""
    """Why what stands in it was refused."""
    sentence: bool = False
    """Its label is one, and takes the room it needs."""


class FormLine(Widget):
    """
    Args:
        tall: lines of a field that takes several.
    """

    DEFAULT_CSS = """
    FormLine {
        layout: grid;
        grid-size: 2;
        grid-columns: 40% 60%;
        grid-rows: 1;
        & > Static { padding-right: 1; text-overflow: ellipsis; text-wrap: nowrap; }
        & > .note { column-span: 2; text-style: dim; padding-left: 2; }
        & > .note.wrong { text-style: none; color: $text-error; }
        & > Input, & > Choice, & > TextArea { width: 100%; background: $panel; }
    }
    """

    class Changed(Message):
        """Something else stands in it."""

    class Refused(Message):
        """Something was typed that cannot stand in it."""

    class Ready(Message):
        """It can take keys now."""

    def __init__(self, entry: Entry, tall: int = 4) -> None:
        super().__init__()
        self._tall = tall if entry.kind == "lines" else 1
        self.styles.grid_rows = f"{self._tall} 1"
        self.entry = entry
        self._field = _field(entry)
        self._wrong, self._refused = entry.wrong, entry.value
        self.styles.height = self.lines

    @property
    def label(self) -> str:
        return self.entry.label or self.entry.name

    @property
    def noted(self) -> bool:
        """There is a line below it, for what it is for and what is wrong with it."""
        entry = self.entry
        return bool(entry.help or entry.wrong or entry.required or entry.sentence or entry.kind == "number")

    @property
    def lines(self) -> int:
        return self._tall + self.noted

    @property
    def typed(self) -> bool:
        """What takes the keys in it takes letters."""
        return not isinstance(self._field, Choice)

    def compose(self) -> ComposeResult:
        star = "*" if self.entry.required else ""
        yield Static(f"{self.label}{star}", markup=False)
        yield self._field
        if self.noted:
            yield Static(self._note(), markup=False, classes="note wrong" if self._wrong else "note")

    def _note(self) -> str:
        if self._wrong:
            return f"{status_style('failed').glyph} {self._wrong}"
        missing = "required" if self.entry.required and not self.value else ""
        return "; ".join(filter(None, (missing, " ".join(self.entry.help.split()))))

    def say(self, wrong: str) -> bool:
        """Tell below it what is wrong with it, or nothing any more; whether there is a line for that."""
        self._wrong, self._refused = wrong, self.value
        for note in self.query(".note").results(Static):
            note.update(self._note(), layout=False)
            note.set_class(bool(wrong), "wrong")
        return self.noted

    def on_mount(self) -> None:
        self.post_message(self.Ready())

    def on_resize(self) -> None:
        label = max(22, self.size.width * 2 // 5)
        if self.entry.sentence:
            label = max(label, min(cell_len(self.label) + 1, self.size.width - LEAST))
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

    def _changed(self) -> None:
        if self.value != self._refused:  # a field also says so of what it had from the beginning
            self.say("")
        self.post_message(self.Changed())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._changed()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._changed()


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
