"""One run, by GraphQL."""

import pytest

from tests.contract.gitlab.bodies import WAITS, basic, detail, downstream, full, job_node, node
from tests.contract.gitlab.conftest import (
    GRAPHQL,
    Clock,
    Connect,
    asked,
    details,
    operations,
    paths,
    projects,
    rest,
)
from tests.http_stub import Reply, Request, Stub
from tui.domain.address import Address, parse_address
from tui.domain.health import Trouble
from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.sources.base import SourceError

RUN = parse_address("gl:ml/fraud#1842")


def told(stub: Stub, **pipelines: object) -> None:
    """The stub knows run 1842 (iid 842) from its list and answers in detail by iid."""
    stub.routes[GRAPHQL] = operations(
        Dashboard=projects(fraud=[node(1842, status="RUNNING", finishedAt=None)]),
        PipelineDetail=details(**pipelines),
    )
    stub.routes[rest("/projects/ml%2Ffraud/pipelines/1842")] = Reply.json(full(1842))


def shape(stages: tuple[Stage, ...] | None) -> list[tuple[str, str, list[str]]]:
    assert stages is not None
    return [
        (stage.name, stage.status.value, [job.address.job or "" for job in stage.jobs]) for stage in stages
    ]


def questions(stub: Stub) -> list[dict[str, object]]:
    """Variables of the detail questions so far."""
    posts = [asked(request) for request in stub.requests if request.method == "POST"]
    return [variables for operation, variables in posts if operation == "PipelineDetail"]


async def test_stages_come_in_order_with_their_jobs_and_needs(stub: Stub, connect: Connect) -> None:
    told(
        stub,
        i842=detail(
            node(1842, status="FAILED", detailedStatus={"group": "failed"}),
            [("build", "success"), ("test", "success"), ("deploy", "failed")],
            [
                job_node(
                    31,
                    "deploy",
                    stage="deploy",
                    status="FAILED",
                    failureMessage="Script failed",
                    exitCode=137,
                ),
                job_node(22, "lint", stage="test", status="FAILED", allowFailure=True),
                job_node(
                    21,
                    "unit",
                    stage="test",
                    needs=("compile",),
                    startedAt="2026-05-08T09:02:10Z",
                    duration=30,
                ),
                job_node(11, "compile", stage="build"),
            ],
        ),
    )
    run = await connect().run(RUN)
    assert shape(run.stages) == [
        ("build", "passed", ["compile"]),
        ("test", "warning", ["unit", "lint"]),
        ("deploy", "failed", ["deploy"]),
    ]
    assert run.stages is not None
    build, test, deploy = run.stages
    assert (build.needs, test.needs, deploy.needs) == ((), ("build",), ("test",))
    assert test.jobs[0].needs == ("compile",)
    assert test.duration == 90.0, "one ran 60 s, the other 30 s a minute later"
    job = deploy.jobs[0]
    assert (job.id, job.reason, job.queued_for, job.duration) == (
        "31",
        "Script failed (exit code 137)",
        2.5,
        60.0,
    )
    assert job.web_url == f"{stub.url}/gitlab/ml/fraud/-/jobs/31"
    assert run.status is Status.FAILED


async def test_the_iid_comes_from_the_list_or_else_from_rest_once(stub: Stub, connect: Connect) -> None:
    told(stub, i842=detail(node(1842, status="RUNNING"), [], []))
    fresh = connect()
    await fresh.run(RUN)
    await fresh.run(RUN)
    assert paths(stub) == [
        "GET /api/v4/projects/ml%2Ffraud/pipelines/1842",
        "POST /api/graphql",
        "POST /api/graphql",
    ]
    listed = connect()
    await listed.pipelines()
    stub.requests.clear()
    await listed.run(RUN)
    assert paths(stub) == ["POST /api/graphql"]
    assert questions(stub) == [{"path": "ml/fraud", "iid": "842"}]


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("CREATED", Status.QUEUED, ""),
        ("WAITING_FOR_RESOURCE", Status.QUEUED, "waits for its resource group"),
        ("PREPARING", Status.QUEUED, "is being prepared"),
        ("WAITING_FOR_CALLBACK", Status.QUEUED, "waits for another system to call back"),
        ("PENDING", Status.QUEUED, "waits for a runner"),
        ("RUNNING", Status.RUNNING, ""),
        ("SUCCESS", Status.PASSED, ""),
        ("FAILED", Status.FAILED, ""),
        ("CANCELING", Status.RUNNING, "is being canceled"),
        ("CANCELED", Status.CANCELED, ""),
        ("SKIPPED", Status.SKIPPED, ""),
        ("MANUAL", Status.WAITING, ""),
        ("SCHEDULED", Status.QUEUED, "starts later"),
        ("TELEPORTING\x1b[1m", Status.UNKNOWN, ""),
    ],
)
async def test_every_status_becomes_a_word_of_ours(
    stub: Stub, connect: Connect, word: str, status: Status, reason: str
) -> None:
    pipeline = node(1842, status=word, detailedStatus={"group": word.lower()})
    told(stub, i842=detail(pipeline, [("build", word.lower())], [job_node(11, "compile", status=word)]))
    run = await connect().run(RUN)
    assert run.stages is not None
    job = run.stages[0].jobs[0]
    assert (run.status, run.stages[0].status, job.status) == (status, status, status)
    vendor = "teleporting" if status is Status.UNKNOWN else word.lower()
    assert (run.vendor_status, run.stages[0].vendor_status, job.vendor_status) == (vendor, vendor, vendor)
    assert job.reason == reason
    assert (run.duration is None) is (not status.finished)


