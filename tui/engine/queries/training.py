"""The query for what is trained of a model."""

import msgspec

from tui.config import Settings
from tui.domain.address import Address
from tui.domain.training import Trainings
from tui.engine.queries.base import STANDING, Context, Query
from tui.engine.source_pool import SourcePool, misconfigured
from tui.insight.training_links import Server
from tui.sources.base import TrainingSource

TRAINS = 10.0
"""Seconds while something goes on: as often as MLflow's own page asks."""


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


def server_of(run: Address, pool: SourcePool) -> Server:
    """What is to be known of the source of ``run`` to link what is trained in it."""
    sources = pool.settings.sources
    of = sources.get(run.source)
    variable = of.job_variable if of is not None else ""
    same = sum(each.job_variable == variable for each in sources.values())
    return Server(of.base_url if of is not None else "", variable, same == 1)
