"""The questions asked in GraphQL.

Each is well under the complexity of 250 and the 10 000 characters GitLab allows (contracts: gitlab §6); the true
limit is 30 seconds of server time, hence ten projects a question.
"""

from functools import cache
from typing import Generic, TypeVar

import msgspec

from tui.sources.gitlab.payload import ChangesData, DashboardData, DetailData, GraphQLReply, ProjectNode

T = TypeVar("T")

PROJECTS_A_QUESTION = 10
RECENT_PIPELINES = 10
"""Newest pipelines read of a project, and of a ref that has none among them."""


class GraphQLQuery(msgspec.Struct, Generic[T], frozen=True):
    name: str
    document: str
    decoder: "msgspec.json.Decoder[GraphQLReply[T]]"
    essential: frozenset[str] = frozenset()
    """Fields without which the answer is worth less than that of REST. Others may be unknown to an old version."""


_NEWEST = """
fragment Newest on Project {
  fullPath
  pipelines(first: $n, ref: $ref) {
    nodes {
      id iid status ref sha name source child createdAt updatedAt startedAt finishedAt duration
      detailedStatus { group }
      user { username }
      testReportSummary { total { count failed skipped error } }
      jobs(first: 20, retried: false, statuses: [MANUAL]) { ...Manual }
    }
  }
}
fragment Manual on CiJobConnection { nodes { id name status allowFailure manualJob } }"""

_REFS = """
fragment Refs on Project {
  branches: pipelines(scope: BRANCHES, first: 100) @include(if: $named) { ...Light pageInfo { hasNextPage } }
  tags: pipelines(scope: TAGS, first: 100) @include(if: $named) { ...Light pageInfo { hasNextPage } }
  requests: pipelines(source: "merge_request_event", first: 30) @include(if: $requests) { ...Light }
  running: pipelines(scope: RUNNING, first: 20) { ...Light }
  waiting: pipelines(status: MANUAL, first: 20) {
    ...Light
    nodes { jobs(first: 5, retried: false, statuses: [MANUAL]) { ...Manual } }
  }
}
fragment Light on PipelineConnection { nodes { id s: status r: ref c: createdAt f: finishedAt w: warnings } }"""
"""The latest run of every branch and tag, and all that run or wait: in few bytes, so under short names."""

_DASHBOARD = frozenset({"fullPath", "pipelines", "iid", "status", "ref"})

DASHBOARD: GraphQLQuery[DashboardData] = GraphQLQuery(
    "Dashboard",
    f"""
query Dashboard($paths: [String!]!, $projects: Int = 10, $n: Int = 10, $ref: String) {{
  projects(fullPaths: $paths, first: $projects) {{ nodes {{ ...Newest }} }}
}}{_NEWEST}""",
    msgspec.json.Decoder(GraphQLReply[DashboardData]),
    _DASHBOARD,
)
"""The newest pipelines of some projects, with what waits for a person in each."""

DASHBOARD_OF_REFS: GraphQLQuery[DashboardData] = GraphQLQuery(
    "DashboardOfRefs",
    f"""
query DashboardOfRefs(
  $paths: [String!]!, $projects: Int = 10, $n: Int = 10, $ref: String, $named: Boolean!, $requests: Boolean!
) {{
  projects(fullPaths: $paths, first: $projects) {{ nodes {{ ...Newest ...Refs }} }}
}}{_NEWEST}{_REFS}""",
    msgspec.json.Decoder(GraphQLReply[DashboardData]),
    _DASHBOARD,
)
"""As :data:`DASHBOARD`, with the latest run of every ref: where globs choose refs."""

PROJECTS_A_LOOK = 50
"""Projects of which one question asks what has changed: as many as GitLab lets one name (contracts: gitlab §6)."""

_UPDATED = """
  updated: projects(fullPaths: $all, first: $many) {
    nodes { fullPath pipelines(updatedAfter: $since, first: 20) { nodes { id updatedAt } } }
  }"""

