"""The command line itself: its options, its help, and what it says without a configuration."""

import shlex
from argparse import Namespace, _SubParsersAction
from pathlib import Path

import pytest

from tui.cli import main
from tui.commands.parser import parse, parser

COMMANDS = next(
    action.choices for action in parser()._actions if isinstance(action, _SubParsersAction) and action.choices
)


@pytest.mark.parametrize(
    "line",
    [
        "--config x.toml --read-only status --json",
        "status --config x.toml --json --read-only",
        "--read-only status --json --config x.toml",
        "--config y.toml --read-only status --json --config x.toml",
    ],
)
def test_what_is_for_all_commands_may_stand_anywhere(line: str) -> None:
    asked = parse(line.split())
    assert asked == Namespace(
        command="status",
        config=Path("x.toml"),
        read_only=True,
        log=None,
        view=None,
        address=None,
        cached=False,
        json=True,
        world="",
    )


@pytest.mark.parametrize(
    ("line", "world", "command", "read_only"),
    [
        ("demo", "own", None, False),
        ("demo status --json", "own", "status", False),
        ("demo --read-only", "own", None, True),
        ("--read-only demo status", "own", "status", True),
        ("--demo status", "running", "status", False),
        ("status --demo", "running", "status", False),
        ("--demo", "running", None, False),
    ],
)
def test_a_command_may_be_for_the_demo(line: str, world: str, command: str | None, read_only: bool) -> None:
    asked = parse(["--config", "x.toml", *line.split()])
    assert (asked.world, asked.command, asked.read_only, str(asked.config)) == (
        world,
        command,
        read_only,
        "x.toml",
    )


@pytest.mark.parametrize("line", ["demo demo", "demo init", "demo journal", "demo statu"])
def test_what_is_not_for_the_demo_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(line.split())
    assert "in the demo" in capsys.readouterr().err or line == "demo statu"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_what_it_does_with_an_example_that_it_takes(name: str) -> None:
    command = COMMANDS[name]
    assert command.description.endswith(".")
    example = command.epilog.partition("Example: ")[2].partition("\n")[0]
    program, *arguments = shlex.split(example)
    assert program == "pipedeck"
    assert parse(arguments).command == (arguments[1] if name == "demo" else name)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"completion", "demo", "init", "journal"}))
def test_without_a_configuration_each_command_says_how_to_get_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    example = COMMANDS[name].epilog.partition("Example: ")[2].partition("\n")[0]
    assert main(shlex.split(example)[1:]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert str(tmp_path / "pipedeck" / "config.toml") in printed.err
    assert "pipedeck demo" in printed.err
