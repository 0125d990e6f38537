"""Acting from the deck: what can be done, the plan, the person's answer, and how it went."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from textual.app import App

from tui.domain.action import ActionField, ActionKind, ActionRequest, Activity, Offer, Plan
from tui.domain.action_kinds import SHORTCUTS
from tui.domain.address import Address
from tui.engine.actions.service import ActionRefused, PreparedAction
from tui.engine.actions.targets import able, aim, prepare
from tui.insight.confirmation import Confirmation, names
from tui.screens.action_dialog import Paper, entries, last_paper, paper, paper_of_all, values
from tui.screens.action_dialog import secrets as secrets_of
from tui.sources.base import SourceError
from widgets.dialog.dialog import Dialog, DialogAnswer, DialogContent, DialogFact, Typed
from widgets.dialog.form import Entry
from widgets.dialog.menu import Menu, MenuLine
from widgets.theme import status_style

if TYPE_CHECKING:
    from tui.engine.runtime import Runtime

REASON = (Entry("reason", label="Reason (optional)"),)
VALUES = "values"
"""The step that is there only for what was filled in: with a key of its own."""
READING = "Reading what can be done …"


class ActionFlow:
    """One key or menu at a time."""

    def __init__(self, app: App[int], runtime: "Runtime", spelt: Mapping[str, str]) -> None:
        self.app = app
        self.runtime = runtime
        self.spelt = spelt
        """How the keys of the registry's actions are written."""

    async def menu(
        self, target: Address | None, ways: Sequence[tuple[str, str]], ref: str | None = None
    ) -> str | None:
        """All that can be done to ``target``, after the ``ways`` to go on from it; the way that was chosen.

        Args:
            ref: as of :func:`tui.engine.actions.targets.aim`.
        """
        lines = [MenuLine(f"way {action}", words) for words, action in ways]
        menu = Menu(str(target or "Nothing is selected"), lines, READING if target else "")
        chosen = self.app.push_screen(menu, wait_for_dismiss=True)
        offers: Sequence[Offer] = ()
        if target is not None:
            reading = asyncio.create_task(self._offers(target, ref or ""))
            await menu.mounted.wait()
            if await _came(reading, chosen):
                offers, note = reading.result()
                menu.offer([*lines, *self._lines(offers)], note)
        key = await chosen
        if key is None:
            return None
        if key.startswith("way "):
            return key.removeprefix("way ")
        await self.carry_out(offers[int(key)].request)
        return None

    async def act(self, kind: ActionKind, target: Address, ref: str | None = None) -> tuple[Address, ...]:
        """Do what a key means to ``target``: at once where that can only be one thing.

        Args:
            ref: as of :func:`tui.engine.actions.targets.aim`.

        Returns:
            What it may be done to, where that is not one thing and nobody said which.
        """
        title = f"{kind.verb.capitalize()} {target}"
        dialog = self._reading(title)
        answered = self.app.push_screen(dialog, wait_for_dismiss=True)
        reading = asyncio.create_task(aim(self.runtime.actions, kind, target, ref))
        await dialog.mounted.wait()
        if not await _came(reading, answered):
            return ()
        aimed = await reading
        if len(aimed.possible) == 1:
            await self._plan(dialog, answered, aimed.possible[0].request)
        elif len(aimed.targets) > 1 or aimed.possible:
            dialog.dismiss(None)
            await answered
            if len(aimed.targets) > 1:
                return aimed.targets
            menu = Menu(str(target), self._lines(aimed.offers))
            key = await self.app.push_screen(menu, wait_for_dismiss=True)
            if key is not None:
                await self.carry_out(aimed.offers[int(key)].request)
        else:
            facts = [DialogFact("", f"{offer.words}: {offer.why_not or 'not now'}") for offer in aimed.offers]
            words = aimed.problem or f"There is nothing here to {kind.verb}."
            dialog.tell(DialogContent(title, facts or [DialogFact("", words)]))
            await answered
        return ()

    async def act_on_all(self, kind: ActionKind, targets: Sequence[Address]) -> bool:
        """One plan and one question for all of ``targets``; whether it was begun, for each by itself."""
        dialog = self._reading(f"{kind.verb.capitalize()} {len(targets)} marked")
        answered = self.app.push_screen(dialog, wait_for_dismiss=True)
        reading = asyncio.create_task(prepare(self.runtime.actions, kind, targets))
        await dialog.mounted.wait()
        if not await _came(reading, answered):
            return False
        items = await reading
        shown = paper_of_all(
            f"{kind.verb.capitalize()} {len(targets)} marked",
            items,
            self.runtime.settings,
            self.runtime.clock(),
        )
        plans = able(items)
        if not plans:
            dialog.tell(*shown)
            await answered
            return False
        typed = " ".join(names(plan.consent for plan in plans))
        dialog.ask(
            shown.deciding,
            f"Yes, {kind.verb} {len(plans)}",
            REASON,
            Typed(typed) if typed else None,
            everything=shown.everything,
        )
        answer = await answered
        if answer is None:
            return False
        for plan in plans:
            self._start(plan, {}, Confirmation(True, plan.consent.name, reason=answer.values[REASON[0].name]))
        return True

    async def carry_out(self, request: ActionRequest) -> None:
        """From the request to its beginning, with all that is asked between."""
        dialog = self._reading(f"{request.kind.verb.capitalize()} {request.target}")
        await self._plan(dialog, self.app.push_screen(dialog, wait_for_dismiss=True), request)

    async def _plan(
        self, dialog: Dialog, answered: "asyncio.Future[DialogAnswer | None]", request: ActionRequest
    ) -> None:
        """One question after the other. What is filled in at the first is in the plan from the second on."""
        prepared = await self._prepare(dialog, answered, request)
        fields = prepared.plan.fields if prepared is not None else ()
        given, secrets, done = Confirmation(yes=True), dict[str, str](), 0
        while prepared is not None:
            if not prepared.plan.possible and fields and prepared.plan.fields and done:
                done = 0  # because of what was filled in: it is asked again, with that and the reason
            elif not prepared.plan.possible:
                dialog.tell(*self._paper(prepared))
                await answered
                return
            steps = steps_of(prepared, form=bool(fields))
            self._ask(dialog, prepared, steps, done, fields, secrets)
            answer = await answered
            if answer is None:
                return
            given = _with(given, steps[done], answer)
            done += 1
            if done == len(steps):
                self._start(prepared, secrets, given)
                return
            dialog = self._reading(dialog.paper.title)
            answered = self.app.push_screen(dialog, wait_for_dismiss=True)
            if done == 1 and fields:
                secrets = secrets_of(prepared.plan, answer.secrets)
                filled = tuple(values(prepared.plan, answer.values).items())
                request = msgspec.structs.replace(prepared.plan.request, values=filled)
                prepared = await self._prepare(dialog, answered, request)
            else:
                await dialog.mounted.wait()

    def _ask(
        self,
        dialog: Dialog,
        prepared: PreparedAction,
        steps: Sequence[str],
        done: int,
        fields: Sequence[ActionField],
        secrets: Mapping[str, str],
    ) -> None:
        """The question after those that are ``done``: the facts, and then what is sent beside what is asked."""
        step, last = steps[done], done + 1 == len(steps)
        shown = self._paper(prepared)
        consent, verb = prepared.consent, prepared.plan.request.kind.verb
        typed = {"name": Typed(consent.name), "version": Typed(consent.version, f"to {verb} it all the same")}
        dialog.ask(
            last_paper(prepared, fields, secrets, self.runtime.clock()) if done else shown.deciding,
            _yes(prepared.plan) if last else "Go on",
            (*(() if done else entries(prepared.plan)), *(REASON if last else ())),
            typed.get(step),
            key="s" if step == VALUES else "y",
            everything=shown.everything,
            steps=_progress(steps, done),
        )

    async def _prepare(
        self, dialog: Dialog, answered: "asyncio.Future[DialogAnswer | None]", request: ActionRequest
    ) -> PreparedAction | None:
        """The plan; None where the person did not wait, or it cannot be had, which is told."""
        reading = asyncio.create_task(self.runtime.actions.plan(request))
        await dialog.mounted.wait()
        if not await _came(reading, answered):
            return None
        try:
            return await reading
        except SourceError as error:
            facts = DialogFact("cannot now", (str(error), "failed")), DialogFact("", "Nothing was sent.")
            dialog.tell(DialogContent(dialog.paper.title, facts))
            await answered
            return None

    def _paper(self, prepared: PreparedAction) -> Paper:
        return paper(prepared, self.runtime.settings, self.runtime.clock())

    def _start(self, prepared: PreparedAction, secrets: dict[str, str], given: Confirmation) -> None:
        try:
            self.runtime.actions.start(prepared, secrets, given)
        except ActionRefused as refused:
            self.app.notify(f"Nothing was sent: {refused}", severity="warning", markup=False, timeout=10)

    async def _offers(self, target: Address, ref: str) -> tuple[Sequence[Offer], str]:
        try:
            offers = await self.runtime.actions.offers(target, ref if target.run is None else "")
        except SourceError as error:
            return (), str(error)
        return offers, "" if offers else "Nothing can be done to it."

    def _lines(self, offers: Iterable[Offer]) -> list[MenuLine]:
        return [
            MenuLine(
                str(number),
                offer.words,
                self.spelt.get(SHORTCUTS.get(offer.request.kind, ""), ""),
                "" if offer.possible else offer.why_not or "not now",
            )
            for number, offer in enumerate(offers)
        ]

    def _reading(self, title: str) -> Dialog:
        return Dialog(title, f"{READING}  Esc leaves it.")


