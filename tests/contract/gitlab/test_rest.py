"""The same over REST, where GraphQL is refused or does not know a field."""

from typing import Any

import pytest

from tests.contract.gitlab.bodies import (
    SUMMARY,
    WAITS,
    basic,
    bridge,
    detail,
    full,
    job,
    job_node,
    node,
    project,
)
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, details, operations, paths, projects, rest
from tests.http_stub import Reply, Request, Stub
from tui.domain.address import parse_address
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status

RUN = parse_address("gl:ml/fraud#1842")
UNKNOWN_FIELD = Reply.json(
    {"errors": [{"message": "Field 'child' doesn't exist on type 'Pipeline'", "path": ["query Dashboard"]}]}
)
PIPELINES = "/projects/ml%2Ffraud/pipelines"


@pytest.mark.parametrize(
    "refusal",
    [
        UNKNOWN_FIELD,
        Reply.json({"errors": [{"message": "API not accessible for user"}]}, 403),
        Reply.json({"errors": [{"message": "Invalid token"}]}, 401),
        Reply.json({"error": "404 Not Found"}, 404),
        Reply.text("<html>log in</html>", 200, "text/html"),
        Reply(302, {"Location": "https://sso.example.com/login"}),
        Reply.json(
            {"errors": [{"message": "Query has complexity of 300, which exceeds max complexity of 250"}]}
        ),
        Reply.json({"errors": [{"message": "Request timed out. Please try a less complex query"}]}, 503),
    ],
    ids=["field", "403", "401", "404", "html", "302", "complexity", "503"],
)
async def test_the_list_falls_back_to_rest_and_remembers(
    stub: Stub, connect: Connect, refusal: Reply
) -> None:
    stub.routes[GRAPHQL] = refusal
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1842), basic(1841, ref="dev", status="running")])
    source = connect()
    listing = await source.pipelines()
    assert [(row.ref, row.runs[0].title, row.runs[0].status) for row in listing.pipelines] == [
        ("main", "#1842", Status.PASSED),
        ("dev", "#1841", Status.RUNNING),
    ]
    [note] = listing.notes
    assert "read over REST" in note
    assert source.facts().stage_source.startswith("REST")
    await source.pipelines()
    assert paths(stub) == ["POST /api/graphql", *[f"GET /api/v4{PIPELINES}"] * 2]
    assert stub.requests[1].query == {"order_by": ["id"], "sort": ["desc"], "per_page": ["10"]}
    assert stub.requests[1].headers["authorization"] == "Bearer glpat-secret"


async def test_while_rest_fails_too_graphql_is_tried_again(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = (
        Reply.json({"errors": [{"message": "Invalid token"}]}, 401),
        Reply.json({"data": {"projects": {"nodes": [{"fullPath": "ml/fraud", "pipelines": {"nodes": []}}]}}}),
    )
    stub.routes[rest(PIPELINES)] = Reply.json({"message": "401 Unauthorized"}, 401)
    source = connect()
    with pytest.raises(Exception, match="401 Unauthorized"):
        await source.pipelines()
    assert (await source.pipelines()).notes == ()
    assert source.facts().stage_source == "GraphQL"


async def test_a_field_unknown_in_the_detail_leaves_the_list_alone(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = operations(
        Dashboard=projects(fraud=[node(1842)]), PipelineDetail=lambda _: UNKNOWN_FIELD
    )
    routes(stub, [job(11, "compile", "build")])
    source = connect()
    assert (await source.pipelines()).notes == ()
    run = await source.run(RUN)
    assert run.stages is not None
    assert [stage.name for stage in run.stages] == ["build"]
    stub.requests.clear()
    await source.pipelines()
    assert paths(stub) == ["POST /api/graphql"]


async def test_missing_projects_are_notes_over_rest_too(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = UNKNOWN_FIELD
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1842)])
    for path in ("/projects/ml%2Fgone", "/projects/ml%2Fgone/pipelines"):
        stub.routes[rest(path)] = Reply.json({"message": "404 Project Not Found"}, 404)
    listing = await connect(watch=("ml/fraud", "ml/gone")).pipelines()
    assert [row.address.path for row in listing.pipelines] == ["ml/fraud"]
    assert listing.notes[0].startswith("ml/gone does not exist")


