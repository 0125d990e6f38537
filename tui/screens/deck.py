"""The deck: panes side by side on a wide terminal, one at a time on a narrow one."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.events import DescendantFocus, Resize
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget

from tui.domain.address import Address
from tui.engine.queries import PipelinesOf
from tui.engine.queries.verdicts import verdict_queries
from tui.engine.runtime import Runtime
from tui.engine.store import AnyKey
from tui.keys import action_called, bindings, hints, last_hints, spell
from tui.pane_registry import PANES, PREVIEW, SPECS, KeyAction, Shows, pane_that_shows
from tui.panes.base import Pane, Selection, pane_class
from tui.panes.selectable import MARK
from tui.screens.context import ContextLine
from tui.screens.header import Header
from tui.screens.selecting import LIST, Selecting, there
from widgets.divider import Divider
from widgets.status_line import Hint, KeyLine, StatusLine, Tab, TabLine

WIDE = 120
"""Columns of the terminal from which panes stand side by side."""
THREE = 200
"""Columns from which there are three of them."""
USUAL: Mapping[int, tuple[float, ...]] = {1: (1.0,), 2: (0.5,), 3: (0.42, 0.27)}
"""The shares of the width that the columns but the last have, by how many there are."""
LEAST = 20
"""Cells that a column has at least."""
TICK = 5.0
"""Seconds between looks at the clock: elapsed times move in steps of that size."""
LOWER = PREVIEW or next(spec.scope for spec in PANES if spec.place == "below")
"""The pane at the right, or below the stages, on a wide terminal, until another one is gone to."""


class Step(msgspec.Struct, frozen=True):
    """Where one was, and what was selected there."""

    pane: str
    lower: str
    filled: bool
    selection: Selection


class DeckScreen(Selecting):
    BINDINGS: ClassVar = [*bindings("everywhere"), *bindings("acting")]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    DeckScreen {
        & > #body { height: 1fr; }
        & #side { width: 1fr; layout: vertical; }
        &.three #side { layout: horizontal; }
        & Pane { width: 1fr; height: 1fr; }
        & > #context { background: $background; }
    }
    """

    class News(Message):
        """The store changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, DeckScreen.News)

    header = query_one(Header)
    tabs = query_one(TabLine)
    context = query_one(ContextLine)
    key_line = query_one(KeyLine)

    def __init__(
        self, runtime: Runtime, keys: Mapping[str, tuple[str, ...]], at: Address | None = None, view: str = ""
    ) -> None:
        """
        Args:
            at: what to go to as soon as it is listed.
            view: the name of the one that the list starts with.
        """
        super().__init__(runtime, keys)
        self._opened_at = at
        self._to_reveal: tuple[str, str] | None = None
        """A pane and the key of what it is to have its cursor on when that has been read."""
        self.filled = False
        self.panes[LIST] = pane_class(SPECS[LIST])(runtime)
        self.panes[LIST].choose_view(view)
        self.lower = LOWER
        self._watch = runtime.poller.watch()
        self._unsubscribe = runtime.store.subscribe(self._heard)
        self._trail: list[Step] = []
        """Where Escape leads back to, step by step; after these to the list."""
        self._dragged: dict[int, tuple[float, ...]] = {}
        """The shares of the width that a person gave to the columns but the last, by how many there are."""
        self._needed = 0
        """Columns that the list needs; 0: not known yet. Less only when the terminal has another size:
        nothing moves but for what would be cut."""
        self._changed: set[AnyKey] = set()

    def compose(self) -> ComposeResult:
        yield Header(self.runtime)
        yield TabLine(id="tabs")
        yield ContextLine(self.runtime)
        with Horizontal(id="body"):
            yield self.panes[LIST]
            yield Divider(id="beside")
        yield self.notices
        yield KeyLine(id="keys")

    # -- what it shows

    def on_mount(self) -> None:
        self.show_keys()
        self.project()
        self.panes[LIST].focus_target.focus()
        self.set_interval(TICK, self.project)

    async def complete(self) -> None:
        """The first frame, with the list alone, is on the screen: the other panes may be made."""
        side = [pane_class(spec)(self.runtime) for spec in PANES if spec.scope != LIST]
        self.panes |= {pane.scope: pane for pane in side}
        place = next(i for i, pane in enumerate(side) if SPECS[pane.scope].place == "top") + 1
        parts = (*side[:place], Divider(id="between"), *side[place:])
        await self.query_one("#body").mount(Container(*parts, id="side"))
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
        self.project(changed)
        self._go_on()
        self.tell_outcomes()

    def project(self, changed: frozenset[AnyKey] | None = None, *, list_too: bool = True) -> None:
        """Show what the store holds now, in what can be seen; unchanged lines are not drawn again.

        Args:
            changed: the questions whose readings are others; None: it may be all, and the time.
        """
        if self.app.screen is not self:
            return
        with self.app.batch_update():
            for pane in self.in_sight():
                if list_too or pane.scope != LIST:
                    pane.show_news(changed)
            if (needed := self.panes[LIST].width_needed) > self._needed:
                self._needed = needed
                self._share_width()
            self._show_frame()
        self.follow_cursor()

    def on_screen_resume(self) -> None:
        self.notices.can_be_read()
        self.project()

    def in_sight(self) -> list[Pane]:
        return [each for name, each in self.panes.items() if self._shown(name) and there(each)]

    def want(self) -> None:
        queries = {query for pane in self.in_sight() for query in pane.queries()}
        # The list is always wanted, and the verdicts: the header tells of all sources and models.
        queries.update(self.panes[LIST].queries(), verdict_queries(self.runtime.settings))
        self._watch.want(*queries)

    def show_keys(self) -> None:
        pane = self.panes[self.current]
        if marked := len(pane.marked):
            unmark = spell(self.keys["back"][0])
            first = [Hint(MARK, f"{marked} marked"), Hint(unmark, "unmark", "back")]
        else:
            first = []
        found = hints(pane.scope, self.keys, pane.status)
        self.key_line.show(
            [*first, *(Hint(key, words, action.id) for key, words, action in found)],
            [Hint(key, words, action.id) for key, words, action in last_hints(self.keys)],
        )

    def _show_frame(self) -> None:
        """All that stands round the panes."""
        self.header.project()
        counts = self.header.counts(self.shown_selection)
        self.tabs.show(
            [
                Tab(
                    spell(self.keys[f"pane_{spec.scope}"][0]),
                    spec.title,
                    spec.scope,
                    *counts.get(spec.scope, ("", "")),
                    spec.short,
                )
                for spec in PANES
                if spec.go
            ],
            self.current,
        )
        self.context.project(self.shown_selection)
        self.show_keys()

    @on(StatusLine.Pressed, "#header, #tabs, #context")
    def _place_pressed(self, event: StatusLine.Pressed) -> None:
        self.action_go(event.press)

    @on(StatusLine.Pressed, "#keys, #notice")
    async def _key_pressed(self, event: StatusLine.Pressed) -> None:
        await self.perform(action_called(event.press))

    @on(Pane.Wants)
    def _wants_changed(self) -> None:
        self.want()

    # -- going

    @on(Pane.Go)
    def _go(self, event: Pane.Go) -> None:
        self.follow_cursor()
        if event.what == "log":
            self.action_log()
        elif event.what == "run" and self._single and PREVIEW and self.current == LIST:
            self._into(PREVIEW)  # of what is queued, too: it says why
        elif event.what == "run" and self.selection.run_address is None:
            self.notify("No run is known behind it.", markup=False, timeout=3)
        else:
            self._into(pane_that_shows(event.what))

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
        step = Step(self.current, self.lower, self.filled, self.selection)
        self._reveal(row.key)
        own = None if address in (address.pipeline, address.of_run) else address
        run = address.of_run if address.run is not None else None
        self._select(self._completed(Selection(own, run, row)))
        scope = pane_that_shows(what)
        if scope != self.current:
            self._trail.append(step)
        self._enter(scope)
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

    # -- where the panes are

    @property
    def _columns(self) -> int:
        if self.filled or self.size.width < WIDE:
            return 1
        return 2 if self.size.width < THREE else 3

    @property
    def _single(self) -> bool:
        return self._columns == 1

    def _shown(self, name: str) -> bool:
        if self._single:
            return name == self.current
        place = SPECS[name].place
        if place == "top":
            return self._columns == 3 or self.lower != PREVIEW or name == self.current
        return place == "list" or name == self.lower

    def _arrange(self) -> None:
        """One pane, or the list beside the others."""
        columns = self._columns
        for name, pane in self.panes.items():
            pane.display = self._shown(name)
        self.set_class(columns == 1, "one").set_class(columns == 3, "three")
        for divider in self.query(Divider):
            divider.display = columns > 1 if divider.id == "beside" else columns == 3
        if side := self.query("#side"):
            side.first().display = not self._single or self.current != LIST
        self._share_width()
        self.want()
        self.project()

    def _share_width(self) -> None:
        """What the person has dragged the dividers to, or what is usual, of which the list takes what it needs."""
        columns, width = self._columns, self.size.width
        dragged = self._dragged.get(columns)
        cells = [
            max(LEAST, min(round(width * share), width - LEAST * columns))
            for share in dragged or USUAL[columns]
        ]
        if dragged is None and self._needed:
            cells[0] = max(LEAST, min(cells[0], self._needed))
        self.panes[LIST].styles.width = cells[0] if columns > 1 else "1fr"
        for name, pane in self.panes.items():
            if SPECS[name].place == "top":
                pane.styles.width = cells[1] if columns == 3 else "1fr"

    @on(Divider.Dragged)
    def _divider_dragged(self, event: Divider.Dragged) -> None:
        columns, width = self._columns, self.size.width
        shares = list(self._dragged.get(columns) or USUAL[columns])
        if event.divider.id == "beside":
            shares[0] = event.x / width
        elif columns == 3:
            shares[1] = (event.x - self.panes[LIST].outer_size.width - 1) / width
        self._dragged[columns] = tuple(shares)
        self._share_width()

    def on_resize(self, event: Resize) -> None:
        self._needed = self.panes[LIST].width_needed or self._needed
        self._arrange()

    @on(DescendantFocus)
    def _focus_moved(self, event: DescendantFocus) -> None:
        for name, pane in self.panes.items():
            if pane in event.widget.ancestors and name != self.current:
                self._trail.clear()
                self._come_to(name)
        self.follow_cursor()

    def action_go(self, name: str) -> None:
        """Go to the pane of that name; from there the way back is to the list."""
        self._trail.clear()
        self._enter(name)

    def _enter(self, name: str) -> None:
        at = self.selection.address
        self._go_to_pane(name)
        if (pane := self.panes.get(name)) is not None and there(pane):
            pane.enter(at)

    def _go_to_pane(self, name: str) -> None:
        if (pane := self.panes.get(name)) is None or not there(pane):
            return
        self._come_to(name)
        self.set_focus(pane.focus_target)  # not focus(), which waits for a turn: the next key is meant for it

    def _come_to(self, name: str) -> None:
        self.follow_cursor()
        if self._settling is not None:
            self._settle()
        before = self.in_sight()
        self.current = name
        if SPECS[name].place in ("below", "preview"):
            self.lower = name
        if self.in_sight() != before:
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

    # -- into and back

    def _into(self, name: str) -> None:
        """Go to a pane that Escape leads back from."""
        step = Step(self.current, self.lower, self.filled, self.selection)
        if name != self.current:
            self._trail.append(step)
        self._enter(name)

    def action_back(self) -> None:
        """A notice, marks or a filter go first."""
        pane = self.panes[self.current]
        if self.notices.take_away():
            return
        if pane.clear_marks():
            self.show_keys()
            return
        if pane.clear_filter():
            return
        if not self._step_back():
            self.panes[LIST].clear_filter()

    def action_leave(self) -> None:
        if self.current == LIST or not self._step_back():
            self.action_quit()

    def _step_back(self) -> bool:
        """Back to where one came from, at last to the list; False where there is no way back."""
        if self.panes[self.current].step_back():
            return True
        if self._trail:
            step = self._trail.pop()
            self.lower, self.filled = step.lower, step.filled
            self.current = step.pane
            self._select(self._renewed(step.selection))
            self._arrange()
            self._go_to_pane(step.pane)
            return True
        if self.filled:
            self.action_fill()
            return True
        if self.current == LIST:
            return False
        self.lower = LOWER
        self._go_to_pane(LIST)
        self._arrange()
        return True

    def action_log(self) -> None:
        """The log of what is under the cursor, filling the screen until it is left."""
        self.follow_cursor()
        log, address = pane_that_shows("log"), self.selection.log
        if log not in self.panes or address is None:
            self.notify("There is no run here to read the log of.", markup=False, timeout=3)
            return
        step = Step(self.current, self.lower, self.filled, self.selection)
        if self.current != log:
            self._trail.append(step)
        self.filled = True
        self.panes[log].open_log(address)
        self._go_to_pane(log)

    # -- for the palette

    async def perform(self, action: KeyAction) -> None:
        """Do what a key of the registry would do, wherever the focus is."""
        namespace: Widget = self.panes.get(action.scope) or self
        if action.scope in ("tables", "lines") and self.focused is not None:
            namespace = self.focused
        await self.app.run_action(action.command, default_namespace=namespace)

    def go_to_model(self, name: str) -> None:
        """Go to the metrics of that model, with its first pipeline selected."""
        model = self.runtime.settings.models[name]
        row = next((row for row in self.rows() if model.ships(row.address)), None)
        self._select(Selection(pipeline=row, model=name))
        self._into("metrics")

    def try_theme(self, name: str) -> None:
        """Show these colours until the end, and say what keeps them."""
        self.app.theme = name
        path = self.runtime.settings.path or "the config"
        self.notify(f'To keep these colours: theme = "{name}" under [ui] in {path}', markup=False, timeout=30)

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
