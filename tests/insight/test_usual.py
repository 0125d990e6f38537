"""What takes longer than usual."""

import pytest

from tests.examples import run
from tests.presenters.test_pipelines import job, stage
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.insight.usual import longer, place, usual_times

TRAIN = place("", "train")


def took(number: int, seconds: float | None, status: Status = Status.PASSED) -> Run:
    return run(
        f"g:a#{number}",
        stages=(stage("train", status, duration=seconds, jobs=(job("fit", duration=seconds),)),),
    )


def test_what_is_usual_is_the_median_of_what_went_well() -> None:
    earlier = [took(4, 100.0), took(3, 900.0, Status.FAILED), took(2, 120.0), took(1, 110.0), run("g:a#0")]
    assert usual_times(earlier)[TRAIN] == 110.0
    assert usual_times(earlier)[place(TRAIN, "fit")] == 115.0, "its job went well that time"


def test_one_run_makes_no_custom() -> None:
    assert usual_times([took(1, 100.0)]) == {}
    assert usual_times([took(1, 100.0), took(2, None)]) == {}


@pytest.mark.parametrize(
    ("gone", "usual", "over"),
    [
        (200.0, 100.0, 100.0),
        (120.0, 100.0, None),
        (9.0, 1.0, None),
        (11.0, 1.0, 10.0),
        (None, 100.0, None),
        (200.0, None, None),
    ],
)
def test_small_differences_are_none(gone: float | None, usual: float | None, over: float | None) -> None:
    assert longer(gone, usual) == over
