"""What a table looks like, and that only what changed is drawn."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import Color
from syrupy.assertion import SnapshotAssertion
from textual.strip import Strip

from tests.app_pilot import running, screen_text
from tests.widgets.counting import strips
from tests.widgets.table.tables import TableApp, items, lines, numbered
from widgets.cells import Cell
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import STATUS, status_style
from widgets.timeline import timeline


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

        @settings(max_examples=200)
        @given(row_strategy, st.integers(1, 90))
        def check(row: Row, width: int) -> None:
            strip = table._draw(row, " ", width)
            assert strip.cell_length == width == Strip(strip._segments).cell_length

        check()


async def test_colours_follow_the_theme() -> None:
    glyph, role = status_style("failed")
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


async def test_lines_that_are_gone_are_not_kept_as_they_were_on_the_screen() -> None:
    app = TableApp()
    async with running(app, size=(60, 20)) as pilot:

        async def ages(minutes: range) -> int:
            for minute in minutes:
                app.table.set_rows([Row(f"{i}", ("", f"{minute}m {i}")) for i in range(30)])
                await pilot.pause()
            return strips()

        few = await ages(range(2))
        assert await ages(range(2, 12)) < few + 20
