"""MLflow: recorded answers from a stub, and a real server where there is one (``PIPEDECK_MLFLOW`` names its command).

The shapes are those of 3.17 (contracts: metrics §4).
"""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
import pytest

from tests.http_stub import Reply, http_stub
from tests.http_stub import Request as Asked
from tui.config import MLflowSettings, ModelSettings, Registry, Validated
from tui.domain.candidate import RegisteredVersion
from tui.domain.health import Trouble
from tui.domain.query import fill
from tui.domain.series import Grid
from tui.domain.verdict import Outcome
from tui.engine.candidates import candidacy
from tui.engine.wishes import champions
from tui.sources.base import SourceError
from tui.sources.mlflow import MOST_PAGES, MLflowSource

API = "/api/2.0/mlflow"
AT = 1_700_000_000
GRID = Grid(AT - AT % 60, AT - AT % 60 + 600, 60)
HISTORY = f"GET {API}/metrics/get-history"


@asynccontextmanager
async def source(url: str, **settings: Any) -> AsyncIterator[MLflowSource]:
    made = MLflowSource("ml", MLflowSettings(url=url, **settings), clock=lambda: AT + 7200.0)
    try:
        yield made
    finally:
        await made.close()


async def refusal(reply: Reply, query: str = "runs:/r1/auc") -> SourceError:
    with http_stub({"*": reply}) as stub:
        async with source(stub.url) as mlflow:
            with pytest.raises(SourceError) as caught:
                await mlflow.samples(query, GRID)
    assert caught.value.message.isprintable()
    return caught.value


def metric(value: Any, second: int, step: int = 0, key: str = "auc") -> dict[str, Any]:
    return {"key": key, "value": value, "timestamp": (GRID.start + second) * 1000, "step": step}


def error(code: str, words: str, status: int) -> Reply:
    return Reply.json({"error_code": code, "message": words}, status)


class TestAHistory:
    async def test_each_value_stands_at_the_time_it_was_logged(self) -> None:
        values = [metric(0.92, 120), metric(0.9, 0), metric("NaN", 180), metric(1.7976931348623157e308, 240)]
        with http_stub({HISTORY: Reply.json({"metrics": values})}) as stub:
            async with source(stub.url) as mlflow:
                answer = await mlflow.samples("runs:/r1/val/auc", GRID)
            (asked,) = stub.requests
        assert (asked.query["run_id"], asked.query["metric_key"]) == (["r1"], ["val/auc"])
        ((labels, drawn),) = answer.rows
        assert labels == (("run", "r1"),)
        # Not held: a measurement is one observation.
        assert drawn == (0.9, None, 0.92, *[None] * 8)
        assert answer.notes == ("2 of 4 values are NaN or infinite, drawn as gaps",)

    async def test_it_is_read_page_by_page(self) -> None:
        pages = [
            Reply.json({"metrics": [metric(n / 10, 60 * n)], "next_page_token": f"t{n}" if n < 2 else ""})
            for n in range(3)
        ]
        with http_stub({HISTORY: pages}) as stub:
            async with source(stub.url) as mlflow:
                answer = await mlflow.samples("runs:/r1/auc", GRID)
            tokens = [asked.query.get("page_token") for asked in stub.requests]
        assert tokens == [None, ["t0"], ["t1"]]
        assert answer.rows[0][1][:3] == (0.0, 0.1, 0.2)
        assert answer.notes == ()

    @pytest.mark.parametrize("turning", [True, False])
    async def test_pages_without_end_are_given_up(self, turning: bool) -> None:
        """A token that comes again, and one that is always new."""
        count = iter(range(1000))

        def page(asked: Asked) -> Reply:
            token = "again" if turning else f"t{next(count)}"
            return Reply.json({"metrics": [metric(0.5, 0)], "next_page_token": token})

        with http_stub({HISTORY: page}) as stub:
            async with source(stub.url) as mlflow:
                answer = await mlflow.samples("runs:/r1/auc", GRID)
            asked = len(stub.requests)
        assert asked == (2 if turning else MOST_PAGES)
        assert answer.notes[0].startswith("only the first ")

    async def test_what_was_logged_long_ago_is_told_with_its_age(self) -> None:
        with http_stub({HISTORY: Reply.json({"metrics": [metric(0.93, -7200)]})}) as stub:
            async with source(stub.url) as mlflow:
                answer = await mlflow.samples("runs:/r1/auc", GRID)
        assert answer.notes == ("newest value 0.93, 4h old: not in this time",)

    async def test_an_unknown_metric_is_an_empty_object(self) -> None:
        with http_stub({HISTORY: Reply.json({})}) as stub:
            async with source(stub.url) as mlflow:
                answer = await mlflow.samples("runs:/r1/nope", GRID)
        assert (answer.rows, answer.notes) == ((), ("the run has no metric nope",))

    @pytest.mark.parametrize("query", ["models:/fraud@champion/auc", "models:/fraud/3/auc"])
    async def test_a_models_metric_is_that_of_the_run_that_made_it(self, query: str) -> None:
        version = Reply.json({"model_version": {"name": "fraud", "version": "3", "run_id": "r7"}})
        routes = {
            f"GET {API}/registered-models/alias": version,
            f"GET {API}/model-versions/get": version,
            HISTORY: Reply.json({"metrics": [metric(0.9, 0)]}),
        }
        with http_stub(routes) as stub:
            async with source(stub.url) as mlflow:
                assert (await mlflow.samples(query, GRID)).rows[0][0] == (("run", "r7"),)

    async def test_a_version_cannot_end_its_place(self) -> None:
        query = fill("models:/{model}/{version}/auc", {"model": "a b@c", "version": "1/../2"}, "uri")
        with http_stub({}) as stub:
            async with source(stub.url) as mlflow:
                with pytest.raises(SourceError):
                    await mlflow.samples(query, GRID)
            (asked,) = stub.requests
        assert asked.path == f"{API}/model-versions/get"
        assert asked.query == {"name": ["a b@c"], "version": ["1/../2"]}


