"""``pipedeck status``: the pipelines, or one run with its stages, once."""

import time
from collections.abc import Mapping

from tui.commands.exit_codes import Exit
from tui.commands.frame import (
    NO_RUN,
    ask_all,
    complain,
    complain_of_faults,
    in_a_pipeline_source,
    last_runs,
    newest_run,
    print_document,
    with_runtime,
)
from tui.config import Settings, TrainingSettings
from tui.domain.address import Address
from tui.domain.health import Fault
from tui.domain.pipeline import Listing, Pipeline, Run
from tui.domain.status import Status
from tui.domain.training import LinkedTraining
from tui.engine.cache.disk import disk_cache_for
from tui.engine.queries import ChartOf, PipelinesOf, RunAt, TrainingOf, UsualOf, VerdictOf
from tui.engine.queries.training import server_of
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.runtime import Runtime
from tui.insight.priority import by_priority
from tui.insight.training_links import linked
from tui.presenters.documents import SCHEMA, StatusDoc, run_document, source_document
from tui.presenters.plain_text import chart_text, listing_text, run_text
from tui.sources.base import SourceError


async def status(settings: Settings, address: Address | None, *, as_json: bool) -> Exit:
    """Print the list, or the run or pipeline at ``address``."""

    async def work(runtime: Runtime) -> Exit:
        if address is not None:
            return await _one(runtime, settings, address, as_json=as_json)
        listings, faults = await _listings(runtime)
        if as_json:
            now = time.time()
            sources = (
                source_document(name, listings.get(name), now if name in listings else None, faults.get(name))
                for name in settings.pipeline_sources
            )
            print_document(StatusDoc(SCHEMA, now, tuple(sources)))
        else:
            print(listing_text(listings, runtime.sources.now))
        return _report(settings, listings, faults)

    return await with_runtime(settings, work, history=disk_cache_for(settings))


async def picture(settings: Settings) -> Exit:
    """Print what the deck would show: the list, the stages of its first run, the metrics of the models."""

    async def work(runtime: Runtime) -> Exit:
        listings, faults = await _listings(runtime)
        print(listing_text(listings, runtime.sources.now))
        try:
            await _print_first(runtime, listings)
        except SourceError as error:
            complain(error.message)
            return Exit.UNREACHABLE
        await _print_models(runtime, settings)
        return _report(settings, listings, faults)

    return await with_runtime(settings, work)


async def _print_first(runtime: Runtime, listings: Mapping[str, Listing]) -> None:
    """The run of the first pipeline in the list that has one."""
    ranked = by_priority(_pipelines(listings))
    first = next((pipeline for pipeline in ranked if pipeline.last), None)
    if first is not None and first.last is not None:
        print()
        run = await runtime.poller.ask(RunAt(first.last.address))
        print(run_text(run, first.runs, runtime.sources.now(first.address.source)))


async def _print_models(runtime: Runtime, settings: Settings) -> None:
    """The verdict and the charts of each model."""
    for name, model in settings.models.items():
        print(f"\n{model.title or name}")
        if judged_metrics(settings, name):
            print(await _verdict(runtime, name))
        for metric in model.metrics:
            table = settings.metrics[metric]
            try:
                chart = await runtime.poller.ask(ChartOf(model=name, metric=metric, span=3600, columns=30))
            except SourceError as error:
                print(f"{table.title or metric}: {error.message}")
            else:
                print(chart_text(table.title or metric, table.unit, chart.series))


async def _verdict(runtime: Runtime, model: str) -> str:
    try:
        found = await runtime.poller.ask(VerdictOf(model))
    except SourceError as error:
        return f"no verdict: {error.message}"
    return f"{found.counts}  {found.why}"


async def _one(runtime: Runtime, settings: Settings, address: Address, *, as_json: bool) -> Exit:
    if not in_a_pipeline_source(settings, address):
        return Exit.USAGE
    run = await _run(runtime, address)
    if run is None:
        complain(f"{address}: {NO_RUN}")
        return Exit.USAGE
    training = await _training(runtime, settings, run)
    if as_json:
        print_document(run_document(run, training[1] if training is not None else None))
    else:
        usual = await runtime.poller.ask(UsualOf(run.address))
        print(run_text(run, (), runtime.sources.now(address.source), usual, training))
    return Exit.FAILED if run.status in (Status.FAILED, Status.CANCELED) else Exit.OK


async def _training(
    runtime: Runtime, settings: Settings, run: Run
) -> tuple[TrainingSettings, tuple[LinkedTraining, ...]] | None:
    """What the run trains, for a model whose training can be followed; None: that is not so, or it cannot be read."""
    for name, model in settings.models.items():
        if model.training is not None and model.ships(run.address.pipeline):
            try:
                found = await runtime.poller.ask(TrainingOf(name))
            except SourceError as error:
                complain(f"training not known: {error.message}")
                return None
            server = server_of(run.address, runtime.sources)
            return model.training, linked(run, found.runs, server, model.training.link)
    return None


async def _run(runtime: Runtime, address: Address) -> Run | None:
    if address.run is not None:
        return await runtime.poller.ask(RunAt(address.of_run))
    listing = await runtime.poller.ask(PipelinesOf(address.source))
    newest = newest_run(last_runs(listing.pipelines, address))
    if newest is None:
        return None
    return await runtime.poller.ask(RunAt(newest.address))


async def _listings(runtime: Runtime) -> tuple[dict[str, Listing], dict[str, Fault]]:
    return await ask_all(runtime, {name: PipelinesOf(name) for name in runtime.settings.pipeline_sources})


def _pipelines(listings: Mapping[str, Listing]) -> list[Pipeline]:
    return [pipeline for listing in listings.values() for pipeline in listing.pipelines]


def _report(settings: Settings, listings: Mapping[str, Listing], faults: Mapping[str, Fault]) -> Exit:
    """Say on stderr what is missing; the exit code tells whether a source was."""
    for name in settings.pipeline_sources:
        if name in faults:
            complain_of_faults({name: faults[name]})
        for note in listings[name].notes if name in listings else ():
            complain(f"{name}: {note}")
    return Exit.UNREACHABLE if faults else Exit.OK
