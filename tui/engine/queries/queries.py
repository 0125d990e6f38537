"""What can be asked of the sources and watched: small hashable values, each typed by its answer."""

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from tui.domain.action import Activity
from tui.domain.address import Address
from tui.domain.alarm import Alarms, Alerts, Announcement
from tui.domain.candidate import Candidacy
from tui.domain.deployment import Changes, Environment, Environments, Validation, Version
from tui.domain.health import Finding
from tui.domain.pipeline import Listing, Run
from tui.domain.series import Chart, Probe
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.domain.verdict import Verdict
from tui.engine.actions.journal import Record
from tui.engine.logs import LogState

T = TypeVar("T")


class Query(msgspec.Struct, Generic[T], frozen=True):
    """Something a source can be asked; ``T`` is the type of the answer. Equal questions are the same question."""


AnyQuery: TypeAlias = Query[Any]


class PipelinesOf(Query[Listing], frozen=True):
    """All watched pipelines of a source, by its name in the config."""

    source: str


class RunAt(Query[Run], frozen=True):
    """One run with its stages and jobs."""

    address: Address


class EnvironmentsOf(Query[Environments], frozen=True):
    """The environments that one pipeline deploys to. A GitLab project answers for one project at a time, and a
    Jenkins job out of what its listing told, so each costs what is looked at and no more."""

    pipeline: Address


class HistoryOf(Query[Environment], frozen=True):
    """One environment with its past, and to which of it one can go back."""

    environment: Address


class ChangesBetween(Query[Changes], frozen=True):
    """The commits that ``new`` has and ``old``, deployed before it, has not."""

    old: Version
    new: Version


class ValidationOf(Query[Validation], frozen=True):
    """The numbers in a JSON file among a run's artifacts."""

    run: Address
    file: str


class TestsOf(Query[TestReport], frozen=True):
    """The tests of one run."""

    __test__ = False

    address: Address


class CaseOf(Query[CaseDetails], frozen=True):
    """What one case of a run's tests said."""

    address: Address
    key: CaseKey


class LogOf(Query[LogState], frozen=True):
    """The log of a job, a stage, or a run; the text is with ``Engine.log``."""

    address: Address
    tail: int = 0
    """Bytes at its end that will do at first, where the server can tell those; 0: from the beginning."""


class ActivitiesNow(Query[tuple[Activity, ...]], frozen=True):
    """The actions under way or ended, newest first. No source is asked: the reading is there when there are some."""


class JournalNow(Query[tuple[Record, ...]], frozen=True):
    """What was done from this machine, oldest first; of very much the newest. It is read from the disk."""


class ChartOf(Query[Chart], frozen=True):
    """One metric of a model over ``span`` seconds, for a chart ``columns`` cells wide."""

    model: str
    metric: str
    span: int
    columns: int
    until: int | None = None
    """Where the time ends, seconds since the epoch; None: now."""


class ProbeOf(Query[Probe], frozen=True):
    """Whether the query of a model's metric gives what it should, and how old that is."""

    model: str
    metric: str


class VerdictOf(Query[Verdict], frozen=True):
    """How the canary of a model compares with its baseline."""

    model: str


class ReachOf(Query[Finding], frozen=True):
    """Whether a source of metrics answers, where nothing else need be asked of it."""

    source: str


class RequestsOf(Query[Chart], frozen=True):
    """How many requests the canary of a model and its baseline had to answer in the last ``span`` seconds, by the
    metric that counts them: one value each."""

    model: str
    span: int


class AlertsOf(Query[Alerts], frozen=True):
    """What the rules of a source found: a Prometheus, an Alertmanager."""

    source: str


class AlarmsNow(Query[Alarms], frozen=True):
    """All alarms; what the engine makes of other answers, so that no source is ever asked."""


class AnnouncementsNow(Query[tuple[Announcement, ...]], frozen=True):
    """The newest that each policy has said; the engine's own, too."""


class CandidateOf(Query[Candidacy], frozen=True):
    """How a model's candidate in the registry compares with its champion."""

    model: str
