"""Queries for environments, what was deployed to them, and what came with it."""

from collections.abc import Iterable

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.deployment import Changes, Deployment, Environment, Environments, Validation, Version
from tui.domain.status import Status
from tui.engine.queries.base import NEVER, STANDING, Context, Query
from tui.sources.base import DeploymentSource

DEPLOYING = 10.0
MISSING = 60.0
"""What a run has not told yet, or never will."""


class EnvironmentsOf(Query[Environments], frozen=True):
    """The environments that one pipeline deploys to. A GitLab project answers for one project at a time, and a
    Jenkins job out of what its listing told, so each costs what is looked at and no more."""

    pipeline: Address

    def source(self, settings: Settings) -> str:
        return self.pipeline.source

    async def fetch(self, context: Context) -> Environments:
        source = await context.sources.get(self.pipeline.source, DeploymentSource)
        return await source.environments(self.pipeline)

    def wait(self, answer: Environments) -> float:
        return _wait(deployment for place in answer.environments for deployment in place.deployments)


class HistoryOf(Query[Environment], frozen=True):
    """One environment with its past, and to which of it one can go back."""

    environment: Address

    def source(self, settings: Settings) -> str:
        return self.environment.source

    async def fetch(self, context: Context) -> Environment:
        source = await context.sources.get(self.environment.source, DeploymentSource)
        return await source.history(self.environment)

    def wait(self, answer: Environment) -> float:
        return _wait(answer.deployments)


class ChangesBetween(Query[Changes], frozen=True):
    """The commits that ``new`` has and ``old``, deployed before it, has not."""

    old: Version
    new: Version

    def source(self, settings: Settings) -> str:
        return self.new.environment.source

    async def fetch(self, context: Context) -> Changes:
        source = await context.sources.get(self.new.environment.source, DeploymentSource)
        return await source.changes(self.old, self.new)

    def wait(self, answer: Changes) -> float:
        return NEVER if answer.commits else MISSING


class ValidationOf(Query[Validation], frozen=True):
    """The numbers in a JSON file among a run's artifacts."""

    run: Address
    file: str

    def source(self, settings: Settings) -> str:
        return self.run.source

    async def fetch(self, context: Context) -> Validation:
        source = await context.sources.get(self.run.source, DeploymentSource)
        return await source.validation(self.run, self.file)

    def wait(self, answer: Validation) -> float:
        return NEVER if answer.metrics else MISSING


def _wait(deployments: Iterable[Deployment]) -> float:
    running = any(deployment.status is Status.RUNNING for deployment in deployments)
    return DEPLOYING if running else STANDING
