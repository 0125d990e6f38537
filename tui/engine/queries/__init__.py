"""Queries: what can be asked of the sources, each a class of its own."""

from tui.engine.queries.absence import LastOf
from tui.engine.queries.alerts import AlertsOf, ReachOf
from tui.engine.queries.base import NEVER, AnyQuery, Context, Query, ReadQuery
from tui.engine.queries.candidates import CandidateOf
from tui.engine.queries.charts import ChartOf, ProbeOf, RequestsOf
from tui.engine.queries.comparisons import ComparisonOf, RegisteredVersions
from tui.engine.queries.deployments import ChangesBetween, EnvironmentsOf, HistoryOf, ValidationOf
from tui.engine.queries.evaluations import EvaluationOf, EvaluationsOf, RegisteredEvaluationOf
from tui.engine.queries.excerpts import ExcerptOf
from tui.engine.queries.failures import FailuresOf
from tui.engine.queries.local import ActivitiesNow, AlarmsNow, AnnouncementsNow, JournalNow
from tui.engine.queries.logs import LogOf
from tui.engine.queries.pipelines import PipelinesOf, RunAt
from tui.engine.queries.tests import CaseOf, TestsOf
from tui.engine.queries.training import ChampionCurveOf, CurveOf, TrainingOf
from tui.engine.queries.usual import UsualOf
from tui.engine.queries.verdicts import VerdictOf

__all__ = [
    "NEVER",
    "ActivitiesNow",
    "AlarmsNow",
    "AlertsOf",
    "AnnouncementsNow",
    "AnyQuery",
    "CandidateOf",
    "CaseOf",
    "ChampionCurveOf",
    "ChangesBetween",
    "ChartOf",
    "ComparisonOf",
    "Context",
    "CurveOf",
    "EnvironmentsOf",
    "EvaluationOf",
    "EvaluationsOf",
    "ExcerptOf",
    "FailuresOf",
    "HistoryOf",
    "JournalNow",
    "LastOf",
    "LogOf",
    "PipelinesOf",
    "ProbeOf",
    "Query",
    "ReachOf",
    "ReadQuery",
    "RegisteredEvaluationOf",
    "RegisteredVersions",
    "RequestsOf",
    "RunAt",
    "TestsOf",
    "TrainingOf",
    "UsualOf",
    "ValidationOf",
    "VerdictOf",
]
