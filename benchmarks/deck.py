"""Pipedeck with something changed, to compare it with: ``python -m benchmarks.deck CHANGE[,CHANGE] [ARGUMENT ...]``.

``stock``: what Textual writes is written as it is. ``eager``: all libraries are imported before anything is drawn.
``charts``: whenever they are asked for again they have new points. ``redrawn``: and they are asked for each second.
``lag=FILE``: when the event loop looked up (``time.monotonic``), and how many milliseconds late, from the first frame
on; written to a file at the end. ``pulse=FILE``: how late, and for how many milliseconds it had the
processor, written each second and not kept, for hours; at SIGUSR1 it empties the caches of the libraries first.
"""

import asyncio
import ctypes
import gc
import importlib
import inspect
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

BEAT = 0.005


def _eager() -> None:
    for library in ("httpx", "gitlab", "jenkins", "plotext", "pydantic"):
        try:
            importlib.import_module(library)
        except ImportError:
            pass


def _stock() -> None:
    from tui.terminal.driver import TerminalDriver

    del TerminalDriver.write


def _charts() -> None:
    """Their time began eight hours ago, and goes a minute in a second."""
    from tui.domain.series import Grid
    from tui.engine.queries import charts

    grid, begun = charts.chart_grid, time.time()

    def earlier(now: float, *more: Any) -> Grid:
        return grid(now - 8 * 3600 + 60 * (now - begun), *more)

    patch.object(charts, "chart_grid", earlier).start()


def _redrawn() -> None:
    from tui.engine.queries import ChartOf

    patch.object(ChartOf, "wait", lambda query, chart: 1.0).start()


async def beat(late: list[tuple[float, float]]) -> None:
    """Note when the event loop looked up, and how many milliseconds late, for ever."""
    while True:
        due = time.monotonic() + BEAT
        await asyncio.sleep(BEAT)
        now = time.monotonic()
        late.append((now, (now - due) * 1000))


def _lag(path: Path) -> None:
    from tui.app import Pipedeck

    start, unmount, late = Pipedeck._start, Pipedeck.on_unmount, list[tuple[float, float]]()
    beating: list[asyncio.Task[None]] = []

    def started(app: Pipedeck) -> None:
        start(app)
        beating.append(asyncio.create_task(beat(late)))

    def tell() -> None:
        path.write_text("\n".join(f"{at:.4f} {lateness:.2f}" for at, lateness in late))

    async def ended(app: Pipedeck) -> None:
        tell()
        await unmount(app)

    patch.multiple(Pipedeck, _start=started, on_unmount=ended).start()


def empty_caches() -> int:
    """Of Textual and Rich, and give free memory back to the system; how many caches there were.

    They have bounds, which they reach after hours: tens of MiB that would hide what has none.
    """
    caches = {id(cache): cache for cache in _caches()}
    for cache in caches.values():
        cache.cache_clear()
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return len(caches)


def _caches() -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("textual", "rich"):
            continue
        for owner in (module, *(kind for kind in vars(module).values() if inspect.isclass(kind))):
            for value in list(vars(owner).values()):
                found = getattr(value, "__func__", getattr(value, "fget", value))
                if hasattr(found, "cache_clear"):
                    yield found


async def _pulse(path: Path) -> None:
    """How many milliseconds late the loop looked up, and for how many it had the processor: a line each second."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, empty_caches)
    with path.open("a", encoding="ascii") as file:
        while True:
            begun, seen = time.monotonic(), []
            while time.monotonic() < begun + 1:
                due, used = time.monotonic() + BEAT, time.thread_time()
                await asyncio.sleep(BEAT)
                late, held = time.monotonic() - due, time.thread_time() - used
                seen.append(f"{late * 1000:.2f},{held * 1000:.2f}")
            file.write(" ".join(seen) + "\n")
            file.flush()


def _pulsing(path: Path) -> None:
    from tui.app import Pipedeck

    start, beating = Pipedeck._start, list[asyncio.Task[None]]()

    def started(app: Pipedeck) -> None:
        start(app)
        beating.append(asyncio.create_task(_pulse(path)))

    path.touch()
    patch.object(Pipedeck, "_start", started).start()


def main() -> None:
    changes, sys.argv[1:] = sys.argv[1].split(","), sys.argv[2:]
    for change in changes:
        name, _, value = change.partition("=")
        if name == "eager":
            _eager()
        elif name == "stock":
            _stock()
        elif name == "charts":
            _charts()
        elif name == "redrawn":
            _redrawn()
        elif name == "lag":
            _lag(Path(value))
        elif name == "pulse":
            _pulsing(Path(value))
    from tui.cli import main as pipedeck

    sys.exit(pipedeck())


if __name__ == "__main__":
    main()
