"""How the three generations of controllers count a log that grows: nothing is lost or doubled."""

import re

import pytest

from tests.contract.jenkins.log_support import BUILD, LOG, NOTE, Server
from tests.contract.jenkins.support import jenkins
from tests.http_stub import Reply, Request
from tests.reading import Sink, to_the_end
from tui.sources.base import SourceError


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
