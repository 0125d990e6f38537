"""The journal on disk: whole lines or none, whoever else writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.domain.action import ActionKind, ActionRequest, Plan
from tui.domain.address import parse_address
from tui.domain.journal import Entry, Event
from tui.engine.actions.journal import Journal, JournalError

TARGET = parse_address("ci:deploy#7")


def entry(journal: Journal, id_: str, event: Event = "planned", words: str = "") -> Entry:
    plan = Plan(ActionRequest(ActionKind.CANCEL, TARGET), "Cancel it") if event == "planned" else None
    return Entry(
        id=id_,
        at=1.0,
        event=event,
        who=journal.who,
        source="ci",
        target=str(TARGET),
        kind="cancel",
        plan=plan,
        words=words,
    )


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a" / "state")
    journal.append(entry(journal, "1"))
    assert (journal.folder.stat().st_mode & 0o777, journal.path.stat().st_mode & 0o777) == (0o700, 0o600)
    (record,) = journal.read()
    assert record.plan == Plan(ActionRequest(ActionKind.CANCEL, TARGET), "Cancel it")


def test_half_lines_and_lines_of_others_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(entry(journal, "1"))
    with journal.path.open("ab") as file:
        file.write(b'{"id": "2", "at"\n\xff\xfe\n[]\n{"id":"cut')
    journal.append(entry(journal, "1", "settled"))
    journal.append(entry(journal, "3"))
    assert [(each.id, len(each.entries)) for each in journal.read()] == [("1", 2), ("3", 1)]


_WRITER = """
import sys
from pathlib import Path
from tests.engine.actions.test_journal import Journal, entry
journal = Journal(Path(sys.argv[1]))
for number in range(100):
    journal.append(entry(journal, f"{sys.argv[2]}-{number}", words="x" * (number * 40)))
"""


def test_two_programs_write_whole_lines(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name], cwd=Path(__file__).parents[3])
        for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = (tmp_path / "actions.jsonl").read_bytes().splitlines()
    assert {json.loads(line)["id"] for line in lines} == {f"{name}-{n}" for name in "ab" for n in range(100)}
    assert len(lines) == 200


_FULL = """
import resource, sys
from pathlib import Path
from tests.engine.actions.test_journal import Journal, JournalError, entry
journal = Journal(Path(sys.argv[1]))
journal.append(entry(journal, "1"))
size = journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
try:
    journal.append(entry(journal, "2"))
except JournalError as error:
    print(error)
assert journal.path.stat().st_size == size
"""


def test_on_a_full_disk_there_is_no_part_of_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert "cannot be written" in done.stdout


def test_where_there_can_be_no_folder_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "state")
    with pytest.raises(JournalError, match="cannot be written: Not a directory"):
        journal.append(entry(journal, "1"))
    assert journal.read() == ()


def test_a_program_that_lives_is_not_taken_over(tmp_path: Path) -> None:
    one, other = Journal(tmp_path), Journal(tmp_path)
    one.append(entry(one, "1"))
    with other.taken_over(one.who.instance) as free:
        assert not free
    one.close()
    with other.taken_over(one.who.instance) as free:
        assert free
        with Journal(tmp_path).taken_over(one.who.instance) as twice:
            assert not twice
    assert sorted(os.listdir(tmp_path)) == ["actions.jsonl"]


def test_a_passing_journal_is_gone_at_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "demo", passing=True)
    journal.append(entry(journal, "1"))
    journal.close()
    assert not (tmp_path / "demo").exists()


OF_BEFORE = """
{"id":"a1","at":1.0,"event":"planned","who":{"user":"u","host":"h","pid":1,"instance":"i"},"source":"ci",\
"target":"ci:deploy#7","kind":"cancel","server":"http://ci","plan":{"wish":{"kind":"cancel","target":{"source":"ci",\
"path":"deploy","run":7,"job":null,"gate":null,"environment":null},"values":[],"reason":""},"words":"Stop it",\
"server":"http://ci","read_at":1.0,"possible":true,"why_not":"","facts":[],"warnings":[],"fields":[],"steps":[\
{"words":"stop it","method":"POST","path":"/job/deploy/7/stop","body":[],"body_kind":"none","expect":[["do",\
"cancel"],["source","ci"],["path","deploy"],["job","deploy"],["run","7"],["level","stop"]]}],"environment":""}}
{"id":"a1","at":2.0,"event":"sending","who":{"user":"u","host":"h","pid":1,"instance":"i"},"source":"ci",\
"target":"ci:deploy#7","kind":"cancel","server":"http://ci","request":{"words":"stop it","method":"POST",\
"path":"/job/deploy/7/stop","body":[],"body_kind":"none","expect":[["do","cancel"],["source","ci"],["path","deploy"],\
["job","deploy"],["run","7"],["level","stop"]]}}
""".replace("\\\n", "")
"""As written before steps named their kind themselves."""


def test_a_line_of_an_earlier_version_is_of_the_same_kind(tmp_path: Path) -> None:
    (tmp_path / "actions.jsonl").write_text(OF_BEFORE, encoding="utf-8")
    (record,) = Journal(tmp_path).read()
    assert record.plan is not None
    assert record.sent is not None
    assert record.sent.request is not None
    assert [step.kind for step in record.plan.steps] == ["cancel"] == [record.sent.request.kind]
