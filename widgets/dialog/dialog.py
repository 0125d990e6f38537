"""A question over the screen: what is known, what has to be filled in, and an answer whose default is No."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.getters import query_one
from textual.widgets import Input

from widgets.cells import Cell, pieces
from widgets.dialog.buttons import Buttons
from widgets.dialog.form import Entry, FormLine
from widgets.dialog.guarded import GuardedScreen
from widgets.table.line_table import Column, LineTable, Row, fit_columns
from widgets.theme import status_style

FACTS = (Column("", 1), Column("", 13), Column("", 20, flex=1))
NO = ("n", "No")
MOST = 40
"""Lines, however much is told: the rest is scrolled to."""


class DialogFact(NamedTuple):
    """A name, and what is told of it in as many lines as that needs."""

    name: str
    words: Cell


class DialogDoubt(NamedTuple):
    """A warning, in as many lines as it needs."""

    words: str


class DialogContent(NamedTuple):
    """What a dialog tells, from top to bottom."""

    title: str
    lines: Sequence[DialogFact | DialogDoubt | Row] = ()
    columns: tuple[Column, ...] = FACTS
    """Of the rows; the first two are a glyph and a name for the facts too."""


class DialogAnswer:
    """What was said. The secrets in it are shown nowhere."""

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str], name: str) -> None:
        self.values = dict(values)
        self.secrets = dict(secrets)
        self.name = name
        """What was typed to confirm."""

    def __repr__(self) -> str:
        return f"Answer({self.values!r}, secrets: {len(self.secrets)})"


class Dialog(GuardedScreen[DialogAnswer | None]):
    """Says that it is reading until :meth:`ask` or :meth:`tell`. Escape, ``n`` and Enter mean No.

    Args:
        title: what it is about.
        waiting: what is said meanwhile.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "No", id="dialog.no", show=False),
        Binding("n", "answer('n')", "No", id="dialog.n", show=False),
        Binding("y", "answer('y')", "Yes", id="dialog.y", show=False),
        Binding("down,j", "scroll(1)", "Down", id="dialog.down", show=False),
        Binding("up,k", "scroll(-1)", "Up", id="dialog.up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", id="dialog.page_down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="dialog.page_up", show=False),
    ]
    DEFAULT_CSS = """
    Dialog {
        & > #box {
            width: 96%; max-width: 110; height: 8; max-height: 90%;
            background: $surface; border: round $primary; padding: 0 1; border-subtitle-color: $warning;
        }
        & #form { height: auto; max-height: 10; display: none; }
        & #form.filled { display: block; }
    }
    """

    buttons = query_one(Buttons)
    box = query_one("#box", Vertical)
    form = query_one("#form", VerticalScroll)

    def __init__(self, title: str, waiting: str) -> None:
        super().__init__()
        self.paper = DialogContent(title, [DialogFact("", (waiting, "dim"))])
        self._fields: tuple[FormLine, ...] = ()
        self._unready = 0
        """Fields that cannot take keys yet."""
        self._confirming = ""
        self._yes = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield _Sheet(self.paper)
            yield VerticalScroll(id="form", can_focus=False)
            yield Buttons([("n", "Close")])

    def on_mount(self) -> None:
        self.box.border_title = _plain(self.paper.title)
        self.set_focus(self.buttons)

    def tell(self, paper: DialogContent) -> None:
        """Show this; there is nothing to be answered."""
        self._show(paper, (), "", "")

    def ask(self, paper: DialogContent, yes: str, entries: Sequence[Entry] = (), name: str = "") -> None:
        """Show this and ask for an answer.

        Args:
            yes: the word of the answer that is not No.
            entries: what has to be filled in.
            name: what has to be typed before that answer can be given.
        """
        self._show(paper, entries, name, yes)

    def _show(self, paper: DialogContent, entries: Sequence[Entry], name: str, yes: str) -> None:
        self.paper, self._confirming, self._yes = paper, name, yes
        self._say("")
        self.box.border_title = _plain(paper.title)
        self.query_one(_Sheet).show(paper)
        fields = [FormLine(entry) for entry in entries]
        if name:
            fields.append(FormLine(Entry("", label=f"Type {name} to confirm")))
        self._fields = tuple(fields)
        self.form.mount(*fields)
        self.form.set_class(bool(fields), "filled")
        self.form.styles.height = min(10, sum(field.lines for field in fields))
        self._fit()
        self.buttons.offer(())
        self.set_focus(self.buttons)  # at once: a field may take it a moment later
        self._unready = len(fields)
        if fields:
            self.deafen()
        else:
            self.guard()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """As high as what it tells needs, where there is room."""
        form = sum(field.lines for field in self._fields)
        self.box.styles.height = max(8, min(MOST, self.query_one(_Sheet).needed + min(10, form) + 3))

    @on(FormLine.Ready)
    def _ready(self, event: FormLine.Ready) -> None:
        event.stop()
        self._unready -= 1
        if not self._unready:
            # What may stay as it is does not stand between the person and what is to be read.
            if first := next(
                (field for field in self._fields if field.entry.required or not field.entry.name), None
            ):
                first.focus_first()
            self.guard()

    def hearing(self) -> None:
        self.buttons.offer([NO, ("y", self._yes)] if self._yes else [("n", "Close")], self._locked())

    def _locked(self) -> frozenset[str]:
        return frozenset("y") if self._missing() else frozenset()

    def _missing(self) -> str:
        """Why the answer that is not No cannot be given yet; empty: it can."""
        if not self._yes:
            return "Nothing is asked here"
        for field in self._fields:
            if field.entry.required and not field.value:
                return f"{field.label} has to be filled in"
        if self._confirming and self.typed_name != self._confirming:
            typed = self.typed_name
            return f"'{typed}' is not {self._confirming}" if typed else f"{self._confirming} has to be typed"
        return ""

    def _say(self, words: str) -> None:
        """What a key could not do, on the lower border: nothing moves for it."""
        self.box.border_subtitle = _plain(words)

    @property
    def typed_name(self) -> str:
        return next((field.value for field in self._fields if not field.entry.name), "")

    @on(FormLine.Changed)
    def _filled(self, event: FormLine.Changed) -> None:
        event.stop()
        self.buttons.withhold(self._locked())
        line = self._focused_line()
        typed = line is not None and line.entry.kind != "choice" and line.value in ("y", "Y")
        if (
            line is not None
            and typed
            and not (self._confirming.startswith(line.value) and not line.entry.name)
        ):
            self._say(f"{line.value} was typed into {line.label}: Tab leads to the answers")
        else:
            self._say("")

    @on(FormLine.Refused)
    def _refused(self, event: FormLine.Refused) -> None:
        event.stop()
        line = self._focused_line()
        number = line is not None and line.entry.kind == "number"
        self._say(f"Only {'a number' if number else 'text without control characters'} can be typed here")

    def _focused_line(self) -> FormLine | None:
        around = self.focused.parent if self.focused is not None else None
        return around if isinstance(around, FormLine) else None

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in a field goes on to the next, at last to the answers; a name that was typed whole is an answer.
        In one that is not as it has to be it says so, and stays there."""
        event.stop()
        line = event.input.parent
        if not isinstance(line, FormLine):
            return
        if not line.entry.name:
            self.action_answer("y")
        elif line.entry.required and not line.value:
            self._say(f"{line.label} has to be filled in")
        else:
            self.focus_next()

    @on(Buttons.Pressed)
    def _pressed(self, event: Buttons.Pressed) -> None:
        event.stop()
        self.action_answer(event.key)

    def action_no(self) -> None:
        self._end(None)

    def action_answer(self, key: str) -> None:
        if key == "n":
            self._end(None)
        elif missing := self._missing():
            self._say(missing)
        else:
            named = [field for field in self._fields if field.entry.name]
            values = {each.entry.name: each.value for each in named if each.entry.kind != "secret"}
            secrets = {each.entry.name: each.value for each in named if each.entry.kind == "secret"}
            self._end(DialogAnswer(values, secrets, self.typed_name))

    def _end(self, answer: DialogAnswer | None) -> None:
        for field in self._fields:
            field.forget()
        if self.is_current:
            self.dismiss(answer)

    def action_scroll(self, by: int) -> None:
        sheet = self.query_one(_Sheet)
        sheet.scroll_to(y=sheet.scroll_offset.y + by)

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.query_one(_Sheet).scrollable_content_region.height - 2))


class _Sheet(LineTable):
    """The lines of a paper, wrapped."""

    def __init__(self, paper: DialogContent) -> None:
        super().__init__(paper.columns)
        self.can_focus = False
        self.paper = paper

    def _line(self, y: int) -> tuple[Row, str]:
        return super()._line(y)[0], " "  # it is read, and nothing in it chosen

    @property
    def needed(self) -> int:
        """Lines that it would fill."""
        return len(self.rows) + 1

    def show(self, paper: DialogContent) -> None:
        self.paper, self.columns = paper, tuple(paper.columns)
        self.notify_style_update()
        self.scroll_to(y=0)
        self.on_resize()

    def on_resize(self) -> None:
        width = self.scrollable_content_region.width - 1
        name = fit_columns(tuple(self.columns), width)[1]
        self.set_rows(list(_rows(self.paper, max(10, width - name - 3), width)))


def _rows(paper: DialogContent, rest: int, width: int) -> Iterator[Row]:
    """The lines of ``paper``, wrapped: facts beside their names, doubts over all of ``width``."""
    for number, line in enumerate(paper.lines):
        match line:
            case Row():
                yield line
            case DialogFact(name, words):
                role = pieces(words)[0][1] if words else ""
                text = "".join(piece for piece, _ in pieces(words))
                for i, part in enumerate(textwrap.wrap(text, rest) or [""]):
                    yield Row(f"fact {number} {i}", ("", (name if i == 0 else "", "dim"), (part, role)))
            case DialogDoubt(text):
                glyph, role = status_style("warning")
                for i, part in enumerate(textwrap.wrap(text, max(10, width - 3))):
                    yield Row(f"doubt {number} {i}", ((glyph if i == 0 else "", role), (part, role)))


def _plain(title: str) -> str:
    """Without what would be markup in a border's title."""
    return title.replace("[", "\\[")
