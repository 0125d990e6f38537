"""The query for how long the stages of a run usually take, which asks no server."""

from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.engine.queries.base import STANDING, Context, Query
from tui.engine.queries.pipelines import PipelinesOf, RunAt
from tui.insight.usual import Usual, usual_times
from tui.sources.base import PipelineSource

MOST = 10
"""Earlier runs that are looked at."""


class UsualOf(Query[Usual], frozen=True):
    """How long the stages took in earlier runs of the same pipeline and ref: those that were read with their stages,
    now or by an earlier start of the program."""

    run: Address

    async def fetch(self, context: Context) -> Usual:
        found: list[Run] = []
        for listed in self._earlier(context):
            run = context.store.get(RunAt(listed.address)).value
            if run is None:
                source = await context.sources.get(self.run.source, PipelineSource)
                run = await context.runs.run(source, listed)
            if run is not None:
                found.append(run)
        return usual_times(found)

    def wait(self, answer: Usual) -> float:
        return STANDING

    def _earlier(self, context: Context) -> list[Run]:
        listing = context.store.get(PipelinesOf(self.run.source)).value
        for pipeline in listing.pipelines if listing is not None else ():
            addresses = [run.address for run in pipeline.runs]
            if self.run in addresses:
                return list(pipeline.runs[addresses.index(self.run) + 1 :][:MOST])
        return []
