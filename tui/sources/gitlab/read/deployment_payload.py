"""GitLab's environments and deployments: the shapes they come in, and the program's words for them
(contracts: gitlab §3.5, §4.7). Pure. All text is cleaned here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Rollback
from tui.domain.globs import matches
from tui.domain.status import Status
from tui.insight.derived_deployments import no_way_back
from tui.insight.environment_state import EnvironmentState, environment_state, newest_first
from tui.sources.gitlab.context import ProjectContext
from tui.sources.gitlab.graphql_queries import GraphQLQuery
from tui.sources.gitlab.payload import Gid, GraphQLReply, Nodes, User, number, seconds
from tui.sources.gitlab.read.convert import short_ref
from tui.sources.gitlab.status import DEPLOYMENTS, vendor_word
from tui.text.safe import clean

SHORT = 8
"""Characters of a commit id that stand for a version where there is no tag."""
_PERCENT = re.compile(r"(\d{1,3})\s?%")

# --- GraphQL ------------------------------------------------------------------------------------------------------


class PipelineId(msgspec.Struct, frozen=True):
    id: Gid


class DeployJob(msgspec.Struct, frozen=True, rename="camel"):
    id: Gid | None = None
    name: str | None = None
    pipeline: PipelineId | None = None


class DeploymentNode(msgspec.Struct, frozen=True, rename="camel"):
    iid: str
    status: str | None = None
    ref: str | None = None
    tag: bool | None = None
    sha: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None
    triggerer: User | None = None
    job: DeployJob | None = None


class EnvironmentNode(msgspec.Struct, frozen=True, rename="camel"):
    id: Gid
    name: str
    state: str | None = None
    tier: str | None = None
    external_url: str | None = None
    success: DeploymentNode | None = None
    running: DeploymentNode | None = None
    blocked: DeploymentNode | None = None
    failed: DeploymentNode | None = None


class EnvironmentsProject(msgspec.Struct, frozen=True, rename="camel"):
    full_path: str
    environments: Nodes[EnvironmentNode] | None = None


class EnvironmentsData(msgspec.Struct, frozen=True):
    project: EnvironmentsProject | None = None


ENVIRONMENTS: GraphQLQuery[EnvironmentsData] = GraphQLQuery(
    "Environments",
    """
query Environments($path: ID!, $after: String) {
  project(fullPath: $path) {
    fullPath
    environments(first: 50, after: $after, states: ["available"]) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id name state tier externalUrl
        success: lastDeployment(status: SUCCESS) { ...D }
        running: lastDeployment(status: RUNNING) { ...D }
        blocked: lastDeployment(status: BLOCKED) { ...D }
        failed: lastDeployment(status: FAILED) { ...D }
      }
    }
  }
}
fragment D on Deployment {
  iid status ref tag sha createdAt finishedAt
  triggerer { username }
  job { id name pipeline { id } }
}""",
    msgspec.json.Decoder(GraphQLReply[EnvironmentsData]),
    frozenset({"environments", "lastDeployment"}),
)
"""One page of the environments of one project: GitLab answers for no more than one at a time."""


class Permissions(msgspec.Struct, frozen=True, rename="camel"):
    update_build: bool | None = None


class RightsJob(msgspec.Struct, frozen=True, rename="camel"):
    retryable: bool | None = None
    user_permissions: Permissions | None = None


class RightsNode(msgspec.Struct, frozen=True):
    iid: str
    job: RightsJob | None = None


class RightsEnvironment(msgspec.Struct, frozen=True):
    deployments: Nodes[RightsNode] | None = None


class RightsProject(msgspec.Struct, frozen=True):
    environment: RightsEnvironment | None = None


class RightsData(msgspec.Struct, frozen=True):
    project: RightsProject | None = None


RIGHTS: GraphQLQuery[RightsData] = GraphQLQuery(
    "RollbackRights",
    """
query RollbackRights($path: ID!, $name: String!, $n: Int = 50) {
  project(fullPath: $path) {
    environment(name: $name) {
      deployments(first: $n, orderBy: {createdAt: DESC}) {
        nodes { iid job { retryable userPermissions { updateBuild } } }
      }
    }
  }
}""",
    msgspec.json.Decoder(GraphQLReply[RightsData]),
    frozenset({"deployments"}),
)
"""Which jobs of an environment's newest deployments may be run again, which REST does not tell."""


