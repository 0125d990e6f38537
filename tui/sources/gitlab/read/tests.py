"""Test reports of pipelines (contracts: gitlab §3.4).

The summary says which suites there are and outlives the artifacts; the report lists the cases. A report that is too
large or too slow is read suite by suite, the failed cases only (:mod:`tui.sources.gitlab.read.test_suites`).
"""

from collections.abc import Mapping, Sequence

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.tests import CaseDetails, CaseKey, Suite, TestReport, counted
from tui.sources.base import SourceError, run_number
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.gather import concerns_all
from tui.sources.gitlab.lru_cache import LruCache
from tui.sources.gitlab.payload import RestPipeline, seconds
from tui.sources.gitlab.read.convert import RecentPipeline
from tui.sources.gitlab.read.runs import DEPTH
from tui.sources.gitlab.read.test_report import (
    REPORT,
    SUMMARY,
    Details,
    SummarySuite,
    find,
    read_report,
    without_cases,
)
from tui.sources.gitlab.read.test_suites import SuiteReader
from tui.sources.gitlab.rest_client import Rest, project_url
from tui.sources.gitlab.status import read_status, vendor_word
from tui.sources.http.bounds import whole
from tui.sources.http.limiter import Limiter
from tui.text.safe import clean
from tui.threads import in_thread

PATIENCE = 60.0
"""Seconds a report may take at least: GitLab makes it out of all its files while we wait."""
SPARE = 600.0
"""Seconds until a report that could not be read whole is asked for again."""
LAG = 150.0
"""Seconds after the end of a pipeline in which its report may still change: a worker counts, a cache is 2 min old."""
_TOO_DEAR = (Trouble.TIMEOUT, Trouble.UNAVAILABLE, Trouble.SERVER_ERROR, Trouble.WRONG_ANSWER)


class _Project(msgspec.Struct, frozen=True):
    id: int | None = None
    project_id: int | None = None


class Bridge(msgspec.Struct, frozen=True):
    id: int
    name: str = ""
    pipeline: _Project | None = None
    downstream_pipeline: _Project | None = None

    @property
    def child(self) -> int | None:
        """The id of the child pipeline it started; a pipeline of another project is not one of its tests."""
        own, other = self.pipeline, self.downstream_pipeline
        return other.id if own and other and own.project_id == other.project_id else None


_bridges = msgspec.json.Decoder(tuple[Bridge, ...])
_pipeline = msgspec.json.Decoder(RestPipeline)


class _Dear(msgspec.Struct, frozen=True):
    reason: str
    at: float


class _Head(msgspec.Struct, frozen=True):
    iid: str
    ended_at: float | None
    """By the server's clock; None while it goes on."""
    waits: bool = False
    """For a person; its tests may have run long ago."""


class _Reading:
    """One report being read, with those of child pipelines."""

    def __init__(self, settled: bool, childless: bool) -> None:
        self.settled = settled
        """It ended long ago: what the server tells now it will tell for good."""
        self.childless = childless
        self.summarised: set[int] = set()
        """Jobs whose tests are in the summaries so far. Since 18.6 those of child pipelines are in their parent's."""
        self.total = 0
        """Tests that the summaries count."""
        self.notes: list[str] = []


class _Pipeline(msgspec.Struct, frozen=True):
    """A pipeline whose tests are read."""

    path: str
    id: int
    where: str = ""
    """The bridges on the way to it."""
    depth: int = 0

    @property
    def url(self) -> str:
        return f"{project_url(self.path)}/pipelines/{self.id}"


