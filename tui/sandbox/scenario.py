"""The worlds the sandbox can be: one to look at, one to measure load with, one of deployments."""

from collections.abc import Callable
from math import inf
from typing import Literal

import msgspec

from tui.insight.deployment_rules import Canary, DeploymentRule, Start, Weight, WordPart
from tui.sandbox.deployments import deployments
from tui.sandbox.plan import Form, Group, RunField, State, Task, plan
from tui.sandbox.world import Model, Pipeline, Scenario

_WARNING = (State.WARNING,)
_FLAKY = (State.FAILED, State.PASSED)


def _side_by_side(name: str, *parts: Task | Group) -> Group:
    return Group(name, parts, parallel=True)


def _in_turn(name: str, *parts: Task | Group) -> Group:
    return Group(name, parts)


def _fraud(environment: str = "production") -> tuple[Task, ...]:
    """A GitLab pipeline with most of what one can have: shards, needs, a retry, a child pipeline, a gate."""
    shards = tuple(f"train/train {n}/4" for n in range(1, 5))
    return plan(
        _side_by_side(
            "check",
            Task("lint", 6, label="docker"),
            Task("unit tests", 14, label="docker", tests=240, fails=0.05),
        ),
        _side_by_side(
            "train",
            *(
                Task(
                    f"train {n}/4",
                    24 + 3 * n,
                    wait=5,
                    label="gpu",
                    outcomes=_FLAKY if n == 3 else (State.PASSED,),
                )
                for n in range(1, 5)
            ),
            Task("docs", 5, dag=True, needs=("check/lint",), optional=True, fails=0.2),
        ),
        _side_by_side(
            "validate",
            Task("validate", 12, dag=True, needs=shards, label="docker", fails=0.15, metrics=True),
            Task("bias report", 9, dag=True, needs=shards, label="docker", optional=True, fails=0.3),
        ),
        _side_by_side(
            "package",
            Task(
                "model card",
                child=plan(
                    _side_by_side(
                        "render", Task("figures", 6), Task("text", 4), Task("card tests", 3, tests=12)
                    ),
                    _side_by_side("publish", Task("pages", 5)),
                ),
            ),
        ),
        _side_by_side(
            "canary",
            Task(
                "deploy canary",
                10,
                dag=True,
                needs=("validate/validate",),
                environment=environment,
                label="docker",
            ),
        ),
        _side_by_side(
            "promote",
            Task(
                "promote",
                8,
                dag=True,
                needs=("canary/deploy canary",),
                gate="Promote the canary to all traffic?",
                environment=environment,
            ),
            Task("roll back", 6, gate="Take the canary out?", optional=True),
        ),
    )


def _churn() -> tuple[Task, ...]:
    """A Declarative Jenkins pipeline of a multibranch project."""
    return plan(
        Task("Declarative: Checkout SCM", 2),
        _side_by_side("Test", Task("Unit", 9, tests=150, fails=0.08), Task("Lint", 5)),
        Task("Build image", 8),
        Task("Integration", 14, label="linux", wait=2),
        Task("Declarative: Post Actions", 1, always=True),
    )


def _vision() -> tuple[Task, ...]:
    """A scripted Jenkins pipeline with nested stages inside parallel branches."""
    shards = (
        _in_turn(f"shard-{n}", Task("Warm up", 4), Task("Fit", 28 + 6 * n, fails=0.04), Task("Evaluate", 5))
        for n in range(4)
    )
    return plan(
        Task("Checkout", 3),
        Task("Prepare data", 9),
        _side_by_side("Train", *shards),
        Task("Merge", 5),
        Task("Validate", 10, metrics=True),
    )


_PROMOTION = Form(
    (
        RunField("STRATEGY", "Choice", "rolling", ("rolling", "blue-green"), "how the traffic is moved"),
        RunField("NOTE", help="for the release notes"),
        RunField("NOTIFY", "Boolean", True, help="tell the team"),
        RunField("PIN", "Password", help="any will do: nobody looks at it"),
    )
)


