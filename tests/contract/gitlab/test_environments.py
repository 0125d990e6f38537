"""What stands in the environments of a GitLab: what is asked, and what comes of each answer."""

import pytest

from tests.contract.gitlab.bodies import Body
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, asked, executed, paths, rest
from tests.contract.gitlab.environment_bodies import (
    FRAUD,
    PRODUCTION,
    PROJECT,
    SHA,
    answering,
    deployment_node,
    environment_node,
    environments,
    rest_deployment,
    rest_environment,
)
from tests.gitlab_schemas import schema_errors
from tests.http_stub import Reply, Request, Stub
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.insight.environment_state import environment_state
from tui.sources.base import SourceError
from tui.sources.gitlab.read.environments import KEEP_STOPPED

S = Status


@pytest.fixture(autouse=True)
def _nothing_stopped(stub: Stub) -> None:
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.json([])


@pytest.mark.parametrize("fields", [{}, {"deployable": None}, {"deployable": {"archived": True}}], ids=str)
def test_these_bodies_are_what_gitlabs_schemas_allow(fields: Body) -> None:
    errors = schema_errors()
    assert errors("deployment", rest_deployment(5, **fields)) == []
    assert errors("environments", [rest_environment()]) == []


async def test_one_question_tells_what_stands_in_each_environment(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = answering(
        Environments=environments(
            environment_node(
                "production",
                success=deployment_node(5),
                running=deployment_node(7, "RUNNING"),
                blocked=deployment_node(8, "BLOCKED", "promote"),
                failed=deployment_node(6, "FAILED"),
            ),
            environment_node("review/x", id="gid://gitlab/Environment/9", tier="DEVELOPMENT"),
        )
    )
    found = await connect().environments(FRAUD)
    production, review = found.environments
    assert (production.address, production.tier, production.stopped) == (PRODUCTION, "production", False)
    assert production.url == "https://fraud.example.com"
    assert production.web_url == f"{stub.url}/gitlab/ml/fraud/-/environments/7"
    what = environment_state(production.deployments)
    assert what.stable is not None
    assert (what.stable.version, what.stable.revision, what.stable.who) == (SHA[:8], SHA, "alice")
    assert str(what.stable.run) == "gl:ml/fraud#1805/deploy"
    assert what.stable.web_url == f"{stub.url}/gitlab/ml/fraud/-/jobs/50"
    assert [(each.status, each.waits_for) for each in what.coming] == [
        (S.RUNNING, ""),
        (S.WAITING, "promote, to be started by hand"),
    ]
    assert what.failed is not None
    assert (review.tier, review.deployments) == ("development", ())
    assert paths(stub) == ["POST /api/graphql", f"GET /api/v4{PROJECT}/environments"]
    assert stub.requests[1].query["states"] == ["stopped"]


@pytest.mark.parametrize(
    ("fields", "version", "who", "run"),
    [
        ({"ref": "v1.4", "tag": True}, "v1.4", "alice", "gl:ml/fraud#1805/deploy"),
        ({"triggerer": None}, SHA[:8], "", "gl:ml/fraud#1805/deploy"),
        ({"job": None}, SHA[:8], "alice", "None"),
        ({"ref": "a\u001b[31mb", "tag": True}, "ab", "alice", "gl:ml/fraud#1805/deploy"),
        ({"sha": None, "ref": None}, "", "alice", "gl:ml/fraud#1805/deploy"),
    ],
)
async def test_what_may_be_missing_may_be_missing(
    stub: Stub, connect: Connect, fields: Body, version: str, who: str, run: str
) -> None:
    node = deployment_node(5, **fields)
    stub.routes[GRAPHQL] = answering(Environments=environments(environment_node("production", success=node)))
    (production,) = (await connect().environments(FRAUD)).environments
    (only,) = production.deployments
    assert (only.version, only.who, str(only.run)) == (version, who, run)


async def test_a_status_nobody_knows_is_shown_as_itself(stub: Stub, connect: Connect) -> None:
    node = deployment_node(5, "TELEPORTED")
    stub.routes[GRAPHQL] = answering(Environments=environments(environment_node("production", success=node)))
    (production,) = (await connect().environments(FRAUD)).environments
    assert (production.deployments[0].status, production.deployments[0].vendor_status) == (
        S.UNKNOWN,
        "teleported",
    )


async def test_of_a_hundred_and_twenty_what_is_not_shown_is_told(stub: Stub, connect: Connect) -> None:
    plain: Body = {"state": "available", "tier": "DEVELOPMENT", "externalUrl": None, "lastDeployments": []}
    found = [{"id": f"gid://gitlab/Environment/{n}", "name": f"review/{n}", **plain} for n in range(120)]
    project = {"fullPath": "ml/fraud", "environments": found}
    stub.routes[GRAPHQL] = executed(lambda _: {"projects": [project]})
    read = await connect().environments(FRAUD)
    assert [each.name for each in read.environments] == [f"review/{n}" for n in range(100)]
    assert read.notes == ("it has more than 100 environments; the others are not shown",)


async def test_all_pages_but_no_more_than_two(stub: Stub, connect: Connect) -> None:
    def answer(request: Request) -> Reply:
        _, variables = asked(request)
        page = int(variables.get("after", "0"))
        return Reply.json({"data": environments(environment_node(f"e{page}"), next_page=str(page + 1))})

    stub.routes[GRAPHQL] = answer
    found = await connect().environments(FRAUD)
    assert [each.name for each in found.environments] == ["e0", "e1"]
    assert found.notes == ("it has more than 2 environments; the others are not shown",)


async def test_what_this_user_may_not_see_is_said(stub: Stub, connect: Connect) -> None:
    source = connect()
    stub.routes[GRAPHQL] = answering(Environments={"project": {"fullPath": "ml/fraud", "environments": None}})
    found = await source.environments(FRAUD)
    assert found.environments == ()
    assert found.notes == (
        "its environments are not shown: this user may not see them, which takes the Reporter role",
    )
    stub.routes[GRAPHQL] = answering(Environments={"project": None})
    with pytest.raises(SourceError) as caught:
        await source.environments(FRAUD)
    assert caught.value.trouble is Trouble.NOT_FOUND
    assert "environments of ml/fraud cannot be read" in caught.value.message


async def test_what_graphql_left_out_is_said(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = lambda _: Reply.json(
        {
            "data": environments(environment_node("production")),
            "errors": [{"message": "Timeout on lastDeployment"}],
        }
    )
    assert (await connect().environments(FRAUD)).notes == (
        "GitLab left something out: Timeout on lastDeployment",
    )


async def test_stopped_environments_are_shown_those_in_folders_in_a_note_and_kept(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    stub.routes[GRAPHQL] = answering(Environments=environments())
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.json(
        [
            rest_environment(8, "pilot", state="stopped"),
            rest_environment(9, "review/a", state="stopped"),
            rest_environment(10, "review/b", state="stopped"),
        ]
    )
    source = connect()
    found = await source.environments(FRAUD)
    assert [(each.name, each.stopped) for each in found.environments] == [("pilot", True)]
    assert found.notes == ("2 stopped in folders: review/a, review/b",)
    await source.environments(FRAUD)
    assert paths(stub).count(f"GET /api/v4{PROJECT}/environments") == 1
    clock.ahead = KEEP_STOPPED + 1
    await source.environments(FRAUD)
    assert paths(stub).count(f"GET /api/v4{PROJECT}/environments") == 2


async def test_stopped_ones_that_cannot_be_read_are_a_note(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = answering(Environments=environments(environment_node("production")))
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.json({"message": "403 Forbidden"}, 403)
    found = await connect().environments(FRAUD)
    assert [each.name for each in found.environments] == ["production"]
    assert "its stopped environments are not shown: gl answered 403" in found.notes[0]


async def test_behind_a_canary_the_stable_version_is_looked_for_once(stub: Stub, connect: Connect) -> None:
    canary = deployment_node(9, job="Canary 10%")
    stub.routes[GRAPHQL] = answering(
        Environments=environments(environment_node("production", success=canary))
    )
    stub.routes[rest(f"{PROJECT}/deployments")] = Reply.json(
        [rest_deployment(9, name="Canary 10%"), rest_deployment(8, name="promote")]
    )
    source = connect()
    (production,) = (await source.environments(FRAUD)).environments
    what = environment_state(production.deployments)
    assert what.stable is not None
    assert what.canary is not None
    assert (what.stable.version, what.canary.version) == ("00000008", SHA[:8])
    assert (what.canary.share, what.stable_share) == (10.0, 90.0)
    await source.environments(FRAUD)
    before = [request for request in stub.requests if request.path.endswith("/deployments")]
    assert len(before) == 1
    assert {key: before[0].query[key] for key in ("environment", "status", "order_by", "sort")} == {
        "environment": ["production"],
        "status": ["success"],
        "order_by": ["id"],
        "sort": ["desc"],
    }


@pytest.mark.parametrize(
    ("job", "globs", "canary", "share"),
    [
        ("deploy canary", ("*canary*",), True, None),
        ("rollout 25%", ("*canary*",), False, None),
        ("rollout 25%", ("rollout *",), True, 25.0),
        ("rollout 100%", ("rollout *",), False, None),
        ("canary 900%", ("*canary*",), True, None),
        ("deploy", (), False, None),
    ],
)
async def test_which_jobs_are_canaries_is_configured(
    stub: Stub, connect: Connect, job: str, globs: tuple[str, ...], canary: bool, share: float | None
) -> None:
    node = environment_node("production", success=deployment_node(9, job=job))
    stub.routes[GRAPHQL] = answering(Environments=environments(node))
    stub.routes[rest(f"{PROJECT}/deployments")] = Reply.json([])
    (production,) = (await connect(canary_jobs=globs).environments(FRAUD)).environments
    (only,) = production.deployments
    assert (only.canary, only.share) == (canary, share)


async def test_over_rest_where_graphql_is_refused(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = Reply.json(
        {"errors": [{"message": "Field 'x' doesn't exist on type 'Environment'"}]}
    )

    def listing(request: Request) -> Reply:
        stopped = request.query["states"] == ["stopped"]
        return Reply.json([] if stopped else [rest_environment(), rest_environment(8, "staging")])

    def deployments(request: Request) -> Reply:
        assert request.query["sort"] == ["desc"]
        name = request.query["environment"][0]
        return Reply.json([rest_deployment(6, "running"), rest_deployment(5)] if name == "production" else [])

    stub.routes[rest(f"{PROJECT}/environments")] = listing
    stub.routes[rest(f"{PROJECT}/deployments")] = deployments
    source = connect()
    production, staging = (await source.environments(FRAUD)).environments
    assert [each.status for each in production.deployments] == [S.RUNNING, S.PASSED]
    assert staging.deployments == ()
    await source.environments(FRAUD)
    assert paths(stub).count("POST /api/graphql") == 1, "a refusal is remembered"
    assert "Environments" in source.facts().stage_source


@pytest.mark.parametrize(
    "reply",
    [Reply.text("<html>", content_type="text/html"), Reply.json({"data": {"project": 3}}), Reply.text("{")],
    ids=["a web page", "another shape", "cut off"],
)
async def test_a_strange_answer_is_an_error_or_rests_on_rest(
    stub: Stub, connect: Connect, reply: Reply
) -> None:
    stub.routes[GRAPHQL] = reply
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.text("<html>", content_type="text/html")
    with pytest.raises(SourceError) as caught:
        await connect().environments(FRAUD)
    assert caught.value.trouble is Trouble.WRONG_ANSWER
