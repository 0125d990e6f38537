"""Delivery figures: each is what its meaning says, of the runs it names."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.deployed import DAY, HOUR, deployed
from tests.examples import NOW, run
from tui.domain.deployment import Deployment
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.insight.delivery import Figure, figures

S = Status


def told(
    *deployments: Deployment, runs: tuple[Run, ...] = (), days: float = 28, since: float | None = None
) -> dict[str, Figure]:
    found = figures(deployments, runs, NOW - days * DAY, NOW, since)
    return {each.name: each for each in found}


def numbers(figure: Figure) -> list[int | None]:
    return [each.number for each in figure.runs]


def at(number: int, version: str, ago: float, status: Status = S.PASSED, **more: object) -> Deployment:
    return deployed(version, ago, status, run=f"g:a#{number}/deploy", **more)


def test_without_anything_read_nothing_is_told() -> None:
    assert {each.value for each in told().values() if each.name != "frequency"} == {None}
    assert told()["frequency"].value == 0.0


def test_the_frequency_counts_what_became_the_stable_version() -> None:
    found = told(
        at(5, "4", HOUR, canary=True),
        at(4, "3", DAY),
        at(3, "2", 2 * DAY, S.FAILED),
        at(2, "2", 3 * DAY),
        at(1, "1", 60 * DAY),
    )["frequency"]
    assert (found.value, found.count, numbers(found)) == (0.5, 2, [4, 2])


def test_the_frequency_is_over_the_time_that_was_read() -> None:
    found = told(at(2, "2", DAY), at(1, "1", 6 * DAY), since=NOW - 7 * DAY)["frequency"]
    assert found.value == 2.0


def test_the_lead_time_is_from_the_commit_or_its_first_known_run() -> None:
    found = told(
        at(3, "3", 3 * DAY, committed_at=NOW - 3 * DAY - HOUR),
        at(2, "2", 2 * DAY, revision="b"),
        at(1, "1", DAY, revision="unknown"),
        runs=(
            run("g:a#12", created_at=NOW - 2 * DAY, revision="b"),
            run("g:a#11", created_at=NOW - 2 * DAY - 3 * HOUR, revision="b"),
        ),
    )["lead time"]
    assert (found.value, found.count, numbers(found)) == (2 * HOUR + 60, 2, [2, 3])


def test_going_back_to_a_version_is_no_delivery_of_it() -> None:
    found = told(
        at(3, "1", DAY, committed_at=NOW - 20 * DAY),
        at(2, "2", 2 * DAY, committed_at=NOW - 2 * DAY),
        at(1, "1", 10 * DAY, committed_at=NOW - 10 * DAY),
    )["lead time"]
    assert (found.count, found.value) == (2, 60.0)


def test_a_version_fails_once_whether_its_deployment_did_or_it_was_taken_back() -> None:
    found = told(
        at(7, "2", HOUR),  # back from 3
        at(6, "3", 2 * HOUR),
        at(5, "3", 3 * HOUR, S.FAILED),
        at(4, "2", DAY),
        at(3, "2", 2 * DAY, S.FAILED),
        at(2, "1b", 3 * DAY),
        at(1, "1", 4 * DAY),
    )["change failures"]
    assert (found.value, found.count) == (50.0, 4)
    assert numbers(found) == [6, 5, 3]


def test_restoring_lasts_from_the_first_failure_to_the_next_good_deployment() -> None:
    found = told(
        at(5, "3", HOUR),
        at(4, "2b", 2 * HOUR, S.FAILED),
        at(3, "2a", 3 * HOUR, S.FAILED),
        at(2, "2", 4 * HOUR, S.FAILED),
        at(1, "1", DAY),
    )["time to restore"]
    assert (found.value, found.count, numbers(found)) == (3 * HOUR, 1, [5, 2])


def test_what_was_taken_back_was_broken_from_the_time_it_came() -> None:
    found = told(at(3, "1", HOUR), at(2, "2", 2 * HOUR), at(1, "1", DAY))["time to restore"]
    assert (found.value, numbers(found)) == (HOUR, [3, 2])


def test_a_failure_that_lasts_is_not_told_yet() -> None:
    assert told(at(2, "2", HOUR, S.FAILED), at(1, "1", DAY))["time to restore"].value is None


def test_the_pass_rate_is_of_runs_that_came_to_a_result() -> None:
    found = told(
        runs=(
            run("g:a#6", S.RUNNING),
            run("g:a#5", S.CANCELED),
            run("g:a#4", S.WARNING),
            run("g:a#3", S.FAILED),
            run("g:a#2"),
            run("g:a#1", started_at=NOW - 40 * DAY),
        )
    )["pass rate"]
    assert found.count == 3
    assert round(found.value or 0) == 67
    assert sorted(numbers(found), key=str) == [2, 3, 4]


HISTORY = st.lists(
    st.builds(
        at,
        st.integers(1, 999),
        st.sampled_from("12345"),
        st.floats(60.0, 80 * DAY),
        st.sampled_from((S.PASSED, S.PASSED, S.FAILED, S.CANCELED, S.RUNNING)),
        canary=st.booleans(),
        committed_at=st.one_of(st.none(), st.just(NOW - 90 * DAY)),
    ),
    max_size=12,
    unique_by=(lambda each: each.started_at, lambda each: each.run),
)
RUNS = st.lists(
    st.builds(
        lambda number, ago, status: run(f"g:a#{number}", status, started_at=NOW - ago),
        st.integers(1, 999),
        st.floats(60.0, 80 * DAY),
        st.sampled_from(list(S)),
    ),
    max_size=8,
    unique_by=lambda each: each.address,
)


@given(HISTORY, RUNS, st.integers(), st.floats(1.0, 90.0))
def test_figures_are_sane_and_do_not_depend_on_the_order(
    history: list[Deployment], runs: list[Run], seed: int, days: float
) -> None:
    start = NOW - days * DAY
    found = figures(history, runs, start, NOW)
    shuffled, shuffled_runs = list(history), list(runs)
    Random(seed).shuffle(shuffled)
    Random(seed).shuffle(shuffled_runs)
    assert figures(shuffled, shuffled_runs, start, NOW) == found
    sources = {each.run.of_run for each in history if each.run} | {each.address for each in runs}
    for figure in found:
        assert set(figure.runs) <= sources
        assert figure.value is None or figure.value >= 0
        if figure.unit == "percent":
            assert figure.value is None or figure.value <= 100
        assert (figure.value is None) == (figure.count == 0) or figure.name == "frequency"


@given(HISTORY, st.floats(1.0, 30.0), st.floats(1.0, 50.0))
def test_a_longer_window_counts_no_less(history: list[Deployment], days: float, more: float) -> None:
    short = figures(history, (), NOW - days * DAY, NOW)
    long = figures(history, (), NOW - (days + more) * DAY, NOW)
    for one, other in zip(short, long, strict=True):
        assert one.count <= other.count


@given(HISTORY, st.floats(0.0, 5 * DAY))
def test_only_distances_in_time_count(history: list[Deployment], shift: float) -> None:
    def moved(at: float | None) -> float | None:
        return None if at is None else at + shift

    later = [
        msgspec.structs.replace(
            each,
            started_at=moved(each.started_at),
            finished_at=moved(each.finished_at),
            committed_at=moved(each.committed_at),
        )
        for each in history
    ]
    for one, other in zip(
        figures(history, (), NOW - 28 * DAY, NOW),
        figures(later, (), NOW - 28 * DAY + shift, NOW + shift),
        strict=True,
    ):
        assert one.runs == other.runs
        assert abs((one.value or 0.0) - (other.value or 0.0)) < 1e-3
