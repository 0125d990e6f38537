"""What the acting keys of the deck are about: the thing under the cursor, and the news of what was sent."""

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from textual import on
from textual.screen import Screen

from tui.domain.action import Activity, Kind, Wish
from tui.domain.address import Address
from tui.engine.engine import Engine
from tui.keys import ACTING, spell
from tui.panes.base import Pane, Selection
from tui.panes.deployments import DeploymentsPane
from widgets.help_sheet import HelpSheet

if TYPE_CHECKING:
    from tui.screens.acting import Acting


class ActingKeys(Screen[None]):
    """The part of the deck that acts."""

    def __init__(self, engine: Engine, keys: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.engine = engine
        self.keys = keys
        self.selection = Selection()
        self.panes: dict[str, Pane] = {}
        self.current = "pipelines"
        self._begun = False
        self._ended: dict[str, str] = {}
        """What was told of how actions ended, by id."""

    def action_go(self, name: str) -> None:
        raise NotImplementedError

    async def _begin(self) -> None:
        await self.engine.actions.learn()
        await self.engine.actions.settle()

    def tell_outcomes(self) -> None:
        """Say how actions ended; and with the first data, look for what was cut off last time."""
        if not self._begun:
            self._begun = True
            self.run_worker(self._begin())
        for each in self.engine.actions.activities:
            if each.ended and self._ended.get(each.id) != each.state:
                self._ended[each.id] = each.state
                words, well = self._outcome(each)
                self.notify(words, severity="information" if well else "warning", markup=False, timeout=10)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act":
            return self.current in ACTING
        if action == "menu":
            return self.current in (*ACTING, "log")
        return super().check_action(action, parameters)

    @on(Pane.Menu)
    async def action_menu(self) -> None:
        pane = self.panes[self.current]
        self._act(self._menu(pane, self._target()))

    @on(Pane.Wished)
    def _wished(self, event: Pane.Wished) -> None:
        self._act(self._acting.carry_out(event.wish))

    async def _menu(self, pane: Pane, target: Address | None) -> None:
        way = await self._acting.menu(target, pane.ways)
        if way is not None:
            await self.app.run_action(way, default_namespace=pane)

    def action_act(self, word: str) -> None:
        kind = Kind(word)
        target = self._target()
        if target is None:
            self.notify(f"There is nothing here to {kind}.", markup=False, timeout=3)
            return
        if kind is Kind.TRIGGER:
            target = target.pipeline
        elif kind is Kind.ROLLBACK:
            if target.environment is None:
                words = "Put the cursor on an environment, or on a version of it, in the deployments."
                self.notify(words, markup=False, timeout=4)
                return
            pane = self.panes[self.current]
            if isinstance(pane, DeploymentsPane) and (version := pane.version):
                self._act(self._acting.carry_out(Wish(kind, target, (("version", version),))))
                return
        elif kind in (Kind.APPROVE, Kind.REJECT) and target.gate is None and target.environment is None:
            gates = self._gates_of(target)
            if len(gates) > 1:
                self.notify(f"{len(gates)} gates wait there: choose one.", markup=False, timeout=4)
                self.action_go("gates")
                return
            target = gates[0] if gates else target
        self._act(self._acting.act(kind, target))

    def _target(self) -> Address | None:
        """What is acted on: what is under the cursor, or what the deck looks at."""
        pipeline = self.selection.pipeline
        own = self.panes[self.current].address
        return own or self.selection.run_address or (pipeline.address if pipeline is not None else None)

    def _gates_of(self, target: Address) -> list[Address]:
        """Of the run that ``target`` is in, and of the job that it is."""
        runs = self.selection.pipeline.runs if self.selection.pipeline is not None else ()
        gates = [gate.address for run in runs if run.address == target.of_run for gate in run.gates]
        own = [gate for gate in gates if target.job is not None and gate.job == target.job]
        return own or gates

    @property
    def _acting(self) -> "Acting":
        # Not before it is needed: the first frame does not wait for it.
        from tui.screens.acting import Acting

        return Acting(self.app, self.engine, {name: spell(keys[0]) for name, keys in self.keys.items()})

    def _outcome(self, activity: Activity) -> tuple[str, bool]:
        from tui.screens.acting import outcome

        return outcome(activity)

    def _act(self, course: Coroutine[Any, Any, None]) -> None:
        self.run_worker(course, group="acting")

    def action_journal(self) -> None:
        self.run_worker(self._journal())

    async def _journal(self) -> None:
        from tui.screens.acting import journal

        self.app.push_screen(HelpSheet(await journal(self.engine), ("Action", "What became of it")))
