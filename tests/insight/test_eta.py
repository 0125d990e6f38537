"""How long things take and when they should end."""

import pytest

from tui.domain.address import Address
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.insight.eta import Eta, elapsed, expected_end

NOW = 1_700_000_000.0
AT = Address("ci", "train")


def run(
    number: int = 9,
    status: Status = Status.RUNNING,
    *,
    at: Address = AT,
    ref: str = "main",
    began: float | None = NOW - 100,
    took: float | None = None,
    expected: float | None = None,
) -> Run:
    return Run(
        at.at_run(number),
        f"#{number}",
        status,
        ref=ref,
        started_at=began,
        duration=took,
        expected_duration=expected,
    )


def earlier(*took: float, ref: str = "main", at: Address = AT, status: Status = Status.PASSED) -> list[Run]:
    return [run(number, status, took=each, ref=ref, at=at) for number, each in enumerate(took, 1)]


@pytest.mark.parametrize("status", [Status.RUNNING, Status.WAITING])
def test_what_goes_on_has_taken_the_time_since_it_began(status: Status) -> None:
    assert elapsed(run(status=status), NOW) == 100
    assert elapsed(Job(AT, "1", "fit", status, started_at=NOW - 7), NOW) == 7
    assert elapsed(Stage("1", "fit", status, started_at=NOW - 7, paused=3), NOW) == 4


def test_what_is_done_took_what_its_source_says() -> None:
    assert elapsed(run(status=Status.PASSED, took=42), NOW) == 42
    assert elapsed(Stage("1", "fit", Status.FAILED, started_at=NOW - 900, duration=0.5, paused=3), NOW) == 0.5


def test_what_is_not_known_is_not_told() -> None:
    assert elapsed(run(status=Status.QUEUED, began=None), NOW) is None
    assert elapsed(run(status=Status.PASSED), NOW) is None
    assert elapsed(run(status=Status.UNKNOWN), NOW) is None


def test_a_server_ahead_of_us_gives_no_negative_times() -> None:
    assert elapsed(run(began=NOW + 5), NOW) == 0
    assert elapsed(Stage("1", "fit", Status.WAITING, started_at=NOW - 3, paused=4), NOW) == 0


def test_the_server_knows_best() -> None:
    assert expected_end(run(expected=160), earlier(500, 500), NOW) == Eta(NOW + 60, 0, "server")


@pytest.mark.parametrize(
    ("took", "median"), [((120,), 120), ((90, 500, 150), 150), ((100, 140, 120, 900), 130)]
)
def test_else_the_median_of_earlier_runs_tells(took: tuple[float, ...], median: float) -> None:
    for expected in (None, 0.0, -1.0):
        eta = expected_end(run(expected=expected), earlier(*took), NOW)
        assert eta == Eta(NOW - 100 + median, 0, "history")


def test_a_late_run_says_how_late() -> None:
    assert expected_end(run(expected=70), [], NOW) == Eta(NOW - 30, 30, "server")
    assert expected_end(run(), earlier(60), NOW) == Eta(NOW - 40, 40, "history")


def test_only_comparable_runs_count() -> None:
    others = [
        *earlier(1, 2, at=Address("ci", "lint")),
        *earlier(3, status=Status.FAILED),
        *earlier(4, status=Status.CANCELED),
        run(5, Status.PASSED),
        run(9, Status.PASSED, took=6),  # the run itself, as it was before a retry
    ]
    assert expected_end(run(), others, NOW) is None
    warned = earlier(200, status=Status.WARNING)
    assert expected_end(run(), [*others, *warned], NOW) == Eta(NOW + 100, 0, "history")


def test_runs_of_the_same_ref_are_preferred() -> None:
    nightly = earlier(9000, 9100, 9200, ref="nightly")
    assert expected_end(run(), [*nightly, *earlier(150)], NOW) == Eta(NOW + 50, 0, "history")
    assert expected_end(run(), nightly, NOW) == Eta(NOW + 9000, 0, "history")


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.RUNNING])
def test_what_does_not_run_has_no_expected_end(status: Status) -> None:
    assert expected_end(run(status=status, expected=160), earlier(150), NOW) is None


def test_nor_has_what_has_not_begun() -> None:
    assert expected_end(run(began=None, expected=160), earlier(150), NOW) is None
    assert expected_end(run(), [], NOW) is None