async def test_blocked_pipelines_get_their_gates_once(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = UNKNOWN_FIELD
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1842, status="manual")])
    stub.routes[rest(f"{PIPELINES}/1842/jobs")] = Reply.json(
        [job(11, "promote", "deploy", status="manual", started_at=None, duration=None)]
    )
    source = connect()
    for _ in range(2):
        [row] = (await source.pipelines()).pipelines
        assert [str(gate.address) for gate in row.runs[0].gates] == ["gl:ml/fraud#1842/promote!play"]
    asked = [request for request in stub.requests if request.path.endswith("/jobs")]
    assert [request.query["scope[]"] for request in asked] == [["manual"]]


def routes(stub: Stub, jobs: list[Any], bridges: list[Any] | None = None, **fields: Any) -> None:
    """What REST tells of run 1842."""
    stub.routes[rest(f"{PIPELINES}/1842")] = Reply.json(full(1842, **fields))
    stub.routes[rest(f"{PIPELINES}/1842/jobs")] = Reply.json(jobs)
    stub.routes[rest(f"{PIPELINES}/1842/bridges")] = Reply.json(bridges or [])
    stub.routes[rest(f"{PIPELINES}/1842/test_report_summary")] = Reply.json(SUMMARY)


async def test_a_run_over_rest_orders_stages_and_tells_older_attempts(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    routes(
        stub,
        [
            job(40, "compile", "build"),
            job(31, "promote", "deploy", status="manual", allow_failure=True, started_at=None, duration=None),
            job(30, "deploy", "deploy", status="failed", failure_reason="script_failure"),
            job(21, "lint", "test", status="failed", allow_failure=True, failure_reason="script_failure"),
            job(20, "unit", "test"),
            job(10, "compile", "build", status="failed"),
        ],
        name="Nightly",
        status="failed",
    )
    run = await connect().run(RUN)
    assert (run.title, run.cause, run.duration) == ("Nightly", "push by alice", 300.0)
    assert run.tests == TestCounts(12, 2, 2)
    assert run.stage_source == "REST: needs are not told"
    assert run.stages is not None
    assert [(stage.name, stage.status.value) for stage in run.stages] == [
        ("build", "passed"),
        ("test", "warning"),
        ("deploy", "failed"),
    ]
    assert [(job.address.job, job.retried) for job in run.stages[0].jobs] == [
        ("compile", False),
        ("compile~10", True),
    ]
    assert run.stages[2].jobs[0].reason == "script failure"
    assert run.stages[0].duration == 60.5
    assert [(str(gate.address), gate.blocking) for gate in run.gates] == [
        ("gl:ml/fraud#1842/promote!play", False)
    ]
    [jobs] = [request for request in stub.requests if request.path.endswith("/jobs")]
    assert jobs.query == {"include_retried": ["true"], "per_page": ["100"], "page": ["1"]}


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (["running", "success"], "running"),
        (["created", "created"], "queued"),
        (["created", "success"], "running"),
        (["manual", "success"], "waiting"),
        (["failed", "success"], "failed"),
        (["canceled", "success"], "canceled"),
        (["skipped", "skipped"], "skipped"),
        (["skipped", "success"], "passed"),
        (["surprise", "success"], "unknown"),
    ],
)
async def test_a_stage_over_rest_is_what_its_jobs_make_it(
    stub: Stub, connect: Connect, jobs: list[str], expected: str
) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    routes(stub, [job(10 + n, f"j{n}", "build", status=status) for n, status in enumerate(jobs)])
    run = await connect().run(RUN)
    assert run.stages is not None
    assert run.stages[0].status.value == expected


