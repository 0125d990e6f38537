"""How long until a question is worth asking again: seconds for what lives, never for what is finished.

The times are for a terminal with focus; :class:`tui.engine.polling.schedule.Schedule` stretches them without it.
They follow Jenkins' own pages and its operators' advice (contracts: jenkins §13).
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from tui.domain.alarm import Alerts
from tui.domain.candidate import Candidacy
from tui.domain.deployment import Changes, Deployment, Environment, Environments, Validation
from tui.domain.health import Fault, Finding, Trouble
from tui.domain.pipeline import Listing, Run, Stage
from tui.domain.series import Chart, Probe
from tui.domain.status import Status
from tui.domain.tests import CaseDetails, TestReport
from tui.domain.verdict import Verdict
from tui.engine.logs import LogState
from tui.engine.queries.queries import AnyQuery, ChartOf, JournalNow

NEVER = math.inf

LISTING_BUSY = 10.0
LISTING_IDLE = 30.0
RUN_ACTIVE = 3.0
RUN_WAITING = 10.0
RUN_UNKNOWN = 30.0
DEPLOYING = 10.0
STANDING = 60.0
"""What stands, and what is waited for; a listing with news asks sooner (``Engine._listed``)."""
MISSING = 60.0
"""What a run has not told yet, or never will."""
TESTS_LIVE = 60.0
"""A report is dear, and what a listing tells of it is noticed sooner. GitLab makes a new one every two minutes."""
VERDICT_SOONEST = 30.0
"""It costs two queries for each metric."""
JOURNAL = 30.0
"""What this program does is in it at once; others may write, too."""
ALERTS = 30.0
"""Rules are evaluated once a minute, as a rule."""
REACHED = 30.0
"""An alarm on a source that is lost waits for minutes."""
CHART_SOONEST = 15.0
"""A chart is the dearest thing to redraw on a slow link."""

FAULT_FIRST = 2.0
FAULT_LONGEST = 60.0
REFUSED = 600.0

_BUSY = frozenset({Status.QUEUED, Status.RUNNING})
_DEFINITE = frozenset(
    {Trouble.TLS, Trouble.UNAUTHORIZED, Trouble.FORBIDDEN, Trouble.NOT_FOUND, Trouble.MISCONFIGURED}
)


def after_answer(query: AnyQuery, answer: Any) -> float:
    """Seconds until ``question`` should be asked again after ``answer``; :data:`NEVER` for what is finished."""
    match answer:
        case Listing():
            return _after_listing(answer)
        case Run():
            return _after_run(answer)
        case Environments():
            return _after_deployments([each for one in answer.environments for each in one.deployments])
        case Environment():
            return _after_deployments(answer.deployments)
        case Changes():
            return NEVER if answer.commits else MISSING
        case Validation():
            return NEVER if answer.metrics else MISSING
        case TestReport() | CaseDetails():
            return NEVER if answer.final else TESTS_LIVE
        case Chart():
            if answer.final or not isinstance(query, ChartOf):  # a count is asked for when it is needed
                return NEVER
            step = answer.series[0].grid.step if answer.series else query.span / max(1, query.columns)
            return max(CHART_SOONEST, step)
        case Probe():
            return NEVER
        case Alerts():
            return ALERTS
        case Finding():
            return REACHED
        case LogState():
            return NEVER if answer.complete else answer.wait
        case tuple():  # whoever acts tells of the activities; of the journal other programs may write
            return JOURNAL if isinstance(query, JournalNow) else NEVER
        case Verdict():
            return max(VERDICT_SOONEST, answer.step)
        case Candidacy():
            return STANDING
    raise TypeError(f"no cadence for an answer of type {type(answer).__name__}")


def after_fault(fault: Fault, failures: int) -> float:
    """Seconds until a question that failed ``failures`` times in a row (1 or more) should be asked again.

    Doubling from two seconds to a minute. A definite no (bad credentials, not found) waits the minute at once: asking
    sooner changes nothing, and repeated bad logins can lock an account. A refused request waits ten minutes: it stays
    wrong until somebody changes it, unless the refusal came from something between us and the server.
    """
    if fault.trouble is Trouble.REFUSED:
        return REFUSED
    if fault.trouble in _DEFINITE:
        return FAULT_LONGEST
    return min(FAULT_LONGEST, FAULT_FIRST * 2.0 ** min(failures - 1, 10))


def _after_listing(listing: Listing) -> float:
    # A run that waits for a person does not count: GitLab pipelines are parked at manual jobs for weeks.
    busy = any(
        pipeline.queue or any(run.status in _BUSY for run in pipeline.runs) for pipeline in listing.pipelines
    )
    return LISTING_BUSY if busy else LISTING_IDLE


def _after_deployments(deployments: Iterable[Deployment]) -> float:
    return DEPLOYING if any(each.status is Status.RUNNING for each in deployments) else STANDING


def _after_run(run: Run) -> float:
    if run.status in _BUSY:
        return RUN_ACTIVE
    if run.status is Status.WAITING:
        return RUN_WAITING
    if run.status is Status.UNKNOWN:
        return RUN_UNKNOWN
    # A GitLab run need not wait for the child pipelines it started; they are shown in it.
    return RUN_WAITING if any(child.status.active for child in _downstream(run.stages or ())) else NEVER


def _downstream(stages: tuple[Stage, ...]) -> Iterator[Run]:
    for stage in stages:
        yield from _downstream(stage.children)
        for job in stage.jobs:
            if job.downstream is not None:
                yield job.downstream
                yield from _downstream(job.downstream.stages or ())
