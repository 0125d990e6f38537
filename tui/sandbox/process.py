"""Starting, steering and stopping the sandbox as a child process.

Imports nothing that serves: what is measured beside it is the program alone.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

import msgspec

from tui.config import (
    AlarmSettings,
    AlertmanagerSettings,
    CompareSettings,
    GitLabSettings,
    JenkinsSettings,
    Launch,
    MetricSettings,
    MLflowSettings,
    ModelSettings,
    PrometheusSettings,
    RegistrySettings,
    Secret,
    Settings,
    SpinnakerEnvironment,
    SpinnakerSettings,
    TrainingSettings,
    ValidationSettings,
)
from tui.config.alarms import (
    RunsCondition,
    SeriesCondition,
    SourceCondition,
    TestsCondition,
    VerdictCondition,
)
from tui.insight.deployment_rules import Start
from tui.sandbox.scenario import Name, named
from tui.sandbox.world import Scenario

if TYPE_CHECKING:
    from tui.sandbox.faults import Kind

Face = Literal["jenkins", "gitlab", "spinnaker", "prometheus"]
PATIENCE = 120.0
"""Seconds that an answer may take: the sandbox has the same busy machine as who asks it."""
LEAVING = 3.0
"""Seconds that it may take to end before it is killed."""


class SandboxError(Exception):
    """The child process did not start or refused what it was told; the message holds what it said."""


class WriteSeen(msgspec.Struct, frozen=True):
    """A request that was to change something, whatever became of it."""

    method: str
    path: str
    """With its query."""
    body: str


class FaceState(msgspec.Struct, frozen=True):
    requests: int
    """Requests it has had, those that met a fault included."""
    recent: tuple[str, ...]
    """The newest 500 of them, oldest first: method and target."""
    writes: tuple[WriteSeen, ...]
    """All of them, oldest first."""
    fault: str | None


class SandboxState(msgspec.Struct, frozen=True):
    now: float
    """The world's time."""
    scenario: str
    faces: dict[str, FaceState]


class Control:
    """Steers a running sandbox. Its calls block for the few milliseconds that the child needs."""

    def __init__(self, url: str) -> None:
        self._url = url

    def state(self) -> SandboxState:
        return msgspec.convert(self._ask("state"), SandboxState)

    def requests(self, face: Face) -> int:
        """How many requests the face has had."""
        return self.state().faces[face].requests

    def writes(self, face: Face) -> tuple[WriteSeen, ...]:
        """What the face was asked to change, oldest first."""
        return self.state().faces[face].writes

    def advance(self, seconds: float) -> float:
        """Move the world's clock; returns its new time."""
        return float(self._ask("advance", {"seconds": seconds})["now"])

    def fault(self, face: Face, kind: "Kind | None", *, path: str = "", seconds: float = 2.0) -> None:
        """Switch a fault on, or with None off.

        Args:
            path: only requests whose path holds this text are hit; not for ``down``.
            seconds: delay of ``slow``, ``Retry-After`` of ``429``.
        """
        self._ask("fault", {"face": face, "kind": kind, "path": path, "seconds": seconds})

    def options(self, face: Literal["jenkins", "gitlab", "spinnaker"], **values: Any) -> None:
        """Set up the face otherwise, as its ``Options`` say; until the world is replaced."""
        self._ask("options", {"face": face, "values": values})

    def scenario(self, name: str) -> None:
        """Replace the world by a new one that begins now."""
        self._ask("scenario", {"name": name})

    def log(self, address: str) -> bytes:
        """All that was written by now to the log of a Jenkins build, a stage of it, or a GitLab job."""
        return self._raw("log", {"address": address})

    def forget_log(self, address: str) -> None:
        """Erase the log of a GitLab job; have that of a Jenkins build written anew."""
        self._ask("forget", {"address": address})

    def _ask(self, what: str, body: Any = None) -> Any:
        return json.loads(self._raw(what, body))

    def _raw(self, what: str, body: Any) -> bytes:
        from urllib.error import HTTPError
        from urllib.request import ProxyHandler, build_opener

        data = None if body is None else json.dumps(body).encode()
        direct = build_opener(ProxyHandler({}))  # whatever proxy the environment names
        try:
            with direct.open(f"{self._url}/{what}", data, timeout=PATIENCE) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            with error:
                raise SandboxError(f"the sandbox refused {what}: {error.read().decode()}") from None


