"""What panes show of training: the training runs of the model that is selected, beside the run that is looked at."""

import msgspec

from tui.config import TrainingSettings
from tui.domain.pipeline import Run
from tui.domain.training import LinkedTraining, TrainingRun
from tui.engine.queries import TrainingOf
from tui.engine.queries.training import server_of
from tui.engine.runtime import Runtime
from tui.insight.training_links import linked
from tui.panes.base import Selection


class ShownTraining(msgspec.Struct, frozen=True):
    settings: TrainingSettings
    linked: tuple[LinkedTraining, ...]
    """What the run trains, newest first."""
    unlinked: tuple[TrainingRun, ...]
    """All else that is known to be trained of the model."""
    job_variable: str
    """By which the jobs of the run know themselves."""
    read_at: float | None
    """By the clock of the run's server."""
    problem: str
    """Why it could not be read now."""


def training_queries(runtime: Runtime, selection: Selection) -> tuple[TrainingOf, ...]:
    """What is to be asked for it."""
    model = runtime.settings.models.get(selection.model or "")
    return (TrainingOf(selection.model or ""),) if model is not None and model.training else ()


def trainings(runtime: Runtime, selection: Selection, run: Run) -> ShownTraining | None:
    """None where the config says of no training."""
    queries = training_queries(runtime, selection)
    settings = runtime.settings.models[selection.model or ""].training if queries else None
    if settings is None:
        return None
    reading = runtime.store.get(queries[0])
    server = server_of(run.address, runtime.sources)
    known = reading.value.runs if reading.value is not None else ()
    found = linked(run, known, server, settings.link)
    ids = {each.training.id for each in found} | {part.id for each in found for part in each.parts}
    skew = runtime.sources.now(run.address.source) - runtime.clock()
    return ShownTraining(
        settings,
        found,
        tuple(each for each in known if each.id not in ids),
        server.job_variable,
        reading.read_at + skew if reading.read_at is not None else None,
        reading.fault.message if reading.fault is not None else "",
    )
