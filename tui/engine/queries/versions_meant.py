"""Which two versions of a registry are meant: the one that is deployed, and the one that would be."""

from collections.abc import Mapping

import msgspec

from tui.config import RegistrySettings
from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Deployment, Environment
from tui.engine.queries.base import Context
from tui.engine.queries.versions import front_of
from tui.insight.deployed_version import LinkedVersion, linked_version, made_at_commit
from tui.insight.deployed_version import newest as newest_version
from tui.sources.base import RegistrySource, SourceError

LOOKED_AT = 10
"""Versions, the newest, whose commits are compared with that of a deployment: each costs a request."""


class Front(msgspec.Struct, frozen=True):
    """What is deployed of a model, as far as that could be read."""

    environment: Environment | None = None
    stable: Deployment | None = None
    canary: Deployment | None = None
    notes: tuple[str, ...] = ()


class VersionsMeant(msgspec.Struct, frozen=True):
    pair: tuple[LinkedVersion, LinkedVersion]
    """What is deployed, and the candidate."""
    front: Front
    aliases: Mapping[str, str]


async def front(model: str, context: Context) -> Front:
    """Does not raise."""
    if not context.settings.models[model].sources:
        return Front()
    try:
        place = await front_of(context.settings, model, context.read)
    except SourceError as error:
        return Front(notes=(f"what is deployed could not be read: {error.message}",))
    if place is None:
        return Front(notes=("no environment of it was found: what is deployed is not known",))
    return Front(place.environment, place.standing.stable, place.standing.canary)


async def versions_meant(
    model: str, registry: RegistrySettings, named: tuple[str, str], context: Context
) -> VersionsMeant:
    """
    Args:
        named: versions or aliases; empty ones are found by what is deployed.

    Raises:
        SourceError
    """
    source = await context.sources.get(registry.source, RegistrySource)
    aliases = await source.aliases(registry.model)
    there = await front(model, context)
    has_aliases = context.settings.sources[registry.source].names_versions
    newest: tuple[RegisteredVersion, ...] = ()
    if not has_aliases or (there.stable and not named[0]) or (there.canary and not named[1]):
        newest = await source.newest_versions(registry.model)

    async def meant(named: str, deployment: Deployment | None, alias: str) -> LinkedVersion:
        if named:
            name = named.removeprefix("@")
            return LinkedVersion(aliases.get(name, name), "as named")
        if deployment is not None:
            found = linked_version(registry.model, deployment.version, newest)
            if not found.version and not found.basis and deployment.revision:
                at_commit = await source.made_at(newest[:LOOKED_AT], deployment.revision)
                found = made_at_commit(at_commit)
            if found.version or found.basis or not has_aliases:
                return found
        by = f"by the alias {alias}" + (", not by the deployment" if deployment is not None else "")
        return LinkedVersion(aliases[alias], by) if alias in aliases else LinkedVersion()

    deployed = await meant(named[0], there.stable, registry.champion)
    candidate = await meant(named[1], there.canary, registry.candidate)
    if not has_aliases and not named[1] and there.canary is None:
        candidate, note = newest_version(newest)
        if note:
            there = msgspec.structs.replace(there, notes=(*there.notes, note))
    return VersionsMeant((deployed, candidate), there, aliases)
