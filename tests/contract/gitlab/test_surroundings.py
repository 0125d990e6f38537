"""What is around a run that is looked at: its merge request, its schedule, who holds what it waits for."""

from typing import Any

import pytest

from tests.contract.gitlab.bodies import Body, detail, full, job_node, node
from tests.contract.gitlab.conftest import GRAPHQL, Connect, executed, paths, rest
from tests.http_stub import Reply, Stub
from tui.domain.address import parse_address
from tui.domain.pipeline import Run

RUN = parse_address("gl:ml/fraud#1842")
PROJECT = "/projects/ml%2Ffraud"
MERGE_REQUEST: Body = {
    "title": "Use\x1b[31m the new features",
    "sourceBranch": "features",
    "targetBranch": "main",
    "mergeTrainIndex": None,
    "mergeTrainsCount": None,
    "approvalsLeft": 0,
}
RULES = {
    "rules": [
        {
            "name": "Security",
            "approvals_required": 2,
            "approved": False,
            "approved_by": [{"username": "bob"}],
            "eligible_approvers": [{"username": name} for name in ("bob", "carol", "dave")],
        },
        {"name": "All", "approvals_required": 0, "approved": True},
    ]
}


async def looked_at(stub: Stub, connect: Connect, version: str = "18.9", **fields: Any) -> Run:
    jobs = fields.pop("jobs", [job_node(31, "train")])
    request = fields.pop("mergeRequest", None)
    data = detail(node(1842, **fields), [("build", "success")], jobs)
    data["project"]["pipeline"]["mergeRequest"] = request
    stub.routes[GRAPHQL] = executed(lambda _: data, version)
    stub.routes[rest(f"{PROJECT}/pipelines/1842")] = Reply.json(full(1842))
    return await connect().run(RUN)


@pytest.mark.parametrize(
    ("ref", "fields", "kind"),
    [
        ("head", {}, ""),
        ("merge", {}, " (merged result)"),
        ("train", {}, " (merge train)"),
        ("train", {"mergeTrainIndex": 1, "mergeTrainsCount": 5}, " (merge train, place 2 of 5)"),
    ],
)
async def test_the_run_of_a_merge_request_tells_it(
    stub: Stub, connect: Connect, ref: str, fields: Body, kind: str
) -> None:
    run = await looked_at(
        stub, connect, ref=f"refs/merge-requests/7/{ref}", mergeRequest=MERGE_REQUEST | fields
    )
    assert run.facts == (f"!7 Use the new features: features → main{kind}",)
    assert len(stub.requests) == 2, "nobody has to approve it any more"


async def test_who_has_to_approve_is_named(stub: Stub, connect: Connect) -> None:
    stub.routes[rest(f"{PROJECT}/merge_requests/7/approval_state")] = Reply.json(RULES)
    request = MERGE_REQUEST | {"approvalsLeft": 1}
    run = await looked_at(stub, connect, ref="refs/merge-requests/7/head", mergeRequest=request)
    _, approvals = run.facts
    assert approvals.startswith("approvals missing at ")
    assert approvals.endswith(" UTC: Security has 1 of 2, from carol, dave")


@pytest.mark.parametrize(
    "state", [Reply.json({"message": "404"}, 404), Reply.text("<html>", 200, "text/html")]
)
async def test_a_version_that_does_not_tell_the_merge_request_is_asked_by_rest(
    stub: Stub, connect: Connect, state: Reply
) -> None:
    stub.routes[rest(f"{PROJECT}/merge_requests/7")] = Reply.json(
        {"iid": 7, "title": "Use it", "source_branch": "a", "target_branch": "b"}
    )
    stub.routes[rest(f"{PROJECT}/merge_requests/7/approval_state")] = state
    run = await looked_at(stub, connect, "16.2", ref="refs/merge-requests/7/head", mergeRequest=MERGE_REQUEST)
    assert run.facts == ("!7 Use it: a → b",)


async def test_a_scheduled_run_tells_the_next(stub: Stub, connect: Connect) -> None:
    stub.routes[rest(f"{PROJECT}/pipeline_schedules")] = Reply.json(
        [
            {"ref": "refs/heads/main", "description": "Weekly", "next_run_at": "2026-05-15T03:00:00.000Z"},
            {
                "ref": "main",
                "description": "Nightly",
                "active": True,
                "next_run_at": "2026-05-09T03:00:00.000Z",
            },
            {"ref": "other", "description": "No", "next_run_at": "2026-05-08T03:00:00.000Z"},
            {"ref": "main", "description": "Off", "active": False, "next_run_at": "2026-05-08T03:00:00.000Z"},
        ]
    )
    run = await looked_at(stub, connect, source="schedule")
    assert run.facts == ("scheduled next: 2026-05-09 03:00 UTC (Nightly)",)


async def test_a_job_that_waits_for_a_resource_group_tells_who_holds_it(stub: Stub, connect: Connect) -> None:
    groups = f"{PROJECT}/resource_groups"
    waits = {"status": "WAITING_FOR_RESOURCE", "startedAt": None, "duration": None}
    stub.routes |= {
        rest(groups): Reply.json([{"id": 1, "key": "staging"}, {"id": 2, "key": "prod/eu"}]),
        rest(f"{groups}/staging/upcoming_jobs"): Reply.json([]),
        rest(f"{groups}/prod%2Feu/upcoming_jobs"): Reply.json(
            [{"id": 30, "name": "a"}, {"id": 31, "name": "b"}]
        ),
        rest(f"{groups}/prod%2Feu/current_job"): Reply.json(
            {"id": 12, "name": "deploy", "pipeline": {"id": 1840}}
        ),
    }
    run = await looked_at(stub, connect, status="RUNNING", finishedAt=None, jobs=[job_node(31, "b", **waits)])
    assert run.stages is not None
    assert run.stages[0].jobs[0].reason == (
        "waits for the resource group prod/eu, held by deploy of #1840; 1 job before it"
    )
    del stub.routes[rest(groups)]
    run = await looked_at(stub, connect, status="RUNNING", finishedAt=None, jobs=[job_node(31, "b", **waits)])
    assert run.stages is not None
    assert run.stages[0].jobs[0].reason == "waits for its resource group"


async def test_other_runs_cost_no_request_more(stub: Stub, connect: Connect) -> None:
    assert (await looked_at(stub, connect)).facts == ()
    assert paths(stub) == ["GET /api/v4/projects/ml%2Ffraud/pipelines/1842", "POST /api/graphql"]