async def test_success_with_warnings_is_a_warning(stub: Stub, connect: Connect) -> None:
    told(stub, i842=detail(node(1842, detailedStatus={"group": "success-with-warnings"}), [], []))
    run = await connect().run(RUN)
    assert (run.status, run.vendor_status) == (Status.WARNING, "success-with-warnings")


async def test_delayed_and_stuck_jobs_say_why_they_wait(stub: Stub, connect: Connect) -> None:
    told(
        stub,
        i842=detail(
            node(1842, status="RUNNING"),
            [("build", "running")],
            [
                job_node(11, "later", status="SCHEDULED", scheduledAt="2026-05-08T12:30:00+02:00"),
                job_node(12, "gpu", status="PENDING", stuck=True),
            ],
        ),
    )
    run = await connect().run(RUN)
    assert run.stages is not None
    assert [job.reason for job in run.stages[0].jobs] == [
        "starts at 2026-05-08 10:30 UTC",
        "is stuck: no runner takes it",
    ]


async def test_manual_jobs_are_gates_with_addresses(stub: Stub, connect: Connect) -> None:
    told(
        stub,
        i842=detail(
            node(1842, status="MANUAL"),
            [("deploy", "manual")],
            [
                job_node(11, "promote", stage="deploy", **WAITS),
                job_node(12, "roll back", stage="deploy", allowFailure=True, **WAITS),
            ],
        ),
    )
    run = await connect().run(RUN)
    assert [(str(gate.address), gate.blocking) for gate in run.gates] == [
        ("gl:ml/fraud#1842/promote!play", True),
        ("gl:ml/fraud#1842/roll back!play", False),
    ]
    assert run.stages is not None
    assert [(job.gate, job.status) for job in run.stages[0].jobs] == [(True, Status.WAITING)] * 2


async def test_older_attempts_and_repeated_names_have_their_ids_in_the_address(
    stub: Stub, connect: Connect
) -> None:
    told(
        stub,
        i842=detail(
            node(1842),
            [("test", "success")],
            [
                job_node(25, "scan", stage="test"),
                job_node(24, "scan", stage="test"),
                job_node(23, "unit", stage="test"),
                job_node(22, "unit", stage="test", status="FAILED", retried=True),
                job_node(21, "unit", stage="test", status="FAILED", retried=True),
            ],
        ),
    )
    run = await connect().run(RUN)
    assert shape(run.stages) == [("test", "passed", ["unit", "unit~22", "unit~21", "scan~25", "scan~24"])]
    assert run.stages is not None
    assert [job.retried for job in run.stages[0].jobs] == [False, True, True, False, False]


async def test_bridges_lead_to_child_pipelines_down_to_their_jobs(stub: Stub, connect: Connect) -> None:
    def with_bridge(name: str, child: object, **fields: object) -> dict[str, object]:
        return job_node(11, name, kind="BRIDGE", downstreamPipeline=child, **fields)

    told(
        stub,
        i842=detail(node(1842), [("build", "success")], [with_bridge("child", downstream(1900))]),
        i900=detail(
            node(1900, upstream=downstream(1842)),
            [("build", "success")],
            [with_bridge("grandchild", downstream(1901))],
        ),
        i901=detail(node(1901), [("build", "success")], [with_bridge("too deep", downstream(1902))]),
    )
    run = await connect().run(RUN)

    def below(run: Run) -> Run:
        assert run.stages is not None
        child = run.stages[0].jobs[0].downstream
        assert child is not None
        return child

    child = below(run)
    assert child.address == parse_address("gl:ml/fraud#1900")
    assert child.cause == "upstream ml/fraud#1842"
    grandchild = below(child)
    assert shape(grandchild.stages) == [("build", "passed", ["too deep"])]
    last = below(grandchild)
    assert (last.address, last.status, last.stages) == (
        parse_address("gl:ml/fraud#1902"),
        Status.PASSED,
        None,
    )
    assert [variables["iid"] for variables in questions(stub)] == ["842", "900", "901"]


