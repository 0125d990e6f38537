"""What a GitLab 18.9 answers, made after its contract. Arguments named like fields replace them."""

from collections.abc import Iterable, Mapping
from typing import Any

Body = dict[str, Any]
SHA = "2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"

# --- GraphQL ------------------------------------------------------------------------------------------------------


def node(id: int, **fields: Any) -> Body:
    """A pipeline of the overview."""
    ref = fields.get("ref", "main")
    return {
        "id": f"gid://gitlab/Ci::Pipeline/{id}",
        "iid": str(id - 1000),
        "status": "SUCCESS",
        "ref": "main",
        "refPath": ref if ref.startswith("refs/") else f"refs/heads/{ref}",
        "sha": SHA,
        "name": None,
        "source": "push",
        "child": False,
        "warnings": False,
        "createdAt": "2026-05-08T09:00:00Z",
        "updatedAt": "2026-05-08T09:05:10Z",
        "startedAt": "2026-05-08T09:00:10Z",
        "finishedAt": "2026-05-08T09:05:10Z",
        "duration": 300,
        "detailedStatus": {"group": "success"},
        "user": {"username": "alice"},
        "testReportSummary": {"total": {"count": 0, "failed": 0, "skipped": 0, "error": 0}},
        "jobs": {"nodes": []},
        **fields,
    }


def job_node(id: int, name: str, **fields: Any) -> Body:
    """A job, or with ``kind="BRIDGE"`` a bridge."""
    kind = "Bridge" if fields.get("kind") == "BRIDGE" else "Build"
    stage = fields.pop("stage", "build")
    needs = fields.pop("needs", ())
    return {
        "id": f"gid://gitlab/Ci::{kind}/{id}",
        "name": name,
        "status": "SUCCESS",
        "kind": "BUILD",
        "retried": False,
        "allowFailure": False,
        "duration": 60,
        "queuedDuration": 2.5,
        "startedAt": "2026-05-08T09:00:10Z",
        "scheduledAt": None,
        "manualJob": False,
        "stuck": False,
        "failureMessage": None,
        "exitCode": None,
        "stage": {"name": stage},
        "needs": {"nodes": [{"name": need} for need in needs]},
        "downstreamPipeline": None,
        **fields,
    }


WAITS: Body = {"status": "MANUAL", "manualJob": True, "startedAt": None, "duration": None}
"""Fields of a job that waits for a person."""


def detail(pipeline: Mapping[str, Any], stages: Iterable[tuple[str, str]], jobs: Iterable[Body]) -> Body:
    """``data`` of a PipelineDetail with all its jobs on one page."""
    return {
        "project": {
            "pipeline": {
                "failureReason": None,
                "yamlErrorMessages": None,
                "upstream": None,
                "mergeRequest": None,
                **pipeline,
                "stages": {"nodes": [{"name": name, "status": status} for name, status in stages]},
                "jobs": {"pageInfo": {"hasNextPage": False, "endCursor": "x"}, "nodes": list(jobs)},
            }
        }
    }


def downstream(id: int, path: str = "ml/fraud", status: str = "SUCCESS") -> Body:
    return {
        "id": f"gid://gitlab/Ci::Pipeline/{id}",
        "iid": str(id - 1000),
        "status": status,
        "project": {"fullPath": path},
    }


# --- REST ---------------------------------------------------------------------------------------------------------

USER: Body = {
    "id": 7,
    "username": "alice",
    "public_email": None,
    "name": "Alice",
    "state": "active",
    "locked": False,
    "avatar_url": None,
    "web_url": "https://gitlab.example.com/alice",
}


def basic(id: int, **fields: Any) -> Body:
    """A pipeline in a list."""
    return {
        "id": id,
        "iid": id - 1000,
        "project_id": 42,
        "sha": SHA,
        "ref": "main",
        "status": "success",
        "source": "push",
        "created_at": "2026-05-08T09:00:00.000Z",
        "updated_at": "2026-05-08T09:05:11.000Z",
        "web_url": f"https://gitlab.example.com/ml/fraud/-/pipelines/{id}",
        "name": None,
        **fields,
    }


def full(id: int, **fields: Any) -> Body:
    """One pipeline with all that REST tells of it."""
    return basic(
        id,
        **{
            "before_sha": "0" * 40,
            "tag": False,
            "yaml_errors": None,
            "user": USER,
            "started_at": "2026-05-08T09:00:10.000Z",
            "finished_at": "2026-05-08T09:05:10.000Z",
            "committed_at": None,
            "duration": 300,
            "queued_duration": 10,
            "coverage": "30.00",
            "detailed_status": {
                "icon": "status_success",
                "text": "Passed",
                "label": "passed",
                "group": "success",
                "tooltip": "passed",
                "has_details": True,
                "details_path": f"/ml/fraud/-/pipelines/{id}",
                "illustration": None,
                "favicon": "/favicon.png",
            },
            "archived": False,
            **fields,
        },
    )


def bridge(id: int, name: str, stage: str, **fields: Any) -> Body:
    return {
        "id": id,
        "status": "success",
        "stage": stage,
        "name": name,
        "ref": "main",
        "tag": False,
        "coverage": None,
        "allow_failure": False,
        "created_at": "2026-05-08T09:00:00.000Z",
        "started_at": "2026-05-08T09:00:10.000Z",
        "finished_at": "2026-05-08T09:01:10.500Z",
        "erased_at": None,
        "duration": 60.5,
        "queued_duration": 2.5,
        "user": USER,
        "commit": None,
        "pipeline": basic(1842),
        "web_url": f"https://gitlab.example.com/ml/fraud/-/jobs/{id}",
        "project": {"ci_job_token_scope_enabled": False},
        "downstream_pipeline": None,
        **fields,
    }


def job(id: int, name: str, stage: str, **fields: Any) -> Body:
    body = bridge(id, name, stage)
    del body["downstream_pipeline"]
    return {
        **body,
        "artifacts": [],
        "artifacts_expire_at": None,
        "tag_list": [],
        "runner": None,
        "archived": False,
        **fields,
    }


def project(id: int, path: str) -> Body:
    """As ``simple=true`` gives it, shortened."""
    return {"id": id, "name": path.rpartition("/")[2], "path_with_namespace": path}


SUMMARY: Body = {
    "total": {
        "time": 1.5,
        "count": 12,
        "success": 8,
        "failed": 1,
        "skipped": 2,
        "error": 1,
        "suite_error": None,
    },
    "test_suites": [],
}
