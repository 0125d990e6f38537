"""``pipedeck dossier``, against the sandbox's GitLab and a registry."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.http_stub import Reply, Request, Route, http_stub
from tests.integration.test_action_commands import Terminal, scenario, terminal
from tui.presenters.documents import ComparisonDoc, DifferenceDoc
from tui.presenters.dossier import DossierDoc, markdown, without_credentials

__all__ = ["scenario", "terminal"]
API = "GET /api/2.0/mlflow"


def registry(stable: str, canary: str) -> dict[str, Route]:
    """Two versions: what is deployed, and the canary."""
    tags = {
        number: [{"key": "deployed_as", "value": each}] for number, each in (("1", stable), ("2", canary))
    }

    def version(number: str) -> dict[str, object]:
        return {"name": "fraud", "version": number, "run_id": f"r{number}", "tags": tags[number]}

    def run(asked: Request) -> Reply:
        number = asked.query["run_id"][0][1:]
        params = [{"key": "lr", "value": number}, {"key": "db_password", "value": f"hunter{number}"}]
        return Reply.json({"run": {"data": {"params": params}}})

    aliases = [{"alias": "champion", "version": "1"}, {"alias": "challenger", "version": "2"}]
    return {
        f"{API}/registered-models/get": Reply.json({"registered_model": {"aliases": aliases}}),
        f"{API}/model-versions/search": Reply.json({"model_versions": [version("2"), version("1")]}),
        f"{API}/model-versions/get": lambda asked: Reply.json(
            {"model_version": version(asked.query["version"][0])}
        ),
        f"{API}/runs/get": run,
    }


@pytest.fixture
def canary(terminal: Terminal) -> Iterator[str]:
    """The version that the canary of fraud has."""
    _, found = terminal.document("environments")
    ((stable, version),) = {
        (each["stable"]["version"], each["canary"]["version"])
        for each in found["environments"]
        if each["address"] == "gitlab:ml/fraud@production" and each["canary"]
    }
    with http_stub(registry(stable, version)) as stub:
        with terminal.file.open("a") as file:
            file.write(
                "evidence = ['evaluation.json']\n"
                "registry = { source = 'ml', model = 'fraud', metrics = { auc = { better = 'higher' } } }\n"
                f"[sources.ml]\ntype = 'mlflow'\nurl = '{stub.url}'\n"
            )
        yield version


def test_what_was_deployed_changed_and_decided_is_written_without_secrets(
    terminal: Terminal, canary: str, tmp_path: Path
) -> None:
    reason = "looked *fine*; token=abc123 glpat-sandbox"
    assert terminal("promote", "fraud", "--yes", "--confirm", "production", "--reason", reason)[0] == 0
    code, out, errors = terminal("dossier", "fraud", canary, "--folder", str(tmp_path))
    assert (code, errors) == (0, "")
    document, text = (tmp_path / f"fraud-{canary}.json", tmp_path / f"fraud-{canary}.md")
    assert out.splitlines() == [str(document), str(text)]
    assert {oct(path.stat().st_mode)[-3:] for path in (document, text)} == {"600"}
    told = msgspec.json.decode(document.read_bytes(), type=DossierDoc)
    assert (told.version, told.names, told.environment) == (canary, ("2",), "gitlab:ml/fraud@production")
    assert {each.version for each in told.deployments} == {canary}
    assert told.comparison is not None
    assert {each.name: each.change for each in told.comparison.differences if each.standing == "differs"} == {
        "lr": "×2",
        "db_password": "",
        "run": "",
    }
    (cases,) = told.evaluations
    assert (cases.total, cases.failed, cases.same, cases.problem) == (15, 3, 9, "")
    assert [each.standing for each in cases.changes] == ["worse"] * 3 + ["better"] * 3
    assert f"  - worse: {cases.changes[0].name}: passed → failed: " in text.read_text()
    (action,) = told.actions
    assert (action.kind, action.state, action.reason) == ("promote", "done", "looked *fine*; token=*** ***")
    assert [each.event for each in action.lines][:2] == ["planned", "sending"]
    assert all(each.place for each in action.lines)
    assert [each.partition(":")[0] for each in told.missing] == ["no metric of it is judged"]
    for path in (document, text):
        for secret in ("glpat-sandbox", "abc123", "hunter"):
            assert secret not in path.read_text()
    assert "  - reason: looked \\*fine\\*; token=\\*\\*\\* \\*\\*\\*" in text.read_text()
    # Evidence stays as it was; by its number in the registry the version is the same.
    code, _, errors = terminal("dossier", "fraud", canary, "--folder", str(tmp_path))
    assert (code, "is there already" in errors) == (4, True)
    assert terminal("dossier", "fraud", "2", "--folder", str(tmp_path))[0] == 0
    again = json.loads((tmp_path / "fraud-2.json").read_text())
    assert (again["names"], len(again["actions"]), again["tests"]) == (
        [canary],
        1,
        json.loads(document.read_text())["tests"],
    )


def test_a_version_that_nobody_knows_writes_nothing(terminal: Terminal, canary: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    code, out, errors = terminal("dossier", "fraud", "no-such", "--folder", str(folder))
    assert (code, out, list(folder.iterdir())) == (2, "", [])
    assert "no version no-such of fraud was found, neither deployed nor registered" in errors


def test_a_signature_is_no_credential_and_other_peoples_text_no_markdown() -> None:
    def difference(group: str, name: str) -> DifferenceDoc:
        return DifferenceDoc(group, name, "a|b", "[x](http://y)", "differs", "", None, False)

    comparison = ComparisonDoc(
        1,
        0.0,
        "m",
        "1",
        "2",
        ("", ""),
        (difference("signature", "signature"), difference("parameters", "api_key")),
        (),
    )
    told = without_credentials(
        DossierDoc(1, 0.0, "m", "<b>", (), "", (), None, (), (), (), comparison, (), ("a\nb",))
    )
    text = markdown(told)
    assert "# m \\<b\\>" in text
    assert "| signature | signature | a\\|b | \\[x\\](http://y) | differs |  |" in text
    assert "| parameters | api\\_key | \\*\\*\\* | \\*\\*\\* | differs |  |" in text
    assert "- a b\n" in text
