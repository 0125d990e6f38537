"""The stages on which a run's duration hangs. Times are seconds from its start."""

from typing import Any

import msgspec
import pytest

from tests.examples import run
from tests.presenters.test_pipelines import stage
from tui.domain.address import Address
from tui.domain.pipeline import Job, Stage
from tui.domain.status import Status
from tui.insight.critical_path import CriticalPath, critical_path

RUN = Address("g", "a", 1)
GOES_ON: Any = None


def path(*stages: Stage) -> CriticalPath:
    return critical_path(run("g:a#1", stages=stages))


def names(*stages: Stage) -> list[str]:
    return [step.name for step in path(*stages).steps]


def ran(name: str, start: float, end: float | None, **more: Any) -> Stage:
    """A Jenkins stage, which tells what comes before it (``needs``)."""
    status = Status.PASSED if end is not None else Status.RUNNING
    return stage(name, status, started_at=start, duration=None if end is None else end - start, **more)


def job(name: str, start: float | None, end: float | None, *, id: str = "", **more: Any) -> Job:
    status = Status.PASSED if end is not None else Status.RUNNING if start is not None else Status.QUEUED
    took = end - start if start is not None and end is not None else None
    return Job(
        RUN.at_job(name),
        id or name,
        name,
        **{"status": status, "started_at": start, "duration": took, **more},
    )


def of(name: str, *jobs: Job, needs: tuple[str, ...] = ()) -> Stage:
    """A GitLab stage."""
    return stage(name, jobs=jobs, needs=needs)


def test_a_line_of_stages_is_all_of_it() -> None:
    assert names(ran("a", 0, 10), ran("b", 10, 30, needs=("a",)), ran("c", 31, 40, needs=("b",))) == [
        "a",
        "b",
        "c",
    ]


def test_of_branches_the_one_that_ends_last_is_on_it() -> None:
    branches = (
        ran("unit", 10, 50, kind="branch"),
        ran(
            "gpu",
            10,
            90,
            kind="branch",
            children=(ran("fetch", 10, 20), ran("fit", 20, 90, needs=("fetch",))),
        ),
        ran("lint", 10, 12, kind="branch"),
    )
    found = path(
        ran("check", 0, 10),
        ran("test", 10, 90, needs=("check",), children=branches),
        ran("ship", 91, 95, needs=("test",)),
    )
    assert [step.name for step in found.steps] == ["check", "fetch", "fit", "ship"]
    assert found.keys == {
        "/check", "/test", "/test/gpu", "/test/gpu/fetch", "/test/gpu/fit", "/ship",
    }  # fmt: skip


def test_jobs_wait_for_all_of_the_stage_before_unless_they_say_what_they_need() -> None:
    build = of("build", job("wheel", 0, 30), job("image", 0, 80))
    test = of("test", job("unit", 80, 100), job("fit", 30, 200, needs=("wheel",)), needs=("build",))
    assert names(build, test, of("ship", job("ship", 200, 210), needs=("test",))) == ["wheel", "fit", "ship"]
    assert names(build, of("test", job("unit", 80, 100), needs=("build",))) == ["image", "unit"]


def test_a_job_that_needs_nothing_begins_it() -> None:
    build = of("build", job("wheel", 0, 30))
    assert names(build, of("test", job("scan", 1, 300), needs=("build",))) == ["scan"]


def test_what_was_retried_took_its_time_too() -> None:
    old = job("fit", 10, 60, id="1", retried=True, status=Status.FAILED)
    found = path(of("a", job("prepare", 0, 10)), of("b", job("fit", 75, 100, id="2", queued_for=5.0), old))
    assert [step.key for step in found.steps] == ["/a/job prepare", "/b/job 1", "/b/job 2"]
    assert [step.idle for step in found.steps] == [None, 0.0, 10.0]
    assert found.queued == 5.0


def test_waiting_for_a_runner_is_told_apart_from_what_nobody_explains() -> None:
    found = path(of("a", job("a", 0, 10)), of("b", job("b", 100, 130, queued_for=40.0)))
    last = found.steps[-1]
    assert (last.queued_for, last.idle) == (40.0, 50.0)
    assert path(of("a", job("a", 0, 10))).steps[0].queued_for is None, "nobody tells"


def test_of_a_run_that_goes_on_it_leads_to_what_has_run_longest() -> None:
    found = path(
        of("a", job("a", 0, 10)),
        of(
            "b",
            job("quick", 10, 20),
            job("fit", 11, GOES_ON),
            job("eval", 15, GOES_ON),
            job("later", None, None),
        ),
    )
    assert [(step.name, step.ended_at) for step in found.steps] == [("a", 10.0), ("fit", None)]


def test_where_only_a_gate_is_left_it_leads_there() -> None:
    optional = job("roll back", None, None, status=Status.WAITING, gate=True, optional=True)
    gate = job("promote", None, None, status=Status.WAITING, gate=True, needs=("canary",))
    found = path(of("a", job("canary", 0, 10), job("pages", 0, 15)), of("b", optional, gate))
    assert [step.name for step in found.steps] == ["canary"]
    assert "/b/job promote" in found.keys
    assert "/b/job roll back" not in found.keys


def test_a_stage_that_waited_for_a_person_held_up_the_rest() -> None:
    gate = ran("promote?", 10, 12, paused=1000.0)
    assert names(ran("a", 0, 10), gate, ran("b", 1012, 1020)) == ["a", "promote?", "b"]


def test_child_pipelines_are_walked_through() -> None:
    child = run("g:a#2", stages=(of("x", job("slow", 10, 90), job("fast", 10, 20)),))
    found = path(of("a", job("trigger", 5, 95, downstream=child)))
    assert [step.key for step in found.steps] == ["/a/job trigger/x/job slow"]
    assert "/a/job trigger" in found.keys


def test_a_flat_list_in_which_branches_overlap_goes_by_the_times() -> None:
    flat = (
        ran("a", 0, 10),
        ran("left", 10, 60, needs=("a",)),
        ran("right", 10, 40, needs=("left",)),
        ran("z", 60, 70, needs=("right",)),
    )
    assert names(*flat) == ["a", "left", "z"]


@pytest.mark.parametrize(
    "stages",
    [
        (),
        (stage("a", Status.SKIPPED, started_at=None, duration=None),),
        (ran("a", 5, 5), ran("b", 5, 5)),
        (ran("a", 100, 50), ran("b", 0, GOES_ON), ran("c", 0, GOES_ON)),
    ],
)
def test_odd_times_lead_nowhere_for_ever(stages: tuple[Stage, ...]) -> None:
    assert len(path(*stages).steps) <= len(stages)
    assert msgspec.structs.asdict(path(*stages))
