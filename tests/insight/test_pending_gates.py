"""What waits for a person, in the order in which it should be looked at."""

from tests.examples import NOW, gate, pipeline, run
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.insight.pending_gates import pending_gates


def test_what_a_run_waits_at_comes_first_and_each_kind_the_oldest_first() -> None:
    optional = gate("g:a#1/roll back!play", "roll back", since=NOW - 9000, blocking=False)
    young = gate("g:a#1/promote!play", "promote", since=NOW - 60)
    untold = gate("j:b#7!Promote", "Promote?", since=None)  # its run began ten minutes ago
    listings = (
        Listing((pipeline("g:a", run("g:a#1", Status.WAITING, gates=(optional, young))),)),
        Listing((pipeline("j:b", run("j:b#7", Status.WAITING, gates=(untold,))),)),
    )
    found = pending_gates(listings)
    assert [each.gate for each in found] == [untold, young, optional]
    assert [each.since for each in found] == [NOW - 600, NOW - 60, NOW - 9000]
