"""Sources are made when they are needed, and closed whatever they are busy with."""

import asyncio
from typing import ClassVar

import pytest

from tests.engine.two_sources import IDLE, LIST, RUN, World
from tests.engine.world import FakeServer, FakeSource, NoJitter, Time, settle
from tui.config import SOURCE_TYPES, ConfigError, JenkinsSettings, Settings, SourceType
from tui.domain.health import Trouble
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime


async def test_closing_cancels_all_that_hangs_within_a_step() -> None:
    world = World(NoJitter())
    world.ci.open.clear()
    world.lab.open.clear()
    world.watch(LIST, RUN, PipelinesOf("lab"))
    await world.start()
    closing = asyncio.create_task(world.runtime.close())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.ci.canceled == 2
    assert world.lab.canceled == 1
    await closing
    await world.running
    assert world.ci.closed
    assert world.lab.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_waits_for_nobody_who_does_not_heed_it() -> None:
    world = World(NoJitter())
    world.ci.open.clear()
    world.ci.stubborn = True
    world.watch(LIST)
    await world.start()
    async with asyncio.timeout(60):
        await world.runtime.close()
    await world.running
    world.ci.open.set()
    await settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_lets_a_source_close_all_it_has_however_busy_the_machine_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.engine.polling.poller.PATIENCE", 0.0)

    class Slow(FakeServer):
        async def close(self) -> None:
            await settle()
            await super().close()

    slow = Slow("slow")
    await Runtime(Settings(sources={}), {"slow": slow}).close()
    assert slow.closed


async def test_a_source_that_cannot_close_is_no_reason_not_to_quit(caplog: pytest.LogCaptureFixture) -> None:
    secret = "-".join(("glpat", "geheim"))

    class Broken(FakeSource):
        async def close(self) -> None:
            raise RuntimeError(secret)

    time_ = Time()
    broken, well = Broken("broken", time_), FakeSource("well", time_)
    await Runtime(Settings(sources={}), {"broken": broken, "well": well}).close()
    assert well.closed
    assert "RuntimeError" in caplog.text
    assert "geheim" not in caplog.text


class Made(FakeSource):
    """What the registry makes in the tests below."""

    made: ClassVar[list[str]] = []

    def __init__(self, name: str, settings: JenkinsSettings, *, clock: object) -> None:
        if "broken" in settings.url:
            raise ConfigError("[sources.bad] user: needs a token too")
        if "surprise" in settings.url:
            raise ValueError("glpat-geheim")
        super().__init__(name, Time())
        self.made.append(name)
        self.listing = IDLE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(SOURCE_TYPES, "jenkins", SourceType(JenkinsSettings, f"{__name__}:Made"))
    monkeypatch.setattr(Made, "made", [])
    return Made.made


def _settings(**urls: str) -> Settings:
    return Settings(sources={name: JenkinsSettings(url=f"http://{url}/x/") for name, url in urls.items()})


async def test_a_source_is_made_once_and_when_it_is_needed(made: list[str]) -> None:
    runtime = Runtime(_settings(ci="well", lab="well"))
    assert runtime.sources.facts("ci").url == "http://well/x"
    assert runtime.sources.facts("ci").type == "jenkins"
    assert runtime.sources.facts("ci").requests == 0
    with pytest.raises(KeyError):
        runtime.sources.facts("nowhere")
    await asyncio.gather(*(runtime.poller.ask(query) for query in (LIST, LIST)), runtime.sources.check("ci"))
    assert made == ["ci"]
    assert runtime.sources.facts("ci").requests == 1
    await runtime.close()


async def test_a_source_that_cannot_be_made_is_a_fault_and_the_others_go_on(made: list[str]) -> None:
    runtime = Runtime(_settings(bad="broken", odd="surprise", ci="well"))
    runtime.poller.watch().want(PipelinesOf("bad"), PipelinesOf("odd"), LIST)
    told = asyncio.Event()

    def hear(_: object) -> None:
        readings = [runtime.store.get(PipelinesOf(name)) for name in ("bad", "odd", "ci")]
        if all(reading.value or reading.fault for reading in readings):
            told.set()

    runtime.store.subscribe(hear)
    running = asyncio.create_task(runtime.run())
    await asyncio.wait_for(told.wait(), 10)
    bad, odd = runtime.store.get(PipelinesOf("bad")).fault, runtime.store.get(PipelinesOf("odd")).fault
    assert bad is not None
    assert odd is not None
    assert (bad.trouble, bad.message) == (Trouble.MISCONFIGURED, "[sources.bad] user: needs a token too")
    assert odd.trouble is Trouble.WRONG_ANSWER
    assert "geheim" not in odd.message
    assert runtime.store.get(LIST).value == IDLE
    (finding,) = await runtime.sources.check("bad")
    assert (finding.level, finding.message) == ("error", bad.message)
    await runtime.close()
    await running
