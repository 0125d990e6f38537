"""What a program that ended left open."""

import asyncio
from pathlib import Path

from tests.engine.acting_source import Desk
from tui.domain.action import (
    Observation,
    Reply,
)
from tui.engine.actions.journal import Journal


async def test_what_was_cut_off_is_settled_at_the_next_start(journal: Journal, tmp_path: Path) -> None:
    desk = Desk(journal)
    desk.source.reply = Reply("accepted", found=(("queue", "5"),))
    desk.source.seen = [Observation("happening")]
    await desk.go()
    await desk.runtime.close()
    after = Desk(Journal(tmp_path / "state"), time=desk.time)
    settling = asyncio.create_task(after.actions.settle())
    await after.time.advance(60)
    await settling
    assert after.source.sent == []
    (record,) = journal.read()
    assert record.outcome is not None
    assert (record.outcome.state, record.outcome.words) == ("done", "it went on")
    assert after.source.looks[0][1] == Reply("accepted", found=(("queue", "5"),))


async def test_what_another_program_has_under_way_is_left_to_it(journal: Journal, tmp_path: Path) -> None:
    desk = Desk(journal)
    desk.source.seen = [Observation("happening")]
    await desk.go()
    other = Desk(Journal(tmp_path / "state"), time=desk.time)
    await other.actions.settle()
    assert other.source.looks == []
    assert desk.record().outcome is None
