"""Which environments a model, or a pipeline of none, has: whose they are, and what stands in each of them.

Pure functions of the domain; of the settings they see only what :class:`ModelScope` and :class:`DeployScope` name.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Environment, Environments
from tui.domain.pipeline import Pipeline
from tui.insight.environment_state import (
    EnvironmentState,
    LiveColour,
    environment_state,
    live_of,
    newest_first,
)

_TIERS = ("production", "staging", "testing", "development")


class ModelScope(Protocol):
    """What of a model's settings says what belongs to it."""

    @property
    def title(self) -> str: ...

    @property
    def environment(self) -> str:
        """The name of the environment that counts; empty: not named."""

    @property
    def blue_green(self) -> tuple[str, str] | None:
        """Two environments of which one has the traffic."""

    def ships(self, pipeline: Address) -> bool:
        """Whether the pipeline of that address is one of its own."""


class SourceScope(Protocol):
    """What of a source's settings says where it deploys."""

    def deploys(self, path: str) -> bool:
        """Whether the pipeline of that path may put versions somewhere."""


class DeployScope(Protocol):
    """What of all settings says which pipelines ship what."""

    @property
    def models(self) -> Mapping[str, ModelScope]: ...

    @property
    def sources(self) -> Mapping[str, SourceScope]: ...


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


def group_of(pipeline: Pipeline, pipelines: Iterable[Pipeline], settings: DeployScope) -> EnvironmentGroup:
    """The model that ships ``pipeline``, with all its pipelines; without one the pipeline alone."""
    for name, model in settings.models.items():
        if _ships(model, pipeline.address):
            return model_group(name, model, pipelines, settings)
    address = pipeline.address
    return EnvironmentGroup(f"group {address}", str(address), (address,), (address,))


def all_groups(pipelines: Sequence[Pipeline], settings: DeployScope) -> tuple[EnvironmentGroup, ...]:
    """Every model, then every pipeline that no model has and that may deploy."""
    groups = [model_group(name, model, pipelines, settings) for name, model in settings.models.items()]
    shipped = {address for group in groups for address in group.members}
    rest = dict.fromkeys(
        pipeline.address
        for pipeline in pipelines
        if pipeline.address not in shipped and _deploys(pipeline.address, settings)
    )
    groups += [EnvironmentGroup(f"group {address}", str(address), (address,), (address,)) for address in rest]
    return tuple(group for group in groups if group.pipelines)


def model_group(
    name: str, model: ModelScope, pipelines: Iterable[Pipeline], settings: DeployScope
) -> EnvironmentGroup:
    """A model with those of ``pipelines`` that ship it."""
    members = tuple(
        dict.fromkeys(pipeline.address for pipeline in pipelines if _ships(model, pipeline.address))
    )
    # A job that no rule covers is not asked where others may deploy: it trains or builds.
    deploying = tuple(address for address in members if _deploys(address, settings))
    return EnvironmentGroup(f"model {name}", model.title or name, deploying or members, members, name)


def _ships(model: ModelScope, address: Address) -> bool:
    return model.ships(address)


def _deploys(address: Address, settings: DeployScope) -> bool:
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
    found: Iterable[Environments], past: Mapping[Address, Environment], model: ModelScope | None
) -> tuple[EnvironmentPlace, ...]:
    """The environments of a group, each once: production first, what is stopped last.

    Args:
        past: what is known of the past of some of them.
    """
    merged: dict[Address, Environment] = {}
    for answer in found:
        for listed in answer.environments:
            known = merged.get(listed.address)
            merged[listed.address] = _merged(listed, known) if known else listed
    for address, environment in past.items():
        if address in merged:
            merged[address] = _merged(merged[address], environment)
    ordered = sorted(merged.values(), key=_order)
    live = _live(ordered, model)
    pair = model.blue_green if model is not None else None
    return tuple(
        EnvironmentPlace(
            environment, environment_state(environment.deployments), environment.name == live.name, live.why
        )
        if live is not None and pair is not None and environment.name in pair
        else EnvironmentPlace(environment, environment_state(environment.deployments))
        for environment in ordered
    )


def front_place(found: Sequence[EnvironmentPlace], model: ModelScope | None) -> EnvironmentPlace | None:
    """The environment that counts: the model's own, else the first one for production."""
    if model is not None and model.environment:
        for place in found:
            if place.environment.name == model.environment:
                return place
    return next((place for place in found if place.environment.tier == "production"), None)


def _merged(now: Environment, past: Environment) -> Environment:
    """``now`` with what only its past tells: older deployments, and to which one can go back."""
    known = {deployment.id: deployment for deployment in past.deployments}
    newer = [
        msgspec.structs.replace(
            deployment,
            rollback=deployment.rollback or known[deployment.id].rollback,
            committed_at=deployment.committed_at or known[deployment.id].committed_at,
            waits_for=known[deployment.id].waits_for
            if deployment.status is known[deployment.id].status
            else deployment.waits_for,
        )
        if deployment.id in known
        else deployment
        for deployment in now.deployments
    ]
    ids = {deployment.id for deployment in newer}
    deployments = newest_first(
        (*newer, *(deployment for deployment in past.deployments if deployment.id not in ids))
    )
    notes = tuple(dict.fromkeys((*now.notes, *past.notes)))
    return msgspec.structs.replace(now, deployments=deployments, read_since=past.read_since, notes=notes)


def _order(environment: Environment) -> tuple[object, ...]:
    tier = _TIERS.index(environment.tier) if environment.tier in _TIERS else len(_TIERS)
    return environment.stopped, tier, environment.name, environment.address


def _live(environments: Sequence[Environment], model: ModelScope | None) -> LiveColour | None:
    if model is None or model.blue_green is None:
        return None
    halves = [environment for environment in environments if environment.name in model.blue_green]
    front = [
        environment
        for environment in environments
        if environment.name == model.environment and environment not in halves
    ]
    return live_of(halves, front[0] if front else None)
