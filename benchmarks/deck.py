"""Pipedeck with something changed, to compare it with: ``python -m benchmarks.deck CHANGE[,CHANGE] [ARGUMENT ...]``.

``stock``: what Textual writes is written as it is. ``eager``: all libraries are imported before anything is drawn.
``lag=FILE``: how late the event loop was, most of all, in milliseconds, is written to a file at the end.
"""

import asyncio
import importlib
import sys
import time
from pathlib import Path
from unittest.mock import patch

BEAT = 0.005


async def _beat(late: list[float]) -> None:
    while True:
        due = time.monotonic() + BEAT
        await asyncio.sleep(BEAT)
        late.append((time.monotonic() - due) * 1000)


def _measure(path: Path) -> None:
    """Note the latenesses once the first screen stands and its data has come."""
    from tui.app import Pipedeck

    start, unmount, late = Pipedeck._start, Pipedeck.on_unmount, list[float]()

    def measured(app: Pipedeck) -> None:
        start(app)
        app.set_timer(5.0, lambda: setattr(app, "_beating", asyncio.create_task(_beat(late))))

    def tell() -> None:
        path.write_text(" ".join(f"{each:.2f}" for each in late))

    async def ended(app: Pipedeck) -> None:
        tell()
        await unmount(app)

    patch.multiple(Pipedeck, _start=measured, on_unmount=ended).start()


def main() -> None:
    changes, sys.argv[1:] = sys.argv[1].split(","), sys.argv[2:]
    for change in changes:
        name, _, value = change.partition("=")
        if name == "eager":
            for library in ("httpx", "gitlab", "jenkins", "plotext", "pydantic"):
                try:
                    importlib.import_module(library)
                except ImportError:
                    pass
        elif name == "stock":
            from tui.driver import TerminalDriver

            del TerminalDriver.write
        elif name == "lag":
            _measure(Path(value))
    from tui.cli import main as pipedeck

    sys.exit(pipedeck())


if __name__ == "__main__":
    main()
