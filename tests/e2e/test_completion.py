"""Completion in a real shell, and the man page in a real man."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import pipedeck
from tests.e2e.terminal import Terminal, program

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_read_its_script(shell: str, tmp_path: Path) -> None:
    done = pipedeck("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "pipedeck addresses" in done.stdout
    if shutil.which(shell) is None:
        return  # what it would say of it nobody can ask here
    script = tmp_path / "script"
    script.write_text(done.stdout, encoding="utf-8")
    checked = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_commands_options_and_addresses_that_were_listed(config: Path, tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert pipedeck("status", "--config", config, env=cache).returncode == 0
    script = tmp_path / "pipedeck.bash"
    script.write_text(pipedeck("completion", "bash").stdout, encoding="utf-8")
    env = {
        **cache,
        "PIPEDECK_CONFIG": str(config),
        "PS1": "ready> ",
        "PATH": f"{program().parent}:/usr/bin:/bin",
    }
    with Terminal(["bash", "--noprofile", "--norc", "-i"], env=env) as terminal:
        terminal.wait_for("ready>")
        terminal.send(f"source {script}\r")
        for typed, whole in (
            ("pipedeck environ\t", "pipedeck environments"),
            ("logs --time\t", "logs --timestamps"),
            ("verdict fr\t", "verdict fraud"),
            ("logs jenkins:failing-pipe\t", "logs jenkins:failing-pipeline"),
            ("status gitlab:ml/feat\t", "status gitlab:ml/features/store"),
        ):
            line = typed if typed.startswith("pipedeck") else f"pipedeck {typed}"
            terminal.send(line)
            terminal.wait_for(whole)
            terminal.send("\x15")


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_the_man_page_is_one() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", ROOT / "docs" / "pipedeck.1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "set-champion" in done.stdout.replace("\N{HYPHEN}", "-")
