"""The part of GitLab's GraphQL schema that tells of pipelines, jobs and environments.

Every field here exists in GitLab's own schema with the same type; what is missing is refused like a field that
GitLab does not know. Statuses of pipelines and jobs are in upper case, those of stages and environments are not
(contracts: gitlab §6).
"""

from collections.abc import Collection, Mapping
from typing import Any

from tui.sandbox.gitlab import bodies, tests
from tui.sandbox.gitlab.bodies import PREFIX, stamp
from tui.sandbox.gitlab.facts import COMPLETED, Deployment, Environment, Job, Pipeline, Project
from tui.sandbox.gitlab.graphql import MAX_COMPLEXITY, Field, ResolveError, Schema, item, many, one, scalar
from tui.sandbox.gitlab.site import Site

Fields = dict[str, Field]
Arguments = Mapping[str, Any]

_WEIGHT = 0.01
"""What one item adds to the complexity of lists that GitLab reads with a resolver of their own."""


def schema(site: Site, lacks: Collection[str] = ()) -> Schema:
    """All types; their fields are resolved on the values of ``site``.

    Args:
        lacks: fields that this version does not have yet, as ``Pipeline.name``.
    """
    return {
        kind: {name: field for name, field in fields.items() if f"{kind}.{name}" not in lacks}
        for kind, fields in _types(site).items()
    }


def _types(site: Site) -> dict[str, Fields]:
    return {
        "Query": _query(site),
        "QueryComplexity": {"score": scalar(lambda score: score), "limit": scalar(lambda _: MAX_COMPLEXITY)},
        "Project": _project(site),
        "Pipeline": _pipeline(site),
        "CiStage": _stage(),
        "CiJob": _job(site),
        "CiBuildNeed": {"name": scalar(lambda name: name)},
        "CiRunner": {
            "id": scalar(lambda it: _gid("Ci::Runner", it["id"])),
            "description": item("description"),
        },
        "DetailedStatus": {
            name: item(name) for name in ("icon", "text", "label", "group", "tooltip", "favicon")
        }
        | {"action": one("StatusAction", lambda it: it.get("action"))},
        "StatusAction": {name: item(name) for name in ("title", "path", "method", "confirmationMessage")},
        "UserCore": {
            "id": scalar(lambda it: _gid("User", it["id"])),
            "username": item("username"),
            "name": item("name"),
        },
        "PipelinePermissions": {
            "updatePipeline": scalar(lambda _: True),
            "cancelPipeline": scalar(lambda _: True),
        },
        "JobPermissions": {"updateBuild": scalar(site.may_update)},
        **_tests(),
        "Environment": _environment(site),
        "Deployment": _deployment(site),
    }


def _gid(kind: str, number: int) -> str:
    return f"gid://gitlab/{kind}/{number}"


def _query(site: Site) -> Fields:
    def projects(_: Any, given: Arguments) -> list[Project]:
        paths = given.get("fullPaths")
        if paths is not None and len(paths) > 50:
            raise ResolveError("fullPaths is too long (maximum is 50)")
        found = [it for it in site.projects() if paths is None or it.path in paths]
        return found[::-1]  # newest first, whatever the order of the paths

    return {
        "queryComplexity": one("QueryComplexity", lambda score: score),
        "currentUser": one("UserCore", lambda _: bodies.current_user(site)),
        "project": Field(
            lambda _, given: next((it for it in site.projects() if it.path == given["fullPath"]), None),
            "Project",
            arguments={"fullPath": "ID!"},
        ),
        "projects": many("Project", projects, weight=_WEIGHT, fullPaths="[String!]"),
    }


