from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.color import Color
from syrupy.assertion import SnapshotAssertion
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip

from tests.screens import running, screen_text
from widgets.cells import Cell
from widgets.line_table import Column, LineTable, Row, fit_columns
from widgets.theme import STATUS, look
from widgets.timeline import timeline

# Examples are the same every time, and a busy machine is no failure.
steady = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)

COLUMNS = (
    Column("", 1),
    Column("Pipeline", 16, flex=3),
    Column("Ref", 8, flex=1, drop=2),
    Column("Timeline", 20, drop=4),
    Column("Took", 6, align="right", drop=3),
    Column("Age", 4, align="right", drop=1),
)


class CountingTable(LineTable):
    """Remembers which lines of the screen it was asked to draw, and how often it wanted a new layout."""

    def __init__(self, columns: Sequence[Column], **options: Any) -> None:
        super().__init__(columns, **options)
        self.drawn: list[int] = []
        self.layouts = 0

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> "CountingTable":
        self.layouts += layout
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def forget(self) -> None:
        self.drawn.clear()
        self.layouts = 0


class TableApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "note('space')"),
        Binding("left", "note('left')"),
    ]

    def __init__(
        self, rows: Sequence[Row] = (), columns: Sequence[Column] = COLUMNS, empty: str = ""
    ) -> None:
        super().__init__()
        self.table = CountingTable(columns, empty=empty)
        self.table.set_rows(rows)
        self.news: list[Any] = []
        self.notes: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()

    def action_note(self, what: str) -> None:
        self.notes.append(what)

    def on_line_table_highlighted(self, event: LineTable.Highlighted) -> None:
        self.news.append(event.key)

    def on_line_table_selected(self, event: LineTable.Selected) -> None:
        self.news.append(("selected", event.key))

    def on_line_table_toggled(self, event: LineTable.Toggled) -> None:
        self.news.append(("toggled", event.key, event.open))


def items(*keys: str) -> list[Row]:
    return [Row(key, ("", f"name {key}")) for key in keys]


def numbered(count: int) -> list[Row]:
    return items(*(f"r{i}" for i in range(count)))


def pipelines() -> list[Row]:
    """A list as the deck shows it, with everything that a row can have."""
    rows = [
        Row(
            "g",
            ((("▾ ", "dim"), ("ml/fraud — a group's one cell may use the whole line", "strong")),),
            "group",
        )
    ]
    for i, (status, (glyph, role)) in enumerate(STATUS.items()):
        name: Cell = (("├─ ", "dim"), (f"train-{i} 日本語テスト {status}", role))
        bar = timeline(i * 4, i * 4 + 13, 0, 60, 20, running=status == "running")
        rows.append(
            Row(f"{i}", ((glyph, role), name, "feat/[/foo]", (bar, role), f"{i * 77}s", f"{i}m"), dim=i > 7)
        )
    return rows


def lines(app: TableApp) -> list[str]:
    """The screen, which the table fills, without the scrollbar."""
    beside = app.size.width - 1
    return [line[:beside].rstrip() for line in screen_text(app).split("\n")]


def line_of(app: TableApp, key: str) -> int:
    """Which line of the screen shows the row of ``key``."""
    return [line.endswith(f" name {key}") for line in lines(app)].index(True)


async def shown_after(pilot: Pilot[None], *keys: str) -> str | None:
    await pilot.press(*keys)
    table: LineTable = pilot.app.query_one(LineTable)
    return table.key


# -- columns


def test_flexible_columns_share_what_is_left() -> None:
    columns = (Column("a", 3), Column("b", 4, flex=3), Column("c", 2, flex=1))
    assert fit_columns(columns, 11) == (3, 4, 2)
    assert fit_columns(columns, 16) == (3, 7, 4)


def test_the_highest_drop_goes_first_and_the_rest_gets_its_room() -> None:
    columns = (Column("a", 3), Column("b", 4, flex=1), Column("c", 5, drop=1), Column("d", 6, drop=2))
    assert fit_columns(columns, 21) == (3, 4, 5, 6)
    assert fit_columns(columns, 20) == (3, 10, 5, 0)
    assert fit_columns(columns, 13) == (3, 9, 0, 0)


