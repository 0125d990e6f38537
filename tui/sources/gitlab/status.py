"""GitLab's status words: the one table (contracts: gitlab §2)."""

from collections.abc import Mapping
from typing import NamedTuple

from tui.domain.status import Status
from tui.text.safe import clean


class VendorWord(NamedTuple):
    status: Status
    reason: str = ""
    """Why it is not running, where the word itself says so."""


STATUSES: Mapping[str, VendorWord] = {
    "created": VendorWord(Status.QUEUED),
    "waiting_for_resource": VendorWord(Status.QUEUED, "waits for its resource group"),
    "preparing": VendorWord(Status.QUEUED, "is being prepared"),
    "waiting_for_callback": VendorWord(Status.QUEUED, "waits for another system to call back"),
    "pending": VendorWord(Status.QUEUED, "waits for a runner"),
    "running": VendorWord(Status.RUNNING),
    "success": VendorWord(Status.PASSED),
    "success-with-warnings": VendorWord(Status.WARNING),
    "failed": VendorWord(Status.FAILED),
    "canceling": VendorWord(Status.RUNNING, "is being canceled"),
    "canceled": VendorWord(Status.CANCELED),
    "skipped": VendorWord(Status.SKIPPED),
    "manual": VendorWord(Status.WAITING),
    "scheduled": VendorWord(Status.QUEUED, "starts later"),
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


def read_status(vendor: str) -> VendorWord:
    """What a :func:`vendor_word` means; one nobody knows is UNKNOWN and shown as itself."""
    return STATUSES.get(vendor, VendorWord(Status.UNKNOWN))
