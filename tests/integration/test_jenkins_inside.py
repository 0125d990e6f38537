"""What goes on inside runs, and beside them, in the sandbox's Jenkins: child runs, locks, cells, the queue."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from tests.contract.jenkins.support import Instant
from tests.sandbox.serving import serving
from tui.config import JenkinsSettings
from tui.domain.address import Address
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.insight.tests import compare
from tui.presenters.plain_text import run_text
from tui.presenters.tests import group_cases
from tui.sandbox.faults import Faults
from tui.sandbox.jenkins import Options, StageSource, jenkins_app
from tui.sandbox.plan import State, Task, plan
from tui.sandbox.world import Clock, Pipeline, Scenario, World
from tui.sources.base import SourceError
from tui.sources.jenkins.source import JenkinsSource

START = 1_795_422_000.0
STARTS = {"rec/evaluate": ("rec/train", "evaluate")}
CELLS = ("PRECISION=bf16,SEED=1", "PRECISION=fp16,SEED=1")


def pipeline(path: str, *tasks: Task, **more: object) -> Pipeline:
    given = {"system": "jenkins", "path": path, "tasks": plan(*tasks), "cause": "user", "history": 1, **more}
    return Pipeline(**given)  # type: ignore[arg-type]


def scenario() -> Scenario:
    """At the start ``rec/train`` is in its second stage, which has begun ``rec/evaluate``."""
    matrix = tuple(Task(name, 4, tests=60, outcomes=(State.WARNING,)) for name in CELLS)
    return Scenario(
        pipelines=(
            pipeline("rec/train", Task("fit", 5), Task("evaluate", 60), age=10),
            pipeline("rec/evaluate", Task("score", 40), age=4),
            pipeline("rec/train-large", Task("hold", 600, label="a100"), age=30),
            pipeline(
                "rec/finetune", Task("prepare", 2), Task("finetune", 30, label="a100", wait=inf), age=20
            ),
            Pipeline(
                system="jenkins",
                path="rec/matrix",
                kind="matrix",
                tasks=matrix,
                cause="user",
                history=1,
                age=60,
            ),
            pipeline(
                "rec/sweep",
                Task("build", 9),
                kind="freestyle",
                wait=inf,
                label="h100",
                age=60,
                parameters=(("LR", "1e-4"), ("NOTE", "first\nsecond")),
            ),
        )
    )


@asynccontextmanager
async def jenkins(
    stages: StageSource = "pipeline-overview", **options: object
) -> AsyncIterator[JenkinsSource]:
    world = World(scenario(), Clock(START, manual=True))
    setup = Options(stages=stages, starts=STARTS, locks=frozenset({"a100"}))
    for name, value in options.items():
        setattr(setup, name, value)
    with serving(jenkins_app(world, Faults(), setup)) as url:
        source = JenkinsSource("ci", JenkinsSettings(url=f"{url}/jenkins"), clock=Instant())
        try:
            yield source
        finally:
            await source.close()


def rows(stages: tuple[Stage, ...] | None) -> Iterator[Job]:
    for stage in stages or ():
        yield from stage.jobs
        yield from rows(stage.children)


async def read(source: JenkinsSource, path: str) -> Run:
    return await source.run(Address("ci", path, 1))


@pytest.mark.parametrize("stages", ["stages", "pipeline-overview", "wfapi"])
@pytest.mark.parametrize("listed", [False, True])
async def test_child_and_parent_are_rows_of_one_another(stages: StageSource, listed: bool) -> None:
    async with jenkins(stages) as source:
        if listed:
            await source.pipelines()
        parent = await read(source, "rec/train")
        assert [(str(job.address), job.status) for job in rows(parent.stages)] == [
            ("ci:rec/evaluate#1", Status.RUNNING)
        ]
        (shown,) = (line for line in run_text(parent, (), START).splitlines() if "evaluate#1" in line)
        assert shown.split()[:3] == ["└─", "rec/evaluate#1", "running"]
        child = await read(source, "rec/evaluate")
        assert child.upstream is not None
        assert (str(child.upstream.address), child.upstream.status) == ("ci:rec/train#1", Status.RUNNING)
        assert "↑ rec/train#1" in run_text(child, (), START)


@pytest.mark.parametrize("stages", ["stages", "pipeline-overview", "wfapi"])
@pytest.mark.parametrize("seen", [False, True])
async def test_a_run_that_waits_for_a_lock_says_so(stages: StageSource, seen: bool) -> None:
    async with jenkins(stages, shows_locks=seen) as source:
        run = await read(source, "rec/finetune")
        words = "held by rec » train-large #1, place 1 in the queue"
        assert run.waiting_reason == f"waits for lock a100, {words}"
        assert [(job.name, job.status, job.reason) for job in rows(run.stages)] == [
            ("lock a100", Status.QUEUED, words)
        ]
        assert words in run_text(run, (), START).splitlines()[2]
        assert (await read(source, "rec/train-large")).waiting_reason == ""


async def test_cells_of_a_matrix_have_rows_logs_and_tests() -> None:
    async with jenkins() as source:
        run = await read(source, "rec/matrix")
        assert [(str(job.address), job.status) for job in rows(run.stages)][1:] == [
            (f"ci:rec/matrix/{cell}#1", Status.WARNING) for cell in CELLS
        ]
        cell = await read(source, f"rec/matrix/{CELLS[1]}")
        assert cell.status is Status.WARNING
        log = source.log(cell.address)
        written = bytearray()

        class Sink:
            def begin(self, position: int) -> None:
                written.clear()

            def feed(self, data: bytes) -> None:
                written.extend(data)

        assert (await log.read(Sink())).complete
        assert written
        one, both = await source.tests(cell.address), await source.tests(run.address)
        assert both.counts.total == 2 * one.counts.total
        (first, *_) = group_cases(both, compare(both, run, ()), START)
        same = [line for line in first.lines if line.name == first.lines[0].name]
        assert [line.where.split("  ")[0] for line in same] == list(CELLS)


async def test_a_cell_that_is_none_is_not_found() -> None:
    async with jenkins() as source:
        with pytest.raises(SourceError, match="404"):
            await read(source, "rec/matrix/PRECISION=int8,SEED=1")


async def test_what_is_queued_has_its_parameters() -> None:
    async with jenkins() as source:
        (sweep,) = (one for one in (await source.pipelines()).pipelines if one.name == "sweep")
        (item,) = sweep.queue
        assert dict(item.parameters) == {"LR": "1e-4", "NOTE": "first\nsecond"}
        assert item.cause in scenario().people
