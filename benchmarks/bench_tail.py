"""What following a log costs, and how soon the end of a long one is there.

A GitLab trace that grows to 10 MB over ten minutes of the sandbox's time, in bytes on the wire, beside what asking for
all of it every three seconds costs. And the end of a Jenkins log of 200 MB that is complete, over the loopback: how
soon its last page is there, and the whole.
"""

import asyncio
import time
from multiprocessing.connection import Connection

from benchmarks.subprocess_runner import apart
from benchmarks.subprocess_runner import serving as serving_apart
from benchmarks.table import Row
from tests.sandbox.serving import serving
from tui.config import GitLabSettings, JenkinsSettings, Settings
from tui.domain.address import Address
from tui.engine.queries import LogOf
from tui.engine.runtime import Runtime
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.trace import trace
from tui.sandbox.logs import packed
from tui.sandbox.plan import Group, Task, plan
from tui.sandbox.world import Clock, Pipeline, Run, Scenario, World
from tui.sources.gitlab.source import GitLabSource

LINE = 100
CORE = "2.541.1"
"""The version of Jenkins: one that can tell the end of a log."""
EVERY = 3.0
"""Seconds between two askings of a program that always asks for all."""


class Kept:
    """A sink that counts."""

    def __init__(self) -> None:
        self.size = 0

    def begin(self, position: int) -> None:
        self.size = 0

    def feed(self, data: bytes) -> None:
        self.size += len(data)


def _world(minutes: int) -> tuple[World, Run]:
    """A job that writes a megabyte a minute."""
    job = Group("train", (Task("train", 60 * minutes, lines=105),), parallel=True)
    pipeline = Pipeline(system="gitlab", path="ml/long", tasks=plan(job), age=1, history=1)
    world = World(Scenario(pipelines=(pipeline,)), Clock(1_795_422_000.0, manual=True))
    return world, world.runs(pipeline)[0]


def _naive(minutes: int) -> int:
    """Bytes of asking for all of the trace until the job has ended."""
    world, run = _world(minutes)
    total, size, before = 0, 0, -1
    while True:
        seen = world.progress(run)
        sent = trace(run, seen.tasks[0], 0, world.now(), every=60, rows=True).sent
        if len(sent) != before:
            before = len(sent)
            size = len(packed(sent, "gzip")[0])
        total += size
        if seen.state.finished:
            return total
        world.clock.advance(EVERY)


async def _followed(minutes: int) -> int:
    """Bytes of following it."""
    world, run = _world(minutes)
    with serving(gitlab_app(world, Faults(), Options(trace_every=60, trace_etag=False))) as url:
        source = GitLabSource(
            "gitlab", GitLabSettings(url=f"{url}/gitlab", watch=("ml/**",)), clock=world.now
        )
        reader, kept = source.log(Address("gitlab", "ml/long", run.id, "train")), Kept()
        while not (asked := await reader.read(kept)).complete:
            world.clock.advance(asked.wait)
        facts = source.facts()
        await source.close()
    return facts.bytes_read


def rows(quick: bool) -> list[Row]:
    minutes, lines = (2, 200_000) if quick else (10, 2_000_000)
    whole, got = _naive(minutes), asyncio.run(_followed(minutes))
    with serving_apart(_serve, lines) as url:
        page, everything = (apart(_read, tail, lines, url) for tail in (1 << 18, 0))
    return [
        Row(
            f"a GitLab trace followed to {minutes} MB",
            got / 1e6,
            "MB",
            f"all of it each {EVERY:.0f} s",
            whole / 1e6,
            most_ratio=0.25,
        ),
        Row(
            f"last page of a Jenkins log of {lines * LINE / 1e6:.0f} MB",
            page,
            "s",
            "all of it",
            everything,
            most=1,
        ),
    ]


class Controller:
    """A Jenkins with one build that has ended and written so much: nothing but that, as fast as it can be sent."""

    def __init__(self, lines: int) -> None:
        self._raw = lines * LINE
        body = b"".join((b"%08d " % number).ljust(LINE - 1, b"x") + b"\r\n" for number in range(lines))
        self._body = memoryview(body)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            target = head.split(b" ", 2)[1]
            start = int(target.partition(b"start=")[2] or 0)
            if start < 0:
                start = self._raw + start // LINE * LINE
                meta = b'{"completed":true,"start":%d,"end":%d}' % (start, self._raw)
                parts = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
                body = memoryview(
                    parts % (b"text", self._lines(start)) + parts % (b"meta", meta) + b"--b--\r\n"
                )
                kind = b"multipart/form-data;boundary=b"
            else:
                body, kind = self._lines(start), b"text/plain;charset=utf-8"
            framing = (
                f"X-Jenkins: {CORE}\r\nX-Text-Size: {self._raw}\r\nContent-Length: {len(body)}\r\n".encode()
            )
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + framing + b"\r\n")
            for at in range(0, len(body), 1 << 18):
                writer.write(body[at : at + (1 << 18)])
                await writer.drain()

    def _lines(self, start: int) -> memoryview:
        return self._body[start // LINE * (LINE + 1) if start >= 0 else len(self._body) :]


def _serve(lines: int, answers: Connection) -> None:
    async def serve() -> None:
        controller = Controller(lines)
        server = await asyncio.start_server(controller.answer, "127.0.0.1", 0)
        answers.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.to_thread(answers.recv)

    asyncio.run(serve())


def _read(tail: int, lines: int, url: str, results: Connection) -> None:
    """Tells the seconds until the last line of that log can be shown."""

    async def read() -> None:
        runtime = Runtime(Settings(sources={"jenkins": JenkinsSettings(url=url)}))
        query = LogOf(Address("jenkins", "long", 1), tail=tail)
        await runtime.sources.source("jenkins")
        import httpx  # noqa: F401  # what else is imported first is not the log's

        begun = time.perf_counter()
        await runtime.poller.ask(query)
        results.send(time.perf_counter() - begun)
        text = runtime.poller.log(query)
        assert text is not None
        assert text.read(len(text) - 1, 9) == b"%08d " % (lines - 1)
        await runtime.close()

    asyncio.run(read())
