"""Every status a controller has a word for, and what it becomes.

Values that stand in no table become ``UNKNOWN`` and are shown as themselves.
"""

from collections.abc import Mapping

from tui.domain.status import Status
from tui.text.safe import clean, shorten

RESULTS: Mapping[str, Status] = {
    "SUCCESS": Status.PASSED,
    "UNSTABLE": Status.WARNING,
    "FAILURE": Status.FAILED,
    "ABORTED": Status.CANCELED,
    "NOT_BUILT": Status.SKIPPED,
}
"""``result`` of a run that has ended (contracts: jenkins §4)."""

GRAPH_VIEW: Mapping[str, Status] = {
    "queued": Status.QUEUED,
    "running": Status.RUNNING,
    "paused": Status.WAITING,
    "success": Status.PASSED,
    "unstable": Status.WARNING,
    "failure": Status.FAILED,
    "aborted": Status.CANCELED,
    "skipped": Status.SKIPPED,
    "not_built": Status.SKIPPED,
    "finished": Status.UNKNOWN,
    "unknown": Status.UNKNOWN,
}
"""``state`` of a stage in pipeline-graph-view, lower case; upper case before plugin version 446."""

WFAPI: Mapping[str, Status] = {
    "IN_PROGRESS": Status.RUNNING,
    "PAUSED_PENDING_INPUT": Status.WAITING,
    "SUCCESS": Status.PASSED,
    "UNSTABLE": Status.WARNING,
    "FAILED": Status.FAILED,
    "ABORTED": Status.CANCELED,
    "NOT_EXECUTED": Status.SKIPPED,
}
"""``status`` of a stage in wfapi."""

COLORS: Mapping[str, Status] = {
    "blue": Status.PASSED,
    "yellow": Status.WARNING,
    "red": Status.FAILED,
    "aborted": Status.CANCELED,
    "notbuilt": Status.SKIPPED,
}
"""``iconColor`` of a flow node that has ended."""


def status_in(table: Mapping[str, Status], word: str | None) -> Status:
    return table.get(word or "", Status.UNKNOWN)


def shown(word: str | None) -> str:
    """A vendor's word, safe to be shown as itself."""
    return shorten(clean(word or ""), 40)


def run_status(result: str | None, active: bool) -> Status:
    """A run may have a result long before it ends (contracts: jenkins_observed, Builds)."""
    return Status.RUNNING if active else status_in(RESULTS, result)
