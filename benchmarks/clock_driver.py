"""The whole deck without a terminal, its clock and its servers' driven together: minutes take seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from textual.pilot import Pilot

from tests.app_pilot import running, screen_text
from tests.engine.world import Time
from tui.app import Pipedeck
from tui.config import Settings
from tui.engine.runtime import Runtime
from tui.keys import keymap
from tui.sandbox.process import Sandbox


class DrivenDeck:
    def __init__(self, sandbox: Sandbox, runtime: Runtime, time: Time, hands: Pilot[Any]) -> None:
        self.runtime = runtime
        self.now = time.now
        """By the servers' clock."""
        self._sandbox, self._time, self._hands = sandbox, time, hands

    @property
    def screen(self) -> str:
        return screen_text(self._hands.app)

    async def press(self, *keys: str) -> None:
        await self._hands.press(*keys)

    async def go_on(self, seconds: float) -> None:
        """Let so much time pass at once, and everything happen that it brings."""
        self.now = await asyncio.to_thread(self._sandbox.control.advance, seconds)
        await self._time.advance(max(0.0, self.now - self._time.now))
        if not self.runtime.poller._tasks:
            return  # nothing was asked, so nothing is new
        while self.runtime.poller._tasks:
            await asyncio.wait(self.runtime.poller._tasks, timeout=30)
            await self._time.advance(0.02)  # what has changed is told a frame later
        await self._hands.pause()


@asynccontextmanager
async def driven_deck(sandbox: Sandbox, settings: Settings) -> AsyncIterator[DrivenDeck]:
    """A deck beside a sandbox whose clock stands still, with the cadence of every day."""
    time = Time()
    time.now = sandbox.control.state().now
    runtime = Runtime(settings, clock=time.clock, rng=Random(1), later=time.later)
    async with running(Pipedeck(settings, keymap(settings.ui.keys), runtime), size=(200, 40)) as hands:
        yield DrivenDeck(sandbox, runtime, time, hands)
