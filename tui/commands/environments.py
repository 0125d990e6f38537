"""``pipedeck environments``: which version stands where, or the past of one environment, once."""

import asyncio
import sys
import time
from collections.abc import Iterable, Sequence

import msgspec

from tui.commands.exit_codes import Exit, exit_of
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.deployment import Environments
from tui.domain.health import Fault
from tui.domain.pipeline import Pipeline
from tui.engine.queries import EnvironmentsOf, HistoryOf, PipelinesOf
from tui.engine.runtime import Runtime
from tui.insight.environments import EnvironmentGroup, EnvironmentPlace, all_groups, group_of, places
from tui.presenters.documents import (
    SCHEMA,
    EnvironmentDoc,
    EnvironmentsDoc,
    environment_document,
    fault_document,
)
from tui.presenters.environments import place_lines
from tui.presenters.plain_text import table
from tui.sources.base import SourceError

_TITLES = ("ENVIRONMENT", "VERSION", "COMMIT", "STATE", "TRAFFIC", "AGE", "WHO", "RUN", "NOTE")


async def environments(settings: Settings, address: Address | None, *, as_json: bool) -> Exit:
    """Print the environments of all models and pipelines, or of the pipeline at ``address``; of an environment its
    past, with what one can go back to."""
    runtime = Runtime(settings)
    try:
        if address is not None and address.environment is not None:
            return await _past(runtime, address, as_json=as_json)
        return await _all(runtime, settings, address, as_json=as_json)
    finally:
        await runtime.close()


async def _past(runtime: Runtime, address: Address, *, as_json: bool) -> Exit:
    try:
        environment = await runtime.poller.ask(HistoryOf(address))
    except SourceError as error:
        print(f"pipedeck: {error.message}", file=sys.stderr)
        return exit_of(error.trouble)
    (place,) = places((Environments((environment,)),), {}, None)
    if as_json:
        _print_json((environment_document(place, None),), (), {})
    else:
        print(table(_TITLES, list(_rows(runtime, place, past=True)), open_end=True))
        _say(environment.notes)
    return Exit.OK


async def _all(runtime: Runtime, settings: Settings, address: Address | None, *, as_json: bool) -> Exit:
    faults: dict[str, Fault] = {}
    pipelines = await _pipelines(runtime, settings, address, faults)
    if address is not None:
        wanted = [each for each in pipelines if each.address == address.pipeline]
        if not wanted and not faults:
            print(f"pipedeck: {address} is not among the watched pipelines", file=sys.stderr)
            return Exit.USAGE
        groups: Sequence[EnvironmentGroup] = [group_of(wanted[0], wanted, settings)] if wanted else ()
    else:
        groups = all_groups(pipelines, settings)
    asked = list(dict.fromkeys(each for group in groups for each in group.pipelines))
    answers = dict(zip(asked, await asyncio.gather(*(_ask(runtime, each) for each in asked)), strict=True))
    faults |= {str(each): answer for each, answer in answers.items() if isinstance(answer, Fault)}
    found = {each: answer for each, answer in answers.items() if isinstance(answer, Environments)}
    notes = [f"{each}: {note}" for each, answer in found.items() for note in answer.notes]
    documents: list[EnvironmentDoc] = []
    texts: list[str] = []
    for group in groups:
        known = [found[each] for each in group.pipelines if each in found]
        its = places(known, {}, settings.models.get(group.model))
        documents += [environment_document(each, group.model or None) for each in its]
        if its:
            lines = [row for each in its for row in _rows(runtime, each, past=False)]
            texts.append(f"{group.title}\n{table(_TITLES, lines, open_end=True)}")
            notes += [
                f"{each.environment.address}: {note}" for each in its for note in each.environment.notes
            ]
    if as_json:
        _print_json(documents, notes, faults)
    else:
        print("\n\n".join(texts) or "no environment was found")
        _say(notes)
    for fault in faults.values():
        print(f"pipedeck: {fault.trouble.value}: {fault.message}", file=sys.stderr)
    return Exit.UNREACHABLE if faults else Exit.OK


async def _pipelines(
    runtime: Runtime, settings: Settings, address: Address | None, faults: dict[str, Fault]
) -> list[Pipeline]:
    names = [name for name in settings.pipeline_sources if address is None or name == address.source]
    pipelines: list[Pipeline] = []
    for name, answer in zip(
        names,
        await asyncio.gather(
            *(runtime.poller.ask(PipelinesOf(name)) for name in names), return_exceptions=True
        ),
        strict=True,
    ):
        if isinstance(answer, SourceError):
            faults[name] = answer.fault
        elif isinstance(answer, BaseException):
            raise answer
        else:
            pipelines += answer.pipelines
    return pipelines


async def _ask(runtime: Runtime, pipeline: Address) -> Environments | Fault:
    try:
        return await runtime.poller.ask(EnvironmentsOf(pipeline))
    except SourceError as error:
        return error.fault


def _rows(runtime: Runtime, place: EnvironmentPlace, *, past: bool) -> Iterable[tuple[str, ...]]:
    now = runtime.sources.now(place.environment.address.source)
    for line in place_lines(place, now, past=past):
        first = line.part == "stable"
        yield (
            str(line.environment.address) if first else f"{line.prefix}{line.place}",
            line.version,
            line.commit,
            line.state,
            line.traffic,
            line.age,
            line.who,
            line.run,
            line.note,
        )


def _print_json(documents: Sequence[EnvironmentDoc], notes: Sequence[str], faults: dict[str, Fault]) -> None:
    document = EnvironmentsDoc(
        schema=SCHEMA,
        at=time.time(),
        environments=tuple(documents),
        notes=tuple(notes),
        faults={name: fault_document(fault) for name, fault in faults.items()},
    )
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _say(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        print(f"pipedeck: {note}", file=sys.stderr)
