"""Which pipelines and environments belong to a model."""

from pathlib import Path

from tests.examples import address, pipeline
from tui import config
from tui.insight.environments import all_groups, group_of

SETTINGS = config.parse(
    """
[sources.j]
type = "jenkins"
url = "http://j"
[[sources.j.deployments]]
job = "deploy-*"
environment = "live"
version = { revision = 8 }
[sources.g]
type = "gitlab"
url = "http://g"
watch = ["*"]
[models.churn]
title = "Churn"
pipelines = ["j:deploy-churn", "j:train/*"]
[models.fraud]
pipelines = ["g:ml/fraud"]
[models.unseen]
pipelines = ["g:gone"]
""",
    Path("config.toml"),
)
PIPELINES = [
    pipeline("j:deploy-churn"),
    pipeline("j:train/churn"),
    pipeline("j:build"),
    pipeline("j:deploy-other"),
    pipeline("g:ml/fraud", ref="main"),
    pipeline("g:ml/fraud", ref="dev"),
    pipeline("g:ml/other"),
]


def test_a_pipeline_is_shown_with_its_model_and_only_those_that_may_deploy_are_asked() -> None:
    group = group_of(PIPELINES[1], PIPELINES, SETTINGS)
    assert (group.title, group.model) == ("Churn", "churn")
    assert group.members == (address("j:deploy-churn"), address("j:train/churn"))
    assert group.pipelines == (address("j:deploy-churn"),)


def test_a_pipeline_of_no_model_stands_alone_and_is_asked_although_no_rule_covers_it() -> None:
    group = group_of(PIPELINES[2], PIPELINES, SETTINGS)
    assert (group.title, group.model, group.pipelines) == ("j:build", "", (address("j:build"),))


def test_all_are_the_models_then_what_else_may_deploy_each_once() -> None:
    groups = all_groups(PIPELINES, SETTINGS)
    assert [(group.title, len(group.pipelines)) for group in groups] == [
        ("Churn", 1),
        ("fraud", 1),
        ("j:deploy-other", 1),
        ("g:ml/other", 1),
    ]
