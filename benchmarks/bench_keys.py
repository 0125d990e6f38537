"""How soon a key is painted while much goes on, and on a slow line."""

import os
import select
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Row, percentile
from tests.e2e.deck import CTRL_R
from tests.e2e.settings import write_config
from tests.e2e.terminal import Terminal, program
from tui.sandbox.process import Sandbox

SLOW = 20_000
"""Bytes a second of the slow line."""
PATIENCE = 10.0


def _painted(terminal: Terminal, key: str) -> float:
    """Milliseconds until the terminal hears of a key."""
    while terminal._read(0):
        pass
    at, count = terminal.send(key), len(terminal.reads)
    while len(terminal.reads) == count and time.monotonic() < at + PATIENCE:
        terminal._read(0.05)
    return (terminal.reads[-1][0] - at) * 1000 if len(terminal.reads) > count else PATIENCE * 1000


def _keys(terminal: Terminal, count: int, pause: float) -> list[float]:
    found = []
    for number in range(count):
        found.append(_painted(terminal, "jjjjkkkk"[number % 8]))
        terminal.watch(pause)
        if number % 10 == 0:
            terminal.send(CTRL_R)
            terminal.watch(0.1)
    return found


class SlowLine:
    """A terminal that is read at so many bytes a second."""

    def __init__(self, terminal: Terminal) -> None:
        assert terminal._master is not None
        self._master, self._terminal = terminal._master, terminal
        self.seen = bytearray()

    def read(self, seconds: float) -> bool:
        """Take what comes for so long; whether anything came."""
        before, until = len(self.seen), time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._master], [], [], min(left, 0.01))[0]:
                self.seen += os.read(self._master, SLOW // 100)
                time.sleep(0.01)
        return len(self.seen) > before

    def key(self, key: str, column: bytes) -> float:
        """Milliseconds until the cursor's mark has been moved."""
        count, at = self.seen.count(column), self._terminal.send(key)
        while self.seen.count(column) == count and time.monotonic() < at + PATIENCE:
            self.read(0.01)
        return (time.monotonic() - at) * 1000


def _slow(command: Sequence[str | Path], sandbox: Sandbox, count: int) -> list[float]:
    """Keys on a slow line, all that is on screen read anew each second."""
    with Terminal(command) as terminal:
        terminal.wait_for("job-")
        terminal.settle(1)
        line = SlowLine(terminal)
        found = []
        for number in range(count):
            terminal.send(CTRL_R)
            line.read(0.9)
            found.append(line.key("jk"[number % 2], "❯".encode()))
        while line.read(0.5):
            pass
        terminal.send("\x11")
        terminal.wait_exit()
    return found


def rows(quick: bool) -> list[Row]:
    jobs, projects, count = (50, 10, 30) if quick else (700, 300, 120)
    python = [sys.executable, "-m", "benchmarks.deck"]
    with tempfile.TemporaryDirectory() as name, Sandbox("many", jobs=jobs, projects=projects) as sandbox:
        folder = Path(name)
        config = write_config(sandbox.settings(), folder / "config.toml")
        late = folder / "late"
        with Terminal([*python, f"lag={late}", "--config", config]) as terminal:
            terminal.wait_for("job-")
            terminal.wait_for("project-")
            terminal.watch(8)
            keys = _keys(terminal, count, 0.05)
            terminal.send("\x11")
            terminal.wait_exit()
        lags = [float(each) for each in late.read_text().split()]
    found = [
        Row(f"key to paint, {jobs + projects} pipelines polled, p50", statistics.median(keys), "ms"),
        Row("  p95", percentile(keys, 0.95), "ms"),
        Row("  p99", percentile(keys, 0.99), "ms", most=50),
        Row("event loop held, p99", percentile(lags, 0.99), "ms"),
        Row("event loop held, longest", max(lags), "ms", most=30),
    ]
    with Sandbox("many", jobs=40, projects=10) as sandbox, tempfile.TemporaryDirectory() as name:
        config = write_config(sandbox.settings(), Path(name) / "config.toml")
        times = 6 if quick else 15
        ours = _slow([program(), "--config", config], sandbox, times)
        stock = _slow([*python, "stock", "--config", config], sandbox, times)
    middle = statistics.median
    found.append(
        Row("key on a line of 20 kB/s, p50", middle(ours), "ms", "stock Textual", middle(stock), most=50)
    )
    return found
