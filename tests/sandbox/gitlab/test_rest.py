"""What REST answers is what the world says, in the shapes of GitLab."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.gitlab_schemas import Errors, schema_errors
from tests.sandbox.gitlab.face import FRAUD, START, Face, a_face
from tests.sandbox.runs import advance_until, good_run
from tui.sandbox.plan import Group, State, Task, plan
from tui.sandbox.world import Clock, Pipeline, Scenario, World

WORDS = {
    State.QUEUED: "pending",
    State.WAITING: "manual",
    State.RUNNING: "running",
    State.PASSED: "success",
    State.WARNING: "success",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
    State.SKIPPED: "skipped",
}
"""What a run's state is called in GitLab."""


# --- REST bodies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 47, 133, 400])
def test_bodies_are_what_gitlabs_own_schemas_say(face: Face, after: float) -> None:
    errors = schema_errors()
    face.world.clock.advance(after)
    good_run(face.world)
    face.world.clock.advance(3)
    seen: set[str] = set()
    for path in face.world.projects:
        project = f"/projects/{quote(path, safe='')}"
        pipelines = face.all(f"{project}/pipelines")
        children = face.all(f"{project}/pipelines?source=parent_pipeline")
        must_fit(errors, "pipelines", pipelines)
        # What has ended is the same at all times: the whole history once, then what can have changed.
        for pipeline in (pipelines + children)[: None if after == 0 else 6]:
            one = f"{project}/pipelines/{pipeline['id']}"
            must_fit(errors, "pipeline-detail", face.get(one).json())
            jobs = face.all(f"{one}/jobs?include_retried=true")
            must_fit(errors, "jobs", jobs)
            seen.update(job["status"] for job in jobs)
            must_fit(errors, "jobs", [face.get(f"{project}/jobs/{jobs[0]['id']}").json()])
        environments = face.all(f"{project}/environments")
        must_fit(errors, "environments", environments)
        for environment in environments:
            must_fit(errors, "environment", face.get(f"{project}/environments/{environment['id']}").json())
        deployments = face.all(f"{project}/deployments?sort=desc")
        must_fit(errors, "deployments", deployments[: None if after == 0 else 8])
        seen.update(deployment["status"] for deployment in deployments)
    assert {"success", "failed", "running", "manual", "skipped", "created", "blocked"} <= seen


def must_fit(errors: Errors, kind: str, body: Any) -> None:
    assert not errors(kind, body)


@pytest.mark.parametrize("after", [0, 47, 133, 400, 1000])
def test_pipelines_are_the_runs_of_the_world(face: Face, after: float) -> None:
    face.world.clock.advance(after)
    for path in face.world.projects:
        told = face.all(f"/projects/{quote(path, safe='')}/pipelines")
        runs = face.world.project_runs(path)
        assert [p["id"] for p in told] == [run.id for run in runs]
        assert [p["iid"] for p in told] == [run.number for run in runs]
        assert [p["status"] for p in told] == [WORDS[face.world.progress(run).state] for run in runs]
        assert [(p["ref"], p["sha"]) for p in told] == [(r.pipeline.ref, r.commit.sha) for r in runs]


def test_a_pipeline_with_warnings_says_so_in_its_detailed_status(face: Face) -> None:
    warned = [run for run in face.project_runs() if face.world.progress(run).state is State.WARNING]
    assert warned
    for run in warned:
        detail = face.get(f"/projects/{face.world.project_id(run.pipeline.path)}/pipelines/{run.id}").json()
        assert detail["status"] == "success"
        assert detail["detailed_status"]["group"] == "success-with-warnings"