class TestReports:
    """Reads reports, those of child pipelines too. What failed cases said is kept for a while: it comes with them."""

    __test__ = False

    def __init__(self, context: GitLabContext) -> None:
        settings = context.settings
        patient = msgspec.structs.replace(settings, timeout=max(PATIENCE, settings.timeout))
        self._wire = context.wire
        self._rest = context.rest
        self._slow = Rest(context.wire, patient)
        self._suites = SuiteReader(context.graphql)
        self._clock = context.clock
        self._details: LruCache[int, Details] = LruCache(16)
        self._heads: LruCache[int, _Head] = LruCache(128)
        self._dear: LruCache[int, _Dear] = LruCache(128)
        """Reports that could not be read whole; they are not asked for again for a while."""

    async def read(
        self, address: Address, recent: Mapping[int, RecentPipeline], *, childless: bool = False
    ) -> TestReport:
        """The report of the pipeline at ``address``; ``recent`` is what the last listing told.

        Args:
            childless: it is known to have no child pipelines: they need not be asked for.

        Raises:
            SourceError
        """
        top = _top(address)
        head = await self._head(top, recent)
        age = None if head.ended_at is None else self._server_time() - head.ended_at
        reading = _Reading(age is not None and age > LAG, childless)
        suites = await self._read(top, head, reading)
        if head.waits:
            reading.settled = counted(suites).total == reading.total
        if age is not None and not reading.settled:
            reading.notes.append("GitLab may still be reading its reports; it is asked again")
        return TestReport(counted(suites), suites, tuple(reading.notes), reading.settled)

    async def case(self, address: Address, key: CaseKey, recent: Mapping[int, RecentPipeline]) -> CaseDetails:
        """What one case of that report said.

        Raises:
            SourceError
        """
        top = _top(address)
        owner, _, builds = key.place.partition(":")
        if (id := whole(owner)) is None:
            raise _gone(self._wire, key, top)
        pipeline = msgspec.structs.replace(top, id=id)
        wanted = (key.suite, key.classname, key.name)
        found = (self._details.get(pipeline.id) or {}).get(wanted)
        if found is None and self._too_dear_reason(pipeline.id):
            head = await self._head(pipeline, recent)
            found = await self._suites.case(pipeline.path, head.iid, builds.split(","), key)
        elif found is None:
            report = await self._slow.read(REPORT, f"{pipeline.url}/test_report")
            found = await in_thread(lambda: find(report, key))
        if found is None:
            raise _gone(self._wire, key, pipeline)
        return found

    def close(self) -> None:
        self._slow.close()

    def _server_time(self) -> float:
        return self._clock() + self._wire.skew

    def _too_dear_reason(self, id: int) -> str | None:
        """Why the whole report is not to be asked for; None when it may be."""
        dear = self._dear.get(id)
        return dear.reason if dear and self._clock() - dear.at < SPARE else None

    async def _head(self, pipeline: _Pipeline, recent: Mapping[int, RecentPipeline]) -> _Head:
        if listed := recent.get(pipeline.id):
            status = listed.run.status
            return _Head(listed.iid, listed.stamp if status.finished else None, status is Status.WAITING)
        if (known := self._heads.get(pipeline.id)) is not None:
            return known
        read = await self._rest.read(_pipeline, pipeline.url)
        status = read_status(vendor_word(read.status)).status
        ended_at = seconds(read.finished_at or read.updated_at) or 0.0 if status.finished else None
        head = _Head(str(read.iid or ""), ended_at, status is Status.WAITING)
        if status.finished:
            self._heads.put(pipeline.id, head)
        return head

    async def _read(self, pipeline: _Pipeline, head: _Head, reading: _Reading) -> tuple[Suite, ...]:
        """The suites of a pipeline and of its child pipelines, as far as they were not told before."""
        summary = (await self._rest.read(SUMMARY, f"{pipeline.url}/test_report_summary")).test_suites or ()
        expected = [
            suite
            for suite in summary
            if not suite.build_ids or not reading.summarised.issuperset(suite.build_ids)
        ]
        suites: tuple[Suite, ...] = ()
        # A summary comes late: without one, a report is worth asking for as long as it may be missing.
        if expected or not (summary or reading.settled):
            suites = await self._cases(pipeline, head, expected, reading.notes)
        reading.total += sum(suite.counts.total for suite in expected)
        reading.summarised.update(build for suite in expected for build in suite.build_ids or ())
        for bridge in () if reading.childless else await self._bridges(pipeline):
            if bridge.child is None:
                continue
            name = clean(bridge.name)
            where = f"{pipeline.where} / {name}" if pipeline.where else name
            child = _Pipeline(pipeline.path, bridge.child, where, pipeline.depth + 1)
            try:
                # Of a child pipeline only REST is asked: its iid is not known.
                suites += await self._read(child, _Head("", head.ended_at), reading)
            except SourceError as error:
                if concerns_all(error):
                    raise
                reading.notes.append(
                    f"the tests of the child pipeline {name} cannot be read: {error.message}"
                )
        return suites

    async def _bridges(self, pipeline: _Pipeline) -> Sequence[Bridge]:
        if pipeline.depth >= DEPTH:
            return ()
        return await self._rest.pages(_bridges, f"{pipeline.url}/bridges")

    async def _cases(
        self, pipeline: _Pipeline, head: _Head, expected: Sequence[SummarySuite], notes: list[str]
    ) -> tuple[Suite, ...]:
        reason = self._too_dear_reason(pipeline.id)
        if reason is None:
            try:
                report = await self._slow.read(REPORT, f"{pipeline.url}/test_report")
            except SourceError as error:
                if error.trouble not in _TOO_DEAR:
                    raise
                reason = error.message
                self._dear.put(pipeline.id, _Dear(reason, self._clock()))
            else:
                read = await in_thread(lambda: read_report(report, expected, pipeline.id, pipeline.where))
                self._details.put(pipeline.id, read.details)
                notes += read.notes
                return read.suites
        notes.append(f"only failed cases are listed: {reason}")
        return await self._failed_only(pipeline, head, expected)

    async def _failed_only(
        self, pipeline: _Pipeline, head: _Head, expected: Sequence[SummarySuite]
    ) -> tuple[Suite, ...]:
        suites = []
        for summary_suite in expected:
            suite = without_cases(summary_suite, pipeline.id, pipeline.where, "its cases could not be read")
            if summary_suite.counts.failed and head.iid and summary_suite.build_ids:
                cases = await self._suites.failed(
                    pipeline.path, head.iid, list(map(str, summary_suite.build_ids))
                )
                listed = f"only its failed cases are listed, {len(cases)} of {summary_suite.counts.total}"
                suite = msgspec.structs.replace(suite, cases=cases, problem=listed)
            suites.append(suite)
        return tuple(suites)


def _top(address: Address) -> _Pipeline:
    return _Pipeline(address.path, run_number(address, "ID"))


def _gone(wire: Limiter, key: CaseKey, pipeline: _Pipeline) -> SourceError:
    return SourceError(
        Trouble.NOT_FOUND,
        f"{wire.name}: {key.name} is not in the report ({pipeline.url}/test_report); it may have expired",
    )
