"""The past of an environment as a GitLab tells it, and whether one can go back."""

from collections.abc import Mapping

import pytest

from tests.contract.gitlab.bodies import Body, basic
from tests.contract.gitlab.conftest import GRAPHQL, Connect, paths, rest
from tests.contract.gitlab.environment_bodies import (
    PRODUCTION,
    PROJECT,
    answering,
    rest_deployment,
    rest_environment,
    rights,
)
from tests.http_stub import Reply, Stub
from tui.domain.deployment import Environment
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.gitlab.read.environments import HISTORY


def past(stub: Stub, *deployments: Body, allowed: Body | None = None, more: Mapping[str, Reply] = {}) -> None:
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.json([rest_environment()])
    stub.routes[rest(f"{PROJECT}/deployments")] = Reply.json(list(deployments))
    iids: dict[str, Body] = {f"i{each['iid']}": {} for each in deployments}
    stub.routes[GRAPHQL] = answering(RollbackRights=allowed or rights(**iids))
    stub.routes |= {rest(f"{PROJECT}/{path}"): reply for path, reply in more.items()}


def ways(environment: Environment) -> dict[str, str]:
    return {each.id: each.rollback.words for each in environment.deployments if each.rollback is not None}


async def test_the_past_is_newest_first_with_whether_one_can_go_back(stub: Stub, connect: Connect) -> None:
    same = f"{20:08x}" * 5
    past(
        stub,
        rest_deployment(20),
        rest_deployment(19, "failed"),
        rest_deployment(18, deployable={"archived": True}),
        rest_deployment(17, deployable=None),
        rest_deployment(16),
        rest_deployment(15),
        rest_deployment(14, name="canary"),
        rest_deployment(13, sha=same, ref="v1", deployable={"tag": True}),
        rest_deployment(12),
        rest_deployment(11, "skipped"),
        allowed=rights(
            i20={},
            i18={},
            i16={},
            i15={"userPermissions": {"updateBuild": False}},
            i14={},
            i13={},
            i12={"retryable": False},
        ),
    )
    history = await connect().history(PRODUCTION)
    assert ways(history) == {
        "20": "it is there now",
        "19": "it ended as failed",
        "18": "its job is archived: GitLab no longer runs it",
        "17": "it has no job: another tool only told GitLab of it",
        "16": "would run deploy of gl:ml/fraud#1816 again",
        "15": "not permitted: protected, outdated, or you lack the role",
        "14": "it was only a canary",
        "13": "the same commit is there now",
        "12": "its job cannot be run again",
    }
    way = next(each.rollback for each in history.deployments if each.id == "16")
    assert way is not None
    assert (way.possible, str(way.target)) == (True, "gl:ml/fraud#1816/deploy")
    assert sum(each.rollback is not None and each.rollback.possible for each in history.deployments) == 1
    assert history.deployments[0].committed_at == 1778227200.0
    assert history.read_since is None
    asked_for = next(request for request in stub.requests if request.path.endswith("/deployments"))
    assert asked_for.query == {
        "environment": ["production"],
        "order_by": ["id"],
        "sort": ["desc"],
        "per_page": [str(HISTORY)],
    }


async def test_a_job_that_was_run_again_points_to_its_newer_deployment(stub: Stub, connect: Connect) -> None:
    pipeline = {"pipeline": basic(1812)}
    past(
        stub,
        rest_deployment(20),
        rest_deployment(13, deployable=pipeline),
        rest_deployment(12, deployable=pipeline),
        allowed=rights(i20={}, i13={}, i12={"retryable": False}),
    )
    assert ways(await connect().history(PRODUCTION)) == {
        "20": "it is there now",
        "13": "would run deploy of gl:ml/fraud#1812 again",
        "12": "its job was run again since: look for that deployment",
    }


async def test_where_the_rights_are_not_told_that_is_said(stub: Stub, connect: Connect) -> None:
    past(stub, rest_deployment(20), rest_deployment(12))
    stub.routes[GRAPHQL] = Reply.json({"errors": [{"message": "Field 'job' doesn't exist on type 'X'"}]})
    history = await connect().history(PRODUCTION)
    assert ways(history)["12"] == (
        "would run deploy of gl:ml/fraud#1812 again; whether you may, GitLab did not tell"
    )
    assert history.notes == (
        "whether you may roll back is not known: this server does not answer that in GraphQL",
    )


@pytest.mark.parametrize(
    ("single", "words"),
    [
        ({"pending_approval_count": 2}, "2 approvals, then promote, to be started by hand"),
        ({"pending_approval_count": 1}, "1 approval, then promote, to be started by hand"),
        ({"pending_approval_count": 0}, "promote, to be started by hand"),
        ({}, "promote, to be started by hand"),  # the Community Edition
    ],
)
async def test_blocked_means_manual_and_only_the_single_deployment_tells_of_approvals(
    stub: Stub, connect: Connect, single: Body, words: str
) -> None:
    blocked = rest_deployment(21, "blocked", name="promote")
    past(
        stub,
        blocked,
        rest_deployment(20),
        rest_deployment(3, "blocked", name="promote"),
        more={"deployments/4021": Reply.json(blocked | single)},
    )
    history = await connect().history(PRODUCTION)
    assert history.deployments[0].waits_for == words
    assert [path for path in paths(stub) if "/deployments/" in path] == [
        f"GET /api/v4{PROJECT}/deployments/4021"
    ], "of one parked for ever nobody asks"


async def test_a_full_page_tells_since_when_it_was_read(stub: Stub, connect: Connect) -> None:
    past(stub, *(rest_deployment(iid) for iid in range(HISTORY, 0, -1)))
    assert (await connect().history(PRODUCTION)).read_since == 1778230860.0


async def test_an_environment_that_is_not_there(stub: Stub, connect: Connect) -> None:
    past(stub)
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.json([])
    with pytest.raises(SourceError) as caught:
        await connect().history(PRODUCTION)
    assert (caught.value.trouble, caught.value.message) == (
        Trouble.NOT_FOUND,
        "ml/fraud has no environment production",
    )
