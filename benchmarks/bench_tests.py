"""A report of 50 000 cases in both dialects: ``python -m benchmarks.bench_tests [cases]``.

A child process makes and serves the reports of six runs on loopback. Printed for each dialect: reading one report, how
long the event loop was held up meanwhile, comparing with five earlier ones, what disk and memory they take, and the
pane: from the key to its first picture, unfolding all passed cases, scrolling through them, and a filter.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from tests.http_stub import Reply, http_stub
from tests.screens import running
from tui.app import Pipedeck
from tui.config import GitLabSettings, JenkinsSettings, Secret, Settings
from tui.domain.address import Address
from tui.domain.tests import TestReport
from tui.engine.engine import Engine
from tui.engine.history import History
from tui.insight.tests import Earlier, compare
from tui.keys import keymap
from tui.panes.tests import TestsPane
from tui.panes.tests_picture import Inputs, draw
from tui.screens.deck import DeckScreen
from tui.sources.base import PipelineSource
from tui.sources.gitlab import GitLabSource
from tui.sources.jenkins import JenkinsSource

RUNS = 6
NEWEST = 9
FAILED = 0.002
BEGAN = 1_700_000_000_000
GENEROUS = 90.0
"""Seconds until a step is given up."""


# --- the reports --------------------------------------------------------------------------------------------------


def _cases(count: int, run: int) -> Iterator[tuple[str, str, str, float]]:
    """Class, name, outcome and seconds. Those that fail change from run to run, some stay."""
    random = Random(run)
    for n in range(count):
        failed = n % 5000 == 7 or random.random() < FAILED
        name = f"test_forward_{n}[bf16-batch{n % 64}-lr1e-{n % 7}]"
        outcome = "failed" if failed else "skipped" if n % 97 == 0 else "passed"
        yield f"tests.test_model_{n % 400}.TestModel{n % 400}", name, outcome, round(n % 900 / 1000, 3)


def jenkins_report(count: int, run: int) -> bytes:
    """What the junit plugin answers to the tree that is asked for."""
    words = {"passed": "PASSED", "failed": "FAILED", "skipped": "SKIPPED"}
    cases = [
        {
            "age": int(outcome == "failed"),
            "className": classname,
            "duration": seconds,
            "failedSince": run if outcome == "failed" else 0,
            "name": name,
            "skipped": outcome == "skipped",
            "status": words[outcome],
        }
        for classname, name, outcome, seconds in _cases(count, run)
    ]
    suites = [
        {"cases": cases[n : n + 500], "enclosingBlockNames": ["unit", "test"], "name": f"suite {n}"}
        for n in range(0, count, 500)
    ]
    return json.dumps({"_class": "hudson.tasks.junit.TestResult", "suites": suites}).encode()


TRACE = (
    "def test():\n"
    + "    assert x\n" * 30
    + "E   assert 0.71 <= 0.7\n\ntests/test_model.py:41: AssertionError"
)


def gitlab_report(count: int, run: int) -> tuple[bytes, bytes]:
    """``test_report_summary`` and ``test_report``; failed cases with their traces."""
    words = {"passed": "success", "failed": "failed", "skipped": "skipped"}
    cases = [
        {
            "status": words[outcome],
            "name": name,
            "classname": classname,
            "file": None,
            "execution_time": seconds,
            "system_output": TRACE if outcome == "failed" else None,
            "stack_trace": None,
            "recent_failures": None,
        }
        for classname, name, outcome, seconds in _cases(count, run)
    ]
    statuses = [case["status"] for case in cases]
    summary = {
        "name": "unit",
        "total_count": count,
        "failed_count": statuses.count("failed"),
        "skipped_count": statuses.count("skipped"),
        "error_count": 0,
        "build_ids": [7],
        "suite_error": None,
    }
    report = {"test_suites": [{"name": "unit", "suite_error": None, "test_cases": cases}]}
    return json.dumps({"test_suites": [summary]}).encode(), json.dumps(report).encode()


def _routes(count: int) -> dict[str, Reply]:
    def answer(value: Any) -> Reply:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return Reply(200, {"Content-Type": "application/json", "X-Jenkins": "2.516.3"}, body)

    routes: dict[str, Reply] = {"GET /queue/api/json": answer({"items": []})}
    builds, pipelines = [], []
    for number in range(NEWEST, NEWEST - RUNS, -1):
        counts = {"totalCount": count, "failCount": count // 500, "skipCount": 0}
        builds.append(
            {
                "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
                "number": number,
                "building": False,
                "inProgress": False,
                "result": "UNSTABLE",
                "timestamp": BEGAN + number * 1000,
                "duration": 60_000,
                "actions": [{"_class": "hudson.tasks.junit.TestResultAction", **counts}],
            }
        )
        began = f"2026-05-08T09:0{number}:00Z"
        totals = {"count": count, "failed": count // 500, "skipped": 0, "error": 0}
        pipelines.append(
            {
                "id": f"gid://gitlab/Ci::Pipeline/{number}",
                "iid": str(number),
                "status": "FAILED",
                "ref": "main",
                "startedAt": began,
                "finishedAt": began,
                "duration": 60,
                "testReportSummary": {"total": totals},
                "jobs": {"nodes": []},
            }
        )
        place = f"/api/v4/projects/big/pipelines/{number}"
        summary, report = gitlab_report(count, number)
        routes |= {
            f"GET /job/big/{number}/testReport/api/json": answer(jenkins_report(count, number)),
            f"GET {place}/test_report_summary": answer(summary),
            f"GET {place}/test_report": answer(report),
            f"GET {place}/bridges": answer([]),
        }
    routes["GET /api/json"] = answer({"jobs": [{"name": "big", "fullName": "big", "builds": builds[:5]}]})
    project = {"fullPath": "big", "pipelines": {"nodes": pipelines}}
    routes["POST /api/graphql"] = answer({"data": {"projects": {"nodes": [project]}}})
    return routes


def _serve(count: int, pipe: Connection) -> None:
    with http_stub(_routes(count)) as stub:
        pipe.send(stub.url)
        pipe.recv()


@contextmanager
def served(count: int) -> Iterator[str]:
    """The address of a child process that serves the reports."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_serve, args=(count, theirs), daemon=True)
    child.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        child.join(10)


