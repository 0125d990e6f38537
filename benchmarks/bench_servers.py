"""What the servers are asked: requests and bytes a minute, of the list and the run under the cursor.

The engine's clock is driven and the servers' stands still or moves with it, so minutes take seconds. Beside it is what
others ask for as much, by their sources: a client that asks for every run each 10 s; for Jenkins the list and then ten
jobs each 10 s (jenkins-tui by edulog87); for GitLab two requests a minute for each active pipeline and one for each
project (glim).
"""

import asyncio
from collections.abc import Callable

import msgspec

from benchmarks.table import Row
from tests.engine.world import NoJitter, Time
from tui.config import GitLabSettings, JenkinsSettings, Settings
from tui.engine.engine import Engine
from tui.engine.questions import PipelinesOf, RunAt
from tui.sandbox.process import Face, Sandbox

STEP = 5.0
BUSY = 0.05

PEERS: dict[Face, tuple[str, Callable[[int], float]]] = {
    "jenkins": ("edulog87", lambda pipelines: 6 * (1 + min(10, pipelines))),
    "gitlab": ("glim", lambda pipelines: pipelines + 2 * 2 * BUSY * pipelines),
}


async def _minutes(
    sandbox: Sandbox, settings: Settings, face: Face, minutes: int, *, moving: bool
) -> tuple[float, float]:
    """Requests and bytes a minute, after the first."""
    time = Time()
    time.now = sandbox.control.state().now
    engine = Engine(settings, clock=time.clock, rng=NoJitter(), later=time.later)
    question = PipelinesOf(face)
    listing = await engine.ask(question)
    watch = engine.watch()
    shown = next((pipeline.runs[0] for pipeline in listing.pipelines if pipeline.runs), None)
    watch.want(question, *([RunAt(shown.address)] if shown is not None else []))
    running = asyncio.create_task(engine.run())

    async def pass_time(seconds: float) -> None:
        for _ in range(int(seconds / STEP)):
            if moving:
                await asyncio.to_thread(sandbox.control.advance, STEP)
            await time.advance(STEP)
            if engine._tasks:
                await asyncio.wait(engine._tasks, timeout=30)
            await time.advance(0)

    await pass_time(60)
    before = engine.servers.facts(face)
    await pass_time(60 * minutes)
    after = engine.servers.facts(face)
    await engine.close()
    await running
    return (after.requests - before.requests) / minutes, (after.bytes_read - before.bytes_read) / minutes


def _at_rest(table: JenkinsSettings | GitLabSettings) -> JenkinsSettings | GitLabSettings:
    """Without every tenth pipeline, those that are started again and again."""
    kind = "job" if isinstance(table, JenkinsSettings) else "project"
    return msgspec.structs.replace(table, watch=tuple(f"**/{kind}-*{digit}" for digit in range(1, 10)))


def rows(quick: bool) -> list[Row]:
    sizes: dict[Face, tuple[int, ...]] = {"jenkins": (10, 200, 1000), "gitlab": (10, 50, 500)}
    found = []
    for face, counts in sizes.items():
        for count in counts[: 1 if quick else None]:
            numbers = {"jobs": count, "projects": 1} if face == "jenkins" else {"jobs": 1, "projects": count}
            with Sandbox("many", clock="manual", **numbers) as sandbox:  # type: ignore[arg-type]
                table = sandbox.settings().sources[face]
                assert isinstance(table, JenkinsSettings | GitLabSettings)
                for moving in (True, False):
                    if not moving:
                        sandbox.control.advance(7200)
                    settings = Settings(sources={face: table if moving else _at_rest(table)})
                    asked, size = asyncio.run(
                        _minutes(sandbox, settings, face, 1 if quick else 2, moving=moving)
                    )
                    words = "some running" if moving else "idle"
                    what = f"{face}, {count} pipelines, {words}"
                    # Jenkins: list and queue each 10 s and the run under the cursor; GitLab: one for ten projects.
                    most = 6 * 2 + 3 * 20.0 if face == "jenkins" else 6 * -(-count // 10) + 3 * 20.0
                    found += [
                        Row(f"{what}: requests a minute", asked, "", "naive", 6.0 * count, most=most),
                        Row(f"{what}: bytes a minute", size / 1000, "kB"),
                    ]
                    if moving:
                        peer, pattern = PEERS[face]
                        found.append(Row("  beside a peer", asked, "", peer, pattern(count)))
    return found
