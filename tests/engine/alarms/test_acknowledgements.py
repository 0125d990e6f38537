"""What somebody knows of is still known after a restart, as far as it is the same."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.alarms.test_monitor import FAILING, Kept, kept
from tests.engine.world import START
from tui.domain.alarm import AlarmState
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.alarms.acknowledgements import FILE, MOST, Acknowledgements


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
        assert work.runtime.alarms.acknowledge(work.alarms[0].key)


async def test_a_restart_asks_nobody_again(folder: Path) -> None:
    await acknowledge()
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.ACKNOWLEDGED]
        assert work.told == []
        assert work.runtime.alarms.acknowledge(work.alarms[0].key)
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
    written(folder, b'{"failing ci:p0": {"known": true, "said": %d, "seen": %d}}' % (START - 60, START - 60))
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.FIRING]


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b'{"failing ci:p0": 7.0}'])
async def test_what_cannot_be_read_is_as_if_it_were_not_there(folder: Path, content: bytes) -> None:
    written(folder, content)
    async with kept(FAILING) as work:
        assert await fires(work) == [AlarmState.FIRING]


async def test_without_anything_to_keep_nothing_is_written(folder: Path) -> None:
    async with kept(FAILING) as work:
        await fires(work)
    assert not there(folder)


async def test_two_decks_at_once_share_it() -> None:
    """At the next look; closing one takes nothing from the other."""
    async with kept(FAILING) as other:
        async with kept(FAILING) as work:
            assert await fires(work) == await fires(other) == [AlarmState.FIRING]
            assert work.runtime.alarms.acknowledge(work.alarms[0].key)
            assert await fires(other, Status.PASSED) == [AlarmState.ACKNOWLEDGED]
            assert other.runtime.alarms.acknowledge(other.alarms[0].key)
            assert await fires(work, Status.PASSED) == [AlarmState.FIRING]
            assert other.runtime.alarms.acknowledge(other.alarms[0].key)
        assert await fires(other) == [AlarmState.ACKNOWLEDGED]
    async with kept(FAILING) as later:
        assert await fires(later) == [AlarmState.ACKNOWLEDGED]


async def test_closing_a_deck_that_never_knew_of_it_takes_no_note() -> None:
    async with kept(FAILING) as other:
        assert await fires(other) == [AlarmState.FIRING]
        await acknowledge()
    async with kept(FAILING) as later:
        assert await fires(later) == [AlarmState.ACKNOWLEDGED]


def test_what_two_say_of_different_alarms_is_merged(folder: Path) -> None:
    """Each knows only what was there when it last looked."""
    one, other = Acknowledgements(Journal(folder)), Acknowledgements(Journal(folder))
    one.recall(1000.0)
    other.recall(1000.0)
    one.say("a", True, 1001.0)
    other.say("b", True, 1002.0)
    one.look(1003.0)
    assert [one.known_since(key, 1000.0) for key in "abc"] == [True, True, None]
    other.say("a", False, 1004.0)
    one.keep(["a", "b"], 1005.0)
    assert [one.known_since(key, 1000.0) for key in "ab"] == [False, True]
    one.look(1006.0)
    assert one.known_since("a", 1005.0) is None, "what was said before it fired is of another"
    other.over("b", 1007.0)
    one.look(1008.0)
    assert one.known_since("b", 0.0) is None


@pytest.mark.parametrize("name", [FILE, f"{FILE}.lock"])
@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("precious")])
def test_what_is_no_regular_file_is_left_alone(folder: Path, name: str, put: Callable[[Path], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "precious").write_text("{}")
    put(folder / name)
    one = Acknowledgements(Journal(folder))
    one.recall(1000.0)
    one.say("a", True, 1001.0)
    assert (folder / "precious").read_text() == "{}"


def test_it_stays_small_and_forgets(folder: Path) -> None:
    one, later = Acknowledgements(Journal(folder)), Acknowledgements(Journal(folder))
    for n in range(MOST + 1):
        one.say(f"a {n}", True, 1000.0 + n)
    later.recall(2000.0)
    assert not later.still("a 0", 1.0, 2000.0)
    assert later.still("a 1", 1.0, 2000.0)
    assert later.still("a 1", None, 2000.0)
    assert not later.still("a 1", 1002.0, 2000.0)
    assert not later.still("a 1", None, 5000.0)
    later.recall(1000.0 + 8 * 86400)
    assert not later.still("a 1", 1.0, 1000.0 + 8 * 86400)
