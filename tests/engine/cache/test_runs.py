"""What a restart still knows: finished runs are not asked again, and the list is there at once, marked as old."""

from pathlib import Path

import msgspec
import pytest

from tests.engine.world import START, FakeSource, Time, address, listing_of, run_of, settle
from tui.config import JenkinsSettings, Settings
from tui.domain.pipeline import Listing, Run
from tui.domain.status import Status
from tui.engine.cache.disk import DiskCache
from tui.engine.queries import PipelinesOf, RunAt

AT = address("train", 7)
ENDED = run_of(AT, Status.PASSED, duration=60.0)
LIST, RUN = PipelinesOf("ci"), RunAt(AT)


class Started:
    """One start of the program, over what earlier ones kept."""

    def __init__(self, folder: Path, run: Run, *, url: str = "http://ci", after: float = 0.0) -> None:
        self.time = Time()
        self.time.now += after
        self.ci = FakeSource("ci", self.time)
        self.ci.listing = listing_of(msgspec.structs.replace(run, stages=None))
        self.ci.runs = {AT: run}
        settings = Settings(sources={"ci": JenkinsSettings(url=url)})
        self.runtime = self.time.runtime(settings, {"ci": self.ci}, history=DiskCache(folder))

    @property
    def asked(self) -> list[str]:
        return [what for _, what in self.ci.asked]

    async def look(self) -> Run:
        """Ask for the list and the run; end."""
        await self.runtime.poller.ask(LIST)
        run = await self.runtime.poller.ask(RUN)
        await self.runtime.close()
        return run


async def test_a_finished_run_is_not_asked_again_after_a_restart(tmp_path: Path) -> None:
    first = Started(tmp_path, ENDED)
    assert await first.look() == ENDED
    assert len(first.asked) == 2
    second = Started(tmp_path, ENDED)
    assert await second.look() == ENDED
    assert second.asked == ["pipelines"]


async def test_it_is_asked_again_when_a_person_wants_to_know(tmp_path: Path) -> None:
    await Started(tmp_path, ENDED).look()
    second = Started(tmp_path, ENDED)
    await second.runtime.poller.ask(LIST)
    await second.runtime.poller.ask(RUN)
    await second.runtime.poller.ask(RUN)
    await second.runtime.close()
    assert len(second.asked) == 2


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(ENDED, started_at=START - 5),  # its job was deleted and made again
        msgspec.structs.replace(ENDED, duration=61.0),  # it was retried
        msgspec.structs.replace(ENDED, status=Status.FAILED),
        msgspec.structs.replace(ENDED, status=Status.RUNNING, duration=None),
    ],
)
async def test_another_run_of_the_same_number_is_asked(tmp_path: Path, other: Run) -> None:
    await Started(tmp_path, ENDED).look()
    second = Started(tmp_path, other)
    assert await second.look() == other
    assert len(second.asked) == 2


async def test_a_run_that_goes_on_is_not_kept(tmp_path: Path) -> None:
    running = run_of(AT, Status.RUNNING)
    await Started(tmp_path, running).look()
    second = Started(tmp_path, running)
    await second.look()
    assert len(second.asked) == 2


async def recalled(folder: Path, *, url: str = "http://ci") -> tuple[Started, Listing | None]:
    """A start whose server does not answer, an hour later, and the list that it shows."""
    start = Started(folder, ENDED, url=url, after=3600)
    start.ci.open.clear()
    start.runtime.poller.watch().want(LIST)
    await start.runtime.poller._recall()
    return start, start.runtime.store.get(LIST).value


async def test_the_list_is_there_at_once_marked_as_old(tmp_path: Path) -> None:
    await Started(tmp_path, ENDED).look()
    start, listing = await recalled(tmp_path)
    assert listing == start.ci.listing
    reading = start.runtime.store.get(LIST)
    assert reading.stale
    assert reading.age(start.time.now) == 3600
    assert start.asked == []

    start.ci.open.set()
    await start.runtime.poller.ask(LIST)
    await settle()
    reading = start.runtime.store.get(LIST)
    assert not reading.stale
    assert reading.age(start.time.now) == 0
    await start.runtime.close()


async def test_the_list_of_another_server_is_not_shown(tmp_path: Path) -> None:
    await Started(tmp_path, ENDED).look()
    start, listing = await recalled(tmp_path, url="http://other")
    assert listing is None
    await start.runtime.close()


async def test_what_is_kept_is_its_owners_alone(tmp_path: Path) -> None:
    await Started(tmp_path / "kept", ENDED).look()
    files = list((tmp_path / "kept").iterdir())
    assert len(files) == 2
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
