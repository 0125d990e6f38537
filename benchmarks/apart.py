"""Work in a process of its own, so that what one leaves in memory is not counted with the other."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


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
        told = [here.recv() for _ in range(answers)]
        return told[0] if answers == 1 else told
    finally:
        child.join()


def resident() -> float:
    """MiB of this process that are resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
