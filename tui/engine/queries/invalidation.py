"""What a new listing tells of other questions: which of them have to be asked again."""

from collections.abc import Collection, Iterable, Iterator

from tui.domain.address import Address
from tui.domain.pipeline import Listing, Run
from tui.engine.queries.base import AnyQuery
from tui.engine.queries.deployments import EnvironmentsOf, HistoryOf
from tui.engine.queries.evaluations import EvaluationsOf
from tui.engine.queries.excerpts import ExcerptOf
from tui.engine.queries.failures import FailuresOf
from tui.engine.queries.pipelines import RunAt, runs_in
from tui.engine.queries.tests import TestsOf
from tui.engine.store import Store


def outdated(
    known: Collection[AnyQuery], before: Listing | None, now: Listing, store: Store
) -> list[AnyQuery]:
    """Those of the ``known`` questions of which the listing ``now`` tells something new since ``before``.

    A finished run is never due by itself; but it may be retried, or its job deleted and its number used again.
    """
    runs = [query for query in known if isinstance(query, RunAt)]
    reports = [query for query in known if isinstance(query, TestsOf)]
    return [
        *_runs(runs, before, now, store),
        *_reports(reports, before, now),
        *(_previews(known, before, now) if before is not None else ()),
        *(_deployed(known, before, now) if before is not None else ()),
    ]


def _runs(queries: list[RunAt], before: Listing | None, now: Listing, store: Store) -> Iterator[RunAt]:
    asked = {query.address: query for query in queries}
    paths = {address.pipeline for address in asked}
    old = {run.address: _mark(run) for run in runs_in(before, paths)}
    for run in runs_in(now, paths):
        if (query := asked.get(run.address)) is None or old.get(run.address) == _mark(run):
            continue
        read = store.get(query).value
        if read is not None and _mark(read) != _mark(run):
            yield query


def _reports(queries: list[TestsOf], before: Listing | None, now: Listing) -> Iterator[TestsOf]:
    asked = {query.address: query for query in queries}
    paths = {address.pipeline for address in asked}
    old = {run.address: (_mark(run), run.tests) for run in runs_in(before, paths)}
    for run in runs_in(now, paths):
        if run.address in asked and old.get(run.address) != (_mark(run), run.tests):
            yield asked[run.address]


def _previews(known: Iterable[AnyQuery], before: Listing, now: Listing) -> Iterator[AnyQuery]:
    """What is shown beside a run that moved on, or was retried."""
    asked: list[tuple[Address, AnyQuery]] = []
    for query in known:
        if isinstance(query, ExcerptOf | FailuresOf):
            asked.append((query.address, query))
        elif isinstance(query, EvaluationsOf) and query.run is not None:
            asked.append((query.run, query))
    paths = {address.pipeline for address, _ in asked}
    old = {run.address: _mark(run) for run in runs_in(before, paths)}
    moved = {run.address for run in runs_in(now, paths) if old.get(run.address, _mark(run)) != _mark(run)}
    for address, query in asked:
        if address in moved:
            yield query


def _deployed(known: Iterable[AnyQuery], before: Listing, now: Listing) -> Iterator[AnyQuery]:
    """Environments where a run of theirs began, moved on or ended."""
    asked = [
        (query.pipeline if isinstance(query, EnvironmentsOf) else query.environment, query)
        for query in known
        if isinstance(query, EnvironmentsOf | HistoryOf)
    ]
    if not asked:
        return
    old = {run.address: _mark(run) for pipeline in before.pipelines for run in pipeline.runs}
    news = {
        pipeline.address
        for pipeline in now.pipelines
        if any(old.get(run.address) != _mark(run) for run in pipeline.runs)
    }
    sources = {address.source for address in news}
    listed = {pipeline.address for pipeline in now.pipelines}
    for address, query in asked:
        # What Jenkins' rules call an app need not be a job: then any of its jobs may have deployed.
        if address.pipeline in news or (address.source in sources and address.pipeline not in listed):
            yield query


def _mark(run: Run) -> tuple[object, ...]:
    """What tells one state of a run from another, in its listing and read alone; estimates change all the time."""
    return run.status, run.started_at, run.duration
