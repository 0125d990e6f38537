"""Time that only moves when told, and sources that live in memory."""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeVar

from tui.config import JenkinsSettings, Settings
from tui.domain.action import Offer, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.health import Finding, SourceFacts
from tui.domain.pipeline import Listing, Pipeline, Run
from tui.domain.series import Grid, Samples
from tui.domain.status import Status
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.engine.runtime import Runtime
from tui.presenters import notices
from tui.sources.base import Source
from tui.sources.log_end import LogEnd

T = TypeVar("T")

START = 1_700_000_000.0


class NoJitter(Random):
    def uniform(self, a: float, b: float) -> float:
        return a


class Alarm:
    def __init__(self, at: float, fn: Callable[[], None]) -> None:
        self.at = at
        self.fn = fn
        self.canceled = False

    def cancel(self) -> None:
        self.canceled = True


class Time:
    """A clock and a ``call_later`` for the engine."""

    def __init__(self) -> None:
        self.now = START
        self.planned = 0
        """How often ``later`` was called."""
        self._alarms: list[Alarm] = []

    def clock(self) -> float:
        return self.now

    def runtime(self, settings: Settings, sources: Mapping[str, Source], **more: Any) -> Runtime:
        """An engine that lives in this time, without jitter unless told otherwise."""
        options: dict[str, Any] = {"rng": NoJitter(), "formatter": notices} | more
        return Runtime(settings, sources, clock=self.clock, later=self.later, **options)

    def later(self, delay: float, fn: Callable[[], None]) -> Alarm:
        self.planned += 1
        alarm = Alarm(self.now + delay, fn)
        self._alarms.append(alarm)
        return alarm

    async def advance(self, seconds: float = 0.0) -> None:
        """Let time pass, and at each moment everything happen that can."""
        until = self.now + seconds
        await settle()
        while True:
            self._alarms = [alarm for alarm in self._alarms if not alarm.canceled]
            first = min(self._alarms, key=lambda alarm: alarm.at, default=None)
            if first is None or first.at > until:
                break
            self._alarms.remove(first)
            self.now = max(self.now, first.at)
            first.fn()
            await settle()
        self.now = until


async def settle() -> None:
    """Run the loop until everything that can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


class FakeServer:
    """A source of nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = "http://fake"
        self.asked: list[tuple[float, str]] = []
        self.skew: float | None = None
        self.closed = False

    def facts(self) -> SourceFacts:
        return SourceFacts(self.name, "fake", self.url, clock_skew=self.skew, requests=len(self.asked))

    async def check(self) -> tuple[Finding, ...]:
        return (Finding("ok", "fake", "is well"),)

    async def close(self) -> None:
        self.closed = True


class FakeSource(FakeServer):
    """A pipeline and metric source. What it answers, or raises, is set; what it was asked is kept, with the time."""

    def __init__(self, name: str, time: Time) -> None:
        super().__init__(name)
        self.listing: Listing | Exception = Listing(())
        self.runs: dict[Address, Run | Exception] = {}
        self.reports: dict[Address, TestReport | Exception] = {}
        self.details: dict[CaseKey, CaseDetails | Exception] = {}
        self.ends: dict[Address, LogEnd | Exception] = {}
        """Of the logs of runs."""
        self.default: Samples | Exception = Samples(())
        self.open = asyncio.Event()
        """Clear it and the server hangs."""
        self.open.set()
        self.stubborn = False
        """It does not heed cancellation, as a blocked thread does not."""
        self.canceled = 0
        self._time = time

    def times(self, what: str = "pipelines") -> list[float]:
        return [at - START for at, asked in self.asked if asked == what]

    async def write_access(self) -> WriteAccess:
        return WriteAccess(False)

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return ()

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        raise AssertionError("nobody acts on this one")

    async def pipelines(self) -> Listing:
        await self._serve("pipelines")
        return _or_raise(self.listing)

    async def run(self, address: Address) -> Run:
        await self._serve(str(address))
        return _or_raise(self.runs[address])

    async def tests(self, address: Address) -> TestReport:
        await self._serve(f"tests {address}")
        return _or_raise(self.reports.get(address, TestReport()))

    async def case(self, address: Address, key: CaseKey) -> CaseDetails:
        await self._serve(f"case {key.name} {address}")
        return _or_raise(self.details[key])

    async def log_end(self, run: Run, size: int) -> LogEnd:
        await self._serve(f"log {run.address}")
        return _or_raise(self.ends.get(run.address, LogEnd(run.address)))

    async def samples(self, query: str, grid: Grid) -> Samples:
        await self._serve(query)
        return _or_raise(self.default)

    async def _serve(self, what: str) -> None:
        self.asked.append((self._time.now, what))
        while True:
            try:
                await self.open.wait()
            except asyncio.CancelledError:
                self.canceled += 1
                if not self.stubborn:
                    raise
            else:
                return


def _or_raise(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer


def address(path: str, run: int, source: str = "ci") -> Address:
    return Address(source, path, run)


def run_of(at: Address, status: Status, *, started_at: float | None = START, **rest: Any) -> Run:
    return Run(address=at, title=f"#{at.run}", status=status, started_at=started_at, **rest)


def listing_of(*runs: Run) -> Listing:
    """A listing with one pipeline for each path, its runs in the order given."""
    paths = dict.fromkeys(run.address.pipeline for run in runs)
    return Listing(
        tuple(
            Pipeline(at, name=at.path, runs=tuple(run for run in runs if run.address.pipeline == at))
            for at in paths
        )
    )


JENKINS = JenkinsSettings(url="http://127.0.0.1:9")
