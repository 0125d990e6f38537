"""The plain commands as scripts meet them: what they print, where, and how they end."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.command import Done, pipedeck
from tests.e2e.deck import Deck
from tests.e2e.settings import write_config
from tests.e2e.silence import HangingLookUps, settings_for
from tests.e2e.terminal import Terminal, environment, program
from tests.hostile.cases import CASES
from tests.hostile.server import hostile_server
from tui.config import Settings
from tui.presenters.documents import CheckDoc, RunDoc, StatusDoc
from tui.sandbox.process import Sandbox


def without_traceback(done: Done) -> bool:
    return "Traceback" not in done.stderr and "Exception" not in done.stderr


# Without a config, and without a terminal


@pytest.mark.parametrize("way", ["default", "variable"])
def test_without_a_config_it_says_in_five_lines_where_to_put_one(tmp_path: Path, way: str) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    wanted = tmp_path / "pipedeck" / "config.toml"
    if way == "variable":
        wanted = tmp_path / "mine.toml"
        home = {"PIPEDECK_CONFIG": str(wanted)}
    done = pipedeck(env=home)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 5
    assert str(wanted) in done.stderr
    assert "pipedeck demo" in done.stderr


def test_the_demo_without_a_terminal_prints_the_picture() -> None:
    done = pipedeck("demo")
    assert (done.returncode, done.stderr) == (0, "")
    heads = ["STATUS     ADDRESS", "jenkins:deploy-model#7", "STAGE", "Fraud detection", "latency p95 (ms)"]
    places = [done.stdout.index(head) for head in heads]
    assert places == sorted(places)
    assert re.search(r"^ +canary +[▁▂▃▄▅▆▇█]+ +\d+(\.\d+)? at \d\d:\d\d$", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout


def test_the_deck_without_a_terminal_prints_the_picture(config: Path) -> None:
    for env in ({}, {"TERM": "dumb"}):
        done = pipedeck("--config", config, env=env)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("STATUS")
        assert "Fraud detection" in done.stdout


# status


def test_status_lists_every_pipeline(config: Path) -> None:
    done = pipedeck("--config", config, "status")
    assert (done.returncode, done.stderr) == (0, "")
    titles, *rows = done.stdout.splitlines()
    assert titles.split() == ["STATUS", "ADDRESS", "REF", "NOW", "AGE", "TESTS", "CAUSE"]
    assert len(rows) == 17
    assert rows[0].startswith("waiting    jenkins:ml/vision/deploy#4 ")


def test_status_as_json_is_what_the_document_says(config: Path) -> None:
    done = pipedeck("--config", config, "status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = exactly(done.stdout, StatusDoc)
    assert document.schema == 1
    assert [source.name for source in document.sources] == ["jenkins", "gitlab"]
    pipelines = {pipeline.address: pipeline for source in document.sources for pipeline in source.pipelines}
    assert pipelines["jenkins:needs-gpu"].queued == 1
    run = pipelines["jenkins:failing-pipeline"].last_run
    assert run is not None
    assert (run.status, run.vendor_status, run.stages) == ("failed", "FAILURE", None)


@pytest.mark.parametrize(
    ("address", "code", "status"),
    [
        ("jenkins:failing-pipeline#5", 1, "failed"),
        ("jenkins:ml-service/feature%2Fnew-head", 0, "passed"),
        ("jenkins:deploy-model#7", 0, "waiting"),
        ("gitlab:ml/features/store", 1, "failed"),
        ("gitlab:ml/sandbox#1803", 0, "passed"),
    ],
)
def test_status_of_one_run_tells_its_fate(config: Path, address: str, code: int, status: str) -> None:
    done = pipedeck("--config", config, "status", address)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(address)
    assert re.search(rf"^{status}\b", done.stdout, re.MULTILINE)
    assert "STAGE" in done.stdout


def test_status_of_one_run_as_json_has_what_is_printed(config: Path) -> None:
    arguments = ("--config", config, "status", "jenkins:failing-pipeline")
    done = pipedeck(*arguments, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    run = exactly(done.stdout, RunDoc)
    assert (run.address, run.status) == ("jenkins:failing-pipeline#5", "failed")
    assert [stage.name for stage in run.stages or ()][:3] == ["Checkout", "Train", "Validate"]
    printed = pipedeck(*arguments).stdout
    assert all(re.search(rf"^{stage.name} +{stage.status}\b", printed, re.M) for stage in run.stages or ())


def test_status_prints_what_the_deck_lists(config: Path) -> None:
    said = []
    for row in table(pipedeck("--config", config, "status").stdout.splitlines()):
        name = row["ADDRESS"].partition(":")[2].replace("%2F", "/")
        said.append((name, row["REF"], f"{row['STATUS']} {row['NOW']}", row["TESTS"], row["CAUSE"]))
    with Deck(config, size=(300, 40)) as deck:
        deck.loaded()
        deck.send("+")
        deck.wait_for(lambda: len(deck.rows()) == len(said) and "Source" in deck.text)
        shown = []
        for row in table([deck.text.split("\n")[3], *deck.rows()]):
            # An address that waits, or never ran, is that of the pipeline.
            run = "" if row["Now"].startswith(("stuck", "never ran")) else row["Run"]
            shown.append((row["Pipeline"] + run, row["Ref"], row["Now"], row["Tests"], row["Cause"]))
    assert len(shown) == len(said) == 17
    for deck_row, status_row in zip(shown, said, strict=True):
        assert all(map(agree, deck_row, status_row)), f"{deck_row} is not {status_row}"


def table(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows below a line of titles, by title."""
    titles = {match[0]: match.start() for match in re.finditer(r"\w+", lines[0])}
    titles = {title: start - (title == "Age") for title, start in titles.items()}  # it ends with its column
    ends = [*list(titles.values())[1:], None]
    for line in lines[1:]:
        cells = (line[start:end].strip() for start, end in zip(titles.values(), ends, strict=True))
        yield dict(zip(titles, cells, strict=True))


