"""The cursor belongs to a key: where rows go, and what keys and mouse do to it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from tests.app_pilot import running
from tests.widgets.table.tables import TableApp, items, line_of, lines, numbered
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row


async def shown_after(pilot: Pilot[None], *keys: str) -> str | None:
    await pilot.press(*keys)
    table: LineTable = pilot.app.query_one(LineTable)
    return table.key


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


@settings(max_examples=20)
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
