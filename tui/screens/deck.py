"""The deck: panes side by side on a wide terminal, one at a time on a narrow one."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.getters import query_one
from textual.message import Message
from textual.timer import Timer

from tui.domain.address import Address
from tui.engine.engine import Engine
from tui.engine.queries.queries import AnyQuery, PipelinesOf
from tui.keys import KeyAction, bindings, help_sections, hints
from tui.panes.base import Pane, Selection
from tui.panes.pipelines import PipelinesPane
from tui.panes.selectable import MARK
from tui.screens.action_keys import ActionKeys
from tui.screens.header import Header, verdict_queries
from tui.screens.sources import source_sections
from widgets.dialog.help_sheet import HelpSheet
from widgets.status_line import KeyLine

WIDE = 110
"""Columns from which panes stand side by side."""
TICK = 5.0
"""Seconds between looks at the clock: elapsed times move in steps of that size."""
SETTLE = 0.15
"""Seconds the cursor must rest on a row before its run is asked for."""
LOWER = "metrics"
"""The pane below the stages on a wide terminal, until another one is gone to."""


class DeckScreen(ActionKeys):
    BINDINGS: ClassVar = [*bindings("everywhere"), *bindings("acting")]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    DeckScreen {
        & > #body { height: 1fr; }
        & #side { width: 1fr; border-left: vkey $primary-muted; }
        & #side.alone { border-left: none; }
        & Pane { width: 1fr; height: 1fr; }
    }
    """

    class News(Message):
        """The store changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, DeckScreen.News)

    header = query_one(Header)
    key_line = query_one(KeyLine)

    def __init__(self, engine: Engine, keys: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(engine, keys)
        self.filled = False
        self.panes["pipelines"] = PipelinesPane(engine)
        self.lower = LOWER
        self._watch = engine.watch()
        self._unsubscribe = engine.store.subscribe(self._heard)
        self._settling: Timer | None = None
        # Where the log was opened from: the pane, the lower one, and whether that filled the screen.
        self._behind_log: tuple[str, str, bool] | None = None

    def compose(self) -> ComposeResult:
        yield Header(self.engine)
        with Horizontal(id="body"):
            yield self.panes["pipelines"]
        yield KeyLine()

    # -- what it shows

    def on_mount(self) -> None:
        self.show_keys()
        self._project()
        self.panes["pipelines"].focus_target.focus()
        self.set_interval(TICK, self._project)

    async def complete(self) -> None:
        """The first frame, with the list alone, is on the screen: the other panes may be made."""
        from tui.panes.registry import SIDE

        side = [kind(self.engine) for kind in SIDE]
        self.panes |= {pane.scope: pane for pane in side}
        await self.query_one("#body").mount(Vertical(*side, id="side"))
        self._select(self.selection)
        self._arrange()

    def on_unmount(self) -> None:
        self._unsubscribe()
        self._watch.close()

    def _heard(self, queries: frozenset[AnyQuery]) -> None:
        self.post_message(self.News())

    @on(News)
    def _news(self) -> None:
        self._project()
        self.tell_outcomes()

    def _project(self, *, list_too: bool = True) -> None:
        """Show what the store holds now, in what can be seen; unchanged lines are not drawn again."""
        if self.app.screen is not self:
            return
        with self.app.batch_update():
            for pane in self._visible():
                if list_too or pane.scope != "pipelines":
                    pane.project()
            self.header.project(self.panes[self.current].title if self._single else "")

    def on_screen_resume(self) -> None:
        self._project()

    def _visible(self) -> list[Pane]:
        return [each for name, each in self.panes.items() if self._shown(name) and _there(each)]

    def _shown(self, name: str) -> bool:
        return name == self.current if self._single else name in ("pipelines", "stages", self.lower)

    def _want(self) -> None:
        queries = {query for pane in self._visible() for query in pane.queries()}
        # The list is always wanted, and the verdicts: the header tells of all sources and models.
        queries.update(self.panes["pipelines"].queries(), verdict_queries(self.engine.settings))
        self._watch.want(*queries)

    def show_keys(self) -> None:
        pane = self.panes[self.current]
        marked = [(MARK, f"{len(pane.marked)} marked"), ("Esc", "unmark")] if pane.marked else []
        self.key_line.show([*marked, *hints(pane.scope, self.keys)])

    @on(Pane.Wants)
    def _wants_changed(self) -> None:
        self._want()

    # -- what is selected

    @on(PipelinesPane.Chosen)
    def _chosen(self, event: PipelinesPane.Chosen) -> None:
        pipeline, before = event.pipeline, self.selection.pipeline
        same = pipeline is not None and before is not None and pipeline.key == before.key
        selection = Selection(pipeline, self.selection.run if same else None)
        if same or before is None:
            self._select(selection)
            return
        self.selection = selection
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, lambda: self._select(self.selection))

    def _select(self, selection: Selection) -> None:
        self.selection = selection
        for pane in self.panes.values():
            pane.selection = selection
        self._project(list_too=False)  # it is where that was selected
        self._want()

    @on(PipelinesPane.Opened)
    def _opened(self) -> None:
        self.action_go("stages")

    @on(Pane.Jump)
    def _jump(self, event: Pane.Jump) -> None:
        """Show a run, listed or older, or an environment, with its pipeline under the cursor of the list."""
        to = event.to
        key = self._pipeline_of(to)
        if key is None:
            words = f"{to.pipeline} is not among the watched pipelines."
            self.notify(words, markup=False, timeout=4)
            return
        pane = self._find(key)
        self._select(Selection(pane.pipelines[key], to.of_run if to.run is not None else None))
        self.action_go("stages" if to.run is not None else "deployments" if to.environment else "pipelines")

    def _pipeline_of(self, address: Address) -> str | None:
        """The row that lists its run; else one of its pipeline. Of those that a filter hides, too."""
        rows = [
            pipeline
            for name in self.engine.settings.sources
            if (listing := self.engine.store.get(PipelinesOf(name)).value) is not None
            for pipeline in listing.pipelines
            if pipeline.address == address.pipeline
        ]
        rows.sort(key=lambda pipeline: all(each.address != address.of_run for each in pipeline.runs))
        return rows[0].key if rows else None

    def reveal_pipeline(self, address: Address) -> None:
        if (key := self._pipeline_of(address)) is not None:
            self._find(key)

    def action_older_run(self) -> None:
        self._step_run(1)

    def action_newer_run(self) -> None:
        self._step_run(-1)

    def _step_run(self, step: int) -> None:
        pipeline, address = self.selection.pipeline, self.selection.run_address
        if pipeline is None or address is None:
            return
        addresses = [run.address for run in pipeline.runs]
        index = (addresses.index(address) if address in addresses else 0) + step
        if not 0 <= index < len(addresses):
            words = "older run is listed" if step > 0 else "newer run"
            self.notify(f"No {words}.", markup=False, timeout=2)
            return
        self._select(Selection(pipeline, addresses[index] if index else None))

    # -- where the panes are

    @property
    def _single(self) -> bool:
        return self.filled or self.size.width < WIDE

    def _arrange(self) -> None:
        """One pane, or the list beside the others."""
        for name, pane in self.panes.items():
            pane.display = self._shown(name)
        if side := self.query("#side"):
            side.first().display = not self._single or self.current != "pipelines"
            side.first().set_class(self._single, "alone")
        self._want()
        self._project()

    def on_resize(self, event: Resize) -> None:
        self._arrange()

    @on(DescendantFocus)
    def _focus_moved(self, event: DescendantFocus) -> None:
        for name, pane in self.panes.items():
            if pane in event.widget.ancestors and name != self.current:
                self._come_to(name)

    def action_go(self, name: str) -> None:
        """Go to the pane of that name."""
        if (pane := self.panes.get(name)) is None or not _there(pane):
            return
        self._come_to(name)
        pane.focus_target.focus()

    def _come_to(self, name: str) -> None:
        before = self._visible()
        self.current = name
        if name not in ("pipelines", "stages"):
            self.lower = name
        if self._visible() != before:
            self._arrange()
        self.show_keys()

    def _step_pane(self, step: int) -> None:
        names = list(self.panes)
        self.action_go(names[(names.index(self.current) + step) % len(names)])

    def action_next_pane(self) -> None:
        self._step_pane(1)

    def action_previous_pane(self) -> None:
        self._step_pane(-1)

    def action_fill(self) -> None:
        self.filled = not self.filled
        self._arrange()

    def action_clear_filter(self) -> None:
        if self.panes[self.current].clear_marks():
            self.show_keys()
            return
        if any(self.panes[name].clear_filter() for name in (self.current, "pipelines")):
            return
        if self.filled:
            self.action_fill()

    # -- other keys

    def action_help(self) -> None:
        self.app.push_screen(HelpSheet(list(help_sections(self.keys))))

    def action_sources(self) -> None:
        self.app.push_screen(HelpSheet(source_sections(self.engine), ("Source", "What is known")))

    def action_refresh(self) -> None:
        self.engine.refresh_early(*{query for pane in self._visible() for query in pane.queries()})

    def action_log(self) -> None:
        """The log of what is under the cursor, filling the screen until it is closed."""
        from tui.panes.log import LogPane

        pane, address = self.panes.get("log"), self.selection.run_address
        if self.current == "stages":
            address = self.panes["stages"].address
        if not isinstance(pane, LogPane) or address is None:
            self.notify("There is no run here to read the log of.", markup=False, timeout=3)
            return
        self._behind_log = self._behind_log or (self.current, self.lower, self.filled)
        self.filled = True
        pane.open(address)
        self.action_go("log")

    @on(Pane.Closed)
    def _log_closed(self) -> None:
        back, self.lower, self.filled = self._behind_log or ("stages", LOWER, False)
        self._behind_log = None
        self.current = back
        self._arrange()
        self.action_go(back)

    async def action_redraw(self) -> None:
        await self.app.run_action("app.draw_anew")

    def action_suspend(self) -> None:
        self.app.action_suspend_process()

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_quit(self) -> None:
        self.app.exit(0)

    def action_copy_address(self) -> None:
        address = self.panes[self.current].address or self.selection.run_address
        if address is None and self.selection.pipeline is not None:
            address = self.selection.pipeline.address
        self._copy(str(address) if address is not None else "")

    def action_copy_url(self) -> None:
        pipeline = self.selection.pipeline
        run = next(
            (run for run in (pipeline.runs if pipeline else ()) if run.address == self.selection.run_address),
            None,
        )
        own = self.panes[self.current].url
        self._copy(own or (run.web_url if run else "") or (pipeline.web_url if pipeline else ""))

    def _copy(self, text: str) -> None:
        if not text:
            self.notify("There is nothing to copy here.", markup=False, timeout=3)
            return
        self.app.copy_to_clipboard(text)
        self.notify(f"Sent to the terminal's clipboard: {text}", markup=False, timeout=4)

    # -- for the palette

    async def perform(self, action: KeyAction) -> None:
        """Do what a key of the registry would do, wherever the focus is."""
        namespace = self.panes.get(action.scope, self)
        await self.app.run_action(action.command, default_namespace=namespace)

    def pipeline_keys(self) -> list[str]:
        pane = self.panes["pipelines"]
        assert isinstance(pane, PipelinesPane)
        return list(pane.pipelines)

    def reveal(self, key: str) -> None:
        """Go to the pipeline of ``key``, as the palette does."""
        self._find(key)
        self.action_go("pipelines")

    def _find(self, key: str) -> PipelinesPane:
        """Put the cursor of the list on the pipeline of ``key``, whatever its filter."""
        pane = self.panes["pipelines"]
        assert isinstance(pane, PipelinesPane)
        if not pane.reveal(key):
            pane.filter.clear()
            pane.project()
            pane.reveal(key)
        return pane


def _there(pane: Pane) -> bool:
    """It has its parts: while it is made, which takes time on a busy machine, it hangs in the deck without them."""
    return pane.is_mounted and pane.is_attached
