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
from tui.insight.need import Need, by_need, need, need_order

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
        ((), Need.REST),
        ((S.PASSED,), Need.REST),
        ((S.WARNING, S.FAILED), Need.REST),
        ((S.CANCELED,), Need.REST),
        ((S.SKIPPED, S.PASSED), Need.REST),
        ((S.UNKNOWN, S.PASSED), Need.REST),
        ((S.RUNNING, S.PASSED), Need.RUNNING),
        ((S.QUEUED,), Need.RUNNING),
        ((S.FAILED, S.PASSED), Need.FAILING),
        ((S.RUNNING, S.FAILED), Need.FAILING),  # somebody tries again
        ((S.CANCELED, S.FAILED), Need.FAILING),  # and gave up
        ((S.RUNNING, S.PASSED, S.FAILED), Need.RUNNING),
        ((S.WAITING, S.PASSED), Need.PERSON),
        ((S.WAITING, S.FAILED), Need.PERSON),
        ((S.RUNNING, S.WAITING, S.PASSED), Need.PERSON),
        ((S.UNKNOWN, S.WAITING), Need.PERSON),
        ((S.PASSED, S.WAITING), Need.REST),  # overtaken
        ((S.FAILED, S.WAITING), Need.FAILING),
        ((S.RUNNING, S.PASSED, S.WAITING), Need.RUNNING),
    ],
)
def test_need_follows_the_newest_runs(statuses: tuple[Status, ...], expected: Need) -> None:
    assert need(pipeline(*statuses)) is expected


def _with_gate(status: Status, *, blocking: bool) -> Pipeline:
    gate = Gate(AT.at_run(1).at_gate("Promote"), "Promote?", blocking=blocking)
    return Pipeline(AT, runs=(Run(AT.at_run(1), "", status, gates=(gate,)),))


def test_a_gate_of_a_running_run_needs_a_person_an_optional_one_does_not() -> None:
    assert need(_with_gate(S.RUNNING, blocking=True)) is Need.PERSON
    assert need(_with_gate(S.RUNNING, blocking=False)) is Need.RUNNING
    assert need(_with_gate(S.PASSED, blocking=False)) is Need.REST


def test_what_is_queued_is_as_good_as_running() -> None:
    queue = (QueueItem(1, "no executor"),)
    assert need(pipeline(queue=queue)) is Need.RUNNING
    assert need(pipeline(S.PASSED, queue=queue)) is Need.RUNNING
    assert need(pipeline(S.FAILED, queue=queue)) is Need.FAILING


def test_nobody_expects_a_disabled_pipeline_to_pass() -> None:
    assert need(pipeline(S.FAILED, disabled=True)) is Need.REST
    assert need(pipeline(S.RUNNING, S.FAILED, disabled=True)) is Need.RUNNING


def test_within_a_need_the_newest_comes_first_then_the_name() -> None:
    old = pipeline(S.PASSED, at=Address("ci", "a"), began=NOW - 100)
    new = pipeline(S.PASSED, at=Address("ci", "z"))
    twin = pipeline(S.PASSED, at=Address("ci", "y"))
    never = pipeline(at=Address("ci", "b"))
    unknown = pipeline(S.PASSED, at=Address("ci", "c"), began=None)
    assert by_need([never, unknown, old, new, twin]) == [twin, new, old, never, unknown]


def test_a_run_that_has_not_begun_counts_from_when_it_was_made() -> None:
    queued = Pipeline(AT, runs=(Run(AT.at_run(2), "", S.QUEUED, created_at=NOW + 1),))
    running = pipeline(S.RUNNING, at=Address("ci", "other"))
    assert by_need([running, queued]) == [queued, running]


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
    ordered = by_need(rows)
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert by_need(shuffled) == ordered
    assert len(ordered) == len(rows)
    assert all(need_order(a) < need_order(b) for a, b in pairwise(ordered))
    assert all(need(a) <= need(b) for a, b in pairwise(ordered))


@settings(deadline=None)
@given(pipelines)
def test_who_waits_for_a_person_comes_first_and_what_is_fine_last(row: Pipeline) -> None:
    newest = row.last.status if row.last else None
    if newest is Status.WAITING:
        assert need(row) is Need.PERSON
    if newest in (Status.PASSED, Status.WARNING) and not row.queue:
        assert need(row) is Need.REST
    if need(row) is Need.FAILING:
        assert any(run.status is Status.FAILED for run in row.runs)
