import pytest
from syrupy.assertion import SnapshotAssertion
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.app_pilot import running, screen_text
from widgets.dialog.help_sheet import HelpSheet

SECTIONS = [
    ("Move", [("j  ↓", "one row down"), ("k  ↑", "one row up")]),
    (
        "Pipelines [/x]",
        [("l", "open the log of [@click=app.quit]this[/]")] + [(f"f{i}", f"line {i}") for i in range(30)],
    ),
]


class HelpApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("beneath " * 200)

    def on_mount(self) -> None:
        self.push_screen(HelpSheet(SECTIONS))


async def test_it_shows_sections_of_keys_and_words(snapshot: SnapshotAssertion) -> None:
    app = HelpApp()
    async with running(app, size=(80, 16)) as pilot:
        await pilot.pause()
        assert screen_text(app) == snapshot


async def test_it_scrolls_to_its_end() -> None:
    app = HelpApp()
    async with running(app, size=(80, 16)) as pilot:
        await pilot.pause()
        assert "line 29" not in screen_text(app)
        await pilot.press("G")
        assert "line 29" in screen_text(app)
        await pilot.press("g")
        assert "one row down" in screen_text(app)


async def test_it_fits_small_and_large_terminals() -> None:
    app = HelpApp()
    async with running(app, size=(80, 24)) as pilot:
        for size in [(40, 8), (200, 60), (80, 24)]:
            await pilot.resize_terminal(*size)
            assert "one row down" in screen_text(app)


@pytest.mark.parametrize("key", ["escape", "question_mark", "q"])
async def test_it_closes(key: str) -> None:
    app = HelpApp()
    async with running(app, size=(80, 16)) as pilot:
        await pilot.press(key)
        assert not isinstance(app.screen, HelpSheet)
        assert "one row down" not in screen_text(app)


async def test_without_sections_it_is_empty() -> None:
    app = HelpApp()
    async with running(app, size=(80, 16)) as pilot:
        app.push_screen(HelpSheet([]))
        await pilot.press("j", "enter")
        assert "What they do" in screen_text(app)


async def test_long_words_take_several_lines() -> None:
    words = "gitlab at gitlab.example.com refuses connections; is it running, is the port right? (POST /api/graphql)"
    app = HelpApp()
    async with running(app, size=(80, 16)) as pilot:
        app.push_screen(HelpSheet([("gitlab", [("trouble", words), ("user", "")])]))
        for size in [(80, 16), (50, 16), (200, 16)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            inside = [line.split("│")[1] for line in screen_text(app).split("\n") if line.count("│") == 2]
            assert f"trouble {words} user" in " ".join(" ".join(inside).split())


async def test_it_filters_as_one_types_and_escape_takes_that_away_first() -> None:
    app = HelpApp()
    async with running(app, size=(80, 16)) as pilot:
        await pilot.press("escape")
        app.push_screen(
            HelpSheet(
                [("Moving", [("j", "Down"), ("q", "Quit")]), ("Acting", [("a", "Go on")])], filtered=True
            )
        )
        await pilot.press(*"mov q")
        assert "Quit" in screen_text(app)
        assert "Down" not in screen_text(app)
        assert "Go on" not in screen_text(app)
        await pilot.press(*"zz")
        assert "Nothing has mov qzz." in screen_text(app)
        await pilot.press("escape")
        assert "Go on" in screen_text(app)
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpSheet)
