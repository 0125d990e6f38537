"""What the config starts for a model: by the model's own words, or by the rules of Jenkins for its jobs."""

from pathlib import Path

import pytest

from tui import config
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address, parse_address
from tui.domain.alarm import SuspectDeployment
from tui.domain.deployment import Deployment
from tui.domain.pipeline import Pipeline, Run
from tui.domain.status import Status
from tui.engine.actions import model_rules

CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "http://127.0.0.1:1"
[[sources.jenkins.deployments]]
job = "deploy-*"
environment = "production"
version = { parameter = "VERSION" }
retrain = { job = "train", parameters = { APP = "{app}", BASE = "{version}", SHA = "{revision}" } }
[sources.gitlab]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[models.fraud]
pipelines = ["gitlab:ml/fraud", "jenkins:deploy-fraud"]
environment = "production"
[models.fraud.retrain]
pipeline = "gitlab:ml/fraud"
ref = "main"
parameters = { FROM = "{version}" }
inputs = { model = "{model}" }
[models.churn]
pipelines = ["gitlab:ml/churn", "jenkins:deploy-churn"]
[models.plain]
pipelines = ["gitlab:ml/plain"]
[models.wide]
pipelines = ["jenkins:**"]
"""
SETTINGS = config.parse(CONFIG, Path("config.toml"))


def before(address: str, run: str | None = None) -> SuspectDeployment:
    deployment = Deployment(
        "7", Status.PASSED, "2.1", "abcdef", run=parse_address(run) if run is not None else None
    )
    return SuspectDeployment(deployment, parse_address(address), 60.0)


def test_the_models_own_words_go_first() -> None:
    request = model_rules.retrain(
        SETTINGS, "fraud", before("jenkins:deploy-fraud@eu", "jenkins:deploy-fraud#7")
    )
    values = (("ref", "main"), ("FROM", "2.1"), ("inputs.model", "fraud"))
    assert request == ActionRequest(ActionKind.TRIGGER, parse_address("gitlab:ml/fraud"), values)
    request = model_rules.retrain(SETTINGS, "fraud")
    assert request is not None
    assert request.value("FROM") == ""


def test_else_it_is_the_rule_of_one_of_its_jobs() -> None:
    request = model_rules.retrain(SETTINGS, "churn")
    train = Address("jenkins", "train")
    assert request == ActionRequest(
        ActionKind.TRIGGER, train, (("APP", "deploy-churn"), ("BASE", ""), ("SHA", ""))
    )
    request = model_rules.retrain(SETTINGS, "churn", before("jenkins:churn@eu", "jenkins:deploy-churn#7"))
    assert request == ActionRequest(
        ActionKind.TRIGGER, train, (("APP", "churn"), ("BASE", "2.1"), ("SHA", "abcdef"))
    )


@pytest.mark.parametrize(
    ("app", "sent"),
    [
        ('"recommender"', "recommender"),
        ("{ folder = 0 }", "ml"),
        ('{ parameter = "APP" }', "ranker"),
        ('{ display_name = "(?P<app>[a-z]+) " }', "scorer"),
        ('{ description = "(?P<app>x+)" }', ""),
    ],
)
def test_the_app_of_a_rule_is_what_the_rule_calls_it(app: str, sent: str) -> None:
    rule = f'job = "ml/deploy-*"\napp = {app}'
    settings = config.parse(
        CONFIG.replace('job = "deploy-*"', rule).replace("deploy-churn", "ml/deploy-churn"),
        Path("config.toml"),
    )
    job = Address("jenkins", "ml/deploy-churn")
    runs = (
        Run(job.at_run(3), "#3", Status.FAILED),
        Run(job.at_run(2), "scorer 2.1", Status.PASSED, parameters=(("APP", "ranker"),)),
        Run(job.at_run(1), "other 2.0", Status.PASSED, parameters=(("APP", "other"),)),
    )
    request = model_rules.retrain(settings, "churn", known=[Pipeline(job, runs=runs)])
    assert request is not None
    assert request.value("APP") == sent


def test_a_glob_needs_a_job_that_was_listed() -> None:
    assert model_rules.retrain(SETTINGS, "wide") is None
    request = model_rules.retrain(SETTINGS, "wide", jobs=(Address("jenkins", "deploy-x"),))
    assert request is not None
    assert request.value("APP") == "deploy-x"


def test_without_either_there_is_none() -> None:
    assert model_rules.retrain(SETTINGS, "plain", before("gitlab:ml/plain@production")) is None


@pytest.mark.parametrize(("model", "offered"), [("fraud", True), ("churn", True), ("plain", False)])
def test_it_is_offered_where_it_is_configured(model: str, offered: bool) -> None:
    assert bool([*model_rules.launches(SETTINGS, model, None)]) == offered
