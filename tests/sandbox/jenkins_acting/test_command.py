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
    tmp_path: Path, options: Options, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    monkeypatch.setattr("tui.sources.wire.RATE", 1000.0)
    monkeypatch.setattr("tui.engine.carrying.WAITS", (0.02,))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    faults = Faults()
    world = World(named("demo"), Fast(START))
    with serving(jenkins_app(world, faults, options)) as url:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(url=url), encoding="utf-8")
        file.chmod(0o600)
        yield Terminal(file, faults, capsys)


@pytest.fixture
def options() -> Options:
    return Options(user="you", token="jt-secret")


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


def test_each_command_knows_what_the_one_before_sent(
    terminal: Terminal, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.engine.carrying.PATIENCE", 0.01)
    options.resists = frozenset({"stop", "term"})
    run = terminal.document("gates")[1]["gates"][0]["address"].partition("!")[0]

    def cancel(level: str) -> tuple[int, str]:
        code, _, errors = terminal("cancel", run, "--level", level, "--yes")
        return code, errors

    code, errors = cancel("kill")
    assert (code, "term comes first" in errors) == (4, True)
    for level, later in (("stop", "term"), ("term", "kill")):
        assert cancel(level)[0] == 5  # it resists, and what becomes of it is not known
        monkeypatch.setattr("tui.sources.jenkins.stopping.GRACE", 60.0)
        code, errors = cancel(later)
        assert (code, f"{level} was sent just now" in errors) == (4, True)
        monkeypatch.setattr("tui.sources.jenkins.stopping.GRACE", 0.0)
    assert cancel("kill")[0] == 0
    assert [line.rpartition("/")[2] for line in terminal.writes] == ["stop", "term", "kill"]


def test_what_is_started_is_asked_for_where_it_goes(terminal: Terminal) -> None:
    code, out, errors = terminal("trigger", "jenkins:deploy-model", "--set", "TARGET=production", "--yes")
    assert (code, "environment: production" in out) == (4, True)
    assert "--confirm production" in errors
    file = terminal.file
    file.write_text(f'{file.read_text()}[safety]\nread_only_environments = ["production"]\n')
    for run in ("jenkins:deploy-model", "jenkins:deploy-model#1"):
        kind = "retry" if "#" in run else "trigger"
        target = () if "#" in run else ("--set", "TARGET=production")
        code, _, errors = terminal(kind, run, *target, *SURE)
        assert (code, "read_only_environments" in errors) == (4, True)
    code, out, _ = terminal("trigger", "jenkins:ml/vision/train-resnet", "--dry-run")
    assert "environment: none that the config knows of: [safety] cannot tell" in out
    assert terminal.writes == []
