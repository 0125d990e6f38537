"""A screen that is not answered by what was typed before it could be read."""

from asyncio import Event
from time import monotonic
from typing import TypeVar

from textual.events import Key, Paste
from textual.screen import ModalScreen

Result = TypeVar("Result")


class GuardedScreen(ModalScreen[Result]):
    """Over the screen, deaf until it is painted. Whoever hands out keys asks it first.

    Escape is always heard: it can only mean no, or back.
    """

    # What lies beneath stays as it is: tinting it would draw the whole screen again.
    DEFAULT_CSS = """
    GuardedScreen { align: center middle; background: transparent; }
    """

    _painted: float | None = None
    _changes = 0

    def __init__(self) -> None:
        super().__init__()
        self.mounted = Event()
        """Set when there is something to be changed in it."""

    def on_mount(self) -> None:
        self.mounted.set()
        self.guard()

    def deafen(self) -> None:
        """Be deaf until :meth:`guard` is called, and what it says then is painted."""
        self._painted = None
        self._changes += 1

    def guard(self) -> None:
        """What it says has changed: be deaf until that is painted."""
        self.deafen()
        self.call_after_refresh(self._seen, self._changes)

    def _seen(self, changes: int) -> None:
        if changes == self._changes:
            self._painted = monotonic()
            self.hearing()

    def hearing(self) -> None:
        """It is painted, and heard from now on: the time to show what can be answered."""

    def heard(self, time: float) -> bool:
        """Whether what was done at ``time`` was done by somebody who could read it."""
        return self._painted is not None and time >= self._painted

    def hears(self, event: Key | Paste) -> bool:
        return (isinstance(event, Key) and event.key == "escape") or self.heard(event.time)
