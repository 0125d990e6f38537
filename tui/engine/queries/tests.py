"""Queries for the tests of a run."""

from typing import ClassVar

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.engine.queries.base import NEVER, Context, Query
from tui.engine.queries.pipelines import known_run
from tui.sources.base import PipelineSource

TESTS_LIVE = 60.0
"""A report is dear, and what a listing tells of it is noticed sooner. GitLab makes a new one every two minutes."""


class TestsOf(Query[TestReport], frozen=True):
    """The tests of one run."""

    __test__ = False
    kept: ClassVar[int | None] = 6
    """The largest have megabytes."""

    address: Address

    def source(self, settings: Settings) -> str:
        return self.address.source

    async def fetch(self, context: Context) -> TestReport:
        source = await context.sources.get(self.address.source, PipelineSource)
        return await context.reports.tests(source, await known_run(context, self.address, source))

    def wait(self, answer: TestReport) -> float:
        return NEVER if answer.final else TESTS_LIVE


class CaseOf(Query[CaseDetails], frozen=True):
    """What one case of a run's tests said."""

    address: Address
    key: CaseKey

    def source(self, settings: Settings) -> str:
        return self.address.source

    async def fetch(self, context: Context) -> CaseDetails:
        source = await context.sources.get(self.address.source, PipelineSource)
        return await context.reports.case(source, await known_run(context, self.address, source), self.key)

    def wait(self, answer: CaseDetails) -> float:
        return NEVER if answer.final else TESTS_LIVE
