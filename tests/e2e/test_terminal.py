"""The terminal that the other tests look through."""

import signal

import pytest

from tests.e2e.terminal import Terminal


def shell(script: str) -> Terminal:
    return Terminal(["sh", "-c", script], size=(40, 5))


def test_it_shows_what_stands_on_the_screen_and_keeps_what_came() -> None:
    with shell(r"printf 'one\ntwo \033[31mred\033[0m\033]22;x\a'; read line; echo got $line") as terminal:
        terminal.wait_for("two red")
        assert terminal.text.split("\n")[:2] == ["one", "two red"]
        assert b"\x1b[31mred" in terminal.raw
        terminal.send("this\r")
        terminal.wait_for("got this")
        assert terminal.wait_exit()[0] == 0


def test_what_came_can_be_forgotten_and_the_screen_stays() -> None:
    with shell("printf 'one'; read line; printf ' and %s' $line; read line") as terminal:
        terminal.wait_for("one")
        assert (terminal.forget(), bytes(terminal.raw)) == (3, b"")
        terminal.send("two\r")
        terminal.wait_for("and two")
        assert terminal.text.startswith("one")
        assert (terminal.threads(), terminal.descriptors()) == (1, 3)


def test_it_tells_the_modes_that_were_left_on() -> None:
    with shell(
        r"printf '\033[?1049h\033[?1003;1006h\033[?25l'; read line; printf '\033[?1049l\033[?1003l'"
    ) as terminal:
        terminal.wait_for(lambda: terminal.modes() == {1049, 1003, 1006, 25})
        terminal.send("\r")
        terminal.wait_exit()
        assert terminal.modes() == {1006, 25}


def test_it_has_a_main_and_an_alternate_screen() -> None:
    with shell(
        r"echo main; printf '\033[?1049hother'; read line; printf '\033[?1049l'; read line"
    ) as terminal:
        terminal.wait_for("other")
        assert "main" not in terminal.text
        terminal.send("\r")
        terminal.wait_for("main")
        assert "other" not in terminal.text


def test_it_sees_settings_that_were_left_changed() -> None:
    with shell("stty -echo -icanon; read line; stty sane") as terminal:
        terminal.wait_for(lambda: terminal.attributes() != terminal.attributes_before)
        terminal.send("\n")
        terminal.wait_exit()


def test_it_has_a_size_that_changes() -> None:
    with shell("trap 'stty size' WINCH; stty size; while :; do read line; done") as terminal:
        terminal.wait_for("5 40")
        terminal.resize(30, 4)
        terminal.wait_for("4 30")


def test_it_answers_what_programs_ask() -> None:
    with shell(r"stty raw -echo; printf '\033[?2026$p\033[c'; head -c 20 | od -An -c") as terminal:
        terminal.wait_for("033   [   ?   2   0   2   6   ;   2   $")


@pytest.mark.parametrize("way", ["hang up", "signal"])
def test_its_end_reaches_the_program(way: str) -> None:
    with shell("echo ready; read line") as terminal:
        terminal.wait_for("ready")
        since = terminal.hang_up() if way == "hang up" else terminal.signal(signal.SIGHUP)
        code, seconds = terminal.wait_exit(since)
        assert code == -signal.SIGHUP
        assert seconds > 0


def test_what_does_not_come_is_told_with_the_screen() -> None:
    with shell("echo here; read line") as terminal:
        with pytest.raises(
            AssertionError, match=r"'there' did not come: not within 0.1 s; on the screen:\nhere"
        ):
            terminal.wait_for("there", patience=0.1)
        terminal.send("\r")
        with pytest.raises(AssertionError, match="the program ended"):
            terminal.wait_for("there")


def test_a_program_that_hears_nothing_is_ended() -> None:
    with shell("trap '' HUP TERM; echo deaf; while :; do sleep 0.05; done") as terminal:
        terminal.wait_for("deaf")
        terminal.close(patience=0.2)
        assert terminal.wait_exit()[0] == -signal.SIGKILL
