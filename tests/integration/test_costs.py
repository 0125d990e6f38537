"""What a refresh costs the servers, counted by the sandbox that is asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.engine.world import NoJitter, Time
from tui.config import ServerSettings, Settings
from tui.domain.pipeline import Listing
from tui.engine.queries import PipelinesOf
from tui.engine.queries.pipelines import LISTING_IDLE
from tui.engine.runtime import Runtime
from tui.sandbox.process import Face, Sandbox

JOBS, PROJECTS = 200, 50
REFRESH: dict[Face, int] = {"jenkins": 2, "gitlab": 1}
"""List and queue; what has changed in fifty projects."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Two hours later, when none of those runs any more that had to be started."""
    with Sandbox("many", clock="manual", jobs=JOBS, projects=PROJECTS) as sandbox:
        sandbox.control.advance(7200)
        yield sandbox


class Running:
    """An engine that has the list of one face read once, and goes on."""

    def __init__(self, sandbox: Sandbox, face: Face, runtime: Runtime, time: Time, listing: Listing) -> None:
        self.runtime = runtime
        self.time = time
        self.listing = listing
        self._sandbox = sandbox
        self._face = face

    async def minutes(self, number: float) -> tuple[int, int]:
        """Requests that came to the server, and bytes of its answers, in so many minutes of the engine's time."""
        before, read = self._sandbox.control.requests(self._face), self._read
        for _ in range(int(number * 12)):
            await self.time.advance(5)
            if self.runtime.poller._tasks:
                await asyncio.wait(self.runtime.poller._tasks, timeout=30)
            await self.time.advance(0)
        return self._sandbox.control.requests(self._face) - before, self._read - read

    @property
    def _read(self) -> int:
        return self.runtime.sources.facts(self._face).bytes_read


def _at_rest(table: ServerSettings) -> ServerSettings:
    """Without every tenth pipeline, those that are started again and again."""
    watch = {
        "jenkins": [f"**/job-*{digit}" for digit in range(1, 10)],
        "gitlab": [f"group-{number // 10}/project-{number:02}" for number in range(PROJECTS) if number % 10],
    }
    return msgspec.structs.replace(table, watch=tuple(watch[str(table.__struct_config__.tag)]))


@asynccontextmanager
async def running(sandbox: Sandbox, face: Face) -> AsyncIterator[Running]:
    time = Time()
    time.now = sandbox.control.state().now
    settings = Settings(sources={face: _at_rest(sandbox.settings().sources[face])})
    runtime = Runtime(settings, clock=time.clock, rng=NoJitter(), later=time.later)
    listing = await runtime.poller.ask(PipelinesOf(face))
    with runtime.poller.watch() as watch:
        watch.want(PipelinesOf(face))
        task = asyncio.create_task(runtime.run())
        yield Running(sandbox, face, runtime, time, listing)
        await runtime.close()
        await task


@pytest.mark.parametrize("face", ["jenkins", "gitlab"])
async def test_what_rests_is_refreshed_twice_a_minute(sandbox: Sandbox, face: Face) -> None:
    async with running(sandbox, face) as work:
        assert len(work.listing.pipelines) >= (JOBS if face == "jenkins" else PROJECTS) * 9 // 10
        requests, _ = await work.minutes(5)
        assert requests == REFRESH[face] * 5 * 60 / LISTING_IDLE


@pytest.mark.parametrize("face", ["jenkins", "gitlab"])
async def test_a_quarter_is_asked_without_focus(sandbox: Sandbox, face: Face) -> None:
    async with running(sandbox, face) as work:
        work.runtime.poller.set_focus(False)
        requests, _ = await work.minutes(8)
        assert requests == REFRESH[face] * 8 * 60 / LISTING_IDLE / 4


async def test_jobs_at_rest_are_told_of_in_half_the_bytes(sandbox: Sandbox) -> None:
    async with running(sandbox, "jenkins") as work:
        first = work.runtime.sources.facts("jenkins").bytes_read
        requests, read = await work.minutes(2)
        assert read / (requests / REFRESH["jenkins"]) < first / 2
