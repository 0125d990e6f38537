"""Acting on GitLab: what can be done, what it would do, and what became of it (contracts: gitlab §4).

Two tables hold it together: how a kind of action is planned, and how a kind of request is sent and recognised.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec

from tui.domain.action import ActionKind, ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.sources.gitlab.actions.gates import observe_approval, observe_play, observe_rejection, plan_gate
from tui.sources.gitlab.actions.live_state import quoted
from tui.sources.gitlab.actions.live_state_reader import LiveStateReader
from tui.sources.gitlab.actions.retry_cancel import (
    observe_cancel,
    observe_cancel_run,
    observe_retry,
    observe_retry_run,
    plan_cancel,
    plan_retry,
)
from tui.sources.gitlab.actions.rollback import plan_rollback
from tui.sources.gitlab.actions.sender import Sender
from tui.sources.gitlab.actions.start import observe_start, observe_stop, plan_stop, plan_trigger
from tui.sources.gitlab.actions.steps import StepHandler, StepKind
from tui.sources.gitlab.check import NOT_TOLD
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.payload import Token, User
from tui.sources.gitlab.read.environments import EnvironmentReader
from tui.text.safe import clean

_token = msgspec.json.Decoder(Token)
_user = msgspec.json.Decoder(User)

_NO_APPROVALS = "it has no approvals: they need the Enterprise Edition"

_PLANS: Mapping[ActionKind, Callable[[ActionRequest, LiveStateReader], Awaitable[Plan]]] = {
    ActionKind.APPROVE: plan_gate,
    ActionKind.REJECT: plan_gate,
    ActionKind.PROMOTE: plan_gate,
    ActionKind.ROLLBACK: plan_rollback,
    ActionKind.RETRY: plan_retry,
    ActionKind.CANCEL: plan_cancel,
    ActionKind.TRIGGER: plan_trigger,
    ActionKind.STOP_ENVIRONMENT: plan_stop,
}
_STEPS: Mapping[StepKind, StepHandler] = {
    StepKind.PLAY: StepHandler(observe_play),
    StepKind.APPROVE: StepHandler(observe_approval, not_found=_NO_APPROVALS),
    StepKind.REJECT: StepHandler(observe_rejection, not_found=_NO_APPROVALS),
    StepKind.RETRY: StepHandler(observe_retry),
    StepKind.RETRY_RUN: StepHandler(observe_retry_run),
    StepKind.CANCEL: StepHandler(observe_cancel),
    StepKind.CANCEL_RUN: StepHandler(observe_cancel_run),
    StepKind.CREATE: StepHandler(observe_start),
    StepKind.TRIGGER: StepHandler(
        partial(observe_start, by_token=True),
        own_token=True,
        not_found="the trigger token is unknown, or belongs to another project",
    ),
    StepKind.STOP: StepHandler(observe_stop),
}


class GitLabActions:
    """A :class:`tui.sources.base.ActingSource`."""

    def __init__(self, context: GitLabContext, environments: EnvironmentReader) -> None:
        self._context = context
        self._rest = context.rest
        self._environments = environments
        self._sender = Sender(context.wire, context.settings)
        self._stance: WriteAccess | None = None
        self._me = ""

    def _look(self) -> LiveStateReader:
        return LiveStateReader(self._context, self._environments, self.account)

    @property
    def read_only(self) -> bool | None:
        """As far as the server has been asked."""
        return self._stance.read_only if self._stance is not None else None

    async def write_access(self) -> WriteAccess:
        if self._stance is None:
            self._stance = await self._read_stance()
        return self._stance

    async def _read_stance(self) -> WriteAccess:
        if self._context.settings.token is None:
            return WriteAccess(True, "no token is set")
        answer = await self._rest.ask("/personal_access_tokens/self")
        if answer.status in NOT_TOLD:
            return WriteAccess(None, "the token does not tell its scopes", by_trying=True)
        token = await self._rest.decode(_token, self._rest.check(answer))
        if "api" in token.scopes:
            return WriteAccess(False)
        scopes = clean(", ".join(token.scopes)) or "none"
        return WriteAccess(True, f"the token has the scopes {scopes}; acting needs api")

    async def account(self) -> str:
        if not self._me:
            self._me = (await self._rest.read(_user, "/user")).username
        return self._me

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        look = self._look()
        offers = []
        gate = await self._may_be_gate(target, look)
        for kind, words in _menu(target):
            if kind in (ActionKind.APPROVE, ActionKind.REJECT) and not gate:
                continue
            request = ActionRequest(kind, target)
            if kind is ActionKind.TRIGGER and target.run is not None:
                ref = (await look.of(target)).pipeline.ref or ""
                branch = (("ref", ref),) if ref and not ref.startswith("refs/") else ()
                request = ActionRequest(kind, target.pipeline, branch)
            plan = await _PLANS[kind](request, look)
            offers.append(Offer(request, words, plan.possible, plan.why_not))
        return tuple(offers)

    async def _may_be_gate(self, target: Address, look: LiveStateReader) -> bool:
        """Whether approving it makes sense at all: a job that is started by hand, or may be, as far as is told."""
        if target.job is None or target.gate is not None:
            return True
        seen = await look.of(target)
        job = seen.find(target)
        rights = await look.rights(seen, job) if job.status != "manual" else None
        return rights is None or rights.manual_job is not False

    async def plan(self, request: ActionRequest) -> Plan:
        look = self._look()
        if request.kind not in _PLANS:
            return look.cannot(
                request, f"{request.kind} {request.target}", f"GitLab has nothing like {request.kind}"
            )
        if request.kind in (ActionKind.RETRY, ActionKind.CANCEL) and request.target.run is None:
            return look.cannot(request, f"{request.kind} {request.target}", "it names no run and no job")
        if request.target.run is not None and request.target.number is None:
            return look.cannot(
                request, f"{request.kind} {request.target}", "it names no run by its id, a number"
            )
        if request.kind is ActionKind.STOP_ENVIRONMENT and request.target.environment is None:
            return look.cannot(request, f"{request.kind} {request.target}", "it names no environment")
        return await _PLANS[request.kind](request, look)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._sender.send(step, secrets, _STEPS[StepKind(step.kind)])

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        return await _STEPS[StepKind(step.kind)].observe(dict(step.expect), reply, self._look())


def _menu(target: Address) -> tuple[tuple[ActionKind, str], ...]:
    """What there is for a target, the likeliest first."""
    if target.environment is not None:
        return (
            (ActionKind.PROMOTE, f"Promote what waits before {clean(target.environment)}"),
            (ActionKind.ROLLBACK, f"Roll back {clean(target.environment)}"),
            (ActionKind.STOP_ENVIRONMENT, f"Stop {clean(target.environment)}"),
        )
    if target.run is None:
        return ((ActionKind.TRIGGER, "Start a run"),)
    if target.job is None:
        return (
            (ActionKind.APPROVE, "Start the job that waits"),
            (ActionKind.RETRY, "Run again what failed"),
            (ActionKind.CANCEL, "Cancel the run"),
            (ActionKind.TRIGGER, "Start a new run"),
        )
    job = quoted(target.job)
    gate = ((ActionKind.APPROVE, f"Start {job}"), (ActionKind.REJECT, f"Reject {job}"))
    if target.gate is not None:
        return (*gate, (ActionKind.CANCEL, f"Cancel {job}"))
    return (*gate, (ActionKind.RETRY, f"Run {job} again"), (ActionKind.CANCEL, f"Cancel {job}"))