def _project(site: Site) -> Fields:
    asked_environments: set[int] = set()

    def pipelines(project: Project, given: Arguments) -> list[Pipeline]:
        found = site.pipelines(project)
        ref, sha, status = given.get("ref"), given.get("sha"), given.get("status")
        return [
            it
            for it in found
            if ref in (None, it.run.pipeline.ref)
            and sha in (None, it.run.commit.sha)
            and status in (None, it.status.upper())
        ]

    def environments(project: Project, given: Arguments) -> list[Environment]:
        asked_environments.add(project.id)
        if len(asked_environments) > 1:
            raise ResolveError('"environments" field can be requested only for 1 Project(s) at a time.')
        states = given.get("states")
        return [it for it in site.environments(project) if states is None or it.state in states]

    def environment(project: Project, given: Arguments) -> Environment | None:
        return next((it for it in site.environments(project) if it.name == given.get("name")), None)

    return {
        "id": scalar(lambda it: _gid("Project", it.id)),
        "fullPath": scalar(lambda it: it.path),
        "name": scalar(lambda it: it.name),
        "pipelines": many(
            "Pipeline", pipelines, weight=_WEIGHT, ref="String", sha="String", status="PipelineStatusEnum"
        ),
        "pipeline": Field(
            lambda it, given: site.by_iid(it, int(given["iid"])) if str(given.get("iid")).isdigit() else None,
            "Pipeline",
            arguments={"iid": "ID"},
        ),
        "job": Field(lambda it, given: _find_job(site, it, given["id"]), "CiJob", arguments={"id": "JobID!"}),
        "environments": many("Environment", environments, weight=_WEIGHT, states="[String!]"),
        "environment": Field(environment, "Environment", arguments={"name": "String"}),
    }


def _find_job(site: Site, project: Project, gid: str) -> Job | None:
    found = site.world.find_job(int(gid.rpartition("/")[2]))
    if found is None or found[0].pipeline.path != project.path:
        return None
    return next(job for job in site.pipeline(found[0]).jobs if job.id == int(gid.rpartition("/")[2]))


def _pipeline(site: Site) -> Fields:
    def jobs(it: Pipeline, given: Arguments) -> list[Job]:
        """Bridges among them; all attempts unless told otherwise; newest first."""
        statuses, retried = given.get("statuses"), given.get("retried")
        return [
            job
            for job in reversed(it.jobs)
            if (statuses is None or job.status.upper() in statuses) and retried in (None, job.retried)
        ]

    def upstream(it: Pipeline) -> Pipeline | None:
        parent = site.parent(it)
        return parent[0] if parent else None

    def source_job(it: Pipeline) -> Job | None:
        parent = site.parent(it)
        return parent[1] if parent else None

    return {
        "id": scalar(lambda it: _gid("Ci::Pipeline", it.id)),
        "iid": scalar(lambda it: str(it.run.number)),
        "status": scalar(lambda it: it.status.upper()),
        "source": scalar(lambda it: it.source),
        "ref": scalar(lambda it: it.run.pipeline.ref),
        "sha": scalar(lambda it: it.run.commit.sha),
        "name": scalar(lambda it: it.name),
        "path": scalar(lambda it: f"/{it.project.path}/-/pipelines/{it.id}"),
        "createdAt": scalar(lambda it: stamp(it.created_at)),
        "updatedAt": scalar(lambda it: stamp(it.updated_at)),
        "startedAt": scalar(lambda it: stamp(it.started_at)),
        "finishedAt": scalar(lambda it: stamp(it.finished_at)),
        "duration": scalar(lambda it: it.duration),
        "queuedDuration": scalar(lambda it: it.queued),
        "coverage": scalar(lambda it: it.coverage),
        "active": scalar(lambda it: it.status in ("pending", "running")),
        "complete": scalar(lambda it: it.status in COMPLETED),
        "retryable": scalar(lambda it: any(_may_be_retried(job) for job in it.latest)),
        "cancelable": scalar(lambda it: any(job.cancelable for job in it.latest)),
        "usesNeeds": scalar(lambda it: any(job.dag for job in it.jobs)),
        "totalJobs": scalar(lambda it: len(it.jobs)),
        "failedJobsCount": scalar(lambda it: sum(job.status == "failed" for job in it.latest)),
        "hasManualActions": scalar(lambda it: any(job.playable for job in it.latest)),
        "child": scalar(lambda it: it.run.parent is not None),
        "failureReason": scalar(lambda _: None),
        "yamlErrorMessages": scalar(lambda _: None),
        "project": one("Project", lambda it: it.project),
        "detailedStatus": one("DetailedStatus", bodies.status_of_pipeline),
        "user": one("UserCore", lambda it: bodies.user(site, it.run.who)),
        "userPermissions": one("PipelinePermissions", lambda it: it),
        "upstream": one("Pipeline", upstream),
        "sourceJob": one("CiJob", source_job),
        "downstream": many("Pipeline", lambda it, _: site.children(it)),
        "stages": many("CiStage", lambda it, _: it.stages, weight=_WEIGHT),
        "testReportSummary": one("TestReportSummary", lambda it: tests.summary(site, it)),
        "testSuite": Field(
            lambda it, given: tests.suite(site, it, given["buildIds"]),
            "TestSuite",
            arguments={"buildIds": "[ID!]!"},
        ),
        "jobs": many("CiJob", jobs, weight=_WEIGHT, statuses="[CiJobStatus!]", retried="Boolean"),
    }


