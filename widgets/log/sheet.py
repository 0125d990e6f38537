"""A page of a log on the screen: its scrollbar, its lines as they look, and the words below them."""

import re
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp
from textual.strip import Strip

from widgets.log.page import NOTHING, LogPage, PageLine
from widgets.log.source import LogSource
from widgets.theme import CLOSED, OPEN

KEPT = 256
"""Lines kept as they were drawn: those on the screen, and some to scroll back to."""


class LogSheet(ScrollView):
    """Draws what stands on its page, and only what changed of it; whoever changes the page settles then."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--gutter",
        "log-view--current",
        "log-view--selected",
        "log-view--match",
        "log-view--status",
    }
    # The scrollbar is always there: if it came and went, each time would lay out the whole screen.
    DEFAULT_CSS = """
    LogSheet {
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
        self._typed = ""  # before a key that will heed it
        self._places: list[PageLine] = []  # what should be on the screen
        self._drawn: dict[int, object] = {}  # what is
        # Not as strips: each keeps all that was cut from it, several times as much.
        self._known: LRUCache[tuple[PageLine, int, int], tuple[Segment, ...]] = LRUCache(KEPT)

    def grew(self) -> None:
        """Show what the source has now."""
        if self._generation != self.source.generation:
            self._generation = self.source.generation
            self._known.clear()
            self._drawn.clear()
        self._page.arrange()
        self._settle()

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
        """After any change: draw the lines of the screen that are out of date."""
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

    def _scroll(self) -> None:
        """Put the scrollbar where the page is."""
        # Wrapped, a page holds fewer rows, and there is more to scroll.
        size = Size(0, self._page.bottom()[0] + self._page.room + 1)
        if size != self.virtual_size:
            # Assigning to virtual_size would lay out the whole screen for a scrollbar.
            self.set_reactive(LogSheet.virtual_size, size)
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
        self._known.clear()
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
        first, last = page.on_screen()
        total = len(self.source)
        where = f"{first + 1:,}-{last + 1:,} of {total:,}" if total else "empty"
        return "   ".join(filter(None, (left, self._note))), "   ".join(filter(None, (self._typed, where)))

    def render_line(self, y: int) -> Strip:
        width = self._width
        if y >= self._page.room:
            status = self._drawn[y] = self._status()
            return self._draw_status(*status, width)
        place = self._drawn[y] = self._places[y] if y < len(self._places) else NOTHING
        key = place, width, self._gutter
        segments = self._known.get(key)
        if segments is None:
            segments = self._known[key] = tuple(self._draw(place, width))
        return Strip(segments, width)

    def _draw(self, place: PageLine, width: int) -> Strip:
        base = self._with(place.mark) if place.mark else self.rich_style
        if place.line is None:
            return Strip.blank(width, base)
        begins = place.cell == 0 or not self._page.wrap
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
        line = self._page.line(place.line, None if self._page.wrap else end, place.suffix)
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
        self._known.clear()
        super().notify_style_update()
