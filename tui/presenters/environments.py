"""What is where, as lines of short texts: what the deployments pane and ``pipedeck environments`` both show.

Pure functions of settings, domain values and a time; no colours, no widths.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from tui.config import ModelSettings, Settings
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.pipeline import Pipeline
from tui.domain.status import Status
from tui.insight.environment_state import (
    EnvironmentState,
    LiveColour,
    colours,
    environment_state,
    live_of,
    newest_first,
)
from tui.presenters.pipelines import status_word
from tui.text import format as fmt

_TIERS = ("production", "staging", "testing", "development")
SHORT = 8

Part = Literal["stable", "canary", "coming", "failed", "colour", "past"]


class EnvironmentGroup(msgspec.Struct, frozen=True):
    """What is shown together: a model, or a pipeline of none."""

    key: str
    title: str
    pipelines: tuple[Address, ...]
    """Which of its pipelines are asked for their environments."""
    members: tuple[Address, ...]
    """All its pipelines."""
    model: str = ""
    """Its name in the config; empty for a pipeline by itself."""


def group_of(pipeline: Pipeline, pipelines: Iterable[Pipeline], settings: Settings) -> EnvironmentGroup:
    """The model that ships ``pipeline``, with all its pipelines; without one the pipeline alone."""
    for name, model in settings.models.items():
        if _ships(model, pipeline.address):
            return model_group(name, model, pipelines, settings)
    address = pipeline.address
    return EnvironmentGroup(f"group {address}", str(address), (address,), (address,))


def all_groups(pipelines: Sequence[Pipeline], settings: Settings) -> tuple[EnvironmentGroup, ...]:
    """Every model, then every pipeline that no model has and that may deploy."""
    groups = [model_group(name, model, pipelines, settings) for name, model in settings.models.items()]
    shipped = {address for group in groups for address in group.members}
    rest = dict.fromkeys(
        each.address for each in pipelines if each.address not in shipped and _deploys(each.address, settings)
    )
    groups += [EnvironmentGroup(f"group {address}", str(address), (address,), (address,)) for address in rest]
    return tuple(group for group in groups if group.pipelines)


def model_group(
    name: str, model: ModelSettings, pipelines: Iterable[Pipeline], settings: Settings
) -> EnvironmentGroup:
    """A model with those of ``pipelines`` that ship it."""
    members = tuple(dict.fromkeys(each.address for each in pipelines if _ships(model, each.address)))
    # A job that no rule covers is not asked where others may deploy: it trains or builds.
    deploying = tuple(address for address in members if _deploys(address, settings))
    return EnvironmentGroup(f"model {name}", model.title or name, deploying or members, members, name)


def _ships(model: ModelSettings, address: Address) -> bool:
    return model.ships(address)


def _deploys(address: Address, settings: Settings) -> bool:
    source = settings.sources.get(address.source)
    return source is None or source.deploys(address.path)


class EnvironmentPlace(msgspec.Struct, frozen=True):
    """One environment of a group, and what stands there."""

    environment: Environment
    standing: EnvironmentState
    live: bool | None = None
    """Of a blue-green pair: whether it has the traffic; None where that is not known, or it is of no pair."""
    why: str = ""
    """How that was told."""

    @property
    def traffic(self) -> str:
        if self.live is None:
            return ""
        return f"has the traffic: {self.why}" if self.live else "idle"


def places(
    found: Iterable[Environments], past: Mapping[Address, Environment], model: ModelSettings | None
) -> tuple[EnvironmentPlace, ...]:
    """The environments of a group, each once: production first, what is stopped last.

    Args:
        past: what is known of the past of some of them.
    """
    merged: dict[Address, Environment] = {}
    for answer in found:
        for each in answer.environments:
            known = merged.get(each.address)
            merged[each.address] = _merged(each, known) if known else each
    for address, environment in past.items():
        if address in merged:
            merged[address] = _merged(merged[address], environment)
    ordered = sorted(merged.values(), key=_order)
    live = _live(ordered, model)
    pair = model.blue_green if model is not None else None
    return tuple(
        EnvironmentPlace(each, environment_state(each.deployments), each.name == live.name, live.why)
        if live is not None and pair is not None and each.name in pair
        else EnvironmentPlace(each, environment_state(each.deployments))
        for each in ordered
    )


def front_place(found: Sequence[EnvironmentPlace], model: ModelSettings | None) -> EnvironmentPlace | None:
    """The environment that counts: the model's own, else the first one for production."""
    if model is not None and model.environment:
        for each in found:
            if each.environment.name == model.environment:
                return each
    return next((each for each in found if each.environment.tier == "production"), None)


def _merged(now: Environment, past: Environment) -> Environment:
    """``now`` with what only its past tells: older deployments, and to which one can go back."""
    known = {each.id: each for each in past.deployments}
    newer = [
        msgspec.structs.replace(
            each,
            rollback=each.rollback or known[each.id].rollback,
            committed_at=each.committed_at or known[each.id].committed_at,
            waits_for=known[each.id].waits_for if each.status is known[each.id].status else each.waits_for,
        )
        if each.id in known
        else each
        for each in now.deployments
    ]
    ids = {each.id for each in newer}
    deployments = newest_first((*newer, *(each for each in past.deployments if each.id not in ids)))
    notes = tuple(dict.fromkeys((*now.notes, *past.notes)))
    return msgspec.structs.replace(now, deployments=deployments, read_since=past.read_since, notes=notes)


