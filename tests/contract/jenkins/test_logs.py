"""Logs: the recorded answers of a controller past 2.509, the end first, and answers that are none."""

import json
from collections.abc import Mapping

import pytest

from tests.contract.jenkins.log_support import BUILD, LOG, crlf, finished, read, text
from tests.contract.jenkins.support import core, jenkins, recorded, recording
from tests.http_stub import Reply, Request, Route
from tests.patience import given_up
from tests.reading import Sink, lines, to_the_end
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.logs.jenkins import JenkinsParser
from tui.sources.base import SourceError
from tui.sources.logs import LogStatus


async def test_a_running_build_is_followed_by_its_offsets_to_its_end() -> None:
    answers = {
        "0": recorded("log-progressiveText-running-start0"),
        "2973": recorded("log-progressiveText-running-next"),
    }
    turns = iter([recorded("log-progressiveText-running-immediately-again"), finished(3145)])

    def route(request: Request) -> Reply:
        return answers.get(request.query["start"][0]) or next(turns)

    data, begun, outcomes, starts = await read(route)
    assert starts == ["0", "2973", "3145", "3145"]
    assert begun == [0]
    assert data == recording("log-progressiveText-finished-start0")["body"].encode()
    assert [outcome.wait for outcome in outcomes] == [1.0, 1.0, 1.5, 1.0], "sooner while text comes"
    whole = recording("log-consoleText")["body"].encode()
    assert lines(JenkinsParser(), data) == lines(JenkinsParser(), whole), "as the server itself strips it"


async def test_a_log_that_was_written_anew_begins_anew() -> None:
    longer = text(crlf(b"x" * 99 + b"\n") * 65, 6500, more=True)
    shorter = recorded("log-progressiveText-finished-past-end")
    data, begun, _, starts = await read([longer, shorter])
    assert starts == ["0", "6500"]
    assert begun == [0, 0]
    assert data == recording("log-progressiveText-finished-start0")["body"].encode()


async def test_a_finished_log_is_read_once() -> None:
    data, begun, outcomes, starts = await read(recorded("log-progressiveText-finished-start0"))
    assert (begun, starts) == ([0], ["0"])
    assert outcomes == [LogStatus(complete=True, wait=1.0)]
    assert lines(JenkinsParser(), data)[-1] == b"Finished: ABORTED"


async def test_a_freestyle_build_has_one_log_by_either_address() -> None:
    path = "/job/freestyle-hello/1/logText/progressiveText"
    job = {"_class": "hudson.model.FreeStyleBuild", "number": 1, "result": "SUCCESS", "building": False}
    routes: dict[str, Route] = {
        path: recorded("log-console-freestyle-progressiveText"),
        "/job/freestyle-hello/1/api/json": core(job),
    }
    found = []
    for address in (
        Address("ci", "freestyle-hello", 1),
        Address("ci", "freestyle-hello", 1, "freestyle-hello"),
    ):
        async with jenkins(routes) as (source, _):
            sink = Sink()
            await to_the_end(source.log(address), sink)
            found.append(sink.data)
    assert found[0] == found[1]
    assert lines(JenkinsParser(), found[0])[0] == b"Started by user admin"


async def test_a_log_is_of_a_run() -> None:
    async with jenkins({}) as (source, _):
        with pytest.raises(SourceError, match=r"names no run; write ci:slow-logs#NUMBER"):
            source.log(Address("ci", "slow-logs"))


# The end first


def parts(content: bytes, meta: Mapping[str, object]) -> Reply:
    body = b"".join(
        b'--b0und\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % part
        for part in ((b"text", content), (b"meta", json.dumps(meta).encode()))
    )
    return Reply(
        200,
        {"Content-Type": "multipart/form-data;boundary=b0und", "X-Jenkins": "2.541.1"},
        body + b"--b0und--\r\n",
    )


BIG = b"".join(b"line %06d\n" % number for number in range(30_000))


def tailing(request: Request) -> Reply:
    start = int(request.query["start"][0])
    if request.headers["accept"].startswith("multipart/form-data") and start < 0:
        at = max(0, BIG.find(b"\n", len(BIG) + start - 1) + 1)
        meta = {"completed": True, "start": at, "end": len(BIG), "startFromNewLine": True}
        return parts(BIG[at:], meta)
    return text(crlf(BIG[start:]), len(BIG), version="2.541.1")


