"""What an alarm may do by itself, where ``[safety]`` says so in full: announced, journalled, by one program at a time.

Never in read-only mode, and never a promotion.
"""

import asyncio
import uuid
from collections.abc import Callable
from functools import partial

import msgspec

from tui.config import Policy, Settings, seconds
from tui.domain.action import ActionRequest, Plan
from tui.domain.alarm import Alarm, Announcement
from tui.domain.journal import Entry
from tui.engine.actions.journal import JournalError
from tui.engine.actions.planner import REJECT_WAITING
from tui.engine.actions.service import ActionRefused, ActionService
from tui.engine.polling.poller import Poller
from tui.engine.queries import AnnouncementsNow, AnyQuery
from tui.engine.source_pool import SourcePool, unexpected
from tui.engine.store import Store
from tui.sources.base import SourceError
from tui.threads import in_thread

LOOK_AGAIN = 60.0
"""Seconds until it is looked whether another program still sees to a policy."""


class Policies:
    """Acts for alarms. What it announces is in the store, under :class:`AnnouncementsNow`."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        poller: Poller,
        sources: SourcePool,
        actions: ActionService,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        self._poller = poller
        self._sources = sources
        self._actions = actions
        self._clock = clock
        self._announcements: dict[str, Announcement] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()
        """Policies that act now: nothing holds them back any more."""
        self._wishes: dict[str, ActionRequest] = {}
        """What is announced."""
        self._noting: set[asyncio.Task[None]] = set()
        self.heard: Callable[[Announcement], None] | None = None
        """Hears what a person should be told."""

    @property
    def announced(self) -> tuple[Announcement, ...]:
        """The newest of each policy that has had something to say."""
        return tuple(self._announcements.values())

    def consider(self, alarm: Alarm) -> None:
        """Tell that ``alarm``, of a model, began to fire. Returns at once.

        A policy acts once for it, and not where a person has acted since it became bad.
        """
        for policy in self._of(alarm.name, alarm.model):
            task = self._tasks.get(policy.name)
            if task is None or task.done():
                self._tasks[policy.name] = asyncio.create_task(self._see_to(policy, alarm))

    def over(self, alarm: str, model: str, why: str) -> None:
        """Tell that it fires no more: what is not under way is not done."""
        for policy in self._of(alarm, model):
            self._hold_back(policy, why)

    def withdraw(self, name: str) -> bool:
        """A person says no: what the policy has announced is not done; whether there was anything. Noted in the
        journal, so that no other program does it either; when the alarm comes again it is announced anew."""
        policy = next(
            (configured for configured in self._settings.safety.policies if configured.name == name), None
        )
        request = self._wishes.get(name)
        if policy is None or request is None or not self._hold_back(policy, "a person said no"):
            return False
        noting = asyncio.create_task(self._note_no(policy, request))
        self._noting.add(noting)
        noting.add_done_callback(self._noting.discard)
        return True

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._noting, return_exceptions=True)

    def _of(self, alarm: str, model: str) -> list[Policy]:
        policies = self._settings.safety.policies
        return [policy for policy in policies if (policy.alarm, policy.model) == (alarm, model)]

    def _hold_back(self, policy: Policy, why: str) -> bool:
        """Whether there was something to hold back."""
        task = self._tasks.get(policy.name)
        if task is None or task.done() or policy.name in self._begun:
            return False
        task.cancel()
        request = self._wishes.pop(policy.name, None)
        self._announce(policy, f"no {policy.action}: {why}", notify=request is not None)
        return True

    async def _see_to(self, policy: Policy, alarm: Alarm) -> None:
        while True:
            with self._actions.journal.held(f"policy {policy.name}.lock") as free:
                if free:
                    try:
                        await self._alone(policy, alarm)
                    except Exception as error:
                        why = unexpected(f"policy {policy.name}", error).message
                        self._announce(policy, f"no {policy.action}: {why}")
                    finally:
                        self._begun.discard(policy.name)
                        self._wishes.pop(policy.name, None)
                    return
            self._announce(policy, "another pipedeck here sees to it", notify=False)
            await self._poller.pause(LOOK_AGAIN)

    async def _alone(self, policy: Policy, alarm: Alarm) -> None:
        """Announce, wait, act; while no other program sees to the policy."""
        if spent_reason := await in_thread(partial(self._spent_reason, policy, alarm.since, self._clock())):
            self._announce(policy, spent_reason)
            return
        try:
            words, request = await self._proposed(policy, alarm)
        except SourceError as error:
            self._announce(policy, f"no {policy.action}: {error.message}")
            return
        if request is None:
            self._announce(policy, f"no {policy.action}: {words}")
            return
        if block_reason := self._actions.rights.block_reason(request.target):
            self._announce(policy, f"no {policy.action}: {block_reason}")
            return
        if str(request.target) not in words:
            words = f"{words} ({request.target})"
        self._wishes[policy.name] = request
        wait = seconds(policy.wait)
        self._announce(policy, words, self._clock() + wait)
        await self._poller.pause(wait)
        try:
            words_now, request_now = await self._proposed(policy, alarm)
            if request_now is None:
                raise ActionRefused(words_now)
            if request_now != request:
                raise ActionRefused("it is not as it was when this was announced")
            if earlier_action := await in_thread(partial(self._earlier_action, policy, request, alarm.since)):
                raise ActionRefused(earlier_action)
            await self._start(policy, request, words)
        except (SourceError, ActionRefused) as error:
            self._announce(policy, f"no {policy.action}: {error}")

    async def _start(self, policy: Policy, request: ActionRequest, words: str) -> None:
        """Raises SourceError, Refused."""
        actions = self._actions
        prepared = await actions.plan(request)
        if missing := prepared.plan.missing:
            raise ActionRefused(f"it asks for {', '.join(missing)}")
        activity = actions.start(msgspec.structs.replace(prepared, policy=policy.name))
        self._begun.add(policy.name)
        self._announce(policy, f"{words} is under way")
        stop = self._store.subscribe(lambda _: self._follow(policy, words, activity.id))
        try:
            ended = await actions.done(activity.id)
        finally:
            stop()
        self._announce(policy, f"{words}: {ended.state}: {ended.words}")

    def _follow(self, policy: Policy, words: str, activity_id: str) -> None:
        """Say what it waits for, once for each thing."""
        found = next((activity for activity in self._actions.activities if activity.id == activity_id), None)
        if found is None or found.ended or found.state == "sending":
            return
        progress = f"{words} is under way: {found.words}"
        if self._announcements[policy.name].words != progress:
            self._announce(policy, progress, notify=False)

    async def _proposed(self, policy: Policy, alarm: Alarm) -> tuple[str, ActionRequest | None]:
        """What it would do, in words and as a request, from a state read now.

        Raises:
            SourceError
        """
        from tui.engine.alarms.suspects import Suspects  # not with the first frame

        asked: set[AnyQuery] = set()
        while True:
            look = Suspects(self._settings, self._store.own, self._sources.ours)
            found = look.before(policy.model, alarm.since, policy.environment, canary=alarm.canary)
            fresh = [query for query in look.asked if query not in asked]
            if not fresh:
                break
            asked.update(fresh)
            await asyncio.gather(*map(self._poller.ask, fresh))
        place = policy.model, alarm.since, policy.environment
        nobody = look.nobody(*place, canary=alarm.canary) if found is None else ""
        if policy.action == "retrain":
            words, request = look.retrain(policy.model, found, nobody)
        else:
            words, request = look.rollback(found, nobody)
            if request is not None and (later := look.later(found)):
                return f"{later} has come since", None
            if request is not None and (coming := look.coming(found)):
                return f"{coming} is being put there", None
            if request is not None and policy.reject_waiting:
                values = (*request.values, (REJECT_WAITING, "true"))
                request = msgspec.structs.replace(request, values=values)
        reason = f"policy {policy.name}: alarm {policy.alarm}"
        return words, msgspec.structs.replace(request, reason=reason) if request is not None else None

    def _spent_reason(self, policy: Policy, since: float, now: float) -> str | None:
        """Why the policy has done enough, by the journal; None: it has not."""
        times, _, window = policy.at_most.partition(" per ")
        begin = min(since, now - seconds(window))
        try:
            records = self._actions.journal.read(since=begin)
        except JournalError as error:
            return str(error)
        own = [record for record in records if record.first.policy == policy.name]
        if done := next((record for record in own if record.first.at >= since), None):
            return "it has acted for this alarm" if done.plan is not None else done.first.words
        sent = sum(record.sent is not None and record.first.at > now - seconds(window) for record in own)
        if sent >= int(times):
            return f"it has acted as often as it may: {policy.at_most}"
        return None

    def _earlier_action(self, policy: Policy, request: ActionRequest, since: float) -> str | None:
        """Who has acted on the same thing since the alarm began, in whatever program here; None: nobody."""
        for record in self._actions.journal.read(since=since):
            first, plan = record.first, record.plan
            if first.policy == policy.name or plan is None:
                continue
            refused = record.outcome is not None and record.outcome.state == "refused"
            if not refused and self._same(policy, plan, request):
                who = f"policy {first.policy}" if first.policy else first.who.user
                return f"{who} was first: {first.kind} {first.target}"
        return None

    def _same(self, policy: Policy, plan: Plan, request: ActionRequest) -> bool:
        """Whether ``plan`` was about what ``request`` is about."""
        target, environment = plan.request.target, request.target.environment
        if target == request.target:
            return True
        ships = self._settings.models[policy.model].ships(target.pipeline)
        return ships and environment is not None and plan.environment == environment

    async def _note_no(self, policy: Policy, request: ActionRequest) -> None:
        journal = self._actions.journal
        entry = Entry(
            id=uuid.uuid4().hex[:12],
            at=self._clock(),
            event="settled",
            who=journal.who,
            source=request.target.source,
            target=str(request.target),
            kind=request.kind.value,
            policy=policy.name,
            state="refused",
            words="a person said no",
        )
        try:
            await in_thread(partial(journal.append, entry))
        except JournalError as error:
            self._announce(policy, f"no {policy.action}: a person said no ({error})")

    def _announce(self, policy: Policy, words: str, at: float | None = None, *, notify: bool = True) -> None:
        announcement = Announcement(policy.name, policy.alarm, policy.model, words, at)
        self._announcements[policy.name] = announcement
        self._store.put(AnnouncementsNow(), self.announced, self._clock())
        if notify and self.heard is not None:
            self.heard(announcement)
