"""The query for the lines of a run's log that tell most of it."""

from typing import ClassVar

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.log import Excerpt
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.engine.queries.base import NEVER, Context, Query
from tui.engine.queries.pipelines import listed_run, read_run
from tui.sources.base import PipelineSource
from tui.threads import in_thread

AGAIN = 30.0
"""Seconds after which the end of a log that goes on is read again; so long for each megabyte that is read for it."""
LATE = 120.0
"""Seconds after the end of a run in which its log may still be on its way."""
END = 1 << 16
"""Bytes in which the last lines are."""


class ExcerptOf(Query[Excerpt], frozen=True):
    """The first error of a run that failed, from the newest part of the log; of others the log's last lines.

    The log is of the first job that failed, else of one that runs. It takes one request where the source can read the
    end of a log, and none where an earlier start of the program has read it: for what has ended it is kept.
    """

    kept: ClassVar[int | None] = 100

    address: Address

    def source(self, settings: Settings) -> str:
        return self.address.source

    async def fetch(self, context: Context) -> Excerpt:
        from tui.logs.excerpt import last_lines, round_first_error  # not with the first frame
        from tui.logs.rules import errors
        from tui.sources.log_end import NEWEST, log_end

        source = await context.sources.get(self.address.source, PipelineSource)
        run = await read_run(context, self.address)
        patterns = context.settings.ui.error_patterns
        if (kept := await context.runs.excerpt(source, run, patterns)) is not None:
            return kept
        failed = run.status is Status.FAILED
        end = await log_end(source, run, NEWEST if failed else END)
        finder = errors(patterns)
        lines, error = await in_thread(
            lambda: round_first_error(end.text, finder, end.begin) if failed else (last_lines(end.text), None)
        )
        settled = run.status.finished and self._ended(context) and (lines or self._long_ago(context, run))
        excerpt = Excerpt(
            end.of,
            end.chosen,
            lines,
            error,
            before=end.skipped > 0,
            longer=end.longer,
            note=end.note or ("" if lines else "the log is empty"),
            again=None if settled else AGAIN * (1 + (end.came >> 20)),
        )
        if settled and lines:
            await context.runs.keep_excerpt(source, run, patterns, excerpt)
        return excerpt

    def wait(self, answer: Excerpt) -> float:
        return NEVER if answer.again is None else answer.again

    def _long_ago(self, context: Context, run: Run) -> bool:
        if run.started_at is None or run.duration is None:
            return True
        return context.sources.now(self.address.source) - run.started_at - run.duration > LATE

    def _ended(self, context: Context) -> bool:
        """The newest listing does not tell that it was retried since it was read."""
        listed = listed_run(context.store, self.address)
        return listed is None or listed.status.finished
