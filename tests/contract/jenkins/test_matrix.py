"""Matrix projects: their cells are rows, runs with logs and tests of their own."""

from tests.contract.jenkins.support import ABSENT, asked, core, jenkins, recorded
from tests.http_stub import Route
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.presenters.pipelines import stage_lines
from tui.sources.jenkins.names import cell_name, cell_path

JOB = "/job/rec/job/matrix-eval"
CELL = "PRECISION=fp16,SEED=2"
ADDRESS = Address("ci", f"rec/matrix-eval/{CELL}", 1)


async def parent(name: str, number: int) -> Run:
    async with jenkins({f"{JOB}/{number}/api/json": recorded(name)}) as (source, stub):
        run = await source.run(Address("ci", "rec/matrix-eval", number))
        assert len(stub.requests) == 1
    return run


async def test_the_cells_that_a_run_built_are_rows() -> None:
    """One that it left out is told of with its older number, and is no row."""
    run = await parent("matrix-parent-runs-tree-second", 2)
    lines = stage_lines(run, 0.0)
    assert [(line.prefix + line.name, line.word, line.time) for line in lines] == [
        ("matrix-eval", "warning", ""),
        ("├─ PRECISION=bf16,SEED=1", "passed", "4s"),
        ("├─ PRECISION=fp16,SEED=1", "passed", "4s"),
        ("└─ PRECISION=fp16,SEED=2", "warning", "4s"),
    ]
    assert lines[0].address == run.address.at_job("matrix-eval")
    assert str(lines[-1].address) == "ci:rec/matrix-eval/PRECISION=fp16,SEED=2#2"


RUNS = {
    "matrix-parent-running": (1, 4),
    "matrix-parent-second": (2, 3),
    "matrix-parent-runs-tree-second": (2, 3),
}
CELLS = ("matrix-cell-build",)


async def test_every_recorded_matrix_run() -> None:
    for name, (number, cells) in RUNS.items():
        (stage,) = (await parent(name, number)).stages or ()
        assert len(stage.children) == cells


async def test_a_cell_is_a_run_with_a_log_and_tests() -> None:
    """Where it lies, the controller is asked once: a job may be called so, too."""
    routes: dict[str, Route] = {
        f"{JOB}/{CELL}/api/json": core({"_class": "hudson.matrix.MatrixConfiguration"}),
        f"{JOB}/{CELL}/1/api/json": recorded("matrix-cell-build"),
        f"{JOB}/{CELL}/1/testReport/api/json": recorded("matrix-cell-testReport"),
        f"{JOB}/1/api/json": recorded("matrix-parent-running"),
        f"{JOB}/{CELL}/1/logText/progressiveText": recorded("matrix-cell-log-progressive"),
    }
    async with jenkins(routes) as (source, stub):
        run = await source.run(ADDRESS)
        assert (run.status, run.duration) == (Status.WARNING, 4.017)
        assert run.upstream is not None
        assert str(run.upstream.address) == "ci:rec/matrix-eval#1"
        report = await source.tests(ADDRESS)
        assert (report.counts.total, report.counts.failed) == (2, 1)
        log = source.log(ADDRESS)
        text = bytearray()

        class Sink:
            def begin(self, position: int) -> None:
                text.clear()

            def feed(self, data: bytes) -> None:
                text.extend(data)

        await log.read(Sink())
        assert b"Finished: UNSTABLE" in text
        assert asked(stub).count(f"{JOB}/{CELL}/api/json") == 1


async def test_a_job_that_is_called_like_a_cell_is_a_job() -> None:
    routes: dict[str, Route] = {
        "/job/f/job/A%3D1/3/api/json": core({"number": 3, "result": "SUCCESS", "building": False}),
        "/job/f/A=1/api/json": ABSENT,
    }
    async with jenkins(routes) as (source, stub):
        for _ in range(2):
            assert (await source.run(Address("ci", "f/A=1", 3))).status is Status.PASSED
        assert asked(stub) == ["/job/f/A=1/api/json", "/job/f/job/A%3D1/3/api/json"]


async def test_a_cell_that_was_seen_in_its_run_is_not_looked_for() -> None:
    routes: dict[str, Route] = {
        f"{JOB}/1/api/json": recorded("matrix-parent-running"),
        f"{JOB}/{CELL}/1/api/json": recorded("matrix-cell-build"),
    }
    async with jenkins(routes) as (source, stub):
        await source.run(Address("ci", "rec/matrix-eval", 1))
        await source.run(ADDRESS)
        assert asked(stub)[:2] == [f"{JOB}/1/api/json", f"{JOB}/{CELL}/1/api/json"]


async def test_nothing_is_done_to_a_cell_alone() -> None:
    """A build of it would be answered with yes, and never run (contracts: jenkins_observed, Matrix)."""
    routes: dict[str, Route] = {
        f"{JOB}/{CELL}/api/json": core({"_class": "hudson.matrix.MatrixConfiguration"})
    }
    async with jenkins(routes) as (source, _):
        assert await source.offers(ADDRESS) == ()
        plan = await source.plan(ActionRequest(ActionKind.RETRY, ADDRESS))
    assert (plan.possible, plan.steps) == (False, ())
    assert plan.why_not == "a cell of a matrix is started and stopped with the whole: ci:rec/matrix-eval"


def test_addresses_of_cells() -> None:
    assert cell_path("a/b/X=1,Y=2") == "/job/a/job/b/X=1,Y=2"
    assert cell_path("a/X=a b,Y=") == "/job/a/X=a%20b,Y="
    assert cell_path("X=1") is None
    assert cell_path("a/b") is None
    assert cell_path("a/X=1,Y") is None
    assert cell_name("http://[x/1/") == ""
    assert cell_name("http://c/job/a/7/") == ""
    assert cell_name("http://c/job/a/X=%C3%A9,Y=2/7/") == "X=é,Y=2"
