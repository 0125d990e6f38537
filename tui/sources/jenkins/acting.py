"""Acting on Jenkins: what can be done, what it would do, and what became of it (contracts: jenkins §7, §10).

``look`` reads, ``inputs`` and ``starting`` plan and recognise, ``sending`` alone writes.
"""

from collections.abc import Awaitable, Callable, Mapping

from tui.config import JenkinsSettings
from tui.domain.action import Kind, Observation, Offer, Plan, Reply, Stance, Step, Wish
from tui.domain.address import Address
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.inputs import observe_input, plan_input
from tui.sources.jenkins.look import Look
from tui.sources.jenkins.payload import WHO_AM_I
from tui.sources.jenkins.sending import Sender
from tui.sources.jenkins.starting import observe_start, plan_trigger
from tui.sources.wire import Wire

_PLANS: Mapping[Kind, Callable[[Wish, Look], Awaitable[Plan]]] = {
    Kind.APPROVE: plan_input,
    Kind.REJECT: plan_input,
    Kind.TRIGGER: plan_trigger,
}
_OBSERVERS: Mapping[str, Callable[[Mapping[str, str], Reply | None, Look], Awaitable[Observation]]] = {
    "approve": observe_input,
    "reject": observe_input,
    "start": observe_start,
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
        self._sender = Sender(wire, settings)
        self._me: str | None = None

    def _look(self) -> Look:
        return Look(self._server, self._client, self._sent_name, self._clock, self._who)

    async def _who(self) -> str:
        if self._me is None:
            found = await self._client.get("/whoAmI/api/json", WHO_AM_I)
            self._me = "" if found.anonymous else found.name
        return self._me

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
            return [(Wish(Kind.TRIGGER, target), "Start a run")]
        if target.gate is not None:
            gates = [(target, target.gate)]
        else:
            run, state = target.of_run, await look.of(target)
            gates = [(run.at_gate(each), each) for each in state.gates]
        menu = []
        for gate, name in gates:
            menu += [
                (Wish(Kind.APPROVE, gate), f"Approve '{name}'"),
                (Wish(Kind.REJECT, gate), f"Reject '{name}'"),
            ]
        if target.gate is None:
            menu.append((Wish(Kind.TRIGGER, target.pipeline), "Start a new run"))
        return menu

    async def plan(self, wish: Wish) -> Plan:
        look = self._look()
        if wish.kind not in _PLANS:
            return look.cannot(wish, f"{wish.kind} {wish.target}", f"Jenkins has nothing like {wish.kind}")
        if wish.target.environment is not None:
            return look.cannot(wish, f"{wish.kind} {wish.target}", "name a run or a job, no environment")
        return await _PLANS[wish.kind](wish, look)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._sender.send(step, secrets)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        expect = dict(step.expect)
        return await _OBSERVERS[expect["do"]](expect, reply, self._look())

    async def close(self) -> None:
        await self._sender.close()