async def test_another_project_that_may_not_be_read_says_so_on_its_bridge(
    stub: Stub, connect: Connect
) -> None:
    hidden = {**downstream(1950), "project": None}
    told(
        stub,
        i842=detail(
            node(1842),
            [("deploy", "success")],
            [
                job_node(
                    11, "a", stage="deploy", kind="BRIDGE", downstreamPipeline=downstream(1950, "ops/deploy")
                ),
                job_node(12, "b", stage="deploy", kind="BRIDGE", downstreamPipeline=hidden),
                job_node(13, "c", stage="deploy", kind="BRIDGE"),
            ],
        ),
    )
    run = await connect().run(RUN)
    assert run.stages is not None
    known, hidden_job, unnamed = run.stages[0].jobs
    assert "ops/deploy#1950 cannot be read" in known.reason
    assert "this user may not see it" in known.reason
    assert known.downstream is not None
    assert (known.downstream.status, known.downstream.stages) == (Status.PASSED, None)
    for job in (hidden_job, unnamed):
        assert (job.downstream, job.reason) == (None, "the run it started is not shown to this user")


async def test_pages_of_jobs_are_followed_and_each_job_counted_once(stub: Stub, connect: Connect) -> None:
    def page(request: Request) -> Reply:
        _, variables = asked(request)
        first = "after" not in variables
        ids = range(1, 101) if first else range(100, 131)
        data = detail(node(1842), [("build", "success")], [job_node(id, f"shard {id}") for id in ids])
        data["project"]["pipeline"]["jobs"]["pageInfo"] = {
            "hasNextPage": first,
            "endCursor": "c1" if first else None,
        }
        return Reply.json({"data": data})

    told(stub)
    stub.routes[GRAPHQL] = page
    run = await connect().run(RUN)
    assert run.stages is not None
    assert [job.name for job in run.stages[0].jobs] == [f"shard {id}" for id in range(1, 131)]
    assert [variables.get("after") for variables in questions(stub)] == [None, "c1"]


