"""``pipedeck alarms`` as scripts run it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.command import pipedeck
from tests.e2e.settings import write_config
from tui.commands.alarms import AlarmsDoc
from tui.sandbox.process import Sandbox

FAILING = '[alarms.failing]\nruns = { pipelines = ["jenkins:failing-*"], consecutive = 2 }\n'


def config(path: Path, alarms: str, sandbox: Sandbox) -> Path:
    written = write_config(sandbox.settings(), path / "config.toml")
    with written.open("a") as file:
        file.write(alarms)
    return written


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


def test_one_that_fires_is_exit_code_1(sandbox: Sandbox, tmp_path: Path) -> None:
    path = config(tmp_path, FAILING, sandbox)
    done = pipedeck("--config", path, "alarms")
    assert (done.returncode, done.stderr) == (1, "")
    head, row = done.stdout.splitlines()
    assert head.split() == ["STATE", "ALARM", "OF", "SEVERITY", "SINCE", "WHAT"]
    assert row.split()[:4] == ["firing", "failing", "jenkins:failing-pipeline", "warning"]
    done = pipedeck("--config", path, "alarms", "--json")
    document = msgspec.json.decode(done.stdout, type=AlarmsDoc)
    assert [(each.name, each.state) for each in document.alarms] == [("failing", "firing")]
    assert document.unread == ()


def test_none_is_exit_code_0_and_an_unread_source_3(sandbox: Sandbox, tmp_path: Path) -> None:
    path = config(tmp_path, FAILING.replace("failing-*", "old-*"), sandbox)
    done = pipedeck("--config", path, "alarms")
    assert (done.returncode, done.stdout) == (0, "Nothing fires.\n")
    path.write_text(path.read_text().replace(sandbox.urls["jenkins"], "http://127.0.0.1:9"))
    done = pipedeck("--config", path, "alarms")
    assert done.returncode == 3
    assert "jenkins" in done.stdout
