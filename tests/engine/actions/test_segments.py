"""The journal's files: segments, hashes, what is carried over, and what somebody else has put there."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.engine.actions.test_journal import TARGET, entry
from tui.domain.action import ActionKind, ActionRequest, Plan, Reply, Step
from tui.domain.journal import Entry
from tui.engine.actions import segments
from tui.engine.actions.journal import Journal, JournalError


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few lines, read in slices that cut them."""
    monkeypatch.setattr(segments, "SEGMENT", 2000)
    monkeypatch.setattr(segments, "SLICE", 77)


def act(journal: Journal, id_: str, *, ends: bool = True) -> None:
    journal.append(entry(journal, id_))
    journal.append(entry(journal, id_, "sending"))
    if ends:
        journal.append(entry(journal, id_, "settled"))


def files(journal: Journal) -> list[str]:
    return sorted(path.name for path in journal.folder.glob("actions*.jsonl"))


def old_format(journal: Journal, *entries: Entry) -> None:
    """As the first programs wrote them."""
    journal.folder.mkdir(parents=True, exist_ok=True)
    with (journal.folder / "actions.jsonl").open("ab") as file:
        file.writelines(msgspec.json.encode(each) + b"\n" for each in entries)


@pytest.mark.usefixtures("small")
def test_what_is_open_is_carried_over_and_told_of_once(journal: Journal) -> None:
    act(journal, "open", ends=False)
    for number in range(20):
        act(journal, f"a{number}")
    assert len(files(journal)) > 3
    first, *rest = journal.unsettled()
    assert (first.id, [each.event for each in first.entries], rest) == ("open", ["planned", "sending"], [])
    assert [each.carried for each in first.entries] == ["1:2", "1:3"]
    expected = ["open", *(f"a{number}" for number in range(20))]
    assert [(each.id, len(each.entries)) for each in journal.read()] == [
        (id_, 2 if id_ == "open" else 3) for id_ in expected
    ]
    assert [each.id for each in journal.read(most=3)] == expected[-3:]
    journal.append(entry(journal, "open", "settled"))
    assert journal.unsettled() == ()
    assert [each.event for each in journal.read("open")[0].entries] == ["planned", "sending", "settled"]


@pytest.mark.usefixtures("small")
def test_what_old_segments_held_is_open_still_when_they_are_gone(journal: Journal) -> None:
    act(journal, "open", ends=False)
    for number in range(20):
        act(journal, f"a{number}")
    for name in files(journal)[:-1]:
        (journal.folder / name).unlink()
    assert journal.read()[0].id == "open"


@pytest.mark.usefixtures("small")
def test_a_place_is_a_line_of_a_segment(journal: Journal) -> None:
    for number in range(20):
        act(journal, f"a{number}")
    for record in journal.read():
        for each in record.entries:
            segment, line = str(each.place).split(":")
            text = (
                (journal.folder / f"actions-{int(segment):06d}.jsonl")
                .read_bytes()
                .split(b"\n")[int(line) - 1]
            )
            assert (json.loads(text)["id"], json.loads(text)["event"]) == (record.id, each.event)


@pytest.mark.usefixtures("small")
def test_each_line_has_the_hash_of_the_one_before_it(journal: Journal) -> None:
    old_format(journal, entry(journal, "old"))
    for number in range(10):
        act(journal, f"a{number}")
    before = (journal.folder / "actions.jsonl").read_bytes()[:-1]
    for name in files(journal)[:-1]:
        for line in (journal.folder / name).read_bytes().splitlines():
            assert json.loads(line)["prev"] == hashlib.sha256(before).hexdigest()
            before = line
    assert list(journal.broken()) == []


def changed(path: Path) -> str:
    path.write_bytes(path.read_bytes().replace(b'"id":"a1"', b'"id":"b1"', 1))
    return "1:6"


def removed(path: Path) -> str:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4] + lines[5:]))
    return "1:5"


def put_in(path: Path) -> str:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], lines[2], *lines[4:]]))
    return "1:5"


def nonsense(path: Path) -> str:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"\xff{\n", *lines[4:]]))
    return "1:5"


@pytest.mark.parametrize("tamper", [changed, removed, put_in, nonsense])
def test_what_was_done_to_it_by_hand_is_found(journal: Journal, tamper: Callable[[Path], str]) -> None:
    for number in range(4):
        act(journal, f"a{number}")
    place = tamper(journal.path)
    assert next(found for found, _ in journal.broken()) == place


@pytest.mark.usefixtures("small")
def test_a_segment_that_is_missing_is_found(journal: Journal) -> None:
    for number in range(20):
        act(journal, f"a{number}")
    (journal.folder / "actions-000002.jsonl").unlink()
    assert list(journal.broken()) == [("3:1", "there is no segment 2")]


def test_a_journal_of_the_first_format_is_read_on(journal: Journal) -> None:
    old_format(journal, entry(journal, "1"), entry(journal, "1", "settled"), entry(journal, "2"))
    assert [(each.id, each.first.place) for each in journal.read()] == [("1", "0:1"), ("2", "0:3")]
    assert [each.id for each in journal.unsettled()] == ["2"]
    journal.append(entry(journal, "2", "settled"))
    assert [each.outcome is not None for each in journal.read()] == [True, True]
    assert journal.unsettled() == ()
    old_format(journal, entry(journal, "3"))  # a program of then, that runs still
    assert [each.id for each in journal.read()] == ["1", "2", "3"]


