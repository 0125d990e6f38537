"""The deck on each CI: its pipelines, stages, tests, log and environments, and a gate that is let go on with keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.app_pilot import Hands, running, screen_text
from tests.conformance.conftest import At
from tests.conformance.vendors import HOSTILE, Terminal
from tests.conformance.test_reading import obeyed
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
    async with running(app, (200, 50)) as hands:
        assert isinstance(hands, Hands)
        yield Deck(app, hands)


async def test_every_pane_shows_it_and_nothing_raw(at: At) -> None:
    ci = at(text=HOSTILE)
    async with deck_on(ci) as deck:
        pictures = [await deck.shows(ci.vendor.pipeline, "build[bold red]x[/]evil")]
        for key in "23456789":
            await deck.press(key)
            pictures.append(deck.text)
        for key, words in (("1", "serve"), ("2", "canary"), ("4", "production"), ("6", "test")):
            await deck.press(key)
            pictures.append(await deck.shows(words))
        await deck.press("5")
        pictures.append(await deck.shows("[bold red]"))
    assert {char for picture in pictures for char in obeyed(picture)} == set()