def test_jobs_show_their_older_attempts_only_when_asked(face: Face) -> None:
    newest = face.all(f"{FRAUD}/pipelines?status=success")[0]["id"]
    latest = face.all(f"{FRAUD}/pipelines/{newest}/jobs")
    everything = face.all(f"{FRAUD}/pipelines/{newest}/jobs?include_retried=true")
    assert [job["id"] for job in latest] == sorted((job["id"] for job in latest), reverse=True)
    (older,) = [job for job in everything if job not in latest]
    (newer,) = [job for job in latest if job["name"] == older["name"]]
    assert (older["name"], older["status"], newer["status"]) == ("train 3/4", "failed", "success")
    assert older["failure_reason"] == "script_failure"
    assert "failure_reason" not in newer
    assert older["id"] < newer["id"]


def test_bridges_are_no_jobs_and_children_no_pipelines(face: Face) -> None:
    project = face.world.project_id("ml/fraud")
    newest = face.all(f"{FRAUD}/pipelines?status=success")[0]["id"]
    (bridge,) = face.all(f"{FRAUD}/pipelines/{newest}/bridges")
    child = bridge["downstream_pipeline"]
    assert bridge["name"] == "model card"
    assert (child["source"], child["project_id"]) == ("parent_pipeline", project)
    assert "model card" not in {job["name"] for job in face.all(f"{FRAUD}/pipelines/{newest}/jobs")}
    face.get(f"{FRAUD}/jobs/{bridge['id']}", 404)
    assert child["id"] not in {p["id"] for p in face.all(f"{FRAUD}/pipelines")}
    assert child["id"] in {p["id"] for p in face.all(f"{FRAUD}/pipelines?source=parent_pipeline")}
    assert [j["name"] for j in face.all(f"{FRAUD}/pipelines/{child['id']}/jobs")] == [
        "pages",
        "card tests",
        "text",
        "figures",
    ]


def test_a_bridge_has_no_child_before_it_starts(face: Face) -> None:
    run = good_run(face.world)
    face.world.clock.advance(10)
    (bridge,) = face.all(f"{FRAUD}/pipelines/{run.id}/bridges")
    assert (bridge["status"], bridge["downstream_pipeline"]) == ("created", None)


def test_a_gate_is_a_manual_job_until_somebody_plays_it(face: Face) -> None:
    world = face.world
    run = good_run(world)
    path = f"{FRAUD}/pipelines/{run.id}"
    advance_until(world, lambda: world.progress(run).of("promote/promote").state is State.WAITING)
    jobs = face.all(f"{path}/jobs?scope[]=manual")
    assert {job["name"]: job["allow_failure"] for job in jobs} == {"promote": False, "roll back": True}
    assert face.get(path).json()["status"] == "manual"
    assert face.get(path).json()["detailed_status"]["label"] == "waiting for manual action"
    world.approve(run, "promote/promote", "dana")
    world.clock.advance(1)
    (job,) = face.all(f"{path}/jobs?scope=running")
    assert (job["name"], job["user"]["username"]) == ("promote", "dana")
    assert 0 < job["duration"] <= 1


def test_the_summary_of_tests_comes_after_the_jobs(face: Face) -> None:
    world = face.world
    failed = next(
        run for run in face.project_runs() if run.pipeline.path == "ml/features/store" and run.parent is None
    )
    summary = face.get(f"/projects/ml%2Ffeatures%2Fstore/pipelines/{failed.id}/test_report_summary").json()
    (suite,) = summary["test_suites"]
    total = summary["total"]
    assert suite["name"] == "contract tests"
    assert suite["build_ids"] == [world.job_id(failed, "test/contract tests")]
    assert total["failed"] > 0
    assert total["count"] == total["success"] + total["failed"] + total["skipped"] + total["error"]
    fresh = world.trigger(world.pipelines("gitlab", "ml/fraud")[0])
    summary = face.get(f"{FRAUD}/pipelines/{fresh.id}/test_report_summary").json()
    assert summary["total"]["count"] == 0
    assert summary["test_suites"] == []


# --- environments and deployments -------------------------------------------------------------------------------


