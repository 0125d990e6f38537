"""What hostile answers cost: run as ``python -m tests.hostile.measuring URL SOURCE CASE...`` in a process of its own.

Prints a JSON object: for each case the megabytes by which memory grew at its peak, and the seconds it took; or with
``--times N`` the threads and descriptors before and after each case was asked for so many times, four at a time.
"""

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path

from tests.hostile.asking import SOURCES, said
from tests.hostile.cases import CASES

PATIENCE = 30.0
"""Seconds until what was given up must have ended."""


def _memory(which: str) -> int:
    """Kilobytes, of ``VmRSS`` (now) or ``VmHWM`` (at most since the last call of :func:`_forget`)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which))


def _forget() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _open() -> tuple[int, int]:
    """Threads, and descriptors."""
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


async def peaks(url: str, source: str, cases: list[int]) -> dict[int, tuple[float, float]]:
    ask = SOURCES[source]
    warm = next(number for number, case in enumerate(CASES) if case.name == "null")
    await said(ask, f"{url}/{warm}", 60.0)
    found = {}
    for number in cases:
        _forget()
        before, began = _memory("VmRSS"), time.monotonic()
        await said(ask, f"{url}/{number}", CASES[number].timeout)
        found[number] = (_memory("VmHWM") - before) / 1024, time.monotonic() - began
    return found


async def leaks(url: str, source: str, cases: list[int], times: int) -> dict[int, tuple[int, int, int, int]]:
    ask = SOURCES[source]
    await said(ask, f"{url}/{cases[0]}", 0.2)
    await asyncio.sleep(0)
    found = {}
    for number in cases:
        before = await _quiet(_open())
        for _ in range(times // 4):
            await asyncio.gather(*(said(ask, f"{url}/{number}", 0.05) for _ in range(4)))
        after = await _quiet(before)
        found[number] = *before, *after
    return found


async def _quiet(wanted: tuple[int, int]) -> tuple[int, int]:
    """What is open, once that is no more than is wanted, or patience is at its end."""
    until = time.monotonic() + PATIENCE
    while (now := _open()) > wanted and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return now


def main() -> None:
    arguments = sys.argv[1:]
    times = int(arguments[arguments.index("--times") + 1]) if "--times" in arguments else 0
    url, source, *cases = arguments[:-2] if times else arguments
    numbers = [int(case) for case in cases]
    found = asyncio.run(leaks(url, source, numbers, times) if times else peaks(url, source, numbers))
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
