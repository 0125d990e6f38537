"""``pipedeck logs`` as scripts and pipes meet it: what it prints, how it goes on, and how it ends."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.command import pipedeck
from tests.e2e.following import Following
from tests.e2e.settings import write_config
from tests.e2e.terminal import PATIENCE, Terminal, environment, program
from tests.reading import lines
from tui.logs.gitlab import GitLabParser
from tui.logs.jenkins import JenkinsParser
from tui.logs.neutral import without_styles
from tui.sandbox.process import Sandbox

BUILD = "jenkins:short#1"
TRAIN = "gitlab:ml/short#1803/train"


@pytest.fixture
def world() -> Iterator[Sandbox]:
    """A sandbox of its own for one test: its world stands still until told to go on."""
    with Sandbox("logs", clock="manual", trace_every=3) as sandbox:
        yield sandbox


@pytest.fixture
def config(world: Sandbox, tmp_path: Path) -> Path:
    return write_config(world.settings(), tmp_path / "config.toml")


@pytest.fixture(scope="module")
def past() -> Iterator[Sandbox]:
    """One for all tests of what has ended."""
    with Sandbox("logs", clock="manual") as sandbox:
        sandbox.control.advance(500)
        yield sandbox


@pytest.fixture
def ended(past: Sandbox, tmp_path: Path) -> Path:
    """Its configuration."""
    return write_config(past.settings(), tmp_path / "config.toml")


def logs(config: Path, *arguments: str) -> tuple[str | Path, ...]:
    return (program(), "--config", config, "logs", *arguments)


def truth(world: Sandbox, address: str) -> list[str]:
    """The lines of a log as they should be printed where there is no terminal."""
    parser = JenkinsParser() if address.startswith("jenkins") else GitLabParser()
    return [without_styles(line).decode() for line in lines(parser, world.control.log(address))]


def pace(world: Sandbox, face: str, seconds: float) -> Callable[[], None]:
    """Call it often: the world goes on by so much each time that the log has been asked for."""
    seen = [0]

    def go_on() -> None:
        recent = world.control.state().faces[face].recent
        asked = sum("progressiveText" in target or "/trace" in target for target in recent)
        if asked != seen[0]:
            seen[0] = asked
            world.control.advance(seconds)

    return go_on


# What it prints


def test_it_prints_what_there_is(world: Sandbox, config: Path) -> None:
    world.control.advance(8)
    done = pipedeck(*logs(config, BUILD)[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == truth(world, BUILD)
    assert "\x1b" not in done.stdout


def test_without_a_run_it_is_the_newest(past: Sandbox, ended: Path) -> None:
    done = pipedeck(*logs(ended, "jenkins:short")[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Finished: SUCCESS"


def test_of_a_gitlab_run_it_is_the_job_that_failed(past: Sandbox, ended: Path) -> None:
    done = pipedeck(*logs(ended, "gitlab:ml/short")[1:])
    assert done.returncode == 1
    assert done.stderr == f"pipedeck: {TRAIN}: the job that failed first\n"
    assert done.stdout.splitlines() == truth(past, TRAIN)
    assert done.stdout.endswith("ERROR: Job failed: exit code 1\n")


@pytest.mark.parametrize(
    ("address", "code", "last"),
    [
        ("jenkins:short#1/Train/small", 0, "done"),
        ("jenkins:short#1/Unit", 0, "===== 60 passed in"),
        ("gitlab:ml/short#1803/unit", 0, "Job succeeded"),
        (TRAIN, 1, "ERROR: Job failed: exit code 1"),
    ],
)
def test_the_exit_code_tells_how_it_ended(
    past: Sandbox, ended: Path, address: str, code: int, last: str
) -> None:
    done = pipedeck(*logs(ended, address)[1:])
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.splitlines()[-1].startswith(last)


def test_parts_of_it(past: Sandbox, ended: Path) -> None:
    whole = truth(past, BUILD)
    assert pipedeck(*logs(ended, BUILD, "--tail", "4")[1:]).stdout.splitlines() == whole[-4:]
    assert pipedeck(*logs(ended, BUILD, "--tail", "100000")[1:]).stdout.splitlines() == whole
    assert pipedeck(*logs(ended, BUILD, "--tail", "0")[1:]).stdout == ""
    assert pipedeck(*logs(ended, BUILD, "--since-line", "60")[1:]).stdout.splitlines() == whole[59:]
    assert pipedeck(*logs(ended, BUILD, "--since-line", "100000")[1:]).stdout == ""


def test_times_stand_before_the_lines(past: Sandbox, ended: Path) -> None:
    done = pipedeck(*logs(ended, TRAIN, "--timestamps")[1:])
    printed = done.stdout.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in printed)
    assert [line[25:] for line in printed] == truth(past, TRAIN)
    unknown = pipedeck(*logs(ended, BUILD, "--timestamps", "--tail", "1")[1:]).stdout
    assert unknown == " " * 25 + "Finished: SUCCESS\n"


def test_raw_is_what_the_server_sends(past: Sandbox, ended: Path) -> None:
    for address in (TRAIN, BUILD):
        done = subprocess.run(
            logs(ended, address, "--raw"), capture_output=True, env=environment({}), check=False
        )
        sent = past.control.log(address)
        if address == BUILD:  # LF is sent as CRLF, and what is no UTF-8 as the sign for that
            sent = re.sub(rb"(?<!\r)\n", b"\r\n", sent).decode(errors="replace").encode()
        assert done.stdout == sent
        assert done.stderr == b""


def test_a_terminal_gets_colours_but_nothing_raw(past: Sandbox, ended: Path) -> None:
    with Terminal(logs(ended, "gitlab:ml/short#1803/unit")) as terminal:
        assert terminal.wait_exit()[0] == 0
        assert "Job succeeded" in terminal.text
        assert b"\x1b[1mcollected 60 items\x1b[0m" in terminal.raw
    with Terminal(logs(ended, "gitlab:ml/short#1803/unit"), env={"NO_COLOR": "1"}) as terminal:
        assert terminal.wait_exit()[0] == 0
        assert b"\x1b" not in terminal.raw
    with Terminal(logs(ended, TRAIN, "--raw")) as terminal:
        assert terminal.wait_exit()[0] == 2
        assert "--raw is for files and pipes" in terminal.text


# Going on


def test_it_follows_a_build_to_its_end(world: Sandbox, config: Path) -> None:
    with Following(logs(config, BUILD, "-f")) as following:
        following.wait_for(lambda: following.lines)
        assert following.wait(pace(world, "jenkins", 5.0)) == 0
    assert following.said == ""
    assert following.lines == truth(world, BUILD)
    assert following.lines[-1] == "Finished: SUCCESS"


def test_it_follows_a_job_to_its_end(world: Sandbox, config: Path) -> None:
    world.control.advance(8)
    with Following(logs(config, TRAIN, "-f")) as following:
        following.wait_for(lambda: following.lines)
        assert following.wait(pace(world, "gitlab", 200.0)) == 1
    assert following.said == ""
    assert following.lines == truth(world, TRAIN)


def test_it_loses_the_server_and_finds_it_again(world: Sandbox, config: Path) -> None:
    with Following(logs(config, BUILD, "-f")) as following:
        following.wait_for(lambda: following.lines)
        world.control.fault("jenkins", "down")
        following.wait_for(lambda: following.said)
        world.control.fault("jenkins", None)
        assert following.wait(pace(world, "jenkins", 20.0)) == 0
    assert following.lines == truth(world, BUILD)
    assert "refuses connections" in following.said
    assert following.said.endswith("; trying again\n")
    assert len(following.said.splitlines()) == 1


def test_a_log_written_anew_is_printed_anew(world: Sandbox, config: Path) -> None:
    world.control.advance(15)
    with Following(logs(config, BUILD, "-f")) as following:
        following.wait_for(lambda: following.lines)
        world.control.forget_log(BUILD)
        following.wait_for(lambda: following.said)
        assert following.said == "pipedeck: the log began anew\n"
        assert following.wait(pace(world, "jenkins", 20.0)) == 0
        anew = following.lines.index("Resuming build after the controller was restarted")
    assert following.lines[anew:] == truth(world, BUILD)


def test_it_says_why_there_is_nothing(world: Sandbox, config: Path) -> None:
    done = pipedeck(*logs(config, TRAIN)[1:])
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "pipedeck: the job has not started: created\n"
    world.control.advance(500)
    world.control.forget_log(TRAIN)
    done = pipedeck(*logs(config, TRAIN)[1:])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pipedeck: the log was erased at ")


# How it ends


def test_it_ends_at_once_when_nobody_reads_any_more(world: Sandbox, config: Path) -> None:
    """The world stands still: there is nothing to write by which one would notice."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        logs(config, BUILD, "-f"),
        stdout=writing,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment({}),
    )
    os.close(writing)
    try:
        assert os.read(reading, 100).startswith(b"Started by")
        before = world.control.requests("jenkins")
        while world.control.requests("jenkins") < before + 2:
            time.sleep(0.02)
        os.close(reading)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


