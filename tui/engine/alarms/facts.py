"""What the rules of alarms look at: the questions they need, and what the store's answers show of each subject."""

import math
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import msgspec

from tui.config import Settings, seconds
from tui.config.alarms import (
    AbsentCondition,
    AlarmSettings,
    RunsCondition,
    SeriesCondition,
    SourceCondition,
    TestsCondition,
    VerdictCondition,
)
from tui.domain.health import Trouble
from tui.domain.pipeline import Pipeline
from tui.domain.query_template import TemplateError
from tui.domain.status import Status
from tui.domain.verdict import Decision
from tui.engine.alarms.suspects import CanaryNow, Suspects
from tui.engine.queries import (
    AlertsOf,
    AnyQuery,
    ChartOf,
    LastOf,
    PipelinesOf,
    Query,
    ReachOf,
    TestsOf,
    VerdictOf,
)
from tui.engine.store import Readings
from tui.insight import absence
from tui.insight import alarms as insight
from tui.insight.alarms import UNKNOWN, AlarmReading, AlarmRule
from tui.insight.environments import group_of
from tui.insight.tests import EarlierRun, comparable, compare

T = TypeVar("T")

_LEAST_SPAN = 3600
_STEP = 30
"""Seconds between two values of a series that is looked at."""
_AGED = 600.0
"""Seconds after which words that tell for how long say something else."""
_DECISIONS = {"worse": Decision.STOP, "unclear": Decision.WAIT}
_ANSWERED = frozenset({Trouble.REFUSED, Trouble.NOT_FOUND, Trouble.RATE_LIMITED})
"""Troubles with which a server shows that it is there."""


def alert_queries(settings: Settings) -> tuple[AlertsOf, ...]:
    """One for each source whose own alerts are to be shown."""
    return tuple(AlertsOf(name) for name, source in settings.sources.items() if source.gives_alerts)


class SubjectReading(msgspec.Struct, frozen=True):
    """What is seen of one subject."""

    subject: str
    seen: AlarmReading
    model: str = ""
    unit: str = ""
    canary: bool = False
    """It is about the model's canary alone."""


def rule_of(alarm: AlarmSettings) -> AlarmRule:
    hold = alarm.source.unreachable_for if alarm.source is not None else alarm.for_
    return AlarmRule(float(seconds(hold)) if hold else 0.0, float(seconds(alarm.keep)) if alarm.keep else 0.0)


