"""What a key or a word means for a thing, and for several at once: the requests behind it, or why there are none."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from tui.domain.action import ActionKind, Offer
from tui.domain.action_kinds import ACTION_KINDS
from tui.domain.address import Address
from tui.engine.actions.service import ActionService, PreparedAction
from tui.sources.base import SourceError

WITH_A_USUAL_WAY = (ActionKind.RETRY, ActionKind.CANCEL)
"""Of several ways to do it the first that a source offers is the usual one: the whole run, the mildest level."""


class TargetOffers(msgspec.Struct, frozen=True):
    """What there is to do to one thing."""

    targets: tuple[Address, ...]
    """What it is done to: the gates of a run, the environments of a pipeline. More than one: nobody said which."""
    offers: tuple[Offer, ...] = ()
    """Of the one target."""
    problem: str = ""
    """Why they could not be read."""

    @property
    def possible(self) -> tuple[Offer, ...]:
        return tuple(offer for offer in self.offers if offer.possible)


class TargetPlan(msgspec.Struct, frozen=True):
    """One of several things."""

    target: Address
    prepared: PreparedAction | None = None
    why_not: str = ""
    """Why it is left out."""


async def aim(
    actions: ActionService, kind: ActionKind, target: Address, ref: str | None = None
) -> TargetOffers:
    """What ``kind`` would do to ``target``, or to what in it is meant. Does not raise.

    Args:
        ref: that of the row that a pipeline without a run is; None: nobody said which row.
    """
    try:
        await actions.look(target)
        targets = await _targets(actions, kind, target)
        if len(targets) != 1:
            return TargetOffers(targets)
        if kind is ActionKind.TRIGGER:
            rows = actions.plans.rows(target)
            refs = {row.ref for row in rows} if target.run is not None or ref is None else {ref}
            if len(refs) > 1:
                return TargetOffers(
                    targets, problem=f"it has a row for each of {len(refs)} refs: start it there"
                )
            if not refs and target.run is not None:
                targets = (target.of_run,)  # not listed any more: its source reads what it ran on
            offers = await actions.offers(targets[0], next(iter(refs), ""))
        else:
            offers = await actions.offers(targets[0])
    except SourceError as error:
        return TargetOffers((target,), problem=str(error))
    meant = (kind, *ACTION_KINDS[kind].also)
    return TargetOffers(targets, tuple(offer for offer in offers if offer.request.kind in meant))


async def prepare(
    actions: ActionService, kind: ActionKind, targets: Iterable[Address]
) -> tuple[TargetPlan, ...]:
    """A plan for each of ``targets``, or why it cannot be done together with the others. Does not raise."""
    items = await asyncio.gather(*(_prepared(actions, kind, target) for target in dict.fromkeys(targets)))
    return tuple({item.target: item for item in items}.values())


async def _targets(actions: ActionService, kind: ActionKind, target: Address) -> tuple[Address, ...]:
    match kind:
        case ActionKind.TRIGGER:
            return (target.pipeline,)
        case ActionKind.APPROVE | ActionKind.REJECT if target.gate is None and target.environment is None:
            return actions.plans.listed_gates(target) or (target,)
        case ActionKind.ROLLBACK if target.environment is None:
            found = await actions.environments(target.pipeline)
            return tuple(
                environment.address
                for environment in found.environments
                if environment.deployments and not environment.stopped
            )
    return (target,)


async def _prepared(actions: ActionService, kind: ActionKind, target: Address) -> TargetPlan:
    aimed = await aim(actions, kind, target)
    if len(aimed.targets) != 1:
        what = "environments" if kind is ActionKind.ROLLBACK else "gates"
        return TargetPlan(target, why_not=f"{len(aimed.targets) or 'no'} {what}: choose one there")
    (target,) = aimed.targets
    if not aimed.possible or (len(aimed.possible) > 1 and kind not in WITH_A_USUAL_WAY):
        reasons = [offer.why_not or "not now" for offer in aimed.offers if not offer.possible]
        why = "it can be done in more than one way" if aimed.possible else "; ".join(reasons)
        return TargetPlan(target, why_not=aimed.problem or why or f"there is nothing here to {kind.verb}")
    try:
        prepared = await actions.plan(aimed.possible[0].request)
    except SourceError as error:
        return TargetPlan(target, why_not=str(error))
    return TargetPlan(target, prepared, _separate_question_reason(prepared) or "")


def _separate_question_reason(prepared: PreparedAction) -> str | None:
    """Why it has to be asked by itself, or cannot be done at all; None: it may be one of several."""
    plan = prepared.plan
    if not plan.possible:
        return plan.why_not or "not now"
    if prepared.consent.doubt:
        return f"{prepared.consent.doubt}: that takes a question of its own"
    asked = ", ".join(plan.missing)
    return f"it asks for {asked}: that takes a question of its own" if asked else None


def able(items: Sequence[TargetPlan]) -> list[PreparedAction]:
    """The plans of those that can be carried out together."""
    return [item.prepared for item in items if item.prepared is not None and not item.why_not]
