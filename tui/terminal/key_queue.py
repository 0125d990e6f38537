"""Keys one after the other: the next waits until all that the one before set going is done.

Textual hands a key to the queue of the widget that has the focus at that moment. Of keys that come in one burst, the
second would go where the first was meant for: to a list instead of the filter that was just opened over it.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key, Paste

from widgets.dialog.guarded import GuardedScreen

ROUNDS = 4
"""How often the way of a key is gone after it: a key becomes a message of a widget, that one of its pane, and that
something the deck does; each is handled when the next round is done."""

Typed: TypeAlias = Key | Paste


class KeyQueue:
    """Gives ``app`` one key at a time."""

    def __init__(self, app: App[int], handle: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[Typed] = deque()
        self._rounds = 0

    async def typed(self, event: Typed) -> None:
        self._waiting.append(event)
        if not self._rounds:
            await self._next()

    async def _next(self) -> None:
        while self._waiting and not self._rounds:
            event = self._waiting.popleft()
            screen = self._app.screen
            if isinstance(screen, GuardedScreen) and not screen.hears(event):
                continue
            node: DOMNode | None = self._app.focused or screen
            self._rounds = ROUNDS
            await self._handle(event)
            self._follow(node)

    def _follow(self, node: DOMNode | None) -> None:
        """Stand in the queue of ``node``, then of what it is in, as a key and a message do."""
        while node is not None and node is not self._app:
            if node.call_later(self._follow, node.parent):
                return
            node = node.parent  # it is gone
        self._app.call_later(self._round)

    async def _round(self) -> None:
        self._rounds -= 1
        if self._rounds:
            self._follow(self._app.focused or self._app.screen)
        else:
            await self._next()
