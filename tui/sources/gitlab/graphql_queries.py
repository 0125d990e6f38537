"""The questions asked in GraphQL.

Each is well under the complexity of 250 and the 10 000 characters GitLab allows (contracts: gitlab §6); the true
limit is 30 seconds of server time, hence ten projects a question.
"""

from typing import Generic, TypeVar

import msgspec

from tui.sources.gitlab.payload import DashboardData, DetailData, GraphQLReply

T = TypeVar("T")

PROJECTS_A_QUESTION = 10
RECENT_PIPELINES = 10
"""Newest pipelines read of a project, and of a ref that has none among them."""


class GraphQLQuery(msgspec.Struct, Generic[T], frozen=True):
    name: str
    document: str
    decoder: "msgspec.json.Decoder[GraphQLReply[T]]"


DASHBOARD: GraphQLQuery[DashboardData] = GraphQLQuery(
    "Dashboard",
    """
query Dashboard($paths: [String!]!, $projects: Int = 10, $n: Int = 10, $ref: String) {
  projects(fullPaths: $paths, first: $projects) {
    nodes {
      fullPath
      pipelines(first: $n, ref: $ref) {
        nodes {
          id iid status ref sha name source child createdAt startedAt finishedAt duration
          detailedStatus { group }
          user { username }
          testReportSummary { total { count failed skipped error } }
          jobs(first: 20, retried: false, statuses: [MANUAL]) {
            nodes { id name status allowFailure manualJob }
          }
        }
      }
    }
  }
}""",
    msgspec.json.Decoder(GraphQLReply[DashboardData]),
)
"""The newest pipelines of some projects, with what waits for a person in each."""


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
)
"""One pipeline with one page of its jobs, bridges and older attempts among them."""
