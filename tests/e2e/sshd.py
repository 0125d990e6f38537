"""A real ``sshd`` on the loopback, for the user that runs the tests, with keys made for the occasion."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.e2e.terminal import PATIENCE


class Sshd:
    """A context manager. Skips the test where there is no ``sshd``, or it lets nobody in.

    Args:
        folder: for its keys, its configuration and its log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def command(self, words: Sequence[str]) -> list[str]:
        """What runs ``words`` on the other side, without a terminal there."""
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
        }
        told = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        key = str(self._folder / "user")
        user = f"{getpass.getuser()}@127.0.0.1"
        return ["ssh", "-F", "none", "-i", key, "-p", str(self.port), *told, user, *words]

    def __enter__(self) -> Self:
        if self._program is None or shutil.which("ssh") is None:
            pytest.skip("there is no sshd here (Debian: apt install openssh-server)")
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)]
            subprocess.run(command, check=True)
        (self._folder / "allowed").write_bytes((self._folder / "user.pub").read_bytes())
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self._folder / "host",
            "AuthorizedKeysFile": self._folder / "allowed",
            "UsePAM": "no",
            "StrictModes": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "yes",
            "PidFile": "none",
        }
        config = self._folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it wants to be there, as root
        log = self._folder / "sshd.log"
        command = [self._program, "-D", "-f", str(config), "-E", str(log)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end:
                self.__exit__(None, None, None)
                pytest.skip(f"sshd does not start: {self._said()}")
            time.sleep(0.05)
        asked = subprocess.run(
            self.command(["true"]), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if asked.returncode:
            self.__exit__(None, None, None)
            pytest.skip(f"sshd lets nobody in: {asked.stderr.strip()}; {self._said()}")
        return self

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _said(self) -> str:
        try:
            return (self._folder / "sshd.log").read_text().strip()[-500:]
        except OSError:
            return "nothing"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
