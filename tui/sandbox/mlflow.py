"""The MLflow face: what the jobs of the world train, with curves, and a registry of it (contracts: metrics §4,
model §8).

It answers as 3.17 does: lists are left out where they are empty, NaN is a text, versions are texts.
"""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from tui.sandbox.plan import Attempt, State
from tui.sandbox.world import Model, Run, World

VERSION = "3.17.2"
EPOCHS = 40
_STATUSES = {State.RUNNING: "RUNNING", State.PASSED: "FINISHED", State.WARNING: "FINISHED"}
_METRICS = ("loss", "val_loss", "val_auc", "lr")
_LARGEST = 2500
_KILLED = frozenset({State.CANCELED})


class Trained(msgspec.Struct, frozen=True):
    """One attempt of a job that trains."""

    model: Model
    run: Run
    attempt: Attempt
    job: int
    """The id of the job, as its GitLab has it."""
    seconds: float
    """That it takes as a whole."""

    @property
    def id(self) -> str:
        return hashlib.md5(str(self.job).encode(), usedforsecurity=False).hexdigest()

    @property
    def began(self) -> float:
        assert self.attempt.started_at is not None
        return self.attempt.started_at

    def points(self, metric: str, now: float) -> Iterator[tuple[int, float, float]]:
        """Step, time and value of each epoch so far."""
        end = self.attempt.ended_at if self.attempt.ended_at is not None else now
        for step in range(EPOCHS):
            at = self.began + (step + 1) * self.seconds / (EPOCHS + 1)
            if at > end:
                return
            yield step, at, self._value(metric, step)

    def _value(self, metric: str, step: int) -> float:
        noise = math.sin(self.job % 997 + 2.3 * step) * 0.004
        # From some epoch on it only learns its own data by heart.
        learnt = 9 + self.job % 5
        if metric == "lr":
            return 0.05 if step < learnt else 0.01
        falling = 0.42 * math.exp(-step / 6)
        if metric == "loss":
            return 0.22 + falling * 1.1 + noise / 2
        forgotten = 0.0012 * max(0, step - 2 * learnt)
        if metric == "val_loss":
            return 0.33 + self.job % 3 * 0.006 + falling + forgotten + noise
        return 0.94 - falling * 0.6 - forgotten + noise


class Tracking:
    """What an MLflow beside the world's GitLab would know."""

    def __init__(self, world: World, gitlab_url: str) -> None:
        self.world = world
        self.gitlab_url = gitlab_url
        self.aliases: dict[tuple[str, str], str] = {}
        """Those that were given, by model and name."""
        self.tags: dict[tuple[str, str], dict[str, str]] = {}
        """Of versions, by model and number."""

    @property
    def models(self) -> tuple[Model, ...]:
        return tuple(model for model in self.world.scenario.models if model.training)

    def trained(self, model: Model) -> list[Trained]:
        """Newest first."""
        found = []
        for pipeline in self.world.pipelines("gitlab"):
            if f"gitlab:{pipeline.path}" not in model.pipelines:
                continue
            for run in self.world.runs(pipeline):
                for task in self.world.progress(run).tasks:
                    if task.task.id != model.training:
                        continue
                    for index, attempt in enumerate(task.attempts):
                        if attempt.started_at is not None and attempt.state is not State.SKIPPED:
                            job = self.world.job_id(run, task.task.id, index)
                            found.append(Trained(model, run, attempt, job, task.task.seconds))
        return sorted(found, key=lambda trained: -trained.began)

    def all(self) -> list[Trained]:
        return [trained for model in self.models for trained in self.trained(model)]

    def versions(self, model: Model) -> list[Trained]:
        """What became versions of it, the oldest first: what was trained to its end."""
        ended = [each for each in self.trained(model) if _status(each) == "FINISHED"]
        return list(reversed(ended))


