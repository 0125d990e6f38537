"""Carrying one action out: journal, one request, reading back, only then the next step (design: rules 10 to 12)."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Literal

import msgspec

from tui.domain.action import Observation, Plan, Reply
from tui.domain.address import Address
from tui.domain.journal import Entry, Event
from tui.engine.actions.journal import Journal, JournalError
from tui.engine.source_pool import SourcePool, unexpected
from tui.sources.base import ActingSource, SourceError
from tui.threads import in_thread

WAITS = (1.0, 2.0, 3.0, 5.0)
"""Seconds between two looks at a step's effect; the last one again and again."""
PATIENCE = 90.0
"""Seconds without any progress after which it is not known what became of a step."""
SOON = 5.0
"""Seconds after which what the server is done with, by its own word, and what is not to be seen did not happen."""
LONGEST = 1800.0
"""Seconds after which it is not known, progress or not."""

ActionState = Literal["sending", "accepted", "happening", "done", "failed", "refused", "unknown"]


class StepUpdate(msgspec.Struct, frozen=True):
    """How an action stands."""

    state: ActionState
    words: str
    step: int = 0
    result: Address | None = None


class ActionExecutor:
    """Carries actions out against the sources.

    Args:
        pause: waits so many seconds.
    """

    def __init__(
        self,
        journal: Journal,
        sources: SourcePool,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._journal = journal
        self._sources = sources
        self._clock = clock
        self._pause = pause

    async def carry_out(
        self,
        id_: str,
        plan: Plan,
        secrets: Mapping[str, str],
        write_block_reason: Callable[[], str | None],
        tell: Callable[[StepUpdate], None],
        policy: str = "",
    ) -> StepUpdate:
        """Send the steps of ``plan``, each once, and see what becomes of them; how it ended.

        Args:
            write_block_reason: why nothing may be sent, asked right before each request.
            tell: hears of progress.
        """
        try:
            source = await self._sources.get(plan.request.target.source, ActingSource)
            await self._note(self._entry(id_, "planned", plan, policy=policy, words=plan.words))
        except (SourceError, JournalError) as error:
            why = f"nothing was sent: {error}"
            await self.refuse(id_, plan, why, policy)
            return StepUpdate("refused", why)
        update = StepUpdate("refused", "the plan has no step")
        for number in range(len(plan.steps)):
            update = await self._step(id_, plan, number, source, secrets, write_block_reason, tell)
            update = msgspec.structs.replace(update, step=number)
            if update.state != "done":
                if number and update.state == "refused":
                    words = f"{plan.steps[number - 1].words} was done, but then: {update.words}"
                    update = msgspec.structs.replace(update, state="failed", words=words)
                break
        return await self.end(id_, plan, update)

    async def refuse(self, id_: str, plan: Plan, why: str, policy: str = "") -> None:
        """Note a person's attempt that was refused before it began. A policy that could not act has not acted."""
        if policy:
            return
        entry = self._entry(id_, "settled", plan, state="refused", words=why)
        try:
            await self._note(msgspec.structs.replace(entry, plan=plan))
        except JournalError:
            pass  # it is told all the same

    async def end(self, id_: str, plan: Plan, update: StepUpdate) -> StepUpdate:
        """Note how it ended; with what is wrong with the journal, if that cannot be."""
        entry = self._entry(
            id_,
            "settled",
            plan,
            state=update.state,
            words=update.words,
            step=update.step,
            result=str(update.result or ""),
        )
        try:
            await self._note(entry)
        except JournalError as error:
            return msgspec.structs.replace(update, words=f"{update.words} ({error})".strip())
        return update

    async def look(
        self,
        id_: str,
        plan: Plan,
        number: int,
        source: ActingSource,
        reply: Reply | None,
        tell: Callable[[StepUpdate], None],
    ) -> StepUpdate:
        """Look at the effect of a step that was sent, until it is settled or patience ends.

        Args:
            reply: None when it is not known, as after a restart.
        """
        step = plan.steps[number]
        over = reply if reply is not None and reply.state == "lost" and reply.over else None
        if reply is not None and reply.state == "lost" and not reply.found:
            reply = None  # it tells nothing by which to look
        began = last = self._clock()
        before, problem = "", ""
        for turn in itertools.count():
            if turn or reply is not None:
                await self._pause(WAITS[min(turn, len(WAITS) - 1)])
            seen: Observation | None = None
            try:
                seen = await source.observe(step, reply)
            except SourceError as error:
                problem = error.message
            except Exception as error:
                problem = unexpected(plan.request.target.source, error).message
            if over is not None and seen is not None and seen.not_ours:
                return StepUpdate("refused", f"{over.words}; {seen.words}".removeprefix("; "), number)
            if seen is not None:
                problem = ""
                if seen.found:
                    reply = msgspec.structs.replace(reply or Reply("lost"), found=seen.found)
                if seen.state != before:
                    before = seen.state
                    await self._observed(id_, plan, number, seen)
                if seen.state in ("done", "failed", "unknown"):
                    words = seen.words or step.words
                    if over is not None:
                        words = f"{words}, although the server had answered: {over.words}"
                    return StepUpdate(seen.state, words, number, seen.result)
                if seen.state in ("accepted", "happening"):
                    tell(StepUpdate(seen.state, seen.words or step.words, number, seen.result))
                if seen.state == "happening":
                    last = self._clock()
            now = self._clock()
            if over is not None and seen is not None and seen.state == "nothing" and now - began >= SOON:
                return StepUpdate("refused", f"{over.words}; nothing came of it", number)
            if now - last >= PATIENCE or now - began >= LONGEST:
                return StepUpdate("unknown", _gave_up(plan, seen, reply, problem, now - began), number)
        raise AssertionError("unreachable")

    async def _step(
        self,
        id_: str,
        plan: Plan,
        number: int,
        source: ActingSource,
        secrets: Mapping[str, str],
        write_block_reason: Callable[[], str | None],
        tell: Callable[[StepUpdate], None],
    ) -> StepUpdate:
        step = plan.steps[number]
        if block_reason := write_block_reason():
            return StepUpdate("refused", block_reason)
        tell(StepUpdate("sending", step.words, number))
        entry = self._entry(id_, "sending", plan, step=number, request=step)
        try:
            # What was begun is written, also when the program ends meanwhile.
            sent_elsewhere = await asyncio.shield(in_thread(partial(self._journal.begin, entry, plan)))
        except JournalError as error:
            return StepUpdate("refused", f"nothing was sent: {error}")
        if sent_elsewhere:
            return StepUpdate("refused", f"nothing was sent: {sent_elsewhere}")
        if block_reason := write_block_reason():
            return StepUpdate("refused", block_reason)
        began = self._clock()
        try:
            reply = await source.send(step, secrets)
        except Exception as error:
            reply = Reply("lost", unexpected(plan.request.target.source, error).message)
        latency = self._clock() - began
        entry = self._entry(
            id_,
            "answered",
            plan,
            step=number,
            reply=reply,
            state=reply.state,
            words=reply.words,
            latency=latency,
        )
        try:
            await self._note(entry)
        except JournalError:
            pass  # it was sent: what became of it is looked at all the same, and the end says it once more
        if reply.state == "refused":
            return StepUpdate("refused", reply.words or f"the server refused it with {reply.status}")
        if reply.state == "unsent":
            return StepUpdate("refused", f"nothing was sent: {reply.words}")
        if reply.state == "accepted":
            tell(StepUpdate("accepted", reply.words or step.words, number))
            return await self.look(id_, plan, number, source, reply, tell)
        answer = "" if reply.over else "no answer came, "
        tell(StepUpdate("sending", f"{answer}reading back: {reply.words}", number))
        return await self.look(id_, plan, number, source, reply, tell)

    async def _observed(self, id_: str, plan: Plan, number: int, seen: Observation) -> None:
        entry = self._entry(
            id_,
            "observed",
            plan,
            step=number,
            state=seen.state,
            words=seen.words,
            result=str(seen.result or ""),
            reply=Reply("accepted", found=seen.found) if seen.found else None,
        )
        try:
            await self._note(entry)
        except JournalError:
            pass

    async def _note(self, entry: Entry) -> None:
        """Raises JournalError."""
        # What was begun is written, also when the program ends meanwhile.
        await asyncio.shield(in_thread(partial(self._journal.append, entry)))

    def _entry(self, id_: str, event: Event, plan: Plan, **more: Any) -> Entry:
        request = plan.request
        return Entry(
            id=id_,
            at=self._clock(),
            event=event,
            who=self._journal.who,
            source=request.target.source,
            target=str(request.target),
            kind=request.kind.value,
            server=plan.server,
            plan=plan if event == "planned" else None,
            **more,
        )


def _gave_up(plan: Plan, seen: Observation | None, reply: Reply | None, problem: str, took: float) -> str:
    later = ""
    if problem:
        what = f"it could not be read back: {problem}"
    elif seen is not None and seen.state == "happening":
        what = "it was still happening when last looked at"
    elif seen is not None and seen.state == "accepted":
        what = "the server accepted it, but nothing of it was seen"
    elif reply is not None:
        what = "the server answered yes, but nothing of it was seen"
    else:
        what = "no answer came, and no effect was seen"
        later = "; it may still happen"
    words = f" ({seen.words})" if seen is not None and seen.words else ""
    return (
        f"{what} for {took:.0f} s{words}{later}; check {plan.request.target} on {plan.server or 'its server'}"
    )
