"""The query for when something last happened for a model: training, evaluation, deployment, its schedule."""

from collections.abc import Iterable

import msgspec

from tui.config import ModelSettings, Settings
from tui.domain.absence import LastSeen, Recurring
from tui.domain.pipeline import Pipeline, Run
from tui.domain.status import Status
from tui.engine.queries.base import Context, Query
from tui.engine.queries.deployments import HistoryOf
from tui.engine.queries.evaluations import EvaluationOf
from tui.engine.queries.pipelines import PipelinesOf
from tui.engine.queries.versions import front_of
from tui.insight.absence import by_the_clock, of_deployments, of_runs, of_trainings
from tui.sources.base import RegistrySource, SourceError, TrainingSource

PATIENT = 300.0
"""Seconds between two looks for what is missed after hours."""
MOST_RUNS = 5
"""Runs, the newest, whose reports are looked for: each costs a request or two."""
_ENDED_BADLY = (Status.FAILED, Status.CANCELED)


class LastOf(Query[LastSeen], frozen=True):
    model: str
    of: Recurring

    def source(self, settings: Settings) -> str | None:
        """None: it asks other questions, of whichever sources."""
        return None

    async def fetch(self, context: Context) -> LastSeen:
        """Does not raise for a source: what cannot be read is no absence."""
        model = context.settings.models[self.model]
        try:
            match self.of:
                case "training":
                    return await _training(self.model, model, context)
                case "evaluation":
                    return await _evaluation(model, context)
                case "deployment":
                    return await _deployment(self.model, context)
                case "schedule":
                    pipelines, why = await _pipelines(model.pipelines, context)
                    return _unless(why, of_runs(pipelines, by_the_clock, lambda run: False))
        except SourceError as error:
            return LastSeen(why=error.message)

    def wait(self, answer: LastSeen) -> float:
        return PATIENT


async def _training(name: str, model: ModelSettings, context: Context) -> LastSeen:
    """By the first of these that the config has: the runs of its experiments, the pipeline that trains it, the
    versions that were registered."""
    if model.training is not None:
        source = await context.sources.get(model.training.source, TrainingSource)
        experiments = model.training.experiments
        finished = await source.trained_last(experiments)
        found = of_trainings(finished, await source.training_lately(experiments))
        return _ours(found, model.training.source, context)
    if model.retrain is not None:
        launch = model.retrain
        pipelines, why = await _pipelines((launch.pipeline,), context)
        if launch.ref:
            pipelines = [each for each in pipelines if each.ref in ("", launch.ref)]
            if not pipelines and not why:
                why = f"{launch.pipeline} {launch.ref} is not in the list"
        return _unless(
            why,
            of_runs(
                pipelines, lambda run: run.status is Status.PASSED, lambda run: run.status in _ENDED_BADLY
            ),
        )
    registry = model.registry
    if registry is None:
        return LastSeen(why=f"nothing in [models.{name}] tells when it is trained")
    known = await context.sources.get(registry.source, RegistrySource)
    await known.aliases(registry.model)  # refused where one may not see it; the search would be empty
    newest = await known.newest_versions(registry.model)
    times = [(each.created_at, each.version) for each in newest if each.created_at is not None]
    if newest and not times:
        return LastSeen(why=f"the registry does not tell when versions of {registry.model} were made")
    at, version = max(times, default=(None, ""))
    return _ours(LastSeen(at, f"version {version} was registered", 0.0), registry.source, context)


async def _evaluation(model: ModelSettings, context: Context) -> LastSeen:
    pipelines, why = await _pipelines(model.pipelines, context)
    runs = [run for pipeline in pipelines for run in pipeline.runs if run.status.finished]
    runs.sort(key=lambda run: -(run.started_at or run.created_at or 0.0))
    covered = max((_oldest(pipeline) for pipeline in pipelines), default=0.0)
    failed = 0
    for number, run in enumerate(runs[:MOST_RUNS]):
        for file in model.evidence:
            query = EvaluationOf(run.address, file)
            known = context.store.get(query).value
            if known is None or not (known.cases or known.missing):
                known = await context.read(query)
            if known.cases:
                at = (run.started_at or run.created_at or 0.0) + (run.duration or 0.0)
                return _unless(why, LastSeen(at, f"{file} of {run.address}", covered, tried=failed))
            if not known.missing:
                return LastSeen(why=f"{file} of {run.address}: {known.problem}")
        failed += 1
        if number == MOST_RUNS - 1 and len(runs) > MOST_RUNS:
            covered = max(covered, run.started_at or run.created_at or 0.0)
    return _unless(why, LastSeen(None, "", covered, tried=failed))


async def _deployment(name: str, context: Context) -> LastSeen:
    front = await front_of(context.settings, name, context.read)
    if front is None:
        return LastSeen(why="no environment of it was found")
    found = of_deployments(front.environment)
    if found.at is None:
        found = of_deployments(await context.read(HistoryOf(front.environment.address)))
    return _ours(found, front.environment.address.source, context)


async def _pipelines(globs: Iterable[str], context: Context) -> tuple[list[Pipeline], str]:
    """Those in the lists that fit, by our clock, and why not all are there: one that is missing may be another's.

    Raises:
        SourceError
    """
    found: list[Pipeline] = []
    why = ""
    for glob in globs:
        source = glob.partition(":")[0]
        listing = await context.read(PipelinesOf(source))
        fitting = [each for each in listing.pipelines if each.address.fits(glob)]
        if not fitting:
            why = f"{glob} is not in the list of {source}: it is not watched, or must not be seen"
        found += [_by_our_clock(each, context) for each in fitting]
    return list(dict.fromkeys(found)), why


def _by_our_clock(pipeline: Pipeline, context: Context) -> Pipeline:
    def moved(run: Run) -> Run:
        def ours(at: float | None) -> float | None:
            return context.sources.ours(run.address.source, at) if at is not None else None

        return msgspec.structs.replace(run, created_at=ours(run.created_at), started_at=ours(run.started_at))

    return msgspec.structs.replace(pipeline, runs=tuple(map(moved, pipeline.runs)))


def _oldest(pipeline: Pipeline) -> float:
    times = [at for run in pipeline.runs if (at := run.created_at or run.started_at) is not None]
    return min(times, default=0.0)


def _unless(why: str, found: LastSeen) -> LastSeen:
    """What was found shows that it is fresh, but never that it is not, while something is missing."""
    return msgspec.structs.replace(found, covered=None, why=why) if why else found


def _ours(found: LastSeen, source: str, context: Context) -> LastSeen:
    if found.at is None:
        return found
    return msgspec.structs.replace(found, at=context.sources.ours(source, found.at))