class Sandbox:
    """A sandbox in a child process, as a context manager.

    Entering takes about half a second and blocks. The child ends with the block, and by itself when this process
    does. In a coroutine, enter it by ``await asyncio.to_thread(sandbox.start)``.

    Args:
        scenario: which world.
        clock: ``manual``: the world stands still until :meth:`Control.advance`.
        start: when the world begins, seconds since the epoch; None: now.
        stages: what its Jenkins tells stages by: stages, pipeline-overview, wfapi or none.
        jobs: Jenkins jobs of ``many``.
        projects: GitLab projects of ``many``.
        core: the version of its Jenkins: before 2.509, since, and since 2.534 logs are sent in different ways.
        trace_every: seconds between two times that a GitLab runner sends its log (a real one: 60).
    """

    def __init__(
        self,
        scenario: Name = "demo",
        *,
        clock: Literal["real", "manual"] = "real",
        start: float | None = None,
        seed: int = 7,
        stages: Literal["stages", "pipeline-overview", "wfapi", "none"] = "pipeline-overview",
        jobs: int = 200,
        projects: int = 50,
        core: str = "2.516.3",
        trace_every: float = 10.0,
    ) -> None:
        self._command = [sys.executable, "-m", "tui.sandbox", "--scenario", scenario, "--clock", clock]
        self._command += ["--seed", str(seed), "--stages", stages]
        self._command += ["--jobs", str(jobs), "--projects", str(projects)]
        self._command += ["--core", core, "--trace-every", str(trace_every)]
        if start is not None:
            self._command += ["--start", str(start)]
        self._scenario = named(scenario, jobs, projects)
        self._child: subprocess.Popen[bytes] | None = None
        self._addresses: dict[str, str] = {}

    def start(self) -> Self:
        """Start the child and wait until it listens.

        Raises:
            SandboxError: it ended instead.
        """
        with tempfile.TemporaryFile() as errors:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=Path(__file__).parents[2],
                start_new_session=True,  # what the terminal signals is for the dashboard
            )
            assert self._child.stdout is not None
            line = self._child.stdout.readline()
            if not line:
                self.stop()
                errors.seek(0)
                message = errors.read().decode(errors="replace").strip()
                raise SandboxError(f"the sandbox did not start: {message or 'it said nothing'}")
        self._addresses = json.loads(line)
        return self

    def stop(self) -> None:
        """End the child and wait for its end; nothing if it has ended already."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.close()
            try:
                child.wait(timeout=LEAVING)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        finally:
            child.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def addresses(self) -> dict[str, str]:
        """Where it listens, and the credentials that it takes: what :meth:`running` needs elsewhere."""
        return self._addresses

    @classmethod
    def running(cls, addresses: Mapping[str, str]) -> Self:
        """One that another process has started, in the world of the demo; it cannot be started or stopped here."""
        found = cls(cast("Name", addresses["scenario"]))
        found._addresses = dict(addresses)
        return found

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is no child."""
        return self._child.pid if self._child else None

    @property
    def urls(self) -> dict[str, str]:
        """The url of each face, prefix included."""
        return {face: self._addresses[face] for face in get_args(Face)}

    @property
    def control(self) -> Control:
        return Control(self._addresses["control"])

    def settings(self, *, alarms: bool = False) -> Settings:
        """A configuration that shows all of it; with ``alarms``, those too, and those of Prometheus."""
        token = Secret(self._addresses["token"])
        groups = sorted({p.path.split("/")[0] for p in self._scenario.pipelines if p.system == "gitlab"})
        return Settings(
            sources={
                "jenkins": JenkinsSettings(
                    url=self._addresses["jenkins"],
                    user=self._addresses["user"],
                    token=token,
                    timeout=PATIENCE,
                    connect_timeout=PATIENCE,
                    deployments=self._scenario.rules,
                ),
                "gitlab": GitLabSettings(
                    url=self._addresses["gitlab"],
                    token=token,
                    timeout=PATIENCE,
                    connect_timeout=PATIENCE,
                    watch=tuple(f"{group}/**" for group in groups),
                    refs=("main", "release/*"),
                ),
                **self._spinnaker(token),
                "prometheus": PrometheusSettings(
                    url=self._addresses["prometheus"],
                    timeout=PATIENCE,
                    connect_timeout=PATIENCE,
                    alerts=alarms,
                ),
                **(
                    {"alertmanager": AlertmanagerSettings(url=self._beside("alertmanager"))} if alarms else {}
                ),
                **self._mlflow(),
            },
            models={
                model.name: ModelSettings(
                    title=model.title,
                    pipelines=model.pipelines,
                    environment=model.environment,
                    namespace=model.namespace,
                    metrics=("p95", "errors", "accuracy"),
                    requests="requests",
                    validation=model.validation,
                    evidence=model.evidence,
                    blue_green=model.blue_green,
                    retrain=Launch(pipeline=model.retrain) if model.retrain else None,
                    **(_trained(model.name) if model.training else {}),
                )
                for model in self._scenario.models
            },
            metrics=METRICS,
            alarms=_alarms(self._scenario) if alarms else {},
        )

    def _spinnaker(self, token: Secret) -> dict[str, SpinnakerSettings]:
        """In the worlds that have one."""
        applications = sorted(
            {p.path.partition("/")[0] for p in self._scenario.pipelines if p.system == "spinnaker"}
        )
        if not applications:
            return {}
        (application,) = applications
        return {
            "spinnaker": SpinnakerSettings(
                url=self._addresses["spinnaker"],
                token=token,
                timeout=PATIENCE,
                connect_timeout=PATIENCE,
                watch=(application,),
                environments={
                    "production": SpinnakerEnvironment(
                        application=application,
                        region="production",
                        cluster=f"deployment {application}",
                        canary=f"deployment {application}-canary",
                        rollback=Start(job=f"{application}/Roll back", parameters={"VERSION": "{version}"}),
                    )
                },
            )
        }

    def _mlflow(self) -> dict[str, MLflowSettings]:
        """In the worlds whose jobs train something."""
        if not any(model.training for model in self._scenario.models):
            return {}
        settings = MLflowSettings(url=self._beside("mlflow"), timeout=PATIENCE, connect_timeout=PATIENCE)
        return {"mlflow": settings}

    def _beside(self, name: str) -> str:
        """What is served at the port of the Prometheus."""
        return self._addresses["prometheus"].removesuffix("prometheus") + name


