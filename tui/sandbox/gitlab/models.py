"""The registry of models: what a project's runs that leave numbers have made, each a version and a run of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from tui.sandbox.artifacts import metrics_of
from tui.sandbox.gitlab.facts import Job, Pipeline, Project
from tui.sandbox.gitlab.site import Site

_PARAMS = (("lr", ("0.01", "0.05")), ("max_depth", ("6", "8")), ("features", ("v1", "v2")))


def _models(
    project: Project, info: Any, name: str | None = None, order_by: str | None = None, sort: str | None = None
) -> list[dict[str, Any]]:
    """One, of the project's name; GitLab finds parts of it, too."""
    info.context.read("mlModels", "Project", project.id)
    found = _model(info.context.site, project)
    return [found] if found["versions"] and (name is None or name in found["name"]) else []


def _model(site: Site, project: Project) -> dict[str, Any]:
    """Its versions, newest first."""
    versions = [
        _version(pipeline, job)
        for pipeline in site.pipelines(project)
        for job in pipeline.jobs
        if job.metrics and job.finished_at is not None
    ]
    return {
        "id": f"gid://gitlab/Ml::Model/{project.id}",
        "name": project.name,
        "created_at": project.created_at,
        "version_count": len(versions),
        "latest_version": versions[0] if versions else None,
        "versions": versions,
    }


def _version(pipeline: Pipeline, job: Job) -> dict[str, Any]:
    run = pipeline.run
    measured = metrics_of(run)
    return {
        "id": f"gid://gitlab/Ml::ModelVersion/{run.id}",
        "version": f"1.{run.number}.0",
        "created_at": job.finished_at,
        "candidate": {
            "id": f"gid://gitlab/Ml::Candidate/{run.id}",
            "eid": f"candidate-{run.id}",
            "name": f"run-{run.number}",
            "status": "finished",
            "created_at": job.finished_at,
            "ci_job": job,
            "params": [{"name": name, "value": values[run.number // 2 % 2]} for name, values in _PARAMS],
            "metadata": [{"name": "gitlab.CI_JOB_ID", "value": str(job.id)}],
            "metrics": [
                {"name": name, "step": step, "value": measured[name] * (1 + (2 - step) * 0.1)}
                for name in ("accuracy", "auc", "loss")
                for step in (0, 1, 2)
            ],
        },
    }


def _model_of(_: Any, info: Any, id: str) -> dict[str, Any] | None:
    site: Site = info.context.site
    project = next((it for it in site.projects() if id.endswith(f"/{it.id}")), None)
    return _model(site, project) if project is not None else None


def _one_version(model: dict[str, Any], _: Any, model_version_id: str | None = None) -> Any:
    return next((it for it in model["versions"] if it["id"] == model_version_id), None)


def _versions(
    model: dict[str, Any],
    _: Any,
    order_by: str | None = None,
    sort: str | None = None,
    version: str | None = None,
) -> list[Any]:
    found = [it for it in model["versions"] if version in (None, it["version"])]
    return found if sort == "desc" else found[::-1]


RESOLVERS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "Query": {"mlModel": _model_of},
    "Project": {"mlModels": _models},
    "MlModel": {"version": _one_version, "versions": _versions},
    "CiJob": {"commitPath": lambda it, _: f"/{it.run.pipeline.path}/-/commit/{it.run.commit.sha}"},
}
"""By type and field, as those of the schema."""
