"""How long something has taken and when it should end.

Times of runs are by their server's clock: where it is known to differ (``SourceFacts.clock_skew``), ``now`` should be
that server's now.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from tui.domain.pipeline import Job, Run, Stage
from tui.domain.status import Status

_FULL = frozenset({Status.PASSED, Status.WARNING})


class Eta(msgspec.Struct, frozen=True):
    """When a run should end."""

    at: float
    """The expected end; it lies in the past when the run is late."""
    overrun: float
    """Seconds that the run is late; 0 while it is not."""
    basis: Literal["server", "history"]
    """Whether the server said so, or the median of earlier runs does."""


def elapsed(what: Run | Stage | Job, now: float) -> float | None:
    """Seconds that a run, stage or job took, or has been taking so far; a stage without its time of waiting for a
    person. None for what has not begun, and where the source does not say.
    """
    if what.duration is not None:
        return what.duration
    if what.started_at is None or not what.status.active:
        return None
    return max(0.0, now - what.started_at - (what.paused if isinstance(what, Stage) else 0.0))


def expected_end(run: Run, earlier: Sequence[Run], now: float) -> Eta | None:
    """When a running ``run`` should end: as its server says, else after the median time of comparable runs.

    Comparable are those of ``earlier`` in the same pipeline that ran to a good end (a failed one stopped early),
    on the same ref where there are any. None for a run that does not run, among them one that waits for a person:
    nobody knows when that one comes.
    """
    if run.status is not Status.RUNNING or run.started_at is None:
        return None
    if run.expected_duration is not None and run.expected_duration > 0:
        return _eta(run.started_at + run.expected_duration, now, "server")
    comparable = [
        (other.ref, other.duration)
        for other in earlier
        if other.address.pipeline == run.address.pipeline
        and other.address != run.address
        and other.status in _FULL
        and other.duration is not None
    ]
    durations = [duration for ref, duration in comparable if ref == run.ref] or [
        duration for _, duration in comparable
    ]
    if not durations:
        return None
    return _eta(run.started_at + median(durations), now, "history")


def _eta(at: float, now: float, basis: Literal["server", "history"]) -> Eta:
    return Eta(at, max(0.0, now - at), basis)


def median(values: Sequence[float]) -> float:
    """The middle of ``values``, which are some."""
    # Importing the standard library's takes 10 ms.
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
