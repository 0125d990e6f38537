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
        command="status", config=Path("x.toml"), read_only=True, log=None, address=None, json=True
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_what_it_does_with_an_example_that_it_takes(name: str) -> None:
    command = COMMANDS[name]
    assert command.description.endswith(".")
    example = command.epilog.partition("Example: ")[2].partition("\n")[0]
    program, *arguments = shlex.split(example)
    assert (program, parse(arguments).command) == ("pipedeck", name)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"demo", "journal"}))
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
