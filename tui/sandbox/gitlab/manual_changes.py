"""What people did to a GitLab that the world itself has no word for: approvals, variables, stopped environments."""

import msgspec


class Approval(msgspec.Struct, frozen=True):
    who: str
    status: str
    """``approved`` or ``rejected``."""
    at: float
    comment: str = ""


class ManualChanges:
    """May be added to while the server runs, as by a colleague."""

    def __init__(self) -> None:
        self.approvals: dict[int, dict[str, Approval]] = {}
        """By job and person: one each, which may be changed."""
        self.variables: dict[int, tuple[tuple[str, str], ...]] = {}
        """What a pipeline was started with."""
        self.sources: dict[int, str] = {}
        """What started a pipeline, where it was one of the API's own ways: ``api``, ``trigger``."""
        self.stopped: dict[int, float] = {}
        """When an environment was stopped."""

    def approve(self, job: int, who: str, at: float, status: str = "approved", comment: str = "") -> Approval:
        approval = Approval(who, status, at, comment)
        self.approvals.setdefault(job, {})[who] = approval
        return approval

    def pending(self, job: int, needed: int) -> int:
        """How many approvals a job still needs."""
        given = sum(approval.status == "approved" for approval in self.approvals.get(job, {}).values())
        return max(0, needed - given)
