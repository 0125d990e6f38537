"""The one status vocabulary for runs, stages and jobs."""

from enum import StrEnum


class Status(StrEnum):
    """What a run, stage or job is doing or how it ended.

    Each source has one table from its own values to these; a value that table does not know becomes
    ``UNKNOWN`` and travels beside it as the vendor's own word (``vendor_status``), to be shown as itself.
    """

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """Waits for a person (a gate)."""
    PASSED = "passed"
    WARNING = "warning"
    """Ended well enough to go on, with something to look at (Jenkins UNSTABLE, GitLab success-with-warnings)."""
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        """It may still change by itself or by a person's answer."""
        return self in _ACTIVE

    @property
    def finished(self) -> bool:
        """It will not change any more."""
        return self in _FINISHED


_ACTIVE = frozenset({Status.QUEUED, Status.RUNNING, Status.WAITING})
_FINISHED = frozenset({Status.PASSED, Status.WARNING, Status.FAILED, Status.CANCELED, Status.SKIPPED})
