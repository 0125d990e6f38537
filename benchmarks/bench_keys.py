"""How soon a key is painted while much goes on, and on a slow line; and how late the event loop is meanwhile.

The deck never shows a log and charts at once, so there are two rounds: the list of all that is polled beside a log at
full speed, and beside charts. A frame is late when the loop was held while its sixtieth of a second passed.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.pty_sessions import Line, beside, deck
from benchmarks.table import Row, percentile
from benchmarks.world import STREAMS, Crowd, Servers
from tests.e2e.deck import CTRL_R, ENTER, ESCAPE
from tui.sandbox.process import Sandbox

SLOW = 20_000
"""Bytes a second of the slow line."""
FRAME = 1000 / 60
HELD = 30.0
"""Milliseconds that the loop may be held."""
ON_THE_LIST = "\x1b[<0;20;8M\x1b[<0;20;8m"
"""A click: with the mouse the list has the keys while a log stays beside it."""

Beats = list[tuple[float, float]]
"""When the loop looked up, and how many milliseconds late."""


def _log_beside(line: Line) -> None:
    """A log that is followed at full speed beside the list."""
    for keys in ("/", STREAMS, ENTER):
        line.send(keys)
        line.settle(0.5)
    line.send("l")
    line.wait_for("following")
    line.wait_for("shard 3  records")
    for keys in ("+", ON_THE_LIST, ESCAPE):
        line.send(keys)
        line.watch(0.5)
    line.wait_for("shard 3  records")


def _charts_beside(line: Line) -> None:
    """Three charts, redrawn each second, beside the list, whose cursor goes through pipelines of their model."""
    line.send("3")
    line.watch(0.5)
    line.send("1/")
    line.watch(0.5)
    line.send("group-")
    line.send(ENTER)
    line.wait_for("b⠤ baseline")


def _loaded(config: Path, beside_it: Callable[[Line], None], keys: int) -> tuple[list[float], Beats, Beats]:
    """Milliseconds for each key; the beats of the start, and those while keys were typed."""
    late = config.with_name("late")
    with deck(config, "charts", "redrawn", f"lag={late}") as line:
        line.wait_for("job-")
        line.wait_for("project-")
        line.watch(3)
        begun = time.monotonic()
        beside_it(line)
        line.watch(2)
        typing, found = time.monotonic(), []
        for number in range(keys):
            found.append(line.key("jjjjkkkk"[number % 8]))
            line.watch(0.08)
        ended = time.monotonic()
    beats = [
        (float(at), float(ms))
        for at, _, ms in (splitline.partition(" ") for splitline in late.read_text().splitlines())
    ]
    return (
        found,
        [beat for beat in beats if beat[0] < begun],
        [beat for beat in beats if typing < beat[0] < ended],
    )


def _held(beats: Beats) -> list[Row]:
    late = [lateness for _, lateness in beats]
    whole = 1000 * (beats[-1][0] - beats[0][0])
    frames = sum(lateness // FRAME for lateness in late)
    over = sum(lateness for lateness in late if lateness > HELD)
    return [
        Row("  late frames", 100 * frames * FRAME / whole, "%"),
        Row("  event loop held, p99", percentile(late, 0.99), "ms"),
        Row("  event loop held, longest", max(late), "ms", most=HELD),
        Row(f"  event loop held over {HELD:.0f} ms, share of the time", 100 * over / whole, "%"),
    ]


def _slow(world: tuple[Path, Sandbox], *changes: str, only: str, times: int) -> list[float]:
    """Milliseconds for each of so many keys on a slow line; without a filter one row changes each second."""
    config, sandbox = world
    with deck(config, *changes) as line:
        line.wait_for("project-")
        for keys in ("/", only, ENTER) if only else ():
            line.send(keys)
            line.settle(0.5)
        line.watch(1)
        line.rate = SLOW
        found = []
        for number in range(times):
            if not only:
                sandbox.control.advance(60)
                line.send(CTRL_R)
            line.watch(1)
            found.append(line.key("jk"[number % 2]))
    return found


def rows(quick: bool) -> list[Row]:
    jobs, projects, count = (80, 20, 40) if quick else (700, 300, 300)
    found: list[Row] = []
    crowd = Crowd(jobs=jobs, projects=projects, running=5, streaming=True)
    for what, beside_it in (
        ("a log at full speed", _log_beside),
        ("charts redrawn each second", _charts_beside),
    ):
        with beside(Servers(crowd)) as (config, _):
            keys, start, beats = _loaded(config, beside_it, count)
        polled = f"{jobs + projects} pipelines polled"
        if not found:
            what_held = f"{polled}, from the first frame to all lists: event loop held, longest"
            found.append(Row(what_held, max(lateness for _, lateness in start), "ms", most=HELD))
        found += [
            Row(
                f"{polled}, {what}: key to paint, p50",
                statistics.median(keys),
                "ms",
                runs=tuple(statistics.median(keys[start::5]) for start in range(5)),
            ),
            Row("  p95", percentile(keys, 0.95), "ms"),
            Row("  p99", percentile(keys, 0.99), "ms", most=50),
            *_held(beats),
        ]
    times = 2 if quick else 8
    with beside(Servers(Crowd(jobs=30, projects=10, ticking=60, manual=True))) as world:
        for what, only, changes, most in (
            ("a row changing each second", "", (), 50.0),
            ("three charts redrawn each second", "group-", ("charts", "redrawn"), None),
        ):
            ours = _slow(world, *changes, only=only, times=times)
            stock = _slow(world, "stock", *changes, only=only, times=times)
            words = f"key on a line of 20 kB/s, {what}, p50"
            median = statistics.median
            found.append(
                Row(words, median(ours), "ms", "stock Textual", median(stock), most=most, runs=tuple(ours))
            )
    return found
