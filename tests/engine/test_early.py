"""The sources by name: checks that fail in ways nobody foresaw, clocks not to be believed, pauses ended early."""

from tests.engine.two_sources import IDLE, LIST, RUN, World
from tests.engine.world import START, FakeServer, NoJitter
from tui.config import Settings
from tui.domain.health import Finding, Trouble
from tui.engine.source_pool import SourcePool
from tui.sources.base import SourceError


class Broken(FakeServer):
    """Its check raises what it should not."""

    def __init__(self, error: Exception) -> None:
        super().__init__("ci")
        self.error = error

    async def check(self) -> tuple[Finding, ...]:
        raise self.error


async def test_whatever_a_check_raises_is_a_finding() -> None:
    for error, words in (
        (OverflowError("int too large: s3cret"), "ci: reading it ended in an unexpected OverflowError"),
        (RecursionError("s3cret"), "ci: reading it ended in an unexpected RecursionError"),
        (SourceError(Trouble.TIMEOUT, "ci did not answer"), "ci did not answer"),
    ):
        (finding,) = await SourcePool(Settings(sources={}), {"ci": Broken(error)}, lambda: START).check("ci")
        assert finding.level == "error"
        assert finding.message.startswith(words)
        assert "s3cret" not in finding.message


def test_a_clock_more_than_a_day_off_is_not_used() -> None:
    source = FakeServer("ci")
    servers = SourcePool(Settings(sources={}), {"ci": source}, lambda: START)
    for skew, now, wrong in (
        (None, START, False),
        (4.0, START, False),
        (-3600.0, START - 3600, False),
        (86_400.0, START + 86_400, False),
        (86_401.0, START, True),
        (-2.5e11, START, True),
    ):
        source.skew = skew
        assert (servers.now("ci"), servers.clock_is_wrong("ci")) == (now, wrong)
    assert not servers.clock_is_wrong("nowhere")


async def test_a_person_may_end_a_long_pause_once() -> None:
    world = World(NoJitter())
    early = iter([True, False])
    world.ci.ask_early = lambda: next(early)  # type: ignore[attr-defined]
    world.ci.listing = SourceError(Trouble.RATE_LIMITED, "too many", status=429, retry_at=START + 3600)
    world.watch(LIST, RUN)
    await world.start()
    await world.time.advance(10)
    world.runtime.poller.refresh(LIST)
    await world.time.advance(10)
    assert world.ci.times() == [0]
    world.runtime.poller.refresh_early(LIST)
    await world.time.advance(10)
    assert world.ci.times() == [0, 20]  # it was refused again
    world.ci.listing = IDLE
    world.runtime.poller.refresh_early(LIST)
    await world.time.advance(3500)
    assert world.ci.times() == [0, 20]
    await world.time.advance(100)
    assert world.ci.times()[2] == 3600
    await world.runtime.close()
    await world.running