class TestErrors:
    @pytest.mark.parametrize("query", ["", "auc", "runs:/r1", "models:/fraud/auc", "models:/fraud@/auc"])
    async def test_what_is_no_query_is_refused_before_anything_is_sent(self, query: str) -> None:
        found = await refusal(Reply.json({}), query)
        assert found.trouble is Trouble.REFUSED
        assert "models:/NAME@ALIAS/METRIC" in found.message

    @pytest.mark.parametrize(
        ("reply", "trouble", "words"),
        [
            (
                error("INVALID_PARAMETER_VALUE", "Registered model alias nope not found.", 400),
                Trouble.NOT_FOUND,
                "alias nope not found.; check the names",
            ),
            (
                error("RESOURCE_DOES_NOT_EXIST", "Run 'r1' not found", 404),
                Trouble.NOT_FOUND,
                "Run 'r1' not found",
            ),
            (
                Reply.text("Invalid Host header - possible DNS rebinding attack", 403),
                Trouble.FORBIDDEN,
                "--allowed-hosts",
            ),
            (
                Reply.text("You are not authenticated.", 401),
                Trouble.UNAUTHORIZED,
                "You are not authenticated.",
            ),
            (Reply.text("<html>", 404, "text/html"), Trouble.NOT_FOUND, "no MLflow API under this url"),
            (Reply.text("<html>", 200, "text/html"), Trouble.WRONG_ANSWER, "a web page instead of JSON"),
            (Reply.json({"metrics": [{"value": []}]}), Trouble.WRONG_ANSWER, "$.metrics[0].value"),
        ],
    )
    async def test_each_says_what_to_do(self, reply: Reply, trouble: Trouble, words: str) -> None:
        found = await refusal(reply)
        assert (found.trouble, words in found.message) == (trouble, True), found.message


# --- a real one ---------------------------------------------------------------------------------------------------


