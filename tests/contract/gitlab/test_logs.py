"""Job logs: whose, when they are asked for, and what of an answer is new."""

import gzip
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.gitlab.bodies import detail, full, job_node, node
from tests.contract.gitlab.conftest import (
    GRAPHQL,
    Clock,
    Connect,
    details,
    operations,
    paths,
    projects,
    rest,
)
from tests.http_stub import Reply, Request, Stub
from tests.reading import Sink, to_the_end
from tui.domain.address import Address, parse_address
from tui.domain.health import Trouble
from tui.logs.gitlab import GitLabParser
from tui.sources.base import SourceError
from tui.sources.gitlab.log.trace_polling import TracePolling
from tui.sources.logs import LogStatus

RUN = parse_address("gl:ml/fraud#1842")
JOB = RUN.at_job("train")
STATE = rest("/projects/ml%2Ffraud/jobs/31")
TRACE = f"{STATE}/trace"
FRESHNESS = (
    "the runner sends its log about once a minute; every 3 s while somebody has the job open in a browser"
)
LONG_AGO = "2026-05-08T09:01:10Z"
TEXT = b"".join(b"line %d of the trace\n" % number for number in range(200))


def told(stub: Stub, jobs: Sequence[Any], **more: Any) -> None:
    """The stub knows run 1842 with these jobs, all in one stage."""
    run = detail(node(1842, status="RUNNING", finishedAt=None), [("build", "running")], jobs)
    stub.routes[GRAPHQL] = operations(
        Dashboard=projects(fraud=[node(1842, status="RUNNING", finishedAt=None)]),
        PipelineDetail=details(i842=run, **more),
    )
    stub.routes[rest("/projects/ml%2Ffraud/pipelines/1842")] = Reply.json(full(1842))


def state(status: str = "running", **fields: Any) -> Reply:
    started = None if status in ("created", "pending", "manual") else "2026-05-08T09:00:10Z"
    return Reply.json({"id": 31, "name": "train", "status": status, "started_at": started, **fields})


def trace(body: bytes, **headers: str) -> Reply:
    return Reply(200, {"Content-Type": "text/plain", **headers}, body)


def one_job(stub: Stub, states: Any, traces: Any) -> None:
    told(stub, [job_node(31, "train", status="RUNNING")])
    stub.routes[STATE] = states
    stub.routes[TRACE] = traces


def traces_asked(stub: Stub) -> int:
    return sum(path.endswith("/trace") for path in paths(stub))


def just_now(clock: Clock) -> str:
    return datetime.fromtimestamp(clock(), UTC).isoformat()


# Following


