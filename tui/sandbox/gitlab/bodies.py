"""JSON bodies of GitLab's REST API, shaped after its own schemas (contracts: gitlab §3)."""

from datetime import UTC, datetime
from typing import Any

from tui.sandbox.gitlab.facts import Deployment, Environment, Job, Pipeline, Project
from tui.sandbox.gitlab.manual_changes import Approval
from tui.sandbox.gitlab.site import Site
from tui.sandbox.world import Commit

PREFIX = "/gitlab"
"""The path of the installation."""
REVISION = "6714c913625"

Body = dict[str, Any]

_STATUS_WORDS = {
    "success": ("Passed", "passed"),
    "manual": ("Manual", "manual action"),
}
"""Text and label where they are not the status itself."""


def stamp(seconds: float | None) -> str | None:
    """ISO 8601 with milliseconds, as all times but those of commits."""
    if seconds is None:
        return None
    return (
        datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{int(seconds * 1000) % 1000:03}Z"
    )


def seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def metadata(version: str) -> Body:
    return {
        "version": version,
        "revision": REVISION,
        "kas": {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None},
        "enterprise": True,
    }


def token(scopes: tuple[str, ...], now: float) -> Body:
    return {
        "id": 77,
        "name": "pipedeck",
        "revoked": False,
        "created_at": stamp(now - 30 * 86400),
        "description": "",
        "scopes": list(scopes),
        "user_id": 1,
        "last_used_at": stamp(now),
        "active": True,
        "expires_at": datetime.fromtimestamp(now + 60 * 86400, UTC).strftime("%Y-%m-%d"),
    }


def user(site: Site, name: str) -> Body:
    """The short form."""
    people = site.people
    return {
        "id": people.index(name) + 1 if name in people else 900,
        "username": name,
        "public_email": None,
        "name": name.capitalize(),
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{site.url}/{name}",
    }


def current_user(site: Site) -> Body:
    return user(site, "you") | {"email": "you@example.com", "bot": False, "two_factor_enabled": True}


def _long_user(site: Site, name: str) -> Body:
    """The form that jobs carry."""
    empty = dict.fromkeys(("bio", "location", "linkedin", "twitter", "discord", "website_url", "github"), "")
    return (
        user(site, name) | empty | {"created_at": stamp(site.world.start - 400 * 86400), "organization": None}
    )


def project(site: Site, it: Project, *, simple: bool) -> Body:
    name, url = it.name, site.project_url(it)
    body: Body = {
        "id": it.id,
        "description": it.description or None,
        "name": name,
        "name_with_namespace": f"{it.group.replace('/', ' / ')} / {name}",
        "path": name,
        "path_with_namespace": it.path,
        "created_at": stamp(it.created_at),
        "default_branch": "main",
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@gitlab.example.com:{it.path}.git",
        "http_url_to_repo": f"{url}.git",
        "web_url": url,
        "readme_url": None,
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": stamp(max((p.updated_at for p in site.pipelines(it)), default=it.created_at)),
        "visibility": "private",
        "namespace": {
            "id": site.groups().index(it.group) + 11,
            "name": it.group.rpartition("/")[2],
            "path": it.group.rpartition("/")[2],
            "kind": "group",
            "full_path": it.group,
            "parent_id": None,
            "avatar_url": None,
            "web_url": f"{site.url}/groups/{it.group}",
        },
    }
    if simple:
        return body
    return body | {
        "archived": False,
        "empty_repo": False,
        "jobs_enabled": True,
        "builds_access_level": "enabled",
        "permissions": {
            "project_access": {"access_level": 30, "notification_level": 3},
            "group_access": None,
        },
    }


def pipeline_basic(site: Site, it: Pipeline) -> Body:
    return {
        "id": it.id,
        "iid": it.run.number,
        "project_id": it.project.id,
        "sha": it.run.commit.sha,
        "ref": it.run.pipeline.ref,
        "status": it.status,
        "source": it.source,
        "created_at": stamp(it.created_at),
        "updated_at": stamp(it.updated_at),
        "web_url": f"{site.project_url(it.project)}/-/pipelines/{it.id}",
        "name": it.name,
    }


def pipeline_detail(site: Site, it: Pipeline) -> Body:
    return pipeline_basic(site, it) | {
        "before_sha": "0" * 40,
        "tag": False,
        "yaml_errors": None,
        "user": user(site, it.run.who),
        "started_at": stamp(it.started_at),
        "finished_at": stamp(it.finished_at),
        "committed_at": None,
        "duration": it.duration,
        "queued_duration": it.queued,
        "coverage": f"{it.coverage:.2f}" if it.coverage is not None else None,
        "detailed_status": status_of_pipeline(it),
        "archived": False,
    }


def status_of_pipeline(it: Pipeline) -> Body:
    path = f"{PREFIX}/{it.project.path}/-/pipelines/{it.id}"
    if it.status == "success" and it.warnings:
        return _detailed("warning", "Warning", "passed with warnings", "success-with-warnings", path)
    if it.status == "manual":
        return _detailed("manual", "Blocked", "waiting for manual action", "manual", path)
    return _detailed(it.status, *_words(it.status), it.status, path)


def status_of_job(it: Job) -> Body:
    path = f"{PREFIX}/{it.run.pipeline.path}/-/jobs/{it.id}"
    if it.status == "failed" and it.allow_failure:
        label = "failed (allowed to fail)"
        body = _detailed("warning", "Failed", label, "failed-with-warnings", path)
    elif it.status == "manual":
        body = _detailed("manual", "Manual", "manual play action", "manual", path)
    else:
        body = _detailed(it.status, *_words(it.status), it.status, path)
    if it.status == "failed":
        allowed = " (allowed to fail)" if it.allow_failure else ""
        body["tooltip"] = f"failed - (script failure){allowed}"
    return body


