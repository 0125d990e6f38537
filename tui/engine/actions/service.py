"""Acting: the one path of every write, for the deck and the command line alike (design: rules 8 to 13)."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

import msgspec

from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest, Activity, Offer, Plan, WriteAccess
from tui.domain.action_kinds import ACTION_KINDS
from tui.domain.address import Address
from tui.domain.deployment import Environment, Environments
from tui.domain.journal import Record
from tui.domain.pipeline import Pipeline
from tui.engine.actions import model_rules
from tui.engine.actions.executor import ActionExecutor, StepUpdate
from tui.engine.actions.journal import Journal, JournalError
from tui.engine.actions.planner import ActionPlanner, names_of
from tui.engine.actions.promotion_reader import PromotionReader
from tui.engine.polling.poller import Poller
from tui.engine.queries import (
    ActivitiesNow,
    CandidateOf,
    EnvironmentsOf,
    HistoryOf,
    JournalNow,
    PipelinesOf,
    RunAt,
)
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.source_pool import SourcePool, unexpected
from tui.engine.store import Store
from tui.insight.confirmation import (
    Confirmation,
    RequiredConfirmation,
    among,
    missing_confirmation,
    required_confirmation,
)
from tui.insight.environment_state import live_of
from tui.insight.promotion import Promotion
from tui.sources.base import ActingSource, SourceError
from tui.threads import in_thread

REMEMBERED = 100
"""Activities kept for the screen; the journal has all."""
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
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        self._poller = poller
        self._sources = sources
        self._promotions = promotions
        self._clock = clock
        self.journal = journal
        self._executor = ActionExecutor(journal, sources, clock, poller.pause)
        self.plans = ActionPlanner(settings, store, poller, sources, journal)
        self._write_access: dict[str, WriteAccess] = {}
        self._unread_rights: dict[str, str] = {}
        """Why it is not known whether the credentials of a source may write."""
        self._activities: dict[str, Activity] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._notes: set[asyncio.Task[None]] = set()
        """Of what was refused, on their way into the journal."""

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Newest first; of those that had ended when the newest began the last hundred."""
        return tuple(reversed(self._activities.values()))

    def write_block_reason(self, address: Address, environments: Iterable[str] = ()) -> str:
        """Why nothing can be sent there; empty: it may be (rule 13). Sends and waits for nothing.

        Args:
            environments: names of environments that would be changed, beside that of the address.
        """
        name = address.source
        if self._settings.safety.read_only:
            return "read-only: this session only looks"
        source = self._settings.sources.get(name)
        if source is not None and source.writes_forbidden:
            return f"read-only: [sources.{name}] says so"
        if (write_access := self._write_access.get(name)) is not None and write_access.read_only:
            return f"read-only: {write_access.words or f'the credentials for {name} cannot write'}"
        unread = self._unread_rights.get(name)
        if write_access is not None and write_access.read_only is None and not write_access.by_trying:
            unread = write_access.words
        if unread is not None:
            return f"read-only: whether the credentials for {name} may write is not known: {unread}"
        changed = tuple(environment for environment in (address.environment, *environments) if environment)
        if found := among(self._settings.safety.read_only_environments, names_of(address, changed)):
            return f"read-only: {found} is among [safety] read_only_environments"
        return ""

    def only_looks(self, name: str) -> bool:
        """Whether nothing can be sent to a source, by the config or by what its credentials are known to allow."""
        source, write_access = self._settings.sources.get(name), self._write_access.get(name)
        forbidden = source is not None and source.writes_forbidden
        return forbidden or (write_access is not None and write_access.read_only is True)

    def plan_block_reason(self, plan: Plan) -> str:
        """The same, for all that ``plan`` would touch."""
        return self.write_block_reason(plan.request.target, model_rules.environments(self._settings, plan))

    async def learn(self) -> None:
        """Ask each acting source whether its credentials may write. Does not raise."""
        await asyncio.gather(*map(self._learn, self._settings.pipeline_sources))

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
            listing = self._store.get(PipelinesOf(target.source)).value
            known = listing.pipelines if listing is not None else ()
            found += model_rules.launches(self._settings, model, None, (target.pipeline,), known)
        return tuple(self._greyed(each) for each in found)

    async def retraining(self, model: str) -> ActionRequest | None:
        """The request to train ``model`` anew; None where the config does not say how.

        Raises:
            SourceError
        """
        known: tuple[Pipeline, ...] = ()
        if self._settings.models[model].retrain is None:
            sources = {name: self._settings.sources[name] for name in self._settings.models[model].sources}
            ruled = [name for name, source in sources.items() if source.may_retrain]
            listings = await asyncio.gather(*(self._poller.ask(PipelinesOf(name)) for name in ruled))
            known = tuple(pipeline for listing in listings for pipeline in listing.pipelines)
        return model_rules.retrain(self._settings, model, known=known)

    async def gates(self, model: str) -> tuple[ActionRequest, ...]:
        """The requests to let the canary of ``model`` go on: one for each gate that it waits at, oldest first.

        Raises:
            SourceError
        """
        sources = self._settings.models[model].sources
        listings = await asyncio.gather(*(self._poller.ask(PipelinesOf(name)) for name in sources))
        found = model_rules.gates_of(self._settings, model, listings)
        return tuple(ActionRequest(ActionKind.PROMOTE, gate.address) for gate in found)

    async def environments(self, pipeline: Address) -> Environments:
        """The environments that a pipeline deploys to, read now.

        Raises:
            SourceError
        """
        return await self._poller.ask(EnvironmentsOf(pipeline))

    async def places(self, model: str) -> tuple[Address, ...]:
        """The environments of ``model``: that which the config names, else all that its pipelines have.

        Raises:
            SourceError
        """
        its, places = self._settings.models[model], await self._environments_of(model)
        named = [place for place in places if its.environment in (place.name, *place.address.spellings, "")]
        return tuple(dict.fromkeys(each.address for each in named))

    async def live(self, model: str) -> str | None:
        """Which half of the blue-green pair of ``model`` has the traffic, read now; None where that is not known.

        Raises:
            SourceError
        """
        return self._live(model, await self._environments_of(model))

    def _live(self, model: str, places: Sequence[Environment]) -> str | None:
        its = self._settings.models[model]
        halves = [place for place in places if place.name in (its.blue_green or ())]
        main = next((place for place in places if place.name == its.environment), None)
        found = live_of(halves, main if main not in halves else None)
        return found.name if found is not None else None

    async def _environments_of(self, model: str) -> list[Environment]:
        """All that the pipelines of ``model`` deploy to, read now.

        Raises:
            SourceError
        """
        from tui.insight.environments import model_group  # not with the first frame

        its = self._settings.models[model]
        listings = await asyncio.gather(*(self._poller.ask(PipelinesOf(name)) for name in its.sources))
        listed = [pipeline for listing in listings for pipeline in listing.pipelines]
        group = model_group(model, its, listed, self._settings)
        found = await asyncio.gather(*(self._poller.ask(EnvironmentsOf(each)) for each in group.pipelines))
        return [environment for answer in found for environment in answer.environments]

    async def plan(self, request: ActionRequest) -> PreparedAction:
        """What granting the request would do, from a state read now. To be asked again once ``plan.fields`` are filled
        in, with them in ``request.values``: only then its steps are what will be sent.

        Raises:
            SourceError: the state could not be read.
        """
        await self._learn(request.target.source)
        plan = await self.plans.read(await self.plans.named(request))
        if plan.possible and (why := self.plan_block_reason(plan) or self._under_way(plan.request)):
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
                verdict.decision if verdict is not None else None,
                known is not None and bool(judged_metrics(self._settings, known.model)),
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
            Refused: consent is missing, it is not possible, locked, or one is under way for the same target. That is
                noted, where a person said yes.
        """
        plan, id_ = prepared.plan, uuid.uuid4().hex[:12]
        for why in (
            "" if plan.possible else plan.why_not or "it cannot be done now",
            "" if plan.steps else "the plan has nothing to send",
            "" if prepared.policy else missing_confirmation(prepared.consent, given),
            self._unruly(prepared),
            self.plan_block_reason(plan),
            self._under_way(plan.request),
            self._sent_now(plan),
            "this plan was sent before: look again"
            if any(each.plan == plan for each in self._activities.values())
            else "",
        ):
            if why:
                if given.yes:
                    note = asyncio.create_task(self._executor.refuse(id_, plan, why))
                    self._notes.add(note)
                    note.add_done_callback(self._notes.discard)
                raise ActionRefused(why)
        for old in [name for name, each in self._activities.items() if each.ended][:-REMEMBERED]:
            del self._activities[old]
            self._tasks.pop(old, None)
        activity = Activity(id_, plan, "sending", plan.words, self._clock())
        self._put(activity)
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
        try:
            unsettled = await in_thread(self.journal.unsettled)
        except JournalError:
            return  # nothing is sent either, and that is told
        for record in unsettled:
            if pipelines is not None and (
                record.plan is None or record.plan.request.target.pipeline not in pipelines
            ):
                continue
            if record.first.who.instance != self.journal.who.instance:
                with self.journal.taken_over(record.first.who.instance) as free:
                    if free:
                        # Another may have settled it since.
                        still = await in_thread(self.journal.unsettled)
                        for again in (each for each in still if each.id == record.id):
                            await self._settle(again)

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
        why = self.write_block_reason(offer.request.target) or self._under_way(offer.request)
        return msgspec.structs.replace(offer, possible=False, why_not=why) if why else offer

    def _unruly(self, prepared: PreparedAction) -> str:
        """Why no policy may do that; empty: one may, or a person acts."""
        if not prepared.policy:
            return ""
        for policy in self._settings.safety.policies:
            if policy.name == prepared.policy:
                allowed = ActionKind.ROLLBACK if policy.action == "rollback" else ActionKind.TRIGGER
                return (
                    ""
                    if prepared.plan.request.kind is allowed
                    else f"{policy.name} is for {policy.action} only"
                )
        return f"there is no policy {prepared.policy}"

    def _under_way(self, request: ActionRequest) -> str:
        for activity in self._activities.values():
            before = activity.plan.request
            if activity.ended or before.target != request.target:
                continue
            # What has begun there may be canceled, and a cancel that does not work sharpened.
            if request.kind is not ActionKind.CANCEL or activity.state == "sending" or before == request:
                return f"{activity.plan.request.kind.value} is under way there"
        return ""

    def _sent_now(self, plan: Plan) -> str:
        """Why ``plan`` must wait: what it would send is on its way already, under another address."""
        own = {(each.method, each.path, each.body) for each in plan.steps}
        for activity in self._activities.values():
            request = activity.plan.request
            theirs = {(step.method, step.path, step.body) for step in activity.plan.steps}
            there = request.target.source == plan.request.target.source
            if not activity.ended and there and plan.request.kind is not ActionKind.CANCEL and own & theirs:
                return f"the same is under way: {request.kind.value} {request.target}"
        return ""

    async def _learn(self, name: str) -> None:
        if name in self._write_access:
            return
        try:
            self._write_access[name] = await (await self._sources.get(name, ActingSource)).write_access()
            self._unread_rights.pop(name, None)
        except SourceError as error:
            self._unread_rights[name] = error.message

    # --- carrying out ---------------------------------------------------------------------------------------------

    async def _carry_out(
        self, activity: Activity, prepared: PreparedAction, secrets: Mapping[str, str], given: Confirmation
    ) -> None:
        tell = partial(self._tell, activity.id)
        try:
            plan = await self._current(prepared, given)
        except ActionRefused as refused:
            words = f"nothing was sent: {refused}"
            await self._executor.refuse(activity.id, prepared.plan, words, prepared.policy)
            tell(StepUpdate("refused", words))
            return
        write_block_reason = partial(self.plan_block_reason, plan)
        try:
            news = await self._executor.carry_out(
                activity.id, plan, secrets, write_block_reason, tell, prepared.policy
            )
        except Exception as error:
            tell(StepUpdate("unknown", unexpected(plan.request.target.source, error).message))
            return
        if news.state == "done" and (words := await self._traffic(plan.request)):
            news = msgspec.structs.replace(news, words=f"{news.words}; {words}")
        tell(news)

    async def _current(self, prepared: PreparedAction, given: Confirmation) -> Plan:
        """The plan to be sent: read once more where it is not from now, or where the reason may become a part of it.

        Raises:
            Refused: what was agreed to is not what would be done now.
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
            news := [fact for fact in now.facts if fact not in plan.facts]
        ):
            told = "; ".join(f"{name}: {value}" for name, value in news)
            raise ActionRefused(f"it changed since it was looked at: {told}")
        if not prepared.policy and (why := missing_confirmation(consent, given)):
            raise ActionRefused(why)
        return now

    async def _traffic(self, request: ActionRequest) -> str:
        """After a blue-green switch: which half has the traffic, as read back."""
        model, to = model_rules.switched(self._settings, request)
        if not model:
            return ""
        try:
            found = await self._poller.ask(EnvironmentsOf(request.target.pipeline))
        except SourceError as error:
            return f"which half has the traffic could not be read: {error.message}"
        live = self._live(model, found.environments)
        if live is None:
            return "which half has the traffic is not known"
        return f"{live} has the traffic" + ("" if live == to else f", not {to} yet")

    async def _settle(self, record: Record) -> None:
        first, plan, sent = record.first, record.plan, record.sent
        if plan is None:
            return
        if sent is None or sent.request is None:
            await self._executor.end(
                record.id, plan, StepUpdate("refused", "it was cut off before anything was sent")
            )
            return
        settings = self._settings.sources.get(first.source)
        if settings is None or (first.server and settings.base_url != first.server.rstrip("/")):
            return  # somebody else's config knows that server
        reply = record.reply
        if reply is not None and reply.state in ("refused", "unsent"):
            await self._executor.end(record.id, plan, StepUpdate("refused", reply.words))
            return
        try:
            source = await self._sources.get(first.source, ActingSource)
        except SourceError:
            return
        activity = Activity(record.id, plan, "sending", "cut off; reading back", first.at, sent.step)
        self._put(activity)
        tell = partial(self._tell, record.id)
        news = await self._executor.look(record.id, plan, sent.step, source, reply, tell)
        if news.state == "done" and sent.step + 1 < len(plan.steps):
            rest = plan.steps[sent.step + 1].words
            news = StepUpdate("failed", f"{news.words}; cut off before: {rest}", sent.step, news.result)
        tell(await self._executor.end(record.id, plan, news))

    def _tell(self, id_: str, news: StepUpdate) -> None:
        before = self._activities[id_]
        activity = msgspec.structs.replace(
            before,
            state=news.state,
            words=news.words,
            step=news.step,
            result=news.result or before.result,
            at=before.at if news.state == before.state else self._clock(),
        )
        self._put(activity)
        if (activity.state, activity.result) != (before.state, before.result):
            self._refresh(activity)

    def _put(self, activity: Activity) -> None:
        self._activities[activity.id] = activity
        self._store.put(ActivitiesNow(), self.activities, self._clock())

    def _refresh(self, activity: Activity) -> None:
        """Have asked anew what the action may have changed."""
        self._poller.refresh(JournalNow())
        for each in (activity.plan.request.target, *((activity.result,) if activity.result else ())):
            self._poller.refresh(PipelinesOf(each.source), EnvironmentsOf(each.pipeline))
            if model := model_rules.registered(self._settings, each):
                self._poller.refresh(CandidateOf(model))
            if each.run is not None:
                self._poller.refresh(RunAt(each.of_run))
            if each.environment is not None:
                self._poller.refresh(HistoryOf(each))


def _on(ref: str, request: ActionRequest) -> ActionRequest:
    """A start on ``ref``, where it names none yet."""
    if not ref or request.kind is not ActionKind.TRIGGER or request.value("ref"):
        return request
    return msgspec.structs.replace(request, values=(("ref", ref), *request.values))


def _requests(plan: Plan) -> list[tuple[str, str]]:
    return [(step.method, step.path) for step in plan.steps]
