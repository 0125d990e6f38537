"""A report of 50 000 cases in both dialects: read, kept, compared with five earlier ones, and shown.

A child process makes and serves the reports of six runs on loopback.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.deck import BEAT, beat
from benchmarks.subprocess_runner import apart, resident, serving
from benchmarks.table import Row
from tests.app_pilot import running
from tests.http_stub import Reply, http_stub
from tui.app import Pipedeck
from tui.config import GitLabSettings, JenkinsSettings, Secret, Settings
from tui.engine.cache.disk import DiskCache
from tui.engine.runtime import Runtime
from tui.keys import keymap
from tui.panes.tests import TestsPane
from tui.screens.deck import DeckScreen
from tui.sources.base import PipelineSource

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


# --- measuring ----------------------------------------------------------------------------------------------------


def _settings(dialect: str, url: str) -> Settings:
    if dialect == "jenkins":
        return Settings(sources={"ci": JenkinsSettings(url=url)})
    return Settings(sources={"ci": GitLabSettings(url=url, token=Secret("t"), watch=("big",))})


class Read(NamedTuple):
    seconds: float
    held: float
    """Milliseconds that the event loop was held at most meanwhile."""
    memory: float
    """MiB of one report."""
    kept: float
    """MB of it on disk."""


def _read(dialect: str, url: str, results: Connection) -> None:
    """Tells what reading one report is like."""

    async def read() -> Read:
        runtime = Runtime(_settings(dialect, url))
        source = await runtime.sources.get("ci", PipelineSource)
        runs = (await source.pipelines()).pipelines[0].runs
        await source.tests(runs[-1].address)  # imports the libraries
        before = resident()
        late: list[tuple[float, float]] = []
        beating = asyncio.create_task(beat(late))
        begun = time.perf_counter()
        report = await source.tests(runs[0].address)
        took = time.perf_counter() - begun
        await asyncio.sleep(2 * BEAT)
        beating.cancel()
        memory = resident() - before
        await runtime.close()
        with tempfile.TemporaryDirectory() as folder:
            DiskCache(Path(folder)).put("run", report)
            kept = sum(entry.stat().st_size for entry in os.scandir(folder)) / 1e6
        return Read(took, max(lateness for _, lateness in late), memory, kept)

    results.send(asyncio.run(read()))


class Shown(NamedTuple):
    """Seconds from the key until it stands on the screen."""

    first: float
    """The report of the run alone."""
    compared: float
    """With all runs before."""
    unfolded: float
    page: float


def _show(dialect: str, url: str, cases: int, results: Connection) -> None:
    """Tells how soon the pane answers keys."""

    async def show() -> Shown:
        settings = _settings(dialect, url)
        runtime = Runtime(settings)
        async with running(Pipedeck(settings, keymap({}), runtime), (80, 24)) as pilot:
            deck = pilot.app.screen_stack[0]
            assert isinstance(deck, DeckScreen)

            async def until(done: Callable[[], object]) -> None:
                deadline = time.perf_counter() + GENEROUS
                while not done():
                    assert time.perf_counter() < deadline, "it takes too long"
                    await asyncio.sleep(0.002)
                await pilot.pause()

            async def timed(keys: Sequence[str], done: Callable[[], object] = lambda: True) -> float:
                begun = time.perf_counter()
                await pilot.press(*keys)
                await until(done)
                return time.perf_counter() - begun

            await until(lambda: "tests" in deck.panes and deck.selection.run_address)
            pane = deck.panes["tests"]
            assert isinstance(pane, TestsPane)
            table = pane.table
            begun = time.perf_counter()
            first = await timed("4", lambda: table.rows)
            await until(lambda: pane._picture and not pane._picture.inputs.pending and not pane.busy)
            compared = time.perf_counter() - begun
            table.highlight("passed")
            unfolded = await timed(["right"], lambda: len(table.rows) > cases * 0.9 and not pane.busy)
            page = await timed(["pagedown"] * 20) / 20
        return Shown(first, compared, unfolded, page)

    results.send(asyncio.run(show()))


def rows(quick: bool) -> list[Row]:
    cases, found = 2_000 if quick else 50_000, list[Row]()
    with serving(_serve, cases) as url:
        for dialect in ("jenkins", "gitlab"):
            read: Read = apart(_read, dialect, url)
            shown: Shown = apart(_show, dialect, url, cases)
            found += [
                Row(f"{dialect}, a report of {cases:,} tests read", read.seconds, "s"),
                Row("  event loop held meanwhile, longest", read.held, "ms", most=30),
                Row("  memory for it", read.memory, "MiB"),
                Row("  kept on disk", read.kept, "MB"),
                Row("  key to its first picture", shown.first, "s", most=1),
                Row("  key to the picture beside five runs before", shown.compared, "s"),
                Row("  key to all of them unfolded", shown.unfolded, "s"),
                Row("  a page down in them", 1000 * shown.page, "ms", most=50, own=True),
            ]
    return found
