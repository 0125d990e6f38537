"""Acting on GitLab: what can be done, what it would do, and what became of it (contracts: gitlab §4).

``look`` reads, ``playing``, ``rerunning``, ``rolling`` and ``starting`` plan and recognise, ``sending`` alone writes.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tui.config import GitLabSettings
from tui.domain.action import Kind, Observation, Offer, Plan, Reply, Stance, Step, Wish
from tui.domain.address import Address
from tui.sources.gitlab.check import NOT_TOLD
from tui.sources.gitlab.environments import EnvironmentReader
from tui.sources.gitlab.graphql import Fallback, GraphQL
from tui.sources.gitlab.look import Look
from tui.sources.gitlab.payload import Token, User
from tui.sources.gitlab.playing import observe_approval, observe_play, plan_gate
from tui.sources.gitlab.rerunning import (
    observe_cancel,
    observe_cancel_run,
    observe_retry,
    observe_retry_run,
    plan_cancel,
    plan_retry,
)
from tui.sources.gitlab.rest import Rest
from tui.sources.gitlab.rolling import plan_rollback
from tui.sources.gitlab.sending import Sender
from tui.sources.gitlab.starting import observe_start, observe_stop, plan_stop, plan_trigger
from tui.sources.wire import Wire
from tui.text import clean

_token = msgspec.json.Decoder(Token)
_user = msgspec.json.Decoder(User)

_PLANS: Mapping[Kind, Callable[[Wish, Look], Awaitable[Plan]]] = {
    Kind.APPROVE: plan_gate,
    Kind.REJECT: plan_gate,
    Kind.PROMOTE: plan_gate,
    Kind.ROLLBACK: plan_rollback,
    Kind.RETRY: plan_retry,
    Kind.CANCEL: plan_cancel,
    Kind.TRIGGER: plan_trigger,
    Kind.STOP_ENVIRONMENT: plan_stop,
}
_OBSERVERS: Mapping[str, Callable[[Mapping[str, str], Reply | None, Look], Awaitable[Observation]]] = {
    "play": observe_play,
    "approve": observe_approval,
    "reject": observe_approval,
    "retry": observe_retry,
    "retry run": observe_retry_run,
    "cancel": observe_cancel,
    "cancel run": observe_cancel_run,
    "create": observe_start,
    "trigger": observe_start,
    "stop": observe_stop,
}


class Acting:
    """A :class:`tui.sources.base.ActingSource`."""

    def __init__(
        self,
        name: str,
        settings: GitLabSettings,
        wire: Wire,
        rest: Rest,
        graphql: GraphQL,
        fallback: Fallback,
        environments: EnvironmentReader,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._settings = settings
        self._rest = rest
        self._sender = Sender(wire, settings)
        self._stance: Stance | None = None
        self._me = ""
        self._graphql = graphql
        self._fallback = fallback
        self._environments = environments
        self._clock = clock

    def _look(self) -> Look:
        return Look(
            self._name,
            self._settings,
            self._rest,
            self._graphql,
            self._fallback,
            self._environments,
            self._clock,
            self._who,
        )

    @property
    def read_only(self) -> bool | None:
        """As far as the server has been asked."""
        return self._stance.read_only if self._stance is not None else None

    async def stance(self) -> Stance:
        if self._stance is None:
            self._stance = await self._read_stance()
        return self._stance

    async def _read_stance(self) -> Stance:
        if self._settings.token is None:
            return Stance(True, "no token is set")
        answer = await self._rest.ask("/personal_access_tokens/self")
        if answer.status in NOT_TOLD:
            return Stance(None, "the token does not tell its scopes")
        token = await self._rest.decode(_token, self._rest.check(answer))
        if "api" in token.scopes:
            return Stance(False)
        scopes = clean(", ".join(token.scopes)) or "none"
        return Stance(True, f"the token has the scopes {scopes}; acting needs api")

    async def _who(self) -> str:
        if not self._me:
            self._me = (await self._rest.read(_user, "/user")).username
        return self._me

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        look = self._look()
        offers = []
        gate = await self._may_be_gate(target, look)
        for kind, words in _menu(target):
            if kind in (Kind.APPROVE, Kind.REJECT) and not gate:
                continue
            wish = Wish(kind, target)
            if kind is Kind.TRIGGER and target.run is not None:
                ref = (await look.of(target)).pipeline.ref or ""
                branch = (("ref", ref),) if ref and not ref.startswith("refs/") else ()
                wish = Wish(kind, target.pipeline, branch)
            plan = await _PLANS[kind](wish, look)
            offers.append(Offer(wish, words, plan.possible, plan.why_not))
        return tuple(offers)

    async def _may_be_gate(self, target: Address, look: Look) -> bool:
        """Whether approving it makes sense at all: a job that is started by hand, or may be, as far as is told."""
        if target.job is None or target.gate is not None:
            return True
        seen = await look.of(target)
        job = seen.find(target)
        rights = await look.rights(seen, job) if job.status != "manual" else None
        return rights is None or rights.manual_job is not False

    async def plan(self, wish: Wish) -> Plan:
        look = self._look()
        if wish.kind not in _PLANS:
            return look.cannot(wish, f"{wish.kind} {wish.target}", f"GitLab has nothing like {wish.kind}")
        if wish.kind in (Kind.RETRY, Kind.CANCEL) and wish.target.run is None:
            return look.cannot(wish, f"{wish.kind} {wish.target}", "it names no run and no job")
        if wish.kind is Kind.STOP_ENVIRONMENT and wish.target.environment is None:
            return look.cannot(wish, f"{wish.kind} {wish.target}", "it names no environment")
        return await _PLANS[wish.kind](wish, look)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._sender.send(step, secrets)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        expect = dict(step.expect)
        return await _OBSERVERS[expect["do"]](expect, reply, self._look())


def _menu(target: Address) -> tuple[tuple[Kind, str], ...]:
    """What there is for a target, the likeliest first."""
    if target.environment is not None:
        return (
            (Kind.PROMOTE, f"Promote what waits before {target.environment}"),
            (Kind.ROLLBACK, f"Roll back {target.environment}"),
            (Kind.STOP_ENVIRONMENT, f"Stop {target.environment}"),
        )
    if target.run is None:
        return ((Kind.TRIGGER, "Start a run"),)
    if target.job is None:
        return (
            (Kind.APPROVE, "Start the job that waits"),
            (Kind.RETRY, "Run again what failed"),
            (Kind.CANCEL, "Cancel the run"),
            (Kind.TRIGGER, "Start a new run"),
        )
    gate = ((Kind.APPROVE, f"Start '{target.job}'"), (Kind.REJECT, f"Reject '{target.job}'"))
    if target.gate is not None:
        return (*gate, (Kind.CANCEL, f"Cancel '{target.job}'"))
    return (*gate, (Kind.RETRY, f"Run '{target.job}' again"), (Kind.CANCEL, f"Cancel '{target.job}'"))
