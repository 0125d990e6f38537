"""What goes over the line to the terminal."""

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.table import Row
from tests.e2e.deck import CTRL_R, ENTER, ESCAPE
from tests.e2e.settings import write_config
from tests.e2e.terminal import Terminal, program
from tests.e2e.tmux import Tmux
from tui.sandbox.process import Sandbox

T = TypeVar("T")

LOADED = ("deploy-model", "ml/features/store", "Watch canary", "fail 250")


def _loaded(terminal: Terminal) -> int:
    for text in LOADED:
        terminal.wait_for(text)
    terminal.settle(0.5)
    return len(terminal.raw)


def _sent(terminal: Terminal, keys: Sequence[str]) -> float:
    """Bytes for each of some keys."""
    costs = []
    for key in keys:
        before = len(terminal.raw)
        terminal.send(key)
        terminal.settle(0.3)
        costs.append(len(terminal.raw) - before)
    return statistics.mean(costs)


def _session(command: Sequence[str | Path], sandbox: Sandbox, rest: float) -> dict[str, float]:
    with Terminal(command) as terminal:
        costs: dict[str, float] = {"start, to the last chart": _loaded(terminal)}
        costs["a key: cursor one row down"] = _sent(terminal, "jjjj")
        costs["a key: one row down, back at the top"] = _sent(terminal, "gjk")
        costs["a key: the next pane"] = _sent(terminal, "\t\t\t\t")
        costs["a switch of panes"] = _sent(terminal, "345")
        costs["help, and back"] = 2 * _sent(terminal, "i" + ESCAPE)
        terminal.send("3")
        terminal.settle(1)
        before = len(terminal.raw)
        sandbox.control.advance(60)
        terminal.send(CTRL_R)
        terminal.settle(1.5)
        costs["all read anew a minute later: rows, charts"] = len(terminal.raw) - before
        for key in "1/":
            terminal.send(key)
            terminal.settle(0.5)
        terminal.send("old-import")
        terminal.settle(0.5)
        terminal.send(ENTER)
        terminal.wait_for("No model has this pipeline")
        terminal.settle(1)
        costs["a minute in which nothing changes"] = terminal.watch(rest) * 60 / rest
        terminal.send("\x11")
        terminal.wait_exit()
    return costs


def _in_tmux(command: Sequence[str | Path], sandbox: Sandbox) -> float:
    with Tmux([str(part) for part in command]) as tmux:
        return _loaded(tmux)


def _measured(stock: bool, rest: float) -> tuple[dict[str, float], float]:
    """A session, and the start in tmux, each beside servers of its own, which stand still."""
    deck = [sys.executable, "-m", "benchmarks.deck", "stock"] if stock else [program()]

    def beside(measure: Callable[[list[str | Path], Sandbox], T]) -> T:
        with Sandbox(clock="manual") as sandbox, tempfile.TemporaryDirectory() as name:
            config = write_config(sandbox.settings(), Path(name) / "config.toml")
            return measure([*deck, "--config", config], sandbox)

    return beside(lambda command, sandbox: _session(command, sandbox, rest)), beside(_in_tmux)


def rows(quick: bool) -> list[Row]:
    most = {"start, to the last chart": 32_000.0, "a minute in which nothing changes": 0.0}
    rest = 10 if quick else 20
    (ours, in_tmux), (theirs, stock_in_tmux) = _measured(False, rest), _measured(True, rest)
    return [
        *(
            Row(what, cost, "B", "stock Textual", theirs[what], most=most.get(what))
            for what, cost in ours.items()
        ),
        Row("start, in tmux", in_tmux, "B", "stock Textual", stock_in_tmux),
    ]
