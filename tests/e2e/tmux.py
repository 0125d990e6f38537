"""A terminal in which a private tmux runs: what is under test talks to tmux, and tmux to us."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal


class Tmux(Terminal):
    """A shell in tmux, with a server and a socket of its own and no configuration.

    Args:
        command: what runs in the pane.
    """

    def __init__(self, command: Sequence[str], *, size: tuple[int, int] = (120, 40)) -> None:
        if (tmux := shutil.which("tmux")) is None:
            pytest.skip("tmux is not installed (Debian: apt install tmux)")
        # Not below tmp_path, whose names are too long for a socket.
        self._folder = tempfile.TemporaryDirectory(prefix="pipedeck-tmux-")
        self._tmux = [tmux, "-S", str(Path(self._folder.name) / "socket"), "-f", "/dev/null"]
        quiet = ["set", "-g", "status", "off", ";", "set", "-s", "escape-time", "10"]
        super().__init__([*self._tmux, *quiet, ";", "new-session", *command], size=size)

    def ask(self, what: str) -> str:
        """What tmux knows of the pane, in its own format: ``#{cursor_flag}``."""
        done = subprocess.run(
            [*self._tmux, "display-message", "-p", what], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def close(self, patience: float = 5.0) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)
        super().close(patience)
        self._folder.cleanup()
