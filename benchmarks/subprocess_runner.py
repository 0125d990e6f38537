"""Work in a process of its own, so that what one leaves in memory is not counted with the other."""

import importlib
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.table import Row

BROKEN = "could not be measured"


def part(name: str, quick: bool) -> list[Row]:
    """The rows of one part, or one that says that it broke."""
    begun = time.monotonic()
    try:
        rows: list[Row] = importlib.import_module(f"benchmarks.bench_{name}").rows(quick)
    except Exception:
        traceback.print_exc()
        rows = [Row(f"{name}: {BROKEN}", None, "")]
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return rows


def apart(task: Callable[..., None], *arguments: object, answers: int = 1) -> Any:
    """What ``task`` tells through the connection that is its last argument: the answer, or a list of several.

    Raises:
        EOFError: it ended before it told all.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=task, args=(*arguments, there))
    child.start()
    there.close()
    try:
        results = [here.recv() for _ in range(answers)]
        return results[0] if answers == 1 else results
    finally:
        child.join()


@contextmanager
def serving(task: Callable[..., None], *arguments: object) -> Iterator[Any]:
    """Run ``task`` in a process of its own until it is told something itself; what it tells first."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=task, args=(*arguments, there), daemon=True)
    child.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.send(None)
        child.join()


@contextmanager
def own_folders() -> Iterator[None]:
    """Whatever is started keeps its config, cache and journal in a folder that is gone at the end."""
    with TemporaryDirectory(prefix="pipedeck-bench-") as folder:
        os.environ.update({f"XDG_{what}_HOME": folder for what in ("CACHE", "STATE", "CONFIG")})
        yield


def resident() -> float:
    """MiB of this process that are resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
