"""Alarms on verdicts, and on sources of every kind."""

from pathlib import Path

import pytest

from tests.engine.alarms.test_monitor import GONE, Kept, kept
from tests.http_stub import Reply, Stub, http_stub
from tui import config
from tui.domain.alarm import AlarmState
from tui.domain.series import Grid, Samples
from tui.engine.queries import ReachOf
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError

VERDICT = """
[sources.ci]
type = "prometheus"
url = "http://127.0.0.1:1"
[metrics.up]
source = "ci"
query = "up"
unit = "ms"
judge_window = "1m"
fail = 100
[models.fraud]
metrics = ["up"]
[alarms.verdict]
verdict = { model = "fraud", is = "worse" }
for = "2m"
keep = "1m"
"""


class Judged:
    """A metric whose level is set, minute by minute."""

    def __init__(self, work: Kept) -> None:
        self.work = work
        self.levels = [(0.0, 50.0)]
        work.ci.samples = self.samples  # type: ignore[method-assign]

    async def samples(self, query: str, grid: Grid) -> Samples:
        values = (next(value for at, value in reversed(self.levels) if at <= time) for time in grid.times)
        return Samples((((), tuple(values)),))

    async def at(self, level: float, minutes: int) -> list[str]:
        """How the alarm stands in each of so many minutes at that level."""
        self.levels.append((self.work.time.now, level))
        seen = []
        for _ in range(minutes):
            await self.work.time.advance(60)
            seen.append(self.work.states[0].value if self.work.states else "")
        return seen


async def test_a_verdict_fires_when_it_has_been_worse_for_long_enough_and_ends_when_it_is_not() -> None:
    async with kept(VERDICT) as work:
        judged = Judged(work)
        assert set(await judged.at(50.0, 5)) == {""}
        seen = await judged.at(150.0, 8)
        first = seen.index("pending")
        assert seen[first:] == ["pending"] * 2 + ["firing"] * (len(seen) - first - 2)
        (alarm,) = work.alarms
        assert (alarm.subject, alarm.model, alarm.state) == ("fraud", "fraud", AlarmState.FIRING)
        assert alarm.words.startswith("DO NOT PROMOTE: ")
        assert work.told == [f"verdict firing: fraud; {alarm.words}"]
        assert (await judged.at(50.0, 12))[-1] == "resolved"
        assert work.told[1].startswith("verdict resolved: fraud; ")


async def test_a_verdict_that_cannot_be_read_begins_and_ends_nothing() -> None:
    async with kept(VERDICT) as work:
        judged = Judged(work)
        assert (await judged.at(150.0, 8))[-1] == "firing"

        async def gone(query: str, grid: Grid) -> Samples:
            raise GONE

        work.ci.samples = gone  # type: ignore[method-assign]
        await work.time.advance(600)
        assert work.states == [AlarmState.FIRING]


async def test_unclear_is_another_verdict() -> None:
    text = VERDICT.replace('"worse"', '"unclear"').replace("fail = 100", "fail = 100\nno_data = 'unknown'")
    async with kept(text) as work:

        async def none(query: str, grid: Grid) -> Samples:
            return Samples(())

        work.ci.samples = none  # type: ignore[method-assign]
        await work.time.advance(300)
        assert work.states == [AlarmState.FIRING]
        assert work.alarms[0].words.startswith("WAIT: ")


# --- sources ------------------------------------------------------------------------------------------------------

PAGES = {
    "exposition": ("/metrics", Reply.text("up 1\n", content_type="text/plain; version=0.0.4")),
    "json": ("/latest.json", Reply.json({"up": 1})),
    "mlflow": ("", Reply.json({})),
    "prometheus": (
        "",
        Reply.json({"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}),
    ),
}


def runtime(kind: str, stub: Stub) -> Runtime:
    url = stub.url + PAGES[kind][0]
    text = f"[sources.it]\ntype = '{kind}'\nurl = '{url}'\n[alarms.lost]\nsource = {{ name = 'it' }}\n"
    return Runtime(config.parse(text, Path("config.toml")))


@pytest.mark.parametrize("kind", PAGES)
async def test_a_source_of_metrics_is_asked_whether_it_answers(kind: str) -> None:
    with http_stub({"*": PAGES[kind][1]}) as stub:
        asked = runtime(kind, stub)
        found = await asked.alarms.look_once()
        assert (found.alarms, asked.alarms.queries()) == ((), (ReachOf("it"),))
        assert stub.requests
        await asked.close()


@pytest.mark.parametrize("kind", PAGES)
async def test_and_the_alarm_begins_when_it_does_not(kind: str) -> None:
    with http_stub({"*": Reply.text("no", 503)}) as stub:
        asked = runtime(kind, stub)
        (alarm,) = (await asked.alarms.look_once()).alarms
        assert (alarm.name, alarm.subject, alarm.state) == ("lost", "it", AlarmState.PENDING)
        assert alarm.words.startswith("unavailable: it answered 503 to ")
        with pytest.raises(SourceError):
            await asked.poller.ask(ReachOf("it"))
        await asked.close()
