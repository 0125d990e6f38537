"""The real sources against the sandbox's world of deployments: every way they are told of, on both faces."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.gitlab_schemas import schema_errors
from tests.sandbox.serving import serving
from tui.config import GitLabSettings, JenkinsSettings
from tui.domain.address import parse_address
from tui.domain.deployment import Deployment, Environment, Version
from tui.domain.status import Status
from tui.insight.environment_state import environment_state
from tui.insight.environments import places
from tui.presenters.environments import place_lines
from tui.sandbox.artifacts import metrics_of
from tui.sandbox.deployments import RULES, deployments
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.jenkins import jenkins_app
from tui.sandbox.world import Clock, World
from tui.sources.base import DeploymentSource
from tui.sources.gitlab.source import GitLabSource
from tui.sources.jenkins.source import JenkinsSource

START = 1_790_000_000.0


@pytest.fixture
def world() -> World:
    return World(deployments(), Clock(START, manual=True))


@asynccontextmanager
async def gitlab(world: World, options: Options | None = None) -> AsyncIterator[GitLabSource]:
    with serving(gitlab_app(world, Faults(), options or Options())) as url:
        source = GitLabSource("gitlab", GitLabSettings(url=f"{url}/gitlab", watch=("ml/*",)))
        try:
            yield source
        finally:
            await source.close()


@asynccontextmanager
async def jenkins(world: World) -> AsyncIterator[JenkinsSource]:
    with serving(jenkins_app(world, Faults())) as url:
        source = JenkinsSource("jenkins", JenkinsSettings(url=f"{url}/jenkins", deployments=RULES))
        try:
            yield source
        finally:
            await source.close()


async def picture(source: DeploymentSource, pipeline: str) -> list[str]:
    """What stands where, in few words."""
    answer = await source.environments(parse_address(pipeline))
    return [
        f"{line.environment.name} {line.place} {line.state} {line.traffic}".rstrip()
        for place in places((answer,), {}, None)
        for line in place_lines(place, START, past=False)
    ] + list(answer.notes)


async def past(source: DeploymentSource, address: str) -> Environment:
    return await source.history(parse_address(address))


def ways(environment: Environment) -> list[str]:
    return [each.rollback.words if each.rollback else "" for each in environment.deployments]


# --- Jenkins ------------------------------------------------------------------------------------------------------


async def test_jenkins_by_parameter_with_a_canary_at_its_input(world: World) -> None:
    async with jenkins(world) as source:
        assert await picture(source, "jenkins:deploy-churn") == [
            "production production stable 75%",
            "production canary waiting: Promote 2026.11.9 to production? 25%",
        ]
        churn = await past(source, "jenkins:churn@production")
        assert ways(churn)[:3] == [
            "it is still on its way",
            "would start deploy-churn with TARGET=production, MODEL_VERSION=2026.11.8",
            "would start deploy-churn with TARGET=production, MODEL_VERSION=2026.11.7",
        ]
        (run, *_) = world.runs(world.pipelines("jenkins", "deploy-churn")[0])
        world.approve(run, "Promote")
        world.clock.advance(60)
        await source.pipelines()
        assert await picture(source, "jenkins:deploy-churn") == ["production production stable"]
        assert ways(await past(source, "jenkins:churn@production"))[0] == "it is there now"


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (
            "serving/staging/rollout",
            ["staging staging stable", "staging blue passed idle"],
        ),
        ("release", ["production production nothing yet", "production failed failed"]),
        ("handover", ["edge edge stable"]),
        ("ranker", ["production production stable", "staging staging stable"]),
        ("shop/main", ["production production stable"]),
        ("shop/release%2F1.4", ["staging staging stable"]),
        ("train", ["no rule of [[sources.jenkins.deployments]] covers this job"]),
    ],
)
async def test_jenkins_by_every_other_kind_of_rule(world: World, job: str, expected: list[str]) -> None:
    async with jenkins(world) as source:
        assert await picture(source, f"jenkins:{job}") == expected


async def test_a_stage_has_deployed_although_its_run_failed(world: World) -> None:
    async with jenkins(world) as source:
        listing = await source.pipelines()
        (ranker,) = (each for each in listing.pipelines if each.address.path == "ranker")
        assert {run.status for run in ranker.runs} == {Status.FAILED}
        live = await past(source, "jenkins:ranker@production")
        assert {each.status for each in live.deployments} == {Status.PASSED}
        assert [each.run for each in live.deployments] == [run.address for run in ranker.runs]


async def test_jenkins_tells_changes_and_numbers_of_a_run(world: World) -> None:
    async with jenkins(world) as source:
        live = await past(source, "jenkins:churn@production")
        newest, older = live.deployments[0], live.deployments[2]
        changes = await source.changes(*(version(live, each) for each in (older, newest)))
        runs = world.runs(world.pipelines("jenkins", "deploy-churn")[0])
        assert [each.revision for each in changes.commits] == [run.commit.sha for run in runs[:2]]
        assert [each.title for each in changes.commits] == [run.commit.title for run in runs[:2]]
        assert newest.run is not None
        numbers = dict((await source.validation(newest.run, "metrics.json")).metrics)
        assert numbers["accuracy"] == metrics_of(runs[0])["accuracy"]
        assert numbers["data.rows"] == metrics_of(runs[0])["data"]["rows"]
        found = await source.validation(parse_address("jenkins:train#1"), "metrics.json")
        assert found.notes == ("jenkins:train#1 has no artifact metrics.json",)


def version(environment: Environment, deployment: Deployment) -> Version:
    return Version(environment.address, deployment.revision, deployment.run and deployment.run.of_run)


# --- GitLab -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lacks", [frozenset(), frozenset({"Environment.lastDeployment"})], ids=["GraphQL", "REST"]
)
async def test_gitlab_tells_canary_approvals_failures_and_what_is_stopped(
    world: World, lacks: frozenset[str]
) -> None:
    async with gitlab(world, Options(lacks=lacks)) as source:
        assert await picture(source, "gitlab:ml/fraud") == [
            "production production stable 90%",
            "production next waiting: promote, to be started by hand",
            "production canary passed 10%",
            "staging staging stable",
        ]
        assert await picture(source, "gitlab:ml/archive") == [
            "production production stable",
            "pilot pilot stopped",
            "1 stopped in folders: review/pilot",
        ]
        assert await picture(source, "gitlab:ml/edge") == [
            "staging staging nothing yet",
            "staging failed failed",
            "edge edge stable",
        ]


async def test_promoting_makes_the_canary_the_stable_version(world: World) -> None:
    async with gitlab(world) as source:
        before = environment_state((await past(source, "gitlab:ml/fraud@production")).deployments)
        assert before.canary is not None
        (run, *_) = world.project_runs("ml/fraud")
        world.approve(run, "promote/promote")
        world.clock.advance(60)
        after = environment_state((await past(source, "gitlab:ml/fraud@production")).deployments)
        assert after.stable is not None
        assert (after.stable.version, after.canary) == (before.canary.version, None)
        assert await picture(source, "gitlab:ml/fraud") == [
            "production production stable",
            "staging staging stable",
        ]


@pytest.mark.parametrize(
    ("community", "words"),
    [
        (False, "2 approvals, then go live, to be started by hand"),
        (True, "go live, to be started by hand"),
    ],
)
async def test_approvals_are_told_where_the_edition_knows_them(
    world: World, community: bool, words: str
) -> None:
    async with gitlab(world, Options(community=community)) as source:
        live = await past(source, "gitlab:ml/risk@live")
        assert live.deployments[0].waits_for == words


async def test_each_deployment_of_gitlab_says_whether_one_can_go_back(world: World) -> None:
    async with gitlab(world) as source:
        assert [
            words.partition(" of ")[0] for words in ways(await past(source, "gitlab:ml/archive@production"))
        ] == [
            "it is there now",
            "would run deploy",
            "would run deploy",
            "its job is archived: GitLab no longer runs it",
            "its job is archived: GitLab no longer runs it",
        ]
        assert set(ways(await past(source, "gitlab:ml/edge@edge"))[1:]) == {
            "it has no job: another tool only told GitLab of it"
        }
    async with gitlab(world, Options(rollbacks=False)) as source:
        assert "not permitted: protected, outdated, or you lack the role" in ways(
            await past(source, "gitlab:ml/pricing@production/blue")
        )


async def test_a_rollback_makes_the_old_version_the_stable_one(world: World) -> None:
    async with gitlab(world) as source:
        before = await past(source, "gitlab:ml/pricing@production/blue")
        old = before.deployments[1]
        assert old.run is not None
        run = world.run(old.run.number or 0)
        assert run is not None
        world.retry(run, "deploy/deploy")
        world.clock.advance(60)
        after = await past(source, "gitlab:ml/pricing@production/blue")
        stable = environment_state(after.deployments).stable
        assert stable is not None
        assert stable.version == old.version
        again = next(each for each in after.deployments if each.id == old.id)
        assert again.rollback is not None
        assert not again.rollback.possible


async def test_gitlab_tells_changes_and_numbers_of_a_run(world: World) -> None:
    async with gitlab(world) as source:
        staging = await past(source, "gitlab:ml/fraud@staging")
        newest, older = staging.deployments[0], staging.deployments[2]
        changes = await source.changes(version(staging, older), version(staging, newest))
        runs = world.project_runs("ml/fraud")
        assert [each.revision for each in changes.commits] == [run.commit.sha for run in runs[:2]]
        assert [each.author.lower() for each in changes.commits] == [run.commit.author for run in runs[:2]]
        back = await source.changes(version(staging, newest), version(staging, older))
        assert back.commits == ()
        assert newest.run is not None
        numbers = dict((await source.validation(newest.run, "metrics.json")).metrics)
        assert numbers["auc"] == metrics_of(runs[0])["auc"]


# --- GitLab's bodies ----------------------------------------------------------------------------------------------


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    with (
        serving(gitlab_app(world, Faults(), Options())) as url,
        httpx.Client(base_url=f"{url}/gitlab/api/v4/projects/") as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["ml/fraud", "ml/archive", "ml/edge", "ml/risk", "ml/pricing"])
def test_bodies_of_deployments_are_what_gitlabs_own_schemas_say(client: httpx.Client, path: str) -> None:
    errors = schema_errors()
    project = path.replace("/", "%2F")
    found = client.get(f"{project}/deployments?per_page=100&order_by=id&sort=desc").json()
    assert found
    for deployment in found:
        assert errors("deployment", deployment) == []
    environments = client.get(f"{project}/environments?per_page=100").json()
    assert errors("environments", environments) == []
    assert {each["state"] for each in environments} <= {"available", "stopped"}
