"""``pipedeck approve``, ``reject``, ``promote``, ``rollback``, ``retry``, ``cancel``, ``set-champion``, ``switch`` and
``trigger``."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

import msgspec

from tui.commands.action_arguments import ActionArguments, AmbiguousArguments
from tui.commands.action_requests import action_requests, filled
from tui.commands.action_text import last_text, outcome_text, plan_text
from tui.commands.exit_codes import Exit
from tui.commands.frame import complain, print_document, with_runtime
from tui.commands.prompts import NoAnswer, ask, ask_yes
from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest, Activity, Plan
from tui.domain.journal import JournalError
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused, PreparedAction
from tui.engine.runtime import Runtime
from tui.insight.confirmation import Confirmation, RequiredConfirmation, missing_confirmation
from tui.insight.confirmation import names as names_of
from tui.presenters.documents import SCHEMA, document_of
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
    consent: RequiredConfirmation
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

    def __init__(self, prepared: PreparedAction, secrets: Mapping[str, str]) -> None:
        self.prepared = prepared
        self.secrets = secrets
        self.activity: Activity | None = None
        self.state = "planned"
        self.words = ""
        if not prepared.plan.possible:
            self.end("refused", prepared.plan.why_not)

    @property
    def able(self) -> bool:
        return self.prepared.plan.possible

    def end(self, state: str, words: str) -> None:
        self.state, self.words = state, words


async def act(settings: Settings, arguments: ActionArguments) -> Exit:
    """Print the plan, ask, and carry it out; the exit code says the outcome."""

    async def work(runtime: Runtime) -> Exit:
        try:
            items = await _done(runtime, settings, arguments)
        except AmbiguousArguments as error:
            complain(str(error))
            return Exit.USAGE
        except ActionRefused as error:
            complain(f"nothing was sent: {error}")
            return Exit.REFUSED
        except (NoAnswer, asyncio.CancelledError):
            complain("nothing was sent")
            return Exit.REFUSED
        if arguments.as_json:
            print_document(ActionsDoc(SCHEMA, runtime.clock(), tuple(map(_document, items))))
        return _exit(items)

    return await with_runtime(settings, work)


async def _done(runtime: Runtime, settings: Settings, arguments: ActionArguments) -> list[_Item]:
    """
    Raises:
        SourceError, Unclear
        Unanswered, CancelledError: nothing was sent.
    """
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    found = await action_requests(runtime, settings, arguments)
    await _settle(runtime, found)
    items = [
        await _prepared(
            runtime, request, arguments, ask=terminal and not (arguments.yes or arguments.dry_run)
        )
        for request in found
    ]
    for item in items:
        text = plan_text(item.prepared, settings, runtime.clock(), requests=arguments.dry_run)
        print(text, file=sys.stderr if arguments.as_json else sys.stdout, flush=True)
    if arguments.dry_run:
        return items
    able = [item for item in items if item.able]
    if terminal and not arguments.yes:
        for item in able:
            if text := last_text(item.prepared, item.secrets, runtime.clock()):
                print(f"\n{text}", file=sys.stderr, flush=True)
    answers = _answers([item.prepared for item in able], arguments, terminal)
    for item, given in zip(able, answers, strict=True):
        if why := missing_confirmation(item.prepared.consent, given):
            item.end("refused", f"nothing was sent: {why}{_how(item.prepared.consent, given, terminal)}")
            continue
        try:
            item.activity = runtime.actions.start(item.prepared, item.secrets, given)
        except ActionRefused as error:
            item.end("refused", f"nothing was sent: {error}")
    await _follow(runtime, items, terminal=terminal)
    for item in items:
        target = item.prepared.plan.request.target
        if item.activity is None:
            complain(f"{target}: {item.words}")
        elif not arguments.as_json:
            print(outcome_text(item.activity))
    return items


async def _settle(runtime: Runtime, found: Sequence[ActionRequest]) -> None:
    """Before anything is done: see what became of what was cut off in the same places. A cancel does not wait: it may
    be of just that."""
    printed: set[str] = set()
    stop = runtime.store.subscribe(lambda _: _tell(runtime, printed))
    await runtime.actions.settle(
        {each.target.pipeline for each in found if each.kind is not ActionKind.CANCEL}
    )
    stop()
    for activity in runtime.actions.activities:
        print(outcome_text(activity), file=sys.stderr)


async def _prepared(
    runtime: Runtime, request: ActionRequest, arguments: ActionArguments, *, ask: bool
) -> _Item:
    try:
        prepared = await runtime.actions.plan(request)
        if not prepared.plan.possible or not (prepared.plan.fields or arguments.given):
            return _Item(prepared, {})
        asked = [field for field in prepared.plan.fields if field.kind == "secret"]
        if ask and any(each.name not in dict(arguments.given) for each in asked):
            print(prepared.plan.words, file=sys.stderr)
        # Typing takes its time, and nothing else has begun yet: the loop may wait.
        with_fields, secrets = filled(prepared.plan.request, prepared.plan.fields, arguments, ask=ask)
        if with_fields != prepared.plan.request:
            prepared = await runtime.actions.plan(with_fields)
        return _Item(prepared, secrets)
    except SourceError as error:
        if len(arguments.targets) == 1:
            raise
        words = f"{request.kind.value} {request.target}"
        item = _Item(PreparedAction(Plan(request, words, possible=False, why_not=error.message)), {})
        item.end("unread", error.message)
        return item


async def _follow(runtime: Runtime, items: Sequence[_Item], *, terminal: bool) -> None:
    """Wait until all that was begun has ended, or the person will not wait."""
    printed: set[str] = set()
    stop = runtime.store.subscribe(lambda _: _tell(runtime, printed) if terminal else None)
    begun = [item for item in items if item.activity is not None]
    try:
        await asyncio.gather(*(runtime.actions.done(item.activity.id) for item in begun if item.activity))
    except asyncio.CancelledError:
        await runtime.actions.close()  # from here on nothing is sent
    stop()
    last = {activity.id: activity for activity in runtime.actions.activities}
    for item in begun:
        assert item.activity is not None
        item.activity = last[item.activity.id]
        if not item.activity.ended:
            item.activity = _cut_off(item.activity, runtime.actions.journal)
        item.end(item.activity.state, item.activity.words)


def _cut_off(activity: Activity, journal: Journal) -> Activity:
    """What is known of an action that the person would not wait for."""
    try:
        sent = any(each.id == activity.id and each.sent is not None for each in journal.read(activity.id))
    except JournalError:
        sent = True  # as far as is known
    if not sent:
        return msgspec.structs.replace(activity, state="refused", words="nothing was sent: it was stopped")
    words = f"you stopped looking at '{activity.words}'; it is read back before anything else is done there"
    return msgspec.structs.replace(activity, state="unknown", words=words)


def _tell(runtime: Runtime, printed: set[str]) -> None:
    """Say how what is under way gets on, each thing once."""
    for activity in runtime.actions.activities:
        if not activity.ended and (text := outcome_text(activity)) not in printed:
            printed.add(text)
            print(text, file=sys.stderr)


def _answers(
    plans: Sequence[PreparedAction], arguments: ActionArguments, terminal: bool
) -> list[Confirmation]:
    """What the person says to each, by options or asked once for all; of what is doubtful, to each by itself.

    Raises:
        Unanswered
    """
    yes, names, asking = (
        arguments.yes,
        set(arguments.confirmed),
        terminal and not arguments.yes and bool(plans),
    )
    if asking:
        yes = ask_yes("Do it?" if len(plans) == 1 else f"Do all {len(plans)}?")
        for name in names_of(plan.consent for plan in plans):
            if yes and name not in names:
                names.add(ask(f"This is production. Type its name, {name}: "))
    given = []
    for plan in plans:
        consent, versions = plan.consent, set(arguments.despite)
        if asking and yes and consent.doubt and consent.version not in versions:
            doubt = f"{consent.doubt[:1].upper()}{consent.doubt[1:]}"
            which = f"{plan.plan.request.target}: " if len(plans) > 1 else ""
            versions.add(ask(f"{which}{doubt}. To do it nevertheless type {consent.version}: "))
        version = consent.version if consent.version in versions else ""
        given.append(Confirmation(yes, consent.name if consent.name in names else "", version))
    return given


def _how(consent: RequiredConfirmation, given: Confirmation, terminal: bool) -> str:
    """What would say yes without a terminal."""
    if terminal and not given.yes:
        return ""
    needed = [
        *(() if given.yes else ("--yes",)),
        *((f"--confirm {consent.name}",) if consent.name and given.name != consent.name else ()),
        *((f"--despite-verdict {consent.version}",) if consent.version != given.version else ()),
    ]
    return f"; without a terminal: {' '.join(needed)}"


def _exit(items: Sequence[_Item]) -> Exit:
    states = {item.state for item in items}
    return next((code for state, code in _WORST if state in states), Exit.OK)


_WORST = (
    ("unknown", Exit.UNKNOWN),
    ("failed", Exit.FAILED),
    ("unread", Exit.UNREACHABLE),
    ("refused", Exit.REFUSED),
)


def _document(item: _Item) -> ActionDoc:
    plan = item.prepared.plan
    activity = item.activity
    return document_of(
        ActionDoc,
        plan,
        kind=plan.request.kind.value,
        address=str(plan.request.target),
        plan=plan.words,
        consent=item.prepared.consent,
        steps=tuple(document_of(StepDoc, step) for step in plan.steps),
        id=activity.id if activity is not None else None,
        state=item.state,
        words=item.words,
        result=str(activity.result) if activity is not None and activity.result is not None else None,
    )
