"""Questions about deployments: who answers them, how often, and what makes them due."""

import asyncio
import math

import pytest

from tests.deployed import deployed, environment
from tests.engine.deploying_source import DeployingSource
from tests.engine.world import FakeSource, Time
from tests.examples import address, pipeline, run
from tui.config import GitLabSettings, JenkinsSettings, Settings
from tui.domain.deployment import Changes, Commit, Environments, Validation, Version
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.queries import (
    AnyQuery,
    ChangesBetween,
    EnvironmentsOf,
    HistoryOf,
    PipelinesOf,
    ValidationOf,
)
from tui.engine.queries.base import NEVER, STANDING
from tui.engine.queries.deployments import DEPLOYING, MISSING
from tui.sources.base import SourceError

FRAUD = address("g:ml/fraud")
LIVE = address("g:ml/fraud@live")
SETTINGS = Settings(
    sources={
        "g": GitLabSettings(url="http://127.0.0.1:1", watch=("*",)),
        "j": JenkinsSettings(url="http://127.0.0.1:1"),
    }
)


class World:
    def __init__(self) -> None:
        self.time = Time()
        self.gitlab, self.jenkins = DeployingSource("g", self.time), DeployingSource("j", self.time)
        self.runtime = self.time.runtime(SETTINGS, {"g": self.gitlab, "j": self.jenkins})


async def test_each_question_goes_to_its_source() -> None:
    world = World()
    place = environment("g:ml/fraud@live", deployed("1"))
    world.gitlab.places[FRAUD] = Environments((place,))
    world.gitlab.pasts[LIVE] = place
    world.gitlab.brought = Changes((Commit("c", "Fix"),))
    world.gitlab.numbers[address("g:ml/fraud#1")] = Validation((("auc", 0.9),))
    old, new = Version(LIVE, "a"), Version(LIVE, "b")
    assert (await world.runtime.poller.ask(EnvironmentsOf(FRAUD))).environments == (place,)
    assert await world.runtime.poller.ask(HistoryOf(LIVE)) == place
    assert (await world.runtime.poller.ask(ChangesBetween(old, new))).commits[0].title == "Fix"
    found = await world.runtime.poller.ask(ValidationOf(address("g:ml/fraud#1"), "m.json"))
    assert dict(found.metrics) == {"auc": 0.9}
    assert [what for _, what in world.gitlab.asked] == [
        "environments g:ml/fraud",
        "history g:ml/fraud@live",
        "changes a..b",
        "m.json of g:ml/fraud#1",
    ]
    await world.runtime.close()


async def test_a_source_that_knows_no_deployments_says_so() -> None:
    time = Time()
    runtime = time.runtime(SETTINGS, {"g": FakeSource("g", time)})
    with pytest.raises(SourceError) as caught:
        await runtime.poller.ask(EnvironmentsOf(FRAUD))
    assert caught.value.trouble is Trouble.MISCONFIGURED
    assert "the source g knows no deployments" in caught.value.message
    await runtime.close()


@pytest.mark.parametrize(
    ("query", "answer", "wait"),
    [
        (EnvironmentsOf(FRAUD), Environments(), STANDING),
        (
            EnvironmentsOf(FRAUD),
            Environments((environment("g:ml/fraud@live", deployed("2", status=Status.RUNNING)),)),
            DEPLOYING,
        ),
        (HistoryOf(LIVE), environment("g:ml/fraud@live", deployed("2", status=Status.WAITING)), STANDING),
        (ChangesBetween(Version(LIVE), Version(LIVE)), Changes((Commit("a", "b"),)), NEVER),
        (ChangesBetween(Version(LIVE), Version(LIVE)), Changes((), ("not known",)), MISSING),
        (ValidationOf(FRAUD, "m"), Validation((("a", 1.0),)), NEVER),
        (ValidationOf(FRAUD, "m"), Validation(), MISSING),
    ],
)
def test_what_cannot_change_is_asked_once(query: AnyQuery, answer: object, wait: float) -> None:
    assert query.wait(answer) == wait
    assert math.isinf(NEVER)


async def test_news_in_a_listing_makes_the_environments_due() -> None:
    world = World()
    time, gitlab = world.time, world.gitlab
    gitlab.pasts[LIVE] = environment("g:ml/fraud@live")
    busy = pipeline("g:ml/fraud", run("g:ml/fraud#1", Status.RUNNING))
    other = pipeline("g:ml/other", run("g:ml/other#1", Status.RUNNING))
    gitlab.listing = Listing((busy, other))
    with world.runtime.poller.watch() as watch:
        watch.want(
            PipelinesOf("g"), EnvironmentsOf(FRAUD), HistoryOf(LIVE), EnvironmentsOf(address("g:ml/other"))
        )
        running = asyncio.create_task(world.runtime.run())
        await time.advance(1)
        assert gitlab.times("environments g:ml/fraud") == [0]
        gitlab.listing = Listing((pipeline("g:ml/fraud", run("g:ml/fraud#1")), other))
        await time.advance(15)
        assert gitlab.times("environments g:ml/fraud") == [0, 10]
        assert gitlab.times("history g:ml/fraud@live") == [0, 10]
        assert gitlab.times("environments g:ml/other") == [0], "nothing is new there"
        await world.runtime.close()
        await running


async def test_what_jenkins_rules_call_an_app_is_due_with_any_news_of_that_source() -> None:
    world = World()
    time, jenkins = world.time, world.jenkins
    app = address("j:churn@live")
    jenkins.pasts[app] = environment("j:churn@live")
    jenkins.listing = Listing((pipeline("j:deploy", run("j:deploy#1", Status.RUNNING)),))
    with world.runtime.poller.watch() as watch:
        watch.want(PipelinesOf("j"), PipelinesOf("g"), HistoryOf(app))
        running = asyncio.create_task(world.runtime.run())
        await time.advance(1)
        jenkins.listing = Listing((pipeline("j:deploy", run("j:deploy#1")),))
        await time.advance(15)
        assert jenkins.times("history j:churn@live") == [0, 10]
        await world.runtime.close()
        await running
