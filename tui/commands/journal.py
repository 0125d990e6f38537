"""``pipedeck journal``: what was done from this machine; ``pipedeck gates``: what waits for a person."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from tui.commands.exit_codes import Exit
from tui.commands.frame import ask_all, complain, complain_of_faults, print_document, with_runtime
from tui.config import Settings
from tui.domain.health import Fault
from tui.domain.journal import JournalError, Record
from tui.engine.actions.journal import Journal
from tui.engine.actions.model_rules import promotes, with_gates
from tui.engine.queries import EnvironmentsOf, PipelinesOf
from tui.engine.runtime import Runtime
from tui.insight.pending_gates import PendingGate, pending_gates
from tui.presenters.documents import SCHEMA, FaultDoc, FieldDoc, document_of, fault_document
from tui.presenters.plain_text import table
from tui.text import format as fmt

FILLED_IN = ("values", "parameters", "variables", "inputs")
"""The facts of a plan that tell what was filled in."""


class RecordDoc(msgspec.Struct, frozen=True):
    id: str
    at: float
    user: str
    host: str
    account: str
    """Whom the server took them for; empty where it did not tell."""
    policy: str
    kind: str
    address: str
    server: str
    plan: str
    facts: tuple[tuple[str, str], ...]
    """What the plan told: name and value, with what was filled in."""
    reason: str
    state: str
    words: str
    result: str | None
    requests: tuple[tuple[str, str], ...]
    """Method and path of each that was, or may have been, sent."""
    latency: float | None


class JournalDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    actions: tuple[RecordDoc, ...]


def journal(*, as_json: bool, verify: bool) -> Exit:
    """Print the actions, newest first; or whether the journal is as it was written."""
    kept = Journal()
    try:
        if verify:
            return _verify(kept)
        records = [
            record_document(each, each.outcome is None and kept.lives(each.first.who.instance))
            for each in kept.newest_first()
            if each.plan is not None
        ]
    except JournalError as error:
        complain(str(error))
        return Exit.USAGE
    if as_json:
        document = JournalDoc(SCHEMA, time.time(), tuple(records))
        print_document(document)
        return Exit.OK
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.at)),
            (record.policy or f"{record.user}@{record.host}")
            + (f" as {record.account}" if record.account else ""),
            record.kind,
            record.address,
            ", ".join(value for name, value in record.facts if name in FILLED_IN),
            record.state,
            record.result or "",
            record.words,
        )
        for record in records
    ]
    titles = ("WHEN", "WHO", "ACTION", "ADDRESS", "WITH", "OUTCOME", "RESULT", "WORDS")
    print(table(titles, rows, open_end=True) if rows else "nothing was done yet")
    return Exit.OK


def _verify(kept: Journal) -> Exit:
    found = list(kept.broken())
    for place, why in found:
        print(f"{place}: {why}")
    if not found:
        print("the journal is as it was written, as far as its hashes tell")
    return Exit.FAILED if found else Exit.OK


_CUT_OFF = "cut off{}: read back when the deck is opened, or something else is to be done there"


def record_document(record: Record, lives: bool) -> RecordDoc:
    first, plan, outcome = record.first, record.plan, record.outcome
    seen = next((entry.words for entry in reversed(record.entries) if entry.event == "observed"), "")
    answered = [entry.latency for entry in record.entries if entry.latency is not None]
    return RecordDoc(
        id=record.id,
        at=first.at,
        user=first.who.user,
        host=first.who.host,
        account=plan.account if plan is not None else "",
        policy=first.policy,
        kind=first.kind,
        address=first.target,
        server=first.server,
        plan=plan.words if plan is not None else "",
        facts=plan.facts if plan is not None else (),
        reason=plan.request.reason if plan is not None else "",
        state=outcome.state if outcome is not None else "under way" if lives else "not settled yet",
        words=outcome.words
        if outcome is not None
        else ""
        if lives
        else _CUT_OFF.format(f" ({seen})" if seen else ""),
        result=outcome.result or None if outcome is not None else None,
        requests=tuple(
            (entry.request.method, entry.request.path)
            for entry in record.entries
            if entry.request is not None
        ),
        latency=sum(answered) if answered else None,
    )


class WaitingDoc(msgspec.Struct, frozen=True):
    address: str
    message: str
    since: float | None
    blocking: bool
    overtaken: str
    """What was put since where it leads, in words; empty: nothing, as far as is known."""
    run: str
    title: str
    ref: str
    submitter: str
    fields: tuple[FieldDoc, ...]
    promotes: bool


class GatesDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    gates: tuple[WaitingDoc, ...]
    faults: dict[str, FaultDoc]


async def gates(settings: Settings, *, optional: bool, as_json: bool) -> Exit:
    """Print what waits for a person with what it blocks: what a run waits for first, each the oldest first.

    Args:
        optional: after it what needs nobody, too.
    """

    async def work(runtime: Runtime) -> Exit:
        queries = {name: PipelinesOf(name) for name in settings.pipeline_sources}
        listings, faults = await ask_all(runtime, queries)
        deploying = {
            pipeline: EnvironmentsOf(pipeline) for pipeline in with_gates(settings, listings.values())
        }
        places, _ = await ask_all(runtime, deploying)  # where nobody knows, nothing was overtaken
        waiting = pending_gates(listings.values(), places.values(), partial(promotes, settings))
        found = [gate for gate in waiting if gate.needs_person or optional]
        _print_gates(found, faults, runtime.clock(), as_json=as_json)
        return complain_of_faults(faults)

    return await with_runtime(settings, work)


def _print_gates(
    found: Sequence[PendingGate], faults: Mapping[str, Fault], now: float, *, as_json: bool
) -> None:
    if as_json:
        document = GatesDoc(
            SCHEMA,
            now,
            tuple(
                document_of(
                    WaitingDoc,
                    each.gate,
                    since=each.since,
                    overtaken=each.overtaken,
                    run=str(each.run.address),
                    title=each.run.title,
                    ref=each.run.ref,
                    promotes=each.promotes,
                )
                for each in found
            ),
            {name: fault_document(fault) for name, fault in faults.items()},
        )
        print_document(document)
    else:
        rows = [
            (
                fmt.ago(now - each.since) if each.since is not None else "",
                str(each.gate.address),
                each.gate.message,
                each.blocks,
            )
            for each in found
        ]
        if rows:
            print(table(("WAITS", "ADDRESS", "ASKS", "BLOCKS"), rows, open_end=True))
        elif not faults:
            print("nothing waits")
