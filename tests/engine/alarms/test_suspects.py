"""Which deployment came before something, and what going back from it means."""

from functools import partial
from pathlib import Path

import pytest

from tests.examples import pipeline
from tui import config
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.alarms.suspects import Suspects
from tui.engine.queries import EnvironmentsOf, PipelinesOf
from tui.engine.store import Store

CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.gitlab]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[models.jenkins]
pipelines = ["jenkins:deploy"]
environment = "live"
[models.gitlab]
pipelines = ["gitlab:ml/fraud"]
environment = "live"
"""
NOW = 10_000.0
PATHS = {"jenkins": "deploy", "gitlab": "ml/fraud"}
passed = partial(Deployment, status=Status.PASSED)


def suspects(source: str, *deployments: Deployment, place: str = "live") -> Suspects:
    store = Store(lambda fn: None)
    address = Address(source, PATHS[source])
    there = Environment(Address(source, PATHS[source], environment=place), deployments)
    store.put(PipelinesOf(source), Listing((pipeline(str(address)),)), NOW)
    store.put(EnvironmentsOf(address), Environments((there,)), NOW)
    return Suspects(config.parse(CONFIG, Path("config.toml")), store)


def stood(version: str, at: float, **more: object) -> Deployment:
    made = {"id": version, "version": version, "started_at": at, "finished_at": at, **more}
    return passed(**made)  # type: ignore[arg-type]


OLD, STABLE = stood("1", 1000.0), stood("2", 2000.0)


@pytest.mark.parametrize(
    ("source", "culprit", "words"),
    [
        ("jenkins", "3", "take the canary 3 back to 2"),
        # In GitLab it waits to be put there: it did nothing yet.
        ("gitlab", "2", "roll back to 1"),
    ],
)
def test_a_canary_that_waits_serves_in_jenkins_only(source: str, culprit: str, words: str) -> None:
    outside = source == "gitlab"
    more = {"status": Status.WAITING, "canary": True, "finished_at": None, "waits_outside": outside}
    waiting = stood("3", 3000.0, **more)
    look = suspects(source, waiting, STABLE, OLD)
    found = look.before(source, 5000.0)
    assert found is not None
    assert found[0].deployment.version == culprit
    said, request = look.rollback(found)
    assert said == words
    assert request is not None
    assert request.value("version") == words.rpartition(" ")[2]


def test_a_canary_that_stands_is_taken_back_to_the_stable_version() -> None:
    look = suspects("gitlab", stood("3", 3000.0, canary=True), STABLE, OLD)
    found = look.before("gitlab", 5000.0)
    assert look.rollback(found)[0] == "take the canary 3 back to 2"
    assert look.later(found) == look.coming(found) == ""


def test_what_is_about_the_canary_is_about_the_one_that_is_there() -> None:
    # The one before it was as bad: the values have been so since before it came.
    look = suspects("gitlab", stood("4", 4000.0, canary=True), STABLE, OLD)
    for since, seconds in ((3000.0, 0.0), (5000.0, 1000.0)):
        found = look.before("gitlab", since, canary=True)
        assert found is not None
        assert (found[0].deployment.version, found[0].seconds) == ("4", seconds)
        assert look.rollback(found)[0] == "take the canary 4 back to 2"
    found = look.before("gitlab", 3000.0)
    assert found is not None
    assert found[0].deployment.version == "2"


def test_without_a_canary_it_is_what_was_there() -> None:
    found = suspects("gitlab", STABLE, OLD).before("gitlab", 3000.0, canary=True)
    assert found is not None
    assert found[0].deployment.version == "2"


def test_what_has_come_since_is_said() -> None:
    look = suspects("gitlab", stood("3", 8000.0), STABLE, OLD)
    found = look.before("gitlab", 5000.0)
    assert look.later(found) == "3"
    assert look.rollback(found)[0] == "roll back to 1 (3 has come since)"


def test_when_it_was_taken_back_there_is_nothing_to_propose() -> None:
    look = suspects("gitlab", stood("1", 8000.0, id="again"), STABLE, OLD)
    words, request = look.rollback(look.before("gitlab", 5000.0))
    assert (words, request) == ("roll back: 1, which was there before it, is there now", None)


@pytest.mark.parametrize(
    ("wanted", "known"), [("", True), ("live", True), ("gitlab:ml/fraud@live", True), ("x", False)]
)
def test_one_environment_can_be_meant(wanted: str, known: bool) -> None:
    look = suspects("gitlab", STABLE, OLD)
    assert (look.before("gitlab", 5000.0, wanted) is not None) is known


def test_without_the_configured_environment_all_are_looked_at_unless_one_is_meant() -> None:
    look = suspects("gitlab", STABLE, OLD, place="staging")
    assert look.before("gitlab", 5000.0) is not None
    assert look.before("gitlab", 5000.0, "live") is None
