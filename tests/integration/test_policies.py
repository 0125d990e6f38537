"""A policy against the demo's servers: the degrading canary is taken back, by one of two programs, as the policy's."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from tui.config import JenkinsSettings, Policy, SafetySettings, Settings
from tui.config.alarms import AlarmSettings, SeriesCondition
from tui.domain.action import ActionKind
from tui.domain.address import parse_address
from tui.domain.alarm import AlarmState
from tui.engine.actions.journal import Journal
from tui.engine.polling.poller import Timer
from tui.engine.queries import AlarmsNow, EnvironmentsOf
from tui.engine.runtime import Runtime
from tui.insight.deployment_rules import Canary
from tui.insight.environment_state import environment_state
from tui.sandbox.process import Sandbox

POLICY = Policy(name="back", alarm="slow", model="fraud", action="rollback", at_most="1 per 6h", wait="30s")


class Hurry:
    """The sandbox's time, and a loop on which waiting for it takes moments."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._turns = 0
        self._turned = asyncio.Event()
        self.now = sandbox.control.state().now

    def clock(self) -> float:
        return self.now

    def later(self, delay: float, fn: Callable[[], None]) -> Timer:
        self._turns += 1
        self._turned.set()
        return asyncio.get_running_loop().call_later(min(delay, 0.02), fn)

    async def turns(self, count: int) -> None:
        """Until the engines have waited for time so often: they have sent what was due."""
        last = self._turns + count
        while self._turns < last:
            self._turned.clear()
            await self._turned.wait()

    async def advance(self, seconds: float) -> None:
        await asyncio.to_thread(self._sandbox.control.advance, seconds)
        self.now = (await asyncio.to_thread(self._sandbox.control.state)).now


def words(*engines: Runtime) -> list[str]:
    return [each.words for runtime in engines for each in runtime.policies.announced]


async def until(done: Callable[[], bool], time: Hurry, seconds: float) -> None:
    """Let time pass, so many seconds at once, and the engines do what is due meanwhile."""
    async with asyncio.timeout(180):
        while not done():
            await time.advance(seconds)
            await time.turns(10)


def its(sandbox: Sandbox, *, read_only: bool = False) -> Settings:
    settings = sandbox.settings(alarms=True)
    slow = SeriesCondition(model="fraud", metric="p95", above=120)
    return msgspec.structs.replace(
        settings,
        alarms={"slow": AlarmSettings(series=slow, propose=("rollback",))},
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
        # It is bad for some minutes more, and the version that was put back is innocent of that.
        await refrains(stack, settings, time, tmp_path / "afresh")
        assert len(sandbox.control.state().faces["gitlab"].writes) == 1


CHURN = Policy(name="back", alarm="slow", model="churn", action="rollback", at_most="1 per 6h", wait="30s")
NOBODY = "no rollback: roll back: no canary is deployed"
BY_PARAMETER = Canary(parameter="CANARY_PERCENT", equals="25")
BY_INPUT = Canary(input="(?i)promote")


def of_churn(sandbox: Sandbox, canary: Canary) -> Settings:
    """A canary that is slow by any measure, and how it is recognised."""
    settings = sandbox.settings(alarms=True)
    jenkins = settings.sources["jenkins"]
    assert isinstance(jenkins, JenkinsSettings)
    rules = tuple(msgspec.structs.replace(rule, canary=canary) for rule in jenkins.deployments)
    slow = SeriesCondition(model="churn", metric="p95", above=50)
    return msgspec.structs.replace(
        settings,
        sources={**settings.sources, "jenkins": msgspec.structs.replace(jenkins, deployments=rules)},
        alarms={"slow": AlarmSettings(series=slow, propose=("rollback", "retrain"))},
        safety=SafetySettings(policies=(CHURN,)),
    )


async def refrains(stack: AsyncExitStack, settings: Settings, time: Hurry, folder: Path) -> None:
    """A deck that knows nothing of what was before sees the metric still bad, and does nothing about it."""
    runtime = await started(stack, settings, time, folder)
    await until(lambda: NOBODY in words(runtime), time, 1)
    found = runtime.store.get(AlarmsNow()).value
    assert found is not None
    (alarm,) = (each for each in found.alarms if not each.origin)
    assert alarm.state is AlarmState.FIRING
    assert (alarm.before, alarm.proposals) == (None, ())
    assert alarm.advice[0] == "roll back: no canary is deployed"
    assert Journal(folder).read() == ()


def build(sandbox: Sandbox, what: str, **form: str) -> None:
    """Ask its Jenkins for something about the deploying job, as another person does."""
    jenkins = sandbox.settings().sources["jenkins"]
    assert isinstance(jenkins, JenkinsSettings)
    assert jenkins.user is not None
    assert jenkins.token is not None
    url, auth = f"{sandbox.urls['jenkins']}/job/deploy-churn/{what}", (jenkins.user, jenkins.token.reveal())
    answer = httpx.post(url, data=form, auth=auth, timeout=60, trust_env=False)
    assert answer.status_code < 400, answer.text


@pytest.mark.parametrize("canary", [BY_INPUT, BY_PARAMETER], ids=["by its gate", "by a parameter"])
async def test_where_the_canary_was_rejected_nobody_is_to_blame(tmp_path: Path, canary: Canary) -> None:
    async with AsyncExitStack() as stack:
        sandbox = await asyncio.to_thread(Sandbox("deployments", clock="manual", start=1795458000.0).start)
        stack.push_async_callback(asyncio.to_thread, sandbox.stop)
        time, settings, newest = Hurry(sandbox), of_churn(sandbox, canary), 9
        if canary is BY_PARAMETER:
            # One that is no canary takes its place, then comes a canary of the next version.
            for version, share in (("9.1", "100"), ("9.2", "25")):
                form = {"MODEL_VERSION": version, "TARGET": "production", "CANARY_PERCENT": share}
                await asyncio.to_thread(build, sandbox, "buildWithParameters", **form)
                await time.advance(60)
                newest += 1
                if share == "100":
                    await asyncio.to_thread(build, sandbox, f"{newest}/input/Promote/proceedEmpty")
                    await time.advance(60)
        looking = Runtime(msgspec.structs.replace(settings, safety=SafetySettings()), clock=time.clock)
        stack.push_async_callback(looking.close)
        there = await looking.poller.ask(EnvironmentsOf(parse_address("jenkins:deploy-churn")))
        now = environment_state(there.environments[0].deployments)
        assert now.canary is not None
        assert now.canary.run == parse_address(f"jenkins:deploy-churn#{newest}")
        await asyncio.to_thread(build, sandbox, f"{newest}/stop")
        await time.advance(20)
        sent = len(sandbox.control.state().faces["jenkins"].writes)
        await refrains(stack, settings, time, tmp_path / "after")
        await time.advance(60)
        assert len(sandbox.control.state().faces["jenkins"].writes) == sent
