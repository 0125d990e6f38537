"""A new kind of action is a word, a row and a handler: in a copy of the program they are added, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tui.domain.action import ActionKind
from tui.domain.action_kinds import ACTION_KINDS, COMMANDS, SHORTCUTS

PROJECT = Path(__file__).parent.parent.parent
WORD = '    SNOOZE = "snooze"\n'
ROW = """    ActionSpec(
        kind=ActionKind.SNOOZE,
        keys=("e",),
        key_words="Snooze it",
        hint="snooze",
        help="let a run rest",
        targets="SOURCE:PATH#RUN",
        options=(CommandOption("until", "when it goes on"),),
        judged_by="verdict",
    ),
"""
USE = """
import asyncio, contextlib, io
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.engine.acting_source import AtOnce
from tests.generated_docs import keys_document
from tests.screens.test_action_flow import Source, desk
from tui import threads
from tui.cli import main
from tui.domain.action import ActionKind, ActionRequest, Observation, Offer, Step

threads._THREADS = AtOnce()
assert "| `e` | Snooze it |" in keys_document()

told = io.StringIO()
with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
    main(["snooze", "--help"])
for words in ("usage: pipedeck snooze", "--until UNTIL", "when it goes on", "--despite-verdict", "SOURCE:PATH#RUN"):
    assert words in told.getvalue(), told.getvalue()


class Pausing(Source):
    def __init__(self, name, time):
        super().__init__(name, time)
        self.steps = (Step("snooze it", "POST", "/snooze", kind="snooze"),)

    async def offers(self, target):
        return (Offer(ActionRequest(ActionKind.SNOOZE, target), "Let it rest"),)

    async def observe(self, step, reply):
        assert step.kind == "snooze"
        return Observation("done", "it rests")


async def use() -> None:
    with TemporaryDirectory() as folder:
        async with desk(Path(folder), others={"jenkins": Pausing}) as work:
            assert "e snooze" in work.text.split("\\n")[-1], "its key is hinted at"
            await work.say("full_stop")
            (row,) = (line for line in work.text.split("\\n") if "Let it rest" in line)
            assert "e   Let it rest" in row, "its row in the menu shows the key"
            await work.say("escape", "e")
            assert "snooze jenkins:" in work.text, "its key asks"
            await work.say("y")
            await work.settle(30)
            assert [step.path for step in work.jenkins.sent] == ["/snooze"], "and it is sent once"
            assert "✓ snooze done: it res" in work.text, "and how it went is told"
            (activity,) = work.app.runtime.actions.activities
            assert (activity.plan.request.kind, activity.state) == (ActionKind.SNOOZE, "done")


asyncio.run(use())
print("all well")
"""


def test_each_kind_has_a_row() -> None:
    assert set(ACTION_KINDS) == set(ActionKind)
    assert SHORTCUTS[ActionKind.PROMOTE] == SHORTCUTS[ActionKind.APPROVE] == "approve"
    assert COMMANDS["set-champion"].kind is ActionKind.SET_CHAMPION


def test_an_action_is_a_word_a_row_and_a_handler(tmp_path: Path) -> None:
    for package in ("tui", "widgets"):
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").symlink_to(PROJECT / "tests")
    _insert(tmp_path / "tui" / "domain" / "action.py", '    STOP_ENVIRONMENT = "stop environment"\n', WORD)
    _insert(tmp_path / "tui" / "domain" / "action_kinds.py", "    ActionSpec(kind=ActionKind.KEEP,", ROW)
    done = subprocess.run(
        [sys.executable, "-P", "-c", USE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout == "all well\n", done.stderr


def _insert(file: Path, before: str, text: str) -> None:
    content = file.read_text(encoding="utf-8")
    assert content.count(before) == 1
    file.write_text(content.replace(before, text + before), encoding="utf-8")
