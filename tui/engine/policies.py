"""What an alarm may do by itself, where ``[safety]`` says so in full: announced, journalled, by one program at a time.

Never in read-only mode, and never a promotion.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tui.config import Policy, seconds
from tui.domain.action import Kind, Wish
from tui.engine import wishes
from tui.engine.actions import Refused
from tui.engine.questions import EnvironmentsOf, PipelinesOf
from tui.sources.base import SourceError
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.engine import Engine


class Announcement(msgspec.Struct, frozen=True):
    """What a policy is about to do, did, or why it does not."""

    policy: str
    words: str
    at: float | None = None
    """When it acts, unless a person is first; None: it does not."""


class Policies:
    """Acts for alarms. Its announcements are for the screen."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._announced: dict[str, Announcement] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._withdrawn: set[str] = set()

    @property
    def announced(self) -> tuple[Announcement, ...]:
        """The newest of each policy that has had something to say."""
        return tuple(self._announced.values())

    def consider(self, alarm: str, model: str, since: float, firing: Callable[[], bool]) -> None:
        """Tell that ``alarm`` fires for ``model``; may be told again and again. Returns at once.

        Args:
            since: when it began to. A policy acts once for it.
            firing: whether it still does.
        """
        for policy in self._engine.settings.safety.policies:
            task = self._tasks.get(policy.name)
            meant = policy.alarm == alarm and policy.model == model and policy.name not in self._withdrawn
            if meant and (task is None or task.done()):
                self._tasks[policy.name] = asyncio.create_task(self._act(policy, since, firing))

    def withdraw(self, policy: str) -> None:
        """A person says no: what is announced is not done, nor anything else for as long as the program runs."""
        if task := self._tasks.get(policy):
            task.cancel()
            self._withdrawn.add(policy)
            self._say(policy, "a person said no")

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _act(self, policy: Policy, since: float, firing: Callable[[], bool]) -> None:
        engine = self._engine
        with engine.actions.journal.held("policies.lock") as free:
            if not free:
                self._say(policy.name, "another pipedeck here sees to the policies")
                return
            if why := await in_thread(partial(self._spent, policy, since, engine.clock())):
                self._say(policy.name, why)
                return
            try:
                wish = await self._wish(policy)
            except SourceError as error:
                self._say(policy.name, f"cannot act: {error.message}")
                return
            if wish is None:
                self._say(policy.name, "cannot act: there is nothing to act on")
                return
            wait = seconds(policy.wait)
            words = f"{policy.action} of {policy.model} for the alarm {policy.alarm}"
            if why := engine.actions.locked(wish.target):
                self._say(policy.name, f"no {words}: {why}")
                return
            self._say(policy.name, words, engine.clock() + wait)
            began = engine.clock()
            await engine.pause(wait)
            if not firing():
                self._say(policy.name, f"no {words}: the alarm is over")
                return
            acted = [each for each in engine.actions.activities if each.since >= began]
            if any(each.plan.wish.target == wish.target for each in acted):
                self._say(policy.name, f"no {words}: a person was first")
                return
            await self._start(policy, wish, words)

    async def _start(self, policy: Policy, wish: Wish, words: str) -> None:
        actions = self._engine.actions
        try:
            prepared = await actions.plan(wish)
            plan = prepared.plan
            asked = (each for each in plan.fields if each.required and not each.default)
            if missing := [each.name for each in asked if not plan.wish.value(each.name)]:
                raise Refused(f"it asks for {', '.join(missing)}")
            activity = actions.start(msgspec.structs.replace(prepared, policy=policy.name))
        except (SourceError, Refused) as error:
            self._say(policy.name, f"no {words}: {error}")
            return
        self._say(policy.name, f"{words} is under way")
        ended = await actions.done(activity.id)
        self._say(policy.name, f"{words}: {ended.state}: {ended.words}")

    async def _wish(self, policy: Policy) -> Wish | None:
        settings, model = self._engine.settings, self._engine.settings.models[policy.model]
        reason = f"policy {policy.name}: alarm {policy.alarm}"
        if policy.action == "retrain":
            wish = wishes.retrain(settings, policy.model)
            return msgspec.structs.replace(wish, reason=reason) if wish is not None else None
        environment = policy.environment or model.environment
        for name in dict.fromkeys(text.partition(":")[0] for text in model.pipelines):
            listing = await self._engine.ask(PipelinesOf(name))
            for pipeline in dict.fromkeys(each.address for each in listing.pipelines):
                if model.ships(str(pipeline)):
                    found = await self._engine.ask(EnvironmentsOf(pipeline))
                    for each in found.environments:
                        if environment in (each.name, str(each.address)):
                            return Wish(Kind.ROLLBACK, each.address, reason=reason)
        return None

    def _spent(self, policy: Policy, since: float, now: float) -> str:
        """Why the policy has done enough, by the journal; empty: it has not."""
        times, _, window = policy.at_most.partition(" per ")
        done = [
            each.first.at for each in self._engine.actions.journal.read() if each.first.policy == policy.name
        ]
        if any(at >= since for at in done):
            return "it has acted for this alarm"
        if sum(at > now - seconds(window) for at in done) >= int(times):
            return f"it has acted as often as it may: {policy.at_most}"
        return ""

    def _say(self, policy: str, words: str, at: float | None = None) -> None:
        self._announced[policy] = Announcement(policy, words, at)
