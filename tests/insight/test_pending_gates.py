"""What waits for a person, in the order in which it should be looked at."""

import pytest

from tests.examples import NOW, address, gate, pipeline, run
from tui.domain.deployment import Deployment, Environment, Environments
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


def place(*deployments: Deployment) -> Environments:
    return Environments((Environment(address("g:a@live"), deployments),))


def put(run: str, status: Status = Status.PASSED, canary: bool = False) -> Deployment:
    return Deployment(run, status, run.partition("#")[2].partition("/")[0], run=address(run), canary=canary)


WAITING = put("g:a#4/promote", Status.WAITING)


@pytest.mark.parametrize(
    ("places", "overtaken"),
    [
        (place(WAITING, put("g:a#5/promote~77")), "5 was put into live since"),
        (place(put("g:a#6/promote", Status.WAITING), put("g:a#5/promote")), "5 was put into live since"),
        (place(WAITING, put("g:a#3/promote")), ""),
        (place(WAITING, put("g:a#5/promote", Status.FAILED)), ""),
        (place(WAITING, put("g:a#5/canary", canary=True)), ""),
        (place(WAITING, put("g:b#5/promote")), ""),
        (place(put("g:a#5/other")), ""),
        (Environments(), ""),
    ],
)
def test_what_a_newer_deployment_has_overtaken_needs_nobody(places: Environments, overtaken: str) -> None:
    waits = run("g:a#4", Status.WAITING, gates=(gate("g:a#4/promote!play", "promote"),))
    (found,) = pending_gates([Listing((pipeline("g:a", waits),))], [places])
    assert (found.overtaken, found.needs_person) == (overtaken, not overtaken)


def test_a_gate_of_jenkins_is_overtaken_in_its_own_environment_only() -> None:
    waits = run("j:b#7", Status.WAITING, gates=(gate("j:b#7!Promote", "Promote?"),))
    here = Environment(address("j:b@live"), (put("j:b#7", Status.WAITING), put("j:b#8")))
    there = Environment(address("j:b@test"), (put("j:b#8"),))
    listing = Listing((pipeline("j:b", waits),))
    assert pending_gates([listing], [Environments((here,))])[0].overtaken == "8 was put into live since"
    assert pending_gates([listing], [Environments((there,))])[0].needs_person


def test_of_what_blocks_nothing_only_a_canary_needs_a_person() -> None:
    back = gate("g:a#1/roll back!play", "roll back", blocking=False)
    promote = gate("g:a#1/promote!play", "promote", blocking=False)
    listing = Listing((pipeline("g:a", run("g:a#1", gates=(back, promote))),))
    found = pending_gates([listing], promotes=lambda each: each is promote)
    assert [(each.gate, each.needs_person) for each in found] == [(promote, True), (back, False)]
