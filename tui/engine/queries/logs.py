"""The query for the log of a job, a stage or a run."""

from functools import partial
from typing import ClassVar

from tui.config import Settings
from tui.domain.address import Address
from tui.engine.logs import LogState
from tui.engine.queries.base import NEVER, Context, Query
from tui.sources.base import PipelineSource


class LogOf(Query[LogState], frozen=True):
    """The log of a job, a stage, or a run; the text is with ``Poller.log``."""

    kept: ClassVar[int | None] = 3
    """Each takes space on disk."""

    address: Address
    tail: int = 0
    """Bytes at its end that will do at first, where the server can tell those; 0: from the beginning."""

    def source(self, settings: Settings) -> str:
        return self.address.source

    async def fetch(self, context: Context) -> LogState:
        source = await context.sources.get(self.address.source, PipelineSource)
        return await context.logs.ask(self, partial(source.log, self.address), self.tail)

    def wait(self, answer: LogState) -> float:
        return NEVER if answer.complete else answer.wait
