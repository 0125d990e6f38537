"""MLflow: recorded answers from a stub.

The shapes are those of 3.17 (contracts: metrics §4); the recorded answers are of 3.17.2 and 2.22.5.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.metrics.mlflow_support import API, GRID, source
from tests.http_stub import Reply, Route, http_stub
from tests.http_stub import Request as Asked
from tui.config import ModelSettings, RegistrySettings, ValidationSettings
from tui.domain.candidate import Candidacy
from tui.domain.health import Trouble
from tui.domain.query_template import fill
from tui.domain.series import Grid
from tui.domain.verdict import MetricOutcome
from tui.engine.queries.candidates import candidacy
from tui.sources.base import SourceError
from tui.sources.metrics.mlflow import MOST_PAGES

RECORDINGS = Path(__file__).parents[2] / "recordings" / "mlflow"
HISTORY = f"GET {API}/metrics/get-history"


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


def recorded(name: str) -> Reply:
    """The answer as it was sent."""
    answer = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return Reply(answer["status"], dict(answer["response_headers"]), answer["body"].encode())


def body(name: str) -> Any:
    return json.loads(recorded(name).body)


def version(number: str, run: str, model: str = "") -> dict[str, Any]:
    source = f"models:/{model}" if model else f"mlflow-artifacts:/1/{run}/artifacts/model-{number}"
    return {"name": "fraud", "version": number, "run_id": run, "source": source}


def registry(*versions: dict[str, Any]) -> dict[str, Route]:
    """Routes to a model whose first version is the champion and whose second one is the challenger."""

    def made(asked: Asked) -> Reply:
        return Reply.json({"model_version": versions[int(asked.query["version"][0]) - 1]})

    aliases = [{"alias": "champion", "version": "1"}, {"alias": "challenger", "version": "2"}]
    return {
        f"GET {API}/registered-models/get": Reply.json({"registered_model": {"aliases": aliases}}),
        f"GET {API}/model-versions/get": made,
    }


async def compared(routes: dict[str, Route], *metrics: str) -> Candidacy:
    validated = {name: ValidationSettings(better="higher", max_worse=0.01) for name in metrics}
    settings = ModelSettings(registry=RegistrySettings(source="ml", model="fraud", metrics=validated))
    with http_stub(routes) as stub:
        async with source(stub.url) as mlflow:
            return await candidacy("m", settings, mlflow)


TWO = ("m-e2da5213a0cd4c20b1778d422e963659", "m-d476b8afa87a44eead18a023a97a92d3")
TWO_RUN = "e7426dd8ca70452881cd08458eb2b7de"
CHAMPION, CHALLENGER = "m-384277c296bc434c8d3105f057f1e3c1", "m-9949158b7b3942d3a4f845fa41b9656e"


def two_models(**metrics: Any) -> dict[str, Route]:
    """A run that made two models, with other values of ``val_auc`` (and more, if wanted) than the recorded ones."""
    logged = {each["info"]["model_id"]: each for each in body("3.17.2/logged-models-search-by-run")["models"]}
    for name, values in metrics.items():
        for model, value in zip(TWO, values, strict=True):
            told = [each for each in logged[model]["data"]["metrics"] if each["key"] != name]
            if value is not None:
                at = logged[model]["info"]["creation_timestamp_ms"] + 1
                told.append({"key": name, "value": value, "timestamp": at, "run_id": TWO_RUN})
            logged[model]["data"]["metrics"] = told
    return {
        **registry(version("1", TWO_RUN, TWO[0]), version("2", TWO_RUN, TWO[1])),
        f"GET {API}/runs/get": recorded("3.17.2/runs-get-two-models"),
        HISTORY: recorded("3.17.2/history-two-models"),
        **{f"GET {API}/logged-models/{model}": Reply.json({"model": logged[model]}) for model in TWO},
    }


class TestTheMetricsOfAVersion:
    async def test_a_run_that_made_two_models_measured_each_by_itself(self) -> None:
        found = await compared(two_models(val_auc=(0.95, 0.70)), "val_auc")
        (judged,) = found.metrics
        assert (judged.baseline, judged.canary, judged.outcome) == (0.95, 0.70, MetricOutcome.WORSE)
        assert found.notes == ()

    async def test_its_history_is_that_of_the_logged_model(self) -> None:
        with http_stub(two_models()) as stub:
            async with source(stub.url) as mlflow:
                at = 1796088740
                answer = await mlflow.samples("models:/fraud/1/val_auc", Grid(at, at + 10, 1))
                unknown = await mlflow.samples("models:/fraud/1/nope", GRID)
            asked = [each.path.removeprefix(API) for each in stub.requests]
        assert answer.rows == (((("model", TWO[0]),), (0.91, *[None] * 10)),)
        assert (unknown.rows, unknown.notes) == ((), ("the model has no metric nope",))
        assert "/metrics/get-history" not in asked

    async def test_what_the_run_logged_for_neither_does_not_count(self) -> None:
        found = await compared(two_models(val_auc=(None, 0.70)), "val_auc")
        (judged,) = found.metrics
        assert (judged.outcome, judged.reason) == (MetricOutcome.UNCLEAR, "was not measured for version 1")
        assert found.notes == (
            "version 1: its run made 2 models, so val_auc may be of any of them and does not count; "
            "log it with model_id",
        )

    async def test_a_copy_of_the_first_step_is_no_measurement(self) -> None:
        """`log_model` copied 0.1282 of the first epoch; the run ended at 0.0889. Recorded."""
        routes = {
            **registry(
                version("1", "0d24f5e5230a4d3d83e451912aebaeb2", CHAMPION),
                version("2", "cdcbb68da8c7454ea7d236b1e7e158d8", CHALLENGER),
            ),
            f"GET {API}/runs/get": lambda asked: recorded(
                f"3.17.2/runs-get-{'champion' if asked.query['run_id'][0][0] == '0' else 'challenger'}"
            ),
            f"GET {API}/logged-models/{CHAMPION}": recorded("3.17.2/logged-models-get"),
            f"GET {API}/logged-models/{CHALLENGER}": recorded("3.17.2/logged-models-get-challenger"),
        }
        found = await compared(routes, "val_loss", "val_auc", "test_auc")
        val_loss, val_auc, test_auc = found.metrics
        of_run = {
            each["key"]: each["value"]
            for each in body("3.17.2/runs-get-challenger")["run"]["data"]["metrics"]
        }
        assert (val_loss.baseline, val_loss.canary) == (0.3411991546947591, of_run["val_loss"])
        assert (val_auc.baseline, val_auc.canary) == (0.91, 0.9500000000000001)
        # Of the challenger, by an evaluation of its own, in another run.
        assert (test_auc.baseline, test_auc.canary) == (None, 0.88)
        # And alone, in a run of two models, a copy is nothing.
        twins = body("3.17.2/runs-get-champion")
        twins["run"]["outputs"] = {"model_outputs": [{"model_id": CHAMPION}, {"model_id": "m-0"}]}
        found = await compared({**routes, f"GET {API}/runs/get": Reply.json(twins)}, "val_loss", "val_auc")
        val_loss, val_auc = found.metrics
        assert (val_loss.baseline, val_auc.baseline) == (None, 0.91)

    async def test_a_run_that_was_deleted_or_is_gone_is_told(self) -> None:
        routes = {
            **registry(version("1", "r1"), version("2", "r2")),
            f"GET {API}/runs/get": [
                recorded("3.17.2/runs-get-deleted"),
                recorded("3.17.2/runs-get-missing"),
            ],
        }
        found = await compared(routes, "val_auc")
        assert sorted(note.partition(": ")[2] for note in found.notes) == [
            "the run that made it is not there any more",
            "the run that made it was deleted",
        ]
        assert {note.partition(":")[0] for note in found.notes} == {"version 1", "version 2"}

    async def test_a_logged_model_that_is_gone_leaves_the_runs_metrics(self) -> None:
        routes = {
            **registry(version("1", "r1", CHAMPION), version("2", "r2")),
            f"GET {API}/runs/get": recorded("3.17.2/runs-get-champion"),
            f"GET {API}/logged-models/{CHAMPION}": recorded("3.17.2/logged-models-missing"),
        }
        (judged,) = (await compared(routes, "val_auc")).metrics
        assert (judged.baseline, judged.canary) == (0.91, 0.91)

    async def test_an_older_server_has_no_logged_models_and_is_not_asked_for_them(self) -> None:
        answers = {
            f"GET {API}/model-versions/get": recorded("2.22.5/model-versions-get-1"),
            f"GET {API}/runs/get": recorded("2.22.5/runs-get-champion"),
            f"GET {API}/registered-models/get": recorded("3.17.2/registered-models-get"),
        }
        with http_stub(answers) as stub:
            async with source(stub.url) as mlflow:
                found = (await mlflow.registered("fraud", ("champion",)))["champion"]
            asked = [each.path.removeprefix(API) for each in stub.requests]
        assert found is not None
        assert dict(found.metrics)["val_auc"] == 0.9317058231613948
        assert (found.model_id, found.notes) == ("", ())
        assert asked == ["/registered-models/get", "/model-versions/get", "/runs/get"]

    async def test_two_versions_of_one_run_without_models_of_their_own_cannot_be_compared(self) -> None:
        routes = {
            **registry(version("1", "r1"), version("2", "r1")),
            f"GET {API}/runs/get": recorded("2.22.5/runs-get-champion"),
        }
        (judged,) = (await compared(routes, "val_auc")).metrics
        assert (judged.outcome, judged.reason) == (
            MetricOutcome.UNCLEAR,
            "one run made versions 1 and 2: its metrics are of either",
        )


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