async def test_a_trace_is_followed_and_only_what_is_new_is_handed_on(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    sizes = iter([700, 700, 2000, len(TEXT), len(TEXT)])
    states = [state(), state(), state(), state("success", finished_at=just_now(clock))]
    one_job(stub, states, lambda _: trace(TEXT[: next(sizes)]))
    reader, sink = connect().log(JOB), Sink()
    fed = []
    for _ in range(3):
        assert await reader.read(sink) == LogStatus(False, 3.0, FRESHNESS)
        fed.append(len(sink.data))
    assert fed == [700, 700, 2000]
    assert await reader.read(sink) == LogStatus(False, 5.0)
    assert sink.data == TEXT
    clock.ahead += 6
    assert await reader.read(sink) == LogStatus(True)
    assert (sink.data, sink.begun) == (TEXT, [0])
    assert traces_asked(stub) == 5


async def test_what_has_ended_long_ago_is_read_once(stub: Stub, connect: Connect) -> None:
    one_job(stub, state("failed", finished_at=LONG_AGO), trace(TEXT))
    sink = Sink()
    assert await connect().log(JOB).read(sink) == LogStatus(True)
    assert sink.data == TEXT
    assert traces_asked(stub) == 1


async def test_text_that_comes_after_the_end_is_waited_for(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    sizes = iter([1000, 1500, len(TEXT), len(TEXT)])
    one_job(stub, state("success", finished_at=just_now(clock)), lambda _: trace(TEXT[: next(sizes)]))
    reader, sink = connect().log(JOB), Sink()
    while not (await reader.read(sink)).complete:
        clock.ahead += 5.1
    assert sink.data == TEXT
    assert traces_asked(stub) == 4


async def test_between_its_last_two_readings_it_waits(stub: Stub, connect: Connect, clock: Clock) -> None:
    one_job(stub, state("success", finished_at=just_now(clock)), trace(TEXT))
    reader, sink = connect().log(JOB), Sink()
    await reader.read(sink)
    clock.ahead += 2
    again = await reader.read(sink)
    assert 0 < again.wait <= 3.0
    assert traces_asked(stub) == 1


async def test_an_entity_tag_spares_the_answer(stub: Stub, connect: Connect) -> None:
    def answer(request: Request) -> Reply:
        if request.headers.get("if-none-match") == 'W/"1"':
            return Reply(304, {"ETag": 'W/"1"'})
        return trace(TEXT, ETag='W/"1"')

    one_job(stub, [state(), state(), state("success", finished_at=LONG_AGO)], answer)
    sink = Sink()
    await to_the_end(connect().log(JOB), sink)
    assert (sink.data, sink.begun) == (TEXT, [0])
    conditions = [
        request.headers.get("if-none-match") for request in stub.requests if "/trace" in request.path
    ]
    assert conditions == [None, 'W/"1"', 'W/"1"']


async def test_an_answer_that_broke_off_is_not_taken_for_known(stub: Stub, connect: Connect) -> None:
    replies = [
        Reply(200, {"Content-Type": "text/plain", "ETag": 'W/"1"'}, TEXT, cut=True),
        trace(TEXT, ETag='W/"1"'),
    ]
    one_job(stub, state("success", finished_at=LONG_AGO), replies)
    reader, sink = connect().log(JOB), Sink()
    with pytest.raises(SourceError, match="cut its answer off"):
        await reader.read(sink)
    assert sink.data == TEXT[: len(TEXT) // 2], "what came stays"
    assert (await reader.read(sink)).complete
    assert (sink.data, sink.begun) == (TEXT, [0])
    assert "if-none-match" not in stub.requests[-1].headers


async def test_it_comes_compressed(stub: Stub, connect: Connect) -> None:
    packed = Reply(200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, gzip.compress(TEXT))
    one_job(stub, state("success", finished_at=LONG_AGO), packed)
    source, sink = connect(), Sink()
    before = source.facts().bytes_read
    await source.log(JOB).read(sink)
    assert sink.data == TEXT
    assert "gzip" in stub.requests[-1].headers["accept-encoding"]
    assert stub.requests[-1].headers["authorization"] == "Bearer glpat-secret"
    assert source.facts().bytes_read - before < len(TEXT)


async def test_an_empty_answer_never_replaces_text(stub: Stub, connect: Connect) -> None:
    replies = [trace(TEXT[:900]), trace(b""), trace(TEXT[:100]), trace(b""), trace(b""), trace(TEXT)]
    one_job(stub, [*[state()] * 5, state("success", finished_at=LONG_AGO)], replies)
    reader, sink = connect().log(JOB), Sink()
    for _ in range(5):
        await reader.read(sink)
        assert sink.data == TEXT[:900]
    assert (await reader.read(sink)).complete
    assert (sink.data, sink.begun) == (TEXT, [0])


async def test_a_log_that_stays_shorter_is_another_one(stub: Stub, connect: Connect) -> None:
    other = b"another log, and a short one\n"
    one_job(stub, state(), [trace(TEXT[:900]), *[trace(other)] * 4])
    reader, sink = connect().log(JOB), Sink()
    seen = []
    for _ in range(4):
        await reader.read(sink)
        seen.append(sink.data)
    assert seen == [TEXT[:900], TEXT[:900], TEXT[:900], other]
    assert sink.begun == [0, 0]


async def test_another_log_in_its_place_is_drawn_anew(stub: Stub, connect: Connect) -> None:
    other = TEXT.replace(b"line 19 ", b"LINE 19 ")
    one_job(stub, state(), [trace(TEXT[: TEXT.index(b"line 20 ")]), trace(other)])
    reader, sink = connect().log(JOB), Sink()
    await reader.read(sink)
    await reader.read(sink)
    assert (sink.data, sink.begun) == (other, [0, 0])


async def test_a_difference_before_the_last_bytes_is_not_looked_for(stub: Stub, connect: Connect) -> None:
    """Only the last 64 are compared, so what is masked or moved far above does not draw everything anew."""
    other = TEXT.replace(b"line 3 ", b"LINE 3 ")
    one_job(stub, state(), [trace(TEXT[:900]), trace(other)])
    reader, sink = connect().log(JOB), Sink()
    await reader.read(sink)
    await reader.read(sink)
    assert (sink.data, sink.begun) == (TEXT, [0])


# Without text


async def test_an_erased_log_says_so(stub: Stub, connect: Connect) -> None:
    erased = state("success", finished_at=LONG_AGO, erased_at="2026-05-09T10:00:00.000+02:00")
    one_job(stub, [state(), erased], trace(TEXT))
    reader, sink = connect().log(JOB), Sink()
    await reader.read(sink)
    assert await reader.read(sink) == LogStatus(True, note="the log was erased at 2026-05-09 08:00 UTC")
    assert (sink.data, sink.begun) == (b"", [0, 0])
    assert traces_asked(stub) == 1


async def test_an_empty_log_says_so(stub: Stub, connect: Connect) -> None:
    one_job(stub, state("success", finished_at=LONG_AGO), trace(b""))
    sink = Sink()
    assert await connect().log(JOB).read(sink) == LogStatus(True, note="the log is empty")
    assert (sink.data, sink.begun) == (b"", [0])


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        ("created", LogStatus(False, 5.0, "the job has not started: created")),
        ("pending", LogStatus(False, 5.0, "the job has not started: waits for a runner")),
        ("manual", LogStatus(False, 15.0, "the job has not started: manual")),
        ("skipped", LogStatus(True, note="the job was skipped before it started: it has no log")),
    ],
)
async def test_a_job_that_has_not_started_has_no_log(
    stub: Stub, connect: Connect, status: str, asked: LogStatus
) -> None:
    one_job(stub, state(status, started_at=None), trace(b""))
    sink = Sink()
    assert await connect().log(JOB).read(sink) == asked
    assert sink.begun == [0]
    assert traces_asked(stub) == 0


@pytest.mark.parametrize(
    ("answer", "trouble", "words"),
    [
        (Reply.json({"message": "403 Forbidden"}, 403), Trouble.FORBIDDEN, "403 Forbidden"),
        (Reply.json({"message": "404 Not Found"}, 404), Trouble.NOT_FOUND, "404 Not Found"),
        (Reply.text("<html>", content_type="text/html"), Trouble.WRONG_ANSWER, "a web page instead of a log"),
        (Reply.text("Retry later\n", 429), Trouble.RATE_LIMITED, "Retry later"),
        (
            Reply(301, {"Location": "http://elsewhere/api/v4/projects/7/jobs/31/trace"}),
            Trouble.REFUSED,
            "project 7",
        ),
    ],
)
async def test_what_is_no_trace_is_a_fault(
    stub: Stub, connect: Connect, answer: Reply, trouble: Trouble, words: str
) -> None:
    one_job(stub, state(), [trace(TEXT[:900]), answer])
    reader, sink = connect().log(JOB), Sink()
    await reader.read(sink)
    with pytest.raises(SourceError) as caught:
        await reader.read(sink)
    assert caught.value.trouble is trouble
    assert words in caught.value.message
    assert "GET /api/v4/projects/ml%2Ffraud/jobs/31/trace" in caught.value.message
    assert sink.data == TEXT[:900]


# Whose


def jobs(**statuses: str) -> list[Any]:
    """Jobs of these names with ids from 31 on, begun one after another."""
    return [
        job_node(31 + number, name, status=status, startedAt=f"2026-05-08T09:0{number}:00Z")
        for number, (name, status) in enumerate(statuses.items())
    ]


@pytest.mark.parametrize(
    ("listed", "id", "why"),
    [
        (jobs(a="SUCCESS", b="FAILED", c="FAILED", d="RUNNING"), 32, "the job that failed first"),
        (jobs(a="SUCCESS", b="RUNNING", c="RUNNING"), 33, "the job that runs"),
        (jobs(a="SUCCESS", b="SUCCESS"), 32, "the last job"),
        ([job_node(31, "a", status="PENDING", startedAt=None)], 31, "the first job"),
        (
            [
                job_node(31, "lint", status="FAILED", allowFailure=True),
                job_node(32, "train", status="RUNNING", startedAt="2026-05-08T09:01:00Z"),
            ],
            32,
            "the job that runs",
        ),
        (
            [
                job_node(31, "train", status="FAILED", retried=True),
                job_node(32, "train", status="SUCCESS", startedAt="2026-05-08T09:01:00Z"),
            ],
            32,
            "the last job",
        ),
    ],
)
async def test_a_run_shows_the_log_that_tells_most(
    stub: Stub, connect: Connect, listed: list[Any], id: int, why: str
) -> None:
    told(stub, listed)
    url = rest(f"/projects/ml%2Ffraud/jobs/{id}")
    stub.routes |= {url: state("success", finished_at=LONG_AGO), f"{url}/trace": trace(TEXT)}
    reader, sink = connect().log(RUN), Sink()
    assert (await reader.read(sink)).complete
    assert sink.data == TEXT
    name = next(each["name"] for each in listed if each["id"].endswith(f"/{id}"))
    assert (reader.of, reader.chosen) == (RUN.at_job(name), why)


async def test_an_older_attempt_is_named_by_its_id(stub: Stub, connect: Connect) -> None:
    told(stub, [job_node(31, "train", status="FAILED", retried=True), job_node(32, "train")])
    url = rest("/projects/ml%2Ffraud/jobs/31")
    stub.routes |= {url: state("failed", finished_at=LONG_AGO), f"{url}/trace": trace(b"the first attempt\n")}
    reader, sink = connect().log(RUN.at_job("train~31")), Sink()
    assert (await reader.read(sink)).complete
    assert (sink.data, reader.chosen) == (b"the first attempt\n", "")


async def test_a_job_that_starts_a_run_has_no_log(stub: Stub, connect: Connect) -> None:
    child = {
        "id": "gid://gitlab/Ci::Pipeline/1900",
        "iid": "900",
        "status": "SUCCESS",
        "project": {"fullPath": "ml/fraud"},
    }
    bridge = job_node(31, "model card", kind="BRIDGE", downstreamPipeline=child)
    below = detail(node(1900), [("render", "success")], [job_node(41, "figures")])
    told(stub, [bridge], i900=below)
    with pytest.raises(SourceError) as caught:
        await connect().log(RUN.at_job("model card")).read(Sink())
    assert caught.value.trouble is Trouble.NOT_FOUND
    assert caught.value.message == (
        "gl:ml/fraud#1842/model card starts another run and has no log of its own; see gl:ml/fraud#1900"
    )


async def test_a_job_that_is_not_there_is_named_beside_those_that_are(stub: Stub, connect: Connect) -> None:
    told(stub, jobs(lint="SUCCESS", train="RUNNING"))
    with pytest.raises(SourceError) as caught:
        await connect().log(RUN.at_job("trian")).read(Sink())
    assert caught.value.message == "gl:ml/fraud#1842 has no job trian; it has: lint, train"


async def test_a_log_is_of_a_run(connect: Connect) -> None:
    with pytest.raises(SourceError, match="names no run; write gl:ml/fraud#ID"):
        connect().log(Address("gl", "ml/fraud"))


async def test_its_parser_is_of_its_dialect(connect: Connect) -> None:
    assert isinstance(connect().log(JOB).parser(0), GitLabParser)


# When


def asked_for(grows: Callable[[float], bool], seconds: float, *, conditional: bool = False) -> list[float]:
    """The times at which a text is asked for that has grown since the last time where ``grows`` says so."""
    rhythm, now, times, last = TracePolling(), 0.0, [], 0.0
    while now < seconds:
        if rhythm.due(now):
            times.append(now)
            since = range(int(last * 10) + 1, int(now * 10) + 1)
            rhythm.answered(now, any(grows(at / 10) for at in since), conditional=conditional)
            last = now
        now += rhythm.wait(now)
    return times


def gaps(times: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def test_it_is_eager_at_first_and_then_backs_off() -> None:
    times = asked_for(lambda at: False, 120)
    assert times[:11] == [3.0 * n for n in range(11)]
    assert all(10 <= gap <= 15 for gap in gaps(times[11:]))
    assert times[-1] - times[-2] == 15


def test_it_asks_around_the_time_that_a_runner_sends() -> None:
    times = asked_for(lambda at: at % 60 == 0, 900)
    later = [at for at in times if at >= 180]
    assert len(later) <= 3.5 * 12, "three times a minute at most, on the average"
    for sent in range(240, 900, 60):
        assert min(at - sent for at in later if at >= sent) <= 15.5


def test_where_it_costs_little_it_asks_often() -> None:
    times = asked_for(lambda at: at % 60 == 0, 120, conditional=True)
    assert set(gaps(times[12:])) == {5.0}


async def test_a_log_that_the_runner_cut_says_so(stub: Stub, connect: Connect, clock: Clock) -> None:
    notice = (
        b"\n\x1b[33;1mJob's log exceeded limit of 4194304 bytes.\n"
        b"Job execution will continue but no more output will be collected.\x1b[0;m\n"
    )
    one_job(stub, state("success", finished_at=LONG_AGO), trace(TEXT + notice))
    log = connect().log(JOB)
    status = await log.read(Sink())
    words = "the runner cut this log at its limit of 4 MB (output_limit); the rest is lost"
    assert status == LogStatus(True, note=words)
    one_job(stub, state("success", finished_at=LONG_AGO), trace(notice + TEXT))
    assert (await connect().log(JOB).read(Sink())).note == "", "somebody else's words"
