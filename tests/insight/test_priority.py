"""The order of the list: those that need a person, then failing, running, the rest."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.address import Address
from tui.domain.pipeline import Gate, Pipeline, QueueItem, Run
from tui.domain.status import Status
from tui.insight.priority import Priority, by_priority, priority_of, priority_order

NOW = 1_700_000_000.0
AT = Address("ci", "train")
S = Status


def pipeline(*statuses: Status, at: Address = AT, began: float | None = NOW, **rest: Any) -> Pipeline:
    """A pipeline whose runs, newest first, have these statuses."""
    runs = tuple(
        Run(at.at_run(len(statuses) - index), "", status, started_at=None if began is None else began - index)
        for index, status in enumerate(statuses)
    )
    return Pipeline(at, name=at.path, runs=runs, **rest)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), Priority.REST),
        ((S.PASSED,), Priority.REST),
        ((S.WARNING, S.FAILED), Priority.REST),
        ((S.CANCELED,), Priority.REST),
        ((S.SKIPPED, S.PASSED), Priority.REST),
        ((S.UNKNOWN, S.PASSED), Priority.REST),
        ((S.RUNNING, S.PASSED), Priority.RUNNING),
        ((S.QUEUED,), Priority.RUNNING),
        ((S.FAILED, S.PASSED), Priority.FAILING),
        ((S.RUNNING, S.FAILED), Priority.FAILING),  # somebody tries again
        ((S.CANCELED, S.FAILED), Priority.FAILING),  # and gave up
        ((S.RUNNING, S.PASSED, S.FAILED), Priority.RUNNING),
        ((S.WAITING, S.PASSED), Priority.PERSON),
        ((S.WAITING, S.FAILED), Priority.PERSON),
        ((S.RUNNING, S.WAITING, S.PASSED), Priority.PERSON),
        ((S.UNKNOWN, S.WAITING), Priority.PERSON),
        ((S.PASSED, S.WAITING), Priority.REST),  # overtaken
        ((S.FAILED, S.WAITING), Priority.FAILING),
        ((S.RUNNING, S.PASSED, S.WAITING), Priority.RUNNING),
        ((S.SKIPPED, S.WAITING, S.PASSED), Priority.PERSON),  # a skipped run overtakes nothing
        ((S.SKIPPED, S.RUNNING, S.PASSED), Priority.RUNNING),
    ],
)
def test_need_follows_the_newest_runs(statuses: tuple[Status, ...], expected: Priority) -> None:
    assert priority_of(pipeline(*statuses)) is expected


def _with_gate(status: Status, *, blocking: bool) -> Pipeline:
    gate = Gate(AT.at_run(1).at_gate("Promote"), "Promote?", blocking=blocking)
    return Pipeline(AT, runs=(Run(AT.at_run(1), "", status, gates=(gate,)),))


def test_a_gate_of_a_running_run_needs_a_person_an_optional_one_does_not() -> None:
    assert priority_of(_with_gate(S.RUNNING, blocking=True)) is Priority.PERSON
    assert priority_of(_with_gate(S.RUNNING, blocking=False)) is Priority.RUNNING
    assert priority_of(_with_gate(S.PASSED, blocking=False)) is Priority.REST


def test_what_is_queued_is_as_good_as_running() -> None:
    queue = (QueueItem(1, "no executor"),)
    assert priority_of(pipeline(queue=queue)) is Priority.RUNNING
    assert priority_of(pipeline(S.PASSED, queue=queue)) is Priority.RUNNING
    assert priority_of(pipeline(S.FAILED, queue=queue)) is Priority.FAILING


def test_nobody_expects_a_disabled_pipeline_to_pass() -> None:
    assert priority_of(pipeline(S.FAILED, disabled=True)) is Priority.REST
    assert priority_of(pipeline(S.RUNNING, S.FAILED, disabled=True)) is Priority.RUNNING


def test_within_a_need_the_newest_comes_first_then_the_name() -> None:
    old = pipeline(S.PASSED, at=Address("ci", "a"), began=NOW - 100)
    new = pipeline(S.PASSED, at=Address("ci", "z"))
    twin = pipeline(S.PASSED, at=Address("ci", "y"))
    never = pipeline(at=Address("ci", "b"))
    unknown = pipeline(S.PASSED, at=Address("ci", "c"), began=None)
    assert by_priority([never, unknown, old, new, twin]) == [twin, new, old, never, unknown]


def test_a_run_that_has_not_begun_counts_from_when_it_was_made() -> None:
    queued = Pipeline(AT, runs=(Run(AT.at_run(2), "", S.QUEUED, created_at=NOW + 1),))
    running = pipeline(S.RUNNING, at=Address("ci", "other"))
    assert by_priority([running, queued]) == [queued, running]


pipelines = st.builds(
    lambda statuses, path, ref, began, queued, disabled: pipeline(
        *statuses,
        at=Address("ci", path),
        began=began,
        ref=ref,
        queue=(QueueItem(1, ""),) if queued else (),
        disabled=disabled,
    ),
    st.lists(st.sampled_from(Status), max_size=4),
    st.text("ab/%é", min_size=1, max_size=3),
    st.sampled_from(["", "main", "feat/[/foo]"]),
    st.none() | st.sampled_from([NOW - 1, NOW, NOW + 1]),
    st.booleans(),
    st.booleans(),
)
lists = st.lists(pipelines, max_size=12, unique_by=lambda each: each.key)


@settings(deadline=None)
@given(lists, st.randoms(use_true_random=False))
def test_the_order_depends_on_nothing_but_the_pipelines(rows: list[Pipeline], rng: Random) -> None:
    ordered = by_priority(rows)
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert by_priority(shuffled) == ordered
    assert len(ordered) == len(rows)
    assert all(priority_order(a) < priority_order(b) for a, b in pairwise(ordered))
    assert all(priority_of(a) <= priority_of(b) for a, b in pairwise(ordered))


@settings(deadline=None)
@given(pipelines)
def test_who_waits_for_a_person_comes_first_and_what_is_fine_last(row: Pipeline) -> None:
    newest = row.last.status if row.last else None
    if newest is Status.WAITING:
        assert priority_of(row) is Priority.PERSON
    if newest in (Status.PASSED, Status.WARNING) and not row.queue:
        assert priority_of(row) is Priority.REST
    if priority_of(row) is Priority.FAILING:
        assert any(run.status is Status.FAILED for run in row.runs)
