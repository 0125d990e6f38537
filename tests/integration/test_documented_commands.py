"""Every command in the documents is one, and does something in the world of the demo."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.settings import write_config
from tui.cli import main
from tui.commands.parser import parse
from tui.sandbox.process import Sandbox

ROOT = Path(__file__).parents[2]
ENDS_WELL = {0, 1, 10, 11}
"""Exit codes that say what was found, not that it could not be done."""


def commands(page: Path) -> list[list[str]]:
    """Those in the page's blocks of shell, without the program's name."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line.partition(" # ")[0].strip() for block in blocks for line in block.splitlines() if line]
    found = [shlex.split(line) for line in lines]
    assert all(words[0] == "pipedeck" for words in found), "only what can be tried stands in a block of shell"
    return [words[1:] for words in found]


PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if commands(page)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("tour") as running:
        yield running


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_does_something(
    page: Path,
    sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv(
        "PIPEDECK_CONFIG", str(write_config(sandbox.settings(alarms=True), tmp_path / "config.toml"))
    )
    for words in commands(page):
        asked = parse(words)
        if asked.command in (None, "init"):
            continue  # they open the deck, or ask
        code = main([word for word in words if word != "demo"])  # one demo will do for all
        printed = capsys.readouterr()
        assert code in ENDS_WELL, f"{words}: {code}: {printed.err}"
        assert printed.out, words
