"""The end of a job's trace: one request, of which a bounded part is read and less is kept."""

import tracemalloc
from typing import Any

import pytest

from tests.contract.gitlab.conftest import Connect, paths, rest
from tests.examples import run
from tests.http_stub import Reply, Stub
from tests.presenters.test_pipelines import stage
from tui.domain.address import parse_address
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Run
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.log_end import MOST, NEWEST

TRACE = rest("/projects/ml%2Ffraud/jobs/31/trace")
RUN = parse_address("gl:ml/fraud#1842")


def of(id: str, name: str, status: Status, started_at: float | None, **more: Any) -> Job:
    return Job(RUN.at_job(name), id, name, status, started_at=started_at, **more)


def failed(*jobs: Job) -> Run:
    return run(str(RUN), Status.FAILED, stages=(stage("test", Status.FAILED, jobs=jobs),))


FAILED = failed(
    of("30", "lint", Status.FAILED, 10.0, optional=True),
    of("31", "unit", Status.FAILED, 20.0),
    of("32", "fit", Status.FAILED, 30.0),
)


async def test_the_trace_of_the_job_that_failed_first_is_read_with_one_request(
    stub: Stub, connect: Connect
) -> None:
    stub.routes[TRACE] = Reply.text("one\ntwo\n")
    end = await connect().log_end(FAILED, NEWEST)
    assert (end.of, end.chosen, end.text) == (RUN.at_job("unit"), "the job that failed first", b"one\ntwo\n")
    assert (end.skipped, end.longer) == (0, False)
    assert len(paths(stub)) == 1


async def test_of_a_huge_trace_twenty_megabytes_go_by_and_one_is_kept(stub: Stub, connect: Connect) -> None:
    line = b"2026-05-08T09:28:43.725057Z 00O " + b"x" * 479 + b"\n"
    stub.routes[TRACE] = Reply.text((line * (2 * MOST // len(line))).decode())
    source = connect()
    tracemalloc.start()
    end = await source.log_end(FAILED, NEWEST)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert end.longer
    assert end.skipped > MOST - 2 * NEWEST
    assert set(end.text.split(b"\n")) == {b"x" * 479, b""}, "the line that was cut is left out"
    assert len(end.text) <= NEWEST
    sent = 2 * MOST  # the stub's own, in this process too
    assert peak < 2 * sent + 12 * NEWEST
    assert source.facts().bytes_read < MOST + NEWEST


async def test_what_has_no_log_says_why(stub: Stub, connect: Connect) -> None:
    source = connect()
    begun = await source.log_end(failed(of("31", "unit", Status.QUEUED, None)), NEWEST)
    assert begun.note == "the job unit has not started: it has no log"
    assert (await source.log_end(failed(), NEWEST)).note == "it has no job that has a log"
    assert not stub.requests


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (Reply.json({"message": "403 Forbidden"}, 403), Trouble.FORBIDDEN),
        (Reply.text("<html>", content_type="text/html"), Trouble.WRONG_ANSWER),
    ],
)
async def test_what_is_no_trace_is_a_fault(
    stub: Stub, connect: Connect, reply: Reply, trouble: Trouble
) -> None:
    stub.routes[TRACE] = reply
    with pytest.raises(SourceError) as caught:
        await connect().log_end(FAILED, NEWEST)
    assert caught.value.trouble is trouble
