"""A log is read the same however it grows and wherever answers break off (hypothesis)."""

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.jenkins.log_support import BUILD, LOG, NOTE, Server
from tests.contract.jenkins.support import jenkins
from tests.http_stub import Reply, Request
from tests.reading import Sink, to_the_end
from tui.sources.base import SourceError

_words = st.sampled_from(
    [b"", b"step", "épüch ✓ 特征".encode(), b"\x1b[31mred\x1b[0m", b"|##  |\r|### |\r", b"x" * 700]
)
_pieces = st.lists(st.tuples(_words, st.booleans()), min_size=1, max_size=120)


def raw_log(pieces: list[tuple[bytes, bool]], *, numbered: bool, crlf: bool) -> bytes:
    """A log's file. Numbered lines are all different; others may repeat."""
    end = b"\r\n" if crlf else b"\n"
    return b"".join(
        (NOTE + b"[Pipeline] sh\n" if noted else b"") + (b"%d " % number if numbered else b"") + word + end
        for number, (word, noted) in enumerate(pieces)
    )


async def followed(server: Server, growth: list[tuple[int, bool]]) -> bytes:
    """What came of a log that grew so much before each asking, some answers breaking off."""
    breaks = [False]

    def route(request: Request) -> Reply:
        reply = server(request)
        return Reply(reply.status, reply.headers, reply.body, cut=breaks[0])

    async with jenkins({LOG: route}) as (source, _):
        reader, sink = source.log(BUILD), Sink()
        for more, breaks[0] in growth:
            server.shown = min(len(server.raw), server.shown + more)
            try:
                await reader.read(sink)
            except SourceError:
                pass
        breaks[0] = False
        server.shown, server.more = len(server.raw), False
        await to_the_end(reader, sink)
        assert sink.begun == [0]
    return re.sub(rb"\r+\n", b"\n", sink.data)


@settings(max_examples=60, deadline=None)
@given(
    pieces=_pieces,
    growth=st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=12),
    version=st.sampled_from(["2.452.1", "2.508", "2.516.3", "2.541.1"]),
    told=st.booleans(),
    crlf=st.booleans(),
    limit=st.sampled_from([3, 50, 10_000]),
)
def test_it_comes_whole_and_once(
    pieces: list[tuple[bytes, bool]],
    growth: list[tuple[int, bool]],
    version: str,
    told: bool,
    crlf: bool,
    limit: int,
) -> None:
    # Where the count is certain to be behind, lines that repeat cannot be told from their repetition.
    numbered = crlf or version < "2.509"
    server = Server(raw_log(pieces, numbered=numbered, crlf=crlf), version, limit=limit, told=told)
    got = asyncio.run(followed(server, growth))
    assert got == re.sub(rb"\r+\n", b"\n", server.whole)