def test_too_narrow_for_all_the_flexible_shrink() -> None:
    assert fit_columns((Column("a", 3), Column("b", 9, flex=1)), 8) == (3, 4)
    assert fit_columns((Column("a", 3), Column("b", 9, flex=1)), 2) == (3, 1)


columns_strategy = st.lists(
    st.builds(Column, st.just("t"), st.integers(1, 9), st.integers(0, 3), drop=st.integers(0, 3)), max_size=6
).map(tuple)


@steady
@given(columns_strategy, st.integers(0, 60))
def test_flexible_columns_fill_the_line_exactly(columns: tuple[Column, ...], width: int) -> None:
    widths = fit_columns(columns, width)
    kept = [i for i, w in enumerate(widths) if w]
    assert all(i in kept for i, column in enumerate(columns) if not column.drop)
    gaps = len(kept) - 1
    if sum(columns[i].width for i in kept) + gaps <= width:
        used = sum(widths) + gaps
        assert used == width if any(columns[i].flex for i in kept) else used <= width
    dropped = [i for i in range(len(columns)) if i not in kept]
    if dropped:
        assert max((columns[i].drop for i in kept), default=0) <= min(columns[i].drop for i in dropped)


# -- what it looks like


@pytest.mark.parametrize("width", [40, 80, 160])
async def test_at_three_widths(width: int, snapshot: SnapshotAssertion) -> None:
    app = TableApp(pipelines())
    async with running(app, size=(width, 13)) as pilot:
        await pilot.press("j", "j")
        assert screen_text(app) == snapshot


async def test_it_grows_and_shrinks_with_the_terminal() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press("G")
        for size in [(200, 60), (80, 24), (20, 4), (200, 60)]:
            await pilot.resize_terminal(*size)
            assert len(lines(app)) == size[1]
            assert "Pipeline" in lines(app)[0]
            assert lines(app)[-1].startswith("❯")
            assert "name r99" in lines(app)[-1]


async def test_without_rows_it_says_so() -> None:
    app = TableApp(empty="No pipeline matches [red]x[/].")
    async with running(app, size=(60, 5)) as pilot:
        assert screen_text(app).split("\n")[1] == " No pipeline matches [red]x[/]."
        app.table.set_rows(items("a"))
        await pilot.pause()
        assert "matches" not in screen_text(app)


async def test_text_of_others_is_only_text() -> None:
    hostile = ["feat/[/foo]", "[@click=app.quit]x[/]", "[red", "\\[bold]", ":warning:", "日本\u0301語🚀" * 9]
    columns = (Column("[/]", 40), Column("[@click=app.quit]x", 40))
    app = TableApp([Row(text, (text, text)) for text in hostile], columns)
    async with running(app, size=(100, 12)) as pilot:
        for y, text in enumerate(hostile[:-1], 1):
            assert screen_text(app).split("\n")[y].count(text) == 2
            await pilot.click(LineTable, offset=(4, y))
            await pilot.click(LineTable, offset=(4, y))
        assert app.is_running
        assert app.return_code is None


cell_texts = st.text(st.sampled_from("ab [/]日本語テ🚀é\u0301…"), max_size=30)
row_strategy = st.builds(
    Row, st.text(max_size=3), st.lists(cell_texts, max_size=8).map(tuple), st.sampled_from(["item", "group"])
)


async def test_every_line_is_as_wide_as_the_table() -> None:
    app = TableApp()
    async with running(app, size=(80, 5)):
        table = app.table

        @settings(steady, max_examples=200)
        @given(row_strategy, st.integers(1, 90))
        def check(row: Row, width: int) -> None:
            strip = table._draw(row, " ", width)
            assert strip.cell_length == width == Strip(strip._segments).cell_length

        check()


async def test_colours_follow_the_theme() -> None:
    glyph, role = look("failed")
    app = TableApp([Row("a", ("", "a")), Row("b", ((glyph, role), "b"))])

    def colour_of_b() -> Color | None:
        return next(s.style.color for s in app.table.render_line(2) if s.text == glyph and s.style)

    async with running(app, size=(40, 5)) as pilot:
        seen = {colour_of_b()}
        for theme in ("textual-light", "ansi-dark", "nord"):
            app.theme = theme
            await pilot.pause()
            seen.add(colour_of_b())
        assert len(seen) == 4


