"""The pictures of the documents: the deck on the demo's world, which stands still, as SVG.

``make pictures`` draws them anew; ``python -m tests.pictures --check`` says which are out of date.
"""

import asyncio
import os
import re
import sys
import time
from difflib import unified_diff
from html import unescape
from pathlib import Path
from random import Random

from tests.app_pilot import running
from tests.engine.world import Time
from tui.app import Pipedeck
from tui.domain.address import parse_address
from tui.engine.runtime import Runtime
from tui.keys import keymap
from tui.sandbox.process import Sandbox
from tui.screens.deck import DeckScreen
from widgets.chart.chart import Chart

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
START = 1_795_435_200.0
"""Monday, 2026-11-23, 12:00 UTC."""
AGE = 60.0
"""Seconds after its start at which the world is drawn."""
MOST_TRIES = 5
STEP = 0.15
"""Seconds; all steps together are less than makes a difference to the server's clock."""
WIDE, NARROW = (150, 38), (110, 26)
CANARY = "gitlab:ml/fraud#1854"
GATE = f"{CANARY}/promote"
PICTURES = {
    WIDE: {"deck": (GATE, "stages")},
    NARROW: {
        "stages": (GATE, "stages"),
        "metrics": (CANARY, "metrics"),
        "tests": ("jenkins:deploy-model#7", "tests"),
        "deployments": (CANARY, "deployments"),
        "alarms": (CANARY, "alarms"),
    },
}
"""By the size of the terminal and by name: what is selected, and the pane."""


class Disturbed(Exception):
    """A request failed, as it may when a kept connection is closed. Time stands still, so nobody asks again."""


async def undisturbed(sandbox: Sandbox, size: tuple[int, int]) -> dict[str, str]:
    for _ in range(MOST_TRIES - 1):
        try:
            return await drawn(sandbox, size)
        except Disturbed:
            pass
    return await drawn(sandbox, size)


async def drawn(sandbox: Sandbox, size: tuple[int, int]) -> dict[str, str]:
    """The pictures of one size, by name. Time goes on in steps, each when all that was asked in the one before was
    answered: what is drawn does not depend on how fast the machine is."""
    settings, time = sandbox.settings(alarms=True), Time()
    time.now = START + AGE
    runtime = Runtime(settings, clock=time.clock, later=time.later, rng=Random(7))
    app = Pipedeck(settings, keymap({}), runtime)
    found: dict[str, str] = {}
    async with running(app, size) as pilot, asyncio.timeout(300):
        deck = app.screen_stack[0]
        assert isinstance(deck, DeckScreen)

        async def go_on(steps: int) -> None:
            for _ in range(steps):
                await time.advance(STEP)
                await pilot.pause()
                while runtime.poller._under_way or any(map(_to_draw, app.screen.query(Chart))):
                    await asyncio.sleep(0.01)
                    await pilot.pause()
                deck._settle()

        await go_on(14)
        for name, (at, scope) in PICTURES[size].items():
            deck.go_to(parse_address(at), "run")
            deck.action_go(scope)
            await go_on(3)
            deck.project()
            await pilot.pause()
            if any(reading.fault is not None for reading in runtime.store._readings.values()):
                raise Disturbed
            found[name] = _portable(app.export_screenshot(title="pipedeck demo"))
    return found


def _to_draw(chart: Chart) -> bool:
    return chart.stale and chart.in_sight


def _portable(svg: str) -> str:
    """Without fonts that would be loaded from elsewhere, and without the port that the sandbox happens to have."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code, ", "")
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", svg).rstrip() + "\n"


def words(svg: str) -> list[str]:
    """What stands in a picture, line by line, without blanks: into which pieces a line is drawn is no news."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in re.findall(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', svg):
        lines.setdefault(float(y), []).append((float(x), unescape(text).replace("\xa0", " ")))
    return ["".join("".join(text for _, text in sorted(parts)).split()) for _, parts in sorted(lines.items())]


async def main(check: bool) -> int:
    found: dict[str, str] = {}
    with Sandbox("tour", clock="manual", start=START) as sandbox:
        sandbox.control.advance(AGE)
        for size in PICTURES:
            found |= await undisturbed(sandbox, size)
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for name, svg in found.items():
            (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
        return 0
    outdated = [name for name, svg in found.items() if _kept(name) != words(svg)]
    if outdated:
        print(f"out of date: {', '.join(outdated)}; `make pictures` draws them anew", file=sys.stderr)
        for name in outdated:
            print(*unified_diff(_kept(name), words(found[name]), name, "now", n=0), sep="\n", file=sys.stderr)
    return 1 if outdated else 0


def _kept(name: str) -> list[str]:
    path = FOLDER / f"{name}.svg"
    return words(path.read_text(encoding="utf-8")) if path.is_file() else []


if __name__ == "__main__":
    os.environ |= {"TZ": "UTC", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    sys.exit(asyncio.run(main("--check" in sys.argv)))
