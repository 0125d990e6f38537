"""What only GraphQL tells of a job, and what protects an environment (contracts: gitlab §0, §4.6, §6)."""

from collections.abc import Sequence

import msgspec

from tui.sources.gitlab.graphql_queries import GraphQLQuery
from tui.sources.gitlab.payload import GraphQLReply
from tui.sources.gitlab.read.deployment_payload import Permissions
from tui.text.safe import clean


class JobAction(msgspec.Struct, frozen=True, rename="camel"):
    confirmation_message: str | None = None


class JobStatus(msgspec.Struct, frozen=True):
    action: JobAction | None = None


class Rights(msgspec.Struct, frozen=True, rename="camel"):
    """What REST does not tell of a job (contracts: gitlab §0, §6)."""

    manual_job: bool | None = None
    can_play_job: bool | None = None
    retryable: bool | None = None
    user_permissions: Permissions | None = None
    detailed_status: JobStatus | None = None

    @property
    def forbidden(self) -> bool:
        return self.user_permissions is not None and self.user_permissions.update_build is False

    @property
    def asks(self) -> str:
        """What the author wants confirmed before it is started (``manual_confirmation``)."""
        action = self.detailed_status.action if self.detailed_status else None
        return clean((action and action.confirmation_message) or "")


class RightsProject(msgspec.Struct, frozen=True):
    job: Rights | None = None


class RightsData(msgspec.Struct, frozen=True):
    project: RightsProject | None = None


_rights = msgspec.json.Decoder(GraphQLReply[RightsData])


def job_rights(gid: str) -> GraphQLQuery[RightsData]:
    """What may be done to the job of a global id. It stands in the text: its type has another name in old versions."""
    return GraphQLQuery(
        "JobRights",
        f"""
query JobRights($path: ID!) {{
  project(fullPath: $path) {{
    job(id: "{gid}") {{
      manualJob canPlayJob retryable
      userPermissions {{ updateBuild }}
      detailedStatus {{ action {{ confirmationMessage }} }}
    }}
  }}
}}""",
        _rights,
    )


class ApprovalRule(msgspec.Struct, frozen=True):
    required_approvals: int = 0


class Protection(msgspec.Struct, frozen=True):
    """A protected environment."""

    required_approval_count: int | None = None
    approval_rules: Sequence[ApprovalRule] | None = None

    @property
    def approvals(self) -> int:
        rules = sum(rule.required_approvals for rule in self.approval_rules or ())
        return max(rules, self.required_approval_count or 0)
