"""How long until something is worth asking again."""

from itertools import pairwise

import pytest

from tests.engine.world import START, address, listing_of, run_of
from tui.domain.address import Address
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Job, Listing, Pipeline, QueueItem, Run, Stage
from tui.domain.series import Chart, Grid, Series
from tui.domain.status import Status
from tui.engine.polling.schedule import after_fault
from tui.engine.queries import ChartOf, PipelinesOf, RunAt
from tui.engine.queries.base import NEVER

AT = address("train", 7)


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        (Status.QUEUED, 10),
        (Status.RUNNING, 10),
        (Status.WAITING, 30),  # parked at a manual job, maybe for weeks
        (Status.PASSED, 30),
        (Status.FAILED, 30),
        (Status.UNKNOWN, 30),
    ],
)
def test_a_listing_is_asked_sooner_while_something_runs(status: Status, seconds: float) -> None:
    older = run_of(address("train", 6), Status.PASSED)
    assert PipelinesOf("ci").wait(listing_of(run_of(AT, status), older)) == seconds
    assert PipelinesOf("ci").wait(listing_of(older, run_of(AT, status))) == seconds


def test_a_queue_counts_as_running_and_an_empty_listing_idles() -> None:
    queued = Pipeline(Address("ci", "train"), queue=(QueueItem(1, "no executor"),))
    assert PipelinesOf("ci").wait(Listing((queued,))) == 10
    assert PipelinesOf("ci").wait(Listing(())) == 30


@pytest.mark.parametrize("status", list(Status))
def test_a_run_is_asked_as_it_lives(status: Status) -> None:
    seconds = RunAt(AT).wait(run_of(AT, status))
    expected = {Status.QUEUED: 3, Status.RUNNING: 3, Status.WAITING: 10, Status.UNKNOWN: 30}
    assert seconds == expected.get(status, NEVER)


def _parent(child: Status) -> Run:
    at = address("deploy", 3)
    bridge = Job(AT.at_job("deploy"), "9", "deploy", Status.PASSED, downstream=run_of(at, child))
    inner = Stage("2", "inner", Status.PASSED, jobs=(bridge,))
    return run_of(AT, Status.PASSED, stages=(Stage("1", "outer", Status.PASSED, children=(inner,)),))


def test_a_finished_run_lives_as_long_as_a_child_of_it() -> None:
    assert RunAt(AT).wait(_parent(Status.RUNNING)) == 10
    assert RunAt(AT).wait(_parent(Status.PASSED)) == NEVER


@pytest.mark.parametrize(("step", "seconds"), [(5, 15), (15, 15), (60, 60)])
def test_a_chart_is_asked_once_a_step_but_not_often(step: int, seconds: float) -> None:
    query = ChartOf("fraud", "p95", 3600, 60)
    grid = Grid(int(START) // step * step, int(START) // step * step + step, step)
    chart = Chart((Series("p95", "canary", grid, (1.0, 2.0)),))
    assert query.wait(chart) == seconds


def test_an_empty_chart_has_a_cadence_too() -> None:
    assert ChartOf("fraud", "p95", 3600, 0).wait(Chart(())) == 3600
    assert ChartOf("fraud", "p95", 3600, 60).wait(Chart(())) == 60


def test_failures_back_off_to_a_minute() -> None:
    waits = [after_fault(Fault(Trouble.TIMEOUT, ""), failures) for failures in range(1, 2000)]
    assert waits[:6] == [2, 4, 8, 16, 32, 60]
    assert all(a <= b for a, b in pairwise(waits))
    assert waits[-1] == 60


@pytest.mark.parametrize("trouble", [Trouble.UNAUTHORIZED, Trouble.FORBIDDEN, Trouble.NOT_FOUND, Trouble.TLS])
def test_a_definite_no_is_not_asked_again_soon(trouble: Trouble) -> None:
    assert after_fault(Fault(trouble, ""), 1) == 60


def test_a_refused_request_is_hardly_asked_again() -> None:
    assert after_fault(Fault(Trouble.REFUSED, ""), 1) == 600
