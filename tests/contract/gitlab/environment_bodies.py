"""Environments and deployments as GitLab sends them, over GraphQL and over REST."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.contract.gitlab.bodies import USER, Body, basic, job
from tests.contract.gitlab.conftest import operations
from tests.http_stub import Reply, Request
from tui.domain.address import parse_address

PROJECT = "/projects/ml%2Ffraud"
FRAUD = parse_address("gl:ml/fraud")
PRODUCTION = parse_address("gl:ml/fraud@production")
SHA = "2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
OLD = "1" * 40


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
