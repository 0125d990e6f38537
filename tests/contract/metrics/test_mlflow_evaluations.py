"""MLflow: reports of evaluations among the artifacts of a version's run, as 3.17.2 and 2.22.5 answer
(contracts: model §6)."""

import pytest

from tests.contract.metrics.mlflow_support import API, source
from tests.contract.metrics.test_mlflow import recorded, version
from tests.http_stub import Reply, Route, http_stub
from tui.domain.evaluation import Evaluation
from tui.sources.base import SourceError

FILE = "reports/classification_report.json"


async def read(file: str, run: str = "32cf", **replies: Route) -> tuple[Evaluation, list[str]]:
    routes = {
        f"GET {API}/model-versions/get": Reply.json({"model_version": version("1", run)}),
        "GET /get-artifact": replies["artifact"],
        f"GET {API}/artifacts/list": replies.get("listed", Reply.json({})),
    }
    with http_stub(routes) as stub:
        async with source(stub.url) as mlflow:
            found = await mlflow.evaluated("fraud", "1", file)
        return found, [each.path.rpartition("/")[2] for each in stub.requests]


@pytest.mark.parametrize("major", ["3.17.2", "2.22.5"])
async def test_a_report_is_read(major: str) -> None:
    found, asked = await read(FILE, artifact=recorded(f"{major}/artifact-get-report"))
    assert (found.kind, found.problem) == ("scikit-learn", "")
    assert [case.name for case in found.cases] == ["0 recall", "0 F1", "all accuracy"]
    assert asked == ["get", "get-artifact"]


@pytest.mark.parametrize(("major", "requests"), [("3.17.2", 2), ("2.22.5", 3)])
async def test_one_that_is_not_there_says_so(major: str, requests: int) -> None:
    """2.x answers 500 in HTML: only its list tells that from a mistake of its own."""
    found, asked = await read(
        "none.json",
        artifact=recorded(f"{major}/artifact-get-missing"),
        listed=recorded(f"{major}/artifacts-list"),
    )
    assert (found.problem, found.cases) == ("the run of version 1 has no such artifact", ())
    assert len(asked) == requests


async def test_a_server_that_fails_is_no_missing_file() -> None:
    with pytest.raises(SourceError, match="500"):
        await read(
            FILE,
            artifact=recorded("2.22.5/artifact-get-missing"),
            listed=recorded("2.22.5/artifacts-list-reports"),
        )


async def test_a_login_page_is_no_report() -> None:
    page = Reply(200, {"Content-Type": "text/html"}, b"<html>log in</html>")
    assert (await read(FILE, artifact=page))[0].problem == "a web page came; a login page?"


async def test_a_version_without_a_run_has_none() -> None:
    found, asked = await read(FILE, run="", artifact=Reply.json({}))
    assert (found.problem, asked) == ("version 1 names no run", ["get"])
