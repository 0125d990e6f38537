from unicodedata import east_asian_width

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.widget import Widget

from tests.app_pilot import running
from widgets.theme import CLOSED, OPEN, ROLE_CLASSES, STATUS, role_css, role_style, status_style


class Plain(Widget):
    COMPONENT_CLASSES = ROLE_CLASSES
    DEFAULT_CSS = role_css("Plain")


class PlainApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Plain()


async def roles_under(theme: str) -> dict[str, Style]:
    app = PlainApp()
    async with running(app) as pilot:
        app.theme = theme
        await pilot.pause()
        widget = app.query_one(Plain)
        return {word: role_style(widget, status_style.role) for word, status_style in STATUS.items()}


def test_every_status_of_the_house_has_its_look() -> None:
    words = "queued running waiting passed warning failed canceled skipped unknown stale"
    assert " ".join(STATUS) == words


def test_glyphs_differ_and_are_one_cell_wide_everywhere() -> None:
    glyphs = [status_style.glyph for status_style in STATUS.values()]
    assert len(set(glyphs)) == len(glyphs)
    for glyph in (*glyphs, OPEN, CLOSED):
        assert east_asian_width(glyph) in ("N", "Na"), glyph


def test_a_word_nobody_knows_is_shown_as_unknown() -> None:
    assert status_style("NOT_BUILT") == STATUS["unknown"]


def test_every_look_has_a_role() -> None:
    assert {f"role--{status_style.role}" for status_style in STATUS.values()} <= ROLE_CLASSES


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "nord", "ansi-dark", "ansi-light"])
async def test_roles_take_the_colours_of_the_theme(theme: str) -> None:
    styles = await roles_under(theme)
    assert len({styles[word].color for word in ("passed", "warning", "failed", "running")}) == 4
    assert styles["skipped"].dim
    assert all(style.bgcolor is None for style in styles.values())
    assert not any(style.blink for style in styles.values())


async def test_ansi_themes_use_the_sixteen_colours_of_the_terminal() -> None:
    styles = await roles_under("ansi-dark")
    colour = styles["failed"].color
    assert colour is not None
    assert colour.triplet is None


async def test_a_role_nobody_knows_adds_nothing() -> None:
    app = PlainApp()
    async with running(app):
        assert role_style(app.query_one(Plain), "nonsense") == Style.null()
        assert role_style(app.query_one(Plain), "") == Style.null()
