"""A new pane is one file and one line: in a copy of the program both are added, and nothing else is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
LINE = """
    PaneSpec(scope="notes", class_name="tui.panes.notes:NotesPane", title="Notes", go=("0",), go_words="Go to the notes", keys=(KeyAction("take_note", ("N",), "Take a note", "note"),)),
"""  # noqa: E501
PANE = '''"""The notes pane."""

from textual.app import ComposeResult
from textual.widget import Widget

from tui.engine.queries import AnyQuery
from tui.panes.base import Pane
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row


class NotesPane(Pane):
    scope = "notes"
    notes = 0

    def compose(self) -> ComposeResult:
        yield LineTable([Column("Note", 20)], empty="No note yet.")

    def queries(self) -> tuple[AnyQuery, ...]:
        return ()

    def project(self) -> None:
        self.query_one(LineTable).set_rows([Row(str(n), (f"note {n}",)) for n in range(1, self.notes + 1)])

    @property
    def focus_target(self) -> Widget:
        return self.query_one(LineTable)

    def action_take_note(self) -> None:
        self.notes += 1
        self.project()
'''
USE = """
import asyncio
from tests.generated_docs import keys_document
from tests.screens.test_deck import deck
from tui.pane_registry import PANES

assert PANES[-1].scope == "notes"
document = keys_document()
for row in ("| `0` | Go to the notes |", "| **In the notes** | |", "| `N` | Take a note |"):
    assert row in document, document

async def use() -> None:
    async with deck((80, 24)) as work:
        await work.press("0")
        assert "No note yet." in work.text, "its number leads to it"
        assert "0Notes" in work.text.split("\\n")[1], "and has a tab"
        assert " N note " in work.text.split("\\n")[-1], "its key is hinted at"
        await work.press("N", "N")
        assert "note 2" in work.text, "its key works"
        await work.press("1", "shift+tab")
        assert work.screen.current == "notes", "Tab passes it"
        await work.press("question_mark")
        help = work.text
        for _ in range(10):
            await work.press("pagedown")
            help += work.text
        assert "In the notes" in help
        assert "Take a note" in help
        await work.press("escape", "1", "ctrl+p", *"Take a note", "down", "enter")
        await work.press("0")
        assert "note 3" in work.text, "the palette has it"

asyncio.run(use())
print("all well")
"""


def test_a_pane_is_one_file_and_one_line(tmp_path: Path) -> None:
    for package in ("tui", "widgets"):
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").symlink_to(PROJECT / "tests")
    registry = tmp_path / "tui" / "pane_registry.py"
    text = registry.read_text(encoding="utf-8")
    before, end, after = text.partition('\n)\n"""In the order of their numbers')
    assert end
    registry.write_text(before + LINE.rstrip() + end + after, encoding="utf-8")
    (tmp_path / "tui" / "panes" / "notes.py").write_text(PANE, encoding="utf-8")
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
