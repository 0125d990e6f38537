"""``pipedeck environments`` and the rules in ``pipedeck check``, against the sandbox's world of deployments."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.serving import serving
from tui.cli import main
from tui.sandbox.deployments import deployments
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import gitlab_app
from tui.sandbox.jenkins import jenkins_app
from tui.sandbox.world import Clock, World

START = 1_790_000_000.0
CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "{jenkins}/jenkins"
[[sources.jenkins.deployments]]
job = "deploy-*"
environment = {{ parameter = "TARGET" }}
version = {{ parameter = "MODEL_VERSION" }}
app = "churn"
canary = {{ input = "Promote" }}
[[sources.jenkins.deployments]]
job = "nothing/*"
environment = "x"
version = {{ revision = 8 }}
[sources.gitlab]
type = "gitlab"
url = "{gitlab}/gitlab"
watch = ["ml/pricing", "ml/archive"]
[models.churn]
title = "Churn"
pipelines = ["jenkins:deploy-churn"]
[models.pricing]
pipelines = ["gitlab:ml/pricing"]
blue_green = ["production/blue", "production/green"]
"""

Print = tuple[int, str, str]


class Terminal:
    """Runs commands on a configuration."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Print:
        """Exit code, what was printed, what was complained of."""
        code = main(["--config", str(self.config), *arguments])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def document(self, *arguments: str) -> Any:
        code, out, _ = self(*arguments, "--json")
        return code, json.loads(out)


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    world = World(deployments(), Clock(START, manual=True))
    with (
        serving(jenkins_app(world, Faults())) as jenkins,
        serving(gitlab_app(world, Faults())) as gitlab,
    ):
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(jenkins=jenkins, gitlab=gitlab), encoding="utf-8")
        yield Terminal(file, capsys)


def test_all_are_listed_by_model_and_what_is_missing_is_said(terminal: Terminal) -> None:
    code, out, errors = terminal("environments")
    assert code == 0
    blocks = [block.splitlines() for block in out.strip().split("\n\n")]
    assert [block[0] for block in blocks] == ["Churn", "pricing", "gitlab:ml/archive"]
    churn = [line.split() for line in blocks[0][2:]]
    assert churn[0][:2] == ["jenkins:churn@production", "2026.11.8"]
    assert "canary" in blocks[0][3]
    assert "waiting: Promote 2026.11.9 to production?" in blocks[0][3]
    assert "has the traffic: it was deployed to last" in blocks[1][2]
    assert blocks[1][3].endswith("idle")
    assert errors == "pipedeck: gitlab:ml/archive: 1 stopped in folders: review/pilot\n"


def test_as_a_document(terminal: Terminal) -> None:
    code, document = terminal.document("environments")
    assert (code, document["schema"], document["faults"]) == (0, 1, {})
    found = {each["address"]: each for each in document["environments"]}
    churn = found["jenkins:churn@production"]
    assert (churn["model"], churn["tier"], churn["live"]) == ("churn", "production", None)
    assert (churn["stable"]["version"], churn["canary"]["version"]) == ("2026.11.8", "2026.11.9")
    assert churn["canary"]["run"] == "jenkins:deploy-churn#9"
    assert churn["previous"]["version"] == "2026.11.7"
    assert [found[f"gitlab:ml/pricing@production/{colour}"]["live"] for colour in ("blue", "green")] == [
        True,
        False,
    ]
    assert found["gitlab:ml/archive@pilot"]["stopped"]
    assert document["notes"] == ["gitlab:ml/archive: 1 stopped in folders: review/pilot"]


def test_the_past_of_one_environment(terminal: Terminal) -> None:
    code, out, _ = terminal("environments", "gitlab:ml/archive@production")
    assert code == 0
    lines = out.splitlines()
    assert lines[2].endswith("can go back to it")
    assert lines[4].endswith("its job is archived: GitLab no longer runs it")
    code, document = terminal.document("environments", "gitlab:ml/archive@production")
    (only,) = document["environments"]
    assert [each["rollback"]["possible"] for each in only["deployments"]] == [False, True, True, False, False]
    assert only["deployments"][1]["rollback"]["target"] == only["deployments"][1]["run"]


def test_one_pipeline_and_one_that_is_none(terminal: Terminal) -> None:
    code, out, _ = terminal("environments", "gitlab:ml/pricing")
    assert (code, out.splitlines()[0]) == (0, "pricing")
    code, out, errors = terminal("environments", "jenkins:train")
    assert (code, out) == (0, "no environment was found\n")
    assert "no rule of [[sources.jenkins.deployments]] covers this job" in errors
    code, _, errors = terminal("environments", "gitlab:ml/nowhere")
    assert code == 2
    assert "gitlab:ml/nowhere is not among the watched pipelines" in errors
    code, _, errors = terminal("environments", "gitlab:ml/pricing@nowhere")
    assert code == 2
    assert "ml/pricing has no environment nowhere" in errors


def test_a_server_that_is_gone_is_a_fault_beside_what_was_found(terminal: Terminal) -> None:
    text = terminal.config.read_text(encoding="utf-8")
    start = text.index('url = "', text.index("[sources.gitlab]"))
    end = text.index("\n", start)
    terminal.config.write_text(f'{text[:start]}url = "http://127.0.0.1:1"{text[end:]}', encoding="utf-8")
    code, document = terminal.document("environments")
    assert code == 3
    assert [each["address"] for each in document["environments"]] == ["jenkins:churn@production"]
    assert document["faults"]["gitlab"]["trouble"] == "unreachable"


def test_a_check_tells_what_each_rule_matched(terminal: Terminal) -> None:
    code, out, _ = terminal("check")
    assert code == 0
    assert (
        "deploy-* covers 1 job; this rule matched 5 runs: "
        "jenkins:deploy-churn#9 is churn 2026.11.9 in production, "
        "jenkins:deploy-churn#8 is churn 2026.11.8 in production, "
        "jenkins:deploy-churn#7 is churn 2026.11.7 in production, …"
    ) in out
    assert "deployments[1]: no watched job matches nothing/*" in out