def _may_be_retried(job: Job) -> bool:
    return not job.bridge and job.status in ("failed", "canceled")


def _stage() -> Fields:
    return {
        "id": scalar(lambda it: _gid("Ci::Stage", it.id)),
        "name": scalar(lambda it: it.name),
        "status": scalar(lambda it: it.status),
        "jobs": many("CiJob", lambda it, _: it.jobs),
    }


def _job(site: Site) -> Fields:
    def stage(it: Job) -> Any:
        return next(stage for stage in site.pipeline(it.run).stages if stage.name == it.stage)

    return {
        "id": scalar(lambda it: _gid(it.kind, it.id)),
        "name": scalar(lambda it: it.name),
        "status": scalar(lambda it: it.status.upper()),
        "kind": scalar(lambda it: "BRIDGE" if it.bridge else "BUILD"),
        "retried": scalar(lambda it: it.retried),
        "allowFailure": scalar(lambda it: it.allow_failure),
        "schedulingType": scalar(lambda it: "dag" if it.dag else "stage"),
        "duration": scalar(lambda it: None if it.duration is None else int(it.duration)),
        "queuedDuration": scalar(lambda it: bodies.seconds(it.queued)),
        "coverage": scalar(lambda it: it.coverage),
        "createdAt": scalar(lambda it: stamp(it.created_at)),
        "startedAt": scalar(lambda it: stamp(it.started_at)),
        "finishedAt": scalar(lambda it: stamp(it.finished_at)),
        "scheduledAt": scalar(lambda _: None),
        "manualJob": scalar(lambda it: it.manual),
        "playable": scalar(lambda it: it.playable),
        "canPlayJob": scalar(lambda it: it.playable and site.may_update(it) and not site.pending(it)),
        "retryable": scalar(lambda it: it.retryable),
        "cancelable": scalar(lambda it: it.cancelable),
        "stuck": scalar(lambda it: it.stuck),
        # A failed script has no message of its own; the tooltip of the status tells it.
        "failureMessage": scalar(lambda _: None),
        "exitCode": scalar(lambda it: 1 if it.status == "failed" and not it.bridge else None),
        "tags": scalar(lambda it: None if it.bridge else list(it.tags)),
        "webPath": scalar(lambda it: None if it.bridge else f"/{it.run.pipeline.path}/-/jobs/{it.id}"),
        "stage": one("CiStage", stage),
        "needs": many("CiBuildNeed", lambda it, _: it.needs),
        "runner": one(
            "CiRunner", lambda it: bodies.runner(it) if it.started_at is not None and not it.bridge else None
        ),
        "detailedStatus": one(
            "DetailedStatus", lambda it: bodies.status_of_job(it) | {"action": _action(it)}
        ),
        "userPermissions": one("JobPermissions", lambda it: it),
        "pipeline": one("Pipeline", lambda it: site.pipeline(it.run)),
        "downstreamPipeline": one(
            "Pipeline", lambda it: site.pipeline(it.downstream) if it.downstream is not None else None
        ),
    }


def _action(it: Job) -> dict[str, Any] | None:
    """What the web page offers beside a job's status."""
    for name, title, possible in (
        ("play", "Run", it.status == "manual"),
        ("retry", "Run again", it.retryable),
        ("cancel", "Cancel", it.cancelable and it.status != "created"),
    ):
        if possible:
            path = f"{PREFIX}/{it.run.pipeline.path}/-/jobs/{it.id}/{name}"
            asks = it.asks or None if name == "play" else None
            return {"title": title, "path": path, "method": "post", "confirmationMessage": asks}
    return None


