"""A question over the screen: what is known, what has to be filled in, and an answer whose default is No."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size
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
from widgets.table.columns import Column, fit_columns
from widgets.table.line_table import LineTable, Row
from widgets.theme import status_style

FACTS = (Column("", 1), Column("", 13), Column("", 20, flex=1))
NO = ("n", "No")
MORE = "F2"
SHORT, TALL = 2, 4
"""Lines of a field that takes several: what is to be read comes first."""
MOST = 40
"""Lines, however much is told: the rest is scrolled to."""


class DialogFact(NamedTuple):
    """A name, and what is told of it in as many lines as that needs."""

    name: str
    words: Cell


class DialogDoubt(NamedTuple):
    """A sentence over the whole width, in as many lines as it needs."""

    words: str
    status: str = "warning"
    """What it looks like."""


class DialogContent(NamedTuple):
    """What a dialog tells, from top to bottom."""

    title: str
    lines: Sequence[DialogFact | DialogDoubt | Row] = ()
    columns: tuple[Column, ...] = FACTS
    """Of the rows; the first two are a glyph and a name for the facts too."""


class Typed(NamedTuple):
    """What has to be typed, letter by letter, before yes can be said."""

    text: str
    why: str = "to confirm"
    """After the text, in the sentence that asks for it."""


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

    One of several questions in a row names them all in its upper border; no key that answers one answers the next.

    Args:
        title: what it is about.
        waiting: what is said meanwhile.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "No", id="dialog.no", show=False),
        Binding("n", "answer('n')", "No", id="dialog.n", show=False),
        Binding("y", "answer('y')", "Yes", id="dialog.y", show=False),
        Binding("s", "answer('s')", "Send", id="dialog.s", show=False),
        Binding("f2", "more", "Everything", id="dialog.more", show=False),
        Binding("down,j", "scroll(1)", "Down", id="dialog.down", show=False),
        Binding("up,k", "scroll(-1)", "Up", id="dialog.up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", id="dialog.page_down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="dialog.page_up", show=False),
    ]
    DEFAULT_CSS = """
    Dialog {
        & > #box {
            width: 96%; max-width: 110; height: 8; max-height: 96%;
            background: $surface; border: round $primary; padding: 0 1;
            &.wrong { border-subtitle-color: $text-warning; }
        }
        & #form { height: auto; max-height: 10; display: none; }
        & #form.filled { display: block; }
    }
    """

    buttons = query_one(Buttons)
    box = query_one("#box", Vertical)
    form = query_one("#form", VerticalScroll)

    @property
    def sheet(self) -> "_Sheet":
        return self.query_one(_Sheet)

    def __init__(self, title: str, waiting: str) -> None:
        super().__init__()
        self.paper = DialogContent(title, [DialogFact("", (waiting, "dim"))])
        self._everything: DialogContent | None = None
        """More than the paper."""
        self._telling_all = False
        self._steps = ""
        self._fields: tuple[FormLine, ...] = ()
        self._unready = 0
        """Fields that cannot take keys yet."""
        self._confirming = ""
        self._yes = NO

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield _Sheet(self.paper)
            yield VerticalScroll(id="form", can_focus=False)
            yield Buttons([("n", "Close")])

    def on_mount(self) -> None:
        self._entitle()
        self.set_focus(self.buttons)

    def tell(self, paper: DialogContent, everything: DialogContent | None = None) -> None:
        """Show this; there is nothing to be answered."""
        self._show(paper, everything, (), NO, None, "")

    def ask(
        self,
        paper: DialogContent,
        yes: str,
        entries: Sequence[Entry] = (),
        typed: Typed | None = None,
        *,
        key: Literal["y", "s"] = "y",
        everything: DialogContent | None = None,
        steps: str = "",
    ) -> None:
        """Show this and ask for an answer.

        Args:
            yes: the word of the answer that is not No.
            entries: what has to be filled in.
            typed: what has to be typed before that answer can be given.
            key: of that answer.
            everything: what F2 shows in place of ``paper``.
            steps: which of several questions it is.
        """
        self._show(paper, everything, entries, (key, yes), typed, steps)

    def _show(
        self,
        paper: DialogContent,
        everything: DialogContent | None,
        entries: Sequence[Entry],
        yes: tuple[str, str],
        typed: Typed | None,
        steps: str,
    ) -> None:
        self.paper, self._everything, self._telling_all = paper, everything, False
        self._confirming, self._yes, self._steps = typed.text if typed else "", yes, steps
        self._say("")
        self._entitle()
        self.sheet.show(paper)
        fields = [FormLine(entry, SHORT if self.size.height < 30 else TALL) for entry in entries]
        if typed:
            fields.append(FormLine(Entry("", label=f"Type {typed.text} {typed.why}", sentence=True)))
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

    def _entitle(self) -> None:
        """The title, and at the right end of the border the steps, which are never cut off."""
        title, room = self.paper.title, self.box.size.width - 2 - cell_len(self._steps)
        if self._steps and room > 0:
            title = title if cell_len(title) <= room - 3 else f"{set_cell_size(title, max(1, room - 4))}…"
            title += f" {'─' * (room - 2 - cell_len(title))} {self._steps}"
        self.box.border_title = _plain(title)

    def action_more(self) -> None:
        """Everything that is known, or what decides again."""
        if self._everything is not None:
            self._telling_all = not self._telling_all
            self.sheet.show(self._everything if self._telling_all else self.paper)
            self._fit()
            self._offer()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)
        self.call_after_refresh(self._entitle)

    def _fit(self) -> None:
        """As high as what it tells needs, where there is room."""
        form = sum(field.lines for field in self._fields)
        self.box.styles.height = max(8, min(MOST, self.sheet.needed + min(10, form) + 3))

    @on(FormLine.Ready)
    def _ready(self, event: FormLine.Ready) -> None:
        event.stop()
        self._unready -= 1
        if not self._unready:
            # What may stay as it is does not stand between the person and what is to be read.
            if first := next(
                (field for field in self._fields if field.entry.wrong),
                next((field for field in self._fields if field.entry.required or not field.entry.name), None),
            ):
                first.focus_first()
            self.guard()

    def hearing(self) -> None:
        self._offer()

    def _offer(self) -> None:
        answers = [("n", "Close")] if self._yes == NO else [NO, self._yes]
        if self._everything is not None:
            answers.append((MORE, "what decides" if self._telling_all else "everything"))
        self.buttons.offer(answers, self._locked())

    def _locked(self) -> frozenset[str]:
        return frozenset(self._yes[0]) if self._yes != NO and self._missing() else frozenset()

    def _missing(self) -> "tuple[FormLine, str] | None":
        """The field because of which yes cannot be said yet, and why."""
        for field in self._fields:
            if field.entry.required and not field.value:
                return field, "it has to be filled in"
            if not field.entry.name and field.value != self._confirming:
                typed = field.value
                return field, (
                    f"'{typed}' is not {self._confirming}" if typed else f"{self._confirming} has to be typed"
                )
        return None

    def _say(self, words: str) -> None:
        """What a key could not do, on the lower border: nothing moves for it. Without: how to leave the field."""
        line = self._focused_line()
        leaving = "Tab leaves the field, Esc is No" if line is not None and line.typed else ""
        self.box.set_class(bool(words), "wrong")
        self.box.border_subtitle = _plain(words or leaving)

    def _refuse(self, line: FormLine, words: str) -> None:
        """Say beside ``line``, which is in sight then, why it is not as it has to be."""
        if self._focused_line() is not line:
            line.focus_first()
        self._say("" if line.say(words) else words)

    @property
    def typed_name(self) -> str:
        return next((field.value for field in self._fields if not field.entry.name), "")

    def on_descendant_focus(self) -> None:
        self._say("")

    def on_descendant_blur(self) -> None:
        self._say("")

    @on(FormLine.Changed)
    def _filled(self, event: FormLine.Changed) -> None:
        event.stop()
        self.buttons.withhold(self._locked())
        line = self._focused_line()
        self._say("")
        if line is None or not line.typed or line.value not in ("y", "Y"):
            return
        if line.entry.name or not self._confirming.startswith(line.value):
            self._refuse(line, f"{line.value} was typed in here; Tab leads to the answers")

    @on(FormLine.Refused)
    def _refused(self, event: FormLine.Refused) -> None:
        event.stop()
        if (line := self._focused_line()) is not None:
            what = "a number" if line.entry.kind == "number" else "text without control characters"
            self._refuse(line, f"Only {what} can be typed here")

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
            self.action_answer(self._yes[0])
        elif line.entry.required and not line.value:
            self._refuse(line, "it has to be filled in")
        else:
            self.focus_next()

    @on(Buttons.Pressed)
    def _pressed(self, event: Buttons.Pressed) -> None:
        event.stop()
        self.action_answer(event.key)

    def action_no(self) -> None:
        """No; from everything that is known, back to what decides."""
        if self._telling_all:
            self.action_more()
        else:
            self._end(None)

    def action_answer(self, key: str) -> None:
        if key == MORE:
            self.action_more()
        elif key == "n":
            self._end(None)
        elif self._yes == NO:
            self._say("Nothing is asked here")
        elif key != self._yes[0]:
            self._say(f"{self._yes[0]} is the key here: {self._yes[1]}")
        elif missing := self._missing():
            self._refuse(*missing)
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
        sheet = self.sheet
        sheet.scroll_to(y=sheet.scroll_offset.y + by)

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.sheet.scrollable_content_region.height - 2))


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
            case DialogDoubt(text, status):
                glyph, role = status_style(status)
                for i, part in enumerate(textwrap.wrap(text, max(10, width - 3))):
                    yield Row(f"doubt {number} {i}", ((glyph if i == 0 else "", role), (part, role)))


def _plain(title: str) -> str:
    """Without what would be markup in a border's title."""
    return title.replace("[", "\\[")
