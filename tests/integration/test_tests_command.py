"""``pipedeck tests`` against the sandbox: what it prints, in every form, and how it ends."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from tests.e2e.settings import write_config
from tui.cli import main
from tui.config import GitLabSettings
from tui.domain.address import parse_address
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseOutcome, Suite, TestReport, counted
from tui.presenters.tests_document import RunTestsDoc, junit
from tui.sandbox.process import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock="manual", start=1_790_000_000.0) as running:
        yield running


@pytest.fixture
def pipedeck(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command; exit code, stdout and stderr."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = write_config(sandbox.settings(), tmp_path / "config.toml")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["--config", str(config), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


Run = Callable[..., tuple[int, str, str]]


def kinds(text: str) -> dict[str, int]:
    found = re.findall(r"^(new failure|known failure|not known|flaky|fixed|slowest) ", text, re.MULTILINE)
    return {kind: found.count(kind) for kind in found}


def test_the_newest_run_with_tests_beside_those_before(pipedeck: Run) -> None:
    code, text, errors = pipedeck("tests", "jenkins:deploy-model")
    assert (code, errors) == (1, "")
    first, second, third, titles, *_ = text.splitlines()
    assert first == "jenkins:deploy-model#7  4 of 120 failed, 3 skipped"
    assert second == "compared with #6 #5 #4 #3"
    assert third == "a list of cases evaluation.json: 3 worse, 3 better, 9 same, beside 2026.11.6"
    assert titles.split() == ["WHAT", "TEST", "IN", "TIME", "NOTE"]
    assert kinds(text) == {"new failure": 2, "known failure": 2, "flaky": 1, "fixed": 2, "slowest": 10}
    assert re.search(r"^known failure +test_backward_0\[bf16-1e-3\] +tests\..* since #1$", text, re.MULTILINE)


def test_the_evaluation_of_a_model_stands_there_too(pipedeck: Run) -> None:
    _, listed, _ = pipedeck("environments", "--json")
    (run,) = {
        each["canary"]["run"].partition("/deploy")[0]
        for each in msgspec.json.decode(listed)["environments"]
        if each["address"] == "gitlab:ml/fraud@production" and each["canary"]
    }
    address = str(parse_address(run).of_run)
    code, text, errors = pipedeck("tests", address)
    assert errors == ""
    assert "a list of cases evaluation.json: 3 worse, 3 better, 9 same, beside" in text
    assert len(re.findall(r"^worse ", text, re.MULTILINE)) == 3
    assert code == 10
    _, text, _ = pipedeck("tests", address, "--json")
    (found,) = msgspec.json.decode(text, type=RunTestsDoc).evaluations
    assert (found.total, found.failed, found.same, len(found.changes)) == (15, 3, 9, 6)


def test_only_what_failed_and_only_what_is_new(pipedeck: Run) -> None:
    code, text, _ = pipedeck("tests", "jenkins:deploy-model#6", "--failed")
    assert code == 1
    assert set(kinds(text)) == {"new failure", "known failure"}
    assert sum(kinds(text).values()) == 4
    code, text, _ = pipedeck("tests", "jenkins:deploy-model", "--new")
    assert code == 1
    assert kinds(text) == {"new failure": 2}


def test_without_a_new_failure_new_is_fine(pipedeck: Run) -> None:
    for address, plain in (("jenkins:ml-service/main", 0), ("gitlab:ml/fraud", 0)):
        assert pipedeck("tests", address)[0] == plain
        code, text, _ = pipedeck("tests", address, "--new")
        assert (code, kinds(text)) == (0, {})


def test_a_run_without_tests_is_fine(pipedeck: Run) -> None:
    code, text, errors = pipedeck("tests", "jenkins:failing-pipeline")
    assert (code, text, errors) == (0, "jenkins:failing-pipeline#5  no tests were reported\n", "")


def test_what_could_not_be_read_is_neither_well_nor_failed(pipedeck: Run, sandbox: Sandbox) -> None:
    code, text, _ = pipedeck("tests", broken(sandbox))
    assert code == 5
    assert re.search(r"^not known +pytest .*JUnit XML parsing failed", text, re.MULTILINE)
    assert "no tests were reported" in text


def broken(sandbox: Sandbox) -> str:
    """A run whose report GitLab could not read."""
    from urllib.request import ProxyHandler, Request, build_opener

    gitlab = sandbox.settings().sources["gitlab"]
    assert isinstance(gitlab, GitLabSettings)
    assert gitlab.token is not None
    url = f"{sandbox.urls['gitlab']}/api/v4/projects/ml%2Franking/pipelines?per_page=100"
    ask = Request(url, headers={"PRIVATE-TOKEN": gitlab.token.reveal()})
    with build_opener(ProxyHandler({})).open(ask) as answer:
        pipelines = msgspec.json.decode(answer.read())
    return next(f"gitlab:ml/ranking#{each['id']}" for each in pipelines if each["iid"] % 5 == 0)


def test_the_document_has_every_case_and_what_became_of_it(pipedeck: Run) -> None:
    code, text, _ = pipedeck("tests", "jenkins:deploy-model#6", "--json")
    assert code == 1
    document = msgspec.json.decode(text, type=RunTestsDoc)
    assert (document.schema, document.address, document.status) == (1, "jenkins:deploy-model#6", "warning")
    assert document.final
    assert len(document.cases) == document.tests.total == 120
    assert document.compared_with[0] == "jenkins:deploy-model#5"
    failed = [case for case in document.cases if case.outcome == "failed"]
    assert len(failed) == document.tests.failed
    assert all(case.new == (case.since == 6) for case in failed)
    assert [case.since for case in document.cases if case.fixed]
    assert all(document.suites[case.suite].name == "pytest" for case in document.cases)
    less = msgspec.json.decode(
        pipedeck("tests", "jenkins:deploy-model#6", "--json", "--new")[1], type=RunTestsDoc
    )
    assert less.cases == tuple(case for case in document.cases if case.new)


@pytest.mark.parametrize("address", ["jenkins:deploy-model#6", "gitlab:ml/features/store"])
def test_the_junit_file_has_what_the_failed_ones_said(pipedeck: Run, address: str) -> None:
    code, text, errors = pipedeck("tests", address, "--failed", "--junit")
    assert (code, errors) == (1, "")
    root = ElementTree.fromstring(text)
    cases = root.findall("testsuite/testcase")
    assert len(cases) == int(root.attrib["failures"]) == int(root.attrib["tests"]) > 0
    for case in cases:
        failure = case.find("failure")
        assert failure is not None
        assert failure.attrib["message"].startswith("AssertionError: loss")
        assert "assert loss <= 0.70" in (failure.text or "")


def test_a_restart_asks_for_no_report_twice(pipedeck: Run, sandbox: Sandbox) -> None:
    def asked() -> int:
        faces = sandbox.control.state().faces.values()
        return sum("testReport" in each or "test_report" in each for face in faces for each in face.recent)

    for address in ("jenkins:deploy-model#6", "gitlab:ml/features/store"):
        first = pipedeck("tests", address, "--junit")
        before = asked()
        assert before > 0
        assert pipedeck("tests", address, "--junit") == first
        assert asked() == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope:x"], 2, "no source nope that runs pipelines; there is: jenkins, gitlab"),
        (["prometheus:x"], 2, "no source prometheus that runs pipelines"),
        (["gitlab:ml/nope"], 2, "no run of it was found"),
        (["jenkins:never-built"], 2, "no run of it was found"),
        (["deploy-model"], 2, "is not an address"),
        (["jenkins:deploy-model#99"], 2, "answered 404"),
        (["gitlab:ml/ranking#1"], 2, "answered 404"),
    ],
)
def test_mistakes(pipedeck: Run, arguments: list[str], code: int, words: str) -> None:
    found, text, errors = pipedeck("tests", *arguments)
    assert (found, text) == (code, "")
    assert words in errors


def test_two_forms_at_once_are_a_mistake(pipedeck: Run) -> None:
    with pytest.raises(SystemExit) as caught:
        pipedeck("tests", "jenkins:deploy-model", "--json", "--junit")
    assert caught.value.code == 2


def test_a_junit_file_is_xml_whatever_the_tests_are_called() -> None:
    hostile = "]]> <&\"' \x00\x0b\ufffe\U0001f600 ünï"
    suites = (
        Suite(hostile, (Case(hostile, hostile, CaseOutcome.FAILED, 0.5), Case("s", "", CaseOutcome.SKIPPED))),
        Suite("gone", problem=hostile, counts=TestCounts(3, 0, 0)),
        Suite("left out", (Case("p", "", CaseOutcome.PASSED),)),
    )
    report = TestReport(counted(suites), suites)
    said = CaseDetails(hostile, hostile, hostile, hostile)
    root = ElementTree.fromstring(junit(report, [(0, 0), (0, 1)], {(0, 0): said}))
    safe = "]]> <&\"' \ufffd\ufffd\ufffd\U0001f600 ünï"
    assert [each.attrib["name"] for each in root] == [safe, "gone"]
    failed, skipped = root.findall("testsuite/testcase")
    assert failed.attrib == {"classname": safe, "name": safe, "time": "0.500"}
    assert [(each.tag, each.text) for each in failed] == [
        ("failure", safe),
        ("system-out", safe),
        ("system-err", safe),
    ]
    assert [each.tag for each in skipped] == ["skipped"]
    assert root.attrib == {"tests": "2", "failures": "1", "skipped": "1", "time": "0.500"}
