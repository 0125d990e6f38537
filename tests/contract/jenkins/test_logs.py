"""Logs: the recorded answers of a controller past 2.509, and how the three generations are counted."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.jenkins.support import asked, core, jenkins, recorded, recording
from tests.http_stub import Reply, Request, Route
from tests.reading import Sink, lines, to_the_end
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.logs.jenkins import JenkinsParser
from tui.sources.base import SourceError
from tui.sources.logs import Asked
from tui.sources.wire import Wire

LOG = "/job/slow-logs/2/logText/progressiveText"
BUILD = Address("ci", "slow-logs", 2)
DEPLOY = Address("ci", "deploy-model", 2)
NOTE = b"\x1b[8mha:////4QUJDREVG\x1b[0m"


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests a second as there are."""
    monkeypatch.setitem(Wire.__init__.__kwdefaults__ or {}, "rate", 1e6)


def by_start(answers: Mapping[str, Reply]) -> Callable[[Request], Reply]:
    """Answers by the offset that is asked for."""
    return lambda request: answers[request.query["start"][0]]


def text(
    body: bytes, size: int, *, more: bool = False, version: str | None = "2.516.3", **headers: str
) -> Reply:
    """An answer of ``progressiveText``."""
    head = {"Content-Type": "text/plain;charset=utf-8", "X-Text-Size": str(size)}
    head |= {"X-More-Data": "true"} if more else {}
    head |= {"X-Jenkins": version} if version else {}
    return Reply(200, head | headers, body)


def finished(start: int) -> Reply:
    """The recorded end of a log of 5461 bytes, from some offset of it on."""
    raw = recording("log-progressiveText-finished-start0")["body"].encode().replace(b"\r\n", b"\n")
    assert len(raw) == 5461
    return text(crlf(raw[start:]), len(raw))


def crlf(raw: bytes) -> bytes:
    return re.sub(rb"(?<!\r)\n", b"\r\n", raw)


async def read(
    route: Route, *, tail: int = 0, most: int = 50
) -> tuple[bytes, list[int], list[Any], list[str]]:
    """What came of a log, where it began, what each asking came to, and the offsets that were asked for."""
    async with jenkins({LOG: route}) as (source, stub):
        sink = Sink()
        outcomes = await to_the_end(source.log(BUILD, tail), sink, most)
        return sink.data, sink.begun, outcomes, [request.query["start"][0] for request in stub.requests]


# The recordings


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
    assert outcomes == [Asked(complete=True, wait=1.0)]
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


NODES = {
    "checkout": 11,
    "deploy-canary": 85,
    "fit": 60,
    "lint": 28,
    "nightly_only": 80,
    "shard-0": 54,
    "unit": 29,
    "validate": 74,
    "warm-up": 55,
}
STEPS = {
    f"/job/deploy-model/2/execution/node/{id}/log/logText/progressiveText": recorded(
        f"node-log-progressive-{name}"
    )
    for name, id in {**NODES, "promote": 90}.items()
}
PAUSED: dict[str, Route] = {
    "/job/deploy-model/2/api/json": recorded("build-paused-for-input"),
    "/job/deploy-model/2/stages/tree": recorded("graphview-stages-tree"),
    "/job/deploy-model/2/pipeline-overview/tree": recorded("graphview-tree"),
    "/job/deploy-model/2/pipeline-overview/allSteps": recorded("graphview-allSteps"),
    **STEPS,
}


@pytest.mark.parametrize(("name", "node"), NODES.items())
async def test_a_step_is_read_by_its_node(name: str, node: int) -> None:
    async with jenkins(PAUSED) as (source, _):
        sink = Sink()
        reader = source.log(DEPLOY.at_job(f"step~{node}"))
        assert await reader.read(sink) == Asked(complete=True, wait=1.0 if sink.data else 1.5)
    assert sink.data == recording(f"node-log-progressive-{name}")["body"].encode()


async def test_a_step_that_waits_for_a_person_goes_on() -> None:
    async with jenkins(PAUSED) as (source, _):
        sink = Sink()
        outcome = await source.log(DEPLOY.at_job("step~90")).read(sink)
    assert not outcome.complete
    assert lines(JenkinsParser(), sink.data) == [b"Input requested"]