def test_deployments_come_oldest_first_unless_told_otherwise(face: Face) -> None:
    ids = [d["id"] for d in face.all(f"{FRAUD}/deployments")]
    assert ids == sorted(ids)
    assert [d["id"] for d in face.all(f"{FRAUD}/deployments?order_by=id&sort=desc")] == ids[::-1]


def test_a_deployment_follows_its_job_and_blocked_means_manual(face: Face) -> None:
    for deployment in face.all(f"{FRAUD}/deployments"):
        job = deployment["deployable"]["status"]
        expected = {"manual": "blocked", "pending": "created"}.get(job, job)
        assert deployment["status"] == expected
    blocked = face.all(f"{FRAUD}/deployments?status=blocked")
    assert blocked
    one = face.get(f"{FRAUD}/deployments/{blocked[0]['id']}").json()
    assert one["pending_approval_count"] == 0


def test_an_environments_current_version_is_the_success_that_ended_last(face: Face) -> None:
    (environment,) = face.all("/projects/ml%2Franking/environments")
    assert (environment["name"], environment["tier"], environment["slug"]) == ("staging",) * 3
    assert "last_deployment" not in environment
    last = face.get(f"/projects/ml%2Franking/environments/{environment['id']}").json()["last_deployment"]
    by_end = "environment=staging&status=success&order_by=finished_at&sort=desc"
    assert last["id"] == face.get(f"/projects/ml%2Franking/deployments?{by_end}").json()[0]["id"]


def test_new_deployments_have_the_highest_ids_a_retry_of_an_old_job_too(face: Face) -> None:
    world = face.world
    before = {d["id"]: d["deployable"]["id"] for d in face.all("/projects/ml%2Franking/deployments")}
    old = [r for r in world.project_runs("ml/ranking") if world.progress(r).state is State.PASSED][-1]
    world.retry(old, "deploy/staging")
    after = {d["id"]: d["deployable"]["id"] for d in face.all("/projects/ml%2Franking/deployments")}
    assert {key: after[key] for key in before} == before
    (new,) = set(after) - set(before)
    assert new > max(before)
    assert after[new] == world.job_id(old, "deploy/staging", 1)


# --- corners ----------------------------------------------------------------------------------------------------


def test_jobs_behind_an_unplayed_optional_job_are_skipped_and_a_missing_runner_is_stuck() -> None:
    tasks = plan(
        Group(
            "all",
            (
                Task("ask", 1, gate="Go on?", optional=True),
                Task("behind", 1, dag=True, needs=("all/ask",)),
                Task("free", 1),
            ),
            parallel=True,
        )
    )
    stuck = plan(Task("train", 5, wait=float("inf"), label="h100"))
    world = World(
        Scenario(
            pipelines=(
                Pipeline(system="gitlab", path="a/b", tasks=tasks),
                Pipeline(system="gitlab", path="a/c", tasks=stuck),
            )
        ),
        Clock(START, manual=True),
    )
    runs = [world.trigger(pipeline) for pipeline in world.pipelines("gitlab")]
    world.clock.advance(10)
    with a_face(world) as face:
        jobs = face.all(f"/projects/a%2Fb/pipelines/{runs[0].id}/jobs")
        assert {job["name"]: job["status"] for job in jobs} == {
            "ask": "manual",
            "behind": "skipped",
            "free": "success",
        }
        assert face.get(f"/projects/a%2Fb/pipelines/{runs[0].id}").json()["status"] == "success"
        query = '{ project(fullPath: "a/c") { pipelines { nodes { status jobs { nodes { status stuck tags } } } } } }'
        (pipeline,) = face.ask(query)["data"]["project"]["pipelines"]["nodes"]
        assert pipeline == {
            "status": "PENDING",
            "jobs": {"nodes": [{"status": "PENDING", "stuck": True, "tags": ["h100"]}]},
        }
        world.cancel(runs[1])
        assert face.get(f"/projects/a%2Fc/pipelines/{runs[1].id}").json()["status"] == "canceled"
