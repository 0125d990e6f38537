"""``pipedeck environments``: which version stands where, or the past of one environment, once."""

import time
from collections.abc import Iterable, Sequence

from tui.commands.exit_codes import Exit
from tui.commands.frame import ask_all, complain, print_document, with_runtime
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.deployment import Environments
from tui.domain.health import Fault
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

_TITLES = ("ENVIRONMENT", "VERSION", "COMMIT", "STATE", "TRAFFIC", "AGE", "WHO", "RUN", "NOTE")


async def environments(settings: Settings, address: Address | None, *, as_json: bool) -> Exit:
    """Print the environments of all models and pipelines, or of the pipeline at ``address``; of an environment its
    past, with what one can go back to."""

    async def work(runtime: Runtime) -> Exit:
        if address is not None and address.environment is not None:
            return await _past(runtime, address, as_json=as_json)
        return await _all(runtime, settings, address, as_json=as_json)

    return await with_runtime(settings, work)


async def _past(runtime: Runtime, address: Address, *, as_json: bool) -> Exit:
    environment = await runtime.poller.ask(HistoryOf(address))
    (place,) = places((Environments((environment,)),), {}, None)
    if as_json:
        _print_json((environment_document(place, None),), (), {})
    else:
        print(table(_TITLES, list(_rows(runtime, place, past=True)), open_end=True))
        _say(environment.notes)
    return Exit.OK


async def _all(runtime: Runtime, settings: Settings, address: Address | None, *, as_json: bool) -> Exit:
    names = [name for name in settings.pipeline_sources if address is None or name == address.source]
    listings, faults = await ask_all(runtime, {name: PipelinesOf(name) for name in names})
    pipelines = [pipeline for listing in listings.values() for pipeline in listing.pipelines]
    if address is not None:
        wanted = [each for each in pipelines if each.address == address.pipeline]
        if not wanted and not faults:
            complain(f"{address} is not among the watched pipelines")
            return Exit.USAGE
        groups: Sequence[EnvironmentGroup] = [group_of(wanted[0], wanted, settings)] if wanted else ()
    else:
        groups = all_groups(pipelines, settings)
    asked = {pipeline: EnvironmentsOf(pipeline) for group in groups for pipeline in group.pipelines}
    found, unread = await ask_all(runtime, asked)
    faults |= {str(pipeline): fault for pipeline, fault in unread.items()}
    notes = [f"{each}: {note}" for each, answer in found.items() for note in answer.notes]
    documents: list[EnvironmentDoc] = []
    texts: list[str] = []
    for group in groups:
        known = [found[each] for each in group.pipelines if each in found]
        standing = places(known, {}, settings.models.get(group.model))
        documents += [environment_document(each, group.model or None) for each in standing]
        if standing:
            lines = [row for each in standing for row in _rows(runtime, each, past=False)]
            texts.append(f"{group.title}\n{table(_TITLES, lines, open_end=True)}")
            notes += [
                f"{each.environment.address}: {note}" for each in standing for note in each.environment.notes
            ]
    if as_json:
        _print_json(documents, notes, faults)
    else:
        print("\n\n".join(texts) or "no environment was found")
        _say(notes)
    for fault in faults.values():
        complain(f"{fault.trouble.value}: {fault.message}")
    return Exit.UNREACHABLE if faults else Exit.OK


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
    unread = {name: fault_document(fault) for name, fault in faults.items()}
    print_document(EnvironmentsDoc(SCHEMA, time.time(), tuple(documents), tuple(notes), unread))


def _say(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        complain(note)
