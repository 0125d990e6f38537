"""How the deck writes to the terminal."""

from typing import Any, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from tui.screen_memory import ScreenMemory


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
        self._memory = ScreenMemory()

    def write(self, data: str) -> None:
        if changes := self._memory.rewrite(data, self._app.size):
            super().write(changes)

    def forget(self) -> None:
        """The terminal may show anything now: send all of what is drawn next."""
        self._memory.forget()


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
