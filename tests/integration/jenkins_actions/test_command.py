"""``pipedeck promote`` and ``rollback`` from the request to its outcome, against the sandbox's Jenkins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_action_commands import START, Fast, Terminal
from tests.sandbox.serving import serving
from tui.sandbox.faults import Faults
from tui.sandbox.faults import Kind as Fault
from tui.sandbox.jenkins import Options, jenkins_app
from tui.sandbox.plan import Form
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
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)
    monkeypatch.setattr("tui.engine.actions.executor.WAITS", (0.02,))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    faults = Faults()
    world = World(named("demo"), Fast(START))
    with serving(jenkins_app(world, faults, options)) as url:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(url=url), encoding="utf-8")
        file.chmod(0o600)
        terminal = Terminal(file, faults, capsys)
        yield terminal
        faults.set(None)
        assert terminal.all_journalled()


@pytest.fixture
def options() -> Options:
    return Options(user="you", token="jt-secret")


def test_canary_is_promoted(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, errors = terminal("promote", "churn", *SURE)
    assert (code, errors) == (2, "pipedeck: PIN is a secret and missing: --set PIN=env:VARIABLE\n")
    code, out, _ = terminal("promote", "churn", "--dry-run")
    assert (code, "  it asks for PIN: secret; required" in out, terminal.writes) == (0, True, [])
    monkeypatch.setenv("THE_PIN", "hush-1")
    code, done = terminal.document("promote", "churn", "--set", "PIN=env:THE_PIN", *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert [line.split()[1].rpartition("/")[2] for line in terminal.writes] == ["proceed"]
    assert "hush-1" not in str(done)


def test_gates_tell_what_is_asked_whom_and_whether_it_promotes(terminal: Terminal, options: Options) -> None:
    code, found = terminal.document("gates")
    assert code == 0
    gates = {gate["address"].partition("#")[0]: gate for gate in found["gates"]}
    gate = gates["jenkins:deploy-model"]
    assert (gate["submitter"], gate["promotes"]) == ("", True)
    assert [
        (field["name"], field["kind"], field["default"], field["choices"]) for field in gate["fields"]
    ] == [
        ("STRATEGY", "choice", "rolling", ["rolling", "blue-green"]),
        ("NOTE", "text", "", []),
        ("NOTIFY", "boolean", "true", []),
        ("PIN", "secret", None, []),
    ]
    assert [field["required"] for field in gate["fields"]] == [False, False, False, True]
    other = gates["jenkins:ml/vision/deploy"]
    assert (other["fields"], other["promotes"]) == ([], False), "no rule covers it"
    options.forms = {"Promote": Form(submitter="alice,mlops")}
    _, found = terminal.document("gates")
    assert {gate["submitter"] for gate in found["gates"]} == {"alice,mlops"}


def test_rollback_is_a_start(terminal: Terminal) -> None:
    place = "jenkins:deploy-model@production"
    code, out, errors = terminal("rollback", place, "--dry-run")
    assert code == 0, out + errors
    assert "buildWithParameters?delay=0sec" in out
    assert terminal.writes == []
    code, done = terminal.document("rollback", place, *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert len(terminal.writes) == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("\nrollback = ", "\n# rollback = ", "no rollback job is configured for it"),
        (
            'rollback = { job = "deploy-model"',
            'rollback = { job = "gone"',
            "its rollback job gone is not among the watched jobs",
        ),
    ],
)
def test_why_there_is_no_way_back_is_what_is_wrong(terminal: Terminal, old: str, new: str, why: str) -> None:
    written = terminal.file.read_text()
    assert old in written
    terminal.file.write_text(written.replace(old, new))
    code, out, errors = terminal("rollback", "churn", *SURE)
    assert (code, why in out + errors) == (4, True), out + errors
    assert "there is no earlier version" not in out + errors
    assert terminal.writes == []


def test_password_in_place_of_a_token_acts_at_the_first_try(terminal: Terminal, options: Options) -> None:
    options.token, options.password = "another", "jt-secret"
    code, done = terminal.document("rollback", "churn", *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert len(terminal.writes) == 1


def test_rollback_of_a_waiting_canary_rejects_its_gate_first_where_that_is_wished(terminal: Terminal) -> None:
    place = "jenkins:deploy-model@production"
    _, plans = terminal.document("rollback", place, "--dry-run")
    (plan,) = plans["actions"]
    assert len(plan["steps"]) == 1
    assert any("goes on waiting at its gate" in each for each in plan["warnings"])
    assert any("the job runs one build at a time" in each for each in plan["warnings"]) is False
    code, done = terminal.document("rollback", place, "--set", "reject_waiting=true", *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert [line.split()[1].partition("?")[0].rpartition("/")[2] for line in terminal.writes] == [
        "abort",
        "buildWithParameters",
    ]
    (record,) = terminal.document("journal")[1]["actions"]
    assert len(record["requests"]) == 2


def test_each_command_knows_what_the_one_before_sent(
    terminal: Terminal, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.engine.actions.executor.PATIENCE", 0.01)
    options.resists = frozenset({"stop", "term"})
    run = terminal.document("gates")[1]["gates"][0]["address"].partition("!")[0]

    def cancel(level: str) -> tuple[int, str]:
        code, _, errors = terminal("cancel", run, "--level", level, "--yes")
        return code, errors

    code, errors = cancel("kill")
    assert (code, "term comes first" in errors) == (4, True)
    for level, later in (("stop", "term"), ("term", "kill")):
        assert cancel(level)[0] == 5  # it resists, and what becomes of it is not known
        monkeypatch.setattr("tui.sources.jenkins.actions.cancel.GRACE", 60.0)
        code, errors = cancel(later)
        assert (code, f"{level} was sent just now" in errors) == (4, True)
        monkeypatch.setattr("tui.sources.jenkins.actions.cancel.GRACE", 0.0)
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


def test_model_has_one_way_back(terminal: Terminal) -> None:
    code, out, _ = terminal("rollback", "churn", "--dry-run")
    assert (code, "back into jenkins:deploy-model@production" in out) == (0, True)
    code, _, errors = terminal("rollback", "churn", "--version", "0.0", "--yes")
    assert (code, "there is no 0.0 to go back to" in errors) == (4, True)
    code, done = terminal.document("rollback", "churn", *SURE)
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert [line.split()[1].rpartition("/")[2].partition("?")[0] for line in terminal.writes] == [
        "buildWithParameters"
    ]


def test_several_are_planned_by_themselves_and_end_by_themselves(
    terminal: Terminal, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = terminal.document("gates")[1]["gates"][0]["address"]
    gone = gate.replace("#", "#99").partition("!")[0]
    monkeypatch.setenv("THE_PIN", "hush-1")
    pin = ("--set", "PIN=env:THE_PIN")
    code, done = terminal.document("approve", gate, "jenkins:ml/vision/train-resnet#1", gone, *pin, *SURE)
    assert [each["state"] for each in done["actions"]] == ["done", "refused", "unread"], done
    assert code == 3
    assert len(terminal.writes) == 1
    options.denied = frozenset({"Build"})
    jobs = ("jenkins:ml/vision/train-resnet", "jenkins:ml/vision/quantize")
    code, done = terminal.document("trigger", *jobs, "--yes")
    assert (code, [each["state"] for each in done["actions"]]) == (4, ["refused", "refused"]), done
    assert len(terminal.writes) == 3


@pytest.mark.parametrize(("fault", "code"), [("unheard", 5), ("unanswered", 0), ("cut", 0), ("500", 5)])
def test_several_over_a_line_that_is_cut(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, fault: Fault, code: int
) -> None:
    if code:  # nothing will ever be seen of it
        monkeypatch.setattr("tui.engine.actions.executor.PATIENCE", 1.0)
    jobs = ("jenkins:ml/vision/train-resnet", "jenkins:never-built", "jenkins:failing-pipeline")
    terminal.fault(fault, "/build")
    found, done = terminal.document("trigger", *jobs, "--yes")
    states = {each["state"] for each in done["actions"]}
    assert len(terminal.writes) == len(jobs)
    if code:
        assert (found, states) == (code, {"unknown"}), done
    else:  # two of them fail by themselves
        assert (found, states) == (1, {"done", "failed"}), done
    assert len(terminal.writes) == len(jobs)


def test_check_compares_the_names_of_parameters_with_those_of_the_jobs(terminal: Terminal) -> None:
    with terminal.file.open("a") as file:
        file.write(
            'retrain = { pipeline = "jenkins:deploy-model", parameters = { TARGTE = "x", TARGET = "y" } }\n'
        )
        file.write('[models.gone]\nretrain = { pipeline = "jenkins:nowhere" }\n')
    code, found = terminal.document("check")
    starts = {
        each["subject"]: (each["level"], each["message"])
        for each in found["findings"]["jenkins"]
        if each["subject"].partition(".")[0] in ("sources", "models")
    }
    assert code == 1
    assert starts.pop("sources.jenkins.deployments[0].rollback") == (
        "ok",
        "jenkins:deploy-model declares TARGET, MODEL_VERSION",
    )
    level, words = starts.pop("models.churn.retrain")
    assert (level, words.partition(":")[2].partition(":")[0]) == (
        "error",
        "deploy-model has no parameter TARGTE",
    )
    assert "it declares MODEL_VERSION, TARGET" in words
    assert starts.pop("models.gone.retrain")[0] == "error"
    assert (starts, terminal.writes) == ({}, [])
