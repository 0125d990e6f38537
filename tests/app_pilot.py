"""Driving an app without a terminal, and what stands on its screen as text.

Textual's own ``run_test`` takes an app for idle when the process used little CPU for a moment. On a busy machine
that is also so while it waits for its turn, and each key costs 40 ms. Here it is idle when it has no message left
to handle and nothing left to draw.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen

from tui.screens.deck import DeckScreen
from tui.screens.notices import NoticeLine


def screen_text(app: App[Any]) -> str:
    """The visible screen of ``app``, one line of text for each of the terminal's, without colours.

    For syrupy: ``assert screen_text(app) == snapshot``.
    """
    # Textual has no public way to the characters on the screen but a picture of them.
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips).rstrip("\n")


@asynccontextmanager
async def running(app: App[Any], size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[Any]]:
    """``app``, running in a terminal of ``size`` (columns, lines); its hands return when all is done."""
    async with app.run_test(size=size, notifications=True):
        with (
            patch("textual.app.wait_for_idle", _at_once),
            # Notices stay: how many seconds a test takes is the machine's affair.
            patch.object(NoticeLine, "_expire"),
        ):
            hands = Hands(app)
            await hands.pause()
            yield hands


class Hands(Pilot[Any]):
    """A pilot that waits for what it did to be done."""

    async def press(self, *keys: str) -> None:
        for key in keys:
            await super().press(key)

    async def pause(self, delay: float | None = None) -> None:
        await self._wait_for_screen()

    async def _wait_for_screen(self, timeout: float = 180.0) -> bool:
        """Textual's own asks each widget to answer, which costs more than what is tested."""
        app = self.app
        async with asyncio.timeout(timeout):
            await asyncio.sleep(0)  # who waits for a timer calls this again and again
            while app._exception is None and not app._exit and self._busy():  # noqa: ASYNC110
                await asyncio.sleep(0)
        return app._exception is None

    def _busy(self) -> bool:
        app, screen = self.app, self.app.screen
        if asyncio.get_running_loop()._ready:  # type: ignore[attr-defined]  # what can go on now
            return True
        if not all(map(_waits, (app, *screen.walk_children(with_self=True)))):
            return True
        to_draw = screen._layout_required or screen._scroll_required or screen._repaint_required
        callbacks = bool(screen._callbacks or screen._dirty_widgets)
        screen._on_timer_update()
        return to_draw or callbacks or _incomplete(screen) or app._resize_timer is not None


def _waits(node: MessagePump) -> bool:
    """Whether it has handled all its messages, and waits for the next."""
    queue: Any = node._message_queue
    return queue.empty() and bool(queue.ready_event._waiters)


def _incomplete(screen: Screen[Any]) -> bool:
    """The deck makes its other panes when the first frame is on the screen."""
    if not isinstance(screen, DeckScreen):
        return False
    return len(screen.panes) == 1 or not all(pane.is_mounted for pane in screen.panes.values())


async def _at_once(min_sleep: float = 0, max_sleep: float = 0) -> None:
    """In place of waiting for a quiet moment."""
