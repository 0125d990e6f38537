"""What changed between two versions of a model: which two are meant, and what is read of both."""

from collections.abc import Iterator, Mapping

from tui.config import RegistrySettings, Settings
from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Deployment, Version
from tui.domain.model_comparison import ModelComparison, VersionRecord
from tui.engine.queries.base import STANDING, Context, Query
from tui.engine.queries.candidates import validation_rules
from tui.engine.queries.deployments import ChangesBetween
from tui.engine.queries.versions_meant import Front, versions_meant
from tui.engine.source_pool import misconfigured
from tui.insight.candidate import compare
from tui.insight.deployed_version import LinkedVersion
from tui.insight.model_comparison import Commits, differences
from tui.sources.base import RegistrySource, SourceError


class ComparisonOf(Query[ModelComparison], frozen=True):
    """What changed from one version to another: from what is deployed to the canary, or to the candidate of the
    registry where there is no canary, unless they are named."""

    model: str
    deployed: str = ""
    """A version or an alias of the registry; empty: what is deployed."""
    candidate: str = ""

    def source(self, settings: Settings) -> str | None:
        model = settings.models.get(self.model)
        return model.registry.source if model is not None and model.registry else None

    async def fetch(self, context: Context) -> ModelComparison:
        model = context.settings.models.get(self.model)
        if model is None or model.registry is None:
            raise misconfigured(f"the config has no registry in [models.{self.model}]")
        registry = model.registry
        source = await context.sources.get(registry.source, RegistrySource)
        found = await versions_meant(self.model, registry, (self.deployed, self.candidate), context)
        pair, front, aliases = found.pair, found.front, found.aliases
        has_aliases = context.settings.sources[registry.source].names_versions
        told = _notes(
            pair, (self.deployed, self.candidate), front, registry, aliases, has_aliases=has_aliases
        )
        notes = (*front.notes, *told)
        if not pair[0].version or not pair[1].version or pair[0].version == pair[1].version:
            records = [
                await source.recorded(registry.model, linked.version) if linked.version else None
                for linked in pair
            ]
            return ModelComparison(
                model=self.model,
                deployed=records[0],
                candidate=records[1],
                basis=(pair[0].basis, pair[1].basis),
                notes=notes,
            )
        # One after the other: two requests at once are all that a server with logins bears (contracts: model §3).
        old = await source.recorded(registry.model, pair[0].version)
        new = await source.recorded(registry.model, pair[1].version)
        candidacy = compare(
            self.model,
            registry.model,
            validation_rules(registry),
            ("", old.version),
            ("", new.version),
        )
        return ModelComparison(
            model=self.model,
            deployed=old,
            candidate=new,
            basis=(pair[0].basis, pair[1].basis),
            differences=differences(
                old,
                new,
                candidacy.metrics,
                await _commits(old, new, front, context),
                (await _job(old, context), await _job(new, context)),
                context.clock(),
            ),
            notes=(*notes, *candidacy.notes, *_drift(old, front.stable), *_drift(new, front.canary)),
        )

    def wait(self, answer: ModelComparison) -> float:
        return STANDING


class RegisteredVersions(Query[tuple[RegisteredVersion, ...]], frozen=True):
    """The versions of a model that were registered last, newest first."""

    model: str

    def source(self, settings: Settings) -> str | None:
        return ComparisonOf(self.model).source(settings)

    async def fetch(self, context: Context) -> tuple[RegisteredVersion, ...]:
        registry = context.settings.models[self.model].registry
        if registry is None:
            raise misconfigured(f"the config has no registry in [models.{self.model}]")
        source = await context.sources.get(registry.source, RegistrySource)
        return await source.newest_versions(registry.model)

    def wait(self, answer: tuple[RegisteredVersion, ...]) -> float:
        return STANDING


def _notes(
    pair: tuple[LinkedVersion, LinkedVersion],
    named: tuple[str, str],
    front: Front,
    registry: RegistrySettings,
    aliases: Mapping[str, str],
    *,
    has_aliases: bool,
) -> Iterator[str]:
    """Why there is nothing to compare, and where the deployments and the aliases do not agree."""
    sides = ((pair[0], front.stable, registry.champion), (pair[1], front.canary, registry.candidate))
    for (found, deployment, alias), name in zip(sides, named, strict=True):
        if not found.version and found.basis:
            yield f"{found.basis}; name one: pipedeck compare MODEL A B"
        elif not found.version and deployment is not None:
            nor = f", nor has one the alias {alias}" if has_aliases else ""
            yield f"no version of {registry.model} is {deployment.version}{nor}"
        elif not found.version and has_aliases:
            yield f"no version of {registry.model} has the alias {alias}"
        elif not found.version:
            yield f"of {registry.model} there is no version, or which one is deployed is not known"
        elif not name and deployment is not None and aliases.get(alias, found.version) != found.version:
            yield f"deployed is version {found.version}, {alias} is {aliases[alias]}"
    if pair[0].version and pair[0].version == pair[1].version:
        yield f"both are version {pair[0].version}"


async def _commits(old: VersionRecord, new: VersionRecord, front: Front, context: Context) -> Commits:
    """The commits between two versions, by the CI that deploys them."""
    if front.environment is None or not old.commit or not new.commit or old.commit == new.commit:
        return Commits()
    address = front.environment.address

    def version(record: VersionRecord) -> Version:
        deployments = (
            deployment
            for deployment in (front.stable, front.canary)
            if deployment and deployment.revision == record.commit
        )
        deployment = next(deployments, None)
        run = deployment.run.of_run if deployment is not None and deployment.run is not None else None
        return Version(address, record.commit, run)

    try:
        changes = await context.read(ChangesBetween(version(old), version(new)))
        return Commits(changes)
    except SourceError:
        return Commits(None, "the commits between could not be read")


async def _job(record: VersionRecord, context: Context) -> str:
    """The job that trained it, where it is one of a configured source: anybody can write an address into a tag."""
    address = await context.sources.address_of(record.job_url) if record.job_url else None
    return str(address) if address is not None else ""


def _drift(record: VersionRecord, deployment: Deployment | None) -> tuple[str, ...]:
    if deployment is None or not deployment.revision or not record.commit:
        return ()
    if deployment.revision == record.commit:
        return ()
    return (
        f"version {record.version.version} was trained at {record.commit[:8]}; "
        f"{deployment.version}, which is deployed, is of {deployment.revision[:8]}",
    )