def _deploy() -> tuple[Task, ...]:
    """A Jenkins deployment with a canary and a gate."""
    return plan(
        Task("Declarative: Checkout SCM", 2),
        _side_by_side("Test", Task("Unit", 8, tests=120, outcomes=_WARNING), Task("Smoke", 5, metrics=True)),
        Task("Deploy canary", 10, environment="production"),
        Task("Watch canary", 15),
        Task(
            "Promote", 6, gate="Promote {version} to production?", form=_PROMOTION, environment="production"
        ),
        Task("Declarative: Post Actions", 1, always=True),
    )


def _rollout() -> tuple[Task, ...]:
    """The same without tests."""
    return plan(
        Task("Deploy canary", 10, environment="production"),
        Task("Watch canary", 15),
        Task("Promote", 6, gate="Promote {version} to production?", environment="production"),
    )


def _failing() -> tuple[Task, ...]:
    return plan(
        Task("Checkout", 2),
        Task("Train", 12),
        Task("Validate", 6, outcomes=(State.FAILED,)),
        Task("Publish", 5),
        Task("Declarative: Post Actions", 1, always=True),
    )


def _rule(jobs: str, back: str) -> DeploymentRule:
    """Their runs are deployments, with a canary while they wait; ``back`` is started to go back."""
    return DeploymentRule(
        job=jobs,
        environment=WordPart(parameter="TARGET"),
        version=WordPart(parameter="MODEL_VERSION"),
        canary=Canary(input="(?i)promote"),
        weight=Weight(parameter="CANARY_PERCENT"),
        unstable=True,
        rollback=Start(job=back, parameters={"TARGET": "{environment}", "MODEL_VERSION": "{version}"}),
    )