class RealMLflow:
    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = build_opener(ProxyHandler({}))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        request = Request(
            f"{self.url}{API}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with self._opener.open(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def version(self, alias: str, values: dict[str, Any]) -> str:
        """Log a run with these values, register it, and give it the alias; the id of the run."""
        run = self.post("runs/create", experiment_id="0", start_time=AT * 1000)["run"]["info"]
        for key, value in values.items():
            self.post(
                "runs/log-metric",
                run_id=run["run_id"],
                key=key,
                value=value,
                timestamp=(GRID.start + 60) * 1000,
            )
        made = self.post(
            "model-versions/create", name="fraud", source=f"{run['artifact_uri']}/model", run_id=run["run_id"]
        )["model_version"]
        self.post("registered-models/alias", name="fraud", alias=alias, version=made["version"])
        return str(run["run_id"])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMLflow]:
    command = os.environ.get("PIPEDECK_MLFLOW", "")
    if not command:
        pytest.skip("PIPEDECK_MLFLOW names no MLflow; .ci/run installs one")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [command, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    arguments += [
        "--backend-store-uri",
        f"sqlite:///{folder}/db",
        "--artifacts-destination",
        str(folder / "art"),
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = folder / "log.txt"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            arguments, stdout=output, stderr=output, cwd=folder, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/health", process, log)
            yield RealMLflow(f"http://127.0.0.1:{port}")
        finally:
            os.killpg(process.pid, 15)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    opener, deadline = build_opener(ProxyHandler({})), time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(url, timeout=60):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"mlflow did not start: {log.read_text(errors='replace')[-2000:]}")


async def test_a_real_server(real: RealMLflow) -> None:
    """One test, because the server takes ten seconds to start."""
    model = ModelSettings(
        registry=Registry(
            source="ml",
            model="fraud",
            metrics={
                "val/auc": Validated(better="higher", max_worse=0.005),
                "loss": Validated(better="lower", max_worse="10%"),
                "nan": Validated(better="lower"),
                "inf": Validated(better="lower"),
            },
        )
    )
    real.post("registered-models/create", name="fraud")
    async with source(real.url) as mlflow:
        assert [each.level for each in await mlflow.check()][:1] == ["ok"]
        alone = await candidacy("m", model, mlflow)
        assert (alone.champion, alone.candidate, len(alone.notes)) == (None, None, 2)
        odd = {"nan": "NaN", "inf": "Infinity"}
        champion = await asyncio.to_thread(real.version, "champion", {"val/auc": 0.93, "loss": 0.1, **odd})
        await asyncio.to_thread(real.version, "challenger", {"val/auc": 0.91, "loss": 0.105, **odd})
        found = await candidacy("m", model, mlflow)
        assert isinstance(found.champion, RegisteredVersion)
        assert (found.champion.version, found.champion.aliases, found.champion.run) == (
            "1",
            ("champion",),
            champion,
        )
        assert [metric.outcome for metric in found.metrics] == [
            Outcome.WORSE,
            Outcome.OK,
            Outcome.UNCLEAR,
            Outcome.UNCLEAR,
        ]
        assert found.outcome is Outcome.WORSE
        answer = await mlflow.samples("models:/fraud@champion/val/auc", GRID)
        assert answer.rows == (((("run", champion),), (None, 0.93, *[None] * 9)),)
        assert model.registry is not None
        (offer,) = champions(model.registry, found)
        plan = await mlflow.plan(offer.wish)
        for step in plan.steps:
            assert (await mlflow.observe(step, None)).state == "nothing"
            assert (await mlflow.send(step, {})).state == "accepted"
            assert (await mlflow.observe(step, None)).state == "done"
        (back,) = champions(model.registry, await candidacy("m", model, mlflow))
        assert back.words == "Back to version 1, the champion before"
        gone = msgspec.structs.replace(
            plan.steps[1], body=(("name", "fraud"), ("alias", "x"), ("version", "9"))
        )
        refused = await mlflow.send(gone, {})
        assert (refused.state, refused.status) == ("refused", 404)
        for query in ("models:/fraud@nope/x", "models:/fraud/9/x", "models:/nope/1/x"):
            with pytest.raises(SourceError) as caught:
                await mlflow.samples(query, GRID)
            assert caught.value.trouble is Trouble.NOT_FOUND
