"""Plans: what a source would do, or what the config makes of a request, and what of it takes more care."""

import asyncio
from collections.abc import Iterable
from functools import partial

import msgspec

from tui.config import Settings
from tui.domain.action import ActionField, ActionKind, ActionRequest, Plan
from tui.domain.address import Address
from tui.domain.pipeline import Gate, Pipeline
from tui.domain.status import Status
from tui.engine.actions import model_rules
from tui.engine.actions.journal import Journal, JournalError
from tui.engine.polling.poller import Poller
from tui.engine.queries import HistoryOf, PipelinesOf, RunAt
from tui.engine.queries.pipelines import runs_in
from tui.engine.source_pool import SourcePool, misconfigured
from tui.engine.store import Readings
from tui.insight.confirmation import among
from tui.insight.environment_state import environment_state
from tui.sources.base import AccountSource, ActingSource, RunCachingSource, SourceError, TieringSource
from tui.text.safe import clean
from tui.threads import in_thread

REJECT_WAITING = "reject_waiting"
"""The field of a rollback that says whether the waiting gate of the canary is rejected first."""


class ActionPlanner:
    """Made of what the sources answer, the config, and what has been read."""

    def __init__(
        self, settings: Settings, own: Readings, poller: Poller, sources: SourcePool, journal: Journal
    ) -> None:
        self._settings = settings
        self._own = own
        self._poller = poller
        self._sources = sources
        self._journal = journal

    async def source(self, target: Address) -> ActingSource:
        """The source of ``target``, told what was sent there before: by this program or another, as journalled."""
        source = await self._sources.get(target.source, ActingSource)
        settings = self._settings.sources.get(target.source)
        if isinstance(source, RunCachingSource) and settings is not None and target.run is not None:
            sent = partial(self._journal.sent, target.of_run, settings.base_url)
            try:
                before = await in_thread(sent)
            except JournalError as error:
                raise misconfigured(str(error)) from None
            for step, at in before:
                source.remember(step, at)
        return source

    async def read(self, request: ActionRequest) -> Plan:
        """The source's plan for ``request``, or for what the config makes of it; with whom the server takes us for."""
        source = await self.source(request.target)
        plan, account = await asyncio.gather(self._read(request, source), _account(source))
        return msgspec.structs.replace(plan, account=account)

    async def _read(self, request: ActionRequest, source: ActingSource) -> Plan:
        settings = self._settings.sources.get(request.target.source)
        if request.kind is ActionKind.ROLLBACK and settings is not None and not settings.rolls_back:
            return await self._read_rollback(request, source)
        return await source.plan(request)

    async def _read_rollback(self, request: ActionRequest, source: ActingSource) -> Plan:
        """Where the source does not go back by itself and the config says what is started for it."""
        environment = await self._poller.ask(HistoryOf(request.target))
        version = request.value("version")
        deployment = model_rules.deployment_of(environment, version)
        way = deployment.rollback if deployment is not None else None
        if deployment is None or way is None or not way.possible or way.target is None:
            nowhere = f"there is no {version or 'earlier version'} to go back to"
            why = way.words if way is not None else nowhere
            return Plan(request, f"Roll back {request.target}", possible=False, why_not=why)
        options = ("version", REJECT_WAITING)
        given = {name: value for name, value in request.values if name not in options} | dict(way.parameters)
        plan = await source.plan(
            ActionRequest(ActionKind.TRIGGER, way.target, tuple(given.items()), request.reason)
        )
        now = environment_state(environment.deployments)
        here = now.canary or now.stable
        facts = [("version", f"{here.version if here is not None else 'nothing'} → {deployment.version}")]
        fields = tuple(field for field in plan.fields if field.name not in dict(way.parameters))
        if (canary := now.canary) is not None:
            facts.append(("canary", f"{canary.version} goes; {deployment.version} was there before it"))
            if canary.status is Status.WAITING and canary.run is not None:
                plan = await self._with_rejection(plan, request, canary.run.of_run, source)
                fields = (_reject_waiting(canary.run.of_run), *fields)
        return msgspec.structs.replace(
            plan,
            request=request,
            words=f"Put {deployment.version} back into {request.target}: {plan.words}",
            environment=request.target.environment or "",
            facts=(*facts, *plan.facts),
            fields=fields,
        )

    async def _with_rejection(
        self, plan: Plan, request: ActionRequest, run: Address, source: ActingSource
    ) -> Plan:
        """``plan``, with rejecting the gate that ``run`` waits at as its first step where that is wished for: a job
        that runs one build at a time starts nothing before that one has ended."""
        if request.value(REJECT_WAITING) != "true":
            warning = f"{run} goes on waiting at its gate: reject that, too, or this may wait behind it"
            return msgspec.structs.replace(plan, warnings=(*plan.warnings, warning))
        reject = await source.plan(ActionRequest(ActionKind.REJECT, run, reason=request.reason))
        if not reject.possible:
            why = f"the gate that {run} waits at cannot be rejected: {reject.why_not}"
            return msgspec.structs.replace(plan, possible=False, why_not=why, steps=())
        return msgspec.structs.replace(
            plan,
            words=f"{reject.words}, then: {plan.words}",
            warnings=(*reject.warnings, *(warning for warning in plan.warnings if str(run) not in warning)),
            steps=(*reject.steps, *plan.steps) if plan.possible else (),
        )

    async def production(self, plan: Plan) -> str:
        """The name of the environment that ``plan`` would change, where that is production or may be."""
        target = plan.request.target
        names = model_rules.environments(self._settings, plan)
        for name in names:
            if among(self._settings.safety.production, names_of(target, (name,))):
                return name
        settings = self._settings.sources.get(target.source)
        if settings is not None and not settings.knows_tiers:
            return ""
        for name in names:
            tier = await self._tier(Address(target.source, target.path, environment=name))
            if tier in (None, "production"):
                return name
        return ""

    async def _tier(self, environment: Address) -> str | None:
        """Its tier, asked for by itself: in a list that is cut off it may be missing. None: it could not be read."""
        try:
            source = await self._sources.get(environment.source, ActingSource)
            return await source.tier(environment) if isinstance(source, TieringSource) else None
        except SourceError:
            return None

    async def named(self, request: ActionRequest) -> ActionRequest:
        """``request`` by its right name, its gates read where none of them is listed: a canary is promoted by whatever
        address.

        Raises:
            SourceError
        """
        target = request.target
        may = request.kind is ActionKind.APPROVE and target.run is not None
        if may and model_rules.canary_gates(self._settings, target) != () and not self._listed(target):
            await self._poller.ask(RunAt(target.of_run))
        return self.as_promotion(request)

    def as_promotion(self, request: ActionRequest) -> ActionRequest:
        """Letting a canary go on is called promoting it, and takes what promoting takes."""
        if request.kind is not ActionKind.APPROVE or not self._is_promotion(request.target):
            return request
        return msgspec.structs.replace(request, kind=ActionKind.PROMOTE)

    def _is_promotion(self, gate: Address) -> bool:
        """Whether a canary waits at ``gate``, as far as was read; before an environment it may be nothing else."""
        if gate.environment is not None:
            return True
        found = self._listed(gate) or [Gate(gate, gate.job or gate.gate or "")]
        return any(model_rules.promotes(self._settings, gate) for gate in found)

    def rows(self, target: Address) -> tuple[Pipeline, ...]:
        """The rows of the list that ``target`` may be in: that of its run, or all of its pipeline."""
        listing = self._own.get(PipelinesOf(target.source)).value
        found = tuple(
            pipeline
            for pipeline in (listing.pipelines if listing is not None else ())
            if pipeline.address == target.pipeline
        )
        if target.run is None:
            return found
        return tuple(row for row in found if any(run.address == target.of_run for run in row.runs))

    def listed_gates(self, target: Address) -> tuple[Address, ...]:
        """What waits for a person in the job that ``target`` is, or else in its run; as it is listed. Where the run
        waits for some of it, those are meant."""
        found = self._listed(target) or self._listed(target.of_run)
        meant = [waiting for waiting in found if waiting.blocking] or found
        return tuple(dict.fromkeys(waiting.address for waiting in meant))

    def _listed(self, target: Address) -> list[Gate]:
        """What waits at ``target``: by the list, or else by its run where that was read."""
        own = self._own
        listing, read = own.get(PipelinesOf(target.source)).value, own.get(RunAt(target.of_run)).value
        runs = [run for run in runs_in(listing, (target.pipeline,)) if run.address == target.of_run]
        for run in (*runs, *((read,) if read is not None else ())):
            found = [
                gate
                for gate in run.gates
                if target.job in (None, gate.address.job) and target.gate in (None, gate.address.gate)
            ]
            if found:
                return found
        return []


def _reject_waiting(run: Address) -> ActionField:
    return ActionField(REJECT_WAITING, "boolean", "false", help=f"first reject the gate that {run} waits at")


async def _account(source: ActingSource) -> str:
    """Empty where the server does not tell: it is for the journal, and keeps nobody from acting."""
    try:
        return clean(await source.account()) if isinstance(source, AccountSource) else ""
    except SourceError:
        return ""


def names_of(address: Address, environments: Iterable[str]) -> tuple[str, ...]:
    """Environments by name, and by address: what the globs of ``[safety]`` may mean."""
    places = (Address(address.source, address.path, environment=name) for name in environments)
    return tuple(text for place in places for text in (place.environment or "", *place.spellings))
