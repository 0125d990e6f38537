"""How fast logs are read, kept and found again: ``python -m benchmarks.bench_logs [lines]``.

Feeds 1 000 000 lines of 200 bytes in chunks of 64 KiB, as they come off the network, through a parser into a spool,
and prints megabytes a second, memory above the empty program and what reading single lines costs. Each feed runs in
a process of its own, so that one does not pay for the other.
"""

import asyncio
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.bench_viewers import beside
from benchmarks.table import Row, percentile

CHUNK = 1 << 16


def _memory() -> float:
    """Resident MB of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _plain(number: int) -> bytes:
    return (b"%d step loss=0.123456 accuracy=0.98 " % number).ljust(199, b"x") + b"\n"


def _coloured(number: int) -> bytes:
    return (b"\x1b[32mstep %d\x1b[0m loss=\x1b[1;33m0.123456\x1b[0m " % number).ljust(199, b"x") + b"\n"


def _open_colour(number: int) -> bytes:
    colour = b"\x1b[3%dm" % (number // 100 % 8) if number % 100 == 0 else b""
    return (colour + b"step %d " % number).ljust(199, b"x") + b"\n"


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
    "jenkins plain": ("jenkins", _plain),
    "jenkins CRLF, timestamps": ("jenkins", _jenkins_timestamps),
    "jenkins CRLF, notes": ("jenkins", _jenkins_notes),
    "jenkins colours": ("jenkins", _coloured),
    "jenkins colours left open": ("jenkins", _open_colour),
    "jenkins not ASCII": ("jenkins", _unicode),
    "gitlab plain": ("gitlab", _plain),
    "gitlab colours": ("gitlab", _coloured),
    "gitlab row headers": ("gitlab", _gitlab_rows),
    "gitlab row headers, progress": ("gitlab", _gitlab_progress),
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


def run(name: str, lines: int, tell: Connection | None = None) -> None:
    from tui.logs.find import Search
    from tui.logs.gitlab import GitLabParser
    from tui.logs.jenkins import JenkinsParser
    from tui.logs.rules import errors, pattern, words
    from tui.logs.spool import Spool

    kind, line = FEEDS[name]
    parser = JenkinsParser() if kind == "jenkins" else GitLabParser()
    for _ in _chunks(line, 20_000):  # the generator's own memory is not the log's
        pass
    before = _memory()
    with tempfile.TemporaryDirectory() as directory, Spool(Path(directory)) as spool:
        size, spent, cpu = 0, 0.0, 0.0
        for chunk in _chunks(line, lines):
            began, cpu_began = time.perf_counter(), time.process_time()
            for batch in parser.feed(chunk):
                spool.append(batch)
            spool.preview(parser.preview())
            spent += time.perf_counter() - began
            cpu += time.process_time() - cpu_began
            size += len(chunk)
        for batch in parser.finish():
            spool.append(batch)
        grown = _memory() - before
        numbers = [random.randrange(len(spool)) for _ in range(10_000)]
        began = time.perf_counter()
        for number in numbers:
            spool.read(number)
        each = (time.perf_counter() - began) / len(numbers)
        if tell is not None:
            tell.send((size / 1e6 / spent, grown))
            return
        if name == "jenkins plain":
            for words_of, finder in (
                ("words", words("not there")),
                ("a pattern", pattern(r"step 9+\b")),
                ("errors", errors()),
            ):
                began = time.perf_counter()
                asyncio.run(Search(spool, finder).scan())
                print(f"  search for {words_of}: {size / 1e6 / (time.perf_counter() - began):.0f} MB/s")
        speed, of_cpu = size / 1e6 / spent, size / 1e6 / cpu
        print(
            f"{name:30} {len(spool):9} lines {size / 1e6:5.0f} MB  {speed:4.0f} MB/s, {of_cpu:4.0f} a CPU second"
            f"  +{grown:4.1f} MB memory  {each * 1e6:4.1f} us a line read"
        )


def jumps(lines: int, tell: Connection | None = None) -> None:
    """What a jump to any line costs until its page is drawn, while the log goes on being fed."""
    from textual.app import App, ComposeResult

    from tui.logs.jenkins import JenkinsParser
    from tui.logs.spool import Spool
    from widgets.log_view import LogView

    async def jump(spool: Spool, parser: JenkinsParser, more: Iterator[bytes]) -> None:
        class Deck(App[None]):
            def compose(self) -> ComposeResult:
                yield LogView(spool)

        app = Deck()
        async with app.run_test(size=(140, 50)) as pilot:
            await pilot.pause()
            view = app.query_one(LogView)
            for look in ("", "numbers", "times", "wrap"):
                if look:
                    view.action_switch(look)
                spent = []
                for chunk in islice(more, 100):
                    began = time.perf_counter()
                    for batch in parser.feed(chunk):
                        spool.append(batch)
                    view.grew()
                    view.show_line(random.randrange(len(spool)))
                    for y in range(50):
                        view.render_line(y)
                    spent.append((time.perf_counter() - began) * 1e3)
                    await asyncio.sleep(0)
                spent.sort()
                if tell is not None:
                    tell.send(percentile(spent, 0.99))
                    return
                print(
                    f"jump, 64 KiB fed, 140x50 {look and '+ ' + look:10}"
                    f"  p50 {spent[50]:4.1f}  p95 {spent[95]:4.1f}  max {spent[-1]:4.1f} ms"
                )

    with tempfile.TemporaryDirectory() as directory, Spool(Path(directory)) as spool:
        parser = JenkinsParser()
        for chunk in _chunks(_coloured, lines):
            for batch in parser.feed(chunk):
                spool.append(batch)
        asyncio.run(jump(spool, parser, _chunks(_coloured, 1_000_000)))


def _apart(task: Callable[..., None], *arguments: object) -> Any:
    """What it tells, from a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=task, args=(*arguments, there))
    child.start()
    there.close()
    try:
        return here.recv()
    finally:
        child.join()


def rows(quick: bool) -> list[Row]:
    lines = 50_000 if quick else 1_000_000
    found = []
    for name in ("jenkins plain", "gitlab row headers"):
        speed, memory = _apart(run, name, lines)
        found += [
            Row(f"log fed, {name}", speed, "MB/s", "wanted", 80, least_ratio=1),
            Row("  memory for it", memory, "MB", most=40),
        ]
    found.append(Row("jump in it while it is fed, p99", _apart(jumps, lines), "ms", most=50))
    return found + beside(lines)


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    context = multiprocessing.get_context("spawn")
    tasks: list[Callable[[int], None]] = [*(partial(run, name) for name in FEEDS), jumps]
    for task in tasks:
        process = context.Process(target=task, args=(lines,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
