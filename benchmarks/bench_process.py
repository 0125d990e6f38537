"""Processor time and memory of the deck, at rest and busy, and after a simulated day."""

import asyncio
import gc
import tempfile
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.pty_sessions import beside, deck
from benchmarks.subprocess_runner import apart, resident
from benchmarks.table import Row
from benchmarks.world import Crowd, Servers

JOBS, PROJECTS = 150, 50


def _processor(running: float, seconds: float) -> tuple[float, float, float]:
    """Per cent of a core, MiB, and bytes a second, after a while."""
    servers = Servers(Crowd(jobs=JOBS, projects=PROJECTS, running=running))
    with beside(servers) as (config, _), deck(config) as line:
        line.wait_for("job-")
        line.watch(seconds / 3)
        cpu = line.cpu()
        written = line.watch(seconds)
        return 100 * (line.cpu() - cpu) / seconds, line.memory(), written / seconds


def _memory() -> float:
    gc.collect()
    return resident()


def _day(hours: int, step: float, results: Connection) -> None:
    """A deck without a terminal whose clock is driven: its list changes at each look, a run ends at each hour."""
    from tests.app_pilot import running
    from tests.engine.world import FakeSource, NoJitter, Time
    from tests.examples import pipeline, run
    from tui import config
    from tui.app import Pipedeck
    from tui.domain.pipeline import Listing
    from tui.domain.status import Status
    from tui.engine.runtime import Runtime
    from tui.keys import keymap

    text = '[sources.ci]\ntype = "jenkins"\nurl = "http://127.0.0.1:1"\n'

    async def live() -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "config.toml"
            path.write_text(text)
            settings = config.load(path)
        time = Time()
        source = FakeSource("ci", time)
        runtime = Runtime(settings, {"ci": source}, clock=time.clock, rng=NoJitter(), later=time.later)

        def change(number: int) -> None:
            listed = []
            for row in range(200):
                status = Status.RUNNING if row % 20 == number % 20 else Status.PASSED
                address = f"ci:team/job-{row:03}#{number // 20 + 1}"
                each = run(address, status, started_at=time.now - 60, title=f"build {number} of {row}")
                source.runs[each.address] = each
                listed.append(pipeline(f"ci:team/job-{row:03}", each))
            source.runs = dict(list(source.runs.items())[-1000:])
            source.listing = Listing(tuple(listed))

        change(0)
        async with running(Pipedeck(settings, keymap(settings.ui.keys), runtime), size=(120, 40)) as pilot:
            looks = int(hours * 3600 / step)
            for number in range(looks):
                if number in (0, int(3600 / step)):
                    results.send(_memory())
                change(number)
                source.asked.clear()
                await time.advance(step)
                await pilot.press("jjjk"[number % 4])
            results.send(_memory())

    asyncio.run(live())


def rows(quick: bool) -> list[Row]:
    seconds, hours = (5.0, 2) if quick else (30.0, 24)
    with ThreadPoolExecutor() as pool:  # what one uses is not counted with the other
        rest, busy = pool.map(lambda running: _processor(running, seconds), (0.0, 5.0))
    start, hour, end = apart(_day, hours, 120.0, answers=3)
    return [
        Row("processor, 200 pipelines at rest", rest[0], "%", most=1),
        Row("  5 % of them running", busy[0], "%", "at rest", rest[0]),
        Row("  written to the terminal meanwhile", busy[2], "B/s"),
        Row("memory, 200 pipelines at rest", rest[1], "MiB"),
        Row("  5 % of them running", busy[1], "MiB", "at rest", rest[1]),
        Row("memory of a deck without a terminal, at its start", start, "MiB"),
        Row("  after a simulated hour", hour, "MiB", "at its start", start),
        Row(f"  after {hours} of them", end, "MiB", "after the first", hour, most_ratio=1.05, own=True),
    ]
