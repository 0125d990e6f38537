"""Acting commands in a real terminal of 80 columns: asked, cut off, stopped, and what is said of that."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.command import Done, pipedeck
from tests.e2e.terminal import Terminal, program
from tui.config import Settings
from tui.sandbox.process import Sandbox

GATE = "jenkins:deploy-model#7!Promote"
PIN = "hush-1"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One for each test: they change it."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def healthy() -> None:
    """Each has a sandbox of its own here."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A request without an answer lasts until the test has looked, however slow the machine is."""
    patient = {
        name: msgspec.structs.replace(source, timeout=120.0) for name, source in settings.sources.items()
    }
    return msgspec.structs.replace(settings, sources=patient)


class Shell:
    """Runs commands, in a terminal or as a script, on one config and one state directory."""

    def __init__(self, sandbox: Sandbox, config: Path, state: Path) -> None:
        self._sandbox = sandbox
        self._config = config
        self._env = {"XDG_STATE_HOME": str(state), "THE_PIN": PIN}

    def terminal(self, *arguments: str) -> Terminal:
        command: list[str | Path] = [program(), "--config", self._config, *arguments]
        return Terminal(command, size=(80, 24), env=self._env)

    def run(self, *arguments: str) -> Done:
        return pipedeck("--config", self._config, *arguments, env=self._env)

    def journal(self) -> list[Any]:
        done = self.run("journal", "--json")
        actions: list[Any] = json.loads(done.stdout)["actions"]
        return actions

    @property
    def writes(self) -> list[str]:
        return [each.path for each in self._sandbox.control.writes("jenkins")]

    def begun(self, *arguments: str) -> Terminal:
        """A command whose request has come to its effect and gets no answer."""
        self._sandbox.control.fault("jenkins", "stall", path="/input/")
        terminal = self.terminal(*arguments)
        terminal.wait_for(lambda: bool(self.writes))
        return terminal


@pytest.fixture
def shell(sandbox: Sandbox, config: Path, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(sandbox, config, tmp_path / "state")
    yield shell
    sent = [path for record in shell.journal() for _, path in record["requests"]]
    assert len(sent) == len(shell.writes)


SURE = ("--yes", "--confirm", "production", "--set", "PIN=env:THE_PIN", "--despite-verdict", "7")


def test_a_person_is_asked_for_what_the_gate_asks_without_an_echo(shell: Shell, sandbox: Sandbox) -> None:
    with shell.terminal("approve", GATE, "--set", "STRATEGY=blue-green") as terminal:
        terminal.wait_for("PIN (any will do: nobody looks at it):")
        terminal.send(f"{PIN}\n")
        terminal.wait_for("Do it? [y/N]")
        assert shell.writes == []
        terminal.send("y\n")
        terminal.wait_for("Type its name, production:")
        terminal.send("production\n")
        assert terminal.wait_exit()[0] == 0
        assert PIN not in terminal.raw.decode()
        assert f"done: {GATE}: approved" in terminal.raw.decode()
    (write,) = sandbox.control.writes("jenkins")
    for text in ("STRATEGY", "blue-green", "NOTE", "NOTIFY", PIN):
        assert text in write.body
    (record,) = shell.journal()
    assert (record["state"], PIN in str(record)) == ("done", False)


@pytest.mark.parametrize("typed", ["\n", "n\n", "\x03", "\x04"])
def test_no_is_the_answer_unless_it_is_yes(shell: Shell, typed: str) -> None:
    with shell.terminal("reject", GATE) as terminal:
        terminal.wait_for("Do it? [y/N]")
        terminal.send(typed)
        assert terminal.wait_exit()[0] == 4
        assert "nothing was sent" in terminal.text
    assert shell.writes == []


def test_ctrl_c_at_a_password_leaves_the_terminal_as_it_was(shell: Shell) -> None:
    with shell.terminal("approve", GATE) as terminal:
        terminal.wait_for("PIN (any will do: nobody looks at it):")
        terminal.send("\x03")
        assert terminal.wait_exit()[0] == 4
        assert "nothing was sent" in terminal.text
    assert shell.writes == []


def test_ctrl_c_says_what_is_known_and_the_journal_too(shell: Shell, sandbox: Sandbox) -> None:
    with shell.begun("approve", GATE, *SURE) as terminal:
        code, seconds = terminal.wait_exit(terminal.send("\x03"))
        assert (code, seconds < 60) == (5, True)
        assert f"unknown: {GATE}: you stopped looking at 'approve" in terminal.raw.decode()
        assert "Traceback" not in terminal.text
    (record,) = shell.journal()
    assert (record["state"], "cut off" in record["words"]) == ("not settled yet", True)
    settled_by_the_next_command(shell, sandbox)


def test_a_command_that_was_killed_is_settled_by_the_next_one(shell: Shell, sandbox: Sandbox) -> None:
    with shell.begun("approve", GATE, *SURE) as terminal:
        (record,) = shell.journal()
        assert record["state"] == "under way"
        terminal.signal(signal.SIGKILL)
        terminal.wait_exit()
    (record,) = shell.journal()
    assert record["state"] == "not settled yet"
    settled_by_the_next_command(shell, sandbox)


def settled_by_the_next_command(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.control.fault("jenkins", None)
    done = shell.run("reject", GATE, "--yes")
    assert f"done: {GATE}: approved" in done.stderr
    assert (done.returncode, "no longer waits" in done.stderr) == (4, True)
    assert len(shell.writes) == 1
    (record,) = shell.journal()
    assert (record["state"], record["words"].partition(";")[0]) == ("done", "approved")


def test_several_are_planned_asked_for_once_and_end_each_by_itself(shell: Shell) -> None:
    train, gone = "jenkins:ml/vision/train-resnet", "jenkins:ml/vision/train-resnet#99999"
    with shell.terminal("reject", GATE, gone) as terminal:
        terminal.wait_for("Do it? [y/N]")  # one of them cannot be
        terminal.send("y\n")
        assert terminal.wait_exit()[0] == 3
        words = terminal.raw.decode()
        assert f"done: {GATE}: rejected" in words
        assert f"pipedeck: {gone}: " in words
    assert len(shell.writes) == 1
    with shell.terminal("cancel", GATE.partition("!")[0], train) as terminal:
        assert terminal.wait_exit()[0] == 4
        assert "it has ended" in terminal.text
    assert len(shell.writes) == 1


def test_of_three_commands_at_once_one_sends(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.control.fault("jenkins", "slow", path="/replay/", seconds=2.0)
    retry = ("retry", "jenkins:deploy-model#6", "--yes", "--confirm", "production")
    with ThreadPoolExecutor(3) as programs:
        commands = {programs.submit(shell.run, *retry) for _ in range(3)}
        refused = set(islice(as_completed(commands), 2))
        sandbox.control.fault("jenkins", None)
        for command in refused:
            done = command.result()
            assert done.returncode == 4, done
            assert "nothing was sent: the same is under way already, by " in done.stdout
        (sender,) = commands - refused
        while not sender.done():
            sandbox.control.advance(30)
    assert "\ndone: jenkins:deploy-model#6: " in sender.result().stdout
    assert len(shell.writes) == 1
    assert sorted(record["state"] for record in shell.journal()) == ["done", "refused", "refused"]
