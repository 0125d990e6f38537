"""Notices in a real terminal: the bell, and a desktop notification by OSC, also through tmux."""

import re
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, program

CONFIG = """
[sources.ci]
type = "jenkins"
url = "http://127.0.0.1:9"
[alarms.lost]
source = { name = "ci", unreachable_for = "1s" }
[ui.notices]
bell = true
desktop = "DESKTOP"
"""
WORDS = b"lost firing: ci; unreachable: "


@pytest.mark.parametrize(
    ("desktop", "tmux", "begin"),
    [
        ("osc9", None, b"\x1b]9;Pipedeck: "),
        ("osc777", None, b"\x1b]777;notify;Pipedeck;"),
        ("osc9", "/tmp/tmux,1,0", b"\x1bPtmux;\x1b\x1b]9;Pipedeck: "),
    ],
)
def test_the_desktop_hears_of_it_and_the_bell_rings(
    desktop: str, tmux: str | None, begin: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("DESKTOP", desktop))
    path.chmod(0o600)
    with Terminal([program(), "--config", path], env={"TMUX": tmux}) as terminal:
        terminal.wait_for("1 alarm")
        whole = re.compile(re.escape(begin) + rb"[^\x07]*\x07..", re.DOTALL)
        terminal.wait_for(lambda: whole.search(terminal.raw) is not None)
        told = terminal.raw[terminal.raw.index(begin) + len(begin) :]
        words, end = bytes(told).split(b"\x07", 1)
        assert words.startswith(WORDS.replace(b";", b",") if desktop == "osc777" else WORDS)
        assert b"\x1b" not in words
        assert end.startswith(b"\x1b\\") is (tmux is not None)
        before = bytes(terminal.raw[: terminal.raw.index(begin)])
        assert b"\x07" in before[-20:]
        terminal.send("q")
        assert terminal.wait_exit()[0] == 0
