"""The query for what is trained of a model."""

import msgspec

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.training import Curve, Point, Trainings
from tui.engine.queries.base import NEVER, STANDING, Context, Query
from tui.engine.source_pool import SourcePool, misconfigured
from tui.insight.training_links import Server
from tui.sources.base import RegistrySource, TrainingSource

TRAINS = 10.0
"""Seconds while something goes on: as often as MLflow's own page asks."""


ANEW = 600.0
"""Seconds after which a curve is read anew that is read on, and the champion's alias."""
DEAR = 600.0
"""Seconds after which it is where each reading takes over a second: a server that reads all of it each time."""
MOST_KEPT = 5000
"""Points of a curve."""


class TrainingOf(Query[Trainings], frozen=True):
    """What is being trained of a model, and was lately: a request every ten seconds while something is, and one a
    minute beside it."""

    model: str

    def source(self, settings: Settings) -> str | None:
        model = settings.models.get(self.model)
        return model.training.source if model is not None and model.training else None

    async def fetch(self, context: Context) -> Trainings:
        model = context.settings.models.get(self.model)
        if model is None or model.training is None:
            raise misconfigured(f"the config has no training in [models.{self.model}]")
        source = await context.sources.get(model.training.source, TrainingSource)
        experiments = model.training.experiments
        known = context.store.get(self).value or Trainings()
        running = await source.training_now(experiments)
        ids = {each.id for each in running}
        # What went on and does so no more has an end, which only the other list tells.
        ended = any(each.id not in ids for each in known.running)
        if not ended and context.clock() - known.recent_at < STANDING:
            return msgspec.structs.replace(known, running=running)
        return Trainings(running, await source.training_lately(experiments), context.clock())

    def wait(self, answer: Trainings) -> float:
        return TRAINS if answer.running else STANDING


class CurveOf(Query[Curve], frozen=True):
    """One metric of a training run of a model, read on from where it was read to."""

    model: str
    run: str
    metric: str

    def source(self, settings: Settings) -> str | None:
        return TrainingOf(self.model).source(settings)

    async def fetch(self, context: Context) -> Curve:
        source = await context.sources.get(self.source(context.settings), TrainingSource)
        runs = (await context.read(TrainingOf(self.model))).runs
        run = next((run for run in runs if run.id == self.run), None)
        known = context.store.get(self).value
        newest = run.metric(self.metric) if run is not None else None
        if run is None or not run.going_on or known is None:
            return await self._whole(source, context, final=run is None or not run.going_on)
        age = context.clock() - known.whole_at
        # What goes on from an earlier step is not behind the last one: all is read anew at times.
        if age >= ANEW:
            return await self._whole(source, context)
        if newest is None or newest.at is None or (known.points and newest.at <= known.points[-1].at):
            return known
        last = max((point.step for point in known.points), default=-1)
        if newest.step > last and await source.reads_on():
            more = await source.metric_history(self.run, self.metric, last)
            return _grown(known, more.points, sampled=more.sampled)
        if age >= (DEAR if known.took > 1.0 else STANDING):
            return await self._whole(source, context)
        return _grown(known, (Point(newest.step, newest.at, newest.value),), sampled=True)

    async def _whole(self, source: TrainingSource, context: Context, *, final: bool = False) -> Curve:
        found = await source.metric_history(self.run, self.metric)
        return Curve(self.run, self.metric, found.points, found.sampled, context.clock(), found.took, final)

    def wait(self, answer: Curve) -> float:
        return NEVER if answer.final else TRAINS


class ChampionCurveOf(Query[Curve], frozen=True):
    """The same metric of the run that made the champion; without points where there is none."""

    model: str
    metric: str

    def source(self, settings: Settings) -> str | None:
        return TrainingOf(self.model).source(settings)

    async def fetch(self, context: Context) -> Curve:
        model = context.settings.models[self.model]
        registry, training = model.registry, model.training
        nothing = Curve("", self.metric)
        if registry is None or training is None or registry.source != training.source:
            return nothing
        names = await context.sources.get(registry.source, RegistrySource)
        champion = (await names.aliases(registry.model)).get(registry.champion)
        if champion is None:
            return nothing
        versions = await names.newest_versions(registry.model)
        run = next((version.run for version in versions if version.version == champion), "")
        if not run:
            return nothing
        known = context.store.get(self).value
        if known is not None and known.run == run:
            return known
        source = await context.sources.get(training.source, TrainingSource)
        found = await source.metric_history(run, self.metric)
        return Curve(run, self.metric, found.points, found.sampled, context.clock(), found.took)

    def wait(self, answer: Curve) -> float:
        return ANEW


def _grown(known: Curve, more: tuple[Point, ...], *, sampled: bool) -> Curve:
    """With what came after; of very many points every other one."""
    points = (*known.points, *more)
    if len(points) > MOST_KEPT:
        points, sampled = (*points[:-1:2], points[-1]), True
    return msgspec.structs.replace(known, points=points, sampled=known.sampled or sampled)


def server_of(run: Address, pool: SourcePool) -> Server:
    """What is to be known of the source of ``run`` to link what is trained in it."""
    sources = pool.settings.sources
    of = sources.get(run.source)
    variable = of.job_variable if of is not None else ""
    same = sum(each.job_variable == variable for each in sources.values())
    return Server(of.base_url if of is not None else "", variable, same == 1)
