"""What a version brought: its commits and its validation numbers."""

import json

import pytest

from tests.contract.gitlab.bodies import Body, job
from tests.contract.gitlab.conftest import Connect, paths, rest
from tests.contract.gitlab.environment_bodies import COMMIT, OLD, PRODUCTION, PROJECT, SHA
from tests.http_stub import Reply, Stub
from tui.domain.address import parse_address
from tui.domain.deployment import Version


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


async def test_an_evaluation_is_read_anew_each_time(stub: Stub, connect: Connect) -> None:
    """It may hold what people asked a model, and a retried job writes another one."""
    stub.routes[rest(f"{PROJECT}/pipelines/1842/jobs")] = Reply.json(
        [job(2, "evaluate", "b", artifacts=ARCHIVE)]
    )
    stub.routes[rest(f"{PROJECT}/jobs/2/artifacts/out/e.json")] = Reply.text(
        '[{"name": "a", "passed": false}]'
    )
    source, run = connect(), parse_address("gl:ml/fraud#1842")
    for _ in range(2):
        found = await source.evaluation(run, "out/e.json")
        assert (found.kind, [case.result for case in found.cases]) == ("a list of cases", ["failed"])
    assert len(stub.requests) == 4, "the jobs, and the file"
    stub.routes[rest(f"{PROJECT}/jobs/2/artifacts/out/e.json")] = Reply.json({"message": "404"}, 404)
    missing = await source.evaluation(run, "out/e.json")
    assert missing.problem == "gl:ml/fraud#1842 has no artifact out/e.json that can be read, of evaluate"
    assert missing.missing


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"artifacts": ARCHIVE}, 403),
        ({"artifacts": [], "artifacts_expire_at": "2026-11-01T00:00:00Z"}, 404),
    ],
    ids=["not shown", "expired"],
)
async def test_what_may_have_been_there_is_not_missing_for_certain(
    stub: Stub, connect: Connect, more: Body, status: int
) -> None:
    stub.routes[rest(f"{PROJECT}/pipelines/1842/jobs")] = Reply.json([job(2, "evaluate", "b", **more)])
    stub.routes[rest(f"{PROJECT}/jobs/2/artifacts/e.json")] = Reply.json({}, status)
    found = await connect().evaluation(parse_address("gl:ml/fraud#1842"), "e.json")
    assert (bool(found.problem), found.missing) == (True, False)