# --- measuring ----------------------------------------------------------------------------------------------------


def memory() -> float:
    """Resident MB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """How late a timer of 5 ms came while the block ran, in seconds."""
    late: list[float] = []

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - before - 0.005)

    task = asyncio.create_task(beat())
    try:
        yield late
    finally:
        task.cancel()


def tell(what: str, seconds: float, more: str = "") -> None:
    print(f"  {what:44} {seconds * 1000:8.0f} ms  {more}")


async def timed(what: str, doing: Awaitable[Any]) -> Any:
    """The result; prints how long it took and how long the loop was held up."""
    async with heartbeat() as late:
        start = time.perf_counter()
        result = await doing
        took = time.perf_counter() - start
    tell(what, took, f"loop held up {max(late, default=0.0) * 1000:.0f} ms at most")
    return result


def settings_for(dialect: str, url: str) -> Settings:
    if dialect == "jenkins":
        return Settings(sources={"ci": JenkinsSettings(url=url)})
    return Settings(sources={"ci": GitLabSettings(url=url, token=Secret("t"), watch=("big",))})


def source_for(settings: Settings) -> PipelineSource:
    found = settings.sources["ci"]
    return JenkinsSource("ci", found) if isinstance(found, JenkinsSettings) else GitLabSource("ci", found)  # type: ignore[arg-type]


async def reading(settings: Settings) -> None:
    source = source_for(settings)
    listing = await source.pipelines()
    runs = listing.pipelines[0].runs
    await source.tests(runs[-1].address)  # imports the libraries
    before = memory()
    report: TestReport = await timed("read one report", source.tests(runs[0].address))
    one = memory() - before
    earlier = [Earlier(run, await source.tests(run.address)) for run in runs[1:]]
    print(f"  memory: {one:.0f} MB for one, {memory() - before:.0f} MB for {len(earlier) + 1}")
    start = time.perf_counter()
    found = compare(report, runs[0], earlier)
    tell(
        f"compare with {len(earlier)}",
        time.perf_counter() - start,
        f"{len(found.new)} new, {len(found.known)} known",
    )
    inputs = Inputs(runs[0], report, tuple(earlier), False, 0, "", frozenset())
    start = time.perf_counter()
    rows = draw(inputs, None).rows
    tell("compare and make all rows", time.perf_counter() - start, f"{len(rows):,} rows, in a thread")
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        start = time.perf_counter()
        history.put("run", report)
        kept = time.perf_counter() - start
        size = sum(entry.stat().st_size for entry in os.scandir(folder))
        start = time.perf_counter()
        assert history.get("run", TestReport) == report
        tell("keep on disk", kept, f"{size / 1e6:.1f} MB, in a thread")
        tell("read from disk", time.perf_counter() - start, "in a thread")
    await source.close()


async def until(pilot: Any, done: Any) -> None:
    deadline = time.perf_counter() + GENEROUS
    while not done():
        assert time.perf_counter() < deadline, "it takes too long"
        await asyncio.sleep(0.002)
    await pilot.pause()


async def showing(settings: Settings, cases: int) -> None:
    app = Pipedeck(settings, keymap({}), Engine(settings))
    async with running(app, (80, 24)) as pilot:
        deck = app.screen_stack[1]
        assert isinstance(deck, DeckScreen)
        await until(pilot, lambda: "tests" in deck.panes and deck.selection.run_address)
        pane = deck.panes["tests"]
        assert isinstance(pane, TestsPane)
        table = pane.table

        async def first() -> None:
            await pilot.press("4")
            await until(pilot, lambda: table.rows)

        async def compared() -> None:
            await until(pilot, lambda: pane._picture and not pane._picture.inputs.pending and not pane.busy)

        async def unfold() -> None:
            table.highlight("passed")
            await pilot.press("right")
            await until(pilot, lambda: len(table.rows) > cases * 0.9 and not pane.busy)

        async def scroll(keys: int) -> None:
            for _ in range(keys):
                await pilot.press("pagedown")

        async def narrow() -> None:
            await pilot.press("slash", *"forward_4912")
            await until(pilot, lambda: pane._picture and pane._picture.inputs.needle.endswith("4912"))

        await timed("the key 4 to the first picture", first())
        await timed("all runs before read and compared", compared())
        await timed("unfold all passed cases", unfold())
        await timed("20 pages down", scroll(20))
        await timed("to the end", pilot.press("end"))
        await timed("type a filter of 12 letters", narrow())
        assert Address("ci", "big", NEWEST) == deck.selection.run_address
        print(f"  memory of the whole program: {memory():.0f} MB")


def apart(dialect: str, url: str, cases: int, what: str) -> None:
    settings = settings_for(dialect, url)
    asyncio.run(reading(settings) if what == "reading" else showing(settings, cases))


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    context = multiprocessing.get_context("spawn")
    sizes: Mapping[str, int] = {
        "jenkins": len(jenkins_report(cases, NEWEST)),
        "gitlab": len(gitlab_report(cases, NEWEST)[1]),
    }
    with served(cases) as url:
        for dialect, size in sizes.items():
            print(f"{dialect}: {cases:,} cases, {size / 1e6:.1f} MB a report")
            for what in ("reading", "showing"):
                # Each in a process of its own: what one leaves in memory is not counted with the other.
                child = context.Process(target=apart, args=(dialect, url, cases, what))
                child.start()
                child.join()
                if child.exitcode:
                    sys.exit(child.exitcode)


if __name__ == "__main__":
    main()
