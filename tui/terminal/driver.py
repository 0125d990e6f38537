"""How the deck writes to the terminal."""

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from tui.terminal.screen_buffer import ScreenBuffer
from tui.text.few_characters import in_encoding, lacks, terminal_encoding
from tui.text.safe import clean, shorten

_LONGEST_NOTICE = 200
GONE = 128 + signal.SIGHUP
"""The exit code when the terminal went away: as if the signal had told."""


class TerminalDriver(LinuxDriver):
    """Textual's own, but one that sends only what differs from what the terminal shows, and that outlives it.

    Textual writes in a thread, through a short queue. When the terminal goes away, that thread ends with an
    exception; where the terminal had been slow before, as a dying connection is, the queue is full, and the event
    loop waits for room in it for ever: nothing is left that could hear the SIGHUP.
    """

    def __init__(
        self,
        app: "App[object]",
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert self._file is not None
        self._file = cast(Any, _Outlet(self._file))
        self._memory = ScreenBuffer()
        self._watched = False
        encoding = terminal_encoding(os.environ, sys.__stderr__.encoding if sys.__stderr__ else "")
        self._encoding = encoding if lacks(encoding) else ""
        """Of the terminal, where that lacks characters."""

    def start_application_mode(self) -> None:
        if not self._watched:
            self._watched = True
            tell = asyncio.get_running_loop().call_soon_threadsafe
            _tell_when_gone(self.fileno, lambda: tell(self._app.exit, None, GONE))
        cast(Any, super()).start_application_mode()  # it has no types

    def write(self, data: str) -> None:
        if changes := self._memory.rewrite(data, self._app.size):
            super().write(in_encoding(changes, self._encoding) if self._encoding else changes)

    def forget(self) -> None:
        """The terminal may show anything now: send all of what is drawn next."""
        self._memory.forget()

    def desktop_notification(self, text: str, kind: Literal["osc9", "osc777"]) -> None:
        """Have the terminal show ``text`` on the desktop it is on, through SSH too, and through tmux."""
        self.write(desktop_sequence(text, kind, tmux=bool(os.environ.get("TMUX"))))


def _tell_when_gone(terminal: int, tell: Callable[[], object]) -> None:
    """Call ``tell``, in a thread, when the terminal goes away.

    The kernel tells only the leader of the session by SIGHUP. Where that is not this program and lives on (``make``
    waits for what it started), nobody else would; and Textual reads the end of the input again and again.
    """

    def wait() -> None:
        poll = select.poll()
        poll.register(terminal, 0)  # what is asked for comes with it: POLLHUP and POLLERR
        poll.poll()
        try:
            tell()
        except RuntimeError:
            pass  # the loop has ended meanwhile

    threading.Thread(target=wait, name="pipedeck-hangup", daemon=True).start()


def desktop_sequence(text: str, kind: Literal["osc9", "osc777"], *, tmux: bool) -> str:
    """What has a terminal notify of ``text``; nothing in that can end or change the sequence."""
    words = shorten(clean(text), _LONGEST_NOTICE)
    # With OSC 777 the title ends at a semicolon. With OSC 9 a number in front would mean something else.
    body = f"9;Pipedeck: {words}" if kind == "osc9" else f"777;notify;Pipedeck;{words.replace(';', ',')}"
    sequence = f"\x1b]{body}\x07"
    if not tmux:
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


class _Outlet:
    """A file for a terminal that may not be there any more: what cannot be written is lost."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except OSError:
            return 0

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError:
            pass

    def fileno(self) -> int:
        return self._file.fileno()
