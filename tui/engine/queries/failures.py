"""The query for the failed tests of a run."""

from functools import partial
from typing import ClassVar

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.engine.queries.base import NEVER, Context, Query
from tui.engine.queries.pipelines import PipelinesOf, read_run
from tui.engine.queries.tests import TESTS_LIVE, TestsOf
from tui.insight.failures import Failures, failures
from tui.insight.tests import EarlierRun, comparable
from tui.sources.base import PipelineSource
from tui.threads import in_thread


class FailuresOf(Query[Failures], frozen=True):
    """The failed tests of a run, new ones first. Its report is read as :class:`TestsOf`; earlier ones that tell what
    is new are used where they were read before, and not asked for."""

    kept: ClassVar[int | None] = 100

    address: Address

    def source(self, settings: Settings) -> str:
        return self.address.source

    async def fetch(self, context: Context) -> Failures:
        source = await context.sources.get(self.address.source, PipelineSource)
        run = await read_run(
            context, self.address
        )  # first, for it tells what else has to be read for a report
        report = context.store.get(TestsOf(self.address)).value
        if report is None or not report.final:
            report = await context.read(TestsOf(self.address))
        earlier: list[EarlierRun] = []
        for other in comparable(run, self._listed(context)):
            tests = context.store.get(TestsOf(other.address)).value or await context.reports.known(
                source, other
            )
            if tests is not None:
                earlier.append(EarlierRun(other, tests))
        return await in_thread(partial(failures, report, run, tuple(earlier)))

    def wait(self, answer: Failures) -> float:
        return NEVER if answer.final else TESTS_LIVE

    def _listed(self, context: Context) -> tuple[Run, ...]:
        """The runs of the row that lists it."""
        listing = context.store.get(PipelinesOf(self.address.source)).value
        for pipeline in listing.pipelines if listing is not None else ():
            if any(run.address == self.address for run in pipeline.runs):
                return pipeline.runs
        return ()
