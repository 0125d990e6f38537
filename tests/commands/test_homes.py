"""Where there is no home directory, as in some containers, every command says what to do."""

import os
import socket
from pathlib import Path

import pytest

from tui.cli import main

NOBODY = "~nobody-of-that-name"


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, NOBODY)
    monkeypatch.delenv("PIPEDECK_CONFIG", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "config.toml"
    path.write_text(
        f"[sources.ci]\ntype = 'jenkins'\nurl = 'http://127.0.0.1:{port}'\n"
        "[alarms.a]\nruns = { pipelines = ['ci:x'] }\n"
    )
    return path


@pytest.mark.parametrize("command", ["", "status", "check", "gates", "alarms"])
def test_without_a_config_named_it_says_what_to_do(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(command.split()) == 2
    assert (
        f"{NOBODY} is no home directory here: give the whole path; or name the config"
        in capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("status", 3, "refuses connections"),
        ("check", 1, "refuses connections"),
        ("gates", 3, "refuses connections"),
        ("alarms", 3, "refuses connections"),
        ("environments", 3, "refuses connections"),
        ("tests ci:a", 3, "refuses connections"),
        ("logs ci:a#1", 2, f"no log can be kept: {NOBODY} is no home"),
        ("journal", 2, f"the journal cannot be read: {NOBODY} is no home"),
        ("journal --json", 2, f"the journal cannot be read: {NOBODY} is no home"),
        ("journal --verify", 2, f"the journal cannot be read: {NOBODY} is no home"),
        ("retry ci:a#1 --yes", 2, f"the journal cannot be read: {NOBODY} is no home"),
        ("trigger ci:a --yes", 3, "refuses connections"),
    ],
)
def test_no_command_ends_in_a_traceback(
    config: Path, command: str, code: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(config), *command.split()]) == code
    told = capfd.readouterr()
    assert words in told.out + told.err
    assert "Traceback" not in told.err


def test_a_config_in_nobodys_home(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", f"{NOBODY}/config.toml", "status"]) == 2
    assert f"cannot be read: {NOBODY} is no home directory here" in capfd.readouterr().err


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    assert main(["--config", str(config), "journal"]) == 0
    assert main(["--config", str(config), "status"]) == 3
    assert "Traceback" not in capfd.readouterr().err
