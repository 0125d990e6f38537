"""Whatever happens between a key and its effect: sent at most once, journalled before, never called better than it is.

A server holds the truth of each target: whether it was pressed and what came of it. Requests are lost before or after
the effect, programs are cut off and started anew, others look at the journal meanwhile.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import pytest
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.acting_source import YES, ActingSource, AtOnce, Desk, settings
from tests.engine.world import Time
from tests.engine.world import settle as turn
from tui import threads
from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Reply, Step
from tui.domain.address import Address, parse_address
from tui.domain.health import Trouble
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused, PreparedAction
from tui.sources.base import SourceError

TARGETS = [parse_address(f"ci:deploy#{number}!Go") for number in (1, 2)]
Way = Literal[
    "yes",
    "no",
    "unsent",
    "lost before",
    "lost after",
    "error before",
    "error after",
    "raises",
    "yes but nothing",
    "hangs",
]
GATES = st.sampled_from(TARGETS)
WAYS = st.sampled_from(get_args(Way))
SECONDS = st.sampled_from([0.0, 1.0, 5.0, 100.0])


class Truth:
    """What the server knows, and how it answers next."""

    def __init__(self) -> None:
        self.way: Way = "yes"
        self.requests: list[str] = []
        """The id of each plan whose request reached the server or may have."""
        self.unnoted: list[str] = []
        """Those among them that were not in the journal then."""
        self.effects: dict[str, str] = {}
        """By plan: running, done or failed."""
        self.away = False


class Server(ActingSource):
    def __init__(self, time: Time, truth: Truth, journal: Journal) -> None:
        super().__init__("ci", time)
        self.truth = truth
        self.journal = journal
        self.plans = 0

    async def plan(self, request: ActionRequest) -> Plan:
        self.steps = (Step("press", "POST", f"/{request.target.run}", expect=(("plan", request.reason),)),)
        return await super().plan(request)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        (_, key) = step.expect[0]
        assert self.journal is not None
        noted = [each for each in self.journal.read() if each.sent and each.sent.request == step]
        self.truth.requests.append(key)
        if [each.entries[-1].event for each in noted] != ["sending"]:
            self.truth.unnoted.append(key)  # an error here would be taken for the server's
        way = self.truth.way
        if way in ("yes", "lost after", "error after", "raises", "hangs"):
            self.truth.effects[key] = "running"
        if way == "hangs":
            await asyncio.Event().wait()
        if way == "raises":
            raise RuntimeError("unforeseen")
        states: dict[Way, Literal["accepted", "refused", "unsent"]] = {
            "yes": "accepted",
            "yes but nothing": "accepted",
            "no": "refused",
            "unsent": "unsent",
        }
        return Reply(states.get(way, "lost"), way, over=way.startswith("error"))

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        if self.truth.away:
            raise SourceError(Trouble.UNREACHABLE, "away")
        effect = self.truth.effects.get(step.expect[0][1])
        states: dict[str | None, Literal["nothing", "happening", "done", "failed"]] = {
            None: "nothing",
            "running": "happening",
            "done": "done",
            "failed": "failed",
        }
        return Observation(states[effect])


class Acting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.time = Time()
        self.truth = Truth()
        self.prepared: list[PreparedAction] = []
        self.number = 0

    @initialize()
    def open(self) -> None:
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        self.desk = Desk(Journal(self.folder), settings(), self.time)
        server = Server(self.time, self.truth, self.desk.journal)
        self.desk.source = server
        self.desk.runtime.sources._sources["ci"] = server
        self.settling = asyncio.create_task(self.desk.actions.settle())
        await self._turn()

    async def _turn(self, seconds: float = 0.0) -> None:
        for _ in range(5):
            await turn()
        await self.time.advance(seconds)

    @rule(gate=GATES, way=WAYS, presses=st.sampled_from([1, 1, 2]), seconds=SECONDS)
    def act(self, gate: Address, way: Way, presses: int, seconds: float) -> None:
        """Somebody plans and says yes, perhaps twice."""
        self.number += 1
        self.truth.way = way
        request = ActionRequest(ActionKind.APPROVE, gate, reason=str(self.number))

        async def acted() -> None:
            self.prepared.append(await self.desk.actions.plan(request))
            await self._press(self.prepared[-1], presses, seconds)

        self.loop.run_until_complete(acted())

    @precondition(lambda self: self.prepared)
    @rule(data=st.data(), way=WAYS)
    def say_yes_to_an_old_plan(self, data: st.DataObject, way: Way) -> None:
        self.truth.way = way
        prepared = data.draw(st.sampled_from(self.prepared))
        self.loop.run_until_complete(self._press(prepared, 1, 0.0))

    async def _press(self, prepared: PreparedAction, presses: int, seconds: float) -> None:
        for _ in range(presses):
            try:
                self.desk.actions.start(prepared, {}, YES)
            except ActionRefused:
                pass
        await self._turn(seconds)

    @rule(away=st.booleans())
    def reachable(self, away: bool) -> None:
        self.truth.away = away

    @rule(end=st.sampled_from(["done", "failed"]))
    def things_end(self, end: str) -> None:
        for key, state in self.truth.effects.items():
            if state == "running":
                self.truth.effects[key] = end

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(self._turn(seconds))

    @rule()
    def restart(self) -> None:
        """The program is cut off, and another one starts; plans on the screen are gone with it."""

        async def again() -> None:
            self.settling.cancel()
            await asyncio.gather(self.settling, return_exceptions=True)
            await self.desk.runtime.close()
            self.prepared.clear()
            await self._open()

        self.loop.run_until_complete(again())

    @rule()
    def another_looks(self) -> None:
        """A second program starts beside this one: what lives is not its to settle."""

        async def look() -> None:
            live = {each.id for each in self.desk.actions.activities if not each.ended}
            other = Desk(Journal(self.folder), settings(), self.time)
            other.runtime.sources._sources["ci"] = Server(self.time, self.truth, other.journal)
            task = asyncio.create_task(other.actions.settle())
            await self._turn()
            assert not live & {each.id for each in other.actions.activities}
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await other.runtime.close()

        self.loop.run_until_complete(look())

    @invariant()
    def sent_at_most_once_and_journalled_before(self) -> None:
        assert len(self.truth.requests) == len(set(self.truth.requests))
        assert self.truth.unnoted == []

    @invariant()
    def never_better_than_the_truth(self) -> None:
        if not hasattr(self, "desk"):
            return
        for record in self.desk.journal.read():
            outcome = record.outcome
            if outcome is None or record.plan is None:
                continue
            assert sum(each.event == "settled" for each in record.entries) == 1
            effect = self.truth.effects.get(record.plan.request.reason)
            if outcome.state in ("done", "failed"):
                assert effect == outcome.state
            if outcome.state == "refused" and record.first is not outcome:
                assert effect is None  # but what was pressed twice is refused before it begins
        for each in self.desk.actions.activities:
            if each.state == "done":
                assert self.truth.effects[each.plan.request.reason] == "done"

    def teardown(self) -> None:
        async def end() -> None:
            if hasattr(self, "desk"):
                self.settling.cancel()
                await asyncio.gather(self.settling, return_exceptions=True)
                await self.desk.runtime.close()

        self.loop.run_until_complete(end())
        self.loop.close()
        shutil.rmtree(self.folder)


@pytest.fixture(autouse=True, scope="module")
def _at_once() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "_THREADS", AtOnce())
        yield None


Acting.TestCase.settings = limits(max_examples=80, stateful_step_count=30)
TestActing = Acting.TestCase
