"""What goes over the line to the terminal, in bytes: plain and in tmux, with what stock Textual sends beside it."""

import statistics
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.pty_sessions import beside, command
from benchmarks.table import Row
from benchmarks.world import Crowd, Servers
from tests.e2e.deck import CTRL_R, ENTER, ESCAPE
from tests.e2e.terminal import Terminal
from tests.e2e.tmux import Tmux
from tui.sandbox.process import Sandbox

LOADED = ("deploy-model", "ml/features/store", "Watch canary", "critical path", "DO NOT PROMOTE fraud")
"""Of the demo: its list, the preview beside it, the verdicts."""
MOST = {
    "start, to the last chart": 32_000.0,
    "one row changed": 100.0,
    "a minute in which nothing changes": 0.0,
}

AGAIN = 5.0
"""Seconds after which what was asked for and came as it had been is asked for again."""

Costs = Iterator[tuple[str, float]]


def _cost(terminal: Terminal, key: str, quiet: float = 0.4) -> int:
    """Bytes for a key that changes something, with what follows from it until it is quiet for so long."""
    before, pressed = len(terminal.raw), 0.0

    def painted() -> bool:
        nonlocal pressed
        if not pressed or (key == CTRL_R and time.monotonic() > pressed + AGAIN):
            pressed = terminal.send(key)
        return len(terminal.raw) > before

    terminal.wait_for(painted)
    terminal.settle(quiet)
    return len(terminal.raw) - before


def _mean(terminal: Terminal, keys: Iterable[str], quiet: float = 0.4) -> float:
    return statistics.mean(_cost(terminal, key, quiet) for key in keys)


def _only(terminal: Terminal, name: str) -> None:
    """Filter the list down to one pipeline, and go to it."""
    for keys in ("/", name, ENTER):
        _cost(terminal, keys)


def _demo(terminal: Terminal) -> Costs:
    for text in LOADED:
        terminal.wait_for(text)
    terminal.settle(0.5)
    yield "start, to the last chart", len(terminal.raw)
    yield "a key: cursor one row down, and what is beside it", _mean(terminal, "jjj")
    yield "a switch of panes", _mean(terminal, "3453")
    _cost(terminal, "1")
    yield "a pane fills the screen, and back", 2 * _mean(terminal, "++")
    _cost(terminal, "+")
    yield "a key: cursor one row up, nothing beside it", _mean(terminal, "kkk")
    yield "help, and back", 2 * _mean(terminal, "i" + ESCAPE)


def _row(terminal: Terminal, sandbox: Sandbox, times: int) -> Costs:
    """One row changes in its place: its run's number, and how long that took; the cursor is elsewhere."""
    terminal.wait_for("ticking")
    terminal.wait_for("project-")
    terminal.settle(0.5)
    for key in "jj+":  # the list alone: all its columns
        _cost(terminal, key, 1.0)
    costs = []
    for _ in range(times):
        sandbox.control.advance(60)
        costs.append(_cost(terminal, CTRL_R, 1.0))  # no sooner is the same asked again
    yield "one row changed", statistics.mean(costs)


def _chart(terminal: Terminal, times: int) -> Costs:
    """Three charts, and the verdict on them, each with new points whenever it is asked for."""
    terminal.wait_for("project-")
    _only(terminal, "project-01")
    _cost(terminal, "3")
    terminal.wait_for("b⠤ baseline")
    terminal.settle(1)
    yield "a refresh of three charts", _mean(terminal, [CTRL_R] * times, 1.0)


def _idle(terminal: Terminal, seconds: float) -> Costs:
    """Nothing moves but time; lists are read, and are as they were."""
    terminal.wait_for("project-")
    _only(terminal, "job-011")
    terminal.wait_for("job-011 ›")
    terminal.settle(1)
    yield "a minute in which nothing changes", terminal.watch(seconds) * 60 / seconds


class Configs(NamedTuple):
    """The worlds that all look at: the demo standing still, and one in which nothing goes on."""

    demo: Path
    resting: Path


def _measured(configs: Configs, *, tmux: bool, stock: bool, quick: bool) -> dict[str, float]:
    """All of it with one kind of terminal and one way to write to it."""
    changes = ["stock"] if stock else []

    def terminal(config: Path, *more: str) -> Terminal:
        started = [str(part) for part in command(config, *changes, *more)]
        return Tmux(started) if tmux else Terminal(started)

    with terminal(configs.demo) as one:
        costs = dict(_demo(one))
    still = Servers(Crowd(jobs=30, projects=10, ticking=60, manual=True))  # its own: it is moved
    with beside(still) as (config, sandbox), terminal(config) as one:
        costs |= _row(one, sandbox, 1 if quick else 5)
    with terminal(configs.resting, "charts") as one:
        costs |= _chart(one, 1 if quick else 5)
    with terminal(configs.resting) as one:
        costs |= _idle(one, 5.0 if quick else 30.0)
    return costs


def rows(quick: bool) -> list[Row]:
    worlds = (Sandbox(clock="manual"), Servers(Crowd(jobs=30, projects=10)))
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        configs = Configs(*(stack.enter_context(beside(world))[0] for world in worlds))
        ways = [(tmux, stock) for tmux in (False, True) for stock in (False, True)]
        ours, theirs, ours_in_tmux, theirs_in_tmux = pool.map(
            lambda way: _measured(configs, tmux=way[0], stock=way[1], quick=quick), ways
        )
    return [
        *(
            Row(what, cost, "B", "stock Textual", theirs[what], most=MOST.get(what))
            for what, cost in ours.items()
        ),
        *(
            Row(f"in tmux: {what}", cost, "B", "stock Textual", theirs_in_tmux[what])
            for what, cost in ours_in_tmux.items()
        ),
    ]
