"""What programs that live no more have begun and not ended: it is read back, and noted how it ended (rule 10)."""

from collections.abc import Collection
from functools import partial

from tui.config import Settings
from tui.domain.action import Activity
from tui.domain.address import Address
from tui.domain.journal import Record
from tui.engine.actions.activities import ActivityRegister
from tui.engine.actions.executor import ActionExecutor, StepUpdate
from tui.engine.actions.journal import Journal, JournalError
from tui.engine.source_pool import SourcePool
from tui.sources.base import ActingSource, SourceError
from tui.threads import in_thread


class Recovery:
    """Settles what the journal has open. Sends nothing."""

    def __init__(
        self,
        settings: Settings,
        sources: SourcePool,
        journal: Journal,
        executor: ActionExecutor,
        activities: ActivityRegister,
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._journal = journal
        self._executor = executor
        self._activities = activities

    async def settle(self, pipelines: Collection[Address] | None) -> None:
        """Read back what is open. Does not raise.

        Args:
            pipelines: only what was done there; None: all of it.
        """
        try:
            unsettled = await in_thread(self._journal.unsettled)
        except JournalError:
            return  # nothing is sent either, and that is told
        for record in unsettled:
            if pipelines is not None and (
                record.plan is None or record.plan.request.target.pipeline not in pipelines
            ):
                continue
            if record.first.who.instance != self._journal.who.instance:
                with self._journal.taken_over(record.first.who.instance) as free:
                    if free:
                        # Another may have settled it since.
                        still_open = await in_thread(self._journal.unsettled)
                        for reread in (open_ for open_ in still_open if open_.id == record.id):
                            await self._settle(reread)

    async def _settle(self, record: Record) -> None:
        first, plan, sent = record.first, record.plan, record.sent
        if plan is None:
            return
        if sent is None or sent.request is None:
            await self._executor.end(
                record.id, plan, StepUpdate("refused", "it was cut off before anything was sent")
            )
            return
        settings = self._settings.sources.get(first.source)
        if settings is None or (first.server and settings.base_url != first.server.rstrip("/")):
            return  # somebody else's config knows that server
        reply = record.reply
        if reply is not None and reply.state in ("refused", "unsent"):
            await self._executor.end(record.id, plan, StepUpdate("refused", reply.words))
            return
        try:
            source = await self._sources.get(first.source, ActingSource)
        except SourceError:
            return
        self._activities.put(
            Activity(record.id, plan, "sending", "cut off; reading back", first.at, sent.step)
        )
        tell = partial(self._activities.update, record.id)
        update = await self._executor.look(record.id, plan, sent.step, source, reply, tell)
        if update.state == "done" and sent.step + 1 < len(plan.steps):
            rest = plan.steps[sent.step + 1].words
            update = StepUpdate("failed", f"{update.words}; cut off before: {rest}", sent.step, update.result)
        tell(await self._executor.end(record.id, plan, update))
