"""How the deck ends: at once, whatever hangs, and leaving the terminal as it was."""

import signal
from contextlib import ExitStack
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.e2e.deck import CTRL_Z, Deck
from tests.e2e.settings import FACES, write_config
from tests.e2e.silence import HangingLookUps, settings_for, silent_server
from tests.e2e.terminal import PATIENCE, Terminal, program
from tui.sandbox.process import Sandbox

AT_ONCE = 60.0
"""Seconds that ending may take here. It takes 0.3, but many times that where everything waits for a processor. What it
must not do is wait for a server: no request here gives up before 120 seconds, and no name look-up before 600."""
LITTLE = 0.2
"""Seconds of processor time that ending may take: 0.06 here; 0.33 when Python looks for cycles at its end."""
BRACKETED_PASTE = 2004
"""A mode that a shell may switch on for itself."""


def left_as_it_was(terminal: Terminal) -> bool:
    return not terminal.modes() and terminal.attributes() == terminal.attributes_before


def requests(sandbox: Sandbox) -> dict[str, int]:
    return {face: state.requests for face, state in sandbox.control.state().faces.items()}


def hang(sandbox: Sandbox) -> None:
    for face in FACES:
        sandbox.control.fault(face, "hang")


def quits_at_once(deck: Deck) -> None:
    code, seconds = deck.wait_exit(deck.send("q"))
    assert code == 0
    assert seconds < AT_ONCE
    assert left_as_it_was(deck)


@pytest.mark.parametrize("key", ["q", "\x03", "\x11"], ids=["q", "ctrl+c", "ctrl+q"])
def test_it_quits_and_leaves_the_terminal_as_it_was(config: Path, key: str) -> None:
    with Deck(config) as deck:
        deck.loaded()
        assert deck.modes() >= {1049, 1003, 25}, "full screen, with mouse and without cursor"
        assert deck.attributes() != deck.attributes_before
        code, seconds = deck.wait_exit(deck.send(key))
        assert code == 0
        assert seconds < AT_ONCE
        assert left_as_it_was(deck)


def test_it_quits_before_anything_was_read(config: Path) -> None:
    with Deck(config) as deck:
        deck.wait_for("Pipeline")
        quits_at_once(deck)