def _order(environment: Environment) -> tuple[object, ...]:
    tier = _TIERS.index(environment.tier) if environment.tier in _TIERS else len(_TIERS)
    return environment.stopped, tier, environment.name, environment.address


def _live(environments: Sequence[Environment], model: ModelSettings | None) -> LiveColour | None:
    if model is None or model.blue_green is None:
        return None
    halves = [each for each in environments if each.name in model.blue_green]
    front = [each for each in environments if each.name == model.environment and each not in halves]
    return live_of(halves, front[0] if front else None)


# --- lines --------------------------------------------------------------------------------------------------------


class EnvironmentLine(msgspec.Struct, frozen=True):
    """One row: an environment with its stable version, or another deployment of it."""

    key: str
    part: Part
    prefix: str
    """Tree lines drawn before the place."""
    place: str
    version: str
    commit: str
    """Empty where the version is the commit."""
    status: Status | None
    """None where nothing was ever deployed."""
    state: str
    """The status in a word, and what is waited for."""
    who: str
    age: str
    traffic: str
    run: str
    note: str
    """What can be done with it, or why not."""
    dim: bool
    environment: Environment
    deployment: Deployment | None


NOTHING = "nothing yet"
STOPPED = "stopped"


def place_lines(place: EnvironmentPlace, now: float, *, past: bool) -> list[EnvironmentLine]:
    """The lines of one environment, its stable version first; with its past if ``past``."""
    below = list(_below(place, past=past))
    lines = [_first(place, now)]
    for number, (part, name, deployment, traffic) in enumerate(below):
        last = number == len(below) - 1
        lines.append(_line(place.environment, part, name, deployment, traffic, now, last=last))
    return lines


def _first(place: EnvironmentPlace, now: float) -> EnvironmentLine:
    environment, what = place.environment, place.standing
    stable = what.stable
    share = what.stable_share
    state = STOPPED if environment.stopped else "" if stable else NOTHING
    colour = f"{stable.colour}" if stable and stable.colour else ""
    return EnvironmentLine(
        key=str(environment.address),
        part="stable",
        prefix="",
        place=environment.name,
        version=stable.version if stable else "",
        commit=_commit(stable) if stable else "",
        status=None if environment.stopped or stable is None else stable.status,
        state=state or "stable",
        who=stable.who if stable else "",
        age=_age(stable, now),
        traffic=_percent(share) if what.canary is not None and share is not None else "",
        run=str(stable.run) if stable and stable.run else "",
        note=place.traffic or (f"{colour} has the traffic" if colour else ""),
        dim=environment.stopped or place.live is False,
        environment=environment,
        deployment=stable,
    )


def _below(place: EnvironmentPlace, *, past: bool) -> Iterator[tuple[Part, str, Deployment, str]]:
    environment, what = place.environment, place.standing
    shown = {what.stable.id} if what.stable else set()
    for each in what.coming:
        shown.add(each.id)
        yield "coming", "next", each, ""
    if what.canary is not None:
        shown.add(what.canary.id)
        share = what.canary.share
        yield "canary", "canary", what.canary, "?" if share is None else _percent(share)
    if what.failed is not None:
        shown.add(what.failed.id)
        yield "failed", "failed", what.failed, ""
    for colour, each in colours(environment.deployments):
        if each.id not in shown:
            shown.add(each.id)
            yield "colour", colour, each, "idle"
    if past:
        # A canary that became the stable version is in its past once, not twice.
        placed = {each.version for each in environment.deployments if not each.canary}
        for each in environment.deployments:
            if each.id not in shown and not (each.canary and each.version in placed):
                yield "past", "before", each, ""


def _line(
    environment: Environment,
    part: Part,
    name: str,
    deployment: Deployment,
    traffic: str,
    now: float,
    *,
    last: bool,
) -> EnvironmentLine:
    word = status_word(deployment.status, deployment.vendor_status)
    waits = f": {deployment.waits_for}" if deployment.waits_for else ""
    rollback = deployment.rollback if part in ("past", "colour") else None
    note = ""
    if rollback is not None:
        note = "can go back to it" if rollback.possible else rollback.words
    return EnvironmentLine(
        key=f"{environment.address} {deployment.id}",
        part=part,
        prefix="└─ " if last else "├─ ",
        place=name,
        version=deployment.version,
        commit=_commit(deployment),
        status=deployment.status,
        state=f"{word}{waits}",
        who=deployment.who,
        age=_age(deployment, now),
        traffic=traffic,
        run=str(deployment.run) if deployment.run else "",
        note=note,
        dim=part == "past",
        environment=environment,
        deployment=deployment,
    )


def _commit(deployment: Deployment) -> str:
    short = deployment.revision[:SHORT]
    return "" if deployment.revision.startswith(deployment.version) else short


def _percent(share: float) -> str:
    return f"{share:g}%"


def _age(deployment: Deployment | None, now: float) -> str:
    if deployment is None:
        return ""
    at = deployment.finished_at if deployment.finished_at is not None else deployment.started_at
    return "" if at is None else fmt.ago(now - at)
