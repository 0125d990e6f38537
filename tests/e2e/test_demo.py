"""The demo for commands: a sandbox of its own, or that of a deck in another terminal."""

import tomllib
from pathlib import Path

from tests.e2e.command import pipedeck
from tests.e2e.terminal import Terminal, program


def test_a_command_has_a_sandbox_of_its_own_with_the_looks_of_a_config(tmp_path: Path) -> None:
    mine = tmp_path / "config.toml"
    mine.write_text(
        '[sources.x]\ntype = "jenkins"\nurl = "https://x"\n[ui]\ntheme = "nord"\n', encoding="utf-8"
    )
    done = pipedeck("--config", mine, "demo", "config", "show")
    assert (done.returncode, done.stderr) == (0, "")
    shown = tomllib.loads(done.stdout)
    assert shown["ui"]["theme"] == "nord"
    assert set(shown["sources"]) == {"jenkins", "gitlab", "spinnaker", "prometheus", "alertmanager", "mlflow"}
    assert "sandbox-token" not in done.stdout


def test_the_demo_in_another_terminal_is_used_while_it_runs(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    before = pipedeck("--demo", "status", env=state)
    assert (before.returncode, before.stdout) == (2, "")
    assert before.stderr == "pipedeck: no demo runs; start one in another terminal: pipedeck demo\n"
    with Terminal([program(), "demo"], env=state) as terminal:
        terminal.wait_for("failing-pipeline")
        canceled = pipedeck(
            "--demo", "reject", "jenkins:ml/vision/deploy#4", "--yes", "--confirm", "production", env=state
        )
        assert canceled.returncode == 0, canceled.stderr
        gates = pipedeck("gates", "--demo", env=state)
        assert "jenkins:ml/vision/deploy#4" not in gates.stdout
        assert "jenkins:deploy-model#7" in gates.stdout
        assert (tmp_path / "pipedeck" / "demo.json").stat().st_mode & 0o777 == 0o600
        terminal.send("q")
        assert terminal.wait_exit()[0] == 0
    assert pipedeck("--demo", "status", env=state).returncode == 2


def test_the_world_of_the_demo_has_something_to_promote_to_take_back_and_to_train_anew() -> None:
    """What the README tells can be done from its first minute."""
    good, bad = pipedeck("demo", "verdict", "churn"), pipedeck("demo", "verdict", "fraud")
    assert (good.returncode, bad.returncode) == (0, 10), good.stdout + bad.stdout
    for command, words in (
        ("promote churn", "Promote"),
        ("rollback fraud", "canary: 76d0b686 goes; 6499beb3 was there before it"),
        ("trigger vision", "jenkins:ml/vision/train-resnet"),
    ):
        plan = pipedeck("demo", *command.split(), "--dry-run")
        assert (plan.returncode, plan.stderr) == (0, "")
        assert words in plan.stdout