def test_quitting_is_little_work(config: Path) -> None:
    """The least of three: what it had begun to draw before is no part of it."""

    def work() -> float:
        with Deck(config) as deck:
            deck.loaded()
            deck.settle()
            before, reaped = deck.cpu(), getrusage(RUSAGE_CHILDREN)
            deck.wait_exit(deck.send("q"))
            used = getrusage(RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime - reaped.ru_utime - reaped.ru_stime - before

    assert any(work() < LITTLE for _ in range(3))


# Quitting while nobody answers


def test_it_quits_while_every_server_hangs(sandbox: Sandbox, config: Path) -> None:
    asked = requests(sandbox)
    hang(sandbox)
    with Deck(config) as deck:
        deck.wait_for("Reading jenkins, gitlab")
        deck.wait_for(lambda: all(requests(sandbox)[face] > asked[face] for face in ("jenkins", "gitlab")))
        quits_at_once(deck)


def test_it_quits_while_servers_hang_that_answered_before(sandbox: Sandbox, config: Path) -> None:
    with Deck(config) as deck:
        deck.loaded()
        deck.send("3")  # charts, which are asked for again as lists are
        deck.wait_for("┤")
        asked = requests(sandbox)
        hang(sandbox)
        deck.refresh_until(lambda: all(requests(sandbox)[face] > asked[face] for face in FACES))
        deck.send("1")
        deck.wait_for("❯◊ ml/vision/deploy")
        quits_at_once(deck)


def test_it_quits_while_servers_take_connections_and_never_answer(tmp_path: Path) -> None:
    with silent_server() as (server, url), ExitStack() as taken:
        config = write_config(settings_for(url), tmp_path / "config.toml")
        with Deck(config) as deck:
            for _ in ("jenkins", "gitlab"):
                server.settimeout(PATIENCE)
                connection, _address = server.accept()
                taken.enter_context(connection)
            deck.wait_for("Reading jenkins, gitlab")
            quits_at_once(deck)


def test_it_quits_while_the_name_look_up_hangs(tmp_path: Path) -> None:
    config = write_config(settings_for("http://ci.example.com"), tmp_path / "config.toml")
    look_ups = HangingLookUps(tmp_path)
    with Deck(config, env=look_ups.environment) as deck:
        deck.wait_for(lambda: look_ups.begun() >= 2)
        quits_at_once(deck)


# Ending without being asked by a key


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_the_terminal_restored(config: Path, number: signal.Signals) -> None:
    with Deck(config) as deck:
        deck.loaded()
        code, seconds = deck.wait_exit(deck.signal(number))
        assert code == 128 + number
        assert seconds < AT_ONCE
        assert left_as_it_was(deck)
        assert "Traceback" not in deck.text


def test_a_signal_that_comes_before_the_first_frame_leaves_the_terminal_as_it_was(config: Path) -> None:
    with Deck(config) as deck:
        deck.wait_for(lambda: 1049 in deck.modes())
        code, _ = deck.wait_exit(deck.signal(signal.SIGTERM))
        assert code == 128 + signal.SIGTERM
        assert left_as_it_was(deck)


def test_a_signal_ends_it_while_every_server_hangs(sandbox: Sandbox, config: Path) -> None:
    hang(sandbox)
    with Deck(config) as deck:
        deck.wait_for("Reading jenkins, gitlab")
        code, seconds = deck.wait_exit(deck.signal(signal.SIGTERM))
        assert code == 128 + signal.SIGTERM
        assert seconds < AT_ONCE
        assert left_as_it_was(deck)


def test_it_ends_when_the_terminal_goes_away(config: Path) -> None:
    with Deck(config) as deck:
        deck.loaded()
        code, seconds = deck.wait_exit(deck.hang_up())
        assert code != 0
        assert seconds < AT_ONCE


def test_it_ends_when_the_terminal_goes_away_and_only_who_started_it_is_told(config: Path) -> None:
    # As make does: it hears SIGHUP, and waits for what it started.
    started = f"trap : HUP; {program()} --config {config}; exit $?"
    with Terminal(["sh", "-c", started], size=(120, 40)) as terminal:
        terminal.wait_for("deploy-model")
        code, seconds = terminal.wait_exit(terminal.hang_up())
        assert code != 0
        assert seconds < AT_ONCE


def test_it_ends_when_a_terminal_goes_away_that_took_nothing_any_more(config: Path) -> None:
    with Deck(config) as deck:
        deck.loaded()
        # As when a connection dies: nobody reads what it writes, and then the terminal is gone.
        for _ in range(40):
            deck.send("?")
            deck.send("q")
        deck.wait_until_stuck()
        code, seconds = deck.wait_exit(deck.hang_up())
        assert code != 0
        assert seconds < AT_ONCE


@pytest.mark.parametrize("way", ["q", "hang up", "kill"])
def test_the_demo_takes_its_sandbox_with_it(way: str) -> None:
    with Terminal([program(), "demo"]) as terminal:
        terminal.wait_for("deploy-model")
        [sandbox] = terminal.children()
        if way == "q":
            assert terminal.wait_exit(terminal.send("q"))[0] == 0
            assert left_as_it_was(terminal)
        elif way == "hang up":
            terminal.wait_exit(terminal.hang_up())
        else:
            terminal.wait_exit(terminal.signal(signal.SIGKILL))
    with Terminal(["tail", f"--pid={sandbox}", "-f", "/dev/null"]) as watcher:
        watcher.wait_exit()


# Suspending


def test_ctrl_z_suspends_it_and_fg_brings_it_back(config: Path) -> None:
    def at_the_prompt() -> bool:
        return not shell.modes() - {BRACKETED_PASTE} and shell.text.rstrip().endswith("prompt>")

    with Terminal(["sh", "-i"], size=(120, 40), env={"PS1": "prompt> ", "ENV": None}) as shell:
        shell.wait_for(at_the_prompt)
        shell.send(f"{program()} --config {config}\r")
        for pipeline in ("deploy-model", "ml/features/store"):
            shell.wait_for(pipeline)
        shell.send(CTRL_Z)
        shell.wait_for(at_the_prompt)
        shell.send("echo in the $((40 + 2))nd place\r")
        shell.wait_for("in the 42nd place")
        shell.wait_for(at_the_prompt)
        shell.send("fg\r")
        shell.wait_for("❯◊ ml/vision/deploy")
        assert shell.modes() >= {1049, 1003, 25}
        shell.wait_for("◊ ml/fraud")
        shell.send("jjj")
        shell.wait_for("❯✗ failing-pipeline")
        shell.send("q")
        shell.wait_for(at_the_prompt)
        shell.send("echo code $?\r")
        shell.wait_for("code 0")
