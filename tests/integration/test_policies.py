"""A policy against the demo's servers: the degrading canary is taken back, by one of two programs, as the policy's."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from tui.config import Policy, SafetySettings, Settings
from tui.config.alarms import AlarmSettings, SeriesCondition
from tui.domain.action import ActionKind
from tui.engine.actions.journal import Journal
from tui.engine.polling.poller import Timer
from tui.engine.runtime import Runtime
from tui.sandbox.process import Sandbox

POLICY = Policy(name="back", alarm="slow", model="fraud", action="rollback", at_most="1 per 6h", wait="30s")


class Hurry:
    """The sandbox's time, and a loop on which waiting for it takes moments."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.now = sandbox.control.state().now

    def clock(self) -> float:
        return self.now

    def later(self, delay: float, fn: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(min(delay, 0.02), fn)

    async def advance(self, seconds: float) -> None:
        await asyncio.to_thread(self._sandbox.control.advance, seconds)
        self.now = (await asyncio.to_thread(self._sandbox.control.state)).now


def words(*engines: Runtime) -> list[str]:
    return [each.words for runtime in engines for each in runtime.policies.announced]


async def until(done: Callable[[], bool], time: Hurry, seconds: float = 0.0) -> None:
    async with asyncio.timeout(180):
        while not done():
            if seconds:
                await time.advance(seconds)
            await asyncio.sleep(0.05)


def its(sandbox: Sandbox, *, read_only: bool = False) -> Settings:
    settings = sandbox.settings(alarms=True)
    slow = SeriesCondition(model="fraud", metric="p95", above=140)
    return msgspec.structs.replace(
        settings,
        alarms={"slow": AlarmSettings(series=slow)},
        safety=SafetySettings(policies=(POLICY,), read_only=read_only),
    )


async def started(stack: AsyncExitStack, settings: Settings, time: Hurry, folder: Path) -> Runtime:
    runtime = Runtime(settings, clock=time.clock, later=time.later, journal=Journal(folder))
    running = asyncio.create_task(runtime.run())

    async def stop() -> None:
        await runtime.close()
        await running

    stack.push_async_callback(stop)
    return runtime


@pytest.mark.parametrize("read_only", [False, True])
async def test_the_degrading_canary_is_taken_back_once(tmp_path: Path, read_only: bool) -> None:
    async with AsyncExitStack() as stack:
        sandbox = await asyncio.to_thread(Sandbox("demo", clock="manual", start=1795458000.0).start)
        stack.push_async_callback(asyncio.to_thread, sandbox.stop)
        time = Hurry(sandbox)
        settings = its(sandbox, read_only=read_only)
        engines = [await started(stack, settings, time, tmp_path) for _ in range(2)]
        if read_only:
            await until(lambda: "no rollback: read-only: this session only looks" in words(*engines), time, 2)
            assert sandbox.control.state().faces["gitlab"].writes == ()
            return
        await until(lambda: any(": done: " in each for each in words(*engines)), time, 2)
        (write,) = sandbox.control.state().faces["gitlab"].writes
        assert (write.method, write.path.rpartition("/")[2]) == ("POST", "retry")
        (record,) = Journal(tmp_path).read()
        assert (record.first.policy, record.first.kind) == ("back", ActionKind.ROLLBACK.value)
        assert record.first.target == "gitlab:ml/fraud@production"
        assert record.plan is not None
        assert record.plan.request.reason == "policy back: alarm slow"
        assert record.outcome is not None
        assert record.outcome.state == "done"
