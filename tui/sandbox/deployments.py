"""A world of deployments: every way they are told of, on both faces."""

from typing import Any

from tui.insight.deployment_rules import Canary, DeploymentRule, Start, Weight, WordPart
from tui.sandbox.plan import Group, State, Task, plan
from tui.sandbox.world import Model, Pipeline, Scenario

DAY = 86400.0


def deployments() -> Scenario:
    """Jenkins: a rule of each kind. GitLab: canary, blue and green, approvals, an old project whose jobs are
    archived, an environment that another tool tells of, one that is stopped, one whose last deployment failed."""
    return Scenario(
        pipelines=(*_jenkins(), *_gitlab()), models=_models(), rules=RULES, people=("alice", "bob", "chen")
    )


RULES = (
    DeploymentRule(
        job="deploy-*",
        environment=WordPart(parameter="TARGET"),
        version=WordPart(parameter="MODEL_VERSION"),
        app="churn",
        canary=Canary(input="(?i)promote"),
        weight=Weight(parameter="CANARY_PERCENT"),
        rollback=Start(
            job="deploy-churn", parameters={"TARGET": "{environment}", "MODEL_VERSION": "{version}"}
        ),
    ),
    DeploymentRule(
        job="serving/*/rollout",
        environment=WordPart(folder=1),
        version=WordPart(revision=8),
        app="ranking",
        colour=WordPart(parameter="COLOUR"),
    ),
    DeploymentRule(
        job="release",
        environment=WordPart(display_name=r"to (?P<environment>\w+)"),
        version=WordPart(display_name=r"^(?P<version>\S+)"),
    ),
    DeploymentRule(
        job="handover",
        environment="edge",
        version=WordPart(description=r"version\s+(?P<version>\S+)"),
    ),
    DeploymentRule(
        job="ranker",
        environment=WordPart(stage=r"Deploy to (?P<environment>\w+)"),
        version=WordPart(revision=8),
    ),
    DeploymentRule(
        job="shop/**",
        environment=WordPart(branch={"main": "production", "release/*": "staging"}),
        version=WordPart(revision=8),
    ),
)


def _jenkins() -> tuple[Pipeline, ...]:
    rollout = plan(Task("Roll out", 8), Task("Smoke", 4, metrics=True))
    return (
        Pipeline(
            system="jenkins",
            path="deploy-churn",
            age=600,
            history=9,
            history_every=DAY / 2,
            cause="user",
            parameters=(("MODEL_VERSION", "{version}"), ("TARGET", "production"), ("CANARY_PERCENT", "25")),
            tasks=plan(
                Task("Deploy canary", 10, metrics=True, environment="production"),
                Task("Promote", 6, gate="Promote {version} to production?", environment="production"),
            ),
        ),
        *(
            Pipeline(
                system="jenkins",
                path=f"serving/{name}/rollout",
                age=age,
                history=5,
                history_every=DAY,
                parameters=(("COLOUR", "{colour}"),),
                tasks=rollout,
            )
            for name, age in (("production", 7000), ("staging", 3000))
        ),
        Pipeline(
            system="jenkins",
            path="release",
            age=9000,
            history=4,
            history_every=DAY,
            titled="{version} to production",
            tasks=plan(Task("Publish", 9, outcomes=(State.FAILED,))),
        ),
        Pipeline(
            system="jenkins",
            path="handover",
            kind="freestyle",
            age=4000,
            history=3,
            described="<b>Handed over</b> version {version} to <i>edge</i>",
            tasks=plan(Task("build", 5)),
        ),
        Pipeline(
            system="jenkins",
            path="ranker",
            age=5000,
            history=4,
            history_every=DAY,
            tasks=plan(
                Task("Train", 20),
                Task("Deploy to staging", 5),
                Task("Deploy to production", 5),
                Task("Notify", 1, outcomes=(State.FAILED,)),
            ),
        ),
        Pipeline(
            system="jenkins",
            path="shop/main",
            kind="branch",
            age=8000,
            history=3,
            tasks=plan(Task("Ship", 6)),
        ),
        Pipeline(
            system="jenkins",
            path="shop/release%2F1.4",
            ref="release/1.4",
            kind="branch",
            age=9500,
            history=2,
            tasks=plan(Task("Ship", 6)),
        ),
        Pipeline(system="jenkins", path="train", age=900, history=3, tasks=plan(Task("Train", 30))),
    )


def _gitlab() -> tuple[Pipeline, ...]:
    def deploy(*tasks: Task) -> tuple[Task, ...]:
        return plan(
            Group("test", (Task("pytest", 10, tests=80), Task("validate", 6, metrics=True)), parallel=True),
            *(Group(task.name, (task,), parallel=True) for task in tasks),
        )

    return (
        Pipeline(
            system="gitlab",
            path="ml/fraud",
            age=500,
            history=8,
            history_every=DAY,
            tasks=deploy(
                Task("staging", 5, environment="staging"),
                Task("canary 10%", 8, environment="production"),
                Task("promote", 6, gate="Promote?", environment="production"),
            ),
        ),
        Pipeline(
            system="gitlab",
            path="ml/pricing",
            age=2500,
            history=6,
            history_every=DAY,
            tasks=deploy(Task("deploy", 6, environment="production/{colour}")),
        ),
        Pipeline(
            system="gitlab",
            path="ml/risk",
            age=1500,
            history=4,
            history_every=DAY,
            tasks=deploy(Task("go live", 6, gate="Go live?", environment="live", approvals=2)),
        ),
        Pipeline(
            system="gitlab",
            path="ml/archive",
            age=2 * DAY,
            history=5,
            history_every=40 * DAY,
            tasks=deploy(Task("deploy", 6, environment="production")),
        ),
        Pipeline(
            system="gitlab",
            path="ml/archive",
            ref="pilot",
            age=70 * DAY,
            history=1,
            tasks=deploy(Task("try", 6, environment="pilot"), Task("show", 6, environment="review/pilot")),
        ),
        Pipeline(
            system="gitlab",
            path="ml/edge",
            age=3600,
            history=4,
            history_every=DAY,
            tasks=deploy(Task("deploy", 6, environment="edge", reported=True)),
        ),
        Pipeline(
            system="gitlab",
            path="ml/edge",
            ref="next",
            age=1800,
            history=1,
            tasks=deploy(Task("deploy", 6, environment="staging", outcomes=(State.FAILED,))),
        ),
    )


def _models() -> tuple[Model, ...]:
    def model(name: str, title: str, pipeline: str, **more: Any) -> Model:
        # What the metrics say of it is another world's business.
        return Model(name=name, title=title, pipelines=(pipeline,), baseline="1", canary="2", **more)

    return (
        model("fraud", "Fraud detection", "gitlab:ml/fraud", validation="metrics.json"),
        model("churn", "Churn", "jenkins:deploy-churn", validation="metrics.json"),
        model("ranking", "Ranking", "jenkins:serving/*"),
        model("pricing", "Pricing", "gitlab:ml/pricing", blue_green=("production/blue", "production/green")),
    )
