"""A candidate in a registry, as the commands tell it."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.metrics.test_mlflow_alias import Registry
from tests.e2e.command import Done, pipedeck
from tests.http_stub import Reply, Request, Route, Stub, http_stub
from tui.presenters.documents import CandidateDoc, ComparisonDoc, VerdictDoc

API = "GET /api/2.0/mlflow"
AUC = {"1": 0.93, "2": 0.90}


def answers(champion: str = "1", challenger: str = "2") -> dict[str, Route]:
    def version(asked: Request) -> Reply:
        number = asked.query["version"][0]
        return Reply.json({"model_version": {"version": number, "run_id": f"r{number}"}})

    def run(asked: Request) -> Reply:
        metrics = [{"key": "auc", "value": AUC[asked.query["run_id"][0][1:]], "timestamp": 0, "step": 0}]
        return Reply.json({"run": {"data": {"metrics": metrics}}})

    aliases = [{"alias": "champion", "version": champion}, {"alias": "challenger", "version": challenger}]
    return {
        f"{API}/registered-models/search": Reply.json({}),
        f"{API}/registered-models/get": Reply.json({"registered_model": {"aliases": aliases}}),
        f"{API}/model-versions/get": version,
        f"{API}/runs/get": run,
    }


@pytest.fixture
def stub() -> Iterator[Stub]:
    with http_stub(answers()) as stub:
        yield stub


@pytest.fixture
def config(stub: Stub, tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        f"[sources.ml]\ntype = 'mlflow'\nurl = '{stub.url}'\n[models.fraud]\ntitle = 'Fraud'\n"
        "registry = { source = 'ml', model = 'fraud', metrics = { auc = { better = 'higher', max_worse = 0.01 } } }\n"
    )
    return path


def run(config: Path, *arguments: str) -> Done:
    done = pipedeck("--config", config, *arguments)
    assert "Traceback" not in done.stderr
    return done


def test_a_worse_candidate_ends_with_10(config: Path) -> None:
    done = run(config, "verdict", "fraud")
    assert (done.returncode, done.stderr) == (10, "")
    head, titles, row = done.stdout.splitlines()
    assert head == "Fraud: challenger 2 against champion 1, validated"
    assert titles.split() == ["METRIC", "VERDICT", "CHAMPION", "CANDIDATE", "DIFFERENCE", "LIMIT", "REASON"]
    assert row.split()[:5] == ["auc", "WORSE", "0.93", "0.9", "-0.03"]
    assert row.endswith("worse than version 1 by 0.03, 0.01 is allowed")


def test_the_document_has_it_apart(config: Path) -> None:
    done = run(config, "verdict", "fraud", "--json")
    document = msgspec.json.decode(done.stdout, type=VerdictDoc)
    assert set(json.loads(done.stdout)["candidate"]) == {f.name for f in msgspec.structs.fields(CandidateDoc)}
    assert (document.decision, document.score) == (None, None)
    assert document.candidate is not None
    assert (document.candidate.champion, document.candidate.candidate) == ("1", "2")
    assert document.candidate.outcome == "WORSE"


def test_a_good_one_ends_with_0_and_none_with_11(config: Path, stub: Stub) -> None:
    stub.routes.update(answers("2", "1"))
    assert run(config, "verdict", "fraud").returncode == 0
    stub.routes.update(answers("1", "1"))
    done = run(config, "verdict", "fraud")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        11,
        "champion and challenger are the same version, 1",
    )


def test_a_registry_that_does_not_answer_ends_with_3(config: Path, stub: Stub) -> None:
    stub.routes[f"{API}/registered-models/get"] = Reply.text("busy", 503)
    assert run(config, "verdict", "fraud").returncode == 3


def test_what_changed_is_printed_and_a_worse_metric_ends_with_10(config: Path, stub: Stub) -> None:
    stub.routes["GET /model-versions/get-artifact"] = Reply.json({}, 404)
    done = run(config, "compare", "fraud")
    assert (done.returncode, done.stderr) == (10, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "Fraud: version 2 (by the alias challenger) against version 1 (by the alias champion)",
        "1 worse, 2 differ, 7 not known",
    ]
    assert lines[3].split() == ["GROUP", "WHAT", "VERSION", "1", "VERSION", "2", "CHANGE"]
    assert lines[4].split()[:5] == ["✗", "metrics", "auc", "0.93", "0.9"]
    assert "not known, which is not the same:" in lines
    document = json.loads(run(config, "compare", "fraud", "1", "@challenger", "--json").stdout)
    assert msgspec.convert(document, ComparisonDoc).differences[0].outcome == "WORSE"
    assert (document["deployed"], document["candidate"], document["basis"]) == ("1", "2", ["as named"] * 2)
    assert run(config, "compare", "fraud", "1").returncode == 2


def test_a_check_reads_it(config: Path) -> None:
    done = run(config, "check")
    assert done.returncode == 0
    assert "ok       registry of fraud: challenger 2 against champion 1, validated" in done.stdout


@pytest.fixture
def registry(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """One that can be written to, and a journal of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    registry = Registry()
    stub.routes.update(registry.routes)
    return registry


def test_the_candidate_is_made_champion_and_the_one_before_comes_back(
    config: Path, registry: Registry
) -> None:
    done = run(config, "set-champion", "fraud", "--dry-run")
    assert done.returncode == 0
    assert "Make version 2 of fraud the champion on ml" in done.stdout
    assert "BETTER" in done.stdout or "OK: " in done.stdout
    assert registry.aliases["champion"] == "1"
    done = run(config, "set-champion", "fraud", "--yes", "--reason", "better")
    assert (done.returncode, registry.aliases["champion"]) == (0, "2")
    assert "version 2 is the champion; version 1 was before it" in done.stdout
    done = run(config, "set-champion", "fraud", "--version", "1", "--yes")
    assert (done.returncode, registry.aliases["champion"]) == (0, "1")
    (forth, back) = json.loads(run(config, "journal", "--json").stdout)["actions"][::-1]
    assert (forth["kind"], forth["address"], forth["reason"]) == ("set champion", "ml:fraud", "better")
    assert [path.rpartition("/")[2] for _, path in back["requests"]] == ["set-tag", "alias"]


def test_one_that_validates_worse_takes_a_second_yes(config: Path, registry: Registry) -> None:
    registry.aliases = {"champion": "3", "challenger": "1"}
    done = run(config, "set-champion", "fraud", "--yes")
    assert done.returncode == 4
    assert "its validation is WORSE" in done.stderr
    assert registry.aliases["champion"] == "3"
    done = run(config, "set-champion", "fraud", "--yes", "--despite-verdict", "3")
    assert (done.returncode, registry.aliases["champion"]) == (4, "3"), "another version than is meant"
    assert "--despite-verdict 1" in done.stderr
    done = run(config, "set-champion", "fraud", "--yes", "--despite-verdict", "1")
    assert (done.returncode, registry.aliases["champion"]) == (0, "1")


def test_what_cannot_be_meant_is_said(config: Path, registry: Registry) -> None:
    with config.open("a") as file:
        file.write("[models.plain]\n")
    del registry.aliases["challenger"]
    for arguments, why in (
        (("ml:fraud",), "set-champion takes a MODEL of the config, not ml:fraud"),
        (("plain",), "[models.plain] has no registry"),
        (("fraud",), "no version of fraud is challenger: name one with --version"),
    ):
        done = run(config, "set-champion", *arguments, "--yes")
        assert (done.returncode, why in done.stderr) == (2, True)
    done = run(config, "set-champion", "fraud", "--version", "9", "--yes")
    assert done.returncode == 4
    assert "fraud has no version 9" in done.stdout
