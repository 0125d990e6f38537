"""An engine with two sources in memory and a driven clock."""

import asyncio
from random import Random

from tests.engine.world import FakeSource, Time, address, listing_of, run_of, settle
from tui.config import MetricSettings, ModelSettings, PrometheusSettings, Settings
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.engine.queries import AnyQuery, PipelinesOf, RunAt
from tui.sources.base import SourceError

LIST = PipelinesOf("ci")
AT = address("train", 7)
RUN = RunAt(AT)
PASSED = run_of(AT, Status.PASSED, duration=60.0)
RUNNING = run_of(AT, Status.RUNNING)
IDLE = listing_of(PASSED)
BUSY = listing_of(RUNNING)
DOWN = SourceError(Trouble.UNREACHABLE, "ci does not answer")


class World:
    """An engine under way with two sources, ``ci`` and ``lab``."""

    def __init__(self, rng: Random) -> None:
        self.time = Time()
        self.ci = FakeSource("ci", self.time)
        self.lab = FakeSource("lab", self.time)
        self.ci.listing = IDLE
        self.ci.runs = {AT: PASSED}
        settings = Settings(
            sources={"prom": PrometheusSettings(url="http://127.0.0.1:9")},
            models={"fraud": ModelSettings(metrics=("p95",))},
            metrics={"p95": MetricSettings(source="ci", query="p95", window="1m")},
        )
        self.runtime = self.time.runtime(settings, {"ci": self.ci, "lab": self.lab}, rng=rng)
        self.store = self.runtime.store

    async def start(self) -> None:
        self.running = asyncio.create_task(self.runtime.run())
        await settle()

    def watch(self, *queries: AnyQuery) -> None:
        self.runtime.poller.watch().want(*queries)
