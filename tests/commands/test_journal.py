"""``pipedeck journal`` on what somebody else has written there."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from tui.cli import main
from tui.domain.action import ActionKind, ActionRequest, Plan
from tui.domain.address import parse_address
from tui.domain.journal import Entry
from tui.engine.actions.journal import Journal

EVIL = "ml/\x1b[2J\x9b1mfraud\nFORGED row \u202e\U000e0041"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    journal = Journal()
    plan = Plan(ActionRequest(ActionKind.CANCEL, parse_address("ci:a#1"), reason=EVIL), EVIL)
    who = msgspec.structs.replace(journal.who, user=EVIL)
    entry = Entry(
        id="1",
        at=1e300,
        event="planned",
        who=who,
        source="ci",
        target=EVIL,
        kind=EVIL,
        server=EVIL,
        plan=plan,
        policy=EVIL,
    )
    journal.append(entry)
    journal.append(
        msgspec.structs.replace(
            entry,
            event="settled",
            plan=None,
            policy="",
            at=-1.0,
            words=EVIL,
            state=EVIL,
            result=EVIL,
            latency=1e308,
        )
    )
    journal.close()
    return journal.folder


def test_a_line_cannot_drive_the_terminal_or_forge_a_row(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 2
    assert "ml/1mfraud FORGED row" in text
    assert text.replace("\n", "").isprintable()


def test_nor_is_it_in_the_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "--json"]) == 0
    (action,) = json.loads(capsys.readouterr().out)["actions"]
    assert all(value.isprintable() for value in action.values() if isinstance(value, str))
    assert (action["at"], action["latency"]) == (1e10, 1e10)


def test_verify_tells_by_its_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "--verify"]) == 0
    assert "as it was written" in capsys.readouterr().out
    (file,) = folder.glob("actions-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"planned"', b'"sending"'))
    assert main(["journal", "--verify"]) == 1
    assert "1:3: the line before it was changed or removed" in capsys.readouterr().out


@pytest.mark.parametrize("option", [[], ["--json"], ["--verify"]])
def test_a_newer_format_and_a_pipe_are_refused(
    folder: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "actions-000002.jsonl").write_text('{"journal":9}\n')
    assert main(["journal", *option]) == 2
    assert "is of format 9, and this program knows 2 at most" in capsys.readouterr().err
    (folder / "actions-000002.jsonl").unlink()
    os.mkfifo(folder / "actions-000002.jsonl")
    assert main(["journal", *option]) == 2
    assert "it is no regular file" in capsys.readouterr().err
