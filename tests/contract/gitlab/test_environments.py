"""Environments and deployments as a GitLab tells them: what is asked, and what comes of each answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.gitlab.bodies import USER, Body, basic, job
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, asked, operations, paths, rest
from tests.gitlab_schemas import schema_errors
from tests.http_stub import Reply, Request, Stub
from tui.domain.address import parse_address
from tui.domain.deployment import Deployment, Environment, Version
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.insight.standing import standing
from tui.sources.base import SourceError
from tui.sources.gitlab.environments import HISTORY, KEEP_STOPPED

PROJECT = "/projects/ml%2Ffraud"
FRAUD = parse_address("gl:ml/fraud")
PRODUCTION = parse_address("gl:ml/fraud@production")
SHA = "2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
OLD = "1" * 40
S = Status


COMMIT: Body = {
    **dict.fromkeys(("message", "author_email", "committer_name", "committer_email", "web_url"), "x"),
    **dict.fromkeys(("created_at", "authored_date", "committed_date"), "2026-05-08T08:00:00.000+00:00"),
    "id": SHA,
    "short_id": SHA[:8],
    "title": "Pin \u001b[1mit",
    "author_name": "Ann",
    "parent_ids": [],
    "trailers": {},
    "extended_trailers": {},
}

# --- bodies -------------------------------------------------------------------------------------------------------


def deployment_node(iid: int, status: str = "SUCCESS", job: str | None = "deploy", **fields: Any) -> Body:
    return {
        "iid": str(iid),
        "status": status,
        "ref": "main",
        "tag": False,
        "sha": SHA,
        "createdAt": f"2026-05-08T09:{iid % 60:02}:00Z",
        "finishedAt": f"2026-05-08T10:{iid % 60:02}:00Z" if status in ("SUCCESS", "FAILED") else None,
        "triggerer": {"username": "alice"},
        "job": job
        and {
            "id": f"gid://gitlab/Ci::Build/{iid * 10}",
            "name": job,
            "pipeline": {"id": f"gid://gitlab/Ci::Pipeline/{1800 + iid}"},
        },
        **fields,
    }


def environment_node(name: str, **fields: Any) -> Body:
    kinds = dict.fromkeys(("success", "running", "blocked", "failed"))
    return {
        "id": "gid://gitlab/Environment/7",
        "name": name,
        "state": "available",
        "tier": "PRODUCTION",
        "externalUrl": "https://fraud.example.com",
        **kinds,
        **fields,
    }


def environments(*nodes: Body, next_page: str | None = None) -> Body:
    page = {"hasNextPage": next_page is not None, "endCursor": next_page}
    return {
        "project": {"fullPath": "ml/fraud", "environments": {"pageInfo": page, "nodes": list(nodes)}},
    }


def answering(**data: Any) -> Callable[[Request], Reply]:
    """Answers each operation with its ``data``."""
    return operations(
        **{name: lambda _, value=value: Reply.json({"data": value}) for name, value in data.items()}
    )


def rest_environment(id: int = 7, name: str = "production", **fields: Any) -> Body:
    return {
        "id": id,
        "name": name,
        "slug": name,
        "external_url": None,
        "created_at": "2026-05-01T09:00:00.000Z",
        "updated_at": "2026-05-08T09:00:00.000Z",
        "tier": "production",
        "state": "available",
        "auto_stop_at": None,
        "description": None,
        "auto_stop_setting": "always",
        **fields,
    }


def rest_deployment(iid: int, status: str = "success", name: str = "deploy", **fields: Any) -> Body:
    made = job(
        iid * 10,
        name,
        "deploy",
        pipeline=basic(1800 + iid),
        finished_at=f"2026-05-08T10:{iid % 60:02}:00.000Z" if status in ("success", "failed") else None,
    )
    deployable = fields.pop("deployable", {})
    environment = rest_environment()
    return {
        "id": 4000 + iid,
        "iid": iid,
        "ref": "main",
        "sha": f"{iid:08x}" * 5,
        "created_at": f"2026-05-08T09:{iid % 60:02}:00.000Z",
        "updated_at": f"2026-05-08T10:{iid % 60:02}:30.000Z",
        "status": status,
        "user": USER,
        "environment": {key: environment[key] for key in ("id", "name", "slug", "external_url")},
        "deployable": None if deployable is None else {**made, "commit": COMMIT, **deployable},
        **fields,
    }


def rights(**by_iid: Mapping[str, Any]) -> Body:
    """``i5={"retryable": False}``; what is not given is allowed."""
    nodes = [
        {
            "iid": name.removeprefix("i"),
            "job": {"retryable": True, "userPermissions": {"updateBuild": True}, **fields},
        }
        for name, fields in by_iid.items()
    ]
    return {"project": {"environment": {"deployments": {"nodes": nodes}}}}


@pytest.fixture(autouse=True)
def _nothing_stopped(stub: Stub) -> None:
    stub.routes[rest(f"{PROJECT}/environments")] = Reply.json([])


def versions(deployments: tuple[Deployment, ...]) -> list[str]:
    return [each.version for each in deployments]


@pytest.mark.parametrize("fields", [{}, {"deployable": None}, {"deployable": {"archived": True}}], ids=str)
def test_these_bodies_are_what_gitlabs_schemas_allow(fields: Body) -> None:
    errors = schema_errors()
    assert errors("deployment", rest_deployment(5, **fields)) == []
    assert errors("environments", [rest_environment()]) == []


# --- what stands where --------------------------------------------------------------------------------------------


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
    what = standing(production.deployments)
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
    what = standing(production.deployments)
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


# --- the past -----------------------------------------------------------------------------------------------------


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


# --- what a version brought ---------------------------------------------------------------------------------------


def version(revision: str) -> Version:
    return Version(PRODUCTION, revision)


async def test_changes_are_the_commits_of_the_range(stub: Stub, connect: Connect) -> None:
    stub.routes[rest(f"{PROJECT}/repository/commits")] = Reply(
        200, {"Content-Type": "application/json", "X-Next-Page": "2"}, json.dumps([COMMIT]).encode()
    )
    changes = await connect().changes(version(OLD), version(SHA))
    (only,) = changes.commits
    assert (only.revision, only.title, only.author, only.at) == (SHA, "Pin it", "Ann", 1778227200.0)
    assert changes.notes == ("there are more than 1",)
    assert changes.web_url == f"{stub.url}/gitlab/ml/fraud/-/compare/{OLD}...{SHA}"
    assert stub.requests[0].query["ref_name"] == [f"{OLD}..{SHA}"]


@pytest.mark.parametrize(
    ("old", "new", "reply", "note"),
    [
        (OLD, SHA, Reply.json([]), "it has no commit that the other has not"),
        (
            OLD,
            SHA,
            Reply.json({"message": "404 Tree Not Found"}, 404),
            "GitLab does not have both commits any more",
        ),
        (OLD, SHA, Reply.json({"message": "403 Forbidden"}, 403), "its commits are not shown to this user"),
        (SHA, SHA, Reply.json([]), "both are the same commit"),
        ("", SHA, Reply.json([]), "the commit of one of them is not known"),
    ],
)
async def test_changes_that_are_not_known_say_why(
    stub: Stub, connect: Connect, old: str, new: str, reply: Reply, note: str
) -> None:
    stub.routes[rest(f"{PROJECT}/repository/commits")] = reply
    changes = await connect().changes(version(old), version(new))
    assert changes.commits == ()
    assert changes.notes[0].startswith(note)


ARCHIVE = [{"file_type": "archive", "size": 1, "filename": "a.zip", "file_format": "zip"}]
TRACE = [{"file_type": "trace", "size": 1, "filename": "job.log", "file_format": "raw"}]


async def test_validation_numbers_are_searched_in_the_jobs_that_keep_artifacts(
    stub: Stub, connect: Connect
) -> None:
    stub.routes[rest(f"{PROJECT}/pipelines/1842/jobs")] = Reply.json(
        [
            job(3, "package", "c", artifacts=ARCHIVE),
            job(2, "Evaluate", "b", artifacts=ARCHIVE),
            job(1, "validate", "b", artifacts=TRACE),
        ]
    )
    stub.routes[rest(f"{PROJECT}/jobs/2/artifacts/out/m.json")] = Reply.json({"message": "404"}, 404)
    stub.routes[rest(f"{PROJECT}/jobs/3/artifacts/out/m.json")] = Reply.text('{"auc": 0.97}')
    source = connect()
    run = parse_address("gl:ml/fraud#1842/package")
    found = await source.validation(run, "out/m.json")
    assert (found.metrics, found.notes) == ((("auc", 0.97),), ())
    assert [path.rpartition("/jobs/")[2] for path in paths(stub)[1:]] == [
        "2/artifacts/out/m.json",
        "3/artifacts/out/m.json",
    ], "first where its name suggests it"
    before = len(stub.requests)
    assert await source.validation(run, "out/m.json") == found
    assert len(stub.requests) == before, "a file of a run does not change"


@pytest.mark.parametrize(
    ("artifacts", "note"),
    [
        (TRACE, "no job of gl:ml/fraud#1842 keeps artifacts, or they have expired"),
        (ARCHIVE, "gl:ml/fraud#1842 has no artifact m.json that can be read, of train"),
    ],
)
async def test_numbers_that_are_nowhere_say_where_they_were_looked_for(
    stub: Stub, connect: Connect, artifacts: list[Body], note: str
) -> None:
    stub.routes[rest(f"{PROJECT}/pipelines/1842/jobs")] = Reply.json(
        [job(3, "train", "c", artifacts=artifacts)]
    )
    found = await connect().validation(parse_address("gl:ml/fraud#1842"), "m.json")
    assert (found.metrics, found.notes) == ((), (note,))


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
