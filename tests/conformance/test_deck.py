"""The deck on each CI: its pipelines, stages, tests, log and environments, and a gate that is let go on with keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.app_pilot import Hands, running, screen_text
from tests.conformance.conftest import At
from tests.conformance.test_reading import obeyed
from tests.conformance.vendors import HOSTILE, JENKINS, SPINNAKER, THIRD, Terminal
from tui.app import Pipedeck
from tui.config import load
from tui.keys import keymap


class Deck:
    """A running deck on a real source, in a wide terminal."""

    def __init__(self, app: Pipedeck, hands: Any) -> None:
        self.app = app
        self._hands = hands

    @property
    def text(self) -> str:
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        await self._hands.press(*keys)

    async def type(self, text: str) -> None:
        await self._hands.press(*text)

    async def shows(self, *words: str) -> str:
        """The screen, when all of ``words`` are on it."""
        await self.until(lambda: all(word in self.text for word in words), f"{words} on\n{self.text}")
        return self.text

    async def until(self, seen: Callable[[], object], what: str = "") -> None:
        try:
            async with asyncio.timeout(60):
                while not seen():
                    await self._hands.pause()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{what}\n{self.text}") from None


@asynccontextmanager
async def deck_on(ci: Terminal) -> AsyncIterator[Deck]:
    settings = load(ci.file)
    app = Pipedeck(settings, keymap(settings.ui.keys))
    async with running(app, (190, 50)) as hands:
        assert isinstance(hands, Hands)
        yield Deck(app, hands)


async def test_every_pane_shows_it_and_nothing_raw(at: At) -> None:
    ci = at(text=HOSTILE)
    async with deck_on(ci) as deck:
        pictures = [await deck.shows(ci.vendor.pipeline, "build[bold red]x[/]evil")]
        for key, words in (
            ("2", "build"),
            ("5", "production"),
            ("4", "Test"),
            ("7", "Waits"),
            ("l", "serve"),
        ):
            await deck.press("1", key)
            pictures.append(await deck.shows(words))
        for key in "389":
            await deck.press(key)
            pictures.append(deck.text)
    for picture in pictures:
        assert set(obeyed(picture)) == set(), ascii(picture)


# GitLab's plan asks for variables first; what its dialog looks like is tested with the screens.
@pytest.mark.parametrize("vendor", [JENKINS, SPINNAKER, THIRD], ids=lambda vendor: vendor.name)
async def test_production_is_named_with_keys_and_one_request_is_sent(at: At) -> None:
    ci = at()
    async with deck_on(ci) as deck:
        await deck.shows(ci.vendor.pipeline, "build")
        await deck.press("a")
        await deck.shows("production", "n No")
        await deck.press("y")
        assert ci.writes == []
        await deck.press("backspace")  # it may stand in the field for the name
        await deck.type("production")
        await deck.press("enter")
        await deck.until(lambda: ci.writes, "nothing was sent")
    assert len(ci.writes) == 1
    assert ci.vendor.go in ci.writes[0]


@pytest.mark.parametrize("vendor", [THIRD], ids=["thirdci"])
async def test_the_third_has_its_tests_log_and_environments(at: At) -> None:
    ci = at()
    async with deck_on(ci) as deck:
        await deck.shows("thirdci:ml/serve#01KDWX7VT0ZZZZZZZZZZZZ0003", "…0003", "…0001")
        await deck.press("4")
        await deck.shows("1 failed", "test_exact")
        await deck.press("1", "5")
        await deck.shows("production", "1.1", "1.0")
        await deck.press("1", "l")
        await deck.shows("epoch 1", "it serves")
