"""The real Jenkins source against the sandbox's Jenkins: what it shows is what the world says."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.sandbox.serving import serving
from tui.config import JenkinsSettings, Secret
from tui.domain.address import Address
from tui.domain.pipeline import Stage
from tui.domain.status import Status
from tui.sandbox.faults import Faults
from tui.sandbox.jenkins import Options, StageSource, jenkins_app
from tui.sandbox.plan import State
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, World
from tui.sources.jenkins.source import JenkinsSource

START = 1_795_422_000.0
STATUSES = {
    State.RUNNING: Status.RUNNING,
    State.WAITING: Status.WAITING,
    State.PASSED: Status.PASSED,
    State.WARNING: Status.WARNING,
    State.FAILED: Status.FAILED,
    State.CANCELED: Status.CANCELED,
    State.SKIPPED: Status.SKIPPED,
}


@pytest.fixture
def world() -> World:
    return World(demo(), Clock(START, manual=True))


@asynccontextmanager
async def jenkins(world: World, stages: StageSource = "pipeline-overview") -> AsyncIterator[JenkinsSource]:
    # Every url in the answers points at a host that does not exist.
    options = Options(stages=stages, user="alice", token="t")
    with serving(jenkins_app(world, Faults(), options)) as url:
        settings = JenkinsSettings(url=f"{url}/jenkins", user="alice", token=Secret("t"))
        source = JenkinsSource("jenkins", settings)
        try:
            yield source
        finally:
            await source.close()


@pytest.mark.parametrize("after", [0.0, 33.0, 76.0, 400.0])
async def test_the_listing_is_the_world(world: World, after: float) -> None:
    world.clock.advance(after)
    async with jenkins(world) as source:
        listing = await source.pipelines()
    assert listing.notes == ()
    shown = {pipeline.address.path: pipeline for pipeline in listing.pipelines}
    assert set(shown) == {pipeline.path for pipeline in world.pipelines("jenkins")}
    for pipeline in world.pipelines("jenkins"):
        row = shown[pipeline.path]
        assert row.disabled == pipeline.disabled
        begun = [run for run in world.runs(pipeline) if run.begins_at <= world.now()]
        waiting = [run.id for run in world.runs(pipeline) if run.begins_at > world.now()]
        assert [item.id for item in row.queue] == waiting
        assert [run.address.run for run in row.runs] == [run.number for run in begun[: len(row.runs)]]
        assert bool(row.runs) == bool(begun)
        for seen, run in zip(row.runs, begun, strict=False):
            progress = world.progress(run)
            assert seen.status is STATUSES[progress.state]
            assert seen.started_at == pytest.approx(run.begins_at, abs=0.001)
            assert seen.revision == ("" if pipeline.kind == "freestyle" else run.commit.sha)
            assert [gate.message for gate in seen.gates] == [state.task.gate for state in progress.waiting]


@pytest.mark.parametrize("stages", ["stages", "pipeline-overview"])
@pytest.mark.parametrize("after", [0.0, 33.0, 76.0])
async def test_the_stages_are_the_plan(world: World, stages: StageSource, after: float) -> None:
    world.clock.advance(after)
    compared = 0
    async with jenkins(world, stages) as source:
        for pipeline in world.pipelines("jenkins"):
            begun = [run for run in world.runs(pipeline) if run.begins_at <= world.now()]
            if not begun or pipeline.kind == "freestyle":
                continue
            run = await source.run(Address("jenkins", pipeline.path, begun[0].number))
            leaves = {path: stage for path, stage in walk(run.stages or ()) if not stage.children}
            for state in world.progress(begun[0]).tasks:
                name = state.task.id.removeprefix("Declarative: ")
                if state.last.ready_at is None:
                    assert name not in leaves
                    continue
                stage = leaves.pop(name)
                expected = STATUSES.get(state.state)
                # Older versions say running for what waits for a machine.
                assert stage.status is expected or state.state is State.QUEUED
                assert stage.started_at == pytest.approx(state.last.ready_at, abs=0.001)
                compared += 1
            assert leaves == {}
    assert compared > 20


def walk(stages: Sequence[Stage], path: str = "") -> list[tuple[str, Stage]]:
    found = []
    for stage in stages:
        here = f"{path}{stage.name}"
        found += [(here, stage), *walk(stage.children, f"{here}/")]
    return found


@pytest.mark.parametrize("stages", ["wfapi", "none"])
async def test_poorer_stage_sources_name_the_same_stages(world: World, stages: StageSource) -> None:
    async with jenkins(world, stages) as source:
        run = await source.run(Address("jenkins", "failing-pipeline", 5))
    assert [(stage.name, stage.status) for stage in run.stages or ()] == [
        ("Checkout", Status.PASSED),
        ("Train", Status.PASSED),
        ("Validate", Status.FAILED),
        ("Publish", Status.SKIPPED),
        ("Post Actions", Status.PASSED),
    ]


async def test_an_answer_at_the_gate_is_seen(world: World) -> None:
    address = Address("jenkins", "deploy-model", 7)
    async with jenkins(world) as source:
        assert (await source.run(address)).status is Status.WAITING
        world.approve(world.runs(world.pipelines("jenkins", "deploy-model")[0])[0], "Promote")
        assert (await source.run(address)).status is Status.RUNNING
        world.clock.advance(30)
        assert (await source.run(address)).status is Status.WARNING
