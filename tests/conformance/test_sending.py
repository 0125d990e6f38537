"""A write is sent once, whatever the server and the line do, and what is said of it is what became of it."""

from collections.abc import Sequence

import pytest

from tests.conformance.conftest import At
from tests.conformance.vendors import Terminal
from tests.patience import given_up
from tui.config import load
from tui.domain.action import ActionKind, ActionRequest, Step
from tui.engine.runtime import Runtime
from tui.sandbox.faults import Kind
from tui.sources.base import ActingSource, PipelineSource

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
def test_a_gate_is_answered_once_and_read_back(
    ci: Terminal, fault: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_once(ci, ("approve", ci.gate, *SURE), ci.vendor.go, fault, FAULTS[fault], monkeypatch)


@pytest.mark.parametrize("fault", ["unanswered", "unheard", "500"])
def test_a_run_is_repeated_once_and_read_back(
    ci: Terminal, fault: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = (*FAULTS[fault], 1) if fault == "unanswered" else FAULTS[fault]  # it may fail once more
    sent_once(ci, ("retry", ci.trained, "--yes"), ci.vendor.retry, fault, codes, monkeypatch)


def sent_once(
    ci: Terminal,
    command: Sequence[str],
    path: str,
    fault: Kind,
    codes: Sequence[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if 0 not in codes:  # nothing will ever be seen of it
        monkeypatch.setattr("tui.engine.actions.executor.PATIENCE", 0.2)
        monkeypatch.setattr("tui.engine.actions.executor.SOON", 0.1)
    ci.faults.set(fault, path=path)
    code, out, errors = ci(*command)
    ci.faults.set(None)
    assert len(ci.writes) == 1, out + errors
    assert path in ci.writes[0]
    assert code in codes, out + errors
    (record,) = ci.document("journal")[1]["actions"]
    assert len(record["requests"]) == 1


class Session:
    """The program at the CI, from a start to its end."""

    def __init__(self, ci: Terminal) -> None:
        self._name = ci.vendor.name
        self._runtime = Runtime(load(ci.file))

    async def __aenter__(self) -> ActingSource:
        return await self._runtime.sources.get(self._name, ActingSource)

    async def __aexit__(self, *error: object) -> None:
        await self._runtime.close()

    async def step(self) -> Step:
        """What lets the canary's gate go on."""
        listing = await (await self._runtime.sources.get(self._name, PipelineSource)).pipelines()
        (gate,) = [gate for pipeline in listing.pipelines for run in pipeline.runs for gate in run.gates]
        source = await self._runtime.sources.get(self._name, ActingSource)
        (step,) = (await source.plan(ActionRequest(ActionKind.APPROVE, gate.address))).steps
        return step


async def test_a_server_that_never_answers_gets_it_once(at: At) -> None:
    ci = at()
    async with (session := Session(ci)) as source:
        step = await session.step()
        ci.faults.set("hang", path=ci.vendor.go)
        reply = await given_up(source.send(step, {}), lambda: ci.writes)
        ci.faults.set(None)
        assert reply.state == "lost"
        assert (await source.observe(step, reply)).state == "nothing"
    assert len(ci.writes) == 1


async def test_a_lost_answer_is_read_back_also_after_a_restart(at: At) -> None:
    ci = at()
    async with (session := Session(ci)) as source:
        step = await session.step()
        ci.faults.set("unanswered", path=ci.vendor.go)
        reply = await source.send(step, {})
        ci.faults.set(None)
        assert reply.state == "lost"
        assert (await source.observe(step, reply)).state in ("happening", "done")
    async with Session(ci) as source:
        assert (await source.observe(step, None)).state in ("happening", "done")
    assert len(ci.writes) == 1
