"""A log of any length: opens at its end and follows it, folds its sections, reads and draws only what is seen."""

from typing import ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.events import Click, Key, MouseScrollDown, MouseScrollUp
from textual.message import Message

from widgets.log.page import NOTHING
from widgets.log.sheet import LogSheet
from widgets.log.source import LogSource

__all__ = ["LogSource", "LogView"]

Target = Literal["match", "error"]

_WHEEL = 3  # lines that a turn of the mouse wheel scrolls


class LogView(LogSheet, can_focus=True):
    """A log, with the keys of ``less``.

    The owner calls :meth:`grew` when the source has more, a few times a second at most. It searches (the view says
    what is wanted, and is told where to go and what to highlight), copies and saves. The view opens at the end of
    the log and follows it until one goes elsewhere; its last line says where one is and how much came since.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", id="log.down", show=False),
        Binding("up,k", "move(-1)", "Up", id="log.up", show=False),
        Binding("space,pagedown,f", "move(1, True)", "Page down", id="log.page_down", show=False),
        Binding("b,pageup", "move(-1, True)", "Page up", id="log.page_up", show=False),
        Binding("d", "move(0.5, True)", "Half a page down", id="log.half_page_down", show=False),
        Binding("u", "move(-0.5, True)", "Half a page up", id="log.half_page_up", show=False),
        Binding("g,home", "first", "To the beginning, or to line N", id="log.first", show=False),
        Binding("G,end", "last", "To the end and follow, or to line N", id="log.last", show=False),
        Binding("F", "follow", "To the end and follow", id="log.follow", show=False),
        Binding("p,percent_sign", "percent", "To N percent", id="log.percent", show=False),
        Binding("right", "sideways(1)", "To the right", id="log.right", show=False),
        Binding("left", "sideways(-1)", "To the left", id="log.left", show=False),
        Binding("slash", "ask('search')", "Search", id="log.search", show=False),
        Binding("colon", "ask('go')", "Go to a line or a time", id="log.go", show=False),
        Binding("n", "seek('match', 1)", "Next match", id="log.next_match", show=False),
        Binding("N", "seek('match', -1)", "Previous match", id="log.previous_match", show=False),
        Binding("e", "seek('error', 1)", "Next error", id="log.next_error", show=False),
        Binding("E", "seek('error', -1)", "Previous error", id="log.previous_error", show=False),
        Binding("z", "fold", "Fold or unfold the section", id="log.fold", show=False),
        Binding("Z", "fold_all", "Fold or unfold all sections", id="log.fold_all", show=False),
        Binding("w", "switch('wrap')", "Wrap long lines, or not", id="log.wrap", show=False),
        Binding("number_sign", "switch('numbers')", "Line numbers", id="log.numbers", show=False),
        Binding("t", "switch('times')", "Times", id="log.times", show=False),
        Binding("v", "select", "Select lines, or no more", id="log.select", show=False),
        Binding("y", "copy", "Copy the line or the selected lines", id="log.copy", show=False),
        Binding("escape", "cancel", "Select and highlight nothing", id="log.cancel", show=False),
    ]

    class Said(Message):
        """What its messages have in common."""

        def __init__(self, view: "LogView") -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> "LogView":
            return self.view

    class Followed(Said):
        """It follows the end of the log, or not and ``new`` lines have come since. The last of many is enough."""

        def __init__(self, view: "LogView", following: bool, new: int) -> None:
            super().__init__(view)
            self.following = following
            self.new = new

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Followed) and message.view is self.view

    class Asked(Said):
        """The person wants to type what to search for (``search``), or a line or time to go to (``go``)."""

        def __init__(self, view: "LogView", what: Literal["search", "go"]) -> None:
            super().__init__(view)
            self.what = what

    class Sought(Said):
        """The person wants to see the next (``step`` 1) or the previous (-1) match or error, beyond ``line``."""

        def __init__(self, view: "LogView", target: Target, step: Literal[1, -1], line: int) -> None:
            super().__init__(view)
            self.target = target
            self.step = step
            self.line = line

    class Copied(Said):
        """The person wants the lines ``first`` to ``last`` (included) in the clipboard."""

        def __init__(self, view: "LogView", first: int, last: int) -> None:
            super().__init__(view)
            self.first = first
            self.last = last

    class Cancelled(Said):
        """The highlight was taken away: nothing is searched for any more."""

    _told: tuple[bool, int] | None = None

    # -- for the owner

    def follow(self) -> None:
        """Go to the end, and stay there as the log grows."""
        self._page.follow()
        self._settle()

    def show_line(self, line: int) -> None:
        """Bring ``line`` in sight, unfolding what hides it, and mark it. The end is not followed any more."""
        self._page.show(line)
        self._settle()

    def show_time(self, when: float) -> bool:
        """Bring the first line written at ``when`` or later in sight; False when none is known to be."""
        line = self.source.line_at(when)
        if line is not None:
            self.show_line(line)
        return line is not None

    @property
    def following(self) -> bool:
        """It stays at the end as the log grows."""
        return self._page.following

    @property
    def on_screen(self) -> tuple[int, int]:
        """The first and the last line that is seen."""
        return self._page.on_screen()

    @property
    def current(self) -> int | None:
        """The line that was gone to last."""
        return self._page.current

    @property
    def selection(self) -> tuple[int, int] | None:
        """The first and the last of the selected lines."""
        return self._page.selection

    @property
    def wrap(self) -> bool:
        return self._page.wrap

    def _settle(self) -> None:
        super()._settle()
        news = self._page.following, self._page.new
        if self.is_attached and news != self._told:
            self._told = news
            self.post_message(self.Followed(self, *news))

    # -- keys and mouse

    def on_key(self, event: Key) -> None:
        """A count before a key, and options as ``less`` has them: ``-S``, ``-N``."""
        character = event.character or ""
        if self._typed == "-":
            self._typed = ""
            if what := {"S": "wrap", "N": "numbers"}.get(character):
                self.action_switch(what)
        elif character == "-":
            self._typed = "-"
        elif character in "0123456789" and character.strip() and (self._typed or character != "0"):
            self._typed = (self._typed + character)[:9]
        else:
            return
        event.stop()
        event.prevent_default()
        self._settle()

    def _count(self) -> int | None:
        """The count that was typed; it is used up by that."""
        count, self._typed = self._typed, ""
        return int(count) if count.isdecimal() else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is left to others when there is nothing to take back."""
        if action == "cancel":
            return bool(self._typed or self._page.current is not None or self._highlight)
        return super().check_action(action, parameters)

    def action_move(self, lines: float, pages: bool = False) -> None:
        page = self._page
        lines = round(lines * page.room if pages else lines) * (self._count() or 1)
        if page.anchor is not None and page.current is not None:
            row = max(0, min(page.rows.row(page.current) + lines, len(page.rows) - 1))
            page.show(page.rows.line(row))
        else:
            page.move(lines)
        self._settle()

    def action_first(self) -> None:
        line = self._count()
        if line is not None or self._page.anchor is not None:
            self._page.show((line or 1) - 1)
        else:
            self._page.visit(0)
        self._settle()

    def action_last(self) -> None:
        line = self._count()
        if line is not None or self._page.anchor is not None:
            self._page.show((line or len(self.source)) - 1)
        else:
            self._page.follow()
        self._settle()

    def action_follow(self) -> None:
        self._count()
        self.follow()

    def action_percent(self) -> None:
        self._page.visit(len(self._page.rows) * min(self._count() or 0, 100) // 100)
        self._settle()

    def action_sideways(self, direction: int) -> None:
        cells = self._count() or max(1, self._page.width // 2)
        if not self.wrap:
            self._page.shift_by(direction * cells)
        self._settle()

    def action_ask(self, what: Literal["search", "go"]) -> None:
        self._count()
        self.post_message(self.Asked(self, what))

    def action_seek(self, target: Target, step: Literal[1, -1]) -> None:
        self._count()
        line = self._page.here
        if line is None:
            first, last = self._page.on_screen()
            line = first - 1 if step > 0 else last + 1
        self.post_message(self.Sought(self, target, step, line))

    def action_fold(self) -> None:
        self._count()
        here = self._page.here
        self._page.fold(self._page.on_screen()[0] if here is None else here)
        self._settle()

    def action_fold_all(self) -> None:
        self._count()
        self._page.fold_all()
        self._settle()

    def action_switch(self, what: str) -> None:
        self._count()
        if what == "wrap":
            self._page.wrap = not self._page.wrap
            self._page.part = self._page.shift = 0
        else:
            setattr(self, what, not getattr(self, what))
        self._page.arrange()
        self._redraw()

    def action_select(self) -> None:
        self._count()
        page = self._page
        if page.anchor is not None:
            page.anchor = None
        elif len(self.source):
            here = page.here
            first, last = page.on_screen()
            at_edge = last if page.following else first
            page.current = page.anchor = at_edge if here is None else here
            page.following = False
        self._settle()

    def action_copy(self) -> None:
        self._count()
        if len(self.source):
            here = self._page.here
            line = self._page.on_screen()[0] if here is None else here
            first, last = self._page.selection or (line, line)
            self._page.anchor = None
            self._settle()
            self.post_message(self.Copied(self, first, last))

    def action_cancel(self) -> None:
        self._typed = ""
        self._page.anchor = self._page.current = None
        if self._highlight is not None:
            self.highlight = None
            self.post_message(self.Cancelled(self))
        self._settle()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: MouseScrollDown | MouseScrollUp, direction: int) -> None:
        event.stop()
        event.prevent_default()
        if event.ctrl or event.shift:
            self.action_sideways(direction)
        else:
            self._page.move(direction * _WHEEL)
            self._settle()

    def on_click(self, event: Click) -> None:
        """On the mark of a section, or twice on its header: fold it. Elsewhere: this is the current line."""
        offset = event.get_content_offset(self)
        place = self._places[offset.y] if offset and offset.y < len(self._places) else NOTHING
        if offset is None or place.line is None:
            return
        event.stop()
        if place.folded is not None and (offset.x < 2 or event.chain == 2):
            self._page.fold(place.line)
        else:
            self._page.current = place.line
        self._settle()
