"""The end of a console: with one request where the controller can begin there, bounded where it cannot."""

import msgspec

from tests.contract.jenkins.log_support import BUILD, LOG, crlf, finished, text
from tests.contract.jenkins.support import jenkins, recorded
from tests.contract.jenkins.test_logs import parts
from tests.examples import run
from tests.http_stub import Reply, Request, Route
from tests.presenters.test_pipelines import job, stage
from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.sources.log_end import MOST, NEWEST, LogEnd

PLAIN = run("ci:slow-logs#2", Status.FAILED)
BIG = b"".join(b"line %08d of the console\n" % number for number in range(100_000))
assert len(BIG) > 2 * NEWEST


async def ended(route: Route, of: Run = PLAIN) -> tuple[LogEnd, list[str]]:
    """The end of the log, and the offsets that were asked for."""
    async with jenkins({LOG: route}) as (source, stub):
        end = await source.log_end(of, NEWEST)
        return end, [request.query["start"][0] for request in stub.requests]


async def test_a_new_controller_is_asked_once_for_the_last_bytes_only() -> None:
    at = BIG.find(b"\n", len(BIG) - NEWEST) + 1

    def tail(request: Request) -> Reply:
        assert request.headers["accept"].startswith("multipart/form-data")
        return parts(BIG[at:], {"completed": True, "start": at, "end": len(BIG)})

    end, starts = await ended(tail)
    assert starts == [str(-NEWEST)]
    assert (end.of, end.text, end.skipped, end.longer) == (BUILD, BIG[at:], at, False)


async def test_of_an_older_one_all_goes_by_and_the_end_is_kept() -> None:
    def route(request: Request) -> Reply:
        if request.query["start"] == [str(-NEWEST)]:
            return recorded("log-progressiveText-negative")
        return text(crlf(BIG), len(BIG))

    async with jenkins({LOG: route}) as (source, stub):
        for _ in range(2):
            end = await source.log_end(PLAIN, NEWEST)
            assert BIG.endswith(end.text)
            assert NEWEST // 2 < len(end.text) <= NEWEST
            assert end.text.startswith(b"line ")
            assert end.skipped
        starts = [request.query["start"][0] for request in stub.requests]
    assert starts == [str(-NEWEST), "0", "0"], "what generation it is, is learnt once"


async def test_of_a_huge_one_the_rest_is_left_on_the_server() -> None:
    huge = b"x" * 1023 + b"\n"
    body = huge * (2 * MOST // len(huge))
    end, _ = await ended(text(body, len(body)))
    assert end.longer
    assert len(end.text) <= NEWEST


async def test_what_matters_begins_with_the_stage_that_failed() -> None:
    console = (
        b"[Pipeline] stage\n[Pipeline] { (check)\nERROR: is retried\n[Pipeline] }\n[Pipeline] // stage\n"
        b"[Pipeline] stage\n[Pipeline] { (train)\nboom\n[Pipeline] }\n[Pipeline] // stage\n"
    )
    failed = stage("train", Status.FAILED)
    later = stage("ship", Status.FAILED)
    end, _ = await ended(
        text(console, len(console)),
        msgspec.structs.replace(PLAIN, stages=(stage("check"), failed, later)),
    )
    assert end.text.split(b"\n")[end.begin].endswith(b"{ (train)\x1b[0m")
    assert end.chosen == "from stage train on"


async def test_where_a_run_that_it_started_failed_that_ones_console_tells_why() -> None:
    cell = job("cell", Status.FAILED)
    cell = msgspec.structs.replace(cell, address=BUILD)
    stages: tuple[Stage, ...] = (stage("build", Status.FAILED, jobs=(cell,)),)
    end, _ = await ended(finished(0), run("ci:parent#9", Status.FAILED, stages=stages))
    assert end.of == BUILD
    assert end.begin == 0