class AlarmFacts:
    """One look at everything; ``asked`` is what has to be kept current for the next one."""

    def __init__(
        self, settings: Settings, store: Readings, suspects: Suspects, now: float, watched_since: float
    ) -> None:
        self._settings = settings
        self._store = store
        self._suspects = suspects
        self._now = now
        self._watched_since = watched_since
        self.asked: dict[AnyQuery, None] = {}
        self.changes_at = math.inf
        """When time alone makes something else of what is seen."""

    def at(self, alarm: AlarmSettings) -> Iterator[SubjectReading]:
        match alarm.conditions[0]:
            case SeriesCondition() as series:
                yield self._series(series, alarm)
            case VerdictCondition() as verdict:
                yield self._verdict(verdict)
            case RunsCondition() as runs:
                status = Status(runs.status)
                for pipeline in self._pipelines(runs.pipelines):
                    seen = insight.of_runs(pipeline.runs, status, runs.consecutive)
                    yield self._of_pipeline(pipeline, seen)
            case TestsCondition() as tests:
                for pipeline in self._pipelines(tests.pipelines):
                    yield self._of_pipeline(pipeline, self._tests(pipeline, tests.new_failures))
            case SourceCondition() as source:
                yield SubjectReading(source.name, self._source(source.name))
            case AbsentCondition() as absent:
                yield self._absent(absent)

    def _absent(self, condition: AbsentCondition) -> SubjectReading:
        last = self._current(LastOf(condition.model, condition.of))
        longer_than = float(seconds(condition.longer_than))
        changes_at = absence.changes_at(longer_than, last, self._watched_since)
        if changes_at is not None and changes_at > self._now:
            self.changes_at = min(self.changes_at, changes_at)
        seen = absence.reading(
            condition.model,
            condition.of,
            longer_than,
            last,
            self._now,
            self._watched_since,
            expected=condition.longer_than,
        )
        if seen.state == "bad":
            self.changes_at = min(self.changes_at, self._now + _AGED)
        return SubjectReading(condition.model, seen, condition.model)

    def _current(self, query: Query[T]) -> T | None:
        """The answer; None where there is none, or only one from before the trouble."""
        self.asked[query] = None
        reading = self._store.get(query)
        return reading.value if reading.fault is None else None

    def _series(self, condition: SeriesCondition, alarm: AlarmSettings) -> SubjectReading:
        rule, metric = rule_of(alarm), self._settings.metrics[condition.metric]
        span = max(_LEAST_SPAN, int(2 * (rule.hold + rule.keep)))
        chart = self._current(ChartOf(condition.model, condition.metric, span, span // (2 * _STEP)))
        series = [
            series_of_track
            for series_of_track in (chart.series if chart else ())
            if series_of_track.track in (None, condition.track)
        ]
        used = self._placeholders(condition.metric)
        canary = condition.track == "canary" and bool(used & {"track", "version"})
        now = self._suspects.canary(condition.model) if canary else CanaryNow()
        seen = UNKNOWN
        if series and now is not None:
            title = metric.title or condition.metric
            # Under a label that canaries share, a value tells of its whole window.
            shared = 0 if "version" in used else seconds(metric.window)
            seen = insight.of_series(
                series[0],
                above=condition.above,
                below=condition.below,
                clear=alarm.clear,
                unit=metric.unit,
                title=f"{condition.track} {title}" if series[0].track else title,
                after=now.began + shared if now.began is not None else None,
            )
        return SubjectReading(condition.model, _about(seen, now), condition.model, metric.unit, canary)

    def _verdict(self, condition: VerdictCondition) -> SubjectReading:
        found = self._current(VerdictOf(condition.model))
        now = self._suspects.canary(condition.model)
        seen = UNKNOWN
        if (
            found is not None
            and now is not None
            and found.canary in ("", now.version or found.canary)
            and found.counts_for(now.run)
        ):
            seen = insight.of_verdict(found, _DECISIONS[condition.is_])
        return SubjectReading(condition.model, _about(seen, now), condition.model, canary=True)

    def _placeholders(self, metric: str) -> frozenset[str]:
        try:
            return self._settings.placeholders(metric)
        except TemplateError:
            return frozenset()

    def _pipelines(self, globs: tuple[str, ...]) -> Iterator[Pipeline]:
        for name, source in self._settings.sources.items():
            if not source.runs_pipelines:
                continue
            if not any(fnmatchcase(name, glob.partition(":")[0]) for glob in globs):
                continue
            self.asked[PipelinesOf(name)] = None
            listing = self._store.get(PipelinesOf(name)).value
            for pipeline in listing.pipelines if listing is not None else ():
                if any(map(pipeline.address.fits, globs)):
                    yield pipeline

    def _of_pipeline(self, pipeline: Pipeline, seen: AlarmReading) -> SubjectReading:
        return SubjectReading(pipeline.key, seen, group_of(pipeline, (pipeline,), self._settings).model)

    def _tests(self, pipeline: Pipeline, limit: int) -> AlarmReading:
        tests_listed = any(run.tests for run in pipeline.runs)  # not every listing counts tests
        ended = (run for run in pipeline.runs if run.status.finished)
        run = next(
            (run for run in ended if not tests_listed or (run.tests is not None and run.tests.total)), None
        )
        if run is None:
            return UNKNOWN
        if run.tests is not None and not run.tests.failed:
            return insight.of_tests(run, 0, limit)
        report = self._current(TestsOf(run.address))
        if report is None or not report.counts.failed:
            return insight.of_tests(run, 0 if report is not None else None, limit)
        earlier = []
        for other in comparable(run, pipeline.runs):
            before = self._current(TestsOf(other.address))
            if before is not None:
                earlier.append(EarlierRun(other, before))
            elif self._store.get(TestsOf(other.address)).fault is None:
                return UNKNOWN
        return insight.of_tests(run, len(compare(report, run, earlier).new), limit)

    def _source(self, name: str) -> AlarmReading:
        query = self._asked_of(name)
        self.asked[query] = None
        reading = self._store.get(query)
        if reading.fault is None or reading.fault.trouble in _ANSWERED:
            known = reading.value is not None or reading.fault is not None
            return AlarmReading("good", "it answers") if known else UNKNOWN
        return AlarmReading(
            "bad", f"{reading.fault.trouble.value}: {reading.fault.message}", reading.fault_since
        )

    def _asked_of(self, name: str) -> Query[Any]:
        """What shows that a source answers: what is asked of it anyway, else nothing but that."""
        kind = self._settings.sources[name]
        if kind.runs_pipelines:
            return PipelinesOf(name)
        return AlertsOf(name) if kind.gives_alerts else ReachOf(name)


def _about(seen: AlarmReading, now: CanaryNow | None) -> AlarmReading:
    return seen if now is None else msgspec.structs.replace(seen, canary=now.id, began=now.began)
