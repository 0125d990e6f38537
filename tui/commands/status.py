"""``pipedeck status``: the pipelines, or one run with its stages, once."""

import asyncio
import sys
import time

import msgspec

from tui.commands.address_errors import NO_RUN, in_a_pipeline_source
from tui.commands.exit_codes import Exit, exit_of
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.health import Fault
from tui.domain.pipeline import Listing, Pipeline, Run
from tui.domain.status import Status
from tui.engine.queries import ChartOf, PipelinesOf, RunAt, VerdictOf
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.runtime import Runtime
from tui.insight.priority import by_priority
from tui.presenters.documents import SCHEMA, StatusDoc, run_document, source_document
from tui.presenters.pipelines import PipelineLine, other_lines, pipeline_line
from tui.presenters.plain_text import chart_text, pipeline_table, run_text
from tui.sources.base import SourceError

ListingsBySource = dict[str, tuple[Listing | None, Fault | None]]


async def status(settings: Settings, address: Address | None, *, as_json: bool) -> Exit:
    """Print the list, or the run or pipeline at ``address``."""
    runtime = Runtime(settings)
    try:
        if address is not None:
            return await _one(runtime, settings, address, as_json=as_json)
        answers = await _listings(runtime, settings)
        if as_json:
            document = StatusDoc(
                schema=SCHEMA,
                at=time.time(),
                sources=tuple(source_document(name, *answer) for name, answer in answers.items()),
            )
            _print_json(document)
        else:
            print(_list_text(runtime, answers))
        return _report(answers)
    finally:
        await runtime.close()


async def picture(settings: Settings) -> Exit:
    """Print what the deck would show: the list, the stages of its first run, the metrics of the models."""
    runtime = Runtime(settings)
    try:
        answers = await _listings(runtime, settings)
        print(_list_text(runtime, answers))
        ranked = by_priority(_pipelines(answers))
        first = next((pipeline for pipeline in ranked if pipeline.last), None)
        if first is not None and first.last is not None:
            print()
            run = await runtime.poller.ask(RunAt(first.last.address))
            print(run_text(run, first.runs, runtime.sources.now(first.address.source)))
        for name, model in settings.models.items():
            print(f"\n{model.title or name}")
            if judged_metrics(settings, name):
                print(await _verdict(runtime, name))
            for metric in model.metrics:
                table = settings.metrics[metric]
                try:
                    chart = await runtime.poller.ask(
                        ChartOf(model=name, metric=metric, span=3600, columns=30)
                    )
                except SourceError as error:
                    print(f"{table.title or metric}: {error.message}")
                else:
                    print(chart_text(table.title or metric, table.unit, chart.series))
        return _report(answers)
    except SourceError as error:
        print(f"pipedeck: {error.message}", file=sys.stderr)
        return Exit.UNREACHABLE
    finally:
        await runtime.close()


async def _verdict(runtime: Runtime, model: str) -> str:
    try:
        found = await runtime.poller.ask(VerdictOf(model))
    except SourceError as error:
        return f"no verdict: {error.message}"
    return f"{found.decision}  {found.reason}"


async def _one(runtime: Runtime, settings: Settings, address: Address, *, as_json: bool) -> Exit:
    if not in_a_pipeline_source(settings, address):
        return Exit.USAGE
    try:
        run = await _run(runtime, address)
    except SourceError as error:
        print(f"pipedeck: {error.message}", file=sys.stderr)
        return exit_of(error.trouble)
    if run is None:
        print(f"pipedeck: {address}: {NO_RUN}", file=sys.stderr)
        return Exit.USAGE
    if as_json:
        _print_json(run_document(run))
    else:
        print(run_text(run, (), runtime.sources.now(address.source)))
    return Exit.FAILED if run.status in (Status.FAILED, Status.CANCELED) else Exit.OK


async def _run(runtime: Runtime, address: Address) -> Run | None:
    if address.run is not None:
        return await runtime.poller.ask(RunAt(address.of_run))
    listing = await runtime.poller.ask(PipelinesOf(address.source))
    runs = [
        pipeline.last
        for pipeline in listing.pipelines
        if pipeline.address == address.pipeline and pipeline.last
    ]
    if not runs:
        return None
    newest = max(runs, key=lambda run: run.started_at or run.created_at or 0.0)
    return await runtime.poller.ask(RunAt(newest.address))


async def _listings(runtime: Runtime, settings: Settings) -> ListingsBySource:
    names = settings.pipeline_sources
    answers = await asyncio.gather(*(_listing(runtime, name) for name in names))
    return dict(zip(names, answers, strict=True))


async def _listing(runtime: Runtime, name: str) -> tuple[Listing | None, Fault | None]:
    try:
        return await runtime.poller.ask(PipelinesOf(name)), None
    except SourceError as error:
        return None, error.fault


def _pipelines(answers: ListingsBySource) -> list[Pipeline]:
    return [pipeline for listing, _ in answers.values() if listing for pipeline in listing.pipelines]


def _list_text(runtime: Runtime, answers: ListingsBySource) -> str:
    ranked = by_priority(_pipelines(answers))
    lines: list[PipelineLine] = []
    for pipeline in ranked:
        now = runtime.sources.now(pipeline.address.source)
        lines += [pipeline_line(pipeline, now), *other_lines(pipeline, now)]
    return pipeline_table(lines)


def _report(answers: ListingsBySource) -> Exit:
    """Say on stderr what is missing; the exit code tells whether a source was."""
    for name, (listing, fault) in answers.items():
        if fault is not None:
            print(f"pipedeck: {name}: {fault.trouble.value}: {fault.message}", file=sys.stderr)
        for note in listing.notes if listing else ():
            print(f"pipedeck: {name}: {note}", file=sys.stderr)
    return Exit.UNREACHABLE if any(fault for _, fault in answers.values()) else Exit.OK


def _print_json(document: msgspec.Struct) -> None:
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
