"""The actions of this session: how each stands, what is locked by one under way, what is to be asked anew."""

from collections.abc import Callable

import msgspec

from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest, Activity, Plan
from tui.engine.actions import model_rules
from tui.engine.actions.executor import StepUpdate
from tui.engine.polling.poller import Poller
from tui.engine.queries import (
    ActivitiesNow,
    CandidateOf,
    EnvironmentsOf,
    HistoryOf,
    JournalNow,
    PipelinesOf,
    RunAt,
)
from tui.engine.store import Store

REMEMBERED = 100
"""Ended activities kept for the screen; the journal has all."""


class ActivityRegister:
    """Activities by id, shown under :class:`ActivitiesNow`."""

    def __init__(self, settings: Settings, store: Store, poller: Poller, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._store = store
        self._poller = poller
        self._clock = clock
        self._by_id: dict[str, Activity] = {}

    @property
    def newest_first(self) -> tuple[Activity, ...]:
        return tuple(reversed(self._by_id.values()))

    def __getitem__(self, id_: str) -> Activity:
        return self._by_id[id_]

    def put(self, activity: Activity) -> None:
        self._by_id[activity.id] = activity
        self._store.put(ActivitiesNow(), self.newest_first, self._clock())

    def trim(self) -> list[str]:
        """Forget all but the newest of those that have ended; the ids of the ones forgotten."""
        forgotten = [id_ for id_, activity in self._by_id.items() if activity.ended][:-REMEMBERED]
        for id_ in forgotten:
            del self._by_id[id_]
        return forgotten

    def update(self, id_: str, progress: StepUpdate) -> None:
        """Take what has become of one; what it may have changed is asked anew."""
        before = self._by_id[id_]
        activity = msgspec.structs.replace(
            before,
            state=progress.state,
            words=progress.words,
            step=progress.step,
            result=progress.result or before.result,
            at=before.at if progress.state == before.state else self._clock(),
        )
        self.put(activity)
        if (activity.state, activity.result) != (before.state, before.result):
            self._refresh(activity)

    def lock_reason(self, request: ActionRequest) -> str | None:
        """Why ``request`` must wait: something is under way at its target."""
        for activity in self._by_id.values():
            before = activity.plan.request
            if activity.ended or before.target != request.target:
                continue
            # What has begun there may be canceled, and a cancel that does not work sharpened.
            if request.kind is not ActionKind.CANCEL or activity.state == "sending" or before == request:
                return f"{before.kind.value} is under way there"
        return None

    def duplicate_reason(self, plan: Plan) -> str | None:
        """Why ``plan`` must wait, or look again: what it would send is on its way under another address, or it was
        sent itself."""
        own = {(step.method, step.path, step.body) for step in plan.steps}
        for activity in self._by_id.values():
            request = activity.plan.request
            theirs = {(step.method, step.path, step.body) for step in activity.plan.steps}
            there = request.target.source == plan.request.target.source
            if not activity.ended and there and plan.request.kind is not ActionKind.CANCEL and own & theirs:
                return f"the same is under way: {request.kind.value} {request.target}"
        if any(activity.plan == plan for activity in self._by_id.values()):
            return "this plan was sent before: look again"
        return None

    def _refresh(self, activity: Activity) -> None:
        """Have asked anew what the action may have changed."""
        self._poller.refresh(JournalNow())
        target, result = activity.plan.request.target, activity.result
        for changed in (target,) if result is None else (target, result):
            self._poller.refresh(PipelinesOf(changed.source), EnvironmentsOf(changed.pipeline))
            if model := model_rules.registered(self._settings, changed):
                self._poller.refresh(CandidateOf(model))
            if changed.run is not None:
                self._poller.refresh(RunAt(changed.of_run))
            if changed.environment is not None:
                self._poller.refresh(HistoryOf(changed))
