"""``pipedeck journal``: what was done from this machine; ``pipedeck gates``: what waits for a person."""

import asyncio
import sys
import time

import msgspec

from tui.commands.exit_codes import Exit
from tui.config import Settings
from tui.domain.health import Fault
from tui.domain.journal import Record
from tui.domain.pipeline import Listing
from tui.engine.actions.journal import Journal
from tui.engine.actions.model_rules import promotes
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime
from tui.insight.pending_gates import pending_gates
from tui.presenters.documents import SCHEMA, FaultDoc, FieldDoc, fault_document, field_document
from tui.presenters.plain_text import table
from tui.sources.base import SourceError
from tui.text import format as fmt


class RecordDoc(msgspec.Struct, frozen=True):
    id: str
    at: float
    user: str
    host: str
    policy: str
    kind: str
    address: str
    server: str
    plan: str
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


def journal(*, as_json: bool) -> Exit:
    """Print the actions, newest first."""
    kept = Journal()
    records = [
        _record(each, kept.lives(each.first.who.instance))
        for each in reversed(kept.read())
        if each.plan is not None
    ]
    if as_json:
        document = JournalDoc(SCHEMA, time.time(), tuple(records))
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return Exit.OK
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.at)),
            each.policy or f"{each.user}@{each.host}",
            each.kind,
            each.address,
            each.state,
            each.result or "",
            each.words,
        )
        for each in records
    ]
    titles = ("WHEN", "WHO", "ACTION", "ADDRESS", "OUTCOME", "RESULT", "WORDS")
    print(table(titles, rows, open_end=True) if rows else "nothing was done yet")
    return Exit.OK


_CUT_OFF = "cut off{}: read back when the deck is opened, or something else is to be done there"


def _record(record: Record, lives: bool) -> RecordDoc:
    first, plan, outcome = record.first, record.plan, record.outcome
    seen = next((each.words for each in reversed(record.entries) if each.event == "observed"), "")
    answered = [each.latency for each in record.entries if each.latency is not None]
    return RecordDoc(
        id=record.id,
        at=first.at,
        user=first.who.user,
        host=first.who.host,
        policy=first.policy,
        kind=first.kind,
        address=first.target,
        server=first.server,
        plan=plan.words if plan is not None else "",
        reason=plan.request.reason if plan is not None else "",
        state=outcome.state if outcome is not None else "under way" if lives else "not settled yet",
        words=outcome.words
        if outcome is not None
        else ""
        if lives
        else _CUT_OFF.format(f" ({seen})" if seen else ""),
        result=outcome.result or None if outcome is not None else None,
        requests=tuple(
            (each.request.method, each.request.path) for each in record.entries if each.request is not None
        ),
        latency=sum(answered) if answered else None,
    )


class WaitingDoc(msgspec.Struct, frozen=True):
    address: str
    message: str
    since: float | None
    blocking: bool
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


async def gates(settings: Settings, *, as_json: bool) -> Exit:
    """Print what waits for a person with what it blocks: what a run waits for first, each the oldest first."""
    runtime = Runtime(settings)
    names = settings.pipeline_sources
    faults: dict[str, Fault] = {}
    listings: list[Listing] = []
    try:
        answers = await asyncio.gather(
            *(runtime.poller.ask(PipelinesOf(name)) for name in names), return_exceptions=True
        )
    finally:
        await runtime.close()
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, SourceError):
            faults[name] = answer.fault
        elif isinstance(answer, BaseException):
            raise answer
        else:
            listings.append(answer)
    found = pending_gates(listings)
    now = time.time()
    if as_json:
        document = GatesDoc(
            SCHEMA,
            now,
            tuple(
                WaitingDoc(
                    str(each.gate.address),
                    each.gate.message,
                    each.since,
                    each.gate.blocking,
                    str(each.run.address),
                    each.run.title,
                    each.run.ref,
                    each.gate.submitter,
                    tuple(map(field_document, each.gate.fields)),
                    promotes(settings, each.gate),
                )
                for each in found
            ),
            {name: fault_document(fault) for name, fault in faults.items()},
        )
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        rows = [
            (
                fmt.ago(now - each.since) if each.since is not None else "",
                str(each.gate.address),
                each.gate.message,
                f"{each.run.title} {each.run.ref}".strip() if each.gate.blocking else "nothing",
            )
            for each in found
        ]
        if rows:
            print(table(("WAITS", "ADDRESS", "ASKS", "BLOCKS"), rows, open_end=True))
        elif not faults:
            print("nothing waits")
    for name, fault in faults.items():
        print(f"pipedeck: {name}: {fault.trouble.value}: {fault.message}", file=sys.stderr)
    return Exit.UNREACHABLE if faults else Exit.OK
