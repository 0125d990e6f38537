"""Candidates: what is read of a registry for the comparison with the champion."""

from tui.config import ModelSettings
from tui.domain.candidate import Candidacy
from tui.insight.candidate import compare
from tui.insight.judge import MetricRule
from tui.sources.base import RegistrySource


async def candidacy(name: str, model: ModelSettings, source: RegistrySource) -> Candidacy:
    """How the candidate of the model called ``name`` compares.

    Raises:
        SourceError
    """
    registry = model.registry
    assert registry is not None
    found = await source.registered(registry.model, (registry.champion, registry.candidate))
    rules = {
        metric: MetricRule(better=each.better, max_worse=each.margin, relative=each.relative)
        for metric, each in registry.metrics.items()
    }
    champion, candidate = ((alias, found.get(alias)) for alias in (registry.champion, registry.candidate))
    return compare(name, registry.model, rules, champion, candidate)
