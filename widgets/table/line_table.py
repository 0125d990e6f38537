"""A table of any length that draws only the lines that changed."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.cells import Cell, fit, width_of
from widgets.moving import MOVING
from widgets.table.columns import Column, Needs, fit_columns
from widgets.theme import ROLE_CLASSES, role_css, role_style


class Row(NamedTuple):
    """One line of a table. Rows that are equal look the same."""

    key: str
    """What the row is known by, unique in its table; the cursor is held by it."""
    cells: tuple[Cell, ...]
    """In the order of the columns. With fewer cells than columns, the last one takes all the room that is left."""
    kind: Literal["item", "group", "header", "empty"] = "item"
    """``item`` or ``group``; the others are the table's own."""
    dim: bool = False


MEASURED = 1000
"""Rows from the first on whose texts the widths of the columns go by."""
KEPT = 256
"""Lines kept as they were drawn, for scrolling back to them. An age that is seen makes a new line each second or
minute, so all of them are used after a while, in each table there is."""
WIDTHS = 100
"""Kept with the columns that fit; a terminal that is dragged has had many."""
_BLANK = Row("", (), "empty")
_CURSOR, _CURSOR_BLURRED, _NO_CURSOR = "❯", "›", " "


class LineTable(ScrollView, can_focus=True):
    """Rows under a fixed header, one of them with the cursor.

    It holds no state of its rows but what :meth:`set_rows` gave it last. The cursor belongs to a key: it stays
    with it when rows come, go or change places. The row with the cursor keeps its line on the screen then, unless
    the table is scrolled to its top, where it stays as long as the cursor can be seen, so that what is new
    there is seen too. While the cursor is scrolled out of sight, the topmost row keeps its line instead.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *MOVING,
        Binding("space", "fold", "Fold or unfold", id="table.fold_or_unfold", show=False),
        Binding("right", "fold(True)", "Unfold", id="table.unfold", show=False),
        Binding("left", "fold(False)", "Fold", id="table.fold", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES | {
        "line-table--header",
        "line-table--group",
        "line-table--empty",
        "line-table--cursor",
        "line-table--cursor-blurred",
    }
    # The scrollbar is always there: if it came and went, each time would lay out the whole screen.
    DEFAULT_CSS = (
        role_css("LineTable")
        + """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        & > .line-table--header { text-style: bold underline; }
        & > .line-table--group { text-style: bold; }
        & > .line-table--empty { text-style: dim; }
        & > .line-table--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold;
        }
        & > .line-table--cursor-blurred { background: $block-cursor-blurred-background; }
    }
    """
    )

    class RowMessage(Message):
        """Something happened to the row of ``key``."""

        def __init__(self, table: "LineTable", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "LineTable":
            return self.table

    class Selected(RowMessage):
        """Enter or a double click on the row of ``key``."""

    class NothingSelected(Message):
        """Enter where there are no rows."""

        def __init__(self, table: "LineTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "LineTable":
            return self.table

    class HeadingPressed(Message):
        """A click on the title of the column of that number."""

        def __init__(self, table: "LineTable", column: int) -> None:
            super().__init__()
            self.table = table
            self.column = column

        @property
        def control(self) -> "LineTable":
            return self.table

    class Toggled(RowMessage):
        """The group of ``key`` is to be shown (``open`` true), hidden (false), or the other of both (None)."""

        def __init__(self, table: "LineTable", key: str, open: bool | None) -> None:
            super().__init__(table, key)
            self.open = open

    class Highlighted(Message):
        """The cursor went to the row of ``key``; None: there are no rows any more. The last of many is enough."""

        def __init__(self, table: "LineTable", key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "LineTable":
            return self.table

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LineTable.Highlighted) and message.table is self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.columns = tuple(columns)
        self.empty = empty
        """What is said in place of rows; shown from the next :meth:`set_rows` without any on."""
        self.rows: tuple[Row, ...] = ()
        self.cursor = 0
        """The index of the row with the cursor; 0 without rows."""
        self._wanted: str | None = None  # the key the cursor belongs to, also while there are no rows
        self._told: str | None = None  # the key last posted
        self._header = Row("", tuple(column.title for column in self.columns), "header")
        # Not as strips: each keeps all that was cut from it, several times as much.
        self._known: LRUCache[tuple[Row, str, int], tuple[Segment, ...]] = LRUCache(KEPT)
        self._measured: dict[str, tuple[Row, Needs]] = {}
        self._needs: Needs | None = None
        self._fitted: dict[tuple[int, tuple[Column, ...]], tuple[int, ...]] = {}
        """The widths of columns in a line that is so wide; kept, so that a table comes back as it went."""
        self._drawn: dict[int, tuple[Row, str]] = {}  # what stands on each line of the screen

    # -- rows and cursor

    @property
    def key(self) -> str | None:
        """The key of the row with the cursor, None without rows."""
        return self.rows[self.cursor].key if self.rows else None

    @property
    def row(self) -> Row | None:
        """The row with the cursor, None without rows."""
        return self.rows[self.cursor] if self.rows else None

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Show these from the next :meth:`set_rows` on, whose rows have cells for them."""
        self.columns = tuple(columns)
        self._header = Row("", tuple(column.title for column in columns), "header")
        self._known.clear()
        self._drawn.clear()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show ``rows`` from now on. What is already on the screen as it should be is not drawn again."""
        old, cursor, top = self.rows, self.cursor, self.scroll_offset.y
        in_sight = top <= cursor < top + self._room
        self.rows = tuple(rows)
        self._measure()
        self.cursor = self._index(self._wanted, cursor)
        if in_sight:
            top = 0 if not top and self.cursor < self._room else top + self.cursor - cursor
        elif 0 < top < len(old):
            top = self._index(old[top].key, top)
        # Assigning to virtual_size would lay out the whole screen for a scrollbar.
        self.set_reactive(LineTable.virtual_size, Size(0, len(self.rows) + 1))
        self._scroll_to_row(top)
        if len(old) != len(self.rows):
            self._scroll_update(self.virtual_size)
        self._settle()

    def highlight(self, key: str) -> bool:
        """Put the cursor on the row of ``key``, in sight; False when there is none."""
        index = next((i for i, row in enumerate(self.rows) if row.key == key), None)
        if index is None:
            return False
        self._move_to(index)
        return True

    def _index(self, key: str | None, near: int) -> int:
        """Where ``key`` is now, probably at ``near``; the nearest index when it is gone."""
        if near < len(self.rows) and self.rows[near].key == key:
            return near
        nearest = max(0, min(near, len(self.rows) - 1))
        return next((i for i, row in enumerate(self.rows) if row.key == key), nearest)

    def _move_to(self, index: int) -> None:
        if self.rows:
            self.cursor = max(0, min(index, len(self.rows) - 1))
            self._reveal()
            self._settle()

    def _settle(self) -> None:
        """After any change: mark the lines that are out of date, and say where the cursor is if that is news."""
        self._mark()
        key = self.key
        self._wanted = self._wanted if key is None else key
        if key != self._told and self.is_attached:
            self._told = key
            self.post_message(self.Highlighted(self, key))

    def on_mount(self) -> None:
        self._settle()

    def _measure(self) -> None:
        """How wide the texts are that the columns are to hold."""
        known, self._measured = self._measured, {}
        needs = [0] * len(self.columns)
        for row in self.rows[:MEASURED]:
            found = known.get(row.key)
            if found is None or found[0] is not row:
                found = row, tuple(map(width_of, row.cells))
            self._measured[row.key] = found
            for i, cells in enumerate(found[1]):
                if i == len(row.cells) - 1 < len(needs) - 1:
                    cells = min(cells, self.columns[i].width)  # it takes the rest of the line
                if cells > needs[i]:
                    needs[i] = cells
        self._needs = tuple(needs) if any(needs) else None
        fitted = {key: self._fit(key, now, needs) for key, now in self._fitted.items()}
        if fitted != self._fitted:
            self._fitted = fitted
            self._known.clear()
            self._drawn.clear()
            if self.is_attached:
                self.refresh()

    def _fit(
        self, key: tuple[int, tuple[Column, ...]], now: tuple[int, ...], needs: Sequence[int]
    ) -> tuple[int, ...]:
        """They move only for what would be cut and need not be."""
        width, columns = key
        if columns != self.columns:
            return now
        better = fit_columns(columns, width, self._needs)
        cut = any(have < min(want, need) for have, want, need in zip(now, better, needs, strict=True))
        return better if cut else now

    def _widths(self, width: int) -> tuple[int, ...]:
        """Of the columns in a line of ``width``."""
        fitted = self._fitted.get((width, self.columns))
        if fitted is None:
            if len(self._fitted) == WIDTHS:
                del self._fitted[next(iter(self._fitted))]  # that of the longest ago
            fitted = self._fitted[width, self.columns] = fit_columns(self.columns, width, self._needs)
        return fitted

    @property
    def need(self) -> int:
        """Cells in which every text is whole; 0 while there is none."""
        if self._needs is None:
            return 0
        widths = [
            max(need, len(column.title) if column.title else column.width)
            for column, need in zip(self.columns, self._needs, strict=True)
            if need or not column.title
        ]
        return 1 + sum(widths) + len(widths) - 1 + self.styles.scrollbar_size_vertical

    # -- scrolling

    @property
    def _area(self) -> Size:
        """What there is beside the scrollbar."""
        return self.scrollable_content_region.size

    @property
    def _room(self) -> int:
        """Rows that can be seen at once; while hidden, as before."""
        return max(1, self.container_size.height - 1)

    def _scroll_to_row(self, top: int) -> None:
        if self.is_attached:
            self.scroll_to(y=max(0, min(top, self.max_scroll_y)), force=True)

    def _reveal(self) -> None:
        top = self.scroll_offset.y
        self._scroll_to_row(max(min(top, self.cursor), self.cursor - self._room + 1))

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """As of any widget, but never animated."""
        super().scroll_to(x, y, **(options | {"animate": False}))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        # In place of the inherited one, which draws everything again.
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        self._mark()

    def on_resize(self) -> None:
        self._measure()
        self._reveal()

    # -- drawing

    def _line(self, y: int) -> tuple[Row, str]:
        """What should stand on line ``y`` of the screen, and the mark before it."""
        if y == 0:
            return self._header, _NO_CURSOR
        i = self.scroll_offset.y + y - 1
        if i < len(self.rows):
            cursor = _CURSOR if self.has_focus else _CURSOR_BLURRED
            return self.rows[i], cursor if i == self.cursor else _NO_CURSOR
        return (_BLANK if i or not self.empty else Row("", (self.empty,), "empty")), _NO_CURSOR

    def _mark(self) -> None:
        width, height = self._area
        stale = [y for y in range(height) if self._drawn.get(y) != self._line(y)]
        if stale:
            self.refresh(*(Region(0, y, width, 1) for y in stale))

    def render_line(self, y: int) -> Strip:
        row, mark = self._drawn[y] = self._line(y)
        what = row, mark, self._area.width
        segments = self._known.get(what)
        if segments is None:
            segments = self._known[what] = tuple(self._draw(*what).simplify())
        return Strip(segments, self._area.width)

    def _draw(self, row: Row, mark: str, width: int) -> Strip:
        base = self._base(row, mark)
        segments = [Segment(mark, base)]
        used = 1
        widths = self._widths(width - 1)
        last = len(row.cells) - 1
        for i, (cell, column, room) in enumerate(zip(row.cells, self.columns, widths, strict=False)):
            takes_the_rest = i == last < len(widths) - 1
            if not room and not takes_the_rest:
                continue
            if used > 1:
                segments.append(Segment(" ", base))
                used += 1
            if takes_the_rest:
                room = max(0, width - used)
            for text, role in fit(cell, room, column.align):
                # A cursor in its own colours can be read in every theme; a role's on top of it might not.
                style = base if mark == _CURSOR else base + role_style(self, role)
                segments.append(Segment(text, style))
            used += room
        return Strip(segments, used).adjust_cell_length(width, base)

    def _base(self, row: Row, mark: str) -> Style:
        if mark == _CURSOR:
            return self._with("cursor")
        if mark == _CURSOR_BLURRED:
            base = self._with("cursor-blurred")
        elif row.kind != "item":
            base = self._with(row.kind)
        else:
            base = self.rich_style
        return base + Style(dim=True) if row.dim else base

    def _with(self, component: str) -> Style:
        return self.rich_style + self.get_component_rich_style(f"line-table--{component}")

    def notify_style_update(self) -> None:
        """Forget what was drawn in the old colours."""
        self._known.clear()
        super().notify_style_update()

    # -- keys and mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Folding keys belong to groups; on items they are left to whoever wants them."""
        if action == "fold":
            return bool(self.rows) and self.rows[self.cursor].kind == "group"
        return super().check_action(action, parameters)

    def action_move(self, rows: int) -> None:
        self._move_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        self._move_to(self.cursor + pages * max(1, self._room - 1))

    def action_edge(self, last: bool) -> None:
        self._move_to(len(self.rows) - 1 if last else 0)

    def action_select(self) -> None:
        if self.rows:
            self.post_message(self.Selected(self, self.rows[self.cursor].key))
        else:
            self.post_message(self.NothingSelected(self))

    def action_fold(self, open: bool | None = None) -> None:
        self.post_message(self.Toggled(self, self.rows[self.cursor].key, open))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        index = self.scroll_offset.y + (offset.y if offset else 0) - 1
        if offset is not None and offset.y == 0 and (column := self._column_at(offset.x)) is not None:
            event.stop()
            self.post_message(self.HeadingPressed(self, column))
        if offset is None or offset.y == 0 or index >= len(self.rows):
            return
        event.stop()
        self._move_to(index)
        if event.chain == 2:
            self.action_select()

    def _column_at(self, x: int) -> int | None:
        """The number of the column in that cell of a line."""
        end = 1
        for i, width in enumerate(self._widths(self._area.width - 1)):
            end += width + 1 if width else 0
            if x < end:
                return i
        return None
