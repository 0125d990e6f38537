"""What a key means for a run."""

from pathlib import Path

import pytest

from tests.engine.acting_source import GATE, ActingSource, Desk
from tests.engine.world import listing_of, run_of
from tui.domain.action import ActionKind, ActionRequest, Offer
from tui.domain.address import Address, parse_address
from tui.domain.pipeline import Gate, Listing, Pipeline
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.actions.targets import aim
from tui.engine.queries import PipelinesOf

BACK = parse_address("ci:deploy#7!Back")


async def test_of_the_gates_of_a_run_those_that_it_waits_for_are_meant(tmp_path: Path, at_once: None) -> None:
    desk = Desk(Journal(tmp_path / "state"))
    gates = (Gate(BACK, "Roll back?", blocking=False), Gate(GATE, "Promote it?"))
    desk.source.listing = listing_of(run_of(GATE.of_run, Status.WAITING, gates=gates))
    await desk.runtime.poller.ask(PipelinesOf("ci"))
    assert (await aim(desk.runtime.actions, ActionKind.APPROVE, GATE.of_run)).targets == (GATE,)
    assert (await aim(desk.runtime.actions, ActionKind.APPROVE, BACK)).targets == (BACK,)
    await desk.runtime.close()


MAIN, RELEASE = parse_address("ci:fraud#9"), parse_address("ci:fraud#8")


class Starting(ActingSource):
    """It starts pipelines; of a run that is not listed it knows the ref itself."""

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        ref = (("ref", "old"),) if target.run is not None else ()
        return (Offer(ActionRequest(ActionKind.TRIGGER, target.pipeline, ref), "Start a run"),)


@pytest.mark.parametrize(
    ("target", "row", "ref"),
    [
        (MAIN, None, "main"),
        (RELEASE, None, "release/2026.11"),
        (RELEASE, "main", "release/2026.11"),
        (RELEASE.pipeline, "idle", "idle"),
        (RELEASE.at_run(3), None, "old"),
        (parse_address("ci:other"), None, ""),
        (parse_address("ci:deploy#7"), "", ""),
    ],
)
async def test_the_ref_of_a_row_is_what_is_started(
    target: Address, row: str | None, ref: str, tmp_path: Path, at_once: None
) -> None:
    desk = Desk(Journal(tmp_path / "state"))
    desk.source.__class__ = Starting
    fraud = (
        Pipeline(MAIN.pipeline, ref="main", runs=(run_of(MAIN, Status.PASSED),)),
        Pipeline(MAIN.pipeline, ref="release/2026.11", runs=(run_of(RELEASE, Status.PASSED),)),
        Pipeline(MAIN.pipeline, ref="idle"),
    )
    deploy = listing_of(run_of(parse_address("ci:deploy#7"), Status.PASSED)).pipelines
    desk.source.listing = Listing((*fraud, *deploy))
    await desk.runtime.poller.ask(PipelinesOf("ci"))
    (offer,) = (await aim(desk.runtime.actions, ActionKind.TRIGGER, target, row)).possible
    assert offer.request == ActionRequest(ActionKind.TRIGGER, target.pipeline, (("ref", ref),) if ref else ())
    nobody_said = await aim(desk.runtime.actions, ActionKind.TRIGGER, MAIN.pipeline)
    assert (nobody_said.possible, nobody_said.problem) == (
        (),
        "it has a row for each of 3 refs: start it there",
    )
    await desk.runtime.close()
