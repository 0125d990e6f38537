"""The full-screen face: a Textual app around the deck."""

import asyncio
import atexit
import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import ClassVar

from rich.segment import Segment, Segments
from textual import on
from textual.app import App, SystemCommand
from textual.constants import DRIVER
from textual.driver import Driver
from textual.events import AppBlur, AppFocus, Event, Key, Paste, Resize
from textual.notifications import SeverityLevel
from textual.screen import Screen

from tui.commands.exit_codes import Exit
from tui.config import ConfigError, Settings
from tui.config.alarms import Channel
from tui.domain.address import Address
from tui.engine.cache.disk import disk_cache_for
from tui.engine.runtime import Runtime
from tui.presenters import notices
from tui.screens.deck import DeckScreen
from tui.screens.palette import DeckCommands
from tui.terminal.driver import TerminalDriver
from tui.terminal.key_queue import KeyQueue
from tui.threads import use_daemon_threads
from widgets.theme import EXCEPTIONS_CSS, THEMES

HANGUP = 128
TURN = 0.001
"""Seconds that a thread may go on computing while others wait; Python's own are five times as many."""
SETTLED = 5.0
"""Seconds after the first frame when panes and libraries are there, and what there is counts as there to stay."""


class Pipedeck(App[int]):
    """Owns the engine: starts it after the first frame, ends it with the app."""

    TITLE = "Pipedeck"
    COMMANDS: ClassVar = {DeckCommands}
    CSS = EXCEPTIONS_CSS

    def __init__(
        self,
        settings: Settings,
        keys: Mapping[str, tuple[str, ...]],
        runtime: Runtime | None = None,
        *,
        at: Address | None = None,
        view: str = "",
    ) -> None:
        """
        Args:
            at: what the deck goes to first.
            view: the name of the one of the config that it starts with.

        Raises:
            ConfigError: the theme in the config does not exist.
        """
        theme = settings.ui.theme or _default_theme()
        # Which colours to leave out under NO_COLOR is decided here, before a theme can be set.
        # Textual's own where something else names one, as `textual serve` does.
        driver = None if DRIVER else TerminalDriver
        super().__init__(driver_class=driver, ansi_color=theme.startswith("ansi"))
        self.set_reactive(App.ansi_color, None)
        for each in THEMES:
            self.register_theme(each)
        if theme not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            raise ConfigError(f"ui.theme: there is no theme {theme!r}; there is: {known}")
        self.theme = theme
        self.settings = settings
        self.keys = keys
        self._at, self._view = at, view
        self.runtime = runtime or Runtime(settings, history=disk_cache_for(settings), formatter=notices)
        self.animation_level = "none"
        self.set_keymap({action: ",".join(chosen) for action, chosen in keys.items()})
        self._keyboard = KeyQueue(self, super().on_event)
        self._polling: asyncio.Task[None] | None = None

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None of Textual's own: the deck has those that mean something here."""
        return ()

    def run_deck(self) -> int:
        """Run until the person quits or the terminal goes away; the exit code."""
        # A key passes three threads on its way to the screen; each waits so long while another one reads an answer.
        sys.setswitchinterval(TURN)
        code = self.run(mouse=self.settings.ui.mouse)
        code = code if code is not None else self.return_code or Exit.OK
        atexit.register(_end, code)
        return code

    def on_load(self) -> None:
        # Before the terminal is changed: a signal that nobody hears would leave it so.
        loop = asyncio.get_running_loop()
        use_daemon_threads(loop)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, HANGUP + number)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self._keyboard.typed(event)
        else:
            await super().on_event(event)

    def get_default_screen(self) -> DeckScreen:
        # In place of Textual's own: one that is pushed upon it is drawn with the app's mounting done, and all that
        # the screen mounted in the meantime.
        self._deck = DeckScreen(self.runtime, self.keys, self._at, self._view)
        return self._deck

    def on_ready(self) -> None:
        self.call_after_refresh(self._start)
        self.call_after_refresh(self._deck.complete)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """In place of Textual's, which would cover what it is about: a line of the deck."""
        self._deck.notices.tell(message, severity, timeout)

    def _tell(self, channels: frozenset[Channel], words: str, fires: bool) -> None:
        """A notice about alarms, for who sits at this terminal."""
        wanted = self.settings.ui.notices
        if "app" in channels and wanted.app:
            self.notify(words, severity="warning" if fires else "information", markup=False, timeout=10)
        if "bell" in channels and wanted.bell and fires:
            self.bell()
        if "desktop" in channels and wanted.desktop != "off" and isinstance(self._driver, TerminalDriver):
            self._driver.desktop_notification(words, wanted.desktop)

    def _start(self) -> None:
        """The first frame is on the screen."""
        self.set_timer(SETTLED, _look_for_garbage)
        self.runtime.alarms.notices.on_screen = self._tell
        self._polling = asyncio.create_task(self.runtime.run())
        self._polling.add_done_callback(self._polling_ended)

    def _polling_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._handle_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    async def on_unmount(self) -> None:
        await self.runtime.close()

    def on_resize(self, event: Resize) -> None:
        self._forget_screen()

    @on(Driver.SignalResume)
    def _draw_after_suspension(self) -> None:
        """Textual draws only what changes meanwhile, onto the empty screen that the terminal gives it now."""
        self.action_draw_anew()

    def action_draw_anew(self) -> None:
        """For a terminal into which something else has written."""
        self._forget_screen()
        self.refresh()

    def _forget_screen(self) -> None:
        if isinstance(self._driver, TerminalDriver):
            self._driver.forget()

    def on_app_focus(self, event: AppFocus) -> None:
        self.runtime.poller.set_focus(True)

    def on_app_blur(self, event: AppBlur) -> None:
        self.runtime.poller.set_focus(False)

    def _fatal_error(self) -> None:
        """As Textual's, but without the values of local variables, which may be secrets."""
        text = "".join(traceback.format_exception(*sys.exc_info(), limit=-20)).rstrip()
        advice = "Pipedeck met an error it did not expect. Please report the lines above."
        self._exit_renderables.append(Segments([Segment(f"{text}\n{advice}\n")]))
        self._close_messages_no_wait()


def _look_for_garbage() -> None:
    """Only in what is made from now on: to search all that there is by now holds the loop for a tenth of a second."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _end(code: int) -> None:
    """In place of Python's own end, which takes modules away from daemon threads that may still import (a crash), and
    searches all that is left for garbage, three times (half a second).
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _default_theme() -> str:
    """The terminal's own colours where NO_COLOR is set (only ansi themes then leave colour out) or colours are few."""
    if os.environ.get("NO_COLOR"):
        return "ansi-dark"
    few = os.environ.get("COLORTERM", "").lower() not in ("truecolor", "24bit")
    return "ansi-dark" if few else "textual-dark"
