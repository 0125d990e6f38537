"""What GitLab's answers hold, as far as they are read. GraphQL first, then REST.

Nearly everything may be null or absent: fields differ by version and by what the user may see (contracts: gitlab
§3, §6). Only what nothing works without is required.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from tui.sources.http.bounds import instant

T = TypeVar("T")

Gid = Annotated[str, msgspec.Meta(pattern=r"^gid://.+/[0-9]{1,18}$")]
"""``gid://gitlab/Ci::Build/123``; the number is REST's id."""


def number(gid: str) -> int:
    """REST's id of a global id."""
    return int(gid.rpartition("/")[2])


def seconds(time: datetime | None) -> float | None:
    """Seconds since the epoch; a time without zone is UTC. None for one that nothing can have happened at."""
    if time is None:
        return None
    return instant((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


class PageInfo(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    has_next_page: bool = False
    end_cursor: str | None = None


class Nodes(msgspec.Struct, Generic[T], frozen=True, gc=False, rename="camel"):
    """A connection. It or any of its nodes is null where the user may not see it."""

    nodes: Sequence[T | None] | None = None
    page_info: PageInfo = PageInfo()


def nodes(connection: Nodes[T] | None) -> list[T]:
    if connection is None or connection.nodes is None:
        return []
    return [node for node in connection.nodes if node is not None]


class Named(msgspec.Struct, frozen=True, gc=False):
    name: str | None = None


class StageNode(msgspec.Struct, frozen=True, gc=False):
    name: str | None = None
    status: str | None = None


class User(msgspec.Struct, frozen=True, gc=False):
    username: str = ""


class DetailedStatus(msgspec.Struct, frozen=True, gc=False):
    group: str | None = None


class Total(msgspec.Struct, frozen=True, gc=False):
    """Test totals; both transports use these names."""

    count: int | None = None
    failed: int | None = None
    skipped: int | None = None
    error: int | None = None


class TestSummary(msgspec.Struct, frozen=True, gc=False):
    __test__ = False

    total: Total | None = None


class ProjectPath(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    full_path: str


class PipelineReference(msgspec.Struct, frozen=True, gc=False):
    id: Gid
    iid: str
    status: str | None = None
    project: ProjectPath | None = None


class JobNode(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    id: Gid | None = None
    name: str | None = None
    status: str | None = None
    kind: str | None = None
    retried: bool | None = None
    allow_failure: bool | None = None
    duration: float | None = None
    queued_duration: float | None = None
    started_at: datetime | None = None
    scheduled_at: datetime | None = None
    manual_job: bool | None = None
    stuck: bool | None = None
    failure_message: str | None = None
    exit_code: int | None = None
    stage: Named | None = None
    needs: Nodes[Named] | None = None
    downstream_pipeline: PipelineReference | None = None


class MergeRequestNode(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    title: str
    source_branch: str
    target_branch: str
    merge_train_index: int | None = None
    """Its place in the train, counted from 0."""
    merge_trains_count: int | None = None
    approvals_left: int | None = None


class PipelineNode(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    id: Gid
    iid: str
    status: str
    ref: str | None = None
    sha: str | None = None
    name: str | None = None
    source: str | None = None
    child: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration: float | None = None
    failure_reason: str | None = None
    yaml_error_messages: str | None = None
    detailed_status: DetailedStatus | None = None
    user: User | None = None
    upstream: PipelineReference | None = None
    merge_request: MergeRequestNode | None = None
    test_report_summary: TestSummary | None = None
    stages: Nodes[StageNode] | None = None
    jobs: Nodes[JobNode] | None = None


class LightNode(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"status": "s", "ref": "r", "created_at": "c", "finished_at": "f", "warnings": "w"},
):
    """A pipeline of which only what a row needs is asked, under short names."""

    id: Gid
    status: str
    ref: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None
    warnings: bool | None = None
    jobs: Nodes[JobNode] | None = None


class ProjectNode(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    full_path: str
    pipelines: Nodes[PipelineNode] | None = None
    branches: Nodes[LightNode] | None = None
    tags: Nodes[LightNode] | None = None
    requests: Nodes[LightNode] | None = None
    running: Nodes[LightNode] | None = None
    waiting: Nodes[LightNode] | None = None


class DashboardData(msgspec.Struct, frozen=True, gc=False):
    projects: Nodes[ProjectNode] | None = None


class UpdatedNode(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    id: Gid
    updated_at: datetime | None = None


class UpdatedProject(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    full_path: str
    pipelines: Nodes[UpdatedNode] | None = None


class ChangesData(msgspec.Struct, frozen=True, gc=False):
    updated: Nodes[UpdatedProject] | None = None
    projects: Nodes[ProjectNode] | None = None


class DetailProject(msgspec.Struct, frozen=True, gc=False):
    pipeline: PipelineNode | None = None


class DetailData(msgspec.Struct, frozen=True, gc=False):
    project: DetailProject | None = None


class ErrorDetails(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    code: str | None = None
    field_name: str | None = None
    type_name: str | None = None
    argument_name: str | None = None


class QueryError(msgspec.Struct, frozen=True, gc=False):
    message: str = ""
    path: Sequence[str | int] | None = None
    """Of an error beside data the place in the data; of a field that is not known the place in the document."""
    extensions: ErrorDetails | None = None


class GraphQLReply(msgspec.Struct, Generic[T], frozen=True, gc=False):
    data: T | None = None
    errors: Sequence[QueryError] | None = None


# --- REST ---------------------------------------------------------------------------------------------------------


class RestPipeline(msgspec.Struct, frozen=True, gc=False):
    """Basic (in lists and bridges) or in detail."""

    id: int
    status: str
    iid: int | None = None
    project_id: int | None = None
    ref: str | None = None
    sha: str | None = None
    name: str | None = None
    source: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration: float | None = None
    yaml_errors: str | None = None
    user: User | None = None
    detailed_status: DetailedStatus | None = None


class RestJob(msgspec.Struct, frozen=True, gc=False):
    """A job, or a bridge where it comes from the list of bridges."""

    id: int
    name: str
    status: str
    stage: str = ""
    allow_failure: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration: float | None = None
    queued_duration: float | None = None
    failure_reason: str | None = None
    user: User | None = None
    """Who started it last, where somebody did; else who started its pipeline."""
    archived: bool | None = None
    artifacts_expire_at: datetime | None = None
    downstream_pipeline: RestPipeline | None = None


class RestProject(msgspec.Struct, frozen=True, gc=False):
    id: int
    path_with_namespace: str
    default_branch: str | None = None
    ci_pipeline_variables_minimum_override_role: str | None = None
    """Who may give variables to a pipeline; told to Maintainers only, as is the next one."""
    ci_forward_deployment_rollback_allowed: bool | None = None


class Metadata(msgspec.Struct, frozen=True, gc=False):
    version: str


class Token(msgspec.Struct, frozen=True, gc=False):
    """``/personal_access_tokens/self``."""

    scopes: Sequence[str] = ()
    active: bool = True
    expires_at: str | None = None
