"""How fast logs are read, kept, found again and jumped in; beside other programs that show them.

A million lines of 200 bytes are fed in chunks of 64 KiB, as they come off the network, through a parser into a spool.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bench_viewers import beside
from benchmarks.subprocess_runner import apart, resident
from benchmarks.table import Row, percentile

CHUNK = 1 << 16


def _plain(number: int) -> bytes:
    return (b"%d step loss=0.123456 accuracy=0.98 " % number).ljust(199, b"x") + b"\n"


def _coloured(number: int) -> bytes:
    return (b"\x1b[32mstep %d\x1b[0m loss=\x1b[1;33m0.123456\x1b[0m " % number).ljust(199, b"x") + b"\n"


def _unicode(number: int) -> bytes:
    return (f"époque {number} ✓ perte… ".encode()).ljust(199, b"x") + b"\n"


def _jenkins_timestamps(number: int) -> bytes:
    stamp = b"[2026-11-23T08:%02d:%02d.%03dZ] " % (number // 60000 % 60, number // 1000 % 60, number % 1000)
    return (stamp + b"step %d " % number).ljust(198, b"x") + b"\r\n"


def _jenkins_notes(number: int) -> bytes:
    note = b"\x1b[8mha:////4" + b"QUJD" * 60 + b"\x1b[0m" if number % 10 == 0 else b""
    return note + (b"[Pipeline] sh" if note else b"step %d " % number).ljust(198, b"x") + b"\r\n"


def _gitlab_rows(number: int) -> bytes:
    stamp = b"2026-05-08T09:%02d:%02d.%03d057Z 01O " % (
        number // 60000 % 60,
        number // 1000 % 60,
        number % 1000,
    )
    return (stamp + b"step %d " % number).ljust(199, b"x") + b"\n"


def _gitlab_progress(number: int) -> bytes:
    stamp = b"2026-05-08T09:%02d:%02d.%03d057Z 01O" % (
        number // 60000 % 60,
        number // 1000 % 60,
        number % 1000,
    )
    plus, end = (b" ", b"\r\n") if number % 20 == 0 else (b"+", b"\r\n" if number % 20 < 19 else b"\n")
    return (stamp + plus + b"%d%%|####" % (number % 100)).ljust(199, b"#") + end


FEEDS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "jenkins, plain": ("jenkins", _plain),
    "jenkins, timestamps, CRLF": ("jenkins", _jenkins_timestamps),
    "jenkins, notes, CRLF": ("jenkins", _jenkins_notes),
    "jenkins, colours": ("jenkins", _coloured),
    "jenkins, not ASCII": ("jenkins", _unicode),
    "gitlab, row headers": ("gitlab", _gitlab_rows),
    "gitlab, row headers, progress": ("gitlab", _gitlab_progress),
}


def _chunks(line: Callable[[int], bytes], lines: int) -> Iterator[bytes]:
    """The log in network chunks; made batch by batch so that it is never in memory as a whole."""
    rest = b""
    for start in range(0, lines, 5000):
        data = rest + b"".join(map(line, range(start, min(start + 5000, lines))))
        whole = len(data) - len(data) % CHUNK
        for at in range(0, whole, CHUNK):
            yield data[at : at + CHUNK]
        rest = data[whole:]
    yield rest


def _fed(name: str, lines: int, results: Connection) -> None:
    """Tells MB a second, MiB above the empty program, and MB a second of a search in it."""
    from tui.logs.find import Search
    from tui.logs.gitlab import GitLabParser
    from tui.logs.jenkins import JenkinsParser
    from tui.logs.rules import words
    from tui.logs.spool import Spool

    kind, line = FEEDS[name]
    parser = JenkinsParser() if kind == "jenkins" else GitLabParser()
    for _ in _chunks(line, 20_000):  # the generator's own memory is not the log's
        pass
    before = resident()
    with tempfile.TemporaryDirectory() as directory, Spool(Path(directory)) as spool:
        size, spent = 0, 0.0
        for chunk in _chunks(line, lines):
            began = time.perf_counter()
            for batch in parser.feed(chunk):
                spool.append(batch)
            spool.preview(parser.preview())
            spent += time.perf_counter() - began
            size += len(chunk)
        for batch in parser.finish():
            spool.append(batch)
        grown = resident() - before
        began = time.perf_counter()
        asyncio.run(Search(spool, words("not there")).scan())
        results.send((size / 1e6 / spent, grown, size / 1e6 / (time.perf_counter() - began)))


def _jumps(lines: int, results: Connection) -> None:
    """Tells the milliseconds of each jump to any line until its page is drawn, while the log goes on being fed."""
    from textual.app import App, ComposeResult

    from tui.logs.jenkins import JenkinsParser
    from tui.logs.spool import Spool
    from widgets.log.view import LogView

    async def jump(spool: Spool, parser: JenkinsParser, more: Iterator[bytes]) -> list[float]:
        class Deck(App[None]):
            def compose(self) -> ComposeResult:
                yield LogView(spool)

        app, spent = Deck(), []
        async with app.run_test(size=(140, 50)) as pilot:
            await pilot.pause()
            view = app.query_one(LogView)
            for chunk in islice(more, 200):
                began = time.perf_counter()
                for batch in parser.feed(chunk):
                    spool.append(batch)
                view.grew()
                view.show_line(random.randrange(len(spool)))
                for y in range(50):
                    view.render_line(y)
                spent.append((time.perf_counter() - began) * 1e3)
                await asyncio.sleep(0)
        return spent

    with tempfile.TemporaryDirectory() as directory, Spool(Path(directory)) as spool:
        parser = JenkinsParser()
        for chunk in _chunks(_coloured, lines):
            for batch in parser.feed(chunk):
                spool.append(batch)
        results.send(asyncio.run(jump(spool, parser, _chunks(_coloured, 1_000_000))))


def rows(quick: bool) -> list[Row]:
    lines = 20_000 if quick else 1_000_000
    fed = {name: apart(_fed, name, lines) for name in FEEDS}
    found = [
        Row(f"log fed, {name}", speed, "MB/s", "wanted", 80, least_ratio=1)
        for name, (speed, _, _) in fed.items()
    ]
    found += [
        Row("  memory for it, at most", max(0.0, *(grown for _, grown, _ in fed.values())), "MiB", most=40),
        Row("  a search through it, at least", min(search for *_, search in fed.values()), "MB/s"),
    ]
    spent = apart(_jumps, lines)
    found.append(Row("jump in it while it is fed, p99", percentile(spent, 0.99), "ms", most=50))
    return found + beside(lines)