CHANGES: GraphQLQuery[ChangesData] = GraphQLQuery(
    "Changes",
    f"""
query Changes(
  $all: [String!]!, $many: Int = 50, $since: Time!, $whole: Boolean!,
  $paths: [String!]!, $projects: Int = 10, $n: Int = 10, $ref: String
) {{{_UPDATED}
  projects(fullPaths: $paths, first: $projects) @include(if: $whole) {{ nodes {{ ...Newest }} }}
}}{_NEWEST}""",
    msgspec.json.Decoder(GraphQLReply[ChangesData]),
    _DASHBOARD | {"updatedAt"},
)
"""Which pipelines of many projects have changed; and some projects whole, as :data:`DASHBOARD` has them."""

CHANGES_OF_REFS: GraphQLQuery[ChangesData] = GraphQLQuery(
    "ChangesOfRefs",
    f"""
query ChangesOfRefs(
  $all: [String!]!, $many: Int = 50, $since: Time!, $whole: Boolean!,
  $paths: [String!]!, $projects: Int = 10, $n: Int = 10, $ref: String, $named: Boolean!, $requests: Boolean!
) {{{_UPDATED}
  projects(fullPaths: $paths, first: $projects) @include(if: $whole) {{ nodes {{ ...Newest ...Refs }} }}
}}{_NEWEST}{_REFS}""",
    msgspec.json.Decoder(GraphQLReply[ChangesData]),
    _DASHBOARD | {"updatedAt"},
)
"""As :data:`CHANGES`, with the latest run of every ref of those that are read whole."""

BY_NAME = 5
OF_REFS_BY_NAME = 2
"""Projects a question where each is asked for by itself, whose complexities add up."""


@cache
def dashboard_by_name(projects: int, *, of_refs: bool) -> GraphQLQuery[dict[str, ProjectNode | None]]:
    """:data:`DASHBOARD` or :data:`DASHBOARD_OF_REFS` before GitLab 16.6, whose ``projects`` take no ``fullPaths``.

    The project of ``$p0`` is ``p0`` in the answer.
    """
    name = "DashboardOfRefsByName" if of_refs else "DashboardByName"
    paths = ", ".join(f"$p{at}: ID!" for at in range(projects))
    more = ", $named: Boolean!, $requests: Boolean!" if of_refs else ""
    parts = "...Newest ...Refs" if of_refs else "...Newest"
    fields = "\n".join(f"  p{at}: project(fullPath: $p{at}) {{ {parts} }}" for at in range(projects))
    return GraphQLQuery(
        name,
        f"""
query {name}({paths}, $n: Int = 10, $ref: String{more}) {{
{fields}
}}{_NEWEST}{_REFS if of_refs else ""}""",
        msgspec.json.Decoder(GraphQLReply[dict[str, ProjectNode | None]]),
        _DASHBOARD,
    )


PIPELINE_DETAIL: GraphQLQuery[DetailData] = GraphQLQuery(
    "PipelineDetail",
    """
query PipelineDetail($path: ID!, $iid: ID!, $after: String) {
  project(fullPath: $path) {
    pipeline(iid: $iid) {
      id iid status ref sha name source createdAt startedAt finishedAt duration
      failureReason yamlErrorMessages
      detailedStatus { group }
      user { username }
      upstream { id iid status project { fullPath } }
      mergeRequest { title sourceBranch targetBranch mergeTrainIndex mergeTrainsCount approvalsLeft }
      stages(first: 100) { nodes { name status } }
      testReportSummary { total { count failed skipped error } }
      jobs(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id name status kind retried allowFailure duration queuedDuration startedAt scheduledAt
          manualJob stuck failureMessage exitCode
          stage { name }
          needs { nodes { name } }
          downstreamPipeline { id iid status project { fullPath } }
        }
      }
    }
  }
}""",
    msgspec.json.Decoder(GraphQLReply[DetailData]),
    frozenset({"pipeline", "iid", "status", "stages", "jobs"}),
)
"""One pipeline with one page of its jobs, bridges and older attempts among them."""