async def test_a_dim_row_is_dim_in_all_its_cells_and_a_group_stands_out() -> None:
    app = TableApp(
        [*items("cursor"), Row("a", (("x", "failed"), "dim"), dim=True), Row("g", ("group",), "group")]
    )
    async with running(app, size=(40, 5)):
        assert all(segment.style and segment.style.dim for segment in app.table.render_line(2))
        assert all(segment.style and segment.style.bold for segment in app.table.render_line(3))


async def test_the_cursor_can_be_told_without_colours_also_when_something_else_has_the_focus() -> None:
    app = TableApp(items("a", "b"))
    async with running(app, size=(40, 5)) as pilot:
        assert [line[:1] for line in lines(app)[1:3]] == ["❯", " "]
        app.set_focus(None)
        await pilot.pause()
        assert [line[:1] for line in lines(app)[1:3]] == ["›", " "]


# -- drawing only what changed


async def test_a_changed_row_draws_its_line() -> None:
    rows = numbered(500)
    app = TableApp(rows)
    async with running(app, size=(80, 24)) as pilot:
        await pilot.pause()
        app.table.forget()
        rows[7] = Row("r7", ("!", "changed"))
        app.table.set_rows(rows)
        await pilot.pause()
        assert app.table.drawn == [8]
        assert "changed" in screen_text(app)


async def test_the_same_rows_or_rows_out_of_sight_draw_nothing() -> None:
    app = TableApp(numbered(500))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.pause()
        app.table.forget()
        app.table.set_rows(numbered(500))
        app.table.set_rows([*numbered(499), Row("r499", ("!", "changed"))])
        await pilot.pause()
        assert app.table.drawn == []


async def test_moving_the_cursor_draws_two_lines() -> None:
    app = TableApp(numbered(500))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.pause()
        app.table.forget()
        await pilot.press("j")
        assert sorted(app.table.drawn) == [1, 2]


async def test_rows_that_come_and_go_lay_nothing_out() -> None:
    app = TableApp(numbered(5))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.pause()
        app.table.forget()
        for count in (6, 100, 50_000, 3, 0, 8):
            app.table.set_rows(numbered(count))
            await pilot.pause()
        assert app.table.layouts == 0
        assert app.table.size.width == 80


async def test_a_row_above_a_scrolled_table_draws_nothing() -> None:
    app = TableApp(numbered(500))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press(*["pagedown"] * 3)
        before = lines(app)
        app.table.forget()
        app.table.set_rows([*items("new"), *numbered(500)])
        await pilot.pause()
        assert app.table.drawn == []
        assert lines(app) == before


async def test_a_long_table_draws_no_more_than_it_shows() -> None:
    app = TableApp()
    async with running(app, size=(80, 24)) as pilot:
        await pilot.pause()
        app.table.forget()
        app.table.set_rows(numbered(50_000))
        await pilot.pause()
        await pilot.press("G")
        assert len(app.table.drawn) <= 2 * 24


# -- the cursor belongs to a key


async def test_the_cursor_stays_with_its_key_when_rows_change_places() -> None:
    rows = numbered(100)
    app = TableApp(rows)
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press(*["pagedown"] * 2, "k", "k")
        key = app.table.key
        assert key is not None
        y = line_of(app, key)
        app.news.clear()
        for changed in (rows[::-1], rows[10:], [*items("x", "y"), *rows], sorted(rows)):
            app.table.set_rows(changed)
            await pilot.pause()
            assert app.table.key == key
            assert app.table.rows[app.table.cursor].key == key
            assert line_of(app, key) == y
        assert app.news == []


async def test_at_the_top_what_is_new_above_is_seen() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 24)) as pilot:
        app.table.set_rows([*items("urgent"), *numbered(100)])
        await pilot.pause()
        assert app.table.key == "r0"
        assert (line_of(app, "urgent"), line_of(app, "r0")) == (1, 2)
        await pilot.press("k", "j")
        app.table.set_rows([*items(*(f"more{i}" for i in range(50))), *numbered(100)])
        await pilot.pause()
        assert app.table.key == "r0"
        assert line_of(app, "r0") == 2


