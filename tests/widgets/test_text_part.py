import pytest
from textual.app import App, ComposeResult
from textual.strip import Strip

from tests.app_pilot import running, screen_text
from widgets.table.line_table import LineTable
from widgets.text_part import TextPart, TextSheet, TextView, folded

LINES = [
    ("first [/red]", "failed"),
    ("second " + "x" * 40, ""),
    ("", ""),
    *((f"line {n}", "dim") for n in range(20)),
]


def test_long_lines_are_folded_and_empty_ones_stay() -> None:
    assert list(folded([("abcdefg", "a"), ("", "b"), ("失敗失敗", "c")], 3)) == [
        ("abc", "a"),
        ("def", "a"),
        ("g", "a"),
        ("", "b"),
        ("失", "c"),
        ("敗", "c"),
        ("失", "c"),
        ("敗", "c"),
    ]
    assert list(folded([("ab", "")], 0)) == [("a", ""), ("b", "")]


def test_prose_is_folded_between_words_and_indented_as_it_begins() -> None:
    line = "  119 ms over the baseline; too young"
    assert [text for text, _ in folded([(line, "")], 20, words=True)] == [
        "  119 ms over the",
        "  baseline; too",
        "  young",
    ]
    assert [text for text, _ in folded([("x" * 25, ""), ("a b", "")], 20, words=True)] == [
        "x" * 20,
        "x" * 5,
        "a b",
    ]
    for width in range(6):
        assert list(folded([("  失敗 failed  ", ""), ("", "")], width, words=True))


class ViewApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.entered = 0

    def compose(self) -> ComposeResult:
        yield TextView()

    def on_text_view_selected(self) -> None:
        self.entered += 1


async def test_a_view_is_scrolled_as_a_table_is_moved_in() -> None:
    app = ViewApp()
    async with running(app, size=(30, 6)) as pilot:
        view = app.query_one(TextView)
        view.show(LINES)
        view.focus()
        await pilot.pause()

        def first() -> str:
            return screen_text(app).splitlines()[0].strip()

        await pilot.press("j")
        assert first().startswith("second")
        await pilot.press("pagedown")
        assert first() == "line 1"
        await pilot.press("G")
        assert screen_text(app).splitlines()[-1] == " line 19"
        view.show(LINES[:8])
        await pilot.pause()
        assert screen_text(app).splitlines()[-1] == " line 4", "no further than there is something"
        await pilot.press("g", "k", "enter")
        assert first() == "first [/red]"
        assert app.entered == 1


class PartApp(App[None]):
    def compose(self) -> ComposeResult:
        yield TextPart(more="; press x")


async def test_as_many_lines_as_fit_and_how_many_do_not() -> None:
    app = PartApp()
    async with running(app, size=(30, 6)) as pilot:
        part = app.query_one(TextPart)
        part.show(LINES)
        await pilot.pause()
        assert screen_text(app).splitlines() == [
            " first [/red]",
            " second xxxxxxxxxxxxxxxxxxxxx",
            " xxxxxxxxxxxxxxxxxxx",
            "",
            " line 0",
            " … 19 more lines; press x",
        ]
        part.show(LINES[:1])
        await pilot.pause()
        assert screen_text(app) == " first [/red]"
        part.show([])
        await pilot.pause()
        assert screen_text(app) == ""


async def test_what_is_already_shown_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PartApp()
    async with running(app, size=(30, 6)) as pilot:
        part = app.query_one(TextPart)
        part.show(LINES)
        await pilot.pause()
        drawn: list[int] = []
        render = part.render_line

        def noted(y: int) -> Strip:
            drawn.append(y)
            return render(y)

        monkeypatch.setattr(part, "render_line", noted)
        part.show(list(LINES))
        await pilot.pause()
        assert drawn == []
        part.show(LINES[1:])
        await pilot.pause()
        assert drawn != []


class SheetApp(App[None]):
    def on_mount(self) -> None:
        self.push_screen(TextSheet("A [title]", [("Reading …", "dim")]))


async def test_a_sheet_scrolls_folds_is_told_more_and_closes() -> None:
    app = SheetApp()
    async with running(app, size=(40, 12)) as pilot:
        sheet = app.screen
        assert isinstance(sheet, TextSheet)
        assert "A [title]" in screen_text(app)
        assert "Reading …" in screen_text(app)
        sheet.show(LINES)
        await pilot.pause()
        assert "first [/red]" in screen_text(app)
        assert "line 19" not in screen_text(app)
        await pilot.press("G")
        assert "line 19" in screen_text(app)
        before = len(app.screen.query_one(LineTable).rows)
        await pilot.resize_terminal(20, 12)
        await pilot.pause()
        assert len(app.screen.query_one(LineTable).rows) > before
        await pilot.press("enter")
        assert not isinstance(app.screen, TextSheet)