def some_steps(request: Request) -> Reply:
    """``steps`` as recorded, for any stage."""
    if request.query["nodeId"] == ["10"]:
        return recorded("graphview-steps")
    everything = json.loads(recording("graphview-allSteps")["body"])
    steps = [step for step in everything["data"]["steps"] if [step["stageId"]] == request.query["nodeId"]]
    return Reply.json({"status": "ok", "data": {"steps": steps, "runIsComplete": False}})


async def test_a_stage_under_way_is_its_steps_one_after_another() -> None:
    routes = {**PAUSED, "/job/deploy-model/2/pipeline-overview/steps": some_steps}
    async with jenkins(routes) as (source, stub):
        sink = Sink()
        reader = source.log(DEPLOY.at_job("promote"))
        assert not (await reader.read(sink)).complete
        assert lines(JenkinsParser(), sink.data) == [b"Input requested"]
        before = len(stub.requests)
        assert not (await reader.read(sink)).complete
        again = asked(stub)[before:]
    assert again == ["/job/deploy-model/2/execution/node/90/log/logText/progressiveText"], (
        "one request while it lasts"
    )


async def test_a_stage_with_branches_is_all_their_steps() -> None:
    async with jenkins(PAUSED) as (source, _):
        sink = Sink()
        await to_the_end(source.log(DEPLOY.at_job("train")), sink)
    names = ("shard-0", "warm-up", "fit")
    assert sink.data == b"".join(recording(f"node-log-progressive-{name}")["body"].encode() for name in names)


async def test_a_stage_that_has_ended_is_read_whole() -> None:
    routes: dict[str, Route] = {
        **PAUSED,
        "/job/deploy-model/2/pipeline-overview/log": recorded("graphview-log"),
    }
    async with jenkins(routes) as (source, stub):
        sink = Sink()
        assert (await source.log(DEPLOY.at_job("test/unit")).read(sink)).complete
        assert stub.requests[-1].query == {"nodeId": ["20"]}
    assert lines(JenkinsParser(), sink.data) == [b"+ mkdir -p reports", b"+ cat"]


async def test_a_stage_that_wrote_nothing_has_an_empty_log() -> None:
    silent = Reply.text("No logs found\n")
    async with jenkins({**PAUSED, "/job/deploy-model/2/pipeline-overview/log": silent}) as (source, _):
        sink = Sink()
        assert (await source.log(DEPLOY.at_job("test/unit~20")).read(sink)).complete
    assert (sink.data, sink.begun) == (b"", [0])


async def test_wfapi_tells_the_steps_of_a_stage_too() -> None:
    gone = recorded("notfound-job-404")
    routes: dict[str, Route] = {
        **STEPS,
        "/job/deploy-model/2/api/json": recorded("build-paused-for-input"),
        "/job/deploy-model/2/stages/tree": gone,
        "/job/deploy-model/2/pipeline-overview/tree": gone,
        "/job/deploy-model/2/pipeline-graph/tree": gone,
        "/job/deploy-model/2/wfapi/describe": recorded("wfapi-describe-paused"),
        "/job/deploy-model/2/wfapi/pendingInputActions": recorded("wfapi-pending-none"),
        "/job/deploy-model/2/execution/node/59/wfapi/describe": recorded("wfapi-node-describe-fit"),
    }
    async with jenkins(routes) as (source, _):
        sink = Sink()
        await to_the_end(source.log(DEPLOY.at_job("fit")), sink)
    assert sink.data == recording("node-log-progressive-fit")["body"].encode()


async def test_without_a_stage_plugin_a_stage_is_shown_by_the_whole_log() -> None:
    flow = {
        "actions": [
            {
                "_class": "org.jenkinsci.plugins.workflow.job.views.FlowGraphAction",
                "nodes": [
                    {"_class": "x.FlowStartNode", "id": "2", "displayName": "Start", "parents": []},
                    {
                        "_class": "x.StepStartNode",
                        "id": "3",
                        "displayName": "Stage : Start",
                        "parents": ["2"],
                    },
                    {"_class": "x.StepStartNode", "id": "4", "displayName": "train", "parents": ["3"]},
                    {
                        "_class": "x.StepEndNode",
                        "id": "5",
                        "displayName": "Stage : Body : End",
                        "parents": ["4"],
                    },
                    {"_class": "x.StepEndNode", "id": "6", "displayName": "Stage : End", "parents": ["5"]},
                ],
            }
        ]
    }
    build = {
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
        "number": 2,
        "result": "SUCCESS",
        "building": False,
        "inProgress": False,
    }
    run = "/job/slow-logs/2"
    routes: dict[str, Route] = {
        f"{run}/api/json": lambda request: core(flow if "nodes" in request.query["tree"][0] else build),
        LOG: recorded("log-progressiveText-finished-start0"),
    }
    async with jenkins(routes) as (source, _):
        sink = Sink()
        reader = source.log(BUILD.at_job("train"))
        await to_the_end(reader, sink)
        assert reader.of == BUILD
        assert reader.chosen == "the whole run: this controller does not tell the log of a stage"
    assert lines(JenkinsParser(), sink.data)[-1] == b"Finished: ABORTED"


