"""The deck: panes side by side on a wide terminal, one at a time on a narrow one."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.getters import query_one
from textual.message import Message
from textual.timer import Timer

from tui.domain.address import Address
from tui.domain.pipeline import Pipeline
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime
from tui.engine.store import AnyKey
from tui.keys import bindings, help_sections, hints
from tui.pane_registry import PANES, SPECS, KeyAction, Shows, pane_that_shows
from tui.panes.base import Pane, Selection, owner_of, pane_class
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
LIST = pane_that_shows("pipeline")
LOWER = next(spec.scope for spec in PANES if spec.place == "below")
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

    def __init__(
        self, runtime: Runtime, keys: Mapping[str, tuple[str, ...]], at: Address | None = None
    ) -> None:
        """
        Args:
            at: what to go to as soon as it is listed.
        """
        super().__init__(runtime, keys)
        self._opened_at = at
        self._to_reveal: tuple[str, str] | None = None
        """A pane and the key of what it is to have its cursor on when that has been read."""
        self.filled = False
        self.panes[LIST] = pane_class(SPECS[LIST])(runtime)
        self.lower = LOWER
        self._watch = runtime.poller.watch()
        self._unsubscribe = runtime.store.subscribe(self._heard)
        self._settling: Timer | None = None
        # Where the log was opened from: the pane, the lower one, whether that filled the screen, and what was
        # selected there.
        self._behind_log: tuple[str, str, bool, Selection] | None = None
        self._changed: set[AnyKey] = set()
        self._shown_selection = Selection()
        """What the panes show; behind ``selection`` while the cursor does not rest."""
        self._followed: tuple[str, Selection] | None = None
        """The pane in use and what its cursor was on when that was selected last."""

    def compose(self) -> ComposeResult:
        yield Header(self.runtime)
        with Horizontal(id="body"):
            yield self.panes[LIST]
        yield KeyLine()

    # -- what it shows

    def on_mount(self) -> None:
        self.show_keys()
        self._project()
        self.panes[LIST].focus_target.focus()
        self.set_interval(TICK, self._project)

    async def complete(self) -> None:
        """The first frame, with the list alone, is on the screen: the other panes may be made."""
        side = [pane_class(spec)(self.runtime) for spec in PANES if spec.scope != LIST]
        self.panes |= {pane.scope: pane for pane in side}
        await self.query_one("#body").mount(Vertical(*side, id="side"))
        self._select(self.selection)
        self._arrange()
        self._go_on()

    def on_unmount(self) -> None:
        self._unsubscribe()
        self._watch.close()

    def _heard(self, changed: frozenset[AnyKey]) -> None:
        self._changed |= changed
        self.post_message(self.News())

    @on(News)
    def _news(self) -> None:
        changed, self._changed = frozenset(self._changed), set()
        self._renew(changed)
        self._project(changed)
        self._go_on()
        self.tell_outcomes()

    def _project(self, changed: frozenset[AnyKey] | None = None, *, list_too: bool = True) -> None:
        """Show what the store holds now, in what can be seen; unchanged lines are not drawn again.

        Args:
            changed: the questions whose readings are others; None: it may be all, and the time.
        """
        if self.app.screen is not self:
            return
        with self.app.batch_update():
            for pane in self._visible():
                if list_too or pane.scope != LIST:
                    pane.show_news(changed)
            self.header.project(SPECS[self.current].title if self._single else "")
        self.follow_cursor()

    def on_screen_resume(self) -> None:
        self._project()

    def _visible(self) -> list[Pane]:
        return [each for name, each in self.panes.items() if self._shown(name) and _there(each)]

    def _shown(self, name: str) -> bool:
        return name == self.current if self._single else SPECS[name].place != "below" or name == self.lower

    def _want(self) -> None:
        queries = {query for pane in self._visible() for query in pane.queries()}
        # The list is always wanted, and the verdicts: the header tells of all sources and models.
        queries.update(self.panes[LIST].queries(), verdict_queries(self.runtime.settings))
        self._watch.want(*queries)

    def show_keys(self) -> None:
        pane = self.panes[self.current]
        marked = [(MARK, f"{len(pane.marked)} marked"), ("Esc", "unmark")] if pane.marked else []
        self.key_line.show([*marked, *hints(pane.scope, self.keys)])

    @on(Pane.Wants)
    def _wants_changed(self) -> None:
        self._want()

    # -- what is selected

    @on(Pane.Moved)
    def follow_cursor(self) -> None:
        """What the cursor of the pane in use is on is the selection of all."""
        pane = self.panes[self.current]
        if not _there(pane) or (self.current, selected := pane.selected) == self._followed:
            return
        self._followed = self.current, selected
        selection, before = self._completed(selected), self.selection
        if selection == before:
            return
        self.selection = selection
        if before == Selection() or selection.run_address == before.run_address:
            self._select(selection)
            return
        self._stop_settling()
        self._settling = self.set_timer(SETTLE, self._settle)

    def _settle(self) -> None:
        """The cursor rests, or leaves the pane."""
        self._select(self.selection)

    def _stop_settling(self) -> None:
        if self._settling is not None:
            self._settling.stop()
            self._settling = None

    def _completed(self, selected: Selection) -> Selection:
        """With the pipeline and the model that it belongs to."""
        pipeline, model = selected.pipeline, selected.model
        for address in filter(None, (selected.run, selected.address)):
            pipeline = pipeline or self._row_of(address)
            model = model or owner_of(address, self.runtime.settings)
        if model is None and pipeline is not None:
            model = owner_of(pipeline.address, self.runtime.settings)
        return msgspec.structs.replace(selected, pipeline=pipeline, model=model)

    def _select(self, selection: Selection) -> None:
        """Have every pane show its side of it, and the list its row."""
        self._stop_settling()
        self.selection = selection
        same = selection.shows_the_same(self._shown_selection)
        self._shown_selection = selection
        for pane in self.panes.values():
            pane.selection = selection
        if same:
            return
        if self.current != LIST and selection.pipeline is not None:
            self.panes[LIST].reveal(selection.pipeline.key)
        self._project(list_too=False)  # it is where most is selected, and has its own news
        self._want()

    def _renew(self, changed: frozenset[AnyKey]) -> None:
        """The row of the list that is selected, as it is now."""
        selection = self.selection
        about = selection.pipeline.address if selection.pipeline is not None else selection.target
        if about is None or PipelinesOf(about.source) not in changed:
            return
        now = self._renewed(selection)
        if now != selection:
            self.selection = now
            if self._settling is None:
                self._select(now)

    def _renewed(self, selection: Selection) -> Selection:
        if (old := selection.pipeline) is None:
            return self._completed(selection)
        row = next((each for each in self._rows() if (each.address, each.ref) == (old.address, old.ref)), old)
        renewed = msgspec.structs.replace(selection, pipeline=row)
        address, run = selection.address, renewed.run_address
        if address is not None and address.of_run == selection.run_address != run:
            # It was in the run that was the newest before.
            return Selection(run=selection.run, pipeline=row, model=selection.model)
        return renewed

    @on(Pane.Go)
    def _go(self, event: Pane.Go) -> None:
        self.action_go(pane_that_shows(event.what))

    @on(Pane.Jump)
    def _jump(self, event: Pane.Jump) -> None:
        """Show a run, listed or older, or an environment, with its pipeline under the cursor of the list."""
        self.go_to(event.to, _kind_of(event.to))

    def go_to(self, address: Address, what: Shows) -> None:
        row = self._row_of(address)
        if row is None:
            words = f"{address.pipeline} is not among the watched pipelines."
            self.notify(words, markup=False, timeout=4)
            return
        self._reveal(row.key)
        own = None if address in (address.pipeline, address.of_run) else address
        run = address.of_run if address.run is not None else None
        self._select(self._completed(Selection(own, run, row)))
        scope = pane_that_shows(what)
        self.action_go(scope)
        key = row.key if scope == LIST else str(address)
        self._to_reveal = None if self.panes[scope].reveal(key) else (scope, key)

    def _go_on(self) -> None:
        """Go to what the deck was opened at, and to what was not read yet when it went there, as soon as it is."""
        if (at := self._opened_at) is not None and LOWER in self.panes:
            reading = self.runtime.store.get(PipelinesOf(at.source))
            known = reading.fault is not None or (reading.value is not None and not reading.recalled)
            if known or self._row_of(at) is not None:
                self._opened_at = None
                self.go_to(at, "gate" if at.gate is not None else _kind_of(at))
        if self._to_reveal is not None:
            scope, key = self._to_reveal
            if scope != self.current or self.panes[scope].reveal(key):
                self._to_reveal = None

    def _rows(self) -> Iterator[Pipeline]:
        """Of the list, those that a filter hides too."""
        for name in self.runtime.settings.pipeline_sources:
            listing = self.runtime.store.get(PipelinesOf(name)).value
            yield from listing.pipelines if listing is not None else ()

    def _row_of(self, address: Address) -> Pipeline | None:
        """The row that lists its run; else one of its pipeline."""
        pipeline, its_run = address.pipeline, address.of_run
        rows = [row for row in self._rows() if row.address == pipeline]
        rows.sort(key=lambda row: all(run.address != its_run for run in row.runs))
        return rows[0] if rows else None

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
        last = pipeline.last
        newest = last is not None and addresses[index] == last.address
        self._select(Selection(None, None if newest else addresses[index], pipeline, self.selection.model))

    # -- where the panes are

    @property
    def _single(self) -> bool:
        return self.filled or self.size.width < WIDE

    def _arrange(self) -> None:
        """One pane, or the list beside the others."""
        for name, pane in self.panes.items():
            pane.display = self._shown(name)
        if side := self.query("#side"):
            side.first().display = not self._single or self.current != LIST
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
        self.follow_cursor()

    def action_go(self, name: str) -> None:
        """Go to the pane of that name."""
        if (pane := self.panes.get(name)) is None or not _there(pane):
            return
        self._come_to(name)
        pane.focus_target.focus()

    def _come_to(self, name: str) -> None:
        self.follow_cursor()
        if self._settling is not None:
            self._settle()
        before = self._visible()
        self.current = name
        if SPECS[name].place == "below":
            self.lower = name
        if self._visible() != before:
            self._arrange()
        self.follow_cursor()
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
        if any(self.panes[name].clear_filter() for name in (self.current, LIST)):
            return
        if self.filled:
            self.action_fill()

    # -- other keys

    def action_help(self) -> None:
        self.app.push_screen(HelpSheet(list(help_sections(self.keys))))

    def action_sources(self) -> None:
        self.app.push_screen(HelpSheet(source_sections(self.runtime), ("Source", "What is known")))

    def action_refresh(self) -> None:
        self.runtime.poller.refresh_early(*{query for pane in self._visible() for query in pane.queries()})

    def action_log(self) -> None:
        """The log of what is under the cursor, filling the screen until it is closed."""
        self.follow_cursor()
        log, address = pane_that_shows("log"), self.selection.log
        if log not in self.panes or address is None:
            self.notify("There is no run here to read the log of.", markup=False, timeout=3)
            return
        self._behind_log = self._behind_log or (self.current, self.lower, self.filled, self.selection)
        self.filled = True
        self.panes[log].open_log(address)
        self.action_go(log)

    @on(Pane.Closed)
    def _log_closed(self) -> None:
        back, self.lower, self.filled, selection = self._behind_log or (
            pane_that_shows("run"),
            LOWER,
            False,
            self.selection,
        )
        self._behind_log = None
        self.current = back
        self._select(self._renewed(selection))
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
        address = self._target()
        self._copy(str(address) if address is not None else "")

    def action_copy_url(self) -> None:
        self.follow_cursor()
        pipeline, address = self.selection.pipeline, self.selection.run_address
        run = next((run for run in (pipeline.runs if pipeline else ()) if run.address == address), None)
        own = self.selection.url
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
        return [row.key for row in self._rows()]

    def reveal(self, key: str) -> None:
        """Go to the pipeline of ``key``, as the palette does."""
        self._reveal(key)
        self.action_go(LIST)

    def _reveal(self, key: str) -> None:
        """Put the cursor of the list on the pipeline of ``key``, whatever its filter."""
        pane = self.panes[LIST]
        if not pane.reveal(key):
            pane.clear_filter()
            pane.project()
            pane.reveal(key)


def _kind_of(address: Address) -> Shows:
    return "run" if address.run is not None else "environment" if address.environment else "pipeline"


def _there(pane: Pane) -> bool:
    """It has its parts: while it is made, which takes time on a busy machine, it hangs in the deck without them."""
    return pane.is_mounted and pane.is_attached