async def test_a_finished_run_is_not_asked_again_until_the_list_tells_of_a_retry(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    listed = node(1842)
    stub.routes[GRAPHQL] = operations(
        Dashboard=lambda request: projects(fraud=[listed])(request),
        PipelineDetail=details(i842=detail(node(1842), [("build", "success")], [job_node(11, "compile")])),
    )
    source = connect()
    await source.pipelines()
    first = await source.run(RUN)
    clock.ahead = 3600
    await source.pipelines()
    assert await source.run(RUN) is first
    assert len(questions(stub)) == 1
    listed = node(1842, finishedAt="2026-05-08T10:00:00Z", updatedAt="2026-05-08T10:00:00Z")
    await source.pipelines()
    await source.run(RUN)
    assert len(questions(stub)) == 2, "it finished at another time: it was retried"


async def test_a_run_out_of_the_list_is_good_for_a_minute(stub: Stub, connect: Connect, clock: Clock) -> None:
    told(stub, i842=detail(node(1842), [("build", "success")], [job_node(11, "compile")]))
    source = connect()
    await source.run(RUN)
    clock.ahead = 30
    await source.run(RUN)
    assert len(questions(stub)) == 1
    clock.ahead = 61
    await source.run(RUN)
    assert len(questions(stub)) == 2


async def test_a_finished_child_is_not_asked_again_while_its_parent_runs(
    stub: Stub, connect: Connect
) -> None:
    child = job_node(11, "child", kind="BRIDGE", downstreamPipeline=downstream(1900))
    told(
        stub,
        i842=detail(node(1842, status="RUNNING"), [("build", "running")], [child]),
        i900=detail(node(1900), [("build", "success")], [job_node(21, "compile")]),
    )
    source = connect()
    await source.run(RUN)
    await source.run(RUN)
    assert [variables["iid"] for variables in questions(stub)] == ["842", "900", "842"]


async def test_what_is_not_read_whole_is_asked_again(stub: Stub, connect: Connect) -> None:
    data = detail(node(1842), [("build", "success")], [])
    told(stub)
    stub.routes[GRAPHQL] = lambda _: Reply.json({"data": data, "errors": [{"message": "jobs timed out"}]})
    source = connect()
    run = await source.run(RUN)
    assert run.problem == "GitLab left something out: jobs timed out"
    await source.run(RUN)
    assert len(questions(stub)) == 2


async def test_a_pipeline_that_never_ran_says_why(stub: Stub, connect: Connect) -> None:
    pipeline = node(1842, status="FAILED")
    told(stub, i842=detail({**pipeline, "yamlErrorMessages": "jobs:train config\nis wrong"}, [], []))
    run = await connect().run(RUN)
    assert (run.stages, run.problem) == ((), "jobs:train config is wrong")


async def test_an_unknown_run_is_not_found(stub: Stub, connect: Connect) -> None:
    told(stub)
    stub.routes[rest("/projects/ml%2Ffraud/pipelines/7")] = Reply.json({"message": "404 Not found"}, 404)
    source = connect()
    with pytest.raises(SourceError, match="gl:ml/fraud#1842 cannot be read: it does not exist") as caught:
        await source.run(RUN)
    assert caught.value.trouble is Trouble.NOT_FOUND
    with pytest.raises(SourceError, match="404 Not found"):
        await source.run(parse_address("gl:ml/fraud#7"))
    with pytest.raises(SourceError, match="names no run"):
        await source.run(Address("gl", "ml/fraud"))


async def test_a_moved_project_is_told_by_its_id(stub: Stub, connect: Connect) -> None:
    told(stub)
    location = f"{stub.url}/gitlab/api/v4/projects/42/pipelines/1842"
    stub.routes[rest("/projects/ml%2Fold/pipelines/1842")] = Reply(301, {"Location": location}, b"moved")
    with pytest.raises(SourceError, match="the project has moved, it is now project 42"):
        await connect().run(parse_address("gl:ml/old#1842"))
    assert paths(stub) == ["GET /api/v4/projects/ml%2Fold/pipelines/1842"], "the redirect was not followed"


async def test_hostile_job_names_stay_addresses(stub: Stub, connect: Connect) -> None:
    told(
        stub,
        i842=detail(
            node(1842),
            [("[b]st\x1b[31mage", "success")],
            [job_node(11, "a/b!c%\x1b[0m", stage="[b]st\x1b[31mage"), job_node(12, "\x1b[1m", stage="gone")],
        ),
    )
    run = await connect().run(RUN)
    assert shape(run.stages) == [("[b]stage", "passed", ["a/b!c%"]), ("gone", "passed", ["~12"])]
    assert run.stages is not None
    for stage in run.stages:
        for job in stage.jobs:
            assert parse_address(str(job.address)) == job.address


async def test_a_basic_pipeline_body_is_enough_for_the_iid(stub: Stub, connect: Connect) -> None:
    told(stub, i842=detail(node(1842), [], []))
    stub.routes[rest("/projects/ml%2Ffraud/pipelines/1842")] = Reply.json(basic(1842))
    assert (await connect().run(RUN)).address == RUN


async def test_jobs_side_by_side_count_once_in_the_time_of_their_stage(stub: Stub, connect: Connect) -> None:
    spans = [("2026-05-08T09:00:00Z", 60), ("2026-05-08T09:00:30Z", 60), ("2026-05-08T09:00:40Z", 10)]
    jobs = [job_node(n, f"shard {n}", startedAt=at, duration=took) for n, (at, took) in enumerate(spans)]
    told(stub, i842=detail(node(1842), [("build", "success")], jobs))
    run = await connect().run(RUN)
    assert run.stages is not None
    assert run.stages[0].duration == 90.0


async def test_an_older_attempt_waits_for_nobody(stub: Stub, connect: Connect) -> None:
    jobs = [job_node(12, "promote"), job_node(11, "promote", retried=True, **WAITS)]
    told(stub, i842=detail(node(1842), [("build", "success")], jobs))
    run = await connect().run(RUN)
    assert run.gates == ()


async def test_the_run_of_an_older_bridge_is_named_and_not_read(stub: Stub, connect: Connect) -> None:
    jobs = [
        job_node(12, "child", kind="BRIDGE", downstreamPipeline=downstream(1901)),
        job_node(
            11, "child", kind="BRIDGE", downstreamPipeline=downstream(1900, status="FAILED"), retried=True
        ),
    ]
    told(stub, i842=detail(node(1842), [("build", "success")], jobs), i901=detail(node(1901), [], []))
    run = await connect().run(RUN)
    assert run.stages is not None
    new, old = (job.downstream for job in run.stages[0].jobs)
    assert new is not None
    assert old is not None
    assert (new.stages, old.stages, old.status) == ((), None, Status.FAILED)
    assert [variables["iid"] for variables in questions(stub)] == ["842", "901"]


async def test_a_finished_run_with_a_child_is_good_for_a_minute(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    child = job_node(11, "child", kind="BRIDGE", downstreamPipeline=downstream(1900))
    stub.routes[GRAPHQL] = operations(
        Dashboard=projects(fraud=[node(1842)]),
        PipelineDetail=details(
            i842=detail(node(1842), [("build", "success")], [child]),
            i900=detail(node(1900), [("build", "success")], [job_node(21, "compile")]),
        ),
    )
    source = connect()
    await source.pipelines()
    first = await source.run(RUN)
    assert await source.run(RUN) is first
    clock.ahead = 61
    await source.run(RUN)
    assert len(questions(stub)) == 4, "a child may be retried without a trace in the list"