async def test_bridges_over_rest_lead_to_other_projects(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    routes(
        stub,
        [job(10, "compile", "build")],
        [
            bridge(11, "child", "build", downstream_pipeline=basic(1900, source="parent_pipeline")),
            bridge(20, "other", "deploy", downstream_pipeline=basic(77, project_id=9)),
            bridge(21, "secret", "deploy", downstream_pipeline=basic(78, project_id=10)),
            bridge(22, "to come", "deploy", status="created"),
        ],
    )
    for at in ("/projects/42/pipelines/1900", "/projects/9/pipelines/77"):
        stub.routes[rest(at)] = Reply.json(full(int(at.rpartition("/")[2])))
        stub.routes[rest(f"{at}/jobs")] = Reply.json([job(90, "render", "all")])
        stub.routes[rest(f"{at}/bridges")] = Reply.json([])
    stub.routes[rest("/projects/9")] = Reply.json(project(9, "ops/deploy"))
    stub.routes[rest("/projects/10")] = Reply.json({"message": "404 Project Not Found"}, 404)
    run = await connect().run(RUN)
    assert run.stages is not None
    child = run.stages[0].jobs[1].downstream
    other, secret, coming = run.stages[1].jobs
    assert child is not None
    assert child.address == parse_address("gl:ml/fraud#1900")
    assert child.stages is not None
    assert child.stages[0].jobs[0].name == "render"
    assert other.downstream is not None
    assert other.downstream.address == parse_address("gl:ops/deploy#77")
    assert secret.downstream is None
    assert "10#78 cannot be read: gl answered 404" in secret.reason
    assert (coming.downstream, coming.reason) == (None, "")
    assert run.tests is not None
    assert child.tests is None, "a missing test summary takes nothing else away"


async def test_pages_follow_the_header_and_never_the_link(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    routes(stub, [])

    def page(request: Request) -> Reply:
        first = request.query["page"] == ["1"]
        ids = range(1, 101) if first else range(100, 141)
        return Reply.json(
            [job(id, f"shard {id}", "build") for id in ids],
            200,
            **{
                "X-Next-Page": "2" if first else "",
                "Link": '<https://elsewhere.example.com/api/v4/x?page=2>; rel="next"',
            },
        )

    stub.routes[rest(f"{PIPELINES}/1842/jobs")] = page
    run = await connect().run(RUN)
    assert run.stages is not None
    assert len(run.stages[0].jobs) == 140
    assert len([request for request in stub.requests if request.path.endswith("/jobs")]) == 2


async def test_a_finished_run_over_rest_is_kept_while_it_is_not_updated(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1842)])
    routes(stub, [job(10, "compile", "build")])
    source = connect()
    await source.pipelines()
    first = await source.run(RUN)
    clock.ahead = 3600
    await source.pipelines()
    stub.requests.clear()
    assert await source.run(RUN) is first
    assert stub.requests == []
    stub.routes[rest(PIPELINES)] = Reply.json([basic(1842, updated_at="2026-05-08T11:00:00.000Z")])
    await source.pipelines()
    await source.run(RUN)
    assert f"GET /api/v4{PIPELINES}/1842/jobs" in paths(stub)


async def test_both_ways_tell_the_same_of_a_run(stub: Stub, connect: Connect) -> None:
    """What REST can tell, it tells in the same words."""
    stub.routes[GRAPHQL] = operations(
        PipelineDetail=details(
            i842=detail(
                node(1842, status="MANUAL", detailedStatus={"group": "manual"}),
                [("build", "success"), ("deploy", "manual")],
                [
                    job_node(10, "compile"),
                    job_node(20, "promote", stage="deploy", queuedDuration=None, **WAITS),
                ],
            )
        )
    )
    waiting = {"status": "manual", "started_at": None, "duration": None, "queued_duration": None}
    routes(
        stub,
        [job(20, "promote", "deploy", **waiting), job(10, "compile", "build", duration=60.0)],
        status="manual",
    )
    stub.routes[rest(f"{PIPELINES}/1842/test_report_summary")] = Reply.json({"message": "404 Not found"}, 404)
    by_graphql = await connect().run(RUN)
    stub.routes[GRAPHQL] = Reply.json({"error": "404 Not Found"}, 404)
    by_rest = await connect().run(RUN)
    assert by_graphql.gates == by_rest.gates
    assert by_graphql.stages is not None
    assert by_rest.stages is not None
    for one, other in zip(by_graphql.stages, by_rest.stages, strict=True):
        assert (one.name, one.status, one.jobs, one.duration) == (
            other.name,
            other.status,
            other.jobs,
            other.duration,
        )
