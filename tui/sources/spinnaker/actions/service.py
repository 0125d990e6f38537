"""Acting on Spinnaker: what can be done, what it would do, and what became of it (contracts: spinnaker §9).

Two tables hold it together: how a kind of action is planned, and how a kind of request is sent and recognised.
"""

from collections.abc import Awaitable, Callable, Mapping

from tui.domain.action import ActionKind, ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.sources.spinnaker.actions.control import (
    observe_cancel,
    observe_pause,
    observe_restart,
    plan_cancel,
    plan_pause,
    plan_retry,
)
from tui.sources.spinnaker.actions.judge import observe_judgment, plan_judgment
from tui.sources.spinnaker.actions.live_state import LiveState, quoted
from tui.sources.spinnaker.actions.rollback import observe_enable, observe_undo, plan_rollback
from tui.sources.spinnaker.actions.sender import send
from tui.sources.spinnaker.actions.start import observe_start, plan_start
from tui.sources.spinnaker.actions.steps import StepHandler, StepKind
from tui.sources.spinnaker.check import user_of
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.read.places import Places
from tui.sources.spinnaker.read.tree import labels, tree, walk
from tui.sources.spinnaker.status import waits
from tui.text.safe import clean

_PLANS: Mapping[ActionKind, Callable[[ActionRequest, LiveState], Awaitable[Plan]]] = {
    ActionKind.APPROVE: plan_judgment,
    ActionKind.PROMOTE: plan_judgment,
    ActionKind.REJECT: plan_judgment,
    ActionKind.ROLLBACK: plan_rollback,
    ActionKind.RETRY: plan_retry,
    ActionKind.CANCEL: plan_cancel,
    ActionKind.PAUSE: plan_pause,
    ActionKind.RESUME: plan_pause,
    ActionKind.TRIGGER: plan_start,
}
_STEPS: Mapping[StepKind, StepHandler] = {
    StepKind.JUDGE: StepHandler(observe_judgment),
    StepKind.RESTART: StepHandler(observe_restart),
    StepKind.CANCEL: StepHandler(observe_cancel),
    StepKind.PAUSE: StepHandler(observe_pause),
    StepKind.RESUME: StepHandler(observe_pause),
    StepKind.START: StepHandler(observe_start, leaves_a_trace=True),
    StepKind.UNDO: StepHandler(observe_undo),
    StepKind.ENABLE: StepHandler(observe_enable),
}


class SpinnakerActions:
    """A :class:`tui.sources.base.ActingSource`.

    Args:
        definitions: makes sure that the pipelines are known.
    """

    def __init__(self, context: Context, places: Places, definitions: Callable[[], Awaitable[None]]) -> None:
        self._context = context
        self._places = places
        self._definitions = definitions
        self._me: str | None = None

    def _look(self) -> LiveState:
        return LiveState(self._context, self._places, self.account)

    async def account(self) -> str:
        if self._me is None:
            self._me = await user_of(self._context)
        return self._me

    async def write_access(self) -> WriteAccess:
        return WriteAccess(None, "Gate does not tell what a user may do before it is tried", by_trying=True)

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        await self._definitions()
        look = self._look()
        offers = []
        for request, words in await self._menu(target, look):
            plan = await _PLANS[request.kind](request, look)
            offers.append(Offer(request, words, plan.possible, plan.why_not))
        return tuple(offers)

    async def _menu(self, target: Address, look: LiveState) -> list[tuple[ActionRequest, str]]:
        """What there is for a target, the likeliest first."""
        if target.environment is not None:
            return [(ActionRequest(ActionKind.ROLLBACK, target), f"Roll back {clean(target.environment)}")]
        start = ActionRequest(ActionKind.TRIGGER, target.pipeline)
        if target.run is None:
            return [(start, "Start a run")]
        run, execution = target.of_run, await look.of(target)
        nodes = tree(execution.all_stages)
        by_id = labels(nodes)
        gates = [by_id[node.stage.id] for node in walk(nodes) if waits(node.stage)]
        wanted = target.gate or target.job
        menu = []
        for gate in gates:
            if wanted in (None, gate):
                at = run.at_gate(gate)
                menu += [
                    (ActionRequest(ActionKind.APPROVE, at), f"Let {quoted(gate)} go on"),
                    (ActionRequest(ActionKind.REJECT, at), f"Stop at {quoted(gate)}"),
                ]
        if target.gate is None:
            again = f"Restart {quoted(target.job)}" if target.job else "Restart what failed, or run it again"
            menu.append((ActionRequest(ActionKind.RETRY, target), again))
        menu += [
            (ActionRequest(ActionKind.CANCEL, run), "Cancel the run"),
            (ActionRequest(ActionKind.PAUSE, run), "Pause the run"),
            (ActionRequest(ActionKind.RESUME, run), "Resume the run"),
        ]
        return menu if target.gate is not None else [*menu, (start, "Start a new run")]

    async def plan(self, request: ActionRequest) -> Plan:
        await self._definitions()
        look, target = self._look(), request.target
        title = f"{request.kind.verb} {target}"
        if request.kind not in _PLANS:
            return look.cannot(request, title, f"Spinnaker has nothing like {request.kind.value}")
        if request.kind not in (ActionKind.ROLLBACK, ActionKind.TRIGGER) and target.run is None:
            return look.cannot(request, title, "it names no run")
        return await _PLANS[request.kind](request, look)

    async def send(self, step: Step) -> Reply:
        return await send(self._context.gate, step, _STEPS[StepKind(step.kind)])

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        await self._definitions()
        return await _STEPS[StepKind(step.kind)].observe(dict(step.expect), reply, self._look())