def mlflow_routes(world: World, gitlab_url: str) -> list[BaseRoute]:
    """What it answers, below its prefix."""
    api = _Api(Tracking(world, gitlab_url))
    return [
        Route("/version", _told_version),
        Mount(
            "/api/2.0/mlflow",
            routes=[
                Route("/experiments/get-by-name", api.experiment),
                Route("/runs/search", api.search, methods=["POST"]),
                Route("/runs/get", api.run),
                Route("/metrics/get-history-bulk-interval", api.history),
                Route("/registered-models/search", api.registered_models),
                Route("/registered-models/get", api.registered_model),
                Route("/registered-models/alias", api.give_alias, methods=["POST"]),
                Route("/model-versions/set-tag", api.set_tag, methods=["POST"]),
                Route("/model-versions/search", api.version_list),
                Route("/model-versions/get", api.version),
            ],
        ),
        Route("/model-versions/get-artifact", _no_artifact),
    ]


async def _told_version(_: Request) -> Response:
    return PlainTextResponse(VERSION)


async def _no_artifact(_: Request) -> Response:
    return _missing("No such artifact")


class _Api:
    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    async def experiment(self, request: Request) -> Response:
        name = request.query_params.get("experiment_name", "")
        for number, model in enumerate(self._tracking.models, 1):
            if model.name == name:
                return _json(
                    {"experiment": {"experiment_id": str(number), "name": name, "lifecycle_stage": "active"}}
                )
        return _missing(f"Could not find experiment with name '{name}'")

    async def search(self, request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=_Search)
        models = [
            model
            for number, model in enumerate(self._tracking.models, 1)
            if str(number) in asked.experiment_ids
        ]
        found = [trained for model in models for trained in self._tracking.trained(model)]
        if asked.filter == "attributes.status = 'RUNNING'":
            found = [trained for trained in found if _status(trained) == "RUNNING"]
        elif asked.filter:
            return _error(400, "INVALID_PARAMETER_VALUE", "the sandbox knows no such filter")
        found.sort(key=lambda trained: -trained.began)
        return _json(_without_empty({"runs": [self._run(trained) for trained in found[: asked.max_results]]}))

    async def run(self, request: Request) -> Response:
        found = self._found(request.query_params.get("run_id", ""))
        return _json({"run": self._run(found)}) if found is not None else _missing("Run not found")

    async def history(self, request: Request) -> Response:
        query = request.query_params
        found = self._found(query.get("run_ids", ""))
        key, most = query.get("metric_key", ""), int(query.get("max_results", "0"))
        if not 0 < most <= _LARGEST or ("start_step" in query) != ("end_step" in query):
            return _error(400, "INVALID_PARAMETER_VALUE", "max_results, or one end of the steps")
        first, last = int(query.get("start_step", "0")), int(query.get("end_step", str(EPOCHS)))
        if found is None or key not in _METRICS:
            return _json({})
        points = [
            point for point in found.points(key, self._tracking.world.now()) if first <= point[0] <= last
        ]
        metrics = [{**_metric(key, point), "run_id": found.id} for point in points[:most]]
        return _json(_without_empty({"metrics": metrics}))

    async def registered_models(self, _: Request) -> Response:
        return _json(
            _without_empty({"registered_models": [self._model(model) for model in self._tracking.models]})
        )

    async def registered_model(self, request: Request) -> Response:
        model = self._named(request)
        return (
            _json({"registered_model": self._model(model)})
            if model is not None
            else _missing("No such model")
        )

    async def version_list(self, request: Request) -> Response:
        names = {f"name='{model.name}'": model for model in self._tracking.models}
        model = names.get(request.query_params.get("filter", ""))
        trained = self._tracking.versions(model) if model is not None else []
        found = [self._version(each, number) for number, each in enumerate(trained, 1)]
        return _json(_without_empty({"model_versions": found[::-1]}))

    async def version(self, request: Request) -> Response:
        model = self._named(request)
        trained = self._tracking.versions(model) if model is not None else []
        for number, each in enumerate(trained, 1):
            if str(number) == request.query_params.get("version"):
                return _json({"model_version": self._version(each, number)})
        return _missing("No such version")

    async def give_alias(self, request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=_Alias)
        self._tracking.aliases[asked.name, asked.alias] = asked.version
        return _json({})

    async def set_tag(self, request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=_Tag)
        self._tracking.tags.setdefault((asked.name, asked.version), {})[asked.key] = asked.value
        return _json({})

    def _named(self, request: Request) -> Model | None:
        name = request.query_params.get("name", "")
        return next((model for model in self._tracking.models if model.name == name), None)

    def _found(self, run: str) -> Trained | None:
        return next((trained for trained in self._tracking.all() if trained.id == run), None)

    def _model(self, model: Model) -> dict[str, Any]:
        """The champion is the version before the newest one."""
        count = len(self._tracking.versions(model))
        aliases = {"challenger": str(count), "champion": str(count - 1)} if count > 1 else {}
        aliases |= {
            alias: number for (name, alias), number in self._tracking.aliases.items() if name == model.name
        }
        listed = [{"alias": alias, "version": number} for alias, number in aliases.items()]
        return _without_empty({"name": model.name, "aliases": listed})

    def _version(self, trained: Trained, number: int) -> dict[str, Any]:
        tags = self._tracking.tags.get((trained.model.name, str(number)), {})
        return _without_empty(_version(trained, number) | {"tags": _pairs(tags)})

    def _run(self, trained: Trained) -> dict[str, Any]:
        now = self._tracking.world.now()
        status, end = _status(trained), trained.attempt.ended_at
        pages = f"{self._tracking.gitlab_url}/{trained.run.pipeline.path}/-/jobs/{trained.job}"
        tags = {
            "mlflow.user": "root",
            "mlflow.source.name": "train.py",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": trained.run.commit.sha,
            "mlflow.runName": f"{trained.model.name}-{trained.run.version}",
            "gitlab.CI_JOB_ID": str(trained.job),
            "ci.url": pages,
        }
        params = {"lr": "0.05", "epochs": str(EPOCHS), "max_depth": "6"}
        newest = {key: list(trained.points(key, now))[-1:] for key in _METRICS}
        number = 1 + self._tracking.models.index(trained.model)
        info = {
            "run_uuid": trained.id,
            "experiment_id": str(number),
            "run_name": tags["mlflow.runName"],
            "user_id": "root",
            "status": status,
            "start_time": int(trained.began * 1000),
            "artifact_uri": f"mlflow-artifacts:/{number}/{trained.id}/artifacts",
            "lifecycle_stage": "active",
            "run_id": trained.id,
        }
        if end is not None and status != "RUNNING":
            info["end_time"] = int(end * 1000)
        data = {
            "metrics": [_metric(key, point) for key, points in newest.items() for point in points],
            "params": _pairs(params),
            "tags": _pairs(tags),
        }
        return {"info": info, "data": _without_empty(data), "inputs": {}, "outputs": {}}


class _Alias(msgspec.Struct):
    name: str
    alias: str
    version: str


class _Tag(msgspec.Struct):
    name: str
    version: str
    key: str
    value: str


class _Search(msgspec.Struct):
    experiment_ids: list[str] = []
    filter: str = ""
    max_results: int = 1000


def _status(trained: Trained) -> str:
    """Of what was killed MLflow says for ever that it runs."""
    state = trained.attempt.state
    return "RUNNING" if state in _KILLED else _STATUSES.get(state, "FAILED")


def _version(trained: Trained, number: int) -> dict[str, Any]:
    end = trained.attempt.ended_at or trained.began
    return {
        "name": trained.model.name,
        "version": str(number),
        "creation_timestamp": int(end * 1000),
        "source": f"mlflow-artifacts:/1/{trained.id}/artifacts/model",
        "run_id": trained.id,
        "status": "READY",
    }


def _metric(key: str, point: tuple[int, float, float]) -> dict[str, Any]:
    step, at, value = point
    return {"key": key, "value": value, "timestamp": int(at * 1000), "step": step}


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value != []}


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error_code": code, "message": message}, status)


def _missing(message: str) -> Response:
    return _error(404, "RESOURCE_DOES_NOT_EXIST", message)
