"""What looking at a failed run costs its server, counted by the sandbox that is asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.engine.world import NoJitter, Time
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.engine.queries import ExcerptOf, FailuresOf, PipelinesOf, RunAt
from tui.engine.runtime import Runtime
from tui.sandbox.process import Face, Sandbox
from tui.sources.http.limiter import Limiter

FAILED: dict[Face, str] = {"jenkins": "failing-pipeline", "gitlab": "ml/features/store"}
MOST = 3
"""Requests for one failed run, beside those for its stages."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("demo", clock="manual") as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests a second as there are."""
    monkeypatch.setitem(Limiter.__init__.__kwdefaults__ or {}, "rate", 1e6)


@asynccontextmanager
async def engine(sandbox: Sandbox, face: Face) -> AsyncIterator[tuple[Runtime, Time, Run]]:
    """An engine that has listed the pipelines of one face, and the failed run among them."""
    time = Time()
    time.now = sandbox.control.state().now
    settings = Settings(sources={face: sandbox.settings().sources[face]})
    runtime = Runtime(settings, clock=time.clock, rng=NoJitter(), later=time.later)
    try:
        listing = await runtime.poller.ask(PipelinesOf(face))
        runs = [run for pipeline in listing.pipelines for run in pipeline.runs]
        where = Address(face, FAILED[face])
        yield (
            runtime,
            time,
            next(r for r in runs if r.address.pipeline == where and r.status is Status.FAILED),
        )
    finally:
        await runtime.close()


@pytest.mark.parametrize("face", ["jenkins", "gitlab"])
async def test_a_failed_run_is_explained_with_three_requests_once(sandbox: Sandbox, face: Face) -> None:
    async with engine(sandbox, face) as (runtime, time, run):
        poller, at = runtime.poller, run.address
        await poller.ask(RunAt(at))
        before = sandbox.control.requests(face)
        excerpt, failures = await asyncio.gather(poller.ask(ExcerptOf(at)), poller.ask(FailuresOf(at)))
        assert sandbox.control.requests(face) - before <= MOST
        assert excerpt.error is not None
        assert "assert 0.07 < 0.01" in "\n".join(excerpt.lines[excerpt.error :])
        assert failures.counts == (run.tests or failures.counts)
        asked = sandbox.control.requests(face)
        task = asyncio.create_task(runtime.run())
        with poller.watch() as watch:
            for _ in range(10):  # back and forth between it and another row
                watch.want(RunAt(at), ExcerptOf(at), FailuresOf(at))
                await time.advance(600)
                watch.want()
                await time.advance(600)
        poller.stop()
        await task
        assert sandbox.control.requests(face) == asked
