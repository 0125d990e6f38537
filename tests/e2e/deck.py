"""The deck in a terminal, and what a person reads on it."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.e2e.terminal import PATIENCE, Terminal, program

CTRL_L, CTRL_R, CTRL_Z, ESCAPE, ENTER, F2 = "\x0c", "\x12", "\x1a", "\x1b", "\r", "\x1bOQ"
SIDE = "▏"
"""What stands between the list and the panes beside it."""
_WHOLE_SHEET = re.compile(r"prometheus \(prometheus\) .* requests .* read")


class Deck(Terminal):
    """``pipedeck --config FILE``."""

    def __init__(
        self, config: Path, *, size: tuple[int, int] = (150, 40), env: Mapping[str, str | None] | None = None
    ) -> None:
        super().__init__([program(), "--config", config], size=size, env=env)

    @property
    def header(self) -> str:
        return self.text.partition("\n")[0]

    def rows(self) -> list[str]:
        """The lines of the list, without its titles and what stands beside it."""
        lines = self.text.split("\n")[4:-1]
        return [row for line in lines if (row := line.partition(SIDE)[0].rstrip())]

    def row(self, name: str) -> str:
        """The line of the list with ``name``; empty when there is none."""
        return next((row for row in self.rows() if name in row), "")

    def loaded(self) -> None:
        """Wait until list, preview and verdict of the demo world have been read."""
        for text in ("deploy-model", "ml/features/store", "Watch canary"):
            self.wait_for(text)
        self.wait_for(lambda: "Reading" not in self.text)

    def refresh_until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Press ctrl+r now and then until ``condition`` holds; the program itself keeps from asking too often."""
        pressed = 0.0

        def press_and_look() -> bool:
            nonlocal pressed
            if condition():
                return True
            if time.monotonic() - pressed > 0.5:
                pressed = self.send(CTRL_R)
            return False

        self.wait_for(press_and_look, patience)

    def sources_sheet(self) -> str:
        """Open the sheet of the sources, read it, close it: its words, one line of text."""
        self.send("i")
        self.wait_for(lambda: _WHOLE_SHEET.search(self._boxed()) is not None)
        words = self._boxed()
        self.send(ESCAPE)
        self.wait_for(lambda: "╰" not in self.text)
        return words

    def _boxed(self) -> str:
        inside = [line.split("│")[1] for line in self.text.split("\n") if line.count("│") >= 2]
        return " ".join(" ".join(inside).split())