async def test_the_end_of_a_long_log_is_read_first_where_the_server_tells_it() -> None:
    data, begun, outcomes, starts = await read(tailing, tail=1 << 16)
    assert starts == ["-65536", str(begun[0])]
    assert len(BIG) - (1 << 16) <= begun[0] <= len(BIG) - (1 << 16) + 12
    assert data == crlf(BIG[begun[0] :])
    assert outcomes[-1].complete


async def test_a_log_hardly_longer_than_its_end_is_read_whole() -> None:
    data, begun, _, _ = await read(tailing, tail=200_000)
    assert begun == [0]
    assert data == crlf(BIG)


async def test_older_servers_are_read_from_the_beginning() -> None:
    """They take no notice of what is accepted; recorded is an empty answer to a negative offset."""

    def route(request: Request) -> Reply:
        if request.query["start"] == ["-4096"]:
            return recorded("log-progressiveText-negative")
        return finished(0)

    data, begun, _, starts = await read(route, tail=4096)
    assert starts == ["-4096", "0"]
    assert (begun, data) == ([0], recording("log-progressiveText-finished-start0")["body"].encode())


@pytest.mark.parametrize(
    "answer",
    [
        parts(b"text", {"end": 1}),
        parts(b"text", {"start": "0"}),
        Reply(200, {"Content-Type": "multipart/form-data;boundary=b0und"}, b"--b0und\r\nnonsense"),
        Reply(200, {"Content-Type": "multipart/form-data"}, b""),
    ],
)
async def test_an_end_that_cannot_be_understood_is_done_without(answer: Reply) -> None:
    data, begun, _, starts = await read([answer, finished(0)], tail=4096)
    assert starts == ["-4096", "0"]
    assert (begun, data) == ([0], recording("log-progressiveText-finished-start0")["body"].encode())


# Answers that are none


@pytest.mark.parametrize(
    ("answer", "trouble", "words"),
    [
        (recorded("auth-anonymous-403"), Trouble.UNAUTHORIZED, "it wants a log-in"),
        (recorded("auth-bad-token-401"), Trouble.UNAUTHORIZED, "check the user and token"),
        (recorded("notfound-job-404"), Trouble.NOT_FOUND, "it does not exist"),
        (recorded("startup-api-503-2"), Trouble.UNAVAILABLE, "Starting Jenkins"),
        (
            Reply.text("<html>Log in</html>", content_type="text/html"),
            Trouble.WRONG_ANSWER,
            "answered text/html instead",
        ),
        (Reply.text("some text"), Trouble.WRONG_ANSWER, "without X-Text-Size; does a proxy drop headers?"),
        (Reply(302, {"Location": "/login"}), Trouble.UNAUTHORIZED, "probably a log-in page"),
        (Reply(200, text(b"", 5).headers, b"a text", cut=True), Trouble.WRONG_ANSWER, "cut its answer off"),
    ],
)
@pytest.mark.parametrize("tail", [0, 4096])
async def test_what_is_no_log_is_a_fault(answer: Reply, trouble: Trouble, words: str, tail: int) -> None:
    async with jenkins({LOG: answer}) as (source, _):
        with pytest.raises(SourceError) as caught:
            await source.log(BUILD, tail).read(Sink())
    assert caught.value.trouble is trouble
    assert words in caught.value.message
    assert LOG in caught.value.message


async def test_credentials_and_compression_are_sent() -> None:
    from tui.config import Secret

    async with jenkins({LOG: finished(0)}, user="alice", token=Secret("s3cr3t")) as (source, stub):
        await source.log(BUILD).read(Sink())
        headers = stub.requests[0].headers
    assert headers["authorization"] == "Basic YWxpY2U6czNjcjN0"
    assert "gzip" in headers["accept-encoding"]


async def test_a_server_that_falls_silent_in_the_middle_is_given_up() -> None:
    async with jenkins({LOG: Reply(hang=True)}) as (source, stub):
        with pytest.raises(SourceError) as caught:
            await given_up(source.log(BUILD).read(Sink()), lambda: stub.requests)
    assert caught.value.trouble is Trouble.TIMEOUT
