import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from tests.app_pilot import running, screen_text
from widgets.filter_bar import FilterBar
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row

NAMES = ["train", "test", "deploy"]


class FilterApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def compose(self) -> ComposeResult:
        yield FilterBar()
        yield LineTable([Column("Name", 10, flex=1)])

    def on_mount(self) -> None:
        self.query_one(LineTable).focus()
        self.filter("")

    def filter(self, text: str) -> None:
        matching = [name for name in NAMES if text in name]
        self.query_one(LineTable).set_rows([Row(name, (name,)) for name in matching])
        self.bar.count(f"{len(matching)} of {len(NAMES)}")

    @property
    def bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    def on_prompt_changed(self, event: FilterBar.Changed) -> None:
        self.texts.append(event.text)
        self.filter(event.text)

    def key_slash(self) -> None:
        self.bar.open()


async def test_it_appears_filters_as_typed_and_says_how_many() -> None:
    app = FilterApp()
    async with running(app, size=(40, 6)) as pilot:
        assert not app.bar.display
        await pilot.press("/", "t", "r")
        assert app.texts == ["t", "tr"]
        assert screen_text(app).split("\n") == [
            "/ tr                              1 of 3",
            " Name",
            "›train",
        ]


async def test_enter_keeps_the_filter_and_gives_the_focus_back() -> None:
    app = FilterApp()
    async with running(app, size=(40, 6)) as pilot:
        await pilot.press("/", "d", "enter")
        assert isinstance(app.focused, LineTable)
        assert app.bar.display
        assert app.bar.text == "d"
        await pilot.press("/", "e", "x")
        assert app.bar.text == "dex"
        assert app.texts[-1] == "dex"


async def test_enter_on_nothing_hides_it() -> None:
    app = FilterApp()
    async with running(app) as pilot:
        await pilot.press("/", "enter")
        assert not app.bar.display
        assert isinstance(app.focused, LineTable)


async def test_escape_clears_and_hides_it() -> None:
    app = FilterApp()
    async with running(app) as pilot:
        await pilot.press("/", "d", "escape")
        assert app.texts == ["d", ""]
        assert not app.bar.display
        assert isinstance(app.focused, LineTable)


async def test_the_owner_can_clear_a_filter_that_was_kept() -> None:
    app = FilterApp()
    async with running(app) as pilot:
        await pilot.press("/", "d", "enter")
        app.bar.clear()
        await pilot.pause()
        assert app.texts == ["d", ""]
        assert not app.bar.display
        assert isinstance(app.focused, LineTable)


async def test_the_focus_goes_nowhere_when_who_had_it_is_gone() -> None:
    app = FilterApp()
    async with running(app) as pilot:
        await pilot.press("/")
        await app.query_one(LineTable).remove()
        app.bar.clear()
        await pilot.pause()
        assert app.focused is None


@pytest.mark.parametrize("text", ["feat/[/foo]", "[@click=app.quit]x[/]", "日本語🚀", "\\["])
async def test_what_is_typed_is_only_text(text: str) -> None:
    app = FilterApp()
    async with running(app, size=(40, 6)) as pilot:
        await pilot.press("/")
        app.bar.query_one(Input).post_message(events.Paste(text))
        await pilot.pause()
        app.bar.count("[/red] of 3")
        await pilot.pause()
        assert app.texts == [text]
        first = screen_text(app).split("\n")[0]
        assert first.startswith(f"/ {text}")
        assert first.endswith("[/red] of 3")


async def test_pasted_control_characters_are_refused() -> None:
    app = FilterApp()
    async with running(app, size=(40, 6)) as pilot:
        await pilot.press("/")
        app.bar.query_one(Input).post_message(events.Paste("a\x1b]52;c;aGk=\x07b"))
        await pilot.pause()
        assert app.texts == []
        assert app.bar.text == ""


async def test_a_new_count_lays_nothing_out() -> None:
    app = FilterApp()
    async with running(app, size=(40, 6)) as pilot:
        await pilot.press("/")
        await pilot.pause()
        layouts: list[object] = []
        app.screen.screen_layout_refresh_signal.subscribe(app.screen, layouts.append)
        app.bar.count("12 of 50000")
        await pilot.pause()
        assert screen_text(app).split("\n")[0].endswith("12 of 50000")
        assert layouts == []


async def test_its_cursor_does_not_blink() -> None:
    app = FilterApp()
    async with running(app) as pilot:
        await pilot.press("/")
        assert not app.bar.query_one(Input).cursor_blink
