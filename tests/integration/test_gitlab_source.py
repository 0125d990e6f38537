"""The real GitLab source against the sandbox's GitLab: what it shows is what the world says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.sandbox.runs import advance_until, good_run
from tests.sandbox.serving import serving
from tui.config import GitLabSettings, Secret
from tui.domain.pipeline import Job, Listing
from tui.domain.pipeline import Run as Shown
from tui.domain.status import Status
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.plan import Progress, State, TaskState
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, Run, World
from tui.sources.gitlab.graphql_queries import RECENT_PIPELINES
from tui.sources.gitlab.source import GitLabSource

START = 1_790_000_000.0
REFS = ("main", "release/*")
NO_GRAPHQL = frozenset({"Pipeline.status"})


@asynccontextmanager
async def gitlab(world: World, *, lacks: frozenset[str] = frozenset()) -> AsyncIterator[GitLabSource]:
    options = Options(token="glpat-sandbox", scopes=("read_api",), lacks=lacks)
    with serving(gitlab_app(world, Faults(), options)) as url:
        source = GitLabSource(
            "gitlab",
            GitLabSettings(
                url=f"{url}/gitlab", token=Secret("glpat-sandbox"), watch=("ml/**", "gone/away"), refs=REFS
            ),
        )
        try:
            yield source
        finally:
            await source.close()


@pytest.fixture
def world() -> World:
    return World(demo(), Clock(START, manual=True))


@pytest.mark.parametrize("after", [0.0, 61.0, 97.0, 400.0])
async def test_the_overview_is_the_world(world: World, after: float) -> None:
    world.clock.advance(after)
    async with gitlab(world) as source:
        listing = await source.pipelines()
    assert [note for note in listing.notes if "gone/away" not in note] == []
    assert rows(listing) == expected_rows(world)
    for pipeline in listing.pipelines:
        for shown in pipeline.runs:
            run = the_run(world, shown)
            seen = world.progress(run)
            assert shown.status is status_of(seen)
            assert shown.title == run.commit.title
            assert run.who in shown.cause
            assert shown.created_at == pytest.approx(run.created_at, abs=0.002)
            assert shown.started_at == pytest.approx(seen.started_at, abs=0.002)
            assert gates(shown) == expected_gates(run, seen)


async def test_what_waits_for_a_person_is_a_gate_until_it_is_played(world: World) -> None:
    run = good_run(world)
    advance_until(world, lambda: world.progress(run).of("promote/promote").state is State.WAITING)
    async with gitlab(world) as source:
        before = find(await source.pipelines(), run.id)
        assert before.status is Status.WAITING
        assert [(gate.message, gate.blocking) for gate in before.gates] == [
            ("promote", True),
            ("roll back", False),
        ]
        world.approve(run, "promote/promote", "dana")
        world.clock.advance(1)
        after = find(await source.pipelines(), run.id)
        assert after.status is Status.RUNNING
        assert [gate.message for gate in after.gates] == ["roll back"]


@pytest.mark.parametrize("lacks", [frozenset(), NO_GRAPHQL], ids=["graphql", "rest"])
@pytest.mark.parametrize("after", [0.0, 61.0, 400.0])
async def test_a_run_has_the_stages_jobs_and_children_of_the_world(
    world: World, lacks: frozenset[str], after: float
) -> None:
    world.clock.advance(after)
    run = world.project_runs("ml/fraud")[0]
    async with gitlab(world, lacks=lacks) as source:
        listing = await source.pipelines()
        assert rows(listing) == expected_rows(world)
        shown = await source.run(find(listing, run.id).address)
    must_show(world, shown, run, told_all=not lacks)
    bridge = next(job for stage in shown.stages or () for job in stage.jobs if job.name == "model card")
    child = world.child(run, "package/model card")
    assert (bridge.downstream is None) == (child is None)
    if child is not None and bridge.downstream is not None:
        must_show(world, bridge.downstream, child, told_all=not lacks)


async def test_one_pass_through_a_run_is_seen_as_it_happens(world: World) -> None:
    """From the first job to the last: at no time does the source say anything but what the world says."""
    run = good_run(world)
    words = set()
    async with gitlab(world) as source:
        address = find(await source.pipelines(), run.id).address
        while not world.progress(run).state.finished:
            world.clock.advance(9)
            shown = await source.run(address)
            must_show(world, shown, run, told_all=True)
            words.add(shown.status)
    assert words >= {Status.RUNNING, Status.WAITING}
    assert shown.status in (Status.PASSED, Status.WARNING)


async def test_a_check_finds_the_version_the_user_and_what_the_token_may(world: World) -> None:
    async with gitlab(world) as source:
        findings = await source.check()
        facts = source.facts()
    assert "error" not in {finding.level for finding in findings}
    assert facts.version.startswith("18.9")
    assert facts.user == "you"
    assert facts.read_only is True


def must_show(world: World, shown: Shown, run: Run, *, told_all: bool) -> None:
    """``shown`` is ``run`` as it is now, down to attempts and needs.

    Args:
        told_all: the transport told what REST leaves out.
    """
    seen = world.progress(run)
    assert shown.status is status_of(seen)
    assert shown.stages is not None
    assert [stage.name for stage in shown.stages] == list(dict.fromkeys(task.path[0] for task in run.tasks))
    assert gates(shown) == expected_gates(run, seen)
    if shown.status.finished:
        assert shown.duration is not None
    tested = [
        state
        for state in seen.tasks
        if "test" in state.task.name and state.state in (State.PASSED, State.FAILED) and state.last.started_at
    ]
    assert (shown.tests is not None and shown.tests.total > 0) or not tested
    for stage in shown.stages:
        states = [state for state in seen.tasks if state.task.path[0] == stage.name]
        jobs = {job.name: job for job in stage.jobs if not job.retried}
        assert list(jobs) == [state.task.name for state in states]
        for state in states:
            job = jobs[state.task.name]
            must_be(job, state, run, world)
            older = [other for other in stage.jobs if other.retried and other.name == job.name]
            assert [other.id for other in older] == [
                str(world.job_id(run, state.task.id, n)) for n in reversed(range(len(state.attempts) - 1))
            ]
            assert all(other.status is Status.FAILED for other in older)
            if told_all:
                names = {task.id: task.name for task in run.tasks}
                needs = [names[need] for need in state.task.needs] if state.task.dag else []
                assert sorted(job.needs) == sorted(needs)


def must_be(job: Job, state: TaskState, run: Run, world: World) -> None:
    task = state.task
    assert job.id == str(world.job_id(run, task.id, len(state.attempts) - 1))
    waits = {State.CREATED: Status.QUEUED, State.WARNING: Status.FAILED}
    assert job.status is waits.get(state.state, Status(state.state if state.state != "created" else "queued"))
    assert job.gate is (state.state is State.WAITING)
    assert job.optional is task.optional
    if state.last.started_at is None or state.state is State.SKIPPED:
        assert job.started_at is None
    else:
        assert job.started_at == pytest.approx(state.last.started_at, abs=0.002)


def status_of(seen: Progress) -> Status:
    return Status(seen.state)


def gates(shown: Shown) -> set[tuple[str, bool]]:
    return {(gate.message, gate.blocking) for gate in shown.gates}


def expected_gates(run: Run, seen: Progress) -> set[tuple[str, bool]]:
    return {(state.task.name, not state.task.optional) for state in seen.waiting}


def rows(listing: Listing) -> dict[tuple[str, str], list[int | None]]:
    return {
        (pipeline.address.path, pipeline.ref): [run.address.number for run in pipeline.runs]
        for pipeline in listing.pipelines
    }


def expected_rows(world: World) -> dict[tuple[str, str], list[int | None]]:
    """Each project and ref with those of the project's newest runs that are its own."""
    expected: dict[tuple[str, str], list[int | None]] = {}
    for path in world.projects:
        for run in world.project_runs(path)[:RECENT_PIPELINES]:
            expected.setdefault((path, run.pipeline.ref), []).append(run.id)
    return expected


def find(listing: Listing, run_id: int) -> Shown:
    return next(run for pipeline in listing.pipelines for run in pipeline.runs if run.address.run == run_id)


def the_run(world: World, shown: Shown) -> Run:
    assert shown.address.run is not None
    run = world.run(shown.address.number or 0)
    assert run is not None
    assert (run.pipeline.path, run.pipeline.ref, run.commit.sha) == (
        shown.address.path,
        shown.ref,
        shown.revision,
    )
    return run