def demo() -> Scenario:
    """A handful of models. At the start one run is half way, one gate waits, one pipeline has failed."""
    return Scenario(
        pipelines=(
            Pipeline(
                system="gitlab",
                path="ml/fraud",
                tasks=_fraud("staging"),
                every=170,
                age=35,
                history=14,
                patience=55,
                description="Fraud detection for card payments",
            ),
            Pipeline(
                system="gitlab",
                path="ml/fraud",
                ref="release/2026.11",
                tasks=_fraud(),
                age=9000,
                history=3,
                history_every=5400,
            ),
            Pipeline(
                system="gitlab",
                path="ml/ranking",
                every=62,
                age=40,
                history=12,
                history_every=1100,
                cause="timer",
                tasks=plan(
                    _side_by_side("test", Task("pytest", 11, tests=90, fails=0.1), Task("types", 6)),
                    _side_by_side(
                        "train", *(Task(f"retrain {n}/2", 3 + 9 * n, label="gpu", wait=5) for n in (1, 2))
                    ),
                    _side_by_side("deploy", Task("staging", 7, environment="staging")),
                ),
                description="Search ranking, retrained all day",
            ),
            Pipeline(
                system="gitlab",
                path="ml/features/store",
                ref="main",
                age=2400,
                history=6,
                history_every=4000,
                tasks=plan(
                    _side_by_side("build", Task("build", 20)),
                    _side_by_side("test", Task("contract tests", 15, tests=60, outcomes=(State.FAILED,))),
                    _side_by_side("deploy", Task("deploy", 10, environment="production")),
                ),
                description="Feature store",
            ),
            Pipeline(
                system="gitlab",
                path="ml/sandbox",
                age=86400,
                history=1,
                tasks=plan(_side_by_side("test", Task("hello", 3))),
            ),
            Pipeline(
                system="jenkins",
                path="ml-service/main",
                kind="branch",
                tasks=_churn(),
                every=95,
                age=20,
                wait=5,
                history=12,
            ),
            Pipeline(
                system="jenkins",
                path="ml-service/feature%2Fnew-head",
                ref="feature/new-head",
                kind="branch",
                tasks=_churn(),
                every=210,
                age=140,
                history=4,
                history_every=3100,
            ),
            Pipeline(
                system="jenkins",
                path="ml-service/feature%2F[wip]",
                ref="feature/[wip]",
                kind="branch",
                tasks=_churn(),
                age=7300,
                history=2,
            ),
            Pipeline(
                system="jenkins",
                path="ml/vision/train-resnet",
                tasks=_vision(),
                every=150,
                age=30,
                history=9,
                cause="timer",
                parameters=(("EPOCHS", "12"), ("DATASET", "cells-2026")),
            ),
            Pipeline(
                system="jenkins",
                path="deploy-model",
                tasks=_deploy(),
                age=2 * 3600,
                history=7,
                history_every=2600,
                cause="user",
                parameters=(
                    ("MODEL_VERSION", "{version}"),
                    ("TARGET", "production"),
                    ("DRY_RUN", "false"),
                    ("CANARY_PERCENT", "10"),
                ),
                description="Puts a churn model into production, canary first",
            ),
            Pipeline(
                system="jenkins",
                path="ml/vision/deploy",
                tasks=_rollout(),
                age=200,
                history=4,
                history_every=40000,
                cause="user",
                parameters=(
                    ("MODEL_VERSION", "{version}"),
                    ("TARGET", "production"),
                    ("CANARY_PERCENT", "10"),
                ),
            ),
            Pipeline(
                system="jenkins", path="failing-pipeline", tasks=_failing(), age=700, history=5, cause="timer"
            ),
            Pipeline(
                system="jenkins",
                path="ml/évaluation nightly",
                kind="freestyle",
                tasks=plan(Task("build", 25)),
                every=240,
                age=200,
                wait=12,
                label="linux",
                history=8,
                cause="timer",
            ),
            Pipeline(
                system="jenkins",
                path="old-import",
                kind="freestyle",
                tasks=plan(Task("build", 8)),
                age=260000,
                history=2,
                disabled=True,
            ),
            Pipeline(system="jenkins", path="never-built", tasks=_failing()),
            Pipeline(
                system="jenkins",
                path="needs-gpu",
                kind="freestyle",
                tasks=plan(Task("build", 60)),
                age=900,
                history=1,
                cause="user",
                wait=inf,
                label="gpu&&h100",
            ),
            Pipeline(
                system="jenkins",
                path="ml/vision/quantize",
                age=95,
                history=3,
                cause="user",
                tasks=plan(
                    Task("Checkout", 3), Task("Quantize", 30, wait=inf, label="gpu&&h100"), Task("Publish", 4)
                ),
            ),
        ),
        models=(
            Model(
                name="fraud",
                title="Fraud detection",
                pipelines=("gitlab:ml/fraud",),
                validation="metrics.json",
                evidence=("evaluation.json",),
                retrain="gitlab:ml/fraud",
                drift=1.0,
            ),
            Model(
                name="churn",
                title="Churn",
                pipelines=("jenkins:deploy-model", "jenkins:ml-service/*"),
                validation="metrics.json",
                evidence=("evaluation.json",),
            ),
            Model(
                name="vision",
                title="Cell vision",
                pipelines=("jenkins:ml/vision/*",),
                retrain="jenkins:ml/vision/train-resnet",
                drift=0.15,
            ),
        ),
        rules=(_rule("deploy-*", "deploy-model"), _rule("ml/vision/deploy", "ml/vision/deploy")),
    )


def _ranking() -> tuple[Task, ...]:
    """A Spinnaker delivery: what Jenkins built, a canary that Kayenta judges, and a judgment."""
    return plan(
        _side_by_side(
            "prepare",
            Task("Build image", 12, stage="jenkins", starts="ml-service/main"),
            Task("Offline evaluation", 18),
        ),
        Task("Bake manifest", 4, stage="bakeManifest"),
        Task("Deploy canary", 9, environment="production"),
        Task("Canary analysis", 90, stage="kayentaCanary"),
        Task("Promote", 7, gate="Promote {version} to all of the traffic?", environment="production"),
    )


