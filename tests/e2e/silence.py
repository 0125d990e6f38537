"""Servers that never answer, and names that are never found."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tui.config import GitLabSettings, JenkinsSettings, PrometheusSettings, Secret, Settings


def settings_for(url: str, timeout: float = 300.0) -> Settings:
    """One source of each type, all of them at ``url``."""
    secret = Secret("secret")
    gitlab = GitLabSettings(url=url, token=secret, watch=("ml/fraud", "ml/group/**"), timeout=timeout)
    return Settings(
        sources={
            "jenkins": JenkinsSettings(url=url, user="you", token=secret, timeout=timeout),
            "gitlab": gitlab,
            "prometheus": PrometheusSettings(url=url, timeout=timeout),
        }
    )


@contextmanager
def silent_server() -> Iterator[tuple[socket.socket, str]]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}"


class HangingLookUps:
    """Makes every name look-up of a Python process take ten minutes, by a module that Python imports at its start.

    Args:
        folder: where that module is put.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(_MODULE)
        self._log = folder / "look-ups"
        self._log.touch()
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
        self.environment: Mapping[str, str] = {"PYTHONPATH": path, "LOOK_UPS": str(self._log)}
        """What the process needs in its environment."""

    def begun(self) -> int:
        """How many there were."""
        return len(self._log.read_text().splitlines())


_MODULE = """
import os, socket, time

def getaddrinfo(host, *rest, **more):
    with open(os.environ["LOOK_UPS"], "a") as file:
        file.write(f"{host}\\n")
    time.sleep(600)

socket.getaddrinfo = getaddrinfo
"""
