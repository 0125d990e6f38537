"""A source in memory that can be asked to do something, and lies about it in every way that servers do."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import pytest

from tests.engine.deploying_source import DeployingSource
from tests.engine.world import JENKINS, START, Time, settle
from tui import threads
from tui.config import ModelSettings, SafetySettings, Settings
from tui.domain.action import (
    ActionField,
    ActionKind,
    ActionRequest,
    Activity,
    Observation,
    Offer,
    Plan,
    Reply,
    Step,
    WriteAccess,
)
from tui.domain.address import Address, parse_address
from tui.domain.journal import Record
from tui.engine.actions.journal import Journal
from tui.insight.confirmation import Confirmation
from tui.sources.base import SourceError

P = ParamSpec("P")
T = TypeVar("T")

GATE = parse_address("ci:deploy#7!Promote")
REQUEST = ActionRequest(ActionKind.APPROVE, GATE)
YES = Confirmation(yes=True)
STEP = Step("press the button on ci", "POST", "/press", (("choice", "a"),), "form", (("id", "7"),))


class ActingSource(DeployingSource):
    """It keeps what was sent, and what stood in the journal then."""

    def __init__(self, name: str, time: Time) -> None:
        super().__init__(name, time)
        self.steps: tuple[Step, ...] = (STEP,)
        self.possible = True
        self.fields: tuple[ActionField, ...] = ()
        self.environment = ""
        self.write_access_is = WriteAccess(False)
        self.tiers: dict[Address, str | SourceError] = {}
        self.reply: Reply | Exception = Reply("accepted", "yes")
        self.seen: list[Observation | SourceError] = [Observation("done", "it went on")]
        """What looking shows, one after the other; the last for ever."""
        self.requested: list[ActionRequest] = []
        self.sent: list[Step] = []
        self.secrets: list[Mapping[str, str]] = []
        self.noted: list[tuple[str, ...]] = []
        """The events in the journal at the time of each request."""
        self.looks: list[tuple[float, Reply | None]] = []
        self.journal: Journal | None = None

    async def write_access(self) -> WriteAccess:
        return self.write_access_is

    async def tier(self, environment: Address) -> str | None:
        tier = self.tiers.get(environment)
        if isinstance(tier, SourceError):
            raise tier
        return tier

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return (
            Offer(ActionRequest(ActionKind.APPROVE, target), "Approve"),
            Offer(ActionRequest(ActionKind.REJECT, target), "Reject"),
        )

    async def plan(self, request: ActionRequest) -> Plan:
        self.requested.append(request)
        await self._serve(f"plan {request.kind} {request.target}")
        return Plan(
            request,
            f"{request.kind} {request.target}",
            JENKINS.url,
            self._time.now,
            self.possible,
            "" if self.possible else "somebody was first",
            fields=self.fields,
            steps=self.steps,
            environment=self.environment,
        )

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        self.sent.append(step)
        self.secrets.append(secrets)
        if self.journal is not None:
            records = self.journal.read()
            self.noted.append(tuple(entry.event for entry in records[-1].entries) if records else ())
        await self._serve(f"send {step.path}")
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        self.looks.append((self._time.now - START, reply))
        await self._serve(f"observe {step.path}")
        seen = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if isinstance(seen, SourceError):
            raise seen
        return seen


def settings(safety: SafetySettings | None = None, **models: ModelSettings) -> Settings:
    return Settings(sources={"ci": JENKINS}, models=models, safety=safety or SafetySettings())


class AtOnce(ThreadPoolExecutor):
    """Runs what belongs into a thread where it is, so that driven time need not wait for it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_THREADS", AtOnce())


class Desk:
    """An engine with such a source, and a journal."""

    def __init__(self, journal: Journal, its: Settings | None = None, time: Time | None = None) -> None:
        self.time = time or Time()
        self.source = ActingSource("ci", self.time)
        self.source.journal = journal
        self.journal = journal
        self.runtime = self.time.runtime(its or settings(), {"ci": self.source}, journal=journal)
        self.actions = self.runtime.actions

    async def go(
        self, request: ActionRequest = REQUEST, given: Confirmation = YES, seconds: float = 0.0
    ) -> Activity:
        """Plan, say yes, start, and let time pass; how it stands then."""
        activity = self.actions.start(await self.actions.plan(request), {}, given)
        for _ in range(5):  # a note takes some turns of the loop
            await settle()
        await self.time.advance(seconds)
        return next(each for each in self.actions.activities if each.id == activity.id)

    def record(self) -> Record:
        return self.journal.read()[-1]


def events(record: Record) -> list[str]:
    return [entry.event for entry in record.entries]