def agree(one: str, other: str) -> bool:
    """They say the same, as far as neither is cut off; the clock goes on between two looks."""
    one, other = (re.sub(r"~?<?\d+[smhd]\b( over| left)?|\s+", "", text) for text in (one, other))
    shared = min((len(text) - 2 for text in (one, other) if text.endswith("…")), default=None)
    return one[:shared] == other[:shared]


# When something is wrong


def test_a_source_that_is_down_does_not_hide_the_other(sandbox: Sandbox, config: Path) -> None:
    sandbox.control.fault("jenkins", "down")
    done = pipedeck("--config", config, "status")
    assert done.returncode == 3
    assert "gitlab:ml/sandbox" in done.stdout
    assert "jenkins:" not in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("pipedeck: jenkins: unreachable: jenkins at 127.0.0.1:")

    as_json = pipedeck("--config", config, "status", "--json")
    assert as_json.returncode == 3
    jenkins, gitlab = exactly(as_json.stdout, StatusDoc).sources
    assert jenkins.fault is not None
    assert (jenkins.fault.trouble, jenkins.pipelines) == ("unreachable", ())
    assert (gitlab.fault, len(gitlab.pipelines)) == (None, 5)

    one = pipedeck("--config", config, "status", "jenkins:deploy-model#7")
    assert (one.returncode, one.stdout) == (3, "")
    assert "refuses connections" in one.stderr
    assert without_traceback(one)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "elsewhere:ml/fraud"), "elsewhere:ml/fraud: no source elsewhere that runs pipelines"),
        (("status", "prometheus:up"), "no source prometheus that runs pipelines; there is: jenkins, gitlab"),
        (("status", "ml/fraud"), "ml/fraud"),
        (("status", "jenkins:not-there"), "no run of it was found"),
        (("status", "jenkins:never-built"), "no run of it was found"),
        (("deploy",), "invalid choice: 'deploy'"),
        (("status", "--jsn"), "unrecognized arguments: --jsn"),
    ],
)
def test_what_it_cannot_understand_is_refused(config: Path, arguments: tuple[str, ...], words: str) -> None:
    done = pipedeck("--config", config, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert without_traceback(done)


@pytest.mark.parametrize("command", ["", "status", "check"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sources = [", "is not valid TOML"),
        ("", "sources: there is none; add one as [sources.NAME]"),
        ('[sources.ci]\ntype = "jenkin"\nurl = "https://x"', "sources.ci.type: unknown type 'jenkin'"),
        ('[sources.ci]\ntype = "jenkins"\nurl = "https://x"\nwach = []', "sources.ci.wach: unknown key (did"),
        ('[sources.ci]\ntype = "jenkins"\nurl = "ci.example.com"', "sources.ci.url: must be an address such"),
        (None, "cannot be read: No such file or directory"),
    ],
    ids=["toml", "empty", "type", "key", "url", "no file"],
)
def test_a_mistake_in_the_config_is_named(tmp_path: Path, command: str, text: str | None, words: str) -> None:
    config = tmp_path / "config.toml"
    if text is not None:
        config.write_text(text)
    done = pipedeck("--config", config, *filter(None, [command]))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert re.match(rf"pipedeck: {config}(:\d+)?: ", done.stderr)
    assert words in done.stderr


def test_a_literal_token_that_others_may_read_is_warned_of(config: Path) -> None:
    config.chmod(0o644)
    done = pipedeck("--config", config)
    assert done.returncode == 0
    assert (
        f"others on this machine may read sources.jenkins.token, sources.gitlab.token; run chmod 600 {config}"
        in (done.stderr)
    )
    assert "sandbox-token" not in done.stdout + done.stderr


def test_it_ends_though_the_name_look_up_hangs(tmp_path: Path) -> None:
    config = write_config(settings_for("http://ci.example.com", timeout=1), tmp_path / "config.toml")
    look_ups = HangingLookUps(tmp_path)
    done = pipedeck("--config", config, "status", env=look_ups.environment)
    assert look_ups.begun() >= 2
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 2)
    assert "pipedeck: jenkins: timed out: " in done.stderr
    assert "pipedeck: gitlab: timed out: " in done.stderr


def test_ctrl_c_ends_a_command_that_waits(sandbox: Sandbox, config: Path) -> None:
    asked = sandbox.control.requests("jenkins")
    sandbox.control.fault("jenkins", "hang")
    with Terminal([program(), "--config", config, "status"]) as terminal:
        terminal.wait_for(lambda: sandbox.control.requests("jenkins") > asked)
        code, seconds = terminal.wait_exit(terminal.send("\x03"))
        assert code == 130
        assert seconds < 60, "it waited for the server, which it does for 120"
        assert terminal.text.strip() == "^C"


# check


def test_check_finds_nothing_wrong(config: Path) -> None:
    done = pipedeck("--config", config, "check")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("jenkins", "gitlab", "prometheus"):
        assert f"[{name}] http://127.0.0.1:" in done.stdout
    assert "ERROR" not in done.stdout
    assert "metric p95 of fraud: 2 series (baseline, canary); newest sample" in done.stdout
    as_json = pipedeck("--config", config, "check", "--json")
    assert (as_json.returncode, as_json.stderr) == (0, "")
    findings = exactly(as_json.stdout, CheckDoc).findings
    assert set(findings) == {"jenkins", "gitlab", "prometheus"}
    assert all(finding.level != "error" for found in findings.values() for finding in found)


@pytest.mark.parametrize(
    ("face", "kind"),
    [("jenkins", "401"), ("gitlab", "401"), ("jenkins", "down"), ("prometheus", "down"), ("gitlab", "html")],
)
def test_check_says_what_to_do_about_a_fault(sandbox: Sandbox, config: Path, face: Any, kind: Any) -> None:
    sandbox.control.fault(face, kind)
    done = pipedeck("--config", config, "check", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    findings = exactly(done.stdout, CheckDoc).findings
    errors = {name: [one for one in found if one.level == "error"] for name, found in findings.items()}
    assert [name for name, found in errors.items() if found] == [face]
    assert errors[face][0].advice


def test_check_never_ends_in_a_traceback(tmp_path: Path) -> None:
    """Every kind of source at once, all behind a server that answers numbers of 4 000 digits."""
    kinds = ("jenkins", "gitlab", "prometheus", "alertmanager", "exposition", "json", "mlflow")
    number = next(at for at, case in enumerate(CASES) if case.name == "a whole number of 4 000 digits")
    with hostile_server() as url:
        tables = [f'[sources.{kind}]\ntype = "{kind}"\nurl = "{url}/{number}"\n' for kind in kinds]
        tables[1] += 'watch = ["ml/fraud"]\n'
        metrics = {"prometheus": "up", "exposition": "up", "json": "/number", "mlflow": "runs:/abc/auc"}
        for kind, query in metrics.items():
            tables.append(f'[metrics.{kind}]\nsource = "{kind}"\nquery = "{query}"\n')
        tables.append(f"[models.fraud]\nmetrics = {json.dumps(list(metrics))}\n")
        config = tmp_path / "config.toml"
        config.write_text("".join(tables))
        done = pipedeck("--config", config, "check")
    assert (done.returncode, done.stderr) == (1, "")
    assert all(f"[{kind}] " in done.stdout for kind in kinds)
    assert "unexpected" not in done.stdout


def test_check_prints_each_error_with_its_advice(sandbox: Sandbox, config: Path) -> None:
    sandbox.control.fault("gitlab", "401")
    done = pipedeck("--config", config, "check")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    [number] = [i for i, line in enumerate(lines) if line.startswith("  ERROR ")]
    assert "gitlab answered 401 to" in lines[number]
    assert re.match(r" {11}\S", lines[number + 1]), "what to do stands below"


def test_check_tells_of_a_credential_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    config = write_config(settings, tmp_path / "config.toml")
    config.write_text(config.read_text().replace('"sandbox-token"', '"env:PIPEDECK_TEST_TOKEN"'))
    assert "PIPEDECK_TEST_TOKEN" not in os.environ
    done = pipedeck("--config", config, "check")
    assert done.returncode == 1
    assert "the environment variable PIPEDECK_TEST_TOKEN is not set" in done.stdout
    status = pipedeck("--config", config, "status")
    assert status.returncode == 3
    assert "the environment variable PIPEDECK_TEST_TOKEN is not set" in status.stderr
    working = pipedeck("--config", config, "status", env={"PIPEDECK_TEST_TOKEN": "sandbox-token"})
    assert (working.returncode, working.stderr) == (0, "")


# Pipes


@pytest.mark.parametrize("arguments", [("status",), ("status", "--json"), ("check",), ()])
def test_a_closed_pipe_is_silent(config: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [program(), "--config", config, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=environment({}),
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_may_stop_after_one_line(config: Path) -> None:
    command = f"{program()} --config {config} status | head -1"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=60, env=environment({})
    )
    assert done.stdout.startswith("STATUS")
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def exactly(text: str, kind: type[msgspec.Struct]) -> Any:
    """``text`` as ``kind``, which holds every key that is in it."""
    value = msgspec.json.decode(text, type=kind)
    assert msgspec.json.decode(text) == msgspec.json.decode(msgspec.json.encode(value))
    return value
