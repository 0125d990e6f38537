"""What a key means for a run."""

from pathlib import Path

from tests.engine.acting_source import GATE, Desk, at_once
from tests.engine.world import listing_of, run_of
from tui.domain.action import ActionKind
from tui.domain.address import parse_address
from tui.domain.pipeline import Gate
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.actions.targets import aim
from tui.engine.queries import PipelinesOf

__all__ = ["at_once"]

BACK = parse_address("ci:deploy#7!Back")


async def test_of_the_gates_of_a_run_those_that_it_waits_for_are_meant(tmp_path: Path, at_once: None) -> None:
    desk = Desk(Journal(tmp_path / "state"))
    gates = (Gate(BACK, "Roll back?", blocking=False), Gate(GATE, "Promote it?"))
    desk.source.listing = listing_of(run_of(GATE.of_run, Status.WAITING, gates=gates))
    await desk.runtime.poller.ask(PipelinesOf("ci"))
    assert (await aim(desk.runtime.actions, ActionKind.APPROVE, GATE.of_run)).targets == (GATE,)
    assert (await aim(desk.runtime.actions, ActionKind.APPROVE, BACK)).targets == (BACK,)
    await desk.runtime.close()
