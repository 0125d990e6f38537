"""GitLab's status words: the one table (contracts: gitlab §2)."""

from collections.abc import Mapping
from typing import NamedTuple

from tui.domain.status import Status
from tui.text import clean


class Word(NamedTuple):
    status: Status
    reason: str = ""
    """Why it is not running, where the word itself says so."""


STATUSES: Mapping[str, Word] = {
    "created": Word(Status.QUEUED),
    "waiting_for_resource": Word(Status.QUEUED, "waits for its resource group"),
    "preparing": Word(Status.QUEUED, "is being prepared"),
    "waiting_for_callback": Word(Status.QUEUED, "waits for another system to call back"),
    "pending": Word(Status.QUEUED, "waits for a runner"),
    "running": Word(Status.RUNNING),
    "success": Word(Status.PASSED),
    "success-with-warnings": Word(Status.WARNING),
    "failed": Word(Status.FAILED),
    "canceling": Word(Status.RUNNING, "is being canceled"),
    "canceled": Word(Status.CANCELED),
    "skipped": Word(Status.SKIPPED),
    "manual": Word(Status.WAITING),
    "scheduled": Word(Status.QUEUED, "starts later"),
}
"""Pipelines, stages and jobs share one enumeration, which is open: later versions add to it.
``success-with-warnings`` is a group of ``success``."""

DEPLOYMENTS: Mapping[str, Status] = {
    "created": Status.QUEUED,
    "running": Status.RUNNING,
    "success": Status.PASSED,
    "failed": Status.FAILED,
    "canceled": Status.CANCELED,
    "skipped": Status.SKIPPED,
    "blocked": Status.WAITING,
}
"""Deployments: ``blocked`` says that the job is manual, not that somebody has to approve (contracts: gitlab §2)."""


def vendor_word(status: str | None, group: str | None = None) -> str:
    """GitLab's own word, in REST's spelling, for a status of REST (``canceling``) or GraphQL (``CANCELING``)."""
    word = clean(status or "").lower()
    return "success-with-warnings" if word == "success" and group == "success-with-warnings" else word


def read_status(vendor: str) -> Word:
    """What a :func:`vendor_word` means; one nobody knows is UNKNOWN and shown as itself."""
    return STATUSES.get(vendor, Word(Status.UNKNOWN))
