"""Which versions the baseline and the canary of a model are: as the config names them, else as they stand in its
environment."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from tui.config import Settings, TrackSettings
from tui.domain.deployment import Deployment
from tui.domain.query_template import TemplateError
from tui.engine.queries.base import Query, ReadQuery
from tui.engine.queries.deployments import EnvironmentsOf
from tui.engine.queries.pipelines import PipelinesOf
from tui.sources.base import SourceError

T = TypeVar("T")


async def with_versions(
    settings: Settings, model: str, metrics: Iterable[str], known: ReadQuery, *, named: bool = False
) -> Settings:
    """``settings`` with the versions of ``model``, if the queries of ``metrics`` use those and the config names none.

    Args:
        named: they are told to people, too: good to have where the queries do without.

    Raises:
        SourceError: where the model stands could not be read, and the queries need it.
    """
    its = settings.models[model]
    needed = any(_asks(settings, each) for each in metrics)
    if (its.baseline.version and its.canary.version) or not (needed or named):
        return settings
    try:
        return await _as_deployed(settings, model, known)
    except SourceError:
        if needed:
            raise
        return settings


async def _as_deployed(settings: Settings, model: str, known: ReadQuery) -> Settings:
    """Raises: SourceError."""
    from tui.insight.environments import front_place, model_group, places  # not with the first frame

    its = settings.models[model]
    listings, lost = await _all(known, [PipelinesOf(name) for name in its.sources])
    pipelines = [each for listing in listings for each in listing.pipelines]
    group = model_group(model, its, pipelines, settings)
    answers, not_read = await _all(known, [EnvironmentsOf(each) for each in group.pipelines])
    front = front_place(places(answers, {}, its), its)
    if front is None:
        for error in (*lost, *not_read):
            raise error
        return settings
    now = front.standing
    standing_there = msgspec.structs.replace(
        its, baseline=_named(its.baseline, now.stable), canary=_named(its.canary, now.canary)
    )
    return msgspec.structs.replace(settings, models={**settings.models, model: standing_there})


def _named(track: TrackSettings, deployment: Deployment | None) -> TrackSettings:
    if track.version or deployment is None:
        return track
    return msgspec.structs.replace(track, version=deployment.version)


def _asks(settings: Settings, metric: str) -> bool:
    try:
        return metric in settings.metrics and "version" in settings.placeholders(metric)
    except TemplateError:
        return False


async def _all(known: ReadQuery, queries: list[Query[T]]) -> tuple[list[T], list[SourceError]]:
    """The answers there are, and why the others are missing."""
    found = await asyncio.gather(*map(known, queries), return_exceptions=True)
    answers: list[T] = []
    errors: list[SourceError] = []
    for each in found:
        if isinstance(each, SourceError):
            errors.append(each)
        elif isinstance(each, BaseException):
            raise each
        else:
            answers.append(each)
    return answers, errors
