"""Acting on Jenkins: what can be done, what it would do, and what became of it (contracts: jenkins §7, §10).

``look`` reads, ``inputs``, ``starting``, ``stopping``, ``again`` and ``remarks`` plan and recognise, ``sending`` alone
writes.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tui.config import JenkinsSettings
from tui.domain.action import Kind, Observation, Offer, Plan, Reply, Stance, Step, Wish
from tui.domain.address import Address
from tui.insight.derive import aim
from tui.sources.jenkins.again import plan_retry
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.inputs import observe_input, plan_input
from tui.sources.jenkins.look import Look
from tui.sources.jenkins.payload import WHO_AM_I
from tui.sources.jenkins.remarks import observe_describe, observe_keep, plan_describe, plan_keep
from tui.sources.jenkins.sending import Sender
from tui.sources.jenkins.starting import observe_start, plan_trigger
from tui.sources.jenkins.state import spelled
from tui.sources.jenkins.stopping import LEVELS, milder, observe_cancel, observe_dequeue, plan_cancel
from tui.sources.wire import Wire

_PLANS: Mapping[Kind, Callable[[Wish, Look], Awaitable[Plan]]] = {
    Kind.APPROVE: plan_input,
    Kind.PROMOTE: plan_input,
    Kind.REJECT: plan_input,
    Kind.RETRY: plan_retry,
    Kind.CANCEL: plan_cancel,
    Kind.TRIGGER: plan_trigger,
    Kind.KEEP: plan_keep,
    Kind.DESCRIBE: plan_describe,
}
_DEPLOYING = (Kind.APPROVE, Kind.PROMOTE, Kind.RETRY, Kind.TRIGGER)
"""What may change an environment, by the rules of the config."""
_OBSERVERS: Mapping[str, Callable[[Mapping[str, str], Reply | None, Look], Awaitable[Observation]]] = {
    "approve": observe_input,
    "reject": observe_input,
    "start": observe_start,
    "replay": observe_start,
    "restart": observe_start,
    "cancel": observe_cancel,
    "dequeue": observe_dequeue,
    "keep": observe_keep,
    "describe": observe_describe,
}


class Acting:
    """A :class:`tui.sources.base.ActingSource`."""

    def __init__(
        self,
        server: str,
        settings: JenkinsSettings,
        wire: Wire,
        client: Client,
        sent_name: Callable[[str], str],
        clock: Callable[[], float],
    ) -> None:
        self._server = server
        self._client = client
        self._sent_name = sent_name
        self._clock = clock
        self._rules = settings.deployments
        self._sender = Sender(wire, settings)
        self._me: str | None = None
        self._stops: dict[tuple[str, str], float] = {}

    def _look(self) -> Look:
        return Look(self._server, self._client, self._sent_name, self._clock, self._who, self._stopped)

    async def _who(self) -> str:
        if self._me is None:
            found = await self._client.get("/whoAmI/api/json", WHO_AM_I)
            self._me = "" if found.anonymous else found.name
        return self._me

    def _stopped(self, full_name: str, number: int, level: str) -> float | None:
        return self._stops.get((f"{full_name}#{number}", level))

    async def stance(self) -> Stance:
        return Stance(None, "Jenkins does not tell what a user may do before it is tried")

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        look = self._look()
        offers = []
        for wish, words in await self._menu(target, look):
            if wish.kind not in _PLANS:
                offers.append(Offer(wish, words))
                continue
            plan = await _PLANS[wish.kind](wish, look)
            offers.append(Offer(wish, words, plan.possible, plan.why_not))
        return tuple(offers)

    async def _menu(self, target: Address, look: Look) -> list[tuple[Wish, str]]:
        """What there is for a target, the likeliest first."""
        if target.environment is not None:
            # By the rules of the config: the engine makes a start with parameters of it.
            return [(Wish(Kind.ROLLBACK, target), f"Roll back {target.environment}")]
        if target.run is None:
            start = [(Wish(Kind.TRIGGER, target), "Start a run")]
            waiting = await look.queued(look.sent_name(target.path))
            cancel = [(Wish(Kind.CANCEL, target), "Take what waits out of the queue")]
            return start + (cancel if waiting else [])
        run, state = target.of_run, await look.of(target)
        gates = state.gates if target.gate is None else (target.gate,)
        menu: list[tuple[Wish, str]] = []
        for gate in gates:
            menu += [
                (Wish(Kind.APPROVE, run.at_gate(gate)), f"Approve '{gate}'"),
                (Wish(Kind.REJECT, run.at_gate(gate)), f"Reject '{gate}'"),
            ]
        if target.gate is not None:
            return menu
        full_name = look.sent_name(run.path)
        if not state.active:
            menu += await self._again(target, look)
        menu.append((Wish(Kind.CANCEL, run), LEVELS["stop"]))
        if state.active:
            menu += [
                (Wish(Kind.CANCEL, run, (("level", level),)), words)
                for level, words in LEVELS.items()
                if self._stopped(full_name, run.run or 0, milder(level, state)) is not None
                and (state.is_pipeline or level != "term")
            ]
        return [
            *menu,
            (Wish(Kind.TRIGGER, run.pipeline), "Start a new run"),
            (Wish(Kind.KEEP, run), "No longer keep the record" if state.kept else "Keep the record for ever"),
            (Wish(Kind.DESCRIBE, run), "Describe the run"),
        ]

    async def _again(self, target: Address, look: Look) -> list[tuple[Wish, str]]:
        run = target.of_run
        menu = [(Wish(Kind.RETRY, run), "Run it again")]
        stages = await look.restartable(look.sent_name(run.path), run.run or 0)
        if target.job is not None:
            if target.job in stages:
                menu.insert(0, (Wish(Kind.RETRY, target), f"Run it again from '{target.job}'"))
        elif stages:
            written = [stage for stage in stages if not stage.startswith("Declarative: ")] or stages
            menu.append((Wish(Kind.RETRY, run, (("stage", written[-1]),)), "Run it again from a stage"))
        return menu

    async def plan(self, wish: Wish) -> Plan:
        look = self._look()
        if wish.kind not in _PLANS:
            return look.cannot(wish, f"{wish.kind} {wish.target}", f"Jenkins has nothing like {wish.kind}")
        if wish.target.environment is not None:
            return look.cannot(wish, f"{wish.kind} {wish.target}", "name a run or a job, no environment")
        if wish.target.run is None and wish.kind not in (Kind.TRIGGER, Kind.CANCEL):
            return look.cannot(wish, f"{wish.kind} {wish.target}", "it names no run")
        plan = await _PLANS[wish.kind](wish, look)
        if not plan.steps or wish.kind not in _DEPLOYING:
            return plan
        (step,) = plan.steps
        parameters = (
            step.body
            if dict(step.expect)["do"] == "start"
            else [(each.name, spelled(each.value)) for each in (await look.of(wish.target)).parameters]
        )
        if not (environment := aim(self._rules, wish.target.pipeline, parameters)):
            return plan
        told = wish.kind in (Kind.APPROVE, Kind.PROMOTE)  # with what there is to know of its gate
        facts = plan.facts if told else (("environment", environment), *plan.facts)
        return msgspec.structs.replace(plan, environment=environment, facts=facts)

    def remember(self, step: Step, at: float) -> None:
        notes = dict(step.expect)
        if notes.get("do") == "cancel":
            self._stops[f"{notes['job']}#{notes['run']}", notes["level"]] = at

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._sender.send(step, secrets)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        expect = dict(step.expect)
        return await _OBSERVERS[expect["do"]](expect, reply, self._look())

    async def close(self) -> None:
        await self._sender.close()