@pytest.mark.parametrize("options", [(), ("-f",), ("--raw",), ("--timestamps",)])
def test_a_reader_that_has_seen_enough_is_no_error(
    past: Sandbox, ended: Path, options: tuple[str, ...]
) -> None:
    command = " ".join(map(str, logs(ended, "jenkins:medium#1", *options)))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -1"],
        capture_output=True,
        text=True,
        env=environment({}),
        timeout=60,
        check=False,
    )
    assert done.stdout.lstrip().startswith("Started by")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("elsewhere:x#1",), 2, "no source elsewhere that runs pipelines; there is: jenkins, gitlab"),
        (("jenkins:nothing",), 2, "no run of it was found"),
        (("short",), 2, "is not an address"),
        ((BUILD, "--tail", "some"), 2, "'some' is not a number of lines"),
        ((BUILD, "--tail", "3", "--since-line", "3"), 2, "not allowed with"),
        ((BUILD, "--tail", "3", "--raw"), 2, "not allowed with"),
        (("jenkins:short#99",), 2, "answered 404"),
        ((f"{BUILD}/Tarin", "-f"), 2, "jenkins:short#1 has no stage Tarin; it has: "),
        (("gitlab:ml/short#1803/tarin",), 2, "has no job tarin; it has: unit, train"),
    ],
)
def test_what_cannot_be_printed_is_said(
    past: Sandbox, ended: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = pipedeck(*logs(ended, *arguments)[1:])
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [(), ("-f",)])
def test_a_server_that_is_down_from_the_start_ends_it(
    world: Sandbox, config: Path, options: tuple[str, ...]
) -> None:
    world.control.fault("jenkins", "down")
    done = pipedeck(*logs(config, BUILD, *options)[1:])
    assert (done.returncode, done.stdout) == (3, "")
    assert "refuses connections" in done.stderr


def test_an_interrupt_ends_it_and_nothing_is_left(world: Sandbox, config: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with Following(logs(config, BUILD, "-f"), env={"XDG_CACHE_HOME": str(cache)}) as following:
        following.wait_for(lambda: following.lines)
        assert (cache / "pipedeck" / "logs").is_dir()
        os.kill(following.pid, 2)
        assert following.wait() == 130
        assert following.said == ""
    assert list((cache / "pipedeck" / "logs").iterdir()) == []
