"""What waits for a person, everywhere."""

from collections.abc import Iterable

import msgspec

from tui.domain.pipeline import Gate, Listing, Pipeline, Run


class PendingGate(msgspec.Struct, frozen=True):
    """A gate, and what it is in."""

    gate: Gate
    run: Run
    pipeline: Pipeline

    @property
    def since(self) -> float | None:
        """Where nobody tells since when it waits, its run has waited no longer than it is there."""
        return self.gate.since or self.run.started_at or self.run.created_at


def pending_gates(listings: Iterable[Listing]) -> list[PendingGate]:
    """Every gate; those that a run waits at before those it does not, each the oldest first."""
    found = {
        gate.address: PendingGate(gate, run, pipeline)
        for listing in listings
        for pipeline in listing.pipelines
        for run in pipeline.runs
        for gate in run.gates
    }
    return sorted(
        found.values(),
        key=lambda each: (not each.gate.blocking, each.since or float("inf"), str(each.gate.address)),
    )
