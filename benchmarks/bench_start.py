"""How soon the deck is there."""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Row
from tests.e2e.settings import write_config
from tests.e2e.terminal import Terminal, program
from tui.sandbox.process import Sandbox

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("Pipeline")
Bare().run()
"""


def when(terminal: Terminal, text: str) -> float:
    """Milliseconds from the start until ``text`` stood on the screen."""
    return 1000 * (terminal.wait_for(text) - terminal.started)


def rows(quick: bool) -> list[Row]:
    rounds = 2 if quick else 5
    with Sandbox(clock="manual") as sandbox, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = write_config(sandbox.settings(), folder / "config.toml")
        deck: list[str | Path] = [program(), "--config", config]
        eagerly: list[str | Path] = [sys.executable, "-m", "benchmarks.deck", "eager", "--config", config]
        colds = iter(range(1000))

        def once(command: Sequence[str | Path], *texts: str, cold: bool = False) -> list[float]:
            cache = folder / (f"cold{next(colds)}" if cold else "warm")
            with Terminal(command, env={"XDG_CACHE_HOME": str(cache)}) as terminal:
                found = [when(terminal, text) for text in texts]
                terminal.settle()
                terminal.send("\x11")  # ctrl+q
                terminal.wait_exit()
            return found

        once(deck, "Pipeline", "deploy-model")
        bare, paint, eager, cold, warm = [], [], [], [], []
        for _ in range(rounds):  # in turns, so that a busy moment of the machine is everybody's
            bare.append(once([sys.executable, "-c", BARE], "Pipeline")[0])
            eager.append(once(eagerly, "Pipeline")[0])
            first, data = once(deck, "Pipeline", "deploy-model", cold=True)
            paint.append(first)
            cold.append(data)
            warm.append(once(deck, "deploy-model")[0])
    middle = statistics.median
    return [
        Row("first paint", middle(paint), "ms", "bare Textual app", middle(bare), most_ratio=1.5),
        Row("first paint", middle(paint), "ms", "all imported first", middle(eager), most_ratio=1),
        Row("first data, nothing on disk", middle(cold), "ms", "first paint", middle(paint)),
        Row("first data, from disk", middle(warm), "ms", "nothing on disk", middle(cold), most_ratio=1),
    ]