def tour() -> Scenario:
    """The demo that people see: that of the tests, with a Spinnaker that delivers one model more, and an MLflow that
    tells what is trained."""
    shown = demo()
    shipped = (("VERSION", "{version}"),)
    pipelines = (
        Pipeline(
            system="spinnaker",
            path="ranking/Deploy to production",
            tasks=_ranking(),
            age=400,
            history=5,
            history_every=7000,
            parameters=shipped,
        ),
        Pipeline(
            system="spinnaker",
            path="ranking/Roll back",
            tasks=plan(Task("Deploy", 8, environment="production")),
            parameters=shipped,
        ),
        Pipeline(
            system="spinnaker",
            path="ranking/Retrain",
            tasks=plan(Task("Train", 40), Task("Evaluate", 12, fails=0.2)),
            every=300,
            age=140,
            history=4,
            cause="timer",
            parameters=(("EPOCHS", "6"),),
        ),
        Pipeline(
            system="gitlab",
            path="ml/fraud",
            ref="release/weekly",
            tasks=plan(
                _side_by_side("prepare", Task("features", 12)),
                _side_by_side("train", Task("train", 240, label="gpu", wait=3)),
                _side_by_side("evaluate", Task("evaluate", 15, tests=24)),
            ),
            every=330,
            age=130,
            history=4,
            history_every=330,
            cause="timer",
        ),
    )
    fraud, *others = shown.models
    ranking = Model(
        name="ranking",
        title="Search ranking",
        pipelines=("spinnaker:ranking/Deploy*",),
        retrain="spinnaker:ranking/Retrain",
        drift=0.1,
    )
    return msgspec.structs.replace(
        shown,
        pipelines=(*shown.pipelines, *pipelines),
        models=(msgspec.structs.replace(fraud, training="train/train"), *others, ranking),
    )


def many(jobs: int = 200, projects: int = 50) -> Scenario:
    """``jobs`` Jenkins jobs in folders of ten and ``projects`` GitLab projects, about a tenth of them busy."""
    shapes = (_churn(), _vision(), _failing(), plan(Task("Checkout", 2), Task("Build", 20)))
    return Scenario(
        pipelines=(
            *(
                Pipeline(
                    system="jenkins",
                    path=f"team-{n // 10:02}/job-{n:03}",
                    tasks=shapes[n % len(shapes)],
                    every=120 if n % 10 == 0 else 0,
                    age=15 + n * 7,
                    history=3,
                    history_every=4000,
                )
                for n in range(jobs)
            ),
            *(
                Pipeline(
                    system="gitlab",
                    path=f"group-{n // 10}/project-{n:02}",
                    tasks=_fraud(),
                    patience=40,
                    every=180 if n % 10 == 0 else 0,
                    age=25 + n * 11,
                    history=3,
                    history_every=4000,
                )
                for n in range(projects)
            ),
        ),
        models=(msgspec.structs.replace(demo().models[0], baseline="2026.11.12", canary="2026.11.13"),),
    )


def logs() -> Scenario:
    """Long logs: a GitLab job that writes 10 MB in ten minutes, Jenkins builds that have written 200 MB and 4 MB, and
    short ones to follow."""
    return Scenario(
        pipelines=(
            Pipeline(
                system="gitlab",
                path="ml/long",
                tasks=plan(_side_by_side("train", Task("train", 600, lines=105))),
                age=1,
                history=1,
            ),
            Pipeline(
                system="gitlab",
                path="ml/short",
                tasks=plan(
                    _side_by_side("test", Task("unit", 6, tests=60)),
                    _side_by_side("train", Task("train", 20, lines=5, outcomes=(State.FAILED,))),
                ),
                age=1,
                history=1,
            ),
            Pipeline(
                system="jenkins",
                path="long",
                tasks=plan(Task("Checkout", 2), Task("Train", 2100, lines=1000)),
                age=3600,
                history=1,
            ),
            Pipeline(
                system="jenkins",
                path="medium",
                tasks=plan(Task("Train", 40, lines=1000)),
                age=3600,
                history=1,
            ),
            Pipeline(
                system="jenkins",
                path="short",
                tasks=plan(
                    Task("Checkout", 3),
                    _side_by_side("Train", Task("small", 12, lines=6), Task("large", 16, lines=6)),
                    Task("Unit", 6, tests=60),
                ),
                age=1,
                history=1,
            ),
        )
    )


Name = Literal["demo", "tour", "many", "deployments", "logs"]


def named(name: str, jobs: int = 200, projects: int = 50) -> Scenario:
    """The scenario of that name; ``jobs`` and ``projects`` are the size of ``many``.

    Raises:
        KeyError: there is none.
    """
    scenarios: dict[str, Callable[[], Scenario]] = {
        "demo": demo,
        "tour": tour,
        "many": lambda: many(jobs, projects),
        "deployments": deployments,
        "logs": logs,
    }
    return scenarios[name]()
