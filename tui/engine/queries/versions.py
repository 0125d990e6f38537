"""Which versions the baseline and the canary of a model are, and since when the canary is there: as the config names
them, else as they stand in the model's environment."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tui.config import Settings, TrackSettings
from tui.domain.deployment import Deployment
from tui.domain.query_template import TemplateError
from tui.engine.queries.base import Query, ReadQuery
from tui.engine.queries.deployments import EnvironmentsOf
from tui.engine.queries.pipelines import PipelinesOf
from tui.sources.base import SourceError

if TYPE_CHECKING:
    from tui.insight.environments import EnvironmentPlace

T = TypeVar("T")


class Versions(msgspec.Struct, frozen=True):
    settings: Settings
    """With the versions of the model, as far as they are known."""
    canary: Deployment | None = None
    """The canary that they name, where its deployment was read."""
    source: str = ""
    """Who told of it."""


async def with_versions(settings: Settings, model: str, metrics: Iterable[str], known: ReadQuery) -> Settings:
    """``settings`` with the versions of ``model``, if the queries of ``metrics`` use those and the config names none.

    Raises:
        SourceError: where the model stands could not be read.
    """
    if _named_both(settings, model) or not any(_asks(settings, metric) for metric in metrics):
        return settings
    return (await _as_deployed(settings, model, known)).settings


async def versions(settings: Settings, model: str, metrics: Iterable[str], known: ReadQuery) -> Versions:
    """The same with the canary's deployment, and also where the queries do without: for a verdict.

    Raises:
        SourceError: where the model stands could not be read, and the queries need it.
    """
    try:
        return await _as_deployed(settings, model, known)
    except SourceError:
        if not _named_both(settings, model) and any(_asks(settings, metric) for metric in metrics):
            raise
        return Versions(settings)


def _named_both(settings: Settings, model: str) -> bool:
    table = settings.models[model]
    return bool(table.baseline.version and table.canary.version)


async def front_of(settings: Settings, model: str, known: ReadQuery) -> "EnvironmentPlace | None":
    """The environment of ``model`` that counts, with what stands there; None where it has none.

    Raises:
        SourceError: it could not be read.
    """
    from tui.insight.environments import front_place, model_group, places  # not with the first frame

    model_settings = settings.models[model]
    listings, lost = await _all(known, [PipelinesOf(name) for name in model_settings.sources])
    pipelines = [pipeline for listing in listings for pipeline in listing.pipelines]
    group = model_group(model, model_settings, pipelines, settings)
    answers, not_read = await _all(known, [EnvironmentsOf(pipeline) for pipeline in group.pipelines])
    front = front_place(places(answers, {}, model_settings), model_settings)
    if front is None:
        for error in (*lost, *not_read):
            raise error
    return front


async def _as_deployed(settings: Settings, model: str, known: ReadQuery) -> Versions:
    """Raises: SourceError."""
    front = await front_of(settings, model, known)
    if front is None:
        return Versions(settings)
    model_settings = settings.models[model]
    now = front.standing
    standing_there = msgspec.structs.replace(
        model_settings,
        baseline=_named(model_settings.baseline, now.stable),
        canary=_named(model_settings.canary, now.canary),
    )
    meant = now.canary if now.canary and now.canary.version == standing_there.canary.version else None
    return Versions(
        msgspec.structs.replace(settings, models={**settings.models, model: standing_there}),
        meant,
        front.environment.address.source,
    )


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
    for answer in found:
        if isinstance(answer, SourceError):
            errors.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            answers.append(answer)
    return answers, errors
