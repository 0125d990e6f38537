"""The world is a pure function of its scenario, seed, events and time."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.sandbox.plan import Event, Group, Progress, State, Task, plan, progress
from tui.sandbox.scenario import demo, many
from tui.sandbox.world import Clock, Pipeline, Refused, Run, Scenario, World

START = 1_795_422_000.0
steady = settings(deadline=None, derandomize=True)
ORDER = {State.CREATED: 0, State.QUEUED: 1, State.WAITING: 1, State.RUNNING: 2}
"""How far a state is; finished ones are furthest."""


def stage(name: str, *tasks: Task) -> Group:
    return Group(name, tasks, parallel=True)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Task, ...]:
    """Plans with parallel tasks, failures, retries, machines to wait for, gates, optional and final tasks."""
    groups: list[Task | Group] = []
    for level in range(draw(st.integers(1, 4))):
        tasks = []
        for n in range(draw(st.integers(1, 3))):
            gate = draw(st.sampled_from(["", "", "", "go on?"]))
            outcomes = draw(
                st.sampled_from(
                    [
                        (State.PASSED,),
                        (State.WARNING,),
                        (State.FAILED,),
                        (State.FAILED, State.PASSED),
                        (State.FAILED, State.FAILED),
                    ]
                )
            )
            tasks.append(
                Task(
                    f"t{n}",
                    draw(st.sampled_from([0.0, 1.0, 5.0, 20.0])),
                    wait=draw(st.sampled_from([0.0, 0.0, 3.0, inf])),
                    outcomes=outcomes,
                    gate=gate,
                    answer_after=draw(st.sampled_from([None, 4.0])) if gate else None,
                    optional=draw(st.booleans()),
                    always=draw(st.sampled_from([False, False, True])),
                )
            )
        groups.append(stage(f"s{level}", *tasks))
    if draw(st.booleans()):
        groups.append(Task("bridge", child=plan(stage("c", Task("x", 3), Task("y", 4)), Task("z", 2))))
    return plan(*groups)


def events(tasks: tuple[Task, ...]) -> st.SearchStrategy[list[Event]]:
    one = st.builds(
        Event,
        st.sampled_from([2.0, 6.0, 11.0, 30.0]),
        st.sampled_from(["approve", "reject", "cancel"]),
        st.sampled_from(["", *(task.id for task in tasks)]),
    )
    return st.lists(one, max_size=4).map(lambda found: sorted(found, key=lambda event: event.at))


histories = plans().flatmap(lambda tasks: st.tuples(st.just(tasks), events(tasks)))
TIMES = [0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0, 11.0, 15.0, 21.0, 30.0, 50.0, 100.0, 1000.0]


@steady
@given(histories)
def test_progress_is_monotone(history: tuple[tuple[Task, ...], list[Event]]) -> None:
    tasks, happened = history
    before: Progress | None = None
    for now in TIMES:
        seen = progress(tasks, 0.0, happened, now)
        for state in seen.tasks:
            for attempt in state.attempts:
                times = (attempt.ready_at, attempt.started_at, attempt.ended_at)
                known = [time for time in times if time is not None]
                assert known == sorted(known)
                assert all(time <= now for time in known)
                assert (attempt.ended_at is not None) == attempt.state.finished
        if before is not None:
            for old, new in zip(before.tasks, seen.tasks, strict=True):
                # Attempts are only added, and an attempt that has ended stays as it ended.
                assert len(new.attempts) >= len(old.attempts)
                for was, attempt in zip(old.attempts, new.attempts, strict=False):
                    if was.state.finished:
                        assert attempt == was
                    else:
                        assert ORDER.get(attempt.state, 9) >= ORDER[was.state]
        before = seen


@steady
@given(histories)
def test_no_task_starts_before_its_needs_have_ended(history: tuple[tuple[Task, ...], list[Event]]) -> None:
    tasks, happened = history
    for now in TIMES:
        seen = progress(tasks, 0.0, happened, now)
        for state in seen.tasks:
            if state.attempts[0].started_at is None:
                continue
            for need in map(seen.of, state.task.needs):
                assert need.last.ended_at is not None
                assert need.last.ended_at <= state.attempts[0].started_at
                if not state.task.always:
                    soft = need.task.optional and need.state is State.FAILED
                    assert soft or need.state in (State.PASSED, State.WARNING)


@steady
@given(histories)
def test_a_runs_state_follows_from_its_tasks(history: tuple[tuple[Task, ...], list[Event]]) -> None:
    tasks, happened = history
    for now in TIMES:
        seen = progress(tasks, 0.0, happened, now)
        states = [state.state for state in seen.tasks]
        if State.RUNNING in states:
            assert seen.state is State.RUNNING
        if seen.state.finished:
            assert seen.ended_at is not None
            assert not {State.RUNNING, State.QUEUED}.intersection(states)
            open_gates = [state for state in seen.tasks if state.state is State.WAITING]
            assert all(state.task.optional for state in open_gates)
        else:
            assert seen.ended_at is None
        hard = [s for s in seen.tasks if s.state is State.FAILED and not s.task.optional]
        if hard and seen.state.finished:
            assert seen.state is State.FAILED
        if seen.state is State.WAITING:
            assert seen.waiting
        if seen.state is State.PASSED:
            assert {State.PASSED, State.SKIPPED, State.WAITING, State.CREATED}.issuperset(states)


@steady
@given(histories, st.sampled_from(TIMES))
def test_what_has_been_seen_does_not_depend_on_what_happens_later(
    history: tuple[tuple[Task, ...], list[Event]], now: float
) -> None:
    tasks, happened = history
    past = [event for event in happened if event.at <= now]
    assert progress(tasks, 0.0, happened, now) == progress(tasks, 0.0, past, now)


def test_a_gate_holds_until_it_is_answered() -> None:
    tasks = plan(Task("train", 10), Task("promote", 5, gate="Promote?"), Task("report", 2))
    held = progress(tasks, 0.0, [], 1e9)
    assert (held.state, [state.task.name for state in held.waiting]) == (State.WAITING, ["promote"])
    assert held.of("report").state is State.CREATED
    answered = [Event(500.0, "approve", "promote")]
    assert progress(tasks, 0.0, answered, 504.0).of("promote").state is State.RUNNING
    assert progress(tasks, 0.0, answered, 507.0).state is State.PASSED
    refused = progress(tasks, 0.0, [Event(500.0, "reject", "promote")], 501.0)
    assert (refused.state, refused.of("report").state) == (State.CANCELED, State.SKIPPED)


def test_an_optional_gate_holds_nothing() -> None:
    tasks = plan(
        stage("test", Task("unit", 4), Task("extra", 9, gate="Run it?", optional=True)), Task("ship", 3)
    )
    done = progress(tasks, 0.0, [], 7.0)
    assert (done.state, done.ended_at, done.of("test/extra").state) == (State.PASSED, 7.0, State.WAITING)
    later = [Event(20.0, "approve", "test/extra")]
    assert progress(tasks, 0.0, later, 7.0) == done
    assert progress(tasks, 0.0, later, 22.0).state is State.RUNNING


def test_an_optional_failure_is_a_warning_and_holds_nothing() -> None:
    tasks = plan(Task("lint", 2, outcomes=(State.FAILED,), optional=True), Task("ship", 3))
    seen = progress(tasks, 0.0, [], 5.0)
    assert (seen.state, seen.of("lint").state, seen.of("ship").state) == (
        State.WARNING,
        State.FAILED,
        State.PASSED,
    )


def test_needs_written_by_the_author_pass_by_the_order_of_stages() -> None:
    tasks = plan(
        stage("a", Task("quick", 1), Task("slow", 50)),
        stage("b", Task("early", 1, dag=True, needs=("a/quick",)), Task("late", 1)),
    )
    seen = progress(tasks, 0.0, [], 2.0)
    assert (seen.of("b/early").state, seen.of("b/late").state) == (State.PASSED, State.CREATED)


def test_a_failed_attempt_is_followed_by_the_next_one() -> None:
    tasks = plan(Task("train", 10, outcomes=(State.FAILED, State.PASSED)))
    seen = progress(tasks, 0.0, [], 15.0)
    assert [attempt.state for attempt in seen.tasks[0].attempts] == [State.FAILED, State.RUNNING]
    assert progress(tasks, 0.0, [], 20.0).state is State.PASSED


def test_a_retry_brings_back_what_was_skipped() -> None:
    tasks = plan(Task("train", 10, outcomes=(State.FAILED,)), Task("ship", 5))
    assert progress(tasks, 0.0, [], 30.0).of("ship").state is State.SKIPPED
    retried = [Event(40.0, "retry", "train")]
    assert [progress(tasks, 0.0, retried, now).state for now in (45.0, 52.0, 55.0)] == [
        State.RUNNING,
        State.RUNNING,
        State.PASSED,
    ]


def test_what_was_canceled_can_be_retried() -> None:
    tasks = plan(Task("train", 10))
    happened = [Event(5.0, "cancel"), Event(20.0, "retry", "train")]
    assert [progress(tasks, 0.0, happened, now).state for now in (4.0, 6.0, 21.0, 30.0)] == [
        State.RUNNING,
        State.CANCELED,
        State.RUNNING,
        State.PASSED,
    ]


def test_a_bridge_lives_as_long_as_its_child() -> None:
    tasks = plan(
        Task("build", 5), Task("bridge", child=plan(Task("x", 4), Task("y", 6, outcomes=(State.FAILED,))))
    )
    assert progress(tasks, 0.0, [], 4.0).of("bridge").child is None
    child = progress(tasks, 0.0, [], 10.0).of("bridge").child
    assert child is not None
    assert [state.state for state in child.tasks] == [State.PASSED, State.RUNNING]
    done = progress(tasks, 0.0, [], 15.0)
    assert (done.state, done.of("bridge").last.ended_at) == (State.FAILED, 15.0)
    inside = progress(tasks, 0.0, [Event(10.0, "cancel", "bridge > y")], 10.0)
    assert inside.of("bridge").state is State.CANCELED


def picture(world: World) -> list[tuple[Run, Progress]]:
    return [(run, world.progress(run)) for p in world.scenario.pipelines for run in world.runs(p)]


@settings(steady, max_examples=15)
@given(st.lists(st.floats(0.1, 90.0), max_size=6), st.integers(0, 3))
def test_how_often_the_world_is_asked_changes_nothing(steps: list[float], seed: int) -> None:
    watched = World(demo(), Clock(START, manual=True), seed=seed)
    for step in steps:
        watched.clock.advance(step)
        picture(watched)
    late = World(demo(), Clock(START, manual=True), seed=seed)
    late.clock.advance(watched.now() - late.now())
    assert picture(watched) == picture(late)


def test_the_same_actions_at_the_same_times_give_the_same_world() -> None:
    def story(*, curious: bool) -> World:
        world = World(demo(), Clock(START, manual=True))
        deploy = world.pipelines("jenkins", "deploy-model")[0]
        for _ in range(10):
            world.clock.advance(7)
            if curious:
                picture(world)
        world.approve(world.runs(deploy)[0], "Promote", "alice")
        world.clock.advance(60)
        world.trigger(deploy, "bob", [("TARGET", "staging")])
        world.clock.advance(20)
        return world

    assert picture(story(curious=True)) == picture(story(curious=False))


def test_another_seed_is_another_world() -> None:
    first, second = (World(demo(), Clock(START, manual=True), seed=seed) for seed in (1, 2))
    assert picture(first) != picture(second)


def test_the_demo_begins_with_something_of_everything() -> None:
    world = World(demo(), Clock(START, manual=True))
    newest = {
        (p.system, p.path, p.ref): world.progress(runs[0]).state
        for p in world.scenario.pipelines
        if (runs := world.runs(p))
    }
    for system in ("jenkins", "gitlab"):
        states = {state for (of, _, _), state in newest.items() if of == system}
        assert {State.RUNNING, State.WAITING, State.FAILED, State.PASSED} <= states
    assert State.QUEUED in newest.values()
    oldest = min(run.created_at for p in world.scenario.pipelines for run in world.runs(p))
    assert START - oldest > 3 * 3600


def test_the_demo_moves_within_any_thirty_seconds() -> None:
    world = World(demo(), Clock(START, manual=True))
    for _ in range(40):
        before = picture(world)
        world.clock.advance(30)
        changed = {run.pipeline.system for run, seen in picture(world) if (run, seen) not in before}
        assert changed == {"jenkins", "gitlab"}


def test_a_turn_is_dropped_while_the_last_run_is_unfinished() -> None:
    gated = plan(Task("go", 1, gate="Go?"))
    pipeline = Pipeline(system="gitlab", path="a/b", tasks=gated, every=10, history=1)
    world = World(Scenario(pipelines=(pipeline,)), Clock(START, manual=True))
    world.clock.advance(95)
    (run,) = world.runs(pipeline)
    world.approve(run, "go")
    world.clock.advance(6)
    assert [run.number for run in world.runs(pipeline)] == [2, 1]


def test_a_turn_is_decided_by_what_was_before_it_even_if_nobody_looked() -> None:
    pipeline = Pipeline(
        system="gitlab", path="a/b", tasks=plan(Task("go", 0, gate="Go?")), every=10, history=1
    )
    pictures = []
    for curious in (True, False):
        world = World(Scenario(pipelines=(pipeline,)), Clock(START, manual=True))
        (run,) = world.runs(pipeline)
        world.clock.advance(10)  # a turn comes while the gate is open
        if curious:
            world.runs(pipeline)
        world.approve(run, "go")
        pictures.append(picture(world))
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) == 1


def test_a_finished_run_goes_on_when_retried() -> None:
    world = World(demo(), Clock(START, manual=True))
    run = world.runs(world.pipelines("jenkins", "failing-pipeline")[0])[0]
    assert world.progress(run).state is State.FAILED
    world.retry(run, "Validate")
    assert world.progress(run).state is State.RUNNING
    world.clock.advance(20)
    assert world.progress(run).state is State.PASSED


def test_ids_are_unique_and_jobs_are_found_by_them() -> None:
    world = World(demo(), Clock(START, manual=True))
    world.clock.advance(60)
    found = picture(world)
    assert len({run.id for run, _ in found}) == len(found)
    for run, seen in found:
        for state in seen.tasks:
            for attempt in range(len(state.attempts)):
                number = world.job_id(run, state.task.id, attempt)
                assert world.find_job(number) == (run, state, attempt)


def test_a_child_run_exists_once_its_bridge_has_started_it() -> None:
    world = World(demo(), Clock(START, manual=True))
    run = world.runs(world.pipelines("gitlab", "ml/fraud")[0])[0]
    assert world.child(run, "package/model card") is None
    world.clock.advance(60)
    child = world.child(run, "package/model card")
    assert child is not None
    assert (child.parent, child.cause, world.run(child.id)) == (run.id, "parent", child)
    assert world.progress(child) == world.progress(run).of("package/model card").child
    assert child not in world.project_runs("ml/fraud")


def test_what_cannot_be_done_is_refused() -> None:
    world = World(demo(), Clock(START, manual=True))
    run = world.runs(world.pipelines("jenkins", "failing-pipeline")[0])[0]
    with pytest.raises(Refused, match="does not wait"):
        world.approve(run, "Train")
    with pytest.raises(Refused, match="skipped"):
        world.retry(run, "Publish")
    with pytest.raises(Refused, match="disabled"):
        world.trigger(world.pipelines("jenkins", "old-import")[0])


def test_a_triggered_run_carries_its_parameters() -> None:
    world = World(demo(), Clock(START, manual=True))
    run = world.trigger(
        world.pipelines("jenkins", "deploy-model")[0], "alice", [("TARGET", "staging"), ("NO", "x")]
    )
    assert run.parameters == (
        ("MODEL_VERSION", "2026.11.8"),
        ("TARGET", "staging"),
        ("DRY_RUN", "false"),
        ("CANARY_PERCENT", "10"),
    )
    assert (run.who, run.cause, run.created_at) == ("alice", "user", START)


def test_many_has_the_size_asked_for() -> None:
    world = World(many(jobs=30, projects=7), Clock(START, manual=True))
    assert (len(world.pipelines("jenkins")), len(world.projects)) == (30, 7)
    assert all(world.runs(p) for p in world.scenario.pipelines)
    assert world.project_id(world.projects[0]) != world.project_id(world.projects[1])