async def test_a_stage_that_is_not_there_is_named_beside_those_that_are() -> None:
    async with jenkins(PAUSED) as (source, _):
        with pytest.raises(SourceError) as caught:
            await source.log(DEPLOY.at_job("tset")).read(Sink())
    assert caught.value.trouble is Trouble.NOT_FOUND
    assert caught.value.message.startswith(
        "ci:deploy-model#2 has no stage tset; it has: checkout, test, unit, lint, "
    )


async def test_a_log_is_of_a_run() -> None:
    async with jenkins({}) as (source, _):
        with pytest.raises(SourceError, match=r"names no run; write ci:slow-logs#NUMBER"):
            source.log(Address("ci", "slow-logs"))


# Three generations


class Server:
    """A controller with one log that grows line by line, as each generation sends it.

    Args:
        limit: lines of an answer about a log that will grow.
        told: whether it says what version it is.
    """

    def __init__(self, raw: bytes, version: str, *, limit: int = 10_000, told: bool = True) -> None:
        self.raw = raw
        self.version = version
        self.shown = 0
        self.more = True
        self._core = tuple(map(int, version.split(".")[:2]))
        self._limit = limit
        self._told = told

    def __call__(self, request: Request) -> Reply:
        raw, start = self.raw[: self.shown], int(request.query["start"][0])
        start = 0 if start > len(raw) else start
        data = raw[start:]
        if self.more:
            ends = [match.end() for match in re.finditer(rb"\n|\r(?!\n)", data)]
            data = data[: ends[min(len(ends), self._limit) - 1]] if ends else b""
        size = len(raw)
        if self._core < (2, 509):
            size = start + len(data)
            data = re.sub(rb"\x1b\[8mha:[^\x1b]*\x1b\[0m", b"", data)
        body = crlf(data).decode(errors="replace").encode()
        return text(body, size, more=self.more, version=self.version if self._told else None)

    @property
    def whole(self) -> bytes:
        """What one who lost and doubled nothing has read at the end."""
        raw = self.raw
        if self._core < (2, 509):
            raw = re.sub(rb"\x1b\[8mha:[^\x1b]*\x1b\[0m", b"", raw)
        return raw.decode(errors="replace").encode().replace(b"\r\n", b"\n")


async def follow(server: Server, *pauses: int) -> tuple[bytes, int]:
    """Follow ``server`` with an asking at each of these sizes of its log, then to its end; what came, and how many
    requests it took."""
    async with jenkins({LOG: server}) as (source, stub):
        reader, sink = source.log(BUILD), Sink()
        for size in pauses:
            server.shown = size
            await reader.read(sink)
        server.shown, server.more = len(server.raw), False
        await to_the_end(reader, sink)
        assert sink.begun == [0]
        return re.sub(rb"\r+\n", b"\n", sink.data), len(stub.requests)


LINES = b"".join(
    (NOTE + b"[Pipeline] sh\n")
    if number % 5 == 0
    else f"line {number} épüch ✓ {'=' * (number % 40)}\n".encode()
    for number in range(400)
)


@pytest.mark.parametrize("version", ["2.452.1", "2.508", "2.509", "2.516.3", "2.541.1", "2.570"])
@pytest.mark.parametrize("told", [True, False])
async def test_nothing_is_lost_or_doubled_in_any_generation(version: str, told: bool) -> None:
    server = Server(LINES, version, told=told)
    cuts = [
        LINES.index(f"line {number} ".encode()) + number % 9 for number in range(1, 399, 11) if number % 5
    ]
    got, _ = await follow(server, *cuts)
    assert got == re.sub(rb"\r+\n", b"\n", server.whole)