# --- REST ---------------------------------------------------------------------------------------------------------


class RestEnvironment(msgspec.Struct, frozen=True):
    id: int
    name: str
    state: str | None = None
    tier: str | None = None
    external_url: str | None = None


class RestCommit(msgspec.Struct, frozen=True):
    id: str = ""
    title: str | None = None
    author_name: str | None = None
    committed_date: datetime | None = None


class RestPipelineId(msgspec.Struct, frozen=True):
    id: int


class Deployable(msgspec.Struct, frozen=True):
    """The job that deploys."""

    id: int
    name: str = ""
    tag: bool | None = None
    archived: bool | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    commit: RestCommit | None = None
    pipeline: RestPipelineId | None = None


class EnvironmentName(msgspec.Struct, frozen=True):
    name: str


class RestDeployment(msgspec.Struct, frozen=True):
    id: int
    iid: int
    status: str
    ref: str | None = None
    sha: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    user: User | None = None
    environment: EnvironmentName | None = None
    deployable: Deployable | None = None
    pending_approval_count: int | None = None
    """Only where one deployment is asked for, and only in the Enterprise Edition."""


class ArtifactFile(msgspec.Struct, frozen=True):
    file_type: str = ""


class ArtifactJob(msgspec.Struct, frozen=True):
    id: int
    name: str = ""
    artifacts: Sequence[ArtifactFile] = ()
    artifacts_expire_at: datetime | None = None


# --- words --------------------------------------------------------------------------------------------------------


class DeploymentConverter(msgspec.Struct, frozen=True):
    """What it takes to put one project's deployments into words."""

    place: ProjectContext
    canary_jobs: tuple[str, ...]

    def environment(self, name: str) -> Address:
        return Address(self.place.source, self.place.path, environment=name)

    def of_node(self, node: EnvironmentNode) -> Environment:
        found = (node.success, node.running, node.blocked, node.failed)
        name = clean(node.name)
        return Environment(
            address=self.environment(name),
            deployments=newest_first(self._of_graphql(node) for node in found if node is not None),
            tier=clean(node.tier or "").lower(),
            stopped=node.state == "stopped",
            url=clean(node.external_url or ""),
            web_url=self.place.url("environments", number(node.id)),
        )

    def of_rest(self, environment: RestEnvironment, deployments: Iterable[Deployment]) -> Environment:
        return Environment(
            address=self.environment(clean(environment.name)),
            deployments=newest_first(deployments),
            tier=clean(environment.tier or "").lower(),
            stopped=environment.state == "stopped",
            url=clean(environment.external_url or ""),
            web_url=self.place.url("environments", environment.id),
        )

    def _of_graphql(self, node: DeploymentNode) -> Deployment:
        job = node.job
        return self._made(
            iid=node.iid,
            status=vendor_word(node.status),
            ref=node.ref,
            tag=bool(node.tag),
            sha=node.sha,
            created_at=node.created_at,
            finished_at=node.finished_at,
            user=node.triggerer,
            job=clean(job.name or "") if job is not None else None,
            job_id=number(job.id) if job is not None and job.id else None,
            pipeline=number(job.pipeline.id) if job is not None and job.pipeline else None,
        )

    def of_deployment(self, rest: RestDeployment) -> Deployment:
        """A deployment as REST tells it, without whether one can go back to it."""
        job = rest.deployable
        status = vendor_word(rest.status)
        made = self._made(
            iid=str(rest.iid),
            status=status,
            ref=rest.ref,
            tag=bool(job and job.tag),
            sha=rest.sha,
            created_at=rest.created_at,
            # REST has no time at which it ended but its job's; without a job, when it last changed.
            finished_at=job.finished_at if job is not None else rest.updated_at,
            user=rest.user,
            job=clean(job.name) if job is not None else None,
            job_id=job.id if job is not None else None,
            pipeline=job.pipeline.id if job is not None and job.pipeline else None,
        )
        commit = job.commit if job is not None else None
        return msgspec.structs.replace(
            made, committed_at=seconds(commit.committed_date) if commit is not None else None
        )

    def _made(
        self,
        *,
        iid: str,
        status: str,
        ref: str | None,
        tag: bool,
        sha: str | None,
        created_at: datetime | None,
        finished_at: datetime | None,
        user: User | None,
        job: str | None,
        job_id: int | None,
        pipeline: int | None,
    ) -> Deployment:
        revision = clean(sha or "")
        known = DEPLOYMENTS.get(status, Status.UNKNOWN)
        share = _share(job or "")
        canary = bool(job) and share != 100.0 and self._is_canary(job or "")
        run = self.place.run(pipeline) if pipeline is not None else None
        waits = f"{job or 'its job'}, to be started by hand" if known is Status.WAITING else ""
        return Deployment(
            id=iid,
            status=known,
            version=short_ref(ref) if tag else revision[:SHORT],
            revision=revision,
            vendor_status=status,
            ref=short_ref(ref),
            who=clean(user.username) if user is not None else "",
            started_at=seconds(created_at),
            finished_at=seconds(finished_at) if not known.active else None,
            run=run.at_job(job) if run is not None and job else run,
            canary=canary,
            share=share if canary else None,
            waits_for=waits,
            web_url=self.place.url("jobs", job_id) if job_id is not None else "",
            waits_outside=known is Status.WAITING,
        )

    def _is_canary(self, job: str) -> bool:
        return any(matches(glob.lower(), job.lower()) for glob in self.canary_jobs)


