"""The deck in terminals, beside servers, for the benchmarks."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from tests.e2e.settings import write_config
from tests.e2e.terminal import Terminal, program
from tui.sandbox.process import Sandbox

T = TypeVar("T", bound=Sandbox)

CTRL_Q = "\x11"
MARK = "❯".encode()
"""What stands before the row under the cursor."""
PATIENCE = 10.0
"""Seconds after which a key counts as painted."""
_MOVE = re.compile(rb"\x1b\[(\d+);\d+H")


def command(config: Path, *changes: str) -> list[str | Path]:
    """What starts the deck; with the changes of :mod:`benchmarks.deck`."""
    changed = [sys.executable, "-m", "benchmarks.deck", ",".join(changes)]
    return [*(changed if changes else [program()]), "--config", config]


@contextmanager
def beside(sandbox: T) -> Iterator[tuple[Path, T]]:
    """Run a sandbox; a config file that names its servers, and the sandbox."""
    with sandbox, TemporaryDirectory() as name:
        yield write_config(sandbox.settings(), Path(name) / "config.toml"), sandbox


class Line(Terminal):
    """A terminal at the end of a line that carries so many bytes a second, and that sees the cursor move."""

    rate = 0
    """0: as fast as it goes."""
    row = 0
    """The line of the screen in which the cursor's mark was drawn last."""

    def _read(self, patience: float) -> bool:
        if self.rate:
            self._block = self.rate // 100
            due = (self.reads[-1][0] if self.reads else 0.0) + self._block / self.rate
            time.sleep(min(patience, max(0.0, due - time.monotonic())))
        return super()._read(patience)

    def key(self, key: str) -> float:
        """Milliseconds from a key that moves the cursor until its mark stands in another line."""
        while not self.rate and self._read(0):
            pass
        self.row = self._marked(0) or self.row
        seen, at = len(self.raw), self.send(key)
        while self._marked(seen) in (None, self.row) and time.monotonic() < at + PATIENCE:
            self._read(0.05)
        return (time.monotonic() - at) * 1000

    def _marked(self, since: int) -> int | None:
        """Where the mark was drawn last, of what came since then."""
        if (found := self.raw.rfind(MARK, since)) < 0:
            return None
        moves = list(_MOVE.finditer(self.raw, max(0, found - 4000), found))
        return int(moves[-1][1]) if moves else None


@contextmanager
def deck(config: Path, *changes: str) -> Iterator[Line]:
    """The deck in a terminal, ended well at the end."""
    with Line(command(config, *changes)) as line:
        yield line
        line.rate, line._block = 0, 1 << 16
        line.send(CTRL_Q)
        line.wait_exit()
