"""Queries for reports of evaluations: what one says, and which cases got worse than those of what is deployed."""

from functools import partial
from typing import ClassVar

from tui.config import ModelSettings, Settings
from tui.domain.address import Address
from tui.domain.deployment import Deployment
from tui.domain.evaluation import Evaluation, EvaluationComparison
from tui.engine.queries.base import NEVER, Context, Query
from tui.engine.queries.deployments import MISSING
from tui.engine.queries.versions_meant import Front, front, versions_meant
from tui.engine.source_pool import misconfigured
from tui.insight.environment_state import before
from tui.insight.evaluation import compare
from tui.sources.base import EvaluatedSource, RegistrySource, SourceError
from tui.threads import in_thread

STILL = 600.0
"""Something else may be deployed than what it was compared with."""


class EvaluationOf(Query[Evaluation], frozen=True):
    """A report among the artifacts of a run."""

    kept: ClassVar[int | None] = 6
    """The largest have tens of thousands of cases."""

    run: Address
    file: str

    def source(self, settings: Settings) -> str:
        return self.run.source

    async def fetch(self, context: Context) -> Evaluation:
        source = await context.sources.get(self.run.source, EvaluatedSource)
        return await source.evaluation(self.run, self.file)

    def wait(self, answer: Evaluation) -> float:
        return NEVER if answer.cases else MISSING


class RegisteredEvaluationOf(Query[Evaluation], frozen=True):
    """A report among the artifacts of the run that made a version of the registry."""

    kept: ClassVar[int | None] = 6

    model: str
    version: str
    file: str

    def source(self, settings: Settings) -> str | None:
        model = settings.models.get(self.model)
        return model.registry.source if model is not None and model.registry else None

    async def fetch(self, context: Context) -> Evaluation:
        registry = context.settings.models[self.model].registry
        if registry is None:
            raise misconfigured(f"the config has no registry in [models.{self.model}]")
        source = await context.sources.get(registry.source, RegistrySource)
        return await source.evaluated(registry.model, self.version, self.file)

    def wait(self, answer: Evaluation) -> float:
        return NEVER if answer.cases else MISSING


class EvaluationsOf(Query[tuple[EvaluationComparison, ...]], frozen=True):
    """The reports that the config names, of a run and of the version that came of it, each beside that of what is
    deployed; of the run that deployed that, beside what was there before."""

    model: str
    run: Address | None = None
    """None: that of the canary, or of nothing but the registry's candidate."""

    def source(self, settings: Settings) -> str | None:
        if self.run is not None:
            return self.run.source
        return RegisteredEvaluationOf(self.model, "", "").source(settings)

    async def fetch(self, context: Context) -> tuple[EvaluationComparison, ...]:
        model = context.settings.models.get(self.model)
        if model is None or not evaluated(model):
            return ()
        there = await front(self.model, context)
        found = []
        run = self.run
        if run is None and there.canary is not None and there.canary.run is not None:
            run = there.canary.run.of_run
        if model.evidence and run is not None:
            earlier, against, why_not = _before(run, there)
            for file in model.evidence:
                after = await _read(EvaluationOf(run, file), file, context)
                old = None
                if after.cases and earlier is not None:
                    old = await _read(EvaluationOf(earlier, file), file, context)
                found.append(await in_thread(partial(compare, after, old, against, why_not)))
        elif model.evidence:
            words = "no canary is there whose run could have it"
            found += [compare(Evaluation(file, problem=words), None, "") for file in model.evidence]
        if self.run is None or _deployed_by(there.canary, self.run):
            found += await self._registered(model, context)
        return tuple(found)

    def wait(self, answer: tuple[EvaluationComparison, ...]) -> float:
        """A listing tells when the run moved on, or was retried."""
        return MISSING if any(each.problem for each in answer) else STILL

    async def _registered(self, model: ModelSettings, context: Context) -> list[EvaluationComparison]:
        """Of the candidate's version beside that of the version that is deployed."""
        registry = model.registry
        if registry is None or not registry.evidence:
            return []
        try:
            found = await versions_meant(self.model, registry, ("", ""), context)
            old, new = (linked.version for linked in found.pair)
            problem = "" if new else f"no version of {registry.model} is the candidate"
        except SourceError as error:
            old, new, problem = "", "", error.message
        comparisons = []
        for file in registry.evidence:
            after, earlier = Evaluation(file, problem=problem), None
            if new:
                after = await _read(RegisteredEvaluationOf(self.model, new, file), file, context)
            if after.cases and old and old != new:
                earlier = await _read(RegisteredEvaluationOf(self.model, old, file), file, context)
            why_not = (
                "it is the version that is deployed" if old else "which version is deployed is not known"
            )
            comparisons.append(compare(after, earlier, f"version {old}", why_not))
        return comparisons


def evaluated(model: ModelSettings) -> bool:
    """Whether the config names any report of a model."""
    return bool(model.evidence or (model.registry is not None and model.registry.evidence))


def evaluations_of(settings: Settings, run: Address) -> EvaluationsOf | None:
    """Of the first model with reports that the run's pipeline is one of."""
    for name, model in settings.models.items():
        if evaluated(model) and model.ships(run.pipeline):
            return EvaluationsOf(name, run.of_run)
    return None


async def _read(query: Query[Evaluation], file: str, context: Context) -> Evaluation:
    """What could not be read is a problem of the report, among others that could be."""
    try:
        return await context.read(query)
    except SourceError as error:
        return Evaluation(file, problem=error.message)


def _before(run: Address, there: Front) -> tuple[Address | None, str, str]:
    """The run whose reports say what was before, what it deployed, and why there is none."""
    deployment = there.stable
    if deployment is not None and _deployed_by(deployment, run) and there.environment is not None:
        deployment = before(deployment, there.environment.deployments)
    if deployment is None:
        return None, "", "; ".join(there.notes) or "nothing was deployed before it, as far as is known"
    if deployment.run is None:
        return None, "", f"the run that deployed {deployment.version} is not known"
    return deployment.run.of_run, deployment.version, ""


def _deployed_by(deployment: Deployment | None, run: Address) -> bool:
    return deployment is not None and deployment.run is not None and deployment.run.of_run == run.of_run
