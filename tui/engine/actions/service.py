"""Acting: the one path of every write, for the deck and the command line alike (design: rules 8 to 13)."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Mapping
from functools import partial

import msgspec

from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest, Activity, Offer, Plan
from tui.domain.action_kinds import ACTION_KINDS
from tui.domain.address import Address
from tui.domain.deployment import Environments
from tui.engine.actions import model_rules
from tui.engine.actions.activities import ActivityRegister
from tui.engine.actions.executor import ActionExecutor, StepUpdate
from tui.engine.actions.journal import Journal
from tui.engine.actions.model_reader import ModelReader
from tui.engine.actions.planner import ActionPlanner
from tui.engine.actions.promotion_reader import PromotionReader
from tui.engine.actions.recovery import Recovery
from tui.engine.actions.write_rights import WriteRights
from tui.engine.polling.poller import Poller
from tui.engine.queries import (
    EnvironmentsOf,
    PipelinesOf,
)
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.source_pool import SourcePool, unexpected
from tui.engine.store import Store
from tui.insight.confirmation import (
    Confirmation,
    RequiredConfirmation,
    missing_confirmation,
    required_confirmation,
)
from tui.insight.promotion import Promotion
from tui.sources.base import SourceError

PATIENCE = 0.1
"""Seconds that closing gives what is under way."""
FRESH = 10.0
"""Seconds after which the state that a plan was made from is read again before it is sent."""
NO_ANSWER = Confirmation()


class PreparedAction(msgspec.Struct, frozen=True):
    """A plan, what it takes to say yes to it, and for a promotion what must be on screen."""

    plan: Plan
    consent: RequiredConfirmation = RequiredConfirmation()
    promotion: Promotion | None = None
    policy: str = ""
    """The name of the policy that acts, instead of a person."""


class ActionRefused(Exception):
    """Nothing was sent; the message says why, in words for a person."""


class ActionService:
    """What is asked of the sources."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        poller: Poller,
        sources: SourcePool,
        journal: Journal,
        promotions: PromotionReader,
        models: ModelReader,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._poller = poller
        self._sources = sources
        self._promotions = promotions
        self._models = models
        self._clock = clock
        self.journal = journal
        self.plans = ActionPlanner(settings, store.own, poller, sources, journal)
        self.rights = WriteRights(settings, sources)
        self._activities = ActivityRegister(settings, store, poller, clock)
        self._executor = ActionExecutor(journal, sources, clock, poller.pause)
        self._recovery = Recovery(settings, sources, journal, self._executor, self._activities)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._notes: set[asyncio.Task[None]] = set()
        """Of what was refused, on their way into the journal."""

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Newest first; of those that had ended when the newest began the last hundred."""
        return self._activities.newest_first

    def only_looks(self, name: str) -> bool:
        """Whether nothing can be sent to a source, by the config or by what its credentials are known to allow."""
        return self.rights.only_looks(name)

    async def learn(self) -> None:
        """Ask each acting source whether its credentials may write. Does not raise."""
        await self.rights.learn_all()

    async def offers(self, target: Address, ref: str = "") -> tuple[Offer, ...]:
        """What can be done to ``target``: what its source offers, and what the config adds; greyed with the reason
        what cannot be done now.

        Args:
            ref: the branch or tag that a pipeline is started on; empty: the source's own choice.

        Raises:
            SourceError
        """
        source = await self.plans.source(target)
        found = [
            msgspec.structs.replace(offer, request=_on(ref, self.plans.as_promotion(offer.request)))
            for offer in await source.offers(target)
        ]
        if model := model_rules.model_of(self._settings, target):
            (listing,) = await self._poller.own(PipelinesOf(target.source))
            known = listing.pipelines if listing is not None else ()
            found += model_rules.launches(self._settings, model, None, (target.pipeline,), known)
        return tuple(map(self._greyed, found))

    async def look(self, target: Address) -> None:
        """Have the list that ``target`` is shown in read by this process, if it can be. Does not raise."""
        await self._poller.own(PipelinesOf(target.source))

    async def environments(self, pipeline: Address) -> Environments:
        """The environments that a pipeline deploys to, read now.

        Raises:
            SourceError
        """
        return await self._poller.ask(EnvironmentsOf(pipeline))

    async def plan(self, request: ActionRequest) -> PreparedAction:
        """What granting the request would do, from a state read now. To be asked again once ``plan.fields`` are filled
        in, with them in ``request.values``: only then its steps are what will be sent.

        Raises:
            SourceError: the state could not be read.
        """
        await self.rights.learn(request.target.source)
        plan = await self.plans.read(await self.plans.named(request))
        if plan.possible and (
            why := self._plan_block_reason(plan) or self._activities.lock_reason(plan.request)
        ):
            plan = msgspec.structs.replace(plan, possible=False, why_not=why)
        return await self._prepared(plan)

    async def _prepared(self, plan: Plan) -> PreparedAction:
        """``plan`` with what it takes to say yes to it.

        Raises:
            SourceError
        """
        request = plan.request
        if (
            request.kind is ActionKind.TRIGGER
            and plan.possible
            and not model_rules.environments(self._settings, plan)
        ):
            facts = (*plan.facts, ("environment", "none that the config knows of: [safety] cannot tell"))
            plan = msgspec.structs.replace(plan, facts=facts)
        known = None
        judged_by = ACTION_KINDS[request.kind].judged_by
        if judged_by == "verdict" and (model := model_rules.model_of(self._settings, request.target)):
            environment = plan.environment or self._settings.models[model].environment
            known = await self._promotions.promotion(model, request.target, environment)
        doubt = ""
        if judged_by == "validation" and (model := model_rules.registered(self._settings, request.target)):
            facts, doubt = await self._promotions.validation(model, request.value("version"))
            plan = msgspec.structs.replace(plan, facts=(*plan.facts, *facts))
        verdict = known.verdict if known is not None and not known.verdict_known.problem else None
        return PreparedAction(
            plan,
            required_confirmation(
                plan,
                await self.plans.production(plan),
                verdict.counts if verdict is not None else None,
                known is not None
                and (verdict is not None or bool(judged_metrics(self._settings, known.model))),
                doubt,
                request.value("version") if known is None else known.version_at(request.target),
            ),
            known,
        )

    def start(
        self,
        prepared: PreparedAction,
        secrets: Mapping[str, str] | None = None,
        given: Confirmation = NO_ANSWER,
    ) -> Activity:
        """Begin; the activity as it is now, its course is in :attr:`activities` and :class:`ActivitiesNow`.

        Raises:
            ActionRefused: consent is missing, it is not possible, locked, or one is under way for the same target.
                That is noted, where a person said yes.
        """
        plan, id_ = prepared.plan, uuid.uuid4().hex[:12]
        if refusal := self._refusal(prepared, given):
            if given.yes:
                note = asyncio.create_task(self._executor.refuse(id_, plan, refusal))
                self._notes.add(note)
                note.add_done_callback(self._notes.discard)
            raise ActionRefused(refusal)
        for forgotten in self._activities.trim():
            self._tasks.pop(forgotten, None)
        activity = Activity(id_, plan, "sending", plan.words, self._clock())
        self._activities.put(activity)
        self._tasks[id_] = asyncio.create_task(
            self._carry_out(activity, prepared, dict(secrets or {}), given)
        )
        return activity

    async def done(self, activity_id: str) -> Activity:
        """The activity when it has ended."""
        if task := self._tasks.get(activity_id):
            await asyncio.shield(task)
        return self._activities[activity_id]

    async def settle(self, pipelines: Collection[Address] | None = None) -> None:
        """Read back what the journal has begun and not ended, of programs that live no more. Does not raise.

        Args:
            pipelines: only what was done there; None: all of it.
        """
        await self._recovery.settle(pipelines)

    async def close(self) -> None:
        """Stop looking; what is under way is settled at the next start."""
        for task in self._tasks.values():
            task.cancel()
        if ending := {*self._tasks.values(), *self._notes}:
            await asyncio.wait(ending, timeout=PATIENCE)
        self.journal.close()

    def _greyed(self, offer: Offer) -> Offer:
        if not offer.possible:
            return offer
        why = self.rights.block_reason(offer.request.target) or self._activities.lock_reason(offer.request)
        return msgspec.structs.replace(offer, possible=False, why_not=why) if why else offer

    def _refusal(self, prepared: PreparedAction, given: Confirmation) -> str | None:
        """Why it cannot begin now; None: it can."""
        plan = prepared.plan
        if not plan.possible:
            return plan.why_not or "it cannot be done now"
        if not plan.steps:
            return "the plan has nothing to send"
        if prepared.policy:
            consent_missing = self._policy_block_reason(prepared)
        else:
            consent_missing = missing_confirmation(prepared.consent, given)
        return (
            consent_missing
            or self._plan_block_reason(plan)
            or self._activities.lock_reason(plan.request)
            or self._activities.duplicate_reason(plan)
        )

    def _plan_block_reason(self, plan: Plan) -> str | None:
        """Why nothing may be sent to all that ``plan`` would touch; None: it may."""
        return self.rights.block_reason(plan.request.target, model_rules.environments(self._settings, plan))

    def _policy_block_reason(self, prepared: PreparedAction) -> str | None:
        """Why the policy may not do that; None: it may."""
        for policy in self._settings.safety.policies:
            if policy.name == prepared.policy:
                allowed = ActionKind.ROLLBACK if policy.action == "rollback" else ActionKind.TRIGGER
                if prepared.plan.request.kind is allowed:
                    return None
                return f"{policy.name} is for {policy.action} only"
        return f"there is no policy {prepared.policy}"

    # --- carrying out ---------------------------------------------------------------------------------------------

    async def _carry_out(
        self, activity: Activity, prepared: PreparedAction, secrets: Mapping[str, str], given: Confirmation
    ) -> None:
        tell = partial(self._activities.update, activity.id)
        try:
            plan = await self._current(prepared, given)
        except ActionRefused as refused:
            words = f"nothing was sent: {refused}"
            await self._executor.refuse(activity.id, prepared.plan, words, prepared.policy)
            tell(StepUpdate("refused", words))
            return
        write_block_reason = partial(self._plan_block_reason, plan)
        try:
            outcome = await self._executor.carry_out(
                activity.id, plan, secrets, write_block_reason, tell, prepared.policy
            )
        except Exception as error:
            tell(StepUpdate("unknown", unexpected(plan.request.target.source, error).message))
            return
        if outcome.state == "done" and (traffic := await self._traffic(plan.request)):
            outcome = msgspec.structs.replace(outcome, words=f"{outcome.words}; {traffic}")
        tell(outcome)

    async def _current(self, prepared: PreparedAction, given: Confirmation) -> Plan:
        """The plan to be sent: read once more where it is not from now, or where the reason may become a part of it.

        Raises:
            ActionRefused: what was agreed to is not what would be done now.
        """
        plan, reason = prepared.plan, given.reason
        late = self._clock() - plan.read_at > FRESH
        if not reason and not late:
            return plan
        request = msgspec.structs.replace(plan.request, reason=reason) if reason else plan.request
        try:
            now = await self.plans.read(request)
            consent = (await self._prepared(now)).consent if late and now.possible else prepared.consent
        except SourceError as error:
            raise ActionRefused(f"the state could not be read once more: {error.message}") from None
        except Exception as error:
            raise ActionRefused(unexpected(request.target.source, error).message) from None
        if not now.possible:
            raise ActionRefused(now.why_not)
        if _requests(now) != _requests(plan):
            raise ActionRefused(f"it changed since it was looked at: {now.words}")
        if request.kind is not ActionKind.CANCEL and (
            changed := [fact for fact in now.facts if fact not in plan.facts]
        ):
            facts = "; ".join(f"{name}: {value}" for name, value in changed)
            raise ActionRefused(f"it changed since it was looked at: {facts}")
        if not prepared.policy and (why := missing_confirmation(consent, given)):
            raise ActionRefused(why)
        return now

    async def _traffic(self, request: ActionRequest) -> str | None:
        """After a blue-green switch: which half has the traffic, as read back. None: it was no switch."""
        model, to = model_rules.switched(self._settings, request)
        if not model:
            return None
        try:
            found = await self._poller.ask(EnvironmentsOf(request.target.pipeline))
        except SourceError as error:
            return f"which half has the traffic could not be read: {error.message}"
        live = self._models.live_of(model, found.environments)
        if live is None:
            return "which half has the traffic is not known"
        return f"{live} has the traffic" + ("" if live == to else f", not {to} yet")


def _on(ref: str, request: ActionRequest) -> ActionRequest:
    """A start on ``ref``, where it names none yet."""
    if not ref or request.kind is not ActionKind.TRIGGER or request.value("ref"):
        return request
    return msgspec.structs.replace(request, values=(("ref", ref), *request.values))


def _requests(plan: Plan) -> list[tuple[str, str]]:
    return [(step.method, step.path) for step in plan.steps]
