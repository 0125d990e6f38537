"""What somebody knows of is still known after a restart, as far as it is the same."""

from pathlib import Path

import pytest

from tests.engine.test_alarms import FAILING, Kept, kept
from tests.engine.world import START
from tui.domain.alarm import AlarmState
from tui.domain.status import Status
from tui.engine.acknowledged import FILE, MOST, Acknowledged
from tui.engine.journal import Journal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "pipedeck"


def written(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(content)


def there(folder: Path) -> bool:
    return folder.exists()


async def fires(work: Kept, *before: Status) -> list[AlarmState]:
    work.runs(Status.FAILED, *before)
    await work.time.advance(60)
    return work.states


async def acknowledge() -> None:
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.FIRING]
        assert work.engine.alarms.acknowledge(work.alarms[0].key)


async def test_a_restart_asks_nobody_again(folder: Path) -> None:
    await acknowledge()
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.ACKNOWLEDGED]
        assert work.told == []
        assert work.engine.alarms.acknowledge(work.alarms[0].key)
        assert work.states == [AlarmState.FIRING]
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.FIRING]


async def test_one_that_was_well_in_between_is_another() -> None:
    await acknowledge()
    async with kept(FAILING) as work:
        work.runs(Status.PASSED)
        await work.time.advance(60)
        assert await fires(work, Status.PASSED) == [AlarmState.FIRING]
        assert len(work.told) == 1


async def test_one_that_began_later_is_another(folder: Path) -> None:
    written(folder, f'{{"failing ci:p0": {START - 60}}}'.encode())
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.FIRING]


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b'{"failing ci:p0": "x"}'])
async def test_what_cannot_be_read_is_as_if_it_were_not_there(folder: Path, content: bytes) -> None:
    written(folder, content)
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.FIRING]


async def test_without_anything_to_keep_nothing_is_written(folder: Path) -> None:
    async with kept(FAILING) as work:
        await fires(work)
    assert not there(folder)


def test_it_stays_small_and_keeps_what_other_programs_know(folder: Path) -> None:
    one, other = Acknowledged(Journal(folder)), Acknowledged(Journal(folder))
    one.keep([f"a {n}" for n in range(MOST)], (), 1000.0)
    other.keep(["b"], ["c", "a 7"], 2000.0)
    one.recall(2000.0)
    assert one.still("b", None, 2000.0)
    assert not one.still("a 7", 1.0, 2000.0)
    assert one.still("a 8", 1.0, 2000.0)
    other.keep([f"d {n}" for n in range(MOST)], (), 3000.0)
    one.recall(3000.0)
    assert not one.still("b", None, 3000.0)
    one.recall(3000.0 + 8 * 86400)
    assert not one.still("d 1", 1.0, 3000.0 + 8 * 86400)