def test_a_newer_format_is_neither_read_nor_written(journal: Journal) -> None:
    journal.folder.mkdir()
    newer = b'{"journal":3,"segment":1,"more":true}\n{"of":"it"}\n'
    (journal.folder / "actions-000001.jsonl").write_bytes(newer)
    for attempt in (journal.read, journal.unsettled, lambda: journal.append(entry(journal, "1"))):
        with pytest.raises(
            JournalError, match=r"is of format 3, and this program knows 2 at most: use a newer"
        ):
            attempt()
    assert journal.path.read_bytes() == newer


def test_nothing_in_it_drives_the_terminal_and_no_number_is_out_of_bounds(journal: Journal) -> None:
    evil = "a\x1b[2Jb\nc\u202ed\x9be"
    request = ActionRequest(ActionKind.CANCEL, TARGET, (("text", evil),), evil)
    step = Step(evil, "POST", evil, (("text", evil),), "form", (("id", evil),))
    plan = Plan(request, evil, evil, 1e300, True, evil, ((evil, evil),), (evil,), (), (step,), evil)
    journal.append(
        msgspec.structs.replace(
            entry(journal, evil), at=1e300, plan=plan, words=evil, server=evil, target=evil
        )
    )
    journal.append(
        msgspec.structs.replace(
            entry(journal, evil, "answered"), at=-1e300, latency=1e308, reply=Reply("lost", evil, 10**15)
        )
    )
    journal.append(msgspec.structs.replace(entry(journal, evil, "sending"), step=10**12, request=step))
    (record,) = journal.read()
    first, answered = record.entries
    assert (first.at, answered.at, answered.latency) == (1e10, 0, 1e10)
    assert answered.reply == Reply("lost", "ab cde", 10**10)
    assert record.plan is not None
    assert {
        record.id,
        first.words,
        first.server,
        first.target,
        record.plan.words,
        record.plan.request.reason,
    } == {"ab cde"}
    assert record.plan.facts == (("ab cde", "ab cde"),)
    (kept,) = record.plan.steps
    assert (kept.path, kept.words) == ("ab cde", "ab cde")
    assert (kept.body, kept.expect) == ((("text", evil),), (("id", evil),))  # as they are sent and compared


def link(path: Path) -> None:
    (path.parent / "precious").write_text("mine")
    path.symlink_to("precious")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("put", [link, device, os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", ["actions-000001.jsonl", "actions.jsonl", "actions.lock", "actions.draft"])
def test_what_is_no_regular_file_is_refused(journal: Journal, put: Callable[[Path], None], name: str) -> None:
    journal.folder.mkdir()
    put(journal.folder / name)
    with pytest.raises(JournalError, match=r"cannot be (read|written): (it is|Is a directory)"):
        journal.append(entry(journal, "1"))
    if name.endswith("jsonl"):
        with pytest.raises(JournalError, match="cannot be read"):
            journal.read()
    if put is link:
        assert (journal.folder / "precious").read_text() == "mine"
        assert (journal.folder / "precious").stat().st_mode & 0o777 == 0o644 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("put", [link, os.mkfifo])
def test_a_lock_that_is_no_regular_file_is_not_held(journal: Journal, put: Callable[[Path], None]) -> None:
    journal.folder.mkdir()
    put(journal.folder / "it.lock")
    put(journal.folder / "one.alive") if put is os.mkfifo else None
    with journal.held("it.lock") as free:
        assert not free
    assert not journal.lives("one")


def test_a_folder_that_a_link_leads_to_is_used_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    (tmp_path / "there").chmod(0o755)
    (tmp_path / "state").symlink_to("there")
    journal = Journal(tmp_path / "state")
    journal.append(entry(journal, "1"))
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o755


def test_lines_too_long_are_passed_over_and_not_written(journal: Journal) -> None:
    journal.append(entry(journal, "1"))
    with journal.path.open("ab") as file:
        for _ in range(3):
            file.write(b'{"id":"' + b"x" * (3 << 20) + b'"}\n')
    journal.append(entry(journal, "2"))
    assert [each.id for each in journal.read()] == ["1", "2"]
    with pytest.raises(JournalError, match=r"takes no line of 2,\d+,\d+ bytes"):
        journal.append(entry(journal, "3", words="x" * (2 << 20)))
    places = [place for place, why in journal.broken() if "longer" in why]
    assert places == ["1:3", "1:4", "1:5"]


_MEMORY = """
import resource, sys
from collections.abc import Callable
from pathlib import Path
from tests.engine.actions.test_journal import Journal
journal = Journal(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(journal.read(most=500)) == 500
assert len(journal.unsettled()) == 0
assert sum(1 for _ in journal.newest_first()) > 10_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_long_journal_costs_little_memory(journal: Journal) -> None:
    pair = entry(journal, "ID", words="x" * 400), entry(journal, "ID", "settled", "y" * 400)
    journal.folder.mkdir()
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in pair)
    with (journal.folder / "actions.jsonl").open("wb") as file:
        file.writelines(lines.replace(b"ID", b"%d" % number) for number in range(15_000))
    assert file.closed
    assert (journal.folder / "actions.jsonl").stat().st_size > 20_000_000
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(journal.folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        cwd=Path(__file__).parents[3],
    )
    assert int(done.stdout) < 15  # MB; all of its records at once take more than 100
