"""What the acting keys of the deck are about: the thing under the cursor, and the news of what was sent."""

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from textual import on
from textual.notifications import SeverityLevel
from textual.screen import Screen

from tui.domain.action import ActionKind, ActionRequest, Activity
from tui.domain.address import Address
from tui.engine.runtime import Runtime
from tui.keys import spell
from tui.pane_registry import SPECS, Shows, pane_that_shows
from tui.panes.base import Pane, Selection
from tui.panes.selectable import SelectablePane
from tui.text import format as fmt

if TYPE_CHECKING:
    from tui.screens.action_flow import ActionFlow


class ActionKeys(Screen[None]):
    """The part of the deck that acts."""

    def __init__(self, runtime: Runtime, keys: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.runtime = runtime
        self.keys = keys
        self.selection = Selection()
        self.panes: dict[str, Pane] = {}
        self.current = pane_that_shows("pipeline")
        self._begun = False
        self._ended: dict[str, str] = {}
        """What was told of how actions ended, by id."""

    def action_go(self, name: str) -> None:
        raise NotImplementedError

    def go_to(self, address: Address, what: Shows) -> None:
        """Go to the pane for things of this kind, with ``address`` selected."""
        raise NotImplementedError

    def follow_cursor(self) -> None:
        """Select what the cursor is on by now, whose message may still be on its way."""
        raise NotImplementedError

    def show_keys(self) -> None:
        raise NotImplementedError

    async def _begin(self) -> None:
        await self.runtime.actions.learn()
        await self.runtime.actions.settle()

    def tell_outcomes(self) -> None:
        """Say how actions ended; and with the first data, look for what was cut off last time."""
        if not self._begun:
            self._begun = True
            self.run_worker(self._begin())
        news = [
            activity
            for activity in self.runtime.actions.activities
            if activity.ended and self._ended.get(activity.id) != activity.state
        ]
        if news:
            self._ended |= {new.id: new.state for new in news}
            outcomes = [self._outcome(new) for new in reversed(news)]
            severity: SeverityLevel = "information" if all(well for _, well in outcomes) else "warning"
            words = "\n".join(words for words, _ in outcomes)
            self.notify(words, severity=severity, markup=False, timeout=10)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act":
            return SPECS[self.current].acts
        if action == "mark":
            return isinstance(self.panes[self.current], SelectablePane)
        return super().check_action(action, parameters)

    async def action_menu(self) -> None:
        pane = self.panes[self.current]
        self._act(self._menu(pane, self._target()))

    @on(Pane.ActionRequested)
    def _action_requested(self, event: Pane.ActionRequested) -> None:
        self._act(self._acting.carry_out(event.request))

    async def _menu(self, pane: Pane, target: Address | None) -> None:
        way = await self._acting.menu(target, pane.ways, self._ref(target))
        if way is not None:
            await self.app.run_action(way, default_namespace=pane)

    def action_act(self, word: str) -> None:
        kind, pane, target = ActionKind(word), self.panes[self.current], self._target()
        marked = pane.marked
        if len(marked) == 1:  # it is asked about as if the cursor were on it
            pane.clear_marks()
            self.show_keys()
            self._act(self._act_on(kind, marked[0]))
        elif marked:
            self._act(self._act_on_all(kind, pane, marked))
        elif target is None:
            self.notify(f"There is nothing here to {kind.verb}.", markup=False, timeout=3)
        elif kind is ActionKind.ROLLBACK and (version := self.selection.version):
            self._act(self._acting.carry_out(ActionRequest(kind, target, (("version", version),))))
        else:
            self._act(self._act_on(kind, target, self._ref(target)))

    async def _act_on(self, kind: ActionKind, target: Address, ref: str | None = None) -> None:
        choices = await self._acting.act(kind, target, ref)
        if choices:
            what: Shows = "environment" if kind is ActionKind.ROLLBACK else "gate"
            words = f"{fmt.count(len(choices), what)} of {target.of_run}: choose one."
            self.notify(words, markup=False, timeout=4)
            self.go_to(choices[0], what)

    async def _act_on_all(self, kind: ActionKind, pane: Pane, marked: tuple[Address, ...]) -> None:
        if await self._acting.act_on_all(kind, marked):
            pane.clear_marks()
            self.show_keys()

    def action_mark(self) -> None:
        """Mark what is under the cursor, or no more."""
        pane = self.panes[self.current]
        if isinstance(pane, SelectablePane) and not pane.toggle_mark():
            self.notify("That cannot be marked.", markup=False, timeout=2)
        self.show_keys()

    def _target(self) -> Address | None:
        """What is acted on."""
        self.follow_cursor()
        return self.selection.target

    def _ref(self, target: Address | None) -> str | None:
        """The ref of the row the deck looks at, where ``target`` is that row's pipeline; None elsewhere."""
        pipeline = self.selection.pipeline
        return pipeline.ref if pipeline is not None and pipeline.address == target else None

    @property
    def _acting(self) -> "ActionFlow":
        # Not before it is needed: the first frame does not wait for it.
        from tui.screens.action_flow import ActionFlow

        return ActionFlow(self.app, self.runtime, {name: spell(keys[0]) for name, keys in self.keys.items()})

    def _outcome(self, activity: Activity) -> tuple[str, bool]:
        from tui.screens.action_flow import outcome

        return outcome(activity)

    def _act(self, course: Coroutine[Any, Any, None]) -> None:
        self.run_worker(course, group="acting")