def _words(status: str) -> tuple[str, str]:
    return _STATUS_WORDS.get(status, (status.capitalize(), status))


def _detailed(icon: str, text: str, label: str, group: str, path: str) -> Body:
    return {
        "icon": f"status_{icon}",
        "text": text,
        "label": label,
        "group": group,
        "tooltip": label,
        "has_details": True,
        "details_path": path,
        "illustration": None,
        "favicon": f"{PREFIX}/assets/ci_favicons/favicon_status_{icon}.png",
    }


def job_basic(site: Site, it: Job) -> Body:
    pipeline = site.pipeline(it.run)
    body = {
        "id": it.id,
        "status": it.status,
        "stage": it.stage,
        "name": it.name,
        "ref": pipeline.run.pipeline.ref,
        "tag": False,
        "coverage": it.coverage,
        "allow_failure": it.allow_failure,
        "created_at": stamp(it.created_at),
        "started_at": stamp(it.started_at),
        "finished_at": stamp(it.finished_at),
        "erased_at": stamp(_erased_at(site, it)),
        "duration": seconds(it.duration),
        "queued_duration": seconds(it.queued),
        "user": _long_user(site, it.who),
        "commit": _commit(site, pipeline),
        "pipeline": pipeline_basic(site, pipeline),
        "web_url": f"{site.project_url(pipeline.project)}/-/jobs/{it.id}",
        "project": {"ci_job_token_scope_enabled": False},
    }
    if it.status == "failed":
        body["failure_reason"] = "deployment_rejected" if it.rejected else "script_failure"
    return body


def _erased_at(site: Site, it: Job) -> float | None:
    found = site.world.find_job(it.id)
    return site.world.forgotten(it.run, found[1].task.id) if found else None


def job(site: Site, it: Job) -> Body:
    ran = it.started_at is not None
    return job_basic(site, it) | {
        "artifacts": [*_archive(it), _trace_artifact(it)] if it.finished_at is not None and ran else [],
        "runner": runner(it) if ran else None,
        "runner_manager": None,
        "artifacts_expire_at": None,
        "archived": it.archived,
        "tag_list": list(it.tags),
    }


def bridge(site: Site, it: Job) -> Body:
    child = site.pipeline(it.downstream) if it.downstream is not None else None
    return job_basic(site, it) | {
        "downstream_pipeline": pipeline_basic(site, child) if child is not None else None
    }


def _archive(it: Job) -> list[Body]:
    if not it.metrics:
        return []
    return [{"file_type": "archive", "size": 2048, "filename": "artifacts.zip", "file_format": "zip"}]


def _trace_artifact(it: Job) -> Body:
    return {"file_type": "trace", "size": 1200 + it.id % 5000, "filename": "job.log", "file_format": "raw"}


def runner(it: Job) -> Body:
    gpu = "gpu" in it.tags
    return {
        "id": 2 if gpu else 1,
        "description": "gpu-runner" if gpu else "docker-runner",
        "ip_address": "10.0.0.2" if gpu else "10.0.0.1",
        "active": True,
        "is_shared": not gpu,
        "name": "gitlab-runner",
        "online": True,
        "status": "online",
    }


def _commit(site: Site, pipeline: Pipeline) -> Body:
    return commit(site, pipeline.project, pipeline.run.commit)


def commit(site: Site, project: Project, commit: Commit) -> Body:
    at = datetime.fromtimestamp(commit.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+00:00")
    email = f"{commit.author}@example.com"
    return {
        "id": commit.sha,
        "short_id": commit.sha[:8],
        "created_at": at,
        "parent_ids": ["0" * 40],
        "title": commit.title,
        "message": f"{commit.title}\r\n\r\nSee the notebook.\n",
        "author_name": commit.author.capitalize(),
        "author_email": email,
        "authored_date": at,
        "committer_name": commit.author.capitalize(),
        "committer_email": email,
        "committed_date": at,
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{site.project_url(project)}/-/commit/{commit.sha}",
    }


def environment_basic(it: Environment) -> Body:
    return {
        "id": it.id,
        "name": it.name,
        "slug": it.slug,
        "external_url": f"https://{it.slug}.example.com",
        "created_at": stamp(it.created_at),
        "updated_at": stamp(it.updated_at),
    }


def environment(site: Site, it: Environment) -> Body:
    return environment_basic(it) | {
        "tier": it.tier,
        "state": it.state,
        "auto_stop_at": None,
        "description": None,
        "auto_stop_setting": "always",
        "cluster_agent": None,
        "kubernetes_namespace": None,
        "flux_resource_path": None,
    }


def deployment(site: Site, it: Deployment, environment: Environment) -> Body:
    return {
        "id": it.id,
        "iid": it.iid,
        "ref": it.job.run.pipeline.ref,
        "sha": it.job.run.commit.sha,
        "created_at": stamp(it.job.created_at),
        "updated_at": stamp(it.updated_at),
        "user": user(site, it.job.who),
        "environment": environment_basic(environment),
        "deployable": None if it.job.reported else job(site, it.job),
        "status": it.status,
    }


def approval(site: Site, it: Approval) -> Body:
    return {
        "user": user(site, it.who),
        "status": it.status,
        "created_at": stamp(it.at),
        "comment": it.comment or None,
    }


def protected(name: str, approvals: int) -> Body:
    """A protected environment."""
    rule = {
        "id": 1,
        "user_id": None,
        "group_id": None,
        "access_level": 30,
        "access_level_description": "Developers + Maintainers",
        "required_approvals": approvals,
        "group_inheritance_type": 0,
    }
    return {
        "name": name,
        "deploy_access_levels": [],
        "required_approval_count": 0,
        "approval_rules": [rule],
    }