async def test_while_the_cursor_is_out_of_sight_the_topmost_row_keeps_its_line() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 24)) as pilot:
        app.table.scroll_to(y=50)
        await pilot.pause()
        before = lines(app)
        app.table.set_rows([*items("new"), *numbered(100)])
        await pilot.pause()
        assert lines(app) == before
        assert app.table.key == "r0"


async def test_when_its_row_goes_the_cursor_takes_the_nearest() -> None:
    app = TableApp(numbered(5))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press("j", "j")
        app.table.set_rows(items("r0", "r1", "r3", "r4"))
        await pilot.pause()
        assert app.table.key == "r3"
        app.table.set_rows(items("r0"))
        await pilot.pause()
        assert app.table.key == "r0"
        assert app.news[-2:] == ["r3", "r0"]


async def test_without_rows_it_waits_for_its_key() -> None:
    app = TableApp(numbered(5))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press("j", "j")
        app.table.set_rows([])
        await pilot.pause()
        assert app.news[-1] is None
        await pilot.press("j", "k", "g", "G", "enter", "space", "pagedown")
        app.table.set_rows(numbered(9))
        await pilot.pause()
        assert app.table.key == "r2"
        assert app.news[-3:] == ["r2", None, "r2"]


async def test_it_can_be_sent_to_a_key() -> None:
    app = TableApp(numbered(500))
    async with running(app, size=(80, 24)) as pilot:
        assert app.table.highlight("r400")
        await pilot.pause()
        assert line_of(app, "r400")
        assert not app.table.highlight("nobody")
        assert app.table.key == "r400"


async def test_rows_and_a_key_from_before_it_was_mounted_are_shown() -> None:
    app = TableApp(numbered(500))
    assert app.table.highlight("r400")
    async with running(app, size=(80, 24)) as pilot:
        await pilot.pause()
        assert line_of(app, "r400")
        assert app.news == ["r400"]


async def test_one_line_high_it_is_all_header() -> None:
    app = TableApp(numbered(9))
    async with running(app, size=(80, 1)) as pilot:
        app.table.scroll_to(y=9)
        app.table.set_rows(numbered(9)[::-1])
        await pilot.pause()
        assert lines(app)[0].startswith("   Pipeline")
        assert app.table.key == "r0"


async def test_what_changed_while_it_was_hidden_is_right_when_it_is_shown() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press(*["pagedown"] * 2)
        key = app.table.key
        assert key is not None
        y = line_of(app, key)
        app.table.display = False
        await pilot.pause()
        app.table.set_rows([Row(row.key, ("!", f"new {row.cells[1]}")) for row in reversed(app.table.rows)])
        await pilot.pause()
        app.table.display = True
        await pilot.pause()
        assert app.table.key == key
        assert line_of(app, key) == y
        assert all("! new name " in line[:12] for line in lines(app)[1:])


step = st.one_of(
    st.lists(st.integers(0, 15), max_size=16).map(lambda ids: ("rows", ids)),
    st.integers(0, 12).map(lambda y: ("scroll", y)),
    st.sampled_from(["move(1)", "move(-1)", "page(1)", "page(-1)", "edge(True)"]).map(
        lambda name: ("action", name)
    ),
    st.integers(1, 9).map(lambda height: ("height", height)),
)


@settings(steady, max_examples=20)
@given(st.lists(step, min_size=1, max_size=12))
async def test_whatever_happens_the_screen_shows_what_the_table_holds(steps: list[tuple[str, Any]]) -> None:
    app = TableApp(columns=(Column("", 1), Column("Name", 10, flex=1)))
    async with running(app, size=(30, 6)) as pilot:
        table = app.table
        for number, (kind, value) in enumerate(steps):
            key = table.key
            if kind == "rows":
                # The rows of an id look different in some steps and the same in others.
                table.set_rows(
                    [Row(f"k{i}", ("", f"{i} {number // 3 if i % 2 else 0}")) for i in dict.fromkeys(value)]
                )
                if key in {row.key for row in table.rows}:
                    assert table.key == key
            elif kind == "scroll":
                table.scroll_to(y=value)
            elif kind == "action":
                await table.run_action(value)
            else:
                await pilot.resize_terminal(30, value)
            await pilot.pause()
            top, room = table.scroll_offset.y, table.size.height - 1
            expected = [
                f"{'❯' if i == table.cursor else ' '}  {row.cells[1]}" for i, row in enumerate(table.rows)
            ][top : top + room]
            assert lines(app) == ["   Name", *expected]
            assert (app.news[-1] if app.news else None) == table.key


