"""``pipedeck promote`` and ``rollback`` from the wish to its outcome, against the sandbox's Jenkins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.serving import serving
from tests.sandbox.test_acting_command import START, Fast, Terminal
from tui.sandbox.faults import Faults
from tui.sandbox.jenkins import Options, jenkins_app
from tui.sandbox.scenario import named
from tui.sandbox.world import World

CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "{url}/jenkins"
user = "you"
token = "jt-secret"
[[sources.jenkins.deployments]]
job = "deploy-*"
environment = {{ parameter = "TARGET" }}
version = {{ parameter = "MODEL_VERSION" }}
unstable = true
canary = {{ input = "(?i)promote" }}
rollback = {{ job = "deploy-model", parameters = {{ TARGET = "{{environment}}", MODEL_VERSION = "{{version}}" }} }}
[models.churn]
pipelines = ["jenkins:deploy-model"]
environment = "production"
"""
SURE = ("--yes", "--confirm", "production")


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    monkeypatch.setattr("tui.sources.wire.RATE", 1000.0)
    monkeypatch.setattr("tui.engine.carrying.WAITS", (0.02,))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    faults = Faults()
    world = World(named("demo"), Fast(START))
    with serving(jenkins_app(world, faults, Options(user="you", token="jt-secret"))) as url:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(url=url), encoding="utf-8")
        file.chmod(0o600)
        yield Terminal(file, faults, capsys)


def test_canary_is_promoted(terminal: Terminal) -> None:
    code, done = terminal.document("promote", "churn", *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert [line.split()[1].rpartition("/")[2] for line in terminal.writes] == ["proceedEmpty"]


def test_rollback_is_a_start(terminal: Terminal) -> None:
    place = "jenkins:deploy-model@production"
    code, out, errors = terminal("rollback", place, "--dry-run")
    assert code == 0, out + errors
    assert "buildWithParameters?delay=0sec" in out
    assert terminal.writes == []
    code, done = terminal.document("rollback", place, *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert len(terminal.writes) == 1
