from textual.app import App, ComposeResult
from textual.strip import Strip

from tests.app_pilot import running, screen_text
from widgets.status_line import Hint, KeyLine, StatusItem, StatusLine

QUIET = [StatusItem("✓ gitlab"), StatusItem("✓ jenkins")]


class CountingStatus(StatusLine):
    DEFAULT_CSS = "CountingStatus { dock: top; }"
    drawn = 0

    def render_line(self, y: int) -> Strip:
        self.drawn += 1
        return super().render_line(y)


class CountingKeys(KeyLine):
    DEFAULT_CSS = "CountingKeys { dock: bottom; }"
    drawn = 0

    def render_line(self, y: int) -> Strip:
        self.drawn += 1
        return super().render_line(y)


class LineApp(App[None]):
    def compose(self) -> ComposeResult:
        yield CountingStatus()
        yield CountingKeys()

    @property
    def status(self) -> CountingStatus:
        return self.query_one(CountingStatus)

    @property
    def keys(self) -> CountingKeys:
        return self.query_one(CountingKeys)


def first_line(app: LineApp) -> str:
    return screen_text(app).split("\n")[0]


def last_line(app: LineApp) -> str:
    return screen_text(app).split("\n")[-1]


async def test_items_stand_left_and_right() -> None:
    app = LineApp()
    async with running(app, size=(60, 5)) as pilot:
        app.status.show(QUIET, [StatusItem("◊ 2 gates", "waiting")])
        await pilot.pause()
        assert first_line(app) == " ✓ gitlab  ✓ jenkins" + " " * 30 + "◊ 2 gates"
        await pilot.resize_terminal(80, 5)
        assert first_line(app) == " ✓ gitlab  ✓ jenkins" + " " * 50 + "◊ 2 gates"


async def test_the_same_is_not_drawn_again() -> None:
    app = LineApp()
    async with running(app, size=(60, 5)) as pilot:
        app.status.show(QUIET)
        app.keys.show([Hint("q", "quit")])
        await pilot.pause()
        drawn = app.status.drawn, app.keys.drawn
        app.status.show(list(QUIET))
        app.keys.show([Hint("q", "quit")])
        await pilot.pause()
        assert (app.status.drawn, app.keys.drawn) == drawn
        app.status.show([*QUIET, StatusItem("✗ prometheus", "failed")])
        await pilot.pause()
        assert (app.status.drawn, app.keys.drawn) == (drawn[0] + 1, drawn[1])
        assert "prometheus" in first_line(app)


async def test_a_change_of_role_alone_is_drawn() -> None:
    app = LineApp()
    async with running(app, size=(60, 5)) as pilot:
        app.status.show([StatusItem("gitlab")])
        await pilot.pause()
        drawn = app.status.drawn
        app.status.show([StatusItem("gitlab", "failed")])
        await pilot.pause()
        assert app.status.drawn == drawn + 1


async def test_when_narrow_the_least_important_goes_first() -> None:
    app = LineApp()
    items = [
        StatusItem("✗ jenkins", "failed", "401 not logged in"),
        StatusItem("✓ gitlab", "", "3 s", drop=2),
    ]
    gates = [StatusItem("2 gates", drop=1)]
    async with running(app, size=(60, 5)) as pilot:
        app.status.show(items, gates)
        shown = []
        for width in (60, 51, 45, 33, 20):
            await pilot.resize_terminal(width, 5)
            shown.append(" ".join(first_line(app).split()))
        assert shown == [
            "✗ jenkins 401 not logged in ✓ gitlab 3 s 2 gates",
            "✗ jenkins 401 not logged in ✓ gitlab 2 gates",
            "✗ jenkins 401 not logged in 2 gates",
            "✗ jenkins 401 not logged in",
            "✗ jenkins",
        ]
        await pilot.resize_terminal(8, 5)
        assert first_line(app) == " ✗ jenk…"


async def test_text_of_others_is_only_text() -> None:
    app = LineApp()
    async with running(app, size=(60, 5)) as pilot:
        app.status.show([StatusItem("feat/[/foo]", "failed", "[@click=app.quit]quit[/]")])
        app.keys.show([Hint("[/]", "[@click=app.quit]x")])
        await pilot.pause()
        assert first_line(app) == " feat/[/foo] [@click=app.quit]quit[/]"
        assert last_line(app) == " [/] [@click=app.quit]x"
        await pilot.click(CountingStatus, offset=(16, 0))
        await pilot.click(CountingKeys, offset=(8, 0))
        assert app.is_running
        assert app.return_code is None


async def test_keys_that_do_not_fit_are_left_out_whole() -> None:
    app = LineApp()
    async with running(app, size=(40, 5)) as pilot:
        app.keys.show([Hint("enter", "open"), Hint("/", "filter"), Hint("?", "help")])
        await pilot.pause()
        assert last_line(app) == " enter open  / filter  ? help"
        await pilot.resize_terminal(24, 5)
        assert last_line(app) == " enter open  / filter"


async def test_neither_line_lays_out_the_screen_when_it_changes() -> None:
    app = LineApp()
    async with running(app, size=(60, 5)) as pilot:
        await pilot.pause()
        layouts: list[object] = []
        app.screen.screen_layout_refresh_signal.subscribe(app.screen, layouts.append)
        app.status.show([StatusItem("a")])
        app.keys.show([Hint("a", "b")])
        await pilot.pause()
        assert first_line(app) == " a"
        assert layouts == []
