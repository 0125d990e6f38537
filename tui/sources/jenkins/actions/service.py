"""Acting on Jenkins: what can be done, what it would do, and what became of it (contracts: jenkins §7, §10).

Two tables hold it together: how a kind of action is planned, and how a kind of request is sent and recognised.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec

from tui.domain.action import ActionKind, ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.insight.derived_deployments import aim
from tui.sources.jenkins.actions.cancel import (
    LEVELS,
    item_words,
    milder,
    observe_cancel,
    observe_dequeue,
    plan_cancel,
)
from tui.sources.jenkins.actions.gates import observe_input, plan_input
from tui.sources.jenkins.actions.keep_describe import observe_describe, observe_keep, plan_describe, plan_keep
from tui.sources.jenkins.actions.live_state_reader import LiveStateReader, quoted
from tui.sources.jenkins.actions.retry import plan_retry
from tui.sources.jenkins.actions.sender import Sender
from tui.sources.jenkins.actions.start import observe_scan, observe_start, plan_trigger
from tui.sources.jenkins.actions.steps import StepHandler, StepKind
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.fields import text_of
from tui.sources.jenkins.payload import WHO_AM_I
from tui.text.safe import clean

_PLANS: Mapping[ActionKind, Callable[[ActionRequest, LiveStateReader], Awaitable[Plan]]] = {
    ActionKind.APPROVE: plan_input,
    ActionKind.PROMOTE: plan_input,
    ActionKind.REJECT: plan_input,
    ActionKind.RETRY: plan_retry,
    ActionKind.CANCEL: plan_cancel,
    ActionKind.TRIGGER: plan_trigger,
    ActionKind.KEEP: plan_keep,
    ActionKind.DESCRIBE: plan_describe,
}
_DEPLOYING = (ActionKind.APPROVE, ActionKind.PROMOTE, ActionKind.RETRY, ActionKind.TRIGGER)
"""What may change an environment, by the rules of the config."""
_VALUE = ", as for a value that a parameter cannot have"
_ANSWERED = frozenset({400, 404, 409})
"""So Jenkins refuses the answer to an input that was answered before (contracts: jenkins §7)."""
_STEPS: Mapping[StepKind, StepHandler] = {
    StepKind.APPROVE: StepHandler(observe_input, _ANSWERED, error=_VALUE),
    StepKind.REJECT: StepHandler(partial(observe_input, reject=True), _ANSWERED),
    StepKind.START: StepHandler(
        observe_start,
        error=f"{_VALUE}, or where there are no parameters any more",
        changed="its parameters are others now; look at it again",
    ),
    StepKind.SCAN: StepHandler(observe_scan),
    StepKind.REPLAY: StepHandler(observe_start),
    StepKind.RESTART: StepHandler(observe_start),
    StepKind.CANCEL: StepHandler(observe_cancel, slow=True),
    StepKind.DEQUEUE: StepHandler(
        observe_dequeue, frozenset({404, 422}), error=", as for what has left the queue"
    ),
    StepKind.KEEP: StepHandler(observe_keep),
    StepKind.DESCRIBE: StepHandler(observe_describe),
}


class JenkinsActions:
    """A :class:`tui.sources.base.ActingSource`."""

    def __init__(self, context: JenkinsContext, sent_name: Callable[[str], str]) -> None:
        self._context = context
        self._sent_name = sent_name
        self._rules = context.settings.deployments
        self._sender = Sender(context.wire, context.settings)
        self._me: str | None = None
        self._stops: dict[tuple[str, str], float] = {}

    def _look(self) -> LiveStateReader:
        return LiveStateReader(self._context, self._sent_name, self.account, self._stopped)

    async def account(self) -> str:
        if self._me is None:
            found = await self._context.client.get("/whoAmI/api/json", WHO_AM_I)
            self._me = "" if found.anonymous else found.name
        return self._me

    def _stopped(self, full_name: str, number: int, level: str) -> float | None:
        return self._stops.get((f"{full_name}#{number}", level))

    async def write_access(self) -> WriteAccess:
        return WriteAccess(
            None, "Jenkins does not tell what a user may do before it is tried", by_trying=True
        )

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        look = self._look()
        offers = []
        for request, words in await self._menu(target, look):
            if request.kind not in _PLANS:
                offers.append(Offer(request, words))
                continue
            plan = await _PLANS[request.kind](request, look)
            offers.append(Offer(request, words, plan.possible, plan.why_not))
        return tuple(offers)

    async def _menu(self, target: Address, look: LiveStateReader) -> list[tuple[ActionRequest, str]]:
        """What there is for a target, the likeliest first."""
        if target.environment is not None:
            # By the rules of the config: the engine makes a start with parameters of it.
            return [(ActionRequest(ActionKind.ROLLBACK, target), f"Roll back {clean(target.environment)}")]
        if target.run is None:
            name = look.sent_name(target.path)
            scan = (await look.job(name)).holds == "branches"
            start = ActionRequest(ActionKind.TRIGGER, target)
            return [
                (start, "Scan for branches" if scan else "Start a run"),
                *(
                    (
                        ActionRequest(ActionKind.CANCEL, target, (("item", str(item.id)),)),
                        f"Take {item_words(item)} out of the queue",
                    )
                    for item in await look.queued(name)
                ),
            ]
        run, state = target.of_run, await look.of(target)
        gates = state.gates if target.gate is None else (target.gate,)
        menu: list[tuple[ActionRequest, str]] = []
        for gate in gates:
            menu += [
                (ActionRequest(ActionKind.APPROVE, run.at_gate(gate)), f"Approve {quoted(gate)}"),
                (ActionRequest(ActionKind.REJECT, run.at_gate(gate)), f"Reject {quoted(gate)}"),
            ]
        if target.gate is not None:
            return menu
        full_name = look.sent_name(run.path)
        if not state.active:
            menu += await self._again(target, look)
        menu.append((ActionRequest(ActionKind.CANCEL, run), LEVELS["stop"]))
        if state.active:
            menu += [
                (ActionRequest(ActionKind.CANCEL, run, (("level", level),)), words)
                for level, words in LEVELS.items()
                if self._stopped(full_name, run.number or 0, milder(level, state)) is not None
                and (state.is_pipeline or level != "term")
            ]
        return [
            *menu,
            (ActionRequest(ActionKind.TRIGGER, run.pipeline), "Start a new run"),
            (
                ActionRequest(ActionKind.KEEP, run),
                "No longer keep the record" if state.kept else "Keep the record for ever",
            ),
            (ActionRequest(ActionKind.DESCRIBE, run), "Describe the run"),
        ]

    async def _again(self, target: Address, look: LiveStateReader) -> list[tuple[ActionRequest, str]]:
        run = target.of_run
        menu = [(ActionRequest(ActionKind.RETRY, run), "Run it again")]
        stages = await look.restartable(look.sent_name(run.path), run.number or 0)
        if target.job is not None:
            if target.job in stages:
                menu.insert(
                    0, (ActionRequest(ActionKind.RETRY, target), f"Run it again from {quoted(target.job)}")
                )
        elif stages:
            written = [stage for stage in stages if not stage.startswith("Declarative: ")] or stages
            menu.append(
                (ActionRequest(ActionKind.RETRY, run, (("stage", written[-1]),)), "Run it again from a stage")
            )
        return menu

    async def plan(self, request: ActionRequest) -> Plan:
        look = self._look()
        if request.kind not in _PLANS:
            return look.cannot(
                request, f"{request.kind} {request.target}", f"Jenkins has nothing like {request.kind}"
            )
        if request.target.environment is not None:
            return look.cannot(
                request, f"{request.kind} {request.target}", "name a run or a job, no environment"
            )
        if request.target.number is None and (
            request.target.run is not None or request.kind not in (ActionKind.TRIGGER, ActionKind.CANCEL)
        ):
            return look.cannot(request, f"{request.kind} {request.target}", "it names no run by its number")
        plan = await _PLANS[request.kind](request, look)
        if not plan.steps or request.kind not in _DEPLOYING:
            return plan
        (step,) = plan.steps
        parameters = (
            step.body
            if step.kind in (StepKind.START, StepKind.SCAN)
            else [
                (parameter.name, text_of(parameter) or "")
                for parameter in (await look.of(request.target)).parameters
            ]
        )
        if not (environment := aim(self._rules, request.target.pipeline, parameters)):
            return plan
        environment_told = request.kind in (
            ActionKind.APPROVE,
            ActionKind.PROMOTE,
        )  # with what there is to know of its gate
        facts = plan.facts if environment_told else (("environment", environment), *plan.facts)
        return msgspec.structs.replace(plan, environment=environment, facts=facts)

    def remember(self, step: Step, at: float) -> None:
        notes = dict(step.expect)
        if step.kind == StepKind.CANCEL:
            self._stops[f"{notes['job']}#{notes['run']}", notes["level"]] = at

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._sender.send(step, secrets, _STEPS[StepKind(step.kind)])

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        return await _STEPS[StepKind(step.kind)].observe(dict(step.expect), reply, self._look())

    async def close(self) -> None:
        await self._sender.close()