# -- keys and mouse


async def test_keys() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 11)) as pilot:
        assert await shown_after(pilot, "j", "down", "j") == "r3"
        assert await shown_after(pilot, "k", "up") == "r1"
        assert await shown_after(pilot, "up", "up", "up") == "r0"
        assert await shown_after(pilot, "pagedown") == "r9"
        assert await shown_after(pilot, "G") == "r99"
        assert await shown_after(pilot, "j") == "r99"
        assert await shown_after(pilot, "pageup") == "r90"
        assert await shown_after(pilot, "g") == "r0"
        assert await shown_after(pilot, "end") == "r99"
        assert await shown_after(pilot, "home") == "r0"
        app.news.clear()
        await pilot.press("enter")
        assert app.news == [("selected", "r0")]


async def test_groups_fold_and_items_leave_those_keys_to_others() -> None:
    app = TableApp([Row("g", ("▾ group",), "group"), *items("a")])
    async with running(app, size=(80, 11)) as pilot:
        app.news.clear()
        await pilot.press("space", "left", "right")
        assert app.news == [("toggled", "g", None), ("toggled", "g", False), ("toggled", "g", True)]
        assert app.notes == []
        await pilot.press("j", "space", "left")
        assert app.notes == ["space", "left"]


async def test_a_burst_of_moves_is_told_once_it_is_over() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 11)) as pilot:
        await pilot.pause()
        app.news.clear()
        for key in ("r5", "r6", "r7"):
            app.table.highlight(key)
        await pilot.pause()
        assert app.news == ["r7"]


async def test_a_click_moves_the_cursor_and_two_open() -> None:
    app = TableApp(numbered(3))
    async with running(app, size=(80, 11)) as pilot:
        app.news.clear()
        await pilot.click(LineTable, offset=(5, 2))
        assert app.news == ["r1"]
        app.news.clear()
        await pilot.double_click(LineTable, offset=(5, 3))
        assert app.news == ["r2", ("selected", "r2")]
        await pilot.click(LineTable, offset=(5, 0))
        await pilot.click(LineTable, offset=(5, 9))
        assert app.table.key == "r2"


class BorderedApp(TableApp):
    CSS = "LineTable { border: round; padding: 1; margin: 2; }"


async def test_clicks_count_from_inside_the_border() -> None:
    app = BorderedApp(numbered(100))
    async with running(app, size=(80, 20)) as pilot:
        await pilot.press("pagedown")
        await pilot.click(LineTable, offset=(5, 2 + 1))
        assert line_of_cursor(app) == 2 + 2 + 1
        await pilot.click(LineTable, offset=(5, 1))
        assert line_of_cursor(app) == 2 + 2 + 1


def line_of_cursor(app: TableApp) -> int:
    return next(y for y, line in enumerate(lines(app)) if "❯" in line)


async def test_wheel_and_scrollbar_scroll_at_once_and_leave_the_cursor() -> None:
    app = TableApp(numbered(100))
    async with running(app, size=(80, 11)) as pilot:
        await pilot._post_mouse_events([MouseScrollDown], LineTable, offset=(5, 5))
        assert app.table.scroll_y == app.scroll_sensitivity_y
        assert app.table.vertical_scrollbar.position == app.scroll_sensitivity_y
        await pilot.click(LineTable, offset=(79, 10))
        assert app.table.scroll_y == app.scroll_sensitivity_y + 11
        assert app.table.key == "r0"
        assert not app.animator.is_being_animated(app.table, "scroll_y")
        await pilot.press("j")
        assert app.table.key == "r1"
        assert line_of(app, "r1")
