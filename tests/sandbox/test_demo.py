"""The demo adds up: metrics and deployments tell the same times, and its verdicts are what it is there to show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tui.domain.address import parse_address
from tui.domain.verdict import Decision, MetricOutcome
from tui.engine.queries import ChartOf, EnvironmentsOf, VerdictOf
from tui.engine.runtime import Runtime
from tui.insight.environment_state import environment_state, served_from
from tui.sandbox.process import Control, Sandbox

START = 1795458000.0
DEPLOYING = {
    "fraud": "gitlab:ml/fraud",
    "churn": "jenkins:deploy-model",
    "vision": "jenkins:ml/vision/deploy",
}


@pytest.fixture
async def demo() -> AsyncIterator[tuple[Runtime, Control]]:
    async with AsyncExitStack() as stack:
        sandbox = await asyncio.to_thread(Sandbox("demo", clock="manual", start=START).start)
        stack.push_async_callback(asyncio.to_thread, sandbox.stop)
        runtime = Runtime(sandbox.settings(), clock=lambda: sandbox.control.state().now)
        stack.push_async_callback(runtime.close)
        yield runtime, sandbox.control


async def test_from_the_first_minute_on_fraud_is_worse_churn_is_ok_and_vision_too_young(
    demo: tuple[Runtime, Control],
) -> None:
    runtime, control = demo
    for _ in range(4):
        found = {name: await runtime.poller.ask(VerdictOf(name)) for name in DEPLOYING}
        fraud, churn, vision = found.values()
        assert fraud.decision is Decision.STOP, fraud
        assert any(each.outcome is MetricOutcome.WORSE for each in fraud.metrics[:2])
        for metric in fraud.metrics[:2]:
            # By the comparison: no limit is broken yet.
            assert metric.outcome is not MetricOutcome.OK, metric
            assert metric.canary is not None
            assert metric.fail is not None
            assert metric.canary < metric.fail
        assert churn.decision is Decision.PROMOTE, churn
        assert vision.decision is Decision.WAIT, vision
        assert not any(each.outcome is MetricOutcome.WORSE for each in vision.metrics)
        control.advance(20)


@pytest.mark.parametrize("name", DEPLOYING)
async def test_a_canary_is_measured_from_when_it_was_deployed(
    demo: tuple[Runtime, Control], name: str
) -> None:
    runtime, _ = demo
    environments = (await runtime.poller.ask(EnvironmentsOf(parse_address(DEPLOYING[name])))).environments
    now = environment_state(next(each for each in environments if each.name == "production").deployments)
    assert now.canary is not None
    assert now.stable is not None
    began = served_from(now.canary)
    assert began is not None
    span = int(START - began) + 600
    chart = await runtime.poller.ask(ChartOf(name, "p95", span, span // 30))
    (canary,) = (each for each in chart.series if each.track == "canary")
    times = [
        at
        for at, value in zip(canary.grid.times, canary.values, strict=True)
        if value is not None and at > began
    ]
    # A Jenkins job deploys some seconds after its beginning; samples are missed now and then.
    assert times[0] - began < 300
    verdict = await runtime.poller.ask(VerdictOf(name))
    assert (verdict.baseline, verdict.canary) == (now.stable.version, now.canary.version)