def _share(job: str) -> float | None:
    """``canary 10%`` and ``rollout 25%`` say what part of the traffic they take; GitLab has no other word for it."""
    match = _PERCENT.search(job)
    return float(match[1]) if match is not None and int(match[1]) <= 100 else None


def waiting_words(rest: RestDeployment, words: str) -> str:
    """What a blocked deployment waits for: ``blocked`` says no more than that its job is manual."""
    pending = rest.pending_approval_count
    if not pending:
        return words
    return f"{pending} approval{'s' if pending > 1 else ''}, then {words}"


def with_rollbacks(
    deployments: Sequence[Deployment],
    rest: Mapping[str, RestDeployment],
    rights: Mapping[str, RightsJob] | None,
) -> tuple[Deployment, ...]:
    """``deployments``, each with whether one can go back to it (contracts: gitlab §4.7).

    Args:
        rest: what REST told of each, by iid.
        rights: by iid, what GraphQL told of their jobs; None where it told nothing.
    """
    now = environment_state(deployments)
    return tuple(
        msgspec.structs.replace(
            deployment,
            rollback=_rollback(deployment, now, rest[deployment.id].deployable, rights, rest.values()),
        )
        for deployment in deployments
    )


def _rollback(
    deployment: Deployment,
    now: EnvironmentState,
    job: Deployable | None,
    rights: Mapping[str, RightsJob] | None,
    others: Iterable[RestDeployment],
) -> Rollback:
    if (why := no_way_back(deployment, now)) is not None:
        return Rollback(False, why)
    stable = now.stable
    if stable is not None and deployment.id != stable.id and deployment.revision == stable.revision:
        return Rollback(False, "the same commit is there now")
    if deployment.canary:
        return Rollback(False, "it was only a canary")
    if job is None:
        return Rollback(False, "it has no job: another tool only told GitLab of it")
    if job.archived:
        return Rollback(False, "its job is archived: GitLab no longer runs it")
    right = rights.get(deployment.id) if rights is not None else None
    words = (
        f"would run {clean(job.name)} of {deployment.run.of_run if deployment.run else 'its pipeline'} again"
    )
    if right is None:
        return Rollback(True, f"{words}; whether you may, GitLab did not tell", deployment.run)
    if not right.retryable:
        if any(_is_later_attempt(other, job) for other in others):
            return Rollback(False, "its job was run again since: look for that deployment")
        return Rollback(False, "its job cannot be run again")
    if right.user_permissions is not None and right.user_permissions.update_build is False:
        return Rollback(False, "not permitted: protected, outdated, or you lack the role")
    return Rollback(True, words, deployment.run)


def _is_later_attempt(other: RestDeployment, job: Deployable) -> bool:
    made = other.deployable
    return (
        made is not None
        and made.id > job.id
        and made.name == job.name
        and made.pipeline is not None
        and made.pipeline == job.pipeline
    )
