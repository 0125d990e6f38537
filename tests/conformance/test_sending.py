"""A write is sent once, whatever the server and the line do, and what is said of it is what became of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.conformance.conftest import At
from tests.conformance.vendors import Terminal
from tests.patience import given_up
from tui.config import load
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import parse_address
from tui.sandbox.faults import Kind
from tui.sources import registry
from tui.sources.base import ActingSource

SURE = ("--yes", "--confirm", "production")
FAULTS: dict[Kind, tuple[int, ...]] = {
    "unanswered": (0,),
    "cut": (0,),
    "truncated": (0,),
    "unheard": (5,),
    "html": (5,),
    "500": (4, 5),
    "503": (4, 5),
    "401": (4,),
    "403": (4,),
    "429": (4,),
}
"""With the exit codes that are true then. 0: it was done; 4: refused; 5: what became of it is not known. Whether an
error of the server's own is a refusal is a matter of the CI."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_is_sent_once_and_read_back(
    ci: Terminal, fault: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = ci.gate
    if 0 not in FAULTS[fault]:  # nothing will ever be seen of it
        monkeypatch.setattr("tui.engine.actions.executor.PATIENCE", 0.2)
        monkeypatch.setattr("tui.engine.actions.executor.SOON", 0.1)
    ci.faults.set(fault, path=ci.vendor.go)
    code, out, errors = ci("approve", gate, *SURE)
    ci.faults.set(None)
    assert len(ci.writes) == 1, out + errors
    assert code in FAULTS[fault], out + errors
    (record,) = ci.document("journal")[1]["actions"]
    assert len(record["requests"]) == 1


Acting = Callable[[], ActingSource]


@asynccontextmanager
async def sources_of(ci: Terminal) -> AsyncIterator[Acting]:
    """Makes sources of the CI: the first, and as after a restart of the program."""
    made: list[ActingSource] = []

    def make() -> ActingSource:
        settings = load(ci.file).sources[ci.vendor.name]
        source = registry.build(ci.vendor.name, settings)
        made.append(source)  # type: ignore[arg-type]
        return made[-1]

    yield make
    for source in made:
        await source.close()


async def test_a_server_that_never_answers_gets_it_once(at: At) -> None:
    ci = at()
    async with sources_of(ci) as another:
        source = another()
        gate = await gate_of(source)
        plan = await source.plan(ActionRequest(ActionKind.APPROVE, parse_address(gate)))
        (step,) = plan.steps
        ci.faults.set("hang", path=ci.vendor.go)
        reply = await given_up(source.send(step, {}), lambda: ci.writes)
        ci.faults.set(None)
        assert reply.state == "lost"
        assert (await source.observe(step, reply)).state == "nothing"
        assert len(ci.writes) == 1


async def test_a_lost_answer_is_read_back_also_after_a_restart(at: At) -> None:
    ci = at()
    async with sources_of(ci) as another:
        source = another()
        gate = await gate_of(source)
        (step,) = (await source.plan(ActionRequest(ActionKind.APPROVE, parse_address(gate)))).steps
        ci.faults.set("unanswered", path=ci.vendor.go)
        reply = await source.send(step, {})
        ci.faults.set(None)
        assert reply.state == "lost"
        for known in (reply, None):
            assert (await another().observe(step, known)).state in ("happening", "done")
        assert len(ci.writes) == 1


async def gate_of(source: ActingSource) -> str:
    listing = await source.pipelines()  # type: ignore[attr-defined]
    (gate,) = [
        str(gate.address) for pipeline in listing.pipelines for run in pipeline.runs for gate in run.gates
    ]
    return gate
