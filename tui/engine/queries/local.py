"""What is watched but asked of no source: what this program keeps itself."""

from functools import partial

from tui.domain.action import Activity
from tui.domain.alarm import Alarms, Announcement
from tui.domain.journal import JournalError, Record
from tui.engine.queries.base import Context, Query
from tui.engine.source_pool import misconfigured
from tui.engine.store import Key
from tui.threads import in_thread

JOURNAL = 30.0
"""Seconds: what this program does is in it at once; others may write, too."""
MOST_RECORDS = 500
"""Actions of the journal that are shown."""


class ActivitiesNow(Key[tuple[Activity, ...]], frozen=True):
    """The actions under way or ended, newest first."""


class AlarmsNow(Key[Alarms], frozen=True):
    """All alarms; what the alarm monitor makes of answers."""


class AnnouncementsNow(Key[tuple[Announcement, ...]], frozen=True):
    """The newest that each policy has said."""


class JournalNow(Query[tuple[Record, ...]], frozen=True):
    """What was done from this machine, oldest first; of very much the newest. It is read from the disk."""

    async def fetch(self, context: Context) -> tuple[Record, ...]:
        try:
            return await in_thread(partial(context.journal.read, most=MOST_RECORDS))
        except JournalError as error:
            raise misconfigured(str(error)) from None

    def wait(self, answer: tuple[Record, ...]) -> float:
        return JOURNAL