def steps_of(prepared: PreparedAction, *, form: bool) -> tuple[str, ...]:
    """What is asked, in order: no key pressed twice answers two of them.

    Args:
        form: there is something to be filled in, beside the facts.
    """
    consent = prepared.consent
    typed = (*(("name",) if consent.name else ()), *(("version",) if consent.doubt else ()))
    if form or consent.doubt or prepared.promotion is not None:
        return ("facts", *(typed or ((VALUES,) if form else ())))
    return typed or ("facts",)  # a name alone is typed beside the facts


def _progress(steps: Sequence[str], done: int) -> str:
    """``✓ facts · name · version``; nothing where there is one."""
    if len(steps) == 1:
        return ""
    tick = status_style("passed").glyph
    return " · ".join(f"{tick} {step}" if i < done else step for i, step in enumerate(steps))


def _with(given: Confirmation, step: str, answer: DialogAnswer) -> Confirmation:
    """What has been said so far, and now."""
    if step in ("name", "version"):
        given = msgspec.structs.replace(given, **{step: answer.name})
    return msgspec.structs.replace(given, reason=answer.values.get(REASON[0].name, given.reason))


def _yes(plan: Plan) -> str:
    """The answer that is not No: with what the server itself writes on the button, where it does."""
    return f"Yes: {plan.button}" if plan.button else f"Yes, {plan.request.kind.verb}"


async def _came(reading: "asyncio.Task[Any]", answered: "asyncio.Future[Any]") -> bool:
    """Wait for what is read; False where the person left before it came."""
    waiting: set[asyncio.Future[Any]] = {reading, answered}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if answered.done():
        reading.cancel()
    return not answered.done()


def outcome(activity: Activity) -> tuple[str, bool]:
    """What is said once an action has ended, and whether all is well."""
    request = activity.plan.request
    head = f"{request.kind.value} {request.target}: {activity.state}"
    words = f"{head}. {activity.words}" if activity.words else head
    if activity.state == "unknown":
        words += " Look at the server before you try again."
    return words, activity.state == "done"
