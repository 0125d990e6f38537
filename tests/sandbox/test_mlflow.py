"""The MLflow face: what it says has the shape of real answers, and its curves grow with the world's time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.contract.metrics.mlflow_support import source
from tests.contract.metrics.test_mlflow import body
from tests.sandbox.serving import serving
from tui.domain.status import Status
from tui.sandbox.faults import Faults
from tui.sandbox.mlflow import EPOCHS, Tracking
from tui.sandbox.prometheus import prometheus_app
from tui.sandbox.scenario import tour
from tui.sandbox.world import Clock, World
from tui.sources.metrics.mlflow import MLflowSource

START = 1_795_000_000.0


@contextmanager
def tracked() -> Iterator[tuple[World, str, Faults]]:
    world, faults = World(tour(), Clock(START, manual=True)), Faults()
    with serving(prometheus_app(world, faults, "http://git/gitlab")) as url:
        yield world, f"{url}/mlflow", faults


def kinds(document: Any, path: str = "$") -> set[tuple[str, str]]:
    """The type of each field, by its place."""
    if isinstance(document, list):
        return set().union(*(kinds(item, path) for item in document))
    if isinstance(document, dict):
        fields = {(f"{path}.{key}", type(value).__name__) for key, value in document.items()}
        return fields.union(*(kinds(value, f"{path}.{key}") for key, value in document.items()))
    return set()


async def test_its_answers_have_the_recorded_shape() -> None:
    with tracked() as (_, url, _):
        async with source(url) as mlflow:
            http = mlflow._http
            search = {"experiment_ids": ["1"], "filter": "attributes.status = 'RUNNING'", "max_results": 5}
            run = (await ask(mlflow, "POST", "runs/search", json=search))["runs"][0]["info"]["run_id"]
            history = {"run_ids": run, "metric_key": "val_loss", "max_results": "400"}
            for name, answer in {
                "experiments-by-name": await ask(
                    mlflow, "GET", "experiments/get-by-name", query={"experiment_name": "fraud"}
                ),
                "runs-search-by-ci-job": await ask(mlflow, "POST", "runs/search", json=search),
                "bulk-interval-public-path": await ask(
                    mlflow, "GET", "metrics/get-history-bulk-interval", query=history
                ),
                "registered-models-get": await ask(
                    mlflow, "GET", "registered-models/get", query={"name": "fraud"}
                ),
                "model-versions-search": await ask(
                    mlflow, "GET", "model-versions/search", query={"filter": "name='fraud'"}
                ),
            }.items():
                unknown = kinds(answer) - kinds(body(f"3.17.2/{name}"))
                assert not unknown, name
                assert kinds(answer), name
            assert (await http.send("GET", "/version")).body.startswith(b"3.17")


async def ask(mlflow: MLflowSource, method: str, path: str, **more: Any) -> Any:

    answer = await mlflow._http.send(method, f"/api/2.0/mlflow/{path}", **more)
    assert answer.status == 200
    return json.loads(answer.body)


async def test_a_training_goes_on_with_the_world_and_names_its_job() -> None:
    with tracked() as (world, url, faults):
        async with source(url) as mlflow:
            (run,) = await mlflow.training_now(["fraud"])
            before = await mlflow.metric_history(run.id, "val_loss")
            assert 0 < len(before.points) < EPOCHS
            assert world.find_job(int(dict(run.tags)["gitlab.CI_JOB_ID"])) is not None
            assert dict(run.tags)["ci.url"].startswith("http://git/gitlab/ml/fraud/-/jobs/")
            world.clock.advance(30)
            after = await mlflow.metric_history(run.id, "val_loss", before.points[-1].step)
            assert after.points[0].step == before.points[-1].step + 1
            world.clock.advance(240)
            lately = await mlflow.training_lately(["fraud"])
            assert next(each.status for each in lately if each.id == run.id) is Status.PASSED
            assert len((await mlflow.metric_history(run.id, "val_loss")).points) == EPOCHS
            aliases = await mlflow.aliases("fraud")
            versions = await mlflow.newest_versions("fraud")
            assert [each.version for each in versions][:2] == [aliases["challenger"], aliases["champion"]]
        assert faults.writes == []


async def test_what_was_killed_goes_on_for_ever_as_it_says() -> None:
    with tracked() as (world, url, _):
        tracking = Tracking(world, "")
        (model,) = tracking.models
        newest = tracking.trained(model)[0]
        world.cancel(newest.run)
        async with source(url) as mlflow:
            (run,) = await mlflow.training_now(["fraud"])
        assert run.id == newest.id
        assert run.ended_at is None