def _tests() -> dict[str, Fields]:
    def suite(name: str) -> Field:
        return scalar(lambda it: it[name])

    total = ("count", "success", "failed", "skipped", "error", "time")
    return {
        "TestReportSummary": {
            "total": one("TestReportTotal", lambda it: it["total"]),
            "testSuites": many("TestSuiteSummary", lambda it, _: it["test_suites"]),
        },
        "TestReportTotal": {name: suite(name) for name in total} | {"suiteError": suite("suite_error")},
        "TestSuiteSummary": {
            "name": suite("name"),
            "totalTime": suite("total_time"),
            "totalCount": suite("total_count"),
            "successCount": suite("success_count"),
            "failedCount": suite("failed_count"),
            "skippedCount": suite("skipped_count"),
            "errorCount": suite("error_count"),
            "suiteError": suite("suite_error"),
            "buildIds": scalar(lambda it: [str(number) for number in it["build_ids"]]),
        },
        "TestSuite": {
            "name": suite("name"),
            "totalCount": suite("total_count"),
            "failedCount": suite("failed_count"),
            "suiteError": suite("suite_error"),
            "testCases": many("TestCase", lambda it, _: it["test_cases"]),
        },
        "TestCase": {
            "status": suite("status"),
            "name": suite("name"),
            "classname": suite("classname"),
            "file": suite("file"),
            "executionTime": suite("execution_time"),
            "systemOutput": suite("system_output"),
            "stackTrace": suite("stack_trace"),
            "recentFailures": one("RecentFailures", lambda it: it["recent_failures"]),
        },
        "RecentFailures": {"count": suite("count"), "baseBranch": suite("base_branch")},
    }


def _environment(site: Site) -> Fields:
    asked: set[int] = set()

    def deployments(it: Environment, given: Arguments) -> list[Deployment]:
        """Oldest first unless told otherwise."""
        asked.add(it.id)
        if len(asked) > 1:
            raise ResolveError('"deployments" field can be requested only for 1 Environment(s) at a time.')
        statuses, order = given.get("statuses"), given.get("orderBy") or {}
        found = [each for each in it.deployments if statuses is None or each.status.upper() in statuses]
        if "finishedAt" in order:
            found.sort(key=lambda each: each.job.finished_at or 0.0)
        return found[::-1] if "DESC" in order.values() else found

    return {
        "id": scalar(lambda it: _gid("Environment", it.id)),
        "name": scalar(lambda it: it.name),
        "slug": scalar(lambda it: it.slug),
        "state": scalar(lambda it: it.state),
        "tier": scalar(lambda it: it.tier.upper()),
        "externalUrl": scalar(lambda it: bodies.environment_basic(it)["external_url"]),
        "autoStopAt": scalar(lambda _: None),
        "createdAt": scalar(lambda it: stamp(it.created_at)),
        "updatedAt": scalar(lambda it: stamp(it.updated_at)),
        "lastDeployment": Field(
            lambda it, given: it.last(given["status"].lower()),
            "Deployment",
            arguments={"status": "DeploymentStatus!"},
        ),
        "deployments": many(
            "Deployment",
            deployments,
            weight=_WEIGHT,
            statuses="[DeploymentStatus!]",
            orderBy="DeploymentsOrderByInput",
        ),
    }


def _deployment(site: Site) -> Fields:
    return {
        "id": scalar(lambda it: _gid("Deployment", it.id)),
        "iid": scalar(lambda it: str(it.iid)),
        "status": scalar(lambda it: it.status.upper()),
        "ref": scalar(lambda it: it.job.run.pipeline.ref),
        "sha": scalar(lambda it: it.job.run.commit.sha),
        "createdAt": scalar(lambda it: stamp(it.job.created_at)),
        "updatedAt": scalar(lambda it: stamp(it.updated_at)),
        "finishedAt": scalar(lambda it: stamp(it.job.finished_at)),
        "triggerer": one("UserCore", lambda it: bodies.user(site, it.job.who)),
        "tag": scalar(lambda _: False),
        "job": one("CiJob", lambda it: None if it.job.told else it.job),
    }
