"""What following a log costs: ``python -m benchmarks.bench_tail``.

A GitLab trace that grows to 10 MB over ten minutes of the sandbox's time, in bytes on the wire, beside what asking for
all of it every three seconds costs. And the end of a Jenkins log of 200 MB that is complete, over the loopback: how
soon its last page is there, and the whole.
"""

import asyncio
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.table import Row
from tests.sandbox.serving import serving
from tui.config import GitLabSettings, JenkinsSettings, Settings
from tui.domain.address import Address
from tui.engine.engine import Engine
from tui.engine.questions import LogOf
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.trace import trace
from tui.sandbox.logs import packed
from tui.sandbox.scenario import logs
from tui.sandbox.world import Clock, Run, World
from tui.sources.gitlab import GitLabSource

LINE = 100
LINES = 2_000_000
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


def _world() -> tuple[World, Run]:
    world = World(logs(), Clock(1_795_422_000.0, manual=True))
    (pipeline,) = world.pipelines("gitlab", "ml/long")
    return world, world.runs(pipeline)[0]


def naive(*, compressed: bool) -> int:
    """Bytes of asking for all of the trace until the job has ended."""
    world, run = _world()
    total, size, before = 0, 0, -1
    while True:
        seen = world.progress(run)
        sent = trace(run, seen.tasks[0], 0, world.now(), every=60, rows=True).sent
        if len(sent) != before:
            before = len(sent)
            size = len(packed(sent, "gzip")[0]) if compressed else len(sent)
        total += size
        if seen.state.finished:
            return total
        world.clock.advance(EVERY)


async def followed(*, compressed: bool, tagged: bool) -> tuple[int, int, int]:
    """Bytes and requests of following it, and how long the trace got."""
    world, run = _world()
    with serving(gitlab_app(world, Faults(), Options(trace_every=60, trace_etag=tagged))) as url:
        source = GitLabSource(
            "gitlab", GitLabSettings(url=f"{url}/gitlab", watch=("ml/**",)), clock=world.now
        )
        if not compressed:
            stream = source._traces.http.stream
            source._traces.http.stream = lambda path, **how: stream(  # type: ignore[method-assign]
                path, **{**how, "headers": {**how["headers"], "Accept-Encoding": "identity"}}
            )
        reader, kept = source.log(Address("gitlab", "ml/long", run.id, "train")), Kept()
        while not (asked := await reader.read(kept)).complete:
            world.clock.advance(asked.wait)
        facts = source.facts()
        await source.close()
    return facts.bytes_read, facts.requests, kept.size


def rows(quick: bool) -> list[Row]:
    """The table's; quick: nothing of the Jenkins log, which takes 200 MB of memory."""
    whole = naive(compressed=True)
    got, _, _ = asyncio.run(followed(compressed=True, tagged=False))
    beside = f"all of it each {EVERY:.0f} s"
    found = [Row("a GitLab trace followed to 10 MB", got / 1e6, "MB", beside, whole / 1e6, most_ratio=0.25)]
    if quick:
        return found
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=("2.541.1", there))
    server.start()
    told, tell = context.Pipe(duplex=False)
    url = f"http://127.0.0.1:{here.recv()}"
    took = []
    for tail in (1 << 18, 0):
        reading = context.Process(target=_read, args=("2.541.1", tail, url, tell))
        reading.start()
        took.append(told.recv())
        reading.join()
    here.send(None)
    server.join()
    return [*found, Row("last page of a Jenkins log of 200 MB", took[0], "s", "all of it", took[1], most=1)]


def gitlab() -> None:
    for compressed in (False, True):
        whole = naive(compressed=compressed)
        words = "compressed" if compressed else "not compressed"
        print(f"a trace that grows to 10 MB in 10 minutes, {words}:")
        print(f"  asked for whole every {EVERY:.0f} s   {whole / 1e6:8.1f} MB")
        for tagged in (False, True):
            got, requests, size = asyncio.run(followed(compressed=compressed, tagged=tagged))
            tag = "with ETag   " if tagged else "without ETag"
            print(
                f"  followed, {tag}      {got / 1e6:8.1f} MB, {got / whole:.1%} of it, in {requests} requests "
                f"for {size / 1e6:.1f} MB"
            )


class Controller:
    """A Jenkins with one build that has ended and written 200 MB: nothing but that, as fast as it can be sent."""

    def __init__(self, core: str) -> None:
        self._core = core
        self._raw = LINES * LINE
        body = b"".join((b"%08d " % number).ljust(LINE - 1, b"x") + b"\r\n" for number in range(LINES))
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
            if start < 0 and self._core >= "2.534":
                start = self._raw + start // LINE * LINE
                meta = b'{"completed":true,"start":%d,"end":%d}' % (start, self._raw)
                parts = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
                body = memoryview(
                    parts % (b"text", self._lines(start)) + parts % (b"meta", meta) + b"--b--\r\n"
                )
                kind = b"multipart/form-data;boundary=b"
            else:
                body, kind = self._lines(start), b"text/plain;charset=utf-8"
            told = f"X-Jenkins: {self._core}\r\nX-Text-Size: {self._raw}\r\nContent-Length: {len(body)}\r\n".encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + told + b"\r\n")
            for at in range(0, len(body), 1 << 18):
                writer.write(body[at : at + (1 << 18)])
                await writer.drain()

    def _lines(self, start: int) -> memoryview:
        return self._body[start // LINE * (LINE + 1) if start >= 0 else len(self._body) :]


def _serve(core: str, port: "Connection") -> None:
    async def serve() -> None:
        controller = Controller(core)
        server = await asyncio.start_server(controller.answer, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(port.recv)

    asyncio.run(serve())


def _peak() -> float:
    """Resident MB of this process at most so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _read(core: str, tail: int, url: str, tell: Connection | None = None) -> None:
    """Read that log, in a process of its own, so that its memory is told apart."""

    async def read() -> None:
        settings = Settings(sources={"jenkins": JenkinsSettings(url=url)})
        engine = Engine(settings)
        question = LogOf(Address("jenkins", "long", 1), tail=tail)
        await engine.servers.source("jenkins")
        import httpx  # noqa: F401  # what else is imported first is not the log's

        before = _peak()
        begun = time.perf_counter()
        await engine.ask(question)
        took = time.perf_counter() - begun
        memory = _peak() - before
        text = engine.log(question)
        assert text is not None
        assert text.read(len(text) - 1, 9) == b"%08d " % (LINES - 1)
        size = (text.state.size - text.state.start) / 1e6
        what = "its end" if tail else "all    "
        if tell is not None:
            tell.send(took)
            await engine.close()
            return
        print(
            f"  core {core}, {what}  {took:6.2f} s  {size:6.1f} MB, {size / took:4.0f} MB/s, "
            f"{len(text):8} lines, +{memory:.0f} MB memory at most"
        )
        await engine.close()

    asyncio.run(read())


def jenkins() -> None:
    context = multiprocessing.get_context("spawn")
    print("a complete Jenkins log of 200 MB over the loopback, until its last line can be shown:")
    for core in ("2.541.1", "2.516.3"):
        here, there = context.Pipe()
        server = context.Process(target=_serve, args=(core, there))
        server.start()
        url = f"http://127.0.0.1:{here.recv()}"
        for tail in (1 << 18, 0):
            reading = context.Process(target=_read, args=(core, tail, url))
            reading.start()
            reading.join()
        here.send(None)
        server.join()


def main() -> None:
    gitlab()
    jenkins()


if __name__ == "__main__":
    main()