async def test_a_half_line_is_counted_but_not_sent_and_not_lost() -> None:
    server = Server(b"first\nsecond half\nthird\n", "2.516.3")
    got, _ = await follow(server, len(b"first\nsecond"), len(b"first\nsecond h"))
    assert got == b"first\nsecond half\nthird\n"


@pytest.mark.parametrize("version", ["2.504.1", "2.516.3"])
async def test_an_answer_is_cut_at_the_limit_and_the_next_asked_for_at_once(version: str) -> None:
    raw = b"".join(b"line %d of many\n" % number for number in range(5500))
    server = Server(raw, version, limit=2000)
    async with jenkins({LOG: server}) as (source, stub):
        reader, sink = source.log(BUILD), Sink()
        server.shown = len(raw)
        assert not (await reader.read(sink)).complete
        assert sink.data.count(b"\n") == 5500
        assert len(stub.requests) == 4, "three with text, and one that brought none"
        server.more = False
        await to_the_end(reader, sink)
    assert sink.data.replace(b"\r\n", b"\n") == raw


@pytest.mark.parametrize("version", ["2.504.1", "2.516.3", "2.541.1"])
async def test_lines_of_a_windows_agent_are_not_repeated(version: str) -> None:
    raw = (
        NOTE
        + b"[Pipeline] bat\n"
        + b"".join(b"C:\\ml> step %d\r\n" % (n * n) for n in range(300))
        + b"[Pipeline] }\n"
    )
    cuts = [raw.index(b"step %d\r\n" % (n * n)) + 4 for n in range(5, 300, 13)]
    got, _ = await follow(Server(raw, version), *cuts)
    assert got == Server(raw, version).whole


@pytest.mark.parametrize("version", ["2.516.3", "2.541.1"])
async def test_a_log_in_another_charset_is_not_cut_short(version: str) -> None:
    """Each ``é`` is one byte in the file and two in the answer. (The stub takes bytes that are no UTF-8 for one
    character each, as a controller does with a byte it cannot read.)"""
    raw = "".join(f"étape {number}: précision {number / 7:.3f} élevée\n" for number in range(200)).encode(
        "latin-1"
    )
    server = Server(raw, version)
    got, _ = await follow(server, *range(1500, len(raw), 911))
    assert got == server.whole


@pytest.mark.parametrize("version", ["2.504.1", "2.516.3", "2.541.1"])
async def test_an_answer_that_breaks_off_is_gone_on_with(version: str) -> None:
    server = Server(LINES, version)
    breaks = {2, 3, 5, 8}

    def route(request: Request) -> Reply:
        reply = server(request)
        return Reply(reply.status, reply.headers, reply.body, cut=len(stub.requests) in breaks)

    async with jenkins({LOG: route}) as (source, stub):
        reader, sink = source.log(BUILD), Sink()
        errors = []
        for size in range(2000, len(LINES), 2000):
            server.shown = size
            try:
                await reader.read(sink)
            except SourceError as error:
                errors.append(error.message)
        server.shown, server.more = len(LINES), False
        await to_the_end(reader, sink)
    assert len(errors) == len(breaks)
    assert all("cut its answer off" in message for message in errors)
    assert sink.begun == [0]
    assert re.sub(rb"\r+\n", b"\n", sink.data) == re.sub(rb"\r+\n", b"\n", server.whole)


async def test_another_log_in_the_place_of_the_one_shown_begins_anew() -> None:
    """It is not shorter, so its size tells nothing; but it does not go on from the half line that was counted."""
    old, new = Server(b"old line\n" * 50 + b"half", "2.516.3"), Server(b"new line\n" * 80, "2.516.3")
    old.shown, new.shown, new.more = len(old.raw), len(new.raw), False
    servers = [old, new, new]
    async with jenkins({LOG: lambda request: servers.pop(0)(request)}) as (source, _):
        reader, sink = source.log(BUILD), Sink()
        await reader.read(sink)
        assert (await reader.read(sink)).complete
    assert sink.begun == [0, 0]
    assert sink.data.replace(b"\r\n", b"\n") == new.raw


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
    async with jenkins({LOG: Reply(hang=True)}, timeout=0.2) as (source, _):
        with pytest.raises(SourceError) as caught:
            await source.log(BUILD).read(Sink())
    assert caught.value.trouble is Trouble.TIMEOUT
