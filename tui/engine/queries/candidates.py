"""Candidates: what is read of a registry for the comparison with the champion."""

import msgspec

from tui.config import ModelSettings, RegistrySettings, Settings
from tui.domain.candidate import Candidacy
from tui.engine.queries.base import STANDING, Context, Query
from tui.engine.queries.versions_meant import versions_meant
from tui.engine.source_pool import misconfigured
from tui.insight.candidate import compare
from tui.insight.judge import MetricRule
from tui.sources.base import RegistrySource


class CandidateOf(Query[Candidacy], frozen=True):
    """How a model's candidate in the registry compares with its champion."""

    model: str

    def source(self, settings: Settings) -> str | None:
        model = settings.models.get(self.model)
        return model.registry.source if model is not None and model.registry else None

    async def fetch(self, context: Context) -> Candidacy:
        model = context.settings.models.get(self.model)
        if model is None or model.registry is None:
            raise misconfigured(f"the config has no registry in [models.{self.model}]")
        registry = model.registry
        source = await context.sources.get(registry.source, RegistrySource)
        if context.settings.sources[registry.source].names_versions:
            return await candidacy(self.model, model, source)
        found = await versions_meant(self.model, registry, ("", ""), context)
        read = [
            (await source.recorded(registry.model, linked.version)).version if linked.version else None
            for linked in found.pair
        ]
        candidacy_found = compare(
            self.model,
            registry.model,
            validation_rules(registry),
            ("what is deployed", read[0]),
            ("the candidate", read[1]),
        )
        return msgspec.structs.replace(candidacy_found, called=("deployed", "candidate"))

    def wait(self, answer: Candidacy) -> float:
        return STANDING


async def candidacy(name: str, model: ModelSettings, source: RegistrySource) -> Candidacy:
    """How the candidate of the model called ``name`` compares.

    Raises:
        SourceError
    """
    registry = model.registry
    assert registry is not None
    found = await source.registered(registry.model, (registry.champion, registry.candidate))
    rules = validation_rules(registry)
    champion, candidate = ((alias, found.get(alias)) for alias in (registry.champion, registry.candidate))
    return compare(name, registry.model, rules, champion, candidate)


def validation_rules(registry: RegistrySettings) -> dict[str, MetricRule]:
    return {
        metric: MetricRule(better=each.better, max_worse=each.margin, relative=each.relative)
        for metric, each in registry.metrics.items()
    }
