"""Over a real ssh, as from a bastion host: without a terminal there, no signal tells that the connection is gone."""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.following import Following
from tests.e2e.settings import write_config
from tests.e2e.sshd import Sshd
from tests.e2e.terminal import PATIENCE, program
from tui.sandbox.process import Sandbox

BUILD = "jenkins:short#1"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with Sshd(folder) as sshd:
        yield sshd


@pytest.fixture
def world() -> Iterator[Sandbox]:
    with Sandbox("logs", clock="manual") as sandbox:
        yield sandbox


def remotely(sshd: Sshd, world: Sandbox, tmp_path: Path, *arguments: str) -> list[str]:
    """Runs ``pipedeck logs`` on the other side, which first prints the id of its process."""
    config = write_config(world.settings(), tmp_path / "config.toml")
    cache = f"XDG_CACHE_HOME={shlex.quote(str(tmp_path / 'cache'))}"
    command = shlex.join([str(program()), "--config", str(config), "logs", *arguments])
    return sshd.command([f"echo $$; exec env {cache} {command}"])


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_log_streams_and_its_end_comes_through(sshd: Sshd, world: Sandbox, tmp_path: Path) -> None:
    with Following(remotely(sshd, world, tmp_path, "-f", BUILD)) as following:
        following.wait_for(lambda: len(following.lines) > 3)
        before = len(following.lines)
        world.control.advance(10)
        following.wait_for(lambda: len(following.lines) > before)
        world.control.advance(100)
        assert following.wait() == 0
        assert following.lines[-1] == "Finished: SUCCESS"


@pytest.mark.parametrize("face", ["jenkins", "gitlab"])
def test_it_ends_when_the_connection_drops(sshd: Sshd, world: Sandbox, tmp_path: Path, face: str) -> None:
    """The world stands still, so that there is nothing it could fail to write."""
    world.control.advance(8)
    address = BUILD if face == "jenkins" else "gitlab:ml/short#1803/train"
    with Following(remotely(sshd, world, tmp_path, "-f", address)) as following:
        following.wait_for(lambda: len(following.lines) > 3)
        pid = int(following.lines[0])
        assert is_there(pid)
        following.kill()
        end = time.monotonic() + PATIENCE
        while is_there(pid):
            assert time.monotonic() < end, "the process on the other side goes on"
            time.sleep(0.02)
    assert list((tmp_path / "cache" / "pipedeck" / "logs").iterdir()) == []


def test_a_reader_there_that_has_seen_enough_ends_it(sshd: Sshd, world: Sandbox, tmp_path: Path) -> None:
    command = remotely(sshd, world, tmp_path, "-f", BUILD)
    command[-1] = f"({command[-1]}) | head -2"
    with Following(command) as following:
        assert following.wait() == 0
        assert len(following.lines) == 2
        assert following.said == ""
