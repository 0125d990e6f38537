"""Whether something has not happened for too long: fresh, stale, or not known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deployed import HOUR, deployed, environment
from tests.examples import NOW, pipeline, run
from tui.domain.absence import LastSeen
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.training import TrainingRun
from tui.insight.absence import by_the_clock, changes_at, of_deployments, of_runs, of_trainings, reading

LIMIT = 26 * HOUR


def look(last: LastSeen | None, *, now: float = NOW, watched: float = HOUR) -> tuple[str, str]:
    seen = reading("fraud", "training", LIMIT, last, now, now - watched, "26h")
    return seen.state, seen.words


@pytest.mark.parametrize(
    ("last", "state", "words"),
    [
        (None, "unknown", ""),
        (LastSeen(NOW - HOUR, "run 41", 0.0), "good", "fraud has been trained: run 41"),
        (
            LastSeen(NOW - HOUR, "run 41", None, "mlflow is down"),
            "good",
            "fraud has been trained: run 41",
        ),
        (LastSeen(NOW + 60, "run 41", 0.0), "good", "fraud has been trained: run 41"),
        (
            LastSeen(NOW - 31 * HOUR, "run 41", 0.0, tried=3),
            "bad",
            "fraud has not been trained for 1d 07h (last: run 41, tried 3 times since); expected every 26h",
        ),
        (LastSeen(NOW - 31 * HOUR, "run 41", None, "mlflow is down"), "unknown", "mlflow is down"),
        (LastSeen(why="not permitted"), "unknown", "not permitted"),
        (LastSeen(None, "", NOW - 3 * HOUR), "unknown", "only what happened in the last 3h 00m is seen"),
        (
            LastSeen(None, "", NOW - 30 * HOUR),
            "bad",
            "fraud has not been trained for 1d 06h or longer; expected every 26h",
        ),
        (
            LastSeen(NOW - 40 * HOUR, "run 1", NOW - 30 * HOUR),
            "bad",
            "fraud has not been trained for 1d 06h or longer (last: run 1); expected every 26h",
        ),
        (LastSeen(None, "", 0.0), "unknown", "fraud has never been trained; watched for 1h 00m"),
    ],
)
def test_three_states(last: LastSeen | None, state: str, words: str) -> None:
    assert look(last) == (state, words)


def test_what_never_happened_is_missed_once_it_was_watched_for_so_long() -> None:
    never = LastSeen(None, "", 0.0)
    assert look(never, watched=LIMIT - 1)[0] == "unknown"
    state, words = look(never, watched=LIMIT)
    assert (state, words) == ("bad", "fraud has never been trained, as far as is seen; expected every 26h")


@given(
    st.one_of(st.none(), st.floats(0, NOW)),
    st.one_of(st.none(), st.floats(0, NOW)),
    st.floats(0, 1e6),
)
def test_nothing_is_missed_that_could_not_be_seen(
    at: float | None, covered: float | None, watched: float
) -> None:
    last = LastSeen(at, "x", covered, "why")
    seen = reading("m", "training", LIMIT, last, NOW, NOW - watched)
    if seen.state == "bad":
        assert covered is not None
        assert covered <= NOW - LIMIT
        assert at is None or at <= NOW - LIMIT
        assert seen.since is not None
        assert seen.since <= NOW
    due = changes_at(LIMIT, last, NOW - watched)
    assert (due is None) == (covered is None)


def passed(one: Run) -> bool:
    return one.status is Status.PASSED


def failed(one: Run) -> bool:
    return one.status is Status.FAILED


def at(number: int, hours: float, status: Status = Status.PASSED, **more: Any) -> Run:
    return run(f"ci:train#{number}", status, started_at=NOW - hours * HOUR, duration=60.0, **more)


def test_the_newest_run_that_counts_and_what_came_to_nothing_since() -> None:
    runs = pipeline("ci:train", at(4, 1, Status.FAILED), at(3, 2, Status.FAILED), at(2, 3), at(1, 9))
    found = of_runs([runs], passed, failed)
    assert (found.at, found.what, found.tried) == (NOW - 3 * HOUR + 60, "ci:train#2, passed", 2)
    assert found.covered == NOW - 9 * HOUR, "of what was before its oldest run a list says nothing"


def test_of_several_lists_the_shortest_decides_how_far_is_seen() -> None:
    found = of_runs([pipeline("ci:a", at(9, 1)), pipeline("ci:b", at(3, 2), at(1, 99))], failed, failed)
    assert (found.at, found.covered) == (None, NOW - HOUR)


def test_a_disabled_job_is_said_to_be() -> None:
    found = of_runs([pipeline("ci:train", at(1, 99), disabled=True)], passed, failed)
    assert found.what == "ci:train#1, passed, ci:train is disabled"


@pytest.mark.parametrize(
    ("cause", "clock"),
    [("timer", True), ("schedule by dana", True), ("cron", True), ("push by dana", False), ("", False)],
)
def test_what_the_clock_starts(cause: str, clock: bool) -> None:
    assert by_the_clock(at(1, 1, cause=cause)) is clock


def test_a_canary_and_a_failure_are_no_deployment() -> None:
    place = environment(
        "ci:app@live",
        deployed("3", HOUR, canary=True),
        deployed("2b", 2 * HOUR, Status.FAILED),
        deployed("2", 5 * HOUR),
        deployed("1", 9 * HOUR),
    )
    found = of_deployments(place)
    assert (found.at, found.what, found.tried) == (NOW - 5 * HOUR + 60, "2 to live", 1)
    cut = of_deployments(environment("ci:app@live", read_since=NOW - 30 * HOUR))
    assert (cut.at, cut.covered) == (None, NOW - 30 * HOUR)


def test_a_training_that_failed_does_not_count_but_is_told() -> None:
    done = TrainingRun("a", "one", Status.PASSED, "FINISHED", ended_at=NOW - 31 * HOUR)
    others = (
        TrainingRun("b", "two", Status.FAILED, "FAILED", started_at=NOW - HOUR),
        TrainingRun("c", "old", Status.FAILED, "FAILED", started_at=NOW - 90 * HOUR),
    )
    found = of_trainings(done, others)
    assert (found.at, found.what, found.tried) == (NOW - 31 * HOUR, "training run one", 1)
    assert of_trainings(None, others) == LastSeen(None, "", 0.0, tried=2)
