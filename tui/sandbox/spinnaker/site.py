"""The world in Orca's words: executions with their stages, in full or as lists tell them."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from tui.sandbox.plan import Attempt, Progress, State, Task, TaskState
from tui.sandbox.spinnaker.options import Deeds, Options
from tui.sandbox.world import Pipeline, Run, World

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STATES = {
    State.CREATED: "NOT_STARTED",
    State.QUEUED: "RUNNING",
    State.WAITING: "RUNNING",
    State.RUNNING: "RUNNING",
    State.PASSED: "SUCCEEDED",
    State.WARNING: "SUCCEEDED",
    State.FAILED: "TERMINAL",
    State.CANCELED: "CANCELED",
    State.SKIPPED: "NOT_STARTED",
}
ACTIVE = ("RUNNING", "PAUSED", "NOT_STARTED")
THRESHOLDS = {"pass": 75, "marginal": 50}


def ulid(at: float, number: int) -> str:
    value = (int(at * 1000) << 80) | number
    return "".join(_LETTERS[(value >> shift) & 31] for shift in range(125, -1, -5))


def number_of(id_: str) -> int:
    """The number that a ULID was made with; 0 for what is none."""
    try:
        value = 0
        for letter in id_:
            value = value << 5 | _LETTERS.index(letter)
    except ValueError:
        return 0
    return value & ((1 << 80) - 1) if len(id_) == 26 else 0


def config_id(pipeline: Pipeline) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"spinnaker:{pipeline.path}"))


class Site:
    def __init__(self, world: World, options: Options, deeds: Deeds) -> None:
        self.world = world
        self.options = options
        self.deeds = deeds

    # --- pipelines --------------------------------------------------------------------------------------------------

    def pipelines(self, application: str | None = None) -> list[Pipeline]:
        return [
            each
            for each in self.world.pipelines("spinnaker")
            if application is None or application_of(each).lower() == application.lower()
        ]

    @property
    def applications(self) -> list[str]:
        return sorted({application_of(each) for each in self.pipelines()})

    def config(self, pipeline: Pipeline) -> dict[str, Any]:
        return {
            "application": application_of(pipeline),
            "id": config_id(pipeline),
            "index": 0,
            "name": name_of(pipeline),
            "disabled": pipeline.disabled,
            "keepWaitingPipelines": False,
            "limitConcurrent": True,
            "lastModifiedBy": "anonymous",
            "parameterConfig": [
                {
                    "name": name,
                    "label": "",
                    "description": "",
                    "required": True,
                    "default": "" if "{" in value else value,
                    "hasOptions": False,
                    "options": [{"value": ""}],
                    "pinned": False,
                }
                for name, value in pipeline.parameters
            ],
            "stages": [],
            "triggers": [],
            "updateTs": "1754974290764",
        }

    def run(self, id_: str) -> Run | None:
        found = self.world.run(number_of(id_))
        return found if found is not None and found.pipeline.system == "spinnaker" else None

    def id_of(self, run: Run) -> str:
        return ulid(run.created_at, run.id)

    # --- executions -------------------------------------------------------------------------------------------------

    def status(self, run: Run, seen: Progress | None = None) -> str:
        seen = seen or self.world.progress(run)
        if run.id in self.deeds.paused and not seen.state.finished:
            return "PAUSED"
        if seen.state is State.QUEUED:
            return "NOT_STARTED"
        if seen.state is State.CANCELED and run.id not in self.deeds.canceled:
            return "TERMINAL"  # a judgment said stop
        return _STATES[seen.state]

    def execution(self, run: Run, *, expand: bool) -> dict[str, Any]:
        seen, pipeline = self.world.progress(run), run.pipeline
        canceled = self.deeds.canceled.get(run.id)
        found: dict[str, Any] = {
            "type": "PIPELINE",
            "id": self.id_of(run),
            "application": application_of(pipeline),
            "name": name_of(pipeline),
            "buildTime": _ms(run.created_at),
            "canceled": canceled is not None,
            "limitConcurrent": True,
            "maxConcurrentExecutions": 0,
            "keepWaitingPipelines": False,
            "stages": list(self._stages(run, seen, expand)),
            "startTime": _ms(seen.started_at or (run.begins_at if seen.state is not State.QUEUED else None)),
            "endTime": _ms(seen.ended_at),
            "status": self.status(run, seen),
            "authentication": {"user": run.who, "allowedAccounts": ["ml-k8s"]},
            "origin": "api",
            "trigger": self._trigger(run),
            "pipelineConfigId": config_id(pipeline),
            "notifications": [],
            "initialConfig": {},
            "systemNotifications": [],
            "spelEvaluator": "v4",
            "templateVariables": {},
        }
        if canceled is not None:
            found |= {"canceledBy": canceled[0], "cancellationReason": canceled[1]}
        if (since := self.deeds.paused.get(run.id)) is not None:
            found["paused"] = {"pausedBy": self.options.user, "pauseTime": _ms(since)}
        return found

    def _trigger(self, run: Run) -> dict[str, Any]:
        kind = {"user": "manual", "timer": "cron"}.get(run.cause, "git")
        found: dict[str, Any] = {
            "type": kind,
            "user": run.who,
            "parameters": dict(run.parameters),
            "artifacts": [],
            "notifications": [],
            "rebake": False,
            "dryRun": False,
            "strategy": False,
            "resolvedExpectedArtifacts": [],
            "expectedArtifacts": [],
            "executionId": self.id_of(run),
            "enabled": False,
            "preferred": False,
        }
        if kind == "git":
            found |= {"branch": run.pipeline.ref, "hash": run.commit.sha, "source": "github"}
        if mark := self.deeds.marks.get(run.id):
            found["correlationId"] = mark
        return found

    # --- stages -----------------------------------------------------------------------------------------------------

    def stage_id(self, run: Run, index: int, part: int = 0) -> str:
        return ulid(run.created_at, (run.id << 24) | (index << 8) | part | 1 << 70)

    def stage_of(self, id_: str) -> tuple[Run, TaskState, bool] | None:
        """Run and task of a stage, and whether it is the judgment before it."""
        number = number_of(id_) & ((1 << 70) - 1)
        run = self.world.run(number >> 24)
        index = number >> 8 & 0xFFFF
        if run is None or run.pipeline.system != "spinnaker" or index >= len(run.tasks):
            return None
        return run, self.world.progress(run).tasks[index], number & 255 == JUDGE

    def _stages(self, run: Run, seen: Progress, expand: bool) -> Iterator[dict[str, Any]]:
        index_of = {state.task.id: index for index, state in enumerate(seen.tasks)}
        for index, state in enumerate(seen.tasks):
            needs = [_last_ref(seen.tasks[index_of[need]].task, index_of[need]) for need in state.task.needs]
            if state.task.gate:
                yield self._judgment(run, state, index, needs, expand)
                needs = [f"{index + 1}00"]
                if not _works(state.task):
                    continue
            yield from self._work(run, state, index, needs, expand)

    def _judgment(
        self, run: Run, state: TaskState, index: int, needs: Sequence[str], expand: bool
    ) -> dict[str, Any]:
        last, id_ = state.last, self.stage_id(run, index, JUDGE)
        judged = self.deeds.judged.get(id_)
        ended = last.started_at or (last.ended_at if last.state is not State.CREATED else None)
        status = "NOT_STARTED"
        if last.state is State.WAITING:
            status = "RUNNING"
        elif last.state is State.CANCELED and last.started_at is None:
            stopped = "FAILED_CONTINUE" if self.options.stop_goes_on else "TERMINAL"
            status = stopped if judged is not None else "CANCELED"
        elif last.started_at is not None:
            status = "SUCCEEDED"
        context: dict[str, Any] = {
            "instructions": state.task.gate,
            "judgmentInputs": [{"value": each} for each in self.options.inputs],
            "notifications": [],
            "failPipeline": True,
            "continuePipeline": self.options.stop_goes_on,
        }
        if self.options.judges:
            context["selectedStageRoles"] = list(self.options.judges)
        if judged is not None:
            context |= {"judgmentStatus": judged.status, "lastModifiedBy": judged.who}
            if judged.given:
                context["judgmentInput"] = judged.given
        elif status == "SUCCEEDED":
            context |= {"judgmentStatus": "continue", "lastModifiedBy": run.who}
        found = self._stage(
            id_, f"{index + 1}00", "manualJudgment", "Manual Judgment", needs, context, expand
        )
        found |= {
            "status": status,
            "startTime": _ms(last.ready_at) if status != "NOT_STARTED" else None,
            "endTime": _ms(ended) if status not in ("NOT_STARTED", "RUNNING") else None,
        }
        if judged is not None:
            found["lastModified"] = {
                "user": judged.who,
                "allowedAccounts": [],
                "lastModifiedTime": _ms(judged.at),
            }
        return found

    def _work(
        self, run: Run, state: TaskState, index: int, needs: Sequence[str], expand: bool
    ) -> Iterator[dict[str, Any]]:
        task, last = state.task, state.last
        kind = task.stage or ("deployManifest" if task.environment else "runJobManifest")
        id_, ref = self.stage_id(run, index), str(index + 1)
        context = self._context(run, task, last, kind) if expand else {}
        if len(state.attempts) > 1:
            context["restartDetails"] = {"restartedBy": "you", "restartTime": _ms(last.ready_at)}
        found = self._stage(id_, ref, kind, task.name, needs, context, expand)
        begun = last.started_at if not task.gate or last.started_at is not None else None
        status = _STATES[last.state]
        if task.gate and last.started_at is None:
            status = "NOT_STARTED"
        if last.state is State.QUEUED and begun is None:
            begun = last.ready_at
        found |= {"status": status, "startTime": _ms(begun), "endTime": _ms(last.ended_at if begun else None)}
        if expand:
            found["tasks"] = _tasks(kind, found)
        yield found
        if kind == "kayentaCanary" and begun is not None:
            yield from self._intervals(run, index, found, expand)

    def _intervals(
        self, run: Run, index: int, parent: dict[str, Any], expand: bool
    ) -> Iterator[dict[str, Any]]:
        """Run and wait, as often as there are scores; each takes its part of the time."""
        begun, scores = parent["startTime"], self.options.scores
        whole = _ms(run.tasks[index].seconds) or 1
        part = whole / len(scores)
        now = parent["endTime"] or _ms(self.world.now()) or 0
        runner = self.stage_id(run, index, 10)
        owner = f"{index + 1}<1"
        stage = self._stage(runner, owner, "runCanaryIntervals", "Run Canary Intervals", [], {}, expand)
        stage |= {"parentStageId": parent["id"], "syntheticStageOwner": "STAGE_BEFORE"}
        yield stage | {key: parent[key] for key in ("status", "startTime", "endTime")}
        for number, score in enumerate(scores, 1):
            start, end = begun + round((number - 1) * part), begun + round(number * part)
            status = "SUCCEEDED" if end <= now else "RUNNING" if start <= now else "NOT_STARTED"
            if parent["status"] == "CANCELED" and status == "RUNNING":
                status = "CANCELED"
            for step, kind, name in ((1, "wait", "Interval Wait"), (2, "runCanary", "Run Canary")):
                middle = start + round(part * 0.8)
                times = (start, middle) if kind == "wait" else (middle, end)
                known = status
                if status == "RUNNING":
                    known = (
                        "SUCCEEDED" if times[1] <= now else "RUNNING" if times[0] <= now else "NOT_STARTED"
                    )
                context: dict[str, Any] = {"waitTime": round(part * 0.8 / 1000)} if kind == "wait" else {}
                if kind == "runCanary":
                    context = {
                        "canaryConfigId": "ranking-canary",
                        "canaryPipelineExecutionId": f"{parent['id']}-{number}",
                        "storageAccountName": "kayenta-store",
                        "metricsAccountName": "prometheus",
                        "scoreThresholds": THRESHOLDS,
                    }
                    if known == "SUCCEEDED":
                        context |= {"canaryScore": int(score), "canaryPipelineStatus": "SUCCEEDED"}
                ref = f"{number * 2 - 2 + step}<{owner}"
                needs = [f"{number * 2 - 3 + step}<{owner}"] if (number, step) != (1, 1) else []
                id_ = self.stage_id(run, index, 20 + number * 2 + step)
                stage = self._stage(id_, ref, kind, f"{name} #{number}", needs, context, expand)
                stage |= {"parentStageId": runner, "syntheticStageOwner": "STAGE_BEFORE", "status": known}
                stage["startTime"] = times[0] if known != "NOT_STARTED" else None
                stage["endTime"] = times[1] if known == "SUCCEEDED" else None
                yield stage

    def _context(self, run: Run, task: Task, last: Attempt, kind: str) -> dict[str, Any]:
        application = application_of(run.pipeline)
        if kind == "deployManifest":
            cluster = cluster_of(application, task)
            names = {task.environment: [cluster]}
            manifest = deployment(application, task.environment, cluster, version_of(run))
            return {
                "account": account_of(task.environment),
                "cloudProvider": "kubernetes",
                "deploy.account.name": account_of(task.environment),
                "manifests": [manifest],
                "outputs.manifestNamesByNamespace": names if last.state.finished else {},
                "outputs.manifests": [manifest] if last.state.finished else [],
                "kato.tasks": [
                    {
                        "id": "01",
                        "status": {"completed": last.state.finished, "failed": last.state is State.FAILED},
                        "history": [
                            {"phase": "ORCHESTRATION", "status": "Initializing Orchestration Task..."},
                            {
                                "phase": "DEPLOY_KUBERNETES_MANIFEST",
                                "status": f"Submitting manifest {cluster}",
                            },
                        ],
                    }
                ],
            }
        if kind == "jenkins":
            return self._build(run, task, last)
        if kind == "kayentaCanary":
            every = self.options.scores
            whole = {"canaryScores": [int(each) for each in every]} if last.state.finished else {}
            return {
                "canaryConfig": {
                    "canaryConfigId": "ranking-canary",
                    "lifetimeDuration": "PT0H3M",
                    "scoreThresholds": {name: str(value) for name, value in THRESHOLDS.items()},
                },
                **whole,
            }
        if kind == "wait":
            return {"waitTime": round(task.seconds)}
        state = {"jobState": "Succeeded"} if last.state.finished else {"jobState": "Running"}
        if last.state is State.FAILED:
            state = {"jobState": "Failed", "message": "Job has reached the specified backoff limit"}
            state["failureDetails"] = f"{task.name} exited with 1"
        return {
            "account": "ml-k8s",
            "jobStatus": {
                **state,
                "account": "ml-k8s",
                "location": "ml",
                "pods": [{"name": pod_of(run, task)}],
            },
        }

    def _build(self, run: Run, task: Task, last: Attempt) -> dict[str, Any]:
        """The newest run of the Jenkins job when the stage began."""
        found: dict[str, Any] = {"master": self.options.masters, "job": task.starts}
        begun = last.started_at
        jobs = self.world.pipelines("jenkins", task.starts)
        builds = self.world.runs(jobs[0]) if jobs and begun is not None else ()
        build = next((each for each in builds if each.created_at <= (begun or 0.0)), None)
        if build is not None:
            path = "".join(f"job/{part}/" for part in task.starts.replace("%", "%25").split("/"))
            found |= {
                "buildNumber": build.number,
                "buildInfo": {
                    "url": f"{self.options.jenkins_url.rstrip('/')}/{path}{build.number}/",
                    "number": build.number,
                    "building": not last.state.finished,
                    "result": "SUCCESS" if last.state.finished else None,
                    "scm": [{"name": "git", "branch": build.pipeline.ref, "sha1": build.commit.sha}],
                },
            }
        return found

    @staticmethod
    def _stage(
        id_: str, ref: str, kind: str, name: str, needs: Sequence[str], context: dict[str, Any], expand: bool
    ) -> dict[str, Any]:
        return {
            "id": id_,
            "refId": ref,
            "type": kind,
            "name": name,
            "status": "NOT_STARTED",
            "startTime": None,
            "endTime": None,
            "context": context if expand else {},
            "outputs": {},
            "tasks": [],
            "requisiteStageRefIds": list(needs),
        }


JUDGE = 1
"""The part of a task that is the judgment before it."""


def _works(task: Task) -> bool:
    """Something comes after its judgment."""
    return task.seconds > 0


def _last_ref(task: Task, index: int) -> str:
    return str(index + 1) if not task.gate or _works(task) else f"{index + 1}00"


def _tasks(kind: str, stage: dict[str, Any]) -> list[dict[str, Any]]:
    if stage["startTime"] is None:
        return []
    names = {"deployManifest": ("deployManifest", "waitForManifestToStabilize")}.get(
        kind, (f"run{kind.title()}",)
    )
    return [
        {
            "id": str(number),
            "implementingClass": f"com.netflix.spinnaker.orca.{name}",
            "name": name,
            "startTime": stage["startTime"],
            "endTime": stage["endTime"],
            "status": stage["status"],
            "stageStart": number == 1,
            "stageEnd": number == len(names),
            "loopStart": False,
            "loopEnd": False,
        }
        for number, name in enumerate(names, 1)
    ]


def application_of(pipeline: Pipeline) -> str:
    return pipeline.path.partition("/")[0]


def name_of(pipeline: Pipeline) -> str:
    return pipeline.path.partition("/")[2]


def version_of(run: Run) -> str:
    """What it deploys: the version it was told, else its own."""
    return dict(run.parameters).get("VERSION") or dict(run.parameters).get("MODEL_VERSION") or run.version


def account_of(environment: str) -> str:
    return f"{environment}-k8s"


def is_canary(task: Task) -> bool:
    return "canary" in task.name.lower()


def cluster_of(application: str, task: Task) -> str:
    return f"deployment {application}{'-canary' if is_canary(task) else ''}"


def pod_of(run: Run, task: Task) -> str:
    return f"{task.name.lower().replace(' ', '-')}-{run.number}"


def deployment(application: str, namespace: str, cluster: str, version: str) -> dict[str, Any]:
    name = cluster.partition(" ")[2]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}, "annotations": {}},
        "spec": {
            "replicas": 3,
            "template": {
                "spec": {"containers": [{"name": name, "image": f"registry.example/{application}:{version}"}]}
            },
        },
    }


def _ms(at: float | None) -> int | None:
    return round(at * 1000) if at is not None else None
