"""Processor time and memory of the deck, at rest and busy, and after a simulated day."""

import asyncio
import gc
import multiprocessing
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bench_deck import at_rest
from benchmarks.table import Row
from tests.e2e.settings import write_config
from tests.e2e.terminal import Terminal, program
from tui.sandbox.process import Sandbox

JOBS, PROJECTS = 150, 50


def _processor(config: Path, seconds: float) -> tuple[float, float, int]:
    """Per cent of a core, MiB, and bytes a second, after the first ten seconds."""
    with Terminal([program(), "--config", config]) as terminal:
        terminal.wait_for("job-")
        terminal.watch(10)
        cpu = terminal.cpu()
        written = terminal.watch(seconds)
        used = 100 * (terminal.cpu() - cpu) / seconds
        memory = terminal.memory()
        terminal.send("\x11")
        terminal.wait_exit()
    return used, memory, round(written / seconds)


def _memory() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / (1 << 20)


def _day(hours: int, step: float, told: "Connection") -> None:
    """A deck without a terminal whose clock is driven: its list changes at each look, a run ends at each hour."""
    from tests.engine.world import FakeSource, NoJitter, Time
    from tests.examples import pipeline, run
    from tests.screens import running
    from tui import config
    from tui.app import Pipedeck
    from tui.domain.pipeline import Listing
    from tui.domain.status import Status
    from tui.engine.engine import Engine
    from tui.keys import keymap

    text = '[sources.ci]\ntype = "jenkins"\nurl = "http://127.0.0.1:1"\n'

    async def live() -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "config.toml"
            path.write_text(text)
            settings = config.load(path)
        time = Time()
        source = FakeSource("ci", time)
        engine = Engine(settings, {"ci": source}, clock=time.clock, rng=NoJitter(), later=time.later)

        def change(number: int) -> None:
            listed = []
            for row in range(200):
                status = Status.RUNNING if row % 20 == number % 20 else Status.PASSED
                address = f"ci:team/job-{row:03}#{number // 20 + 1}"
                each = run(address, status, started_at=time.now - 60, title=f"build {number} of {row}")
                source.runs[each.address] = each
                listed.append(pipeline(f"ci:team/job-{row:03}", each))
            if len(source.runs) > 1000:
                source.runs = {each.runs[0].address: each.runs[0] for each in listed}
            source.listing = Listing(tuple(listed))

        change(0)
        async with running(Pipedeck(settings, keymap(settings.ui.keys), engine), size=(120, 40)) as pilot:
            for number in range(int(hours * 3600 / step)):
                change(number)
                source.asked.clear()
                await time.advance(step)
                await pilot.press("jjjk"[number % 4])
                if number * step in (3600, (hours * 3600) - step):
                    told.send(_memory())

    asyncio.run(live())


def _grown(hours: int, step: float) -> tuple[float, float]:
    """MiB after an hour, and after all of them."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_day, args=(hours, step, there))
    child.start()
    there.close()
    try:
        return here.recv(), here.recv()
    finally:
        child.join()


def rows(quick: bool) -> list[Row]:
    seconds = 5 if quick else 25
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "config.toml"
        with Sandbox("many", jobs=JOBS, projects=PROJECTS, clock="manual") as sandbox:
            sandbox.control.advance(7200)
            idle, memory, _ = _processor(write_config(at_rest(sandbox.settings()), path), seconds)
        with Sandbox("many", jobs=JOBS, projects=PROJECTS) as sandbox:
            busy, busy_memory, written = _processor(write_config(sandbox.settings(), path), seconds)
    hour, day = _grown(2 if quick else 24, 60.0)
    return [
        Row("processor, 200 pipelines at rest", idle, "%", most=1),
        Row("processor, a tenth of them busy", busy, "%", "at rest", idle),
        Row("written to the terminal meanwhile", written, "B/s"),
        Row("memory at rest", memory, "MiB"),
        Row("memory, busy", busy_memory, "MiB", "at rest", memory),
        Row("memory after a simulated day", day, "MiB", "after an hour of it", hour, most_ratio=1.05),
    ]
