"""``pipedeck approve``, ``reject``, ``promote``, ``rollback``, ``retry``, ``cancel`` and ``trigger``."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

import msgspec

from tui.commands.act_text import outcome_text, plan_text
from tui.commands.acting import filled, wishes
from tui.commands.acting_arguments import Asked, Unclear
from tui.commands.documents import SCHEMA
from tui.commands.exits import Exit
from tui.config import Settings
from tui.domain.action import Activity, Wish
from tui.domain.health import Trouble
from tui.engine.actions import Prepared, Refused
from tui.engine.engine import Engine
from tui.insight.consent import Consent, Given, missing
from tui.insight.consent import names as names_of
from tui.sources.base import SourceError


class StepDoc(msgspec.Struct, frozen=True):
    words: str
    method: str
    path: str
    body: tuple[tuple[str, str], ...]


class ActionDoc(msgspec.Struct, frozen=True):
    kind: str
    address: str
    plan: str
    server: str
    environment: str
    possible: bool
    why_not: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    consent: Consent
    steps: tuple[StepDoc, ...]
    id: str | None
    state: str
    words: str
    result: str | None


class ActionsDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    actions: tuple[ActionDoc, ...]


class _Item:
    """One of what is to be done, and what became of it."""

    def __init__(self, prepared: Prepared, secrets: Mapping[str, str]) -> None:
        self.prepared = prepared
        self.secrets = secrets
        self.activity: Activity | None = None
        self.state = "planned"
        self.words = ""

    def refuse(self, why: str) -> None:
        self.state, self.words = "refused", why


async def act(settings: Settings, its: Asked) -> Exit:
    """Print the plan, ask, and carry it out; the exit code says the outcome."""
    engine = Engine(settings)
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    try:
        found = await wishes(engine, settings, its)
        items = [_Item(*await _prepared(engine, wish, its, ask=terminal and not its.yes)) for wish in found]
    except SourceError as error:
        print(f"pipedeck: {error.message}", file=sys.stderr)
        await engine.close()
        return Exit.USAGE if error.trouble is Trouble.MISCONFIGURED else Exit.UNREACHABLE
    except Unclear as error:
        print(f"pipedeck: {error}", file=sys.stderr)
        await engine.close()
        return Exit.USAGE
    try:
        for item in items:
            text = plan_text(item.prepared, settings, engine.clock(), requests=its.dry_run)
            print(text, file=sys.stderr if its.as_json else sys.stdout, flush=True)
            if not item.prepared.plan.possible:
                item.refuse(item.prepared.plan.why_not)
        if not its.dry_run:
            await _carry_out(engine, items, its, terminal=terminal)
    finally:
        await engine.close()
    if its.as_json:
        document = ActionsDoc(SCHEMA, engine.clock(), tuple(map(_document, items)))
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    return _exit(items)


async def _prepared(engine: Engine, wish: Wish, its: Asked, *, ask: bool) -> tuple[Prepared, dict[str, str]]:
    prepared = await engine.actions.plan(wish)
    if not prepared.plan.possible or not (prepared.plan.fields or its.given):
        return prepared, {}
    # Typing takes its time, and nothing else has begun yet: the loop may wait.
    with_fields, secrets = filled(prepared.plan.wish, prepared.plan.fields, its, ask=ask)
    if with_fields == prepared.plan.wish:
        return prepared, secrets
    return await engine.actions.plan(with_fields), secrets


async def _carry_out(engine: Engine, items: Sequence[_Item], its: Asked, *, terminal: bool) -> None:
    able = [item for item in items if item.prepared.plan.possible]
    for item, given in zip(
        able, _answers([item.prepared.consent for item in able], its, terminal), strict=True
    ):
        if why := missing(item.prepared.consent, given):
            item.refuse(f"nothing was sent: {why}{_how(item.prepared.consent, given, terminal)}")
            continue
        try:
            item.activity = engine.actions.start(item.prepared, item.secrets, given)
        except Refused as error:
            item.refuse(f"nothing was sent: {error}")
    told: set[str] = set()
    stop = engine.store.subscribe(lambda _: _tell(engine, told) if terminal else None)
    await asyncio.gather(*(_followed(engine, item) for item in able if item.activity))
    stop()
    for item in items:
        if item.activity is None and item.state == "refused":
            print(f"pipedeck: {item.prepared.plan.wish.target}: {item.words}", file=sys.stderr)
        elif item.activity is not None and not its.as_json:
            print(outcome_text(item.activity))


def _tell(engine: Engine, told: set[str]) -> None:
    """Say how what is under way gets on, each thing once."""
    for each in engine.actions.activities:
        if not each.ended and (text := outcome_text(each)) not in told:
            told.add(text)
            print(text, file=sys.stderr)


async def _followed(engine: Engine, item: _Item) -> None:
    assert item.activity is not None
    item.activity = await engine.actions.done(item.activity.id)
    item.state, item.words = item.activity.state, item.activity.words


def _answers(consents: Sequence[Consent], its: Asked, terminal: bool) -> list[Given]:
    """What the person says to each, by options or asked once for all."""
    yes, despite, names = its.yes, its.despite, set(its.confirmed)
    if terminal and not yes and consents:
        yes = _asked("Do it?" if len(consents) == 1 else f"Do all {len(consents)}?")
        for name in names_of(consents):
            if yes and name not in names:
                names.add(input(f"This is production. Type its name, {name}: ").strip())
        for doubt in dict.fromkeys(consent.doubt for consent in consents if consent.doubt):
            if yes and not despite:
                despite = _asked(f"{doubt[:1].upper()}{doubt[1:]}. Do it nevertheless?")
    return [Given(yes, consent.name if consent.name in names else "", despite) for consent in consents]


def _asked(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _how(consent: Consent, given: Given, terminal: bool) -> str:
    """What would say yes without a terminal."""
    if terminal and not given.yes:
        return ""
    needed = [
        *(() if given.yes else ("--yes",)),
        *((f"--confirm {consent.name}",) if consent.name and given.name != consent.name else ()),
        *(("--despite-verdict",) if consent.doubt and not given.despite else ()),
    ]
    return f"; without a terminal: {' '.join(needed)}"


def _exit(items: Sequence[_Item]) -> Exit:
    states = {item.state for item in items}
    for state, code in (("unknown", Exit.UNKNOWN), ("failed", Exit.FAILED), ("refused", Exit.REFUSED)):
        if state in states:
            return code
    return Exit.OK


def _document(item: _Item) -> ActionDoc:
    plan = item.prepared.plan
    activity = item.activity
    return ActionDoc(
        kind=plan.wish.kind.value,
        address=str(plan.wish.target),
        plan=plan.words,
        server=plan.server,
        environment=plan.environment,
        possible=plan.possible,
        why_not=plan.why_not,
        facts=plan.facts,
        warnings=plan.warnings,
        consent=item.prepared.consent,
        steps=tuple(StepDoc(step.words, step.method, step.path, step.body) for step in plan.steps),
        id=activity.id if activity is not None else None,
        state=item.state,
        words=item.words,
        result=str(activity.result) if activity is not None and activity.result is not None else None,
    )