def _trained(model: str) -> dict[str, Any]:
    """Where a model's training and its versions are told of."""
    metrics = {
        "val_auc": ValidationSettings(better="higher", max_worse=0.01),
        "val_loss": ValidationSettings(better="lower", max_worse="5%"),
    }
    return {
        "training": TrainingSettings(source="mlflow", experiments=(model,), metric="val_loss"),
        "registry": RegistrySettings(source="mlflow", model=model, metrics=metrics),
    }


def _alarms(scenario: Scenario) -> dict[str, AlarmSettings]:
    """For each model what a team would want to know of, and of failing deployments and lost sources."""
    alarms: dict[str, AlarmSettings] = {}
    for model in scenario.models:
        alarms[f"slow-{model.name}"] = AlarmSettings(
            series=SeriesCondition(model=model.name, metric="p95", above=180),
            for_="2m",
            clear=170,
            keep="2m",
            propose=("rollback",),
        )
        alarms[f"worse-{model.name}"] = AlarmSettings(
            verdict=VerdictCondition(model=model.name),
            for_="1m",
            severity="critical",
            propose=("rollback", "retrain"),
        )
    deploying = tuple(f"{pipeline.system}:{pipeline.path}" for pipeline in scenario.pipelines)
    alarms["new-test-failures"] = AlarmSettings(
        tests=TestsCondition(pipelines=deploying, new_failures=3), propose=("rollback", "retrain")
    )
    alarms["failing-twice"] = AlarmSettings(runs=RunsCondition(pipelines=deploying, consecutive=2))
    alarms["jenkins-lost"] = AlarmSettings(source=SourceCondition(name="jenkins", unreachable_for="1m"))
    return alarms


_SERVED = 'model="{model}", environment="{environment}", track="{track}"'
METRICS = {
    "p95": MetricSettings(
        source="prometheus",
        title="latency p95",
        unit="ms",
        scale=1000,
        warn=180,
        fail=250,
        judge_window="1m",
        compare=CompareSettings(max_worse="10%", group="service"),
        query="histogram_quantile(0.95, sum by (le) "
        f"(rate(model_request_duration_seconds_bucket{{{_SERVED}}}[{{window}}])))",
    ),
    "errors": MetricSettings(
        source="prometheus",
        title="errors",
        unit="%",
        scale=100,
        warn=1.5,
        fail=3,
        judge_window="1m",
        compare=CompareSettings(max_worse=0.5, group="service"),
        query=f'sum(rate(model_requests_total{{{_SERVED}, code=~"5.."}}[{{window}}])) '
        f"/ sum(rate(model_requests_total{{{_SERVED}}}[{{window}}]))",
    ),
    "accuracy": MetricSettings(
        source="prometheus",
        title="accuracy",
        better="higher",
        warn=0.93,
        fail=0.91,
        compare=CompareSettings(max_worse=0.005, group="quality", critical=True),
        query=f"max(model_accuracy{{{_SERVED}}})",
    ),
    "requests": MetricSettings(
        source="prometheus", query=f"sum(increase(model_requests_total{{{_SERVED}}}[{{window}}]))"
    ),
}
"""Queries that the Prometheus face understands."""
