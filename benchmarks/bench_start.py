"""How soon the deck is there: cold, with nothing kept on disk, and warm."""

import statistics
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.pty_sessions import CTRL_Q, beside, command
from benchmarks.table import Row
from tests.e2e.terminal import Terminal
from tui.sandbox.process import Sandbox

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("Pipeline")
Bare().run()
"""
PAINTED, READ = "Pipeline", "deploy-model"


def _times(command: Sequence[str | Path], cache: Path, *texts: str) -> list[float]:
    """Milliseconds from the process's start until each text stood on the screen."""
    with Terminal(command, env={"XDG_CACHE_HOME": str(cache)}) as terminal:
        found = [1000 * (terminal.wait_for(text) - terminal.started) for text in texts]
        terminal.settle()
        terminal.send(CTRL_Q)
        terminal.wait_exit()
    return found


def rows(quick: bool) -> list[Row]:
    with beside(Sandbox(clock="manual")) as (config, _):
        bare_app = [sys.executable, "-c", BARE]
        colds, warm = map("cold{}".format, count()), config.with_name("warm")
        _times(command(config), warm, PAINTED, READ)
        bare, eager, cold, cold_data, kept, kept_data = (list[float]() for _ in range(6))
        for _ in range(1 if quick else 7):  # in turns, so that a busy moment of the machine is everybody's
            bare.append(_times(bare_app, warm, PAINTED)[0])
            eager.append(_times(command(config, "eager"), config.with_name(next(colds)), PAINTED)[0])
            for cache, paints, data in (
                (config.with_name(next(colds)), cold, cold_data),
                (warm, kept, kept_data),
            ):
                paint, read = _times(command(config), cache, PAINTED, READ)
                paints.append(paint)
                data.append(read)

    def row(what: str, runs: list[float], beside: str, theirs: list[float], **limit: Any) -> Row:
        median = statistics.median
        return Row(what, median(runs), "ms", beside, median(theirs), runs=tuple(runs), **limit)

    return [
        row("first paint, cold", cold, "bare Textual app", bare, most_ratio=1.5),
        row("first paint, warm", kept, "bare Textual app", bare, most_ratio=1.5),
        row("first paint, cold", cold, "all imported first", eager, most_ratio=1, own=True),
        row("first data, cold", cold_data, "first paint, cold", cold),
        row("first data, warm: from disk", kept_data, "first paint, warm", kept),
        row("first data, warm: from disk", kept_data, "cold", cold_data, most_ratio=1, own=True),
    ]
