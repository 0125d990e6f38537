"""A real MLflow server, where there is one: ``PIPEDECK_MLFLOW`` names its command."""

import asyncio
import json
import math
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
import pytest

from tests.contract.metrics.mlflow_support import API, AT, GRID, source
from tui.config import (
    MLflowSettings,
    ModelSettings,
    RegistrySettings,
    Settings,
    TrainingSettings,
    ValidationSettings,
)
from tui.domain.address import Address
from tui.domain.candidate import RegisteredVersion
from tui.domain.health import Trouble
from tui.domain.model_comparison import Standing
from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status
from tui.domain.training import Link
from tui.domain.verdict import MetricOutcome
from tui.engine.actions.model_rules import champions
from tui.engine.queries import CurveOf, TrainingOf
from tui.engine.queries.candidates import candidacy
from tui.engine.runtime import Runtime
from tui.insight.model_comparison import differences
from tui.insight.training import by_step, progress, resumed_at
from tui.insight.training_links import Server, linked
from tui.presenters.training import standing
from tui.sources.base import SourceError


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
        registry=RegistrySettings(
            source="ml",
            model="fraud",
            metrics={
                "val/auc": ValidationSettings(better="higher", max_worse=0.005),
                "loss": ValidationSettings(better="lower", max_worse="10%"),
                "nan": ValidationSettings(better="lower"),
                "inf": ValidationSettings(better="lower"),
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
            MetricOutcome.WORSE,
            MetricOutcome.OK,
            MetricOutcome.UNCLEAR,
            MetricOutcome.UNCLEAR,
        ]
        assert found.outcome is MetricOutcome.WORSE
        answer = await mlflow.samples("models:/fraud@champion/val/auc", GRID)
        assert answer.rows == (((("run", champion),), (None, 0.93, *[None] * 9)),)
        assert model.registry is not None
        (offer,) = champions(model.registry, found)
        plan = await mlflow.plan(offer.request)
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


TRAINS = """
import sys
import mlflow

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("twins")


def predict(model_input: list[str]) -> list[str]:
    return model_input


with mlflow.start_run():
    for step, loss in enumerate((0.9, 0.5, 0.1)):
        mlflow.log_metric("loss", loss, step=step)
    for alias, auc in (("champion", 0.95), ("challenger", 0.70)):
        made = mlflow.pyfunc.log_model(
            name=alias, python_model=predict, registered_model_name="twins", pip_requirements=[]
        )
        mlflow.log_metric("auc", auc, model_id=made.model_id)
        mlflow.MlflowClient().set_registered_model_alias("twins", alias, made.registered_model_version)
"""


CHANGES = """
import sys
import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("changes")


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input


for alias, rate, columns in (("champion", 0.01, "ab"), ("challenger", 0.05, "abc")):
    with mlflow.start_run():
        mlflow.log_params({"rate": rate, "depth": 6})
        mlflow.log_metric("auc", 1 - rate)
        dataset = mlflow.data.meta_dataset.MetaDataset(
            mlflow.data.http_dataset_source.HTTPDatasetSource(f"http://127.0.0.1/{alias}"), name="cases"
        )
        mlflow.log_input(dataset, context="training")
        inputs = Schema([ColSpec("long", name) for name in columns])
        made = mlflow.pyfunc.log_model(
            name="model",
            python_model=Model(),
            registered_model_name="changes",
            signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec("string")])),
            pip_requirements=[f"numpy=={len(columns)}.0"],
        )
        mlflow.MlflowClient().set_registered_model_alias("changes", alias, made.registered_model_version)
"""


async def test_what_changed_between_two_versions_on_a_real_server(real: RealMLflow, tmp_path: Path) -> None:
    await train(real, tmp_path, CHANGES)
    async with source(real.url) as mlflow:
        newest = await mlflow.newest_versions("changes")
        old, new = [await mlflow.recorded("changes", number) for number in ("1", "2")]
        at_no_commit = await mlflow.made_at(newest, "a" * 40)
    assert ([each.version for each in newest], at_no_commit) == (["2", "1"], ())
    differing = {
        f"{each.group} {each.name}": each.change
        for each in differences(old, new, ())
        if each.standing is Standing.DIFFERS
    }
    assert {name: change for name, change in differing.items() if not name.startswith("origin")} == {
        "metrics auc": "-0.04",
        "data training": "name same, data not",
        "parameters rate": "×5",
        "signature inputs": "+ c long, required: callers must change",
        "environment numpy": "major",
    }


async def train(real: RealMLflow, folder: Path, program: str) -> None:
    """With MLflow's own client, as a job does."""
    python = Path(os.environ["PIPEDECK_MLFLOW"]).parent / "python"
    training = await asyncio.create_subprocess_exec(
        python,
        *("-c", program, real.url),
        cwd=folder,
        env={**os.environ, "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false", "GIT_PYTHON_REFRESH": "quiet"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await training.communicate()
    assert training.returncode == 0, output.decode(errors="replace")[-2000:]


async def test_two_models_of_one_run_on_a_real_server(real: RealMLflow, tmp_path: Path) -> None:
    await train(real, tmp_path, TRAINS)
    validated = {
        "auc": ValidationSettings(better="higher", max_worse=0.01),
        "loss": ValidationSettings(better="lower"),
    }
    model = ModelSettings(registry=RegistrySettings(source="ml", model="twins", metrics=validated))
    async with source(real.url) as mlflow:
        found = await candidacy("m", model, mlflow)
        answer = await mlflow.samples("models:/twins@champion/auc", GRID)
    assert found.champion is not None
    assert found.candidate is not None
    assert found.champion.run == found.candidate.run
    auc, loss = found.metrics
    assert (auc.baseline, auc.canary, auc.outcome) == (0.95, 0.70, MetricOutcome.WORSE)
    # Logged before there was a model: both have a copy of its first step, which measured neither.
    assert (loss.baseline, loss.canary, loss.outcome) == (None, None, MetricOutcome.UNCLEAR)
    assert [note.partition(", so ")[2].partition(" may be")[0] for note in found.notes] == ["loss", "loss"]
    assert answer.rows[0][0] == (("model", found.champion.model_id),)


LIVE = """
import sys
import mlflow

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("live")
with mlflow.start_run(run_name="live"):
    mlflow.log_param("epochs", 40)
    for line in sys.stdin:
        step, value = line.split()
        mlflow.log_metric("val_loss", float(value), step=int(step))
        print(step, flush=True)
"""


async def test_a_run_that_trains_is_followed_on_a_real_server(real: RealMLflow, tmp_path: Path) -> None:
    """Every step once and in order, and its job from the first second on. Killed, it goes on for ever, says MLflow."""
    settings = Settings(
        sources={"ml": MLflowSettings(url=real.url)},
        models={"m": ModelSettings(training=TrainingSettings(source="ml", experiments=("live",)))},
    )
    python = Path(os.environ["PIPEDECK_MLFLOW"]).parent / "python"
    page = "https://git.example.com/ml/fraud/-/jobs/77001"
    context = json.dumps({"gitlab.CI_JOB_ID": "77001", "ci.url": page})
    job = Job(Address("g", "ml/fraud", 1, "train"), "77001", "train", Status.RUNNING, web_url=page)
    ci = Run(
        Address("g", "ml/fraud", 1),
        "",
        Status.RUNNING,
        stages=(Stage("1", "train", job.status, jobs=(job,)),),
    )
    program = await asyncio.create_subprocess_exec(
        python,
        *("-c", LIVE, real.url),
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_RUN_CONTEXT": context, "GIT_PYTHON_REFRESH": "quiet"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    into, out = program.stdin, program.stdout
    assert into is not None
    assert out is not None

    async def log(step: int, value: float) -> None:
        into.write(f"{step} {value}\n".encode())
        assert await out.readline() == f"{step}\n".encode()

    async with source(real.url) as mlflow:
        runtime = Runtime(settings, {"ml": mlflow})
        try:
            for step in range(20):
                await log(step, math.nan if step == 15 else 1 / (step + 1))
                (training,) = (await runtime.poller.ask(TrainingOf("m"))).running
                curve = await runtime.poller.ask(CurveOf("m", training.id, "val_loss"))
                assert [point.step for point in curve.points] == list(range(step + 1))
            assert [point.step for point in curve.points if point.value is None] == [15]
            found = progress(
                curve.points, now=curve.points[-1].at, better="lower", params=dict(training.params)
            )
            assert found is not None
            assert (found.step, found.total, found.best) == (19, 40, curve.points[-1])
            assert found.ends_at is not None
            server = Server("https://git.example.com", "CI_JOB_ID", alone=False)
            (linked_run,) = linked(ci, [training], server)
            assert linked_run.link == Link(job.address, "job id", True)
            # Resumed at a lower step: a fresh look has it, and the newest value of a step wins.
            await log(3, 9.0)
            again = await mlflow.metric_history(training.id, "val_loss")
            assert resumed_at(again.points) == 3
            assert by_step(again.points)[3].value == 9.0
            program.kill()
            await program.wait()
            (left,) = (await runtime.poller.ask(TrainingOf("m"))).running
            assert left.status is Status.RUNNING
            ended = msgspec.structs.replace(job, status=Status.CANCELED)
            over = msgspec.structs.replace(ci, stages=(Stage("1", "train", ended.status, jobs=(ended,)),))
            assert standing(linked(over, [left], server)[0], None)[:2] == (Status.CANCELED, "left running")
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
            await runtime.close()
