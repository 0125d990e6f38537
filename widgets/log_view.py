"""A log of any length: opens at its end and follows it, folds its sections, reads and draws only what is seen."""

import re
from datetime import datetime, tzinfo
from typing import Any, ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Click, Key, MouseScrollDown, MouseScrollUp
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp
from textual.strip import Strip

from widgets.log_page import NOTHING, LogPage, Place
from widgets.log_source import LogSource
from widgets.theme import CLOSED, OPEN

__all__ = ["LogSource", "LogView"]

Target = Literal["match", "error"]

_WHEEL = 3  # lines that a turn of the mouse wheel scrolls


class LogView(ScrollView, can_focus=True):
    """A log, with the keys of ``less``.

    The owner calls :meth:`grew` when the source has more, a few times a second at most. It searches (the view says
    what is wanted, and is told where to go and what to highlight), copies and saves. The view opens at the end of
    the log and follows it until one goes elsewhere; its last line says where one is and how much came since.
    """

    ALLOW_SELECT = False
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
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--gutter",
        "log-view--current",
        "log-view--selected",
        "log-view--match",
        "log-view--status",
    }
    # The scrollbar is always there: if it came and went, each time would lay out the whole screen.
    DEFAULT_CSS = """
    LogView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        & > .log-view--gutter { text-style: dim; }
        & > .log-view--current { background: $block-cursor-blurred-background; }
        & > .log-view--selected {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
        & > .log-view--match { text-style: reverse bold; }
        & > .log-view--status { background: $panel; }
    }
    """

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

    def __init__(
        self,
        source: LogSource,
        *,
        zone: tzinfo | None = None,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.source = source
        self.zone = zone
        """Of the times shown; None for the local one."""
        self.numbers = False
        self.times = False
        self._page = LogPage(source)
        self._generation = source.generation
        self._highlight: re.Pattern[str] | None = None
        self._note = ""
        self._count = ""  # digits typed before a key
        self._option = False  # a dash was typed: the next key names an option, as in less
        self._places: list[Place] = []  # what should be on the screen
        self._drawn: dict[int, object] = {}  # what is
        self._strips: LRUCache[tuple[Place, int, int], Strip] = LRUCache(1024)
        self._told: tuple[bool, int] | None = None

    # -- for the owner

    def grew(self) -> None:
        """Show what the source has now."""
        if self._generation != self.source.generation:
            self._generation = self.source.generation
            self._strips.clear()
            self._drawn.clear()
        self._page.arrange()
        self._settle()

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

    @property
    def highlight(self) -> re.Pattern[str] | None:
        """What is drawn highlighted wherever it is seen."""
        return self._highlight

    @highlight.setter
    def highlight(self, pattern: re.Pattern[str] | None) -> None:
        if pattern != self._highlight:
            self._highlight = pattern
            self._redraw()

    @property
    def note(self) -> str:
        """Words of the owner on the last line: what a search came to."""
        return self._note

    @note.setter
    def note(self, words: str) -> None:
        self._note = words
        self._settle()

    # -- page and scrollbar

    def _settle(self) -> None:
        """After any change: draw the lines of the screen that are out of date, and tell what is news."""
        if not self.is_attached:
            return
        page = self._page
        width, room = self._text_width, max(1, self.container_size.height - 1)
        if (page.width, page.room) != (width, room):
            page.width, page.room = width, room
            page.arrange()
        self._scroll()
        self._places = page.places()
        wanted: list[object] = [*self._places, self._status()]
        stale = [y for y, what in enumerate(wanted) if self._drawn.get(y) != what]
        if stale:
            self.refresh(*(Region(0, y, self._width, 1) for y in stale))
        told = page.following, page.new
        if told != self._told:
            self._told = told
            self.post_message(self.Followed(self, *told))

    def _scroll(self) -> None:
        """Put the scrollbar where the page is."""
        # Wrapped, a page holds fewer rows, and there is more to scroll.
        size = Size(0, self._page.bottom()[0] + self._page.room + 1)
        if size != self.virtual_size:
            # Assigning to virtual_size would lay out the whole screen for a scrollbar.
            self.set_reactive(LogView.virtual_size, size)
            self._scroll_update(size)
        self.scroll_to(y=self._page.top, force=True)

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """As of any widget, but never animated."""
        super().scroll_to(x, y, **(options | {"animate": False}))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        # In place of the inherited one, which draws everything again.
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value

    def on_scroll_to(self, message: ScrollTo) -> None:
        """The scrollbar was dragged."""
        message.stop()
        message.prevent_default()
        if message.y is not None:
            self._page.visit(round(message.y))
            self._settle()

    def on_scroll_up(self, message: ScrollUp) -> None:
        """A click above the handle of the scrollbar."""
        self._turn(message, -1)

    def on_scroll_down(self, message: ScrollDown) -> None:
        self._turn(message, 1)

    def _turn(self, message: ScrollUp | ScrollDown, pages: int) -> None:
        message.stop()
        message.prevent_default()
        self._page.move(pages * self._page.room)
        self._settle()

    def on_mount(self) -> None:
        self.grew()

    def on_resize(self) -> None:
        self._redraw()

    # -- drawing

    @property
    def _width(self) -> int:
        return max(1, self.scrollable_content_region.width)

    @property
    def _text_width(self) -> int:
        return max(1, self._width - self._gutter)

    @property
    def _gutter(self) -> int:
        """Cells left of the text: marks of folds, numbers, times."""
        numbers = len(str(len(self.source))) + 1 if self.numbers else 0
        return (2 if self._page.heads else 0) + numbers + (9 if self.times else 0)

    def _redraw(self) -> None:
        """Draw everything again: it looks different now."""
        self._strips.clear()
        self._drawn.clear()
        self._settle()

    def _status(self) -> tuple[str, str]:
        """The words on the last line, left and right."""
        page = self._page
        if page.selection is not None:
            left = f"{page.selection[1] - page.selection[0] + 1:,} selected"
        elif page.following:
            left = "following"
        else:
            left = f"{page.new:,} new line{'s' * (page.new != 1)} below" if page.new else ""
        typed = "-" if self._option else self._count
        first, last = page.on_screen()
        total = len(self.source)
        where = f"{first + 1:,}-{last + 1:,} of {total:,}" if total else "empty"
        return "   ".join(filter(None, (left, self._note))), "   ".join(filter(None, (typed, where)))

    def render_line(self, y: int) -> Strip:
        width = self._width
        if y >= self._page.room:
            status = self._drawn[y] = self._status()
            return self._draw_status(*status, width)
        place = self._drawn[y] = self._places[y] if y < len(self._places) else NOTHING
        key = place, width, self._gutter
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(place, width)
        return strip

    def _draw(self, place: Place, width: int) -> Strip:
        base = self._with(place.mark) if place.mark else self.rich_style
        if place.line is None:
            return Strip.blank(width, base)
        begins = place.cell == 0 or not self.wrap
        dim = base + self.get_component_rich_style("log-view--gutter", partial=True)
        segments = []
        if self._page.heads:
            glyph = " " if place.folded is None or not begins else CLOSED if place.folded else OPEN
            segments.append(Segment(f"{glyph} ", base))
        if self.numbers:
            size = len(str(len(self.source)))
            segments.append(Segment(f"{place.line + 1 if begins else '':>{size}} ", dim))
        if self.times:
            at = self.source.time(place.line) if begins else None
            shown = "" if at is None else f"{datetime.fromtimestamp(at, self.zone):%H:%M:%S}"
            segments.append(Segment(f"{shown:8} ", dim))
        end = place.cell + self._page.width
        line = self._page.line(place.line, None if self.wrap else end, place.suffix)
        mark = self.get_component_rich_style("log-view--match", partial=True)
        segments += line.segments(place.cell, end, base, self._highlight, mark)
        return Strip(segments).adjust_cell_length(width, base)

    def _draw_status(self, left: str, right: str, width: int) -> Strip:
        style = self._with("status")
        space = width - cell_len(left) - cell_len(right) - 2
        if space < 1:
            left, space = set_cell_size(left, max(0, width - cell_len(right) - 3)), 1
        return Strip([Segment(f" {left}{' ' * space}{right} ", style)]).adjust_cell_length(width, style)

    def _with(self, component: str) -> Style:
        return self.rich_style + self.get_component_rich_style(f"log-view--{component}")

    def notify_style_update(self) -> None:
        """Forget what was drawn in the old colours."""
        self._strips.clear()
        super().notify_style_update()

    # -- keys and mouse

    def on_key(self, event: Key) -> None:
        """A count before a key, and options as ``less`` has them: ``-S``, ``-N``."""
        character = event.character or ""
        if self._option:
            self._option = False
            if what := {"S": "wrap", "N": "numbers"}.get(character):
                self.action_switch(what)
        elif character == "-":
            self._option, self._count = True, ""
        elif character in "0123456789" and character.strip() and (self._count or character != "0"):
            self._count = (self._count + character)[:9]
        else:
            return
        event.stop()
        event.prevent_default()
        self._settle()

    def _typed(self) -> int | None:
        """The count that was typed; it is used up by that."""
        count, self._count = self._count, ""
        return int(count) if count else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is left to others when there is nothing to take back."""
        if action == "cancel":
            return bool(self._count or self._page.current is not None or self._highlight)
        return super().check_action(action, parameters)

    def action_move(self, lines: float, pages: bool = False) -> None:
        page = self._page
        lines = round(lines * page.room if pages else lines) * (self._typed() or 1)
        if page.anchor is not None and page.current is not None:
            row = max(0, min(page.rows.row(page.current) + lines, len(page.rows) - 1))
            page.show(page.rows.line(row))
        else:
            page.move(lines)
        self._settle()

    def action_first(self) -> None:
        line = self._typed()
        if line is not None or self._page.anchor is not None:
            self._page.show((line or 1) - 1)
        else:
            self._page.visit(0)
        self._settle()

    def action_last(self) -> None:
        line = self._typed()
        if line is not None or self._page.anchor is not None:
            self._page.show((line or len(self.source)) - 1)
        else:
            self._page.follow()
        self._settle()

    def action_follow(self) -> None:
        self._typed()
        self.follow()

    def action_percent(self) -> None:
        self._page.visit(len(self._page.rows) * min(self._typed() or 0, 100) // 100)
        self._settle()

    def action_sideways(self, direction: int) -> None:
        cells = self._typed() or max(1, self._page.width // 2)
        if not self.wrap:
            self._page.shift_by(direction * cells)
        self._settle()

    def action_ask(self, what: Literal["search", "go"]) -> None:
        self._typed()
        self.post_message(self.Asked(self, what))

    def action_seek(self, target: Target, step: Literal[1, -1]) -> None:
        self._typed()
        line = self._page.here
        if line is None:
            first, last = self._page.on_screen()
            line = first - 1 if step > 0 else last + 1
        self.post_message(self.Sought(self, target, step, line))

    def action_fold(self) -> None:
        self._typed()
        here = self._page.here
        self._page.fold(self._page.on_screen()[0] if here is None else here)
        self._settle()

    def action_fold_all(self) -> None:
        self._typed()
        self._page.fold_all()
        self._settle()

    def action_switch(self, what: str) -> None:
        self._typed()
        if what == "wrap":
            self._page.wrap = not self._page.wrap
            self._page.part = self._page.shift = 0
        else:
            setattr(self, what, not getattr(self, what))
        self._page.arrange()
        self._redraw()

    def action_select(self) -> None:
        self._typed()
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
        self._typed()
        if len(self.source):
            here = self._page.here
            line = self._page.on_screen()[0] if here is None else here
            first, last = self._page.selection or (line, line)
            self._page.anchor = None
            self._settle()
            self.post_message(self.Copied(self, first, last))

    def action_cancel(self) -> None:
        self._count = ""
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
