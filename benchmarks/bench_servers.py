"""What the servers are asked, and how soon the deck shows what has changed on them.

The deck's clock and the servers' are driven, so minutes take seconds. Beside it is what others ask for as much, by
their sources: a client that asks for every run each 10 s, and each tool in the way its own timers do it.
"""

import asyncio
import re
import statistics
from collections.abc import Callable
from typing import NamedTuple

import httpx

from benchmarks.clock_driver import driven_deck
from benchmarks.table import Row
from benchmarks.world import TICKS, Crowd, Servers
from tui.config import GitLabSettings, JenkinsSettings, Settings
from tui.sandbox.process import Face
from tui.sandbox.world import Clock, World

STEP = 5.0
LOOK = 0.5
"""Seconds between two looks at the screen."""


class Peer(NamedTuple):
    name: str
    a_minute: Callable[[int, int], float]
    """Requests for so many pipelines, so many of them running."""


PEERS: dict[Face, tuple[Peer, ...]] = {
    "jenkins": (
        Peer("edulog87: list and ten jobs each 10 s", lambda count, running: 6 * (1 + min(10, count))),
        Peer("bnainar: each running one each 3 s", lambda count, running: 20 * running),
        Peer("chelnak: everything each 10 and 20 s", lambda count, running: 6 + 3),
        Peer("mattpetters: three for each each 10 s", lambda count, running: 18 * count),
    ),
    "gitlab": (
        Peer("glim: each, and jobs of running ones", lambda count, running: count + 4 * running),
        Peer("glab ci view of each running one", lambda count, running: 24 * running),
        Peer("lazylab of each project", lambda count, running: 6 * count),
        Peer("glab-tui of each project", lambda count, running: count),
    ),
}


async def _asked(sandbox: Servers, settings: Settings, face: Face, minutes: int) -> tuple[float, float]:
    """Requests and bytes a minute, after the first, of a deck with the cursor on the first row."""
    async with driven_deck(sandbox, settings) as deck:

        async def minute(count: int) -> tuple[int, int]:
            for _ in range(int(count * 60 / STEP)):
                await deck.go_on(STEP)
            facts = deck.runtime.sources.facts(face)
            return facts.requests, facts.bytes_read

        before = await minute(1)
        after = await minute(minutes)
    return (after[0] - before[0]) / minutes, (after[1] - before[1]) / minutes


def _one_run(table: JenkinsSettings | GitLabSettings) -> int:
    """Bytes of what a server says of one run."""
    token = table.token.reveal() if table.token else ""
    with httpx.Client(trust_env=False) as client:
        if isinstance(table, JenkinsSettings):
            url = f"{table.url}/job/team-00/job/job-000/1/api/json"
            answer = client.get(url, auth=(table.user or "", token))
        else:
            url = f"{table.url}/api/v4/projects/group-0%2Fproject-00/pipelines/latest"
            answer = client.get(url, headers={"PRIVATE-TOKEN": token})
    return len(answer.raise_for_status().content)


def _rows(face: Face, count: int, running: float, minutes: int) -> list[Row]:
    jobs, projects = (count, 0) if face == "jenkins" else (0, count)
    crowd = Crowd(jobs=jobs, projects=projects, running=running, manual=True)
    with Servers(crowd) as sandbox:
        table = sandbox.settings().sources[face]
        assert isinstance(table, JenkinsSettings | GitLabSettings)
        asked, size = asyncio.run(_asked(sandbox, Settings(sources={face: table}), face, minutes))
        naive = 6 * count * _one_run(table)
    busy = crowd.busy(count)
    what = f"{face}, {count} pipelines, {busy or 'none'} running"
    # Jenkins: list and queue; GitLab: one request for what changed in fifty projects. Each half minute, each ten
    # seconds while anything runs, and then the run under the cursor each three: two requests are allowed for it here.
    refresh = 2.0 if face == "jenkins" else -(-count // 50)
    most = min(70, 6 * refresh + 2 * 20) if busy else 2 * refresh
    found = [
        Row(
            f"{what}: requests a minute",
            asked,
            "",
            "each run each 10 s",
            6.0 * count,
            most=most,
            own=busy > 0,
        ),
        Row("  bytes a minute", size / 1000, "kB", "each run each 10 s", naive / 1000),
    ]
    peers = PEERS[face] if busy else ()
    return found + [Row("  requests a minute", asked, "", name, ask(count, busy)) for name, ask in peers]


class Late(NamedTuple):
    """Seconds from the moment until it could be read."""

    begun: list[float]
    """A run began: in the list."""
    ended: list[float]
    """A run that was seen running ended: beside the list, where its stages are."""


_LISTED = re.compile(rf"{TICKS} +#(\d+) ")
_STAGES = re.compile(rf"▏ jenkins:{TICKS}#(\d+) +\S (\w+)")


async def _seen(crowd: Crowd, sandbox: Servers, runs: int) -> Late:
    """What is seen of so many runs of the pipeline under the cursor."""
    truth = World(crowd.scenario, Clock(sandbox.control.state().now, manual=True))
    (pipeline,) = truth.pipelines("jenkins", TICKS)
    late, listed, running = Late([], []), 1, 0
    settings = Settings(sources={name: sandbox.settings().sources[name] for name in ("jenkins", "gitlab")})
    async with driven_deck(sandbox, settings) as deck:
        await deck.press("slash", *TICKS, "enter")
        while len(late.begun) < runs:
            await deck.go_on(LOOK)
            truth.clock.advance(LOOK)
            newest = truth.runs(pipeline)[0]
            ended = truth.progress(newest).ended_at
            if listed == newest.number and ended and not running:
                continue  # all of it has been seen
            screen = deck.screen
            if (match := _LISTED.search(screen)) and listed < int(match[1]) == newest.number:
                listed, running = newest.number, 0
                late.begun.append(deck.now - newest.begins_at)
            if (match := _STAGES.search(screen)) and int(match[1]) == newest.number:
                if match[2] == "running":
                    running = newest.number
                elif running == newest.number and ended is not None:
                    running = 0
                    late.ended.append(deck.now - ended)
    return late


def _paints(quick: bool) -> list[Row]:
    found, ended = [], list[float]()
    for words, running, cadence in (("others run", 5.0, 10.0), ("nothing else runs", 0.0, 30.0)):
        crowd = Crowd(
            jobs=30, projects=10, running=running, ticking=53, manual=True
        )  # in step with no cadence
        with Servers(crowd) as sandbox:
            late = asyncio.run(_seen(crowd, sandbox, 2 if quick else 15))
        found += _late(f"a run begins while {words}", late.begun, cadence)
        ended += late.ended
    return found + _late("a run whose stages are shown ends", ended, 3.0)


def _late(what: str, late: list[float], cadence: float) -> list[Row]:
    """With the limit that follows from the cadence: lengthened by a fifth at most, and a second to read it."""
    return [
        Row(f"{what}: shown after, p50", statistics.median(late), "s"),
        Row("  the latest", max(late), "s", most=1.2 * cadence + 1, own=True),
    ]


def rows(quick: bool) -> list[Row]:
    sizes: dict[Face, tuple[int, ...]] = {"jenkins": (10, 200, 1000), "gitlab": (10, 50, 500)}
    minutes = 1 if quick else 2
    found: list[Row] = []
    for face, counts in sizes.items():
        for count in counts[: 1 if quick else None]:
            found += _rows(face, count, 5.0, minutes) + _rows(face, count, 0.0, minutes)
    return found + _paints(quick)
